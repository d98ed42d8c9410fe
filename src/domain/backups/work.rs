//! The jobs of backups: take one, look at one, delete one. Each may be killed anywhere and begun again.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{At, FAILURES, Slot, is_apart, sql, take as taking, target};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::UserId;
use crate::base::job::{JobError, JobKind, Progress};
use crate::base::page::hex;
use crate::base::secret;
use crate::engines::backup::{
    self, Asked, Encryption, Keep, Lease, Manifest, Place, Swept, Target, Trouble, Vault, Verified, Watch, chosen,
    new_id,
};
use crate::engines::queue::{self, Run};
use crate::engines::store::Tx;

/// The setting that holds the instance's id.
const INSTANCE: &str = "instance";

/// What taking a backup has brought.
#[derive(Clone, Debug)]
pub struct Taken {
    /// What is in it.
    pub manifest: Manifest,
    /// What the look at it has found.
    pub verified: Verified,
    /// Backups that were let go.
    pub let_go: Vec<String>,
    /// What was swept after them.
    pub swept: Swept,
}

/// The job. Without a place it does nothing, and says so.
pub async fn take(app: &App, run: &Run, to: String) -> Result<Value, JobError> {
    let config = app.config();
    let target = target(&config, Some(to.as_str()).filter(|to| !to.is_empty()));
    if target.to.is_empty() {
        return Ok(json!({ "off": true }));
    }
    let id = run.id;
    let by = app.read(move |db| Ok(queue::by_id(db, id)?.and_then(|row| row.user))).await?;
    let taken = take_now(app, target, by, run.cancel.clone(), telling(run)).await;
    let taken = taken.map_err(ended)?;
    let (m, v) = (&taken.manifest, &taken.verified);
    Ok(json!({
        "backup": m.id, "seq": m.seq, "bytes": m.bytes(), "new_bytes": m.new_bytes, "films": m.films(), "lost": m.lost.len(),
        "verified": v.ok, "read": v.read, "of": v.of, "let_go": taken.let_go, "swept_bytes": taken.swept.bytes,
    }))
}

fn telling(run: &Run) -> impl Fn(f32) + Send + Sync + 'static {
    let run = run.clone();
    move |percent| run.progress(Progress { percent, ..Progress::default() })
}

/// Whether time can heal it.
fn ended(trouble: Trouble) -> JobError {
    match trouble {
        Trouble::Cancelled => JobError::Cancelled,
        Trouble::Busy(why) => JobError::Later(anyhow::anyhow!(why)),
        Trouble::Failed(why) => JobError::Retry(anyhow::anyhow!(why)),
        other => JobError::Fail { error: other.to_string(), stderr: String::new() },
    }
}

/// Takes a backup, verifies it, and lets old ones go. `told` hears how far it is, 0–100.
pub async fn take_now(
    app: &App,
    target: Target,
    by: Option<UserId>,
    stop: CancellationToken,
    told: impl Fn(f32) + Send + Sync + 'static,
) -> Result<Taken, Trouble> {
    within(app, JobKind::Backup, stop, told, move |app, slot, watch| {
        is_apart(&app.dir, &target)?;
        let id = new_id(app.clock.now());
        let (place, row) = (target.to.clone(), id.clone());
        change(&app, move |tx| {
            sql::settle(tx, "the program ended meanwhile")?;
            sql::begin(tx, &row, &place, by)
        })?;
        let taken = whole(&app, &target, &id, by, slot, watch);
        if let Err(trouble) = &taken {
            let (id, why) = (id.clone(), trouble.to_string());
            change(&app, move |tx| {
                sql::fail(tx, &id, &why)?;
                sql::forget_failures(tx, FAILURES)
            })?;
        }
        taken
    })
    .await
}

