//! The statements about those who are told: members, their wishes, who takes part in a feedback. Tables: `notice_wishes`,
//! `notice_people`.

use std::collections::{BTreeMap, HashMap};

use super::NoticeKind;
use super::preferences::{Mode, Quiet, Reader, Wish};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::*;
use crate::base::locale::Lang;
use crate::base::roles::Role;
use crate::domain::id_list;
use crate::engines::store::{Db, Tx, params};

/// These people with their wishes, without those who are locked out. One statement.
pub(super) fn readers(db: &Db, users: &[UserId]) -> Result<Vec<Reader>> {
    let list = id_list(&users.iter().map(|u| u.0).collect::<Vec<_>>());
    let rows = db.all(
        &format!(
            "SELECT u.id, u.email, u.locale, q.quiet_from, q.quiet_to, q.zone, coalesce(q.all_comments, 0),
                w.kind, w.app, w.mail
             FROM users u LEFT JOIN notice_people q ON q.user_id = u.id LEFT JOIN notice_wishes w ON w.user_id = u.id
             WHERE u.id IN ({list}) AND u.locked = 0 ORDER BY u.id"
        ),
        params![],
        |r| {
            let quiet = match (r.get(3)?, r.get(4)?, r.get(5)?) {
                (Some(from), Some(to), Some(zone)) => Some(Quiet { from, to, zone }),
                _ => None,
            };
            let wish = match r.get::<_, Option<NoticeKind>>(7)? {
                Some(kind) => Some((kind, Wish { app: r.get(8)?, mail: r.get(9)? })),
                None => None,
            };
            let reader = Reader {
                user: r.get(0)?,
                email: r.get(1)?,
                lang: Lang::from_tag(&r.get::<_, String>(2)?).unwrap_or_default(),
                quiet,
                all_comments: r.get(6)?,
                wishes: HashMap::new(),
            };
            Ok((reader, wish))
        },
    )?;
    let mut readers: Vec<Reader> = Vec::new();
    for (reader, wish) in rows {
        if readers.last().is_none_or(|last| last.user != reader.user) {
            readers.push(reader);
        }
        if let Some(last) = readers.last_mut() {
            last.wishes.extend(wish);
        }
    }
    Ok(readers)
}

pub(super) fn set_person(tx: &mut Tx, user: UserId, quiet: Option<&Quiet>, all_comments: bool) -> Result<()> {
    let (from, to, zone) = (quiet.map(|q| &q.from), quiet.map(|q| &q.to), quiet.map(|q| &q.zone));
    tx.execute(
        "INSERT INTO notice_people (user_id, quiet_from, quiet_to, zone, all_comments) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (user_id) DO UPDATE SET quiet_from = ?2, quiet_to = ?3, zone = ?4, all_comments = ?5",
        params![user, from, to, zone, all_comments],
    )?;
    Ok(())
}

/// One statement, however many kinds are named.
pub(super) fn set_wishes(tx: &mut Tx, user: UserId, wishes: &BTreeMap<NoticeKind, Wish>) -> Result<()> {
    if wishes.is_empty() {
        return Ok(());
    }
    // Names of closed sets and flags: nothing of a caller's text.
    let row = |(kind, wish): (&NoticeKind, &Wish)| format!("(?1, '{kind}', {}, '{}')", i64::from(wish.app), wish.mail);
    let rows = wishes.iter().map(row).collect::<Vec<_>>().join(", ");
    tx.execute(
        &format!(
            "INSERT INTO notice_wishes (user_id, kind, app, mail) VALUES {rows}
             ON CONFLICT (user_id, kind) DO UPDATE SET app = excluded.app, mail = excluded.mail"
        ),
        params![user],
    )?;
    Ok(())
}

/// Turns off the mail of one kind, or of all.
pub(super) fn stop_mail(tx: &mut Tx, user: UserId, kinds: &[(NoticeKind, Wish)]) -> Result<()> {
    let wishes = kinds.iter().map(|(kind, wish)| (*kind, Wish { mail: Mode::Off, ..*wish })).collect();
    set_wishes(tx, user, &wishes)
}

/// A member of a project.
pub(super) struct Member {
    pub(super) user: UserId,
    pub(super) role: Role,
    pub(super) nickname: String,
}

/// The members of a project that is not deleted, as far as they were there already.
pub(super) fn members(db: &Db, project: ProjectId, at: Time) -> Result<Vec<Member>> {
    db.all(
        "SELECT m.user_id, m.role, u.nickname FROM members m JOIN users u ON u.id = m.user_id
         JOIN projects p ON p.id = m.project_id AND p.deleted_ms IS NULL
         WHERE m.project_id = ?1 AND m.created_ms <= ?2 ORDER BY m.user_id",
        params![project, at],
        |r| Ok(Member { user: r.get(0)?, role: r.get(1)?, nickname: r.get(2)? }),
    )
}

