//! How phases are changed: one by one with those that hang on it, or all at once.

use serde::Deserialize;

use super::{Phase, PhaseName, PhaseState};
use crate::base::day::Day;
use crate::base::error::{Check, Error, Result};
use crate::base::ids::UserId;
use crate::base::locale::Text;
use crate::domain::present;

/// A change of a phase: what is not named stays; `null` takes a day, the assignee or the predecessor away.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "start": "2026-12-07", "end": "2026-12-08", "state": "in_progress", "push": true }))]
pub struct PhasePatch {
    /// Its first day.
    #[serde(default, deserialize_with = "present")]
    pub start: Option<Option<Day>>,
    /// Its last day, itself included.
    #[serde(default, deserialize_with = "present")]
    pub end: Option<Option<Day>>,
    /// How far it is. `done` makes its progress 100.
    pub state: Option<PhaseState>,
    /// 0–100. Above 0 a planned phase is in progress; below 100 one is not done.
    #[schema(minimum = 0, maximum = 100)]
    pub progress: Option<i64>,
    /// Who does it: a member of the project.
    #[serde(default, deserialize_with = "present")]
    pub assignee_id: Option<Option<UserId>>,
    /// The phase after which it begins.
    #[serde(default, deserialize_with = "present")]
    pub after: Option<Option<PhaseName>>,
    /// A note.
    #[schema(max_length = 2000)]
    pub note: Option<String>,
    /// Phases that hang on it and would begin before it ends are moved by as many days as its end.
    #[serde(default)]
    pub push: bool,
}

/// A phase as it is set.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhaseSet {
    /// Which.
    pub phase: PhaseName,
    /// Its first day.
    pub start: Option<Day>,
    /// Its last day, itself included.
    pub end: Option<Day>,
    /// How far it is.
    #[serde(default)]
    pub state: PhaseState,
    /// 0–100; 100 if it is done.
    #[schema(minimum = 0, maximum = 100)]
    pub progress: Option<i64>,
    /// Who does it: a member of the project.
    pub assignee_id: Option<UserId>,
    /// The phase after which it begins.
    pub after: Option<PhaseName>,
    /// A note.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: String,
}

/// All phases of a project.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "phases": [
    { "phase": "basic_plan", "start": "2026-12-01", "end": "2026-12-04", "state": "done" },
    { "phase": "filming", "start": "2026-12-08", "end": "2026-12-08", "after": "story_board" }
] }))]
pub struct SchedulePut {
    /// Each at most once; one that is not named becomes empty.
    #[schema(max_items = 8)]
    pub phases: Vec<PhaseSet>,
}

fn check_progress(check: &mut Check, field: &str, progress: Option<i64>, state: Option<PhaseState>) {
    let within = progress.is_none_or(|p| (0..=100).contains(&p));
    check.that(within, field, Text::new("invalid.range").with("min", 0).with("max", 100));
    let fits = state != Some(PhaseState::Done) || progress.is_none_or(|p| p == 100);
    check.that(fits || !within, field, Text::new("invalid.done_progress"));
}

impl PhasePatch {
    /// What of it is wrong whatever the phase is like.
    pub(super) fn check(&self) -> Result<()> {
        let mut check = Check::new();
        check_progress(&mut check, "progress", self.progress, self.state);
        if let Some(note) = &self.note {
            super::note_check(&mut check, "note", note);
        }
        check.done()
    }

