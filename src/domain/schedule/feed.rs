//! A person's calendar for other programs, under a link that is secret.
//!
//! Laws: the link's token is kept as its hash and shown once. A wrong one, one that was renewed and one of a locked account
//! find nothing. It opens the calendar and nothing else.

use serde::Serialize;

use super::calendar::{CalendarPhase, Held};
use super::entries::{CalendarEntry, EntryKind};
use super::ics::{Calendar, Event, When};
use super::{PhaseState, sql_entries as sql, zone};
use crate::app::App;
use crate::base::clock::{HOUR, Time};
use crate::base::day::Day;
use crate::base::error::{Error, Result};
use crate::base::event;
use crate::base::ids::UserId;
use crate::base::locale::{self, Lang};
use crate::base::secret;
use crate::domain::accounts::Viewer;
use crate::domain::projects::ProjectStatus;

/// How far back it reaches, and how far ahead.
const DAYS: (i64, i64) = (-366, 1_100);
/// That it was read is noted this often.
const NOTED_MS: i64 = HOUR;

/// A person's link.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CalendarFeed {
    /// The link; only in the answer that made it.
    #[schema(example = "https://studio.example/api/v1/calendar.ics?token=vp_c_Q2hhbmdlLW1l")]
    pub url: Option<String>,
    /// Since when there is one; `null`: there is none.
    pub created: Option<Time>,
    /// When a program read it last, to the hour.
    pub read_at: Option<Time>,
}

pub(super) struct FeedRow {
    pub(super) created: Time,
    pub(super) read_at: Option<Time>,
}

pub(super) struct FeedState {
    pub(super) user: UserId,
    pub(super) nickname: String,
    pub(super) locale: String,
    pub(super) read_at: Option<Time>,
}

/// Is there a link?
pub async fn state(app: &App, who: &Viewer) -> Result<CalendarFeed> {
    let user = who.user;
    let row = app.read(move |db| sql::feed(db, user)).await?;
    Ok(CalendarFeed { url: None, created: row.as_ref().map(|r| r.created), read_at: row.and_then(|r| r.read_at) })
}

/// Makes a link; the one from before ends.
pub async fn make(app: &App, who: &Viewer, base_url: &str) -> Result<CalendarFeed> {
    let (token, user) = (secret::token("c"), who.user);
    let hash = secret::hash(&token);
    let created = app
        .write(move |tx| {
            sql::put_feed(tx, user, &hash)?;
            changed(tx, user)?;
            Ok(tx.now())
        })
        .await?;
    let url = format!("{base_url}/api/v1/calendar.ics?token={token}");
    Ok(CalendarFeed { url: Some(url), created: Some(created), read_at: None })
}

/// Ends the link.
pub async fn end(app: &App, who: &Viewer) -> Result<()> {
    let user = who.user;
    app.write(move |tx| if sql::drop_feed(tx, user)? { changed(tx, user) } else { Ok(()) }).await
}

fn changed(tx: &mut crate::engines::store::Tx, user: UserId) -> Result<()> {
    let fields = vec!["calendar_feed".to_owned()];
    tx.emit(None, Some(user), event::Event::UserChanged { user, fields }, None)?;
    Ok(())
}

/// The calendar behind a token.
pub async fn read(app: &App, token: &str) -> Result<String> {
    if !token.starts_with("vp_c_") || token.len() > 100 {
        return Err(Error::NotFound("calendar"));
    }
    let (hash, now, zone) = (secret::hash(token), app.clock.now(), zone(app));
    let today = Day::of(now, &zone);
    let days = (today.plus(DAYS.0).unwrap_or(Day::MIN), today.plus(DAYS.1).unwrap_or(Day::MAX));
    let host = host(&app.config().server.public_url).to_owned();
    let (state, text) = app
        .read(move |db| {
            let state = sql::feed_of(db, &hash)?.ok_or(Error::NotFound("calendar"))?;
            let held = sql::held(db, state.user, days.0, days.1)?;
            let entries = sql::entries_between(db, state.user, days.0, days.1)?;
            let text = write(&state, &held, &entries, days, &zone, &host);
            Ok((state, text))
        })
        .await?;
    if state.read_at.is_none_or(|at| now.0 - at.0 > NOTED_MS) {
        app.write(move |tx| sql::touch_feed(tx, state.user)).await?;
    }
    Ok(text)
}

/// What stands behind the `@` of a UID.
fn host(public_url: &str) -> &str {
    let host = public_url.split_once("://").map_or(public_url, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    if host.is_empty() { "videoplanet" } else { host }
}

fn write(
    state: &FeedState,
    held: &Held,
    entries: &[CalendarEntry],
    days: (Day, Day),
    zone: &jiff::tz::TimeZone,
    host: &str,
) -> String {
    let lang = Lang::from_tag(&state.locale).unwrap_or_default();
    let say = |key: &str| locale::get(lang, key);
    let name = locale::say(lang, &locale::Text::new("calendar.feed.name").with("name", &state.nickname));
    let mut out = Calendar::new(&name);
    let is_over = |s: ProjectStatus| matches!(s, ProjectStatus::Cancelled | ProjectStatus::Archived);
    let project = |id| held.projects.iter().find(|p| p.id == id && !is_over(p.status));
    for CalendarPhase { project_id, phase } in &held.phases {
        let (Some(of), Some((first, last))) = (project(*project_id), phase.days()) else { continue };
        let what = say(&format!("calendar.phase.{}", phase.phase));
        let who = phase.assignee.as_ref().map(|a| format!("{} {}", say("calendar.assignee"), a.nickname));
        let about: Vec<&str> = who.iter().map(String::as_str).chain([phase.note.as_str()]).collect();
        out.event(&Event {
            uid: format!("phase-{project_id}-{}@{host}", phase.phase),
            sequence: phase.rev,
            changed: phase.updated,
            when: When::Days(first, last),
            summary: &format!("[{}] {what}", of.name),
            description: about.join("\n").trim(),
            place: "",
            status: if phase.state == PhaseState::Planned { "TENTATIVE" } else { "CONFIRMED" },
            transparent: true,
            category: &what,
        });
    }
    for entry in entries {
        let of = match entry.project_id {
            Some(id) => project(id).map(|p| format!("[{}] {}", p.name, entry.title)),
            None => Some(entry.title.clone()),
        };
        let Some(summary) = of else { continue };
        out.event(&Event {
            uid: format!("entry-{}@{host}", entry.id),
            sequence: entry.rev,
            changed: entry.updated,
            when: match entry.all_day {
                true => When::Days(entry.first_day, entry.last_day),
                false => When::Hours(entry.start, entry.end),
            },
            summary: &summary,
            description: &entry.note,
            place: &entry.place,
            status: "CONFIRMED",
            transparent: matches!(entry.kind, EntryKind::Deadline | EntryKind::Milestone),
            category: &say(&format!("calendar.kind.{}", entry.kind)),
        });
    }
    for (of, at) in held.projects.iter().filter_map(|p| Some((p, p.deadline?))) {
        let day = Day::of(at, zone);
        if is_over(of.status) || !(days.0..=days.1).contains(&day) {
            continue;
        }
        let what = say("calendar.kind.deadline");
        out.event(&Event {
            uid: format!("deadline-{}@{host}", of.id),
            sequence: of.rev,
            changed: of.updated,
            when: When::Days(day, day),
            summary: &format!("[{}] {what}", of.name),
            description: &of.client,
            place: "",
            status: "CONFIRMED",
            transparent: true,
            category: &what,
        });
    }
    out.end()
}
