//! The audit: who got in, who may what, and who steered the instance, as the journal has it. For those who run the
//! instance, who read it across all projects.
//!
//! Law: it shows names as they are now, and nothing that an event does not hold; an event holds no text of members.

use serde_json::Value;

use super::sql_audit as sql;
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{ProjectId, UserId};
use crate::closed_set;
use crate::engines::store::Db;

/// Entries of one page.
pub const PAGE: i64 = 100;
/// Entries of one file.
pub const FILE: i64 = 10_000;

closed_set! {
    /// What an entry is about.
    Topic {
        /// Sign-ins and passwords, those that failed among them.
        SignIns = "sign_ins",
        /// Accounts, locks and roles on the instance.
        People = "people",
        /// Members of projects, and invitations.
        Members = "members",
        /// Projects that came, went or changed hands.
        Projects = "projects",
        /// Jobs, lanes and the schedule.
        Jobs = "jobs",
        /// Quotas, trash and clean-ups.
        Storage = "storage",
        /// Mails and webhooks.
        Messages = "messages",
        /// The instance itself: cache, log and what else is set.
        Instance = "instance",
    }
}

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// By this person, or about him.
    pub person: Option<UserId>,
    /// In this project, or about it.
    pub project: Option<ProjectId>,
    /// Only about this.
    pub topic: Option<Topic>,
    /// One verb, such as `quota_set`.
    pub verb: Option<String>,
    /// About the thing with this number among its kind, such as a job; with `verb` or `topic`.
    pub id: Option<i64>,
    /// From this moment on.
    pub from: Option<Time>,
    /// Before this moment.
    pub to: Option<Time>,
}

/// Somebody or something with its name as it is now; none if it is gone.
pub type Named<Id> = (Id, Option<String>);

/// One entry.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its place in the journal.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// Who; `None` for the program, and for who was not signed in.
    pub actor: Option<Named<UserId>>,
    /// What, by the event's name.
    pub verb: String,
    /// About whom.
    pub user: Option<Named<UserId>>,
    /// In which project.
    pub project: Option<Named<ProjectId>>,
    /// Kind and number of what it is about.
    pub subject: (String, i64),
    /// The event's values.
    pub body: Value,
}

/// The values that an event changed: name, before, after. What the event does not know is empty.
pub type Change = (String, String, String);

/// Entries before `before` (from the newest without it), newest first, at most `limit`.
pub fn list(db: &Db, filter: &Filter, before: Option<i64>, limit: i64) -> Result<Vec<Row>> {
    sql::list(db, filter, before, limit)
}

impl Row {
    /// What it changed, where the event holds it.
    pub fn changes(&self) -> Vec<Change> {
        let text = |name: &str| match &self.body[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let pair = |name: &str, before: &str, after: &str| (name.to_owned(), text(before), text(after));
        match self.verb.as_str() {
            "site_role_changed" => vec![pair("site_role", "was", "role")],
            "member_changed" => vec![pair("role", "was", "role")],
            "member_added" => vec![pair("role", "", "role")],
            "quota_set" => vec![pair("size_bytes", "was", "size_bytes")],
            "job_moved" => vec![pair("priority", "was", "priority")],
            "log_filter_set" => vec![pair("filter", "was", "filter")],
            "closed_cleanup_set" => vec![("on".into(), (self.body["on"] == false).to_string(), text("on"))],
            "generator_set" => vec![("hidden".into(), (self.body["hidden"] == false).to_string(), text("hidden"))],
            "lane_changed" => {
                let all = [pair("places", "places_were", "places"), pair("paused", "was_paused", "paused")];
                all.into_iter().filter(|(_, before, after)| before != after).collect()
            }
            "settings_changed" => {
                let all = self.body["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
                let side = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
                all.iter().map(|c| (side(c, "name"), side(c, "before"), side(c, "after"))).collect()
            }
            _ => self.listed(),
        }
    }

    /// Of an event that lists its fields, with their values where it has them.
    fn listed(&self) -> Vec<Change> {
        const FIELDS: [&str; 10] =
            ["cron", "time_zone", "missed", "nickname", "locale", "password", "url", "events", "active", "name"];
        let list = |name: &str| self.body[name].as_array().map(Vec::as_slice).unwrap_or_default();
        let (before, after) = (list("before"), list("after"));
        let at = |of: &[Value], i: usize| of.get(i).and_then(Value::as_str).unwrap_or_default().to_owned();
        let named = |(i, field): (usize, &Value)| {
            let known = FIELDS.into_iter().find(|known| field == *known).unwrap_or("other");
            (known.to_owned(), at(before, i), at(after, i))
        };
        list("fields").iter().enumerate().map(named).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(body: Value) -> Row {
        let verb = body["verb"].as_str().unwrap().to_owned();
        let subject = ("schedule".to_owned(), 0);
        Row { seq: 1, at: Time(0), actor: None, verb, user: None, project: None, subject, body }
    }

    #[test]
    fn an_entry_tells_before_and_after() {
        let change = |name: &str, before: &str, after: &str| (name.to_owned(), before.to_owned(), after.to_owned());
        let of = |body| row(body).changes();
        assert_eq!(
            of(json!({ "verb": "quota_set", "project": 1, "size_bytes": 5, "was": null })),
            [change("size_bytes", "", "5")]
        );
        let lane = json!({ "verb": "lane_changed", "lane": "media", "places": 2, "paused": true, "places_were": 2,
            "was_paused": false });
        assert_eq!(of(lane), [change("paused", "false", "true")]);
        let schedule = json!({ "verb": "schedule_changed", "name": "clean_up", "fields": ["cron", "missed"],
            "before": ["5 * * * *", "run"], "after": ["6 * * * *", "skip"] });
        assert_eq!(of(schedule), [change("cron", "5 * * * *", "6 * * * *"), change("missed", "run", "skip")]);
        // One from before values were kept.
        let old = json!({ "verb": "schedule_changed", "name": "clean_up", "fields": ["cron"] });
        assert_eq!(of(old), [change("cron", "", "")]);
        assert!(of(json!({ "verb": "cache_purged", "group": "" })).is_empty());
    }
}
