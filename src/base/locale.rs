//! Korean and English: texts are named by a key and spoken in the reader's language at the last moment.
//!
//! The texts stand in `locales/{ko,en}/*.json` as flat `"key": "text with {name}"`. The tidy test holds both languages
//! to the same keys and every key named in the code to an existing text.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

#[derive(rust_embed::RustEmbed)]
#[folder = "locales"]
struct Files;

/// The two languages of the product. Korean is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// 한국어
    #[default]
    Ko,
    /// English
    En,
}

impl Lang {
    /// The language tag for `lang=` and `Content-Language`.
    pub fn tag(self) -> &'static str {
        match self {
            Lang::Ko => "ko",
            Lang::En => "en",
        }
    }

    /// The language of a tag such as `en-US`; `None` for one that we do not speak.
    pub fn from_tag(tag: &str) -> Option<Lang> {
        match tag.trim().split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "ko" => Some(Lang::Ko),
            "en" => Some(Lang::En),
            _ => None,
        }
    }

    /// The best of an `Accept-Language` header: the highest `q` among those that we speak.
    pub fn accepted(header: &str) -> Option<Lang> {
        let mut best: Option<(f32, Lang)> = None;
        for part in header.split(',').take(20) {
            let mut bits = part.split(';');
            let Some(lang) = bits.next().and_then(Lang::from_tag) else { continue };
            let q = bits.find_map(|b| b.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            if q > 0.0 && best.is_none_or(|(top, _)| q > top) {
                best = Some((q, lang));
            }
        }
        best.map(|(_, lang)| lang)
    }
}

/// A text to be spoken later: its key and the values of its `{names}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Key in the locale files.
    pub key: &'static str,
    /// Values by name.
    pub args: Vec<(&'static str, String)>,
}

impl Text {
    /// The text named `key`.
    pub fn new(key: &'static str) -> Text {
        Text { key, args: Vec::new() }
    }

    /// The same text with `{name}` standing for `value`.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Text {
        self.args.push((name, value.to_string()));
        self
    }
}

type Table = HashMap<String, String>;

static TABLES: LazyLock<[Table; 2]> = LazyLock::new(|| [load("ko"), load("en")]);

fn load(tag: &str) -> Table {
    let mut table = Table::new();
    for name in Files::iter().filter(|n| n.starts_with(tag) && n.ends_with(".json")) {
        let file = Files::get(&name).expect("an embedded file that was just listed");
        let part: Table = serde_json::from_slice(&file.data).unwrap_or_else(|e| panic!("locales/{name}: {e}"));
        table.extend(part);
    }
    table
}

/// All texts of one language.
pub fn table(lang: Lang) -> &'static HashMap<String, String> {
    &TABLES[lang as usize]
}

/// The text of `key` without values; the key itself when there is none.
pub fn get(lang: Lang, key: &str) -> String {
    table(lang).get(key).cloned().unwrap_or_else(|| key.to_owned())
}

/// Speaks `text` in `lang`.
pub fn say(lang: Lang, text: &Text) -> String {
    let mut out = get(lang, text.key);
    for (name, value) in &text.args {
        out = out.replace(&format!("{{{name}}}"), value);
    }
    out
}

/// A length of time in its two largest units.
pub fn lasting(lang: Lang, ms: i64) -> String {
    let s = ms.max(0) / 1000;
    let say = |n: i64, unit: &str| get(lang, &format!("admin.time.{unit}")).replace("{n}", &n.to_string());
    let two = |a: String, b: i64, unit: &str| if b > 0 { format!("{a} {}", say(b, unit)) } else { a };
    match s {
        0 => say(ms.max(0), "ms"),
        1..60 => say(s, "s"),
        60..3_600 => two(say(s / 60, "m"), s % 60, "s"),
        3_600..86_400 => two(say(s / 3_600, "h"), s % 3_600 / 60, "m"),
        _ => two(say(s / 86_400, "d"), s % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_accepted_language_wins() {
        assert_eq!(Lang::accepted("fr, en;q=0.8, ko;q=0.9"), Some(Lang::Ko));
        assert_eq!(Lang::accepted("en-US,en;q=0.9"), Some(Lang::En));
        assert_eq!(Lang::accepted("fr"), None);
        assert_eq!(Lang::accepted("ko;q=0"), None);
    }

    #[test]
    fn values_stand_in_their_places() {
        let text = Text::new("invalid.too_long").with("max", 200);
        assert!(say(Lang::En, &text).contains("200"));
        assert!(say(Lang::Ko, &text).contains("200"));
    }
}
