//! Projects and memberships as lines of `projects.jsonl` and `members.jsonl`.
//!
//! Law: the project's `user_id` is its one owner. His membership comes with the project; `members.jsonl` may name him
//! again, but cannot make anybody else owner.

use serde::Serialize;

use super::{COLORS, ProjectPatch, ProjectStatus, sql_exchange};
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::{ProjectId, UserId};
use crate::base::locale::Text;
use crate::base::roles::Role;
use crate::base::row::{self, Fields, Lines};
use crate::engines::store::{Db, Tx};

/// A line of `projects.jsonl`. What is `None` or empty behind `updated` is the default and is not written.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) id: ProjectId,
    pub(super) user_id: UserId,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) status: ProjectStatus,
    pub(super) created: Time,
    pub(super) updated: Time,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) manager_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) client: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) color: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) genre: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) tone: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) concept: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deadline: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deleted: Option<Time>,
}

/// The colour of a project whose line names none.
pub(super) fn color_of(id: ProjectId) -> &'static str {
    COLORS[(id.0 % COLORS.len() as i64) as usize]
}

/// Adds the project of one line, with its owner as member.
pub fn import(tx: &mut Tx, f: &mut Fields) -> Result<()> {
    let row = Row {
        id: f.own_id(ProjectId),
        user_id: f.id("user_id", UserId),
        name: f.text("name"),
        description: f.text("description"),
        status: f.choice("status", &[("active", ProjectStatus::InProgress)]).unwrap_or(ProjectStatus::Planning),
        created: f.time("created"),
        updated: Time(0),
        manager_name: f.text("manager_name"),
        client: f.text("client"),
        color: f.maybe_text("color").map(|c| c.to_lowercase()),
        genre: f.text("genre"),
        tone: f.text("tone"),
        concept: f.text("concept"),
        deadline: f.maybe_time("deadline"),
        deleted: f.maybe_time("deleted"),
    };
    let row = Row { updated: f.maybe_time("updated").unwrap_or(row.created), ..row };
    f.hold(
        ProjectPatch {
            name: Some(row.name.clone()),
            description: Some(row.description.clone()),
            manager_name: Some(row.manager_name.clone()),
            client: Some(row.client.clone()),
            color: row.color.clone(),
            genre: Some(row.genre.clone()),
            tone: Some(row.tone.clone()),
            concept: Some(row.concept.clone()),
            ..ProjectPatch::default()
        }
        .check(),
    )?;
    f.done()?;
    let (project, owner) = (row.id, row.user_id);
    if !sql_exchange::is_user(tx, owner)? {
        return Err(row::no_such("user_id", "account", owner.0));
    }
    if !sql_exchange::insert(tx, &row)? {
        return Err(row::taken("project", project.0));
    }
    tx.record(Some(project), Some(owner), &Event::ProjectAdded { project }).map(|_| ())
}

/// A line of `members.jsonl`.
#[derive(Serialize)]
pub(super) struct MemberRow {
    /// Only between files: here a membership is known by its project and person.
    pub(super) id: Option<i64>,
    pub(super) project_id: ProjectId,
    pub(super) user_id: UserId,
    pub(super) role: Role,
    /// `None`: as old as the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<Time>,
}

/// Adds the membership of one line.
pub fn import_member(tx: &mut Tx, f: &mut Fields) -> Result<()> {
    let row = MemberRow {
        id: f.maybe("id", |id| id),
        project_id: f.id("project_id", ProjectId),
        user_id: f.id("user_id", UserId),
        // 일반 of the older product comments and decides. It had clients among them, who must not see what is internal to
        // the team, so he is not taken for an editor; who should be one is given that role by a manager.
        role: f.choice("role", &[("normal", Role::Reviewer)]).unwrap_or_else(|| {
            f.wrong("role", Text::new("invalid.required"));
            Role::Viewer
        }),
        created: f.maybe_time("created"),
    };
    f.done()?;
    let (project, user) = (row.project_id, row.user_id);
    let place = sql_exchange::place(tx, &row)?.ok_or_else(|| row::no_such("project_id", "project", project.0))?;
    if !place.user_found {
        return Err(row::no_such("user_id", "account", user.0));
    }
    if let (true, Some(id)) = (place.number_taken, row.id) {
        return Err(row::taken("membership", id));
    }
    let twice = || Error::invalid("user_id", Text::new("invalid.member_twice").with("project", project));
    if place.owner == user {
        if row.role != Role::Owner {
            f.note(Text::new("note.owner_stays"));
        }
        return if sql_exchange::complete_owner(tx, &row)? { Ok(()) } else { Err(twice()) };
    }
    if row.role == Role::Owner {
        let owner = Text::new("invalid.owner_elsewhere").with("owner", place.owner).with("project", project);
        return Err(Error::invalid("role", owner));
    }
    if place.is_member {
        return Err(twice());
    }
    sql_exchange::insert_member(tx, &row)?;
    let event = Event::MemberAdded { project, user, role: row.role };
    tx.record(Some(project), Some(place.owner), &event)?;
    Ok(())
}

/// Writes all projects.
pub fn export(db: &Db, out: Lines) -> Result<()> {
    row::write(ProjectId(0), |behind| sql_exchange::page(db, *behind), |r| r.id, out)
}

/// Writes all memberships but those of owners that say no more than the project does. One without a number gets the
/// next one.
pub fn export_members(db: &Db, out: Lines) -> Result<()> {
    let mut last = sql_exchange::last_number(db)?;
    let page = |behind: &(ProjectId, UserId)| {
        let mut rows = sql_exchange::member_page(db, behind.0, behind.1)?;
        for row in rows.iter_mut().filter(|r| r.id.is_none()) {
            last += 1;
            row.id = Some(last);
        }
        Ok(rows)
    };
    row::write((ProjectId(0), UserId(0)), page, |r| (r.project_id, r.user_id), out)
}
