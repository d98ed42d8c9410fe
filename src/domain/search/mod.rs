//! One box that finds projects, feedbacks, comments, files and people, the way Korean is typed.
//!
//! Laws: what the reader may not see is not matched, counted, suggested or told by the facets: his rights are part of the
//! question that the index answers. Whatever is shown is read from the tables at that moment, through the nouns
//! themselves, so that a row that is gone or hidden since it was indexed is left out. An anonymous author is found by
//! himself alone. A question that nobody understands is searched as words; there is no wrong question.
//! Writes no table. The index follows the journal ([`follow`]); what is said in the box is read in [`query`].

mod documents;
mod follow;
pub mod operate;
mod query;
pub mod routes;
mod snippet;
mod sql;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::{CommentId, FeedbackId, ProjectId};
use crate::base::locale::Text;
use crate::base::roles::{Right, Role};
use crate::closed_set;
use crate::domain::accounts::{Person, Viewer};
use crate::domain::comments;
use crate::engines::index::marks::Marker;
use crate::engines::index::text::layout;
use crate::engines::index::{Ask, Doc, Found, Generation, Hit as Place, Pass, Words};
use crate::engines::store::Db;
use documents::{STATUSES, flag};
pub use follow::{follow, settled};
use query::{Query, Whose};

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
    let mut query = Query::read(&question.q, app.clock.now(), &app.config.search.time_zone);
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
    let (found, suggestion) = on_a_core(app, &index, move |index| {
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
        let suggestion = suggestion(index, &may, &typed, found.total)?;
        Ok((found, suggestion))
    })
    .await?;
    let Found { total, hits, more, best, kinds, scopes, statuses } = found;
    let next_cursor = hits.last().filter(|_| more).map(|h| cursor(h.place));
    let mut wanted: Vec<Place> = hits.clone();
    if groups {
        wanted.extend(best.iter().flat_map(|(_, hits)| hits));
    }
    let projects: Vec<i64> = scopes.iter().take(PROJECTS).map(|(id, _)| *id).collect();
    let reader = who.clone();
    let shown = app.read(move |db| show(db, &reader, &wanted, &projects, &marker, authored)).await?;
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
    let (found, suggestion) = on_a_core(app, &index, move |index| {
        let may = May::of(&reader);
        let ask = Ask { words, names_only: true, scopes: may.scopes(), limit: SUGGESTED, after: None };
        let found = index.search(&ask, |d| may.sees(d).then_some(PASS))?;
        let suggestion = suggestion(index, &may, &typed, found.total)?;
        Ok((found, suggestion))
    })
    .await?;
    let (reader, hits) = (who.clone(), found.hits.clone());
    let shown = app.read(move |db| show(db, &reader, &hits, &[], &marker, false)).await?;
    Ok(Suggestions { results: found.hits.iter().filter_map(|h| shown.hit(h)).collect(), suggestion })
}

/// Through every filter.
const PASS: Pass = Pass { kind: true, scope: true, status: true, own: false };

/// Asks the index beside the requests, as many questions at once as there are cores. A question that breaks the index
/// has met damage: it is taken out of service and built anew.
async fn on_a_core<T: Send + 'static>(
    app: &App,
    index: &std::sync::Arc<Generation>,
    ask: impl FnOnce(&Generation) -> anyhow::Result<T> + Send + 'static,
) -> Result<T> {
    let _permit = app.index.permit().await;
    let asked = index.clone();
    let answer = tokio::task::spawn_blocking(move || ask(&asked)).await;
    let why = match answer {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(e)) => format!("{e:#}"),
        Err(e) => e.to_string(),
    };
    tracing::error!(error = why, "the index cannot be read and is built anew");
    app.index.discard(index, why);
    app.index.wake();
    Err(Error::Busy { retry_after_s: 2 })
}

/// Where a reader may look, and as what.
struct May {
    roles: HashMap<i64, Role>,
}

impl May {
    fn of(who: &Viewer) -> May {
        let there = who.roles.all().iter().filter(|s| !s.deleted);
        May { roles: there.map(|s| (s.project.0, s.role)).collect() }
    }

    fn scopes(&self) -> Vec<i64> {
        self.roles.keys().copied().collect()
    }

