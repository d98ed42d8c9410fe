//! `/admin/realtime` and what `/metrics` tells of sockets: who is where, and a connection that an admin ends.

use serde_json::json;
use videoplanet::base::event::Event;
use videoplanet::engines::hub::Place;

use crate::admin::{journal, open, send, studio};
use crate::rooms::Screen;
use crate::studio::{Someone, Studio, header};

async fn page(studio: &Studio, who: &Someone, path: &str) -> String {
    let answer = open(studio, who, path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_see_who_is_where_and_an_admin_ends_a_connection() {
    let studio = studio("admin-realtime").await;
    let list = page(&studio, &studio.editor, "/admin/realtime").await;
    assert!(list.contains("Nobody is in a room now") && list.contains("No personal connection is open"), "{list}");
    let inside = format!("/admin/realtime?room={}", studio.project);
    assert!(page(&studio, &studio.editor, &inside).await.contains("Nobody is in this room now"));

    let mut editor = Screen::open(&studio, &studio.editor, "").await;
    let mut viewer = Screen::open(&studio, &studio.viewer, "").await;
    let mut line = Screen::own(&studio, &studio.viewer, "").await;
    for screen in [&mut editor, &mut viewer, &mut line] {
        screen.until_now().await;
    }
    let list = page(&studio, &studio.editor, "/admin/realtime").await;
    assert!(list.contains(&format!("href=\"{inside}\">가을 광고</a>")), "{list}");
    assert_eq!(list.matches("class=\"seat\"").count(), 1, "one personal connection");
    let room = page(&studio, &studio.editor, &inside).await;
    assert_eq!(room.matches("class=\"seat\"").count(), 2);
    assert!(room.contains(">editor</b>") && room.contains(">viewer</b>") && room.contains("127.0.0.1"), "{room}");
    assert_eq!(open(&studio, &studio.editor, "/admin/realtime?room=999").await.status(), 404);

    // An operator looks.
    studio.operate(&studio.stranger).await;
    let seats = studio.app.hub.seats(Place::Project(studio.project));
    let seat = seats.iter().find(|seat| seat.user == studio.viewer.id).unwrap().id.to_string();
    let fields = [("seat", seat.as_str()), ("back", inside.as_str())];
    let seen = page(&studio, &studio.stranger, &inside).await;
    assert!(seen.contains(">viewer</b>") && !seen.contains("/admin/realtime/disconnect"), "{seen}");
    assert_eq!(send(&studio, &studio.stranger, "/admin/realtime/disconnect", &fields).await.status(), 403);
    viewer.until_now().await;

    let answer = send(&studio, &studio.editor, "/admin/realtime/disconnect", &fields).await;
    assert_eq!(header(&answer, "location"), format!("{inside}&done=disconnected"));
    assert_eq!(viewer.closed().await, 4011);
    let told = journal(&studio).await;
    assert!(told.contains(&(Some(studio.editor.id.0), Event::SocketClosed { user: studio.viewer.id })), "{told:?}");
    let gone = [("seat", "999999")];
    assert_eq!(send(&studio, &studio.editor, "/admin/realtime/disconnect", &gone).await.status(), 404);
    // The others stay, and the sign-in stands.
    line.until_now().await;
    Screen::open(&studio, &studio.viewer, "").await.next_of("initial_state").await;
    let list = page(&studio, &studio.editor, "/admin/realtime").await;
    assert!(list.contains("ended by an operator") && list.contains("<td class=\"mono\">ping</td>"), "{list}");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_what_goes_over_sockets() {
    let studio = studio("metrics-sockets").await;
    let mut editor = Screen::open(&studio, &studio.editor, "").await;
    let mut line = Screen::own(&studio, &studio.viewer, "").await;
    editor.say(json!({ "type": "dance" })).await;
    let comment = json!({ "feedback_id": studio.feedback, "text": "의견" });
    editor.say(json!({ "type": "comment_add", "comment": comment })).await;
    editor.next_of("ack").await;
    line.until_now().await;
    let mut gone = Screen::open(&studio, &studio.stranger, "").await;
    assert_eq!(gone.closed().await, 4003);
    let text = reqwest::get(format!("{}/metrics", studio.url)).await.unwrap().text().await.unwrap();
    for sample in [
        "videoplanet_sockets{kind=\"project\"} 1",
        "videoplanet_sockets{kind=\"personal\"} 1",
        "videoplanet_sockets_behind 0",
        "videoplanet_sockets_opened_total 2",
        "videoplanet_socket_closes_total{code=\"4003\"} 1",
        "videoplanet_socket_messages_in_total{type=\"comment_add\",outcome=\"taken\"} 1",
        "videoplanet_socket_messages_in_total{type=\"other\",outcome=\"refused\"} 1",
        "videoplanet_room_resyncs_total 0",
        "videoplanet_room_fan_out_seconds_bucket{le=\"+Inf\"} ",
    ] {
        assert!(text.lines().any(|line| line.starts_with(sample)), "{sample}\n{text}");
    }
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).expect(name);
        line.parse::<f64>().unwrap()
    };
    let (messages, frames) = ("videoplanet_socket_messages_out_total", "videoplanet_socket_frames_out_total");
    assert!(value(messages) >= value(frames) && value(frames) >= 1.0, "{text}");
    assert!(value("videoplanet_socket_bytes_out_total") > 100.0);
    assert!(value("videoplanet_room_fan_out_seconds_count") >= 1.0);
    studio.stop().await;
}