/// What is said in a comment, and by whom.
pub(super) struct Said {
    pub(super) author: UserId,
    pub(super) text: String,
    pub(super) anonymous: bool,
    pub(super) internal: bool,
    pub(super) feedback_owner: UserId,
}

/// A comment as it stands; `None` if it or its feedback is gone.
pub(super) fn said(db: &Db, comment: CommentId) -> Result<Option<Said>> {
    db.one(
        "SELECT c.user_id, c.text, c.security, c.internal, f.user_id FROM comments c
         JOIN feedbacks f ON f.id = c.feedback_id AND f.deleted_ms IS NULL
         WHERE c.id = ?1 AND c.deleted_ms IS NULL",
        params![comment],
        |r| {
            Ok(Said {
                author: r.get(0)?,
                text: r.get(1)?,
                anonymous: r.get(2)?,
                internal: r.get(3)?,
                feedback_owner: r.get(4)?,
            })
        },
    )
}

/// Who has commented under a feedback, or uploaded to it.
pub(super) fn taking_part(db: &Db, feedback: FeedbackId) -> Result<Vec<UserId>> {
    db.all(
        "SELECT user_id FROM comments WHERE feedback_id = ?1 AND deleted_ms IS NULL
         UNION SELECT user_id FROM media WHERE feedback_id = ?1 AND deleted_ms IS NULL",
        params![feedback],
        |r| r.get(0),
    )
}

/// Who was told already that this comment names him.
pub(super) fn told_of_mention(db: &Db, comment: CommentId, users: &[UserId]) -> Result<Vec<UserId>> {
    let list = id_list(&users.iter().map(|u| u.0).collect::<Vec<_>>());
    db.all(
        &format!("SELECT user_id FROM notices WHERE user_id IN ({list}) AND kind = 'mention' AND comment_id = ?1"),
        params![comment],
        |r| r.get(0),
    )
}

/// Is there a feedback that is not deleted?
pub(super) fn feedback_stands(db: &Db, feedback: FeedbackId) -> Result<bool> {
    let sql = "SELECT 1 FROM feedbacks WHERE id = ?1 AND deleted_ms IS NULL";
    Ok(db.one(sql, params![feedback], |_| Ok(()))?.is_some())
}

/// The same, and is it about a film?
pub(super) fn film_stands(db: &Db, feedback: FeedbackId) -> Result<bool> {
    let sql = "SELECT 1 FROM feedbacks WHERE id = ?1 AND deleted_ms IS NULL AND plan_id IS NULL";
    Ok(db.one(sql, params![feedback], |_| Ok(()))?.is_some())
}

/// Where a plan stands that is not deleted.
pub(super) fn plan_status(db: &Db, plan: PlanId) -> Result<Option<String>> {
    db.one("SELECT status FROM plans WHERE id = ?1 AND deleted_ms IS NULL", params![plan], |r| r.get(0))
}

/// Whom a deadline concerns beside the team: who is to do the phase, who is asked to the entry.
pub(super) fn due_people(
    db: &Db,
    project: ProjectId,
    phase: Option<&str>,
    entry: Option<EntryId>,
) -> Result<Vec<UserId>> {
    db.all(
        "SELECT assignee_id FROM phases WHERE project_id = ?1 AND phase = ?2 AND assignee_id IS NOT NULL
         UNION SELECT user_id FROM entry_people WHERE entry_id = ?3",
        params![project, phase, entry],
        |r| r.get(0),
    )
}

pub(super) fn uploader(db: &Db, media: MediaId) -> Result<Option<UserId>> {
    db.one("SELECT user_id FROM media WHERE id = ?1 AND deleted_ms IS NULL", params![media], |r| r.get(0))
}

pub(super) fn decision(db: &Db, feedback: FeedbackId, user: UserId) -> Result<Option<String>> {
    let sql = "SELECT decision FROM decisions WHERE feedback_id = ?1 AND user_id = ?2";
    db.one(sql, params![feedback, user], |r| r.get(0))
}

/// An open invitation: its address, its inviter, and the account of the address.
pub(super) struct Invited {
    pub(super) email: String,
    pub(super) inviter: UserId,
    pub(super) account: Option<UserId>,
    pub(super) lang: Option<Lang>,
    pub(super) inviter_lang: Lang,
}

pub(super) fn invitation(db: &Db, id: InvitationId) -> Result<Option<Invited>> {
    db.one(
        "SELECT i.email, i.inviter_id, u.id, u.locale, v.locale FROM invitations i
         JOIN users v ON v.id = i.inviter_id LEFT JOIN users u ON u.email = i.email WHERE i.id = ?1",
        params![id],
        |r| {
            let lang: Option<String> = r.get(3)?;
            Ok(Invited {
                email: r.get(0)?,
                inviter: r.get(1)?,
                account: r.get(2)?,
                lang: lang.and_then(|tag| Lang::from_tag(&tag)),
                inviter_lang: Lang::from_tag(&r.get::<_, String>(4)?).unwrap_or_default(),
            })
        },
    )
}
