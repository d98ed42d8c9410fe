//! Answers that are kept: a read that was encoded once is given again without a statement, an encoding, a compression.
//!
//! Law: whoever calls [`kept`] names everything that the answer depends on besides the request itself: who shares it
//! ([`Reader`]) and which rows it shows ([`Depends`]). The reader's right is judged before, by the role that is part of
//! the key, and `load` reads with that same role; so an answer is never found by somebody with another one.

use axum::body::Body as HttpBody;
use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use std::fmt::Write;
use std::sync::Arc;

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::group::Group;
use crate::base::ids::{FeedbackId, ProjectId};
use crate::base::roles::Role;
use crate::domain::accounts::Viewer;
use crate::engines::cache::{Body, Found, Key, Moved, On, Scope, Vouched};
use crate::engines::compress::Encoding;
use crate::engines::store::Db;

/// Says from which tier an answer came: `l1`, `l2`, `l3`, `miss` or `bypass`.
pub const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
/// Bodies above this are compressed beside the requests, not among them.
const LONG: usize = 64 << 10;

/// Marks a request of the program itself, which reads ahead.
#[derive(Clone, Copy)]
pub struct ReadAhead;

/// Of a person with more projects, changes in these are followed by reading ahead.
const AHEAD_MAX: usize = 50;

/// How a request wants its answer.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Path and query as asked.
    pub uri: String,
    encoding: Option<Encoding>,
    known: Option<HeaderValue>,
    fresh: bool,
    /// Does it count for the access log?
    counts: bool,
}

impl Asked {
    /// The request of the program itself, which warms: content with any encoding, counted for nobody.
    pub fn warm(uri: String) -> Asked {
        Asked { uri, encoding: None, known: None, fresh: false, counts: false }
    }
}

impl FromRequestParts<App> for Asked {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Asked> {
        let uri = match OriginalUri::from_request_parts(parts, app).await {
            Ok(OriginalUri(uri)) => uri,
            Err(never) => match never {},
        };
        let uri = uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        let text = |name| parts.headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
        Ok(Asked {
            uri,
            encoding: text(ACCEPT_ENCODING).and_then(Encoding::accepted),
            known: parts.headers.get(IF_NONE_MATCH).cloned(),
            fresh: text(CACHE_CONTROL).is_some_and(|c| c.contains("no-cache") || c.contains("no-store")),
            counts: parts.extensions.get::<ReadAhead>().is_none(),
        })
    }
}

/// Who shares an answer.
#[derive(Clone, Copy, Debug)]
pub enum Reader {
    /// All members with this role see the same.
    Role(Role),
    /// It shows what is the reader's own (his comments, his reactions), and what his role in one project may see.
    Person(Option<Role>),
}

/// Which rows an answer shows, as the revisions at which they stand.
#[derive(Clone, Debug)]
pub struct Depends {
    on: Vec<On>,
    /// What else it depends on, for its key.
    more: String,
    /// The one project that it is about, if it is about one.
    project: Option<ProjectId>,
    /// Until when it holds if nothing happens.
    until: Time,
}

impl Depends {
    /// Rows of one project, whatever happens in it.
    pub fn project(app: &App, id: ProjectId) -> Depends {
        Depends::one(On::Project(id, app.cache.revisions().project(id).all), id)
    }

    /// The project's own row, its members, its feedbacks' own fields; nothing that is said or shown in them.
    pub fn frame(app: &App, id: ProjectId) -> Depends {
        Depends::one(On::Frame(id, app.cache.revisions().project(id).frame), id)
    }

    /// Rows of one feedback.
    pub fn feedback(app: &App, project: ProjectId, id: FeedbackId) -> Depends {
        Depends::one(On::Feedback(id, app.cache.revisions().feedback(id)), project)
    }

    /// The frames of all projects of a person, and that they are his.
    pub fn frames_of(app: &App, who: &Viewer) -> Depends {
        Depends::each(app, who, |id, moved| On::Frame(id, moved.frame))
    }