    /// May he see the document at all?
    fn sees(&self, d: &Doc) -> bool {
        if d.kind() == Kind::Person as u8 {
            return d.in_any(|project| self.roles.contains_key(&project));
        }
        let role = self.roles.get(&d.scope());
        role.is_some_and(|r| d.flags() & flag::INTERNAL == 0 || r.may(Right::SeeInternal))
    }
}

/// A question whose names are found: what the judge goes by.
struct Narrowed {
    kinds: Vec<u8>,
    projects: Option<HashSet<i64>>,
    statuses: Vec<u8>,
    authors: Option<HashSet<i64>>,
    me: i64,
    mine: bool,
    after: i64,
    before: i64,
    flags: u8,
}

impl Narrowed {
    fn judge(&self, may: &May, d: &Doc) -> Option<Pass> {
        if !may.sees(d) || d.flags() & self.flags != self.flags {
            return None;
        }
        if self.mine || self.authors.is_some() {
            let owner = d.owner();
            // Who wrote without his name is known to himself alone.
            let told = d.flags() & flag::ANONYMOUS == 0 || owner == self.me;
            let wanted = self.authors.as_ref().is_none_or(|a| told && a.contains(&owner));
            if !wanted || (self.mine && owner != self.me) {
                return None;
            }
        }
        if self.after > i64::MIN || self.before < i64::MAX {
            let at = d.at();
            if at < self.after || at >= self.before {
                return None;
            }
        }
        let scope = match &self.projects {
            None => true,
            Some(of) if d.kind() == Kind::Person as u8 => d.in_any(|p| of.contains(&p)),
            Some(of) => of.contains(&d.scope()),
        };
        Some(Pass {
            kind: self.kinds.is_empty() || self.kinds.contains(&d.kind()),
            scope,
            status: self.statuses.is_empty() || self.statuses.contains(&d.status()),
            own: may.roles.get(&d.scope()) == Some(&Role::Owner),
        })
    }
}

impl Query {
    /// Looks up the people and projects that it names, among those that the reader may see.
    fn narrow(self, index: &Generation, may: &May, project: Option<ProjectId>, me: i64) -> anyhow::Result<Narrowed> {
        let named = |kind: Kind, names: &[String]| -> anyhow::Result<HashSet<i64>> {
            let mut ids = HashSet::new();
            for name in names {
                let words = Words { text: name.clone(), typing: true, ..Words::default() };
                // All of that name: the thousandth project is one of them as well.
                let ask = Ask { words, names_only: true, scopes: may.scopes(), limit: usize::MAX, after: None };
                let found = index.search(&ask, |d| (d.kind() == kind as u8 && may.sees(d)).then_some(PASS))?;
                ids.extend(found.hits.iter().map(|h| h.key.id));
            }
            Ok(ids)
        };
        let mut projects = match &self.projects[..] {
            [] => None,
            names => Some(named(Kind::Project, names)?),
        };
        if let Some(id) = project {
            projects = Some(
                HashSet::from([id.0])
                    .into_iter()
                    .filter(|p| projects.as_ref().is_none_or(|of| of.contains(p)))
                    .collect(),
            );
        }
        let authors = match &self.authors[..] {
            [] => None,
            whose => {
                let names: Vec<String> = whose.iter().filter_map(|w| w.name().map(str::to_owned)).collect();
                let mut ids = named(Kind::Person, &names)?;
                ids.extend(whose.iter().any(|w| matches!(w, Whose::Me)).then_some(me));
                Some(ids)
            }
        };
        let number = |s: &String| STATUSES.iter().position(|known| known == s).map_or(u8::MAX - 1, |i| i as u8);
        Ok(Narrowed {
            kinds: self.kinds.iter().map(|k| *k as u8).collect(),
            projects,
            statuses: self.statuses.iter().map(number).collect(),
            authors,
            me,
            mine: self.mine,
            after: self.after.map_or(i64::MIN, |t| t.0),
            before: self.before.map_or(i64::MAX, |t| t.0),
            flags: self.flags,
        })
    }
}

