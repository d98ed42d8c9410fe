//! Where other programs are told: webhooks of a project and of the whole instance, and the log of what they were told.
//!
//! Laws: a telling is a row that is written with the place in the journal up to which it was followed, so none is lost
//! or written twice; it is sent at least once, under one id. What it says is read when it is sent, for a reader without
//! special rights: an anonymous author never, internal comments only where they were asked for. The secret stands
//! nowhere (`sign`). Whoever may not manage sees no address beyond its host.
//! Written here only: `webhooks`, `deliveries`, `webhook_cursor`.

mod follow;
mod payload;
pub mod routes;
pub(in crate::domain) mod sign;
pub(in crate::domain) mod slack;
mod sql;
pub mod verbs;
pub mod work;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::base::clock::{DAY, SECOND, Time};
use crate::base::error::{Check, Error, Result};
use crate::base::event::Event;
use crate::base::ids::{DeliveryId, ProjectId, WebhookId};
use crate::base::locale::Text;
use crate::base::page::{Feed, FeedSlice};
use crate::base::roles::{Right, SiteRole};
use crate::domain::accounts::Viewer;
use crate::domain::projects::{self, judge};
use crate::engines::outbound;
use crate::engines::store::{Db, Tx};
use crate::{closed_set, text_columns};
pub use follow::follow;

closed_set! {
    /// What a webhook is sent.
    Form {
        /// The event with its data, as JSON of our own.
        Json = "json",
        /// A sentence in the form that Slack and those who took it over read.
        Slack = "slack",
    }
}

closed_set! {
    /// Where a telling stands.
    DeliveryState {
        /// It is sent, or sent again, as soon as it is its turn.
        Waiting = "waiting",
        /// The receiver has taken it.
        Done = "done",
        /// It was tried as often as it may be.
        Failed = "failed",
        /// The webhook was turned off before it was sent.
        Dropped = "dropped",
    }
}

closed_set! {
    /// Why the program has turned a webhook off.
    Disabled {
        /// The receiver answered that it is gone for good (410).
        Gone = "gone",
        /// It has failed for too long.
        Failing = "failing",
    }
}

text_columns!(Form, DeliveryState, Disabled);

/// How long a person waits between two tests of a webhook.
const TEST_PAUSE: i64 = 3 * SECOND;
/// Bytes of an address.
const URL_MAX: usize = 2_000;
/// Names that may be asked for at once.
const VERBS_MAX: usize = 60;

/// A webhook as those see it who may manage it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Of which project; `null`: of the whole instance.
    pub project_id: Option<ProjectId>,
    /// Name.
    #[schema(example = "편집실 채팅")]
    pub name: String,
    /// Where it leads.
    #[schema(example = "https://hooks.example.com/services/T0/B0/xyz")]
    pub url: String,
    /// What it is sent.
    pub form: Form,
    /// Groups of events and single events; empty: all of them.
    #[schema(example = json!(["comments", "decided"]))]
    pub verbs: Vec<String>,
    /// Is it told anything?
    #[schema(example = true)]
    pub enabled: bool,
    /// Does it hear of comments for the team alone?
    #[schema(example = false)]
    pub include_internal: bool,
    /// Since when.
    pub created: Time,
    /// Last change of its own fields.
    pub updated: Time,
    /// How it goes.
    pub state: State,
    /// Signs what it is told. Shown when it is made and when it is renewed, never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_Yk1v3dZ2p7uJb0Qm8sXc4tRf6wLh9aNe5gKi1oPq2rE")]
    pub secret: Option<String>,
    /// Revision, for `ETag` and `If-Match`.
    #[serde(skip)]
    pub rev: i64,
    #[serde(skip)]
    generation: i64,
}

/// How it goes with a webhook.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookState)]
pub struct State {
    /// When it last took what it was told.
    pub last_success: Option<Time>,
    /// When it last did not.
    #[schema(example = json!(null))]
    pub last_failure: Option<Time>,
    /// Since when it has taken nothing.
    #[schema(example = json!(null))]
    pub failing_since: Option<Time>,
    /// Why the program has turned it off.
    #[schema(example = json!(null))]
    pub disabled_reason: Option<Disabled>,
}

impl Webhook {
    /// Its address without what may be secret in it.
    pub fn host(&self) -> String {
        masked(&self.url)
    }

    fn with_secret(mut self, key: &[u8; 32]) -> Webhook {
        self.secret = Some(sign::secret(key, "webhook", self.id.0, self.generation));
        self
    }
}

/// An address without path and query: `https://hooks.example.com/…`.
pub(in crate::domain) fn masked(url: &str) -> String {
    match outbound::check(url, true) {
        Ok(url) => format!("{}/…", url.origin().ascii_serialization()),
        Err(_) => "…".to_owned(),
    }
}

