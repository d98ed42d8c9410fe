//! Values against JSON Schema, as far as our own two documents use it.

use std::collections::BTreeSet;

use serde_json::Value;

/// Every `$ref` of a document.
pub fn references(document: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|v| walk(v, found));
            }
            Value::Array(all) => all.iter().for_each(|v| walk(v, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(document, &mut found);
    found
}

/// What of `value` does not fit `schema`: kinds, bounds, required fields, fields that the document does not know.
pub fn misfits(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(pointer) = schema["$ref"].as_str() {
        return misfits(document, document.pointer(&pointer[1..]).unwrap(), value, at, found);
    }
    for within in ["oneOf", "anyOf"] {
        if let Some(all) = schema[within].as_array() {
            let tries = all.iter().map(|one| {
                let mut found = Vec::new();
                misfits(document, one, value, at, &mut found);
                found
            });
            found.extend(tries.min_by_key(Vec::len).unwrap());
            return;
        }
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one],
        _ => vec![],
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_i64() || n.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = kinds.is_empty() || kinds.contains(&kind) || (kind == "integer" && kinds.contains(&"number"));
    if !fits {
        found.push(format!("{at} is {kind} instead of {kinds:?}"));
    }
    let amount = match value {
        Value::String(text) => Some(("Length", text.chars().count() as f64)),
        Value::Array(items) => Some(("Items", items.len() as f64)),
        other => other.as_f64().map(|n| ("imum", n)),
    };
    if let Some((unit, amount)) = amount {
        let bound = |side: &str| schema[format!("{side}{unit}")].as_f64();
        if bound("min").is_some_and(|least| amount < least) || bound("max").is_some_and(|most| amount > most) {
            found.push(format!("{at} is beyond its bounds: {amount}"));
        }
    }
    if schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{at} is {value}"));
    }
    if schema["enum"].as_array().is_some_and(|values| kind == "string" && !values.contains(value)) {
        found.push(format!("{at} is {value}"));
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        misfits(document, &schema["items"], item, &format!("{at}[{i}]"), found);
    }
    let (Some(object), true) = (value.as_object(), schema.get("properties").or(schema.get("allOf")).is_some()) else {
        return;
    };
    let (mut known, mut required) = (Vec::new(), Vec::new());
    fields(document, schema, object, &mut known, &mut required);
    for name in required.iter().filter(|name| !object.contains_key(**name)) {
        found.push(format!("{at}.{name} is missing"));
    }
    for (name, value) in object {
        match known.iter().find(|(n, _)| n == name) {
            Some((_, schema)) => misfits(document, schema, value, &format!("{at}.{name}"), found),
            None => found.push(format!("{at}.{name} is unknown")),
        }
    }
}

/// Fields of an object, also of one put together from several.
fn fields<'a>(
    document: &'a Value,
    schema: &'a Value,
    object: &serde_json::Map<String, Value>,
    known: &mut Vec<(&'a str, &'a Value)>,
    required: &mut Vec<&'a str>,
) {
    if let Some(pointer) = schema["$ref"].as_str() {
        return fields(document, document.pointer(&pointer[1..]).unwrap(), object, known, required);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        fields(document, part, object, known, required);
    }
    // One of several shapes: the one that knows the most of these fields.
    let shapes = ["oneOf", "anyOf"].iter().find_map(|w| schema[*w].as_array()).into_iter().flatten();
    let best = shapes.max_by_key(|shape| {
        let (mut all, mut needed) = (Vec::new(), Vec::new());
        fields(document, shape, object, &mut all, &mut needed);
        let named = |(name, of): &&(&str, &Value)| {
            let value = object.get(*name);
            value.is_some() && of["enum"].as_array().is_none_or(|e| e.contains(value.unwrap()))
        };
        if needed.iter().all(|n| object.contains_key(*n)) { all.iter().filter(named).count() + 1 } else { 0 }
    });
    if let Some(best) = best {
        fields(document, best, object, known, required);
    }
    known.extend(schema["properties"].as_object().into_iter().flatten().map(|(n, s)| (n.as_str(), s)));
    required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
}
