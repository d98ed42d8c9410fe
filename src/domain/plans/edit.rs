//! Changes of a part of a plan: a stage, a shot, the order. Each reads and writes the plan in one transaction, so that two
//! people who write two parts lose nothing, and needs no revision of the whole.

use serde::Deserialize;

use super::story::{Angle, Insert, Movement, Picture, SHOTS, Shot, ShotSize, Stage, StageName, Transition};
use super::versions::Reason;
use super::{Change, Plan, blank, check, look_open, save};
use crate::app::App;
use crate::base::error::{Check, Error, Result};
use crate::base::ids::PlanId;
use crate::base::locale::Text;
use crate::domain::accounts::Viewer;

/// A change of a stage: what is not named stays. Who writes marks it as edited; `edited: false` gives it back to the
/// generator.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `Stage`.
#[schema(example = json!({ "title": "첫 월급날", "summary": "신입사원이 첫 월급을 받고 퇴근길에 오른다." }))]
pub struct StagePatch {
    #[schema(max_length = 200)]
    pub title: Option<String>,
    #[schema(max_length = 1_000)]
    pub summary: Option<String>,
    #[schema(max_length = 5_000)]
    pub content: Option<String>,
    #[schema(max_length = 1_000)]
    pub objective: Option<String>,
    #[schema(max_length = 100)]
    pub length_hint: Option<String>,
    /// At most 8.
    pub key_points: Option<Vec<String>>,
    pub locked: Option<bool>,
    pub edited: Option<bool>,
}

/// A change of a shot: what is not named stays. Who writes marks it as edited; `edited: false` gives it back to the
/// generator.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `Shot`.
#[schema(example = json!({ "description": "유리창에 손가락으로 웃는 얼굴을 그린다.", "size": "close_up" }))]
pub struct ShotPatch {
    #[schema(max_length = 200)]
    pub title: Option<String>,
    #[schema(max_length = 2_000)]
    pub description: Option<String>,
    #[schema(max_length = 1_000)]
    pub dialogue: Option<String>,
    #[schema(max_length = 500)]
    pub subtitle: Option<String>,
    #[schema(max_length = 1_000)]
    pub voice_over: Option<String>,
    pub size: Option<ShotSize>,
    pub movement: Option<Movement>,
    pub angle: Option<Angle>,
    #[schema(minimum = 500, maximum = 600_000)]
    pub duration_ms: Option<i64>,
    pub transition: Option<Transition>,
    /// At most 3.
    pub inserts: Option<Vec<Insert>>,
    pub locked: Option<bool>,
    pub edited: Option<bool>,
}

/// The shots in their new order.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ShotOrder, example = json!({ "keys": [2, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }))]
pub struct Order {
    /// All twelve keys. Stages follow the places: three shots each.
    pub keys: Vec<i64>,
}

fn set_text(to: &mut String, from: Option<String>) {
    if let Some(text) = from {
        *to = text.trim().to_owned();
    }
}

impl StagePatch {
    fn onto(self, old: &Stage) -> Stage {
        let mut s = old.clone();
        set_text(&mut s.title, self.title);
        set_text(&mut s.summary, self.summary);
        set_text(&mut s.content, self.content);
        set_text(&mut s.objective, self.objective);
        set_text(&mut s.length_hint, self.length_hint);
        if let Some(points) = self.key_points {
            s.key_points = points.iter().map(|p| p.trim().to_owned()).collect();
        }
        let written = s != *old;
        s.locked = self.locked.unwrap_or(old.locked);
        s.edited = self.edited.unwrap_or(old.edited || written);
        s
    }
}

impl ShotPatch {
    fn onto(self, old: &Shot) -> Shot {
        let mut s = old.clone();
        set_text(&mut s.title, self.title);
        set_text(&mut s.description, self.description);
        set_text(&mut s.dialogue, self.dialogue);
        set_text(&mut s.subtitle, self.subtitle);
        set_text(&mut s.voice_over, self.voice_over);
        s.size = self.size.unwrap_or(s.size);
        s.movement = self.movement.unwrap_or(s.movement);
        s.angle = self.angle.unwrap_or(s.angle);
        s.duration_ms = self.duration_ms.unwrap_or(s.duration_ms);
        s.transition = self.transition.unwrap_or(s.transition);
        s.inserts = self.inserts.unwrap_or(s.inserts);
        let written = s != *old;
        // What the program draws follows the words.
        if old.picture == Picture::Conti && shows_otherwise(&s, old) {
            s.picture_version += 1;
        }
        s.locked = self.locked.unwrap_or(old.locked);
        s.edited = self.edited.unwrap_or(old.edited || written);
        s
    }
}

/// Would the drawn picture of one differ from that of the other?
pub(super) fn shows_otherwise(a: &Shot, b: &Shot) -> bool {
    (a.size, a.angle, a.movement, &a.description, &a.title) != (b.size, b.angle, b.movement, &b.description, &b.title)
}

/// Changes a stage. Answers the whole plan.
pub async fn stage(app: &App, who: &Viewer, id: PlanId, name: StageName, patch: StagePatch) -> Result<Plan> {
    let user = who.user;
    app.write(move |tx| {
        let mut plan = look_open(tx, user, id)?;
        let place = plan.story.stages.iter().position(|s| s.stage == name).ok_or(Error::NotFound("stage"))?;
        let stage = patch.onto(&plan.story.stages[place]);
        let mut check = Check::new();
        check::stage(&mut check, "", &stage);
        check.done()?;
        if stage != plan.story.stages[place] {
            plan.story.stages[place] = stage;
            save(tx, &mut plan, Some(user), Reason::Edited, Change::Stage)?;
        }
        Ok(plan)
    })
    .await
}

/// Changes a shot. Answers the whole plan.
pub async fn shot(app: &App, who: &Viewer, id: PlanId, key: i64, patch: ShotPatch) -> Result<Plan> {
    let user = who.user;
    app.write(move |tx| {
        let mut plan = look_open(tx, user, id)?;
        let place = place_of(&plan, key)?;
        let shot = patch.onto(&plan.story.shots[place]);
        let mut check = Check::new();
        check::shot(&mut check, "", &shot);
        check.done()?;
        if shot != plan.story.shots[place] {
            plan.story.shots[place] = shot;
            save(tx, &mut plan, Some(user), Reason::Edited, Change::Shot(key))?;
        }
        Ok(plan)
    })
    .await
}

/// Where the shot of this key stands.
pub(super) fn place_of(plan: &Plan, key: i64) -> Result<usize> {
    plan.story.shots.iter().position(|s| s.key == key).ok_or(Error::NotFound("shot"))
}

/// Puts the shots into another order. Answers the whole plan.
pub async fn order(app: &App, who: &Viewer, id: PlanId, order: Order) -> Result<Plan> {
    let mut sorted = order.keys.clone();
    sorted.sort_unstable();
    if sorted != (1..=SHOTS as i64).collect::<Vec<_>>() {
        return Err(Error::invalid("keys", Text::new("invalid.plan_keys").with("max", SHOTS)));
    }
    let user = who.user;
    app.write(move |tx| {
        let mut plan = look_open(tx, user, id)?;
        let mut shots = Vec::with_capacity(SHOTS);
        for (place, key) in order.keys.iter().enumerate() {
            let mut shot = plan.story.shots[place_of(&plan, *key)?].clone();
            shot.stage = blank::stage_at(place);
            shots.push(shot);
        }
        if shots != plan.story.shots {
            plan.story.shots = shots;
            save(tx, &mut plan, Some(user), Reason::Order, Change::Order)?;
        }
        Ok(plan)
    })
    .await
}