/// One telling.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Delivery {
    /// Its own id.
    pub id: DeliveryId,
    /// Of which webhook.
    pub webhook_id: WebhookId,
    /// What the receiver knows it by: the same on every try and every repetition.
    #[schema(example = "1-42-19abc12de00")]
    pub message_id: String,
    /// The event's place in the journal; `null` for a test.
    #[schema(example = 42)]
    pub seq: Option<i64>,
    /// The event's verb, or `ping`.
    #[serde(rename = "type")]
    #[schema(example = "comment_added")]
    pub verb: String,
    /// Did somebody ask for it again?
    #[schema(example = false)]
    pub repeated: bool,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    #[schema(example = 1)]
    pub attempts: i64,
    /// The last tries, newest last.
    pub log: Vec<Attempt>,
    /// Since when.
    pub created: Time,
    /// When it is tried again.
    #[schema(example = json!(null))]
    pub next: Option<Time>,
    /// When it ended.
    pub ended: Option<Time>,
}

/// One try.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeliveryAttempt)]
pub struct Attempt {
    /// When.
    pub at: Time,
    /// What the receiver answered, if it did.
    #[schema(example = 200)]
    pub status: Option<u16>,
    /// How long it took.
    #[schema(example = 84)]
    pub duration_ms: i64,
    /// What went wrong: `status`, `redirect`, `timed_out`, `connect`, `resolve`, `private`, `url`, `setup`.
    #[schema(example = json!(null))]
    pub error: Option<String>,
    /// The first 2 KiB of the answer.
    #[schema(example = "ok")]
    pub answer: String,
}

/// A telling with what it would say now.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DeliveryShown {
    /// The telling.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// What it says when it is sent now.
    #[schema(value_type = Object)]
    pub payload: Value,
}

/// A new webhook.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `Webhook`.
#[schema(example = json!({
    "name": "편집실 채팅", "url": "https://hooks.example.com/services/T0/B0/xyz", "form": "slack",
    "verbs": ["comments", "decisions"]
}))]
pub struct NewWebhook {
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    #[schema(max_length = 2000)]
    pub url: String,
    pub form: Option<Form>,
    #[serde(default)]
    #[schema(max_items = 60)]
    pub verbs: Vec<String>,
    pub enabled: Option<bool>,
    #[serde(default)]
    pub include_internal: bool,
}

/// A change of a webhook: what is not named stays. Turning one on again forgets since when it has failed.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `Webhook`.
#[schema(example = json!({ "verbs": ["comments"], "enabled": true }))]
pub struct WebhookPatch {
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    #[schema(max_length = 2000)]
    pub url: Option<String>,
    pub form: Option<Form>,
    #[schema(max_items = 60)]
    pub verbs: Option<Vec<String>>,
    pub enabled: Option<bool>,
    pub include_internal: Option<bool>,
}

impl WebhookPatch {
    fn check(&mut self, private: bool) -> Result<()> {
        let mut check = Check::new();
        if let Some(name) = &mut self.name {
            *name = name.trim().to_owned();
            check.text("name", name, 1, 100);
        }
        if let Some(url) = &mut self.url {
            *url = url.trim().to_owned();
            check.that(url.len() <= URL_MAX, "url", Text::new("invalid.too_long").with("max", URL_MAX));
            match outbound::check(url, private) {
                Ok(read) => {
                    let plain = read.username().is_empty() && read.password().is_none();
                    check.that(plain, "url", Text::new("invalid.webhook_userinfo"));
                }
                Err(outbound::Failure::Private) => {
                    check.that(false, "url", Text::new("invalid.webhook_private"));
                }
                Err(_) => {
                    check.that(false, "url", Text::new("invalid.webhook_url"));
                }
            }
        }
        if let Some(verbs) = &mut self.verbs {
            verbs.sort();
            verbs.dedup();
            let known = verbs.iter().all(|v| verbs::is_known(v));
            check.that(known, "verbs", Text::new("invalid.one_of").with("allowed", verbs::names()));
            let range = Text::new("invalid.count").with("min", 0).with("max", VERBS_MAX);
            check.that(verbs.len() <= VERBS_MAX, "verbs", range);
        }
        check.done()
    }

    fn apply(self, w: &mut Webhook) -> Vec<String> {
        let mut fields = Vec::new();
        fn set<T: PartialEq>(name: &str, new: Option<T>, old: &mut T, fields: &mut Vec<String>) {
            if let Some(new) = new
                && new != *old
            {
                *old = new;
                fields.push(name.to_owned());
            }
        }
        set("name", self.name, &mut w.name, &mut fields);
        set("url", self.url, &mut w.url, &mut fields);
        set("form", self.form, &mut w.form, &mut fields);
        set("verbs", self.verbs, &mut w.verbs, &mut fields);
        set("enabled", self.enabled, &mut w.enabled, &mut fields);
        set("include_internal", self.include_internal, &mut w.include_internal, &mut fields);
        fields
    }
}

