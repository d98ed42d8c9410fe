//! One room: the last messages in a ring that all seats share, and for each seat how far it has come.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::message::{Audience, Ending, Heard, Message, Signal};
use super::{Looking, Person, Present, SeatStats, Standing};
use crate::base::clock::Time;
use crate::base::ids::UserId;

/// People named in a presence message; a room with more is told of these.
const PRESENT_MAX: usize = 100;
/// What stands in a room is told no more often: while hundreds arrive, each of them is not news to all the others.
const GATHER: Duration = Duration::from_secs(1);

pub(super) struct Room {
    /// The newest messages, at most `queue`; grows only when there are some.
    ring: VecDeque<Arc<Told>>,
    queue: usize,
    /// Place of the next message.
    next: u64,
    seats: HashMap<u64, Slot>,
    /// Seats that wait for anything new, so that telling them does not walk over those who are busy.
    waiting: Vec<u64>,
    /// Counts changes of what stands: who came and left, what was touched.
    changes: u64,
    /// Changes that the seats may know of; a seat that has seen fewer is told.
    shown: u64,
    /// When that last moved on.
    shown_at: Option<Instant>,
    /// Somebody will call [`Room::show`] when the time has come.
    promised: bool,
    /// The last place in the journal of what a person's own room is about; 0 elsewhere.
    touched: i64,
    /// The message of what stands after so many changes.
    rendered: Option<(u64, Bytes)>,
    last: Option<Time>,
}

/// A message in the ring.
struct Told {
    message: Message,
    at: Instant,
}

struct Slot {
    person: Person,
    /// Place of the next message for this seat.
    at: u64,
    seen: u64,
    looking: Option<Looking>,
    ending: Option<Ending>,
    waker: Option<Waker>,
    since: Time,
    heard: u64,
    told: u64,
    lagged: u64,
}

/// What follows a change, when the room is not held any more.
#[must_use]
pub(super) enum After {
    /// Wake these; it may be nobody.
    Wake(Vec<Waker>),
    /// Call [`Room::show`] after this time.
    ShowIn(Duration),
}

impl Room {
    pub(super) fn new(queue: usize) -> Room {
        Room {
            ring: VecDeque::new(),
            queue,
            next: 0,
            seats: HashMap::new(),
            waiting: Vec::new(),
            changes: 0,
            shown: 0,
            shown_at: None,
            promised: false,
            touched: 0,
            rendered: None,
            last: None,
        }
    }

    /// Keeps at most so many messages from the next one on.
    pub(super) fn limit(&mut self, queue: usize) {
        self.queue = queue.max(1);
    }

    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    pub(super) fn enter(&mut self, id: u64, person: Person, since: Time) -> After {
        let newcomer = !self.seats.values().any(|s| s.person.user == person.user);
        self.changes += u64::from(newcomer);
        let seen = self.changes;
        let (looking, ending, waker) = (None, None, None);
        let slot = Slot { person, at: self.next, seen, looking, ending, waker, since, heard: 0, told: 0, lagged: 0 };
        self.seats.insert(id, slot);
        if newcomer { self.changed() } else { After::Wake(Vec::new()) }
    }

    pub(super) fn leave(&mut self, id: u64) -> After {
        let Some(slot) = self.seats.remove(&id) else { return After::Wake(Vec::new()) };
        if slot.waker.is_some() {
            self.waiting.retain(|w| *w != id);
        }
        if self.seats.values().any(|s| s.person.user == slot.person.user) {
            return After::Wake(Vec::new());
        }
        self.changes += 1;
        self.changed()
    }

    pub(super) fn tell(&mut self, message: Message, now: Time) -> Vec<Waker> {
        while self.ring.len() >= self.queue {
            self.ring.pop_front();
        }
        self.ring.push_back(Arc::new(Told { message, at: Instant::now() }));
        self.next += 1;
        self.last = Some(now);
        self.wakers()
    }

    /// Something that this room is about has moved to `seq`.
    pub(super) fn touch(&mut self, seq: i64) -> After {
        self.touched = self.touched.max(seq);
        self.changes += 1;
        self.changed()
    }

    /// Others hear at once of a change after a quiet time, and else when [`GATHER`] has passed.
    fn changed(&mut self) -> After {
        if self.promised {
            return After::Wake(Vec::new());
        }
        match self.shown_at.map(|at| GATHER.saturating_sub(at.elapsed())).filter(|left| !left.is_zero()) {
            Some(left) => {
                self.promised = true;
                After::ShowIn(left)
            }
            None => After::Wake(self.show()),
        }
    }

    /// The seats may know what stands by now.
    pub(super) fn show(&mut self) -> Vec<Waker> {
        self.promised = false;
        self.shown = self.changes;
        self.shown_at = Some(Instant::now());
        self.wakers()
    }

    pub(super) fn set_team(&mut self, user: UserId, team: bool) {
        for slot in self.seats.values_mut().filter(|s| s.person.user == user) {
            slot.person.team = team;
        }
    }

    /// No change of its own: the others hear of it by a message, and who comes later sees it.
    pub(super) fn look(&mut self, id: u64, looking: Looking) {
        if let Some(slot) = self.seats.get_mut(&id) {
            slot.looking = Some(looking);
            self.rendered = None;
        }
    }

    pub(super) fn heard(&mut self, id: u64) {
        if let Some(slot) = self.seats.get_mut(&id) {
            slot.heard += 1;
        }
    }

