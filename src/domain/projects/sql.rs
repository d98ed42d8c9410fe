//! The statements of projects. Tables: `projects`, `members`, `invitations`.

use super::invitations::{Invitation, InvitationStatus, Offer, Open};
use super::members::Member;
use super::{Filter, Order, Project};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::fields::Wanted;
use crate::base::ids::{InvitationId, ProjectId, UserId};
use crate::base::page::PageSlice;
use crate::base::roles::Role;
use crate::domain::accounts::Person;
use crate::domain::id_list;
use crate::engines::store::{Db, Row, SqlResult, Tx, params};

pub(super) const PROJECT: &str =
    "p.id, p.name, p.description, p.manager_name, p.client, p.color, p.status, p.genre, p.tone,
    p.concept, p.deadline_ms, p.created_ms, p.updated_ms, p.deleted_ms, p.owner_id, o.nickname, m.role, p.rev,
    (SELECT count(*) FROM members x WHERE x.project_id = p.id),
    (SELECT count(*) FROM feedbacks f WHERE f.project_id = p.id AND f.deleted_ms IS NULL),
    (SELECT count(*) FROM feedbacks f WHERE f.project_id = p.id AND f.deleted_ms IS NULL
        AND f.status IN ('open', 'in_progress'))";

/// The same columns, with nothing read for what is not wanted; and the join that they need.
fn columns(w: &Wanted) -> (String, &'static str) {
    let counts = PROJECT.find("(SELECT").map_or("", |at| &PROJECT[at..]);
    let mut text = PROJECT.to_owned();
    for (field, column, nothing) in
        [("description", "p.description", "''"), ("concept", "p.concept", "''"), ("user", "o.nickname", "''")]
    {
        text = text.replace(column, w.or(field, column, nothing));
    }
    if !w.any(&["member_count", "feedback_count", "open_count"]) {
        text = text.replace(counts, "0, 0, 0");
    }
    (text, if w.has("user") { "JOIN users o ON o.id = p.owner_id" } else { "" })
}

pub(super) fn project(r: &Row) -> SqlResult<Project> {
    let owner: UserId = r.get(14)?;
    Ok(Project {
        id: r.get(0)?,
        name: r.get(1)?,
        description: r.get(2)?,
        manager_name: r.get(3)?,
        client: r.get(4)?,
        color: r.get(5)?,
        status: r.get(6)?,
        genre: r.get(7)?,
        tone: r.get(8)?,
        concept: r.get(9)?,
        deadline: r.get(10)?,
        created: r.get(11)?,
        updated: r.get(12)?,
        deleted_at: r.get(13)?,
        user_id: owner,
        user: Person { id: owner, nickname: r.get(15)? },
        my_role: r.get(16)?,
        rev: r.get(17)?,
        member_count: r.get(18)?,
        feedback_count: r.get(19)?,
        open_count: r.get(20)?,
    })
}

pub(super) fn role(db: &Db, user: UserId, project: ProjectId) -> Result<Option<Role>> {
    db.one(
        "SELECT m.role FROM members m JOIN projects p ON p.id = m.project_id
         WHERE m.project_id = ?1 AND m.user_id = ?2 AND p.deleted_ms IS NULL",
        params![project, user],
        |r| r.get(0),
    )
}

/// Also a deleted one: the caller looks at `deleted_at`.
pub(super) fn get(db: &Db, user: UserId, id: ProjectId) -> Result<Option<Project>> {
    db.one(
        &format!(
            "SELECT {PROJECT} FROM projects p JOIN members m ON m.project_id = p.id AND m.user_id = ?2
             JOIN users o ON o.id = p.owner_id WHERE p.id = ?1"
        ),
        params![id, user],
        project,
    )
}

/// As a member of this role sees it.
pub(super) fn seen(db: &Db, role: Role, id: ProjectId, wanted: &Wanted) -> Result<Option<Project>> {
    let (columns, join) = columns(wanted);
    db.one(
        &format!(
            "SELECT {columns} FROM projects p JOIN (SELECT ?2 AS role) m {join} WHERE p.id = ?1 AND p.deleted_ms IS NULL"
        ),
        params![id, role],
        project,
    )
}