/// A webhook for whoever may manage its project, or administers the instance if it is of none. To others it is not there,
/// and to members who may not manage it is forbidden.
fn look(db: &Db, who: &Viewer, id: WebhookId) -> Result<Webhook> {
    let found = sql::get(db, who.user, id)?.ok_or(Error::NotFound("webhook"))?;
    may(found.webhook.project_id, found.role, found.site_role)?;
    Ok(found.webhook)
}

fn may(project: Option<ProjectId>, role: Option<crate::base::roles::Role>, site: SiteRole) -> Result<()> {
    match project {
        Some(_) => judge(role, Right::Manage, "webhook").map(|_| ()),
        None if site == SiteRole::Admin => Ok(()),
        None => Err(Error::NotFound("webhook")),
    }
}

/// The webhooks of a project, for whoever may manage it; with `None` those of the instance, for its admins.
pub fn list(db: &Db, who: &Viewer, project: Option<ProjectId>) -> Result<Vec<Webhook>> {
    match project {
        Some(id) => judge(who.role(id), Right::Manage, "project").map(|_| ())?,
        None => who.must_administer()?,
    }
    sql::list(db, project)
}

/// One webhook.
pub fn get(db: &Db, who: &Viewer, id: WebhookId) -> Result<Webhook> {
    look(db, who, id)
}

/// Webhooks that fail or were turned off for it, of projects and of the instance, for those who run it; 100 at the most,
/// each with its project's name.
pub fn failing(db: &Db, who: &Viewer) -> Result<Vec<(Webhook, Option<String>)>> {
    who.must_operate()?;
    sql::failing(db)
}

/// The webhooks of the instance for those who look at the dashboard.
pub fn of_instance(db: &Db, who: &Viewer) -> Result<Vec<Webhook>> {
    who.must_operate()?;
    sql::list(db, None)
}

/// Adds a webhook; the answer holds its secret.
pub async fn add(app: &App, who: &Viewer, project: Option<ProjectId>, new: NewWebhook) -> Result<Webhook> {
    if project.is_none() {
        who.must_administer()?;
    }
    let mut patch = WebhookPatch {
        name: Some(new.name),
        url: Some(new.url),
        form: new.form,
        verbs: Some(new.verbs),
        enabled: new.enabled,
        include_internal: Some(new.include_internal),
    };
    patch.check(app.config().webhooks.allow_private)?;
    let (user, max) = (who.user, app.config().webhooks.per_project);
    let webhook = app
        .write(move |tx| {
            if let Some(project) = project {
                projects::allow(tx, user, project, Right::Manage)?;
            }
            let now = tx.now();
            let mut webhook = Webhook {
                id: WebhookId(0),
                project_id: project,
                name: String::new(),
                url: String::new(),
                form: Form::Json,
                verbs: Vec::new(),
                enabled: true,
                include_internal: false,
                created: now,
                updated: now,
                state: State::default(),
                secret: None,
                rev: 1,
                generation: 1,
            };
            patch.apply(&mut webhook);
            webhook.id = sql::insert(tx, user, &webhook, max)?
                .ok_or_else(|| Error::Conflict(Text::new("error.too_many_webhooks").with("max", max)))?;
            tx.emit(project, Some(user), Event::WebhookAdded { webhook: webhook.id }, None)?;
            Ok(webhook)
        })
        .await?;
    Ok(webhook.with_secret(&app.signing_key))
}

/// Changes a webhook.
pub async fn change(
    app: &App,
    who: &Viewer,
    id: WebhookId,
    mut patch: WebhookPatch,
    expected: Option<i64>,
) -> Result<Webhook> {
    patch.check(app.config().webhooks.allow_private)?;
    let who = who.clone();
    app.write(move |tx| {
        let mut webhook = look(tx, &who, id)?;
        crate::domain::expect_rev(expected, webhook.rev)?;
        let was_off = !webhook.enabled;
        let fields = patch.apply(&mut webhook);
        if !fields.is_empty() {
            webhook.updated = tx.now();
            webhook.rev += 1;
            let turned_on = was_off && webhook.enabled;
            if turned_on {
                webhook.state.failing_since = None;
                webhook.state.disabled_reason = None;
            }
            sql::update(tx, &webhook, turned_on)?;
            let event = Event::WebhookChanged { webhook: id, fields };
            tx.emit(webhook.project_id, Some(who.user), event, None)?;
        }
        Ok(webhook)
    })
    .await
}

