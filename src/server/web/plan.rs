//! `/plans/{id}`: the plan with its storyboard, to be written in or looked at; and `/plans/{id}/print`: the same on paper.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, json};

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::base::fields::Wanted;
use crate::base::ids::PlanId;
use crate::base::roles::Right;
use crate::domain::http::Path;
use crate::domain::journal;
use crate::domain::plans::rules::{self, Preset};
use crate::domain::plans::story::{Picture, Shot, Stage, StageName};
use crate::domain::plans::{self, Plan, generator};
use crate::domain::projects::{self, Project, judge};
use crate::domain::schedule;

/// Shots of a stage: as many stand on a sheet.
const ROW: usize = 3;

#[derive(Template)]
#[template(path = "plan.html")]
struct Page {
    f: Frame,
    plan: Plan,
    project_name: String,
}

pub(super) async fn show(State(app): State<App>, f: Frame, Path(id): Path<PlanId>) -> Result<Response> {
    let who = f.viewer()?;
    let generator = generator::get(&app).await?;
    let (seq, plan, project) = app
        .read(move |db| {
            let plan = plans::get(db, who.user, id)?;
            let role = judge(who.role(plan.project_id), Right::View, "plan")?;
            let project = projects::get(db, role, plan.project_id, &Wanted::ALL)?;
            Ok((journal::last(db, plan.project_id)?, plan, project))
        })
        .await?;
    let role = project.my_role;
    let presets: Map<_, _> = Preset::ALL.iter().map(|p| (p.to_string(), json!(rules::preset(*p)))).collect();
    let data = json!({
        "plan": plan,
        "project": { "id": project.id, "name": project.name },
        "seq": seq,
        "generator": generator,
        "presets": presets,
        "rights": {
            "plan": role.may(Right::Plan),
            "comment": role.may(Right::Comment),
            "decide": role.may(Right::Decide),
            "upload": role.may(Right::Upload),
            "internal": role.may(Right::SeeInternal),
            "manage": role.may(Right::Manage),
        },
    });
    html(&Page { f: f.with("plan", data), plan, project_name: project.name })
}

#[derive(Template)]
#[template(path = "plan_print.html")]
struct Paper {
    f: Frame,
    plan: Plan,
    p: Project,
    /// The day on which it is printed.
    date: String,
}

pub(super) async fn print(State(app): State<App>, f: Frame, Path(id): Path<PlanId>) -> Result<Response> {
    let who = f.viewer()?;
    let (plan, p) = app
        .read(move |db| {
            let plan = plans::get(db, who.user, id)?;
            let role = judge(who.role(plan.project_id), Right::View, "plan")?;
            let project = projects::get(db, role, plan.project_id, &Wanted::ALL)?;
            Ok((plan, project))
        })
        .await?;
    let date = schedule::today(&app).to_string();
    html(&Paper { f, plan, p, date })
}

impl Paper {
    /// What it was asked for, as name and value; what was left open is left out.
    fn facts(&self) -> Vec<(String, String)> {
        let (f, i) = (&self.f, &self.plan.inputs);
        let total = self.plan.story.shots.iter().map(|s| s.duration_ms).sum::<i64>();
        let facts = [
            ("page.plan_print.length", f.length(&total)),
            ("js.plan.style.title", f.label("js.plan.style", i.style)),
            ("js.plan.tempo.title", f.label("js.plan.tempo", i.tempo)),
            ("js.plan.format.title", f.label("js.plan.format", i.format)),
            ("js.plan.tone", i.tone.clone()),
            ("js.plan.genre", i.genre.clone()),
            ("js.plan.target", i.target.clone()),
            ("js.plan.intensity.title", f.label("js.plan.intensity", i.intensity)),
        ];
        facts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| (f.t(key), value)).collect()
    }

    fn acts(&self) -> Vec<(usize, &Stage)> {
        self.plan.story.stages.iter().enumerate().collect()
    }

    /// The shots of a stage, each with its place.
    fn shots(&self, stage: &usize) -> Vec<(usize, &Shot)> {
        self.plan.story.shots.iter().enumerate().skip(stage * ROW).take(ROW).collect()
    }

    fn stage_seconds(&self, stage: &StageName) -> String {
        self.seconds(&self.plan.story.shots.iter().filter(|s| s.stage == *stage).map(|s| s.duration_ms).sum())
    }

    fn seconds(&self, ms: &i64) -> String {
        self.f.tw("js.plan.seconds", &[("n", &(*ms as f64 / 1000.0).to_string())])
    }

    fn name(&self, place: &usize) -> String {
        format!("S{:02}", place + 1)
    }

    fn picture(&self, place: &usize, shot: &Shot) -> String {
        // The place stands on a drawn frame: moved, it has another address.
        let place = if shot.picture == Picture::Conti { format!(".{}", place + 1) } else { String::new() };
        let (plan, key, version) = (self.plan.id, shot.key, shot.picture_version);
        format!("/api/v1/plans/{plan}/shots/{key}/picture?v={version}{place}")
    }
}
