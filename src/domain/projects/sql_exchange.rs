//! The statements that exchange projects and memberships. Tables: `projects`, `members`.

use super::exchange::{MemberRow, Row, color_of};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{ProjectId, UserId};
use crate::base::row::PAGE;
use crate::engines::store::{Db, Tx, params};

pub(super) fn is_user(db: &Db, id: UserId) -> Result<bool> {
    Ok(db.one("SELECT 1 FROM users WHERE id = ?1", params![id], |_| Ok(()))?.is_some())
}

/// With its owner as member. `false` if its id is taken.
pub(super) fn insert(tx: &mut Tx, r: &Row) -> Result<bool> {
    let color = r.color.as_deref().unwrap_or(color_of(r.id));
    let added = tx.execute(
        "INSERT INTO projects (id, owner_id, name, description, manager_name, client, color, status, genre, tone,
            concept, deadline_ms, created_ms, updated_ms, deleted_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING",
        params![
            r.id,
            r.user_id,
            r.name,
            r.description,
            r.manager_name,
            r.client,
            color,
            r.status,
            r.genre,
            r.tone,
            r.concept,
            r.deadline,
            r.created,
            r.updated,
            r.deleted
        ],
    )?;
    if added == 0 {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO members (project_id, user_id, role, created_ms) VALUES (?1, ?2, 'owner', ?3)",
        params![r.id, r.user_id, r.created],
    )?;
    Ok(true)
}

/// What a new membership meets.
pub(super) struct Place {
    pub(super) owner: UserId,
    pub(super) user_found: bool,
    pub(super) is_member: bool,
    pub(super) number_taken: bool,
}

pub(super) fn place(db: &Db, r: &MemberRow) -> Result<Option<Place>> {
    db.one(
        "SELECT p.owner_id, EXISTS (SELECT 1 FROM users u WHERE u.id = ?2),
            EXISTS (SELECT 1 FROM members m WHERE m.project_id = ?1 AND m.user_id = ?2),
            EXISTS (SELECT 1 FROM members m WHERE m.number = ?3)
         FROM projects p WHERE p.id = ?1",
        params![r.project_id, r.user_id, r.id],
        |r| Ok(Place { owner: r.get(0)?, user_found: r.get(1)?, is_member: r.get(2)?, number_taken: r.get(3)? }),
    )
}

pub(super) fn insert_member(tx: &mut Tx, r: &MemberRow) -> Result<()> {
    tx.execute(
        "INSERT INTO members (project_id, user_id, role, created_ms, number)
         SELECT id, ?2, ?3, coalesce(?4, created_ms), ?5 FROM projects WHERE id = ?1",
        params![r.project_id, r.user_id, r.role, r.created, r.id],
    )?;
    Ok(())
}

/// Gives the owner's membership what only its own line knows. `false` if a line did already.
pub(super) fn complete_owner(tx: &mut Tx, r: &MemberRow) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE members SET number = ?3, created_ms = coalesce(?4, created_ms)
         WHERE project_id = ?1 AND user_id = ?2 AND number IS NULL",
        params![r.project_id, r.user_id, r.id, r.created],
    )?;
    Ok(changed == 1)
}

pub(super) fn page(db: &Db, behind: ProjectId) -> Result<Vec<Row>> {
    db.all(
        "SELECT id, owner_id, name, description, manager_name, client, color, status, genre, tone, concept,
            deadline_ms, created_ms, updated_ms, deleted_ms
         FROM projects WHERE id > ?1 ORDER BY id LIMIT ?2",
        params![behind, PAGE],
        |r| {
            let id: ProjectId = r.get(0)?;
            Ok(Row {
                id,
                user_id: r.get(1)?,
                name: r.get(2)?,
                description: r.get(3)?,
                manager_name: r.get(4)?,
                client: r.get(5)?,
                color: Some(r.get(6)?).filter(|c: &String| c != color_of(id)),
                status: r.get(7)?,
                genre: r.get(8)?,
                tone: r.get(9)?,
                concept: r.get(10)?,
                deadline: r.get(11)?,
                created: r.get(12)?,
                updated: r.get(13)?,
                deleted: r.get(14)?,
            })
        },
    )
}

/// The largest number of a membership.
pub(super) fn last_number(db: &Db) -> Result<i64> {
    Ok(db.one("SELECT max(number) FROM members", params![], |r| r.get(0))?.flatten().unwrap_or(0))
}

pub(super) fn member_page(db: &Db, project: ProjectId, user: UserId) -> Result<Vec<MemberRow>> {
    db.all(
        "SELECT m.number, m.project_id, m.user_id, m.role, m.created_ms, p.created_ms
         FROM members m JOIN projects p ON p.id = m.project_id
         WHERE (m.project_id, m.user_id) > (?1, ?2)
           AND NOT (m.role = 'owner' AND m.number IS NULL AND m.created_ms = p.created_ms)
         ORDER BY m.project_id, m.user_id LIMIT ?3",
        params![project, user, PAGE],
        |r| {
            let (created, of_project): (Time, Time) = (r.get(4)?, r.get(5)?);
            Ok(MemberRow {
                id: r.get(0)?,
                project_id: r.get(1)?,
                user_id: r.get(2)?,
                role: r.get(3)?,
                created: Some(created).filter(|c| *c != of_project),
            })
        },
    )
}
