//! Projects and who belongs to them.
//!
//! Law: [`judge`] is the one place where rights are decided, on the snapshot of the change or the read itself. A project
//! that a person does not belong to is not there for him.
//! Written here only: `projects`, `members`, `invitations`.

pub mod dashboard;
pub mod exchange;
pub mod invitations;
pub mod members;
pub mod operate;
pub mod routes;
mod sql;
mod sql_exchange;
mod sql_operate;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Check, Error, Result};
use crate::base::event::Event;
use crate::base::fields::{Shape, Shown, Wanted};
use crate::base::ids::{ProjectId, UserId};
use crate::base::locale::Text;
use crate::base::page::{Page, PageSlice};
use crate::base::roles::{Right, Role};
use crate::domain::accounts::{Person, Viewer};
use crate::domain::{Embed, embedded};
use crate::engines::store::{Db, Tx};
use crate::{closed_set, text_columns};

closed_set! {
    /// Where a project stands.
    ProjectStatus {
        /// 기획 중
        Planning = "planning",
        /// 진행 중
        InProgress = "in_progress",
        /// 검토 중
        Review = "review",
        /// 완료
        Completed = "completed",
        /// 보류
        OnHold = "on_hold",
        /// 취소
        Cancelled = "cancelled",
        /// 보관
        Archived = "archived",
    }
}

text_columns!(ProjectStatus);

/// A project as a member sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Name.
    #[schema(example = "한빛식품 가을 신제품 30초 광고")]
    pub name: String,
    /// Description.
    #[schema(example = "후반 작업: 사운드 믹싱 → 색보정 → 자막 검수 순서로 진행")]
    pub description: String,
    /// 담당자
    #[schema(example = "오세린")]
    pub manager_name: String,
    /// 고객사
    #[schema(example = "한빛식품")]
    pub client: String,
    /// `#rrggbb`
    #[schema(example = "#d9480f")]
    pub color: String,
    /// Where it stands.
    pub status: ProjectStatus,
    /// 장르
    #[schema(example = "광고")]
    pub genre: String,
    /// 톤앤매너
    #[schema(example = "따뜻한")]
    pub tone: String,
    /// Concept.
    #[schema(example = "")]
    pub concept: String,
    /// When it must be delivered.
    pub deadline: Option<Time>,
    /// Since when.
    pub created: Time,
    /// Last change of the project's own fields.
    pub updated: Time,
    /// In the trash since.
    #[schema(example = json!(null))]
    pub deleted_at: Option<Time>,
    /// The owner.
    pub user_id: UserId,
    /// The owner.
    pub user: Person,
    /// The viewer's role.
    pub my_role: Role,
    /// Members, the owner among them.
    #[schema(example = 4)]
    pub member_count: i64,
    /// Feedbacks.
    #[schema(example = 3)]
    pub feedback_count: i64,
    /// Feedbacks that are neither resolved nor closed.
    #[schema(example = 2)]
    pub open_count: i64,
    /// Revision, for `ETag` and `If-Match`.
    #[serde(skip)]
    pub rev: i64,
}

/// A new project.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `Project`.
#[schema(example = json!({
    "name": "한빛식품 가을 신제품 30초 광고", "client": "한빛식품", "manager_name": "오세린", "status": "planning",
    "genre": "광고", "deadline": "2026-12-18T09:00:00.000Z"
}))]
pub struct NewProject {
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[serde(default)]
    #[schema(max_length = 10_000)]
    pub description: String,
    #[serde(default)]
    #[schema(max_length = 100)]
    pub manager_name: String,
    #[serde(default)]
    #[schema(max_length = 200)]
    pub client: String,
    #[schema(pattern = "^#[0-9a-fA-F]{6}$")]
    pub color: Option<String>,
    pub status: Option<ProjectStatus>,
    #[serde(default)]
    #[schema(max_length = 100)]
    pub genre: String,
    #[serde(default)]
    #[schema(max_length = 200)]
    pub tone: String,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub concept: String,
    pub deadline: Option<Time>,
}

