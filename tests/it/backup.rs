//! Backups: taken while others write, restored elsewhere, equal to the journal; incremental, encrypted, let go.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use videoplanet::app::App;
use videoplanet::base::clock::{Clock, DAY};
use videoplanet::base::ids::MailId;
use videoplanet::base::job::{Job, JobState, Lane};
use videoplanet::config::Config;
use videoplanet::domain::backups::restore::{self, Restored};
use videoplanet::domain::backups::work::{self, Taken};
use videoplanet::domain::backups::{self, target};
use videoplanet::engines::backup::{Target, Trouble, Vault, Watch};
use videoplanet::engines::files::Key;
use videoplanet::engines::queue::{self, LaneChange};
use videoplanet::engines::store::params;

use crate::clips::{CLIP, noise};
use crate::studio::{Studio, serve};

/// Where the backups of a test go: beside its data, and away with them.
pub fn place(name: &str) -> String {
    std::env::temp_dir().join(format!("videoplanet-it-{name}-{}/place", std::process::id())).display().to_string()
}

/// A studio with a place for its backups.
pub async fn studio(name: &str, change: impl FnOnce(&mut Config)) -> Studio {
    let to = place(name);
    let studio = Studio::with(name, |c| {
        c.backup.to = to;
        change(c);
    })
    .await;
    studio.app.setup.done();
    studio
}

pub async fn take(app: &App) -> Result<Taken, Trouble> {
    work::take_now(app, target(&app.config(), None), None, CancellationToken::new(), |_| ()).await
}

