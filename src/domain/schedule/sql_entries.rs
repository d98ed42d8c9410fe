//! The statements of entries, memos, calendar links and reminders. Tables: `entries`, `entry_people`, `memos`,
//! `calendar_feeds`, `reminders`.

use super::calendar::{CalendarMemo, CalendarPhase, Held};
use super::entries::CalendarEntry;
use super::feed::{FeedRow, FeedState};
use super::filming::Span;
use super::gantt::GanttProject;
use super::memos::{LISTED, Memo};
use super::sql::{SPAN, SPAN_COLUMNS, phase_row, span_row};
use crate::base::clock::Time;
use crate::base::day::Day;
use crate::base::error::Result;
use crate::base::ids::{EntryId, ProjectId, UserId};
use crate::base::roles::Role;
use crate::domain::accounts::Person;
use crate::domain::id_list;
use crate::engines::store::{Db, Row, SqlResult, ToSql, Tx, params};

/// Rows of one answer, people of entries counted.
const ROWS: i64 = 20_000;

const ENTRY: &str =
    "e.id, e.project_id, e.kind, e.title, e.note, e.place, e.all_day, e.start_ms, e.end_ms, e.first_day,
    e.last_day, e.user_id, u.nickname, e.created_ms, e.updated_ms, e.rev, x.user_id, w.nickname";
/// A row for each of its people.
const JOINS: &str = "JOIN users u ON u.id = e.user_id LEFT JOIN entry_people x ON x.entry_id = e.id
    LEFT JOIN users w ON w.id = x.user_id";

fn entry_row(r: &Row) -> SqlResult<CalendarEntry> {
    let user_id: UserId = r.get(11)?;
    let persons = match r.get::<_, Option<UserId>>(16)? {
        Some(id) => vec![Person { id, nickname: r.get(17)? }],
        None => Vec::new(),
    };
    Ok(CalendarEntry {
        id: r.get(0)?,
        project_id: r.get(1)?,
        kind: r.get(2)?,
        title: r.get(3)?,
        note: r.get(4)?,
        place: r.get(5)?,
        all_day: r.get(6)?,
        start: r.get(7)?,
        end: r.get(8)?,
        first_day: r.get(9)?,
        last_day: r.get(10)?,
        people: persons.iter().map(|p| p.id).collect(),
        persons,
        user_id,
        user: Person { id: user_id, nickname: r.get(12)? },
        created: r.get(13)?,
        updated: r.get(14)?,
        conflicts: None,
        rev: r.get(15)?,
    })
}

/// Neighbouring rows of one entry become one.
fn gathered(rows: Vec<CalendarEntry>) -> Vec<CalendarEntry> {
    let mut all: Vec<CalendarEntry> = Vec::new();
    for row in rows {
        match all.last_mut().filter(|last| last.id == row.id) {
            Some(last) => {
                last.people.extend(row.people);
                last.persons.extend(row.persons);
            }
            None => all.push(row),
        }
    }
    all
}

/// One entry of a project that is there, or of none.
pub(super) fn entry(db: &Db, id: EntryId) -> Result<Option<CalendarEntry>> {
    let sql = format!(
        "SELECT {ENTRY} FROM entries e {JOINS} LEFT JOIN projects p ON p.id = e.project_id
         WHERE e.id = ?1 AND p.deleted_ms IS NULL ORDER BY x.user_id"
    );
    Ok(gathered(db.all(&sql, params![id], entry_row)?).pop())
}

/// The same with the asker's role in its project.
pub(super) fn entry_and_role(db: &Db, user: UserId, id: EntryId) -> Result<Option<(CalendarEntry, Option<Role>)>> {
    let sql = format!(
        "SELECT {ENTRY}, m.role FROM entries e {JOINS} LEFT JOIN projects p ON p.id = e.project_id
         LEFT JOIN members m ON m.project_id = e.project_id AND m.user_id = ?2
         WHERE e.id = ?1 AND p.deleted_ms IS NULL ORDER BY x.user_id"
    );
    let rows = db.all(&sql, params![id, user], |r| Ok((entry_row(r)?, r.get::<_, Option<Role>>(18)?)))?;
    let role = rows.first().and_then(|(_, role)| *role);
    Ok(gathered(rows.into_iter().map(|(row, _)| row).collect()).pop().map(|entry| (entry, role)))
}

