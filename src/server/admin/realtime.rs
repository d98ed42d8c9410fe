//! `/admin/realtime`: who sits in which room now, how soon rooms hear, what was said and how connections ended. A single
//! connection can be ended.

use std::cmp::Reverse;
use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Desk, back, words};
use crate::app::App;
use crate::base::clock::{SECOND, Time};
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::ProjectId;
use crate::domain::http::Query;
use crate::domain::projects;
use crate::engines::hub::{Place, RoomStats, SeatStats, Stats};
use crate::engines::metrics::live::{Counted, Present};
use crate::server::web::Frame;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

/// Rows of a list.
const LISTED: usize = 100;
/// Close codes that have a word; others are shown by their number.
const CODES: [u16; 12] = [1000, 1001, 1006, 1008, 1009, 1011, 1013, 4001, 4003, 4008, 4011, 4029];

#[derive(Template)]
#[template(path = "admin/realtime.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    stats: Stats,
    present: Present,
    counted: Counted,
    rooms: Vec<Room>,
    /// Rooms of projects beyond those that are listed.
    more: usize,
    /// The project whose room is shown instead of the list.
    inside: Option<Room>,
    /// Connections in it, or people's own ones.
    seats: Seats<'a>,
    now: Time,
}

struct Room {
    project: ProjectId,
    name: String,
    stats: RoomStats,
    leads: usize,
}

/// A table of connections.
#[derive(Template)]
#[template(path = "admin/parts/seats.html")]
struct Seats<'a> {
    f: &'a Frame,
    d: &'a Desk,
    rows: Vec<SeatStats>,
    /// Those beyond the listed ones.
    more: usize,
    back: String,
    empty: &'static str,
    now: Time,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    room: Option<ProjectId>,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    let d = d.at("realtime");
    let all = app.hub.rooms();
    let of = |room: &RoomStats| match room.place {
        Place::Project(id) => Some((id, *room)),
        Place::Person(_) => None,
    };
    let wanted = |(id, _): &(ProjectId, RoomStats)| asked.room.is_none_or(|room| room == *id);
    let found: Vec<_> = all.iter().filter_map(of).filter(wanted).collect();
    let more = found.len().saturating_sub(LISTED);
    let ids: Vec<ProjectId> = found.iter().take(LISTED).map(|(id, _)| *id).chain(asked.room).collect();
    let mut names: HashMap<ProjectId, String> = app.read(move |db| projects::names(db, &ids)).await?;
    let mut room = |project, stats| {
        let name = names.remove(&project).unwrap_or_default();
        Room { project, name, stats, leads: app.rooms.leads(project).len() }
    };
    let (mut rooms, mut inside) = (Vec::new(), None);
    match asked.room {
        None => rooms = found.into_iter().take(LISTED).map(|(id, stats)| room(id, stats)).collect(),
        // A room that everybody has left is an empty one as long as there is the project.
        Some(id) => {
            let empty =
                RoomStats { place: Place::Project(id), sockets: 0, people: 0, published: 0, behind: 0, last: None };
            let stats = found.first().map_or(empty, |(_, stats)| *stats);
            inside = Some(room(id, stats)).filter(|room| !room.name.is_empty());
            if inside.is_none() {
                return Err(Error::NotFound("project"));
            }
        }
    }
    let (mut rows, to) = match asked.room {
        Some(id) => (app.hub.seats(Place::Project(id)), format!("/admin/realtime?room={id}")),
        None => {
            let own = all.iter().filter(|room| matches!(room.place, Place::Person(_))).take(LISTED);
            (own.flat_map(|room| app.hub.seats(room.place)).collect(), "/admin/realtime".to_owned())
        }
    };
    let stats = app.hub.stats();
    let total = if asked.room.is_some() { rows.len() } else { stats.personal };
    rows.truncate(LISTED);
    let empty = if asked.room.is_some() { "admin.realtime.nobody_here" } else { "admin.realtime.no_lines" };
    let now = app.clock.now();
    let seats = Seats { f: &d.f, d: &d, more: total.saturating_sub(rows.len()), rows, back: to, empty, now };
    let live = app.metrics.live();
    let (present, counted) = (live.present(), live.read());
    html(&Page { f: &d.f, d: &d, stats, present, counted, rooms, more, inside, seats, now })
}

/// What clients said of one type.
struct Said {
    kind: &'static str,
    taken: u64,
    refused: u64,
    limited: u64,
}

impl Page<'_> {
    fn rate(&self, per_second: &f64) -> String {
        words::rate(*per_second)
    }

    fn time(&self, us: &u64) -> String {
        words::time(*us)
    }

    fn since(&self, at: &Time) -> String {
        since(self.f, self.now, *at)
    }

    /// From commit to the wire 200 ms are promised.
    fn fan_out_class(&self) -> &'static str {
        match self.present.fan_out_p99_us {
            200_000.. => "bad",
            100_000.. => "warn",
            _ => "",
        }
    }

    fn said(&self) -> Vec<Said> {
        let mut all: Vec<Said> = Vec::new();
        for (kind, outcome, n) in &self.counted.heard {
            if all.last().is_none_or(|last| last.kind != *kind) {
                all.push(Said { kind, taken: 0, refused: 0, limited: 0 });
            }
            let Some(last) = all.last_mut() else { continue };
            match *outcome {
                "taken" => last.taken += n,
                "limited" => last.limited += n,
                _ => last.refused += n,
            }
        }
        all.sort_by_key(|said| Reverse(said.taken + said.refused + said.limited));
        all
    }

    /// The word for a close code, if it has one.
    fn word(&self, code: &u16) -> Option<String> {
        CODES.contains(code).then(|| self.f.label("admin.realtime.close", code))
    }
}

/// How long something is ago, in whole seconds.
fn since(f: &Frame, now: Time, at: Time) -> String {
    words::lasting(f, (now.0 - at.0).max(SECOND))
}

impl Seats<'_> {
    fn since(&self, at: &Time) -> String {
        since(self.f, self.now, *at)
    }
}

#[derive(Deserialize)]
pub(super) struct Which {
    seat: u64,
    #[serde(default)]
    back: String,
}

/// Ends one connection. Its owner may come back when he wants to: who is to stay out is locked or taken out.
pub(super) async fn disconnect(State(app): State<App>, d: Desk, Form(which): Form<Which>) -> Result<Response> {
    d.must_administer()?;
    let user = app.hub.disconnect(which.seat).ok_or(Error::NotFound("socket"))?;
    let actor = d.who.user;
    app.write(move |tx| tx.emit(None, Some(actor), Event::SocketClosed { user }, None)).await?;
    Ok(back(&which.back, "/admin/realtime", "disconnected"))
}
