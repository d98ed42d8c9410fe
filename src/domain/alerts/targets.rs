//! Who is told of alerts: a URL or a mail address each. Admins add and change them; of a URL nobody reads more than its
//! host afterwards, since the rest may be a secret.

use super::{sql_targets as sql, tell};
use crate::app::App;
use crate::base::clock::{SECOND, Time};
use crate::base::error::{Check, Error, Result};
use crate::base::event::Event;
use crate::base::ids::{AlertId, AlertTargetId, AlertTellingId};
use crate::base::job::Job;
use crate::base::locale::{Lang, Text};
use crate::domain::accounts::{self, Viewer};
use crate::domain::webhooks::{self, Attempt, DeliveryState, sign};
use crate::engines::alerts::{Severity, Tell};
use crate::engines::outbound;
use crate::engines::queue::{self, NewJob};
use crate::engines::store::{Db, Tx};
use crate::{closed_set, text_columns};

closed_set! {
    /// How somebody is told.
    Form {
        /// JSON of our own, signed.
        Json = "json",
        /// A sentence as Slack and those who took its form over read it.
        Slack = "slack",
        /// A mail.
        Mail = "mail",
    }
}

text_columns!(Form);

/// Targets at the most.
const MAX: i64 = 20;
/// Bytes of a URL.
const URL_MAX: usize = 2_000;
/// So long somebody waits between two tests of a target.
const TEST_PAUSE: i64 = 3 * SECOND;

/// One who is told.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its id.
    pub id: AlertTargetId,
    /// Name.
    pub name: String,
    /// How.
    pub form: Form,
    /// URL or address.
    pub(super) place: String,
    /// In which language.
    pub lang: Lang,
    /// Of nothing that matters less.
    pub severity: Severity,
    /// Is it told?
    pub enabled: bool,
    /// Which of its secrets signs.
    pub(super) generation: i64,
    /// When it was given another.
    pub(super) rotated: Option<Time>,
    /// What it was told last.
    pub last: Option<Telling>,
}

/// What one was told.
#[derive(Clone, Debug)]
pub struct Telling {
    /// What.
    pub tell: Tell,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// The last tries, newest last.
    pub log: Vec<Attempt>,
    /// Since when.
    pub created: Time,
}

impl Target {
    /// Where it is told, without what may be secret in it.
    pub fn masked(&self) -> String {
        match (self.form, self.place.split_once('@')) {
            (Form::Mail, Some((name, host))) => format!("{}…@{host}", name.chars().take(1).collect::<String>()),
            (Form::Mail, None) => "…".to_owned(),
            (Form::Json | Form::Slack, _) => webhooks::masked(&self.place),
        }
    }
}

/// A new target.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // As in `Target`.
pub struct NewTarget {
    pub name: String,
    pub form: Form,
    pub place: String,
    pub lang: Lang,
    pub severity: Severity,
}

impl NewTarget {
    fn check(&mut self, private: bool) -> Result<()> {
        self.name = self.name.trim().to_owned();
        self.place = self.place.trim().to_owned();
        let mut check = Check::new();
        check.text("name", &self.name, 1, 100);
        if self.form == Form::Mail {
            check.that(accounts::is_email(&self.place), "place", Text::new("invalid.email"));
            return check.done();
        }
        check.that(self.place.len() <= URL_MAX, "place", Text::new("invalid.too_long").with("max", URL_MAX));
        let wrong = match outbound::check(&self.place, private) {
            Ok(url) if !url.username().is_empty() || url.password().is_some() => Some("invalid.webhook_userinfo"),
            Ok(_) => None,
            Err(outbound::Failure::Private) => Some("invalid.alert_private"),
            Err(_) => Some("invalid.webhook_url"),
        };
        if let Some(key) = wrong {
            check.that(false, "place", Text::new(key));
        }
        check.done()
    }
}

/// A change of a target. Another place is another target.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // As in `Target`.
pub struct TargetChange {
    pub name: String,
    pub lang: Lang,
    pub severity: Severity,
    pub enabled: bool,
}

/// All of them, each with what it was told last.
pub fn list(db: &Db) -> Result<Vec<Target>> {
    sql::list(db)
}

