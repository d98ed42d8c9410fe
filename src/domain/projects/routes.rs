//! `/projects`, their members and invitations, and sign-up.

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use axum::{Extension, Router};
use axum_extra::extract::CookieJar;
use serde::{Deserialize, Serialize};

use super::dashboard::{self, Dashboard, ProjectDashboard, Since};
use super::invitations::{self, Invitation, NewInvitation, Offer};
use super::members::{self, Member, NewMember};
use super::{Filter, NewProject, Order, Project, ProjectPatch, ProjectStatus, SHAPE, judge};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::fields::Wanted;
use crate::base::group::Group;
use crate::base::ids::{InvitationId, ProjectId, UserId};
use crate::base::locale::{Lang, Text};
use crate::base::page::{Page, PageQuery};
use crate::base::roles::{Right, Role};
use crate::domain::Embed;
use crate::domain::accounts::{NewUser, Origin, SignedIn, Viewer, routes::cookie};
use crate::domain::answer::{Asked, Depends, Reader, Revised, kept};
use crate::domain::http::{Caller, IfMatch, Json, Path, Query, Tagged};

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    sign_up,
    my_dashboard,
    project_dashboard,
    list,
    add,
    one,
    change,
    remove,
    restore,
    list_members,
    add_member,
    change_member,
    remove_member,
    list_invitations,
    invite,
    resend,
    revoke,
    offer,
    accept,
    decline,
))]
pub struct Doc;

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

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "hayun@demo.videoplanet.example", "nickname": "배하윤", "password": "correct horse battery", "locale": "ko"
}))]
struct SignUp {
    /// The login.
    email: String,
    /// 닉네임
    #[schema(min_length = 1, max_length = 40)]
    nickname: String,
    /// The password.
    #[schema(min_length = 8, max_length = 200, format = Password)]
    password: String,
    /// Language of pages and messages.
    #[serde(default)]
    locale: Lang,
    /// The key of an invitation: the last part of its link.
    invitation: Option<String>,
}

/// Signs up
///
/// As the sign-up policy of the instance allows: with the key of an invitation, or openly. Signs in as well.
#[utoipa::path(
    post,
    path = "/auth/signup",
    security(()),
    request_body = SignUp,
    responses(
        (status = 201, body = SignedIn),
        (status = 404, description = "No such invitation, or not for this address"),
        (status = 409, description = "This instance takes nobody without an invitation"),
    )
)]
async fn sign_up(
    State(app): State<App>,
    caller: Caller,
    jar: CookieJar,
    Json(s): Json<SignUp>,
) -> Result<impl IntoResponse> {
    let new = NewUser { email: s.email, nickname: s.nickname, password: s.password, locale: s.locale };
    let signed_in = invitations::sign_up(&app, new, s.invitation, Origin::from(&caller)).await?;
    Ok((StatusCode::CREATED, jar.add(cookie(&signed_in, &caller)), Json(signed_in)))
}

/// The dashboard of a person
///
/// What waits for him in all his projects, what is due, what is in process, what happened last, and what is new.
#[utoipa::path(get, path = "/dashboard", params(DashboardQuery), responses((status = 200, body = Dashboard)))]
pub(in crate::domain) async fn my_dashboard(
    State(app): State<App>,
    who: Viewer,
    Query(q): Query<DashboardQuery>,
    asked: Asked,
) -> Result<Response> {
    // Days pass without an event.
    let look = dashboard::Look::now(&app, q.since.map_or(Since::Never, Since::At));
    let depends = Depends::projects_of(&app, &who).until(dashboard::tomorrow(&app));
    let (reader, on) = (who.clone(), (Group::Dashboard, Reader::Person(None), depends));
    kept(&app, &asked, &who, on, |_: &Dashboard| None, move |db| dashboard::mine(db, &reader, look)).await
}

#[derive(Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::domain) struct DashboardQuery {
    /// What others did after this time is told in `news`.
    since: Option<Time>,
}

/// The dashboard of a project
#[utoipa::path(get, path = "/projects/{id}/dashboard", responses((status = 200, body = ProjectDashboard)))]
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

#[derive(Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::domain) struct ListQuery {
    /// Which page, from 1.
    #[param(minimum = 1, maximum = 1_000_000, default = 1)]
    page: Option<i64>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<i64>,
    /// Only of this status.
    #[param(inline)]
    status: Option<ProjectStatus>,
    /// Part of the name, the client or the like.
    #[param(max_length = 100)]
    search: Option<String>,
    /// Order; `-` is descending.
    #[param(inline)]
    ordering: Option<Order>,
    /// Those in the trash instead.
    #[serde(default)]
    deleted: bool,
    /// Only these fields, divided by commas.
    #[param(example = "id,name,status")]
    fields: Option<String>,
    /// What is embedded, divided by commas: `user`, `members`, `feedbacks`.
    expand: Option<String>,
}

/// Projects
///
/// Those that one is a member of.
#[utoipa::path(get, path = "/projects", params(ListQuery), responses((status = 200, body = Page<Project>)))]
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

/// Adds a project
///
/// Who adds it owns it.
#[utoipa::path(post, path = "/projects", request_body = NewProject, responses((status = 201, body = Project)))]
async fn add(State(app): State<App>, who: Viewer, Json(new): Json<NewProject>) -> Result<impl IntoResponse> {
    let project = super::add(&app, &who, new).await?;
    Ok((StatusCode::CREATED, Tagged(project.rev, project)))
}

#[derive(Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::domain) struct OneQuery {
    /// Only these fields, divided by commas.
    #[param(example = "id,name,status")]
    fields: Option<String>,
    /// What is embedded, divided by commas: `user`, `members`, `feedbacks`.
    expand: Option<String>,
}

