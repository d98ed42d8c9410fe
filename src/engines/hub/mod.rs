//! Live rooms: who sits in which room, and what the room is told.
//!
//! Laws: publishing never waits and encodes nothing; a message is shared by all who hear it. A seat that falls more than
//! `queue` messages behind is told to replay from its own last seq; nothing is dropped without a word, nothing is kept
//! without an end. A right that is withdrawn ends the seat before the next message.
//!
//! The hub knows no protocol: `server::ws` turns a [`Signal`] into frames and an [`Ending`] into a close code.

mod message;
mod room;
mod stats;

use std::collections::HashMap;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::base::clock::{Clock, Time};
use crate::base::ids::{MediaId, ProjectId, SessionId, UserId};
pub use message::{Audience, Ending, Heard, Message, Signal};
use room::{After, Room};
pub use stats::{RoomStats, SeatStats, Stats};

/// Limits of the hub.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Seats of one person in all rooms together.
    pub per_user: usize,
    /// Seats in one room.
    pub per_room: usize,
    /// Seats in all.
    pub max: usize,
    /// Messages that a seat may fall behind.
    pub queue: usize,
}

/// A room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Where all meet who may view a project.
    Project(ProjectId),
    /// A person's own, on however many windows.
    Person(UserId),
}

/// Who takes a seat.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who.
    pub user: UserId,
    /// As others see him.
    pub nickname: String,
    /// The session that he came with; when it ends, so does the seat.
    pub session: SessionId,
    /// From where.
    pub address: IpAddr,
    /// Does he hear what is for the team alone?
    pub team: bool,
}

/// Where somebody looks.
#[derive(Clone, Copy, Debug)]
pub struct Looking {
    /// Which version.
    pub media: MediaId,
    /// Which moment of it, in milliseconds.
    pub ms: i64,
    /// Since when.
    pub at: Time,
}

impl Looking {
    fn place(self) -> LookingAt {
        LookingAt { media_id: self.media, ms: self.ms }
    }
}

/// Where somebody looks, as the others are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LookingAt {
    /// Which version.
    pub media_id: MediaId,
    /// Which moment of it, in milliseconds.
    pub ms: i64,
}

/// Somebody in the room, as the others see him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Present {
    /// Who.
    pub id: UserId,
    /// 닉네임
    pub nickname: String,
    /// Where he looks, if he has said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looking: Option<LookingAt>,
}

/// What stands in a room, whoever came when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who is there, each person once; a hundred at the most.
    pub online: Vec<Present>,
    /// How many there are.
    pub count: usize,
    /// For a person's own room: the last place in the journal of what it is about, as [`Hub::touch`] told.
    pub touched: i64,
}

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinError {
    /// He has as many seats as one person may have.
    TooManyOfUser,
    /// The room, or the house, is full.
    Full,
    /// The program is about to stop.
    Stopping,
}

/// Which of a person's sessions are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// All of them.
    All,
    /// This one.
    One(SessionId),
    /// All but this one.
    AllBut(SessionId),
}

type Shared = Arc<Mutex<Room>>;

/// The rooms. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    options: Mutex<Options>,
    clock: Clock,
    /// Where what waits a moment waits; without one nothing waits. (The writer tells rooms from a thread of its own.)
    runtime: Option<Handle>,
    /// Held for a look-up only: never over an await, never while a room is told something. Taken before a room.
    house: Mutex<House>,
    next_seat: AtomicU64,
    emptied: Notify,
    published: AtomicU64,
    delivered: AtomicU64,
    lagged: AtomicU64,
}

#[derive(Default)]
struct House {
    rooms: HashMap<Place, Shared>,
    seats_of: HashMap<UserId, usize>,
    seats: usize,
    stopping: bool,
}

impl Hub {
    /// A house without guests.
    pub fn new(options: Options, clock: Clock) -> Hub {
        Hub(Arc::new(Inner {
            options: Mutex::new(options),
            clock,
            runtime: Handle::try_current().ok(),
            house: Mutex::default(),
            next_seat: AtomicU64::new(1),
            emptied: Notify::new(),
            published: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            lagged: AtomicU64::new(0),
        }))
    }

