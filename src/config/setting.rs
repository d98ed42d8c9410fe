//! What is known of a setting besides its value: when a change holds, what it may be, how it is typed and written.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use toml::{Table, Value};

use super::Config;
use crate::base::locale::Text;
use crate::base::network::Network;

/// Values by the names of their settings.
pub(super) type Values = BTreeMap<&'static str, Value>;

/// Characters of a text at the most.
const LONGEST: usize = 1_000;
/// Texts of a list at the most.
const MOST: usize = 50;

/// A section of the file.
pub struct Section {
    /// Its name in the file; its texts are `setting.<name>` and `setting.<name>.about`.
    pub name: &'static str,
    /// Its sentence, as lines.
    pub doc: &'static [&'static str],
    /// What stands in it.
    pub settings: &'static [Setting],
}

/// A setting.
pub struct Setting {
    /// `section.key`; its texts are `setting.<name>` and `setting.<name>.about`.
    pub name: &'static str,
    /// Its sentence, as lines.
    pub doc: &'static [&'static str],
    /// When a change of it holds.
    pub holds: Holds,
    /// What it may be.
    pub rule: Rule,
}

/// When a change that an admin makes in the browser holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// At once.
    Live,
    /// After the next start.
    Restart,
    /// Never: it is changed in the file, the environment or the command line alone.
    File,
}

/// What a value may be, beside the kind that its default has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// A switch, or a text of some length.
    Any,
    /// A whole number from the first to the second.
    Range(i64, i64),
    /// The same, or 0.
    OrZero(i64, i64),
    /// A number from the first to the second.
    Part(f64, f64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// At most so many whole numbers within bounds.
    Numbers {
        /// How many.
        most: usize,
        /// From.
        min: i64,
        /// To.
        max: i64,
    },
    /// The IANA name of a zone.
    Zone,
    /// An address and a port to listen at.
    Address,
    /// The same, or empty.
    AddressOrNone,
    /// Empty, or an address that begins with http:// or https://.
    Url,
    /// Origins: addresses without a path.
    Origins,
    /// Ranges of addresses.
    Networks,
    /// Empty, or the name of a machine.
    Host,
    /// Empty, or a sender of mails.
    Sender,
    /// A level or a filter of the log.
    Filter,
    /// A text that is not empty.
    Required,
    /// A text that is never shown, written into the journal or logged.
    Secret,
}

/// Of which kind a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names say all.
pub enum Shape {
    Switch,
    Number,
    Fraction,
    Text,
    Numbers,
    Texts,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names say all.
pub enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
    Bytes,
    Kib,
    Mib,
}

impl Unit {
    /// The name of its text, below `setting.unit.`.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds",
            Unit::Minutes => "minutes",
            Unit::Hours => "hours",
            Unit::Days => "days",
            Unit::Bytes => "bytes",
            Unit::Kib => "kib",
            Unit::Mib => "mib",
        }
    }
}

static DEFAULTS: LazyLock<Values> = LazyLock::new(|| flat(&Config::default()));

/// The values of all settings by their names.
pub(super) fn flat(config: &Config) -> Values {
    let table = Table::try_from(config).expect("settings are TOML");
    let value = |name: &str| {
        let (section, key) = name.split_once('.')?;
        table.get(section)?.get(key).cloned()
    };
    super::all().filter_map(|s| Some((s.name, value(s.name)?))).collect()
}

