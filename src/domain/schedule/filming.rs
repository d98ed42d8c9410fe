//! Filming days for which somebody is needed twice: warned about with who and where, never refused.
//!
//! Law: who may not see the other project learns that there is one, not which.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::{Phase, PhaseState, sql};
use crate::base::day::Day;
use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::ids::{EntryId, ProjectId, UserId};
use crate::domain::accounts::Person;
use crate::engines::store::{Db, Tx};

/// Conflicts of one answer.
const LISTED: usize = 500;

/// Two filming spans of different projects that share a day and a person.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Conflict {
    /// Who is needed twice.
    pub user: Person,
    /// The first shared day.
    pub day_from: Day,
    /// The last shared day.
    pub day_to: Day,
    /// Here: in the project that was asked about.
    pub a: Side,
    /// There.
    pub b: Side,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Side {
    /// Which project; `null` if the asker may not see it.
    pub project_id: Option<ProjectId>,
    /// Its name; `null` if the asker may not see it.
    #[schema(example = "한빛식품 가을 신제품 30초 광고")]
    pub project_name: Option<String>,
    /// The entry, if it is one and no phase.
    pub entry_id: Option<EntryId>,
    /// Where, if it is known and the asker may see it.
    #[schema(example = "강변모터스 차고지")]
    pub place: Option<String>,
}

const HIDDEN: Side = Side { project_id: None, project_name: None, entry_id: None, place: None };

impl Conflict {
    /// As everybody may hear it who sees this project.
    pub(super) fn hidden_but(&self, project: ProjectId) -> Conflict {
        let shown = |side: &Side| if side.project_id == Some(project) { side.clone() } else { HIDDEN };
        Conflict { a: shown(&self.a), b: shown(&self.b), ..self.clone() }
    }
}

/// What a span stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Phase(ProjectId),
    Entry(EntryId),
}

/// Days on which a person films.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) place: Place,
    pub(super) user: Person,
    pub(super) project: Option<ProjectId>,
    pub(super) project_name: String,
    pub(super) first: Day,
    pub(super) last: Day,
    /// Where.
    pub(super) at: String,
    /// May the asker see it?
    pub(super) visible: bool,
}

impl Span {
    /// That of a filming phase: none without days or assignee, or when it is done.
    pub(super) fn of_phase(project: ProjectId, project_name: String, phase: &Phase) -> Option<Span> {
        let (first, last) = phase.days().filter(|_| phase.state != PhaseState::Done)?;
        let (user, at) = (phase.assignee.clone()?, String::new());
        let place = Place::Phase(project);
        Some(Span { place, user, project: Some(project), project_name, first, last, at, visible: true })
    }

    fn side(&self) -> Side {
        if !self.visible {
            return HIDDEN;
        }
        let entry_id = match self.place {
            Place::Entry(id) => Some(id),
            Place::Phase(_) => None,
        };
        let project_name = self.project.map(|_| self.project_name.clone());
        Side {
            project_id: self.project,
            project_name,
            entry_id,
            place: Some(self.at.clone()).filter(|a| !a.is_empty()),
        }
    }
}

/// Whose conflicts are looked for.
#[derive(Clone, Copy)]
pub(super) enum Scope {
    /// Those in one project.
    Project(ProjectId),
    /// Those in all projects of the asker, and his own.
    Mine,
}

/// All spans, within these days, of everybody who films in the scope, and of `users`; as `asker` sees them.
pub(super) fn spans(db: &Db, asker: UserId, scope: Scope, users: &[i64], days: (Day, Day)) -> Result<Vec<Span>> {
    sql::spans(db, asker, scope, users, days)
}

/// Pairs of spans that clash, by their places among `spans`: the same person, another project, a shared day.
fn clashes(spans: &[Span]) -> Vec<(usize, usize)> {
    let mut of_user: HashMap<UserId, Vec<usize>> = HashMap::new();
    for (i, span) in spans.iter().enumerate() {
        of_user.entry(span.user.id).or_default().push(i);
    }
    let mut found = Vec::new();
    for his in of_user.values_mut() {
        his.sort_by_key(|i| (spans[*i].first, *i));
        for (n, a) in his.iter().enumerate() {
            for b in his[n + 1..].iter().take_while(|b| spans[**b].first <= spans[*a].last) {
                if spans[*a].project != spans[*b].project {
                    found.push((*a, *b));
                }
            }
        }
    }
    found
}

