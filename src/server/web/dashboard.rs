//! `/`: what waits for the person who looks, what the machine works on, what has happened while he was away.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::day::Day;
use crate::base::error::Result;
use crate::domain::projects::dashboard::{self, Act, Dashboard, Look, Since, Waiting, Why};

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Page {
    f: Frame,
    board: Dashboard,
    today: Day,
}

impl Page {
    /// What others did since the visit before, as sentences; empty if nothing, or if he was never here.
    fn news(&self) -> Vec<String> {
        let news = &self.board.news;
        let counts = [
            ("comments", news.comments),
            ("versions", news.versions),
            ("decisions", news.decisions),
            ("feedbacks", news.feedbacks),
            ("plans", news.plans),
        ];
        let told = counts.into_iter().filter(|(_, n)| *n > 0);
        told.map(|(what, n)| self.f.tw(&format!("page.dashboard.news.{what}"), &[("n", &n.to_string())])).collect()
    }

    fn path_of(&self, w: &Waiting) -> String {
        match (w.feedback_id, w.plan_id) {
            (Some(feedback), _) => format!("/feedbacks/{feedback}"),
            (_, Some(plan)) => format!("/plans/{plan}"),
            _ => format!("/projects/{}/schedule", w.project_id),
        }
    }

    fn title_of(&self, w: &Waiting) -> String {
        if w.why == Why::Phase { self.f.label("js.calendar.phase", &w.title) } else { w.title.clone() }
    }

    fn why(&self, w: &Waiting) -> String {
        self.f.tw(&format!("page.dashboard.why.{}", w.why), &[("n", &w.count.to_string())])
    }

    fn sign(&self, w: &Waiting) -> &'static str {
        match w.why {
            Why::Decide => "check",
            Why::Answer => "comment",
            Why::Plan => "layers",
            Why::Phase => "calendar",
        }
    }

    fn is_late(&self, w: &Waiting) -> bool {
        w.due.as_ref().is_some_and(|due| *due < self.today.to_string())
    }

    fn where_of(&self, a: &Act) -> String {
        match (a.feedback_id, a.plan_id) {
            (Some(feedback), _) => format!("/feedbacks/{feedback}"),
            (_, Some(plan)) => format!("/plans/{plan}"),
            _ => format!("/projects/{}", a.project_id),
        }
    }

    /// The act in a word.
    fn did(&self, a: &Act) -> String {
        self.f.t(&format!("page.dashboard.did.{}", a.verb))
    }

    fn actor(&self, a: &Act) -> String {
        match (&a.user, a.verb.as_str()) {
            (Some(user), _) => user.nickname.clone(),
            (None, "comment_added" | "comment_resolved") => self.f.t("js.anonymous"),
            _ => String::new(),
        }
    }
}

pub(super) async fn show(State(app): State<App>, f: Frame) -> Result<Response> {
    let (who, look) = (f.viewer()?, Look::now(&app, Since::LastVisit));
    app.access.note(who.user, None);
    let board = app.read(move |db| dashboard::mine(db, &who, look)).await?;
    html(&Page { f: f.at("dashboard").with("seq", board.seq.into()), board, today: look.today })
}