    /// Rows of all projects of a person, and that they are his.
    pub fn projects_of(app: &App, who: &Viewer) -> Depends {
        Depends::each(app, who, |id, moved| On::Project(id, moved.all))
    }

    /// The person's own row.
    pub fn oneself(who: &Viewer) -> Depends {
        Depends { on: Vec::new(), more: format!("u{}r{}", who.user, who.rev), project: None, until: FOR_EVER }
    }

    fn one(on: On, project: ProjectId) -> Depends {
        Depends { on: vec![on], more: String::new(), project: Some(project), until: FOR_EVER }
    }

    fn each(app: &App, who: &Viewer, which: fn(ProjectId, Moved) -> On) -> Depends {
        let all = who.roles.all();
        let revisions = app.cache.revisions().projects(all.iter().map(|s| s.project));
        // The trash is part of a project's frame.
        let on = all.iter().zip(revisions).map(|(s, moved)| which(s.project, moved)).collect();
        let more = all.iter().map(|s| s.role.as_str()).collect::<Vec<_>>().join(",");
        Depends { on, more, project: None, until: FOR_EVER }
    }

    /// And it holds only until then, since it shows what time brings.
    pub fn until(mut self, until: Time) -> Depends {
        let _ = write!(self.more, "|t{}", until.0);
        self.until = until;
        self
    }

    /// Where something has to happen to outdate it.
    fn scopes(&self) -> impl Iterator<Item = Scope> {
        let scope = |on: &On| match *on {
            On::Project(id, _) => Some(Scope::Project(id)),
            On::Feedback(id, _) => Some(Scope::Feedback(id)),
            // Frames move seldom.
            On::Frame(..) => None,
        };
        self.on.iter().take(AHEAD_MAX).filter_map(scope)
    }
}

const FOR_EVER: Time = Time(i64::MAX);

impl Reader {
    fn text(self, who: &Viewer) -> String {
        match self {
            Reader::Role(role) => role.as_str().to_owned(),
            Reader::Person(role) => format!("{}u{}", role.map_or("", Role::as_str), who.user),
        }
    }
}

fn key(app: &App, group: Group, asked: &Asked, reader: &str, depends: &Depends) -> Key {
    let mut text = String::with_capacity(160);
    let (epoch, people) = (app.cache.epoch(group), app.cache.revisions().people());
    let _ = write!(text, "{}.{epoch}|{}|{reader}|{}|n{people}", group.as_str(), asked.uri, depends.more);
    for on in &depends.on {
        let _ = write!(text, "|{on}");
    }
    Key::of(&text)
}

/// The answer to a read: as it is kept, or as `load` reads it now. `rev` tells the revision of the resource that it
/// shows, if it shows one. An operator who sends `Cache-Control: no-cache` is answered past the cache.
pub async fn kept<T, F>(
    app: &App,
    asked: &Asked,
    who: &Viewer,
    (group, reader, depends): (Group, Reader, Depends),
    rev: fn(&T) -> Option<i64>,
    load: F,
) -> Result<Response>
where
    T: Serialize + 'static,
    F: FnOnce(&Db) -> Result<T> + Send + 'static,
{
    let encode = move |db: &Db| {
        let value = load(db)?;
        let bytes = serde_json::to_vec(&value).map_err(Error::internal)?;
        Ok(Body::new(group, rev(&value), bytes.into()))
    };
    let read = async { if asked.counts { app.read(encode).await } else { app.store.read_ahead(encode).await } };
    if asked.fresh && who.must_operate().is_ok() {
        app.cache.bypassed(group);
        return Ok(answer(asked, Arc::new(read.await?), "bypass").await);
    }
    let reader = reader.text(who);
    let mut recipe = None;
    if asked.counts {
        app.access.note(who.user, depends.project);
        recipe = app.cache.ahead().note(depends.scopes(), &asked.uri, &reader, who);
    }
    let (people, purges) = (app.cache.revisions().people(), app.cache.purges());
    let key = key(app, group, asked, &reader, &depends);
    let (found, body) = app.cache.get_or_load(group, key, asked.counts, read).await?;
    let how = match found {
        Found::In(tier) => tier.name(),
        Found::Loaded => "miss",
    };
    let mut response = answer(asked, body.clone(), how).await;
    if asked.counts && !asked.fresh {
        let Depends { on, project, until, .. } = depends;
        let until = until.min(who.front_until());
        let (user, ticket) = (who.user, who.ticket());
        let vouched = Vouched { body, user, ticket, project, on, people, purges, until, recipe };
        response.extensions_mut().insert(Arc::new(vouched));
    }
    Ok(response)
}