    /// Ends the seats of whom `ending` gives one, by the seat and its person.
    pub(super) fn end(&mut self, ending: impl Fn(u64, &Person) -> Option<Ending>) -> Vec<Waker> {
        let mut any = false;
        for (id, slot) in &mut self.seats {
            if let Some(ending) = ending(*id, &slot.person) {
                slot.ending.get_or_insert(ending);
                any = true;
            }
        }
        if any { self.wakers() } else { Vec::new() }
    }

    /// What the seat is to do next; `None` if there is nothing.
    pub(super) fn next(&mut self, id: u64) -> Option<Signal> {
        let first = self.next - self.ring.len() as u64;
        let slot = self.seats.get_mut(&id)?;
        if let Some(ending) = slot.ending {
            return Some(Signal::End(ending));
        }
        if slot.at < first {
            slot.at = self.next;
            slot.seen = self.shown.max(slot.seen);
            slot.lagged += 1;
            return Some(Signal::Resync);
        }
        while slot.at < self.next {
            let told = &self.ring[(slot.at - first) as usize];
            slot.at += 1;
            if let Some(body) = heard(&told.message, &slot.person) {
                slot.told += 1;
                return Some(Signal::Message(Heard {
                    seq: told.message.seq,
                    body,
                    urgent: told.message.urgent,
                    at: told.at,
                }));
            }
        }
        if slot.seen < self.shown {
            slot.seen = self.shown;
            return Some(Signal::Standing);
        }
        None
    }

    pub(super) fn wait(&mut self, id: u64, waker: &Waker) {
        if let Some(slot) = self.seats.get_mut(&id) {
            if slot.waker.is_none() {
                self.waiting.push(id);
            }
            slot.waker = Some(waker.clone());
        }
    }

    /// Who is there, by id, each person once and at most [`PRESENT_MAX`], and how many there are.
    fn people(&self) -> (Vec<Present>, usize) {
        let mut people: HashMap<UserId, &Slot> = HashMap::with_capacity(self.seats.len());
        for slot in self.seats.values() {
            let known = people.entry(slot.person.user).or_insert(slot);
            // Of a person's windows the one that moved last says where he looks.
            let moved = |s: &Slot| s.looking.map(|l| l.at);
            if moved(slot) > moved(known) {
                *known = slot;
            }
        }
        let count = people.len();
        let mut people: Vec<&Slot> = people.into_values().collect();
        people.sort_unstable_by_key(|s| s.person.user);
        people.truncate(PRESENT_MAX);
        let present = |s: &Slot| Present {
            id: s.person.user,
            nickname: s.person.nickname.clone(),
            looking: s.looking.map(|l| l.place()),
        };
        (people.into_iter().map(present).collect(), count)
    }

    pub(super) fn standing<T>(&self, read: impl FnOnce(&Standing) -> T) -> T {
        let (online, count) = self.people();
        read(&Standing { online, count, touched: self.touched })
    }

    pub(super) fn rendered(&mut self, render: impl FnOnce(&Standing) -> Bytes) -> Bytes {
        match &self.rendered {
            Some((changes, body)) if *changes == self.changes => body.clone(),
            _ => {
                let body = self.standing(render);
                self.rendered = Some((self.changes, body.clone()));
                body
            }
        }
    }

    // What operators see --------------------------------------------------------------------------------------------

    /// Messages told, people, the longest wait, the last message.
    pub(super) fn counts(&self) -> (u64, usize, u64, Option<Time>) {
        let behind = self.seats.values().map(|s| self.next - s.at).max().unwrap_or(0);
        let mut people: Vec<UserId> = self.seats.values().map(|s| s.person.user).collect();
        people.sort_unstable();
        people.dedup();
        (self.next, people.len(), behind, self.last)
    }

    /// Seats for which something waits.
    pub(super) fn behind(&self) -> usize {
        self.seats.values().filter(|s| s.at < self.next).count()
    }

    /// Whose a seat is that is not about to end already.
    pub(super) fn whose(&self, id: u64) -> Option<UserId> {
        Some(self.seats.get(&id).filter(|s| s.ending.is_none())?.person.user)
    }

    pub(super) fn seats(&self) -> Vec<SeatStats> {
        let stats = |(id, s): (&u64, &Slot)| SeatStats {
            id: *id,
            user: s.person.user,
            nickname: s.person.nickname.clone(),
            address: s.person.address,
            since: s.since,
            heard: s.heard,
            told: s.told,
            behind: self.next - s.at,
            lagged: s.lagged,
        };
        let mut seats: Vec<SeatStats> = self.seats.iter().map(stats).collect();
        seats.sort_unstable_by_key(|s| s.id);
        seats
    }

    /// Those who wait; to be woken when the room is not held any more.
    fn wakers(&mut self) -> Vec<Waker> {
        let waiting = std::mem::take(&mut self.waiting);
        let wakers = waiting.iter().filter_map(|id| self.seats.get_mut(id)?.waker.take()).collect();
        // Keeps its room for the next time they wait.
        self.waiting = waiting;
        self.waiting.clear();
        wakers
    }
}

/// Wakes outside the room's lock, so that who is woken does not run into it at once.
pub(super) fn wake(wakers: Vec<Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}

/// The body that this person hears; `None` if it is not for him.
fn heard(message: &Message, person: &Person) -> Option<Bytes> {
    let meant = match message.audience {
        Audience::All => true,
        Audience::Team => person.team,
        Audience::User(user) => person.user == user,
    };
    if !meant || message.except == Some(person.user) {
        return None;
    }
    match &message.own {
        Some((user, body)) if *user == person.user => Some(body.clone()),
        _ => Some(message.body.clone()),
    }
}
