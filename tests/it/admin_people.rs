//! `/admin/people`: found, sorted, taken along; one person with his devices, which can be signed out.

use reqwest::Client;
use reqwest::header::USER_AGENT;
use videoplanet::base::event::Event;
use videoplanet::domain::accounts::{self, Viewer};
use videoplanet::engines::store::params;

use crate::admin::{journal, open, send, studio};
use crate::studio::{Someone, Studio, header};

const PHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1";

async fn page(studio: &Studio, who: &Someone, path: &str) -> String {
    let answer = open(studio, who, path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

/// Addresses on a page of the list, in their order.
async fn listed(studio: &Studio, query: &str) -> Vec<String> {
    let page = page(studio, &studio.editor, &format!("/admin/people{query}")).await;
    let rows = page.split("class=\"faint small cut\">").skip(1);
    rows.filter_map(|row| row.split('@').next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn people_are_found_by_role_and_state_and_sorted() {
    let studio = studio("people-find").await;
    studio.operate(&studio.stranger).await;
    let invite = [("email", "new@example.com"), ("nickname", "새 사람"), ("site_role", "member"), ("locale", "ko")];
    send(&studio, &studio.editor, "/admin/people", &invite).await;
    let lock = format!("/admin/people/{}/lock", studio.viewer.id);
    send(&studio, &studio.editor, &lock, &[("locked", "true")]).await;

    assert_eq!(listed(&studio, "").await, ["new", "stranger", "viewer", "editor"]);
    assert_eq!(listed(&studio, "?sort=created").await, ["editor", "viewer", "stranger", "new"]);
    assert_eq!(listed(&studio, "?sort=name").await, ["editor", "stranger", "viewer", "new"]);
    assert_eq!(listed(&studio, "?sort=role").await[..2], ["editor", "stranger"]);
    assert_eq!(listed(&studio, "?role=operator").await, ["stranger"]);
    assert_eq!(listed(&studio, "?state=locked").await, ["viewer"]);
    assert_eq!(listed(&studio, "?state=invited").await, ["new"]);
    assert_eq!(listed(&studio, "?state=active&sort=name").await, ["editor", "stranger"]);
    assert_eq!(listed(&studio, "?q=STR&role=operator").await, ["stranger"]);
    assert!(listed(&studio, "?page=2").await.is_empty());
    accounts::ask_reset(&studio.app, "stranger@example.com").await.unwrap();
    assert_eq!(listed(&studio, "?state=asked").await, ["stranger"]);
    assert_eq!(listed(&studio, "").await[0], "stranger", "who waits comes first");
    // An account that never signed in, other than one that has signed out.
    let quiet = studio.person("quiet").await;
    let gone = studio.person("gone").await;
    let (quiet, gone) = (quiet.id, gone.id);
    let forget = move |tx: &mut videoplanet::engines::store::Tx| {
        tx.execute("DELETE FROM sessions WHERE user_id IN (?1, ?2)", params![quiet, gone])?;
        tx.execute("DELETE FROM events WHERE verb = 'logged_in' AND subject_id = ?1", params![quiet])
    };
    studio.app.store.write(forget).await.unwrap();
    assert_eq!(listed(&studio, "?state=unseen").await, ["quiet"]);

    let file = open(&studio, &studio.editor, "/admin/people?format=csv&sort=name&role=operator").await;
    assert!(header(&file, "content-disposition").contains("videoplanet-people.csv"));
    let text = file.text().await.unwrap();
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("Number,E-mail,Display name"), "{text}");
    assert!(lines[1].contains(",stranger@example.com,stranger,operator,active,"), "{text}");
    studio.stop().await;
}

#[tokio::test]
async fn a_person_is_shown_with_his_devices_and_they_are_signed_out() {
    let studio = studio("people-sessions").await;
    let person = studio.viewer.id;
    // He signs in by a telephone, with an address.
    let body = "email=viewer%40example.com&password=correct+horse+battery&next=%2F";
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = client.post(format!("{}/login", studio.url)).header(USER_AGENT, PHONE);
    let form = request.header("content-type", "application/x-www-form-urlencoded").body(body);
    let answer = form.send().await.unwrap();
    let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|c| c.to_str().ok());
    let token = cookies.filter_map(|c| c.strip_prefix("vp_session=")?.split(';').next()).next().unwrap().to_owned();
    let mut phone = studio.viewer.clone();
    phone.token = token;
    let new = serde_json::from_value(serde_json::json!({ "name": "납품 스크립트", "scopes": ["read"] })).unwrap();
    let who = Viewer::of_token(&studio.app, &phone.token).await.unwrap().unwrap();
    let program = accounts::sessions::make_token(&studio.app, &who, new).await.unwrap();

    let path = format!("/admin/people/{person}");
    let shown = page(&studio, &studio.editor, &path).await;
    for part in ["Safari, iPhone", "127.0.0.1", "Unknown device", "납품 스크립트", "가을 광고", "viewer@example.com"]
    {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!shown.contains(&phone.token) && !shown.contains(&program.token));
    assert!(shown.contains("class=\"audit-row"), "with what the audit tells of him");
    assert_eq!(open(&studio, &studio.editor, "/admin/people/99999").await.status(), 404);
    // An operator looks, and ends nothing.
    studio.operate(&studio.stranger).await;
    let seen = page(&studio, &studio.stranger, &path).await;
    assert!(seen.contains("Safari, iPhone") && !seen.contains("/sessions"), "{seen}");

    // One device, then one program; what stays goes on.
    let end = |session| format!("{path}/sessions/{session}");
    assert_eq!(phone.get("/me").await.status(), 200);
    let answer = send(&studio, &studio.editor, &end(who.session), &[]).await;
    assert_eq!(header(&answer, "location"), format!("{path}?done=session_ended"));
    assert_eq!(phone.get("/me").await.status(), 401);
    assert_eq!(studio.viewer.get("/me").await.status(), 200);
    assert_eq!(send(&studio, &studio.editor, &end(who.session), &[]).await.status(), 404, "it is over");
    // One of somebody else is not his.
    let mine = Viewer::of_token(&studio.app, &studio.editor.token).await.unwrap().unwrap().session;
    assert_eq!(send(&studio, &studio.editor, &end(mine), &[]).await.status(), 404);
    let mut script = studio.viewer.clone();
    script.token = program.token;
    assert_eq!(script.get("/me").await.status(), 200);
    let answer = send(&studio, &studio.editor, &format!("{path}/sessions"), &[("back", &path)]).await;
    assert_eq!(header(&answer, "location"), format!("{path}?done=sessions_ended"));
    for who in [&studio.viewer, &script] {
        assert_eq!(who.get("/me").await.status(), 401);
    }
    // To himself he leaves the present one.
    let me = format!("/admin/people/{}/sessions", studio.editor.id);
    assert_eq!(send(&studio, &studio.editor, &me, &[]).await.status(), 303);
    assert_eq!(studio.editor.get("/me").await.status(), 200);
    let told = journal(&studio).await;
    let by_admin = |event: Event| told.contains(&(Some(studio.editor.id.0), event));
    assert!(by_admin(Event::LoggedOut { user: person, session: who.session }));
    assert!(by_admin(Event::SessionsRevoked { user: person, kept: None }));
    assert!(by_admin(Event::SessionsRevoked { user: studio.editor.id, kept: Some(mine) }));
    studio.stop().await;
}
