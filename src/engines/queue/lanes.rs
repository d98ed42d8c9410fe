//! The lanes: who may run now, and what is running. Steered while it runs, from this process at once and from another
//! one (the command line beside a server) within a second.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::run::Run;
use super::{LEASE, Row, sql};
use crate::base::clock::Clock;
use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::ids::JobId;
use crate::base::job::{Job, JobError, JobKind, JobState, Lane, Progress};
use crate::engines::metrics::{Histogram, Times};
use crate::engines::store::Store;

/// How often an idle lane looks for jobs whose back-off has passed, and for what another process has changed.
const POLL: Duration = Duration::from_secs(1);
/// Jobs of one lane at once at the most, whatever is asked for.
pub const MAX_PLACES: usize = 64;

/// How long a job may take to end when it is told to and the program stops. Its work may go on where it cannot be
/// interrupted; all of it may be done twice.
const TO_END: Duration = Duration::from_secs(5);

/// Waiting jobs whose progress is held in memory.
const MAX_FAMILIES: usize = 10_000;

/// How many jobs of each lane run at once, unless somebody has changed it.
#[derive(Clone, Copy, Debug)]
pub struct Lanes {
    /// [`Lane::Light`]
    pub light: usize,
    /// [`Lane::Media`]
    pub media: usize,
    /// [`Lane::Outbound`]
    pub outbound: usize,
    /// [`Lane::Maintenance`]
    pub maintenance: usize,
}

impl Lanes {
    fn of(&self, lane: Lane) -> usize {
        match lane {
            Lane::Light => self.light,
            Lane::Media => self.media,
            Lane::Outbound => self.outbound,
            Lane::Maintenance => self.maintenance,
        }
    }
}

/// A lane at this moment.
#[derive(Clone, Debug)]
pub struct LaneNow {
    /// Which.
    pub lane: Lane,
    /// Jobs at once.
    pub places: usize,
    /// Jobs that run now.
    pub running: usize,
    /// Somebody has paused it.
    pub paused: bool,
    /// Why nothing is begun in it, though nobody has paused it.
    pub held: Option<&'static str>,
}

/// The queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    running: Mutex<HashMap<JobId, Running>>,
    /// Jobs that wait for others, with what is known of those.
    families: Mutex<HashMap<JobId, Vec<Part>>>,
    lanes: [Mutex<State>; Lane::ALL.len()],
    /// How long jobs were due before they began, by lane.
    latency: [Histogram; Lane::ALL.len()],
    /// Runs by kind and how they ended, since the start. Both are closed sets.
    ended: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    wake: Notify,
    /// Nothing is begun any more.
    stop: CancellationToken,
    /// What runs in a lane shall end.
    end: [CancellationToken; Lane::ALL.len()],
    tasks: TaskTracker,
}

struct Running {
    cancel: CancellationToken,
    cancelled_by_person: bool,
    progress: Arc<Mutex<Progress>>,
}

struct Part {
    id: JobId,
    weight: i64,
    over: bool,
}

#[derive(Default)]
struct State {
    /// As the settings say.
    configured: usize,
    /// As somebody wants it instead.
    wanted: Option<usize>,
    paused: bool,
    held: Option<&'static str>,
    running: usize,
    /// Jobs in the place that is kept for short ones.
    express: usize,
}

impl State {
    fn places(&self) -> usize {
        self.wanted.unwrap_or(self.configured).min(MAX_PLACES)
    }
}

/// A place in a lane, given back when it is dropped.
pub(super) struct Seat {
    queue: Queue,
    lane: Lane,
    express: bool,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.queue.state(self.lane).lock();
        if self.express {
            state.express -= 1;
        } else {
            state.running -= 1;
        }
    }
}

impl Queue {
    /// A queue that does not run yet.
    pub fn new(clock: Clock) -> Queue {
        let inner = Inner {
            clock,
            running: Mutex::default(),
            families: Mutex::default(),
            lanes: Default::default(),
            latency: Default::default(),
            ended: Mutex::default(),
            wake: Notify::new(),
            stop: CancellationToken::new(),
            end: Default::default(),
            tasks: TaskTracker::new(),
        };
        Queue { inner: Arc::new(inner) }
    }

    fn state(&self, lane: Lane) -> &Mutex<State> {
        &self.inner.lanes[lane as usize]
    }

    /// Looks for work now; called after a commit that added jobs.
    pub fn wake(&self) {
        self.inner.wake.notify_waiters();
    }

    /// Takes back what a dead process left, then runs every lane. `run` does one job.
    pub async fn start<F, Fut>(&self, store: Store, lanes: Lanes, run: F) -> Result<()>
    where
        F: Fn(Job, Run) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<serde_json::Value, JobError>> + Send + 'static,
    {
        let (ready, dead) = store.write(sql::recover).await?;
        if ready + dead > 0 {
            tracing::warn!(ready, dead, "took back jobs of a process that ended while they ran");
        }
        for lane in Lane::ALL {
            self.state(*lane).lock().configured = lanes.of(*lane);
        }
        self.look(&store).await?;
        for lane in Lane::ALL {
            let (queue, store, run) = (self.clone(), store.clone(), run.clone());
            self.inner.tasks.spawn(async move { queue.lane(store, *lane, run).await });
        }
        let queue = self.clone();
        self.inner.tasks.spawn(async move { queue.keep_looking(store).await });
        Ok(())
    }

