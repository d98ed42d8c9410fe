//! What operations share: the errors that a method, a body or a path can bring, the headers of answers, the parameters
//! of paths; and what is true of all answers' types.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::METHODS;

/// Status, code, sentence: the errors that any operation may share.
const ERRORS: [(u16, &str, &str); 19] = [
    (400, "bad_request", "The request cannot be understood"),
    (401, "unauthenticated", "Nobody, or a token that does not hold any more"),
    (403, "forbidden", "Known, but without the right; or a cookie from another site's page"),
    (404, "not_found", "Not there, or its existence is none of the caller's business"),
    (405, "method_not_allowed", "The path exists, the method does not"),
    (408, "request_timeout", "The body did not come in time"),
    (409, "conflict", "The present state forbids it"),
    (412, "precondition_failed", "`If-Match` names another revision than the present one"),
    (413, "too_large", "The body is too large"),
    (415, "unsupported_media_type", "A type of content that is not taken here"),
    (416, "range_not_satisfiable", "The range lies behind the end"),
    (422, "invalid", "Fields that do not hold, each with its sentence"),
    (423, "locked", "Someone else holds it at this moment"),
    (426, "upgrade_required", "Not a WebSocket handshake"),
    (429, "too_many_requests", "Too often"),
    (431, "headers_too_large", "The head of the request is too large"),
    (460, "checksum_mismatch", "The bytes are not those of the checksum"),
    (503, "busy", "A queue is full, or the program is about to stop"),
    (507, "no_space", "The disk is full"),
];

/// Headers of answers: name, type, what it tells, an example.
const HEADERS: [(&str, &str, &str, &str); 21] = [
    (
        "X-Request-Id",
        "string",
        "Under which id the request stands in the log; the caller's own, if he sent one.",
        "4f3a9c1e0b7d2a68",
    ),
    ("X-Response-Time", "number", "Seconds that the answer took.", "0.004"),
    ("X-DB-Queries", "integer", "Statements that the answer took.", "2"),
    ("X-Cache", "string", "From which tier the answer came: l1, l2, l3, miss or bypass.", "l1"),
    ("ETag", "string", "Names this state; for `If-None-Match` and `If-Match`.", "\"r5-4f3a9c1e\""),
    ("RateLimit-Limit", "integer", "Requests of this group in a minute.", "600"),
    ("RateLimit-Remaining", "integer", "How many of them are left.", "598"),
    ("RateLimit-Reset", "integer", "Seconds until all of them are there again.", "12"),
    ("Retry-After", "integer", "Seconds after which to try again.", "1"),
    ("Idempotency-Replayed", "string", "`true`: the answer is the one that was given to this key before.", "true"),
    ("Location", "string", "Where what was made is.", "/api/v1/uploads/1"),
    ("Set-Cookie", "string", "The session's cookie.", "vp_session=vp_s_…; HttpOnly; SameSite=Lax; Path=/"),
    ("Tus-Resumable", "string", "The version of the protocol.", "1.0.0"),
    ("Upload-Offset", "integer", "Bytes that are safe.", "5242880"),
    ("Upload-Length", "integer", "Bytes in all.", "48120512"),
    (
        "Upload-Expires",
        "string",
        "When the upload is forgotten, unless more bytes come.",
        "Wed, 25 Nov 2026 09:00:00 GMT",
    ),
    ("Upload-Metadata", "string", "As it was sent.", "filename ZmlsbS5tcDQ=,feedback_id MQ=="),
    ("X-Media-Id", "integer", "Which version the upload became.", "1"),
    ("Content-Range", "string", "Which bytes these are.", "bytes 0-1023/48120512"),
    ("Content-Disposition", "string", "The file's name for people.", "inline; filename=\"film.mp4\""),
    ("Last-Modified", "string", "When the file was made.", "Tue, 24 Nov 2026 09:00:00 GMT"),
];

/// Types that a caller may have in part (`?fields=`), and what can be embedded in them (`?expand=`).
const SELECTABLE: [(&str, &[(&str, &str)]); 3] = [
    ("Project", &[("members", "Member"), ("feedbacks", "FeedbackBrief")]),
    ("Feedback", &[("comments", "Comment")]),
    ("Comment", &[]),
];

