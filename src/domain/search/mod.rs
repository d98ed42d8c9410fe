//! One box that finds projects, feedbacks, comments, files and people, the way Korean is typed.
//!
//! Laws: what the reader may not see is not matched, counted, suggested or told by the facets: his rights are part of the
//! question that the index answers. Whatever is shown is read from the tables at that moment, through the nouns
//! themselves, so that a row that is gone or hidden since it was indexed is left out. An anonymous author is found by
//! himself alone. A question that nobody understands is searched as words; there is no wrong question.
//! Writes no table.

use serde::Serialize;

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{FeedbackId, ProjectId, UserId};
use crate::closed_set;
use crate::domain::accounts::{Person, Viewer};

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
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
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

/// How the index stands; for operators.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // As their names say.
pub struct Status {
    /// Searchable documents of each kind.
    pub documents: Vec<(Kind, u64)>,
    pub segments: Vec<Segment>,
    /// Bytes on the disk.
    pub bytes: u64,
    /// Bytes that the writer may use in memory.
    pub arena_bytes: u64,
    /// Events of the journal that are not indexed yet.
    pub lag_events: i64,
    /// Age of the oldest of them.
    pub lag_ms: i64,
    pub last_commit: Option<Time>,
    /// How long the last commit took.
    pub commit_ms: u64,
    /// Documents that it wrote.
    pub commit_documents: u64,
    /// A rebuild under way: percent of rows read.
    pub rebuilding: Option<f32>,
    /// Why the index had to be built anew, or what went wrong last.
    pub trouble: Option<String>,
    pub schema: u32,
}

/// One segment.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // As their names say.
pub struct Segment {
    pub id: String,
    pub documents: u64,
    pub deleted: u64,
    pub bytes: u64,
}

/// What becomes of a text in one field.
#[derive(Clone, Debug)]
pub struct FieldTokens {
    /// `josa`, `bisq`, `jg5`, `cho`.
    pub field: &'static str,
    /// In the order of the text.
    pub tokens: Vec<String>,
}

/// Why a document matched a question.
#[derive(Clone, Debug)]
pub struct Why {
    /// Share of the question that it answers: 1 is a whole match in a text of usual length.
    pub quality: f32,
    /// Below this quality nothing is shown.
    pub cut: f32,
    /// Heaviest first.
    pub terms: Vec<WhyTerm>,
}

/// One token of the question.
#[derive(Clone, Debug)]
pub struct WhyTerm {
    /// Field of the index.
    pub field: String,
    /// The token.
    pub token: String,
    /// Documents that have it.
    pub documents: u64,
    /// What a match weighs.
    pub weight: f32,
    /// What it brought; 0 if this document does not have it.
    pub score: f32,
}

// PLACEHOLDERS of this branch: the real ones come by merge.

fn sample(kind: Kind, id: i64, feedback: Option<i64>, title: &str, title_html: &str, snippet: &str) -> Hit {
    let url = match kind {
        Kind::Project => format!("/projects/{id}"),
        Kind::Feedback => format!("/feedbacks/{id}"),
        Kind::Comment => format!("/feedbacks/{}?c={id}", feedback.unwrap_or(1)),
        Kind::File => format!("/feedbacks/{}", feedback.unwrap_or(1)),
        Kind::Person => format!("/search?q=from:{title}"),
    };
    Hit {
        kind, id, title: title.into(), title_html: title_html.into(), snippet_html: snippet.into(), url,
        project_id: (kind != Kind::Person).then_some(ProjectId(1)),
        project_name: (kind != Kind::Person).then(|| "한빛식품 가을 신제품 30초 광고".into()),
        feedback_id: feedback.map(FeedbackId),
        user: (kind == Kind::Comment && id % 2 == 1).then(|| Person { id: UserId(1), nickname: "오세린".into() }),
        status: match kind { Kind::Project => Some("review".into()), Kind::Feedback | Kind::Comment => Some("open".into()), Kind::File => Some("ready".into()), Kind::Person => None },
        start_ms: (kind == Kind::Comment).then_some(93_000), internal: id == 2, is_mine: id == 3, created: Time(1_795_482_123_456),
    }
}

