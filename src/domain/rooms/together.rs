//! Watching together: one leads a film of a feedback, the others follow as they like.
//!
//! Laws: a feedback has at most one leader and a seat leads at most one feedback; the lead is over when his seat ends or
//! he may not comment any more. Everybody in the room knows who leads and who follows. Positions are told as they come and
//! are not kept beyond the last; of what is drawn a bounded part is kept for who comes later.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Rooms, sql};
use crate::app::App;
use crate::base::clock::{DAY, Time};
use crate::base::error::{Check, Error, Result};
use crate::base::ids::{FeedbackId, MediaId, ProjectId, UserId};
use crate::base::locale::Text;
use crate::domain::accounts::Person;
use crate::engines::hub::{Message, Place};

/// Strokes that are kept for who comes later …
const STROKES: usize = 100;
/// … and the points of all of them together.
const POINTS: usize = 20_000;
/// Points of one message.
const POINTS_AT_ONCE: usize = 200;

/// Who does something, from which seat.
#[derive(Clone, Debug)]
pub struct Here {
    /// The room's project.
    pub project: ProjectId,
    /// The seat's number in the hub.
    pub seat: u64,
    /// Who sits there.
    pub who: Person,
}

/// Where the leader is in which film.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Playing {
    /// Which version.
    pub media_id: MediaId,
    /// Which moment of it, in milliseconds.
    pub ms: i64,
    /// Does it run?
    pub playing: bool,
    /// How fast: 1 is the film's own speed.
    #[serde(default = "own_speed")]
    pub rate: f64,
}

fn own_speed() -> f64 {
    1.0
}

impl Playing {
    fn check(&self) -> Result<()> {
        let range = |min: &str, max: i64| Text::new("invalid.range").with("min", min).with("max", max);
        Check::new()
            .that((0..=2 * DAY).contains(&self.ms), "ms", range("0", 2 * DAY))
            .that((0.05..=16.0).contains(&self.rate), "rate", range("0.05", 16))
            .done()
    }
}

/// A line that the leader draws on the picture, or its next part.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Stroke {
    /// The client's own name of it; a known one goes on.
    pub id: String,
    /// `#rrggbb`
    pub color: String,
    /// Part of the picture's width.
    pub width: f64,
    /// x and y as parts of the picture's width and height.
    pub points: Vec<[f64; 2]>,
}

impl Stroke {
    fn check(&self) -> Result<()> {
        let range = |max: &str| Text::new("invalid.range").with("min", 0).with("max", max);
        let hex = self.color.strip_prefix('#').unwrap_or("");
        let is_color = hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        let on_picture = |p: &[f64; 2]| p.iter().all(|n| (0.0..=1.0).contains(n));
        let count = Text::new("invalid.count").with("min", 1).with("max", POINTS_AT_ONCE);
        Check::new()
            .text("stroke.id", &self.id, 1, 32)
            .that(is_color, "stroke.color", Text::new("invalid.color"))
            .that((0.0..=0.1).contains(&self.width), "stroke.width", range("0.1"))
            .that((1..=POINTS_AT_ONCE).contains(&self.points.len()), "stroke.points", count)
            .that(self.points.iter().all(on_picture), "stroke.points", range("1"))
            .done()
    }
}

/// A feedback that is watched together.
pub(super) struct Lead {
    project: ProjectId,
    /// The leader's seat.
    seat: u64,
    leader: Person,
    playing: Playing,
    at: Time,
    /// By their seats.
    followers: BTreeMap<u64, Person>,
    strokes: Vec<Stroke>,
}

type Leads = HashMap<FeedbackId, Lead>;

/// Begins to lead, or takes the lead over. The caller may comment in the project.
pub async fn start(app: &App, here: Here, feedback: FeedbackId, playing: Playing, take_over: bool) -> Result<()> {
    playing.check()?;
    must_show(app, here.project, feedback, playing.media_id).await?;
    app.rooms.start(here, feedback, playing, take_over)
}

