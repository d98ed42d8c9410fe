//! One box that finds projects, feedbacks, comments, files and people, the way Korean is typed.
//!
//! Laws: what the reader may not see is not matched, counted, suggested or told by the facets: his rights are part of the
//! question that the index answers. Whatever is shown is read from the tables at that moment, through the nouns
//! themselves, so that a row that is gone or hidden since it was indexed is left out. An anonymous author is found by
//! himself alone. A question that nobody understands is searched as words; there is no wrong question.
//! Writes no table. The index follows the journal ([`follow`]); what is said in the box is read in `query`.

mod documents;
mod follow;
mod judge;
pub mod operate;
mod query;
pub mod routes;
mod shown;
mod snippet;
mod sql;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::{FeedbackId, ProjectId};
use crate::base::locale::Text;
use crate::closed_set;
use crate::domain::accounts::{Person, Viewer};
use crate::engines::index::marks::Marker;
use crate::engines::index::{Ask, Found, Generation, Hit as Place, Pass, Words};
use crate::engines::store::Db;
use documents::STATUSES;
pub use follow::{follow, settled};
use judge::May;
use query::Query;

closed_set! {
    /// What can be found.
    Kind {
        /// 프로젝트
        Project = "project",
        /// 피드백
        Feedback = "feedback",
        /// 댓글
        Comment = "comment",
        /// 파일
        File = "file",
        /// 사람
        Person = "person",
        /// 기획안
        Plan = "plan",
    }
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// As typed: words, "phrases", -words, and operators such as `is:open`.
    pub q: String,
    /// Only hits of this kind.
    pub kind: Option<Kind>,
    /// Only hits of this project.
    pub project: Option<ProjectId>,
    /// Only hits in this state: a status of a project or a feedback, `open` or `resolved` of a comment.
    pub status: Option<String>,
    /// From an earlier answer.
    pub cursor: Option<String>,
    /// 1–100.
    pub page_size: Option<i64>,
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Answer {
    /// Hits in all.
    pub total: i64,
    /// The hits, best first.
    pub results: Vec<Hit>,
    /// On a first page of all kinds: each kind with its best hits, the best kind first.
    pub groups: Vec<Group>,
    /// How many hits there are by kind, project and status. Each count leaves out the filter of its own name.
    pub facets: Facets,
    /// For the hits after these.
    pub next_cursor: Option<String>,
    /// Are there hits after these?
    pub has_next: bool,
    /// What was probably meant, where the keyboard was in the other language.
    pub suggestion: Option<String>,
    /// Is the index complete? While it is built, hits may be missing.
    pub complete: bool,
}

/// The best hits of one kind.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Group {
    /// Which kind.
    pub kind: Kind,
    /// Hits of this kind in all.
    pub total: i64,
    /// Its best three.
    pub results: Vec<Hit>,
}

/// Counts of hits.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Facets {
    /// By kind.
    pub kinds: Vec<KindCount>,
    /// By project, most hits first, 20 at the most.
    pub projects: Vec<ProjectCount>,
    /// By status.
    pub statuses: Vec<StatusCount>,
}

/// Hits of a kind.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // As their names say.
pub struct KindCount {
    pub kind: Kind,
    pub count: i64,
}

/// Hits in a project.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // As their names say.
pub struct ProjectCount {
    pub id: ProjectId,
    pub name: String,
    pub count: i64,
}

/// Hits in a state.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // As their names say.
pub struct StatusCount {
    #[schema(example = "open")]
    pub status: String,
    pub count: i64,
}

/// One hit as the reader may see it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Hit {
    /// What it is.
    pub kind: Kind,
    /// Its id among its kind.
    pub id: i64,
    /// What a list calls it: a name, a title, a file's name; of a comment the title of its feedback.
    pub title: String,
    /// The title as HTML: escaped, with what matched in `<mark>`.
    pub title_html: String,
    /// Where it matched, as HTML: the original text, escaped, cut around what matched, which stands in `<mark>`.
    pub snippet_html: String,
    /// Where a browser finds it: a page of this instance.
    pub url: String,
    /// In which project; absent of a person.
    pub project_id: Option<ProjectId>,
    /// That project's name.
    pub project_name: Option<String>,
    /// Under which feedback (comments, files, and feedbacks themselves).
    pub feedback_id: Option<FeedbackId>,
    /// Who wrote or added it; `null` where he is not to be known.
    pub user: Option<Person>,
    /// A status of a project or a feedback, `open` or `resolved` of a comment, a state of a file.
    pub status: Option<String>,
    /// The moment of a comment in its film, in milliseconds.
    pub start_ms: Option<i64>,
    /// For the team alone?
    pub internal: bool,
    /// Is it the reader's own?
    pub is_mine: bool,
    /// Since when.
    pub created: Time,
}

