//! The one writer: takes all waiting changes, runs each under its own SAVEPOINT, commits once, runs the effects, then
//! answers. A panic or an error in one change rolls back that one alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::db::Tx;
use crate::base::clock::Clock;
use crate::base::error::{Error, Result};
use crate::base::event::Committed;

/// Callers that were answered together tend to come back together. After a commit of several changes the writer waits
/// this long at the most for as many again, so that they share the next commit instead of the first of them having one
/// of its own. Far below the cost of a commit on common disks.
const GATHER: Duration = Duration::from_micros(200);

/// What one commit brought.
pub struct Batch {
    /// Its events in journal order.
    pub events: Vec<Committed>,
    /// Were jobs added?
    pub jobs_added: bool,
}

struct Work {
    count: Option<Arc<AtomicU32>>,
    run: Box<dyn FnOnce(&mut Tx) -> Ran + Send>,
}

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
        queue: usize,
        batch: usize,
        effects: impl Fn(Batch) + Send + 'static,
    ) -> Writer {
        let (queue, waiting) = mpsc::channel(queue);
        let stopping = Arc::new(AtomicBool::new(false));
        let lane = Lane { conn, clock, waiting, batch, stopping: stopping.clone() };
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || lane.run(effects))
            .expect("a thread for the writer");
        Writer { queue, stopping, thread: Mutex::new(Some(thread)) }
    }

    pub(super) async fn write<T, F>(&self, count: Option<Arc<AtomicU32>>, f: F) -> Result<T>
    where
        F: FnOnce(&mut Tx) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(Error::Busy { retry_after_s: 2 });
        }
        let (answer, answered) = oneshot::channel();
        let run = Box::new(move |tx: &mut Tx| match f(tx) {
            Ok(value) => {
                Ran { keep: true, answer: Box::new(move |committed| drop(answer.send(committed.map(|()| value)))) }
            }
            Err(e) => Ran { keep: false, answer: Box::new(move |_| drop(answer.send(Err(e)))) },
        });
        self.queue.try_send(Work { count, run }).map_err(|_| Error::Busy { retry_after_s: 1 })?;
        // A dropped answer means that the closure panicked: its own savepoint was rolled back, nobody else's.
        answered.await.map_err(|_| Error::internal("a change panicked and was rolled back"))?
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Wakes the thread if it sleeps; if the queue is full it is awake.
        let nothing = Box::new(|_: &mut Tx| Ran { keep: false, answer: Box::new(|_| ()) });
        let _ = self.queue.try_send(Work { count: None, run: nothing });
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

struct Lane {
    conn: Connection,
    clock: Clock,
    waiting: mpsc::Receiver<Work>,
    batch: usize,
    stopping: Arc<AtomicBool>,
}

impl Lane {
    fn run(mut self, effects: impl Fn(Batch)) {
        let mut last = 1;
        while let Some(first) = self.next() {
            let works = self.gather(first, last);
            last = works.len();
            self.commit(works, &effects);
        }
        if let Err(e) = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(error = %e, "the last checkpoint failed; the log is replayed at the next start");
        }
    }

    /// The next change; `None` when the store is closed and nothing waits.
    fn next(&mut self) -> Option<Work> {
        if self.stopping.load(Ordering::Relaxed) { self.waiting.try_recv().ok() } else { self.waiting.blocking_recv() }
    }

    fn gather(&mut self, first: Work, last: usize) -> Vec<Work> {
        let mut works = Vec::with_capacity(self.batch);
        works.push(first);
        let mut take = |works: &mut Vec<Work>| {
            while works.len() < self.batch {
                let Ok(work) = self.waiting.try_recv() else { break };
                works.push(work);
            }
        };
        take(&mut works);
        if last > 1 {
            let until = Instant::now() + GATHER;
            while works.len() < last && Instant::now() < until {
                std::thread::yield_now();
                take(&mut works);
            }
        }
        works
    }

    fn commit(&mut self, works: Vec<Work>, effects: &impl Fn(Batch)) {
        let mut batch = Batch { events: Vec::new(), jobs_added: false };
        let mut answers = Vec::with_capacity(works.len());
        let begun = self.step("BEGIN IMMEDIATE");
        if begun.is_ok() {
            let at = self.clock.now();
            for Work { count, run } in works {
                if let Some(answer) = self.run_one(at, count, run, &mut batch) {
                    answers.push(answer);
                }
            }
        }
        let committed = begun.and_then(|()| self.step("COMMIT")).map_err(|e| {
            tracing::error!(error = %e, "a commit failed");
            if !self.conn.is_autocommit() {
                let _ = self.step("ROLLBACK");
            }
            e
        });
        if committed.is_ok() && (!batch.events.is_empty() || batch.jobs_added) {
            // Effects only wake and publish; a bug there must not take the writer with it.
            if catch_unwind(AssertUnwindSafe(|| effects(batch))).is_err() {
                tracing::error!("effects of a commit panicked; what they feed catches up from the journal");
            }
        }
        for answer in answers {
            answer(match &committed {
                Ok(()) => Ok(()),
                Err(Error::NoSpace) => Err(Error::NoSpace),
                Err(Error::Busy { .. }) => Err(Error::Busy { retry_after_s: 1 }),
                Err(e) => Err(Error::internal(format!("the commit failed: {e}"))),
            });
        }
    }

    /// One change under its savepoint. `None` if it panicked: its caller learns it from the dropped answer.
    fn run_one(
        &self,
        at: crate::base::clock::Time,
        count: Option<Arc<AtomicU32>>,
        run: Box<dyn FnOnce(&mut Tx) -> Ran + Send>,
        batch: &mut Batch,
    ) -> Option<Box<dyn FnOnce(Result<()>) + Send>> {
        if let Err(e) = self.step("SAVEPOINT change") {
            tracing::error!(error = %e, "cannot begin a change");
            return None;
        }
        let mut tx = Tx::new(&self.conn, at, count);
        let ran = catch_unwind(AssertUnwindSafe(|| run(&mut tx)));
        let (events, wake) = (std::mem::take(&mut tx.events), tx.wake_queue);
        if !matches!(&ran, Ok(Ran { keep: true, .. })) {
            let _ = self.step("ROLLBACK TO change");
        } else {
            batch.events.extend(events);
            batch.jobs_added |= wake;
        }
        let _ = self.step("RELEASE change");
        ran.ok().map(|r| r.answer)
    }

    fn step(&self, sql: &str) -> Result<()> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
