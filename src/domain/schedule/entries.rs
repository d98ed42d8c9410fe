//! What stands in the calendar and is no phase: meetings, deadlines, reviews, filming days, personal dates.
//!
//! Law: one of a project is seen by its members and changed by who plans it; one without a project is there for its
//! author and its people alone, and changed by its author.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::filming::{self, Conflict, Place, Span};
use super::{Look, look, note_check, sql_entries as sql, zone};
use crate::app::App;
use crate::base::clock::{DAY, Time};
use crate::base::day::Day;
use crate::base::error::{Check, Error, Result};
use crate::base::event::{Audience, Event, Live};
use crate::base::ids::{EntryId, ProjectId, UserId};
use crate::base::locale::Text;
use crate::base::roles::Right;
use crate::domain::accounts::{Person, Viewer};
use crate::domain::projects::judge;
use crate::engines::store::{Db, Tx};
use crate::{closed_set, text_columns};

closed_set! {
    /// What an entry is.
    EntryKind {
        /// 회의
        Meeting = "meeting",
        /// 마감
        Deadline = "deadline",
        /// 검토
        Review = "review",
        /// 마일스톤
        Milestone = "milestone",
        /// 촬영
        Filming = "filming",
        /// 개인
        Personal = "personal",
        /// 기타
        Other = "other",
    }
}

text_columns!(EntryKind);

/// Entries that a project, or a person without one, may have.
pub const MAX: i64 = 2_000;
/// People of an entry.
pub const PEOPLE_MAX: usize = 50;

/// An entry of the calendar.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CalendarEntry {
    /// Its id.
    pub id: EntryId,
    /// In which project; `null` for one that is its author's and its people's alone.
    pub project_id: Option<ProjectId>,
    /// What it is.
    pub kind: EntryKind,
    /// Title.
    #[schema(example = "콘티 회의")]
    pub title: String,
    /// A note.
    #[schema(example = "콘티 3안까지 출력해서 가져오기")]
    pub note: String,
    /// Where.
    #[schema(example = "3층 회의실")]
    pub place: String,
    /// Whole days, without an hour?
    pub all_day: bool,
    /// When it begins; of whole days the first one's midnight in UTC.
    pub start: Time,
    /// When it ends; of whole days the last one's midnight in UTC, that day included.
    pub end: Time,
    /// Its first day in the studio's zone.
    pub first_day: Day,
    /// Its last day in the studio's zone, itself included.
    pub last_day: Day,
    /// Whom it concerns.
    #[schema(max_items = 50)]
    pub people: Vec<UserId>,
    /// Whom it concerns, by name.
    #[schema(max_items = 50)]
    pub persons: Vec<Person>,
    /// Who added it.
    pub user_id: UserId,
    /// Who added it.
    pub user: Person,
    /// Since when.
    pub created: Time,
    /// Last change.
    pub updated: Time,
    /// Filming days for which somebody of its people is needed elsewhere; only where it was added or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Vec<Conflict>>,
    /// Revision, for `ETag` and `If-Match`.
    #[serde(skip)]
    pub rev: i64,
}

/// A new entry.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `CalendarEntry`.
#[schema(example = json!({
    "kind": "meeting", "title": "콘티 회의", "place": "3층 회의실", "start": "2026-12-01T01:00:00.000Z",
    "end": "2026-12-01T02:00:00.000Z", "people": []
}))]
pub struct NewEntry {
    pub project_id: Option<ProjectId>,
    pub kind: EntryKind,
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: String,
    #[serde(default)]
    #[schema(max_length = 200)]
    pub place: String,
    #[serde(default)]
    pub all_day: bool,
    pub start: Time,
    /// Without it the entry ends as it begins.
    pub end: Option<Time>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub people: Vec<UserId>,
}

/// A change of an entry: what is not named stays. It stays in its project.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `CalendarEntry`.
#[schema(example = json!({ "start": "2026-12-02T01:00:00.000Z", "end": "2026-12-02T02:00:00.000Z" }))]
pub struct EntryPatch {
    pub kind: Option<EntryKind>,
    #[schema(min_length = 1, max_length = 200)]
    pub title: Option<String>,
    #[schema(max_length = 2000)]
    pub note: Option<String>,
    #[schema(max_length = 200)]
    pub place: Option<String>,
    pub all_day: Option<bool>,
    pub start: Option<Time>,
    pub end: Option<Time>,
    #[schema(max_items = 50)]
    pub people: Option<Vec<UserId>>,
}

impl EntryPatch {
    fn check(&self) -> Result<()> {
        let mut check = Check::new();
        if let Some(title) = &self.title {
            check.text("title", title, 1, 200);
        }
        if let Some(note) = &self.note {
            note_check(&mut check, "note", note);
        }
        if let Some(place) = &self.place {
            check.text("place", place, 0, 200);
        }
        if let Some(people) = &self.people {
            let fits = people.len() <= PEOPLE_MAX;
            check.that(fits, "people", Text::new("invalid.count").with("min", 0).with("max", PEOPLE_MAX));
        }
        check.done()
    }

