//! Every page of the dashboard, as it is looked at: wide and narrow, light and dark, in Korean and in English. Nothing is
//! complained of, nothing sticks out, and axe finds nothing against WCAG 2.2 AA.

use serde_json::{Value, json};

use crate::browser::sign_in;
use crate::chromium::Chromium;
use crate::studio::Studio;

/// <https://github.com/dequelabs/axe-core>, MPL-2.0.
const AXE: &str = include_str!("../vendor/axe-4.14.1.min.js");

const LOOK: &str = "(async () => {
    const options = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] };
    const found = await axe.run(document, options);
    return found.violations.map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => n.target.join(' ')).join(', ')}`);
})()";

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_sound_wide_and_narrow_light_and_dark_in_both_languages() {
    let studio = Studio::start("browser-admin").await;
    studio.app.setup.done();
    studio.work().await;
    let mut browser = Chromium::start("admin").await;
    let page = sign_in(&mut browser, &studio, "editor@example.com").await;
    browser.open(&page, &format!("{}/admin", studio.url)).await;
    let paths = "[...document.querySelectorAll('.desk-nav a')].map(a => new URL(a.href).pathname)";
    let paths: Vec<String> = serde_json::from_value(browser.eval(&page, paths).await).unwrap();
    assert!(paths.len() >= 18, "{paths:?}");

    let mut wrong = Vec::new();
    let looks =
        [(1440, false, "ko", false), (1440, true, "en", true), (390, true, "ko", false), (390, false, "en", true)];
    for (width, dark, locale, axe) in looks {
        browser.look(&page, width, 900, dark).await;
        let me =
            studio.editor.ask(reqwest::Method::PATCH, "/me").json(&json!({ "locale": locale })).send().await.unwrap();
        assert_eq!(me.status(), 200);
        for path in &paths {
            browser.open(&page, &format!("{}{path}", studio.url)).await;
            let said = browser.eval(&page, "document.documentElement.lang").await;
            assert_eq!(said, locale, "{path}");
            let out = browser.eval(&page, "document.documentElement.scrollWidth - innerWidth").await;
            if out.as_i64().unwrap() > 0 {
                wrong.push(format!("{path} {width} {locale}: sticks out by {out}"));
            }
            // Each of both widths and both themes once: it takes a second a page.
            if !axe {
                continue;
            }
            browser.eval(&page, &format!("{AXE}; true")).await;
            let found: Vec<Value> = serde_json::from_value(browser.eval(&page, LOOK).await).unwrap();
            wrong.extend(found.iter().map(|v| format!("{path} {width} dark={dark} {locale}: {v}")));
        }
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // Keys: the list of them, and the way to another page.
    browser.look(&page, 1440, 900, false).await;
    browser.open(&page, &format!("{}/admin", studio.url)).await;
    // As on a keyboard where it is not the shifted slash.
    browser.press(&page, "?", "Minus", false).await;
    browser.until(&page, "document.querySelector('dialog#keys[open]')").await;
    browser.press(&page, "Escape", "Escape", false).await;
    browser.until(&page, "!document.querySelector('dialog#keys[open]')").await;
    browser.press(&page, "g", "KeyG", false).await;
    browser.press(&page, "j", "KeyJ", false).await;
    browser.until(&page, "location.pathname === '/admin/jobs' && document.readyState === 'complete'").await;

    // What lives comes without a reload: a request that is made elsewhere moves the number.
    browser.open(&page, &format!("{}/admin", studio.url)).await;
    browser.until(&page, "document.querySelector('#pulse.on')").await;
    browser.eval(&page, "window.before = document.querySelector('#numbers').textContent; true").await;
    for _ in 0..40 {
        assert_eq!(studio.editor.get("/projects").await.status(), 200);
    }
    browser.until(&page, "document.querySelector('#numbers').textContent !== window.before").await;
    studio.stop().await;
}
