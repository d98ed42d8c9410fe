//! Hits as they are shown: the rows as they stand at this moment, to this reader.

use std::collections::HashMap;

use super::{Hit, Kind, snippet, sql};
use crate::base::error::Result;
use crate::base::ids::{CommentId, ProjectId};
use crate::domain::accounts::Viewer;
use crate::domain::comments;
use crate::engines::index::Hit as Place;
use crate::engines::index::marks::Marker;
use crate::engines::store::Db;

/// Hits as they may be shown, by document.
#[derive(Default)]
pub(super) struct Shown {
    hits: HashMap<(u8, i64), Hit>,
    /// Names of projects, also of those that the facets count.
    pub(super) projects: HashMap<i64, String>,
}

impl Shown {
    pub(super) fn hit(&self, place: &Place) -> Option<Hit> {
        self.hits.get(&(place.key.kind, place.key.id)).cloned()
    }
}

/// Reads the rows of hits as they stand now; what is gone, or hidden from the reader by now, is left out. Two
/// statements. `authored`: the question named an author.
pub(super) fn read(
    db: &Db,
    who: &Viewer,
    places: &[Place],
    projects: &[i64],
    marker: &Marker,
    authored: bool,
) -> Result<Shown> {
    let mut wanted: [Vec<i64>; Kind::ALL.len()] = Default::default();
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
        plans: wanted[Kind::Plan as usize].clone(),
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
        // Of the others only the name is shown: nothing is marked in them.
        if wanted[row.kind as usize].contains(&row.id) {
            shown.hits.insert((row.kind as u8, row.id), row.hit(who.user, marker));
        }
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