fn whole(
    app: &App,
    target: &Target,
    id: &str,
    by: Option<UserId>,
    slot: &Slot,
    watch: &Watch,
) -> Result<Taken, Trouble> {
    let place = target.to.clone();
    let was_used = !reading(app, move |db| sql::ids_in(db, &place))?.is_empty();
    if was_used && !Place::open(target)?.is_used()? {
        return Err(Trouble::Refused(format!(
            "{} is empty, and there were backups in it: see that it is mounted, or choose another place",
            target.to
        )));
    }
    let vault = Vault::open_or_make(target, &instance(app)?, app.clock.now())?;
    let lease = Lease::take(vault.place(), &app.clock)?;
    bring_in_line(app, &vault, &target.to)?;
    let manifest = taking::take(app, &vault, &lease, id, slot, watch)?;
    let (place, m, encrypted) = (target.to.clone(), manifest.clone(), vault.encryption() == Encryption::Sealed);
    change(app, move |tx| {
        sql::done(tx, &place, &m, encrypted)?;
        let (films, lost) = (m.films() as i64, m.lost.len() as i64);
        tx.emit(None, by, Event::BackupTaken { backup: m.id, films, lost }, None)?;
        Ok(())
    })?;
    let verified = look(app, &vault, id, app.config().backup.sample, by, slot, watch)?;
    slot.at(At::Sweeping);
    let (let_go, swept) = let_go(app, &vault, &lease, &target.to, watch)?;
    Ok(Taken { manifest, verified, let_go, swept })
}

/// Who this instance is, among others that might use the same place.
fn instance(app: &App) -> Result<String, Trouble> {
    let fresh = secret::random::<16>().to_vec();
    change(app, move |tx| tx.secret(INSTANCE, &fresh)).map(|id| hex(&id))
}

/// A place tells what is in it: rows that are missing come, rows of what is gone go.
fn bring_in_line(app: &App, vault: &Vault, place: &str) -> Result<(), Trouble> {
    let ids = vault.ids()?;
    let of = place.to_owned();
    let known = reading(app, move |db| sql::ids_in(db, &of))?;
    for gone in known.iter().filter(|id| !ids.contains(id)) {
        let gone = gone.clone();
        change(app, move |tx| sql::forget(tx, &gone))?;
    }
    let mut found = Vec::new();
    for id in known.iter().filter(|id| ids.contains(id)) {
        found.extend(vault.verified(id)?.map(|verified| (id.clone(), verified)));
    }
    // Somebody may have looked from the shell.
    change(app, move |tx| found.iter().try_for_each(|(id, verified)| sql::verified(tx, id, verified)))?;
    for id in ids.iter().filter(|id| !known.contains(id)) {
        let manifest = match vault.manifest(id) {
            Ok(manifest) => manifest,
            Err(Trouble::Damaged { part, why }) => {
                tracing::error!(part, why, "a backup is damaged");
                continue;
            }
            Err(other) => return Err(other),
        };
        let verified = vault.verified(id)?;
        let (place, encrypted) = (place.to_owned(), vault.encryption() == Encryption::Sealed);
        change(app, move |tx| {
            sql::done(tx, &place, &manifest, encrypted)?;
            verified.map_or(Ok(()), |verified| sql::verified(tx, &manifest.id, &verified))
        })?;
    }
    Ok(())
}

fn look(
    app: &App,
    vault: &Vault,
    id: &str,
    percent: f64,
    by: Option<UserId>,
    slot: &Slot,
    watch: &Watch,
) -> Result<Verified, Trouble> {
    slot.at(At::Verifying);
    let scratch = app.files.scratch("verify").map_err(|e| Trouble::Failed(format!("no scratch directory: {e}")))?;
    let found = backup::verify(vault, id, Asked { percent }, scratch.path(), app.clock.now(), watch)?;
    vault.note_verified(id, &found)?;
    if !found.ok {
        tracing::error!(backup = id, problems = found.problems.join("; "), "a backup is damaged");
    }
    let (row, told, ok) = (id.to_owned(), found.clone(), found.ok);
    change(app, move |tx| {
        sql::verified(tx, &row, &told)?;
        tx.emit(None, by, Event::BackupVerified { backup: row, ok }, None)?;
        Ok(())
    })?;
    Ok(found)
}

