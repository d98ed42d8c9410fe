//! Versions of a plan: what it was after each change, what differs between two of them, and the way back.
//!
//! What one person writes within ten minutes is one version. There are `KEPT` of a plan at the most; versions that were
//! only written in go first.

use serde::Serialize;
use serde_json::{Map, Value};

use super::edit::shows_otherwise;
use super::story::{Inputs, StageName, Story};
use super::{Change, Plan, look, may_change, save, sql as plans, sql_versions as sql};
use crate::app::App;
use crate::base::clock::{MINUTE, Time};
use crate::base::error::{Error, Result};
use crate::base::ids::{PlanId, UserId};
use crate::base::locale::Text;
use crate::base::roles::Right;
use crate::domain::accounts::{Person, Viewer};
use crate::engines::store::{Db, Tx};
use crate::{closed_set, text_columns};

/// Versions of a plan that are kept.
pub(super) const KEPT: i64 = 200;
/// How long what one person writes is one version.
const TOGETHER: i64 = 10 * MINUTE;

closed_set! {
    /// Why there is a version.
    Reason {
        /// The plan was made.
        Created = "created",
        /// Somebody wrote in it.
        Edited = "edited",
        /// A storyboard was drafted.
        Storyboard = "storyboard",
        /// Shots were moved.
        Order = "order",
        /// A picture was put in or taken out.
        Picture = "picture",
        /// It went a step on its way.
        Status = "status",
        /// An older version came back.
        Restored = "restored",
        /// It came from a file.
        Imported = "imported",
    }
}

text_columns!(Reason);

/// A version in a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PlanVersionBrief)]
pub struct Brief {
    /// 1, 2, 3 …
    #[schema(example = 3)]
    pub version: i64,
    /// When it began.
    pub created: Time,
    /// Whose change it was; `null` for the program.
    pub user: Option<Person>,
    /// Why there is one.
    pub reason: Reason,
    /// The title at that time.
    #[schema(example = "겨울 저녁 붕어빵")]
    pub title: String,
}

/// A plan as it stood.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PlanVersion)]
pub struct Version {
    /// Which.
    #[serde(flatten)]
    pub brief: Brief,
    /// What its storyboard was asked for.
    pub inputs: Inputs,
    /// Its stages and shots.
    pub story: Story,
}

/// What differs between two versions.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PlanDiff)]
pub struct Diff {
    /// The one compared with: `before`.
    #[schema(example = 2)]
    pub with: i64,
    /// The one asked for: `after`.
    #[schema(example = 3)]
    pub version: i64,
    /// Field by field, in the order of the plan.
    pub changes: Vec<Difference>,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = PlanDifference)]
pub struct Difference {
    /// Where: `title`, `inputs.tone`, `stages.climax.summary`, `shots.7.description` (7 is the shot's key).
    #[schema(example = "shots.7.description")]
    pub path: String,
    /// In which stage, if in one.
    pub stage: Option<StageName>,
    /// The key of the shot, if it is one's.
    #[schema(example = 7)]
    pub shot: Option<i64>,
    /// At which place it stands after, from 1.
    #[schema(example = 7)]
    pub place: Option<i64>,
    /// The field's name.
    #[schema(example = "description")]
    pub field: String,
    /// What it was.
    #[schema(value_type = Object, example = json!("창밖을 본다."))]
    pub before: Value,
    /// What it is.
    #[schema(value_type = Object, example = json!("유리창에 웃는 얼굴을 그린다."))]
    pub after: Value,
}

/// Does this change go into the newest version instead of making one?
pub(super) fn continues(plan: &Plan, user: Option<UserId>, reason: Reason) -> bool {
    let last = &plan.last;
    let young = plan.updated.0 - last.created.0 < TOGETHER;
    reason == Reason::Edited && last.reason == Some(Reason::Edited) && last.user == user && young
}

/// Writes the newest version of a plan: over it if `again`, else as another one.
pub(super) fn keep(tx: &mut Tx, plan: &Plan, user: Option<UserId>, reason: Reason, again: bool) -> Result<()> {
    sql::put(tx, plan, user, reason)?;
    if !again && plan.version > KEPT {
        sql::prune(tx, plan.id, plan.version, KEPT)?;
    }
    Ok(())
}

/// The versions of a plan, newest first: all there are.
pub fn list(db: &Db, user: UserId, id: PlanId) -> Result<Vec<Brief>> {
    look(db, user, id, Right::View)?;
    sql::list(db, id, KEPT)
}

/// One version.
pub fn get(db: &Db, user: UserId, id: PlanId, version: i64) -> Result<Version> {
    look(db, user, id, Right::View)?;
    sql::get(db, id, version)?.ok_or(Error::NotFound("version"))
}

