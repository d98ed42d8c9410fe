//! `/projects/{id}`: one project with its feedbacks, members and invitations.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::base::page::{Feed, FeedQuery};
use crate::base::roles::Right;
use crate::domain::feedback::{self, Feedback};
use crate::domain::http::{Path, Query};
use crate::domain::journal;
use crate::domain::projects::invitations::{self, Invitation};
use crate::domain::projects::members::Member;
use crate::domain::projects::{COLORS, Project, dashboard, judge};

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
    let role = judge(who.role(id), Right::View, "project")?;
    let slice = FeedQuery { cursor: asked.cursor, page_size: Some(30) }.check()?;
    let (seq, board, feedbacks, invitations) = app
        .read(move |db| {
            // The place first: what happens while the rest is read is told again, not missed.
            let seq = journal::last(db, id)?;
            let board = dashboard::of_project(db, role, id)?;
            let feedbacks = feedback::list_in(db, &board.project, slice)?;
            let invitations = invitations::waiting(db, &board.project, now)?;
            Ok((seq, board, feedbacks, invitations))
        })
        .await?;
    let (p, members) = (board.project, board.members);
    let may = May {
        manage: p.my_role.may(Right::Manage),
        upload: p.my_role.may(Right::Upload),
        own: p.my_role.may(Right::Own),
    };
    let data = json!({ "id": p.id, "name": p.name, "seq": seq, "rights": { "upload": may.upload } });
    let f = f.at("projects").with("project", data);
    html(&Page { f, p, may, feedbacks, members, invitations, colors: &COLORS })
}
