//! A plan by two people in two browsers: one line becomes a storyboard, a change is seen at once by the other, shots are
//! moved by keys, and everything is still there after a reload.

use serde_json::Value;
use videoplanet::base::roles::Role;

use crate::browser::sign_in;
use crate::chromium::Chromium;
use crate::studio::Studio;

/// The keys of the shots in their order on the page.
const ORDER: &str = "[...document.querySelectorAll('.shot')].map(e => e.dataset.key).join()";

#[tokio::test(flavor = "multi_thread")]
async fn a_line_becomes_a_storyboard_that_two_people_write() {
    let studio = Studio::start("browser-plans").await;
    studio.app.setup.done();
    studio.work().await;
    studio.member("colleague", Role::Editor).await;
    let mut browser = Chromium::start("plans").await;
    let first = sign_in(&mut browser, &studio, "editor@example.com").await;
    let second = sign_in(&mut browser, &studio, "colleague@example.com").await;

    // From a title and one line to twelve shots.
    browser.open(&first, &format!("{}/projects/{}/plans", studio.url, studio.project)).await;
    browser.click(&first, ".plans-empty [data-preset=ad]").await;
    browser.write(&first, "#np-title", "겨울 저녁 붕어빵").await;
    browser.write(&first, "#np-line", "첫 월급으로 산 붕어빵을 아버지와 나눠 먹는 신입사원의 겨울 저녁").await;
    browser.click(&first, "#new-plan-form [type=submit]").await;
    browser.until(&first, "document.querySelectorAll('.shot').length === 12").await;
    browser.until(&first, "document.querySelector('.plan-notice')").await;
    let drawn = "[...document.querySelectorAll('.shot img')].every(i => i.loading === 'lazy' || i.complete)
        && [...document.querySelectorAll('.shot .title')].every(e => e.value)";
    browser.until(&first, drawn).await;
    let path = browser.eval(&first, "location.pathname").await.as_str().unwrap().to_owned();

    // A colleague stands in the fourth shot while the first writes in the second: he sees it, and keeps his own words.
    browser.open(&second, &format!("{}{path}", studio.url)).await;
    browser
        .until(&second, "document.querySelector('#live.open') && document.querySelectorAll('.shot').length === 12")
        .await;
    browser.until(&first, "document.querySelector('#online .avatar')").await;
    let title = |key: i64| format!("document.querySelector('[data-key=\"{key}\"] .title')");
    browser.eval(&second, &format!("{}.select()", title(4))).await;
    browser.write(&second, "[data-key=\"4\"] .title", "노점 앞의 망설임").await;
    browser.eval(&first, &format!("{}.select()", title(2))).await;
    browser.write(&first, "[data-key=\"2\"] .title", "퇴근길의 불빛").await;
    browser.until(&second, &format!("{}.value === '퇴근길의 불빛'", title(2))).await;
    browser.until(&second, "document.querySelector('.shot.touched .by')?.textContent === 'editor'").await;
    browser.until(&first, &format!("{}.value === '노점 앞의 망설임'", title(4))).await;
    assert_eq!(browser.eval(&second, &format!("{}.value", title(4))).await, "노점 앞의 망설임");

    // Alt and an arrow move the shot in which one stands; the focus goes with it, and the other page follows.
    browser.eval(&first, &format!("{}.focus()", title(2))).await;
    browser.alt(&first, "ArrowDown").await;
    browser.alt(&first, "ArrowDown").await;
    let moved = format!("{ORDER} === '1,3,4,2,5,6,7,8,9,10,11,12'");
    browser.until(&first, &moved).await;
    browser.until(&first, "document.activeElement.closest('.shot').dataset.key === '2'").await;
    browser.until(&second, &moved).await;
    browser.until(&second, "document.querySelector('[data-stage=development] [data-key=\"2\"]')").await;

    // What was typed last outlives a reload, and so does the order.
    browser.click(&first, "[data-key=\"2\"] .frame").await;
    browser.write(&first, "#shot textarea", " 눈이 내린다.").await;
    browser.until(&first, "document.querySelector('#saved.kept')").await;
    browser.eval(&first, "(window.old = true, location.reload(), true)").await;
    browser.until(&first, "!window.old && document.querySelectorAll('.shot').length === 12").await;
    assert_eq!(browser.eval(&first, ORDER).await, "1,3,4,2,5,6,7,8,9,10,11,12");
    let text = browser.eval(&first, "document.querySelector('[data-key=\"2\"] .text').value").await;
    assert!(text.as_str().unwrap().contains("눈이 내린다."), "{text}");
    let id = path.rsplit('/').next().unwrap();
    let plan: Value = studio.editor.get(&format!("/plans/{id}")).await.json().await.unwrap();
    assert_eq!(plan["story"]["shots"][3]["title"], "퇴근길의 불빛");
    assert!(plan["story"]["shots"][3]["edited"].as_bool().unwrap());

    // Shown for review it is talked about: a word about the shot reaches the other beside it.
    browser.click(&first, "#flow .primary").await;
    browser.until(&second, "document.querySelector('#status .plan-in_review')").await;
    browser.click(&second, "[data-key=\"2\"] .talk").await;
    browser.write(&second, "#say", "이 샷은 조금 더 길게 가죠.").await;
    browser.click(&second, "#composer [type=submit]").await;
    browser.until(&first, "document.querySelector('[data-key=\"2\"] .talk.some')").await;
    browser.click(&first, "[data-key=\"2\"] .talk").await;
    browser.until(&first, "document.querySelector('.note .chip')?.textContent === 'S04'").await;
    assert_eq!(browser.complaints(), Vec::<String>::new());
    studio.stop().await;
}