    /// Answers which fields it has changed.
    fn apply(self, e: &mut CalendarEntry, zone: &jiff::tz::TimeZone) -> Result<Vec<String>> {
        fn set<T: PartialEq>(fields: &mut Vec<String>, name: &str, new: Option<T>, old: &mut T) {
            if let Some(new) = new.filter(|new| new != old) {
                *old = new;
                fields.push(name.to_owned());
            }
        }
        let trimmed = |text: Option<String>| text.map(|t| t.trim().to_owned());
        let mut fields = Vec::new();
        // Who moves the beginning alone moves the whole.
        let end = self.end.or(self.start.map(|start| e.end.plus(start.0 - e.start.0)));
        set(&mut fields, "kind", self.kind, &mut e.kind);
        set(&mut fields, "title", trimmed(self.title), &mut e.title);
        set(&mut fields, "note", trimmed(self.note), &mut e.note);
        set(&mut fields, "place", trimmed(self.place), &mut e.place);
        set(&mut fields, "all_day", self.all_day, &mut e.all_day);
        set(&mut fields, "start", self.start, &mut e.start);
        set(&mut fields, "end", end, &mut e.end);
        set(&mut fields, "people", self.people.map(ordered), &mut e.people);
        (e.first_day, e.last_day) = days(e.all_day, e.start, e.end, zone)?;
        Ok(fields)
    }
}

fn ordered(mut people: Vec<UserId>) -> Vec<UserId> {
    people.sort_unstable();
    people.dedup();
    people
}

/// The days on which it stands.
fn days(all_day: bool, start: Time, end: Time, zone: &jiff::tz::TimeZone) -> Result<(Day, Day)> {
    let mut check = Check::new();
    let within = |t: Time| t >= Day::MIN.midnight() && t < Day::MAX.midnight();
    for (field, time) in [("start", start), ("end", end)] {
        check.that(within(time), field, Text::new("invalid.day_within").with("min", Day::MIN).with("max", Day::MAX));
        check.that(!all_day || time.0 % DAY == 0, field, Text::new("invalid.all_day"));
    }
    check.that(end >= start, "end", Text::new("invalid.end_before_start"));
    check.done()?;
    if all_day {
        let utc = jiff::tz::TimeZone::UTC;
        return Ok((Day::of(start, &utc), Day::of(end, &utc)));
    }
    // One that ends at midnight does not stand on the day that begins then.
    let last = if end > start { end.plus(-1) } else { end };
    Ok((Day::of(start, zone), Day::of(last, zone)))
}

/// One entry as this reader may see it, and whether he may change it.
pub fn get(db: &Db, who: &Viewer, id: EntryId) -> Result<CalendarEntry> {
    let entry = sql::entry(db, id)?.ok_or(Error::NotFound("entry"))?;
    let seen = match entry.project_id {
        Some(project) => judge(who.role(project), Right::View, "entry").map(|_| ()),
        None if entry.user_id == who.user || entry.people.contains(&who.user) => Ok(()),
        None => Err(Error::NotFound("entry")),
    };
    seen.map(|()| entry)
}

/// Adds an entry.
pub async fn add(app: &App, who: &Viewer, new: NewEntry) -> Result<CalendarEntry> {
    let patch = EntryPatch {
        title: Some(new.title.clone()),
        note: Some(new.note.clone()),
        place: Some(new.place.clone()),
        people: Some(new.people.clone()),
        ..EntryPatch::default()
    };
    patch.check()?;
    let (look, zone, author) = (look(app, who), zone(app), who.person());
    app.write(move |tx| insert(tx, look, &author, &zone, new)).await
}

/// Adds an entry inside a change.
pub fn insert(
    tx: &mut Tx,
    look: Look,
    author: &Person,
    zone: &jiff::tz::TimeZone,
    new: NewEntry,
) -> Result<CalendarEntry> {
    let (now, end) = (tx.now(), new.end.unwrap_or(new.start));
    let (first_day, last_day) = days(new.all_day, new.start, end, zone)?;
    let mut entry = CalendarEntry {
        id: EntryId(0),
        project_id: new.project_id,
        kind: new.kind,
        title: new.title.trim().to_owned(),
        note: new.note.trim().to_owned(),
        place: new.place.trim().to_owned(),
        all_day: new.all_day,
        start: new.start,
        end,
        first_day,
        last_day,
        people: ordered(new.people),
        persons: Vec::new(),
        user_id: author.id,
        user: author.clone(),
        created: now,
        updated: now,
        conflicts: None,
        rev: 1,
    };
    let films = gather(tx, look, &mut entry)?;
    entry.id = sql::insert(tx, &entry, MAX)?
        .ok_or_else(|| Error::Conflict(Text::new("error.too_many_entries").with("max", MAX)))?;
    sql::add_people(tx, entry.id, &entry.people)?;
    let event = Event::EntryAdded { entry: entry.id };
    settle(tx, look, &mut entry, films, event, "added")?;
    Ok(entry)
}

