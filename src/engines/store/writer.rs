//! The one writer: takes all waiting changes, runs each under its own SAVEPOINT, commits once, runs the effects, then
//! answers. A panic or an error in one change rolls back that one alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::{Connection, Statement};
use tokio::sync::{mpsc, oneshot};

use super::db::Tx;
use super::{Options, Watch, upkeep};
use crate::base::clock::{Clock, Time};
use crate::base::error::{Error, Result};
use crate::base::event::Committed;
use crate::engines::metrics::Meter;

/// Callers that were answered together tend to come back together. After a commit of several changes the writer waits
/// for as many again, so that they share the next commit instead of the first of them having one of its own: as long
/// as the last commit took, since a longer wait costs more than the commit that it saves, and this long at the most.
const GATHER: Duration = Duration::from_micros(500);

/// What one commit brought.
pub struct Batch {
    /// Its events in journal order.
    pub events: Vec<Committed>,
    /// Were jobs added?
    pub jobs_added: bool,
}

struct Work {
    meter: Option<Arc<Meter>>,
    run: Change,
}

/// Given why there is no transaction, it only answers that.
type Change = Box<dyn FnOnce(Result<&mut Tx>) -> Ran + Send>;

struct Ran {
    keep: bool,
    /// Sends the answer, once it is known whether the commit holds.
    answer: Box<dyn FnOnce(Result<()>) + Send>,
}

pub(super) struct Writer {
    queue: mpsc::Sender<Work>,
    stopping: Arc<AtomicBool>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(
        conn: Connection,
        clock: Clock,
        options: &Options,
        watch: Arc<Watch>,
        effects: impl Fn(Batch) + Send + 'static,
    ) -> Writer {
        let (queue, waiting) = mpsc::channel(options.write_queue);
        let stopping = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Handle::try_current().ok();
        let lane = Lane {
            clock,
            waiting,
            batch: options.batch,
            watch,
            stopping: stopping.clone(),
            runtime,
            beside: options.beside,
            last: Last::default(),
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || lane.run(conn, effects))
            .expect("a thread for the writer");
        Writer { queue, stopping, thread: Mutex::new(Some(thread)) }
    }

