//! What becomes of feedbacks that nobody needs any more: out of the trash, or for good; and the word given before films
//! of a closed one go.
//!
//! Law: a notice stands only for a closed feedback. Who opens or deletes it takes the notice back.
//! Written here only: `cleanup_notices`.

use serde_json::json;

use super::sql;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::event::{Audience, Event, Live};
use crate::base::ids::{FeedbackId, ProjectId, UserId};
use crate::base::locale::Text;
use crate::engines::store::{Db, Tx};

/// Takes a feedback out of the trash. The caller has judged.
pub fn restore(tx: &mut Tx, actor: Option<UserId>, id: FeedbackId) -> Result<()> {
    let (project, _) = sql::deleted(tx, id)?.ok_or_else(|| Error::Conflict(Text::new("error.not_deleted")))?;
    sql::set_deleted(tx, id, None)?;
    // It may have lain there for longer than the notice runs: the days begin anew.
    sql::delete_notice(tx, id)?;
    let live = super::replay(tx, &[id])?.pop().map(|(_, message)| Live { audience: Audience::All, message, own: None });
    tx.emit(Some(project), actor, Event::FeedbackRestored { feedback: id }, live)?;
    Ok(())
}

/// Ends the days of one in the trash: it can be restored no more, and goes with the next purge.
pub fn expire(tx: &mut Tx, id: FeedbackId, at: Time) -> Result<()> {
    sql::deleted(tx, id)?.ok_or_else(|| Error::Conflict(Text::new("error.not_deleted")))?;
    sql::set_deleted(tx, id, Some(at))
}

/// Removes a feedback for good, with its comments and decisions. Its versions are gone already.
pub fn purge(tx: &mut Tx, project: ProjectId, id: FeedbackId) -> Result<()> {
    sql::purge(tx, id)?;
    tx.emit(Some(project), None, Event::FeedbackPurged { feedback: id }, None)?;
    Ok(())
}

/// Announces that the films of a closed feedback go to the trash at `due`.
pub fn announce(tx: &mut Tx, project: ProjectId, id: FeedbackId, due: Time) -> Result<()> {
    sql::put_notice(tx, id, due)?;
    let message = json!({ "type": "cleanup", "feedback_id": id, "due": due });
    let live = Live { audience: Audience::Team, message, own: None };
    tx.emit(Some(project), None, Event::CleanupAnnounced { feedback: id, due }, Some(live))?;
    Ok(())
}

/// Takes the announcement back, if there is one.
pub fn cancel_notice(tx: &mut Tx, actor: Option<UserId>, project: ProjectId, id: FeedbackId) -> Result<()> {
    if !sql::delete_notice(tx, id)? {
        return Ok(());
    }
    let message = json!({ "type": "cleanup", "feedback_id": id, "due": null });
    let live = Live { audience: Audience::Team, message, own: None };
    tx.emit(Some(project), actor, Event::CleanupCancelled { feedback: id }, Some(live))?;
    Ok(())
}

/// Takes all announcements back, as when the cleaning is turned off. Answers how many.
pub fn forget_notices(tx: &mut Tx) -> Result<usize> {
    sql::delete_notices(tx)
}

/// When the films of a feedback go to the trash, if that was announced.
pub fn due(db: &Db, id: FeedbackId) -> Result<Option<Time>> {
    sql::notice(db, id)
}
