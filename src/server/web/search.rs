//! `/search`: what was found, whole without script; without a question, what can be asked.
//!
//! The page asks `domain::search` and draws its answer. An old link whose filter is none any more, or whose place in the
//! list is not known any more, is answered as if it had none.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::ids::ProjectId;
use crate::domain::feedback::FeedbackStatus;
use crate::domain::http::Query;
use crate::domain::media::MediaState;
use crate::domain::projects::ProjectStatus;
use crate::domain::search::{self, Answer, Hit, Kind, Question};

/// As many characters as the box takes.
const LONGEST: usize = 200;

/// The tabs, in their order.
const KINDS: [Kind; 6] = [Kind::Comment, Kind::Feedback, Kind::Project, Kind::Plan, Kind::File, Kind::Person];

/// What can be asked, as (what it is called, question); the questions of `None` stand in the locale.
type Examples = &'static [(&'static str, Option<&'static str>)];

const WORDS: Examples = &[
    ("josa", Some("자막을")),
    ("space", Some("색 보정")),
    ("cho", Some("ㅅㅂㅈ")),
    ("keyboard", Some("vmfhwprxm")),
    ("phrase", None),
    ("minus", None),
];

const CONDITIONS: Examples = &[
    ("open", Some("is:open")),
    ("mine", Some("is:mine")),
    ("from", None),
    ("in", None),
    ("kind", Some("kind:comment")),
    ("dates", None),
    ("has", Some("has:drawing")),
];

#[derive(Template)]
#[template(path = "search.html")]
struct Page {
    f: Frame,
    asked: Question,
    /// Absent if nothing was asked.
    found: Option<Answer>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Asked {
    q: String,
    kind: String,
    project_id: String,
    status: String,
    cursor: String,
}

pub(super) async fn show(State(app): State<App>, f: Frame, Query(asked): Query<Asked>) -> Result<Response> {
    let who = f.viewer()?;
    let mut question = Question {
        q: asked.q.trim().chars().take(LONGEST).collect(),
        kind: asked.kind.parse().ok(),
        project: asked.project_id.parse().ok().map(ProjectId),
        status: Some(asked.status).filter(|s| is_status(s)),
        cursor: Some(asked.cursor).filter(|c| !c.is_empty()),
        page_size: None,
    };
    let found = if question.q.is_empty() {
        None
    } else {
        let found = match search::search(&app, &who, &question).await {
            Err(Error::Invalid(_)) if question.cursor.take().is_some() => search::search(&app, &who, &question).await,
            found => found,
        };
        Some(found?)
    };
    html(&Page { f: f.at("search"), asked: question, found })
}

fn is_status(name: &str) -> bool {
    name.parse::<ProjectStatus>().is_ok()
        || name.parse::<FeedbackStatus>().is_ok()
        || name.parse::<MediaState>().is_ok()
}

impl Page {
    /// The same question with other filters, from its first page.
    fn link(&self, q: &str, kind: Option<Kind>, project: Option<ProjectId>, status: Option<&str>) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("q", q);
        let kind = kind.map(|k| k.to_string());
        let project = project.map(|p| p.to_string());
        let filters = [("kind", kind.as_deref()), ("project_id", project.as_deref()), ("status", status)];
        for (name, value) in filters {
            value.map(|value| pairs.append_pair(name, value));
        }
        format!("/search?{}", pairs.finish())
    }

    /// The tab of a kind; `None` is the tab of all.
    fn tab(&self, kind: &Option<Kind>) -> String {
        // A state belongs to a kind: the project stays, the state does not.
        let status = self.asked.status.as_deref().filter(|_| kind.is_none() || *kind == self.asked.kind);
        self.link(&self.asked.q, *kind, self.asked.project, status)
    }

    fn tab_of(&self, kind: &Kind) -> String {
        self.tab(&Some(*kind))
    }

    /// The first page of what is looked at.
    fn here(&self) -> String {
        self.link(&self.asked.q, self.asked.kind, self.asked.project, self.asked.status.as_deref())
    }

    /// The question and nothing else.
    fn bare(&self, q: &str) -> String {
        self.link(q, None, None, None)
    }

    fn next(&self, cursor: &str) -> String {
        let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        format!("{}&cursor={cursor}", self.here())
    }

