//! The main job, by two people in two browsers: upload, watch it being processed, play, comment, see each other.
//! And finding it again: the search box.

use serde_json::json;

use crate::chromium::{Chromium, Page};
use crate::studio::Studio;

pub async fn sign_in(browser: &mut Chromium, studio: &Studio, email: &str) -> Page {
    let page = browser.page(1440, 900).await;
    browser.open(&page, &format!("{}/login", studio.url)).await;
    browser.write(&page, "#email", email).await;
    browser.write(&page, "#password", "correct horse battery").await;
    browser.press(&page, "Enter", "Enter", false).await;
    browser.until(&page, "location.pathname === '/' && document.readyState === 'complete'").await;
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_uploaded_played_and_talked_about_live() {
    let studio = Studio::start("browser").await;
    studio.app.setup.done();
    studio.work().await;
    studio.make_reviewer().await;
    // Sixty seconds of 1080p, in a form that no browser plays: the proxy has to be made.
    studio.dir.film(
        "-f lavfi -i testsrc2=s=1920x1080:r=24000/1001:d=60 -f lavfi -i sine=d=60 -c:v mpeg4 -q:v 6 -c:a aac film.mov",
    );
    let mut browser = Chromium::start("main").await;
    let editor = sign_in(&mut browser, &studio, "editor@example.com").await;
    let reviewer = sign_in(&mut browser, &studio, "viewer@example.com").await;

    // The editor makes a feedback with a film, from the project's page.
    browser.open(&editor, &format!("{}/projects/{}", studio.url, studio.project)).await;
    browser.click(&editor, "[data-open=new-feedback]").await;
    browser.write(&editor, "#nf-title", "시사본 v1").await;
    browser.choose(&editor, "#nf-file", &studio.dir.path().join("film.mov")).await;
    browser.click(&editor, "#new-feedback-form button[type=submit]").await;
    let mut media = json!(null);
    for _ in 0..600 {
        let found = studio.editor.get(&format!("/projects/{}/feedbacks", studio.project)).await;
        let found: serde_json::Value = found.json().await.unwrap();
        let newest = &found["results"][0];
        if newest["title"] == "시사본 v1" && !newest["latest_media"].is_null() {
            media = newest.clone();
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let feedback = media["id"].as_i64().expect("the upload became a version");
    let room = format!("{}/feedbacks/{feedback}", studio.url);

    // Both stand in the room while the proxy is made; it begins to play without a reload.
    browser.open(&reviewer, &room).await;
    browser.open(&editor, &room).await;
    let shown = studio.settled(media["latest_media"]["id"].as_i64().unwrap()).await;
    assert_eq!(shown["state"], "ready", "{shown}");
    assert_eq!(shown["facts"]["frame_rate"], json!({ "num": 24000, "den": 1001 }));
    assert_eq!(shown["urls"]["thumbs"].as_array().unwrap().len(), 10);
    browser.until(&reviewer, "document.querySelector('video')?.videoWidth === 1920").await;
    browser.eval(&reviewer, "document.activeElement?.blur()").await;
    browser.press(&reviewer, " ", "Space", false).await;
    browser.until(&reviewer, "document.querySelector('video').currentTime > 0.5").await;
    browser.press(&reviewer, " ", "Space", false).await;
    browser.until(&reviewer, "document.querySelector('video').paused").await;
    // Seeking: to the second frame after ten seconds by the page's own step keys.
    browser.eval(&reviewer, "document.querySelector('video').currentTime = 42").await;
    browser
        .until(
            &reviewer,
            "!document.querySelector('video').seeking && document.querySelector('video').currentTime > 41.9",
        )
        .await;
    let at = browser.eval(&reviewer, "document.querySelector('video').currentTime").await.as_f64().unwrap();
    browser.press(&reviewer, ".", "Period", false).await;
    browser.until(&reviewer, &format!("document.querySelector('video').currentTime > {at} + 0.02")).await;
    let step = browser.eval(&reviewer, "document.querySelector('video').currentTime").await.as_f64().unwrap() - at;
    assert!(step < 2.0 * 1001.0 / 24000.0, "one frame, not {step} s");

    // The reviewer says something at this moment; the editor sees it without a reload.
    let text = "인터뷰 자막에 오타가 있습니다.";
    let watch = format!(
        "window.seen = new Promise(done => {{
            const look = () => document.querySelector('#comments').textContent.includes({0}) && done(Date.now());
            new MutationObserver(look).observe(document.querySelector('#comments'), {{ childList: true, subtree: true }});
        }}); true",
        json!(text)
    );
    browser.until(&editor, "document.querySelector('#comments') && document.querySelector('#live')").await;
    browser.eval(&editor, &watch).await;
    browser.press(&reviewer, "t", "KeyT", false).await;
    browser.until(&reviewer, "document.activeElement?.id === 'say'").await;
    browser.write(&reviewer, "#say", text).await;
    let sent = browser.eval(&reviewer, "Date.now()").await.as_i64().unwrap();
    browser.press(&reviewer, "Enter", "Enter", true).await;
    let seen = browser.eval(&editor, "window.seen").await.as_i64().unwrap();
    // Usually a tenth of a second; the bound only tells live from reloaded.
    println!("seen by the other browser after {} ms", seen - sent);
    assert!(seen - sent < 3_000, "{} ms", seen - sent);
    let listed = studio.editor.get(&format!("/feedbacks/{feedback}/comments")).await;
    let listed: serde_json::Value = listed.json().await.unwrap();
    let comment = &listed["results"][0];
    assert_eq!(comment["text"], text);
    let start = comment["start_ms"].as_i64().unwrap();
    assert!((41_900..43_000).contains(&start), "the comment stands at {start} ms");

    // And typing is seen, but not one's own.
    browser.write(&editor, "#say", "네, 고치").await;
    browser.until(&reviewer, "document.querySelector('#typing').innerText.trim() !== ''").await;
    assert_eq!(browser.eval(&editor, "document.querySelector('#typing').innerText.trim()").await, "");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slash_opens_the_search_typing_offers_names_and_enter_goes_to_the_results() {
    // The project is called 가을 광고.
    let studio = Studio::start("browser-search").await;
    studio.work().await;
    studio.app.setup.done();
    let comment = json!({ "text": "제품 컷 색 보정 부탁드려요.", "start_ms": 12_000 });
    let path = format!("/feedbacks/{}/comments", studio.feedback);
    let said = studio.editor.ask(reqwest::Method::POST, &path).json(&comment).send().await.unwrap();
    assert_eq!(said.status(), 201);
    videoplanet::domain::search::settled(&studio.app).await.unwrap();
    let mut browser = Chromium::start("search").await;
    let page = sign_in(&mut browser, &studio, "editor@example.com").await;

    browser.press(&page, "/", "Slash", false).await;
    browser.until(&page, "document.activeElement?.name === 'q'").await;
    browser.write(&page, ".bar .find input[name=q]", "가을").await;
    browser.until(&page, "document.querySelector('.bar .find-list a.find-row mark')?.textContent === '가을'").await;
    assert_eq!(browser.eval(&page, "document.activeElement.getAttribute('aria-expanded')").await, "true");
    // Escape shuts the list and keeps what was typed.
    browser.press(&page, "Escape", "Escape", false).await;
    browser.until(&page, "document.querySelector('.bar .find-list').hidden").await;
    assert_eq!(browser.eval(&page, "document.activeElement.value").await, "가을");

    // In the room the box is a dialog over the picture. Spaces do not matter, and Enter goes to the results.
    browser.open(&page, &format!("{}/feedbacks/{}", studio.url, studio.feedback)).await;
    browser.until(&page, "document.querySelector('#comments')?.textContent.includes('색 보정')").await;
    browser.eval(&page, "document.activeElement?.blur()").await;
    browser.press(&page, "/", "Slash", false).await;
    browser
        .until(&page, "document.querySelector('dialog.find-over[open]') && document.activeElement?.name === 'q'")
        .await;
    browser.write(&page, "dialog.find-over input[name=q]", "색보정").await;
    browser.until(&page, "document.querySelector('dialog.find-over .find-all')").await;
    browser.press(&page, "Enter", "Enter", false).await;
    browser.until(&page, "location.pathname === '/search' && document.readyState === 'complete'").await;
    browser.until(&page, "document.querySelector('a.hit[href*=\"?c=\"] mark')?.textContent === '색 보정'").await;
    // A comment's row leads to the comment in its room.
    browser.click(&page, "a.hit[href*=\"?c=\"]").await;
    browser.until(&page, "location.pathname.startsWith('/feedbacks/') && document.querySelector('.note.linked')").await;
    assert_eq!(browser.complaints(), Vec::<String>::new());
    studio.stop().await;
}
