//! `/api/docs`: the OpenAPI document as a page, for everybody. It is drawn from the document alone, so that it cannot say
//! anything else than the programs are told.

use std::fmt::Write;
use std::sync::LazyLock;

use askama::Template;
use axum::response::Response;
use serde_json::Value;

use super::frame::{Frame, html};
use crate::base::error::Result;
use crate::domain::http::Caller;
use crate::server::http::openapi::{DOCUMENT, METHODS, TAGS};

/// The API as a page
#[utoipa::path(
    get,
    path = "/api/docs",
    security(()),
    responses((status = 200, body = String, content_type = "text/html"))
)]
pub(in crate::server) async fn show(f: Frame, caller: Caller) -> Result<Response> {
    html(&Page { f, groups: &GROUPS, types: &TYPES, base: caller.base_url, version: env!("CARGO_PKG_VERSION") })
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Page<'a> {
    f: Frame,
    groups: &'a [Group],
    types: &'a [Type],
    base: String,
    version: &'static str,
}

struct Group {
    name: &'static str,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    /// HTML.
    says: String,
    /// Needs no sign-in.
    open: bool,
    parameters: Vec<Field>,
    body: Option<Body>,
    answers: Vec<Answer>,
    /// The curl line, with `{base}` for this server's address.
    call: String,
    /// What the search box looks at.
    words: String,
}

struct Field {
    name: String,
    /// Where a parameter stands; empty for a field.
    place: String,
    /// HTML.
    kind: String,
    required: bool,
    /// HTML.
    says: String,
}

struct Body {
    /// HTML.
    kind: String,
    fields: Vec<Field>,
    example: String,
}

struct Answer {
    status: String,
    /// HTML.
    says: String,
    /// HTML; empty without a body.
    kind: String,
    example: String,
}

struct Type {
    name: String,
    /// HTML.
    says: String,
    /// HTML, where it is not an object.
    kind: String,
    fields: Vec<Field>,
    /// HTML of each of several shapes.
    shapes: Vec<String>,
}

impl Operation {
    fn class(&self) -> String {
        format!("m-{}", self.method.to_lowercase())
    }

    fn call(&self, base: &str) -> String {
        self.call.replace("{base}", base)
    }

    fn good(&self) -> impl Iterator<Item = &Answer> {
        self.answers.iter().filter(|a| a.is_good())
    }

    fn refusals(&self) -> impl Iterator<Item = &Answer> {
        self.answers.iter().filter(|a| !a.is_good())
    }
}

impl Answer {
    fn is_good(&self) -> bool {
        self.status.as_str() < "400"
    }
}

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let mut groups: Vec<Group> = TAGS.iter().map(|(name, _)| Group { name, operations: Vec::new() }).collect();
    for (path, item) in DOCUMENT["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let operation = &item[method];
            let Some(tag) = operation["tags"][0].as_str() else { continue };
            if let Some(group) = groups.iter_mut().find(|g| g.name == tag) {
                group.operations.push(read(method, path, operation));
            }
        }
    }
    groups
});

static TYPES: LazyLock<Vec<Type>> = LazyLock::new(|| {
    let all = DOCUMENT["components"]["schemas"].as_object().into_iter().flatten();
    let plain = |s: &Value| s["type"] == "integer" || s["format"] == "binary";
    all.filter(|(_, s)| !plain(s)).map(|(name, s)| type_of(name, s)).collect()
});

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Escaped, with `code` marked as such.
fn rich(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (i, part) in text.split('`').enumerate() {
        let part = escape(part);
        let _ = if i % 2 == 1 { write!(out, "<code>{part}</code>") } else { write!(out, "{part}") };
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The object that a `$ref` names, or the value itself.
fn resolved(value: &Value) -> &Value {
    match value["$ref"].as_str().and_then(|r| r.strip_prefix('#')) {
        Some(pointer) => DOCUMENT.pointer(pointer).unwrap_or(&Value::Null),
        None => value,
    }
}

fn read(method: &str, path: &str, operation: &Value) -> Operation {
    let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().map(resolved).collect();
    let answers =
        operation["responses"].as_object().into_iter().flatten().map(|(status, a)| answer(status, resolved(a)));
    let summary = text(&operation["summary"]).to_owned();
    let says = text(&operation["description"]).to_owned();
    Operation {
        id: text(&operation["operationId"]).to_owned(),
        method: method.to_uppercase(),
        path: path.to_owned(),
        open: operation["security"]
            .as_array()
            .is_some_and(|s| s.iter().any(|s| s.as_object().is_some_and(|s| s.is_empty()))),
        body: body(&operation["requestBody"]),
        call: call(method, path, operation, &parameters),
        words: format!("{method} {path} {summary} {says}").to_lowercase(),
        parameters: parameters.into_iter().map(parameter).collect(),
        answers: answers.collect(),
        says: rich(&says),
        summary,
    }
}

fn parameter(p: &Value) -> Field {
    Field {
        name: text(&p["name"]).to_owned(),
        place: text(&p["in"]).to_owned(),
        kind: kind(&p["schema"]),
        required: p["required"] == true,
        says: rich(text(&p["description"])),
    }
}

/// The first type of content of a body or an answer.
fn content(value: &Value) -> Option<(&String, &Value)> {
    value["content"].as_object()?.iter().next()
}

fn body(body: &Value) -> Option<Body> {
    let (mime, content) = content(body)?;
    if mime != "application/json" {
        return Some(Body { kind: escape(mime), fields: Vec::new(), example: String::new() });
    }
    let schema = &content["schema"];
    Some(Body { kind: kind(schema), fields: fields(schema), example: pretty(&content["example"]) })
}

fn answer(status: &str, answer: &Value) -> Answer {
    let (kind, example) = match content(answer) {
        Some((mime, content)) if mime == "application/json" => (kind(&content["schema"]), pretty(&content["example"])),
        Some((mime, _)) => (escape(mime), String::new()),
        None => (String::new(), String::new()),
    };
    Answer { status: status.to_owned(), says: rich(text(&answer["description"])), kind, example }
}

/// A type in words, with links to the types of the document. HTML.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        return match text(&resolved(schema)["type"]) {
            "integer" => "integer".to_owned(),
            _ => format!("<a href=\"#type-{name}\">{name}</a>"),
        };
    }
    for within in ["oneOf", "anyOf"] {
        if let Some(all) = schema[within].as_array() {
            return all.iter().map(kind).collect::<Vec<_>>().join(" | ");
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(|v| format!("<code>{}</code>", escape(text(v)))).collect::<Vec<_>>().join(" ");
    }
    let one = |name: &str| match name {
        "array" => format!("{}[]", kind(&schema["items"])),
        "string" if schema["format"].is_string() => format!("string ({})", escape(text(&schema["format"]))),
        name => name.to_owned(),
    };
    let mut out = match &schema["type"] {
        Value::Array(names) => names.iter().map(|n| one(text(n))).collect::<Vec<_>>().join(" | "),
        Value::String(name) => one(name),
        _ => "any".to_owned(),
    };
    out.push_str(&bounds(schema));
    out
}