/// Restores the newest backup, or one of them, into a directory.
pub async fn restored(target: &Target, id: Option<&str>, dir: &Path) -> Result<Restored, Trouble> {
    let (target, id, dir) = (target.clone(), id.map(str::to_owned), dir.to_owned());
    let work = move || {
        fs::create_dir_all(&dir).unwrap();
        let plan = restore::plan(&dir, &target, id.as_deref())?;
        restore::restore(&dir, &plan, None, Clock::System.now(), &Watch::silent(), |_| ())
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

pub fn to_place(s: &Studio) -> Target {
    target(&s.app.config(), None)
}

/// Every file below a directory with its bytes.
pub fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.append(&mut files(&entry.path()));
        } else {
            found.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    found
}

async fn comment(s: &Studio, text: &str) {
    let path = format!("POST /feedbacks/{}/comments", s.feedback);
    let answer = s.editor.send(&path, json!({ "text": text })).await;
    assert_eq!(answer.status, 201);
}

/// The journal up to a seq, and each comment that came until then.
async fn until(app: &App, seq: i64) -> (Vec<(i64, String)>, Vec<(i64, String)>) {
    app.read(move |db| {
        let events = db.all(
            "SELECT seq, at_ms || ' ' || verb || ' ' || body FROM events WHERE seq <= ?1 ORDER BY seq",
            params![seq],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        let comments = db.all(
            "SELECT c.id, c.text FROM comments c WHERE c.id IN
                (SELECT subject_id FROM events WHERE verb = 'comment_added' AND seq <= ?1) ORDER BY c.id",
            params![seq],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        Ok((events, comments))
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_writes_is_restored_elsewhere_as_the_journal_was() {
    let s = studio("backup-story", |c| c.limits.local = false).await;
    s.work().await;
    let film = s.dir.film(&format!("{CLIP} film.mp4"));
    let shown = s.publish("가을.mp4", &film).await;
    assert_eq!(shown["state"], "ready", "{shown}");
    for n in 0..20 {
        comment(&s, &format!("색보정 {n}번 부탁드려요")).await;
    }
    // Writers go on the whole time.
    // A mail is on its way, and will have arrived when the backup is needed.
    let mail = s.app.write(|tx| {
        queue::set_lane(tx, None, Lane::Outbound, LaneChange::Paused(true))?;
        tx.execute(
            "INSERT INTO mails (id, address, kind, lang, state, created_ms)
             VALUES (9000, 'client@example.com', 'test', 'ko', 'waiting', 1)",
            params![],
        )?;
        queue::enqueue(tx, Job::SendMail { mail: MailId(9000) })
    });
    let mail = mail.await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writers = (0..3).map(|w| {
        let (editor, feedback, stop) = (s.editor.clone(), s.feedback, stop.clone());
        tokio::spawn(async move {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                let text = json!({ "text": format!("글쓴이 {w}의 {n}번째 의견") });
                let answer = editor.send(&format!("POST /feedbacks/{feedback}/comments"), text).await;
                assert_eq!(answer.status, 201);
                n += 1;
            }
            n
        })
    });
    let writers: Vec<_> = writers.collect();
    let taken = take(&s.app).await.unwrap();
    let mut written = 0;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        written += writer.await.unwrap();
    }
    let m = &taken.manifest;
    assert!(taken.verified.ok && m.lost.is_empty() && m.missing == 0 && m.films() == 1, "{taken:?}");
    assert!(written > 3 && taken.verified.read > 0, "{written}");

    let elsewhere = s.dir.path().join("elsewhere");
    let done = restored(&to_place(&s), None, &elsewhere).await.unwrap();
    assert!(done.linked == 0 && done.fetched > film.len() as u64, "{done:?}");
    let app = App::open(&elsewhere, Config::default(), Clock::System).await.unwrap();
    let (here, there) = (until(&s.app, m.seq).await, until(&app, m.seq).await);
    assert_eq!(here.0, there.0, "the journal");
    assert_eq!(here.1, there.1, "the comments");
    assert!(here.1.len() >= 20 && here.0.last().unwrap().0 == m.seq);
    let since = until(&app, i64::MAX).await.0.split_off(here.0.len());
    assert!(since.len() == 1 && since[0].1.contains("job_cancelled"), "{since:?}");
    let job = app.read(move |db| queue::by_id(db, mail)).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Cancelled, "nobody gets it twice");
    // Nor by the next round of digests, which sends whatever waits.
    let waiting = "SELECT count(*) FROM mails WHERE state = 'waiting'";
    let waiting = app.read(move |db| db.one(waiting, params![], |r| r.get::<_, i64>(0))).await.unwrap();
    assert_eq!(waiting, Some(0));

    // It serves, shows the film, and finds: the index has grown anew.
    let following = tokio::spawn(videoplanet::domain::search::follow(app.clone()));
    let (url, server) = serve(&app).await;
    let mut editor = s.editor.clone();
    editor.moved_to(&url);
    let bytes = editor.get(&format!("/media/{}/original", shown["id"])).await.bytes().await.unwrap();
    assert_eq!(blake3::hash(&bytes), blake3::hash(&film));
    for made in ["proxy.mp4", "poster.jpg", "sprite.jpg"] {
        assert_eq!(editor.get(&format!("/media/{}/{made}", shown["id"])).await.status(), 200, "{made}");
    }
    let mut found = Value::Null;
    for _ in 0..600 {
        found = editor.get("/search?q=색보정").await.json().await.unwrap();
        if found["total"].as_i64() == Some(20) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(found["total"], 20, "{found}");
    app.close().await;
    server.abort();
    let _ = following.await;
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_backup_costs_what_is_new() {
    let s = studio("backup-more", |_| ()).await;
    s.editor.upload(s.feedback, "a.mp4", &noise(3_000_000, 1)).await;
    let first = take(&s.app).await.unwrap();
    assert!(first.manifest.new_bytes > 3_000_000, "{}", first.manifest.new_bytes);
    comment(&s, "또 하나").await;
    let second = take(&s.app).await.unwrap();
    assert!(second.manifest.new_bytes == second.manifest.database.stored, "only the database: {:?}", second.manifest);
    assert!(second.manifest.bytes() > 3_000_000 && second.manifest.database.hash != first.manifest.database.hash);
    s.editor.upload(s.feedback, "b.mp4", &noise(1_000_000, 2)).await;
    let third = take(&s.app).await.unwrap();
    let new = third.manifest.new_bytes - third.manifest.database.stored;
    assert_eq!(new, 1_000_000);

    // Into a directory that has the films already, they are not fetched again; what was there is put aside.
    let data = s.dir.path().join("data");
    let place = to_place(&s);
    let before = s.app.read(|db| db.one("SELECT count(*) FROM comments", params![], |r| r.get::<_, i64>(0))).await;
    let s = s
        .stopped(|| {
            let plan = restore::plan(&data, &place, Some(&first.manifest.id)).unwrap();
            let watch = Watch::silent();
            let done = restore::restore(&data, &plan, None, Clock::System.now(), &watch, |_| ()).unwrap();
            assert_eq!(done.linked, 3_000_000);
            assert!(done.fetched < 3_000_000 && done.aside.join("videoplanet.db").exists(), "{done:?}");
        })
        .await;
    let after = s.app.read(|db| db.one("SELECT count(*) FROM comments", params![], |r| r.get::<_, i64>(0))).await;
    assert_eq!((before.unwrap(), after.unwrap()), (Some(1), Some(0)));
    // The place tells what is in it: the restored rows did not know of the later two.
    take(&s.app).await.unwrap();
    assert_eq!(s.app.read(backups::list).await.unwrap().len(), 4);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_place_tells_nothing_and_opens_with_its_passphrase_alone() {
    let s = studio("backup-sealed", |c| c.backup.passphrase = "바른 말 건전지".into()).await;
    let film = noise(700_000, 3);
    s.editor.upload(s.feedback, "a.mp4", &film).await;
    comment(&s, "아무도 읽지 못할 의견").await;
    take(&s.app).await.unwrap();
    let second = take(&s.app).await.unwrap();
    assert!(second.verified.ok && second.manifest.new_bytes < 700_000);
    let key = blake3::hash(&film).to_string();
    for (path, bytes) in files(Path::new(&place("backup-sealed"))) {
        let has = |part: &[u8]| bytes.windows(part.len()).any(|w| w == part);
        assert!(!has(&film[..64]) && !has(&film[500_000..500_064]), "{}", path.display());
        assert!(!has("아무도 읽지 못할".as_bytes()) && !has(b"SQLite format 3") && !has(key.as_bytes()));
        assert!(!has("바른 말".as_bytes()) && !path.display().to_string().contains(&key));
    }
    let right = to_place(&s);
    let elsewhere = s.dir.path().join("elsewhere");
    for (wrong, why) in [("틀린 말", "is not the one"), ("", "set backup.passphrase")] {
        let target = Target { passphrase: wrong.into(), ..right.clone() };
        let refused = restored(&target, None, &elsewhere).await.unwrap_err();
        assert!(matches!(&refused, Trouble::Refused(said) if said.contains(why)), "{refused}");
        assert!(!format!("{refused} {target:?}").contains("바른 말"));
    }
    assert!(files(&elsewhere).is_empty());
    restored(&right, None, &elsewhere).await.unwrap();
    let original = elsewhere.join(format!("media/{}/{key}/original", &key[..2]));
    assert_eq!(fs::read(original).unwrap(), film);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_is_not_there_is_told_loudly_and_a_place_is_not_taken_for_another() {
    let s = studio("backup-lost", |_| ()).await;
    let (kept, broken) = (noise(50_000, 4), noise(60_000, 5));
    s.editor.upload(s.feedback, "a.mp4", &kept).await;
    s.editor.upload(s.feedback, "b.mp4", &broken).await;
    let back = s.misplace(&broken);
    let taken = take(&s.app).await.unwrap();
    let lost = &taken.manifest.lost;
    assert_eq!((lost.len(), lost[0].key, lost[0].damaged), (1, Key::of(blake3::hash(&broken)), true));
    assert!(taken.manifest.films() == 1 && taken.verified.ok);
    let health = s.app.read(|db| backups::health(db, videoplanet::base::clock::Time(0))).await.unwrap();
    assert!(health.failed && health.whole.0 == 0, "one that lacks a film counts as none");
    back();
    assert!(take(&s.app).await.unwrap().manifest.lost.is_empty());

    // Where the disk of the backups is not mounted, nothing is begun anew.
    let place = PathBuf::from(to_place(&s).to);
    fs::rename(&place, place.with_extension("unmounted")).unwrap();
    fs::create_dir(&place).unwrap();
    let refused = take(&s.app).await.unwrap_err().to_string();
    assert!(refused.contains("see that it is mounted") && files(&place).is_empty(), "{refused}");
    fs::remove_dir(&place).unwrap();
    fs::rename(place.with_extension("unmounted"), &place).unwrap();
    // Nor in the place of another instance, nor in the data directory.
    let other = Studio::with("backup-other", |c| c.backup.to = place.display().to_string()).await;
    let refused = take(&other.app).await.unwrap_err().to_string();
    assert!(refused.contains("another instance"), "{refused}");
    let within = Target { to: other.dir.path().join("data/backups").display().to_string(), ..Target::default() };
    let refused = work::take_now(&other.app, within, None, CancellationToken::new(), |_| ()).await.unwrap_err();
    assert!(refused.to_string().contains("lies in the data directory"), "{refused}");
    other.stop().await;
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_backups_go_and_only_what_nobody_names_is_swept() {
    // A day ahead of the disk's clock: what is written now is old enough to be swept.
    let clock = Clock::set_at(Clock::System.now().0 + 3 * DAY);
    let to = place("backup-prune");
    let s = Studio::opened("backup-prune", clock.clone(), |c| {
        c.accounts.session_days = 3650;
        c.backup.to = to;
        (c.backup.keep_last, c.backup.keep_days) = (2, 3);
    })
    .await;
    let shared = noise(40_000, 6);
    s.editor.upload(s.feedback, "a.mp4", &shared).await;
    let mut ids = Vec::new();
    for n in 0..6 {
        comment(&s, &format!("{n}일째")).await;
        ids.push(take(&s.app).await.unwrap().manifest.id);
        clock.advance(DAY);
    }
    let vault = Vault::open(&to_place(&s)).unwrap();
    let mut left = vault.ids().unwrap();
    left.sort();
    assert_eq!(left, ids[2..], "three days and the present one");
    let listed = s.app.read(backups::list).await.unwrap();
    assert_eq!(listed.len(), left.len());
    // Each that is left can be restored, and the databases of those that went are swept.
    let packed = files(&Path::new(&to_place(&s).to).join("blobs"));
    assert_eq!(packed.keys().filter(|path| path.extension().is_some()).count(), left.len());
    for id in &left {
        let elsewhere = s.dir.path().join(id);
        restored(&to_place(&s), Some(id), &elsewhere).await.unwrap();
    }
    // One that was asked to go takes with it what it alone needed.
    let who = crate::alerts::viewer(&s).await;
    backups::delete(&s.app, &who, left[0].clone()).await.unwrap();
    s.work().await;
    for _ in 0..600 {
        if vault.ids().unwrap().len() == left.len() - 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    for _ in 0..600 {
        if files(&Path::new(&to_place(&s).to).join("blobs")).len() == left.len() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(files(&Path::new(&to_place(&s).to).join("blobs")).len(), left.len(), "databases and the shared film");
    s.stop().await;
}