/// A project
#[utoipa::path(get, path = "/projects/{id}", params(OneQuery), responses((status = 200, body = Project)))]
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

/// Changes a project
///
/// What is not named stays.
#[utoipa::path(
    patch,
    path = "/projects/{id}",
    params(IfMatch), request_body = ProjectPatch,
    responses((status = 200, body = Project))
)]
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

/// Deletes a project
///
/// For 30 days its owner can restore it.
#[utoipa::path(delete, path = "/projects/{id}", params(IfMatch), responses((status = 204)))]
async fn remove(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    IfMatch(rev): IfMatch,
) -> Result<StatusCode> {
    super::delete(&app, &who, id, rev).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restores a deleted project
#[utoipa::path(post, path = "/projects/{id}/restore", responses((status = 200, body = Project)))]
async fn restore(State(app): State<App>, who: Viewer, Path(id): Path<ProjectId>) -> Result<impl IntoResponse> {
    let project = super::restore(&app, &who, id).await?;
    Ok(Tagged(project.rev, project))
}

/// Members of a project
///
/// Strongest role first. Addresses are shown to owner and manager alone.
#[utoipa::path(get, path = "/projects/{id}/members", params(PageQuery), responses((status = 200, body = Page<Member>)))]
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

/// Adds a member
///
/// Somebody who has an account, by id or address. Who has none is invited.
#[utoipa::path(
    post,
    path = "/projects/{id}/members",
    request_body = NewMember,
    responses((status = 201, body = Member))
)]
async fn add_member(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Json(new): Json<NewMember>,
) -> Result<impl IntoResponse> {
    Ok((StatusCode::CREATED, Json(members::add(&app, &who, id, new).await?)))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "editor" }))]
struct NewRole {
    /// Any but owner.
    role: Role,
}

/// Changes the role of a member
#[utoipa::path(
    patch,
    path = "/projects/{id}/members/{user_id}",
    request_body = NewRole,
    responses((status = 200, body = Member), (status = 409, description = "The owner stays the owner"))
)]
async fn change_member(
    State(app): State<App>,
    who: Viewer,
    Path((id, user)): Path<(ProjectId, UserId)>,
    Json(new): Json<NewRole>,
) -> Result<Json<Member>> {
    Ok(Json(members::change(&app, &who, id, user, new.role).await?))
}

/// Removes a member
///
/// Owner and manager remove others; everybody may remove himself.
#[utoipa::path(
    delete,
    path = "/projects/{id}/members/{user_id}",
    responses((status = 204), (status = 409, description = "The owner stays"))
)]
async fn remove_member(
    State(app): State<App>,
    who: Viewer,
    Path((id, user)): Path<(ProjectId, UserId)>,
) -> Result<StatusCode> {
    members::remove(&app, &who, id, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Invitations to a project
#[utoipa::path(
    get,
    path = "/projects/{id}/invitations",
    params(PageQuery),
    responses(
        (status = 200, body = Page<Invitation>),
        (status = 403, description = "Only owner and manager may see them"),
    )
)]
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

/// Invites somebody
///
/// The answer carries the link; it works without a mail server.
#[utoipa::path(
    post,
    path = "/projects/{id}/invitations",
    request_body = NewInvitation,
    responses((status = 201, body = Invitation))
)]
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

/// Makes the link of an invitation anew
///
/// At most once a minute (429). The earlier link holds no more.
#[utoipa::path(
    post,
    path = "/projects/{id}/invitations/{invitation}/resend",
    responses((status = 200, body = Invitation))
)]
async fn resend(
    State(app): State<App>,
    who: Viewer,
    caller: Caller,
    Path((id, invitation)): Path<(ProjectId, InvitationId)>,
) -> Result<Json<Invitation>> {
    Ok(Json(invitations::resend(&app, &who, id, invitation, &caller.base_url).await?))
}

/// Revokes an invitation
#[utoipa::path(
    delete,
    path = "/projects/{id}/invitations/{invitation}",
    responses((status = 204), (status = 409, description = "It was answered already"))
)]
async fn revoke(
    State(app): State<App>,
    who: Viewer,
    Path((id, invitation)): Path<(ProjectId, InvitationId)>,
) -> Result<StatusCode> {
    invitations::revoke(&app, &who, id, invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an invitation offers
///
/// For whoever holds the link.
#[utoipa::path(get, path = "/invitations/{token}", security(()), responses((status = 200, body = Offer)))]
async fn offer(State(app): State<App>, Path(token): Path<String>) -> Result<Json<Offer>> {
    let now = app.clock.now();
    Ok(Json(app.read(move |db| invitations::offer(db, &token, now)).await?))
}

#[derive(Serialize, utoipa::ToSchema)]
struct Accepted {
    /// Where he belongs now.
    project_id: ProjectId,
}

/// Accepts an invitation
///
/// For the person to whose address it was sent.
#[utoipa::path(post, path = "/invitations/{token}/accept", responses((status = 200, body = Accepted)))]
async fn accept(State(app): State<App>, who: Viewer, Path(token): Path<String>) -> Result<Json<Accepted>> {
    Ok(Json(Accepted { project_id: invitations::accept(&app, &who, token).await? }))
}

/// Declines an invitation
#[utoipa::path(post, path = "/invitations/{token}/decline", security(()), responses((status = 204)))]
async fn decline(State(app): State<App>, Path(token): Path<String>) -> Result<StatusCode> {
    invitations::decline(&app, token).await?;
    Ok(StatusCode::NO_CONTENT)
}