/// Those that are still there.
pub(super) fn entries_of(db: &Db, ids: &[EntryId]) -> Result<Vec<CalendarEntry>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = id_list(&ids.iter().map(|i| i.0).collect::<Vec<_>>());
    let sql = format!("SELECT {ENTRY} FROM entries e {JOINS} WHERE e.id IN ({list}) ORDER BY e.id, x.user_id");
    Ok(gathered(db.all(&sql, params![], entry_row)?))
}

/// Entries between two days that a person may see: of his projects, and of none if he added them or they concern him.
pub(super) fn entries_between(db: &Db, user: UserId, from: Day, to: Day) -> Result<Vec<CalendarEntry>> {
    let sql = format!(
        "WITH seen AS (
            SELECT e.id FROM members m JOIN projects p ON p.id = m.project_id AND p.deleted_ms IS NULL
            JOIN entries e ON e.project_id = m.project_id
            WHERE m.user_id = ?1 AND e.last_day >= ?2 AND e.first_day <= ?3
            UNION
            SELECT e.id FROM entries e WHERE e.user_id = ?1 AND e.project_id IS NULL
                AND e.last_day >= ?2 AND e.first_day <= ?3
            UNION
            SELECT e.id FROM entry_people y JOIN entries e ON e.id = y.entry_id
            WHERE y.user_id = ?1 AND e.project_id IS NULL AND e.last_day >= ?2 AND e.first_day <= ?3)
         SELECT {ENTRY} FROM seen s JOIN entries e ON e.id = s.id {JOINS}
         ORDER BY e.first_day, e.start_ms, e.id, x.user_id LIMIT {ROWS}"
    );
    Ok(gathered(db.all(&sql, params![user, from, to], entry_row)?))
}

/// Projects, phases and memos of a person in one statement: the first column tells which a row is.
pub(super) fn held(db: &Db, user: UserId, from: Day, to: Day) -> Result<Held> {
    enum Either {
        Project(GanttProject),
        Phase(CalendarPhase),
        Memo(CalendarMemo),
    }
    let rows = db.all(
        &format!(
            "WITH mine AS (
                SELECT p.id, p.name, p.color, p.client, p.status, p.deadline_ms, m.role, p.updated_ms, p.rev FROM members m
                JOIN projects p ON p.id = m.project_id WHERE m.user_id = ?1 AND p.deleted_ms IS NULL)
             SELECT 0 AS list, name AS place, id, name, color, client, status, deadline_ms, role, updated_ms, rev,
                NULL, NULL, NULL
             FROM mine
             UNION ALL
             SELECT 1, coalesce(f.start_day, f.end_day), f.project_id, f.phase, f.start_day, f.end_day, f.state,
                f.progress, f.assignee_id, a.nickname, f.after_phase, f.note, f.rev, f.updated_ms
             FROM mine JOIN phases f ON f.project_id = mine.id LEFT JOIN users a ON a.id = f.assignee_id
             WHERE coalesce(f.end_day, f.start_day) >= ?2 AND coalesce(f.start_day, f.end_day) <= ?3
             UNION ALL
             SELECT 2, o.day, o.project_id, o.day, o.text, '', '', 0, NULL, NULL, NULL, NULL, NULL, NULL
             FROM mine JOIN memos o ON o.project_id = mine.id WHERE o.day >= ?2 AND o.day <= ?3
             ORDER BY list, place, id LIMIT {ROWS}"
        ),
        params![user, from, to],
        |r| match r.get::<_, i64>(0)? {
            0 => Ok(Either::Project(GanttProject::row(r, 2)?)),
            1 => Ok(Either::Phase(CalendarPhase { project_id: r.get(2)?, phase: phase_row(r, 3)? })),
            _ => Ok(Either::Memo(CalendarMemo { project_id: r.get(2)?, day: r.get(3)?, text: r.get(4)? })),
        },
    )?;
    let mut held = Held::default();
    for row in rows {
        match row {
            Either::Project(p) => held.projects.push(p),
            Either::Phase(p) => held.phases.push(p),
            Either::Memo(m) => held.memos.push(m),
        }
    }
    Ok(held)
}

