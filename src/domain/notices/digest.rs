//! Gathered mail: what became due of a person goes out in one mail, unless he sleeps.

use serde::Serialize;

use super::mails::{self, MailKind};
use super::preferences::quiet_until;
use super::{sql_mail as sql, sql_people};
use crate::app::App;
use crate::base::error::Result;
use crate::engines::queue::Run;

/// People of one transaction.
const PEOPLE: i64 = 50;
/// Waiting mails whose jobs are looked after at once.
const WAITING: i64 = 1_000;

/// What a run did.
#[derive(Default, Serialize)]
pub(super) struct Gathered {
    people: usize,
    mails: usize,
}

/// Puts what is due into mails; and gives each mail a job that has lost its own.
pub(super) async fn gather(app: &App, run: &Run) -> Result<Gathered> {
    let mut done = Gathered::default();
    let on = app.mailer().is_on();
    while !run.cancel.is_cancelled() {
        let (people, mails) = app
            .store
            .write(move |tx| {
                let now = tx.now();
                let people = sql::due_people(tx, now, PEOPLE)?;
                let mut mails = 0;
                let readers = sql_people::readers(tx, &people)?;
                for user in &people {
                    let reader = readers.iter().find(|r| r.user == *user).filter(|_| on);
                    sql::forget_due(tx, *user, reader.is_none())?;
                    let Some(reader) = reader else { continue };
                    if let Some(until) = reader.quiet.as_ref().and_then(|quiet| quiet_until(quiet, now)) {
                        sql::put_off(tx, *user, until)?;
                    } else if sql::any_due(tx, *user, now)? {
                        let mail = mails::add_for(tx, reader, MailKind::Digest)?;
                        sql::put_in(tx, *user, mail)?;
                        mails += 1;
                    }
                }
                Ok((people.len(), mails))
            })
            .await?;
        done.people += people;
        done.mails += mails;
        if (people as i64) < PEOPLE {
            break;
        }
    }
    if on {
        app.store
            .write(|tx| {
                for id in sql::all_waiting(tx, WAITING)? {
                    mails::go(tx, id)?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(done)
}