/// What is offered while somebody types.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Suggestions {
    /// Ten at the most, best first: projects, feedbacks, files and people by name.
    pub results: Vec<Hit>,
    /// What was probably meant, where the keyboard was in the other language.
    pub suggestion: Option<String>,
}

/// Longest question, in characters.
pub const QUESTION_MAX: usize = 500;
/// Words beside a phrase that make a sentence of it.
const SENTENCE: usize = 3;
/// Names that are offered at once.
const SUGGESTED: usize = 10;
/// Projects that the facet names.
const PROJECTS: usize = 20;

/// Answers a question.
pub async fn search(app: &App, who: &Viewer, question: &Question) -> Result<Answer> {
    let size = crate::base::page::FeedQuery { cursor: None, page_size: question.page_size }.check()?.size as usize;
    if question.q.chars().count() > QUESTION_MAX {
        return Err(Error::invalid("q", Text::new("invalid.too_long").with("max", QUESTION_MAX)));
    }
    let after = question.cursor.as_deref().filter(|c| !c.is_empty()).map(read_cursor).transpose()?;
    let mut query = Query::read(&question.q, app.clock.now(), &app.config().search.time_zone);
    query.kinds.extend(question.kind);
    query.statuses.extend(question.status.clone());
    let empty = query.is_empty() && question.kind.is_none() && question.status.is_none() && question.project.is_none();
    let Some(index) = app.index.serving().filter(|_| !empty) else {
        return Ok(Answer { complete: app.index.whole().is_some(), ..Answer::default() });
    };
    let complete = app.index.whole().is_some();
    let marker = Marker::new(&query.words);
    let authored = !query.authors.is_empty();
    let ask = Ask { words: query.words.clone(), limit: size, after, ..Ask::default() };
    let (typed, project) = (question.q.clone(), question.project);
    let groups = question.kind.is_none() && after.is_none();
    let reader = who.clone();
    let find = move |index: &Generation| {
        let may = May::of(&reader);
        let narrowed = query.narrow(index, &may, project, reader.user.0)?;
        let mut ask = Ask { scopes: may.scopes(), ..ask };
        let mut found = index.search(&ask, |d| narrowed.judge(&may, d))?;
        // A sentence that quotes something is answered without the quotation marks where nothing has the very words.
        if found.total == 0 && ask.words.text.split_whitespace().count() >= SENTENCE && !ask.words.phrases.is_empty() {
            for phrase in std::mem::take(&mut ask.words.phrases) {
                ask.words.text.push_str(&format!(" {phrase}"));
            }
            found = index.search(&ask, |d| narrowed.judge(&may, d))?;
        }
        let suggestion = judge::suggestion(index, &may, &typed, found.total)?;
        Ok((found, suggestion))
    };
    let reader = who.clone();
    let (found, suggestion, shown) = look(app, who, &index, find, move |db, (found, suggestion): (Found, _)| {
        let mut wanted: Vec<Place> = found.hits.clone();
        if groups {
            wanted.extend(found.best.iter().flat_map(|(_, hits)| hits));
        }
        let projects: Vec<i64> = found.scopes.iter().take(PROJECTS).map(|(id, _)| *id).collect();
        let shown = shown::read(db, &reader, &wanted, &projects, &marker, authored)?;
        Ok((found, suggestion, shown))
    })
    .await?;
    let Found { total, hits, more, best, kinds, scopes, statuses } = found;
    let next_cursor = hits.last().filter(|_| more).map(|h| cursor(h.place));
    let count = |kind: &u8| kinds.iter().find(|(k, _)| k == kind).map_or(0, |(_, n)| *n as i64);
    Ok(Answer {
        total: total as i64,
        results: hits.iter().filter_map(|h| shown.hit(h)).collect(),
        groups: best
            .iter()
            .filter(|_| groups)
            .filter_map(|(kind, hits)| {
                let results: Vec<Hit> = hits.iter().filter_map(|h| shown.hit(h)).collect();
                let kind_of = *Kind::ALL.get(*kind as usize)?;
                Some(Group { kind: kind_of, total: count(kind), results }).filter(|g| !g.results.is_empty())
            })
            .collect(),
        facets: Facets {
            kinds: kinds
                .iter()
                .filter_map(|(k, n)| Some(KindCount { kind: *Kind::ALL.get(*k as usize)?, count: *n as i64 }))
                .collect(),
            projects: scopes
                .iter()
                .take(PROJECTS)
                .filter_map(|(id, n)| {
                    let name = shown.projects.get(id)?.clone();
                    Some(ProjectCount { id: ProjectId(*id), name, count: *n as i64 })
                })
                .collect(),
            statuses: statuses
                .iter()
                .filter_map(|(s, n)| {
                    let status = STATUSES.get(*s as usize)?;
                    Some(StatusCount { status: status.to_string(), count: *n as i64 })
                })
                .collect(),
        },
        has_next: next_cursor.is_some(),
        next_cursor,
        suggestion,
        complete,
    })
}

