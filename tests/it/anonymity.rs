//! Law 6: an anonymous comment shows its author to the author alone, in every output there is.

use reqwest::Client;
use serde_json::{Value, json};
use videoplanet::base::roles::Role;
use videoplanet::engines::store::params;

use crate::answer::Answer;
use crate::rooms::Screen;
use crate::studio::{Someone, Studio};

const NICKNAME: &str = "숨은저자";
const ID: i64 = 7_654_320;

/// What gives him away: his name, his address, his id, and what his page called the comment.
fn giveaways() -> [String; 4] {
    [NICKNAME.into(), "%EC%88%A8%EC%9D%80".into(), (ID + 1).to_string(), "c-of-the-author".into()]
}

fn clean(who: &str, place: &str, text: &str) {
    for word in giveaways() {
        let found = text.find(&word).map(|at| text[at.saturating_sub(300)..].chars().take(700).collect::<String>());
        assert!(found.is_none(), "{who} reads {word:?} in {place}: …{}", found.unwrap());
    }
}

/// That he was a member is no secret; that he said this is.
fn without_membership(mut events: Value) -> Value {
    let list = events["results"].as_array_mut().unwrap();
    list.retain(|e| !e["verb"].as_str().unwrap().starts_with("member_"));
    events
}

async fn author(s: &Studio) -> Someone {
    // A number that stands nowhere else by accident.
    s.app
        .store
        .write(|tx| tx.execute("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'users'", params![ID]))
        .await
        .unwrap();
    let author = s.member(NICKNAME, Role::Reviewer).await;
    assert_eq!(author.id.0, ID + 1);
    author
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_author_is_in_no_output_but_his_own() {
    let s = Studio::start("anonymity").await;
    let author = author(&s).await;
    let (p, f) = (s.project, s.feedback);
    let mut readers = vec![("owner", s.editor.clone()), ("viewer", s.viewer.clone())];
    for role in [Role::Manager, Role::Editor, Role::Reviewer] {
        readers.push((role.as_str(), s.member(&format!("another-{role}"), role).await));
    }
    let mut screens = Vec::new();
    for (_, reader) in &readers {
        screens.push(Screen::open(&s, reader, "").await);
    }
    let mut own = Screen::open(&s, &author, "").await;
    // His window says that he is here, not what he wrote: from here on nothing may.
    for screen in &mut screens {
        screen.until_now().await;
    }
    own.until_now().await;

    let body = json!({ "text": "솔직히 이 장면은 조금 지루합니다.", "security": true, "start_ms": 55_000, "client_id": "c-of-the-author" });
    let made = author.send(&format!("POST /feedbacks/{f}/comments"), body).await.is(201);
    assert_eq!((&made.body["is_mine"], &made.body["user"]["nickname"]), (&json!(true), &json!(NICKNAME)));
    let c = made.id();
    author
        .send(
            &format!("POST /feedbacks/{f}/comments"),
            json!({ "text": "5초 정도요.", "security": true, "parent_id": c }),
        )
        .await
        .is(201);
    author.send(&format!("PATCH /comments/{c}"), json!({ "text": "조금 지루합니다." })).await.is(200);
    author.call(&format!("PUT /comments/{c}/reactions/like")).await.is(200);
    author.call(&format!("POST /comments/{c}/resolution")).await.is(200);
    author.call(&format!("DELETE /comments/{c}/resolution")).await.is(200);
    author.call(&format!("POST /comments/{c}/resolution")).await.is(200);
    // One with a name, made anonymous afterwards: the past is shown as it stands now.
    let late =
        author.send(&format!("POST /feedbacks/{f}/comments"), json!({ "text": "다시 생각해 보니" })).await.is(201).id();
    let mut named = Vec::new();
    for screen in &mut screens {
        named.extend(screen.until_now().await.into_iter().filter(|m| m["comment"]["id"] == late));
    }
    assert!(named.iter().all(|m| m["comment"]["user"]["nickname"] == NICKNAME) && !named.is_empty());
    author.send(&format!("PATCH /comments/{late}"), json!({ "security": true })).await.is(200);
    // And one that is gone again.
    let gone = author
        .send(&format!("POST /feedbacks/{f}/comments"), json!({ "text": "아니에요", "security": true }))
        .await
        .is(201)
        .id();
    author.call(&format!("DELETE /comments/{gone}")).await.is(204);

    for ((who, _), screen) in readers.iter().zip(&mut screens) {
        let heard = screen.until_now().await;
        assert!(heard.iter().any(|m| m["type"] == "comment_changed"), "{who}: {heard:?}");
        clean(who, "the room, live", &Value::from(heard).to_string());
    }
    let mine = Value::from(own.until_now().await).to_string();
    assert!(mine.contains(NICKNAME) && mine.contains("\"is_mine\":true"), "his own window knows him: {mine}");
    drop(own);
    author.call(&format!("DELETE /projects/{p}/members/{}", author.id)).await.is(204);

    for (who, reader) in &readers {
        for path in [
            "/dashboard".to_owned(),
            "/projects".into(),
            format!("/projects/{p}"),
            format!("/projects/{p}/dashboard"),
            format!("/projects/{p}/members"),
            format!("/projects/{p}/feedbacks"),
            format!("/feedbacks/{f}"),
            format!("/feedbacks/{f}/media"),
            format!("/feedbacks/{f}/comments"),
            format!("/feedbacks/{f}/comments?order=time&resolved=true"),
            format!("/comments/{c}"),
            format!("/comments/{late}"),
            format!("/comments/{gone}"),
            "/nowhere".into(),
        ] {
            let answer = reader.call(&format!("GET {path}")).await;
            clean(who, &path, &format!("{} {:?}", answer.body, answer.headers));
        }
        let shown = reader.call(&format!("GET /comments/{c}")).await.is(200).body;
        assert_eq!((&shown["user"], &shown["user_id"], &shown["is_mine"]), (&Value::Null, &Value::Null, &json!(false)));
        assert_eq!(shown["resolved_by"], Value::Null, "who resolved it would be he");
        let events = reader.call(&format!("GET /projects/{p}/events?page_size=500")).await.is(200).body;
        assert!(events.to_string().contains("comment_resolved"));
        clean(who, "the events", &without_membership(events).to_string());
        // Answers to writes, and to bad ones.
        let react = reader.call(&format!("PUT /comments/{c}/reactions/question")).await;
        clean(who, "the answer to a reaction", &react.body.to_string());
        let edit = reader.send(&format!("PATCH /comments/{c}"), json!({ "text": "x" })).await.is(403);
        clean(who, "the answer to a forbidden edit", &edit.body.to_string());
        for page in
            ["/".to_owned(), format!("/projects/{p}"), format!("/feedbacks/{f}"), format!("/feedbacks/{f}?c={c}")]
        {
            let request =
                Client::new().get(format!("{}{page}", s.url)).header("cookie", format!("vp_session={}", reader.token));
            clean(who, &page, &Answer::of(request).await.is(200).body.to_string());
        }
        let mut fresh = Screen::open(&s, reader, "").await;
        clean(who, "initial_state", &fresh.next().await.to_string());
        let mut replayed = Screen::open(&s, reader, "&since=0").await;
        let told = replayed.until_now().await;
        assert!(told.iter().any(|m| m["comment"]["id"] == c), "{who}: {told:?}");
        clean(who, "the replay", &Value::from(told).to_string());
    }
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_internal_comment_is_not_there_for_reviewers_and_viewers() {
    let s = Studio::start("internal").await;
    let (p, f) = (s.project, s.feedback);
    let reviewer = s.member("reviewer", Role::Reviewer).await;
    let editor = s.member("colleague", Role::Editor).await;
    let mut screens = vec![Screen::open(&s, &reviewer, "").await, Screen::open(&s, &s.viewer, "").await];
    for screen in &mut screens {
        screen.until_now().await;
    }
    let secret = "초상권 동의를 아직 못 받았습니다";
    let made = s
        .editor
        .send(&format!("POST /feedbacks/{f}/comments"), json!({ "text": secret, "internal": true }))
        .await
        .is(201)
        .id();
    s.editor.send(&format!("PATCH /comments/{made}"), json!({ "title": "급함" })).await.is(200);
    s.editor.call(&format!("POST /comments/{made}/resolution")).await.is(200);
    s.editor.call(&format!("PUT /comments/{made}/reactions/like")).await.is(200);
    for screen in &mut screens {
        let heard = Value::from(screen.until_now().await).to_string();
        assert!(!heard.contains("comment") && !heard.contains("reaction"), "{heard}");
    }
    for reader in [&reviewer, &s.viewer] {
        for path in [
            format!("/feedbacks/{f}/comments"),
            format!("/projects/{p}/dashboard"),
            "/dashboard".into(),
            format!("/projects/{p}/events"),
        ] {
            let body = reader.call(&format!("GET {path}")).await.is(200).body.to_string();
            assert!(!body.contains(secret) && !body.contains("comment_added"), "{path}: {body}");
        }
        let counted = reader.call(&format!("GET /feedbacks/{f}")).await.is(200).body;
        assert_eq!((&counted["comment_count"], &counted["unresolved_count"]), (&json!(0), &json!(0)));
        for line in
            ["GET /comments/c", "PUT /comments/c/reactions/like", "POST /comments/c/resolution", "DELETE /comments/c"]
        {
            reader
                .call(&line.replace("/c/", &format!("/{made}/")).replace("comments/c", &format!("comments/{made}")))
                .await
                .is(404);
        }
        let mut replay = Screen::open(&s, reader, "&since=0").await;
        let told = Value::from(replay.until_now().await).to_string();
        assert!(!told.contains(secret), "{told}");
    }
    assert!(editor.call(&format!("GET /feedbacks/{f}/comments")).await.is(200).body.to_string().contains(secret));
    s.stop().await;
}