/// Answers a question.
pub async fn search(_app: &App, _who: &Viewer, question: &Question) -> Result<Answer> {
    let all = vec![
        sample(Kind::Comment, 1, Some(1), "시사본 v3", "시사본 v3", "제품 클로즈업 색감이 실물보다 노랗게 나옵니다. <mark>색보정</mark> 부탁드려요."),
        sample(Kind::Comment, 2, Some(1), "시사본 v3", "시사본 v3", "후반 작업: 사운드 믹싱 → <mark>색 보정</mark> → 자막 검수 순서로 진행"),
        sample(Kind::Project, 1, None, "한빛식품 가을 신제품 30초 광고", "한빛식품 가을 신제품 30초 광고", "톤앤매너: 따뜻한 <mark>색보정</mark>"),
        sample(Kind::Feedback, 1, Some(1), "색보정 시사본 v3", "<mark>색보정</mark> 시사본 v3", ""),
        sample(Kind::File, 1, Some(1), "한빛_색보정_v3.mp4", "한빛_<mark>색보정</mark>_v3.mp4", ""),
        sample(Kind::Person, 1, None, "오세린", "오세린", ""),
    ];
    let results: Vec<Hit> = all.iter().filter(|h| question.kind.is_none_or(|k| k == h.kind)).cloned().collect();
    let results = if question.q.contains("없음") { Vec::new() } else { results };
    let groups = if question.kind.is_none() && question.cursor.is_none() && !results.is_empty() {
        [Kind::Comment, Kind::Project, Kind::Feedback, Kind::File, Kind::Person].map(|kind| Group { kind, total: 24, results: all.iter().filter(|h| h.kind == kind).cloned().collect() }).to_vec()
    } else { Vec::new() };
    let n = results.len() as i64;
    let facets = Facets {
        kinds: Kind::ALL.iter().map(|k| KindCount { kind: *k, count: 24 }).collect(),
        projects: vec![ProjectCount { id: ProjectId(1), name: "한빛식품 가을 신제품 30초 광고".into(), count: 90 }, ProjectCount { id: ProjectId(2), name: "도담초등학교 100주년 기념 다큐".into(), count: 12 }],
        statuses: vec![StatusCount { status: "open".into(), count: 60 }, StatusCount { status: "resolved".into(), count: 30 }],
    };
    Ok(Answer { total: n * 20, results, groups, facets, next_cursor: (n > 0).then(|| "abc".into()), has_next: n > 0,
        suggestion: question.q.contains("개ㅓㄷㅊㅅ").then(|| "project".into()), complete: !question.q.contains("building") })
}

/// Offers names while somebody types.
pub async fn suggest(app: &App, who: &Viewer, q: &str) -> Result<Suggestions> {
    let question = Question { q: q.into(), ..Question::default() };
    let results = search(app, who, &question).await?.results.into_iter().filter(|h| h.kind != Kind::Comment).collect();
    Ok(Suggestions { results, suggestion: q.contains("ㅔ").then(|| "project".into()) })
}

/// How the index stands.
pub async fn status(_app: &App) -> Result<Status> {
    Ok(Status { documents: Kind::ALL.iter().map(|k| (*k, 1200)).collect(), segments: (0..4).map(|i| Segment { id: format!("3f2a9c0{i}"), documents: 300 * i, deleted: i, bytes: 120_000 * i }).collect(),
        bytes: 3 << 20, arena_bytes: 32 << 20, lag_events: 3, lag_ms: 220, last_commit: Some(Time(1_795_482_123_456)), commit_ms: 34, commit_documents: 3, rebuilding: Some(42.0), trouble: Some("the index was damaged and is built anew".into()), schema: 1 })
}

/// Asks for a rebuild; it goes on in the background while the present index serves.
pub async fn rebuild(_app: &App, _who: &Viewer) -> Result<()> {
    Ok(())
}

/// What becomes of a text, field by field.
pub fn tokens(text: &str) -> Vec<FieldTokens> {
    ["josa", "bisq", "jg5", "cho"].map(|field| FieldTokens { field, tokens: text.split_whitespace().map(str::to_owned).collect() }).to_vec()
}

/// Why a document matches, for an admin; `None` if there is no such document.
pub async fn why(_app: &App, _q: &str, _kind: Kind, _id: i64) -> Result<Option<Why>> {
    Ok(Some(Why { quality: 0.94, cut: 0.31, terms: vec![
        WhyTerm { field: "comment.josa".into(), token: "색보정".into(), documents: 12, weight: 8.1, score: 9.0 },
        WhyTerm { field: "comment.bisq".into(), token: "색보".into(), documents: 14, weight: 7.9, score: 8.4 },
        WhyTerm { field: "comment.jg5".into(), token: "ㅅㅐㄱㅂㅗ".into(), documents: 14, weight: 2.3, score: 0.0 },
    ] }))
}