/// A value with the revision of the resource that it shows.
pub struct Revised<T>(pub i64, pub T);

impl<T: Serialize> Serialize for Revised<T> {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        self.1.serialize(s)
    }
}

async fn answer(asked: &Asked, body: Arc<Body>, how: &'static str) -> Response {
    let packed = match asked.encoding {
        Some(encoding) => packed(&body, encoding).await.map(|bytes| (encoding, bytes)),
        None => None,
    };
    respond(&body, packed, asked.known.as_ref(), how)
}

/// The response that gives a body, in the encoding that it was packed in, to somebody who may know it already.
pub fn respond(
    body: &Body,
    packed: Option<(Encoding, bytes::Bytes)>,
    known: Option<&HeaderValue>,
    how: &'static str,
) -> Response {
    let mut response = Response::new(HttpBody::empty());
    let headers = response.headers_mut();
    headers.insert(X_CACHE, HeaderValue::from_static(how));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&etag(&body.tag, packed.as_ref().map(|p| p.0))) {
        headers.insert(ETAG, tag);
    }
    if known.is_some_and(|known| is_among(&body.tag, known)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.body_mut() = match packed {
        Some((encoding, bytes)) => {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
            bytes.into()
        }
        None => body.plain().clone().into(),
    };
    response
}

async fn packed(body: &Arc<Body>, encoding: Encoding) -> Option<bytes::Bytes> {
    if body.plain().len() > LONG && !body.has(encoding) {
        let body = body.clone();
        let _ = tokio::task::spawn_blocking(move || body.compressed(encoding).map(|_| ())).await;
    }
    body.compressed(encoding).cloned()
}

/// The header of a tag. Another encoding is another representation, and has another strong tag.
pub fn etag(tag: &str, encoding: Option<Encoding>) -> String {
    match encoding {
        Some(encoding) => format!("\"{tag}-{}\"", encoding.name()),
        None => format!("\"{tag}\""),
    }
}

/// Is `tag`, in any encoding, among those of an `If-None-Match`?
pub fn is_among(tag: &str, known: &HeaderValue) -> bool {
    let Ok(known) = known.to_str() else { return false };
    known.split(',').map(|k| k.trim().trim_start_matches("W/").trim_matches('"')).any(|k| {
        let plain = Encoding::ALL.iter().find_map(|e| k.strip_suffix(e.name())?.strip_suffix('-')).unwrap_or(k);
        k == "*" || plain == tag
    })
}

/// May this answer be compressed by whoever sends it? One from here is in its final form.
pub fn is_final(headers: &HeaderMap) -> bool {
    headers.contains_key(X_CACHE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_any_encoding() {
        let among = |known: &'static str| is_among("r5-ab12", &HeaderValue::from_static(known));
        assert!(among("\"r5-ab12\"") && among("W/\"x\", \"r5-ab12-br\"") && among("*"));
        assert!(!among("\"r5-ab13\"") && !among("\"r5\"") && !among(""));
        assert_eq!(etag("r5-ab12", Some(Encoding::Zstd)), "\"r5-ab12-zstd\"");
    }
}
