//! The product, a folder per noun: types and operations in `mod.rs`, statements in `sql.rs`, requests in `routes.rs`.
//!
//! The left never calls the right: accounts ◄ projects ◄ schedule ◄ feedback ◄ media ◄ storage ◄ jobs ◄ comments ◄ plans ◄ journal ◄ rooms ◄ access ◄ search ◄ notices ◄ webhooks ◄ settings ◄ backups ◄ alerts. `http` is how all of them
//! read requests,
//! `answer` how reads are kept. `doctor` looks at all of them and is called by none.

pub mod access;
pub mod accounts;
pub mod alerts;
pub mod answer;
pub mod backups;
pub mod comments;
pub mod doctor;
pub mod feedback;
pub mod http;
pub mod jobs;
pub mod journal;
pub mod media;
pub mod notices;
pub mod plans;
pub mod projects;
pub mod reached;
pub mod rooms;
pub mod schedule;
pub mod search;
pub mod settings;
pub mod storage;
pub mod webhooks;

use serde_json::Value;

use crate::base::error::{Error, Result};
use crate::base::roles::Role;
use crate::domain::accounts::Viewer;
use crate::engines::store::Db;

/// Reads rows of a later noun that are embedded in those of an earlier one, for a reader of this role. The route table
/// hands it in, since the left never calls the right.
#[derive(Clone, Copy)]
pub struct Embed(pub fn(&Db, &Viewer, Role, &[i64]) -> Result<Embedded>);

/// Embedded rows, each with the id of the row that it belongs to.
pub type Embedded = Vec<(i64, Value)>;

/// Rows that are embedded in one row, at the most.
pub const EMBEDDED: i64 = 20;

/// The values that belong to `id`, in their order.
pub fn embedded(all: &mut Embedded, id: i64) -> Value {
    all.iter_mut().filter(|(of, _)| *of == id).map(|(_, value)| value.take()).collect()
}

/// Numbers for an `IN (…)`: never a caller's text.
pub fn id_list(ids: &[i64]) -> String {
    ids.iter().map(|i| i.to_string()).collect::<Vec<_>>().join(", ")
}

/// Places for an `IN (…)` from number `from` on, and what goes into them: filled up with 0, which no row has, so that one
/// prepared statement serves lists of about the same length.
pub fn id_places(from: usize, ids: &[i64]) -> (String, Vec<i64>) {
    let size = [4, 16, 64].into_iter().find(|s| *s >= ids.len()).unwrap_or(ids.len().next_multiple_of(256));
    let mut values = ids.to_vec();
    values.resize(size, 0);
    let places = (from..from + size).map(|i| format!("?{i}")).collect::<Vec<_>>().join(", ");
    (places, values)
}

/// `If-Match` against the present revision: another one means that somebody was faster.
pub fn expect_rev(expected: Option<i64>, present: i64) -> Result<()> {
    match expected {
        Some(rev) if rev != present => Err(Error::PreconditionFailed),
        _ => Ok(()),
    }
}

/// Tells `null` from absent in a change: absent is `None`, `null` is `Some(None)`.
pub fn present<'de, D, T>(d: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    serde::Deserialize::deserialize(d).map(Some)
}

/// Forgets what is over its time: sessions, reset codes, idempotency keys, uploads. Each is worth nothing any more.
/// Finishes what a crash left open: whole uploads, and media whose job is over.
pub async fn clean_up(app: &crate::app::App) -> Result<serde_json::Value> {
    let uploads = media::uploads::sweep(app).await?;
    let plan_pictures = plans::pictures::sweep(app).await?;
    let trashed_before = app.clock.now().plus(-app.config().storage.trash_days * crate::base::clock::DAY);
    let keep_days = app.config().webhooks.keep_days;
    let keep_alerts_days = app.config().alerts.keep_days;
    app.store
        .write(move |tx| {
            let settled = media::settle(tx)?;
            let accounts = accounts::forget_expired(tx)?;
            let before = tx.now().0 - crate::base::clock::DAY;
            let keys = crate::engines::store::once::prune(tx, before)?;
            let log = access::prune(tx)?;
            let plans = plans::trash::purge(tx, trashed_before)?;
            let (deliveries, _) = webhooks::tidy(tx, keep_days)?;
            let (alerts, _) = alerts::tidy(tx, keep_alerts_days)?;
            Ok(serde_json::json!({
                "sessions_and_codes": accounts, "idempotency_keys": keys, "uploads": uploads, "media_settled": settled,
                "access_log": log, "plans": plans, "plan_pictures": plan_pictures, "deliveries": deliveries,
                "alerts": alerts,
            }))
        })
        .await
}
