//! `cargo bench --bench backup`: what a backup of a large studio costs while people write, what looking at it and restoring
//! it cost, and whether the restored one is equal to the journal.
//!
//! The studio of `data::LARGE` (200,000 comments) is imported by the real program and given films of noise; then backups are
//! taken in a running program while writers comment without a pause. Yardsticks on the same machine: `VACUUM INTO` of the same
//! database, a copy of the same films with `cp`, and how long commits take without a backup. VP_BACKUP_FILMS_MB=400 sets
//! how much film there is, VP_BACKUP_PASSPHRASE=x encrypts, VP_BACKUP_SIZE=small a studio of a tenth.

mod data;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use videoplanet::app::App;
use videoplanet::base::clock::Clock;
use videoplanet::config::Config;
use videoplanet::domain::accounts::Viewer;
use videoplanet::domain::backups::restore::{plan, restore};
use videoplanet::domain::backups::target;
use videoplanet::domain::backups::work::{Taken, take_now};
use videoplanet::domain::comments;
use videoplanet::engines::backup::{Asked, Vault, Watch, verify};
use videoplanet::engines::files::{Files, Key};
use videoplanet::engines::store::params;

const WRITERS: u64 = 8;

fn main() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-backup");
    let _ = std::fs::remove_dir_all(&home);
    let small = std::env::var("VP_BACKUP_SIZE").is_ok_and(|size| size == "small");
    let size = match small {
        true => data::Size { users: 100, projects: 50, members: 10, feedbacks: 2_000, comments: 20_000 },
        false => data::LARGE,
    };
    let megabytes: usize = std::env::var("VP_BACKUP_FILMS_MB").map_or(400, |n| n.parse().expect("a number"));
    data::write(&home.join("given"), &size).unwrap();
    let dir = home.join("data");
    let imported = Command::new(env!("CARGO_BIN_EXE_videoplanet"))
        .arg("--data")
        .arg(&dir)
        .arg("import")
        .arg(home.join("given"))
        .output()
        .unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(&home, &dir, &size, megabytes));
    drop(runtime);
    let _ = std::fs::remove_dir_all(&home);
}

async fn measure(home: &Path, dir: &Path, size: &data::Size, megabytes: usize) {
    let mut config = Config::default();
    config.backup.to = home.join("place").display().to_string();
    config.backup.passphrase = std::env::var("VP_BACKUP_PASSPHRASE").unwrap_or_default();
    let app = App::open(dir, config, Clock::System).await.unwrap();
    films(&app, dir, megabytes).await;
    let (database, _) = app.store.size_bytes();
    println!(
        "{} comments, database {} MB, films {megabytes} MB, {WRITERS} writers",
        size.comments,
        database / 1_000_000
    );

    // Yardsticks.
    let (from, to) = (dir.join("media"), home.join("copied"));
    let begun = Instant::now();
    assert!(Command::new("cp").arg("-r").arg(&from).arg(&to).status().unwrap().success());
    assert!(Command::new("sync").arg("-f").arg(&to).status().unwrap().success());
    println!("cp of the films                {:>7.2} s", begun.elapsed().as_secs_f64());
    let into = home.join("vacuumed.db");
    let copied = home.join("copied.db");
    let (store, database) = (app.store.clone(), dir.join("videoplanet.db"));
    let times = tokio::task::spawn_blocking(move || {
        let begun = Instant::now();
        let conn = rusqlite::Connection::open(database).unwrap();
        conn.execute("VACUUM INTO ?1", [into.to_str().unwrap()]).unwrap();
        let vacuumed = begun.elapsed();
        let begun = Instant::now();
        store.copy_to(&copied).unwrap();
        (vacuumed, begun.elapsed())
    });
    let (vacuumed, copied) = times.await.unwrap();
    println!("VACUUM INTO                    {:>7.2} s", vacuumed.as_secs_f64());
    println!("copy of the database alone     {:>7.2} s", copied.as_secs_f64());
    let (calm, calm_worst) = while_writing(&app, size, tokio::time::sleep(Duration::from_secs(5))).await.1;
    println!("commits without a backup       {calm:>7.0} /s, worst {calm_worst:.0} ms");

    let mut last = None;
    for name in ["first backup", "second backup (little is new)"] {
        let begun = Instant::now();
        let (taken, (rate, worst)) = while_writing(&app, size, take(&app)).await;
        let m = &taken.manifest;
        println!(
            "{name:<30} {:>7.2} s, {} MB, new {:.1} MB, {} of {} files read again; commits {rate:.0} /s, worst {worst:.0} ms",
            begun.elapsed().as_secs_f64(),
            m.bytes() / 1_000_000,
            m.new_bytes as f64 / 1e6,
            taken.verified.read,
            taken.verified.of,
        );
        assert!(taken.verified.ok && m.lost.is_empty());
        last = Some(taken);
    }
    let taken = last.unwrap();
    let (to, id, scratch) = (target(&app.config(), None), taken.manifest.id.clone(), home.join("scratch"));
    std::fs::create_dir_all(&scratch).unwrap();
    let (elsewhere, place) = (home.join("elsewhere"), to.clone());
    let done = tokio::task::spawn_blocking(move || {
        let vault = Vault::open(&place).unwrap();
        let begun = Instant::now();
        let found =
            verify(&vault, &id, Asked { percent: 100.0 }, &scratch, Clock::System.now(), &Watch::silent()).unwrap();
        println!("verify --all                   {:>7.2} s, {} rows", begun.elapsed().as_secs_f64(), found.rows);
        assert!(found.ok);
        std::fs::create_dir_all(&elsewhere).unwrap();
        let begun = Instant::now();
        let plan = plan(&elsewhere, &place, Some(&id)).unwrap();
        restore(&elsewhere, &plan, None, Clock::System.now(), &Watch::silent(), |_| ()).unwrap();
        println!("restore elsewhere              {:>7.2} s", begun.elapsed().as_secs_f64());
        elsewhere
    });
    let elsewhere = done.await.unwrap();
    let restored = App::open(&elsewhere, Config::default(), Clock::System).await.unwrap();
    let (here, there) = (until(&app, taken.manifest.seq).await, until(&restored, i64::MAX).await);
    assert_eq!(here, there, "the restored one is not equal to the journal at seq {}", taken.manifest.seq);
    println!("equal to the journal at seq {} (events, comments and their texts: {here:?})", taken.manifest.seq);
    restored.close().await;
    app.close().await;
}

