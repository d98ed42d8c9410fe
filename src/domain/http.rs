//! How a noun's routes read a request and give an answer: extractors that fail with a sentence naming the field, tagged
//! answers, and the one table from [`Error`] to status and code.
//!
//! It stands in domain because every `routes.rs` uses it; the layers round the routes stand in `server::http`.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, Type};

use super::reached::Reached;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::locale::{self, Lang, Text};

/// Largest JSON body.
pub const BODY_MAX: usize = 1 << 20;

/// A body that is no JSON, in the OpenAPI document.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Binary(pub Bytes);

/// A JSON body, or a JSON answer.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Json<T>> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
        let mime = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        if mime != "application/json" && !mime.ends_with("+json") {
            return Err(Error::UnsupportedMedia(Text::new("error.json_wanted")));
        }
        let bytes = body(request).await?;
        read_json(&bytes).map(Json)
    }
}

/// The whole body, within [`BODY_MAX`].
pub async fn body(request: Request) -> Result<Bytes> {
    axum::body::to_bytes(request.into_body(), BODY_MAX).await.map_err(|e| {
        let too_large = std::error::Error::source(&e).is_some_and(|s| s.is::<http_body_util::LengthLimitError>());
        if too_large {
            Error::TooLarge { limit: BODY_MAX as u64 }
        } else {
            Error::BadRequest(Text::new("error.body_broken"))
        }
    })
}

/// Parses JSON: broken syntax is 400, a field that does not fit is 422 with its path.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut parser).map_err(|e| {
        let path = e.path().to_string();
        let inner = e.into_inner();
        if inner.is_data() {
            misfit(&path, &inner.to_string())
        } else {
            Error::BadRequest(Text::new("error.json_broken").with("line", inner.line()).with("column", inner.column()))
        }
    })?;
    parser.end().map_err(|e| {
        Error::BadRequest(Text::new("error.json_broken").with("line", e.line()).with("column", e.column()))
    })?;
    Ok(value)
}

/// The field and the sentence for what serde says. Its messages quote at most the field's own value.
fn misfit(path: &str, message: &str) -> Error {
    let message = message.split(" at line ").next().unwrap_or(message);
    let quoted = |from: &str| Some(message.split_once(from)?.1.split_once('`')?.0.to_owned());
    let below = |name: String| if path == "." { name } else { format!("{}.{name}", path.trim_end_matches(".?")) };
    if let Some(name) = quoted("missing field `") {
        return Error::invalid(below(name), Text::new("invalid.required"));
    }
    let field = if path == "." { "body".to_owned() } else { path.to_owned() };
    if let Some((unknown, allowed)) = message.strip_prefix("unknown field `").and_then(|m| m.split_once('`')) {
        let allowed = allowed.split_once("expected").map_or("", |(_, a)| a).trim().trim_start_matches("one of ");
        // serde's path ends with the unknown field's own name.
        let field = if field.ends_with(unknown) { field } else { below(unknown.to_owned()) };
        return Error::invalid(field, Text::new("invalid.unknown_field").with("allowed", allowed.replace('`', "")));
    }
    if let Some((_, allowed)) = message.split_once("unknown variant").and_then(|(_, m)| m.split_once("expected")) {
        let allowed = allowed.trim().trim_start_matches("one of ").replace('`', "");
        return Error::invalid(field, Text::new("invalid.one_of").with("allowed", allowed));
    }
    let expected = message.rsplit_once("expected ").map_or("", |(_, e)| e);
    Error::invalid(field, Text::new("invalid.kind").with("expected", expected))
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response(),
            Err(e) => Error::internal(e).into_response(),
        }
    }
}

/// Query parameters; one that does not fit is named.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Query<T>> {
        let query = parts.uri.query().unwrap_or("");
        let parser = serde_urlencoded::Deserializer::new(form_pairs(query));
        serde_path_to_error::deserialize(parser).map(Query).map_err(|e| {
            let path = e.path().to_string();
            misfit(&path, &e.into_inner().to_string())
        })
    }
}

fn form_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// Path parameters; one that cannot be an id names nothing that is there.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Path<T>> {
        match axum::extract::Path::<T>::from_request_parts(parts, app).await {
            Ok(axum::extract::Path(value)) => Ok(Path(value)),
            Err(_) => Err(Error::NotFound("path")),
        }
    }
}

/// The revision that `If-Match` names; `None` without the header or with `*`.
pub struct IfMatch(pub Option<i64>);

impl utoipa::IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let says = "The `ETag` of what is to be changed: if it has changed since, the answer is 412.";
        let parameter = ParameterBuilder::new().name("If-Match").parameter_in(ParameterIn::Header);
        vec![parameter.description(Some(says)).schema(Some(Object::with_type(Type::String))).build()]
    }
}

impl FromRequestParts<App> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<IfMatch> {
        let Some(value) = parts.headers.get(IF_MATCH) else { return Ok(IfMatch(None)) };
        let text = value.to_str().unwrap_or("").trim();
        if text == "*" {
            return Ok(IfMatch(None));
        }
        // A tag that we never gave matches nothing.
        let tag = text.trim_start_matches("W/").trim_matches('"').strip_prefix('r');
        // `r5-<hash>`: what is shown beside the resource's own fields may have changed, it itself has not.
        let rev = tag.and_then(|t| t.split('-').next()?.parse().ok());
        Ok(IfMatch(Some(rev.unwrap_or(-1))))
    }
}

