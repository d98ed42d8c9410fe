//! What happens in rooms beside the journal: who watches together with whom, and whose dashboard has moved.
//!
//! Law: nothing here outlasts the connections that it is about. What was said is a comment; this is gone with the room.

pub mod mine;
mod sql;
pub mod together;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::base::clock::Clock;
use crate::base::ids::FeedbackId;
use crate::engines::hub::Hub;
use mine::Mine;
use together::Lead;

/// The state of all rooms. Cheap to clone.
#[derive(Clone)]
pub struct Rooms(Arc<Inner>);

struct Inner {
    hub: Hub,
    clock: Clock,
    /// Held while a room is told, so that all hear of changes in the order in which they were made. Taken before the hub.
    together: Mutex<HashMap<FeedbackId, Lead>>,
    mine: Mutex<Mine>,
}

impl Rooms {
    /// Nobody is there yet.
    pub fn new(hub: Hub, clock: Clock) -> Rooms {
        Rooms(Arc::new(Inner { hub, clock, together: Mutex::default(), mine: Mutex::default() }))
    }
}