impl Setting {
    /// Its name within the section.
    pub fn key(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, key)| key)
    }

    /// Its section's name.
    pub fn section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// Its value unless somebody says otherwise.
    pub fn default(&self) -> &'static Value {
        &DEFAULTS[self.name]
    }

    /// Is it never shown?
    pub fn is_secret(&self) -> bool {
        self.rule == Rule::Secret
    }

    /// Of which kind it is.
    pub fn shape(&self) -> Shape {
        match self.default() {
            Value::Boolean(_) => Shape::Switch,
            Value::Integer(_) => Shape::Number,
            Value::Float(_) => Shape::Fraction,
            Value::Array(_) if matches!(self.rule, Rule::Numbers { .. }) => Shape::Numbers,
            Value::Array(_) => Shape::Texts,
            _ => Shape::Text,
        }
    }

    /// What it counts, as the last word of its name says.
    pub fn unit(&self) -> Option<Unit> {
        let last = self.key().rsplit('_').next()?;
        Some(match last {
            _ if !matches!(self.default(), Value::Integer(_) | Value::Array(_)) => return None,
            "s" | "seconds" => Unit::Seconds,
            "minutes" => Unit::Minutes,
            "hours" => Unit::Hours,
            "days" => Unit::Days,
            "bytes" => Unit::Bytes,
            "kib" => Unit::Kib,
            "mib" => Unit::Mib,
            _ => return None,
        })
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("VIDEOPLANET_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// A value given as text, by a person or the environment. One that is of another kind stays a text, and
    /// [`Setting::wrong`] says so.
    pub fn read(&self, text: &str) -> Value {
        let text = text.trim();
        let as_is = || Value::String(text.to_owned());
        match self.shape() {
            Shape::Text => as_is(),
            Shape::Number if self.unit() == Some(Unit::Bytes) => bytes(text).map_or_else(as_is, Value::Integer),
            Shape::Numbers | Shape::Texts if !text.starts_with('[') => {
                let one = |t: &str| match self.shape() {
                    Shape::Numbers => parse(t).unwrap_or_else(|| Value::String(t.to_owned())),
                    _ => Value::String(t.to_owned()),
                };
                let parts = text.split([',', '\n', ' ']).map(str::trim).filter(|t| !t.is_empty());
                Value::Array(parts.map(one).collect())
            }
            _ => parse(text).unwrap_or_else(as_is),
        }
    }

    /// A value as a person types it: what [`Setting::read`] reads back as the same.
    pub fn write(&self, value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Integer(n) if self.unit() == Some(Unit::Bytes) => in_units(*n),
            Value::Array(values) => {
                let one = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
                values.iter().map(one).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        }
    }

    /// A value for those who may know that it is set, but not what it is.
    pub fn mask(&self, value: &Value) -> String {
        match (self.is_secret(), value.as_str()) {
            (false, _) => value.to_string(),
            (true, Some("")) => "not set".to_owned(),
            (true, _) => "set".to_owned(),
        }
    }

    /// What is wrong with a value, by itself.
    pub fn wrong(&self, value: &Value) -> Option<Text> {
        let text = |key| Some(Text::new(key));
        match (self.shape(), value) {
            (Shape::Switch, Value::Boolean(_)) => None,
            (Shape::Number, Value::Integer(n)) => self.out_of_bounds(*n),
            (Shape::Fraction, Value::Float(_) | Value::Integer(_)) => {
                let n = value.as_float().or_else(|| value.as_integer().map(|n| n as f64)).unwrap_or(f64::NAN);
                let Rule::Part(min, max) = self.rule else { return None };
                let wrong = Text::new("setting.wrong.range").with("min", min).with("max", max);
                (!(min..=max).contains(&n)).then_some(wrong)
            }
            (Shape::Text, Value::String(value)) => self.wrong_text(value),
            (Shape::Numbers, Value::Array(values)) => {
                let Rule::Numbers { most, min, max } = self.rule else { return None };
                let good = |v: &Value| v.as_integer().is_some_and(|n| (min..=max).contains(&n));
                let wrong = Text::new("setting.wrong.numbers").with("most", most).with("min", min).with("max", max);
                (values.len() > most || !values.iter().all(good)).then_some(wrong)
            }
            (Shape::Texts, Value::Array(values)) => {
                let (fits, key): (fn(&str) -> bool, _) = match self.rule {
                    Rule::Origins => (is_origin, "setting.wrong.origins"),
                    Rule::Networks => (|text| Network::parse(text).is_ok(), "setting.wrong.networks"),
                    _ => (|_| true, "setting.wrong.list"),
                };
                let good = values.len() <= MOST && values.iter().all(|v| v.as_str().is_some_and(fits));
                (!good).then(|| Text::new(key))
            }
            (Shape::Switch, _) => text("setting.wrong.switch"),
            (Shape::Number, _) if self.unit() == Some(Unit::Bytes) => text("setting.wrong.bytes"),
            (Shape::Number, _) => text("setting.wrong.number"),
            (Shape::Fraction, _) => text("setting.wrong.fraction"),
            (Shape::Text, _) => text("setting.wrong.text"),
            (Shape::Numbers | Shape::Texts, _) => text("setting.wrong.list"),
        }
    }

    fn out_of_bounds(&self, n: i64) -> Option<Text> {
        let (key, min, max, zero) = match self.rule {
            Rule::Range(min, max) => ("setting.wrong.range", min, max, false),
            Rule::OrZero(min, max) => ("setting.wrong.or_zero", min, max, true),
            _ => return None,
        };
        let good = (min..=max).contains(&n) || (zero && n == 0);
        let (min, max) = (Value::Integer(min), Value::Integer(max));
        (!good).then(|| Text::new(key).with("min", self.write(&min)).with("max", self.write(&max)))
    }

    fn wrong_text(&self, value: &str) -> Option<Text> {
        let when = |wrong: bool, key| wrong.then(|| Text::new(key));
        if value.chars().any(char::is_control) {
            return Some(Text::new("invalid.control_characters"));
        }
        if value.chars().count() > LONGEST {
            return Some(Text::new("invalid.too_long").with("max", LONGEST));
        }
        match self.rule {
            Rule::OneOf(words) => {
                (!words.contains(&value)).then(|| Text::new("invalid.one_of").with("allowed", words.join(", ")))
            }
            Rule::Zone => when(jiff::tz::TimeZone::get(value).is_err(), "invalid.time_zone"),
            Rule::AddressOrNone if value.is_empty() => None,
            Rule::Address | Rule::AddressOrNone => {
                when(value.parse::<std::net::SocketAddr>().is_err(), "setting.wrong.address")
            }
            Rule::Url => when(!value.is_empty() && !is_url(value), "setting.wrong.url"),
            Rule::Host => {
                when(value.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '@')), "setting.wrong.host")
            }
            Rule::Sender => when(!value.is_empty() && !crate::engines::mail::is_sender(value), "setting.wrong.sender"),
            Rule::Filter => when(crate::engines::log::check_filter(value).is_err(), "setting.wrong.filter"),
            Rule::Required => when(value.is_empty(), "invalid.required"),
            _ => None,
        }
    }
}

