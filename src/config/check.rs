//! What a set of settings must hold: the same at the start and when an admin changes one. Each fault names its setting.

use super::setting::{Values, flat};
use super::{Config, Setting, all};
use crate::base::locale::{Lang, Text, say};
use crate::engines::trace::Dsn;

/// Settings with what is wrong with each.
pub type Faults = Vec<(&'static str, Text)>;

impl Config {
    /// What does not hold.
    pub fn wrong(&self) -> Faults {
        let mut faults = each(&flat(self));
        faults.extend(self.together());
        faults
    }

    /// What no value can tell by itself.
    pub(super) fn together(&self) -> Faults {
        let mut faults = Vec::new();
        let mut must = |ok: bool, name: &'static str, text: Text| {
            if !ok {
                faults.push((name, text));
            }
        };
        let (days, most) = (self.storage.announce_days, self.storage.closed_days);
        must(days <= most, "storage.announce_days", Text::new("setting.wrong.announce").with("max", most));
        let mail = &self.mail;
        must(mail.host.is_empty() || !mail.from.is_empty(), "mail.from", Text::new("setting.wrong.no_sender"));
        let tls = &self.tls;
        must(tls.key.is_empty() || !tls.certificate.is_empty(), "tls.certificate", Text::new("setting.wrong.tls_pair"));
        must(tls.certificate.is_empty() || !tls.key.is_empty(), "tls.key", Text::new("setting.wrong.tls_pair"));
        let leads = tls.redirect_from.is_empty() || !tls.certificate.is_empty();
        must(leads, "tls.redirect_from", Text::new("setting.wrong.tls_none"));
        let to = &self.backup.to;
        let known = to.is_empty() || to.starts_with('/') || to.starts_with("s3://") && to.len() > 5;
        must(known, "backup.to", Text::new("setting.wrong.backup_to"));
        let dsn = &self.tracing.sentry_dsn;
        let known = dsn.is_empty() || dsn.parse::<Dsn>().is_ok();
        must(known, "tracing.sentry_dsn", Text::new("setting.wrong.dsn"));
        faults
    }
}

/// What is wrong with values by themselves.
pub(super) fn each(values: &Values) -> Faults {
    let wrong = |setting: &'static Setting| Some((setting.name, setting.wrong(values.get(setting.name)?)?));
    all().filter_map(wrong).collect()
}

/// The faults as one sentence for a shell.
pub fn sentence(faults: &Faults) -> String {
    let one = |(name, text): &(&str, Text)| format!("{name}: {}", say(Lang::En, text));
    faults.iter().map(one).collect::<Vec<_>>().join(" ")
}
