//! What is asked of a plan's parts: stages, shots, order, storyboard, pictures, files.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Plan;
use super::edit::{self, Order, ShotPatch, StagePatch};
use super::exchange::{self, File, IMPORT_MAX};
use super::generator::{self, Generator};
use super::pictures::{self, KeyFrame, Shown, UPLOAD_MAX};
use super::story::StageName;
use super::storyboard::{self, Ask};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::ids::{JobId, PlanId, ProjectId};
use crate::base::locale::Text;
use crate::base::page::hex;
use crate::base::roles::Right;
use crate::closed_set;
use crate::domain::accounts::Viewer;
use crate::domain::answer::is_among;
use crate::domain::http::{Binary, Json, Path, Query, Tagged, read_json};
use crate::domain::projects::judge;
use crate::domain::schedule;

/// Changes a stage of a plan
///
/// Answers the whole plan. No revision is needed: whoever changes another part at the same time loses nothing.
#[utoipa::path(
    patch,
    path = "/plans/{id}/stages/{stage}",
    request_body = StagePatch,
    responses((status = 200, body = Plan), (status = 409, description = "It stands still"))
)]
pub(super) async fn stage(
    State(app): State<App>,
    who: Viewer,
    Path((id, stage)): Path<(PlanId, StageName)>,
    Json(patch): Json<StagePatch>,
) -> Result<impl IntoResponse> {
    let plan = edit::stage(&app, &who, id, stage, patch).await?;
    Ok(Tagged(plan.rev, plan))
}

/// Changes a shot of a plan
///
/// Named by its key. Answers the whole plan. No revision is needed: whoever changes another shot at the same time loses
/// nothing.
#[utoipa::path(
    patch,
    path = "/plans/{id}/shots/{key}",
    request_body = ShotPatch,
    responses((status = 200, body = Plan), (status = 409, description = "It stands still"))
)]
pub(super) async fn shot(
    State(app): State<App>,
    who: Viewer,
    Path((id, key)): Path<(PlanId, i64)>,
    Json(patch): Json<ShotPatch>,
) -> Result<impl IntoResponse> {
    let plan = edit::shot(&app, &who, id, key, patch).await?;
    Ok(Tagged(plan.rev, plan))
}

/// Puts the shots of a plan into another order
#[utoipa::path(
    put,
    path = "/plans/{id}/order",
    request_body = Order,
    responses((status = 200, body = Plan), (status = 409, description = "It stands still"))
)]
pub(super) async fn order(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<PlanId>,
    Json(order): Json<Order>,
) -> Result<impl IntoResponse> {
    let plan = edit::order(&app, &who, id, order).await?;
    Ok(Tagged(plan.rev, plan))
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StoryboardBegun)]
pub(super) struct Begun {
    /// How far it is tells `/jobs/{id}`; its result is `{plan_id, version, source, fallback, cached, images}`.
    job_id: JobId,
}

