//! Accounts as those who run the instance see and change them: the list, one person with his sessions, lock and role.
//!
//! Laws: nobody locks himself, the last admin stays one. What ends here ends at once, also on open connections.

use serde::Serialize;

use super::sessions::{Session, SessionKind};
use super::{Viewer, sql, sql_people};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::{ProjectId, SessionId, UserId};
use crate::base::locale::Text;
use crate::base::roles::{Role, SiteRole};
use crate::closed_set;
use crate::engines::store::Db;

/// Accounts of one page.
pub const PAGE: i64 = 100;
/// Accounts of one file.
pub const FILE: i64 = 10_000;
/// Projects of a person that are listed.
const LISTED: i64 = 200;

closed_set! {
    /// Which accounts are listed.
    #[derive(Default)]
    Which {
        /// All.
        #[default]
        All = "all",
        /// Those that can sign in.
        Active = "active",
        /// Locked by an admin.
        Locked = "locked",
        /// Have not chosen a password yet.
        Invited = "invited",
        /// Have chosen one and were never here.
        Unseen = "unseen",
        /// Have asked for a new password.
        Asked = "asked",
    }
}

closed_set! {
    /// Orders of the list; `-` is descending.
    #[derive(Default)]
    Order {
        /// Who waits for a new password first, then the newest.
        #[default]
        Newest = "-created",
        /// Oldest first.
        Oldest = "created",
        /// By nickname.
        Name = "name",
        /// By nickname, from the end.
        NameDown = "-name",
        /// Strongest role first.
        Role = "role",
        /// Weakest role first.
        RoleDown = "-role",
        /// Seen last first.
        Seen = "-seen",
        /// Seen longest ago first.
        SeenDown = "seen",
    }
}

/// Which accounts, in which order.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Address or nickname contain this.
    pub search: String,
    /// Of this role.
    pub role: Option<SiteRole>,
    /// In this state.
    pub state: Which,
    /// Sorted so.
    pub order: Order,
}

/// A person as the dashboard shows him.
#[derive(Clone, Debug, Serialize)]
pub struct Account {
    /// Who.
    pub id: UserId,
    /// The login.
    pub email: String,
    /// 닉네임
    pub nickname: String,
    /// Role on the instance.
    pub site_role: SiteRole,
    /// Locked by an admin.
    pub locked: bool,
    /// Has chosen a password.
    pub ready: bool,
    /// Asked for a new password at this time.
    pub reset_asked: Option<Time>,
    /// Since when.
    pub created: Time,
    /// Last use of any session that is still there.
    pub last_seen: Option<Time>,
    /// Sessions and tokens that hold.
    pub sessions: i64,
}

/// A project of a person.
#[derive(Clone, Debug)]
pub struct Membership {
    /// Which.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
    /// As what.
    pub role: Role,
    /// Is the project in the trash?
    pub deleted: bool,
    /// Since when.
    pub since: Time,
}

/// One person with what hangs on him.
#[derive(Clone, Debug)]
pub struct Detail {
    /// Who.
    pub account: Account,
    /// Shut until then, after too many wrong passwords.
    pub shut_until: Option<Time>,
    /// His browsers, last used first.
    pub sessions: Vec<Session>,
    /// His programs.
    pub tokens: Vec<Session>,
    /// Where he belongs, at most 200.
    pub projects: Vec<Membership>,
}

/// A page of accounts, 1-based, and how many there are in all.
pub fn list(db: &Db, filter: &Filter, page: i64, size: i64, now: Time) -> Result<(Vec<Account>, i64)> {
    sql_people::list(db, filter, size, (page - 1) * size, now)
}

/// One account with its sessions and projects.
pub fn detail(db: &Db, user: UserId, now: Time) -> Result<Detail> {
    let (account, shut) = sql_people::account(db, user, now)?.ok_or(Error::NotFound("user"))?;
    let all = sql_people::sessions(db, user, now)?;
    let (sessions, tokens) = all.into_iter().partition(|s| s.kind == SessionKind::Session);
    let projects = sql_people::memberships(db, user, LISTED)?;
    Ok(Detail { account, shut_until: Some(shut).filter(|until| *until > now), sessions, tokens, projects })
}

/// Locks or unlocks an account; locking ends all its sessions.
pub async fn set_locked(app: &App, who: &Viewer, user: UserId, locked: bool) -> Result<()> {
    let actor = who.user;
    if actor == user {
        return Err(Error::Conflict(Text::new("error.not_yourself")));
    }
    app.write(move |tx| {
        if sql::set_locked(tx, user, locked)? == 0 {
            return Err(Error::NotFound("user"));
        }
        if locked {
            sql::delete_sessions(tx, user, None)?;
        }
        let event = if locked { Event::UserLocked { user } } else { Event::UserUnlocked { user } };
        tx.emit(None, Some(actor), event, None)?;
        Ok(())
    })
    .await
}

/// Changes a person's role on the instance. The last admin stays one.
pub async fn set_site_role(app: &App, who: &Viewer, user: UserId, role: SiteRole) -> Result<()> {
    let actor = who.user;
    app.write(move |tx| {
        let was = sql::site_role(tx, user)?.ok_or(Error::NotFound("user"))?;
        sql::set_site_role(tx, user, role)?;
        if sql::admins(tx)? == 0 {
            return Err(Error::Conflict(Text::new("error.last_admin")));
        }
        tx.emit(None, Some(actor), Event::SiteRoleChanged { user, role, was: Some(was) }, None)?;
        Ok(())
    })
    .await
}

/// Ends one session or token of somebody.
pub async fn end_session(app: &App, who: &Viewer, user: UserId, session: SessionId) -> Result<()> {
    who.must_administer()?;
    let actor = who.user;
    app.write(move |tx| {
        if sql::delete_session(tx, user, session)? == 0 {
            return Err(Error::NotFound("session"));
        }
        tx.emit(None, Some(actor), Event::LoggedOut { user, session }, None)?;
        Ok(())
    })
    .await
}

/// Ends all sessions and tokens of somebody; his own present session stays to who does it to himself.
pub async fn end_sessions(app: &App, who: &Viewer, user: UserId) -> Result<()> {
    who.must_administer()?;
    let actor = who.user;
    let kept = (actor == user).then_some(who.session);
    app.write(move |tx| {
        sql::me(tx, user)?.ok_or(Error::NotFound("user"))?;
        sql::delete_sessions(tx, user, kept)?;
        tx.emit(None, Some(actor), Event::SessionsRevoked { user, kept }, None)?;
        Ok(())
    })
    .await
}
