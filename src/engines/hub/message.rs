//! What rooms are told, who hears it, and what a seat is to do about it.

use std::time::Instant;

use bytes::Bytes;

use crate::base::ids::UserId;

/// Who hears a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody in the room.
    All,
    /// Those who sit there as members of the team.
    Team,
    /// One person, on all his seats.
    User(UserId),
}

/// What a room is told.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its place in the journal; `None` for what is not worth a replay (typing, progress).
    pub seq: Option<i64>,
    /// Who hears it.
    pub audience: Audience,
    /// One JSON object, encoded once.
    pub body: Bytes,
    /// What this person hears instead of `body`: he sees himself as the author where others do not.
    pub own: Option<(UserId, Bytes)>,
    /// This person hears nothing of it: he is the one who types.
    pub except: Option<UserId>,
    /// It waits for no company: whoever watches together would see it.
    pub urgent: bool,
}

impl Message {
    /// A message to everybody that nobody misses who was not there.
    pub fn passing(body: Bytes) -> Message {
        Message { seq: None, audience: Audience::All, body, own: None, except: None, urgent: false }
    }
}

/// What a seat hears.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Its place in the journal, if it has one.
    pub seq: Option<i64>,
    /// One JSON object.
    pub body: Bytes,
    /// See [`Message::urgent`].
    pub urgent: bool,
    /// When the room was told.
    pub at: Instant,
}

/// Why a seat ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// His session is over.
    Revoked,
    /// He has no right to be in this room any more.
    Withdrawn,
    /// Somebody who runs the instance has ended it.
    Disconnected,
    /// The program stops. He may come back after so many milliseconds: another number for each seat, so that they do not
    /// all come at once.
    Stopping {
        /// See above.
        retry_ms: u64,
    },
}

/// What a seat is to do next.
#[derive(Clone, Debug)]
pub enum Signal {
    /// Pass this on.
    Message(Heard),
    /// What stands in the room has changed: [`super::Seat::standing`] tells it.
    Standing,
    /// It fell behind: replay from its last seq. What comes after this signal is complete again.
    Resync,
    /// Go.
    End(Ending),
}