    /// Changes `name` among all phases, and those that it pushes.
    pub(super) fn apply(self, phases: &mut [Phase], name: PhaseName) -> Result<()> {
        let phase = &mut phases[name as usize];
        let old_end = phase.days().map(|(_, last)| last);
        if let Some(start) = self.start {
            phase.start = start;
        }
        if let Some(end) = self.end {
            phase.end = end;
        }
        if let Some(assignee) = self.assignee_id {
            phase.assignee_id = assignee;
        }
        if let Some(after) = self.after {
            phase.after = after;
        }
        if let Some(note) = self.note {
            phase.note = note.trim().to_owned();
        }
        match (self.state, self.progress) {
            (Some(PhaseState::Done), _) => (phase.state, phase.progress) = (PhaseState::Done, 100),
            (Some(PhaseState::Planned), None) => (phase.state, phase.progress) = (PhaseState::Planned, 0),
            (Some(state), progress) => (phase.state, phase.progress) = (state, progress.unwrap_or(phase.progress)),
            (None, Some(progress)) => {
                phase.progress = progress;
                match phase.state {
                    PhaseState::Planned if progress > 0 => phase.state = PhaseState::InProgress,
                    PhaseState::Done if progress < 100 => phase.state = PhaseState::InProgress,
                    _ => {}
                }
            }
            (None, None) => {}
        }
        check(phases)?;
        if self.push {
            push(phases, name, old_end)?;
        }
        Ok(())
    }
}

impl SchedulePut {
    /// What of it is wrong by itself.
    pub(super) fn check(&self) -> Result<()> {
        let mut check = Check::new();
        for (i, set) in self.phases.iter().enumerate() {
            let field = |name: &str| format!("phases[{i}].{name}");
            let twice = self.phases[..i].iter().any(|p| p.phase == set.phase);
            check.that(!twice, &field("phase"), Text::new("invalid.phase_twice"));
            check_progress(&mut check, &field("progress"), set.progress, Some(set.state));
            super::note_check(&mut check, &field("note"), &set.note);
        }
        check.done()
    }

    pub(super) fn apply(self, phases: &mut [Phase]) -> Result<()> {
        for phase in phases.iter_mut() {
            *phase = Phase { rev: phase.rev, updated: phase.updated, ..Phase::empty(phase.phase) };
        }
        for set in self.phases {
            let phase = &mut phases[set.phase as usize];
            phase.start = set.start;
            phase.end = set.end;
            phase.state = set.state;
            phase.progress = if set.state == PhaseState::Done { 100 } else { set.progress.unwrap_or(0) };
            phase.assignee_id = set.assignee_id;
            phase.after = set.after;
            phase.note = set.note.trim().to_owned();
        }
        Ok(())
    }
}

/// Ends behind starts, and no circle among predecessors.
pub(super) fn check(phases: &[Phase]) -> Result<()> {
    let turned = phases.iter().find(|p| p.start.zip(p.end).is_some_and(|(start, end)| end < start));
    if turned.is_some() {
        return Err(Error::invalid("end", Text::new("invalid.end_before_start")));
    }
    for phase in phases {
        let mut at = phase.after;
        for _ in 0..=phases.len() {
            match at {
                None => break,
                Some(name) if name == phase.phase => {
                    return Err(Error::invalid("after", Text::new("invalid.phase_circle")));
                }
                Some(name) => at = phases[name as usize].after,
            }
        }
    }
    Ok(())
}