/// Lets go what is older than is wanted. Content is swept after it, also that of tries which came to nothing.
fn let_go(
    app: &App,
    vault: &Vault,
    lease: &Lease,
    place: &str,
    watch: &Watch,
) -> Result<(Vec<String>, Swept), Trouble> {
    let config = app.config();
    let keep = Keep { last: config.backup.keep_last, days: config.backup.keep_days };
    let of = place.to_owned();
    let (all, failed) = reading(app, move |db| {
        let failed = sql::states(db)?.iter().any(|(state, _)| *state == super::State::Failed);
        Ok((sql::to_keep(db, &of)?, failed))
    })?;
    let goes = chosen(&all, keep, app.clock.now());
    for id in &goes {
        vault.delete(id)?;
        let id = id.clone();
        change(app, move |tx| {
            sql::forget(tx, &id)?;
            tx.emit(None, None, Event::BackupDeleted { backup: id }, None)?;
            Ok(())
        })?;
    }
    if goes.is_empty() && !failed {
        return Ok((goes, Swept::default()));
    }
    match vault.sweep(lease, app.clock.now(), watch) {
        Ok(swept) => Ok((goes, swept)),
        // The backup is there and whole: that the place is not tidy is no reason to say otherwise.
        Err(trouble @ Trouble::Refused(_)) => {
            tracing::warn!(%trouble, "the backups' place was not swept");
            Ok((goes, Swept::default()))
        }
        Err(other) => Err(other),
    }
}

/// The job: looks at a backup.
pub async fn verify(app: &App, run: &Run, id: String, all: bool) -> Result<Value, JobError> {
    let row = run.id;
    let by = app.read(move |db| Ok(queue::by_id(db, row)?.and_then(|row| row.user))).await?;
    let target = target(&app.config(), None);
    let percent = if all { 100.0 } else { app.config().backup.sample };
    let found = within(app, JobKind::VerifyBackup, run.cancel.clone(), telling(run), move |app, slot, watch| {
        let vault = Vault::open(&target)?;
        bring_in_line(&app, &vault, &target.to)?;
        let id = match id.is_empty() {
            false => id,
            true => {
                vault.ids()?.into_iter().next().ok_or_else(|| Trouble::refused("there is no backup in the place"))?
            }
        };
        look(&app, &vault, &id, percent, by, slot, watch).map(|found| (id, found))
    });
    let (id, found) = found.await.map_err(ended)?;
    if !found.ok {
        return Err(JobError::Fail {
            error: format!("backup {id}: {}", found.problems.join("; ")),
            stderr: String::new(),
        });
    }
    Ok(json!({
        "backup": id, "rows": found.rows, "read": found.read, "of": found.of, "read_bytes": found.read_bytes,
        "of_bytes": found.of_bytes,
    }))
}

/// The job: deletes a backup, and what it alone needed.
pub async fn delete(app: &App, run: &Run, id: String) -> Result<Value, JobError> {
    let target = target(&app.config(), None);
    let swept = within(app, JobKind::DeleteBackup, run.cancel.clone(), telling(run), move |app, slot, watch| {
        let vault = Vault::open(&target)?;
        let lease = Lease::take(vault.place(), &app.clock)?;
        slot.at(At::Sweeping);
        vault.delete(&id)?;
        change(&app, move |tx| sql::forget(tx, &id))?;
        vault.sweep(&lease, app.clock.now(), watch)
    });
    let swept = swept.await.map_err(ended)?;
    Ok(json!({ "objects": swept.objects, "bytes": swept.bytes }))
}

/// Runs blocking work as the only one that this process does with backups.
async fn within<T: Send + 'static>(
    app: &App,
    kind: JobKind,
    stop: CancellationToken,
    told: impl Fn(f32) + Send + Sync + 'static,
    work: impl FnOnce(App, &Slot, &Watch) -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let slot = app.backups.begin(kind, app.clock.now());
    let slot = slot.ok_or_else(|| Trouble::Busy("something else is done with backups at this moment".into()))?;
    let slot = Arc::new(slot);
    let telling = Arc::downgrade(&slot);
    let watch = Watch::new(stop, move |done, of| {
        if let Some(slot) = telling.upgrade() {
            told(slot.told(done, of));
        }
    });
    let app = app.clone();
    let done = tokio::task::spawn_blocking(move || work(app, &slot, &watch)).await;
    done.map_err(|e| Trouble::Failed(format!("it panicked: {e}")))?
}

fn change<T: Send + 'static>(app: &App, f: impl FnOnce(&mut Tx) -> Result<T> + Send + 'static) -> Result<T, Trouble> {
    Handle::current().block_on(app.store.write(f)).map_err(database)
}

fn reading<T: Send + 'static>(
    app: &App,
    f: impl FnOnce(&crate::engines::store::Db) -> Result<T> + Send + 'static,
) -> Result<T, Trouble> {
    Handle::current().block_on(app.store.read_ahead(f)).map_err(database)
}

fn database(error: Error) -> Trouble {
    Trouble::Failed(format!("the database does not answer: {error}"))
}