/// Asks for a storyboard
///
/// All of it, one stage, or one shot. What is locked or edited stays. The same inputs bring what they brought before;
/// `regenerate` draws another seed. When a model fails, the rules write, and `notice` says why.
#[utoipa::path(
    post,
    path = "/plans/{id}/storyboard",
    request_body = Ask,
    responses((status = 202, body = Begun), (status = 409, description = "One is being drafted, the part is locked or edited, or the plan stands still"))
)]
pub(super) async fn ask(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<PlanId>,
    Json(ask): Json<Ask>,
) -> Result<(StatusCode, Json<Begun>)> {
    let job_id = storyboard::ask(&app, &who, id, ask).await?;
    Ok((StatusCode::ACCEPTED, Json(Begun { job_id })))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PictureQuery {
    /// The `picture_version`: with it, a stored picture may be kept for good.
    #[param(example = 1)]
    v: Option<String>,
}

/// The picture of a shot
///
/// A stored sketch or key frame, or the frame that the program draws (SVG).
#[utoipa::path(
    get,
    path = "/plans/{id}/shots/{key}/picture",
    params(PictureQuery),
    responses((status = 200, description = "The picture", content_type = "image/*", body = Binary), (status = 304))
)]
pub(super) async fn picture(
    State(app): State<App>,
    who: Viewer,
    Path((id, key)): Path<(PlanId, i64)>,
    Query(q): Query<PictureQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let (shown, version) = app.read(move |db| pictures::get(db, &who, id, key)).await?;
    let named = q.v.and_then(|v| v.parse::<i64>().ok()) == Some(version);
    let (content_type, tag, bytes, cache) = match shown {
        Shown::Stored(image) => {
            let cache = if named { "private, max-age=31536000, immutable" } else { "private, no-cache" };
            (image.content_type, image.hash, image.bytes, cache)
        }
        // Its label follows the place of the shot, which its version does not count.
        Shown::Drawn(svg) => ("image/svg+xml", hex(&Sha256::digest(&svg)[..16]), Bytes::from(svg), "private, no-cache"),
    };
    let mut out = HeaderMap::new();
    let fixed = HeaderValue::from_static;
    out.insert(header::ETAG, HeaderValue::from_str(&format!("\"{tag}\"")).map_err(Error::internal)?);
    out.insert(header::CACHE_CONTROL, fixed(cache));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| is_among(&tag, known)) {
        return Ok((StatusCode::NOT_MODIFIED, out).into_response());
    }
    out.insert(header::CONTENT_TYPE, fixed(content_type));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    // Opened as a page of its own it is a picture and nothing else.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
    out.insert(header::CONTENT_SECURITY_POLICY, fixed(policy));
    Ok((out, bytes).into_response())
}

/// Puts a picture into a shot
///
/// The bytes of a PNG or JPEG of at most 1 MiB, or as JSON a moment of a film of the same project. Answers the whole plan.
#[utoipa::path(
    put,
    path = "/plans/{id}/shots/{key}/picture",
    request_body(content((KeyFrame = "application/json"), (Binary = "image/png"), (Binary = "image/jpeg"))),
    responses((status = 200, body = Plan), (status = 409, description = "It stands still"), (status = 415))
)]
pub(super) async fn put_picture(
    State(app): State<App>,
    who: Viewer,
    Path((id, key)): Path<(PlanId, i64)>,
    request: Request,
) -> Result<impl IntoResponse> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if !matches!(kind.as_str(), "application/json" | "image/png" | "image/jpeg") {
        return Err(Error::UnsupportedMedia(Text::new("error.picture_wanted")));
    }
    let bytes = body(request, UPLOAD_MAX).await?;
    let plan = if kind == "application/json" {
        pictures::put_key_frame(&app, &who, id, key, read_json::<KeyFrame>(&bytes)?).await?
    } else {
        pictures::put_sketch(&app, &who, id, key, bytes).await?
    };
    Ok(Tagged(plan.rev, plan))
}

/// Takes the picture out of a shot
///
/// The program draws it again. Answers the whole plan.
#[utoipa::path(
    delete,
    path = "/plans/{id}/shots/{key}/picture",
    responses((status = 200, body = Plan), (status = 409, description = "It stands still"))
)]
pub(super) async fn drop_picture(
    State(app): State<App>,
    who: Viewer,
    Path((id, key)): Path<(PlanId, i64)>,
) -> Result<impl IntoResponse> {
    let plan = pictures::drop_picture(&app, &who, id, key).await?;
    Ok(Tagged(plan.rev, plan))
}

