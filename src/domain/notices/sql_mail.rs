//! The statements of mails. Table: `mails`; and which notices go with which mail.

use super::mails::{Mail, MailKind, MailState, NewMail};
use super::{NoticeKind, sql};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::*;
use crate::base::locale::Lang;
use crate::base::roles::Role;
use crate::engines::store::{Db, Tx, params};

pub(super) fn insert(tx: &mut Tx, new: &NewMail) -> Result<MailId> {
    let now = tx.now();
    let id = tx.insert(
        "INSERT INTO mails (user_id, address, kind, lang, invitation_id, state, created_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![new.user, new.address, new.kind, new.lang.tag(), new.invitation, new.state, now],
    )?;
    Ok(MailId(id))
}

pub(super) fn cancel_invitation(tx: &mut Tx, id: InvitationId) -> Result<()> {
    tx.execute(
        "UPDATE mails SET state = 'cancelled' WHERE invitation_id = ?1 AND state IN ('waiting', 'held', 'failed')",
        params![id],
    )?;
    Ok(())
}

pub(super) fn cancel_waiting(tx: &mut Tx) -> Result<()> {
    tx.execute("UPDATE mails SET state = 'cancelled' WHERE state = 'waiting'", params![])?;
    Ok(())
}

pub(super) fn reset_since(db: &Db, user: UserId, since: Time) -> Result<bool> {
    let sql = "SELECT 1 FROM mails WHERE user_id = ?1 AND kind = 'reset' AND created_ms > ?2 LIMIT 1";
    Ok(db.one(sql, params![user, since], |_| Ok(()))?.is_some())
}

/// A mail as it is to go.
pub(super) struct Waiting {
    pub(super) user: Option<UserId>,
    pub(super) address: String,
    pub(super) kind: MailKind,
    pub(super) lang: Lang,
    pub(super) invitation: Option<InvitationId>,
    pub(super) created: Time,
}

pub(super) fn waiting(db: &Db, id: MailId) -> Result<Option<Waiting>> {
    db.one(
        "SELECT user_id, address, kind, lang, invitation_id, created_ms FROM mails WHERE id = ?1 AND state = 'waiting'",
        params![id],
        |r| {
            Ok(Waiting {
                user: r.get(0)?,
                address: r.get(1)?,
                kind: r.get(2)?,
                lang: Lang::from_tag(&r.get::<_, String>(3)?).unwrap_or_default(),
                invitation: r.get(4)?,
                created: r.get(5)?,
            })
        },
    )
}

/// What an open invitation offers, and what its key is made from.
pub(super) struct Offered {
    pub(super) project: String,
    pub(super) role: Role,
    pub(super) inviter: String,
    pub(super) expires: Time,
    pub(super) seed: Vec<u8>,
}

pub(super) fn offered(db: &Db, id: InvitationId, now: Time) -> Result<Option<Offered>> {
    db.one(
        "SELECT p.name, i.role, u.nickname, i.expires_ms, i.seed FROM invitations i
         JOIN projects p ON p.id = i.project_id AND p.deleted_ms IS NULL JOIN users u ON u.id = i.inviter_id
         WHERE i.id = ?1 AND i.status = 'pending' AND i.expires_ms > ?2 AND i.seed IS NOT NULL",
        params![id, now],
        |r| {
            Ok(Offered { project: r.get(0)?, role: r.get(1)?, inviter: r.get(2)?, expires: r.get(3)?, seed: r.get(4)? })
        },
    )
}

pub(super) fn settle(tx: &mut Tx, id: MailId, state: MailState, error: Option<&str>, subject: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE mails SET state = ?2, error = ?3, tried_ms = ?4, sent_ms = CASE WHEN ?2 = 'sent' THEN ?4 END,
            subject = CASE WHEN ?5 = '' THEN subject ELSE ?5 END,
            attempts = attempts + CASE WHEN ?2 IN ('sent', 'failed') THEN 1 ELSE 0 END
         WHERE id = ?1 AND state = 'waiting'",
        params![id, state, error, now, subject],
    )?;
    Ok(())
}

/// Notes a try that may be repeated; after so many it has failed. Answers how many there were.
pub(super) fn tried(tx: &mut Tx, id: MailId, error: &str, subject: &str, most: i64) -> Result<i64> {
    let n = tx.one(
        "UPDATE mails SET attempts = attempts + 1, error = ?2, subject = ?3, tried_ms = ?4,
            state = CASE WHEN attempts + 1 >= ?5 THEN 'failed' ELSE state END
         WHERE id = ?1 AND state = 'waiting' RETURNING attempts",
        params![id, error, subject, tx.now(), most],
        |r| r.get(0),
    )?;
    Ok(n.unwrap_or(most))
}

/// Lets it wait again; `false` if there is no such mail, or it is on its way.
pub(super) fn again(tx: &mut Tx, id: MailId) -> Result<bool> {
    let sql = "UPDATE mails SET state = 'waiting', attempts = 0, error = NULL WHERE id = ?1 AND state <> 'waiting'";
    Ok(tx.execute(sql, params![id])? == 1)
}

