//! The room on the disk: exact sums, quotas, the trash, what may be evicted, what is cleaned, and what nobody knows.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use videoplanet::base::clock::{Clock, DAY, HOUR};
use videoplanet::base::error::Error;
use videoplanet::base::ids::{FeedbackId, JobId, ProjectId, UploadId};
use videoplanet::base::job::{Job, JobKind, JobState};
use videoplanet::domain::accounts::Viewer;
use videoplanet::domain::media::shelf::{self, INSTANCE};
use videoplanet::domain::media::{recount, uploads, watched};
use videoplanet::domain::storage::orphans::{Report, Wrong};
use videoplanet::domain::storage::trash::What;
use videoplanet::domain::storage::{self, closed};
use videoplanet::engines::files::Key;
use videoplanet::engines::store::{Tx, params};
use videoplanet::engines::{queue, schedule};

use crate::answer::Answer;
use crate::studio::Studio;

/// A clock that the test moves, beginning at the disk's own time: files are as old as the disk says.
pub fn clock() -> Clock {
    Clock::set_at(Clock::System.now().0)
}

impl Studio {
    /// Runs a job to its end; answers its result.
    /// Jobs run, but none by the schedule: a clock that is set forward would let it run what the test runs itself.
    pub async fn work_by_hand(&self) {
        self.work().await;
        let pause = |tx: &mut Tx| {
            for row in schedule::list(tx)? {
                schedule::set_paused(tx, None, &row.name, true)?;
            }
            Ok(())
        };
        self.app.write(pause).await.unwrap();
    }

    pub async fn ran(&self, job: Job) -> Value {
        let id = self.app.write(move |tx| queue::enqueue(tx, job)).await.unwrap();
        self.ended(id).await
    }

    pub async fn ended(&self, id: JobId) -> Value {
        for _ in 0..1200 {
            let row = self.app.read(move |db| queue::by_id(db, id)).await.unwrap().unwrap();
            match row.state {
                JobState::Done => return row.result.unwrap(),
                state if state.is_over() => panic!("{state:?}: {:?}", row.error),
                _ => tokio::time::sleep(Duration::from_millis(25)).await,
            }
        }
        panic!("job {id} does not end");
    }

    pub async fn admin(&self) -> Viewer {
        Viewer::of_token(&self.app, &self.editor.token).await.unwrap().unwrap()
    }

    pub async fn used(&self, project: ProjectId) -> i64 {
        self.app.read(move |db| shelf::total(db, project)).await.unwrap()
    }

    /// Every counter equals what the rows say.
    pub async fn assert_counted(&self, when: &str) {
        let wrong = self.app.read(|db| {
            let projects = recount::projects(db, None, 1000)?;
            let wrong = projects.into_iter().map(|p| recount::miscounts(db, p)).collect::<Result<Vec<_>, _>>()?;
            Ok(wrong.into_iter().flatten().collect::<Vec<_>>())
        });
        assert_eq!(wrong.await.unwrap(), [], "{when}");
    }

    pub async fn new_project(&self) -> (ProjectId, FeedbackId) {
        let project = self.editor.send("POST /projects", json!({ "name": "겨울 광고" })).await.is(201).id();
        (ProjectId(project), self.new_feedback(ProjectId(project)).await)
    }

    pub async fn new_feedback(&self, project: ProjectId) -> FeedbackId {
        let line = format!("POST /projects/{project}/feedbacks");
        FeedbackId(self.editor.send(&line, json!({ "title": "2차 시사" })).await.is(201).id())
    }

    pub fn folder(&self, key: &Key) -> PathBuf {
        let key = key.to_string();
        self.dir.path().join("data/media").join(&key[..2]).join(&key)
    }

