//! One room: the last messages in a ring that all seats share, and for each seat how far it has come.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;

use super::{Audience, Ending, Message, Person, Present, Signal};

/// People named in a presence message; a room with more is told of these.
const PRESENT_MAX: usize = 100;

pub(super) struct Room {
    /// The newest messages, at most `queue`; grows only when there are some.
    ring: VecDeque<Arc<Message>>,
    queue: usize,
    /// Place of the next message.
    next: u64,
    seats: HashMap<u64, Slot>,
    /// Seats that wait for anything new, so that telling them does not walk over those who are busy.
    waiting: Vec<u64>,
    /// Counts who came and left; a seat that has seen another count is told.
    changes: u64,
    /// The presence message of this count.
    rendered: Option<(u64, Bytes)>,
}

struct Slot {
    person: Person,
    /// Place of the next message for this seat.
    at: u64,
    seen: u64,
    ending: Option<Ending>,
    waker: Option<Waker>,
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
            rendered: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    pub(super) fn enter(&mut self, id: u64, person: Person) -> Vec<Waker> {
        let newcomer = !self.seats.values().any(|s| s.person.user == person.user);
        if newcomer {
            self.changes += 1;
        }
        let slot = Slot { person, at: self.next, seen: self.changes, ending: None, waker: None };
        self.seats.insert(id, slot);
        if newcomer { self.wakers() } else { Vec::new() }
    }

    pub(super) fn leave(&mut self, id: u64) -> Vec<Waker> {
        let Some(slot) = self.seats.remove(&id) else { return Vec::new() };
        if slot.waker.is_some() {
            self.waiting.retain(|w| *w != id);
        }
        if self.seats.values().any(|s| s.person.user == slot.person.user) {
            return Vec::new();
        }
        self.changes += 1;
        self.wakers()
    }

    pub(super) fn tell(&mut self, message: Arc<Message>) -> Vec<Waker> {
        if self.ring.len() == self.queue {
            self.ring.pop_front();
        }
        self.ring.push_back(message);
        self.next += 1;
        self.wakers()
    }

    pub(super) fn set_team(&mut self, user: crate::base::ids::UserId, team: bool) {
        for slot in self.seats.values_mut().filter(|s| s.person.user == user) {
            slot.person.team = team;
        }
    }

    pub(super) fn end(&mut self, ending: Ending, whose: impl Fn(&Person) -> bool) -> Vec<Waker> {
        let mut any = false;
        for slot in self.seats.values_mut().filter(|s| whose(&s.person)) {
            slot.ending.get_or_insert(ending);
            any = true;
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
            slot.seen = self.changes;
            return Some(Signal::Resync);
        }
        while slot.at < self.next {
            let message = &self.ring[(slot.at - first) as usize];
            slot.at += 1;
            if let Some(body) = heard(message, &slot.person) {
                return Some(Signal::Message { seq: message.seq, body });
            }
        }
        if slot.seen != self.changes {
            slot.seen = self.changes;
            return Some(Signal::Presence);
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

    pub(super) fn online(&self) -> Vec<Present> {
        let present = |s: &Slot| Present { id: s.person.user, nickname: s.person.nickname.clone() };
        let mut people: Vec<Present> = self.seats.values().map(present).collect();
        people.sort();
        people.dedup_by_key(|p| p.id);
        people.truncate(PRESENT_MAX);
        people
    }

    pub(super) fn presence(&mut self, render: impl FnOnce(&[Present]) -> Bytes) -> Bytes {
        match &self.rendered {
            Some((changes, body)) if *changes == self.changes => body.clone(),
            _ => {
                let body = render(&self.online());
                self.rendered = Some((self.changes, body.clone()));
                body
            }
        }
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