/// The rows of the page and the count of all.
pub(super) fn list(
    db: &Db,
    user: UserId,
    filter: &Filter,
    wanted: &Wanted,
    slice: PageSlice,
) -> Result<(Vec<Project>, i64)> {
    let (columns, join) = columns(wanted);
    let order = match filter.order {
        Order::Newest => "p.created_ms DESC, p.id DESC",
        Order::Oldest => "p.created_ms, p.id",
        Order::Changed => "p.updated_ms DESC, p.id DESC",
        Order::Name => "p.name, p.id",
        Order::Deadline => "p.deadline_ms IS NULL, p.deadline_ms, p.id DESC",
    };
    let whose = if filter.deleted { "p.deleted_ms IS NOT NULL AND m.role = 'owner'" } else { "p.deleted_ms IS NULL" };
    let from = format!(
        "FROM projects p JOIN members m ON m.project_id = p.id AND m.user_id = ?1 {join} WHERE {whose} AND (?2 IS NULL OR p.status = ?2)
           AND (?3 IS NULL OR lower(p.name) LIKE ?3 ESCAPE '\\' OR lower(p.client) LIKE ?3 ESCAPE '\\'
                OR lower(p.manager_name) LIKE ?3 ESCAPE '\\')"
    );
    let search = filter.search.as_deref().map(contains);
    let rows = db.all(
        &format!("SELECT {columns}, count(*) OVER () {from} ORDER BY {order} LIMIT ?4 OFFSET ?5"),
        params![user, filter.status, search, slice.size, slice.offset()],
        |r| Ok((project(r)?, r.get::<_, i64>(21)?)),
    )?;
    let (rows, mut count) = counted(rows);
    if rows.is_empty() && slice.page > 1 {
        // Behind the end no row carries the count.
        let sql = format!("SELECT count(*) {from}");
        count = db.one(&sql, params![user, filter.status, search], |r| r.get(0))?.unwrap_or(0);
    }
    Ok((rows, count))
}

/// Members of several projects, strongest first, at most `limit` of each.
pub(super) fn members_of(db: &Db, projects: &[i64], limit: i64) -> Result<Vec<(i64, Member)>> {
    if projects.is_empty() {
        return Ok(Vec::new());
    }
    let list = id_list(projects);
    db.all(
        &format!(
            "SELECT id, nickname, email, role, created_ms, project_id FROM (
                SELECT u.id, u.nickname, u.email, m.role, m.created_ms, m.project_id, row_number() OVER (
                    PARTITION BY m.project_id ORDER BY CASE m.role WHEN 'owner' THEN 0 WHEN 'manager' THEN 1
                        WHEN 'editor' THEN 2 WHEN 'reviewer' THEN 3 ELSE 4 END, u.nickname, u.id) AS place
                FROM members m JOIN users u ON u.id = m.user_id WHERE m.project_id IN ({list}))
             WHERE place <= ?1 ORDER BY project_id, place"
        ),
        params![limit],
        |r| Ok((r.get(5)?, member_row(r)?)),
    )
}

pub(super) fn names(db: &Db, ids: &[ProjectId]) -> Result<Vec<(ProjectId, String)>> {
    let list = id_list(&ids.iter().map(|id| id.0).collect::<Vec<_>>());
    let sql = format!("SELECT id, name FROM projects WHERE id IN ({list}) AND deleted_ms IS NULL");
    db.all(&sql, params![], |r| Ok((r.get(0)?, r.get(1)?)))
}

/// A LIKE pattern for texts that contain `part`, in lower case.
pub(super) fn contains(part: &str) -> String {
    let escaped = part.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

pub(super) fn insert(tx: &mut Tx, p: &Project) -> Result<ProjectId> {
    let id = tx.insert(
        "INSERT INTO projects (owner_id, name, description, manager_name, client, color, status, genre, tone, concept,
            deadline_ms, created_ms, updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)",
        params![
            p.user_id,
            p.name,
            p.description,
            p.manager_name,
            p.client,
            p.color,
            p.status,
            p.genre,
            p.tone,
            p.concept,
            p.deadline,
            p.created
        ],
    )?;
    Ok(ProjectId(id))
}

pub(super) fn update(tx: &mut Tx, p: &Project) -> Result<()> {
    tx.execute(
        "UPDATE projects SET name = ?2, description = ?3, manager_name = ?4, client = ?5, color = ?6, status = ?7,
            genre = ?8, tone = ?9, concept = ?10, deadline_ms = ?11, updated_ms = ?12, rev = ?13
         WHERE id = ?1",
        params![
            p.id,
            p.name,
            p.description,
            p.manager_name,
            p.client,
            p.color,
            p.status,
            p.genre,
            p.tone,
            p.concept,
            p.deadline,
            p.updated,
            p.rev
        ],
    )?;
    Ok(())
}

pub(super) fn set_deleted(tx: &mut Tx, id: ProjectId, at: Option<Time>) -> Result<()> {
    tx.execute("UPDATE projects SET deleted_ms = ?2, rev = rev + 1 WHERE id = ?1", params![id, at])?;
    Ok(())
}

