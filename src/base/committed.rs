//! An event that has been committed, and what a room is told of it.

use crate::base::clock::Time;
use crate::base::event::Event;
use crate::base::ids::{ProjectId, UserId};

/// Who hears of an event in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody who may view the project.
    All,
    /// Owner, manager, editor.
    Team,
}

/// What the room is told when the event is committed: one JSON object (with `type`, without `seq`), rendered inside the
/// transaction so that it shows exactly the committed state.
#[derive(Clone, Debug)]
pub struct Live {
    /// Who may hear it.
    pub audience: Audience,
    /// For everybody.
    pub message: serde_json::Value,
    /// For the author's own sockets, where it differs (`is_mine`, his own name on an anonymous comment).
    pub own: Option<(UserId, serde_json::Value)>,
}

/// An event that has been committed, as the effects see it.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Place in the journal.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// In which project, if in one.
    pub project: Option<ProjectId>,
    /// Who did it; `None` for the program itself.
    pub actor: Option<UserId>,
    /// What.
    pub event: Event,
    /// What the room hears.
    pub live: Option<Live>,
}
