//! `/projects/{id}`: one project with its feedbacks, members and invitations.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::base::page::{Feed, FeedQuery, PageQuery};
use crate::base::roles::Right;
use crate::domain::feedback::{self, Feedback};
use crate::domain::http::{Path, Query};
use crate::domain::projects::invitations::{self, Invitation, InvitationStatus};
use crate::domain::projects::members::{self, Member};
use crate::domain::projects::{self, COLORS, Project};

#[derive(Template)]
#[template(path = "project.html")]
struct Page {
    f: Frame,
    p: Project,
    may: May,
    feedbacks: Feed<Feedback>,
    members: Vec<Member>,
    invitations: Vec<Invitation>,
    colors: &'static [&'static str],
}

/// Which buttons are drawn. Whether they work is decided by `projects::allow`.
struct May {
    manage: bool,
    upload: bool,
    own: bool,
}

pub(super) async fn show(
    State(app): State<App>,
    f: Frame,
    Path(id): Path<ProjectId>,
    Query(asked): Query<FeedQuery>,
) -> Result<Response> {
    let (who, now) = (f.viewer()?, app.clock.now());
    let slice = FeedQuery { cursor: asked.cursor, page_size: Some(30) }.check()?;
    let all = PageQuery { page: None, page_size: Some(100) }.check()?;
    let (p, feedbacks, members, invitations) = app
        .read(move |db| {
            let p = projects::get(db, &who, id)?;
            let feedbacks = feedback::list(db, &who, id, feedback::Filter::default(), slice)?;
            let members = members::list(db, &who, id, "", all)?.results;
            let invitations = if p.my_role.may(Right::Manage) {
                invitations::list(db, &who, id, now, "", all)?.results
            } else {
                Vec::new()
            };
            Ok((p, feedbacks, members, invitations))
        })
        .await?;
    let waiting = |i: &Invitation| matches!(i.status, InvitationStatus::Pending | InvitationStatus::Expired);
    let invitations = invitations.into_iter().filter(waiting).collect();
    let may = May {
        manage: p.my_role.may(Right::Manage),
        upload: p.my_role.may(Right::Upload),
        own: p.my_role.may(Right::Own),
    };
    let data = json!({ "id": p.id, "name": p.name, "rights": { "upload": may.upload } });
    let f = f.at("projects").with("project", data);
    html(&Page { f, p, may, feedbacks, members, invitations, colors: &COLORS })
}
