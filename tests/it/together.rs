//! Watching together: who leads, who follows, and what happens when one of them goes. Also what a room says of somebody who
//! does not say it himself: that he types no more, that his line was cut.

use serde_json::{Value, json};
use videoplanet::base::roles::Role;
use videoplanet::domain::accounts::Viewer;
use videoplanet::domain::projects::members;
use videoplanet::engines::hub::Place;

use crate::rooms::Screen;
use crate::studio::{Someone, Studio};

/// A studio with a film and a reviewer.
async fn cinema(name: &str) -> (Studio, i64, Someone) {
    // What a test says in a second is more than a person does.
    let studio = Studio::with(name, |c| c.rooms.per_second = 1_000).await;
    let media = studio.editor.upload(studio.feedback, "a.mp4", b"bytes").await;
    let reviewer = studio.member("reviewer", Role::Reviewer).await;
    (studio, media, reviewer)
}

async fn seated(studio: &Studio, who: &Someone) -> Screen {
    let mut screen = Screen::open(studio, who, "").await;
    screen.next_of("initial_state").await;
    screen
}

fn start(studio: &Studio, media: i64) -> Value {
    json!({ "type": "lead_start", "client_id": "l", "feedback_id": studio.feedback, "media_id": media, "ms": 500,
        "playing": false, "rate": 1 })
}

