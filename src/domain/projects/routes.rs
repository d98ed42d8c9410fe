//! `/projects`, their members and invitations, and sign-up.

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use axum::{Extension, Router};
use axum_extra::extract::CookieJar;
use serde::{Deserialize, Serialize};

use super::dashboard::{self, Dashboard, ProjectDashboard};
use super::invitations::{self, Invitation, NewInvitation, Offer};
use super::members::{self, Member, NewMember};
use super::{Filter, NewProject, Order, ProjectPatch, ProjectStatus, SHAPE, judge};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::fields::Wanted;
use crate::base::group::Group;
use crate::base::ids::{InvitationId, ProjectId, UserId};
use crate::base::locale::{Lang, Text};
use crate::base::page::{Page, PageQuery};
use crate::base::roles::{Right, Role};
use crate::domain::Embed;
use crate::domain::accounts::{NewUser, Viewer, routes::cookie};
use crate::domain::answer::{Asked, Depends, Reader, Revised, kept};
use crate::domain::http::{Caller, IfMatch, Json, Path, Query, Tagged};

/// The routes of this noun; `feedbacks` reads what is embedded by `?expand=feedbacks`.
pub fn routes(feedbacks: Embed) -> Router<App> {
    Router::new()
        .route("/auth/signup", post(sign_up))
        .route("/dashboard", get(my_dashboard))
        .route("/projects", get(list).post(add))
        .route("/projects/{id}", get(one).patch(change).delete(remove))
        .route("/projects/{id}/restore", post(restore))
        .route("/projects/{id}/dashboard", get(project_dashboard))
        .route("/projects/{id}/members", get(list_members).post(add_member))
        .route("/projects/{id}/members/{user_id}", patch(change_member).delete(remove_member))
        .route("/projects/{id}/invitations", get(list_invitations).post(invite))
        .route("/projects/{id}/invitations/{invitation}", delete(revoke))
        .route("/projects/{id}/invitations/{invitation}/resend", post(resend))
        .route("/invitations/{token}", get(offer))
        .route("/invitations/{token}/accept", post(accept))
        .route("/invitations/{token}/decline", post(decline))
        .layer(Extension(feedbacks))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignUp {
    email: String,
    nickname: String,
    password: String,
    #[serde(default)]
    locale: Lang,
    invitation: Option<String>,
}

async fn sign_up(
    State(app): State<App>,
    caller: Caller,
    jar: CookieJar,
    Json(s): Json<SignUp>,
) -> Result<impl IntoResponse> {
    let new = NewUser { email: s.email, nickname: s.nickname, password: s.password, locale: s.locale };
    let signed_in = invitations::sign_up(&app, new, s.invitation, caller.ip.clone()).await?;
    Ok((StatusCode::CREATED, jar.add(cookie(&signed_in, &caller)), Json(signed_in)))
}

pub(in crate::domain) async fn my_dashboard(State(app): State<App>, who: Viewer, asked: Asked) -> Result<Response> {
    // Days pass without an event.
    let soon = dashboard::soon(app.clock.now());
    let depends = Depends::projects_of(&app, &who).until(dashboard::tomorrow(app.clock.now()));
    let (reader, on) = (who.clone(), (Group::Dashboard, Reader::Person(None), depends));
    kept(&app, &asked, &who, on, |_: &Dashboard| None, move |db| dashboard::mine(db, &reader, soon)).await
}

pub(in crate::domain) async fn project_dashboard(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    asked: Asked,
) -> Result<Response> {
    let role = judge(who.role(id), Right::View, "project")?;
    let on = (Group::ProjectDashboard, Reader::Role(role), Depends::project(&app, id));
    kept(&app, &asked, &who, on, |_: &ProjectDashboard| None, move |db| dashboard::of_project(db, role, id)).await
}

#[derive(Default, Deserialize)]
pub(in crate::domain) struct ListQuery {
    page: Option<i64>,
    page_size: Option<i64>,
    status: Option<ProjectStatus>,
    search: Option<String>,
    ordering: Option<Order>,
    #[serde(default)]
    deleted: bool,
    fields: Option<String>,
    expand: Option<String>,
}

pub(in crate::domain) async fn list(
    State(app): State<App>,
    who: Viewer,
    Extension(feedbacks): Extension<Embed>,
    Query(q): Query<ListQuery>,
    asked: Asked,
) -> Result<Response> {
    let wanted = Wanted::read(&SHAPE, q.fields.as_deref(), q.expand.as_deref())?;
    let slice = PageQuery { page: q.page, page_size: q.page_size }.check()?;
    let search = q.search.map(|s| s.trim().to_owned()).filter(|s| !s.is_empty());
    if search.as_ref().is_some_and(|s| s.chars().count() > 100) {
        return Err(Error::invalid("search", Text::new("invalid.too_long").with("max", 100)));
    }
    let filter = Filter { status: q.status, search, deleted: q.deleted, order: q.ordering.unwrap_or_default() };
    let (reader, uri) = (who.clone(), asked.uri.clone());
    let on = (Group::Projects, Reader::Person(None), Depends::frames_of(&app, &who));
    kept(
        &app,
        &asked,
        &who,
        on,
        |_| None,
        move |db| {
            let page = super::list(db, &reader, &filter, &wanted, &uri, slice)?;
            let show = super::show(db, &reader, &wanted, feedbacks, &page.results)?;
            page.map(show)
        },
    )
    .await
}

async fn add(State(app): State<App>, who: Viewer, Json(new): Json<NewProject>) -> Result<impl IntoResponse> {
    let project = super::add(&app, &who, new).await?;
    Ok((StatusCode::CREATED, Tagged(project.rev, project)))
}

#[derive(Default, Deserialize)]
pub(in crate::domain) struct OneQuery {
    fields: Option<String>,
    expand: Option<String>,
}

pub(in crate::domain) async fn one(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Extension(feedbacks): Extension<Embed>,
    Query(q): Query<OneQuery>,
    asked: Asked,
) -> Result<Response> {
    let wanted = Wanted::read(&SHAPE, q.fields.as_deref(), q.expand.as_deref())?;
    let role = judge(who.role(id), Right::View, "project")?;
    let (reader, on) = (who.clone(), (Group::Project, Reader::Role(role), Depends::frame(&app, id)));
    kept(
        &app,
        &asked,
        &who,
        on,
        |r: &Revised<_>| Some(r.0),
        move |db| {
            let project = super::get(db, role, id, &wanted)?;
            let mut show = super::show(db, &reader, &wanted, feedbacks, std::slice::from_ref(&project))?;
            Ok(Revised(project.rev, show(project)?))
        },
    )
    .await
}

async fn change(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    IfMatch(rev): IfMatch,
    Json(patch): Json<ProjectPatch>,
) -> Result<impl IntoResponse> {
    let project = super::change(&app, &who, id, patch, rev).await?;
    Ok(Tagged(project.rev, project))
}

async fn remove(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    IfMatch(rev): IfMatch,
) -> Result<StatusCode> {
    super::delete(&app, &who, id, rev).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn restore(State(app): State<App>, who: Viewer, Path(id): Path<ProjectId>) -> Result<impl IntoResponse> {
    let project = super::restore(&app, &who, id).await?;
    Ok(Tagged(project.rev, project))
}

async fn list_members(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Query(q): Query<PageQuery>,
    asked: Asked,
) -> Result<Response> {
    let slice = q.check()?;
    let role = judge(who.role(id), Right::View, "project")?;
    let (uri, on) = (asked.uri.clone(), (Group::Members, Reader::Role(role), Depends::frame(&app, id)));
    kept(&app, &asked, &who, on, |_: &Page<Member>| None, move |db| members::list(db, role, id, &uri, slice)).await
}

async fn add_member(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Json(new): Json<NewMember>,
) -> Result<impl IntoResponse> {
    Ok((StatusCode::CREATED, Json(members::add(&app, &who, id, new).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRole {
    role: Role,
}

async fn change_member(
    State(app): State<App>,
    who: Viewer,
    Path((id, user)): Path<(ProjectId, UserId)>,
    Json(new): Json<NewRole>,
) -> Result<Json<Member>> {
    Ok(Json(members::change(&app, &who, id, user, new.role).await?))
}

async fn remove_member(
    State(app): State<App>,
    who: Viewer,
    Path((id, user)): Path<(ProjectId, UserId)>,
) -> Result<StatusCode> {
    members::remove(&app, &who, id, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_invitations(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    OriginalUri(uri): OriginalUri,
    Query(q): Query<PageQuery>,
) -> Result<Json<Page<Invitation>>> {
    let (slice, now) = (q.check()?, app.clock.now());
    Ok(Json(app.read(move |db| invitations::list(db, &who, id, now, &uri.to_string(), slice)).await?))
}

async fn invite(
    State(app): State<App>,
    who: Viewer,
    caller: Caller,
    Path(id): Path<ProjectId>,
    Json(new): Json<NewInvitation>,
) -> Result<impl IntoResponse> {
    let made = invitations::add(&app, &who, id, new, &caller.base_url).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

async fn resend(
    State(app): State<App>,
    who: Viewer,
    caller: Caller,
    Path((id, invitation)): Path<(ProjectId, InvitationId)>,
) -> Result<Json<Invitation>> {
    Ok(Json(invitations::resend(&app, &who, id, invitation, &caller.base_url).await?))
}

async fn revoke(
    State(app): State<App>,
    who: Viewer,
    Path((id, invitation)): Path<(ProjectId, InvitationId)>,
) -> Result<StatusCode> {
    invitations::revoke(&app, &who, id, invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn offer(State(app): State<App>, Path(token): Path<String>) -> Result<Json<Offer>> {
    let now = app.clock.now();
    Ok(Json(app.read(move |db| invitations::offer(db, &token, now)).await?))
}

#[derive(Serialize)]
struct Accepted {
    project_id: ProjectId,
}

async fn accept(State(app): State<App>, who: Viewer, Path(token): Path<String>) -> Result<Json<Accepted>> {
    Ok(Json(Accepted { project_id: invitations::accept(&app, &who, token).await? }))
}

async fn decline(State(app): State<App>, Path(token): Path<String>) -> Result<StatusCode> {
    invitations::decline(&app, token).await?;
    Ok(StatusCode::NO_CONTENT)
}