/// Types whose fields are those of another: said there once.
const LIKE: [(&str, &str); 13] = [
    ("NewProject", "Project"),
    ("ProjectPatch", "Project"),
    ("Due", "Project"),
    ("NewFeedback", "Feedback"),
    ("FeedbackPatch", "Feedback"),
    ("FeedbackBrief", "Feedback"),
    ("Brief", "Feedback"),
    ("NewComment", "Comment"),
    ("CommentPatch", "Comment"),
    ("GanttProject", "Project"),
    ("NewEntry", "CalendarEntry"),
    ("EntryPatch", "CalendarEntry"),
    ("CalendarMemo", "Memo"),
];

/// Fields of answers that are not always there. All others are, as `null` where there is nothing.
const SOMETIMES: [(&str, &str); 6] = [
    ("Feedback", "decisions"),
    ("Comment", "client_id"),
    ("Comment", "my_reactions"),
    ("Invitation", "link"),
    ("CalendarEntry", "conflicts"),
    ("Webhook", "secret"),
];

/// Adds all of it.
pub(super) fn add(document: &mut Value) {
    components(&mut document["components"]);
    mend(&mut document["components"]["schemas"]);
    selectable(document);
    require_all(document);
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, item) in paths {
        for method in METHODS {
            if item[method].is_object() {
                operation(method, path, &mut item[method]);
            }
        }
    }
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

fn components(components: &mut Value) {
    components["securitySchemes"] = json!({
        "session": { "type": "apiKey", "in": "cookie", "name": "vp_session",
            "description": "For browsers. A change needs an `Origin` of this server." },
        "bearer": { "type": "http", "scheme": "bearer",
            "description": "The token of a sign-in, or an API token (`POST /api/v1/me/tokens`)." },
    });
    components["headers"] = HEADERS
        .iter()
        .map(|(name, kind, says, example)| {
            let example = match *kind {
                "string" => Value::from(*example),
                _ => serde_json::from_str(example).unwrap_or_default(),
            };
            ((*name).to_owned(), json!({ "description": says, "schema": { "type": kind }, "example": example }))
        })
        .collect::<Map<_, _>>()
        .into();
    components["parameters"] = json!({
        "IfNoneMatch": { "name": "If-None-Match", "in": "header", "schema": { "type": "string" },
            "description": "The `ETag` of an earlier answer: if it still holds, the answer is 304 without a body." },
        "IdempotencyKey": { "name": "Idempotency-Key", "in": "header",
            "schema": { "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$" },
            "description": "The same key gives the same answer again and makes the change once, for 24 hours." },
    });
    components["schemas"]["Error"] = json!({
        "type": "object",
        "description": "What went wrong: a code for programs, a sentence for people.",
        "required": ["error", "message"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "fields", "request_id"],
                "properties": {
                    "code": { "type": "string", "description": "Stable." },
                    "message": { "type": "string", "description": "In the caller's language." },
                    "fields": { "type": "object", "additionalProperties": { "type": "string" },
                        "description": "By the path of each field that does not hold, why." },
                    "request_id": { "type": "string", "description": "As in `X-Request-Id`." },
                },
            },
            "message": { "type": "string", "description": "The same sentence, for older clients." },
        },
    });
    let answers = ERRORS.iter().map(|(status, ..)| (format!("E{status}"), error(*status, None)));
    components["responses"] = answers.collect::<Map<_, _>>().into();
}

/// The answer of an error, with a sentence of the operation's own or the common one.
fn error(status: u16, says: Option<&str>) -> Value {
    let found = ERRORS.iter().find(|e| e.0 == status);
    let (code, common) = found.map_or(("error", "Refused"), |e| (e.1, e.2));
    let says = says.unwrap_or(common);
    let fields = if status == 422 { json!({ "title": "This field is required." }) } else { json!({}) };
    let mut headers = vec!["X-Request-Id", "X-Response-Time", "X-DB-Queries", "X-Cache"];
    if matches!(status, 429 | 503) {
        headers.push("Retry-After");
    }
    // A body would have no type that the client asked for.
    if status == 416 {
        headers.push("Content-Range");
        return json!({ "description": says, "headers": named(&headers) });
    }
    json!({
        "description": says,
        "headers": named(&headers),
        "content": { "application/json": {
            "schema": reference("schemas", "Error"),
            "example": {
                "error": { "code": code, "message": says, "fields": fields, "request_id": "4f3a9c1e0b7d2a68" },
                "message": says,
            },
        } },
    })
}

