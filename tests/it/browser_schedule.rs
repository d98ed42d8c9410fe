//! The schedule in the browser: one drags a bar and another sees it, keys move it on, and the month takes an entry.
//! All of it where it is another day than at the studio.

use jiff::ToSpan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::sign_in;
use crate::chromium::Chromium;
use crate::studio::Studio;

/// The day so many days from today, as it is written.
fn day(days: i64) -> String {
    jiff::Zoned::now().date().checked_add(days.days()).unwrap().to_string()
}

/// First and last day of the filming as the server has them.
async fn filming(studio: &Studio) -> [String; 2] {
    let schedule = studio.editor.get(&format!("/projects/{}/schedule", studio.project)).await;
    let schedule: Value = schedule.json().await.unwrap();
    let phase = &schedule["phases"][2];
    assert_eq!(phase["phase"], "filming");
    ["start", "end"].map(|side| phase[side].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dragged_bar_is_seen_by_others_keys_move_it_and_the_month_takes_an_entry() {
    // At the studio it is another day than where the browsers are: those two zones never have the same date.
    let now = jiff::Zoned::now();
    let elsewhere = ["Pacific/Kiritimati", "Pacific/Pago_Pago"]
        .into_iter()
        .find(|zone| now.in_tz(zone).unwrap().date() != now.date())
        .unwrap();
    let studio = Studio::with("browser-schedule", |c| c.schedule.time_zone = elsewhere.into()).await;
    studio.app.setup.done();
    let project = format!("/projects/{}/schedule", studio.project);
    let dates = json!({ "start": day(3), "end": day(6) });
    let set = studio.editor.ask(Method::PATCH, &format!("{project}/filming")).json(&dates).send().await.unwrap();
    assert_eq!(set.status(), 200);
    let mut browser = Chromium::start("schedule").await;
    let planner = sign_in(&mut browser, &studio, "editor@example.com").await;
    let viewer = sign_in(&mut browser, &studio, "viewer@example.com").await;
    let bar = format!(".bar[data-key=\"{}/filming\"]", studio.project);
    for page in [&planner, &viewer] {
        browser.open(page, &format!("{}{project}", studio.url)).await;
        browser.until(page, &format!("document.querySelector('{bar}')")).await;
    }
    let place = format!("Number(document.querySelector('{bar}').style.getPropertyValue('--from'))");
    let began = browser.eval(&viewer, &place).await.as_f64().unwrap();

    // Four days wide: half of its width to the right is two days. Who may only look cannot do it.
    browser.drag(&viewer, &bar, [0.4, 0.5], [0.9, 0.5]).await;
    browser.drag(&planner, &bar, [0.4, 0.5], [0.9, 0.5]).await;
    browser.until(&viewer, &format!("{place} === {}", began + 2.0)).await;
    assert_eq!(filming(&studio).await, [day(5), day(8)]);
    // What was done by mistake is undone.
    browser.click(&planner, ".toast .btn:not(.icon-only)").await;
    browser.until(&viewer, &format!("{place} === {began}")).await;
    assert_eq!(filming(&studio).await, [day(3), day(6)]);

    // By keys: three days on is one change, when the keys rest.
    browser.eval(&planner, &format!("document.querySelector('{bar}').focus()")).await;
    for _ in 0..3 {
        browser.press(&planner, "ArrowRight", "ArrowRight", false).await;
    }
    assert_eq!(browser.eval(&planner, &place).await, began + 3.0);
    browser.until(&viewer, &format!("{place} === {}", began + 3.0)).await;
    assert_eq!(filming(&studio).await, [day(6), day(9)]);

    // An entry comes and goes for others too.
    let at = format!("{}T00:00:00.000Z", day(4));
    let scouting = json!({
        "project_id": studio.project, "kind": "meeting", "title": "현장 답사", "all_day": true, "start": at, "end": at
    });
    let added = studio.editor.ask(Method::POST, "/entries").json(&scouting).send().await.unwrap();
    assert_eq!(added.status(), 201);
    let added: Value = added.json().await.unwrap();
    let listed = "document.querySelector('#entries').textContent.includes('현장 답사')";
    browser.until(&viewer, listed).await;
    let gone = studio.editor.ask(Method::DELETE, &format!("/entries/{}", added["id"])).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    browser.until(&viewer, &format!("!{listed}")).await;

    // Enter on a day of the month adds an entry there.
    browser.open(&planner, &format!("{}/calendar?view=month", studio.url)).await;
    browser.until(&planner, "document.querySelector('.cal-day.now[tabindex=\"0\"]')").await;
    browser.eval(&planner, "document.querySelector('.cal-day.now').focus()").await;
    browser.press(&planner, "Enter", "Enter", false).await;
    browser.write(&planner, "dialog input[name=title]", "고객사 미팅").await;
    browser.click(&planner, "dialog button[type=submit]").await;
    browser
        .until(&planner, "document.querySelector('.cal-day.now .item-chip.meeting')?.textContent === '고객사 미팅'")
        .await;
    let calendar = studio.editor.get(&format!("/calendar?from={}&to={}", day(0), day(0))).await;
    let calendar: Value = calendar.json().await.unwrap();
    assert_eq!(calendar["entries"][0]["title"], "고객사 미팅");
    assert_eq!(calendar["entries"][0]["project_id"], json!(null));
    assert_eq!(browser.complaints(), Vec::<String>::new());
    studio.stop().await;
}
