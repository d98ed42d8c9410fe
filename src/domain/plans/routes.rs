//! `/projects/{id}/plans`, `/plans/{id}` and its versions. What is asked of its parts stands in `routes_parts`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use serde::{Deserialize, Serialize};

use super::versions::{self, Brief, Diff, Version};
use super::{NewPlan, Plan, PlanBrief, PlanPatch, PlanStatus, routes_parts as parts, trash};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::{FeedbackId, PlanId, ProjectId};
use crate::base::page::{Feed, FeedQuery};
use crate::domain::accounts::Viewer;
use crate::domain::http::{IfMatch, Json, Path, Query, Tagged};

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(
    paths(
        list,
        add,
        one,
        change,
        remove,
        restore,
        discuss,
        history,
        version,
        diff,
        bring_back,
        parts::stage,
        parts::shot,
        parts::order,
        parts::ask,
        parts::picture,
        parts::put_picture,
        parts::drop_picture,
        parts::export,
        parts::import,
        parts::generator,
    ),
    components(schemas(super::exchange::File))
)]
pub struct Doc;

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/projects/{id}/plans", get(list).post(add))
        .route("/projects/{id}/plans/import", post(parts::import))
        .route("/plans/{id}", get(one).patch(change).delete(remove))
        .route("/plans/{id}/restore", post(restore))
        .route("/plans/{id}/feedback", post(discuss))
        .route("/plans/{id}/stages/{stage}", patch(parts::stage))
        .route("/plans/{id}/shots/{key}", patch(parts::shot))
        .route(
            "/plans/{id}/shots/{key}/picture",
            get(parts::picture).put(parts::put_picture).delete(parts::drop_picture),
        )
        .route("/plans/{id}/order", put(parts::order))
        .route("/plans/{id}/storyboard", post(parts::ask))
        .route("/plans/{id}/versions", get(history))
        .route("/plans/{id}/versions/{version}", get(version))
        .route("/plans/{id}/versions/{version}/diff", get(diff))
        .route("/plans/{id}/versions/{version}/restore", post(bring_back))
        .route("/plans/{id}/export", get(parts::export))
        .route("/generator", get(parts::generator))
}

#[derive(Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Where to go on: `next_cursor` or `previous_cursor` of an earlier answer.
    cursor: Option<String>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<i64>,
    /// Only of this status.
    #[param(inline)]
    status: Option<PlanStatus>,
    /// Those in the trash instead, for who may change plans.
    deleted: Option<bool>,
}

/// Plans of a project
///
/// A feed, newest first, without their stories.
#[utoipa::path(
    get,
    path = "/projects/{id}/plans",
    params(ListQuery),
    responses((status = 200, body = Feed<PlanBrief>))
)]
async fn list(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Query(q): Query<ListQuery>,
) -> Result<Json<Feed<PlanBrief>>> {
    let slice = FeedQuery { cursor: q.cursor, page_size: q.page_size }.check()?;
    let role = crate::domain::projects::judge(who.role(id), crate::base::roles::Right::View, "project")?;
    let deleted = q.deleted.unwrap_or(false);
    Ok(Json(app.read(move |db| super::list(db, role, id, q.status, deleted, slice)).await?))
}

/// Adds a plan
///
/// It begins with blank stages and shots; its storyboard is asked for next.
#[utoipa::path(
    post,
    path = "/projects/{id}/plans",
    request_body = NewPlan,
    responses((status = 201, body = Plan))
)]
async fn add(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Json(new): Json<NewPlan>,
) -> Result<impl IntoResponse> {
    let plan = super::add(&app, &who, id, new).await?;
    Ok((StatusCode::CREATED, Tagged(plan.rev, plan)))
}

/// A plan
#[utoipa::path(get, path = "/plans/{id}", responses((status = 200, body = Plan)))]
async fn one(State(app): State<App>, who: Viewer, Path(id): Path<PlanId>) -> Result<impl IntoResponse> {
    let plan = app.read(move |db| super::get(db, who.user, id)).await?;
    Ok(Tagged(plan.rev, plan))
}