/// A change of a project: what is not named stays. `deadline: null` removes it.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `Project`.
#[schema(example = json!({ "status": "review", "deadline": null }))]
pub struct ProjectPatch {
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[schema(max_length = 10_000)]
    pub description: Option<String>,
    #[schema(max_length = 100)]
    pub manager_name: Option<String>,
    #[schema(max_length = 200)]
    pub client: Option<String>,
    #[schema(pattern = "^#[0-9a-fA-F]{6}$")]
    pub color: Option<String>,
    pub status: Option<ProjectStatus>,
    #[schema(max_length = 100)]
    pub genre: Option<String>,
    #[schema(max_length = 200)]
    pub tone: Option<String>,
    #[schema(max_length = 2000)]
    pub concept: Option<String>,
    #[serde(default, deserialize_with = "crate::domain::present")]
    pub deadline: Option<Option<Time>>,
}

impl ProjectPatch {
    fn check(&self) -> Result<()> {
        let mut check = Check::new();
        if let Some(name) = &self.name {
            check.text("name", name, 1, 200);
        }
        for (field, value, max) in [
            ("description", &self.description, 10_000),
            ("manager_name", &self.manager_name, 100),
            ("client", &self.client, 200),
            ("genre", &self.genre, 100),
            ("tone", &self.tone, 200),
            ("concept", &self.concept, 2_000),
        ] {
            if let Some(value) = value {
                check.text(field, value, 0, max);
            }
        }
        if let Some(color) = &self.color {
            check.that(is_color(color), "color", Text::new("invalid.color"));
        }
        check.done()
    }

    fn apply(self, p: &mut Project) -> Vec<String> {
        let mut fields = Vec::new();
        let mut text = |name: &str, new: Option<String>, old: &mut String| {
            if let Some(new) = new.map(|n| n.trim().to_owned())
                && new != *old
            {
                *old = new;
                fields.push(name.to_owned());
            }
        };
        text("name", self.name, &mut p.name);
        text("description", self.description, &mut p.description);
        text("manager_name", self.manager_name, &mut p.manager_name);
        text("client", self.client, &mut p.client);
        text("color", self.color.map(|c| c.to_lowercase()), &mut p.color);
        text("genre", self.genre, &mut p.genre);
        text("tone", self.tone, &mut p.tone);
        text("concept", self.concept, &mut p.concept);
        if let Some(status) = self.status.filter(|s| *s != p.status) {
            p.status = status;
            fields.push("status".to_owned());
        }
        if let Some(deadline) = self.deadline.filter(|d| *d != p.deadline) {
            p.deadline = deadline;
            fields.push("deadline".to_owned());
        }
        fields
    }
}

fn is_color(text: &str) -> bool {
    text.len() == 7 && text.starts_with('#') && text[1..].chars().all(|c| c.is_ascii_hexdigit())
}

/// Colours that new projects take in turn: told apart on light and dark ground.
pub const COLORS: [&str; 8] = ["#1631f8", "#0f9d7a", "#d9480f", "#9333ea", "#c2185b", "#2f7fd1", "#a16207", "#5b6472"];

impl NewProject {
    /// Checked by the same rules as a change.
    pub fn check(self) -> Result<ProjectPatch> {
        let patch = ProjectPatch {
            name: Some(self.name),
            description: Some(self.description),
            manager_name: Some(self.manager_name),
            client: Some(self.client),
            color: self.color,
            status: self.status,
            genre: Some(self.genre),
            tone: Some(self.tone),
            concept: Some(self.concept),
            deadline: self.deadline.map(Some),
        };
        patch.check()?;
        Ok(patch)
    }
}

/// How these projects are called, for those who run the instance.
pub fn names(db: &Db, ids: &[ProjectId]) -> Result<HashMap<ProjectId, String>> {
    Ok(sql::names(db, ids)?.into_iter().collect())
}

/// Decides: does `role` (none: not a member) carry `right`? A stranger learns only that `noun` is not there.
pub fn judge(role: Option<Role>, right: Right, noun: &'static str) -> Result<Role> {
    let role = role.ok_or(Error::NotFound(noun))?;
    if role.may(right) { Ok(role) } else { Err(Error::Forbidden) }
}