/// What was probably meant, where Latin letters were typed while the keyboard was Korean: certain where letters stand
/// alone that no Korean word has; else only where nothing is found as typed and something is found as meant.
fn suggestion(index: &Generation, may: &May, typed: &str, total: u64) -> anyhow::Result<Option<String>> {
    let Some(meant) = layout::latin(typed.trim()) else { return Ok(None) };
    if layout::is_broken(typed) {
        return Ok(Some(meant));
    }
    if total > 0 || !typed.trim().chars().all(|c| c.is_whitespace() || layout::is_typed_hangul(c)) {
        return Ok(None);
    }
    let words = Words { text: meant.clone(), ..Words::default() };
    let ask = Ask { words, scopes: may.scopes(), ..Ask::default() };
    let found = index.search(&ask, |d| may.sees(d).then_some(PASS))?;
    Ok((found.total > 0).then_some(meant))
}

fn cursor(place: crate::engines::index::Place) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&place).unwrap_or_default())
}

fn read_cursor(text: &str) -> Result<crate::engines::index::Place> {
    let bytes = URL_SAFE_NO_PAD.decode(text.get(..text.len().min(200)).unwrap_or_default()).ok();
    let place = bytes.and_then(|b| serde_json::from_slice(&b).ok());
    place.ok_or_else(|| Error::invalid("cursor", Text::new("invalid.cursor")))
}

/// Hits as they may be shown, by document.
#[derive(Default)]
struct Shown {
    hits: HashMap<(u8, i64), Hit>,
    projects: HashMap<i64, String>,
}

impl Shown {
    fn hit(&self, place: &Place) -> Option<Hit> {
        self.hits.get(&(place.key.kind, place.key.id)).cloned()
    }
}

/// Reads the rows of hits as they stand now; what is gone, or hidden from the reader by now, is left out. Two
/// statements. `authored`: the question named an author.
fn show(db: &Db, who: &Viewer, places: &[Place], projects: &[i64], marker: &Marker, authored: bool) -> Result<Shown> {
    let mut wanted: [Vec<i64>; 5] = Default::default();
    for place in places {
        if let Some(ids) = wanted.get_mut(place.key.kind as usize)
            && !ids.contains(&place.key.id)
        {
            ids.push(place.key.id);
        }
    }
    let said: Vec<CommentId> = wanted[Kind::Comment as usize].iter().map(|id| CommentId(*id)).collect();
    let said = comments::found(db, who, &said)?;
    let mut rows = sql::Wanted {
        projects: [&wanted[Kind::Project as usize][..], projects].concat(),
        feedbacks: wanted[Kind::Feedback as usize].clone(),
        files: wanted[Kind::File as usize].clone(),
        people: wanted[Kind::Person as usize].clone(),
    };
    rows.feedbacks.extend(said.iter().map(|c| c.feedback_id.0));
    let rows = sql::rows(db, who.user, &rows)?;
    let mut shown = Shown::default();
    let mut titles: HashMap<i64, (String, String)> = HashMap::new();
    for row in rows {
        let allowed = row.kind == Kind::Person || who.role(ProjectId(row.project)).is_some();
        if !allowed {
            continue;
        }
        match row.kind {
            Kind::Project => drop(shown.projects.insert(row.id, row.title.clone())),
            Kind::Feedback => drop(titles.insert(row.id, (row.title.clone(), row.project_name.clone()))),
            _ => {}
        }
        shown.hits.insert((row.kind as u8, row.id), row.hit(who.user, marker));
    }
    for c in said {
        // A name that was taken away since the comment was indexed is no way to find it.
        if authored && c.user.is_none() {
            continue;
        }
        let Some((title, project_name)) = titles.get(&c.feedback_id.0) else { continue };
        let text = if c.title.is_empty() { c.text.clone() } else { format!("{} — {}", c.title, c.text) };
        let hit = Hit {
            kind: Kind::Comment,
            id: c.id.0,
            title: title.clone(),
            title_html: snippet::escaped(title),
            snippet_html: snippet::of(&text, marker),
            url: format!("/feedbacks/{}?c={}", c.feedback_id, c.id),
            project_id: Some(c.project_id),
            project_name: Some(project_name.clone()),
            feedback_id: Some(c.feedback_id),
            user: c.user,
            status: Some(if c.resolved_at.is_some() { "resolved" } else { "open" }.to_owned()),
            start_ms: c.start_ms,
            internal: c.internal,
            is_mine: c.is_mine,
            created: c.created,
        };
        shown.hits.insert((Kind::Comment as u8, c.id.0), hit);
    }
    Ok(shown)
}
