//! Rights are part of the question: what somebody may not see he neither finds nor counts, and is not offered; who wrote
//! without his name is found by himself alone.

use serde_json::{Value, json};
use videoplanet::base::ids::FeedbackId;
use videoplanet::base::roles::Role;
use videoplanet::domain::accounts::{self, Viewer};
use videoplanet::domain::search;

use crate::search::{ask, offered};
use crate::studio::{Someone, Studio};

/// Stands in everything that is made here, and nowhere else.
const WORD: &str = "바람개비";
const KINDS: [&str; 5] = ["project", "feedback", "comment", "file", "person"];

/// (kind, id), sorted.
fn names(hits: &Value) -> Vec<(String, i64)> {
    let hits = hits.as_array().unwrap().iter();
    let mut names: Vec<_> = hits.map(|h| (h["kind"].as_str().unwrap().to_owned(), h["id"].as_i64().unwrap())).collect();
    names.sort();
    names
}

/// Ids of the hits, best first.
fn ids(answer: &Value) -> Vec<i64> {
    answer["results"].as_array().unwrap().iter().map(|h| h["id"].as_i64().unwrap()).collect()
}

/// The index alone: a film that is looked at meanwhile would change its state between two questions.
fn follow(s: &Studio) {
    tokio::spawn(search::follow(s.app.clone()));
}

async fn settled(s: &Studio) {
    search::settled(&s.app).await.unwrap();
}

/// Nothing is found, counted or told.
#[track_caller]
fn nothing(label: &str, answer: &Value) {
    let empty = json!([]);
    let facets = &answer["facets"];
    assert_eq!((&answer["total"], &answer["results"]), (&json!(0), &empty), "{label}: {answer}");
    assert_eq!((&answer["groups"], &answer["suggestion"]), (&empty, &Value::Null), "{label}: {answer}");
    for facet in ["kinds", "projects", "statuses"] {
        assert_eq!(facets[facet], empty, "{label}: {answer}");
    }
    assert_eq!((&answer["has_next"], &answer["next_cursor"]), (&json!(false), &Value::Null), "{label}: {answer}");
}

/// One thing of each kind with the word in a project, and an internal comment.
struct Filled {
    project: i64,
    feedback: i64,
    comment: i64,
    internal: i64,
    file: i64,
}

