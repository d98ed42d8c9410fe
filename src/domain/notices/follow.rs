//! The way along the journal: what happened is told to whom it concerns, and the place that was reached is committed with
//! it.
//!
//! Laws: one task drives it. What a portion of events causes (notices, mails, their jobs) and the new place are one
//! transaction; killed anywhere, it goes on from the last one. Whose rights were withdrawn meanwhile is told nothing.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::deliver::Post;
use super::sql::{self, Happened};
use super::tell::{self, Told};
use super::{sql_people, unread, words};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::ids::{NoticeId, UserId};
use crate::engines::hub::{Message, Place};
use crate::engines::store::Tx;

/// Events that are read at once.
const EVENTS: i64 = 500;
/// Events that are told in one transaction: each may concern all members of a project.
const PORTION: usize = 25;
/// After an error.
const PAUSE: Duration = Duration::from_secs(2);
/// Another process that writes wakes nobody.
const LOOK: Duration = Duration::from_secs(5);
/// An event that fails so often is left out, so that those behind it are told.
const TRIES: u32 = 5;

/// Follows the journal until the program stops.
pub async fn follow(app: App) {
    let mut committed = app.committed.subscribe();
    let mut way = Way::default();
    loop {
        let pause = match way.step(&app).await {
            Ok(true) => continue,
            Ok(false) => LOOK,
            Err(e) => {
                if !app.stopping.is_cancelled() {
                    tracing::warn!(error = format!("{e:#}"), "notices cannot follow the journal for the moment");
                }
                PAUSE
            }
        };
        tokio::select! {
            _ = committed.changed(), if pause == LOOK => {}
            () = tokio::time::sleep(pause) => {}
            () = app.stopping.cancelled() => return,
        }
    }
}

/// Tells what has happened until now; for who is about to write a journal that is not to be told.
pub async fn caught_up(app: &App) -> Result<()> {
    let mut way = Way::default();
    while way.step(app).await? {}
    Ok(())
}

/// Goes to the journal's end without telling anything: what was imported has been told elsewhere.
pub fn skip(tx: &mut Tx) -> Result<()> {
    let (_, last) = sql::ends(tx)?;
    sql::set_cursor(tx, last)
}

/// How far the journal was heard.
#[derive(Default)]
struct Way {
    /// `None` before the first step.
    heard: Option<i64>,
    /// What the store knows of it. Events that concern nobody move it only when nothing else is to be done.
    kept: i64,
    /// The event that failed, and how often.
    failed: Option<(i64, u32)>,
}

impl Way {
    /// Hears a stretch of the journal; is there more?
    async fn step(&mut self, app: &App) -> Result<bool> {
        let from = match self.heard {
            Some(heard) => heard,
            None => self.begin(app).await?,
        };
        let events = app.store.read_ahead(move |db| sql::events(db, from, EVENTS)).await?;
        let Some(last) = events.last().map(|h| h.seq) else {
            if self.kept < from {
                app.store.write(move |tx| sql::set_cursor(tx, from)).await?;
                self.kept = from;
            }
            return Ok(false);
        };
        let full = events.len() as i64 == EVENTS;
        let concerning = events.into_iter().filter(|h| h.event.as_ref().is_some_and(tell::concerns));
        let mut portion = Vec::new();
        for happened in concerning {
            portion.push(happened);
            if portion.len() >= if self.failed.is_some() { 1 } else { PORTION } {
                self.tell(app, std::mem::take(&mut portion)).await?;
            }
        }
        if !portion.is_empty() {
            self.tell(app, portion).await?;
        }
        self.heard = Some(last);
        Ok(full)
    }

    async fn begin(&mut self, app: &App) -> Result<i64> {
        let (cursor, (oldest, last)) = app.store.read(|db| Ok((sql::cursor(db)?, sql::ends(db)?))).await?;
        if oldest > cursor + 1 {
            tracing::warn!(
                cursor,
                oldest,
                "the journal was pruned before all of it was told; notices go on at its oldest"
            );
        }
        let from = cursor.min(last);
        (self.heard, self.kept) = (Some(from), cursor);
        Ok(from)
    }

    /// Tells a portion; the place behind it is committed with what it caused.
    async fn tell(&mut self, app: &App, portion: Vec<Happened>) -> Result<()> {
        let Some((first, last)) = portion.first().zip(portion.last()).map(|(a, b)| (a.seq, b.seq)) else {
            return Ok(());
        };
        let shared = app.clone();
        let done = app.store.write(move |tx| {
            let config = shared.config();
            let (post, cursor) = (Post::of(&shared, &config), sql::cursor(tx)?);
            let mut told = Vec::new();
            for happened in portion.iter().filter(|h| h.seq > cursor) {
                told.extend(tell::tell(tx, post, happened)?);
            }
            sql::set_cursor(tx, last)?;
            Ok(told)
        });
        match done.await {
            Ok(told) => {
                if self.failed.is_some_and(|(seq, _)| seq <= last) {
                    self.failed = None;
                }
                (self.heard, self.kept) = (Some(last), last);
                live(app, told).await;
                Ok(())
            }
            Err(e @ (Error::Busy { .. } | Error::NoSpace)) => Err(e),
            Err(e) => {
                let tries = self.failed.filter(|(seq, _)| *seq == first).map_or(1, |(_, n)| n + 1);
                self.failed = Some((first, tries));
                if tries >= TRIES && first == last {
                    tracing::error!(seq = first, error = format!("{e:#}"), "an event cannot be told and is left out");
                    app.store.write(move |tx| sql::set_cursor(tx, first)).await?;
                    (self.heard, self.kept, self.failed) = (Some(first), first, None);
                }
                Err(e)
            }
        }
    }
}

/// Shows new notices to those who are there. Who is not finds them when he comes.
async fn live(app: &App, told: Told) {
    for (user, id) in told.into_iter().filter(|(user, _)| app.hub.anybody(Place::Person(*user))) {
        match message(app, user, id).await {
            Ok(Some(body)) => app.hub.publish(Place::Person(user), Message::passing(body)),
            Ok(None) => {}
            Err(e) => tracing::warn!(error = format!("{e:#}"), "a notice was not shown live"),
        }
    }
}

async fn message(app: &App, user: UserId, id: NoticeId) -> Result<Option<Bytes>> {
    let shared = app.clone();
    app.store
        .read(move |db| {
            let (row, readers) = (sql::one(db, user, id)?, sql_people::readers(db, &[user])?);
            let Some((row, reader)) = row.zip(readers.first()) else { return Ok(None) };
            let notice = words::notice(&shared, reader.lang, &row);
            let unread = unread(db, user)?.count;
            let message = json!({ "type": "notification", "notification": notice, "unread": unread });
            Ok(Some(Bytes::from(message.to_string())))
        })
        .await
}
