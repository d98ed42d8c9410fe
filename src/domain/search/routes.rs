//! `/search` and `/search/suggest`.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Deserialize;

use super::{Answer, Kind, Question, Suggestions};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::domain::accounts::Viewer;
use crate::domain::http::{Json, Query};

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(search, suggest))]
pub struct Doc;

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new().route("/search", get(search)).route("/search/suggest", get(suggest))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// As typed: words, `"phrases"`, `-words`, and operators: `is:open` `is:mine` `from:닉네임` `in:프로젝트`
    /// `kind:comment` `before:2026-11-01` `after:2026-10` `has:drawing`. There is no wrong question.
    #[serde(default)]
    #[param(max_length = 500, example = "자막 오타 is:open")]
    q: String,
    /// Only hits of this kind.
    #[param(inline)]
    kind: Option<Kind>,
    /// Only hits of this project.
    project_id: Option<ProjectId>,
    /// Only hits in this state: a status of a project or a feedback, `open` or `resolved` of a comment.
    #[param(max_length = 40, example = "open")]
    status: Option<String>,
    /// Where to go on: `next_cursor` of an earlier answer to the same question.
    cursor: Option<String>,
    /// Hits of a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<i64>,
}

/// Finds
///
/// Projects, feedbacks, comments, files and people that the caller may see: best match first, among equals the newest.
/// Particles, spaces, half a word, initial consonants (`ㅅㅂㅈ`) and Hangul typed on the English layout (`vmfhwprxm`)
/// are understood. `title_html` and `snippet_html` are escaped and have no element but `<mark>`. A change is found
/// within a second after it was answered. Hits of a later page stand by their quality: while rows change, one may be
/// met twice or not at all.
#[utoipa::path(get, path = "/search", params(Asked), responses((status = 200, body = Answer)))]
async fn search(State(app): State<App>, who: Viewer, Query(asked): Query<Asked>) -> Result<Json<Answer>> {
    let Asked { q, kind, project_id, status, cursor, page_size } = asked;
    let status = status.filter(|s| !s.is_empty());
    super::search(&app, &who, &Question { q, kind, project: project_id, status, cursor, page_size }).await.map(Json)
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Typed {
    /// As typed so far.
    #[serde(default)]
    #[param(max_length = 500, example = "한빛ㅅ")]
    q: String,
}

/// Offers names while somebody types
///
/// Ten at the most: projects, feedbacks, files and people whose names have what is typed so far, half a syllable at its
/// end included.
#[utoipa::path(get, path = "/search/suggest", params(Typed), responses((status = 200, body = Suggestions)))]
async fn suggest(State(app): State<App>, who: Viewer, Query(typed): Query<Typed>) -> Result<Json<Suggestions>> {
    super::suggest(&app, &who, &typed.q).await.map(Json)
}