/// Removes a webhook with its log. What waits is not sent.
pub async fn delete(app: &App, who: &Viewer, id: WebhookId, expected: Option<i64>) -> Result<()> {
    let who = who.clone();
    app.write(move |tx| {
        let webhook = look(tx, &who, id)?;
        crate::domain::expect_rev(expected, webhook.rev)?;
        sql::delete(tx, id)?;
        tx.emit(webhook.project_id, Some(who.user), Event::WebhookDeleted { webhook: id }, None)?;
        Ok(())
    })
    .await
}

/// Gives a webhook another secret; the answer holds it. For a day the one before signs as well.
pub async fn rotate(app: &App, who: &Viewer, id: WebhookId) -> Result<Webhook> {
    let who = who.clone();
    let webhook = app
        .write(move |tx| {
            let mut webhook = look(tx, &who, id)?;
            webhook.generation += 1;
            webhook.rev += 1;
            webhook.updated = tx.now();
            sql::rotate(tx, &webhook)?;
            let event = Event::WebhookChanged { webhook: id, fields: vec!["secret".to_owned()] };
            tx.emit(webhook.project_id, Some(who.user), event, None)?;
            Ok(webhook)
        })
        .await?;
    Ok(webhook.with_secret(&app.signing_key))
}

/// Sends a `ping`, also where the webhook is off: once, without another try.
pub async fn test(app: &App, who: &Viewer, id: WebhookId) -> Result<Delivery> {
    let who = who.clone();
    app.write(move |tx| {
        let found = sql::get(tx, who.user, id)?.ok_or(Error::NotFound("webhook"))?;
        may(found.webhook.project_id, found.role, found.site_role)?;
        let now = tx.now();
        if let Some(last) = found.last_test.filter(|last| now.0 - last.0 < TEST_PAUSE) {
            return Err(Error::TooMany { retry_after_s: ((TEST_PAUSE - (now.0 - last.0)) / SECOND + 1) as u64 });
        }
        let delivery = follow::add(tx, id, found.webhook.project_id, None, verbs::PING, now, true)?
            .ok_or_else(|| Error::internal("a test was not added"))?;
        let event = Event::WebhookTested { webhook: id, delivery: delivery.id };
        tx.emit(found.webhook.project_id, Some(who.user), event, None)?;
        Ok(delivery)
    })
    .await
}

/// What a webhook was told, newest first.
pub fn deliveries(db: &Db, who: &Viewer, id: WebhookId, slice: FeedSlice) -> Result<Feed<Delivery>> {
    look(db, who, id)?;
    let rows = sql::feed(db, id, slice)?;
    Ok(Feed::new(slice, rows, |d| (d.created.0, d.id.0)))
}

/// One telling, with what it would say now.
pub fn delivery(db: &Db, public_url: &str, who: &Viewer, id: DeliveryId) -> Result<DeliveryShown> {
    let found = sql::delivery(db, who.user, id)?.ok_or(Error::NotFound("delivery"))?;
    may(found.project, found.role, found.site_role).map_err(of_delivery)?;
    let told = payload::told(db, &found.letter, public_url)?;
    let payload = match told {
        Some(told) => told.body(found.letter.form),
        // It is about what this webhook is not told any more.
        None => Value::Null,
    };
    Ok(DeliveryShown { delivery: found.delivery, payload })
}

fn of_delivery(e: Error) -> Error {
    if matches!(e, Error::NotFound(_)) { Error::NotFound("delivery") } else { e }
}

/// Tells it once more, under the same id.
pub async fn redeliver(app: &App, who: &Viewer, id: DeliveryId) -> Result<Delivery> {
    let who = who.clone();
    app.write(move |tx| {
        let found = sql::delivery(tx, who.user, id)?.ok_or(Error::NotFound("delivery"))?;
        may(found.project, found.role, found.site_role).map_err(of_delivery)?;
        if !found.letter.enabled && found.delivery.verb != verbs::PING {
            return Err(Error::Conflict(Text::new("error.webhook_off")));
        }
        let d = found.delivery;
        let copy = follow::add(tx, d.webhook_id, found.project, d.seq, &d.verb, found.letter.at, true)?
            .ok_or_else(|| Error::internal("a copy was not added"))?;
        let event = Event::WebhookRedelivered { webhook: d.webhook_id, delivery: copy.id };
        tx.emit(found.project, Some(who.user), event, None)?;
        Ok(copy)
    })
    .await
}

/// Forgets what was told more than `keep_days` ago (0: never), and ends tellings whose job is lost: cancelled by a
/// person, or dead because the program ended in it again and again. Answers (forgotten, ended).
pub fn tidy(tx: &mut Tx, keep_days: i64) -> Result<(usize, usize)> {
    let ended = sql::settle(tx)?;
    let forgotten = if keep_days > 0 { sql::prune(tx, tx.now().plus(-keep_days * DAY))? } else { 0 };
    Ok((forgotten, ended))
}
