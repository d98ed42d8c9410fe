//! Changes that an admin should look at twice, because they cannot be taken back or reach further than they look.

use toml::Value;

use crate::closed_set;

closed_set! {
    /// What a change may do. Its sentence is `setting.danger.<name>`.
    Danger {
        /// What is kept now is deleted.
        Deletes = "deletes",
        /// What is taken now is refused.
        Refuses = "refuses",
        /// More people get in, or reach more.
        Opens = "opens",
        /// People cannot get in or work any more, perhaps the admin himself.
        ShutsOut = "shuts_out",
        /// A secret that is kept goes to another machine.
        Reveals = "reveals",
    }
}

/// Days or bytes that are kept; 0 is for ever.
const KEPT: [&str; 8] = [
    "journal.keep_days",
    "journal.keep_security_days",
    "jobs.keep_days",
    "jobs.keep_failed_days",
    "notices.keep_days",
    "webhooks.keep_days",
    "alerts.keep_days",
    "storage.renditions_max_bytes",
];
/// The same; 0 is none.
const KEPT_FROM_ZERO: [&str; 6] = [
    "storage.trash_days",
    "storage.closed_days",
    "storage.announce_days",
    "media.upload_hours",
    "backup.keep_last",
    "backup.keep_days",
];
/// Requests a minute below which even pages do not work any more.
const LEAST: [(&str, i64); 4] =
    [("limits.reads", 60), ("limits.writes", 10), ("limits.strangers", 20), ("limits.sign_in", 5)];

/// What a change may do, if it is one to be looked at twice.
pub fn of(name: &str, before: &Value, after: &Value) -> Option<Danger> {
    let (was, is) = (before.as_integer().unwrap_or(0), after.as_integer().unwrap_or(0));
    let less = is < was;
    let limited = is != 0 && (was == 0 || less);
    let set = after.as_str().is_some_and(|text| !text.is_empty());
    let on = *after == Value::Boolean(true);
    let when = |ok: bool, danger| ok.then_some(danger);
    if before == after {
        return None;
    }
    match name {
        name if KEPT.contains(&name) => when(limited, Danger::Deletes),
        name if KEPT_FROM_ZERO.contains(&name) => when(less, Danger::Deletes),
        "storage.quota_bytes" => when(limited, Danger::Refuses),
        "media.max_upload_bytes" => when(less, Danger::Refuses),
        "media.keep_free_bytes" => when(is > was, Danger::Refuses),
        "accounts.signup" => when(after.as_str() == Some("open"), Danger::Opens),
        "webhooks.allow_private" => when(on, Danger::Opens),
        "server.cors_origins" | "server.trusted_proxies" => {
            when(after.as_array().is_some_and(|list| !list.is_empty()), Danger::Opens)
        }
        "server.admin_networks" => match after.as_array().is_some_and(Vec::is_empty) {
            true => Some(Danger::Opens),
            false => Some(Danger::ShutsOut),
        },
        "server.metrics_token" => when(!set, Danger::Opens),
        "mail.security" => when(after.as_str() == Some("none"), Danger::Opens),
        "accounts.session_days" | "server.max_connections" => when(less, Danger::ShutsOut),
        "server.public_url" | "server.cdn_url" => when(set, Danger::ShutsOut),
        "mail.host" | "model.base_url" | "backup.s3_endpoint" => when(set, Danger::Reveals),
        name => {
            let (_, least) = LEAST.iter().find(|(limit, _)| *limit == name)?;
            when(limited && is < *least, Danger::ShutsOut)
        }
    }
}

/// The secret that goes to the machine that a setting names.
pub fn goes_to(name: &str) -> Option<&'static str> {
    match name {
        "mail.host" => Some("mail.password"),
        "model.base_url" => Some("model.key"),
        "backup.s3_endpoint" => Some("backup.s3_secret"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    #[test]
    fn only_settings_are_dangerous() {
        let names = KEPT.iter().chain(&KEPT_FROM_ZERO).chain(LEAST.iter().map(|(name, _)| name));
        for name in names.chain(&["mail.host", "mail.password", "backup.s3_endpoint", "backup.s3_secret"]) {
            assert!(find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn less_is_dangerous_and_more_is_not() {
        let of = |name, before: i64, after: i64| of(name, &Value::Integer(before), &Value::Integer(after));
        assert_eq!(of("journal.keep_days", 365, 30), Some(Danger::Deletes));
        assert_eq!(of("journal.keep_days", 0, 365), Some(Danger::Deletes));
        assert_eq!(of("journal.keep_days", 365, 0), None);
        assert_eq!(of("journal.keep_days", 30, 365), None);
        assert_eq!(of("storage.quota_bytes", 0, 1 << 40), Some(Danger::Refuses));
        assert_eq!(of("storage.quota_bytes", 1 << 40, 0), None);
        assert_eq!(of("limits.writes", 300, 3), Some(Danger::ShutsOut));
        assert_eq!(of("limits.writes", 300, 200), None);
        assert_eq!(of("media.jobs", 4, 1), None);
    }
}
