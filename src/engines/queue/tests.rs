//! The queue on a real store: what waits for what, who runs first, what people change, and what a crash leaves.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::Semaphore;

use super::*;
use crate::base::clock::{Clock, MINUTE};
use crate::base::ids::MediaId;
use crate::base::job::JobError;
use crate::engines::store::{Options, Store};

/// A store and its queue in a directory that goes away with the test.
struct Home {
    dir: PathBuf,
    clock: Clock,
    store: Store,
    queue: Queue,
    /// What ran, in order.
    ran: Arc<Mutex<Vec<i64>>>,
    /// Each run takes one of these before it ends.
    go: Arc<Semaphore>,
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl Home {
    fn new(name: &str) -> Home {
        let dir = std::env::temp_dir().join(format!("videoplanet-queue-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let clock = Clock::set_at(1_000_000_000);
        let queue = Queue::new(clock.clone());
        let store = open(&dir, &clock, queue.clone());
        Home { dir, clock, store, queue, ran: Arc::default(), go: Arc::new(Semaphore::new(0)) }
    }

    /// Runs jobs: each notes its number (its "media"), tells 50 %, waits for its go, and ends by its number: 13 fails,
    /// 14 is tried again, 15 waits for better days.
    async fn start(&self, lanes: Lanes) {
        let (ran, go) = (self.ran.clone(), self.go.clone());
        let work = move |job: Job, run: Run| {
            let (ran, go) = (ran.clone(), go.clone());
            async move {
                let n = number(&job);
                ran.lock().push(n);
                run.progress(Progress { percent: 50.0, fps: Some(n as f32), ..Progress::default() });
                tokio::select! {
                    permit = go.acquire() => permit.unwrap().forget(),
                    () = run.cancel.cancelled() => return Err(JobError::Cancelled),
                }
                match n {
                    13 => Err(JobError::Fail { error: "unlucky".into(), stderr: "its last words".into() }),
                    14 => Err(JobError::Retry(anyhow::anyhow!("not yet"))),
                    15 => Err(JobError::Later(anyhow::anyhow!("no room"))),
                    _ => Ok(json!({ "n": n })),
                }
            }
        };
        self.queue.start(self.store.clone(), lanes, work).await.unwrap();
    }

    async fn add(&self, new: NewJob) -> JobId {
        self.store.write(move |tx| enqueue(tx, new.clone())).await.unwrap()
    }

    async fn row(&self, id: JobId) -> Row {
        self.store.read(move |db| by_id(db, id)).await.unwrap().unwrap()
    }

    async fn state(&self, id: JobId) -> JobState {
        self.row(id).await.state
    }

    /// Waits until something is so.
    async fn until(&self, what: &str, so: impl AsyncFn(&Home) -> bool) {
        for _ in 0..400 {
            if so(self).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never so: {what}; ran {:?}", self.ran.lock());
    }

    async fn until_ran(&self, expected: &[i64]) {
        self.until(&format!("ran {expected:?}"), async |h| *h.ran.lock() == expected).await;
    }
}

fn open(dir: &std::path::Path, clock: &Clock, queue: Queue) -> Store {
    let effects = move |batch: crate::engines::store::Batch| {
        batch.events.iter().for_each(|c| queue.heard(&c.event));
        if batch.jobs_added {
            queue.wake();
        }
    };
    Store::open(&Options { readers: 2, ..Options::in_dir(dir) }, clock.clone(), effects).unwrap()
}

/// A job of the light lane.
fn light(n: i64) -> NewJob {
    Job::ProbeMedia { media: MediaId(n) }.into()
}

/// A job of the media lane.
fn heavy(n: i64, priority: i64) -> NewJob {
    NewJob { priority, ..Job::ProxyMedia { media: MediaId(n), again: Vec::new() }.into() }
}

fn number(job: &Job) -> i64 {
    match job {
        Job::ProbeMedia { media } | Job::ProxyMedia { media, .. } => media.0,
        _ => 0,
    }
}

const ONE: Lanes = Lanes { light: 1, media: 1, outbound: 1, maintenance: 1 };

#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_until_what_it_needs_is_over_and_shows_how_far_that_is() {
    let h = Home::new("needs");
    let (a, b) = (h.add(light(1)).await, h.add(light(13)).await);
    let parent = h.add(NewJob { needs: vec![(a, 3), (b, 1)], ..light(9) }).await;
    assert_eq!(h.state(parent).await, JobState::Waiting);
    h.start(ONE).await;
    h.until_ran(&[1]).await;
    let told = h.queue.progress(parent).unwrap();
    assert_eq!((told.percent, told.fps), (37.5, Some(1.0)), "three quarters of a half");
    h.go.add_permits(1);
    h.until_ran(&[1, 13]).await;
    assert_eq!(h.queue.progress(parent).unwrap().percent, 87.5);
    h.go.add_permits(1);
    // The second one fails, and the one that waited runs all the same: it looks for itself.
    h.until_ran(&[1, 13, 9]).await;
    h.go.add_permits(1);
    h.until("done", async |h| h.state(parent).await == JobState::Done).await;
    let needs = h.store.read(move |db| needs_of(db, parent)).await.unwrap();
    assert_eq!(needs.iter().map(|n| n.state).collect::<Vec<_>>(), [JobState::Done, JobState::Failed]);
    let lost = h.row(b).await;
    assert_eq!((lost.error.as_deref(), lost.stderr.as_deref()), (Some("unlucky"), Some("its last words")));

    // Tried again, the lost one makes the one that waited for it wait and look again.
    h.store.write(move |tx| retry(tx, None, b)).await.unwrap();
    assert_eq!(h.state(parent).await, JobState::Waiting);
    h.go.add_permits(2);
    h.until_ran(&[1, 13, 9, 13, 9]).await;
    h.until("done again", async |h| h.state(parent).await == JobState::Done).await;
    // What is over already is not waited for.
    let late = h.add(NewJob { needs: vec![(a, 1)], ..light(7) }).await;
    h.until_ran(&[1, 13, 9, 13, 9, 7]).await;
    h.go.add_permits(1);
    h.until("the late one", async |h| h.state(late).await == JobState::Done).await;
    h.queue.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_a_job_ends_what_only_it_needs() {
    let h = Home::new("cancel");
    let (alone, shared, runs) = (h.add(light(1)).await, h.add(light(2)).await, h.add(heavy(3, 0)).await);
    let parent = h.add(NewJob { needs: vec![(alone, 1), (shared, 1), (runs, 1)], ..light(9) }).await;
    let other = h.add(NewJob { needs: vec![(shared, 1)], ..light(8) }).await;
    h.store.write(|tx| set_lane(tx, None, Lane::Light, LaneChange::Paused(true))).await.unwrap();
    h.start(ONE).await;
    h.until_ran(&[3]).await;
    let at_once = h.store.write(move |tx| {
        cancel(tx, None, parent)?;
        retry(tx, None, parent)
    });
    assert!(matches!(at_once.await, Err(Error::Conflict(_))), "its part is still ending");
    h.store.write(move |tx| cancel(tx, None, parent)).await.unwrap();
    h.until("the running part ends", async |h| h.state(runs).await == JobState::Cancelled).await;
    assert_eq!((h.state(parent).await, h.state(alone).await), (JobState::Cancelled, JobState::Cancelled));
    assert_eq!((h.state(shared).await, h.state(other).await), (JobState::Ready, JobState::Waiting));
    let over = h.store.write(move |tx| cancel(tx, None, parent)).await;
    assert!(matches!(over, Err(Error::Conflict(_))), "it is over");
    h.queue.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_of_priority_is_a_minute_and_nothing_waits_forever() {
    let h = Home::new("priority");
    h.add(heavy(1, 0)).await;
    h.add(heavy(2, -20)).await;
    h.clock.advance(5 * MINUTE);
    let moved = h.add(heavy(3, 0)).await;
    h.add(heavy(4, 30)).await;
    h.clock.advance(30 * MINUTE);
    h.add(heavy(5, 0)).await;
    h.add(heavy(6, 4)).await;
    h.store.write(move |tx| prioritise(tx, None, moved, -60)).await.unwrap();
    let range = h.store.write(move |tx| prioritise(tx, None, moved, 100_000)).await;
    assert!(matches!(range, Err(Error::Invalid(_))));
    h.go.add_permits(10);
    h.start(Lanes { media: 1, ..ONE }).await;
    h.until("all ran", async |h| h.ran.lock().len() == 6).await;
    // 4 stands 25 minutes ahead of 1; 2 waits since 15 minutes more than 6, whose points are worth four.
    let mut ran = h.ran.lock().clone();
    // The place for short jobs takes 4 and 6 beside the others: their order among the rest is open.
    ran.retain(|n| ![4, 6].contains(n));
    assert_eq!(ran, [1, 2, 5, 3]);
    h.queue.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_is_not_behind_a_feature_film() {
    let h = Home::new("express");
    h.add(heavy(1, 0)).await;
    h.start(ONE).await;
    h.until_ran(&[1]).await;
    h.add(heavy(2, 0)).await;
    h.add(heavy(3, 30)).await;
    h.add(heavy(4, 30)).await;
    h.until_ran(&[1, 3]).await;
    let media = h.queue.lanes().into_iter().find(|l| l.lane == Lane::Media).unwrap();
    assert_eq!((media.places, media.running), (1, 2), "one place more, for short ones alone");
    h.go.add_permits(10);
    h.until("all ran", async |h| h.ran.lock().len() == 4).await;
    h.queue.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_are_steered_while_they_run_also_from_another_process() {
    let h = Home::new("lanes");
    h.start(ONE).await;
    let elsewhere = open(&h.dir, &h.clock, Queue::new(h.clock.clone()));
    h.store.write(|tx| set_lane(tx, None, Lane::Light, LaneChange::Paused(true))).await.unwrap();
    for n in 1..=4 {
        h.add(light(n)).await;
    }
    h.add(heavy(5, 0)).await;
    h.until_ran(&[5]).await;
    // Resumed at once here, widened from elsewhere within a second.
    h.store.write(|tx| set_lane(tx, None, Lane::Light, LaneChange::Paused(false))).await.unwrap();
    h.until_ran(&[5, 1]).await;
    elsewhere.write(|tx| set_lane(tx, None, Lane::Light, LaneChange::Places(Some(3)))).await.unwrap();
    h.until("three at once", async |h| h.ran.lock().len() == 4).await;
    // Narrowed, what runs goes on, and nothing new begins until there is a place.
    h.store.write(|tx| set_lane(tx, None, Lane::Light, LaneChange::Places(Some(1)))).await.unwrap();
    h.go.add_permits(1);
    h.until("one ended", async |h| h.go.available_permits() == 0).await;
    for bad in [0, MAX_PLACES as i64 + 1] {
        let change = LaneChange::Places(Some(bad));
        let refused = h.store.write(move |tx| set_lane(tx, None, Lane::Light, change)).await;
        assert!(matches!(refused, Err(Error::Invalid(_))));
    }
    // Ended from elsewhere.
    let heavy = h.store.read(|db| by_states(db, &[JobState::Running], Some(JobKind::ProcessMedia), 9)).await.unwrap();
    if let Some(row) = heavy.first() {
        let id = row.id;
        elsewhere.write(move |tx| cancel(tx, None, id)).await.unwrap();
        h.until("ended from elsewhere", async |h| h.state(id).await == JobState::Cancelled).await;
    }
    h.queue.hold(Lane::Maintenance, Some("why"));
    assert_eq!(h.queue.lanes().into_iter().find(|l| l.held.is_some()).unwrap().lane, Lane::Maintenance);
    h.queue.stop(Duration::ZERO).await;
    elsewhere.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_crashes_and_waits_are_counted_apart() {
    let h = Home::new("tries");
    let (dies, waits) = (h.add(light(14)).await, h.add(light(15)).await);
    h.go.add_permits(100);
    h.start(ONE).await;
    for tries in 1..=3 {
        h.until("a try", async |h| {
            let row = h.row(dies).await;
            row.attempts == tries && row.state != JobState::Running && row.state != JobState::Ready
        })
        .await;
        h.clock.advance(10 * MINUTE);
        h.queue.wake();
    }
    let dead = h.row(dies).await;
    assert_eq!((dead.state, dead.error.as_deref()), (JobState::Dead, Some("not yet")));
    let waiting = h.row(waits).await;
    assert!(waiting.attempts <= 1 && !waiting.state.is_over(), "{waiting:?}");
    assert_eq!(
        h.queue.latency().iter().find(|(lane, _)| *lane == Lane::Light).unwrap().1.count() as usize,
        h.ran.lock().len()
    );
    h.queue.stop(Duration::ZERO).await;
    // Handed back by the stop or waiting: nothing runs any more, and the program "ends" three times while it runs.
    h.store.write(move |tx| sql::finish(tx, waits, Ended::HandedBack)).await.unwrap();
    for crash in 1..=CRASHES {
        h.store.write(|tx| sql::claim(tx, Lane::Light, false, LEASE)).await.unwrap().unwrap();
        h.store.write(sql::recover).await.unwrap();
        let row = h.row(waits).await;
        assert_eq!((row.crashes, row.state.is_over()), (crash, crash == CRASHES), "{row:?}");
    }
    let poison = h.row(waits).await;
    assert_eq!(poison.state, JobState::Dead);
    assert_eq!(poison.error.as_deref(), Some("the program ended 3 times while this job ran"));

    // Both stand in the list of what was lost, by reason; tried again together, one at a time is counted anew.
    let groups = h.store.read(groups).await.unwrap();
    assert_eq!(groups.iter().map(|g| (g.error.as_str(), g.count)).collect::<Vec<_>>().len(), 2);
    let revived = h.store.write(|tx| retry_all(tx, None, JobKind::ProbeMedia, "not yet")).await.unwrap();
    assert_eq!(revived.len(), 1);
    let again = h.row(dies).await;
    assert_eq!((again.state, again.attempts, again.crashes, again.error), (JobState::Ready, 0, 0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_job_while_it_waits_or_runs() {
    let h = Home::new("key");
    let part = h.add(light(1)).await;
    let keyed = |n: i64, needs| NewJob { dedup_key: Some("k".into()), needs, ..light(n) };
    let first = h.add(keyed(2, vec![(part, 1)])).await;
    assert_eq!(h.add(keyed(3, vec![])).await, first, "also while it waits for another");
    h.go.add_permits(9);
    h.start(ONE).await;
    h.until("done", async |h| h.state(first).await == JobState::Done).await;
    assert_ne!(h.add(keyed(4, vec![])).await, first);
    h.queue.stop(Duration::ZERO).await;
}