fn named(headers: &[&str]) -> Value {
    headers.iter().map(|name| ((*name).to_owned(), reference("headers", name))).collect::<Map<_, _>>().into()
}

fn operation(method: &str, path: &str, operation: &mut Value) {
    let is_api = path.starts_with("/api/v1");
    let open = operation["security"].as_array().is_some_and(|s| s.contains(&json!({})));
    let is_read = matches!(method, "get" | "head");
    let is_upload = path.starts_with("/api/v1/uploads");
    let has_json_body = operation["requestBody"]["content"]["application/json"].is_object();
    let has_body = operation["requestBody"].is_object() || (is_upload && method == "post");
    let answers_json = operation["responses"]["200"]["content"]["application/json"].is_object();
    let is_bytes = operation["responses"]["206"].is_object();
    let asks = |place: &str, name: Option<&str>| {
        let all = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().any(|p| p["in"] == place && name.is_none_or(|n| p["name"] == n))
    };
    let (queried, matched) = (asks("query", None), asks("header", Some("If-Match")));

    let mut parameters = path_parameters(path);
    parameters.extend(operation["parameters"].as_array().cloned().unwrap_or_default());
    let once = is_api && method == "post" && !is_upload && !open;
    if once {
        parameters.push(reference("parameters", "IdempotencyKey"));
    }
    let tagged = method == "get" && (answers_json || is_bytes) && !path.ends_with("/uploads/{id}");
    if tagged {
        parameters.push(reference("parameters", "IfNoneMatch"));
    }
    let map = operation.as_object_mut();
    if let Some(map) = map.filter(|_| !parameters.is_empty()) {
        map.insert("parameters".into(), parameters.into());
    }

    let mut statuses = BTreeSet::<u16>::new();
    let mut when = |yes: bool, more: &[u16]| statuses.extend(more.iter().filter(|_| yes));
    when(is_api, &[429, 503]);
    when(is_api && !open || is_bytes, &[401]);
    when(is_api && !is_read, &[403]);
    when(path.contains('{'), &[404]);
    when(has_json_body, &[400, 408, 413, 415, 422]);
    when(has_body, &[408]);
    when(once, &[409, 422]);
    when(queried, &[422]);
    when(matched, &[412]);
    when(path.starts_with("/ws/"), &[426]);

    if !operation["responses"].is_object() {
        operation["responses"] = json!({});
    }
    let Some(answers) = operation["responses"].as_object_mut() else { return };
    for status in statuses {
        answers.entry(status.to_string()).or_insert_with(|| reference("responses", &format!("E{status}")));
    }
    if tagged {
        answers.entry("304").or_insert_with(|| json!({ "description": "" }));
    }
    for (status, answer) in answers {
        let Ok(status) = status.parse::<u16>() else { continue };
        if answer.get("$ref").is_some() {
            continue;
        }
        let says = answer["description"].as_str().filter(|s| !s.is_empty()).map(str::to_owned);
        if status >= 400 && !answer["content"].is_object() {
            *answer = error(status, says.as_deref());
            // HEAD answers without a body.
            if let Some(answer) = answer.as_object_mut().filter(|_| method == "head") {
                answer.remove("content");
            }
            continue;
        }
        dress(answer, status, says, &Place { path, method, is_api, tagged, once, is_bytes, is_upload });
    }
    if method == "head" {
        // The common ones have a body.
        if let Some(answers) = operation["responses"].as_object_mut() {
            for (status, answer) in answers.iter_mut().filter(|(_, a)| a.get("$ref").is_some()) {
                let mut own = error(status.parse().unwrap_or_default(), None);
                own.as_object_mut().map(|a| a.remove("content"));
                *answer = own;
            }
        }
    }
}

struct Place<'a> {
    path: &'a str,
    method: &'a str,
    is_api: bool,
    tagged: bool,
    once: bool,
    is_bytes: bool,
    is_upload: bool,
}