/// Judges who asks, names the people of an entry, and reads on which days they film.
fn gather(db: &Db, look: Look, entry: &mut CalendarEntry) -> Result<Films> {
    let asked: Vec<i64> = entry.people.iter().map(|u| u.0).collect();
    let days = (look.today, Day::MAX);
    let found = match entry.project_id {
        Some(project) => {
            let found = sql::members_and_spans(db, look.user, project, &asked, days)?;
            judge(found.role, Right::Plan, "project")?;
            found
        }
        None => sql::friends_and_spans(db, look.user, &asked, days)?,
    };
    let person = |id: &UserId| found.people.iter().find(|p| p.id == *id).cloned();
    let persons: Option<Vec<Person>> = entry.people.iter().map(person).collect();
    let stranger = match entry.project_id {
        Some(_) => Text::new("invalid.not_a_member"),
        None => Text::new("invalid.not_a_companion"),
    };
    entry.persons = persons.ok_or_else(|| Error::invalid("people", stranger))?;
    Ok(Films { spans: found.spans, project_name: found.project_name })
}

/// What the people of an entry film, and what its own project is called.
struct Films {
    spans: Vec<Span>,
    project_name: String,
}

/// The end of a change: its event, what the room hears, and the conflicts that it makes.
fn settle(
    tx: &mut Tx,
    look: Look,
    entry: &mut CalendarEntry,
    Films { mut spans, project_name }: Films,
    event: Event,
    change: &str,
) -> Result<()> {
    tx.emit(entry.project_id, Some(look.user), event, Some(live(entry, change)))?;
    let before = filming::pairs(&spans);
    let place = Place::Entry(entry.id);
    spans.retain(|s| s.place != place);
    if entry.kind == EntryKind::Filming && entry.last_day >= look.today {
        spans.extend(entry.persons.iter().map(|user| Span {
            place,
            user: user.clone(),
            project: entry.project_id,
            project_name: project_name.clone(),
            first: entry.first_day,
            last: entry.last_day,
            at: entry.place.clone(),
            visible: true,
        }));
    }
    filming::tell_new(tx, look.user, entry.project_id, &before, &filming::pairs(&spans))?;
    entry.conflicts = Some(filming::conflicts(&spans, |s| s.place == place));
    Ok(())
}

/// What a room hears of an entry. One without a project has no room: those whom it names hear that something moved.
fn live(entry: &CalendarEntry, change: &str) -> Live {
    let entry = match (change, entry.project_id) {
        ("deleted", Some(_)) => json!({ "id": entry.id }),
        _ => json!(CalendarEntry { conflicts: None, ..entry.clone() }),
    };
    let message = json!({ "type": "entry", "change": change, "entry": entry });
    Live { audience: Audience::All, message, own: None }
}

/// An entry that the asker may change, on the snapshot of the change.
fn changeable(tx: &Tx, user: UserId, id: EntryId) -> Result<CalendarEntry> {
    let (entry, role) = sql::entry_and_role(tx, user, id)?.ok_or(Error::NotFound("entry"))?;
    match entry.project_id {
        Some(_) => judge(role, Right::Plan, "entry").map(|_| ())?,
        None if entry.user_id == user => {}
        None if entry.people.contains(&user) => return Err(Error::Forbidden),
        None => return Err(Error::NotFound("entry")),
    }
    Ok(entry)
}

/// Changes an entry.
pub async fn change(
    app: &App,
    who: &Viewer,
    id: EntryId,
    patch: EntryPatch,
    expected: Option<i64>,
) -> Result<CalendarEntry> {
    patch.check()?;
    let (look, zone) = (look(app, who), zone(app));
    app.write(move |tx| {
        let mut entry = changeable(tx, look.user, id)?;
        crate::domain::expect_rev(expected, entry.rev)?;
        let had = entry.people.clone();
        let fields = patch.apply(&mut entry, &zone)?;
        if fields.is_empty() {
            entry.conflicts = Some(Vec::new());
            return Ok(entry);
        }
        let films = gather(tx, look, &mut entry)?;
        entry.updated = tx.now();
        entry.rev += 1;
        sql::update(tx, &entry)?;
        if had != entry.people {
            sql::drop_people(tx, id, &entry.people)?;
            let new: Vec<UserId> = entry.people.iter().filter(|u| !had.contains(u)).copied().collect();
            sql::add_people(tx, id, &new)?;
        }
        settle(tx, look, &mut entry, films, Event::EntryChanged { entry: id, fields }, "changed")?;
        Ok(entry)
    })
    .await
}

/// Takes an entry away.
pub async fn delete(app: &App, who: &Viewer, id: EntryId, expected: Option<i64>) -> Result<()> {
    let user = who.user;
    app.write(move |tx| {
        let entry = changeable(tx, user, id)?;
        crate::domain::expect_rev(expected, entry.rev)?;
        sql::delete(tx, id)?;
        let event = Event::EntryDeleted { entry: id };
        tx.emit(entry.project_id, Some(user), event, Some(live(&entry, "deleted")))?;
        Ok(())
    })
    .await
}

/// What the room hears of these entries as they stand now, for a replay.
pub fn replay(db: &Db, ids: &[EntryId]) -> Result<Vec<(EntryId, Value)>> {
    let entries = sql::entries_of(db, ids)?;
    Ok(entries.into_iter().map(|e| (e.id, live(&e, "changed").message)).collect())
}
