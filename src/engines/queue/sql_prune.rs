//! The statement that forgets jobs. Table: `jobs`.

use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::job::JobState;
use crate::engines::store::{Tx, params};

pub(super) fn prune(tx: &mut Tx, state: JobState, before: Time, limit: i64) -> Result<usize> {
    tx.execute(
        "DELETE FROM jobs WHERE id IN (
            SELECT id FROM jobs WHERE state = ?1 AND finished_ms < ?2 ORDER BY id LIMIT ?3)",
        params![state, before, limit],
    )
}
