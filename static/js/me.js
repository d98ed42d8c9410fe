// The profile page.
import "./frame.js";
import "./wishes.js";
import { api, sendForm } from "./api.js";
import { $, confirmed, page, t, toast } from "./dom.js";
import { refreshParts } from "./part.js";

const profile = $("#profile-form");
profile.addEventListener("submit", async (event) => {
  event.preventDefault();
  const language = profile.elements.locale.value;
  if (!await sendForm(profile, "PATCH", "/me")) return;
  document.cookie = `vp_lang=${language}; Path=/; Max-Age=${365 * 86400}; SameSite=Lax`;
  if (language !== page.lang) location.reload();
  else toast(t("js.me.saved"), "good");
});

const password = $("#password-form");
password.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!await sendForm(password, "PATCH", "/me")) return;
  password.reset();
  toast(t("js.me.password_saved"), "good");
  refreshParts("sessions");
});

document.addEventListener("click", async (event) => {
  const one = event.target.closest("[data-end]");
  try {
    if (one) await api("DELETE", `/me/sessions/${one.dataset.end}`);
    else if (event.target.closest("#end-others")) {
      if (!await confirmed({ title: t("js.session.end_title"), text: t("js.session.end_text"), action: t("js.session.end") })) return;
      await api("DELETE", "/me/sessions");
    } else return;
    toast(t("js.session.ended"), "good");
    refreshParts("sessions");
  } catch { /* said by a toast */ }
});
