//! What follows a commit, in commit order: the switchboard from facts to those who wait for them.
//!
//! Runs on the writer's thread before the writes are answered, so it only wakes and publishes: no statement, no waiting.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use crate::base::event::{self, Committed, Event};
use crate::base::ids::ProjectId;
use crate::base::roles::Right;
use crate::domain::accounts::Viewer;
use crate::domain::rooms::Rooms;
use crate::engines::cache::{Cache, Rev, Scope};
use crate::engines::hub::{Audience, Hub, Message, Place, Sessions};
use crate::engines::index::Index;
use crate::engines::queue::Queue;
use crate::engines::store::Batch;

/// Whom a commit concerns.
pub struct Effects {
    /// Wakes when jobs were added.
    pub queue: Queue,
    /// Tells rooms, and ends the seats of those who may not sit there any more.
    pub hub: Hub,
    /// Tells people that their dashboards have moved, and ends what those led who may not any more.
    pub rooms: Rooms,
    /// Moves the revisions of what has changed, so that no answer from before is found again.
    pub cache: Cache<Viewer>,
    /// Wakes when there is something to follow.
    pub index: Arc<Index>,
    /// The last seq of the journal, for who else follows it.
    pub committed: watch::Sender<i64>,
}

impl Effects {
    /// Tells everybody whom `batch` concerns.
    pub fn after(&self, batch: Batch) {
        // Revisions first: who hears of a change in a room and asks at once must not find the answer from before.
        for committed in &batch.events {
            self.outdate(committed);
        }
        if let Some(last) = batch.events.last() {
            self.index.wake();
            self.committed.send_replace(last.seq);
        }
        for committed in batch.events {
            self.withdraw(&committed.event);
            self.queue.heard(&committed.event);
            self.rooms.after(&committed);
            if let Some(project) = committed.project {
                self.tell(project, committed);
            }
        }
        if batch.jobs_added {
            self.queue.wake();
        }
    }

    fn outdate(&self, committed: &Committed) {
        let revisions = self.cache.revisions();
        let to = Rev { seq: committed.seq, at: committed.at };
        if let Some(project) = committed.project {
            revisions.project_moved(project, to, committed.event.is_frame());
            self.cache.ahead().outdated(Scope::Project(project));
        }
        if let Some(feedback) = committed.event.feedback() {
            revisions.feedback_moved(feedback, to);
            self.cache.ahead().outdated(Scope::Feedback(feedback));
        }
        match &committed.event {
            Event::UserChanged { user, fields } => {
                if fields.iter().any(|f| f == "nickname") {
                    revisions.people_moved(to);
                }
                revisions.withdraw(*user);
            }
            Event::UserLocked { user }
            | Event::UserUnlocked { user }
            | Event::SiteRoleChanged { user, .. }
            | Event::LoggedOut { user, .. }
            | Event::SessionsRevoked { user, .. }
            | Event::PasswordReset { user }
            | Event::Confirmed { user, .. }
            | Event::MemberAdded { user, .. }
            | Event::MemberChanged { user, .. }
            | Event::MemberRemoved { user, .. } => revisions.withdraw(*user),
            Event::ProjectAdded { .. } => committed.actor.into_iter().for_each(|user| revisions.withdraw(user)),
            Event::ProjectDeleted { .. } | Event::ProjectRestored { .. } => revisions.withdraw_all(),
            _ => {}
        }
    }

    fn tell(&self, project: ProjectId, committed: Committed) {
        let Some(live) = committed.live else { return };
        let place = Place::Project(project);
        if !self.hub.anybody(place) {
            return;
        }
        let encode = |mut message: Value| {
            message["seq"] = committed.seq.into();
            Bytes::from(message.to_string())
        };
        let audience = match live.audience {
            event::Audience::All => Audience::All,
            event::Audience::Team => Audience::Team,
        };
        let own = live.own.map(|(user, message)| (user, encode(message)));
        let body = encode(live.message);
        self.hub.publish(place, Message { seq: Some(committed.seq), audience, own, ..Message::passing(body) });
    }

    /// Rights and sessions that ended take their sockets along.
    fn withdraw(&self, event: &Event) {
        match *event {
            Event::MemberRemoved { project, user } => self.hub.withdraw(project, user),
            Event::MemberChanged { project, user, role, .. } => {
                self.hub.set_team(project, user, role.may(Right::SeeInternal));
                if !role.may(Right::Comment) {
                    self.rooms.withdraw(project, user);
                }
            }
            Event::ProjectDeleted { project } => self.hub.close(project),
            Event::UserLocked { user } | Event::PasswordReset { user } => self.hub.revoke(user, Sessions::All),
            Event::LoggedOut { user, session } => self.hub.revoke(user, Sessions::One(session)),
            Event::SessionsRevoked { user, kept } => {
                self.hub.revoke(user, kept.map_or(Sessions::All, Sessions::AllBut));
            }
            _ => {}
        }
    }
}
