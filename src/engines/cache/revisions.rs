//! What answers depend on: the journal revision of each project and feedback, of people's names, and of each person's rights.
//!
//! Law: a revision moves after the commit that it tells of and before that commit is answered (`effects.rs`). So a reader
//! who looks up a revision and then reads sees at least what the revision stands for, and an answer kept under an older
//! revision is never found again. The journal gives the same revisions after a restart: pruning it must keep the last
//! event of each project and feedback.

use std::collections::HashMap;
use std::fmt::{Display, Formatter};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::base::clock::Time;
use crate::base::ids::{FeedbackId, ProjectId, UserId};

/// A place in the journal. The time tells two histories apart that went different ways from one backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rev {
    /// The last event's seq; 0 if there is none.
    pub seq: i64,
    /// When it happened.
    pub at: Time,
}

impl Display for Rev {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.seq, self.at.0)
    }
}

/// The revisions of one project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Anything in it.
    pub all: Rev,
    /// Its own row, its members, its feedbacks; not what is said and shown in them.
    pub frame: Rev,
}

/// As the journal tells them at start.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The last events of each project.
    pub projects: Vec<(ProjectId, Moved)>,
    /// The last rename.
    pub people: Rev,
    /// The last event of all.
    pub last: Rev,
}

/// The present revisions: one small entry for each project and feedback, and for each person whose rights have changed.
#[derive(Default)]
pub struct Revisions {
    projects: RwLock<HashMap<ProjectId, Moved>>,
    feedbacks: RwLock<HashMap<FeedbackId, Rev>>,
    /// What stands for a feedback of which no event is known: no event of it came later.
    boot: RwLock<Rev>,
    people: RwLock<Rev>,
    withdrawn: Withdrawn,
}

impl Revisions {
    /// To be called once, before anything is written.
    pub fn load(&self, journal: Journal) {
        self.projects.write().extend(journal.projects);
        *self.people.write() = journal.people;
        *self.boot.write() = journal.last;
    }

    /// The last event of each feedback, from a snapshot that was taken after [`Revisions::load`]; they are many, so nobody
    /// waits for them at the start. Until then the last event of all stands for each: nothing stale is found by it, only
    /// less of what was kept before the start. What has moved meanwhile is known better.
    pub fn learn(&self, feedbacks: Vec<(FeedbackId, Rev)>) {
        let mut known = self.feedbacks.write();
        for (id, rev) in feedbacks {
            known.entry(id).or_insert(rev);
        }
    }

    /// Something happened in the project; in its frame, too?
    pub fn project_moved(&self, id: ProjectId, to: Rev, frame: bool) {
        let mut projects = self.projects.write();
        let moved = projects.entry(id).or_default();
        moved.all = to;
        if frame {
            moved.frame = to;
        }
    }

    /// Something happened in the feedback.
    pub fn feedback_moved(&self, id: FeedbackId, to: Rev) {
        self.feedbacks.write().insert(id, to);
    }

    /// Somebody goes by another name.
    pub fn people_moved(&self, to: Rev) {
        *self.people.write() = to;
    }

    /// The revisions of a project.
    pub fn project(&self, id: ProjectId) -> Moved {
        self.projects.read().get(&id).copied().unwrap_or_default()
    }

    /// The revision of a feedback.
    pub fn feedback(&self, id: FeedbackId) -> Rev {
        self.feedbacks.read().get(&id).copied().unwrap_or_else(|| *self.boot.read())
    }

    /// The revisions of several projects, in their order.
    pub fn projects(&self, ids: impl Iterator<Item = ProjectId>) -> Vec<Moved> {
        let projects = self.projects.read();
        ids.map(|id| projects.get(&id).copied().unwrap_or_default()).collect()
    }

    /// The revision of names.
    pub fn people(&self) -> Rev {
        *self.people.read()
    }

    /// What is known of this person's session and rights holds no more.
    pub fn withdraw(&self, user: UserId) {
        let now = self.withdrawn.clock.fetch_add(1, Ordering::SeqCst) + 1;
        self.withdrawn.users.write().insert(user, now);
    }

    /// What is known of anybody's rights holds no more.
    pub fn withdraw_all(&self) {
        let now = self.withdrawn.clock.fetch_add(1, Ordering::SeqCst) + 1;
        self.withdrawn.all.store(now, Ordering::SeqCst);
    }

    /// To be taken before reading what is then kept with it.
    pub fn ticket(&self) -> Ticket {
        Ticket(self.withdrawn.clock.load(Ordering::SeqCst))
    }

    /// Does what was read after this ticket still hold for this person?
    pub fn holds(&self, ticket: Ticket, user: UserId) -> bool {
        ticket.0 >= self.withdrawn.all.load(Ordering::SeqCst)
            && self.withdrawn.users.read().get(&user).is_none_or(|at| ticket.0 >= *at)
    }
}

/// A moment between withdrawals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket(u64);

/// Withdrawals are counted; each person's last one is known by its number.
#[derive(Default)]
struct Withdrawn {
    clock: AtomicU64,
    all: AtomicU64,
    users: RwLock<HashMap<UserId, u64>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_withdrawal_holds_no_more() {
        let r = Revisions::default();
        let (anna, bo) = (UserId(1), UserId(2));
        let before = r.ticket();
        assert!(r.holds(before, anna));
        r.withdraw(anna);
        assert!(!r.holds(before, anna) && r.holds(before, bo));
        let after = r.ticket();
        assert!(r.holds(after, anna));
        r.withdraw_all();
        assert!(!r.holds(after, anna) && !r.holds(after, bo) && r.holds(r.ticket(), bo));
    }
}
