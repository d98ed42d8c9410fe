//! What is done later: mails go out, what was gathered goes out, deadlines are looked for, what is old is forgotten.

use serde_json::{Value, json};

use super::{digest, mails, sql, sql_mail};
use crate::app::App;
use crate::base::clock::DAY;
use crate::base::ids::*;
use crate::base::job::JobError;
use crate::domain::schedule;
use crate::engines::queue::Run;

/// Rows that one statement forgets.
const STEP: i64 = 1_000;

/// Sends one mail.
pub async fn send(app: &App, _: &Run, mail: MailId) -> Result<Value, JobError> {
    Ok(json!({ "mail": mails::send(app, mail).await? }))
}

/// Reminds of deadlines that come near.
pub async fn remind(app: &App, _: &Run) -> Result<Value, JobError> {
    let days = app.config().notices.remind_days.clone();
    let (today, zone) = (schedule::today(app), schedule::zone(app));
    let told = app.store.write(move |tx| schedule::near(tx, today, &days, &zone)).await?;
    Ok(json!({ "reminders": told }))
}

/// Gathers what is due into mails.
pub async fn digest(app: &App, run: &Run) -> Result<Value, JobError> {
    Ok(serde_json::to_value(digest::gather(app, run).await?)?)
}

/// Forgets notices and mails that are older than the setting.
pub async fn prune(app: &App, run: &Run) -> Result<Value, JobError> {
    let days = app.config().notices.keep_days;
    let (mut notices, mut mails) = (0, 0);
    while days > 0 && !run.cancel.is_cancelled() {
        let before = app.clock.now().plus(-days * DAY);
        let step = move |tx: &mut crate::engines::store::Tx| {
            Ok((sql::prune(tx, before, STEP)?, sql_mail::prune(tx, before, STEP)?))
        };
        let (n, m) = app.store.write(step).await?;
        (notices, mails) = (notices + n, mails + m);
        if n < STEP as usize && m < STEP as usize {
            break;
        }
    }
    Ok(json!({ "notices": notices, "mails": mails }))
}
