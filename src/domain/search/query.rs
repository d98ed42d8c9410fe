//! What is typed into the box: words, "phrases", -words and operators.
//!
//! | operator | in Korean | means |
//! |---|---|---|
//! | `is:` | `상태:` | `mine` (내것), `internal` (내부), `anonymous` (익명), or a status |
//! | `from:` | `작성자:` | who wrote it; `me` (나) |
//! | `in:` | `프로젝트:` | in projects of this name |
//! | `kind:` | `종류:` | project, feedback, comment, file, person, or their Korean names |
//! | `before:` `after:` | `이전:` `이후:` | a day, a month or a year; `today` (오늘), `yesterday` (어제) |
//! | `has:` | `첨부:` | `drawing` (그림), `time` (구간) |
//!
//! Law: there is no wrong question. What is not understood is looked for as words.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Kind;
use super::documents::{STATUSES, flag};
use crate::base::clock::{DAY, Time};
use crate::engines::index::Words;

/// Whom `from:` names.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Whose {
    /// Who asks.
    Me,
    /// A nickname, or its beginning.
    Named(String),
}

impl Whose {
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Whose::Me => None,
            Whose::Named(name) => Some(name),
        }
    }
}

/// Phrases, words to be left out, and names of people and projects in one question: each is a look into the index.
const MANY: usize = 16;

/// A question that is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub(super) words: Words,
    pub(super) kinds: Vec<Kind>,
    pub(super) statuses: Vec<String>,
    pub(super) authors: Vec<Whose>,
    pub(super) projects: Vec<String>,
    pub(super) mine: bool,
    /// Bits that a document must have.
    pub(super) flags: u8,
    pub(super) after: Option<Time>,
    pub(super) before: Option<Time>,
}

impl Query {
    /// Reads `typed`. Days begin at midnight in `zone`.
    pub(super) fn read(typed: &str, now: Time, zone: &str) -> Query {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let mut query = Query::default();
        let mut words: Vec<String> = Vec::new();
        let pieces = pieces(typed);
        let last_is_word = pieces.last().is_some_and(|p| matches!(p, Piece::Word(_)));
        let mut last_word_kept = false;
        for piece in pieces {
            last_word_kept = false;
            match piece {
                Piece::Phrase { text, not: false } if query.words.phrases.len() < MANY => {
                    query.words.phrases.push(text)
                }
                Piece::Phrase { text, not: false } => words.push(text),
                Piece::Phrase { text, not: true } => query.leave_out(text),
                Piece::Operator { name, value } => {
                    if !query.operator(&name, &value, now, &zone) {
                        words.push(format!("{name} {value}"));
                    }
                }
                Piece::Word(word) => match word.strip_prefix('-').filter(|w| !w.is_empty()) {
                    Some(not) => query.leave_out(not.to_owned()),
                    None => {
                        words.push(word);
                        last_word_kept = true;
                    }
                },
            }
        }
        query.words.text = words.join(" ");
        query.words.typing = last_is_word && last_word_kept && !typed.ends_with(char::is_whitespace);
        query
    }

    /// Is nothing asked?
    pub(super) fn is_empty(&self) -> bool {
        let Query { words, kinds, statuses, authors, projects, mine, flags, after, before } = self;
        words.is_empty()
            && kinds.is_empty()
            && statuses.is_empty()
            && authors.is_empty()
            && projects.is_empty()
            && !mine
            && *flags == 0
            && after.is_none()
            && before.is_none()
    }

    fn leave_out(&mut self, text: String) {
        if self.words.without.len() < MANY {
            self.words.without.push(text);
        }
    }

