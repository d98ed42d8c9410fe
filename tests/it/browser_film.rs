//! What the review room makes of a film's renditions: the original at once, the proxy without losing the place, a look
//! ahead on the timeline, the cuts.

use serde_json::json;
use videoplanet::base::job::Lane;
use videoplanet::engines::queue::{self, LaneChange};

use crate::browser::sign_in;
use crate::chromium::Chromium;
use crate::studio::Studio;

#[tokio::test(flavor = "multi_thread")]
async fn the_original_plays_until_the_proxy_is_there_and_the_cuts_lead_to_their_frames() {
    let studio = Studio::start("browser-film").await;
    studio.app.setup.done();
    studio.work().await;
    let lane = |paused| {
        let app = &studio.app;
        app.store.write(move |tx| queue::set_lane(tx, None, Lane::Media, LaneChange::Paused(paused)))
    };
    // Nothing of it is made before it is known that the original plays.
    lane(true).await.unwrap();
    // Three scenes of 25 frames a second. Its index stands at the end: it plays, and its proxy is another file.
    let film = studio.dir.film(
        "-f lavfi -i testsrc2=s=640x360:r=25:d=3 -f lavfi -i smptebars=s=640x360:r=25:d=2 \
         -f lavfi -i rgbtestsrc=s=640x360:r=25:d=4 -f lavfi -i sine=d=9 \
         -filter_complex [0][1][2]concat=n=3[v] -map [v] -map 3 -pix_fmt yuv420p -c:v libx264 -preset ultrafast \
         -g 250 -c:a aac cuts.mp4",
    );
    let mut browser = Chromium::start("film").await;
    let page = sign_in(&mut browser, &studio, "editor@example.com").await;
    browser.open(&page, &format!("{}/feedbacks/{}", studio.url, studio.feedback)).await;
    let media = studio.editor.upload(studio.feedback, "cuts.mp4", &film).await;

    // The original plays, though nothing has been made yet.
    browser.until(&page, "document.querySelector('#screen video')?.src.endsWith('/original')").await;
    browser.until(&page, "document.querySelector('#screen video').readyState >= 2").await;
    let shown: serde_json::Value = studio.editor.get(&format!("/media/{media}")).await.json().await.unwrap();
    assert_eq!((shown["state"].as_str(), shown["urls"]["proxy"].is_null()), (Some("processing"), true), "{shown}");
    browser.eval(&page, "document.activeElement?.blur()").await;
    browser.press(&page, " ", "Space", false).await;
    browser.until(&page, "document.querySelector('#screen video').currentTime > 0.4").await;
    browser.press(&page, " ", "Space", false).await;
    browser.until(&page, "document.querySelector('#screen video').paused").await;
    browser.eval(&page, "document.querySelector('#screen video').currentTime = 1.02").await;
    browser.until(&page, "!document.querySelector('#screen video').seeking").await;

    // The proxy comes, and the place is kept to the frame.
    lane(false).await.unwrap();
    browser.until(&page, "document.querySelector('#screen video:not(.next)').src.endsWith('/proxy.mp4')").await;
    let at = browser.eval(&page, "document.querySelector('#screen video').currentTime").await.as_f64().unwrap();
    assert_eq!((at * 25.0).floor(), 25.0, "the 26th frame, as before: {at}");
    assert_eq!(browser.eval(&page, "document.querySelectorAll('#screen video').length").await, 1);
    assert_eq!(browser.eval(&page, "document.querySelector('#screen video').paused").await, true);

    // A look ahead: the small picture of that moment, cut out of the sheet.
    let ready = studio.settled(media).await;
    assert_eq!(ready["report"]["scenes"], 3, "{}", ready["report"]);
    browser.until(&page, "document.querySelectorAll('.cut-shot').length === 3").await;
    browser.point(&page, "#timeline", 0.5).await;
    browser.until(&page, "document.querySelector('.hover-card .look')?.getClientRects().length").await;
    let look = "(() => { const s = getComputedStyle(document.querySelector('.hover-card .look')); \
                return s.backgroundImage.includes('/sprite.jpg') && s.backgroundPosition !== '0px 0px'; })()";
    assert_eq!(browser.eval(&page, look).await, true);
    let code = browser.eval(&page, "document.querySelector('.hover-card b').textContent").await;
    assert!(code.as_str().unwrap().starts_with("00:00:04:"), "{code}");

    // The third cut begins at frame 125; so say the strip, the key and the picture.
    browser.until(&page, "document.querySelectorAll('.cut-marks i').length === 2").await;
    browser.click(&page, ".cut-shot[data-index='2']").await;
    let frame = "Math.floor(document.querySelector('#screen video').currentTime * 25)";
    browser.until(&page, &format!("{frame} === 125 && !document.querySelector('#screen video').seeking")).await;
    browser.until(&page, "document.querySelector('.cut-shot[aria-current]')?.dataset.index === '2'").await;
    browser.eval(&page, "document.activeElement?.blur()").await;
    browser.press(&page, "[", "BracketLeft", false).await;
    browser.until(&page, &format!("{frame} === 75")).await;
    let picture = "fetch(document.querySelector('.cut-shot img').src).then(answer => answer.status)";
    assert_eq!(browser.eval(&page, picture).await, 200);

    // Another file of the same version, while it runs: it runs on.
    browser.press(&page, " ", "Space", false).await;
    browser.until(&page, &format!("{frame} > 80")).await;
    let choice =
        "[...document.querySelectorAll('.qualities .menu-item')].find(i => i.getAttribute('aria-checked') !== 'true')";
    browser.eval(&page, &format!("({choice}.click(), true)")).await;
    browser.until(&page, "document.querySelector('#screen video:not(.next)').src.endsWith('/original')").await;
    browser.until(&page, &format!("!document.querySelector('#screen video').paused && {frame} > 85")).await;
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(json!(browser.eval(&page, "document.querySelectorAll('#screen video').length").await), 1);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_version_says_why_and_whoever_may_upload_tries_again() {
    let studio = Studio::start("browser-again").await;
    studio.app.setup.done();
    let film = studio.dir.film(&format!("{} -movflags +faststart a.mp4", crate::clips::CLIP));
    let media = studio.editor.upload(studio.feedback, "a.mp4", &film).await;
    // The disk with the film is away for a while.
    let comes_back = studio.misplace(&film);
    studio.work().await;
    let failed = studio.settled(media).await;
    let room = format!("{}/feedbacks/{}", studio.url, studio.feedback);
    let mut browser = Chromium::start("again").await;
    let editor = sign_in(&mut browser, &studio, "editor@example.com").await;
    let viewer = sign_in(&mut browser, &studio, "viewer@example.com").await;
    let why =
        format!("document.querySelector('.screen-note.bad')?.textContent.includes({})", failed["error"]["message"]);
    for page in [&viewer, &editor] {
        browser.open(page, &room).await;
        browser.until(page, &why).await;
    }
    assert_eq!(browser.eval(&viewer, "document.querySelectorAll('[data-act=remake]').length").await, 0);

    // It is back; both see the film without a reload.
    comes_back();
    browser.click(&editor, "[data-act=remake]").await;
    for page in [&editor, &viewer] {
        browser.until(page, "document.querySelector('#screen video')?.videoWidth === 128").await;
        browser.until(page, "!document.querySelector('.screen-note, .stage-flag')").await;
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
    studio.stop().await;
}