    fn is_filtered(&self) -> bool {
        self.asked.kind.is_some() || self.asked.project.is_some() || self.asked.status.is_some()
    }

    /// Groups are for several kinds; hits of a single one are listed.
    fn is_grouped(&self, found: &Answer) -> bool {
        self.asked.kind.is_none() && self.asked.cursor.is_none() && found.groups.len() > 1
    }

    /// Each kind that was found or is looked at, with its number.
    fn kinds(&self, found: &Answer) -> Vec<(Kind, i64)> {
        let count = |kind| found.facets.kinds.iter().find(|c| c.kind == kind).map_or(0, |c| c.count);
        KINDS.into_iter().map(|kind| (kind, count(kind))).collect()
    }

    fn of_all_kinds(&self, found: &Answer) -> i64 {
        found.facets.kinds.iter().map(|c| c.count).sum()
    }

    /// Id, name, number; the chosen project too if it has no hits.
    fn projects(&self, found: &Answer) -> Vec<(ProjectId, String, i64)> {
        let mut rows: Vec<_> = found.facets.projects.iter().map(|p| (p.id, p.name.clone(), p.count)).collect();
        if let Some(id) = self.asked.project.filter(|id| rows.iter().all(|row| row.0 != *id)) {
            rows.push((id, self.f.t("page.search.this_project"), 0));
        }
        rows
    }

    /// Name and number; the chosen state too if it has no hits.
    fn statuses(&self, found: &Answer) -> Vec<(String, i64)> {
        let mut rows: Vec<_> = found.facets.statuses.iter().map(|s| (s.status.clone(), s.count)).collect();
        if let Some(status) = self.asked.status.as_ref().filter(|s| rows.iter().all(|row| row.0 != **s)) {
            rows.push((status.clone(), 0));
        }
        rows
    }

    fn is_kind(&self, kind: &Kind) -> bool {
        self.asked.kind == Some(*kind)
    }

    fn is_project(&self, id: &ProjectId) -> bool {
        self.asked.project == Some(*id)
    }

    fn is_status(&self, status: &str) -> bool {
        self.asked.status.as_deref() == Some(status)
    }

    fn sign(&self, kind: &Kind) -> &'static str {
        match kind {
            Kind::Project => "folder",
            Kind::Feedback => "film",
            Kind::Comment => "comment",
            Kind::File => "file",
            Kind::Person => "user",
            Kind::Plan => "edit",
        }
    }

    /// The word for a state of one kind. Among all kinds `open` may be a comment's or a feedback's: the word for both.
    fn state(&self, kind: &Option<Kind>, status: &str) -> String {
        let sets: &[&str] = match kind {
            Some(Kind::Project) => &["js.project_status"],
            Some(Kind::Feedback) => &["js.status"],
            Some(Kind::File) => &["js.media"],
            Some(Kind::Plan) => &["plans.status"],
            Some(Kind::Comment | Kind::Person) => &["js.filter"],
            None => &["js.filter", "js.status", "js.project_status", "js.media", "plans.status"],
        };
        let words = sets.iter().map(|set| (format!("{set}.{status}"), self.f.label(set, status)));
        words.into_iter().find(|(key, word)| key != word).map_or_else(|| status.to_owned(), |(_, word)| word)
    }

    fn state_of(&self, kind: &Kind, status: &str) -> String {
        self.state(&Some(*kind), status)
    }

    /// A file that is as it should be needs no word.
    fn shown_status<'a>(&self, hit: &'a Hit) -> Option<&'a str> {
        hit.status.as_deref().filter(|s| hit.kind != Kind::File || *s != MediaState::Ready.as_str())
    }

    /// Who wrote a comment, or added what was found; nobody for a person or a project.
    fn author(&self, hit: &Hit) -> Option<String> {
        match (&hit.user, hit.kind) {
            (_, Kind::Person | Kind::Project) => None,
            (Some(user), _) => Some(user.nickname.clone()),
            (None, Kind::Comment) => Some(self.f.t("js.anonymous")),
            (None, _) => None,
        }
    }

    fn help(&self) -> [(&'static str, Examples); 2] {
        [("words", WORDS), ("conditions", CONDITIONS)]
    }

    fn example(&self, name: &str, question: &Option<&str>) -> String {
        question.map_or_else(|| self.f.label("page.search.example", name), str::to_owned)
    }
}
