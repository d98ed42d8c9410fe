//! Memos: one text for a day of a project.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{note_check, sql_entries as sql};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::day::Day;
use crate::base::error::{Check, Result};
use crate::base::event::{Audience, Event, Live};
use crate::base::ids::{ProjectId, UserId};
use crate::base::roles::{Right, Role};
use crate::domain::accounts::Viewer;
use crate::domain::projects::{self, judge};
use crate::engines::store::{Db, Tx};

/// Memos of one answer.
pub(super) const LISTED: i64 = 2_000;

/// A memo.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Memo {
    /// In which project.
    pub project_id: ProjectId,
    /// For which day.
    pub day: Day,
    /// What is to be thought of; empty if it was taken away.
    #[schema(example = "우천 시 실내 스튜디오로 변경 (예비일 10월 17일)")]
    pub text: String,
    /// Last change.
    pub updated: Time,
}

/// Memos of a project.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Memos {
    /// Latest day first, at most 2,000.
    pub memos: Vec<Memo>,
}

/// A memo as it is set.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "text": "우천 시 실내 스튜디오로 변경 (예비일 10월 17일)" }))]
pub struct MemoPut {
    /// What is to be thought of; an empty text takes the memo away.
    #[schema(max_length = 2000)]
    pub text: String,
}

/// The memos of a project, for a reader of this role.
pub fn list(db: &Db, role: Role, project: ProjectId) -> Result<Memos> {
    judge(Some(role), Right::View, "project")?;
    Ok(Memos { memos: sql::memos(db, project)? })
}

/// Sets or takes away the memo of a day.
pub async fn put(app: &App, who: &Viewer, project: ProjectId, day: Day, put: MemoPut) -> Result<Memo> {
    note_check(&mut Check::new(), "text", &put.text).done()?;
    let user = who.user;
    app.write(move |tx| {
        projects::allow(tx, user, project, Right::Plan)?;
        set(tx, user, project, day, &put.text)
    })
    .await
}

/// Sets or takes away the memo of a day inside a change.
pub fn set(tx: &mut Tx, user: UserId, project: ProjectId, day: Day, text: &str) -> Result<Memo> {
    let memo = Memo { project_id: project, day, text: text.trim().to_owned(), updated: tx.now() };
    if sql::put_memo(tx, user, &memo)? {
        let live = Live { audience: Audience::All, message: message(project, day, &memo.text), own: None };
        let event = Event::MemoChanged { project, day: day.to_string() };
        tx.emit(Some(project), Some(user), event, Some(live))?;
    }
    Ok(memo)
}

fn message(project: ProjectId, day: Day, text: &str) -> Value {
    json!({ "type": "memo", "project_id": project, "day": day, "text": text })
}

/// What the room hears of the memo of a day as it stands now, for a replay.
pub fn replay(db: &Db, project: ProjectId, days: &[Day]) -> Result<Vec<(Day, Value)>> {
    let texts = sql::memos_of(db, project, days)?;
    let text = |day: &Day| texts.iter().find(|(d, _)| d == day).map_or("", |(_, text)| text.as_str());
    Ok(days.iter().map(|day| (*day, message(project, *day, text(day)))).collect())
}
