// Light, dark, or as the system says. The cookie lets the server render the next page without a flash.

export function theme() {
  return document.documentElement.dataset.theme || "system";
}

export function setTheme(name) {
  if (name === "light" || name === "dark") document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
  const year = 365 * 86400;
  document.cookie = `vp_theme=${name}; Path=/; Max-Age=${year}; SameSite=Lax`;
  for (const button of document.querySelectorAll("[data-set-theme]")) {
    button.setAttribute("aria-checked", String(button.dataset.setTheme === theme()));
    if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", String(button.dataset.setTheme === theme()));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-set-theme]");
  if (button) setTheme(button.dataset.setTheme);
});