/// Since when it is in the trash.
pub(super) fn deleted(db: &Db, id: ProjectId) -> Result<Option<Time>> {
    db.one("SELECT deleted_ms FROM projects WHERE id = ?1 AND deleted_ms IS NOT NULL", params![id], |r| r.get(0))
}

pub(super) fn purge(tx: &mut Tx, id: ProjectId) -> Result<()> {
    tx.execute("DELETE FROM projects WHERE id = ?1", params![id])?;
    Ok(())
}

pub(super) fn set_owner(tx: &mut Tx, id: ProjectId, owner: UserId) -> Result<()> {
    tx.execute("UPDATE projects SET owner_id = ?2, rev = rev + 1 WHERE id = ?1", params![id, owner])?;
    Ok(())
}

pub(super) fn put_member(tx: &mut Tx, project: ProjectId, user: UserId, role: Role) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO members (project_id, user_id, role, created_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (project_id, user_id) DO UPDATE SET role = ?3",
        params![project, user, role, now],
    )?;
    Ok(())
}

/// `false` if he is one already, or if there are `max`.
pub(super) fn add_member(tx: &mut Tx, project: ProjectId, user: UserId, role: Role, max: i64) -> Result<bool> {
    let now = tx.now();
    let added = tx.execute(
        "INSERT INTO members (project_id, user_id, role, created_ms)
         SELECT ?1, ?2, ?3, ?4 WHERE (SELECT count(*) FROM members WHERE project_id = ?1) < ?5
         ON CONFLICT DO NOTHING",
        params![project, user, role, now, max],
    )?;
    Ok(added == 1)
}

pub(super) fn remove_member(tx: &mut Tx, project: ProjectId, user: UserId) -> Result<()> {
    tx.execute("DELETE FROM members WHERE project_id = ?1 AND user_id = ?2", params![project, user])?;
    Ok(())
}

fn member_row(r: &Row) -> SqlResult<Member> {
    let id: UserId = r.get(0)?;
    Ok(Member {
        user_id: id,
        user: Person { id, nickname: r.get(1)? },
        email: Some(r.get(2)?),
        role: r.get(3)?,
        created: r.get(4)?,
    })
}

pub(super) fn member(db: &Db, project: ProjectId, user: UserId) -> Result<Option<Member>> {
    db.one(
        "SELECT u.id, u.nickname, u.email, m.role, m.created_ms FROM members m JOIN users u ON u.id = m.user_id
         WHERE m.project_id = ?1 AND m.user_id = ?2",
        params![project, user],
        member_row,
    )
}

pub(super) fn members(db: &Db, project: ProjectId, slice: PageSlice) -> Result<(Vec<Member>, i64)> {
    let rows = db.all(
        "SELECT u.id, u.nickname, u.email, m.role, m.created_ms, count(*) OVER ()
         FROM members m JOIN users u ON u.id = m.user_id WHERE m.project_id = ?1
         ORDER BY CASE m.role WHEN 'owner' THEN 0 WHEN 'manager' THEN 1 WHEN 'editor' THEN 2 WHEN 'reviewer' THEN 3
            ELSE 4 END, u.nickname, u.id
         LIMIT ?2 OFFSET ?3",
        params![project, slice.size, slice.offset()],
        |r| Ok((member_row(r)?, r.get::<_, i64>(5)?)),
    )?;
    Ok(counted(rows))
}

/// Splits rows that carry the count of all. A page beyond the end counts 0.
fn counted<T>(rows: Vec<(T, i64)>) -> (Vec<T>, i64) {
    let count = rows.first().map_or(0, |(_, n)| *n);
    (rows.into_iter().map(|(row, _)| row).collect(), count)
}

/// An account that somebody names.
pub(super) struct Account {
    pub(super) person: Person,
    pub(super) email: String,
    pub(super) is_member: bool,
}

/// The actor's role in the project, and the account of this id or address, by one statement.
pub(super) fn role_and_account(
    db: &Db,
    project: ProjectId,
    actor: UserId,
    id: Option<UserId>,
    email: Option<&str>,
) -> Result<(Option<Role>, Option<Account>)> {
    let found = db.one(
        "SELECT m.role, u.id, u.nickname, u.email,
            EXISTS (SELECT 1 FROM members x WHERE x.project_id = ?1 AND x.user_id = u.id)
         FROM members m JOIN projects p ON p.id = m.project_id AND p.deleted_ms IS NULL
         LEFT JOIN users u ON (u.id = ?3 OR (?3 IS NULL AND u.email = ?4)) AND u.locked = 0
         WHERE m.project_id = ?1 AND m.user_id = ?2",
        params![project, actor, id, email],
        |r| {
            let account = match r.get::<_, Option<UserId>>(1)? {
                Some(id) => {
                    let person = Person { id, nickname: r.get(2)? };
                    Some(Account { person, email: r.get(3)?, is_member: r.get(4)? })
                }
                None => None,
            };
            Ok((r.get(0)?, account))
        },
    )?;
    Ok(found.map_or((None, None), |(role, account)| (Some(role), account)))
}

