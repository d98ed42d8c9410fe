//! `/api/openapi.json`: OpenAPI 3.1, put together from what stands above each handler and type.
//!
//! Law: what many operations share (errors, headers, parameters of paths, examples) is said once, in `shared` and
//! `example`, and never above a handler. `tests/it/openapi.rs` holds the document to the routes and to real answers.

mod example;
mod shared;

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::{batch, health, metrics};
use crate::domain::{
    accounts, comments, feedback, jobs, journal, media, notices, plans, projects, schedule, search, webhooks,
};
use crate::server::{web, ws};

/// Groups of operations, in the order in which a front end meets them: name, what it is.
pub(in crate::server) const TAGS: [(&str, &str); 16] = [
    ("accounts", "Signing in and out, one's own profile, sessions and API tokens."),
    ("projects", "Projects, their members and invitations, dashboards."),
    ("feedbacks", "One piece of video under review, its status and the reviewers' decisions."),
    ("uploads", "Resumable uploads by tus 1.0.0. `OPTIONS /api/v1/uploads` tells what the server can."),
    ("media", "Versions of a film: facts, state, bytes by Range."),
    ("jobs", "Work that runs later: how far it is, and what is done about it."),
    ("comments", "Comments at a moment of a film, replies, reactions."),
    ("plans", "Plans: a story in four stages and twelve shots, drafted, edited, exported."),
    (
        "schedule",
        "Phases of a project, the calendar over all projects, memos, and the calendar that other programs read.",
    ),
    ("notices", "What a person is told, and how."),
    ("webhooks", "Where other programs are told."),
    ("live", "Rooms over WebSocket."),
    ("journal", "What happened in a project."),
    ("search", "One box that finds everything."),
    ("batch", "Several requests in one."),
    ("service", "Health, readiness, numbers, and this document."),
];

const ABOUT: &str = "The API of VideoPlanet. Every answer names its request (`X-Request-Id`), its time and its number of \
     statements. Messages of errors come in the caller's language (`Accept-Language`: ko, en). A trailing slash is \
     accepted. A guide for front ends stands in `docs/front-end.md`.";

#[derive(OpenApi)]
#[openapi(paths(health::health, health::ready, metrics::metrics, document, live_document, web::docs::show))]
struct Service;

#[derive(OpenApi)]
#[openapi(paths(batch::batch))]
struct Batch;

/// The document.
pub(in crate::server) static DOCUMENT: LazyLock<Value> = LazyLock::new(build);
static TEXT: LazyLock<Bytes> = LazyLock::new(|| DOCUMENT.to_string().into());

/// This document
#[utoipa::path(get, path = "/api/openapi.json", security(()), responses((status = 200, body = Object, example = json!({
    "openapi": "3.1.0", "info": { "title": "VideoPlanet", "version": "0.1.0" }, "paths": {}
}))))]
pub(super) async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], TEXT.clone())
}

/// The live protocol
///
/// AsyncAPI 3.0: what `/ws/projects/{id}` and `/ws/me` say and take, message by message.
#[utoipa::path(get, path = "/api/asyncapi.json", security(()), responses((status = 200, body = Object, example = json!({
    "asyncapi": "3.0.0", "info": { "title": "VideoPlanet live", "version": "0.1.0" }, "channels": {}
}))))]
pub(super) async fn live_document() -> impl IntoResponse {
    const TEXT: &str = include_str!("../../../docs/asyncapi.json");
    ([(CONTENT_TYPE, "application/json")], TEXT)
}

fn build() -> Value {
    const V1: &str = "/api/v1";
    let parts = [
        ("accounts", V1, accounts::routes::Doc::openapi()),
        ("projects", V1, projects::routes::Doc::openapi()),
        ("feedbacks", V1, feedback::routes::Doc::openapi()),
        ("uploads", V1, media::uploads::routes::Doc::openapi()),
        ("media", V1, media::routes::Doc::openapi()),
        ("jobs", V1, jobs::routes::Doc::openapi()),
        ("comments", V1, comments::routes::Doc::openapi()),
        ("plans", V1, plans::routes::Doc::openapi()),
        ("schedule", V1, schedule::routes::Doc::openapi()),
        ("notices", V1, notices::routes::Doc::openapi()),
        ("webhooks", V1, webhooks::routes::Doc::openapi()),
        ("live", "", ws::Doc::openapi()),
        ("journal", V1, journal::routes::Doc::openapi()),
        ("search", V1, search::routes::Doc::openapi()),
        ("batch", "", Batch::openapi()),
        ("service", "", Service::openapi()),
    ];
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for (tag, prefix, part) in parts {
        let mut part = serde_json::to_value(part).unwrap_or_default();
        for (path, mut item) in taken(&mut part["paths"]) {
            // Signing up stands with the projects in the code, since an invitation opens it.
            let tag = if path.starts_with("/auth/") { "accounts" } else { tag };
            for operation in operations_of(&mut item) {
                operation["tags"] = json!([tag]);
                // Handlers of two nouns may have one name.
                let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
                operation["operationId"] = format!("{tag}_{name}").into();
            }
            paths.insert(format!("{prefix}{path}"), item);
        }
        schemas.extend(taken(&mut part["components"]["schemas"]));
    }
    let tags: Vec<Value> = TAGS.iter().map(|(name, says)| json!({ "name": name, "description": says })).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "VideoPlanet", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "session": [] }, { "bearer": [] }],
        "tags": tags,
        "paths": paths,
        "components": { "schemas": schemas },
    });
    shared::add(&mut document);
    example::add(&mut document);
    document
}

fn taken(value: &mut Value) -> Map<String, Value> {
    match value.take() {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Methods that a path item may have, in the order in which they are read.
pub(in crate::server) const METHODS: [&str; 6] = ["get", "head", "post", "put", "patch", "delete"];

fn operations_of(item: &mut Value) -> impl Iterator<Item = &mut Value> {
    let map = item.as_object_mut().into_iter().flatten();
    map.filter(|(method, _)| METHODS.contains(&method.as_str())).map(|(_, operation)| operation)
}