    /// Marks a version as ready, with a film for review and a poster of these sizes on disk and shelf.
    pub async fn prepared(&self, media: i64, bytes: &[u8], proxy: usize) -> Key {
        let key = Key::of(blake3::hash(bytes));
        fs::write(self.folder(&key).join("proxy.mp4"), vec![1; proxy]).unwrap();
        fs::write(self.folder(&key).join("poster.jpg"), [2; 10]).unwrap();
        let made = self.app.write(move |tx| {
            shelf::made(tx, &key, "proxy.mp4", proxy as i64, "encode")?;
            shelf::made(tx, &key, "poster.jpg", 10, "poster")?;
            tx.execute("UPDATE media SET state = 'ready' WHERE id = ?1", params![media])
        });
        made.await.unwrap();
        key
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_and_goes_the_counters_equal_the_rows() {
    let s = Studio::at("storage-counters", clock()).await;
    s.work_by_hand().await;
    let mut places = vec![(s.project, s.feedback)];
    for _ in 0..2 {
        places.push(s.new_project().await);
    }
    let films: Vec<Vec<u8>> = (1..6u8).map(|i| vec![i; 100 * i as usize]).collect();
    let mut living: Vec<i64> = Vec::new();
    // A fixed row of dice: a failure is the same the next time.
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    let mut roll = move |n: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice % n as u64) as usize
    };
    for step in 0..120 {
        let film = &films[roll(films.len())];
        let key = Key::of(blake3::hash(film));
        match roll(6) {
            0..3 => {
                // Two at once: the same bytes may come to two projects at the same moment.
                let (a, b) = (places[roll(3)].1, places[roll(3)].1);
                let other = films[roll(films.len())].clone();
                let (x, y) = tokio::join!(s.editor.upload(a, "a.mp4", film), s.editor.upload(b, "b.mp4", &other));
                // And the check beside them finds nothing to mend.
                if step % 10 == 0 {
                    let (checked, z) = tokio::join!(s.ran(Job::StorageCheck), s.editor.upload(a, "c.mp4", film));
                    assert_eq!(checked["counters"], 0, "{checked}");
                    living.push(z);
                }
                living.extend([x, y]);
            }
            3 => {
                let (name, size) = ([("proxy.mp4"), ("hls/"), ("poster.jpg")][roll(3)], roll(5000) as i64);
                let made = move |tx: &mut Tx| {
                    let held = tx.one("SELECT 1 FROM originals WHERE hash = ?1", params![key], |_| Ok(()))?;
                    if held.is_some() { shelf::made(tx, &key, name, size, "x") } else { Ok(()) }
                };
                s.app.write(made).await.unwrap();
            }
            4 => {
                let names = vec![["proxy.mp4", "hls/", "poster.jpg"][roll(3)].to_owned()];
                s.app.write(move |tx| shelf::dropped(tx, &key, &names)).await.unwrap();
            }
            _ if !living.is_empty() => {
                let id = living.swap_remove(roll(living.len()));
                s.editor.call(&format!("DELETE /media/{id}")).await.is(204);
                if roll(2) == 0 {
                    let who = s.admin().await;
                    storage::trash::purge_now(&s.app, &who, What::Version, id).await.unwrap();
                    s.ran(Job::PurgeTrash).await;
                }
            }
            _ => {}
        }
        s.assert_counted(&format!("step {step}")).await;
    }
    // One project goes as a whole.
    s.editor.call(&format!("DELETE /projects/{}", places[1].0)).await.is(204);
    s.app.clock.advance(31 * DAY);
    let purged = s.ran(Job::PurgeTrash).await;
    assert_eq!(purged["projects"], 1, "{purged}");
    s.assert_counted("the end").await;
    assert_eq!(s.used(places[1].0).await, 0);
    // And the bytes that the rows name, and no others, are on the disk.
    let held: Vec<String> = s
        .app
        .read(|db| db.all("SELECT DISTINCT hash FROM media ORDER BY hash", params![], |r| r.get(0)))
        .await
        .unwrap();
    let mut there: Vec<String> = films
        .iter()
        .map(|f| Key::of(blake3::hash(f)))
        .filter(|k| s.folder(k).exists())
        .map(|k| k.to_string())
        .collect();
    there.sort();
    assert_eq!(there, held);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_mends_sizes_and_counters_and_tells_what_it_did() {
    let s = Studio::at("storage-check", clock()).await;
    s.work_by_hand().await;
    let media = s.editor.upload(s.feedback, "a.mp4", b"a film of some bytes").await;
    let key = s.prepared(media, b"a film of some bytes", 700).await;
    let clean = s.ran(Job::StorageCheck).await;
    assert_eq!((&clean["sizes"], &clean["counters"], &clean["films"]), (&json!(0), &json!(0), &json!(1)), "{clean}");
    // As an older database has it: sizes unknown; and counters that somebody has spoilt.
    let spoilt = s.app.write(move |tx| {
        tx.execute("UPDATE renditions SET size_bytes = 0, recipe = ''", params![])?;
        tx.execute("UPDATE usage SET size_bytes = 5, files = 9 WHERE kind <> 'original'", params![])?;
        tx.execute("INSERT INTO usage (project_id, kind, files, size_bytes) VALUES (77, 'hls', 1, 1)", params![])
    });
    spoilt.await.unwrap();
    fs::remove_file(s.folder(&key).join("poster.jpg")).unwrap();
    let mended = s.ran(Job::StorageCheck).await;
    assert_eq!((&mended["sizes"], &mended["missing"]), (&json!(1), &json!(1)), "{mended}");
    assert_eq!(mended["size_differences"][0]["is"], 700, "{mended}");
    assert!(mended["counters"].as_i64().unwrap() >= 5, "{mended}");
    s.assert_counted("after the check").await;
    assert_eq!(s.used(INSTANCE).await, 720);
    // The second time there is nothing left to mend.
    assert_eq!(s.ran(Job::StorageCheck).await["counters"], 0);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_version_has_not_measured_is_measured_at_the_start() {
    let s = Studio::at("storage-unmeasured", clock()).await;
    let media = s.editor.upload(s.feedback, "a.mp4", b"a film of some bytes").await;
    s.prepared(media, b"a film of some bytes", 700).await;
    let older = s.app.write(|tx| {
        tx.execute("UPDATE renditions SET size_bytes = 0, recipe = ''", params![])?;
        tx.execute("UPDATE usage SET size_bytes = 0 WHERE kind <> 'original'", params![])
    });
    older.await.unwrap();
    let s = s.restart().await;
    s.work_by_hand().await;
    for _ in 0..400 {
        if s.used(INSTANCE).await == 20 + 700 + 10 {
            s.assert_counted("after the start").await;
            s.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{} bytes", s.used(INSTANCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_above_a_quota_is_refused_with_a_sentence() {
    let s = Studio::with("storage-quota", |c| c.storage.quota_bytes = 3000).await;
    s.editor.upload(s.feedback, "a.mp4", &[1; 1000]).await;
    let (other, feedback) = s.new_project().await;
    let who = s.editor.id;
    s.app.write(move |tx| videoplanet::domain::media::quotas::set(tx, who, other, Some(500))).await.unwrap();
    let refused = Answer::of(s.editor.begin(feedback, "b.mp4", 501)).await.is(507);
    assert_eq!(refused.code(), "quota_exceeded");
    let said = refused.body["error"]["message"].as_str().unwrap();
    assert!(said.contains("이 프로젝트의 저장 한도(500 B)") && said.contains("501 B"), "{said}");
    let english = s.editor.begin(feedback, "b.mp4", 501).header("accept-language", "en");
    let said = Answer::of(english).await.is(507).body["message"].to_string();
    assert!(said.contains("project’s storage quota of 500 B"), "{said}");
    // What unfinished uploads were promised counts, also when many come at once: three fit into the instance, not four.
    let mut tries = Vec::new();
    for i in 0..8 {
        let request = s.editor.begin(s.feedback, &format!("{i}.mp4"), 600);
        tries.push(tokio::spawn(async move { Answer::of(request).await.status }));
    }
    let mut answers = Vec::new();
    for answer in tries {
        answers.push(answer.await.unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, [201, 201, 201, 507, 507, 507, 507, 507]);
    let said = Answer::of(s.editor.begin(s.feedback, "c.mp4", 600)).await.is(507).body["message"].to_string();
    assert!(said.contains("서버 전체의 저장 한도(3000 B)") && said.contains("2800 B"), "{said}");
    // Without a quota of its own the project has what the instance has left.
    s.app.write(move |tx| videoplanet::domain::media::quotas::set(tx, who, other, None)).await.unwrap();
    Answer::of(s.editor.begin(feedback, "b.mp4", 200)).await.is(201);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn below_the_guard_of_the_disk_an_upload_is_refused() {
    let s = Studio::with("storage-guard", |c| c.media.keep_free_bytes = 1 << 60).await;
    let refused = Answer::of(s.editor.begin(s.feedback, "a.mp4", 5)).await.is(507);
    assert_eq!(refused.code(), "no_space");
    assert!(refused.body["message"].as_str().unwrap().contains("디스크가 가득"), "{}", refused.body);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_the_trash_for_its_days_goes_for_good_and_shared_bytes_stay() {
    let s = Studio::at("storage-purge", clock()).await;
    s.work_by_hand().await;
    let (other, elsewhere) = s.new_project().await;
    let (shared, own): (&[u8], &[u8]) = (b"bytes of two projects", b"bytes of one");
    let mine = s.editor.upload(s.feedback, "a.mp4", shared).await;
    let theirs = s.editor.upload(elsewhere, "b.mp4", shared).await;
    let alone = s.editor.upload(s.feedback, "c.mp4", own).await;
    let (shared, own) = (s.prepared(mine, shared, 300).await, s.prepared(alone, own, 50).await);
    let line = format!("POST /feedbacks/{}/comments", s.feedback);
    let said = s.editor.send(&line, json!({ "text": "남는 말", "media_id": alone })).await.is(201).id();
    for id in [mine, alone] {
        s.editor.call(&format!("DELETE /media/{id}")).await.is(204);
    }
    s.app.clock.advance(29 * DAY);
    assert_eq!(s.ran(Job::PurgeTrash).await["versions"], 0);
    assert!(s.folder(&own).exists());
    s.app.clock.advance(DAY);
    let purged = s.ran(Job::PurgeTrash).await;
    assert_eq!((&purged["versions"], &purged["films"]), (&json!(2), &json!(1)), "{purged}");
    assert!(!s.folder(&own).exists() && s.folder(&shared).exists());
    assert_eq!(s.editor.call(&format!("GET /media/{theirs}/original")).await.is(200).bytes(), b"bytes of two projects");
    let said = s.editor.call(&format!("GET /comments/{said}")).await.is(200).body;
    assert_eq!((&said["text"], &said["media_id"]), (&json!("남는 말"), &json!(null)));
    s.assert_counted("after the purge").await;
    assert_eq!((s.used(s.project).await, s.used(other).await), (0, 331));
    // Numbers are not given again, and the same bytes may come again.
    let again = s.editor.upload(s.feedback, "d.mp4", b"bytes of one").await;
    assert_eq!(s.editor.call(&format!("GET /media/{again}")).await.body["version"], 3);
    assert_eq!(s.editor.call(&format!("GET /media/{again}/original")).await.is(200).bytes(), b"bytes of one");

    // A feedback and a project go with all that is in them; nobody but an admin can hurry it.
    let who = s.admin().await;
    let viewer = Viewer::of_token(&s.app, &s.viewer.token).await.unwrap().unwrap();
    s.editor.call(&format!("DELETE /feedbacks/{}", s.feedback)).await.is(204);
    s.editor.call(&format!("DELETE /projects/{other}")).await.is(204);
    let (things, count) = s.app.read(storage::trash::list).await.unwrap();
    assert_eq!((things.len(), count), (2, 2));
    assert_eq!(things.iter().map(|t| t.days_left(s.app.clock.now(), 30)).collect::<Vec<_>>(), [30, 30]);
    let feedback = s.feedback.0;
    assert!(storage::trash::restore(&s.app, &viewer, What::Feedback, feedback).await.is_err());
    storage::trash::restore(&s.app, &who, What::Feedback, feedback).await.unwrap();
    s.viewer.call(&format!("GET /feedbacks/{feedback}")).await.is(200);
    assert!(storage::trash::purge_now(&s.app, &who, What::Feedback, feedback).await.is_err(), "it is not in the trash");
    s.editor.call(&format!("DELETE /feedbacks/{feedback}")).await.is(204);
    storage::trash::purge_now(&s.app, &who, What::Feedback, feedback).await.unwrap();
    storage::trash::purge_now(&s.app, &who, What::Project, other.0).await.unwrap();
    // From now on it is lost, whether or not the purge has run.
    s.editor.call(&format!("POST /projects/{other}/restore")).await.is(409);
    s.ran(Job::PurgeTrash).await;
    s.editor.call(&format!("POST /projects/{other}/restore")).await.is(404);
    let left = s.app.read(|db| {
        db.one("SELECT (SELECT count(*) FROM media) + (SELECT count(*) FROM comments)", params![], |r| r.get(0))
    });
    assert_eq!(left.await.unwrap(), Some(0i64));
    assert!(!s.folder(&shared).exists());
    assert_eq!((s.used(INSTANCE).await, s.used(s.project).await), (0, 0));
    s.assert_counted("the end").await;
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_come_again_while_they_are_purged_are_not_lost() {
    let s = Studio::at("storage-race", clock()).await;
    let film: &[u8] = b"bytes that come and go";
    let key = Key::of(blake3::hash(film));
    // The rows are purged, the file is about to go.
    fs::create_dir_all(s.folder(&key)).unwrap();
    fs::write(s.folder(&key).join("original"), film).unwrap();
    // The same bytes have come again, up to the last one.
    let location = s.editor.location(s.feedback, "a.mp4", film.len()).await;
    let upload = UploadId(location.rsplit('/').next().unwrap().parse().unwrap());
    std::io::Write::write_all(&mut s.app.files.resume_upload(upload, 0).unwrap().0, film).unwrap();
    let whole = |tx: &mut Tx| tx.execute("UPDATE uploads SET offset_bytes = size_bytes", params![]);
    s.app.write(whole).await.unwrap();
    // While the writer is held up, the purge stands first in its queue and the end of the upload second: that one has
    // found the file in its place already.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (held, store) = (s.app.clone(), s.app.store.clone());
    let waiting = async |n: usize| {
        while store.write_queue_len() < n {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let hold = tokio::spawn(async move { held.write(move |_| wait.recv().map_err(Error::internal)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (purging, ending) = (s.app.clone(), s.app.clone());
    let purge = tokio::spawn(async move { shelf::clear(&purging, key).await });
    waiting(1).await;
    let end = tokio::spawn(async move { uploads::sweep(&ending).await });
    waiting(2).await;
    go.send(()).unwrap();
    hold.await.unwrap().unwrap();
    assert!(purge.await.unwrap().unwrap(), "the purge came first");
    assert_eq!(end.await.unwrap().unwrap().finished, 1);
    let media = s.editor.call(&format!("GET {location}")).await.is(200).body["media_id"].clone();
    assert_eq!(s.editor.call(&format!("GET /media/{media}/original")).await.is(200).bytes(), film);
    // And from now on it is held: another purge finds nothing to do.
    assert!(!shelf::clear(&s.app, key).await.unwrap());
    s.assert_counted("the end").await;
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn renditions_go_by_their_limit_those_watched_longest_ago_first() {
    let s = Studio::open_limited("storage-evict", clock()).await;
    s.work_by_hand().await;
    let mut films = Vec::new();
    for i in 0..4u8 {
        let bytes = vec![i; 50];
        let media = s.editor.upload(s.feedback, &format!("{i}.mp4"), &bytes).await;
        films.push((media, s.prepared(media, &bytes, 1000).await));
        s.app.clock.advance(1000);
    }
    // The third is worked on again; the first has been watched just now.
    let third = films[2].0;
    let busy = move |tx: &mut Tx| tx.execute("UPDATE media SET state = 'processing' WHERE id = ?1", params![third]);
    s.app.write(busy).await.unwrap();
    s.app.clock.advance(2 * HOUR);
    s.viewer.call(&format!("GET /media/{}/proxy.mp4", films[0].0)).await.is(200);
    assert_eq!(watched::flush(&s.app).await.unwrap(), 1);
    let rev = s.editor.call(&format!("GET /media/{}", films[1].0)).await.header("etag").to_owned();
    // 4040 bytes are there, 2500 may be: of the second and the fourth both must go.
    let evicted = s.ran(Job::EvictRenditions).await;
    assert_eq!((&evicted["films"], &evicted["freed_bytes"]), (&json!(2), &json!(2000)), "{evicted}");
    for (i, there) in [(0, true), (1, false), (2, true), (3, false)] {
        let (media, key) = &films[i];
        let shown = s.viewer.call(&format!("GET /media/{media}")).await.is(200);
        assert_eq!(shown.body["urls"]["proxy"].is_string(), there, "{i}: {}", shown.body);
        assert_eq!(s.folder(key).join("proxy.mp4").exists(), there, "{i}");
        s.viewer.call(&format!("GET /media/{media}/proxy.mp4")).await.is(if there { 200 } else { 404 });
        s.viewer.call(&format!("GET /media/{media}/poster.jpg")).await.is(200);
        s.viewer.call(&format!("GET /media/{media}/original")).await.is(200);
    }
    assert_ne!(s.editor.call(&format!("GET /media/{}", films[1].0)).await.header("etag"), rev);
    s.assert_counted("after the eviction").await;
    // Below the limit nothing goes; above it the one that was just watched stays as well.
    assert_eq!(s.ran(Job::EvictRenditions).await["films"], 0);
    s.stop().await;
}

impl Studio {
    async fn open_limited(name: &str, clock: Clock) -> Studio {
        Studio::opened(name, clock, |c| {
            c.accounts.session_days = 3650;
            c.storage.renditions_max_bytes = 2500;
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn films_of_closed_feedbacks_stay_until_an_admin_wants_otherwise_and_it_was_announced() {
    let s = Studio::at("storage-closed", clock()).await;
    s.work_by_hand().await;
    let film = s.editor.upload(s.feedback, "a.mp4", &[1; 40]).await;
    let other = s.new_feedback(s.project).await;
    let kept = s.editor.upload(other, "b.mp4", &[2; 40]).await;
    for f in [s.feedback, other] {
        s.editor.send(&format!("PATCH /feedbacks/{f}"), json!({ "status": "closed" })).await.is(200);
    }
    s.app.clock.advance(400 * DAY);
    // Off: it says what it would do, and does nothing.
    let dry = s.ran(Job::CleanClosed).await;
    assert_eq!((&dry["on"], &dry["would"]["announce"]["count"]), (&json!(false), &json!(2)), "{dry}");
    assert_eq!(dry["would"]["announce"]["size_bytes"], 80, "{dry}");
    s.editor.call(&format!("GET /media/{film}")).await.is(200);
    // On: it is announced first.
    let (who, viewer) = (s.admin().await, Viewer::of_token(&s.app, &s.viewer.token).await.unwrap().unwrap());
    assert!(closed::set(&s.app, &viewer, true).await.is_err());
    closed::set(&s.app, &who, true).await.unwrap();
    let told = s.ran(Job::CleanClosed).await;
    assert_eq!((&told["announced"], &told["cleaned"]), (&json!(2), &json!(0)), "{told}");
    assert_eq!(s.ran(Job::CleanClosed).await["announced"], 0, "once");
    let events = s.editor.call(&format!("GET /projects/{}/events?page_size=500", s.project)).await.body;
    assert!(events.to_string().contains("cleanup_announced"), "{events}");
    // Opened again, its films stay, also when it is closed once more: the days begin anew.
    for status in ["open", "closed"] {
        s.editor.send(&format!("PATCH /feedbacks/{other}"), json!({ "status": status })).await.is(200);
    }
    s.app.clock.advance(7 * DAY - 1000);
    assert_eq!(s.ran(Job::CleanClosed).await["cleaned"], 0);
    s.app.clock.advance(1000);
    let done = s.ran(Job::CleanClosed).await;
    assert_eq!(
        (&done["cleaned"], &done["versions"], &done["size_bytes"]),
        (&json!(1), &json!(1), &json!(40)),
        "{done}"
    );
    s.editor.call(&format!("GET /media/{film}")).await.is(404);
    s.editor.call(&format!("GET /media/{kept}")).await.is(200);
    // It can be undone.
    s.editor.call(&format!("POST /media/{film}/restore")).await.is(200);
    // Turned off, nothing that was announced goes, and turned on again it is announced anew.
    s.app.clock.advance(30 * DAY);
    assert_eq!(s.ran(Job::CleanClosed).await["announced"], 2);
    closed::set(&s.app, &who, false).await.unwrap();
    closed::set(&s.app, &who, true).await.unwrap();
    s.app.clock.advance(8 * DAY);
    let anew = s.ran(Job::CleanClosed).await;
    assert_eq!((&anew["announced"], &anew["cleaned"]), (&json!(2), &json!(0)), "{anew}");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_reported_first_and_only_they_are_deleted() {
    let s = Studio::at("storage-orphans", clock()).await;
    s.work_by_hand().await;
    let media = s.editor.upload(s.feedback, "a.mp4", b"a film with rows").await;
    let key = s.prepared(media, b"a film with rows", 100).await;
    let lost = s.editor.upload(s.feedback, "b.mp4", b"a film whose bytes are lost").await;
    let gone = s.prepared(lost, b"a film whose bytes are lost", 100).await;
    fs::remove_file(s.folder(&gone).join("original")).unwrap();
    fs::remove_file(s.folder(&key).join("poster.jpg")).unwrap();
    fs::write(s.folder(&key).join("old.json"), [0; 30]).unwrap();
    let (nobody, comes) = (Key::of(blake3::hash(b"nobody's")), Key::of(blake3::hash(b"comes meanwhile")));
    for (key, bytes) in [(&nobody, &b"nobody's"[..]), (&comes, b"comes meanwhile")] {
        fs::create_dir_all(s.folder(key)).unwrap();
        fs::write(s.folder(key).join("original"), bytes).unwrap();
    }
    let data = s.dir.path().join("data");
    fs::write(data.join("uploads/999.part"), [0; 20]).unwrap();
    fs::create_dir(data.join("scratch/job-999")).unwrap();
    fs::create_dir_all(data.join("media/00/lost+found")).unwrap();
    let read = |v: &Value| serde_json::from_value::<Report>(v.clone()).unwrap();
    // What is young may still get its row.
    let young = read(&s.ran(Job::OrphanScan).await);
    let kinds: Vec<Wrong> = young.sums.keys().copied().collect();
    assert_eq!(kinds, [Wrong::Stranger, Wrong::LostRendition, Wrong::LostOriginal], "{young:?}");
    s.app.clock.advance(2 * HOUR);
    let id = s.app.write(|tx| queue::enqueue(tx, Job::OrphanScan)).await.unwrap();
    let report = read(&s.ended(id).await);
    let found: Vec<(Wrong, i64)> = report.sums.iter().map(|(w, (n, _))| (*w, *n)).collect();
    use Wrong::*;
    assert_eq!(
        found,
        [(Film, 2), (Rendition, 1), (Upload, 1), (Scratch, 1), (Stranger, 1), (LostRendition, 1), (LostOriginal, 1)]
    );
    // A scan changes nothing.
    assert!(s.folder(&nobody).exists() && data.join("uploads/999.part").exists());
    // One of the bytes that nobody had comes in before somebody says yes.
    let came = s.editor.upload(s.feedback, "c.mp4", b"comes meanwhile").await;
    let deleted = s.ran(Job::OrphanDelete { scan: id }).await;
    assert_eq!((&deleted["deleted"], &deleted["left"]), (&json!(5), &json!(3)), "{deleted}");
    assert!(!s.folder(&nobody).exists() && !s.folder(&key).join("old.json").exists());
    assert!(!data.join("uploads/999.part").exists() && !data.join("scratch/job-999").exists());
    assert!(data.join("media/00/lost+found").exists(), "what is not ours is left alone");
    assert_eq!(s.editor.call(&format!("GET /media/{came}/original")).await.is(200).bytes(), b"comes meanwhile");
    let shown = s.editor.call(&format!("GET /media/{media}")).await.is(200).body;
    assert!(shown["urls"]["poster"].is_null() && shown["urls"]["proxy"].is_string(), "{shown}");
    // The row of what is lost stays: perhaps the disk comes back.
    s.editor.call(&format!("GET /media/{lost}")).await.is(200);
    s.assert_counted("after the deletion").await;
    let left = read(&s.ran(Job::OrphanScan).await);
    assert_eq!(left.sums.keys().copied().collect::<Vec<_>>(), [Stranger, LostOriginal], "{left:?}");
    // Only a scan can be deleted by.
    let none = s.app.write(|tx| queue::enqueue(tx, Job::OrphanDelete { scan: JobId(12345) })).await.unwrap();
    for _ in 0..400 {
        let row = s.app.read(move |db| queue::by_id(db, none)).await.unwrap().unwrap();
        if row.state == JobState::Failed {
            assert_eq!(row.kind, JobKind::OrphanDelete);
            s.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it was not refused");
}
