//! One line of an exchanged file: a JSON object, read field by field and written as one line.
//!
//! Law: reading is lenient about form (times as text or number, `null` for absent) and tells everything that is wrong with
//! a line at once; writing has a single form. A field that nobody reads is noted, never passed over in silence.

use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::clock::Time;
use crate::base::error::{Check, Error, Result};
use crate::base::locale::Text;

/// Ids are exact in JavaScript as well, and leave room above for the rows to come.
pub const ID_MAX: i64 = (1 << 53) - 1;

/// A number below this counts seconds: as milliseconds it would lie before March 1973.
const SECONDS_BELOW: f64 = 1e11;

/// The fields of one line that have not been read yet, and what was wrong with those that were.
#[derive(Debug)]
pub struct Fields {
    left: Map<String, Value>,
    bad: Vec<(String, Text)>,
    notes: Vec<Text>,
    id: Option<i64>,
}

impl Fields {
    /// Takes a line apart.
    pub fn parse(line: &[u8]) -> Result<Fields> {
        match serde_json::from_slice(line) {
            Ok(left) => Ok(Fields { left, bad: Vec::new(), notes: Vec::new(), id: None }),
            Err(e) if e.is_data() => Err(Error::invalid("", Text::new("invalid.line_object"))),
            Err(e) => Err(Error::invalid("", Text::new("invalid.line_json").with("column", e.column()))),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|v| !v.is_null())
    }

    /// Notes what is wrong with a field, unless something is already.
    pub fn wrong(&mut self, name: &str, text: Text) {
        if !self.bad.iter().any(|(n, _)| n == name) {
            self.bad.push((name.to_owned(), text));
        }
    }

    /// Notes what a person should hear although the row is good.
    pub fn note(&mut self, text: Text) {
        self.notes.push(text);
    }

    /// The row's own id.
    pub fn own_id<T>(&mut self, make: fn(i64) -> T) -> T {
        let id = self.maybe("id", make);
        if id.is_none() {
            self.wrong("id", Text::new("invalid.required"));
        }
        id.unwrap_or(make(0))
    }

    /// The id of another row.
    pub fn id<T>(&mut self, name: &str, make: fn(i64) -> T) -> T {
        let id = self.maybe(name, make);
        if id.is_none() {
            self.wrong(name, Text::new("invalid.required"));
        }
        id.unwrap_or(make(0))
    }

    /// The id of another row, or none.
    pub fn maybe<T>(&mut self, name: &str, make: fn(i64) -> T) -> Option<T> {
        let value = self.take(name)?;
        let id = value.as_i64().filter(|id| (1..=ID_MAX).contains(id));
        if id.is_none() {
            self.wrong(name, Text::new("invalid.range").with("min", 1).with("max", ID_MAX));
        }
        if name == "id" {
            self.id = id;
        }
        id.map(make)
    }

    /// A text without the white space around it; absent is empty.
    pub fn text(&mut self, name: &str) -> String {
        match self.take(name) {
            None => String::new(),
            Some(Value::String(text)) if text.trim().len() == text.len() => text,
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(_) => {
                self.wrong(name, Text::new("invalid.kind").with("expected", "a string"));
                String::new()
            }
        }
    }