/// A single resource with its revision as `ETag`.
pub struct Tagged<T>(pub i64, pub T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.1).into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"r{}\"", self.0)) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

/// The caller as the connection and its headers show him.
#[derive(Clone, Debug)]
pub struct Caller {
    /// His address; the one that a proxy names only behind a trusted one.
    pub ip: Option<String>,
    /// Scheme and host under which he reached us, without a trailing slash.
    pub base_url: String,
    /// Did he come by TLS?
    pub secure: bool,
    /// His browser as it names itself, at most 300 characters.
    pub agent: Option<String>,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Caller> {
        let config = app.config();
        let reached = Reached::of(&config.server, &parts.headers, &parts.extensions);
        let agent = parts.headers.get("user-agent").and_then(|v| v.to_str().ok());
        Ok(Caller {
            ip: reached.client.map(|address| address.to_string()),
            base_url: reached.base_url(&config.server),
            secure: reached.secure,
            agent: agent.map(|agent| agent.chars().take(300).collect()),
        })
    }
}

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub std::net::SocketAddr);

/// The language of an answer without a person: `Accept-Language`, else Korean.
pub fn lang_of(headers: &HeaderMap) -> Lang {
    headers.get("accept-language").and_then(|v| v.to_str().ok()).and_then(Lang::accepted).unwrap_or_default()
}

/// An error on its way out. The innermost layer that knows language and request id turns it into words
/// (`server::http::layers::speak`).
#[derive(Clone, Debug)]
pub struct Failure {
    /// Code for programs.
    pub code: &'static str,
    /// Sentence for people.
    pub text: Text,
    /// Field by field.
    pub fields: Vec<(String, Text)>,
}

impl Failure {
    /// The error object of an answer.
    pub fn body(&self, lang: Lang, request_id: &str) -> serde_json::Value {
        let message = locale::say(lang, &self.text);
        let fields: serde_json::Map<String, serde_json::Value> =
            self.fields.iter().map(|(f, t)| (f.clone(), locale::say(lang, t).into())).collect();
        serde_json::json!({
            "error": { "code": self.code, "message": message, "fields": fields, "request_id": request_id },
            "message": message,
        })
    }
}

/// Status, code and sentence of an error: the one table.
pub fn failure(error: &Error) -> (StatusCode, Failure) {
    use Error::*;
    let plain = |status, code, text: Text| (status, Failure { code, text, fields: Vec::new() });
    match error {
        BadRequest(t) => plain(StatusCode::BAD_REQUEST, "bad_request", t.clone()),
        Unauthenticated => plain(StatusCode::UNAUTHORIZED, "unauthenticated", Text::new("error.unauthenticated")),
        WrongCredentials => plain(StatusCode::UNAUTHORIZED, "wrong_credentials", Text::new("error.wrong_credentials")),
        Forbidden => plain(StatusCode::FORBIDDEN, "forbidden", Text::new("error.forbidden")),
        NotFound(noun) => plain(StatusCode::NOT_FOUND, "not_found", Text::new("error.not_found").with("noun", noun)),
        MethodNotAllowed => {
            plain(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", Text::new("error.method_not_allowed"))
        }
        Conflict(t) => plain(StatusCode::CONFLICT, "conflict", t.clone()),
        Replay => plain(StatusCode::CONFLICT, "conflict", Text::new("error.idempotency_lost")),
        PreconditionFailed => {
            plain(StatusCode::PRECONDITION_FAILED, "precondition_failed", Text::new("error.precondition_failed"))
        }
        TooLarge { limit } => {
            plain(StatusCode::PAYLOAD_TOO_LARGE, "too_large", Text::new("error.too_large").with("limit", size(*limit)))
        }
        UnsupportedMedia(t) => plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", t.clone()),
        Invalid(fields) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Failure { code: "invalid", text: Text::new("error.invalid"), fields: fields.clone() },
        ),
        Locked(t) => plain(StatusCode::LOCKED, "locked", t.clone()),
        TooMany { .. } => plain(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", Text::new("error.too_many")),
        Busy { .. } => plain(StatusCode::SERVICE_UNAVAILABLE, "busy", Text::new("error.busy")),
        QuotaExceeded(t) => plain(StatusCode::INSUFFICIENT_STORAGE, "quota_exceeded", t.clone()),
        NoSpace => plain(StatusCode::INSUFFICIENT_STORAGE, "no_space", Text::new("error.no_space")),
        Protocol { status, code, text } => {
            plain(StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST), code, text.clone())
        }
        Internal(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "internal", Text::new("error.internal")),
    }
}

/// A size in words.
pub fn size(bytes: u64) -> String {
    match bytes {
        b if b >= 1 << 30 => format!("{:.1} GiB", b as f64 / (1u64 << 30) as f64),
        b if b >= 1 << 20 => format!("{:.1} MiB", b as f64 / (1u64 << 20) as f64),
        b => format!("{b} B"),
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, failure) = failure(&self);
        if let Error::Internal(e) = &self {
            tracing::error!(error = format!("{e:#}"), "a request failed");
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        if let Error::TooMany { retry_after_s } | Error::Busy { retry_after_s } = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response.extensions_mut().insert(failure);
        response
    }
}