closed_set! {
    /// As what a plan goes out.
    ExportFormat {
        /// JSON that comes back in.
        Json = "json",
        /// The shot list.
        Csv = "csv",
        /// Paper, A4 landscape.
        Pdf = "pdf",
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// `json` comes back in by the import; `csv` is the shot list; `pdf` is A4 landscape.
    #[param(inline)]
    format: ExportFormat,
}

/// A plan as a file
///
/// What the JSON holds tells `PlanFile`.
#[utoipa::path(
    get,
    path = "/plans/{id}/export",
    params(ExportQuery),
    responses((status = 200, description = "The file", content(
        (File = "application/json"), (Binary = "text/csv"), (Binary = "application/pdf")
    )))
)]
pub(super) async fn export(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<PlanId>,
    Query(q): Query<ExportQuery>,
) -> Result<Response> {
    let (user, lang, now) = (who.user, who.lang, app.clock.now());
    let with_pictures = q.format != ExportFormat::Csv;
    let export = app.read(move |db| exchange::read(db, user, id, with_pictures)).await?;
    let stem = export.stem();
    // Text of a dozen pictures, or pages: not among the requests.
    let day = schedule::today(&app).to_string();
    let written = tokio::task::spawn_blocking(move || match q.format {
        ExportFormat::Json => serde_json::to_vec_pretty(&export.file(now)).map_err(Error::internal),
        ExportFormat::Csv => Ok(export.csv(lang).into_bytes()),
        ExportFormat::Pdf => export.pdf(day, lang),
    });
    let bytes = written.await.map_err(Error::internal)??;
    let content_type = match q.format {
        ExportFormat::Json => "application/json",
        ExportFormat::Csv => "text/csv; charset=utf-8; header=present",
        ExportFormat::Pdf => "application/pdf",
    };
    let mut out = HeaderMap::new();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    out.insert(header::CONTENT_DISPOSITION, attachment(&format!("{stem}.{}", q.format)));
    Ok((out, bytes).into_response())
}

/// A file name as RFC 6266 and RFC 8187 (the successor of RFC 5987) want it.
fn attachment(name: &str) -> HeaderValue {
    let plain = |c: char| if c.is_ascii_graphic() && !"\"\\%".contains(c) { c } else { '_' };
    let full: String = name
        .bytes()
        .map(|b| match b {
            b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            _ if b.is_ascii_alphanumeric() => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect();
    let plain: String = name.chars().map(plain).collect();
    let text = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// Makes a plan of a file
///
/// Of what an export has written as JSON. All that does not hold is named.
#[utoipa::path(
    post,
    path = "/projects/{id}/plans/import",
    request_body = File,
    responses((status = 201, body = Plan))
)]
pub(super) async fn import(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    request: Request,
) -> Result<impl IntoResponse> {
    // Before a large body is read for somebody who may not.
    judge(who.role(id), Right::Plan, "project")?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    if !kind.trim_start().to_ascii_lowercase().starts_with("application/json") {
        return Err(Error::UnsupportedMedia(Text::new("error.json_wanted")));
    }
    let bytes = body(request, IMPORT_MAX).await?;
    let file = tokio::task::spawn_blocking(move || read_json::<File>(&bytes)).await.map_err(Error::internal)??;
    let plan = exchange::import(&app, &who, id, file).await?;
    Ok((StatusCode::CREATED, Tagged(plan.rev, plan)))
}

/// What there is to draft with
///
/// Rules are always there; a model is one that an admin has set.
#[utoipa::path(get, path = "/generator", responses((status = 200, body = Generator)))]
pub(super) async fn generator(State(app): State<App>, _: Viewer) -> Result<Json<Generator>> {
    Ok(Json(generator::get(&app).await?))
}

/// The whole body of a request within `most` bytes.
async fn body(request: Request, most: usize) -> Result<Bytes> {
    axum::body::to_bytes(request.into_body(), most).await.map_err(|e| {
        let too_large = std::error::Error::source(&e).is_some_and(|s| s.is::<http_body_util::LengthLimitError>());
        if too_large {
            Error::TooLarge { limit: most as u64 }
        } else {
            Error::BadRequest(Text::new("error.body_broken"))
        }
    })
}