/// The leader plays, pauses, jumps, changes speed or version.
pub async fn moved(app: &App, here: &Here, playing: Playing) -> Result<()> {
    playing.check()?;
    let (feedback, present) = app.rooms.led_by(here).ok_or_else(not_leading)?;
    if playing.media_id != present.media_id {
        must_show(app, here.project, feedback, playing.media_id).await?;
    }
    app.rooms.moved(here, playing)
}

async fn must_show(app: &App, project: ProjectId, feedback: FeedbackId, media: MediaId) -> Result<()> {
    let shows = app.read(move |db| sql::shows(db, project, feedback, media)).await?;
    if shows { Ok(()) } else { Err(Error::NotFound("media")) }
}

fn not_leading() -> Error {
    Error::Protocol { status: 409, code: "not_leading", text: Text::new("error.not_leading") }
}

impl Rooms {
    fn start(&self, here: Here, feedback: FeedbackId, playing: Playing, take_over: bool) -> Result<()> {
        let mut leads = self.0.together.lock();
        if let Some(lead) = leads.get(&feedback)
            && lead.leader.id != here.who.id
            && !take_over
        {
            return Err(Error::Conflict(Text::new("error.led_by_other").with("name", &lead.leader.nickname)));
        }
        self.end_of(&mut leads, |of, lead| lead.seat == here.seat && of != feedback);
        let mut followers = leads.remove(&feedback).map(|lead| lead.followers).unwrap_or_default();
        followers.remove(&here.seat);
        let (at, strokes) = (self.0.clock.now(), Vec::new());
        let lead = Lead { project: here.project, seat: here.seat, leader: here.who, playing, at, followers, strokes };
        self.tell(lead.project, told(feedback, &lead), None);
        leads.insert(feedback, lead);
        Ok(())
    }

    fn led_by(&self, here: &Here) -> Option<(FeedbackId, Playing)> {
        let leads = self.0.together.lock();
        leads.iter().find(|(_, lead)| lead.seat == here.seat).map(|(of, lead)| (*of, lead.playing))
    }

    /// Changes what this seat leads.
    fn with<T>(&self, here: &Here, change: impl FnOnce(FeedbackId, &mut Lead) -> Result<T>) -> Result<T> {
        let mut leads = self.0.together.lock();
        let led = leads.iter_mut().find(|(_, lead)| lead.seat == here.seat);
        let (of, lead) = led.ok_or_else(not_leading)?;
        change(*of, lead)
    }

    fn moved(&self, here: &Here, playing: Playing) -> Result<()> {
        self.with(here, |of, lead| {
            (lead.playing, lead.at) = (playing, self.0.clock.now());
            let message = json!({
                "type": "lead_moved", "feedback_id": of, "media_id": playing.media_id, "ms": playing.ms,
                "playing": playing.playing, "rate": playing.rate, "at_ms": lead.at.0,
            });
            self.tell(lead.project, message, Some(lead.leader.id));
            Ok(())
        })
    }

    /// The leader draws.
    pub fn draw(&self, here: &Here, stroke: Stroke) -> Result<()> {
        stroke.check()?;
        self.with(here, |of, lead| {
            let points = lead.strokes.iter().map(|s| s.points.len()).sum::<usize>() + stroke.points.len();
            let known = lead.strokes.iter().position(|s| s.id == stroke.id);
            if points > POINTS || (known.is_none() && lead.strokes.len() == STROKES) {
                return Err(Error::Conflict(Text::new("error.too_much_drawn")));
            }
            match known {
                Some(known) => lead.strokes[known].points.extend_from_slice(&stroke.points),
                None => lead.strokes.push(stroke.clone()),
            }
            let message = json!({ "type": "lead_stroke", "feedback_id": of, "stroke": stroke });
            self.tell(lead.project, message, Some(lead.leader.id));
            Ok(())
        })
    }

    /// The leader wipes what he drew.
    pub fn clear(&self, here: &Here) -> Result<()> {
        self.with(here, |of, lead| {
            lead.strokes.clear();
            let message = json!({ "type": "lead_cleared", "feedback_id": of });
            self.tell(lead.project, message, Some(lead.leader.id));
            Ok(())
        })
    }

