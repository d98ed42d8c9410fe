//! What a reader's rights and the operators of his question make of each document: the judge that the index asks.

use std::collections::HashSet;

use super::documents::{STATUSES, flag};
use super::query::{Query, Whose};
use super::{Kind, PASS};
use crate::base::ids::ProjectId;
use crate::base::roles::{Right, Role};
use crate::domain::accounts::Viewer;
use crate::engines::index::text::layout;
use crate::engines::index::{Ask, Doc, Generation, Pass, Words};

/// Where a reader may look, and as what.
pub(super) struct May {
    /// By project.
    roles: Vec<(i64, Role)>,
    /// The same by number, from the first project on: every match is judged. Empty where the numbers are far apart.
    table: Vec<Option<Role>>,
}

/// Numbers in a table of roles, at the most.
const TABLE: i64 = 1 << 16;

impl May {
    pub(super) fn of(who: &Viewer) -> May {
        let there = who.roles.all().iter().filter(|s| !s.deleted);
        let mut roles: Vec<(i64, Role)> = there.map(|s| (s.project.0, s.role)).collect();
        roles.sort_unstable_by_key(|(project, _)| *project);
        let mut table = Vec::new();
        if let (Some((first, _)), Some((last, _))) = (roles.first(), roles.last())
            && last - first < TABLE
        {
            table.resize((last - first + 1) as usize, None);
            roles.iter().for_each(|(project, role)| table[(project - first) as usize] = Some(*role));
        }
        May { roles, table }
    }

    /// His projects, sorted.
    pub(super) fn scopes(&self) -> Vec<i64> {
        self.roles.iter().map(|(project, _)| *project).collect()
    }

    fn role(&self, project: i64) -> Option<Role> {
        if !self.table.is_empty() {
            let place = usize::try_from(project - self.roles.first()?.0).ok()?;
            return self.table.get(place).copied().flatten();
        }
        let found = self.roles.binary_search_by_key(&project, |(p, _)| *p).ok()?;
        Some(self.roles[found].1)
    }

    /// May he see the document at all?
    pub(super) fn sees(&self, d: &Doc) -> bool {
        self.as_what(d).is_some()
    }

    /// As what he sees it; `None` if he may not. A person is seen by those who share a project with him.
    fn as_what(&self, d: &Doc) -> Option<Role> {
        if d.kind() == Kind::Person as u8 {
            return d.in_any(|project| self.role(project).is_some()).then_some(Role::Viewer);
        }
        self.role(d.scope()).filter(|r| d.flags() & flag::INTERNAL == 0 || r.may(Right::SeeInternal))
    }
}

/// A question whose names are found: what the judge goes by.
pub(super) struct Narrowed {
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
    pub(super) fn judge(&self, may: &May, d: &Doc) -> Option<Pass> {
        let role = may.as_what(d)?;
        if d.flags() & self.flags != self.flags {
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
            own: role == Role::Owner,
        })
    }
}

impl Query {
    /// Looks up the people and projects that it names, among those that the reader may see.
    pub(super) fn narrow(
        self,
        index: &Generation,
        may: &May,
        project: Option<ProjectId>,
        me: i64,
    ) -> anyhow::Result<Narrowed> {
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
pub(super) fn suggestion(index: &Generation, may: &May, typed: &str, total: u64) -> anyhow::Result<Option<String>> {
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
