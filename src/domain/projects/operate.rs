//! Projects as those who run the instance see them: all of them, those in the trash among them, and what is done to one
//! without being its member.
//!
//! Laws: admins of the instance change, and what they do stands in the project's journal under their names. It gives
//! them no role in the project: whoever wants to look inside makes himself a member, which its owner sees.

use super::members::{self, Member};
use super::{ProjectStatus, sql, sql_operate};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::ProjectId;
use crate::base::locale::Text;
use crate::base::roles::Role;
use crate::closed_set;
use crate::domain::accounts::{self, Person, Viewer};
use crate::engines::store::Db;

/// Projects of one page.
pub const PAGE: i64 = 50;
/// Projects of one file.
pub const FILE: i64 = 10_000;

closed_set! {
    /// Which projects are listed.
    #[derive(Default)]
    Where {
        /// All.
        #[default]
        All = "all",
        /// Those that are there.
        Living = "living",
        /// Those in the trash.
        Trash = "trash",
    }
}

closed_set! {
    /// What the list is sorted by.
    #[derive(Default)]
    By {
        /// The last thing that happened.
        #[default]
        Activity = "activity",
        /// Name.
        Name = "name",
        /// The owner's nickname.
        Owner = "owner",
        /// Number of members.
        Members = "members",
        /// Number of feedbacks.
        Feedbacks = "feedbacks",
        /// Number of versions.
        Versions = "versions",
        /// Bytes on the disk.
        Size = "size",
        /// When it was made.
        Created = "created",
    }
}

/// Which projects, in which order.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Name, client, or the owner's nickname or address contain this.
    pub search: String,
    /// Where they are.
    pub place: Where,
    /// Of this status.
    pub status: Option<ProjectStatus>,
    /// Sorted by this.
    pub by: By,
    /// The largest, or the last in the alphabet, first.
    pub down: bool,
}

/// A project as the dashboard shows it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which.
    pub id: ProjectId,
    /// Its name.
    pub name: String,
    /// 고객사
    pub client: String,
    /// Where it stands.
    pub status: ProjectStatus,
    /// In the trash since.
    pub deleted: Option<Time>,
    /// Since when it is there.
    pub created: Time,
    /// Whose it is.
    pub owner: Person,
    /// His account is locked.
    pub owner_locked: bool,
    /// Members, the owner among them.
    pub members: i64,
    /// Feedbacks that are not in the trash.
    pub feedbacks: i64,
    /// Versions that are not in the trash.
    pub versions: i64,
    /// Bytes of its films and what was made of them.
    pub size_bytes: i64,
    /// What it may take, where that is limited.
    pub quota: Option<i64>,
    /// When something happened in it last.
    pub active: Option<Time>,
}

/// A page of projects, 1-based, and how many there are in all.
pub fn list(db: &Db, filter: &Filter, page: i64, size: i64) -> Result<(Vec<Row>, i64)> {
    sql_operate::list(db, filter, size, (page - 1) * size)
}

/// One of them.
pub fn get(db: &Db, id: ProjectId) -> Result<Row> {
    sql_operate::get(db, id)?.ok_or(Error::NotFound("project"))
}

/// Its members, strongest role first, with their addresses, at most 200.
pub fn members(db: &Db, id: ProjectId) -> Result<Vec<Member>> {
    Ok(sql::members_of(db, &[id.0], 200)?.into_iter().map(|(_, member)| member).collect())
}

/// Puts a project into the trash. `name` is typed by who does it, so that it is the one that he means.
pub async fn delete(app: &App, who: &Viewer, id: ProjectId, name: &str) -> Result<()> {
    who.must_administer()?;
    let (actor, name) = (who.user, name.trim().to_owned());
    app.write(move |tx| {
        let row = get(tx, id)?;
        if row.deleted.is_some() {
            return Err(Error::Conflict(Text::new("error.project_in_trash")));
        }
        if row.name != name {
            return Err(Error::invalid("name", Text::new("invalid.typed_name")));
        }
        let now = tx.now();
        sql::set_deleted(tx, id, Some(now))?;
        tx.emit(Some(id), Some(actor), Event::ProjectDeleted { project: id }, None)?;
        Ok(())
    })
    .await
}

/// Gives a project to somebody, by his address. Who had it becomes manager; who was no member becomes one.
pub async fn transfer(app: &App, who: &Viewer, id: ProjectId, email: &str) -> Result<()> {
    who.must_administer()?;
    let (actor, email, max) = (who.user, accounts::clean_email(email), app.config().accounts.max_members);
    app.write(move |tx| {
        let row = get(tx, id)?;
        if row.deleted.is_some() {
            return Err(Error::Conflict(Text::new("error.project_in_trash")));
        }
        let to = sql_operate::open_account(tx, &email)?
            .ok_or_else(|| Error::invalid("email", Text::new("invalid.no_such_account")))?;
        if to == row.owner.id {
            return Err(Error::invalid("email", Text::new("invalid.owner_already")));
        }
        if sql::role(tx, to, id)?.is_none() {
            members::join(tx, actor, id, to, Role::Owner, max)?;
        }
        members::hand_over(tx, actor, id, row.owner.id, to)
    })
    .await
}
