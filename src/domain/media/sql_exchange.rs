//! The statement that lists all films. Table: `media`.

use super::exchange::Row;
use crate::base::error::Result;
use crate::base::ids::MediaId;
use crate::base::row::PAGE;
use crate::engines::store::{Db, params};

pub(super) fn page(db: &Db, behind: MediaId) -> Result<Vec<Row>> {
    db.all(
        "SELECT id, feedback_id, user_id, version, name, hash, size_bytes, content_type, state, created_ms
         FROM media WHERE id > ?1 AND deleted_ms IS NULL ORDER BY id LIMIT ?2",
        params![behind, PAGE],
        |r| {
            Ok(Row {
                id: r.get(0)?,
                feedback_id: r.get(1)?,
                user_id: r.get(2)?,
                version: r.get(3)?,
                name: r.get(4)?,
                hash: r.get(5)?,
                size_bytes: r.get(6)?,
                content_type: r.get(7)?,
                state: r.get(8)?,
                created: r.get(9)?,
            })
        },
    )
}
