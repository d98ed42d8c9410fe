//! The statements of versions and pictures. Tables: `plan_versions`, `plan_pictures`.

use super::Plan;
use super::pictures::Image;
use super::story::SHOTS;
use super::versions::{Brief, Reason, Version};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{PlanId, UserId};
use crate::domain::accounts::Person;
use crate::engines::store::{Db, Row, SqlResult, Tx, params, params_from_iter};

const BRIEF: &str = "v.version, v.created_ms, v.user_id, u.nickname, v.reason, v.title";

fn brief(r: &Row) -> SqlResult<Brief> {
    let user = match r.get::<_, Option<UserId>>(2)? {
        Some(id) => Some(Person { id, nickname: r.get(3)? }),
        None => None,
    };
    Ok(Brief { version: r.get(0)?, created: r.get(1)?, user, reason: r.get(4)?, title: r.get(5)? })
}

fn version(r: &Row) -> SqlResult<Version> {
    Ok(Version { brief: brief(r)?, inputs: r.get(6)?, story: r.get(7)? })
}

pub(super) fn list(db: &Db, id: PlanId, limit: i64) -> Result<Vec<Brief>> {
    db.all(
        &format!(
            "SELECT {BRIEF} FROM plan_versions v LEFT JOIN users u ON u.id = v.user_id
             WHERE v.plan_id = ?1 ORDER BY v.version DESC LIMIT ?2"
        ),
        params![id, limit],
        brief,
    )
}

pub(super) fn get(db: &Db, id: PlanId, number: i64) -> Result<Option<Version>> {
    db.one(
        &format!(
            "SELECT {BRIEF}, v.inputs, v.story FROM plan_versions v LEFT JOIN users u ON u.id = v.user_id
             WHERE v.plan_id = ?1 AND v.version = ?2"
        ),
        params![id, number],
        version,
    )
}

/// Two versions: this one, and `with`; without one the newest before it. In no order; those that are there.
pub(super) fn pair(db: &Db, id: PlanId, number: i64, with: Option<i64>) -> Result<Vec<Version>> {
    db.all(
        &format!(
            "SELECT {BRIEF}, v.inputs, v.story FROM plan_versions v LEFT JOIN users u ON u.id = v.user_id
             WHERE v.plan_id = ?1 AND v.version IN (?2, coalesce(?3,
                (SELECT max(b.version) FROM plan_versions b WHERE b.plan_id = ?1 AND b.version < ?2)))"
        ),
        params![id, number, with],
        version,
    )
}

/// The newest version, over what stands there under its number.
pub(super) fn put(tx: &mut Tx, p: &Plan, user: Option<UserId>, reason: Reason) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO plan_versions (plan_id, version, user_id, reason, title, inputs, story, created_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (plan_id, version) DO UPDATE SET title = ?5, inputs = ?6, story = ?7",
        params![p.id, p.version, user, reason, p.title, p.inputs, p.story, now],
    )?;
    Ok(())
}

/// Forgets versions beyond `kept`: those that were only written in first, the oldest of them first; never the newest.
pub(super) fn prune(tx: &mut Tx, id: PlanId, newest: i64, kept: i64) -> Result<()> {
    tx.execute(
        "DELETE FROM plan_versions WHERE plan_id = ?1 AND version IN (
            SELECT version FROM (
                SELECT version, row_number() OVER (
                    ORDER BY CASE WHEN version = ?2 THEN 0 WHEN reason = 'edited' THEN 2 ELSE 1 END, version DESC) AS place
                FROM plan_versions WHERE plan_id = ?1)
            WHERE place > ?3)",
        params![id, newest, kept],
    )?;
    Ok(())
}

/// Address, type and bytes of pictures of a plan; of [`SHOTS`] addresses at the most.
pub(super) fn pictures(db: &Db, plan: PlanId, hashes: &[&str]) -> Result<Vec<(String, String, Vec<u8>)>> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let places = (2..SHOTS + 2).map(|i| format!("?{i}")).collect::<Vec<_>>().join(", ");
    let plan = plan.to_string();
    let wanted = (0..SHOTS).map(|i| hashes.get(i).copied().unwrap_or(""));
    db.all(
        &format!(
            "SELECT hash, content_type, bytes FROM plan_pictures
             WHERE plan_id = CAST(?1 AS INTEGER) AND hash IN ({places})"
        ),
        params_from_iter(std::iter::once(plan.as_str()).chain(wanted)),
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
    )
}

pub(super) fn put_picture(tx: &mut Tx, plan: PlanId, image: &Image) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO plan_pictures (plan_id, hash, content_type, bytes, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (plan_id, hash) DO UPDATE SET created_ms = ?5",
        params![plan, image.hash, image.content_type, &image.bytes[..], now],
    )?;
    Ok(())
}

/// Plans of whose versions some are forgotten, and that hold pictures from before `before`.
pub(super) fn with_old_pictures(db: &Db, before: Time, forgotten: i64) -> Result<Vec<PlanId>> {
    db.all(
        "SELECT p.id FROM plans p WHERE p.version > ?2
            AND EXISTS (SELECT 1 FROM plan_pictures c WHERE c.plan_id = p.id AND c.created_ms < ?1) ORDER BY p.id",
        params![before, forgotten],
        |r| r.get(0),
    )
}

/// Addresses of a plan's pictures from before `before`.
pub(super) fn old_pictures(db: &Db, plan: PlanId, before: Time) -> Result<Vec<String>> {
    let sql = "SELECT hash FROM plan_pictures WHERE plan_id = ?1 AND created_ms < ?2";
    db.all(sql, params![plan, before], |r| r.get(0))
}

/// The stories of all versions of a plan, as they stand in the store.
pub(super) fn stories(db: &Db, plan: PlanId) -> Result<Vec<String>> {
    db.all("SELECT story FROM plan_versions WHERE plan_id = ?1", params![plan], |r| r.get(0))
}

/// Removes a picture that is still from before `before`.
pub(super) fn drop_picture(tx: &mut Tx, plan: PlanId, hash: &str, before: Time) -> Result<usize> {
    tx.execute(
        "DELETE FROM plan_pictures WHERE plan_id = ?1 AND hash = ?2 AND created_ms < ?3",
        params![plan, hash, before],
    )
}