    /// Other limits from now on. Who sits already keeps his seat.
    pub fn limit(&self, options: Options) {
        let house = self.0.house.lock();
        *self.0.options.lock() = options;
        house.rooms.values().for_each(|room| room.lock().limit(options.queue));
    }

    /// Takes a seat. Join before reading the snapshot that the seat begins with: then every later commit is heard, and
    /// an earlier one that is heard too is known by its seq.
    pub fn join(&self, place: Place, person: Person) -> Result<Seat, JoinError> {
        let options = *self.0.options.lock();
        let mut house = self.0.house.lock();
        if house.stopping {
            return Err(JoinError::Stopping);
        }
        if house.seats >= options.max {
            return Err(JoinError::Full);
        }
        if house.seats_of.get(&person.user).is_some_and(|n| *n >= options.per_user) {
            return Err(JoinError::TooManyOfUser);
        }
        let room = house.rooms.entry(place).or_insert_with(|| Arc::new(Mutex::new(Room::new(options.queue)))).clone();
        let mut inside = room.lock();
        if inside.len() >= options.per_room {
            return Err(JoinError::Full);
        }
        let id = self.0.next_seat.fetch_add(1, Ordering::Relaxed);
        let user = person.user;
        let after = inside.enter(id, person, self.0.clock.now());
        drop(inside);
        house.seats += 1;
        *house.seats_of.entry(user).or_default() += 1;
        drop(house);
        self.follow_up(&room, after);
        Ok(Seat { id, hub: self.clone(), place, user, room })
    }

    /// Tells a room. Never waits.
    pub fn publish(&self, place: Place, message: Message) {
        let Some(room) = self.room(place) else { return };
        self.0.published.fetch_add(1, Ordering::Relaxed);
        let now = self.0.clock.now();
        let wakers = room.lock().tell(message, now);
        room::wake(wakers);
    }

    /// What a person's own room is about has moved to `seq` in the journal. His seats are told the last one, at once and
    /// then at most once a second.
    pub fn touch(&self, user: UserId, seq: i64) {
        if let Some(room) = self.room(Place::Person(user)) {
            let after = room.lock().touch(seq);
            self.follow_up(&room, after);
        }
    }

    /// Is anybody in this room? Spares the encoding of what nobody would hear.
    pub fn anybody(&self, place: Place) -> bool {
        self.0.house.lock().rooms.contains_key(&place)
    }

    /// The person's part in the room has changed: whether he hears the team, from the next message on.
    pub fn set_team(&self, project: ProjectId, user: UserId, team: bool) {
        if let Some(room) = self.room(Place::Project(project)) {
            room.lock().set_team(user, team);
        }
    }

    /// The person has no right to be in the room any more.
    pub fn withdraw(&self, project: ProjectId, user: UserId) {
        self.end_in(Place::Project(project), |_, p| (p.user == user).then_some(Ending::Withdrawn));
    }

    /// The room is no more.
    pub fn close(&self, project: ProjectId) {
        self.end_in(Place::Project(project), |_, _| Some(Ending::Withdrawn));
    }

    /// Sessions of a person are over, in whatever rooms they sit.
    pub fn revoke(&self, user: UserId, sessions: Sessions) {
        self.end_everywhere(|_, p| {
            let over = match sessions {
                Sessions::All => true,
                Sessions::One(id) => p.session == id,
                Sessions::AllBut(id) => p.session != id,
            };
            (p.user == user && over).then_some(Ending::Revoked)
        });
    }

    /// The program stops: every seat ends, nobody takes one any more. A thousand a second come back.
    pub fn stop(&self) {
        let window = {
            let mut house = self.0.house.lock();
            house.stopping = true;
            (house.seats as u64).clamp(500, 30_000)
        };
        // Neighbours by number are far apart in time, so that a room does not come back at one moment.
        let retry_ms = |seat: u64| 250 + seat.wrapping_mul(0x9E37_79B9_7F4A_7C15) % window;
        self.end_everywhere(|seat, _| Some(Ending::Stopping { retry_ms: retry_ms(seat) }));
    }

