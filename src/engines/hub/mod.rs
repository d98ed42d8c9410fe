//! Live rooms: who sits in which project's room, and what the room is told.
//!
//! Laws: publishing never waits and encodes nothing; a message is shared by all who hear it. A seat that falls more than
//! `queue` messages behind is told to replay from its own last seq; nothing is dropped without a word, nothing is kept
//! without an end. A right that is withdrawn ends the seat before the next message.
//!
//! The hub knows no protocol: `server::ws` turns a [`Signal`] into frames and an [`Ending`] into a close code.

mod room;

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::Notify;

use crate::base::ids::{ProjectId, SessionId, UserId};
use room::Room;

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
    /// Does he hear what is for the team alone?
    pub team: bool,
}

/// Somebody in the room, as the others see him.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Present {
    /// Who.
    pub id: UserId,
    /// 닉네임
    pub nickname: String,
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

/// Why a seat ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// His session is over.
    Revoked,
    /// He has no right to be in this room any more.
    Withdrawn,
    /// The program stops.
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

/// What a seat is to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// Pass this on.
    Message {
        /// Its place in the journal, if it has one.
        seq: Option<i64>,
        /// One JSON object.
        body: Bytes,
    },
    /// Others came or left: [`Seat::presence`] tells who is there.
    Presence,
    /// It fell behind: replay from its last seq. What comes after this signal is complete again.
    Resync,
    /// Go.
    End(Ending),
}

/// Counts for the dashboard and `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Rooms with somebody in them.
    pub rooms: usize,
    /// Seats.
    pub sockets: usize,
    /// Messages that rooms were told since the start.
    pub published: u64,
    /// Messages that seats were given since the start.
    pub delivered: u64,
    /// Times a seat fell behind since the start.
    pub lagged: u64,
}

/// The rooms. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    options: Options,
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
    rooms: HashMap<ProjectId, Arc<Mutex<Room>>>,
    seats_of: HashMap<UserId, usize>,
    seats: usize,
    stopping: bool,
}

impl Hub {
    /// A house without guests.
    pub fn new(options: Options) -> Hub {
        Hub(Arc::new(Inner {
            options,
            house: Mutex::default(),
            next_seat: AtomicU64::new(1),
            emptied: Notify::new(),
            published: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            lagged: AtomicU64::new(0),
        }))
    }

    /// Takes a seat. Join before reading the snapshot that the seat begins with: then every later commit is heard, and
    /// an earlier one that is heard too is known by its seq.
    pub fn join(&self, project: ProjectId, person: Person) -> Result<Seat, JoinError> {
        let options = &self.0.options;
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
        let room = house.rooms.entry(project).or_insert_with(|| Arc::new(Mutex::new(Room::new(options.queue)))).clone();
        let mut inside = room.lock();
        if inside.len() >= options.per_room {
            return Err(JoinError::Full);
        }
        let id = self.0.next_seat.fetch_add(1, Ordering::Relaxed);
        let user = person.user;
        let wakers = inside.enter(id, person);
        drop(inside);
        house.seats += 1;
        *house.seats_of.entry(user).or_default() += 1;
        drop(house);
        room::wake(wakers);
        Ok(Seat { id, hub: self.clone(), project, user, room })
    }

    /// Tells a room. Never waits.
    pub fn publish(&self, project: ProjectId, message: Message) {
        let Some(room) = self.room(project) else { return };
        self.0.published.fetch_add(1, Ordering::Relaxed);
        let wakers = room.lock().tell(Arc::new(message));
        room::wake(wakers);
    }

    /// Is anybody in this room? Spares the encoding of what nobody would hear.
    pub fn anybody(&self, project: ProjectId) -> bool {
        self.0.house.lock().rooms.contains_key(&project)
    }

    /// The person's part in the room has changed: whether he hears the team, from the next message on.
    pub fn set_team(&self, project: ProjectId, user: UserId, team: bool) {
        if let Some(room) = self.room(project) {
            room.lock().set_team(user, team);
        }
    }

    /// The person has no right to be in the room any more.
    pub fn withdraw(&self, project: ProjectId, user: UserId) {
        if let Some(room) = self.room(project) {
            let wakers = room.lock().end(Ending::Withdrawn, |p| p.user == user);
            room::wake(wakers);
        }
    }

    /// The room is no more.
    pub fn close(&self, project: ProjectId) {
        if let Some(room) = self.room(project) {
            let wakers = room.lock().end(Ending::Withdrawn, |_| true);
            room::wake(wakers);
        }
    }

    /// Sessions of a person are over, in whatever rooms they sit.
    pub fn revoke(&self, user: UserId, sessions: Sessions) {
        self.end_everywhere(Ending::Revoked, |p| {
            p.user == user
                && match sessions {
                    Sessions::All => true,
                    Sessions::One(id) => p.session == id,
                    Sessions::AllBut(id) => p.session != id,
                }
        });
    }

    /// The program stops: every seat ends, nobody takes one any more.
    pub fn stop(&self) {
        self.0.house.lock().stopping = true;
        self.end_everywhere(Ending::Stopping, |_| true);
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

    /// Counts.
    pub fn stats(&self) -> Stats {
        let house = self.0.house.lock();
        Stats {
            rooms: house.rooms.len(),
            sockets: house.seats,
            published: self.0.published.load(Ordering::Relaxed),
            delivered: self.0.delivered.load(Ordering::Relaxed),
            lagged: self.0.lagged.load(Ordering::Relaxed),
        }
    }

    fn room(&self, project: ProjectId) -> Option<Arc<Mutex<Room>>> {
        self.0.house.lock().rooms.get(&project).cloned()
    }

    fn end_everywhere(&self, ending: Ending, whose: impl Fn(&Person) -> bool) {
        let rooms: Vec<_> = self.0.house.lock().rooms.values().cloned().collect();
        for room in rooms {
            let wakers = room.lock().end(ending, &whose);
            room::wake(wakers);
        }
    }
}

/// A seat in a room. Dropping it leaves the room.
pub struct Seat {
    id: u64,
    hub: Hub,
    project: ProjectId,
    user: UserId,
    room: Arc<Mutex<Room>>,
}

impl Seat {
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

    /// Who is in the room, as `render` writes it; rendered once for all seats.
    pub fn presence(&self, render: impl FnOnce(&[Present]) -> Bytes) -> Bytes {
        self.room.lock().presence(render)
    }

    /// Who is in the room, each person once.
    pub fn online(&self) -> Vec<Present> {
        self.room.lock().online()
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
        let wakers = room.leave(self.id);
        if room.len() == 0 {
            house.rooms.remove(&self.project);
        }
        let last = house.seats == 0;
        drop(room);
        drop(house);
        room::wake(wakers);
        if last {
            self.hub.0.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