/// Offers names while somebody types.
pub async fn suggest(app: &App, who: &Viewer, q: &str) -> Result<Suggestions> {
    if q.chars().count() > QUESTION_MAX {
        return Err(Error::invalid("q", Text::new("invalid.too_long").with("max", QUESTION_MAX)));
    }
    let words = Words { text: q.trim().to_owned(), typing: true, ..Words::default() };
    let Some(index) = app.index.serving().filter(|_| !words.is_empty()) else { return Ok(Suggestions::default()) };
    let marker = Marker::new(&words);
    let (typed, reader) = (q.to_owned(), who.clone());
    let find = move |index: &Generation| {
        let may = May::of(&reader);
        let ask = Ask { words, names_only: true, scopes: may.scopes(), limit: SUGGESTED, after: None };
        let found = index.search(&ask, |d| may.sees(d).then_some(PASS))?;
        let suggestion = judge::suggestion(index, &may, &typed, found.total)?;
        Ok((found.hits, suggestion))
    };
    let reader = who.clone();
    look(app, who, &index, find, move |db, (hits, suggestion): (Vec<Place>, _)| {
        let shown = shown::read(db, &reader, &hits, &[], &marker, false)?;
        Ok(Suggestions { results: hits.iter().filter_map(|h| shown.hit(h)).collect(), suggestion })
    })
    .await
}

/// Through every filter.
const PASS: Pass = Pass { kind: true, scope: true, status: true, own: false };

/// Answers to those who see little come at multiples of this: looking up a word that only others have takes a part of it
/// longer than one that nobody wrote, which tells nothing then.
const EVEN: Duration = Duration::from_millis(2);

/// When an answer is given that was ready after `took`.
fn even(took: Duration) -> Duration {
    EVEN * (took.as_micros() / EVEN.as_micros() + 1) as u32
}

/// Looks into the index and reads what is shown, in one go on a reader's thread. A question that breaks the index has met
/// damage: it is taken out of service and built anew.
async fn look<F: Send + 'static, T: Send + 'static>(
    app: &App,
    who: &Viewer,
    index: &Arc<Generation>,
    find: impl FnOnce(&Generation) -> anyhow::Result<F> + Send + 'static,
    show: impl FnOnce(&Db, F) -> Result<T> + Send + 'static,
) -> Result<T> {
    let begun = Instant::now();
    let asked = index.clone();
    let answer = app
        .read(move |db| match catch_unwind(AssertUnwindSafe(|| find(&asked))) {
            Ok(Ok(found)) => show(db, found).map(Ok),
            Ok(Err(e)) => Ok(Err(format!("{e:#}"))),
            Err(_) => Ok(Err("it broke a question off".to_owned())),
        })
        .await?;
    if index.shows_little_of(&May::of(who).scopes()) {
        tokio::time::sleep_until((begun + even(begun.elapsed())).into()).await;
    }
    answer.map_err(|why| {
        tracing::error!(error = why, "the search index cannot be read and is built anew");
        app.index.discard(index, why);
        app.index.wake();
        Error::Busy { retry_after_s: 2 }
    })
}

fn cursor(place: crate::engines::index::Place) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&place).unwrap_or_default())
}

fn read_cursor(text: &str) -> Result<crate::engines::index::Place> {
    let bytes = URL_SAFE_NO_PAD.decode(text.get(..text.len().min(200)).unwrap_or_default()).ok();
    let place = bytes.and_then(|b| serde_json::from_slice(&b).ok());
    place.ok_or_else(|| Error::invalid("cursor", Text::new("invalid.cursor")))
}
