//! `/feedbacks/{id}`: the review room; for the discussion of a plan, the way to the plan. The page brings the feedback; its versions, decisions and comments come
//! over the API while the picture's frame is drawn.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::base::fields::Wanted;
use crate::base::ids::FeedbackId;
use crate::base::roles::Right;
use crate::domain::feedback::{self, Feedback};
use crate::domain::http::Path;
use crate::domain::projects;

#[derive(Template)]
#[template(path = "room.html")]
struct Page {
    f: Frame,
    feedback: Feedback,
    project_name: String,
}

pub(super) async fn show(
    State(app): State<App>,
    f: Frame,
    Path(id): Path<FeedbackId>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let who = f.viewer()?;
    let (feedback, project, due) = app
        .read(move |db| {
            let feedback = feedback::look(db, who.user, id, Right::View)?;
            let project = projects::get(db, feedback.my_role, feedback.project_id, &Wanted::ALL)?;
            // Only who may keep the films is told that they are to go.
            let due = match feedback.my_role.may(Right::Upload) {
                true => feedback::trash::due(db, id)?,
                false => None,
            };
            Ok((feedback, project, due))
        })
        .await?;
    // A plan is discussed on its own page; what the link asks for goes with it.
    if let Some(plan) = feedback.plan_id {
        let query = query.map(|q| format!("?{q}")).unwrap_or_default();
        return Ok(Redirect::to(&format!("/plans/{plan}{query}")).into_response());
    }
    let role = feedback.my_role;
    let data = json!({
        "feedback": feedback,
        "project": { "id": project.id, "name": project.name },
        "slug": slug(&project.name),
        "cleanup_due": due,
        "rights": {
            "comment": role.may(Right::Comment),
            "decide": role.may(Right::Decide),
            "upload": role.may(Right::Upload),
            "internal": role.may(Right::SeeInternal),
            "manage": role.may(Right::Manage),
        },
    });
    html(&Page { f: f.with("room", data), feedback, project_name: project.name })
}

/// A name as part of a file name: letters and digits of any script, the rest as single hyphens.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if out.chars().count() >= 60 {
            break;
        }
    }
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_slug_keeps_hangul() {
        assert_eq!(slug("한빛식품 가을 신제품 30초 광고"), "한빛식품-가을-신제품-30초-광고");
        assert_eq!(slug("../..\\ Spring: Film!"), "spring-film");
    }
}
