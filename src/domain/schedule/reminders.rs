//! What comes near: told once for each of the days on which somebody wants to hear of it.

use super::sql_entries as sql;
use crate::base::clock::DAY;
use crate::base::day::Day;
use crate::base::error::Result;
use crate::base::event::Event;
use crate::engines::store::Tx;

/// Emits [`Event::DeadlineNear`] for everything that ends in one of `days` days from `today` on: deadlines of projects
/// (`deadline`), phases that are not done (`phase:<name>`), entries that are deadlines (`entry:<id>`). Once for each of
/// them, day and distance, however often it is called. Answers how many it has told.
///
/// Deadlines are moments; `zone` says on which day they fall.
pub fn near(tx: &mut Tx, today: Day, days: &[i64], zone: &jiff::tz::TimeZone) -> Result<usize> {
    let Some(last) = days.iter().filter_map(|d| today.plus(*d)).max() else { return Ok(0) };
    // A day more on both sides: zones lie up to 14 hours from UTC.
    let moments = (today.midnight().plus(-DAY), last.midnight().plus(2 * DAY));
    let mut told = 0;
    for (mut due, at) in sql::due(tx, (today, last), moments)? {
        if let Some(at) = at {
            due.day = Day::of(at, zone);
        }
        let distance = today.until(due.day);
        if days.contains(&distance) && sql::put_reminder(tx, &due, distance)? {
            let (project, day) = (due.project, due.day.to_string());
            let event = Event::DeadlineNear { project, what: due.what, day, days: distance };
            tx.emit(Some(project), None, event, None)?;
            told += 1;
        }
    }
    if let Some(old) = today.plus(-30) {
        sql::forget_reminders(tx, old)?;
    }
    Ok(told)
}
