//! Where a connection begins: with the state of its room, or with what its client has missed.

use bytes::Bytes;
use serde_json::json;

use super::close_of;
use super::line::{End, Line};
use crate::base::ids::ProjectId;
use crate::base::roles::Right;
use crate::domain::rooms::mine;
use crate::domain::{comments, journal, projects};
use crate::engines::hub::Place;

/// Comments of an initial state.
const NEWEST: i64 = 20;
/// Events of one page of a replay, and pages; whoever missed more begins anew.
const REPLAY: i64 = 200;
const REPLAY_PAGES: usize = 50;

impl Line {
    /// The first frames.
    pub(super) async fn begin(&mut self, since: Option<i64>) -> Result<(), End> {
        let since = since.filter(|seq| *seq >= 0);
        match (self.seat.place(), since) {
            (Place::Person(_), since) => self.begin_own(since).await,
            (Place::Project(_), Some(seq)) => {
                self.seq = seq;
                self.replay().await
            }
            (Place::Project(project), None) => self.initial_state(project).await,
        }
    }

    /// Brings a connection that fell behind, or comes back, to where its room is.
    pub(super) async fn replay(&mut self) -> Result<(), End> {
        match self.seat.place() {
            Place::Project(project) => self.replay_project(project).await,
            Place::Person(_) => self.begin_own(Some(self.seq)).await,
        }
    }

    async fn begin_own(&mut self, since: Option<i64>) -> Result<(), End> {
        let user = self.who.user;
        let read = self.app.read(move |db| mine::begin(db, user, since)).await;
        let begin = read.map_err(|e| close_of(&e))?;
        self.seq = begin.seq;
        let now = self.app.clock.now();
        // Who missed something stands where he stood until he hears of it.
        let seq = since.filter(|since| begin.moved && *since < begin.seq).unwrap_or(begin.seq);
        let state = json!({ "type": "initial_state", "user_id": user, "seq": seq, "at_ms": now.0 });
        self.send(state.to_string().into()).await?;
        if begin.moved {
            self.push(Bytes::from(json!({ "type": "dashboard", "seq": begin.seq }).to_string()));
        }
        self.flush().await
    }

    async fn initial_state(&mut self, project: ProjectId) -> Result<(), End> {
        let who = self.who.clone();
        let read = self.app.read(move |db| {
            let role = projects::allow(db, who.user, project, Right::View)?;
            let comments = comments::newest(db, &who, project, role, NEWEST)?;
            Ok((role, comments, journal::last(db, project)?))
        });
        let (role, comments, seq) = read.await.map_err(|e| close_of(&e))?;
        self.app.hub.set_team(project, self.who.user, role.may(Right::SeeInternal));
        self.seq = seq;
        let stands = self.seat.stands();
        let state = json!({
            "type": "initial_state", "project_id": project, "seq": seq, "at_ms": self.app.clock.now().0,
            "comments": comments, "online": stands.online, "count": stands.count,
            "leads": self.app.rooms.leads(project),
        });
        self.send(state.to_string().into()).await
    }

    /// What happened after the last seq that the client was told, from the rows as they stand; then who is there and who
    /// leads, since that may have been missed too. Who missed too much or what the journal has forgotten since, or knows a
    /// future that never came, begins anew.
    async fn replay_project(&mut self, project: ProjectId) -> Result<(), End> {
        for _ in 0..REPLAY_PAGES {
            let (who, after) = (self.who.clone(), self.seq);
            let read = self.app.read(move |db| {
                let role = projects::allow(db, who.user, project, Right::View)?;
                let known = journal::reaches(db, project, after)?;
                let missed = journal::replay(db, &who, role, project, after, REPLAY)?;
                Ok((role, known.then_some(missed)))
            });
            let (role, missed) = read.await.map_err(|e| close_of(&e))?;
            self.app.hub.set_team(project, self.who.user, role.may(Right::SeeInternal));
            let Some(missed) = missed else { break };
            for (seq, message) in missed.messages {
                self.seq = seq;
                self.push(message.to_string().into());
                if self.is_full() {
                    self.flush().await?;
                }
            }
            self.seq = missed.seq.max(self.seq);
            if !missed.more {
                self.push_standing();
                for lead in self.app.rooms.leads(project) {
                    if self.is_full() {
                        self.flush().await?;
                    }
                    self.push(lead.to_string().into());
                }
                return self.flush().await;
            }
        }
        self.flush().await?;
        self.initial_state(project).await
    }
}
