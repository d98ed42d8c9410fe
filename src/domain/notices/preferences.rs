//! How each person wants to be told: by kind in the program or not, by mail at once, hourly, daily or not; when mail has
//! to wait because he sleeps; whether every comment of his projects concerns him.

use std::collections::{BTreeMap, HashMap};

use jiff::ToSpan;
use jiff::civil::Time as Hour;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::deliver::Post;
use super::{NoticeKind, sql_people as sql};
use crate::app::App;
use crate::base::clock::{HOUR, Time};
use crate::base::error::{Check, Result};
use crate::base::ids::UserId;
use crate::base::locale::{Lang, Text};
use crate::domain::accounts::Viewer;
use crate::engines::store::Db;
use crate::{closed_set, text_columns};

closed_set! {
    /// When something goes by mail.
    Mode {
        /// Never.
        Off = "off",
        /// At once.
        Now = "now",
        /// With what else came until the full hour.
        Hourly = "hourly",
        /// With what else came until the hour of the daily mail.
        Daily = "daily",
    }
}

text_columns!(Mode);

/// How one kind is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoticeWish, example = json!({ "app": true, "mail": "hourly" }))]
pub struct Wish {
    /// In the program?
    pub app: bool,
    /// By mail?
    pub mail: Mode,
}

/// The time of day at which mail waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuietHours, example = json!({ "from": "22:00", "to": "08:00", "zone": "Asia/Seoul" }))]
pub struct Quiet {
    /// Its beginning, `HH:MM`.
    pub from: String,
    /// Its end; before the beginning means the next morning.
    pub to: String,
    /// In which zone, by its IANA name.
    pub zone: String,
}

/// What a person wants to be told, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoticePreferences, example = json!({
    "kinds": { "mention": { "app": true, "mail": "now" }, "reaction": { "app": true, "mail": "off" } },
    "quiet": { "from": "22:00", "to": "08:00", "zone": "Asia/Seoul" }, "all_comments": false
}))]
pub struct Preferences {
    /// By kind. In a change, kinds that are not named stay as they are.
    #[serde(default)]
    pub kinds: BTreeMap<NoticeKind, Wish>,
    /// When mail waits; `null` is never.
    pub quiet: Option<Quiet>,
    /// Every comment of one's projects, not only where one takes part.
    #[serde(default)]
    pub all_comments: bool,
}

/// What holds until somebody says otherwise: what waits for an answer comes at once, the stream of a review once an hour.
pub(super) fn default(kind: NoticeKind) -> Wish {
    use NoticeKind::*;
    let mail = match kind {
        Mention | MemberAdded | Decision | MediaFailed | PlanReview | PlanApproved | ScheduleConflict | System => {
            Mode::Now
        }
        InvitationAccepted | FeedbackAdded | CommentAdded | MediaReady => Mode::Hourly,
        Deadline => Mode::Daily,
        // The invitation itself goes by mail, always.
        Reaction | InvitationReceived => Mode::Off,
    };
    Wish { app: true, mail }
}

/// Somebody who may be told, with his wishes.
pub(super) struct Reader {
    pub(super) user: UserId,
    pub(super) email: String,
    pub(super) lang: Lang,
    pub(super) quiet: Option<Quiet>,
    pub(super) all_comments: bool,
    pub(super) wishes: HashMap<NoticeKind, Wish>,
}

impl Reader {
    pub(super) fn wish(&self, kind: NoticeKind) -> Wish {
        self.wishes.get(&kind).copied().unwrap_or(default(kind))
    }
}

/// A person's preferences, each kind named.
pub fn preferences(db: &Db, user: UserId) -> Result<Preferences> {
    let reader = sql::readers(db, &[user])?.into_iter().next();
    let Some(reader) = reader else { return Err(crate::base::error::Error::NotFound("user")) };
    let kinds = NoticeKind::ALL.iter().map(|kind| (*kind, reader.wish(*kind))).collect();
    Ok(Preferences { kinds, quiet: reader.quiet, all_comments: reader.all_comments })
}

/// Changes a person's preferences; answers them whole.
pub async fn set_preferences(app: &App, who: &Viewer, wanted: Preferences) -> Result<Preferences> {
    if let Some(quiet) = &wanted.quiet {
        let hour = || Text::new("invalid.hour_of_day");
        Check::new()
            .that(hour_of(&quiet.from).is_some(), "quiet.from", hour())
            .that(hour_of(&quiet.to).is_some() && quiet.to != quiet.from, "quiet.to", hour())
            .that(TimeZone::get(&quiet.zone).is_ok(), "quiet.zone", Text::new("invalid.time_zone"))
            .done()?;
    }
    let user = who.user;
    app.write(move |tx| {
        sql::set_person(tx, user, wanted.quiet.as_ref(), wanted.all_comments)?;
        sql::set_wishes(tx, user, &wanted.kinds)?;
        preferences(tx, user)
    })
    .await
}