/// Who asks and whom he names, and on which days they film.
pub(super) struct Found {
    /// The project's name.
    pub(super) project_name: String,
    /// The asker's role in the project, if he has one.
    pub(super) role: Option<Role>,
    /// Those of the named who may be named, and the asker.
    pub(super) people: Vec<Person>,
    pub(super) spans: Vec<Span>,
}

type FoundRow = (Person, Option<Role>, String, Option<Span>);

fn found(rows: Vec<FoundRow>, asker: UserId) -> Found {
    let mut found = Found { project_name: String::new(), role: None, people: Vec::new(), spans: Vec::new() };
    for (person, role, name, span) in rows {
        if person.id == asker {
            (found.role, found.project_name) = (role, name);
        }
        if !found.people.contains(&person) {
            found.people.push(person);
        }
        // What has no project is the business of its people.
        found
            .spans
            .extend(span.map(|s| Span { visible: s.visible || (s.project.is_none() && s.user.id == asker), ..s }));
    }
    found
}

fn found_row(r: &Row) -> SqlResult<FoundRow> {
    Ok((Person { id: r.get(0)?, nickname: r.get(1)? }, r.get(9)?, r.get(10)?, span_row(r)?))
}

/// Spans of projects in the trash count for nothing, those of none are seen by their people.
const FILMS: &str = "LEFT JOIN (SELECT s.*, p.name FROM span s LEFT JOIN projects p ON p.id = s.project_id
        WHERE p.deleted_ms IS NULL) s ON s.user_id = u.id
    LEFT JOIN members v ON v.project_id = s.project_id AND v.user_id = ?1";

/// The asker and those of `users` who are members of a project that is there, with what they film.
pub(super) fn members_and_spans(
    db: &Db,
    asker: UserId,
    project: ProjectId,
    users: &[i64],
    (from, to): (Day, Day),
) -> Result<Found> {
    let (list, columns) = (id_list(users), SPAN_COLUMNS.replace("p.name", "s.name"));
    let or_named = if users.is_empty() { String::new() } else { format!("OR m.user_id IN ({list})") };
    let sql = format!(
        "WITH {SPAN} SELECT {columns}, m.role, h.name FROM members m
         JOIN projects h ON h.id = m.project_id AND h.deleted_ms IS NULL JOIN users u ON u.id = m.user_id {FILMS}
         WHERE m.project_id = ?4 AND (m.user_id = ?1 {or_named})"
    );
    Ok(found(db.all(&sql, params![asker, from, to, project], found_row)?, asker))
}

/// The asker and those of `users` who share a project with him, with what they film.
pub(super) fn friends_and_spans(db: &Db, asker: UserId, users: &[i64], (from, to): (Day, Day)) -> Result<Found> {
    let (list, columns) = (id_list(users), SPAN_COLUMNS.replace("p.name", "s.name"));
    let or_named = if users.is_empty() {
        String::new()
    } else {
        format!(
            "OR (u.id IN ({list}) AND EXISTS (SELECT 1 FROM members a JOIN members b ON b.project_id = a.project_id
                WHERE a.user_id = ?1 AND b.user_id = u.id))"
        )
    };
    let sql = format!("WITH {SPAN} SELECT {columns}, NULL, '' FROM users u {FILMS} WHERE u.id = ?1 {or_named}");
    Ok(found(db.all(&sql, params![asker, from, to], found_row)?, asker))
}

