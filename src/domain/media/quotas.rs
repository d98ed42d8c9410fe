//! How much the films of a project, and of the instance, may take on the disk.
//!
//! Law: what is on the disk, what unfinished uploads were promised and what is asked for are added up in the change that
//! begins the upload, so that two at once cannot both have the last place.
//! Written here only: `quotas`.

use super::sql_quotas as sql;
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::{ProjectId, UserId};
use crate::base::locale::Text;
use crate::domain::http::size;
use crate::engines::store::{Db, Tx};

/// Bytes that are taken or spoken for, and their limits.
pub(super) struct Taken {
    /// By all films and what was made of them.
    pub(super) instance: i64,
    /// By those of the project.
    pub(super) project: i64,
    /// What the project may take.
    pub(super) quota: Option<i64>,
}

/// An error if `wanted` more bytes are too much for the project or, where it has a limit, the instance. `promised` are
/// those of unfinished uploads of everybody and of the project.
pub(super) fn check(db: &Db, project: ProjectId, limit: u64, wanted: u64, promised: (u64, u64)) -> Result<()> {
    let taken = sql::taken(db, project)?;
    let over = |key: &'static str, limit: u64, used: u64| {
        let said = Text::new(key).with("limit", size(limit)).with("used", size(used)).with("wanted", size(wanted));
        if used.saturating_add(wanted) > limit { Err(Error::QuotaExceeded(said)) } else { Ok(()) }
    };
    let sum = |bytes: i64, promised: u64| (bytes.max(0) as u64).saturating_add(promised);
    if let Some(quota) = taken.quota {
        over("error.quota_project", quota.max(0) as u64, sum(taken.project, promised.1))?;
    }
    if limit > 0 {
        over("error.quota_instance", limit, sum(taken.instance, promised.0))?;
    }
    Ok(())
}

/// Sets what a project may take; `None`: as much as there is. The caller has judged.
pub fn set(tx: &mut Tx, actor: UserId, project: ProjectId, size_bytes: Option<i64>) -> Result<()> {
    let was = sql::taken(tx, project)?.quota;
    if !sql::set(tx, project, size_bytes)? {
        return Err(Error::NotFound("project"));
    }
    tx.emit(None, Some(actor), Event::QuotaSet { project, size_bytes, was }, None)?;
    Ok(())
}