/// What differs between version `version` and `with`; without one, from the version before it.
pub fn diff(db: &Db, user: UserId, id: PlanId, version: i64, with: Option<i64>) -> Result<Diff> {
    look(db, user, id, Right::View)?;
    let mut found = sql::pair(db, id, version, with)?;
    let after = found.iter().position(|v| v.brief.version == version).ok_or(Error::NotFound("version"))?;
    let after = found.swap_remove(after);
    let before = match found.pop() {
        Some(before) => before,
        // With itself, or the first one with what was before it: nothing differs.
        None if with.is_none_or(|w| w == version) => after.clone(),
        None => return Err(Error::NotFound("version")),
    };
    let changes = compare(&before, &after)?;
    Ok(Diff { with: before.brief.version, version, changes })
}

/// Makes the plan what it was in a version. Its own newest version stays among the versions.
pub async fn restore(app: &App, who: &Viewer, id: PlanId, version: i64, expected: Option<i64>) -> Result<Plan> {
    let user = who.user;
    app.write(move |tx| {
        let (plan, old) = plans::get_with(tx, user, id, version)?.ok_or(Error::NotFound("plan"))?;
        let mut plan = may_change(plan)?;
        crate::domain::expect_rev(expected, plan.rev)?;
        let (title, inputs, mut story) = old.ok_or(Error::NotFound("version"))?;
        if version == plan.version {
            return Err(Error::Conflict(Text::new("error.plan_is_this_version")));
        }
        for shot in &mut story.shots {
            let Some(now) = plan.story.shots.iter().find(|s| s.key == shot.key) else { continue };
            // A picture's number is never given again: who has kept one by its number must not see another.
            let other = shot.picture != now.picture || shows_otherwise(shot, now);
            shot.picture_version = now.picture_version + i64::from(other);
        }
        (plan.title, plan.inputs, plan.story) = (title, inputs, story);
        // It told of the draft that is gone now.
        plan.notice = None;
        save(tx, &mut plan, Some(user), Reason::Restored, Change::Restored)?;
        Ok(plan)
    })
    .await
}

/// What differs, in the order of the plan. Shots are told apart by their keys, wherever they stand.
fn compare(before: &Version, after: &Version) -> Result<Vec<Difference>> {
    let mut out = Vec::new();
    let plain = |path: &str, field: &str, before: Value, after: Value| Difference {
        path: path.to_owned(),
        stage: None,
        shot: None,
        place: None,
        field: field.to_owned(),
        before,
        after,
    };
    if before.brief.title != after.brief.title {
        out.push(plain("title", "title", before.brief.title.clone().into(), after.brief.title.clone().into()));
    }
    for (field, b, a) in fields(&before.inputs, &after.inputs)? {
        out.push(plain(&format!("inputs.{field}"), &field, b, a));
    }
    for (old, new) in before.story.stages.iter().zip(&after.story.stages) {
        for (field, b, a) in fields(old, new)? {
            let path = format!("stages.{}.{field}", new.stage);
            out.push(Difference { stage: Some(new.stage), ..plain(&path, &field, b, a) });
        }
    }
    for (place, new) in after.story.shots.iter().enumerate() {
        let Some(was) = before.story.shots.iter().position(|s| s.key == new.key) else { continue };
        let here = (place as i64 + 1, was as i64 + 1);
        let of_shot = |field: &str, b: Value, a: Value| Difference {
            stage: Some(new.stage),
            shot: Some(new.key),
            place: Some(here.0),
            ..plain(&format!("shots.{}.{field}", new.key), field, b, a)
        };
        if here.0 != here.1 {
            out.push(of_shot("place", here.1.into(), here.0.into()));
        }
        out.extend(fields(&before.story.shots[was], new)?.into_iter().map(|(field, b, a)| of_shot(&field, b, a)));
    }
    Ok(out)
}

/// What follows from other fields, or tells nothing of the story.
const SILENT: [&str; 4] = ["edited", "key", "picture_version", "stage"];

/// The fields of one thing in which two states of it differ: name, before, after.
fn fields<T: Serialize>(before: &T, after: &T) -> Result<Vec<(String, Value, Value)>> {
    let (before, mut after) = (object(before)?, object(after)?);
    let mut out = Vec::new();
    for (name, b) in before {
        let a = after.remove(&name).unwrap_or(Value::Null);
        if a != b && !SILENT.contains(&name.as_str()) {
            out.push((name, b, a));
        }
    }
    Ok(out)
}

fn object<T: Serialize>(value: &T) -> Result<Map<String, Value>> {
    match serde_json::to_value(value).map_err(Error::internal)? {
        Value::Object(map) => Ok(map),
        _ => Err(Error::internal("it has no fields")),
    }
}