/// Moves what hangs on `name` and would begin before it ends: by as many days as its end has moved, which was `old_end`.
/// Without an old end a follower is moved to the day behind the new one. Whatever moves pushes further.
fn push(phases: &mut [Phase], name: PhaseName, old_end: Option<Day>) -> Result<()> {
    let Some((_, end)) = phases[name as usize].days() else { return Ok(()) };
    let followers: Vec<PhaseName> = phases.iter().filter(|p| p.after == Some(name)).map(|p| p.phase).collect();
    for follower in followers {
        let phase = &mut phases[follower as usize];
        let Some((first, last)) = phase.days().filter(|(first, _)| *first <= end) else { continue };
        let by = old_end.map_or(first.until(end) + 1, |old| old.until(end));
        if by <= 0 {
            continue;
        }
        let beyond = || Error::invalid("push", Text::new("invalid.day_beyond").with("max", Day::MAX));
        let moved = |day: Option<Day>| day.map(|d| d.plus(by).ok_or_else(beyond)).transpose();
        (phase.start, phase.end) = (moved(phase.start)?, moved(phase.end)?);
        push(phases, follower, Some(last))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::schedule::complete;

    fn day(text: &str) -> Option<Day> {
        Some(text.parse().unwrap())
    }

    fn chain(days: &[(PhaseName, &str, &str)]) -> Vec<Phase> {
        let row = |(name, start, end): &(PhaseName, &str, &str)| Phase {
            start: day(start),
            end: day(end),
            after: name.previous(),
            ..Phase::empty(*name)
        };
        complete(days.iter().map(row).collect())
    }

    #[test]
    fn what_hangs_on_a_phase_moves_as_far_as_its_end_and_no_more_than_it_must() {
        use PhaseName::*;
        let mut phases = chain(&[
            (Filming, "2026-12-07", "2026-12-07"),
            (VideoEdit, "2026-12-08", "2026-12-10"),
            (PostWork, "2026-12-12", "2026-12-13"),
            (VideoPreview, "2026-12-20", "2026-12-20"),
        ]);
        let patch = PhasePatch { end: Some(day("2026-12-09")), push: true, ..PhasePatch::default() };
        patch.apply(&mut phases, Filming).unwrap();
        assert_eq!((phases[3].start, phases[3].end), (day("2026-12-10"), day("2026-12-12")));
        assert_eq!((phases[4].start, phases[4].end), (day("2026-12-14"), day("2026-12-15")));
        assert_eq!(phases[5].start, day("2026-12-20"), "it has room");
        // Back again moves nothing.
        let patch = PhasePatch { end: Some(day("2026-12-07")), push: true, ..PhasePatch::default() };
        patch.apply(&mut phases, Filming).unwrap();
        assert_eq!(phases[3].start, day("2026-12-10"));
        // A phase that gets its first days pushes to the day behind it.
        phases[2] = Phase { after: Some(StoryBoard), ..Phase::empty(Filming) };
        let patch = PhasePatch { start: Some(day("2026-12-11")), push: true, ..PhasePatch::default() };
        patch.apply(&mut phases, Filming).unwrap();
        assert_eq!((phases[3].start, phases[3].end), (day("2026-12-12"), day("2026-12-14")));
    }

    #[test]
    fn nothing_is_pushed_over_the_last_day_and_no_circle_is_made() {
        use PhaseName::*;
        let mut phases = chain(&[(Filming, "2100-12-20", "2100-12-20"), (VideoEdit, "2100-12-21", "2100-12-30")]);
        let patch = PhasePatch { end: Some(day("2100-12-25")), push: true, ..PhasePatch::default() };
        assert!(matches!(patch.apply(&mut phases, Filming), Err(Error::Invalid(f)) if f[0].0 == "push"));
        let mut phases = chain(&[(Filming, "2026-12-01", "2026-12-01"), (VideoEdit, "2026-12-02", "2026-12-03")]);
        let patch = PhasePatch { after: Some(Some(VideoEdit)), ..PhasePatch::default() };
        assert!(matches!(patch.apply(&mut phases, Filming), Err(Error::Invalid(f)) if f[0].0 == "after"));
        let patch = PhasePatch { after: Some(Some(PostWork)), ..PhasePatch::default() };
        assert!(patch.apply(&mut phases, PostWork).is_err());
    }

    #[test]
    fn progress_and_state_agree() {
        let mut phases = complete(Vec::new());
        let mut apply = |patch: PhasePatch| {
            patch.check().and_then(|()| patch.apply(&mut phases, PhaseName::Filming))?;
            Ok::<_, Error>((phases[2].state, phases[2].progress))
        };
        let progress = |p| PhasePatch { progress: Some(p), ..PhasePatch::default() };
        let state = |s| PhasePatch { state: Some(s), ..PhasePatch::default() };
        assert_eq!(apply(progress(40)).unwrap(), (PhaseState::InProgress, 40));
        assert_eq!(apply(state(PhaseState::Done)).unwrap(), (PhaseState::Done, 100));
        assert_eq!(apply(progress(90)).unwrap(), (PhaseState::InProgress, 90));
        assert_eq!(apply(state(PhaseState::Planned)).unwrap(), (PhaseState::Planned, 0));
        assert!(apply(progress(101)).is_err());
        assert!(apply(PhasePatch { progress: Some(50), ..state(PhaseState::Done) }).is_err());
    }
}