    async fn keep_looking(&self, store: Store) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = self.inner.stop.cancelled() => return,
            }
            if let Err(e) = self.look(&store).await {
                tracing::warn!(error = %e, "cannot see what was changed of the lanes");
            }
        }
    }

    /// Takes over what stands in the store: lanes that were changed and running jobs that shall end.
    async fn look(&self, store: &Store) -> Result<()> {
        let (lanes, cancelled) = store.read(|db| Ok((sql::lanes(db)?, sql::to_cancel(db)?))).await?;
        for lane in Lane::ALL {
            let row = lanes.iter().find(|(of, ..)| of == lane);
            self.steered(*lane, row.and_then(|r| r.1), row.is_some_and(|r| r.2));
        }
        cancelled.into_iter().for_each(|id| self.cancelled(id));
        Ok(())
    }

    /// What a committed event means here.
    pub fn heard(&self, event: &Event) {
        match *event {
            Event::LaneChanged { lane, places, paused, .. } => self.steered(lane, places, paused),
            Event::JobCancelled { job, .. } => self.cancelled(job),
            _ => {}
        }
    }

    /// So many jobs of `lane` at once from now on, unless somebody wants another number. What runs goes on.
    pub fn configure(&self, lane: Lane, places: usize) {
        let before = std::mem::replace(&mut self.state(lane).lock().configured, places);
        if before != places {
            self.wake();
        }
    }

    fn steered(&self, lane: Lane, places: Option<i64>, paused: bool) {
        let mut state = self.state(lane).lock();
        let wanted = places.and_then(|n| usize::try_from(n).ok());
        let changed = (state.wanted, state.paused) != (wanted, paused);
        (state.wanted, state.paused) = (wanted, paused);
        drop(state);
        if changed {
            self.wake();
        }
    }

    /// Tells a running job to end.
    fn cancelled(&self, id: JobId) {
        self.inner.families.lock().remove(&id);
        if let Some(running) = self.inner.running.lock().get_mut(&id) {
            running.cancelled_by_person = true;
            running.cancel.cancel();
        }
    }

    /// Begins nothing in `lane` for this reason (a key of a sentence), until it is `None` again. What runs goes on.
    pub fn hold(&self, lane: Lane, why: Option<&'static str>) {
        let before = std::mem::replace(&mut self.state(lane).lock().held, why);
        if before != why {
            tracing::warn!(lane = lane.as_str(), why, "a lane is held or goes on");
            self.wake();
        }
    }

    /// The lanes as they are now.
    pub fn lanes(&self) -> Vec<LaneNow> {
        let now = |lane: &Lane| {
            let state = self.state(*lane).lock();
            let running = state.running + state.express;
            LaneNow { lane: *lane, places: state.places(), running, paused: state.paused, held: state.held }
        };
        Lane::ALL.iter().map(now).collect()
    }

    /// How long jobs were due before they began, since the start.
    pub fn latency(&self) -> Vec<(Lane, Times)> {
        Lane::ALL.iter().map(|lane| (*lane, self.inner.latency[*lane as usize].read())).collect()
    }

    pub(super) fn count(&self, kind: JobKind, outcome: &'static str) {
        *self.inner.ended.lock().entry((kind.as_str(), outcome)).or_default() += 1;
    }

    /// Runs since the start: kind, how they ended, how many.
    pub fn ended(&self) -> Vec<(&'static str, &'static str, u64)> {
        self.inner.ended.lock().iter().map(|((kind, outcome), n)| (*kind, *outcome, *n)).collect()
    }

    /// A place in `lane`, if one is free. The media lane has one more than its places, for short jobs alone: a clip is
    /// not behind a feature film.
    fn seat(&self, lane: Lane) -> Option<Seat> {
        let mut state = self.state(lane).lock();
        if state.paused || state.held.is_some() {
            return None;
        }
        let places = state.places();
        let express = if state.running < places {
            state.running += 1;
            false
        } else if lane == Lane::Media && places > 0 && state.express == 0 {
            state.express += 1;
            true
        } else {
            return None;
        };
        Some(Seat { queue: self.clone(), lane, express })
    }

    async fn lane<F, Fut>(&self, store: Store, lane: Lane, run: F)
    where
        F: Fn(Job, Run) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<serde_json::Value, JobError>> + Send + 'static,
    {
        while !self.inner.stop.is_cancelled() {
            // Registered before looking, so that a job added between the look and the wait is not missed.
            let woken = self.inner.wake.notified();
            if let Some(seat) = self.seat(lane) {
                match self.claim(&store, lane, seat.express).await {
                    Ok(Some(row)) => {
                        let (queue, store, run) = (self.clone(), store.clone(), run.clone());
                        self.inner.tasks.spawn(async move { queue.run_one(store, row, seat, run).await });
                        continue;
                    }
                    Ok(None) => {}
                    Err(e) => tracing::error!(error = %e, lane = lane.as_str(), "cannot look for jobs"),
                }
            }
            tokio::select! {
                _ = woken => {}
                _ = tokio::time::sleep(POLL) => {}
                _ = self.inner.stop.cancelled() => return,
            }
        }
    }

    async fn claim(&self, store: &Store, lane: Lane, express: bool) -> Result<Option<Row>> {
        let now = self.inner.clock.now();
        // The look is a read: an idle lane writes nothing.
        if !store.read(move |db| sql::any_due(db, lane, express, now)).await? {
            return Ok(None);
        }
        let row = store.write(move |tx| sql::claim(tx, lane, express, LEASE)).await?;
        if let Some(row) = &row {
            let late = row.started.unwrap_or(now).0 - row.run_at.0;
            self.inner.latency[lane as usize].record(Duration::from_millis(late.max(0) as u64));
        }
        Ok(row)
    }

    /// Registers a run, and what is known of the job that waits for it.
    pub(super) async fn begin(&self, store: &Store, row: &Row) -> Run {
        let id = row.id;
        // One that waited for others has done its part of the bar with them.
        let begun = match self.inner.families.lock().remove(&id) {
            Some(_) => Progress { percent: 100.0, ..Progress::default() },
            None => Progress::default(),
        };
        let run =
            Run { id, cancel: self.inner.end[row.lane as usize].child_token(), progress: Arc::new(Mutex::new(begun)) };
        self.inner.running.lock().insert(
            id,
            Running { cancel: run.cancel.clone(), cancelled_by_person: false, progress: run.progress.clone() },
        );
        match store.read(move |db| sql::families(db, id)).await {
            Ok(rows) => {
                let mut families: HashMap<JobId, Vec<Part>> = HashMap::new();
                for (parent, part, weight, state) in rows {
                    families.entry(parent).or_default().push(Part { id: part, weight, over: state.is_over() });
                }
                let mut known = self.inner.families.lock();
                // Those whose waiting job another process has ended stay behind. A bar that is forgotten here is told
                // again with the next part that begins.
                if known.len() >= MAX_FAMILIES {
                    known.clear();
                }
                known.extend(families);
            }
            Err(e) => {
                tracing::warn!(job = id.0, error = %e, "the progress of a job that waits for this one stands still")
            }
        }
        run
    }

    /// Takes a run off the list; answers whether a person has ended it.
    pub(super) fn end(&self, id: JobId) -> bool {
        for part in self.inner.families.lock().values_mut().flatten().filter(|p| p.id == id) {
            part.over = true;
        }
        self.inner.running.lock().remove(&id).is_some_and(|r| r.cancelled_by_person)
    }

    /// The present progress of a job that runs, or of what a waiting one waits for.
    pub fn progress(&self, id: JobId) -> Option<Progress> {
        let running = self.inner.running.lock();
        if let Some(job) = running.get(&id) {
            return Some(*job.progress.lock());
        }
        let families = self.inner.families.lock();
        let parts = families.get(&id)?;
        let now = |p: &Part| running.get(&p.id).map(|r| *r.progress.lock());
        let (mut done, mut whole, mut heaviest, mut told) = (0.0, 0.0, 0, Progress::default());
        for part in parts {
            let progress = now(part);
            let percent = if part.over { 100.0 } else { progress.map_or(0.0, |p| p.percent) };
            done += percent * part.weight as f32;
            whole += part.weight as f32;
            // Rate and remaining time are those of the part that takes longest.
            if let Some(progress) = progress.filter(|p| p.fps.is_some() && part.weight > heaviest) {
                (heaviest, told) = (part.weight, progress);
            }
        }
        Some(Progress { percent: if whole > 0.0 { done / whole } else { 0.0 }, ..told })
    }

    /// Comes back when the program stops and a job that was told to end has had its time.
    pub(super) async fn overdue(&self, cancel: &CancellationToken) {
        self.inner.stop.cancelled().await;
        cancel.cancelled().await;
        tokio::time::sleep(TO_END).await;
    }

    pub(super) fn stops(&self) -> bool {
        self.inner.stop.is_cancelled()
    }

    /// Where jobs stand now: rows of running and waiting ones get their present progress; the store hears of it later.
    pub fn refresh(&self, rows: &mut [Row]) {
        for row in rows.iter_mut().filter(|r| matches!(r.state, JobState::Running | JobState::Waiting)) {
            row.progress = self.progress(row.id).or(row.progress);
        }
    }

    /// Begins nothing any more and waits until what runs has ended or was handed back, so that whoever comes next goes on
    /// with it at once. Films take long and are handed back at once; what is short gets `patience` to end first.
    pub async fn stop(&self, patience: Duration) {
        self.inner.stop.cancel();
        self.inner.end[Lane::Media as usize].cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(patience, self.inner.tasks.wait()).await.is_err() {
            self.inner.end.iter().for_each(CancellationToken::cancel);
            self.inner.tasks.wait().await;
        }
    }
}
