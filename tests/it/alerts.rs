//! Alerts: each rule is provoked for real, and a real receiver on loopback hears of its beginning and its end, once each.

use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use videoplanet::base::clock::{Clock, MINUTE, SECOND};
use videoplanet::base::ids::{MailId, MediaId};
use videoplanet::base::job::{Job, JobKind, JobState, Lane};
use videoplanet::config::Config;
use videoplanet::domain::accounts::Viewer;
use videoplanet::domain::alerts::{self, Change};
use videoplanet::domain::search;
use videoplanet::engines::alerts::{Reading, Rule, Set, Severity};
use videoplanet::engines::queue::{self, LaneChange, Lanes};
use videoplanet::engines::store::{Tx, params};

use crate::admin::send;
use crate::clips::noise;
use crate::postbox::{Mood, Postbox};
use crate::studio::Studio;
use crate::webhooks::{Receiver, Reply};

/// A studio whose alerts reach a receiver.
pub struct Alarm {
    pub s: Studio,
    pub clock: Clock,
    pub receiver: Receiver,
    pub secret: String,
}

pub async fn viewer(s: &Studio) -> Viewer {
    Viewer::of_token(&s.app, &s.editor.token).await.unwrap().unwrap()
}

impl Alarm {
    pub async fn with(name: &str, change: impl FnOnce(&mut Config)) -> Alarm {
        let alarm = Alarm::asleep(name, change).await;
        alarm.s.work().await;
        alarm
    }

    /// Nothing runs in it yet.
    pub async fn asleep(name: &str, change: impl FnOnce(&mut Config)) -> Alarm {
        // Noon where the studio is.
        let clock = Clock::set_at(1_795_057_200_000);
        let s = Studio::opened(name, clock.clone(), |c| {
            c.accounts.session_days = 3650;
            change(c);
        })
        .await;
        s.app.setup.done();
        let receiver = Receiver::start(|_| Reply::now(200)).await;
        let secret = target(&s, "json", &receiver.url, "info").await;
        Alarm { s, clock, receiver, secret }
    }

    /// Sets one rule, and turns all others off.
    pub async fn only(&self, rule: Rule, threshold: Option<f64>) {
        let who = viewer(&self.s).await;
        for other in Rule::ALL {
            let set = Set::of(*other);
            let severity = set.severity;
            let change = Change { enabled: *other == rule, threshold: None, for_s: 0, cool_down_s: 0, severity };
            let threshold = threshold.filter(|_| *other == rule);
            alerts::change(&self.s.app, &who, *other, Change { threshold, ..change }).await.unwrap();
        }
    }

    pub async fn change(&self, rule: Rule, to: impl FnOnce(&mut Change)) {
        let (rules, _) = alerts::now(&self.s.app).await.unwrap();
        let set = rules.iter().find(|r| r.set.rule == rule).unwrap().set;
        let mut change = Change {
            enabled: set.enabled,
            threshold: None,
            for_s: set.for_s,
            cool_down_s: set.cool_down_s,
            severity: set.severity,
        };
        to(&mut change);
        alerts::change(&self.s.app, &viewer(&self.s).await, rule, change).await.unwrap();
    }

    pub async fn look(&self) {
        alerts::look(&self.s.app).await.unwrap();
    }

    pub fn reading(&self, rule: Rule) -> Reading {
        self.s.app.alerts.present().iter().find(|p| p.rule == rule).unwrap().reading
    }