/// [`judge`] for a project's id. A deleted project is there for nobody.
pub fn allow(db: &Db, user: UserId, project: ProjectId, right: Right) -> Result<Role> {
    judge(sql::role(db, user, project)?, right, "project")
}

/// The filter of the project list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of this status.
    pub status: Option<ProjectStatus>,
    /// Name, client or 담당자 contain this.
    pub search: Option<String>,
    /// Instead of the living ones, those in the trash that the viewer owns.
    pub deleted: bool,
    /// How they are sorted.
    pub order: Order,
}

closed_set! {
    /// Orders of the project list; `-` is descending.
    #[derive(Default)]
    Order {
        /// Newest first.
        #[default]
        Newest = "-created",
        /// Oldest first.
        Oldest = "created",
        /// Last changed first.
        Changed = "-updated",
        /// By name.
        Name = "name",
        /// Next deadline first, those without one last.
        Deadline = "deadline",
    }
}

/// What can be asked of a project.
pub const SHAPE: Shape = Shape {
    fields: &[
        "id",
        "name",
        "description",
        "manager_name",
        "client",
        "color",
        "status",
        "genre",
        "tone",
        "concept",
        "deadline",
        "created",
        "updated",
        "deleted_at",
        "user_id",
        "user",
        "my_role",
        "member_count",
        "feedback_count",
        "open_count",
    ],
    expand: &["user", "members", "feedbacks"],
};

/// A page of the viewer's projects.
pub fn list(
    db: &Db,
    who: &Viewer,
    filter: &Filter,
    wanted: &Wanted,
    uri: &str,
    slice: PageSlice,
) -> Result<Page<Project>> {
    let (rows, count) = sql::list(db, who.user, filter, wanted, slice)?;
    Ok(Page::new(uri, slice, count, rows))
}

/// One project, for a reader of this role.
pub fn get(db: &Db, role: Role, id: ProjectId, wanted: &Wanted) -> Result<Project> {
    judge(Some(role), Right::View, "project")?;
    sql::seen(db, role, id, wanted)?.ok_or(Error::NotFound("project"))
}

/// As it was wanted, with what is embedded: members here, feedbacks by `feedbacks`.
fn show(
    db: &Db,
    who: &Viewer,
    wanted: &Wanted,
    feedbacks: Embed,
    projects: &[Project],
) -> Result<impl FnMut(Project) -> Result<Shown<Project>> + use<>> {
    let ids: Vec<i64> = projects.iter().map(|p| p.id.0).collect();
    let mut members = if wanted.expands("members") { members::embed(db, projects)? } else { Vec::new() };
    let mut briefs = Vec::new();
    if wanted.expands("feedbacks") {
        briefs = feedbacks.0(db, who, Role::Viewer, &ids)?;
    }
    let wanted = wanted.clone();
    Ok(move |p: Project| {
        let mut more = Vec::new();
        if wanted.expands("members") {
            more.push(("members", embedded(&mut members, p.id.0)));
        }
        if wanted.expands("feedbacks") {
            more.push(("feedbacks", embedded(&mut briefs, p.id.0)));
        }
        wanted.show(p, more)
    })
}

/// Adds a project; the viewer owns it.
pub async fn add(app: &App, who: &Viewer, new: NewProject) -> Result<Project> {
    let patch = new.check()?;
    let who = who.clone();
    app.write(move |tx| insert(tx, &who.person(), patch)).await
}

/// Adds a project inside a change.
pub fn insert(tx: &mut Tx, owner: &Person, patch: ProjectPatch) -> Result<Project> {
    let now = tx.now();
    let mut project = Project {
        id: ProjectId(0),
        name: String::new(),
        description: String::new(),
        manager_name: String::new(),
        client: String::new(),
        color: COLORS[(now.0 / 7 % COLORS.len() as i64) as usize].to_owned(),
        status: ProjectStatus::Planning,
        genre: String::new(),
        tone: String::new(),
        concept: String::new(),
        deadline: None,
        created: now,
        updated: now,
        deleted_at: None,
        user_id: owner.id,
        user: owner.clone(),
        my_role: Role::Owner,
        member_count: 1,
        feedback_count: 0,
        open_count: 0,
        rev: 1,
    };
    patch.apply(&mut project);
    project.id = sql::insert(tx, &project)?;
    sql::put_member(tx, project.id, owner.id, Role::Owner)?;
    tx.emit(Some(project.id), Some(owner.id), Event::ProjectAdded { project: project.id }, None)?;
    Ok(project)
}

