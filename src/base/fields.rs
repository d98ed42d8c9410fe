//! `?fields=` and `?expand=`: what of a resource a caller wants, checked against what the resource has.
//!
//! Law: both steer the SQL. What is not wanted is not joined, counted or read.

use serde::Serialize;
use serde_json::Value;

use crate::base::error::{Error, Result};
use crate::base::locale::Text;

/// What can be asked of a resource.
#[derive(Debug)]
pub struct Shape {
    /// Its fields.
    pub fields: &'static [&'static str],
    /// What can be embedded in it.
    pub expand: &'static [&'static str],
}

/// What a caller wants of a resource.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// `None`: all fields.
    fields: Option<Vec<&'static str>>,
    expand: Vec<&'static str>,
}

impl Wanted {
    /// All fields, nothing embedded.
    pub const ALL: Wanted = Wanted { fields: None, expand: Vec::new() };

    /// Reads both parameters; an unknown name is an error that lists the known ones.
    pub fn read(shape: &Shape, fields: Option<&str>, expand: Option<&str>) -> Result<Wanted> {
        let fields = fields.filter(|f| !f.trim().is_empty()).map(|f| names("fields", f, shape.fields)).transpose()?;
        let expand = names("expand", expand.unwrap_or(""), shape.expand)?;
        Ok(Wanted { fields, expand })
    }

    /// Is this field wanted? One that is embedded is.
    pub fn has(&self, field: &str) -> bool {
        self.fields.as_ref().is_none_or(|f| f.contains(&field)) || self.expands(field)
    }

    /// Is any of these wanted?
    pub fn any(&self, fields: &[&str]) -> bool {
        fields.iter().any(|f| self.has(f))
    }

    /// Is it to be embedded?
    pub fn expands(&self, name: &str) -> bool {
        self.expand.contains(&name)
    }

    /// `wanted` where the field is, else `otherwise`: for a column that costs something.
    pub fn or<'a>(&self, field: &str, wanted: &'a str, otherwise: &'a str) -> &'a str {
        if self.has(field) { wanted } else { otherwise }
    }

    /// What is wanted of `value`, with `embedded` in it. All of it is not encoded twice.
    pub fn show<T: Serialize>(&self, value: T, embedded: Vec<(&str, Value)>) -> Result<Shown<T>> {
        if self.fields.is_none() && embedded.is_empty() {
            return Ok(Shown::Whole(value));
        }
        let mut value = serde_json::to_value(value).map_err(Error::internal)?;
        if let Value::Object(map) = &mut value {
            map.retain(|name, _| self.has(name));
            map.extend(embedded.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        Ok(Shown::Part(value))
    }
}

/// A resource as it was wanted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Shown<T> {
    /// All its fields.
    Whole(T),
    /// Some of them, or with others embedded.
    Part(Value),
}

fn names(parameter: &str, text: &str, known: &'static [&'static str]) -> Result<Vec<&'static str>> {
    let mut out = Vec::new();
    for name in text.split(',').map(str::trim).filter(|n| !n.is_empty()) {
        let Some(name) = known.iter().find(|k| **k == name) else {
            let allowed = if known.is_empty() { "-".to_owned() } else { known.join(", ") };
            return Err(Error::invalid(parameter, Text::new("invalid.unknown_field").with("allowed", allowed)));
        };
        if !out.contains(name) {
            out.push(*name);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SHAPE: Shape = Shape { fields: &["id", "title", "user"], expand: &["user", "comments"] };

    #[test]
    fn what_is_not_wanted_is_left_out() {
        let w = Wanted::read(&SHAPE, Some("id, title,id"), Some("user")).unwrap();
        assert!(w.has("id") && w.has("user") && w.expands("user") && !w.has("comments"));
        let value = json!({ "id": 1, "title": "t", "status": "open", "user": 2 });
        let comments = vec![("comments", json!([3]))];
        assert_eq!(
            w.show(value.clone(), comments).unwrap(),
            Shown::Part(json!({ "id": 1, "title": "t", "user": 2, "comments": [3] }))
        );
        let all = Wanted::read(&SHAPE, Some(""), None).unwrap();
        assert_eq!(all.show(value.clone(), Vec::new()).unwrap(), Shown::Whole(value));
        for (fields, expand) in [(Some("id,secret"), None), (None, Some("members"))] {
            assert!(matches!(Wanted::read(&SHAPE, fields, expand), Err(Error::Invalid(_))));
        }
    }
}