/// Mails that wait, oldest first.
pub(super) fn all_waiting(db: &Db, limit: i64) -> Result<Vec<MailId>> {
    db.all("SELECT id FROM mails WHERE state = 'waiting' ORDER BY id LIMIT ?1", params![limit], |r| r.get(0))
}

/// How many mails are in each state, and when the last of them went.
pub(super) fn counts(db: &Db) -> Result<Vec<(MailState, i64, Option<Time>)>> {
    db.all("SELECT state, count(*), max(sent_ms) FROM mails GROUP BY state", params![], |r| {
        Ok((r.get(0)?, r.get(1)?, r.get(2)?))
    })
}

pub(super) fn last_failed(db: &Db) -> Result<Option<(Time, String)>> {
    db.one(
        "SELECT tried_ms, error FROM mails
         WHERE state IN ('waiting', 'failed') AND error IS NOT NULL AND tried_ms IS NOT NULL
         ORDER BY tried_ms DESC LIMIT 1",
        params![],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}

pub(super) fn untaken_since(db: &Db, since: Time) -> Result<i64> {
    let n = db.one(
        "SELECT count(*) FROM mails
         WHERE state IN ('waiting', 'failed') AND tried_ms IS NOT NULL AND tried_ms > ?1 AND error IS NOT NULL",
        params![since],
        |r| r.get(0),
    )?;
    Ok(n.unwrap_or(0))
}

pub(super) fn log(db: &Db, state: Option<MailState>, limit: i64) -> Result<Vec<Mail>> {
    db.all(
        "SELECT m.id, m.address, m.kind, m.subject, m.state, m.attempts, m.error, m.created_ms, m.sent_ms,
            CASE WHEN i.status = 'pending' THEN i.seed END
         FROM mails m LEFT JOIN invitations i ON i.id = m.invitation_id
         WHERE (?1 IS NULL OR m.state = ?1) ORDER BY m.id DESC LIMIT ?2",
        params![state, limit],
        |r| {
            Ok(Mail {
                id: r.get(0)?,
                address: r.get(1)?,
                kind: r.get(2)?,
                subject: r.get(3)?,
                state: r.get(4)?,
                attempts: r.get(5)?,
                error: r.get(6)?,
                created: r.get(7)?,
                sent: r.get(8)?,
                seed: r.get(9)?,
            })
        },
    )
}

/// People with notices that are due by mail.
pub(super) fn due_people(db: &Db, now: Time, limit: i64) -> Result<Vec<UserId>> {
    db.all(
        "SELECT DISTINCT user_id FROM notices WHERE mail_due_ms <= ?1 ORDER BY user_id LIMIT ?2",
        params![now, limit],
        |r| r.get(0),
    )
}

/// Puts off what is due of somebody.
pub(super) fn put_off(tx: &mut Tx, user: UserId, until: Time) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE notices SET mail_due_ms = ?3 WHERE user_id = ?1 AND mail_due_ms <= ?2",
        params![user, now, until],
    )?;
    Ok(())
}

/// What he has read in the meantime is not mailed, nor is anything while there is no mail server.
pub(super) fn forget_due(tx: &mut Tx, user: UserId, all: bool) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE notices SET mail_due_ms = NULL
         WHERE user_id = ?1 AND mail_due_ms <= ?2 AND (?3 OR read_ms IS NOT NULL)",
        params![user, now, all],
    )?;
    Ok(())
}

pub(super) fn any_due(db: &Db, user: UserId, now: Time) -> Result<bool> {
    let sql = "SELECT 1 FROM notices WHERE user_id = ?1 AND mail_due_ms <= ?2 LIMIT 1";
    Ok(db.one(sql, params![user, now], |_| Ok(()))?.is_some())
}

/// What is due of somebody goes with this mail.
pub(super) fn put_in(tx: &mut Tx, user: UserId, mail: MailId) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE notices SET mail_id = ?3, mail_due_ms = NULL WHERE user_id = ?1 AND mail_due_ms <= ?2",
        params![user, now, mail],
    )?;
    Ok(())
}

/// The notices that go with a mail.
pub(super) fn of_mail(db: &Db, mail: MailId) -> Result<Vec<(UserId, NoticeId, NoticeKind)>> {
    db.all("SELECT user_id, id, kind FROM notices WHERE mail_id = ?1 ORDER BY created_ms, id", params![mail], |r| {
        Ok((r.get(0)?, r.get(1)?, r.get(2)?))
    })
}

/// Their content, as far as it can still be seen.
pub(super) fn content(db: &Db, mail: MailId) -> Result<Vec<sql::Stored>> {
    let mut seen = Vec::new();
    for (user, id, _) in of_mail(db, mail)? {
        seen.extend(sql::one(db, user, id)?);
    }
    Ok(seen)
}

/// Forgets mails that are over and older than `before`.
pub(super) fn prune(tx: &mut Tx, before: Time, limit: i64) -> Result<usize> {
    tx.execute(
        "DELETE FROM mails WHERE id IN (
            SELECT id FROM mails WHERE created_ms < ?1 AND state <> 'waiting' ORDER BY id LIMIT ?2)",
        params![before, limit],
    )
}