/// Changes a project.
pub async fn change(
    app: &App,
    who: &Viewer,
    id: ProjectId,
    patch: ProjectPatch,
    expected: Option<i64>,
) -> Result<Project> {
    patch.check()?;
    let user = who.user;
    app.write(move |tx| {
        let found = sql::get(tx, user, id)?.filter(|p| p.deleted_at.is_none());
        let mut project = found.ok_or(Error::NotFound("project"))?;
        judge(Some(project.my_role), Right::Manage, "project")?;
        crate::domain::expect_rev(expected, project.rev)?;
        let fields = patch.apply(&mut project);
        if !fields.is_empty() {
            project.updated = tx.now();
            project.rev += 1;
            sql::update(tx, &project)?;
            tx.emit(Some(id), Some(user), Event::ProjectChanged { project: id, fields }, None)?;
        }
        Ok(project)
    })
    .await
}

/// Puts a project into the trash. Its members lose it at once.
pub async fn delete(app: &App, who: &Viewer, id: ProjectId, expected: Option<i64>) -> Result<()> {
    let user = who.user;
    app.write(move |tx| {
        let project = sql::get(tx, user, id)?.filter(|p| p.deleted_at.is_none()).ok_or(Error::NotFound("project"))?;
        judge(Some(project.my_role), Right::Own, "project")?;
        crate::domain::expect_rev(expected, project.rev)?;
        let now = tx.now();
        sql::set_deleted(tx, id, Some(now))?;
        tx.emit(Some(id), Some(user), Event::ProjectDeleted { project: id }, None)?;
        Ok(())
    })
    .await
}

/// Takes a project out of the trash, within its days. Only its owner sees it there.
pub async fn restore(app: &App, who: &Viewer, id: ProjectId) -> Result<Project> {
    let user = who.user;
    let days = app.config().storage.trash_days;
    app.write(move |tx| {
        let mut project = sql::get(tx, user, id)?
            .filter(|p| p.my_role == Role::Owner || p.deleted_at.is_none())
            .ok_or(Error::NotFound("project"))?;
        judge(Some(project.my_role), Right::Own, "project")?;
        let Some(deleted) = project.deleted_at.take() else {
            return Err(Error::Conflict(Text::new("error.not_deleted")));
        };
        if tx.now().0 - deleted.0 > days * crate::base::clock::DAY {
            return Err(Error::Conflict(Text::new("error.too_late_to_restore").with("days", days)));
        }
        sql::set_deleted(tx, id, None)?;
        project.rev += 1;
        tx.emit(Some(id), Some(user), Event::ProjectRestored { project: id }, None)?;
        Ok(project)
    })
    .await
}

/// Takes a project out of the trash for those who run the instance.
pub fn untrash(tx: &mut Tx, actor: UserId, id: ProjectId) -> Result<()> {
    sql::deleted(tx, id)?.ok_or_else(|| Error::Conflict(Text::new("error.not_deleted")))?;
    sql::set_deleted(tx, id, None)?;
    tx.emit(Some(id), Some(actor), Event::ProjectRestored { project: id }, None)?;
    Ok(())
}

/// Ends the days of one in the trash: it can be restored no more, and goes with the next purge.
pub fn expire(tx: &mut Tx, id: ProjectId, at: Time) -> Result<()> {
    sql::deleted(tx, id)?.ok_or_else(|| Error::Conflict(Text::new("error.not_deleted")))?;
    sql::set_deleted(tx, id, Some(at))
}

/// Removes a project for good, with its members and invitations. Its feedbacks are gone already.
pub fn purge(tx: &mut Tx, id: ProjectId) -> Result<()> {
    sql::purge(tx, id)?;
    tx.emit(Some(id), None, Event::ProjectPurged { project: id }, None)?;
    Ok(())
}