/// `HH:MM`.
fn hour_of(text: &str) -> Option<Hour> {
    let (h, m) = text.split_once(':')?;
    // A number may be parsed with a sign as well.
    let two = |digits: &str| digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
    if !two(h) || !two(m) {
        return None;
    }
    Hour::new(h.parse().ok()?, m.parse().ok()?, 0, 0).ok()
}

/// The end of the quiet hours that `now` lies in.
pub(super) fn quiet_until(quiet: &Quiet, now: Time) -> Option<Time> {
    let (from, to) = (hour_of(&quiet.from)?, hour_of(&quiet.to)?);
    let zoned = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned(TimeZone::get(&quiet.zone).ok()?);
    let hour = zoned.time();
    let within = if from <= to { from <= hour && hour < to } else { from <= hour || hour < to };
    if !within {
        return None;
    }
    // The end may be tomorrow's.
    let day = if hour < to { zoned.date() } else { zoned.date().checked_add(1.day()).ok()? };
    let end = day.to_datetime(to).to_zoned(zoned.time_zone().clone()).ok()?;
    Some(Time(end.timestamp().as_millisecond()))
}

/// When what happens `now` goes by mail; `None` is never.
pub(super) fn due(mode: Mode, now: Time, quiet: Option<&Quiet>, post: Post) -> Option<Time> {
    let due = match mode {
        Mode::Off => return None,
        Mode::Now => now,
        Mode::Hourly => Time((now.0 / HOUR + 1) * HOUR),
        Mode::Daily => next_day_hour(now, post)?,
    };
    Some(quiet.and_then(|quiet| quiet_until(quiet, due)).unwrap_or(due))
}

/// The next moment at which it is the hour of the daily mail.
fn next_day_hour(now: Time, post: Post) -> Option<Time> {
    let zone = TimeZone::get(post.zone).unwrap_or(TimeZone::UTC);
    let zoned = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone());
    let hour = Hour::new(post.daily_hour.clamp(0, 23) as i8, 0, 0, 0).ok()?;
    let day = if zoned.time() < hour { zoned.date() } else { zoned.date().checked_add(1.day()).ok()? };
    Some(Time(day.to_datetime(hour).to_zoned(zone).ok()?.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    #[test]
    fn mail_waits_until_the_quiet_hours_end() {
        let quiet = Quiet { from: "22:00".into(), to: "08:00".into(), zone: "Asia/Seoul".into() };
        let end = Some(at("2026-11-24T23:00:00Z"));
        for (now, expected) in [
            ("2026-11-24T12:59:59Z", None),
            ("2026-11-24T13:00:00Z", end),
            ("2026-11-24T16:00:00Z", end),
            ("2026-11-24T22:59:59Z", end),
            ("2026-11-24T23:00:00Z", None),
        ] {
            assert_eq!(quiet_until(&quiet, at(now)), expected, "{now}");
        }
        let noon = Quiet { from: "12:00".into(), to: "13:30".into(), zone: "Europe/Berlin".into() };
        assert_eq!(quiet_until(&noon, at("2026-07-01T10:30:00Z")), Some(at("2026-07-01T11:30:00Z")));
        assert_eq!(quiet_until(&noon, at("2026-07-01T11:30:00Z")), None);
    }

    #[test]
    fn what_is_gathered_goes_at_the_full_hour_or_in_the_morning() {
        let post = Post { on: true, daily_hour: 9, zone: "Asia/Seoul", key: b"" };
        let now = at("2026-11-24T01:20:00Z");
        assert_eq!(due(Mode::Off, now, None, post), None);
        assert_eq!(due(Mode::Now, now, None, post), Some(now));
        assert_eq!(due(Mode::Hourly, now, None, post), Some(at("2026-11-24T02:00:00Z")));
        // 10:20 in Seoul: the morning of the next day.
        assert_eq!(due(Mode::Daily, now, None, post), Some(at("2026-11-25T00:00:00Z")));
        assert_eq!(due(Mode::Daily, at("2026-11-23T23:59:00Z"), None, post), Some(at("2026-11-24T00:00:00Z")));
        let quiet = Quiet { from: "11:00".into(), to: "14:00".into(), zone: "Asia/Seoul".into() };
        assert_eq!(due(Mode::Hourly, now, Some(&quiet), post), Some(at("2026-11-24T05:00:00Z")));
    }

    #[test]
    fn an_hour_is_written_with_two_digits_each() {
        assert!(hour_of("00:00").is_some() && hour_of("23:59").is_some());
        for bad in ["24:00", "7:00", "07:60", "0700", "", "-1:00", "+1:00"] {
            assert!(hour_of(bad).is_none(), "{bad}");
        }
    }
}
