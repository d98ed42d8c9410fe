//! `/admin/projects`: all of them, found and sorted; into the trash and out of it, and into other hands.

use serde_json::Value;
use videoplanet::base::event::Event;
use videoplanet::base::ids::{ProjectId, UserId};
use videoplanet::base::roles::Role;
use videoplanet::domain::accounts::Viewer;
use videoplanet::domain::projects;

use crate::admin::{journal, open, send, studio};
use crate::rooms::Screen;
use crate::studio::{Someone, Studio, header};

async fn page(studio: &Studio, path: &str) -> String {
    let answer = open(studio, &studio.editor, path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

async fn project(studio: &Studio, who: &Someone, name: &str) -> ProjectId {
    let viewer = Viewer::of_token(&studio.app, &who.token).await.unwrap().unwrap();
    let new = serde_json::from_value(serde_json::json!({ "name": name, "client": "한빛식품" })).unwrap();
    projects::add(&studio.app, &viewer, new).await.unwrap().id
}

/// Names on the list, in their order.
async fn listed(studio: &Studio, query: &str) -> Vec<String> {
    let page = page(studio, &format!("/admin/projects{query}")).await;
    let rows = page.split("<a class=\"strong\" href=\"/admin/projects/").skip(1);
    rows.filter_map(|row| row.split('>').nth(1)?.split('<').next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn all_projects_are_listed_also_those_of_others_and_in_the_trash() {
    let studio = studio("projects-list").await;
    let other = project(&studio, &studio.stranger, "나들이").await;
    let gone = project(&studio, &studio.viewer, "=옛 광고").await;
    let who = Viewer::of_token(&studio.app, &studio.viewer.token).await.unwrap().unwrap();
    projects::delete(&studio.app, &who, gone, None).await.unwrap();
    assert_eq!(listed(&studio, "?sort=name").await, ["=옛 광고", "가을 광고", "나들이"]);
    assert_eq!(listed(&studio, "?sort=-name&place=living").await, ["나들이", "가을 광고"]);
    assert_eq!(listed(&studio, "?place=trash").await, ["=옛 광고"]);
    assert_eq!(listed(&studio, "").await[0], "=옛 광고", "what moved last comes first");
    assert_eq!(listed(&studio, "?sort=-members").await[0], "가을 광고");
    assert_eq!(listed(&studio, "?q=stranger%40example.com").await, ["나들이"]);
    assert_eq!(listed(&studio, "?q=%ED%95%9C%EB%B9%9B&sort=name").await, ["=옛 광고", "나들이"]);
    assert_eq!(listed(&studio, "?q=100%25").await, Vec::<String>::new());
    assert!(listed(&studio, "?status=archived").await.is_empty());

    let file = open(&studio, &studio.editor, "/admin/projects?format=csv&sort=name").await;
    let text = file.text().await.unwrap();
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[1].contains(",\"'=옛 광고\",한빛식품,"), "{text}");
    assert!(lines[2].contains(",editor,2,1,0,0,,"), "{text}");

    // Who runs the instance sees how large it is, not what is in it.
    let shown = page(&studio, &format!("/admin/projects/{other}")).await;
    assert!(shown.contains("나들이") && shown.contains("stranger@example.com"), "{shown}");
    assert_eq!(studio.editor.get(&format!("/projects/{other}")).await.status(), 404);
    assert_eq!(open(&studio, &studio.editor, "/admin/projects/999").await.status(), 404);
    studio.operate(&studio.viewer).await;
    let seen = open(&studio, &studio.viewer, &format!("/admin/projects/{other}")).await.text().await.unwrap();
    assert!(seen.contains("나들이") && !seen.contains("/transfer"), "{seen}");
    studio.stop().await;
}

#[tokio::test]
async fn one_goes_into_the_trash_by_its_name_and_comes_back() {
    let studio = studio("projects-trash").await;
    let id = project(&studio, &studio.stranger, "나들이").await;
    let path = format!("/admin/projects/{id}");
    let wrong = send(&studio, &studio.editor, &format!("{path}/delete"), &[("name", "나들")]).await;
    assert_eq!(wrong.status(), 422);
    let text = wrong.text().await.unwrap();
    assert!(text.contains("pt-name-problem") && text.contains("<details class=\"ask\" open>"), "{text}");
    assert_eq!(studio.stranger.get(&format!("/projects/{id}")).await.status(), 200);
    let done = send(&studio, &studio.editor, &format!("{path}/delete"), &[("name", " 나들이 ")]).await;
    assert_eq!(header(&done, "location"), format!("{path}?done=project_deleted"));
    assert_eq!(studio.stranger.get(&format!("/projects/{id}")).await.status(), 404);
    assert_eq!(send(&studio, &studio.editor, &format!("{path}/delete"), &[("name", "나들이")]).await.status(), 409);
    let email = [("email", "viewer@example.com")];
    assert_eq!(send(&studio, &studio.editor, &format!("{path}/transfer"), &email).await.status(), 409);
    assert_eq!(send(&studio, &studio.editor, &format!("{path}/restore"), &[]).await.status(), 303);
    assert_eq!(studio.stranger.get(&format!("/projects/{id}")).await.status(), 200);
    assert_eq!(send(&studio, &studio.editor, &format!("{path}/restore"), &[]).await.status(), 409);
    let told = journal(&studio).await;
    for event in [Event::ProjectDeleted { project: id }, Event::ProjectRestored { project: id }] {
        assert!(told.contains(&(Some(studio.editor.id.0), event)), "{told:?}");
    }
    studio.stop().await;
}

/// What everybody is in a project.
async fn roles(who: &Someone, id: ProjectId) -> Vec<(i64, String)> {
    let answer: Value = who.get(&format!("/projects/{id}/members")).await.json().await.unwrap();
    let rows = answer["results"].as_array().unwrap();
    let mut all: Vec<_> =
        rows.iter().map(|m| (m["user_id"].as_i64().unwrap(), m["role"].as_str().unwrap().to_owned())).collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_project_changes_hands_and_the_rights_law_holds() {
    let studio = studio("projects-transfer").await;
    let (id, owner, viewer) = (studio.project, studio.editor.id.0, studio.viewer.id.0);
    let mut screen = Screen::own(&studio, &studio.viewer, "").await;
    screen.until_now().await;
    let give = async |email: &str| {
        send(&studio, &studio.editor, &format!("/admin/projects/{id}/transfer"), &[("email", email)]).await
    };
    for (wrong, said) in [("nobody@example.com", "no such account"), ("editor@example.com", "is the owner already")] {
        let answer = give(wrong).await;
        assert_eq!(answer.status(), 422, "{wrong}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(said) && text.contains(&format!("value=\"{wrong}\"")), "{text}");
    }
    // To a member: he was a viewer, and owns it now. Who had it is a manager.
    let answer = give(" Viewer@Example.com ").await;
    assert_eq!(header(&answer, "location"), format!("/admin/projects/{id}?done=project_transferred"));
    let role = |who: i64, role: &str| (who, role.to_owned());
    assert_eq!(roles(&studio.viewer, id).await, [role(owner, "manager"), role(viewer, "owner")]);
    let shown: Value = studio.viewer.get(&format!("/projects/{id}")).await.json().await.unwrap();
    assert_eq!((&shown["user_id"], &shown["my_role"]), (&viewer.into(), &"owner".into()));
    // His open dashboard hears of it.
    let told = screen.next_of("membership").await;
    assert_eq!(told["role"], "owner", "{told}");
    // The former owner may no longer delete it, the new one may.
    assert_eq!(
        studio.editor.ask(reqwest::Method::DELETE, &format!("/projects/{id}")).send().await.unwrap().status(),
        403
    );

    // To somebody who was no member: he becomes one.
    let stranger = studio.stranger.id.0;
    assert_eq!(give("stranger@example.com").await.status(), 303);
    let all = [role(owner, "manager"), role(viewer, "manager"), role(stranger, "owner")];
    assert_eq!(roles(&studio.stranger, id).await, all);
    // One that is locked gets nothing.
    let second = studio.person("second").await;
    send(&studio, &studio.editor, &format!("/admin/people/{}/lock", second.id), &[("locked", "true")]).await;
    assert_eq!(give("second@example.com").await.status(), 422);

    let told: Vec<Event> =
        journal(&studio).await.into_iter().filter(|(a, _)| *a == Some(owner)).map(|(_, e)| e).collect();
    let (project, admin) = (id, UserId(owner));
    let changed = |user, role, was| Event::MemberChanged { project, user, role, was: Some(was) };
    for event in [
        changed(admin, Role::Manager, Role::Owner),
        changed(UserId(viewer), Role::Owner, Role::Viewer),
        Event::ProjectTransferred { project, user: UserId(viewer), was: admin },
        Event::MemberAdded { project, user: UserId(stranger), role: Role::Owner },
        Event::ProjectTransferred { project, user: UserId(stranger), was: UserId(viewer) },
    ] {
        assert!(told.contains(&event), "{event:?}\n{told:?}");
    }
    // An owner's own way is the same operation.
    let mine = project_of(&studio).await;
    let change = serde_json::json!({ "role": "owner" });
    let path = format!("/projects/{mine}/members/{viewer}");
    let answer = studio.editor.ask(reqwest::Method::PATCH, &path).json(&change).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let event = Event::ProjectTransferred { project: mine, user: UserId(viewer), was: admin };
    assert!(journal(&studio).await.contains(&(Some(owner), event)));
    studio.stop().await;
}

/// One of the admin's own with the viewer in it.
async fn project_of(studio: &Studio) -> ProjectId {
    let id = project(studio, &studio.editor, "둘째").await;
    let who = Viewer::of_token(&studio.app, &studio.editor.token).await.unwrap().unwrap();
    let new = serde_json::json!({ "user_id": studio.viewer.id, "role": Role::Editor });
    projects::members::add(&studio.app, &who, id, serde_json::from_value(new).unwrap()).await.unwrap();
    id
}