    /// A text that is not there if it is empty.
    pub fn maybe_text(&mut self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|t| !t.is_empty())
    }

    /// A moment.
    pub fn time(&mut self, name: &str) -> Time {
        let time = self.maybe_time(name);
        if time.is_none() {
            self.wrong(name, Text::new("invalid.required"));
        }
        time.unwrap_or_default()
    }

    /// A moment, or none.
    pub fn maybe_time(&mut self, name: &str) -> Option<Time> {
        let value = self.take(name)?;
        let time = moment(&value).or_else(|| {
            let time = without_zone(&value)?;
            self.note(Text::new("note.no_zone").with("field", name));
            Some(time)
        });
        if time.is_none() {
            self.wrong(name, Text::new("invalid.time"));
        }
        time
    }

    /// A whole number, or none.
    pub fn number(&mut self, name: &str) -> Option<i64> {
        let value = self.take(name)?;
        let number = value.as_i64();
        if number.is_none() {
            self.wrong(name, Text::new("invalid.kind").with("expected", "a whole number"));
        }
        number
    }

    /// Yes or no; absent is no.
    pub fn flag(&mut self, name: &str) -> bool {
        match self.take(name) {
            None => false,
            Some(Value::Bool(flag)) => flag,
            Some(Value::Number(n)) if matches!(n.as_i64(), Some(0 | 1)) => n.as_i64() == Some(1),
            Some(_) => {
                self.wrong(name, Text::new("invalid.kind").with("expected", "true or false"));
                false
            }
        }
    }

    /// One of a closed set, or of the `aliases` that older files have for it.
    pub fn choice<T: FromStr<Err = Text> + Copy>(&mut self, name: &str, aliases: &[(&str, T)]) -> Option<T> {
        let text = self.maybe_text(name)?;
        if let Some((_, value)) = aliases.iter().find(|(alias, _)| *alias == text) {
            return Some(*value);
        }
        match text.parse() {
            Ok(value) => Some(value),
            Err(allowed) => {
                self.wrong(name, allowed);
                None
            }
        }
    }

    /// Any JSON, or none.
    pub fn json(&mut self, name: &str) -> Option<Value> {
        self.take(name)
    }

    /// Adds what `check` found to what is wrong already. Another failure than a wrong field is passed on.
    pub fn hold(&mut self, check: Result<()>) -> Result<()> {
        match check {
            Err(Error::Invalid(fields)) => fields.into_iter().for_each(|(name, text)| self.wrong(&name, text)),
            other => other?,
        }
        Ok(())
    }

    /// The same for a check that goes on here.
    pub fn check(&mut self, check: &mut Check) -> Result<()> {
        let held = check.done();
        self.hold(held)
    }

    /// An error that names every wrong field, if there is one.
    pub fn done(&mut self) -> Result<()> {
        if self.bad.is_empty() { Ok(()) } else { Err(Error::Invalid(std::mem::take(&mut self.bad))) }
    }

    /// The row's own id, once it was read.
    pub fn row_id(&self) -> Option<i64> {
        self.id
    }

    /// What a person should hear: the notes, and a word for each field that was not read.
    pub fn notes(self) -> impl Iterator<Item = Text> {
        let unread = |(name, _): (String, Value)| {
            let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
            Text::new("note.field_unknown").with("field", name)
        };
        self.notes.into_iter().chain(self.left.into_iter().map(unread))
    }
}

/// RFC 3339 with its zone, a bare date, or the time since 1970 as a number: milliseconds, or seconds if it is small.
fn moment(value: &Value) -> Option<Time> {
    let ms = match value {
        Value::String(text) => return Time::parse(text.trim()),
        Value::Number(n) => match (n.as_i64(), n.as_f64()?) {
            (Some(ms), _) if ms as f64 >= SECONDS_BELOW => ms,
            (_, ms) if ms >= SECONDS_BELOW => ms.round() as i64,
            (_, seconds) => (seconds * 1000.0).round() as i64,
        },
        _ => return None,
    };
    (0..=jiff::Timestamp::MAX.as_millisecond()).contains(&ms).then_some(Time(ms))
}

/// What databases print that keep UTC without saying so.
fn without_zone(value: &Value) -> Option<Time> {
    let time = value.as_str()?.trim().parse::<jiff::civil::DateTime>().ok()?;
    let ms = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
    (ms >= 0).then_some(Time(ms))
}

/// An error for a row that names another one that is not there.
pub fn no_such(field: &str, noun: &'static str, id: i64) -> Error {
    Error::invalid(field, Text::new("invalid.no_such").with("noun", noun).with("id", id))
}