fn names(people: &Value) -> Vec<&str> {
    people.as_array().unwrap().iter().map(|p| p["nickname"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn one_leads_and_the_others_follow_as_they_like() {
    let (studio, media, reviewer) = cinema("together").await;
    let mut editor = seated(&studio, &studio.editor).await;
    let mut viewer = seated(&studio, &studio.viewer).await;
    editor.say(start(&studio, media)).await;
    // Known to all, the leader among them; acknowledged behind it.
    let lead = viewer.next_of("lead").await;
    assert_eq!(
        (&lead["leader"]["nickname"], &lead["ms"], &lead["playing"]),
        (&json!("editor"), &json!(500), &json!(false))
    );
    assert_eq!((editor.next_of("lead").await, &editor.next_of("ack").await["client_id"]), (lead, &json!("l")));

    // Who may only watch follows as well.
    let follow = |on: bool| json!({ "type": "follow", "feedback_id": studio.feedback, "on": on });
    viewer.say(follow(true)).await;
    assert_eq!(names(&editor.next_of("lead_followers").await["followers"]), ["viewer"]);
    let play = json!({ "type": "lead_move", "media_id": media, "ms": 640, "playing": true, "rate": 1.5 });
    editor.say(play.clone()).await;
    let moved = viewer.next_of("lead_moved").await;
    assert_eq!((&moved["ms"], &moved["playing"], &moved["rate"]), (&json!(640), &json!(true), &json!(1.5)));
    assert!((moved["at_ms"].as_i64().unwrap() - studio.app.clock.now().0).abs() < 5_000);

    // What is drawn comes in parts that go on.
    let stroke = |points: Value| json!({ "id": "s1", "color": "#ff3b30", "width": 0.01, "points": points });
    for points in [json!([[0.1, 0.1], [0.2, 0.2]]), json!([[0.3, 0.25]])] {
        editor.say(json!({ "type": "lead_stroke", "stroke": stroke(points.clone()) })).await;
        assert_eq!(viewer.next_of("lead_stroke").await["stroke"]["points"], points);
    }
    // Who comes later sees all of it as it stands.
    let late = Screen::open(&studio, &reviewer, "").await.next().await;
    let lead = &late["leads"][0];
    assert_eq!((names(&lead["followers"]), &lead["ms"], &lead["rate"]), (vec!["viewer"], &json!(640), &json!(1.5)));
    assert_eq!(lead["strokes"], json!([stroke(json!([[0.1, 0.1], [0.2, 0.2], [0.3, 0.25]]))]));
    editor.say(json!({ "type": "lead_clear" })).await;
    viewer.next_of("lead_cleared").await;

    viewer.say(follow(false)).await;
    assert!(names(&editor.next_of("lead_followers").await["followers"]).is_empty());
    viewer.say(follow(true)).await;
    assert_eq!(names(&editor.next_of("lead_followers").await["followers"]), ["viewer"]);
    editor.say(json!({ "type": "lead_end" })).await;
    let over = viewer.next_of("lead").await;
    assert_eq!((&over["leader"], &over["feedback_id"]), (&Value::Null, &json!(studio.feedback)));
    // The leader himself heard none of his own moves.
    assert!(editor.until_now().await.iter().all(|m| m["type"] != "lead_moved" && m["type"] != "lead_stroke"));
    studio.stop().await;
}

#[tokio::test]
async fn the_lead_changes_hands_and_ends_with_its_leader() {
    let (studio, media, reviewer) = cinema("hands").await;
    let mut editor = seated(&studio, &studio.editor).await;
    let mut other = seated(&studio, &reviewer).await;
    let mut viewer = seated(&studio, &studio.viewer).await;
    editor.say(start(&studio, media)).await;
    viewer.next_of("lead").await;
    viewer.say(json!({ "type": "follow", "feedback_id": studio.feedback, "on": true })).await;
    viewer.next_of("lead_followers").await;

    other.say(start(&studio, media)).await;
    let refused = other.next_of("error").await;
    assert_eq!((&refused["code"], &refused["client_id"]), (&json!("conflict"), &json!("l")));
    assert!(refused["message"].as_str().unwrap().contains("editor"), "{refused}");
    let mut over = start(&studio, media);
    over["take_over"] = true.into();
    other.say(over).await;
    // Those who follow go with the film, not with the person.
    let lead = viewer.next_of("lead").await;
    assert_eq!((&lead["leader"]["nickname"], names(&lead["followers"])), (&json!("reviewer"), vec!["viewer"]));
    let moved = json!({ "type": "lead_move", "media_id": media, "ms": 1, "playing": true });
    editor.say(moved).await;
    assert_eq!(editor.next_of("error").await["code"], "not_leading");

    // His window closes: it is over for all.
    drop(other);
    assert_eq!(viewer.next_of("lead").await["leader"], Value::Null);
    // And so it is when he may not comment any more.
    let mut other = seated(&studio, &reviewer).await;
    other.say(start(&studio, media)).await;
    viewer.next_of("lead").await;
    let who = Viewer::of_token(&studio.app, &studio.editor.token).await.unwrap().unwrap();
    members::change(&studio.app, &who, studio.project, reviewer.id, Role::Viewer).await.unwrap();
    assert_eq!(viewer.next_of("lead").await["leader"], Value::Null);
    other.say(start(&studio, media)).await;
    assert_eq!(other.next_of("error").await["code"], "forbidden");
    // A follower who goes is gone from the list.
    editor.say(start(&studio, media)).await;
    viewer.next_of("lead").await;
    viewer.say(json!({ "type": "follow", "feedback_id": studio.feedback, "on": true })).await;
    let followers = async |editor: &mut Screen| editor.next_of("lead_followers").await["followers"].clone();
    while names(&followers(&mut editor).await) != ["viewer"] {}
    drop(viewer);
    assert!(names(&followers(&mut editor).await).is_empty());
    studio.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_of_a_lead_is_refused_by_name() {
    let (studio, media, _) = cinema("nonsense").await;
    let mut editor = seated(&studio, &studio.editor).await;
    let mut viewer = seated(&studio, &studio.viewer).await;
    for (field, value) in [("ms", json!(-1)), ("rate", json!(99)), ("media_id", json!("x")), ("playing", json!(null))] {
        let mut message = start(&studio, media);
        message[field] = value;
        editor.say(message).await;
        let error = editor.next_of("error").await;
        assert!(error["fields"][field].is_string(), "{field}: {error}");
    }
    let mut strange = start(&studio, media);
    strange["media_id"] = 999.into();
    editor.say(strange).await;
    assert_eq!(editor.next_of("error").await["code"], "not_found");
    viewer.say(start(&studio, media)).await;
    assert_eq!(viewer.next_of("error").await["code"], "forbidden");
    viewer.say(json!({ "type": "follow", "feedback_id": studio.feedback, "on": true })).await;
    assert_eq!(viewer.next_of("error").await["code"], "not_found");

    editor.say(start(&studio, media)).await;
    editor.next_of("ack").await;
    let good = json!({ "id": "s", "color": "#00ff00", "width": 0.01, "points": [[0.5, 0.5]] });
    for (field, value) in [
        ("color", json!("red")),
        ("width", json!(0.5)),
        ("points", json!([])),
        ("points", json!([[0.5, 1.5]])),
        ("points", json!(vec![[0.5, 0.5]; 201])),
        ("id", json!("x".repeat(33))),
    ] {
        let mut stroke = good.clone();
        stroke[field] = value;
        editor.say(json!({ "type": "lead_stroke", "stroke": stroke })).await;
        let error = editor.next_of("error").await;
        assert!(error["fields"][format!("stroke.{field}")].is_string(), "{error}");
    }
    // There is an end to what one may draw.
    for n in 0..=100 {
        let mut stroke = good.clone();
        stroke["id"] = format!("s{n}").into();
        editor.say(json!({ "type": "lead_stroke", "client_id": "d", "stroke": stroke })).await;
        let answer = editor.next().await;
        assert_eq!(answer["type"], if n < 100 { "ack" } else { "error" }, "{n} {answer}");
    }
    studio.stop().await;
}

#[tokio::test]
async fn who_says_no_more_that_he_types_does_not_type() {
    let studio = Studio::start("typist").await;
    let mut editor = seated(&studio, &studio.editor).await;
    let mut viewer = seated(&studio, &studio.viewer).await;
    let types = json!({ "type": "typing_indicator", "feedback_id": studio.feedback, "is_typing": true });
    editor.say(types.clone()).await;
    assert_eq!(viewer.next_of("typing").await["is_typing"], true);
    // His line breaks in the middle of a word.
    drop(editor);
    assert_eq!(viewer.next_of("typing").await["is_typing"], false);
    // He is still there, but has gone for a coffee.
    let mut editor = seated(&studio, &studio.editor).await;
    let start = std::time::Instant::now();
    editor.say(types).await;
    assert_eq!(viewer.next_of("typing").await["is_typing"], true);
    viewer.patience = std::time::Duration::from_secs(12);
    assert_eq!(viewer.next_of("typing").await["is_typing"], false);
    assert!(start.elapsed().as_secs() >= 5);
    // Who may not comment writes nothing either.
    viewer.say(json!({ "type": "typing_indicator", "is_typing": true })).await;
    assert_eq!(viewer.next_of("error").await["code"], "forbidden");
    studio.stop().await;
}

#[tokio::test]
async fn one_socket_says_no_more_than_so_much_a_second() {
    let studio = Studio::with("pace", |c| c.rooms.per_second = 5).await;
    let mut editor = seated(&studio, &studio.editor).await;
    for _ in 0..8 {
        editor.say(json!({ "type": "ping" })).await;
    }
    let mut kinds = Vec::new();
    for _ in 0..8 {
        kinds.push(editor.next().await["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds.iter().filter(|k| *k == "pong").count(), 5, "{kinds:?}");
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    editor.say(json!({ "type": "ping" })).await;
    assert_eq!(editor.next().await["type"], "pong");
    let heard = studio.app.metrics.live().read().heard;
    assert!(heard.contains(&("ping", "limited", 3)) && heard.contains(&("ping", "taken", 6)), "{heard:?}");
    studio.stop().await;
}

#[tokio::test]
async fn an_operator_ends_a_socket_and_what_it_led() {
    let (studio, media, _) = cinema("cut").await;
    let mut editor = seated(&studio, &studio.editor).await;
    let mut viewer = seated(&studio, &studio.viewer).await;
    editor.say(start(&studio, media)).await;
    viewer.next_of("lead").await;
    let seats = studio.app.hub.seats(Place::Project(studio.project));
    let seat = seats.iter().find(|s| s.user == studio.editor.id).unwrap();
    assert_eq!((seat.heard, seat.address.to_string()), (1, "127.0.0.1".into()));
    assert_eq!(studio.app.hub.disconnect(seat.id), Some(studio.editor.id));
    assert_eq!(editor.closed().await, 4011);
    assert_eq!(viewer.next_of("lead").await["leader"], Value::Null);
    assert_eq!(studio.app.metrics.live().read().closes, [(4011, 1)]);
    studio.stop().await;
}