/// Adds one; answers it, and the secret that signs what it is told: shown once.
pub async fn add(app: &App, who: &Viewer, mut new: NewTarget) -> Result<(AlertTargetId, Option<String>)> {
    who.must_administer()?;
    new.check(app.config().alerts.allow_private)?;
    let (user, form) = (who.user, new.form);
    let id = app
        .write(move |tx| {
            let id = sql::insert(tx, user, &new, MAX)?
                .ok_or_else(|| Error::Conflict(Text::new("error.too_many_alert_targets").with("max", MAX)))?;
            tx.emit(None, Some(user), Event::AlertTargetAdded { target: id }, None)?;
            Ok(id)
        })
        .await?;
    let secret = (form != Form::Mail).then(|| sign::secret(&app.signing_key, "alert", id.0, 1));
    Ok((id, secret))
}

/// Changes one.
pub async fn change(app: &App, who: &Viewer, id: AlertTargetId, mut to: TargetChange) -> Result<()> {
    who.must_administer()?;
    to.name = to.name.trim().to_owned();
    Check::new().text("name", &to.name, 1, 100).done()?;
    let user = who.user;
    app.write(move |tx| {
        let was = sql::get(tx, id)?.ok_or(Error::NotFound("alert_target"))?;
        let fields: Vec<String> = [
            ("name", was.name != to.name),
            ("lang", was.lang != to.lang),
            ("severity", was.severity != to.severity),
            ("enabled", was.enabled != to.enabled),
        ]
        .into_iter()
        .filter(|(_, changed)| *changed)
        .map(|(name, _)| name.to_owned())
        .collect();
        if !fields.is_empty() {
            sql::update(tx, id, &to)?;
            tx.emit(None, Some(user), Event::AlertTargetChanged { target: id, fields }, None)?;
        }
        Ok(())
    })
    .await
}

/// Removes one with its log. What waits is not sent.
pub async fn delete(app: &App, who: &Viewer, id: AlertTargetId) -> Result<()> {
    who.must_administer()?;
    let user = who.user;
    app.write(move |tx| {
        if !sql::delete(tx, id)? {
            return Err(Error::NotFound("alert_target"));
        }
        tx.emit(None, Some(user), Event::AlertTargetDeleted { target: id }, None)?;
        Ok(())
    })
    .await
}

/// Gives one another secret and answers it. For a day the one before signs as well.
pub async fn renew(app: &App, who: &Viewer, id: AlertTargetId) -> Result<String> {
    who.must_administer()?;
    let user = who.user;
    let generation = app
        .write(move |tx| {
            let was = sql::get(tx, id)?.filter(|t| t.form != Form::Mail).ok_or(Error::NotFound("alert_target"))?;
            sql::rotate(tx, id)?;
            let fields = vec!["secret".to_owned()];
            tx.emit(None, Some(user), Event::AlertTargetChanged { target: id, fields }, None)?;
            Ok(was.generation + 1)
        })
        .await?;
    Ok(sign::secret(&app.signing_key, "alert", id.0, generation))
}

/// Tries one at once, also one that is off, and waits for what comes back: no job, no other try.
pub async fn test(app: &App, who: &Viewer, id: AlertTargetId) -> Result<()> {
    who.must_administer()?;
    let user = who.user;
    let telling = app
        .write(move |tx| {
            let target = sql::get(tx, id)?.ok_or(Error::NotFound("alert_target"))?;
            let now = tx.now();
            let last = target.last.filter(|l| l.tell == Tell::Test).map_or(i64::MIN, |l| l.created.0);
            let rest = TEST_PAUSE - now.0.saturating_sub(last);
            if rest > 0 {
                return Err(Error::TooMany { retry_after_s: (rest / SECOND + 1) as u64 });
            }
            let telling = sql::insert_telling(tx, id, None, Tell::Test, None)?;
            tx.emit(None, Some(user), Event::AlertTargetTested { target: id }, None)?;
            Ok(telling)
        })
        .await?;
    tell::test(app, telling).await
}

/// Adds the tellings of all who are told of what matters so much, each with its job.
pub(super) fn tell_all(tx: &mut Tx, severity: Severity, alert: AlertId, tell: Tell, value: Option<f64>) -> Result<()> {
    for target in sql::list(tx)?.into_iter().filter(|t| t.enabled && t.severity <= severity) {
        let telling = sql::insert_telling(tx, target.id, Some(alert), tell, value)?;
        queue::enqueue(tx, NewJob { dedup_key: Some(key(telling)), ..Job::TellAlert { telling }.into() })?;
    }
    Ok(())
}

/// Under which its job is found; `sql_targets` spells it as well.
fn key(telling: AlertTellingId) -> String {
    format!("alert {telling}")
}
