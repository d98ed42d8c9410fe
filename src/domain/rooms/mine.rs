//! A person's own room: he hears there that something moved which his dashboard shows.
//!
//! Law: what a person may not hear moves nothing for him: an internal comment is no news to a reviewer.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::json;

use super::{Rooms, sql};
use crate::base::error::Result;
use crate::base::event::{Audience, Committed, Event};
use crate::base::ids::{ProjectId, UserId};
use crate::base::roles::{Right, Role};
use crate::domain::accounts::Viewer;
use crate::engines::hub::{Message, Place};
use crate::engines::store::Db;

/// Events behind which nobody looks for what concerned him: he is told that something did.
const LOOK_BACK: i64 = 10_000;

/// Who looks at his dashboard, and which projects are on it.
#[derive(Default)]
pub(super) struct Mine {
    /// Open windows of a person.
    windows: HashMap<UserId, usize>,
    /// Of the people with windows: who belongs to a project, and whether he hears the team.
    members: HashMap<ProjectId, HashMap<UserId, bool>>,
}

impl Mine {
    fn forget(&mut self, project: ProjectId, user: UserId) {
        if let Some(members) = self.members.get_mut(&project) {
            members.remove(&user);
            if members.is_empty() {
                self.members.remove(&project);
            }
        }
    }

    fn learn(&mut self, project: ProjectId, user: UserId, role: Role) {
        if self.windows.contains_key(&user) {
            self.members.entry(project).or_default().insert(user, role.may(Right::SeeInternal));
        }
    }
}

/// An open window on a person's own room; dropping it closes it.
pub struct Window {
    rooms: Rooms,
    user: UserId,
}

impl Drop for Window {
    fn drop(&mut self) {
        let mut mine = self.rooms.0.mine.lock();
        let Some(n) = mine.windows.get_mut(&self.user) else { return };
        *n -= 1;
        if *n == 0 {
            mine.windows.remove(&self.user);
            mine.members.retain(|_, members| {
                members.remove(&self.user);
                !members.is_empty()
            });
        }
    }
}

impl Rooms {
    /// A window of `who` opens. Look at his rights again afterwards: what changed since they were read is not known here.
    pub fn open(&self, who: &Viewer) -> Window {
        let mut mine = self.0.mine.lock();
        *mine.windows.entry(who.user).or_default() += 1;
        for standing in who.roles.all() {
            mine.learn(standing.project, who.user, standing.role);
        }
        Window { rooms: self.clone(), user: who.user }
    }

    /// Tells whom a commit concerns.
    pub fn after(&self, committed: &Committed) {
        let Some(project) = committed.project else { return self.after_own(committed) };
        let mut mine = self.0.mine.lock();
        if mine.windows.is_empty() {
            return;
        }
        let seq = committed.seq;
        match committed.event {
            Event::MemberAdded { user, role, .. } | Event::MemberChanged { user, role, .. } => {
                mine.learn(project, user, role);
                self.tell_membership(seq, project, user, Some(role));
            }
            Event::MemberRemoved { user, .. } => {
                mine.forget(project, user);
                self.tell_membership(seq, project, user, None);
                self.0.hub.touch(user, seq);
            }
            Event::ProjectAdded { .. } => {
                if let Some(owner) = committed.actor {
                    mine.learn(project, owner, Role::Owner);
                }
            }
            _ => {}
        }
        let team = committed.live.as_ref().is_some_and(|l| l.audience == Audience::Team);
        for (user, _) in mine.members.get(&project).into_iter().flatten().filter(|(_, hears)| **hears || !team) {
            self.0.hub.touch(*user, seq);
        }
        if matches!(committed.event, Event::ProjectPurged { .. }) {
            mine.members.remove(&project);
        }
    }

    /// What is in no project concerns whom it names: an entry of the calendar its author and its people.
    fn after_own(&self, committed: &Committed) {
        let mut named = Vec::new();
        match committed.event {
            Event::EntryAdded { .. } | Event::EntryChanged { .. } | Event::EntryDeleted { .. } => {
                let people = committed.live.as_ref().and_then(|l| l.message["entry"]["people"].as_array());
                named.extend(people.into_iter().flatten().filter_map(|id| id.as_i64()).map(UserId));
                named.extend(committed.actor);
            }
            Event::FilmingConflict { user, .. } => named.push(user),
            _ => return,
        }
        let mine = self.0.mine.lock();
        named.sort_unstable();
        named.dedup();
        for user in named.into_iter().filter(|user| mine.windows.contains_key(user)) {
            self.0.hub.touch(user, committed.seq);
        }
    }

    fn tell_membership(&self, seq: i64, project: ProjectId, user: UserId, role: Option<Role>) {
        let message = json!({ "type": "membership", "seq": seq, "project_id": project, "role": role });
        let body = Bytes::from(message.to_string());
        self.0.hub.publish(Place::Person(user), Message { seq: Some(seq), ..Message::passing(body) });
    }
}

/// What a window begins with.
pub struct Begin {
    /// The last place of the journal.
    pub seq: i64,
    /// Has something moved after the place that the window knew?
    pub moved: bool,
}

/// Where the journal stands, and whether something that concerns `user` lies behind `since`.
pub fn begin(db: &Db, user: UserId, since: Option<i64>) -> Result<Begin> {
    let seq = sql::last(db)?;
    let moved = match since {
        None => false,
        Some(since) if since > seq || seq - since > LOOK_BACK => true,
        Some(since) => sql::moved(db, user, since)? || sql::removed(db, user, since)?,
    };
    Ok(Begin { seq, moved })
}
