//! The room on the disk: who takes how much of it, what is wrong with the sums, what can go, and what went.
//!
//! Laws: nothing that people have made goes at once. A version, a feedback and a project lie in the trash first; what was
//! made of films can be made again; files that nobody knows are reported before somebody has them deleted. Rows go before
//! files. Every job here may be killed anywhere and begun again.
//! Written here: no table. Rows are changed by the nouns whose they are.

pub mod check;
pub mod closed;
pub mod evict;
pub mod orphans;
mod sql;
pub mod trash;

use serde::Serialize;

use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::base::job::{JobError, Progress};
use crate::domain::media::shelf::Kind;
use crate::engines::queue::Run;
use crate::engines::store::Db;

/// Projects on a page of the dashboard.
pub const PAGE: i64 = 50;

/// What a project takes.
#[derive(Clone, Debug, Serialize)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its name.
    pub name: String,
    /// Since when it is in the trash.
    pub deleted: Option<Time>,
    /// Bytes by kind, in the order of [`Kind`].
    pub by_kind: Vec<i64>,
    /// Bytes in all.
    pub size_bytes: i64,
    /// What it may take.
    pub quota: Option<i64>,
}

/// Projects by size, the largest first; page 1 is the first. Answers also how many there are.
pub fn projects(db: &Db, page: i64) -> Result<(Vec<Project>, i64)> {
    sql::projects(db, Kind::ALL, PAGE, (page.max(1) - 1).saturating_mul(PAGE))
}

/// Ends a job that somebody has cancelled; else tells how far it is.
fn go_on(run: &Run, done: usize, of: usize) -> Result<(), JobError> {
    if run.cancel.is_cancelled() {
        return Err(JobError::Cancelled);
    }
    run.progress(Progress { percent: done as f32 * 100.0 / of.max(1) as f32, ..Progress::default() });
    Ok(())
}
