//! What a person's day begins with: what waits for him, what the machine works on, what has happened. Short lists, one
//! statement for all of them.
//!
//! Law: nothing here names what the reader may not see: internal comments count for the team alone, and an anonymous
//! author is no actor to anybody else.

use serde::Serialize;

use super::{Look, Since, sql_today};
use crate::base::clock::{DAY, Time};
use crate::base::error::Result;
use crate::base::ids::{FeedbackId, MediaId, PlanId, ProjectId, UserId};
use crate::closed_set;
use crate::domain::accounts::Person;
use crate::engines::store::Db;

closed_set! {
    /// Why something waits for a person.
    Why {
        /// A version of the last sixty days that he has not decided about.
        Decide = "decide",
        /// Unresolved comments of others on what he brought.
        Answer = "answer",
        /// A plan in review that he has not decided about.
        Plan = "plan",
        /// A phase of his that has begun and is not done.
        Phase = "phase",
    }
}

/// Something that waits for the reader.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Waiting {
    /// Why.
    pub why: Why,
    /// In which project.
    pub project_id: ProjectId,
    /// Its name.
    #[schema(example = "한빛식품 가을 신제품 30초 광고")]
    pub project_name: String,
    /// Its colour.
    #[schema(example = "#d9480f")]
    pub project_color: String,
    /// The feedback, if it is one.
    #[schema(example = 1)]
    pub feedback_id: Option<FeedbackId>,
    /// The plan, if it is one.
    #[schema(example = json!(null))]
    pub plan_id: Option<PlanId>,
    /// The feedback's or plan's title, or the phase's name.
    #[schema(example = "시사본 v3")]
    pub title: String,
    /// How many: unresolved comments, or the number of the version.
    #[schema(example = 3)]
    pub count: i64,
    /// Since when; a phase waits since its first day.
    pub since: Option<Time>,
    /// The last day of a phase.
    #[schema(example = json!(null))]
    pub due: Option<String>,
}

/// A version that is not ready.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct InProcess {
    /// Which.
    pub media_id: MediaId,
    /// Of which feedback.
    pub feedback_id: FeedbackId,
    /// Its title.
    #[schema(example = "시사본 v3")]
    pub title: String,
    /// In which project.
    pub project_id: ProjectId,
    /// Its name.
    #[schema(example = "한빛식품 가을 신제품 30초 광고")]
    pub project_name: String,
    /// The number of the version.
    #[schema(example = 3)]
    pub version: i64,
    /// Where it stands; failures since yesterday stand here too.
    #[schema(example = "processing")]
    pub state: String,
    /// Since when.
    pub since: Time,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Act {
    /// Its place in the journal.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// What: the journal's verb.
    #[schema(example = "comment_added")]
    pub verb: String,
    /// Who; `null` for the program, and for an anonymous author.
    pub user: Option<Person>,
    /// In which project.
    pub project_id: ProjectId,
    /// Its name.
    #[schema(example = "한빛식품 가을 신제품 30초 광고")]
    pub project_name: String,
    /// Its colour.
    #[schema(example = "#d9480f")]
    pub project_color: String,
    /// The feedback, if it is about one.
    #[schema(example = 1)]
    pub feedback_id: Option<FeedbackId>,
    /// The plan, if it is about one.
    #[schema(example = json!(null))]
    pub plan_id: Option<PlanId>,
    /// The feedback's or plan's title.
    #[schema(example = "시사본 v3")]
    pub title: String,
}

/// What others did since a moment, in numbers. Of what lies far back in the journal nothing is counted.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct News {
    /// Comments and replies.
    #[schema(example = 5)]
    pub comments: i64,
    /// Versions that became ready.
    #[schema(example = 2)]
    pub versions: i64,
    /// Decisions.
    #[schema(example = 1)]
    pub decisions: i64,
    /// Feedbacks that were added.
    #[schema(example = 1)]
    pub feedbacks: i64,
    /// Drafted, reviewed and approved plans.
    #[schema(example = 0)]
    pub plans: i64,
}

/// The lists.
#[derive(Clone, Debug, Default)]
pub(super) struct Today {
    pub(super) waiting: Vec<Waiting>,
    pub(super) in_process: Vec<InProcess>,
    pub(super) activity: Vec<Act>,
    pub(super) news: News,
    pub(super) since: Option<Time>,
    pub(super) seq: i64,
}

/// Each list holds at most this many.
pub(super) const LIST: i64 = 8;
/// Acts that are shown.
pub(super) const ACTS: i64 = 12;
/// Events behind which nobody looks for acts and news.
pub(super) const LOOK_BACK: i64 = 5_000;
/// Days after which nobody is reminded of a version that he has not decided about.
const WAITS: i64 = 60;

/// What waits for `user`, what is in process, what happened, and what is new.
pub(super) fn of(db: &Db, user: UserId, look: Look) -> Result<Today> {
    let (at, visit) = match look.since {
        Since::Never => (None, None),
        Since::At(time) => (Some(time), None),
        Since::LastVisit => (None, Some(look.now)),
    };
    // From the beginning of a day on, so that an answer kept until the next one is right as long.
    let days_ago = |days: i64| Time((look.now.0 / DAY - days) * DAY);
    sql_today::of(db, user, days_ago(1), days_ago(WAITS), &look.today.to_string(), at, visit)
}
