//! A storyboard out of a film: its scenes, brought to twelve, are the shots; their first pictures are the key frames.

use super::{Drafted, Failed, Order, Source, Work};
use crate::base::error::{Error, Result};
use crate::base::ids::ProjectId;
use crate::base::locale::Text;
use crate::domain::media::{self, Media, MediaState, frame};
use crate::domain::plans::blank;
use crate::domain::plans::pictures::{DRAWN_MAX, Image};
use crate::domain::plans::rules;
use crate::domain::plans::story::{Angle, Inputs, Movement, Picture, SHOTS, ShotSize, Transition};

/// A film whose scenes can be taken; an error names `media_id`.
pub(super) fn usable(film: Result<Media>, project: Option<ProjectId>) -> Result<Media> {
    let wrong = |key: &'static str| Error::invalid("media_id", Text::new(key));
    let film = match film {
        Ok(film) => film,
        Err(Error::NotFound(_)) => return Err(wrong("invalid.plan_media")),
        Err(e) => return Err(e),
    };
    if project.is_some_and(|p| p != film.project_id) {
        return Err(wrong("invalid.plan_media"));
    }
    let long = film.facts.as_ref().and_then(|f| f.duration_ms).unwrap_or(0) > 0;
    if film.state != MediaState::Ready || !long {
        return Err(wrong("invalid.plan_media_ready"));
    }
    Ok(film)
}

pub(super) async fn draft(work: &Work<'_>, inputs: Inputs, order: &Order) -> Result<Drafted, Failed> {
    let (user, id) = (order.user, order.ask.media_id.ok_or(Failed::Said("media_gone"))?);
    let film = work.app.read(move |db| media::get(db, user, id)).await;
    let film = match usable(film, Some(work.project)) {
        Ok(film) => film,
        Err(Error::Invalid(_)) => return Err(Failed::Said("media_gone")),
        Err(e) => return Err(e.into()),
    };
    let scenes = frame::scenes(work.app, &film).await?;
    let spans: Vec<(i64, i64)> = scenes.iter().map(|s| (s.start_ms, s.end_ms)).collect();
    let spans = twelve(&spans);
    let mut story = tokio::task::spawn_blocking(move || rules::draft(&inputs)).await?;
    let mut images: Vec<Image> = Vec::new();
    for (place, (start, end)) in spans.iter().copied().enumerate() {
        let shot = &mut story.shots[place];
        *shot = blank::story(1).shots[place].clone();
        let span = format!("{}–{}", clock(start), clock(end));
        shot.title = span.clone();
        shot.description = format!("{} v{}, {span}", film.name, film.version).chars().take(2_000).collect();
        (shot.size, shot.movement, shot.angle) = (ShotSize::Medium, Movement::Static, Angle::EyeLevel);
        shot.transition = Transition::Cut;
        shot.duration_ms = (end - start).clamp(500, 600_000);
        if let Some(found) = frame::nearest(work.app, &film, &scenes, start).await?
            && let Ok(image) = Image::read(found.bytes, DRAWN_MAX)
        {
            shot.picture = Picture::KeyFrame { media: film.id, hash: image.hash.clone(), at_ms: start };
            images.push(image);
        }
        work.tell((10 + 80 * (place + 1) / SHOTS) as u8);
        if work.run.cancel.is_cancelled() {
            return Err(Failed::Job(crate::base::job::JobError::Cancelled));
        }
    }
    for (stage, shots) in story.stages.iter_mut().zip(story.shots.chunks(3)) {
        stage.length_hint = rules::length_hint(shots.iter().map(|s| s.duration_ms).sum());
    }
    images.sort_by(|a, b| a.hash.cmp(&b.hash));
    images.dedup_by(|a, b| a.hash == b.hash);
    Ok(Drafted { images, ..Drafted::by(Source::Cut, story) })
}

/// Brings neighbouring spans to twelve: the shortest neighbours become one, the longest one becomes two.
fn twelve(spans: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut spans = spans.to_vec();
    if spans.is_empty() {
        spans.push((0, 0));
    }
    while spans.len() > SHOTS {
        let at = (0..spans.len() - 1).min_by_key(|&i| spans[i + 1].1 - spans[i].0).unwrap_or(0);
        spans[at].1 = spans[at + 1].1;
        spans.remove(at + 1);
    }
    while spans.len() < SHOTS {
        // Of equal ones the first, so that it falls the same way each time.
        let longest = spans.iter().map(|(start, end)| end - start).max().unwrap_or(0);
        let at = spans.iter().position(|(start, end)| end - start == longest).unwrap_or(0);
        let (start, end) = spans[at];
        let middle = start + (end - start) / 2;
        spans[at] = (start, middle);
        spans.insert(at + 1, (middle, end));
    }
    spans
}

/// `MM:SS.f`
fn clock(ms: i64) -> String {
    format!("{:02}:{:02}.{}", ms / 60_000, ms / 1000 % 60, ms / 100 % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_scenes_becomes_twelve_without_a_gap() {
        for n in [1, 2, 5, 11, 12, 13, 40, 200] {
            let spans: Vec<(i64, i64)> = (0..n).map(|i| (i * 900, i * 900 + 900)).collect();
            let shots = twelve(&spans);
            assert_eq!(shots.len(), SHOTS, "{n}");
            assert_eq!((shots[0].0, shots[SHOTS - 1].1), (0, n * 900));
            assert!(shots.windows(2).all(|w| w[0].1 == w[1].0), "{n}: {shots:?}");
        }
        assert_eq!(twelve(&[]).len(), SHOTS);
        // The longest is divided, the rest stays.
        let shots = twelve(&[(0, 100), (100, 12_000), (12_000, 12_050)]);
        assert_eq!((shots[0], shots[11]), ((0, 100), (12_000, 12_050)));
        assert_eq!(clock(67_500), "01:07.5");
    }
}
