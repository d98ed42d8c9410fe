//! `/projects/{id}/plans`: the plans of a project with the first frames of each, and with `?deleted=true` its trash.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::base::fields::Wanted;
use crate::base::ids::{PlanId, ProjectId};
use crate::base::page::{Feed, FeedQuery};
use crate::base::roles::Right;
use crate::domain::http::{Path, Query};
use crate::domain::journal;
use crate::domain::plans::rules::Preset;
use crate::domain::plans::{self, Front, PlanBrief, PlanStatus};
use crate::domain::projects::{self, Project, judge};

/// Plans of a page.
const PAGE: i64 = 60;

#[derive(Template)]
#[template(path = "plans.html")]
struct Page {
    f: Frame,
    p: Project,
    may: May,
    plans: Feed<PlanBrief>,
    fronts: HashMap<PlanId, Vec<Front>>,
    status: String,
    trash: bool,
}

/// Which buttons are drawn. Whether they work is decided by `projects::allow`.
struct May {
    manage: bool,
    plan: bool,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    cursor: Option<String>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    deleted: bool,
}

pub(super) async fn show(
    State(app): State<App>,
    f: Frame,
    Path(id): Path<ProjectId>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let who = f.viewer()?;
    let role = judge(who.role(id), Right::View, "project")?;
    let slice = FeedQuery { cursor: asked.cursor, page_size: Some(PAGE) }.check()?;
    // An unknown status in an old link is none.
    let status = asked.status.parse::<PlanStatus>().ok();
    let trash = asked.deleted && role.may(Right::Plan);
    let (seq, p, plans, fronts) = app
        .read(move |db| {
            // The place first: what happens while the rest is read is told again, not missed.
            let seq = journal::last(db, id)?;
            let project = projects::get(db, role, id, &Wanted::ALL)?;
            let plans = plans::list(db, role, id, status, trash, slice)?;
            let ids: Vec<PlanId> = plans.results.iter().map(|p| p.id).collect();
            Ok((seq, project, plans, plans::fronts(db, &ids)?))
        })
        .await?;
    let may = May { manage: role.may(Right::Manage), plan: role.may(Right::Plan) };
    let f = f.at("projects").with("plans", json!({ "project": { "id": p.id }, "seq": seq }));
    let status = status.map(|s| s.to_string()).unwrap_or_default();
    html(&Page { f, p, may, plans, fronts, status, trash })
}

impl Page {
    fn statuses(&self) -> &'static [PlanStatus] {
        PlanStatus::ALL
    }

    fn presets(&self) -> &'static [Preset] {
        Preset::ALL
    }

    /// Where the first frames of a plan are.
    fn frames(&self, plan: &PlanBrief) -> Vec<String> {
        let fronts = self.fronts.get(&plan.id).map_or(&[][..], |f| f);
        let address = |f: &Front| format!("/api/v1/plans/{}/shots/{}/picture?v={}", plan.id, f.key, f.picture_version);
        fronts.iter().map(address).collect()
    }

    fn long(&self, plan: &PlanBrief) -> String {
        self.f.length(&(plan.inputs.duration_s * 1000))
    }

    fn page(&self, cursor: &str) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("cursor", cursor);
        if !self.status.is_empty() {
            pairs.append_pair("status", &self.status);
        }
        if self.trash {
            pairs.append_pair("deleted", "true");
        }
        format!("?{}", pairs.finish())
    }
}
