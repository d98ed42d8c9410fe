//! Plans in the trash: out of sight at once, to be had back for some days, then gone with their versions. The discussion
//! of a plan goes and comes back with it.

use super::{Change, Plan, gone, live, look, sql};
use crate::app::App;
use crate::base::clock::{DAY, Time};
use crate::base::error::{Error, Result};
use crate::base::event::{Audience, Event, Live};
use crate::base::ids::PlanId;
use crate::base::locale::Text;
use crate::base::roles::Right;
use crate::domain::accounts::Viewer;
use crate::domain::feedback;
use crate::domain::projects::judge;
use crate::engines::store::Tx;

/// Plans that are purged at once.
const AT_ONCE: i64 = 500;

/// Puts a plan into the trash.
pub async fn delete(app: &App, who: &Viewer, id: PlanId, expected: Option<i64>) -> Result<()> {
    let user = who.user;
    app.write(move |tx| {
        let plan = look(tx, user, id, Right::Plan)?;
        crate::domain::expect_rev(expected, plan.rev)?;
        let now = tx.now();
        sql::set_deleted(tx, id, Some(now))?;
        if let Some(feedback) = plan.feedback_id {
            feedback::hide(tx, user, plan.project_id, feedback)?;
        }
        let live = Live { audience: Audience::All, message: gone(id), own: None };
        tx.emit(Some(plan.project_id), Some(user), Event::PlanDeleted { plan: id }, Some(live))?;
        Ok(())
    })
    .await
}

/// Takes a plan out of the trash, within its days.
pub async fn restore(app: &App, who: &Viewer, id: PlanId) -> Result<Plan> {
    let user = who.user;
    let days = app.config().storage.trash_days;
    app.write(move |tx| {
        let Some((deleted, discussion, role)) = sql::deleted(tx, user, id)? else {
            look(tx, user, id, Right::Plan)?;
            return Err(Error::Conflict(Text::new("error.not_deleted")));
        };
        judge(Some(role), Right::Plan, "plan")?;
        if tx.now().0 - deleted.0 > days * DAY {
            return Err(Error::Conflict(Text::new("error.too_late_to_restore").with("days", days)));
        }
        sql::set_deleted(tx, id, None)?;
        if let Some(feedback) = discussion {
            feedback::trash::restore(tx, Some(user), feedback)?;
        }
        let plan = look(tx, user, id, Right::Plan)?;
        let heard = live(&plan, Change::Plan, Some(user));
        tx.emit(Some(plan.project_id), Some(user), Event::PlanRestored { plan: id }, Some(heard))?;
        Ok(plan)
    })
    .await
}

/// Removes for good what was put into the trash before `before`. Answers how many.
pub fn purge(tx: &mut Tx, before: Time) -> Result<usize> {
    sql::purge(tx, before, AT_ONCE)
}
