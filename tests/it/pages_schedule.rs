//! The calendar and a project's schedule as a browser without script sees them: who may, and what stands there at once.

use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use videoplanet::base::clock::{Clock, Time};
use videoplanet::base::roles::Role;

use crate::studio::{Someone, Studio, header};

async fn open(studio: &Studio, who: Option<&Someone>, path: &str) -> Response {
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let mut request = client.get(format!("{}{path}", studio.url));
    if let Some(who) = who {
        request = request.header("cookie", format!("vp_session={}", who.token));
    }
    request.send().await.unwrap()
}

async fn text(studio: &Studio, who: &Someone, path: &str) -> String {
    let answer = open(studio, Some(who), path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

/// A page without inline code or style, and without the key of a text that is not there.
fn assert_clean(path: &str, page: &str) {
    let shown = page.split("<script").next().unwrap();
    for bad in [" style=\"", " onclick=", "<style", ">page.", ">js.", "\"page.", "\"js."] {
        assert!(!shown.contains(bad), "{path} has {bad}");
    }
}

async fn done(who: &Someone, method: Method, path: &str, body: Value) {
    let answer = who.ask(method, path).json(&body).send().await.unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{path}: {status} {}", answer.text().await.unwrap());
}

/// A studio on a Saturday in November with filming on Tuesday, a meeting on Thursday and a memo.
async fn planned(name: &str) -> (Studio, String) {
    let clock = Clock::set_at(Time::parse("2026-11-28T03:00:00Z").unwrap().0);
    let studio = Studio::at(name, clock).await;
    studio.app.setup.done();
    let project = format!("/projects/{}", studio.project);
    let filming = json!({ "start": "2026-12-01", "end": "2026-12-02", "progress": 40 });
    done(&studio.editor, Method::PATCH, &format!("{project}/schedule/filming"), filming).await;
    let meeting = json!({
        "project_id": studio.project, "kind": "meeting", "title": "콘티 <회의>", "all_day": true,
        "start": "2026-12-03T00:00:00.000Z", "end": "2026-12-03T00:00:00.000Z"
    });
    done(&studio.editor, Method::POST, "/entries", meeting).await;
    done(&studio.editor, Method::PUT, &format!("{project}/memos/2026-12-01"), json!({ "text": "예비일 17일" })).await;
    (studio, project)
}

#[tokio::test]
async fn the_schedule_of_a_project_is_readable_without_script_and_changed_by_those_who_plan() {
    let (studio, project) = planned("pages-schedule").await;
    let path = format!("{project}/schedule");
    let editor = studio.member("planner", Role::Editor).await;
    for (who, plans) in [(&studio.editor, true), (&editor, true), (&studio.viewer, false)] {
        let page = text(&studio, who, &path).await;
        assert_clean(&path, &page);
        for shown in ["2026-12-01", "2026-12-02", "40%", "콘티 &#60;회의&#62;", "예비일 17일"] {
            assert!(page.contains(shown), "{shown} is in the first paint");
        }
        assert!(!page.contains("콘티 <회의>"), "a title is text, in the scripts' data too");
        // All eight rows, whatever is dated.
        assert_eq!(page.matches("<th scope=\"row\">").count(), 8);
        assert_eq!(page.contains("data-auto"), plans);
        assert_eq!(page.contains("id=\"new-memo\""), plans);
        assert!(page.contains(&format!("\"may\":{plans}")));
    }
    assert_eq!(open(&studio, Some(&studio.stranger), &path).await.status(), 404);
    let nobody = open(&studio, None, &path).await;
    assert!(header(&nobody, "location").starts_with("/login?next="));
    studio.stop().await;
}

#[tokio::test]
async fn the_calendar_shows_ones_own_projects_and_no_others() {
    let (studio, _) = planned("pages-calendar").await;
    let own = json!({ "kind": "personal", "title": "치과", "start": "2026-12-04T06:00:00.000Z", "end": "2026-12-04T07:00:00.000Z" });
    done(&studio.viewer, Method::POST, "/entries", own).await;

    // Of the month of today, whole weeks.
    let page = text(&studio, &studio.viewer, "/calendar").await;
    assert_clean("/calendar", &page);
    for shown in [
        "2026-11-01 – 2026-12-05",
        "2026-12-01",
        "콘티 &#60;회의&#62;",
        "치과",
        "가을 광고",
        "view=month&amp;day=2026-12-28",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    // The dentist is nobody else's.
    assert!(!text(&studio, &studio.editor, "/calendar").await.contains("치과"));
    let empty = text(&studio, &studio.stranger, "/calendar?view=week&day=2026-11-28").await;
    assert!(!empty.contains("가을 광고") && !empty.contains("콘티"), "a stranger sees nothing of it");

    let week = text(&studio, &studio.editor, "/calendar?view=week&day=2026-11-28").await;
    assert!(week.contains("2026-11-22 – 2026-11-28") && !week.contains("콘티"));
    let gantt = text(&studio, &studio.editor, "/calendar?view=gantt").await;
    assert_clean("/calendar?view=gantt", &gantt);
    assert!(gantt.contains("<td class=\"num\">2026-12-01</td><td class=\"num\">2026-12-02</td>"), "{gantt}");
    // What an old link names and is not there is the month, and today.
    let old = text(&studio, &studio.editor, "/calendar?view=year&day=2026-02-31").await;
    assert!(old.contains("2026-11-01 – 2026-12-05"));
    let nobody = open(&studio, None, "/calendar?view=gantt").await;
    assert_eq!(header(&nobody, "location"), "/login?next=%2Fcalendar%3Fview%3Dgantt");
    studio.stop().await;
}