    /// Takes an operator; `false` if it is none.
    fn operator(&mut self, name: &str, value: &str, now: Time, zone: &TimeZone) -> bool {
        if self.authors.len() + self.projects.len() >= MANY {
            return false;
        }
        match name {
            "is" | "상태" => return self.is(value),
            "kind" | "종류" => match kind(value) {
                Some(kind) => self.kinds.push(kind),
                None => return false,
            },
            "from" | "작성자" => self.authors.push(match value {
                "me" | "나" => Whose::Me,
                name => Whose::Named(name.to_owned()),
            }),
            "in" | "프로젝트" => self.projects.push(value.to_owned()),
            "has" | "첨부" => match value {
                "drawing" | "그림" => self.flags |= flag::DRAWING,
                "time" | "구간" => self.flags |= flag::TIMED,
                _ => return false,
            },
            "before" | "이전" => match day(value, now, zone) {
                Some(day) => self.before = Some(self.before.map_or(day, |b| b.min(day))),
                None => return false,
            },
            "after" | "이후" => match day(value, now, zone) {
                Some(day) => self.after = Some(self.after.map_or(day, |a| a.max(day))),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    fn is(&mut self, value: &str) -> bool {
        match value {
            "mine" | "내것" | "나" => self.mine = true,
            "internal" | "내부" => self.flags |= flag::INTERNAL,
            "anonymous" | "익명" => self.flags |= flag::ANONYMOUS,
            _ => match status(value) {
                Some(status) => self.statuses.push(status.to_owned()),
                None => return false,
            },
        }
        true
    }
}

fn kind(value: &str) -> Option<Kind> {
    match value {
        "프로젝트" => Some(Kind::Project),
        "피드백" => Some(Kind::Feedback),
        "의견" | "댓글" | "코멘트" => Some(Kind::Comment),
        "파일" | "영상" => Some(Kind::File),
        "사람" | "멤버" => Some(Kind::Person),
        "기획안" | "기획" => Some(Kind::Plan),
        other => other.to_lowercase().parse().ok(),
    }
}

fn status(value: &str) -> Option<&'static str> {
    let korean = match value {
        "접수" | "열림" | "미해결" => "open",
        "진행" => "in_progress",
        "해결" | "해결됨" => "resolved",
        "종료" => "closed",
        "기획" => "planning",
        "검토" => "review",
        "완료" => "completed",
        "보류" => "on_hold",
        "취소" => "cancelled",
        "보관" => "archived",
        _ => "",
    };
    let lower = value.to_lowercase();
    STATUSES.iter().find(|s| **s == korean || **s == lower).copied()
}

/// The beginning of a day, month or year.
fn day(value: &str, now: Time, zone: &TimeZone) -> Option<Time> {
    let midnight = |date: Date| Some(Time(date.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond()));
    let today = |back: i64| {
        let stamp = jiff::Timestamp::from_millisecond(now.0 - back * DAY).ok()?;
        midnight(stamp.to_zoned(zone.clone()).date())
    };
    match value {
        "today" | "오늘" => return today(0),
        "yesterday" | "어제" => return today(1),
        _ => {}
    }
    let parts: Vec<&str> = value.trim_end_matches('.').split(['-', '.', '/']).collect();
    let number = |i: usize| match parts.get(i) {
        None => Some(1),
        Some(p) if (1..=2).contains(&p.len()) => p.parse::<i8>().ok(),
        Some(_) => None,
    };
    let year = parts.first().filter(|y| y.len() == 4)?.parse::<i16>().ok()?;
    if parts.len() > 3 {
        return None;
    }
    midnight(Date::new(year, number(1)?, number(2)?).ok()?)
}

enum Piece {
    Word(String),
    Phrase { text: String, not: bool },
    Operator { name: String, value: String },
}

/// Divides at spaces, quotation marks aside. One that is never closed is none.
fn pieces(typed: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut rest = typed.trim_start();
    while !rest.is_empty() {
        let head = rest.find(|c: char| c.is_whitespace() || is_quote(c)).unwrap_or(rest.len());
        let (before, after) = rest.split_at(head);
        let quoted = after.strip_prefix(is_quote).and_then(|q| Some((q, q.find(is_quote)?)));
        match quoted {
            // `"…"`, `-"…"`, `in:"…"`; a quotation mark inside of a word is none.
            Some((inside, end)) if before.is_empty() || before == "-" || before.ends_with(':') => {
                let text = inside[..end].trim().to_owned();
                match before.strip_suffix(':') {
                    _ if text.is_empty() => {}
                    Some(name) => out.push(Piece::Operator { name: name.to_lowercase(), value: text }),
                    None => out.push(Piece::Phrase { text, not: before == "-" }),
                }
                let close = inside[end..].chars().next().map_or(0, char::len_utf8);
                rest = inside[end + close..].trim_start();
            }
            _ => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let word = &rest[..end];
                out.push(match word.split_once(':').filter(|(n, v)| is_name(n) && !v.is_empty()) {
                    Some((name, value)) => {
                        Piece::Operator { name: name.to_lowercase(), value: value.trim_matches(is_quote).to_owned() }
                    }
                    None => Piece::Word(word.to_owned()),
                });
                rest = rest[end..].trim_start();
            }
        }
    }
    out
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

/// A time code's hours are no operator.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(char::is_alphabetic)
}