async fn fill(s: &Studio, owner: &Someone, project: i64) -> Filled {
    owner.send(&format!("PATCH /projects/{project}"), json!({ "name": format!("{WORD} 광고") })).await.is(200);
    let path = format!("POST /projects/{project}/feedbacks");
    let feedback = owner.send(&path, json!({ "title": format!("{WORD} 시사") })).await.is(201).id();
    let path = format!("POST /feedbacks/{feedback}/comments");
    let comment = owner.send(&path, json!({ "text": format!("{WORD} 자막") })).await.is(201).id();
    // Latin on purpose: what 고양이 is on the other layout is suggested to those who may read it.
    let secret = json!({ "text": format!("{WORD} 내부 메모 rhdiddl"), "internal": true });
    let internal = owner.send(&path, secret).await.is(201).id();
    let file = owner.upload(FeedbackId(feedback), &format!("{WORD}_v1.mp4"), project.to_string().as_bytes()).await;
    settled(s).await;
    Filled { project, feedback, comment, internal, file }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_finds_counts_and_is_offered_what_it_may_see() {
    let s = Studio::start("search-roles").await;
    follow(&s);
    let namesake = s.member(WORD, Role::Viewer).await;
    let here = fill(&s, &s.editor, s.project.0).await;
    // As much in a project of somebody else, who is no member here.
    let other = s.person("다른사람").await;
    let elsewhere = other.send("POST /projects", json!({ "name": "남의 것" })).await.is(201).id();
    fill(&s, &other, elsewhere).await;
    let removed = s.member("떠난사람", Role::Editor).await;
    s.editor.call(&format!("DELETE /projects/{}/members/{}", s.project, removed.id)).await.is(204);
    let nobody = s.person("외톨이").await;

    let mut readers = vec![(Some(Role::Owner), s.editor.clone()), (None, removed), (None, nobody)];
    for role in [Role::Manager, Role::Editor, Role::Reviewer, Role::Viewer] {
        readers.push((Some(role), s.member(&format!("reader-{role}"), role).await));
    }
    settled(&s).await;
    for (role, reader) in &readers {
        let label = role.map_or("no member", Role::as_str);
        let answer = ask(reader, WORD, "&page_size=100").await;
        let offers = offered(reader, WORD).await;
        let theirs = format!("&project_id={elsewhere}");
        for more in ["", "&kind=comment", "&status=open"] {
            let foreign = ask(reader, WORD, &format!("{theirs}{more}")).await;
            assert_eq!((&foreign["total"], &foreign["results"]), (&json!(0), &json!([])), "{label}: {foreign}");
            assert_eq!((&foreign["groups"], &foreign["facets"]["kinds"]), (&json!([]), &json!([])), "{label}");
            assert!(!foreign.to_string().contains(&format!("\"id\":{elsewhere},\"name\"")), "{label}: {foreign}");
        }
        let Some(role) = role else {
            nothing(label, &answer);
            nothing(label, &ask(reader, WORD, &format!("&project_id={}", s.project)).await);
            nothing(label, &ask(reader, "고양이", "").await);
            nothing(label, &ask(reader, &format!("in:\"{WORD} 광고\""), "").await);
            nothing(label, &ask(reader, &format!("from:{WORD}"), "").await);
            assert_eq!((&offers["results"], &offers["suggestion"]), (&json!([]), &Value::Null), "{label}: {offers}");
            continue;
        };
        let inside = *role <= Role::Editor;
        let mut wanted = vec![
            ("comment".to_owned(), here.comment),
            ("feedback".to_owned(), here.feedback),
            ("file".to_owned(), here.file),
            ("person".to_owned(), namesake.id.0),
            ("project".to_owned(), here.project),
        ];
        let mut counts = [1, 1, 1, 1, 1];
        if inside {
            wanted.insert(1, ("comment".to_owned(), here.internal));
            wanted.sort();
            counts[2] = 2;
        }
        assert_eq!(names(&answer["results"]), wanted, "{label}");
        assert_eq!(answer["total"], wanted.len(), "{label}");
        for (kind, count) in KINDS.iter().zip(counts) {
            let of = |list: &Value, field: &str| {
                let found = list.as_array().unwrap().iter().find(|k| k["kind"] == *kind).map(|k| k[field].clone());
                found.unwrap_or_else(|| panic!("{label}: no {kind} in {answer}"))
            };
            assert_eq!(of(&answer["facets"]["kinds"], "count"), count, "{label} {kind}");
            assert_eq!(of(&answer["groups"], "total"), count, "{label} {kind}");
            let narrowed = ask(reader, WORD, &format!("&kind={kind}")).await;
            assert_eq!((&narrowed["total"], ids(&narrowed).len()), (&json!(count), count), "{label} {kind}");
        }
        // People belong to no project of their own.
        let own = json!([{ "id": s.project, "name": format!("{WORD} 광고"), "count": wanted.len() - 1 }]);
        assert_eq!(answer["facets"]["projects"], own, "{label}");
        let open = ask(reader, WORD, "&status=open&kind=comment").await;
        assert_eq!(open["total"], counts[2], "{label}");
        // Comments have no names.
        wanted.retain(|(kind, _)| kind != "comment");
        assert_eq!(names(&offers["results"]), wanted, "{label}");

        for q in ["is:internal", "내부 메모", "rhdiddl", &format!("is:internal {WORD}")] {
            let answer = ask(reader, q, "").await;
            let found = if inside { vec![here.internal] } else { vec![] };
            assert_eq!((ids(&answer), &answer["total"]), (found.clone(), &json!(found.len())), "{label}: {q}");
        }
        let answer = ask(reader, "고양이", "").await;
        let suggested = if inside { json!("rhdiddl") } else { Value::Null };
        assert_eq!(answer["suggestion"], suggested, "{label}: {answer}");
    }
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_role_and_a_removed_member_hold_with_the_next_question() {
    let s = Studio::start("search-at-once").await;
    follow(&s);
    let here = fill(&s, &s.editor, s.project.0).await;
    let path = format!("/projects/{}/members/{}", s.project, s.viewer.id);
    let sees_internal = async || ids(&ask(&s.viewer, "내부 메모", "").await) == [here.internal];
    for _ in 0..5 {
        assert!(!sees_internal().await);
        s.editor.send(&format!("PATCH {path}"), json!({ "role": "editor" })).await.is(200);
        assert!(sees_internal().await);
        s.editor.send(&format!("PATCH {path}"), json!({ "role": "viewer" })).await.is(200);
    }
    assert_eq!(names(&ask(&s.editor, "viewer", "").await["results"]), [("person".to_owned(), s.viewer.id.0)]);
    s.editor.call(&format!("DELETE {path}")).await.is(204);
    nothing("removed", &ask(&s.viewer, WORD, "").await);
    assert_eq!(offered(&s.viewer, WORD).await["results"], json!([]));
    // Nor is he found, who shares no project any more.
    assert_eq!(ask(&s.editor, "viewer", "").await["results"], json!([]));
    assert_eq!(offered(&s.editor, "viewer").await["results"], json!([]));
    settled(&s).await;
    nothing("no longer a member", &ask(&s.editor, "viewer", "").await);
    s.join(&s.viewer, Role::Reviewer).await;
    assert_eq!(ids(&ask(&s.viewer, "자막", "").await), [here.comment]);
    settled(&s).await;
    assert_eq!(ids(&ask(&s.editor, "viewer", "").await), [s.viewer.id.0]);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_found_by_nobody_and_what_is_restored_is_found_again() {
    let s = Studio::start("search-deleted").await;
    follow(&s);
    let here = fill(&s, &s.editor, s.project.0).await;
    let manager = s.member("manager", Role::Manager).await;
    let partner = s.member("동업자", Role::Viewer).await;
    settled(&s).await;
    let everybody = [&s.editor, &manager, &s.viewer, &s.stranger];
    let before: Vec<Value> = futures(everybody.map(|who| ask(who, WORD, "&page_size=100"))).await;
    assert_eq!(before.iter().map(|a| a["total"].as_i64().unwrap()).collect::<Vec<_>>(), [5, 5, 4, 0]);

    s.editor.call(&format!("DELETE /projects/{}", here.project)).await.is(204);
    // Before the index has heard of it and afterwards.
    for _ in 0..2 {
        for who in everybody {
            nothing("deleted", &ask(who, WORD, "").await);
            nothing("deleted", &ask(who, WORD, &format!("&project_id={}", here.project)).await);
            nothing("deleted", &ask(who, "is:mine", "").await);
            // Nor its people, who share no other project.
            nothing("deleted", &ask(who, "동업자", "").await);
            assert_eq!(offered(who, WORD).await["results"], json!([]));
        }
        settled(&s).await;
    }
    s.editor.call(&format!("POST /projects/{}/restore", here.project)).await.is(200);
    settled(&s).await;
    for (who, before) in everybody.into_iter().zip(&before) {
        let after = ask(who, WORD, "&page_size=100").await;
        assert_eq!(names(&after["results"]), names(&before["results"]));
        assert_eq!((&after["total"], &after["facets"]), (&before["total"], &before["facets"]));
    }
    assert_eq!(ids(&ask(&s.editor, "동업자", "").await), [partner.id.0]);

    // A comment with its replies.
    let path = format!("POST /feedbacks/{}/comments", here.feedback);
    let root = s.editor.send(&path, json!({ "text": "회전목마 하나" })).await.is(201).id();
    for text in ["회전목마 둘", "회전목마 셋"] {
        s.editor.send(&path, json!({ "text": text, "parent_id": root })).await.is(201);
    }
    settled(&s).await;
    assert_eq!(ask(&s.viewer, "회전목마", "").await["total"], 3);
    s.editor.call(&format!("DELETE /comments/{root}")).await.is(204);
    assert_eq!(ask(&s.viewer, "회전목마", "").await["results"], json!([]));
    settled(&s).await;
    nothing("deleted", &ask(&s.viewer, "회전목마", "").await);

    // A feedback with all that is under it.
    s.editor.call(&format!("DELETE /feedbacks/{}", here.feedback)).await.is(204);
    settled(&s).await;
    for who in [&s.editor, &manager, &s.viewer] {
        let answer = ask(who, WORD, "").await;
        assert_eq!(names(&answer["results"]), [("project".to_owned(), here.project)]);
        assert_eq!(answer["total"], 1);
    }
    s.stop().await;
}

async fn futures<T>(all: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    futures_util::future::join_all(all).await
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_those_who_share_a_project_with_them() {
    let s = Studio::start("search-people").await;
    follow(&s);
    let serin = s.person("오세린").await;
    let hayun = s.person("배하윤").await;
    let place = serin.send("POST /projects", json!({ "name": "둘의 것" })).await.is(201).id();
    let join = json!({ "user_id": hayun.id, "role": "viewer" });
    serin.send(&format!("POST /projects/{place}/members"), join).await.is(201);
    settled(&s).await;
    let person = |who: &Someone| vec![("person".to_owned(), who.id.0)];
    assert_eq!(names(&ask(&serin, "배하윤", "").await["results"]), person(&hayun));
    assert_eq!(names(&ask(&hayun, "오세", "").await["results"]), person(&serin));
    assert_eq!(names(&offered(&hayun, "오세").await["results"]), person(&serin));
    // By his initials as well.
    assert_eq!(names(&offered(&serin, "ㅂㅎㅇ").await["results"]), person(&hayun));
    for who in [&s.editor, &s.viewer, &s.stranger] {
        for q in ["배하윤", "오세린", "from:배하윤", "kind:person 배하윤"] {
            nothing(q, &ask(who, q, "").await);
        }
        assert_eq!(offered(who, "배하").await, json!({ "results": [], "suggestion": null }));
    }
    // Who is locked is not found; his work is.
    let admin = Viewer::of_token(&s.app, &s.editor.token).await.unwrap().unwrap();
    accounts::set_locked(&s.app, &admin, hayun.id, true).await.unwrap();
    assert_eq!(ask(&serin, "배하윤", "").await["results"], json!([]));
    assert_eq!(offered(&serin, "배하윤").await["results"], json!([]));
    settled(&s).await;
    nothing("locked", &ask(&serin, "배하윤", "").await);
    accounts::set_locked(&s.app, &admin, hayun.id, false).await.unwrap();
    settled(&s).await;
    assert_eq!(names(&ask(&serin, "배하윤", "").await["results"]), person(&hayun));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_its_new_owners_own_after_it_was_handed_over() {
    let s = Studio::start("search-handed").await;
    follow(&s);
    let heir = s.member("후계자", Role::Manager).await;
    settled(&s).await;
    let own = async |who: &Someone| ids(&ask(who, "kind:project is:mine", "").await);
    assert_eq!((own(&s.editor).await, own(&heir).await), (vec![s.project.0], vec![]));
    let line = format!("PATCH /projects/{}/members/{}", s.project, heir.id);
    s.editor.send(&line, json!({ "role": "owner" })).await.is(200);
    settled(&s).await;
    assert_eq!((own(&s.editor).await, own(&heir).await), (vec![], vec![s.project.0]));
    s.stop().await;
}

/// What an answer tells beside its rows.
fn counted(answer: &Value) -> Value {
    let groups: Vec<_> = answer["groups"].as_array().unwrap().iter().map(|g| json!([g["kind"], g["total"]])).collect();
    json!([answer["total"], answer["facets"], groups, names(&answer["results"])])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_comment_is_found_by_its_words_and_by_its_author_alone_as_his() {
    const NICKNAME: &str = "숨은저자";
    let s = Studio::start("search-anonymous").await;
    follow(&s);
    let author = s.member(NICKNAME, Role::Reviewer).await;
    let mut others = vec![s.editor.clone(), s.viewer.clone()];
    for role in [Role::Manager, Role::Editor, Role::Reviewer] {
        others.push(s.member(&format!("another-{role}"), role).await);
    }
    let path = format!("POST /feedbacks/{}/comments", s.feedback);
    let public = author.send(&path, json!({ "text": "고래 자막이 빨라요" })).await.is(201).id();
    settled(&s).await;

    // What points at him tells everybody else the same with the anonymous comment and without it.
    let pointers = [
        format!("from:{NICKNAME}"),
        format!("작성자:{NICKNAME}"),
        format!("from:{NICKNAME} 고래"),
        format!("from:{NICKNAME} kind:comment is:open"),
        format!("from:{NICKNAME} has:time"),
        format!("from:{NICKNAME} is:anonymous"),
        NICKNAME.to_owned(),
        format!("{NICKNAME} 지루"),
        "is:mine".to_owned(),
        "is:mine 고래".to_owned(),
        "from:me 지루".to_owned(),
    ];
    let mut before = Vec::new();
    for who in &others {
        for q in &pointers {
            before.push(counted(&ask(who, q, "").await));
        }
    }
    let secret = json!({ "text": "고래 장면은 지루합니다", "security": true, "start_ms": 55_000 });
    let hidden = author.send(&path, secret).await.is(201).id();
    settled(&s).await;
    let mut before = before.into_iter();
    for who in &others {
        let answer = ask(who, "고래", "").await;
        assert_eq!(answer["total"], 2);
        let hit = answer["results"].as_array().unwrap().iter().find(|h| h["id"] == hidden).unwrap();
        assert_eq!((&hit["user"], &hit["is_mine"]), (&Value::Null, &json!(false)));
        assert_eq!(ids(&ask(who, "지루합니다 is:anonymous", "").await), [hidden]);
        for q in &pointers {
            let answer = ask(who, q, "").await;
            assert_eq!(counted(&answer), before.next().unwrap(), "{q}");
            assert!(!answer.to_string().contains("지루합니다"), "{q}: {answer}");
        }
    }
    for q in [format!("from:{NICKNAME} 고래"), "is:mine 고래".into(), "from:me 고래".into(), "from:나 고래".into()]
    {
        let mut found = ids(&ask(&author, &q, "").await);
        found.sort();
        assert_eq!(found, [public, hidden], "{q}");
    }
    let own = ask(&author, "지루합니다", "").await;
    let own = &own["results"][0];
    assert_eq!((&own["user"]["nickname"], &own["is_mine"]), (&json!(NICKNAME), &json!(true)));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_away_finds_nothing_from_that_moment() {
    let s = Studio::start("search-unnamed").await;
    follow(&s);
    let author = s.member("숨은저자", Role::Reviewer).await;
    let path = format!("POST /feedbacks/{}/comments", s.feedback);
    for i in 0..8 {
        let id = author.send(&path, json!({ "text": format!("고래 {i}번 장면") })).await.is(201).id();
        settled(&s).await;
        assert_eq!(ids(&ask(&s.viewer, "from:숨은저자 고래", "").await), [id]);
        author.send(&format!("PATCH /comments/{id}"), json!({ "security": true })).await.is(200);
        // The index has not heard of it yet.
        let answer = ask(&s.viewer, "from:숨은저자 고래", "").await;
        assert_eq!((&answer["results"], &answer["groups"]), (&json!([]), &json!([])), "{answer}");
        assert!(ids(&ask(&author, "from:숨은저자 고래", "").await).contains(&id));
        settled(&s).await;
        nothing("without a name", &ask(&s.viewer, "from:숨은저자 고래", "").await);
        assert_eq!(ask(&s.viewer, "고래", "").await["total"], i + 1);
    }
    s.stop().await;
}
