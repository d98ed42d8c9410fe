//! The pages of plans as a browser without script sees them: for every role, for strangers, on paper, in the trash.

use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use videoplanet::base::roles::Role;

use crate::studio::{Someone, Studio, header};

async fn open(studio: &Studio, who: Option<&Someone>, path: &str) -> Response {
    let mut request = Client::builder()
        .redirect(Policy::none())
        .build()
        .unwrap()
        .get(format!("{}{path}", studio.url))
        .header("accept-language", "ko");
    if let Some(who) = who {
        request = request.header("cookie", format!("vp_session={}", who.token));
    }
    request.send().await.unwrap()
}

async fn text(studio: &Studio, who: &Someone, path: &str) -> String {
    let answer = open(studio, Some(who), path).await;
    assert_eq!(answer.status(), 200, "{path}");
    let page = answer.text().await.unwrap();
    for bad in [" style=\"", " onclick=", "<style", ">page.", ">js.", "\"page.", "\"js.plan.\""] {
        assert!(!page.contains(bad), "{path} has {bad}");
    }
    page
}

async fn studio(name: &str) -> Studio {
    let studio = Studio::start(name).await;
    studio.app.setup.done();
    studio
}

async fn plan(studio: &Studio, title: &str) -> Value {
    let path = format!("/projects/{}/plans", studio.project);
    let body = json!({ "title": title, "preset": "ad", "one_liner": "첫 월급으로 붕어빵을 사는 신입사원" });
    studio.editor.ask(Method::POST, &path).json(&body).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn the_pages_open_for_members_and_are_not_there_for_strangers() {
    let studio = studio("pages-plans").await;
    let list = format!("/projects/{}/plans", studio.project);
    let before = text(&studio, &studio.editor, &list).await;
    assert_eq!(before.matches("data-preset=").count(), 4, "an empty list offers the presets");
    let id = plan(&studio, "겨울 <저녁> 붕어빵").await["id"].clone();
    let paths = [list, format!("/plans/{id}"), format!("/plans/{id}/print")];
    for (role, plans) in [(Role::Manager, true), (Role::Editor, true), (Role::Reviewer, false)] {
        let who = studio.member(&format!("a-{role}"), role).await;
        for path in &paths {
            let page = text(&studio, &who, path).await;
            assert!(page.contains("겨울 &#60;저녁&#62; 붕어빵"), "{role}: {path}");
        }
        let page = text(&studio, &who, &paths[0]).await;
        assert_eq!(page.contains("id=\"new-plan\""), plans, "{role}");
        let page = text(&studio, &who, &paths[1]).await;
        assert!(page.contains(&format!("\"plan\":{plans}")), "{role}");
        assert!(!page.contains("겨울 <저녁>"), "the data of the page ends no element early");
    }
    for path in &paths {
        assert_eq!(open(&studio, Some(&studio.stranger), path).await.status(), StatusCode::NOT_FOUND, "{path}");
        let signed_out = open(&studio, None, path).await;
        assert!(header(&signed_out, "location").starts_with("/login?next="), "{path}");
    }
    assert_eq!(open(&studio, Some(&studio.editor), "/plans/999999").await.status(), StatusCode::NOT_FOUND);
    studio.stop().await;
}

#[tokio::test]
async fn the_paper_holds_the_whole_plan() {
    let studio = studio("pages-paper").await;
    let id = plan(&studio, "겨울 저녁 붕어빵").await["id"].clone();
    let shot = studio.editor.ask(Method::PATCH, &format!("/plans/{id}/shots/5"));
    let body =
        json!({ "title": "김이 서린 창", "dialogue": "아버지, 저 왔어요.", "duration_ms": 4500, "size": "close_up" });
    assert_eq!(shot.json(&body).send().await.unwrap().status(), 200);
    let order = json!({ "keys": [5, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12] });
    let moved = studio.editor.ask(Method::PUT, &format!("/plans/{id}/order")).json(&order).send().await.unwrap();
    assert_eq!(moved.status(), 200);
    let page = text(&studio, &studio.editor, &format!("/plans/{id}/print")).await;
    assert_eq!(page.matches("class=\"sheet-frame\"").count(), 12);
    assert_eq!(page.matches("<section class=\"sheet").count(), 6, "cover, story and a sheet for each stage");
    let first = page.split("class=\"sheet-frame\"").nth(1).unwrap();
    for said in ["/shots/5/picture?v=", "S01", "김이 서린 창", "아버지, 저 왔어요."] {
        assert!(first.contains(said), "the first frame lacks {said}: {first}");
    }
    assert!(first.contains("4.5"), "{first}");
    studio.stop().await;
}

#[tokio::test]
async fn the_list_sifts_by_status_and_has_a_trash() {
    let studio = studio("pages-plan-list").await;
    let list = format!("/projects/{}/plans", studio.project);
    let (kept, gone) =
        (plan(&studio, "남는 기획안").await["id"].clone(), plan(&studio, "지운 기획안").await["id"].clone());
    let review = json!({ "status": "in_review" });
    studio.editor.ask(Method::PATCH, &format!("/plans/{kept}")).json(&review).send().await.unwrap();
    assert_eq!(studio.editor.ask(Method::DELETE, &format!("/plans/{gone}")).send().await.unwrap().status(), 204);
    let page = text(&studio, &studio.editor, &list).await;
    assert!(page.contains("남는 기획안") && !page.contains("지운 기획안"));
    assert_eq!(page.matches("/picture?v=").count(), 3, "the first frames");
    assert!(text(&studio, &studio.editor, &format!("{list}?status=in_review")).await.contains("남는 기획안"));
    assert!(!text(&studio, &studio.editor, &format!("{list}?status=draft")).await.contains("남는 기획안"));
    let trash = text(&studio, &studio.editor, &format!("{list}?deleted=true")).await;
    assert!(trash.contains("지운 기획안") && trash.contains(&format!("data-restore=\"{gone}\"")));
    // Who may not write has no trash to look into.
    let viewer = studio.viewer.clone();
    assert!(!text(&studio, &viewer, &format!("{list}?deleted=true")).await.contains("지운 기획안"));
    // The discussion leads to the plan, with what the link asked for.
    let project = text(&studio, &studio.editor, &format!("/projects/{}", studio.project)).await;
    let feedback: Value =
        studio.editor.ask(Method::POST, &format!("/plans/{kept}/feedback")).send().await.unwrap().json().await.unwrap();
    let feedback = &feedback["feedback_id"];
    assert!(project.contains(&format!("/feedbacks/{feedback}")));
    let led = open(&studio, Some(&studio.editor), &format!("/feedbacks/{feedback}?c=7")).await;
    assert_eq!(header(&led, "location"), format!("/plans/{kept}?c=7"));
    studio.stop().await;
}