    pub(super) async fn write<T, F>(&self, meter: Option<Arc<Meter>>, f: F) -> Result<T>
    where
        F: FnOnce(&mut Tx) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(Error::Busy { retry_after_s: 2 });
        }
        let (answer, answered) = oneshot::channel();
        let run = Box::new(move |tx: Result<&mut Tx>| match tx.and_then(f) {
            Ok(value) => {
                Ran { keep: true, answer: Box::new(move |committed| drop(answer.send(committed.map(|()| value)))) }
            }
            Err(e) => Ran { keep: false, answer: Box::new(move |_| drop(answer.send(Err(e)))) },
        });
        self.queue.try_send(Work { meter, run }).map_err(|_| Error::Busy { retry_after_s: 1 })?;
        // A dropped answer means that the closure panicked: its own savepoint was rolled back, nobody else's.
        answered.await.map_err(|_| Error::internal("a change panicked and was rolled back"))?
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    pub(super) fn max_waiting(&self) -> usize {
        self.queue.max_capacity()
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Wakes the thread if it sleeps; if the queue is full it is awake.
        let nothing = Box::new(|_: Result<&mut Tx>| Ran { keep: false, answer: Box::new(|_| ()) });
        let _ = self.queue.try_send(Work { meter: None, run: nothing });
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

/// What the last commit was like: the next one is gathered after it.
#[derive(Default)]
struct Last {
    size: usize,
    took: Duration,
}

struct Lane {
    clock: Clock,
    waiting: mpsc::Receiver<Work>,
    batch: usize,
    watch: Arc<Watch>,
    stopping: Arc<AtomicBool>,
    runtime: Option<tokio::runtime::Handle>,
    /// The log is another process's to empty: while that is done, nobody can write.
    beside: bool,
    last: Last,
}

impl Lane {
    fn run(mut self, conn: Connection, effects: impl Fn(Batch)) {
        let watch = self.watch.clone();
        let mut steps = Steps::prepare(&conn, &watch).expect("the writer's five statements are prepared");
        while let Some(first) = self.next() {
            let works = self.gather(first);
            self.commit(&mut steps, works, &effects);
        }
        drop(steps);
        if self.beside {
            return;
        }
        if let Err(e) = upkeep::checkpoint(&conn) {
            tracing::warn!(error = %e, "the last checkpoint failed; the log is replayed at the next start");
        }
    }

    /// The next change; `None` when the store is closed and nothing waits.
    fn next(&mut self) -> Option<Work> {
        if self.stopping.load(Ordering::Relaxed) { self.waiting.try_recv().ok() } else { self.waiting.blocking_recv() }
    }

    fn gather(&mut self, first: Work) -> Vec<Work> {
        let mut works = Vec::with_capacity(self.batch);
        works.push(first);
        let mut take = |works: &mut Vec<Work>| {
            while works.len() < self.batch {
                let Ok(work) = self.waiting.try_recv() else { break };
                works.push(work);
            }
        };
        take(&mut works);
        if self.last.size > 1 {
            let until = Instant::now() + self.last.took.min(GATHER);
            while works.len() < self.last.size && Instant::now() < until {
                std::thread::yield_now();
                take(&mut works);
            }
        }
        works
    }

    fn commit(&mut self, steps: &mut Steps, works: Vec<Work>, effects: &impl Fn(Batch)) {
        let mut batch = Batch { events: Vec::new(), jobs_added: false };
        self.last.size = works.len();
        let mut answers = Vec::with_capacity(works.len());
        let begun = step(&mut steps.begin);
        if begun.is_ok() {
            let at = self.clock.now();
            for work in works {
                if let Some(answer) = run_one(steps, at, work, &mut batch) {
                    answers.push(answer);
                }
            }
        } else {
            // Another process keeps the database to itself for longer than we wait: who asked may come back.
            answers.extend(works.into_iter().map(|work| (work.run)(Err(Error::Busy { retry_after_s: 1 })).answer));
        }
        let start = Instant::now();
        let committed = begun.and_then(|()| step(&mut steps.commit)).map_err(|e| {
            tracing::error!(error = %e, "a commit failed");
            if !steps.conn.is_autocommit() {
                let _ = steps.conn.execute_batch("ROLLBACK");
            }
            e
        });
        self.last.took = start.elapsed();
        self.watch.commits.note(self.last.size, self.last.took, committed.is_ok());
        if committed.is_ok() && (!batch.events.is_empty() || batch.jobs_added) {
            // Effects only wake and publish; a bug there must not take the writer with it.
            if catch_unwind(AssertUnwindSafe(|| effects(batch))).is_err() {
                tracing::error!("effects of a commit panicked; what they feed catches up from the journal");
            }
        }
        let send = move || {
            for answer in answers {
                answer(match &committed {
                    Ok(()) => Ok(()),
                    Err(Error::NoSpace) => Err(Error::NoSpace),
                    Err(Error::Busy { .. }) => Err(Error::Busy { retry_after_s: 1 }),
                    Err(e) => Err(Error::internal(format!("the commit failed: {e}"))),
                });
            }
        };
        match &self.runtime {
            // Waking a task from a thread outside of the runtime costs a system call each. One task that wakes the others
            // costs one for all, and this thread begins the next commit meanwhile.
            Some(runtime) if self.last.size > 1 => drop(runtime.spawn(async move { send() })),
            _ => send(),
        }
    }
}

/// One change under its savepoint. `None` if it panicked: its caller learns it from the dropped answer.
fn run_one(steps: &mut Steps, at: Time, work: Work, batch: &mut Batch) -> Option<Box<dyn FnOnce(Result<()>) + Send>> {
    if let Err(e) = step(&mut steps.savepoint) {
        tracing::error!(error = %e, "cannot begin a change");
        return None;
    }
    let mut tx = Tx::new(steps.conn, at, work.meter, steps.watch);
    let ran = catch_unwind(AssertUnwindSafe(|| (work.run)(Ok(&mut tx))));
    let (events, wake) = (std::mem::take(&mut tx.events), tx.wake_queue);
    if !matches!(&ran, Ok(Ran { keep: true, .. })) {
        let _ = step(&mut steps.undo);
    } else {
        batch.events.extend(events);
        batch.jobs_added |= wake;
    }
    let _ = step(&mut steps.release);
    ran.ok().map(|r| r.answer)
}

/// The statements round the changes, prepared once: they run for each change.
struct Steps<'c> {
    conn: &'c Connection,
    watch: &'c Watch,
    begin: Statement<'c>,
    savepoint: Statement<'c>,
    undo: Statement<'c>,
    release: Statement<'c>,
    commit: Statement<'c>,
}

impl<'c> Steps<'c> {
    fn prepare(conn: &'c Connection, watch: &'c Watch) -> rusqlite::Result<Steps<'c>> {
        Ok(Steps {
            conn,
            watch,
            begin: conn.prepare("BEGIN IMMEDIATE")?,
            savepoint: conn.prepare("SAVEPOINT change")?,
            undo: conn.prepare("ROLLBACK TO change")?,
            release: conn.prepare("RELEASE change")?,
            commit: conn.prepare("COMMIT")?,
        })
    }
}

fn step(statement: &mut Statement) -> Result<()> {
    statement.execute([])?;
    Ok(())
}
