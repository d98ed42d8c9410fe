//! Never stale: whatever is written in whatever order, what the cache answers is what the tables say. Random stories from
//! fixed seeds, told to the cached server and to the uncached queries at once; with a restart in the middle.

use reqwest::Method;
use serde_json::{Value, json};
use videoplanet::base::ids::ProjectId;
use videoplanet::base::roles::{Right, Role};
use videoplanet::domain::projects;

use crate::answer::Answer;
use crate::crash::{Server, fresh};
use crate::dice::Dice;
use crate::studio::{Someone, Studio};

/// What has been made so far.
struct World {
    people: Vec<(Someone, Option<Role>)>,
    projects: Vec<i64>,
    feedbacks: Vec<i64>,
    comments: Vec<i64>,
}

impl World {
    fn reads(&self, dice: &mut Dice) -> Vec<String> {
        let (p, f, c) = (*dice.of(&self.projects), *dice.of(&self.feedbacks), *dice.of(&self.comments));
        vec![
            "/me".into(),
            "/dashboard".into(),
            "/projects".into(),
            "/projects?page_size=2&page=2&ordering=name".into(),
            "/projects?deleted=true".into(),
            "/projects?fields=id,name,open_count&expand=members,feedbacks".into(),
            format!("/projects/{p}"),
            format!("/projects/{p}?fields=name,member_count&expand=members"),
            format!("/projects/{p}/dashboard"),
            format!("/projects/{p}/members"),
            format!("/projects/{p}/feedbacks?page_size=5"),
            format!("/projects/{p}/feedbacks?expand=user,comments&fields=title,unresolved_count"),
            format!("/projects/{p}/events?page_size=500"),
            format!("/feedbacks/{f}"),
            format!("/feedbacks/{f}?expand=comments"),
            format!("/feedbacks/{f}/comments"),
            format!("/feedbacks/{f}/comments?order=time&fields=text,user,reactions"),
            format!("/comments/{c}"),
        ]
    }

    /// One change by somebody; whether he may is the server's to say.
    async fn change(&mut self, dice: &mut Dice, i: usize) {
        let (who, _) = dice.of(&self.people).clone();
        let other = dice.of(&self.people).0.id;
        let (p, f, c) = (*dice.of(&self.projects), *dice.of(&self.feedbacks), *dice.of(&self.comments));
        let yes = dice.roll(2) == 0;
        let role = *dice.of(&["manager", "editor", "reviewer", "viewer"]);
        let reaction = *dice.of(&["like", "dislike", "question"]);
        let (line, body) = match dice.roll(24) {
            0 => ("POST /projects".into(), json!({ "name": format!("프로젝트 {i}"), "deadline": "2030-01-01" })),
            1 => (format!("PATCH /projects/{p}"), json!({ "name": format!("새 이름 {i}"), "status": "review" })),
            2 => (format!("DELETE /projects/{p}"), json!({})),
            3 | 4 => (format!("POST /projects/{p}/restore"), json!({})),
            5 | 6 => (format!("POST /projects/{p}/members"), json!({ "user_id": other, "role": role })),
            7 => (format!("PATCH /projects/{p}/members/{other}"), json!({ "role": role })),
            8 => (format!("DELETE /projects/{p}/members/{other}"), json!({})),
            9 | 10 => (format!("POST /projects/{p}/feedbacks"), json!({ "title": format!("시사 {i}") })),
            11 => (format!("PATCH /feedbacks/{f}"), json!({ "status": if yes { "resolved" } else { "open" } })),
            12 => (format!("PUT /feedbacks/{f}/decision"), json!({ "decision": "approve", "note": format!("{i}") })),
            13 if dice.roll(4) == 0 => (format!("DELETE /feedbacks/{f}"), json!({})),
            13..=16 => (
                format!("POST /feedbacks/{f}/comments"),
                json!({ "text": format!("의견 {i}"), "security": yes, "internal": dice.roll(4) == 0, "start_ms": i * 10 }),
            ),
            17 => (format!("POST /feedbacks/{f}/comments"), json!({ "text": format!("답글 {i}"), "parent_id": c })),
            18 => (format!("PATCH /comments/{c}"), json!({ "text": format!("고침 {i}"), "security": yes })),
            19 => (format!("DELETE /comments/{c}"), json!({})),
            20 => (format!("{} /comments/{c}/resolution", if yes { "POST" } else { "DELETE" }), json!({})),
            21 | 22 => {
                (format!("{} /comments/{c}/reactions/{reaction}", if yes { "PUT" } else { "DELETE" }), json!({}))
            }
            _ => ("PATCH /me".into(), json!({ "nickname": format!("이름{i}") })),
        };
        let answer = who.send(&line, body).await;
        assert!(answer.status < 500, "{line}: {}", answer.body);
        if answer.status == 201 {
            let id = answer.body["id"].as_i64();
            match (line.as_str(), id) {
                ("POST /projects", Some(id)) => self.projects.push(id),
                (l, Some(id)) if l.ends_with("/feedbacks") => self.feedbacks.push(id),
                (l, Some(id)) if l.ends_with("/comments") => self.comments.push(id),
                _ => {}
            }
        }
    }