/// `None` if the project, or without one the author, has `max` already.
pub(super) fn insert(tx: &mut Tx, e: &CalendarEntry, max: i64) -> Result<Option<EntryId>> {
    let others = match e.project_id {
        Some(_) => "project_id = ?1",
        None => "user_id = ?2 AND project_id IS NULL",
    };
    tx.one(
        &format!(
            "INSERT INTO entries (project_id, user_id, kind, title, note, place, all_day, start_ms, end_ms, first_day,
                last_day, created_ms, updated_ms)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12
             WHERE (SELECT count(*) FROM entries WHERE {others}) < ?13 RETURNING id"
        ),
        params![
            e.project_id,
            e.user_id,
            e.kind,
            e.title,
            e.note,
            e.place,
            e.all_day,
            e.start,
            e.end,
            e.first_day,
            e.last_day,
            e.created,
            max
        ],
        |r| r.get(0),
    )
}

pub(super) fn update(tx: &mut Tx, e: &CalendarEntry) -> Result<()> {
    tx.execute(
        "UPDATE entries SET kind = ?2, title = ?3, note = ?4, place = ?5, all_day = ?6, start_ms = ?7, end_ms = ?8,
            first_day = ?9, last_day = ?10, updated_ms = ?11, rev = ?12 WHERE id = ?1",
        params![
            e.id,
            e.kind,
            e.title,
            e.note,
            e.place,
            e.all_day,
            e.start,
            e.end,
            e.first_day,
            e.last_day,
            e.updated,
            e.rev
        ],
    )?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx, id: EntryId) -> Result<()> {
    tx.execute("DELETE FROM entries WHERE id = ?1", params![id])?;
    Ok(())
}

pub(super) fn add_people(tx: &mut Tx, id: EntryId, people: &[UserId]) -> Result<()> {
    if people.is_empty() {
        return Ok(());
    }
    let rows = (0..people.len()).map(|i| format!("(?1, ?{})", i + 2)).collect::<Vec<_>>().join(", ");
    let mut values: Vec<&dyn ToSql> = vec![&id];
    values.extend(people.iter().map(|p| p as &dyn ToSql));
    tx.execute(&format!("INSERT INTO entry_people (entry_id, user_id) VALUES {rows}"), &values[..])?;
    Ok(())
}

/// Takes everybody from an entry but these.
pub(super) fn drop_people(tx: &mut Tx, id: EntryId, but: &[UserId]) -> Result<()> {
    let list = id_list(&but.iter().map(|u| u.0).chain([0]).collect::<Vec<_>>());
    tx.execute(&format!("DELETE FROM entry_people WHERE entry_id = ?1 AND user_id NOT IN ({list})"), params![id])?;
    Ok(())
}

pub(super) fn memos(db: &Db, project: ProjectId) -> Result<Vec<Memo>> {
    db.all(
        &format!(
            "SELECT project_id, day, text, updated_ms FROM memos WHERE project_id = ?1 ORDER BY day DESC LIMIT {LISTED}"
        ),
        params![project],
        |r| Ok(Memo { project_id: r.get(0)?, day: r.get(1)?, text: r.get(2)?, updated: r.get(3)? }),
    )
}

/// Of some days.
pub(super) fn memos_of(db: &Db, project: ProjectId, days: &[Day]) -> Result<Vec<(Day, String)>> {
    if days.is_empty() {
        return Ok(Vec::new());
    }
    let places = (0..days.len()).map(|i| format!("?{}", i + 2)).collect::<Vec<_>>().join(", ");
    let mut values: Vec<&dyn ToSql> = vec![&project];
    values.extend(days.iter().map(|d| d as &dyn ToSql));
    let sql = format!("SELECT day, text FROM memos WHERE project_id = ?1 AND day IN ({places})");
    db.all(&sql, &values[..], |r| Ok((r.get(0)?, r.get(1)?)))
}

/// `false` if it was so already.
pub(super) fn put_memo(tx: &mut Tx, user: UserId, memo: &Memo) -> Result<bool> {
    let changed = if memo.text.is_empty() {
        tx.execute("DELETE FROM memos WHERE project_id = ?1 AND day = ?2", params![memo.project_id, memo.day])?
    } else {
        tx.execute(
            "INSERT INTO memos (project_id, day, text, user_id, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (project_id, day) DO UPDATE SET text = ?3, user_id = ?4, updated_ms = ?5 WHERE text <> ?3",
            params![memo.project_id, memo.day, memo.text, user, memo.updated],
        )?
    };
    Ok(changed > 0)
}