/// A TOML value that stands alone.
pub fn parse(text: &str) -> Option<Value> {
    // A line break would begin a second entry.
    let text = Some(text.trim()).filter(|text| !text.contains(['\n', '\r']))?;
    format!("v = {text}").parse::<Table>().ok()?.remove("v")
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || matches!(c, '"' | ';')))
}

fn is_origin(text: &str) -> bool {
    let host = text.split_once("://").map_or("", |(_, host)| host);
    is_url(text) && !host.contains('/')
}

const UNITS: [(&str, i64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// `10 GiB`, `1.5 TB`, `4096`.
fn bytes(text: &str) -> Option<i64> {
    let text = text.replace(['_', ','], "");
    let at = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let (number, unit) = (text[..at].trim(), text[at..].trim());
    let factor = match unit {
        "" => 1,
        unit => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
    };
    match number.parse::<i64>() {
        Ok(n) => n.checked_mul(factor),
        Err(_) => {
            let n = number.parse::<f64>().ok()? * factor as f64;
            (n.is_finite() && n.abs() < i64::MAX as f64).then(|| n.round() as i64)
        }
    }
}

/// In the largest unit in which it is a whole number.
fn in_units(n: i64) -> String {
    let fits = |(_, factor): &&(&str, i64)| *factor > 1 && n != 0 && n % factor == 0;
    match UNITS.iter().filter(fits).max_by_key(|(_, factor)| *factor) {
        Some((name, factor)) => format!("{} {name}", n / factor),
        None => n.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{all, find};
    use super::*;

    #[test]
    fn sizes_are_typed_and_written_with_their_units() {
        for (typed, n) in [("10 GiB", 10 << 30), ("1.5tb", 1_500_000_000_000), ("4,096", 4096), ("0", 0), ("-3", -3)] {
            assert_eq!(bytes(typed), Some(n), "{typed}");
        }
        for typed in ["", "ten", "3 apples", "1e30 TB", "9223372036854775807 KB"] {
            assert_eq!(bytes(typed), None, "{typed}");
        }
        for n in [0, 1, 999, 1000, 10 << 30, 1_000_000_000, i64::MAX] {
            assert_eq!(bytes(&in_units(n)), Some(n), "{}", in_units(n));
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for setting in all() {
            let value = setting.default();
            assert_eq!(&setting.read(&setting.write(value)), value, "{}", setting.name);
            assert_eq!(parse(&value.to_string()).as_ref(), Some(value), "{}", setting.name);
        }
        let odd = Value::String("a \"b\" \\ ' # = 한글".into());
        assert_eq!(parse(&odd.to_string()), Some(odd));
        assert_eq!(parse("1\nother = 2"), None);
    }

    #[test]
    fn what_does_not_fit_is_told_by_its_kind() {
        let wrong = |name: &str, typed: &str| {
            let setting = find(name).unwrap();
            setting.wrong(&setting.read(typed)).map(|text| text.key)
        };
        assert_eq!(wrong("media.jobs", "many"), Some("setting.wrong.number"));
        assert_eq!(wrong("media.jobs", "65"), Some("setting.wrong.range"));
        assert_eq!(wrong("cache.disk_mib", "31"), Some("setting.wrong.or_zero"));
        assert_eq!(wrong("cache.disk_mib", "0"), None);
        assert_eq!(wrong("media.scene_threshold", "1"), None);
        assert_eq!(wrong("media.scene_threshold", "nan"), Some("setting.wrong.range"));
        assert_eq!(wrong("media.hls_heights", "1080, tall"), Some("setting.wrong.numbers"));
        assert_eq!(
            wrong("server.cors_origins", "https://a.example, https://b.example/x"),
            Some("setting.wrong.origins")
        );
        assert_eq!(wrong("server.public_url", "review.example.com"), Some("setting.wrong.url"));
        assert_eq!(wrong("server.cdn_url", "https://a.example; script-src *"), Some("setting.wrong.url"));
        assert_eq!(wrong("mail.from", "nobody"), Some("setting.wrong.sender"));
        assert_eq!(wrong("mail.user", "a\u{0}b"), Some("invalid.control_characters"));
        assert_eq!(wrong("log.level", "info,videoplanet::server=debug"), None);
        assert_eq!(wrong("log.level", "loud=="), Some("setting.wrong.filter"));
        assert_eq!(wrong("storage.quota_bytes", "2 TB"), None);
        assert_eq!(wrong("storage.quota_bytes", "much"), Some("setting.wrong.bytes"));
    }
}
