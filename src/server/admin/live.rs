//! `/admin/live?page=`: one stream of a page's parts. Only what has changed is sent, at most once a second.
//!
//! A page that lives has a function `parts(app, f, query)`, which draws what its HTML has between the same ids, and a line
//! in [`draw`]. `query` is the page's own, so that the stream draws what its reader has chosen.
//!
//! It is bounded in number, looks at its reader's session again from time to time, and ends when the program stops.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Interval, MissedTickBehavior};

use super::{Desk, alerts, backups, database, logs, overview, requests};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::domain::accounts::{self, Viewer};
use crate::server::web::Frame;

/// Streams at one time: each is an open window of an admin.
const STREAMS: usize = 32;
/// Events after which the reader's session is looked at again.
const LOOK_AGAIN: u32 = 15;

/// Name and HTML of each part that lives.
pub(super) type Parts = Vec<(&'static str, String)>;

/// The parts of `page` as they are now.
async fn draw(app: &App, f: &Frame, page: &str, query: &str) -> Result<Parts> {
    match page {
        "overview" => overview::parts(app, f, query).await,
        "logs" => logs::parts(app, f, query).await,
        "requests" => requests::parts(app, f, query).await,
        "database" => database::parts(app, f, query).await,
        "backups" => backups::parts(app, f).await,
        "alerts" => alerts::parts(app, f).await,
        _ => Err(Error::NotFound("page")),
    }
}

/// The places for streams.
pub(super) struct Streams(Arc<Semaphore>);

impl Default for Streams {
    fn default() -> Streams {
        Streams(Arc::new(Semaphore::new(STREAMS)))
    }
}

struct Reader {
    app: App,
    f: Frame,
    token: String,
    seconds: Interval,
    told: u32,
    page: String,
    /// The page's own.
    query: String,
    /// What the reader has of each part.
    known: HashMap<&'static str, String>,
    _place: OwnedSemaphorePermit,
}

pub(super) async fn stream(
    State(app): State<App>,
    Extension(streams): Extension<Arc<Streams>>,
    d: Desk,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<impl IntoResponse> {
    let query = query.unwrap_or_default();
    let page = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "page").map(|(_, v)| v.into_owned());
    let page = page.unwrap_or_else(|| "overview".into());
    // A name that is none is told now, not by a stream that stays empty.
    draw(&app, &d.f, &page, &query).await?;
    let place = streams.0.clone().try_acquire_owned().map_err(|_| Error::Busy { retry_after_s: 30 })?;
    let token = accounts::token_of(&headers).ok_or(Error::Unauthenticated)?;
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let reader = Reader { app, f: d.f, token, seconds, told: 0, page, query, known: HashMap::new(), _place: place };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    // Nobody on the way may keep it back.
    Ok(([("x-accel-buffering", "no")], Sse::new(events).keep_alive(KeepAlive::default())))
}

impl Reader {
    /// The parts that have changed; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                _ = self.seconds.tick() => {}
                () = self.app.stopping.cancelled() => return None,
            }
            self.told += 1;
            if self.told.is_multiple_of(LOOK_AGAIN) && !self.may_still_look().await {
                return None;
            }
            // A store that is busy for a moment is no reason to end; the next second tries again.
            let Ok(parts) = draw(&self.app, &self.f, &self.page, &self.query).await else { continue };
            let mut changed = Map::new();
            for (name, html) in parts {
                if self.known.get(name) != Some(&html) {
                    changed.insert(name.to_owned(), Value::from(html.as_str()));
                    self.known.insert(name, html);
                }
            }
            if !changed.is_empty() {
                return Some(Event::default().event("parts").data(Value::from(changed).to_string()));
            }
        }
    }

    async fn may_still_look(&self) -> bool {
        match Viewer::of_token(&self.app, &self.token).await {
            Ok(who) => who.is_some_and(|who| who.must_operate().is_ok()),
            Err(_) => true,
        }
    }
}
