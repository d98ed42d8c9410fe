//! One's own room: it tells when something moved that one's dashboard shows, and nothing of what one may not know.

use reqwest::Method;
use serde_json::{Value, json};
use videoplanet::base::ids::UserId;
use videoplanet::base::roles::Role;
use videoplanet::domain::accounts::Viewer;
use videoplanet::domain::projects::members;

use crate::rooms::Screen;
use crate::studio::{Someone, Studio};

async fn opened(studio: &Studio, who: &Someone) -> (Screen, i64) {
    let mut window = Screen::own(studio, who, "").await;
    let state = window.next().await;
    assert_eq!((&state["type"], &state["user_id"]), (&json!("initial_state"), &json!(who.id)));
    (window, state["seq"].as_i64().unwrap())
}

async fn comment(studio: &Studio, body: Value) {
    let path = format!("/feedbacks/{}/comments", studio.feedback);
    assert_eq!(studio.editor.ask(Method::POST, &path).json(&body).send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_window_hears_that_its_projects_move() {
    let studio = Studio::start("mine").await;
    let (mut viewer, seq) = opened(&studio, &studio.viewer).await;
    let (mut stranger, _) = opened(&studio, &studio.stranger).await;
    comment(&studio, json!({ "text": "소식" })).await;
    let told = viewer.next_of("dashboard").await["seq"].as_i64().unwrap();
    assert!(told > seq);

    // A storm is told as little as once a second, and its end is not missed.
    for n in 0..20 {
        comment(&studio, json!({ "text": format!("{n}") })).await;
    }
    let last = studio.app.read(|db| videoplanet::domain::rooms::mine::begin(db, UserId(0), None)).await.unwrap().seq;
    let mut times = 1;
    while viewer.next_of("dashboard").await["seq"] != last {
        times += 1;
    }
    assert!(times <= 4, "{times}");

    // Nothing of all that was for a stranger; then he becomes a member, and later is none.
    let editor = Viewer::of_token(&studio.app, &studio.editor.token).await.unwrap().unwrap();
    studio.join(&studio.stranger, Role::Reviewer).await;
    let told = stranger.next().await;
    assert_eq!(
        (&told["type"], &told["project_id"], &told["role"]),
        (&json!("membership"), &json!(studio.project), &json!("reviewer"))
    );
    comment(&studio, json!({ "text": "이제 보여요" })).await;
    stranger.next_of("dashboard").await;
    // What is for the team alone is no news to a reviewer.
    stranger.until_now().await;
    comment(&studio, json!({ "text": "팀만", "internal": true })).await;
    assert!(stranger.until_now().await.is_empty());
    members::remove(&studio.app, &editor, studio.project, studio.stranger.id).await.unwrap();
    assert_eq!(stranger.next_of("membership").await["role"], Value::Null);
    stranger.until_now().await;
    comment(&studio, json!({ "text": "안 보여요" })).await;
    assert!(stranger.until_now().await.is_empty());

    // Whatever else is said there has no meaning.
    stranger.say(json!({ "type": "comment_add", "client_id": "x", "comment": {} })).await;
    let error = stranger.next_of("error").await;
    assert_eq!((&error["code"], &error["client_id"]), (&json!("unknown_type"), &json!("x")));
    studio.stop().await;
}

#[tokio::test]
async fn who_comes_back_hears_whether_something_moved() {
    let studio = Studio::start("mine-back").await;
    let (window, seq) = opened(&studio, &studio.viewer).await;
    drop(window);
    let came_back = async |who: &Someone, since: i64| {
        let mut window = Screen::own(&studio, who, &format!("&since={since}")).await;
        assert_eq!(window.next().await["type"], "initial_state");
        window.until_now().await.iter().map(|m| m["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(came_back(&studio.viewer, seq).await.is_empty());
    comment(&studio, json!({ "text": "그사이" })).await;
    assert_eq!(came_back(&studio.viewer, seq).await, ["dashboard"]);
    assert!(came_back(&studio.stranger, seq).await.is_empty());
    let (_, seq) = opened(&studio, &studio.viewer).await;
    studio.drop_viewer().await;
    assert_eq!(came_back(&studio.viewer, seq).await, ["dashboard"]);
    assert_eq!(came_back(&studio.viewer, 99_999_999).await, ["dashboard"]);
    studio.stop().await;
}

#[tokio::test]
async fn a_window_counts_among_the_five_and_ends_with_its_session() {
    let studio = Studio::start("mine-five").await;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(opened(&studio, &studio.editor).await.0);
    }
    for _ in 0..2 {
        let mut screen = Screen::open(&studio, &studio.editor, "").await;
        screen.next_of("initial_state").await;
        all.push(screen);
    }
    assert_eq!(Screen::own(&studio, &studio.editor, "").await.closed().await, 4029);
    let stats = studio.app.hub.stats();
    assert_eq!((stats.sockets, stats.personal, stats.rooms), (5, 3, 1));
    studio.editor.ask(Method::POST, "/auth/logout").send().await.unwrap();
    for mut screen in all {
        assert_eq!(screen.closed().await, 4001);
    }
    let mut nobody = studio.editor.clone();
    nobody.token = "vp_s_nothing".into();
    assert_eq!(Screen::own(&studio, &nobody, "").await.closed().await, 4001);
    studio.stop().await;
}
