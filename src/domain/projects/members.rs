//! Members and their roles.

use serde::{Deserialize, Serialize};

use serde_json::Value;

use super::{Project, allow, judge, sql};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::{ProjectId, UserId};
use crate::base::locale::Text;
use crate::base::page::{Page, PageSlice};
use crate::base::roles::{Right, Role};
use crate::domain::EMBEDDED;
use crate::domain::accounts::{self, Person, Viewer};
use crate::engines::store::{Db, Tx};

/// A member of a project.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// Who.
    pub user: Person,
    /// The login, for owner and manager; others see `null`.
    #[schema(example = "serin@demo.videoplanet.example")]
    pub email: Option<String>,
    /// Role.
    pub role: Role,
    /// Since when.
    pub created: Time,
}

/// A new member: an account, by id or address.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "hayun@demo.videoplanet.example", "role": "reviewer" }))]
pub struct NewMember {
    /// Its id …
    pub user_id: Option<UserId>,
    /// … or its login.
    pub email: Option<String>,
    /// Any but owner.
    pub role: Role,
}

/// The members of a project, strongest role first.
pub fn list(db: &Db, role: Role, project: ProjectId, uri: &str, slice: PageSlice) -> Result<Page<Member>> {
    judge(Some(role), Right::View, "project")?;
    let (mut rows, count) = sql::members(db, project, slice)?;
    if !role.may(Right::Manage) {
        rows.iter_mut().for_each(|m| m.email = None);
    }
    Ok(Page::new(uri, slice, count, rows))
}

/// Members of these projects, for embedding; their addresses where the reader may manage the project.
pub(super) fn embed(db: &Db, projects: &[Project]) -> Result<Vec<(i64, Value)>> {
    let ids: Vec<i64> = projects.iter().map(|p| p.id.0).collect();
    let mut out = Vec::new();
    for (project, mut member) in sql::members_of(db, &ids, EMBEDDED)? {
        let manages = projects.iter().any(|p| p.id.0 == project && p.my_role.may(Right::Manage));
        member.email = member.email.filter(|_| manages);
        out.push((project, serde_json::to_value(member).map_err(Error::internal)?));
    }
    Ok(out)
}

/// Adds somebody who has an account. (Who has none is invited.)
pub async fn add(app: &App, who: &Viewer, project: ProjectId, new: NewMember) -> Result<Member> {
    if new.role == Role::Owner {
        return Err(Error::invalid("role", Text::new("invalid.role_owner")));
    }
    let (actor, max) = (who.user, app.config().accounts.max_members);
    app.write(move |tx| {
        let email = new.email.as_deref().map(accounts::clean_email);
        let (role, found) = sql::role_and_account(tx, project, actor, new.user_id, email.as_deref())?;
        judge(role, Right::Manage, "project")?;
        let field = if new.user_id.is_some() { "user_id" } else { "email" };
        let sql::Account { person, email, .. } =
            found.ok_or_else(|| Error::invalid(field, Text::new("invalid.no_such_account")))?;
        join(tx, actor, project, person.id, new.role, max)?;
        Ok(Member { user_id: person.id, user: person, email: Some(email), role: new.role, created: tx.now() })
    })
    .await
}

/// Makes `user` a member inside a change.
pub fn join(tx: &mut Tx, actor: UserId, project: ProjectId, user: UserId, role: Role, max: i64) -> Result<()> {
    if !sql::add_member(tx, project, user, role, max)? {
        let text = if sql::role(tx, user, project)?.is_some() {
            Text::new("error.already_member")
        } else {
            Text::new("error.too_many_members").with("max", max)
        };
        return Err(Error::Conflict(text));
    }
    tx.emit(Some(project), Some(actor), Event::MemberAdded { project, user, role }, None)?;
    Ok(())
}

/// Changes a member's role. The owner makes another member owner by giving him that role, and becomes manager.
pub async fn change(app: &App, who: &Viewer, project: ProjectId, user: UserId, role: Role) -> Result<Member> {
    let actor = who.user;
    app.write(move |tx| {
        let right = if role == Role::Owner { Right::Own } else { Right::Manage };
        allow(tx, actor, project, right)?;
        let mut member = sql::member(tx, project, user)?.ok_or(Error::NotFound("member"))?;
        if member.role == role {
            return Ok(member);
        }
        if member.role == Role::Owner {
            return Err(Error::Conflict(Text::new("error.owner_stays")));
        }
        if role == Role::Owner {
            hand_over(tx, actor, project, actor, user)?;
        } else {
            sql::put_member(tx, project, user, role)?;
            let was = Some(member.role);
            tx.emit(Some(project), Some(actor), Event::MemberChanged { project, user, role, was }, None)?;
        }
        member.role = role;
        Ok(member)
    })
    .await
}

/// Makes a member the owner inside a change; who was it becomes manager. Rooms and dashboards hear of both.
pub(super) fn hand_over(tx: &mut Tx, actor: UserId, project: ProjectId, from: UserId, to: UserId) -> Result<()> {
    let was = sql::member(tx, project, to)?.ok_or(Error::NotFound("member"))?.role;
    for (user, role, was) in [(from, Role::Manager, Role::Owner), (to, Role::Owner, was)] {
        if was != role {
            sql::put_member(tx, project, user, role)?;
            tx.emit(Some(project), Some(actor), Event::MemberChanged { project, user, role, was: Some(was) }, None)?;
        }
    }
    sql::set_owner(tx, project, to)?;
    tx.emit(Some(project), Some(actor), Event::ProjectTransferred { project, user: to, was: from }, None)?;
    Ok(())
}

/// Removes a member; anybody but the owner may also leave.
pub async fn remove(app: &App, who: &Viewer, project: ProjectId, user: UserId) -> Result<()> {
    let actor = who.user;
    app.write(move |tx| {
        let right = if actor == user { Right::View } else { Right::Manage };
        allow(tx, actor, project, right)?;
        let member = sql::member(tx, project, user)?.ok_or(Error::NotFound("member"))?;
        if member.role == Role::Owner {
            return Err(Error::Conflict(Text::new("error.owner_stays")));
        }
        sql::remove_member(tx, project, user)?;
        tx.emit(Some(project), Some(actor), Event::MemberRemoved { project, user }, None)?;
        Ok(())
    })
    .await
}