    /// A person reads, once as it is kept and once past the cache.
    async fn compare(&self, s: &Studio, dice: &mut Dice, counts: &mut Counts) {
        let who = &dice.of(&self.people).0;
        // The rights that are held against those in the tables.
        for project in &self.projects {
            let (user, id) = (who.id, ProjectId(*project));
            let may = s.app.read(move |db| Ok(projects::allow(db, user, id, Right::View).is_ok())).await.unwrap();
            let seen = who.call(&format!("GET /projects/{project}/dashboard")).await;
            assert_eq!(seen.status, if may { 200 } else { 404 }, "{user} in {project}");
        }
        for path in self.reads(dice) {
            if dice.roll(3) > 0 {
                continue;
            }
            let line = format!("GET {path}");
            let kept = Answer::of(who.line(&line)).await;
            let read = Answer::of(who.line(&line).header("cache-control", "no-cache")).await;
            assert_eq!(kept.status, read.status, "{path} for {}", who.id);
            assert!(kept.status != 200 || kept.body == read.body, "{path} for {}: {} {}", who.id, kept.body, read.body);
            assert_eq!(kept.header("etag"), read.header("etag"), "{path}");
            counts.reads += 1;
            match kept.header("x-cache") {
                "l1" | "l2" | "l3" => counts.hits += 1,
                "miss" => counts.misses += 1,
                _ => {}
            }
            if kept.status == 200 {
                assert_eq!(read.header("x-cache"), "bypass", "{path}");
                let known = who.line(&line).header("if-none-match", read.header("etag"));
                assert_eq!(Answer::of(known).await.status, 304, "{path}");
            }
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    reads: usize,
    hits: usize,
    misses: usize,
}

async fn world(s: &Studio) -> World {
    let mut people = vec![(s.editor.clone(), Some(Role::Owner)), (s.viewer.clone(), Some(Role::Viewer))];
    people.push((s.stranger.clone(), None));
    for role in [Role::Manager, Role::Editor, Role::Reviewer] {
        people.push((s.member(&format!("a-{role}"), role).await, Some(role)));
    }
    for (who, _) in &people {
        // Only for asking past the cache; it opens nobody's project.
        s.operate(who).await;
    }
    let comments = format!("POST /feedbacks/{}/comments", s.feedback);
    let comment = s.editor.send(&comments, json!({ "text": "첫 의견" })).await.is(201).id();
    World { people, projects: vec![s.project.0], feedbacks: vec![s.feedback.0], comments: vec![comment] }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_what_the_tables_say() {
    let mut s = Studio::start("stale").await;
    let mut world = world(&s).await;
    let mut dice = Dice::new(0x5eed_0001);
    let mut counts = Counts::default();
    for i in 0..600 {
        world.change(&mut dice, i).await;
        if i % 3 == 0 {
            world.compare(&s, &mut dice, &mut counts).await;
        }
        if i == 300 {
            // The disk tier stays; the revisions come from the journal.
            s = s.restart().await;
            for (who, _) in &mut world.people {
                who.moved_to(&s.url);
            }
        }
    }
    println!("{counts:?}");
    assert!(counts.reads > 1_000 && counts.hits > counts.reads / 20 && counts.misses > counts.reads / 5, "{counts:?}");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_write_and_read_at_once_and_each_reads_what_was_answered() {
    let s = Studio::start("stale-many").await;
    let world = world(&s).await;
    let writers = world.people.iter().filter(|(_, role)| role.is_some_and(|r| r <= Role::Reviewer));
    let tasks: Vec<_> = writers
        .map(|(who, _)| {
            let (who, other, f) = (who.clone(), s.viewer.clone(), s.feedback);
            tokio::spawn(async move {
                for i in 0..40 {
                    let text = format!("{} {i}", who.id);
                    let line = format!("POST /feedbacks/{f}/comments");
                    let id = who.send(&line, json!({ "text": text })).await.is(201).id();
                    // The writer at once, and everybody else after the write was answered.
                    for reader in [&who, &other] {
                        let list = reader.call(&format!("GET /feedbacks/{f}/comments?page_size=100")).await.is(200);
                        let there = list.body["results"].as_array().unwrap().iter().any(|c| c["id"] == id);
                        let full = list.body["results"].as_array().unwrap().len() == 100;
                        assert!(there || full, "comment {id} is not in what {} reads", reader.id);
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_or_signed_out_is_out_with_his_next_request() {
    let s = Studio::start("stale-rights").await;
    let p = s.project;
    for path in [format!("/projects/{p}/dashboard"), format!("/feedbacks/{}/comments", s.feedback), "/projects".into()]
    {
        s.viewer.call(&format!("GET {path}")).await.is(200);
        assert_eq!(s.viewer.call(&format!("GET {path}")).await.is(200).queries(), 0);
    }
    s.editor.call(&format!("DELETE /projects/{p}/members/{}", s.viewer.id)).await.is(204);
    s.viewer.call(&format!("GET /projects/{p}/dashboard")).await.is(404);
    s.viewer.call(&format!("GET /feedbacks/{}/comments", s.feedback)).await.is(404);
    assert_eq!(s.viewer.call("GET /projects").await.is(200).body["count"], 0);
    s.viewer.call("POST /auth/logout").await.is(204);
    s.viewer.call("GET /me").await.is(401);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_begins_warm() {
    let s = Studio::start("warm-start").await;
    for i in 0..20 {
        let line = format!("POST /projects/{}/feedbacks", s.project);
        let f = s.editor.send(&line, json!({ "title": format!("{i}차") })).await.is(201).id();
        s.editor.send(&format!("POST /feedbacks/{f}/comments"), json!({ "text": "의견" })).await.is(201);
    }
    let mut log = vec!["/dashboard".to_owned(), "/projects".into(), format!("/projects/{}/dashboard", s.project)];
    log.extend((1..=21).map(|f| format!("/feedbacks/{f}/comments")));
    log.extend((1..=21).map(|f| format!("/feedbacks/{f}")));
    for path in &log {
        s.editor.call(&format!("GET {path}")).await.is(200);
    }
    let s = s.restart().await;
    let mut found = std::collections::BTreeMap::<String, usize>::new();
    for path in &log {
        let answer = s.editor.call(&format!("GET {path}")).await.is(200);
        *found.entry(answer.header("x-cache").to_owned()).or_default() += 1;
    }
    println!("after a restart: {found:?}");
    let hits = found.get("l3").copied().unwrap_or(0);
    assert!(hits * 100 > log.len() * 80, "{found:?} of {}", log.len());
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_busiest_are_read_ahead() {
    let s = Studio::start("warming").await;
    for _ in 0..3 {
        s.viewer.call(&format!("GET /projects/{}/dashboard", s.project)).await.is(200);
    }
    videoplanet::domain::access::flush(&s.app).await.unwrap();
    s.app.cache.forget_memory();
    for group in videoplanet::base::group::Group::ALL {
        s.app.cache.purge(*group);
    }
    s.work().await;
    let mut warmed = Value::Null;
    for _ in 0..600 {
        let rows =
            s.app.read(|db| videoplanet::engines::queue::last_of(db, videoplanet::base::job::JobKind::CacheWarm));
        if let Some(row) = rows.await.unwrap() {
            warmed = row.result.unwrap();
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!((&warmed["users"], &warmed["projects"], &warmed["gone"]), (&json!(1), &json!(1), &json!(0)), "{warmed}");
    for path in ["/dashboard".to_owned(), "/projects".into(), format!("/projects/{}/dashboard", s.project)] {
        let answer = s.viewer.call(&format!("GET {path}")).await.is(200);
        assert_eq!(answer.header("x-cache"), "l1", "{path}");
    }
    s.stop().await;
}

/// The real program, killed: what its disk tier held is found again only where nothing has been written since.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_leaves_nothing_stale_on_the_disk() {
    let (_dir, data) = fresh("stale-kill");
    let mut server = Server::start(&data).await;
    let mut dice = Dice::new(0x5eed_0002);
    let made = |server: &Server, path: &str, body: Value| {
        let request = server.ask(Method::POST, path).json(&body);
        async move { Answer::of(request).await.is(201).id() }
    };
    let mut feedbacks = Vec::new();
    for p in 0..3 {
        let p = made(&server, "/projects", json!({ "name": format!("{p}") })).await;
        for f in 0..3 {
            let f = made(&server, &format!("/projects/{p}/feedbacks"), json!({ "title": format!("{f}") })).await;
            feedbacks.push((p, f));
        }
    }
    let paths = |(p, f): (i64, i64)| {
        [
            "/dashboard".to_owned(),
            format!("/projects/{p}/dashboard"),
            format!("/projects/{p}/feedbacks"),
            format!("/feedbacks/{f}/comments"),
            format!("/feedbacks/{f}"),
        ]
    };
    let mut hits = 0;
    for round in 0..4 {
        for _ in 0..30 {
            let (p, f) = *dice.of(&feedbacks);
            made(&server, &format!("/feedbacks/{f}/comments"), json!({ "text": format!("{round}") })).await;
            for path in paths((p, f)) {
                Answer::of(server.ask(Method::GET, &path)).await.is(200);
            }
        }
        server.kill();
        drop(server);
        server = Server::start(&data).await;
        for place in &feedbacks {
            for path in paths(*place) {
                let kept = Answer::of(server.ask(Method::GET, &path)).await.is(200);
                let read = Answer::of(server.ask(Method::GET, &path).header("cache-control", "no-cache")).await.is(200);
                assert_eq!((kept.header("etag"), &kept.body), (read.header("etag"), &read.body), "{path}");
                assert_eq!(read.header("x-cache"), "bypass");
                hits += usize::from(kept.header("x-cache") == "l3");
            }
        }
    }
    println!("{hits} answers of killed servers were found again");
    assert!(hits > 0);
}
