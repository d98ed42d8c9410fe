//! What follows a commit, in commit order: the switchboard from facts to those who wait for them.
//!
//! Runs on the writer's thread before the writes are answered, so it only wakes and publishes: no statement, no waiting.

use bytes::Bytes;
use serde_json::Value;

use crate::base::event::{self, Committed, Event};
use crate::base::ids::ProjectId;
use crate::base::roles::Right;
use crate::engines::hub::{Audience, Hub, Message, Sessions};
use crate::engines::queue::Queue;
use crate::engines::store::Batch;

/// Whom a commit concerns.
pub struct Effects {
    /// Wakes when jobs were added.
    pub queue: Queue,
    /// Tells rooms, and ends the seats of those who may not sit there any more.
    pub hub: Hub,
}

impl Effects {
    /// Tells everybody whom `batch` concerns.
    pub fn after(&self, batch: Batch) {
        for committed in batch.events {
            self.withdraw(&committed.event);
            if let Some(project) = committed.project {
                self.tell(project, committed);
            }
        }
        if batch.jobs_added {
            self.queue.wake();
        }
    }

    fn tell(&self, project: ProjectId, committed: Committed) {
        let Some(live) = committed.live else { return };
        if !self.hub.anybody(project) {
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
        self.hub.publish(project, Message { seq: Some(committed.seq), audience, body, own, except: None });
    }

    /// Rights and sessions that ended take their sockets along.
    fn withdraw(&self, event: &Event) {
        match *event {
            Event::MemberRemoved { project, user } => self.hub.withdraw(project, user),
            Event::MemberChanged { project, user, role } => {
                self.hub.set_team(project, user, role.may(Right::SeeInternal));
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