/// An error for a row whose own id is taken.
pub fn taken(noun: &'static str, id: i64) -> Error {
    Error::invalid("id", Text::new("invalid.id_taken").with("noun", noun).with("id", id))
}

/// Where exported lines go.
pub type Lines<'a> = &'a mut dyn FnMut(&str) -> Result<()>;

/// Rows that an export holds at once.
pub const PAGE: i64 = 1_000;

/// Writes all rows, a page at a time: `page` answers up to [`PAGE`] rows behind a place, `place` says where a row stands.
pub fn write<K, R: Serialize>(
    first: K,
    mut page: impl FnMut(&K) -> Result<Vec<R>>,
    place: impl Fn(&R) -> K,
    out: Lines,
) -> Result<()> {
    let mut behind = first;
    loop {
        let rows = page(&behind)?;
        for row in &rows {
            let mut line = serde_json::to_string(row).map_err(Error::internal)?;
            line.push('\n');
            out(&line)?;
        }
        match rows.last() {
            Some(last) if rows.len() as i64 == PAGE => behind = place(last),
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Fields {
        Fields::parse(line.as_bytes()).unwrap()
    }

    #[test]
    fn times_are_read_in_every_form_that_says_which_moment_is_meant() {
        for (text, wanted) in [
            (r#""2026-11-24T10:02:03.456+09:00""#, Some(1_795_482_123_456)),
            (r#""2026-11-24""#, Some(1_795_478_400_000)),
            ("1795482123456", Some(1_795_482_123_456)),
            ("1795482123", Some(1_795_482_123_000)),
            ("1795482123.456", Some(1_795_482_123_456)),
            ("1795482123456.4", Some(1_795_482_123_456)),
            ("0", Some(0)),
            ("-1", None),
            ("1e300", None),
            (r#""2026-11-24T01:02:03.456""#, Some(1_795_482_123_456)),
            (r#""2026-11-24 01:02:03""#, Some(1_795_482_123_000)),
            (r#""1926-11-24 01:02:03""#, None),
            (r#""soon""#, None),
            ("true", None),
        ] {
            let mut row = fields(&format!(r#"{{"created":{text}}}"#));
            assert_eq!(row.maybe_time("created").map(|t| t.0), wanted, "{text}");
            assert_eq!(row.done().is_ok(), wanted.is_some());
            let zoned = !text.starts_with("\"2026-11-24T01") && !text.starts_with("\"2026-11-24 ");
            assert_eq!(row.notes().count(), usize::from(!zoned), "{text}");
        }
    }

    #[test]
    fn everything_wrong_with_a_line_is_told_at_once_and_nothing_is_left_unread_in_silence() {
        let mut row = fields(r#"{"id":0,"name":7,"gone":null,"flag":"yes","extra":1}"#);
        assert_eq!(row.own_id(|id| id), 0);
        assert_eq!((row.text("name"), row.flag("flag"), row.maybe_text("gone")), (String::new(), false, None));
        row.time("created");
        let Err(Error::Invalid(bad)) = row.done() else { panic!("it is wrong") };
        assert_eq!(bad.iter().map(|(f, _)| f.as_str()).collect::<Vec<_>>(), ["id", "name", "flag", "created"]);
        assert_eq!(row.notes().collect::<Vec<_>>(), [Text::new("note.field_unknown").with("field", "extra")]);
    }

    #[test]
    fn a_line_that_is_no_object_is_told_where() {
        for (line, key) in
            [("[1]", "invalid.line_object"), ("{\"a\":", "invalid.line_json"), ("\u{1}", "invalid.line_json")]
        {
            let Err(Error::Invalid(bad)) = Fields::parse(line.as_bytes()) else { panic!("{line}") };
            assert_eq!(bad[0].1.key, key, "{line}");
        }
        assert!(Fields::parse(b"{\"a\":\"\xff\"}").is_err());
    }
}