/// The sentence and the headers of a good answer.
fn dress(answer: &mut Value, status: u16, says: Option<String>, at: &Place) {
    let common = match status {
        101 => "The room is open",
        201 => "Made",
        202 => "Taken",
        204 => "Done",
        206 => "A part",
        304 => "As the caller knows it",
        _ => "As asked",
    };
    answer["description"] = says.unwrap_or_else(|| common.to_owned()).into();
    let mut headers = vec!["X-Request-Id", "X-Response-Time", "X-DB-Queries", "X-Cache"];
    let mut when = |yes: bool, more: &[&'static str]| headers.extend(more.iter().filter(|_| yes));
    when(at.is_api, &["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]);
    let revised =
        ["Project", "Feedback", "Comment", "Me", "Schedule", "CalendarEntry"].map(|name| reference("schemas", name));
    let shown = &answer["content"]["application/json"]["schema"];
    when(at.tagged || (at.method != "get" && revised.contains(shown)), &["ETag"]);
    when(at.once, &["Idempotency-Replayed"]);
    when(at.is_bytes, &["Last-Modified"]);
    when(at.is_bytes && status < 300, &["Content-Disposition"]);
    when(status == 206, &["Content-Range"]);
    when(matches!(at.path, "/api/v1/auth/login" | "/api/v1/auth/signup" | "/api/v1/auth/logout"), &["Set-Cookie"]);
    if at.is_upload && at.method != "get" {
        when(true, &["Tus-Resumable"]);
        when(at.method != "delete", &["Upload-Offset", "Upload-Expires", "X-Media-Id"]);
        when(at.method == "post", &["Location"]);
        when(at.method == "head", &["Upload-Length", "Upload-Metadata"]);
    }
    answer["headers"] = named(&headers);
}

/// What stands in braces in a path, by its name and what stands before it.
fn path_parameters(path: &str) -> Vec<Value> {
    let parts: Vec<&str> = path.split('/').collect();
    let named = parts.iter().enumerate().filter_map(|(i, p)| Some((i, p.strip_prefix('{')?.strip_suffix('}')?)));
    named
        .map(|(i, name)| {
            let id = |kind: &str, noun: &str| (reference("schemas", kind), format!("The {noun}."), json!(1));
            let text = |says: &str, example: &str| (json!({ "type": "string" }), says.to_owned(), json!(example));
            let (schema, says, example) = match (name, parts[i - 1]) {
                ("id", "projects") => id("ProjectId", "project"),
                ("id", "feedbacks") => id("FeedbackId", "feedback"),
                ("id", "comments") => id("CommentId", "comment"),
                ("id", "media") => id("MediaId", "version"),
                ("id", "uploads") => id("UploadId", "upload"),
                ("id", "jobs") => id("JobId", "job"),
                ("id", "plans") => id("PlanId", "plan"),
                ("stage", _) => (reference("schemas", "StageName"), "The stage.".to_owned(), json!("climax")),
                ("key", "shots") => {
                    let schema = json!({ "type": "integer", "minimum": 1, "maximum": 12 });
                    (schema, "The shot's key.".to_owned(), json!(7))
                }
                ("version", _) => {
                    (json!({ "type": "integer", "minimum": 1 }), "The version's number.".to_owned(), json!(2))
                }
                ("id", "sessions") => id("SessionId", "session"),
                ("id", "tokens") => id("SessionId", "token"),
                ("id", "entries") => id("EntryId", "entry"),
                ("phase", _) => (reference("schemas", "PhaseName"), "The phase.".to_owned(), json!("filming")),
                ("day", _) => (reference("schemas", "Day"), "The day.".to_owned(), json!("2026-12-01")),
                ("user_id", _) => id("UserId", "member"),
                ("invitation", _) => id("InvitationId", "invitation"),
                ("kind", _) => (reference("schemas", "Reaction"), "The reaction.".to_owned(), json!("like")),
                ("token", _) => text("The key of an invitation: the last part of its link.", "vp_i_Q2hhbmdlLW1l"),
                ("file", "thumbs") => text("A picture's name, as the URLs tell it.", "01.jpg"),
                ("file", _) => text("`original`, `proxy.mp4` or `poster.jpg`.", "original"),
                _ => text("", "1"),
            };
            json!({
                "name": name, "in": "path", "required": true, "description": says, "schema": schema, "example": example,
            })
        })
        .collect()
}

/// Says of a field what its like says, and what the derive says otherwise than serde does it: a list holds its rows' type by name, and what is flattened out of
/// an `Option` may be absent.
fn mend(schemas: &mut Value) {
    for (name, of) in LIKE {
        let said = schemas[of]["properties"].clone();
        let fields = schemas[name]["properties"].as_object_mut().into_iter().flatten();
        for (field, schema) in fields.filter(|(_, schema)| schema["description"].is_null()) {
            let inner = said[field]["oneOf"][0]["description"].as_str();
            if let Some(says) = said[field]["description"].as_str().or(inner) {
                schema["description"] = says.into();
            }
        }
    }
    let Some(schemas) = schemas.as_object_mut() else { return };
    let names: BTreeSet<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas {
        let row = name.strip_prefix("Page_").or(name.strip_prefix("Feed_")).filter(|row| names.contains(*row));
        if let Some((row, items)) = row.zip(schema.pointer_mut("/properties/results/items")) {
            *items = reference("schemas", row);
        }
        for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
            if part["oneOf"][1] == json!({ "type": "null" }) {
                *part = json!({ "anyOf": [part["oneOf"][0], { "type": "object" }] });
            }
        }
    }
}

/// Where `?fields=` and `?expand=` are taken, the answer is the whole or a part with what is embedded.
fn selectable(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    for (name, embedded) in SELECTABLE {
        let mut part = schemas[name].clone();
        if let Some(part) = part.as_object_mut() {
            part.remove("required");
            part.insert(
                "description".into(),
                format!("Of `{name}` what `fields` names, and what `expand` embeds.").into(),
            );
        }
        for (field, of) in embedded {
            part["properties"][field] = json!({ "type": "array", "items": reference("schemas", of), "maxItems": 20 });
        }
        schemas[format!("{name}Part")] = part;
        for list in ["Page", "Feed"] {
            if let Some(items) = schemas.pointer_mut(&format!("/{list}_{name}/properties/results/items")) {
                *items = either(name);
            }
        }
    }
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for operation in paths.values_mut().filter_map(|item| item.get_mut("get")) {
        let selects = operation["parameters"].as_array().is_some_and(|all| all.iter().any(|p| p["name"] == "fields"));
        let shown = operation.pointer_mut("/responses/200/content/application~1json/schema");
        let Some(schema) = shown.filter(|_| selects) else { continue };
        let name = SELECTABLE.iter().map(|s| s.0).find(|name| *schema == reference("schemas", name));
        if let Some(name) = name {
            *schema = either(name);
        }
    }
}

fn either(name: &str) -> Value {
    json!({ "anyOf": [reference("schemas", name), reference("schemas", &format!("{name}Part"))] })
}

/// Every field of an answer is there, but for [`SOMETIMES`]. (The derive takes an `Option` for a field that may be absent,
/// which holds for bodies alone.)
fn require_all(document: &mut Value) {
    let mut asked = BTreeSet::new();
    let bodies: Vec<Value> = document["paths"]
        .as_object()
        .into_iter()
        .flat_map(|paths| paths.values())
        .flat_map(|item| METHODS.iter().map(move |m| item[*m]["requestBody"].clone()))
        .collect();
    for body in &bodies {
        reach(body, &document["components"]["schemas"], &mut asked);
    }
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for (name, schema) in schemas.iter_mut().filter(|(n, _)| !asked.contains(*n) && !n.ends_with("Part")) {
        require(name, schema);
    }
}

fn require(name: &str, schema: &mut Value) {
    for within in ["allOf", "oneOf"] {
        for one in schema.get_mut(within).and_then(Value::as_array_mut).into_iter().flatten() {
            require(name, one);
        }
    }
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else { return };
    let always = fields.keys().filter(|f| !SOMETIMES.contains(&(name, f.as_str())));
    let always: Vec<Value> = always.map(|f| f.as_str().into()).collect();
    schema["required"] = always.into();
}

/// Names of all schemas that `value` refers to, directly or not.
fn reach(value: &Value, schemas: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next())
                && found.insert(name.to_owned())
            {
                reach(&schemas[name], schemas, found);
            }
            map.values().for_each(|v| reach(v, schemas, found));
        }
        Value::Array(all) => all.iter().for_each(|v| reach(v, schemas, found)),
        _ => {}
    }
}
