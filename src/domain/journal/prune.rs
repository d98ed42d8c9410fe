//! The journal forgets what is old.
//!
//! Laws: of each project and each feedback the last event stays, and the last one of a project's frame, since what cached
//! answers depend on comes from them; so does the last rename, and the last event of all. Nothing goes that the search
//! index has not taken in. Up to where was pruned is kept in the store: whoever comes back from before begins anew.

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::sql;
use crate::app::App;
use crate::base::clock::{DAY, Time};
use crate::base::error::Result;

/// Places of the journal that one change looks at.
const STEP: i64 = 2_000;

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Pruned {
    /// Events.
    pub events: usize,
    /// Events that were looked at: the old ones.
    pub old_events: i64,
    /// The last place that the search index has taken in: nothing behind it goes.
    pub indexed: i64,
}

/// Forgets events that are older than the settings keep them.
pub async fn prune(app: &App, stop: &CancellationToken) -> Result<Pruned> {
    let (now, config) = (app.clock.now(), app.config());
    let keep = &config.journal;
    let before = |days: i64| if days == 0 { Time(i64::MIN) } else { now.plus(-days * DAY) };
    let (plain, security) = (before(keep.keep_days), before(keep.keep_security_days));
    let generations = app.index.whole().into_iter().chain(app.index.building());
    let indexed = generations.map(|g| g.mark().seq).min().unwrap_or(0);
    let mut pruned = Pruned { indexed, ..Pruned::default() };
    let mut from = 0;
    while !stop.is_cancelled() {
        // The event at the mark itself stays: by it the index knows its journal.
        let Some(step) = app.read(move |db| sql::old_step(db, from, indexed, plain.max(security), STEP)).await? else {
            break;
        };
        let (first, last) = (from, step.last);
        pruned.events += app.store.write(move |tx| sql::prune(tx, first, last, plain, security)).await?;
        pruned.old_events += step.events;
        from = step.last;
    }
    Ok(pruned)
}