/// Changes a plan
///
/// Its title, what its storyboard is asked for, or its status. What is not named stays. Its stages and shots have paths of
/// their own. With the status its discussion moves: the first `in_review` opens it.
#[utoipa::path(
    patch,
    path = "/plans/{id}",
    params(IfMatch), request_body = PlanPatch,
    responses((status = 200, body = Plan), (status = 409, description = "No such step from its status, or it stands still"))
)]
async fn change(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<PlanId>,
    IfMatch(rev): IfMatch,
    Json(patch): Json<PlanPatch>,
) -> Result<impl IntoResponse> {
    let plan = super::change(&app, &who, id, patch, rev).await?;
    Ok(Tagged(plan.rev, plan))
}

/// Deletes a plan
///
/// It is out of sight at once, with its discussion, and can be restored for some days.
#[utoipa::path(delete, path = "/plans/{id}", params(IfMatch), responses((status = 204)))]
async fn remove(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<PlanId>,
    IfMatch(rev): IfMatch,
) -> Result<StatusCode> {
    trash::delete(&app, &who, id, rev).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restores a deleted plan
#[utoipa::path(
    post,
    path = "/plans/{id}/restore",
    responses((status = 200, body = Plan), (status = 409, description = "It is not deleted, or was for too long"))
)]
async fn restore(State(app): State<App>, who: Viewer, Path(id): Path<PlanId>) -> Result<impl IntoResponse> {
    let plan = trash::restore(&app, &who, id).await?;
    Ok(Tagged(plan.rev, plan))
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PlanDiscussion)]
struct Discussion {
    /// Comments, reactions and decisions go there.
    #[schema(example = 12)]
    feedback_id: FeedbackId,
}

/// Opens the discussion of a plan
///
/// The feedback whose comments are about the plan; the same one each time. A comment with the section `S07` is about the
/// seventh shot.
#[utoipa::path(post, path = "/plans/{id}/feedback", responses((status = 200, body = Discussion)))]
async fn discuss(State(app): State<App>, who: Viewer, Path(id): Path<PlanId>) -> Result<impl IntoResponse> {
    let feedback_id = super::discuss(&app, &who, id).await?;
    Ok(Json(Discussion { feedback_id }))
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PlanVersions)]
struct History {
    /// Newest first; at most 200.
    results: Vec<Brief>,
}

/// Versions of a plan
#[utoipa::path(get, path = "/plans/{id}/versions", responses((status = 200, body = History)))]
async fn history(State(app): State<App>, who: Viewer, Path(id): Path<PlanId>) -> Result<Json<History>> {
    let results = app.read(move |db| versions::list(db, who.user, id)).await?;
    Ok(Json(History { results }))
}

/// A version of a plan
#[utoipa::path(get, path = "/plans/{id}/versions/{version}", responses((status = 200, body = Version)))]
async fn version(
    State(app): State<App>,
    who: Viewer,
    Path((id, version)): Path<(PlanId, i64)>,
) -> Result<Json<Version>> {
    Ok(Json(app.read(move |db| versions::get(db, who.user, id, version)).await?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct DiffQuery {
    /// Compared with this version; left out: with the one before.
    #[param(example = 2)]
    with: Option<i64>,
}

/// What differs between two versions
#[utoipa::path(
    get,
    path = "/plans/{id}/versions/{version}/diff",
    params(DiffQuery),
    responses((status = 200, body = Diff))
)]
async fn diff(
    State(app): State<App>,
    who: Viewer,
    Path((id, version)): Path<(PlanId, i64)>,
    Query(q): Query<DiffQuery>,
) -> Result<Json<Diff>> {
    Ok(Json(app.read(move |db| versions::diff(db, who.user, id, version, q.with)).await?))
}

/// Brings a version back
///
/// Title, inputs, stages and shots become what they were; the present state stays among the versions.
#[utoipa::path(
    post,
    path = "/plans/{id}/versions/{version}/restore",
    params(IfMatch),
    responses((status = 200, body = Plan), (status = 409, description = "It is this version, or stands still"))
)]
async fn bring_back(
    State(app): State<App>,
    who: Viewer,
    Path((id, version)): Path<(PlanId, i64)>,
    IfMatch(rev): IfMatch,
) -> Result<Response> {
    let plan = versions::restore(&app, &who, id, version, rev).await?;
    Ok(Tagged(plan.rev, plan).into_response())
}
