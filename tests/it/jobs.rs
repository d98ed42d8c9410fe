//! Jobs from outside: the API, the room and the page tell the same; what was lost is tried again; the shell steers.

use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use videoplanet::base::job::{Job, JobKind, JobState, Lane};
use videoplanet::engines::hub::Signal;
use videoplanet::engines::queue;
use videoplanet::engines::store::{Tx, params};

use crate::admin::{open, send, studio};
use crate::crash::program;

/// The whole percent that the page shows for a job.
fn percent_on(page: &str, job: i64) -> Option<i64> {
    let row = page.split(&format!("id=\"job-{job}\"")).nth(1)?.split("</li>").next()?;
    row.split("<span class=\"num small\">").nth(1)?.split(" %").next()?.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_the_room_and_the_page_tell_the_same_progress() {
    let studio = studio("job-progress").await;
    studio.work().await;
    let mut seat = studio.seat();
    let film = studio.dir.film("-f lavfi -i testsrc2=s=640x360:r=50:d=30 -c:v mpeg2video -q:v 4 -g 25 long.ts");
    let media = studio.editor.upload(studio.feedback, "long.ts", &film).await;
    let whole = studio.shown_when(media, |m| m["progress"]["percent"].as_f64().is_some_and(|p| p > 15.0)).await;
    let job = whole["job_id"].as_i64().unwrap();
    let percent = |v: &Value| v["progress"]["percent"].as_f64();
    // Asked in turn, each lies between the two answers round it.
    let mut compared = 0;
    for _ in 0..400 {
        let before: Value = studio.editor.get(&format!("/jobs/{job}")).await.json().await.unwrap();
        let shown: Value = studio.editor.get(&format!("/media/{media}")).await.json().await.unwrap();
        let page = open(&studio, &studio.editor, "/admin/jobs").await.text().await.unwrap();
        let after: Value = studio.editor.get(&format!("/jobs/{job}")).await.json().await.unwrap();
        let (Some(low), Some(high)) = (percent(&before), percent(&after)) else { break };
        if let (Some(shown), Some(on_page)) = (percent(&shown), percent_on(&page, job)) {
            assert!(low <= shown && shown <= high, "{low} {shown} {high}");
            assert!((low.round() as i64..=high.round() as i64).contains(&on_page), "{low} {on_page} {high}");
            compared += 1;
        }
        if compared >= 5 {
            break;
        }
    }
    assert!(compared > 0, "the three were seen together");
    // The room's words are the same numbers: each was true of the job when it was said.
    studio.shown_when(media, |m| m["state"] == "ready").await;
    let mut heard = Vec::new();
    while let Ok(signal) = tokio::time::timeout(Duration::from_millis(200), seat.next()).await {
        let Signal::Message(said) = signal else { continue };
        let message: Value = serde_json::from_slice(&said.body).unwrap();
        if message["type"] == "media_progress" {
            heard.extend(message["percent"].as_f64());
        }
    }
    assert!(heard.is_sorted() && heard.iter().any(|p| *p > 15.0 && *p < 100.0), "{heard:?}");
    let done: Value = studio.editor.get(&format!("/jobs/{job}")).await.json().await.unwrap();
    assert_eq!((done["state"].as_str(), done["progress"].is_null()), (Some("done"), true), "{done}");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_job_tells_why_and_a_retry_mends_it() {
    let studio = studio("job-retry").await;
    let film = studio.dir.film(&format!("{} -movflags +faststart a.mp4", crate::clips::CLIP));
    let media = studio.editor.upload(studio.feedback, "a.mp4", &film).await;
    // The film is not where it should be: a disk that is away, as far as the program can tell.
    let comes_back = studio.misplace(&film);
    studio.work().await;
    let failed = studio.settled(media).await;
    assert_eq!(failed["state"], "failed", "{failed}");
    let lost = || studio.app.read(|db| queue::by_states(db, &[JobState::Failed, JobState::Dead], None, 10));
    let mut rows = lost().await.unwrap();
    while rows.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        rows = lost().await.unwrap();
    }
    let job = rows[0].id;
    let shown = studio.editor.call(&format!("GET /jobs/{job}")).await.is(200).body;
    assert!(shown["message"].as_str().is_some_and(|m| m.len() > 15), "{shown}");
    assert!(shown["stderr"].as_str().is_some_and(|s| !s.is_empty()), "who runs the instance sees its words: {shown}");
    let member = studio.viewer.call(&format!("GET /jobs/{job}")).await.is(200).body;
    assert!(member["stderr"].is_null() && member["message"].is_string(), "{member}");
    let list = open(&studio, &studio.editor, "/admin/jobs?list=failed").await.text().await.unwrap();
    assert!(list.contains("/admin/jobs/groups/retry") && list.contains("a.mp4"), "grouped, and by the film's name");
    studio.viewer.call(&format!("POST /jobs/{job}/retry")).await.is(403);

    comes_back();
    let again = studio.editor.call(&format!("POST /jobs/{job}/retry")).await.is(200).body;
    assert!(again["error"].is_null(), "{again}");
    studio.editor.call(&format!("POST /jobs/{job}/retry")).await.is(409);
    let ready = studio.shown_when(media, |m| m["state"] == "ready").await;
    assert!(ready["error"].is_null() && ready["urls"]["proxy"].is_string(), "{ready}");
    studio.stop().await;
}

#[tokio::test]
async fn one_click_does_something_about_all_that_are_listed() {
    let studio = studio("job-all").await;
    let add = |tx: &mut Tx| {
        for job in [Job::StorageCheck, Job::StorageCheck, Job::OrphanScan] {
            queue::enqueue(tx, job)?;
        }
        Ok(())
    };
    studio.app.store.write(add).await.unwrap();
    let all = async |kind: JobKind| {
        let every = &[JobState::Ready, JobState::Cancelled, JobState::Failed];
        let rows = studio.app.read(move |db| queue::by_states(db, every, Some(kind), 10)).await.unwrap();
        rows.into_iter().map(|row| (row.state, row.priority)).collect::<Vec<_>>()
    };
    let act = async |fields: &[(&str, &str)]| send(&studio, &studio.editor, "/admin/jobs/all", fields).await.status();
    assert_eq!(act(&[("list", "now"), ("only", "storage_check"), ("act", "sooner")]).await, 303);
    assert_eq!(all(JobKind::StorageCheck).await, [(JobState::Ready, 30); 2]);
    assert_eq!(all(JobKind::OrphanScan).await, [(JobState::Ready, 0)]);
    assert_eq!(act(&[("list", "now"), ("only", "orphan_scan"), ("act", "cancel")]).await, 303);
    assert_eq!(all(JobKind::OrphanScan).await, [(JobState::Cancelled, 0)]);
    let lose =
        |tx: &mut Tx| tx.execute("UPDATE jobs SET state = 'failed', error = kind WHERE state = 'ready'", params![]);
    assert_eq!(studio.app.store.write(lose).await.unwrap(), 2);
    assert_eq!(act(&[("list", "failed"), ("act", "retry")]).await, 303);
    assert_eq!(all(JobKind::StorageCheck).await, [(JobState::Ready, 30); 2]);
    assert_eq!(act(&[("list", "failed"), ("act", "burn")]).await, 422);
    assert_eq!(act(&[("list", "now"), ("only", "burn"), ("act", "cancel")]).await, 422);
    let list = open(&studio, &studio.editor, "/admin/jobs?list=now&only=storage_check").await.text().await.unwrap();
    assert!(list.contains("<option value=\"storage_check\" selected>"), "{list}");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_steers_lanes_and_moves_jobs() {
    let studio = studio("job-page").await;
    let media = studio.editor.upload(studio.feedback, "a.mp4", b"waits").await;
    let shown: Value = studio.editor.get(&format!("/media/{media}")).await.json().await.unwrap();
    let job = shown["job_id"].as_i64().unwrap();
    studio.operate(&studio.viewer).await;
    let lane = |name: &str| format!("/admin/jobs/lanes/{name}");
    let now = |lane: Lane| studio.app.queue.lanes().into_iter().find(|l| l.lane == lane).unwrap();
    assert_eq!(send(&studio, &studio.viewer, &lane("media"), &[("paused", "true")]).await.status(), 303);
    assert!(now(Lane::Media).paused, "at once");
    assert_eq!(send(&studio, &studio.viewer, &lane("media"), &[("places", "3")]).await.status(), 403, "admins change");
    assert_eq!(send(&studio, &studio.editor, &lane("media"), &[("places", "3")]).await.status(), 303);
    assert_eq!((now(Lane::Media).places, now(Lane::Media).paused), (3, true));
    assert_eq!(send(&studio, &studio.editor, &lane("media"), &[("places", "0")]).await.status(), 422);
    assert_eq!(send(&studio, &studio.editor, &lane("fast"), &[("paused", "true")]).await.status(), 404);
    assert_eq!(
        send(&studio, &studio.viewer, &format!("/admin/jobs/{job}/priority"), &[("priority", "30")]).await.status(),
        303
    );
    let row = studio.editor.call(&format!("GET /jobs/{job}")).await.body;
    assert_eq!(row["priority"], 30);
    for lang in ["ko", "en"] {
        studio.editor.send("PATCH /me", json!({ "locale": lang })).await.is(200);
        let page = open(&studio, &studio.editor, "/admin/jobs").await.text().await.unwrap();
        assert!(page.contains("lane-card paused") && page.contains("<option value=\"3\" selected>"), "{page}");
        assert!(!page.contains(">admin.") && !page.contains("\"admin."), "{lang}");
    }
    let audited = studio.app.read(|db| {
        let kinds = "SELECT verb FROM events WHERE verb IN ('lane_changed', 'job_moved') AND actor_id IS NOT NULL";
        db.all(kinds, videoplanet::engines::store::params![], |r| r.get::<_, String>(0))
    });
    assert_eq!(audited.await.unwrap().len(), 3);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shell_steers_the_queue_beside_the_server() {
    let studio = studio("job-shell").await;
    let data = studio.dir.path().join("data");
    let shell = |words: &str| -> Output { program(&data).arg("jobs").args(words.split(' ')).output().unwrap() };
    let said = |out: &Output| String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(shell("pause light").status.success());
    let media = studio.editor.upload(studio.feedback, "없는 영상.mp4", b"no film").await;
    studio.work().await;
    let shown: Value = studio.editor.get(&format!("/media/{media}")).await.json().await.unwrap();
    let job = shown["job_id"].as_i64().unwrap();
    let list = said(&shell("list --state ready"));
    assert!(list.contains("probe_media"), "a paused lane begins nothing: {list}");
    let one: Value = serde_json::from_str(&said(&shell(&format!("show {job}")))).unwrap();
    assert_eq!((one["id"].as_i64(), one["state"].as_str()), (Some(job), Some("ready")));

    assert!(shell(&format!("cancel {job}")).status.success());
    assert_eq!(studio.settled(media).await["error"]["code"], "cancelled");
    let again = shell(&format!("cancel {job}"));
    assert!(!again.status.success());
    assert!(shell(&format!("retry {job}")).status.success());
    assert!(shell("resume light").status.success());
    let failed = studio.shown_when(media, |m| m["error"]["code"] == "not_video").await;
    assert_eq!(failed["state"], "failed");
    let list = said(&shell("list --state failed --kind probe_media --limit 5"));
    assert!(list.contains("not_video"), "{list}");
    assert!(said(&shell("retry --all")).starts_with("1 jobs"));
    assert!(shell("places media 2").status.success());
    for (bad, word) in [("pause fast", "fast"), ("list --state lost", "lost"), ("show 9999", "")] {
        let out =
            program(&data).arg("jobs").args(bad.split(' ')).stderr(std::process::Stdio::piped()).output().unwrap();
        assert!(!out.status.success() && String::from_utf8_lossy(&out.stderr).contains(word), "{bad}");
    }
    let kinds = studio.app.read(|db| queue::by_states(db, JobState::ALL, Some(JobKind::ProbeMedia), 9)).await.unwrap();
    assert_eq!(kinds.len(), 1);
    studio.stop().await;
}