/// What limits a value: ` 1–200`.
fn bounds(schema: &Value) -> String {
    let pairs = [("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")];
    pairs
        .iter()
        .find_map(|(least, most)| match (schema.get(*least), schema.get(*most)) {
            (None, None) => None,
            (Some(least), None) => Some(format!(" <small>≥ {least}</small>")),
            (least, Some(most)) => {
                Some(format!(" <small>{}–{most}</small>", least.map_or("0".into(), Value::to_string)))
            }
        })
        .unwrap_or_default()
}

/// The fields of an object; needed ones first.
fn fields(schema: &Value) -> Vec<Field> {
    let schema = resolved(schema);
    let mut found: Vec<Field> = schema["allOf"].as_array().into_iter().flatten().flat_map(fields).collect();
    for option in schema["anyOf"].as_array().into_iter().flatten() {
        found.extend(fields(option).into_iter().map(|f| Field { required: false, ..f }));
    }
    for (name, of) in schema["properties"].as_object().into_iter().flatten() {
        let required = schema["required"].as_array().is_some_and(|r| r.iter().any(|r| r == name));
        let inner = of["oneOf"].as_array().and_then(|all| all.iter().find_map(|o| o["description"].as_str()));
        let says = of["description"].as_str().or(inner).unwrap_or_default();
        found.push(Field { name: name.clone(), place: String::new(), kind: kind(of), required, says: rich(says) });
    }
    found.sort_by_key(|f| !f.required);
    found
}

fn type_of(name: &str, schema: &Value) -> Type {
    let shapes = schema["oneOf"].as_array().into_iter().flatten();
    let shape = |one: &Value| {
        let all = one["properties"].as_object().into_iter().flatten();
        let (named, other): (Vec<_>, Vec<_>) = all.partition(|(_, of)| of["enum"].is_array());
        let named = named.into_iter().map(|(_, of)| kind(of));
        let other = other.into_iter().map(|(name, of)| format!("{}: {}", escape(name), kind(of)));
        named.chain(other).collect::<Vec<_>>().join(" ")
    };
    let fields = fields(schema);
    let is_object = !fields.is_empty() || schema["oneOf"].is_array();
    Type {
        name: name.to_owned(),
        says: rich(text(&schema["description"])),
        kind: if is_object { String::new() } else { kind(schema) },
        fields,
        shapes: shapes.map(shape).collect(),
    }
}

/// A line for the shell. A room is entered by a script instead.
fn call(method: &str, path: &str, operation: &Value, parameters: &[&Value]) -> String {
    let mut address = path.to_owned();
    for p in parameters.iter().filter(|p| p["in"] == "path") {
        let example = match &p["example"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        address = address.replace(&format!("{{{}}}", text(&p["name"])), &example);
    }
    if path.starts_with("/ws/") {
        return format!("new WebSocket(\"wss://…{address}?token=\" + token)");
    }
    let mut out = match method {
        "get" => "curl".to_owned(),
        "head" => "curl -I".to_owned(),
        other => format!("curl -X {}", other.to_uppercase()),
    };
    let _ = write!(out, " '{{base}}{address}'");
    let open = operation["security"].as_array().is_some_and(|s| s[0].as_object().is_some_and(|s| s.is_empty()));
    if !open {
        out.push_str(" \\\n  -H \"Authorization: Bearer $TOKEN\"");
    }
    for p in parameters.iter().filter(|p| p["in"] == "header" && p["required"] == true) {
        let value = match &p["example"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let _ = write!(out, " \\\n  -H '{}: {value}'", text(&p["name"]));
    }
    if let Some((mime, content)) = content(&operation["requestBody"]) {
        let _ = write!(out, " \\\n  -H 'Content-Type: {mime}'");
        if mime == "application/json" {
            let _ = write!(out, " \\\n  -d '{}'", content["example"].to_string().replace('\'', "'\\''"));
        } else {
            out.push_str(" \\\n  --data-binary @film.mp4");
        }
    }
    out
}