    /// Everything that was sent has arrived, and how much that is.
    pub async fn told(&self) -> Vec<Value> {
        for _ in 0..1200 {
            let waiting = self.s.app.read(|db| {
                let sql = "SELECT count(*) FROM jobs WHERE kind = 'tell_alert' AND state IN ('ready', 'running')";
                Ok(db.one(sql, params![], |r| r.get::<_, i64>(0))?.unwrap_or(0))
            });
            if waiting.await.unwrap() == 0 {
                return self.receiver.calls().iter().map(|c| c.json()).collect();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("tellings still wait");
    }

    /// One look finds it bad; the receiver hears of it once, however often it is looked after that.
    pub async fn fires(&self, rule: Rule) -> Value {
        let before = self.told().await.len();
        self.look().await;
        self.receiver.got(before + 1).await;
        self.look().await;
        self.look().await;
        let told = self.told().await;
        assert_eq!(told.len(), before + 1, "{rule}: {told:#?}");
        let told = told.last().unwrap();
        assert_eq!((&told["type"], &told["alert"]["rule"]), (&json!("alert_fired"), &json!(rule)), "{told}");
        assert!(told["alert"]["resolved"].is_null() && self.s.app.alerts.firing() == 1, "{told}");
        told.clone()
    }

    /// It is well again; the receiver hears of that once.
    pub async fn clears(&self, rule: Rule) -> Value {
        let before = self.told().await.len();
        self.look().await;
        assert_eq!(self.told().await.len(), before, "{rule} is not over at once: {:?}", self.reading(rule));
        self.clock.advance(31 * SECOND);
        self.look().await;
        self.receiver.got(before + 1).await;
        self.look().await;
        let told = self.told().await;
        assert_eq!(told.len(), before + 1, "{rule}: {told:#?}");
        let told = told.last().unwrap();
        assert_eq!((&told["type"], &told["alert"]["rule"]), (&json!("alert_resolved"), &json!(rule)), "{told}");
        assert!(
            told["alert"]["lasted_ms"].as_i64().unwrap() >= 31 * SECOND && self.s.app.alerts.firing() == 0,
            "{told}"
        );
        told.clone()
    }

    async fn comment(&self) -> u16 {
        let path = format!("POST /feedbacks/{}/comments", self.s.feedback);
        self.s.editor.send(&path, json!({ "text": "색보정 부탁드려요." })).await.status
    }

    /// Keeps the writer busy until the answer is dropped.
    async fn busy_writer(&self) -> mpsc::Sender<()> {
        let (go, wait) = mpsc::channel::<()>();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let store = self.s.app.store.clone();
        tokio::spawn(async move {
            let held = store.write(move |_| {
                let _ = begun.send(());
                let _ = wait.recv();
                Ok(())
            });
            held.await
        });
        begins.await.unwrap();
        go
    }
}

/// Adds a target on the page; answers the secret that it shows.
pub async fn target(s: &Studio, form: &str, place: &str, severity: &str) -> String {
    let fields = [("name", "받는 곳"), ("form", form), ("place", place), ("lang", "en"), ("severity", severity)];
    let answer = send(s, &s.editor, "/admin/alerts/targets", &fields).await;
    if form == "mail" {
        assert_eq!(answer.status(), 303);
        return String::new();
    }
    assert_eq!(answer.status(), 201);
    let page = answer.text().await.unwrap();
    let at = page.find("whsec_").expect("the secret is shown once");
    page[at..].split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_answers_are_told() {
    let a = Alarm::with("alerts-p95", |c| c.limits.local = false).await;
    a.only(Rule::P95, Some(0.1)).await;
    a.look().await;
    a.clock.advance(61 * SECOND);
    a.look().await;
    assert_eq!(a.reading(Rule::P95), Reading::Nothing, "a few requests say nothing");
    for _ in 0..25 {
        assert_eq!(a.comment().await, 201);
    }
    let told = a.fires(Rule::P95).await;
    assert!(told["alert"]["value"].as_f64().unwrap() > 0.1 && told["alert"]["unit"] == "ms", "{told}");
    a.clock.advance(61 * SECOND);
    a.clears(Rule::P95).await;

    // More than a second each, since the writer is held up for so long.
    a.only(Rule::SlowRequests, Some(50.0)).await;
    let busy = a.busy_writer().await;
    let clear = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        drop(busy);
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all((0..25).map(|_| a.comment())), clear);
    assert!(answers.iter().all(|status| *status == 201), "{answers:?}");
    let told = a.fires(Rule::SlowRequests).await;
    assert!(told["alert"]["value"].as_f64().unwrap() > 50.0, "{told}");
    a.clock.advance(61 * SECOND);
    a.clears(Rule::SlowRequests).await;
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_writes_are_told_as_errors_and_a_full_queue_as_such() {
    let a = Alarm::with("alerts-errors", |c| c.store.write_queue = 4).await;
    a.only(Rule::ErrorRate, None).await;
    let busy = a.busy_writer().await;
    let store = a.s.app.store.clone();
    let fill: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn({
                let store = store.clone();
                async move { store.write(|_| Ok(())).await }
            })
        })
        .collect();
    for _ in 0..400 {
        if store.write_queue_len() == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..12 {
        assert_eq!(a.comment().await, 503);
    }
    drop(busy);
    for filler in fill {
        filler.await.unwrap().unwrap();
    }
    let told = a.fires(Rule::ErrorRate).await;
    assert!(told["alert"]["value"].as_f64().unwrap() > 1.0 && told["alert"]["severity"] == "critical", "{told}");
    a.clock.advance(61 * SECOND);
    a.clears(Rule::ErrorRate).await;

    // Full to the last place: what was found is written as soon as there is room.
    a.only(Rule::WriterQueue, None).await;
    let busy = a.busy_writer().await;
    let fill: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn({
                let store = store.clone();
                async move { store.write(|_| Ok(())).await }
            })
        })
        .collect();
    for _ in 0..400 {
        if store.write_queue_len() == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let app = a.s.app.clone();
    let looking = tokio::spawn(async move { alerts::look(&app).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!looking.is_finished());
    drop(busy);
    looking.await.unwrap().unwrap();
    for filler in fill {
        filler.await.unwrap().unwrap();
    }
    let told = a.receiver.got(3).await.last().unwrap().json();
    assert_eq!((&told["alert"]["rule"], &told["alert"]["value"]), (&json!("writer_queue"), &json!(100.0)));
    a.clears(Rule::WriterQueue).await;
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_misses_is_told_once_there_is_enough_to_judge() {
    let a = Alarm::with("alerts-hits", |_| ()).await;
    a.only(Rule::CacheHits, None).await;
    let get = async |n: i64| {
        let path = format!("GET /projects?page_size={}&page={}", n % 100 + 1, n / 100 + 1);
        assert!(a.s.editor.call(&path).await.status < 500);
    };
    for n in 0..40 {
        get(n).await;
    }
    a.look().await;
    assert_eq!(a.reading(Rule::CacheHits), Reading::Nothing, "too few look-ups");
    for n in 40..100 {
        get(n).await;
    }
    // And one answer after another that has moved on since.
    for _ in 0..60 {
        a.comment().await;
        a.s.editor.call(&format!("GET /feedbacks/{}/comments", a.s.feedback)).await.is(200);
    }
    let told = a.fires(Rule::CacheHits).await;
    assert!(told["alert"]["value"].as_f64().unwrap() < 60.0 && told["alert"]["direction"] == "below", "{told}");
    a.clock.advance(10 * MINUTE);
    a.look().await;
    for _ in 0..150 {
        a.s.editor.call(&format!("GET /feedbacks/{}/comments", a.s.feedback)).await.is(200);
    }
    a.clears(Rule::CacheHits).await;
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_is_told_in_percent_and_in_bytes() {
    let a = Alarm::with("alerts-disk", |_| ()).await;
    let space = a.s.app.files.space().unwrap();
    let (free, part) = (space.free as f64 / 1e9, 100.0 * space.free as f64 / space.total as f64);
    assert!(part < 94.0, "a disk that is not empty");
    a.only(Rule::DiskBytes, Some(free + 100.0)).await;
    let told = a.fires(Rule::DiskBytes).await;
    assert!((told["alert"]["value"].as_f64().unwrap() - free).abs() < 20.0, "{told}");
    a.change(Rule::DiskBytes, |c| c.threshold = Some(0.0)).await;
    a.clears(Rule::DiskBytes).await;
    a.only(Rule::DiskPercent, Some(95.0)).await;
    a.fires(Rule::DiskPercent).await;
    a.change(Rule::DiskPercent, |c| c.threshold = Some(0.0)).await;
    a.clears(Rule::DiskPercent).await;
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_film_is_a_failed_job_that_is_told() {
    let a = Alarm::with("alerts-jobs", |_| ()).await;
    a.only(Rule::JobsFailed, None).await;
    a.look().await;
    assert_eq!(a.reading(Rule::JobsFailed), Reading::Value(0.0));
    let shown = a.s.publish("broken.mp4", &noise(20_000, 7)).await;
    assert_eq!(shown["state"], "failed");
    let told = a.fires(Rule::JobsFailed).await;
    assert_eq!(told["alert"]["value"], 1.0);
    a.clock.advance(16 * MINUTE);
    a.clears(Rule::JobsFailed).await;
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_in_which_jobs_wait_is_told() {
    let a = Alarm::with("alerts-lanes", |_| ()).await;
    let media = MediaId(987_654);
    let all = [
        (Rule::QueueLight, Lane::Light, Job::ProbeMedia { media }),
        (Rule::QueueMedia, Lane::Media, Job::ProxyMedia { media, again: vec![] }),
        (Rule::QueueMaintenance, Lane::Maintenance, Job::PruneJobs),
        (Rule::QueueOutbound, Lane::Outbound, Job::SendMail { mail: MailId(987_654) }),
    ];
    let pause = async |lane: Lane, paused: bool| {
        let set = move |tx: &mut Tx| queue::set_lane(tx, None, lane, LaneChange::Paused(paused));
        a.s.app.write(set).await.unwrap();
    };
    for (rule, lane, job) in all {
        a.only(rule, None).await;
        pause(lane, true).await;
        a.s.app.write(move |tx| queue::enqueue(tx, job)).await.unwrap();
        a.clock.advance((rule.definition().threshold as i64 + 60) * SECOND);
        if lane == Lane::Outbound {
            // What tells of it waits in the same lane: it goes out when the lane does.
            a.look().await;
            assert_eq!(a.s.app.alerts.firing(), 1);
            pause(lane, false).await;
            let told = a.receiver.got(7).await.last().unwrap().json();
            assert_eq!((&told["type"], &told["alert"]["rule"]), (&json!("alert_fired"), &json!("queue_outbound")));
        } else {
            let told = a.fires(rule).await;
            assert!(told["alert"]["value"].as_f64().unwrap() > rule.definition().threshold, "{told}");
            pause(lane, false).await;
        }
        for _ in 0..1200 {
            let waiting = a.s.app.read(|db| queue::by_states(db, &[JobState::Ready, JobState::Running], None, 9));
            if waiting.await.unwrap().is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        a.clears(rule).await;
    }
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_lags_is_told() {
    // Its lanes run, and nobody follows the journal.
    let a = Alarm::asleep("alerts-index", |_| ()).await;
    let app = a.s.app.clone();
    let lanes = Lanes { light: 1, media: 1, outbound: 2, maintenance: 1 };
    let perform = move |job, run| {
        let app = app.clone();
        async move {
            match job {
                Job::TellAlert { telling } => alerts::tell::tell(&app, &run, telling).await,
                _ => Ok(Value::Null),
            }
        }
    };
    a.s.app.queue.start(a.s.app.store.clone(), lanes, perform).await.unwrap();
    a.only(Rule::IndexLag, None).await;
    a.comment().await;
    a.clock.advance(2 * MINUTE);
    let told = a.fires(Rule::IndexLag).await;
    assert!(told["alert"]["value"].as_f64().unwrap() >= 120.0, "{told}");
    tokio::spawn(search::follow(a.s.app.clone()));
    for _ in 0..1200 {
        a.look().await;
        // While it is built anew there is nothing to judge.
        if matches!(a.reading(Rule::IndexLag), Reading::Value(v) if v < 1.0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    a.clears(Rule::IndexLag).await;
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_that_are_not_taken_are_told() {
    let postbox = Postbox::open().await;
    let a = Alarm::with("alerts-mail", postbox.settings()).await;
    a.only(Rule::MailFailing, None).await;
    postbox.feel(Mood::Refuses);
    for _ in 0..3 {
        assert_eq!(send(&a.s, &a.s.editor, "/admin/notices/test", &[]).await.status(), 303);
    }
    for _ in 0..1200 {
        a.look().await;
        if a.s.app.alerts.firing() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let told = a.receiver.got(1).await[0].json();
    assert_eq!((&told["alert"]["rule"], &told["alert"]["value"]), (&json!("mail_failing"), &json!(3.0)));
    a.clock.advance(61 * MINUTE);
    a.clears(Rule::MailFailing).await;
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_files_the_log_and_the_clock_are_told() {
    let a = Alarm::with("alerts-machine", |c| c.rooms.max_sockets = 2).await;
    a.only(Rule::Sockets, None).await;
    let seats = [a.s.seat(), a.s.seat()];
    assert_eq!(a.fires(Rule::Sockets).await["alert"]["value"], 100.0);
    drop(seats);
    a.clears(Rule::Sockets).await;

    a.only(Rule::OpenFiles, Some(0.001)).await;
    a.fires(Rule::OpenFiles).await;
    a.change(Rule::OpenFiles, |c| c.threshold = Some(95.0)).await;
    a.clears(Rule::OpenFiles).await;

    a.only(Rule::DatabaseLog, Some(0.001)).await;
    a.s.app.store.tidy(Default::default()).await.unwrap();
    let fill = |tx: &mut Tx| tx.set_setting("filler", &"x".repeat(3_000_000));
    a.s.app.store.write(fill).await.unwrap();
    a.fires(Rule::DatabaseLog).await;
    assert!(a.s.app.store.tidy(Default::default()).await.unwrap().log_emptied);
    a.clears(Rule::DatabaseLog).await;

    a.only(Rule::ClockJump, Some(100.0)).await;
    a.look().await;
    a.clock.advance(1_000 * SECOND);
    // At the look after it, it is over again.
    let before = a.told().await.len();
    a.look().await;
    let told = a.receiver.got(before + 1).await.last().unwrap().json();
    let jump = told["alert"]["value"].as_f64().unwrap();
    assert!(told["alert"]["rule"] == "clock_jump" && (990.0..=1_000.0).contains(&jump), "{told}");
    a.clears(Rule::ClockJump).await;
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_restart_finds_is_told_a_cache_without_its_disk_and_a_damaged_database() {
    let mut a = Alarm::with("alerts-damage", |_| ()).await;
    a.only(Rule::CacheDisk, None).await;
    let data = a.s.dir.path().join("data");
    let (cache, aside) = (data.join("cache"), data.join("aside"));
    let stop = || {
        std::fs::rename(&cache, &aside).unwrap();
        std::fs::write(&cache, b"no directory").unwrap();
    };
    a.s = a.s.stopped(stop).await;
    a.s.work().await;
    a.fires(Rule::CacheDisk).await;
    let mend = || {
        std::fs::remove_file(&cache).unwrap();
        std::fs::rename(&aside, &cache).unwrap();
    };
    a.s = a.s.stopped(mend).await;
    a.s.work().await;
    a.clears(Rule::CacheDisk).await;

    // A row that refers to nobody.
    a.only(Rule::DatabaseDamaged, None).await;
    let database = data.join("videoplanet.db");
    let harm = |sql: &'static str| {
        let database = database.clone();
        move || {
            let conn = rusqlite::Connection::open(database).unwrap();
            conn.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        }
    };
    let check = async |s: &Studio| {
        let job = s.app.store.write(|tx| queue::enqueue(tx, Job::IntegrityCheck)).await.unwrap();
        for _ in 0..1200 {
            let row = s.app.read(move |db| queue::by_id(db, job)).await.unwrap().unwrap();
            if row.finished.is_some() {
                assert_eq!(row.kind, JobKind::IntegrityCheck);
                return row.state;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the check goes on");
    };
    let insert = "INSERT INTO visits (user_id, last_ms) VALUES (98765, 5)";
    a.s = a.s.stopped(harm(insert)).await;
    a.s.work().await;
    assert_eq!(check(&a.s).await, JobState::Failed);
    let told = a.fires(Rule::DatabaseDamaged).await;
    assert_eq!(told["alert"]["severity"], json!(Severity::Critical));
    a.s = a.s.stopped(harm("DELETE FROM visits WHERE user_id = 98765")).await;
    a.s.work().await;
    assert_eq!(check(&a.s).await, JobState::Done);
    a.clears(Rule::DatabaseDamaged).await;
    a.s.stop().await;
}