/// `None` if there is a pending one to this address. One that is over its time is made anew.
pub(super) fn insert_invitation(
    tx: &mut Tx,
    project: ProjectId,
    inviter: UserId,
    email: &str,
    role: Role,
    (hash, seed): (&[u8], &[u8]),
    expires: Time,
) -> Result<Option<InvitationId>> {
    tx.one(
        "INSERT INTO invitations (project_id, inviter_id, email, role, status, token_hash, sent_ms, expires_ms,
            created_ms, seed)
         VALUES (?1, ?2, ?3, ?4, 'pending', ?5, ?6, ?7, ?6, ?8)
         ON CONFLICT (project_id, email) WHERE status = 'pending' DO UPDATE SET inviter_id = ?2, role = ?4,
            token_hash = ?5, sent_ms = ?6, expires_ms = ?7, created_ms = ?6, seed = ?8
         WHERE expires_ms <= ?6 RETURNING id",
        params![project, inviter, email, role, hash, tx.now(), expires, seed],
        |r| r.get(0),
    )
}

const INVITATION: &str = "id, email, role,
    CASE WHEN status = 'pending' AND expires_ms <= ?2 THEN 'expired' ELSE status END, created_ms, sent_ms, expires_ms";

fn invitation_row(r: &Row) -> SqlResult<Invitation> {
    Ok(Invitation {
        id: r.get(0)?,
        email: r.get(1)?,
        role: r.get(2)?,
        status: r.get(3)?,
        created: r.get(4)?,
        sent: r.get(5)?,
        expires_at: r.get(6)?,
        link: None,
    })
}

pub(super) fn invitations(db: &Db, project: ProjectId, now: Time, slice: PageSlice) -> Result<(Vec<Invitation>, i64)> {
    let rows = db.all(
        &format!(
            "SELECT {INVITATION}, count(*) OVER () FROM invitations WHERE project_id = ?1
             ORDER BY id DESC LIMIT ?3 OFFSET ?4"
        ),
        params![project, now, slice.size, slice.offset()],
        |r| Ok((invitation_row(r)?, r.get::<_, i64>(7)?)),
    )?;
    Ok(counted(rows))
}

pub(super) fn invitation(db: &Db, project: ProjectId, id: InvitationId, now: Time) -> Result<Option<Invitation>> {
    db.one(
        &format!("SELECT {INVITATION} FROM invitations WHERE project_id = ?1 AND id = ?3"),
        params![project, now, id],
        invitation_row,
    )
}

pub(super) fn renew_invitation(
    tx: &mut Tx,
    id: InvitationId,
    (hash, seed): (&[u8], &[u8]),
    expires: Time,
) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE invitations SET status = 'pending', token_hash = ?2, sent_ms = ?3, expires_ms = ?4, seed = ?5
         WHERE id = ?1",
        params![id, hash, now, expires, seed],
    )?;
    Ok(())
}

pub(super) fn end_invitation(
    tx: &mut Tx,
    id: InvitationId,
    status: InvitationStatus,
    accepted_by: Option<UserId>,
) -> Result<()> {
    tx.execute("UPDATE invitations SET status = ?2, accepted_by = ?3 WHERE id = ?1", params![id, status, accepted_by])?;
    Ok(())
}

pub(super) fn open_invitation(db: &Db, hash: &[u8], now: Time) -> Result<Option<Open>> {
    db.one(
        "SELECT i.id, i.project_id, i.inviter_id, p.name, i.role, i.email, u.nickname, i.expires_ms
         FROM invitations i JOIN projects p ON p.id = i.project_id JOIN users u ON u.id = i.inviter_id
         WHERE i.token_hash = ?1 AND i.status = 'pending' AND i.expires_ms > ?2 AND p.deleted_ms IS NULL",
        params![hash, now],
        |r| {
            Ok(Open {
                id: r.get(0)?,
                project: r.get(1)?,
                inviter: r.get(2)?,
                offer: Offer {
                    project_name: r.get(3)?,
                    role: r.get(4)?,
                    email: r.get(5)?,
                    inviter: r.get(6)?,
                    expires_at: r.get(7)?,
                },
            })
        },
    )
}
