//! How a draft comes together with what people have written: theirs stays.

use super::Part;
use crate::base::error::{Error, Result};
use crate::base::locale::Text;
use crate::domain::plans::edit::shows_otherwise;
use crate::domain::plans::story::{Shot, Stage, Story};

fn asks_stage(part: Option<Part>, stage: &Stage) -> bool {
    match part {
        None => true,
        Some(Part::Stage(name)) => name == stage.stage,
        Some(Part::Shot(_)) => false,
    }
}

fn asks_shot(part: Option<Part>, shot: &Shot) -> bool {
    match part {
        None => true,
        Some(Part::Stage(name)) => name == shot.stage,
        Some(Part::Shot(key)) => key == shot.key,
    }
}

/// The places (from 0) of the shots that a draft of `part` changes.
pub(super) fn changing(story: &Story, part: Option<Part>) -> Vec<usize> {
    let changes = |s: &Shot| asks_shot(part, s) && !s.locked && !s.edited;
    story.shots.iter().enumerate().filter(|(_, s)| changes(s)).map(|(place, _)| place).collect()
}

/// Is there anything that a draft of `part` may change? Who asks for a part that is locked or edited hears so at once.
pub(super) fn must_change(story: &Story, part: Option<Part>) -> Result<()> {
    if let Some(Part::Shot(key)) = part
        && !story.shots.iter().any(|s| s.key == key)
    {
        return Err(Error::NotFound("shot"));
    }
    let stage = story.stages.iter().any(|s| asks_stage(part, s) && !s.locked && !s.edited);
    if stage || !changing(story, part).is_empty() {
        return Ok(());
    }
    Err(Error::Conflict(Text::new("error.plan_part_kept")))
}

/// The story as it stands `now`, with what of `drafted` may come in: only what was asked for, and is neither locked nor
/// edited nor otherwise than it was `seen` when the draft began. Shots keep their keys and their places.
pub(super) fn merge(now: &Story, seen: &Story, drafted: &Story, part: Option<Part>) -> Story {
    let mut out = now.clone();
    for (place, stage) in out.stages.iter_mut().enumerate() {
        let (Some(was), Some(new)) = (seen.stages.get(place), drafted.stages.get(place)) else { continue };
        if asks_stage(part, stage) && !stage.locked && !stage.edited && *stage == *was {
            *stage = Stage { stage: stage.stage, locked: false, edited: false, ..new.clone() };
        }
    }
    for (place, shot) in out.shots.iter_mut().enumerate() {
        let (Some(was), Some(new)) = (seen.shots.get(place), drafted.shots.get(place)) else { continue };
        // One that was moved meanwhile stands at a place for which nothing of its own was written.
        if !asks_shot(part, shot) || shot.locked || shot.edited || *shot != *was {
            continue;
        }
        let new = Shot {
            key: shot.key,
            stage: shot.stage,
            locked: false,
            edited: false,
            picture_version: shot.picture_version,
            ..new.clone()
        };
        let shows = shows_otherwise(&new, shot) || new.picture != shot.picture;
        *shot = Shot { picture_version: shot.picture_version + i64::from(shows), ..new };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plans::blank;
    use crate::domain::plans::story::StageName;

    fn drafted() -> Story {
        let mut story = blank::story(80);
        for stage in &mut story.stages {
            stage.title = format!("draft of {}", stage.stage);
        }
        for shot in &mut story.shots {
            shot.title = format!("draft {}", shot.key);
        }
        story
    }

    #[test]
    fn what_people_wrote_stays_also_when_they_wrote_it_meanwhile() {
        let seen = {
            let mut story = blank::story(80);
            story.shots[0].locked = true;
            story.shots[1].edited = true;
            story.stages[0].locked = true;
            story
        };
        let mut now = seen.clone();
        now.shots[2].description = "meanwhile".to_owned();
        now.shots.swap(3, 4);
        let out = merge(&now, &seen, &drafted(), None);
        for place in 0..5 {
            assert_eq!(out.shots[place], now.shots[place], "{place}");
        }
        assert_eq!(out.stages[0], now.stages[0]);
        assert_eq!((out.shots[5].title.as_str(), out.shots[5].picture_version), ("draft 6", 2));
        assert_eq!(out.stages[3].title, "draft of resolution");
        assert_eq!(merge(&out, &seen, &drafted(), None), out, "landing twice changes nothing");
    }

    #[test]
    fn a_part_alone_changes() {
        let now = blank::story(80);
        let of_stage = merge(&now, &now, &drafted(), Some(Part::Stage(StageName::Climax)));
        let changed: Vec<usize> = (0..12).filter(|i| of_stage.shots[*i] != now.shots[*i]).collect();
        assert_eq!(changed, [6, 7, 8]);
        assert_ne!(of_stage.stages[2], now.stages[2]);
        assert_eq!(of_stage.stages[1], now.stages[1]);
        let of_shot = merge(&now, &now, &drafted(), Some(Part::Shot(7)));
        assert_eq!((0..12).filter(|i| of_shot.shots[*i] != now.shots[*i]).collect::<Vec<_>>(), [6]);
        assert_eq!(of_shot.stages, now.stages);
    }

    #[test]
    fn who_asks_for_what_is_kept_hears_so() {
        let mut story = blank::story(80);
        story.shots[6].edited = true;
        assert!(matches!(must_change(&story, Some(Part::Shot(7))), Err(Error::Conflict(_))));
        assert!(matches!(must_change(&story, Some(Part::Shot(13))), Err(Error::NotFound(_))));
        assert!(must_change(&story, Some(Part::Stage(StageName::Climax))).is_ok());
        assert_eq!(changing(&story, Some(Part::Stage(StageName::Climax))), [7, 8]);
    }
}
