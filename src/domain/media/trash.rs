//! Versions in the trash: out of sight at once, there again on demand for some days, then gone for good.
//!
//! Laws: what was said about a version stays, also when it is gone. Its bytes go when no version of any project has them,
//! and only after the change that says so; its number is not given again.

use serde_json::json;

use super::sql_trash as rows;
use super::{Media, MediaState, shelf, sql};
use crate::app::App;
use crate::base::clock::{DAY, Time};
use crate::base::error::{Error, Result};
use crate::base::event::{Audience, Event, Live};
use crate::base::ids::{MediaId, UserId};
use crate::base::job::Job;
use crate::base::locale::Text;
use crate::base::roles::Right;
use crate::domain::accounts::Viewer;
use crate::domain::projects::judge;
use crate::engines::files::Key;
use crate::engines::queue::{self, NewJob, Queue};
use crate::engines::store::Tx;

/// Puts a version into the trash. Who may manage the project may do so.
pub async fn delete(app: &App, who: &Viewer, id: MediaId, expected: Option<i64>) -> Result<()> {
    let (user, queue) = (who.user, app.queue.clone());
    app.write(move |tx| {
        let media = sql::get(tx, user, id)?.ok_or(Error::NotFound("media"))?;
        judge(Some(media.my_role), Right::Manage, "media")?;
        crate::domain::expect_rev(expected, media.rev)?;
        trash(tx, &queue, Some(user), &media)
    })
    .await
}

/// Takes a version out of the trash, within its days. Who may manage the project may do so.
pub async fn restore(app: &App, who: &Viewer, id: MediaId) -> Result<Media> {
    let (user, days) = (who.user, app.config().storage.trash_days);
    app.write(move |tx| {
        let media = sql::get_any(tx, user, id)?.ok_or(Error::NotFound("media"))?;
        judge(Some(media.my_role), Right::Manage, "media")?;
        let since = media.deleted.ok_or_else(not_deleted)?;
        if tx.now().0 - since.0 > days * DAY {
            return Err(Error::Conflict(Text::new("error.too_late_to_restore").with("days", days)));
        }
        bring_back(tx, Some(user), media)
    })
    .await
}

fn not_deleted() -> Error {
    Error::Conflict(Text::new("error.not_deleted"))
}

/// Into the trash; the caller has judged. Work on it ends.
pub fn trash(tx: &mut Tx, queue: &Queue, actor: Option<UserId>, media: &Media) -> Result<()> {
    let (id, feedback) = (media.id, media.feedback_id);
    rows::trash(tx, id, actor)?;
    // One that only waits finds the version gone when its turn comes.
    if let Some(job) = media.job_id.filter(|job| queue.progress(*job).is_some()) {
        match queue::cancel(tx, actor, job) {
            Ok(_) | Err(Error::Conflict(_) | Error::NotFound(_)) => {}
            Err(e) => return Err(e),
        }
    }
    let message = json!({ "type": "media_deleted", "media_id": id, "feedback_id": feedback });
    let live = Live { audience: Audience::All, message, own: None };
    tx.emit(Some(media.project_id), actor, Event::MediaDeleted { media: id, feedback }, Some(live))?;
    Ok(())
}

/// The versions of these ids that are not in the trash, into it. Answers how many.
pub fn trash_all(tx: &mut Tx, queue: &Queue, ids: &[MediaId]) -> Result<usize> {
    let all = sql::by_ids(tx, ids)?;
    for media in &all {
        trash(tx, queue, None, media)?;
    }
    Ok(all.len())
}

/// Out of the trash; the caller has judged.
pub fn untrash(tx: &mut Tx, actor: Option<UserId>, id: MediaId) -> Result<()> {
    let media = sql::in_trash(tx, id)?.ok_or_else(not_deleted)?;
    bring_back(tx, actor, media)?;
    Ok(())
}

/// What was not ready is looked at again.
fn bring_back(tx: &mut Tx, actor: Option<UserId>, mut media: Media) -> Result<Media> {
    let id = media.id;
    rows::untrash(tx, id)?;
    (media.rev, media.deleted) = (media.rev + 1, None);
    if !matches!(media.state, MediaState::Ready | MediaState::Failed) {
        media.state = MediaState::Received;
        let job = NewJob {
            dedup_key: Some(format!("probe_media:{id}")),
            project: Some(media.project_id),
            user: Some(media.user.id),
            ..Job::ProbeMedia { media: id }.into()
        };
        let job = queue::enqueue(tx, job)?;
        sql::set_job(tx, id, job)?;
        media.job_id = Some(job);
    }
    let event = Event::MediaRestored { media: id, feedback: media.feedback_id };
    tx.emit(Some(media.project_id), actor, event, Some(media.live()))?;
    Ok(media)
}

/// Ends the days of one in the trash: it can be restored no more, and goes with the next purge.
pub fn expire(tx: &mut Tx, id: MediaId, at: Time) -> Result<()> {
    if rows::set_deleted(tx, id, at)? { Ok(()) } else { Err(not_deleted()) }
}

/// Removes a version for good. Answers the bytes that nobody has any more: their files go once this change is committed,
/// by [`shelf::clear`].
pub fn purge(tx: &mut Tx, id: MediaId) -> Result<Option<Key>> {
    let Some(gone) = rows::leaving(tx, id)? else { return Ok(None) };
    let nobody = shelf::goes(tx, gone.project, &gone.key)?;
    rows::purge(tx, id, &gone)?;
    let event = Event::MediaPurged { media: id, feedback: gone.feedback };
    tx.emit(Some(gone.project), None, event, None)?;
    Ok(nobody.then_some(gone.key))
}

/// Takes renditions off the shelf and tells the rooms that show them. Answers their bytes. Their files go once this
/// change is committed, by [`shelf::clear_rendition`].
pub fn drop_renditions(tx: &mut Tx, key: &Key, names: &[String]) -> Result<i64> {
    let bytes = shelf::dropped(tx, key, names)?;
    let ids = rows::touch(tx, key)?;
    for media in sql::by_ids(tx, &ids)? {
        let event = Event::RenditionsDropped { media: media.id, feedback: media.feedback_id };
        tx.emit(Some(media.project_id), None, event, Some(media.live()))?;
    }
    Ok(bytes)
}