pub(super) fn feed(db: &Db, user: UserId) -> Result<Option<FeedRow>> {
    db.one("SELECT created_ms, read_ms FROM calendar_feeds WHERE user_id = ?1", params![user], |r| {
        Ok(FeedRow { created: r.get(0)?, read_at: r.get(1)? })
    })
}

pub(super) fn put_feed(tx: &mut Tx, user: UserId, hash: &[u8]) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO calendar_feeds (user_id, token_hash, created_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT (user_id) DO UPDATE SET token_hash = ?2, created_ms = ?3, read_ms = NULL",
        params![user, hash, now],
    )?;
    Ok(())
}

/// `false` if there was none.
pub(super) fn drop_feed(tx: &mut Tx, user: UserId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM calendar_feeds WHERE user_id = ?1", params![user])? > 0)
}

/// Whose link it is; a locked account has none.
pub(super) fn feed_of(db: &Db, hash: &[u8]) -> Result<Option<FeedState>> {
    db.one(
        "SELECT c.user_id, u.nickname, u.locale, c.read_ms FROM calendar_feeds c
         JOIN users u ON u.id = c.user_id AND u.locked = 0 WHERE c.token_hash = ?1",
        params![hash],
        |r| {
            let locale: String = r.get(2)?;
            Ok(FeedState { user: r.get(0)?, nickname: r.get(1)?, locale, read_at: r.get(3)? })
        },
    )
}

pub(super) fn touch_feed(tx: &mut Tx, user: UserId) -> Result<()> {
    let now = tx.now();
    tx.execute("UPDATE calendar_feeds SET read_ms = ?2 WHERE user_id = ?1", params![user, now])?;
    Ok(())
}

/// A day that somebody is to be reminded of.
pub(super) struct Due {
    pub(super) project: ProjectId,
    pub(super) what: String,
    pub(super) day: Day,
}

/// Project deadlines between two moments, unfinished phases and deadline entries that end between two days: of projects
/// that are there and not over.
pub(super) fn due(db: &Db, (from, to): (Day, Day), (after, before): (Time, Time)) -> Result<Vec<(Due, Option<Time>)>> {
    db.all(
        "WITH alive AS (
            SELECT id, deadline_ms FROM projects
            WHERE deleted_ms IS NULL AND status NOT IN ('completed', 'cancelled', 'archived', 'on_hold'))
         SELECT id, 'deadline', ?1, deadline_ms FROM alive WHERE deadline_ms >= ?3 AND deadline_ms < ?4
         UNION ALL
         SELECT f.project_id, 'phase:' || f.phase, f.end_day, NULL FROM phases f JOIN alive ON alive.id = f.project_id
         WHERE f.end_day >= ?1 AND f.end_day <= ?2 AND f.state <> 'done'
         UNION ALL
         SELECT e.project_id, 'entry:' || e.id, e.last_day, NULL FROM entries e JOIN alive ON alive.id = e.project_id
         WHERE e.kind = 'deadline' AND e.last_day >= ?1 AND e.last_day <= ?2
         ORDER BY 3, 1, 2 LIMIT 20000",
        params![from, to, after, before],
        |r| Ok((Due { project: r.get(0)?, what: r.get(1)?, day: r.get(2)? }, r.get(3)?)),
    )
}

/// `false` if it was done before.
pub(super) fn put_reminder(tx: &mut Tx, due: &Due, days: i64) -> Result<bool> {
    let put = tx.execute(
        "INSERT INTO reminders (project_id, what, day, days) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        params![due.project, due.what, due.day, days],
    )?;
    Ok(put > 0)
}

/// Forgets reminders of days that are over.
pub(super) fn forget_reminders(tx: &mut Tx, before: Day) -> Result<()> {
    tx.execute("DELETE FROM reminders WHERE day < ?1", params![before])?;
    Ok(())
}