    /// The leader leads no more.
    pub fn stop(&self, here: &Here) -> Result<()> {
        self.with(here, |_, _| Ok(()))?;
        self.end_of(&mut self.0.together.lock(), |_, lead| lead.seat == here.seat);
        Ok(())
    }

    /// Follows whoever leads a feedback, or does not any more. A seat follows one at most.
    pub fn follow(&self, here: &Here, feedback: FeedbackId, on: bool) -> Result<()> {
        let mut leads = self.0.together.lock();
        if on {
            let lead = leads.get(&feedback).filter(|lead| lead.project == here.project);
            match lead {
                Some(lead) if lead.seat == here.seat => {
                    return Err(Error::Conflict(Text::new("error.leads_himself")));
                }
                Some(_) => {}
                None => return Err(Error::NotFound("lead")),
            }
        }
        self.unfollow(&mut leads, here.seat, |of| !on || of != feedback);
        if let Some(lead) = leads.get_mut(&feedback).filter(|_| on)
            && lead.followers.insert(here.seat, here.who.clone()).is_none()
        {
            self.tell_followers(feedback, lead);
        }
        Ok(())
    }

    /// The seat is gone: what it led is over, and it follows nobody.
    pub fn left(&self, seat: u64) {
        let mut leads = self.0.together.lock();
        if leads.is_empty() {
            return;
        }
        self.end_of(&mut leads, |_, lead| lead.seat == seat);
        self.unfollow(&mut leads, seat, |_| true);
    }

    /// The person may not comment in the project any more: what he leads there is over.
    pub fn withdraw(&self, project: ProjectId, user: UserId) {
        let mut leads = self.0.together.lock();
        self.end_of(&mut leads, |_, lead| lead.project == project && lead.leader.id == user);
    }

    /// What is watched together in a project, as messages for who has just come.
    pub fn leads(&self, project: ProjectId) -> Vec<Value> {
        let leads = self.0.together.lock();
        leads.iter().filter(|(_, lead)| lead.project == project).map(|(of, lead)| told(*of, lead)).collect()
    }

    fn end_of(&self, leads: &mut Leads, over: impl Fn(FeedbackId, &Lead) -> bool) {
        leads.retain(|of, lead| {
            let over = over(*of, lead);
            if over {
                let message = json!({
                    "type": "lead", "feedback_id": of, "leader": null, "media_id": null, "ms": null, "playing": false,
                    "rate": 1.0, "at_ms": self.0.clock.now().0, "followers": [], "strokes": [],
                });
                self.tell(lead.project, message, None);
            }
            !over
        });
    }

    fn unfollow(&self, leads: &mut Leads, seat: u64, which: impl Fn(FeedbackId) -> bool) {
        for (of, lead) in leads.iter_mut().filter(|(of, _)| which(**of)) {
            if lead.followers.remove(&seat).is_some() {
                self.tell_followers(*of, lead);
            }
        }
    }

    fn tell_followers(&self, of: FeedbackId, lead: &Lead) {
        let message = json!({ "type": "lead_followers", "feedback_id": of, "followers": followers(lead) });
        self.tell(lead.project, message, None);
    }

    fn tell(&self, project: ProjectId, message: Value, except: Option<UserId>) {
        let body = Bytes::from(message.to_string());
        let message = Message { except, urgent: true, ..Message::passing(body) };
        self.0.hub.publish(Place::Project(project), message);
    }
}

/// Who follows, each person once.
fn followers(lead: &Lead) -> Vec<&Person> {
    let by_user: BTreeMap<UserId, &Person> = lead.followers.values().map(|p| (p.id, p)).collect();
    by_user.into_values().collect()
}

fn told(of: FeedbackId, lead: &Lead) -> Value {
    json!({
        "type": "lead", "feedback_id": of, "leader": lead.leader, "media_id": lead.playing.media_id,
        "ms": lead.playing.ms, "playing": lead.playing.playing, "rate": lead.playing.rate, "at_ms": lead.at.0,
        "followers": followers(lead), "strokes": lead.strokes,
    })
}