/// What clashes of which at least one side is `asked` about, by days.
pub(super) fn conflicts(spans: &[Span], asked: impl Fn(&Span) -> bool) -> Vec<Conflict> {
    let conflict = |(a, b): (usize, usize)| {
        let (mut a, mut b) = (&spans[a], &spans[b]);
        if !asked(a) {
            (a, b) = (b, a);
        }
        asked(a).then(|| Conflict {
            user: a.user.clone(),
            day_from: a.first.max(b.first),
            day_to: a.last.min(b.last),
            a: a.side(),
            b: b.side(),
        })
    };
    let mut found: Vec<Conflict> = clashes(spans).into_iter().filter_map(conflict).collect();
    found.sort_by_key(|c| (c.day_from, c.user.id, c.a.project_id, c.b.project_id));
    found.truncate(LISTED);
    found
}

/// What clashes, to be compared with what clashes after a change.
pub(super) type Pairs = Vec<Pair>;

/// One clash: who, when, where.
pub(super) struct Pair {
    key: (UserId, Place, Place),
    day: Day,
    projects: [Option<ProjectId>; 2],
}

/// All that clash.
pub(super) fn pairs(spans: &[Span]) -> Pairs {
    let pair = |(a, b): (usize, usize)| {
        let (a, b) = (&spans[a], &spans[b]);
        Pair { key: (a.user.id, a.place, b.place), day: a.first.max(b.first), projects: [a.project, b.project] }
    };
    clashes(spans).into_iter().map(pair).collect()
}

/// Tells each person of the first conflict that a change has made for him between two projects.
///
/// In no project's journal: its members must not learn of the other one by it.
pub(super) fn tell_new(
    tx: &mut Tx,
    actor: UserId,
    project: Option<ProjectId>,
    before: &Pairs,
    after: &Pairs,
) -> Result<()> {
    let key = |p: &Pair| {
        let (user, a, b) = p.key;
        [(user, a, b), (user, b, a)]
    };
    let known: HashSet<_> = before.iter().flat_map(key).collect();
    let Some(project) = project else { return Ok(()) };
    let mut new: Vec<(Day, UserId, ProjectId)> = Vec::new();
    for pair in after.iter().filter(|p| !known.contains(&p.key) && p.projects.contains(&Some(project))) {
        let other = pair.projects.iter().flatten().find(|p| **p != project);
        new.extend(other.map(|other| (pair.day, pair.key.0, *other)));
    }
    new.sort();
    let mut told = HashSet::new();
    for (day, user, other) in new {
        if told.insert(user) {
            tx.emit(None, Some(actor), Event::FilmingConflict { project, other, user, day: day.to_string() }, None)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: i64, user: i64, project: Option<i64>, first: &str, last: &str, visible: bool) -> Span {
        Span {
            place: Place::Entry(EntryId(id)),
            user: Person { id: UserId(user), nickname: "남기훈".into() },
            project: project.map(ProjectId),
            project_name: format!("프로젝트 {}", project.unwrap_or(0)),
            first: first.parse().unwrap(),
            last: last.parse().unwrap(),
            at: "차고지".into(),
            visible,
        }
    }

    #[test]
    fn a_shared_day_of_one_person_in_two_projects_is_a_conflict() {
        let spans = [
            span(1, 7, Some(1), "2026-12-01", "2026-12-03", true),
            span(2, 7, Some(2), "2026-12-03", "2026-12-05", false),
            span(3, 7, Some(1), "2026-12-03", "2026-12-03", true),
            span(4, 8, Some(2), "2026-12-02", "2026-12-02", false),
            span(5, 7, Some(2), "2026-12-06", "2026-12-07", false),
        ];
        let found = conflicts(&spans, |s| s.project == Some(ProjectId(1)));
        assert_eq!(found.len(), 2, "{found:?}");
        for c in &found {
            assert_eq!((c.day_from.to_string(), c.day_to.to_string()), ("2026-12-03".into(), "2026-12-03".into()));
            assert_eq!((c.a.project_id, c.b.project_id), (Some(ProjectId(1)), None));
            assert_eq!((c.b.project_name.clone(), c.b.place.clone(), c.b.entry_id), (None, None, None));
        }
        assert_eq!(conflicts(&spans, |s| s.project == Some(ProjectId(9))), []);
        let seen_by_all = found[0].hidden_but(ProjectId(2));
        assert_eq!((seen_by_all.a, seen_by_all.b), (HIDDEN, HIDDEN));
    }
}
