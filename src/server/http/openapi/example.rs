//! An example for each body and each good answer, put together from the examples of the types' fields.

use serde_json::{Map, Value, json};

use super::operations_of;

/// Types do not hold each other without end; this bounds a mistake.
const DEPTH: usize = 12;

/// Adds an example wherever there is JSON without one.
pub(super) fn add(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for operation in paths.values_mut().flat_map(operations_of) {
        let body = operation.get_mut("requestBody").into_iter().flat_map(|b| b.get_mut("content"));
        for content in body {
            give(content, &schemas);
        }
        let answers = operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten();
        for content in answers.filter_map(|(_, answer)| answer.get_mut("content")) {
            give(content, &schemas);
        }
    }
}

fn give(content: &mut Value, schemas: &Value) {
    let Some(content) = content.get_mut("application/json").and_then(Value::as_object_mut) else { return };
    if !content.contains_key("example")
        && let Some(schema) = content.get("schema")
    {
        let example = of(schema, schemas, 0);
        content.insert("example".into(), example);
    }
}

/// An example of a schema.
pub(in crate::server) fn of(schema: &Value, schemas: &Value, depth: usize) -> Value {
    if depth > DEPTH {
        return Value::Null;
    }
    if let Some(said) = ["example", "const", "default"].iter().find_map(|k| schema.get(*k)) {
        return said.clone();
    }
    if let Some(first) = ["examples", "enum"].iter().find_map(|k| schema.get(*k)?.get(0)) {
        return first.clone();
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next()) {
        return of(&schemas[name], schemas, depth + 1);
    }
    if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
        let mut merged = Map::new();
        for one in all {
            if let Value::Object(map) = of(one, schemas, depth + 1) {
                merged.extend(map);
            }
        }
        return merged.into();
    }
    for within in ["anyOf", "oneOf"] {
        if let Some(all) = schema.get(within).and_then(Value::as_array) {
            let first = all.iter().find(|s| s["type"] != "null");
            return first.map_or(Value::Null, |s| of(s, schemas, depth + 1));
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find_map(|k| k.as_str().filter(|k| *k != "null")),
        kind => kind.as_str(),
    };
    match kind {
        Some("object") => {
            let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            fields.map(|(name, s)| (name.clone(), of(s, schemas, depth + 1))).collect::<Map<_, _>>().into()
        }
        Some("array") => json!([of(&schema["items"], schemas, depth + 1)]),
        Some("integer") => schema.get("minimum").filter(|m| m.as_i64() != Some(0)).cloned().unwrap_or(json!(1)),
        Some("number") => json!(1.0),
        Some("boolean") => json!(false),
        Some("string") => json!(""),
        _ => Value::Null,
    }
}
