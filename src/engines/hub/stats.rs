//! What operators see of the rooms.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use serde::Serialize;

use super::{Ending, Hub, Place, room};
use crate::base::clock::Time;
use crate::base::ids::UserId;

/// Counts for the dashboard and `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Rooms of projects with somebody in them.
    pub rooms: usize,
    /// Seats, also those in people's own rooms.
    pub sockets: usize,
    /// Of these, seats in people's own rooms.
    pub personal: usize,
    /// People who sit anywhere.
    pub people: usize,
    /// Seats for which something waits.
    pub behind: usize,
    /// Seats that were taken since the start.
    pub opened: u64,
    /// Messages that rooms were told since the start.
    pub published: u64,
    /// Messages that seats were given since the start.
    pub delivered: u64,
    /// Times a seat fell behind since the start.
    pub lagged: u64,
}

/// One room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RoomStats {
    /// Which.
    pub place: Place,
    /// Seats.
    pub sockets: usize,
    /// People in them.
    pub people: usize,
    /// Messages that it was told since somebody came.
    pub published: u64,
    /// Messages that wait for the slowest seat.
    pub behind: u64,
    /// The last message.
    pub last: Option<Time>,
}

/// One seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeatStats {
    /// Its number: for [`Hub::disconnect`].
    pub id: u64,
    /// Who.
    pub user: UserId,
    /// 닉네임
    pub nickname: String,
    /// From where.
    pub address: IpAddr,
    /// Since when.
    pub since: Time,
    /// Messages that came from it.
    pub heard: u64,
    /// Messages that it was given.
    pub told: u64,
    /// Messages that wait for it.
    pub behind: u64,
    /// Times it fell behind.
    pub lagged: u64,
}

impl Hub {
    /// Counts. Walks over all seats: for somebody who looks, not for each message.
    pub fn stats(&self) -> Stats {
        let (rooms, sockets, people) = {
            let house = self.0.house.lock();
            let rooms: Vec<_> = house.rooms.iter().map(|(place, room)| (*place, room.clone())).collect();
            (rooms, house.seats, house.seats_of.len())
        };
        let mut stats = Stats {
            sockets,
            people,
            opened: self.0.next_seat.load(Ordering::Relaxed) - 1,
            published: self.0.published.load(Ordering::Relaxed),
            delivered: self.0.delivered.load(Ordering::Relaxed),
            lagged: self.0.lagged.load(Ordering::Relaxed),
            ..Stats::default()
        };
        for (place, room) in rooms {
            let room = room.lock();
            stats.behind += room.behind();
            match place {
                Place::Project(_) => stats.rooms += 1,
                Place::Person(_) => stats.personal += room.len(),
            }
        }
        stats
    }

    /// Seats of all rooms.
    pub fn sockets(&self) -> usize {
        self.0.house.lock().seats
    }

    /// All rooms, those with most seats first.
    pub fn rooms(&self) -> Vec<RoomStats> {
        let rooms: Vec<_> = self.0.house.lock().rooms.iter().map(|(place, room)| (*place, room.clone())).collect();
        let of = |(place, room): (Place, super::Shared)| {
            let room = room.lock();
            let (published, people, behind, last) = room.counts();
            RoomStats { place, sockets: room.len(), people, published, behind, last }
        };
        let mut rooms: Vec<RoomStats> = rooms.into_iter().map(of).collect();
        rooms.sort_unstable_by_key(|r| (std::cmp::Reverse(r.sockets), r.place));
        rooms
    }

    /// The seats of a room, those who came first first.
    pub fn seats(&self, place: Place) -> Vec<SeatStats> {
        self.room(place).map(|room| room.lock().seats()).unwrap_or_default()
    }

    /// Ends one seat. Whose it was; `None` if there is no such seat, or it ends already.
    pub fn disconnect(&self, seat: u64) -> Option<UserId> {
        let rooms: Vec<_> = self.0.house.lock().rooms.values().cloned().collect();
        rooms.into_iter().find_map(|room| {
            let mut inside = room.lock();
            let whose = inside.whose(seat)?;
            let wakers = inside.end(|id, _| (id == seat).then_some(Ending::Disconnected));
            drop(inside);
            room::wake(wakers);
            Some(whose)
        })
    }
}