async fn take(app: &App) -> Taken {
    take_now(app, target(&app.config(), None), None, CancellationToken::new(), |_| ()).await.unwrap()
}

/// Films of noise of 20 MB, as rows and as files.
async fn films(app: &App, dir: &Path, megabytes: usize) {
    let dir = dir.to_owned();
    let made = tokio::task::spawn_blocking(move || {
        let files = Files::open(&dir).unwrap();
        let mut keys = Vec::new();
        for n in 0..megabytes.div_ceil(20) {
            let mut bytes = vec![0; 20_000_000];
            blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut bytes);
            let key = Key::of(blake3::hash(&bytes));
            let path = files.path(&key, "original").unwrap();
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
            keys.push(key);
        }
        keys
    });
    for key in made.await.unwrap() {
        let add = "INSERT INTO originals (hash, size_bytes, watched_ms, created_ms) VALUES (?1, 20000000, 1, 1)";
        app.store.write(move |tx| tx.execute(add, params![key])).await.unwrap();
    }
}

/// Runs `work` while writers comment; answers what it brought, commits a second, and the longest one in milliseconds.
async fn while_writing<T>(app: &App, size: &data::Size, work: impl Future<Output = T>) -> (T, (f64, f64)) {
    let stop = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|w| {
            let (app, stop) = (app.clone(), stop.clone());
            let token = data::token(data::owner(size, w + 1));
            tokio::spawn(async move {
                let who = Viewer::of_token(&app, &token).await.unwrap().unwrap();
                let (mut n, mut worst) = (0u64, Duration::ZERO);
                // Feedbacks go round the projects.
                let feedback = videoplanet::base::ids::FeedbackId(w as i64 + 1);
                while !stop.load(Ordering::Relaxed) {
                    let new = serde_json::from_value(serde_json::json!({ "text": format!("{w} 의견 {n}") })).unwrap();
                    let asked = Instant::now();
                    comments::add(&app, &who, feedback, new).await.unwrap();
                    worst = worst.max(asked.elapsed());
                    n += 1;
                }
                (n, worst)
            })
        })
        .collect();
    let done = work.await;
    stop.store(true, Ordering::Relaxed);
    let (mut all, mut worst) = (0, Duration::ZERO);
    for writer in writers {
        let (n, longest) = writer.await.unwrap();
        all += n;
        worst = worst.max(longest);
    }
    (done, (all as f64 / begun.elapsed().as_secs_f64(), worst.as_secs_f64() * 1e3))
}

/// Number and hash of the events up to a seq, and of the comments that came until then or had been imported.
async fn until(app: &App, seq: i64) -> ((usize, String), (usize, String)) {
    let (events, comments) = app
        .read(move |db| {
            let events = db.all(
                "SELECT seq || ' ' || at_ms || ' ' || verb || ' ' || body FROM events WHERE seq <= ?1 ORDER BY seq",
                params![seq],
                |r| r.get::<_, String>(0),
            )?;
            let comments = db.all(
                "SELECT c.id || ' ' || c.text FROM comments c WHERE NOT EXISTS
                    (SELECT 1 FROM events e WHERE e.subject = 'comment' AND e.subject_id = c.id AND e.verb = 'comment_added'
                        AND e.seq > ?1) ORDER BY c.id",
                params![seq],
                |r| r.get::<_, String>(0),
            )?;
            Ok((events, comments))
        })
        .await
        .unwrap();
    let sum = |lines: &[String]| (lines.len(), blake3::hash(lines.join("\n").as_bytes()).to_hex()[..16].to_owned());
    (sum(&events), sum(&comments))
}