    /// Waits until nobody is seated any more.
    pub async fn emptied(&self) {
        loop {
            let mut emptied = pin!(self.0.emptied.notified());
            // Registered before looking, so that a last one who leaves in between is not missed.
            emptied.as_mut().enable();
            if self.0.house.lock().seats == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn room(&self, place: Place) -> Option<Shared> {
        self.0.house.lock().rooms.get(&place).cloned()
    }

    /// Does what a change asks for, now or when its time has come.
    fn follow_up(&self, room: &Shared, after: After) {
        match (after, &self.0.runtime) {
            (After::Wake(wakers), _) => room::wake(wakers),
            (After::ShowIn(time), Some(runtime)) => {
                let room = room.clone();
                runtime.spawn(async move {
                    tokio::time::sleep(time).await;
                    let wakers = room.lock().show();
                    room::wake(wakers);
                });
            }
            (After::ShowIn(_), None) => {
                let wakers = room.lock().show();
                room::wake(wakers);
            }
        }
    }

    fn end_in(&self, place: Place, ending: impl Fn(u64, &Person) -> Option<Ending>) {
        if let Some(room) = self.room(place) {
            let wakers = room.lock().end(ending);
            room::wake(wakers);
        }
    }

    fn end_everywhere(&self, ending: impl Fn(u64, &Person) -> Option<Ending>) {
        let rooms: Vec<_> = self.0.house.lock().rooms.values().cloned().collect();
        for room in rooms {
            let wakers = room.lock().end(&ending);
            room::wake(wakers);
        }
    }
}

/// A seat in a room. Dropping it leaves the room.
pub struct Seat {
    id: u64,
    hub: Hub,
    place: Place,
    user: UserId,
    room: Shared,
}

impl Seat {
    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// In which room it is.
    pub fn place(&self) -> Place {
        self.place
    }

    /// What to do next. May be dropped while it waits; nothing is lost.
    pub async fn next(&mut self) -> Signal {
        let signal = poll_fn(|cx| {
            let mut room = self.room.lock();
            match room.next(self.id) {
                Some(signal) => Poll::Ready(signal),
                None => {
                    room.wait(self.id, cx.waker());
                    Poll::Pending
                }
            }
        })
        .await;
        self.counted(signal)
    }

    /// What to do next, if there is something already.
    pub fn try_next(&mut self) -> Option<Signal> {
        let signal = self.room.lock().next(self.id)?;
        Some(self.counted(signal))
    }

    /// What stands in the room, as `render` writes it; rendered once for all seats.
    pub fn standing(&self, render: impl FnOnce(&Standing) -> Bytes) -> Bytes {
        self.room.lock().rendered(render)
    }

    /// What stands in the room.
    pub fn stands(&self) -> Standing {
        self.room.lock().standing(Standing::clone)
    }

    /// Where he looks from now on.
    pub fn look(&self, media: MediaId, ms: i64) {
        let at = self.hub.0.clock.now();
        self.room.lock().look(self.id, Looking { media, ms, at });
    }

    /// A message came from here.
    pub fn said(&self) {
        self.room.lock().heard(self.id);
    }

    fn counted(&self, signal: Signal) -> Signal {
        match signal {
            Signal::Message { .. } => self.hub.0.delivered.fetch_add(1, Ordering::Relaxed),
            Signal::Resync => self.hub.0.lagged.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        signal
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut house = self.hub.0.house.lock();
        house.seats -= 1;
        if let Some(n) = house.seats_of.get_mut(&self.user) {
            *n -= 1;
            if *n == 0 {
                house.seats_of.remove(&self.user);
            }
        }
        let mut room = self.room.lock();
        let after = room.leave(self.id);
        if room.len() == 0 {
            house.rooms.remove(&self.place);
        }
        let last = house.seats == 0;
        drop(room);
        drop(house);
        self.hub.follow_up(&self.room, after);
        if last {
            self.hub.0.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
