//! What one request uses, counted while it runs: statements, their time, who asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::base::ids::UserId;

tokio::task_local! {
    static METER: Arc<Meter>;
}

/// Counts for one request.
#[derive(Debug, Default)]
pub struct Meter {
    /// Method and path template: which route a slow statement was asked by.
    route: Option<Arc<str>>,
    statements: AtomicU32,
    statements_ns: AtomicU64,
    /// 0: nobody, or nobody that is known.
    user: AtomicI64,
}

/// What a request has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Statements that it ran.
    pub statements: u32,
    /// How long they took, in microseconds.
    pub statements_us: u64,
    /// Who asked.
    pub user: Option<UserId>,
}

impl Meter {
    /// Of a request on `route`.
    pub fn of(route: Option<Arc<str>>) -> Arc<Meter> {
        Arc::new(Meter { route, ..Meter::default() })
    }

    /// The present task's, inside [`metered`].
    pub fn present() -> Option<Arc<Meter>> {
        METER.try_with(Arc::clone).ok()
    }

    /// A statement was run.
    pub fn statement(&self, took: Duration) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.statements_ns.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
    }

    /// A part of the request that was counted apart.
    pub fn add(&self, part: Used) {
        self.statements.fetch_add(part.statements, Ordering::Relaxed);
        self.statements_ns.fetch_add(part.statements_us * 1_000, Ordering::Relaxed);
        if let Some(user) = part.user {
            self.asked_by(user);
        }
    }

    /// Who asks is known now.
    pub fn asked_by(&self, user: UserId) {
        self.user.store(user.0, Ordering::Relaxed);
    }

    /// The route, if it is known.
    pub fn route(&self) -> Option<&Arc<str>> {
        self.route.as_ref()
    }

    /// What was used until now.
    pub fn used(&self) -> Used {
        let user = self.user.load(Ordering::Relaxed);
        Used {
            statements: self.statements.load(Ordering::Relaxed),
            statements_us: self.statements_ns.load(Ordering::Relaxed) / 1_000,
            user: (user != 0).then_some(UserId(user)),
        }
    }
}

/// Runs `future`; what it uses is counted into `meter`.
pub async fn metered<F: Future>(meter: Arc<Meter>, future: F) -> F::Output {
    METER.scope(meter, future).await
}
