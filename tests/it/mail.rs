//! Mail, with a real mail server on the other side: what letters say, what a server's answers lead to, and that nothing
//! is lost or told twice when the program is killed at the worst moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use videoplanet::base::clock::{Clock, HOUR, MINUTE, Time};
use videoplanet::base::job::Job;
use videoplanet::base::roles::Role;
use videoplanet::domain::accounts::Viewer;
use videoplanet::domain::notices;
use videoplanet::domain::notices::mails::{self, Mail, MailState};

use crate::answer::Answer;
use crate::clips::Dir;
use crate::crash::{Server, program};
use crate::postbox::{Mood, Postbox};
use crate::studio::{Someone, Studio};

impl Studio {
    /// Writes a comment; answers its id.
    pub async fn says(&self, who: &Someone, body: Value) -> i64 {
        who.send(&format!("POST /feedbacks/{}/comments", self.feedback), body).await.is(201).id()
    }

    /// Lets jobs run, with nothing told of how the studio came to be.
    async fn begin_quietly(&self) {
        self.app.store.write(notices::skip).await.unwrap();
        self.work_by_hand().await;
    }

    async fn mails(&self) -> Vec<Mail> {
        self.app.read(|db| mails::log(db, None, 100)).await.unwrap()
    }

    /// Waits until the newest mail stands so.
    async fn mail_is(&self, state: MailState) -> Mail {
        for _ in 0..1200 {
            if let Some(mail) = self.mails().await.into_iter().next()
                && mail.state == state
            {
                return mail;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("never {state}: {:?}", self.mails().await);
    }
}

/// Wants mails of these kinds so, and of no other.
async fn wants(who: &Someone, kinds: &[(&str, &str)]) {
    let all = who.call("GET /me/notifications").await.is(200).body;
    let mut wanted = all.clone();
    for (kind, wish) in wanted["kinds"].as_object_mut().unwrap() {
        let mode = kinds.iter().find(|(k, _)| k == kind).map_or("off", |(_, mode)| mode);
        wish["mail"] = json!(mode);
    }
    who.send("PUT /me/notifications", wanted).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_says_what_happened_and_how_to_hear_no_more_of_it() {
    let post = Postbox::open().await;
    let s = Studio::with("mail-letter", post.settings()).await;
    s.begin_quietly().await;
    wants(&s.viewer, &[("mention", "now")]).await;
    s.viewer.send("PATCH /me", json!({ "locale": "ko" })).await.is(200);
    s.says(&s.editor, json!({ "text": "@viewer님 00:42 자막에 <b>오타</b>가 있습니다" })).await;
    let letters = post.have(1).await;
    let letter = &letters[0];
    assert_eq!(letter.to, "viewer@example.com");
    assert_eq!(letter.subject, "[가을 광고] editor 님이 ‘1차 시사’의 의견에서 회원님을 언급했습니다");
    assert!(letter.text.contains("자막에 <b>오타</b>가 있습니다"), "{}", letter.text);
    assert!(
        letter.html.contains("자막에 &#60;b&#62;오타") || letter.html.contains("자막에 &lt;b&gt;오타"),
        "{}",
        letter.html
    );
    assert!(letter.text.contains(&format!("https://review.example.com/feedbacks/{}?c=", s.feedback)));
    assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
    assert_eq!(letter.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert!(letter.id.starts_with("mail-") && letter.id.ends_with("@example.com"), "{}", letter.id);
    assert_eq!(s.mail_is(MailState::Sent).await.subject, letter.subject);

    // Looking at the link ends nothing, one click does; a link that somebody has made up is none.
    let link = letter.header("List-Unsubscribe").trim_matches(['<', '>']).to_owned();
    assert!(letter.text.contains(&link));
    let here = link.replace("https://review.example.com", &s.url);
    s.app.setup.done();
    let client = Client::new();
    let page = client.get(&here).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("method=\"post\""));
    let wish = async || s.viewer.call("GET /me/notifications").await.body["kinds"]["mention"].clone();
    assert_eq!(wish().await, json!({ "app": true, "mail": "now" }));
    for bad in [here.replace(".mention.", ".decision."), format!("{here}0"), format!("{}/unsubscribe/1", s.url)] {
        assert_eq!(client.post(&bad).send().await.unwrap().status(), 404, "{bad}");
    }
    let click = client.post(&here).body("List-Unsubscribe=One-Click");
    assert_eq!(click.send().await.unwrap().status(), 200);
    assert_eq!(wish().await, json!({ "app": true, "mail": "off" }));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_and_a_reset_code_arrive_and_work() {
    let post = Postbox::open().await;
    let s = Studio::with("mail-links", post.settings()).await;
    s.begin_quietly().await;
    let line = format!("POST /projects/{}/invitations", s.project);
    let body = json!({ "email": "new@example.com", "role": "reviewer" });
    let made = s.editor.send(&line, body).await.is(201).body;
    let letters = post.have(1).await;
    assert_eq!((letters[0].to.as_str(), letters[0].header("List-Unsubscribe").as_str()), ("new@example.com", ""));
    // The link of the mail is the one that the inviter saw, and it works.
    let link = letters[0].after("https://review.example.com/invite/");
    assert_eq!(link, made["link"].as_str().unwrap());
    let key = link.rsplit('/').next().unwrap();
    let new = json!({ "email": "new@example.com", "nickname": "새 사람", "password": "correct horse battery",
        "invitation": key });
    let client = Client::new();
    Answer::of(client.post(format!("{}/api/v1/auth/signup", s.url)).json(&new)).await.is(201);

    let forgot = async |email: &str| {
        let body = json!({ "email": email });
        Answer::of(client.post(format!("{}/api/v1/auth/password/forgot", s.url)).json(&body)).await.is(202)
    };
    forgot("nobody@example.com").await;
    forgot("viewer@example.com").await;
    forgot("viewer@example.com").await;
    let letters = post.have(2).await;
    let reset = letters.iter().find(|l| l.to == "viewer@example.com").unwrap();
    let url = reset.after("https://review.example.com/reset?");
    let code = url.rsplit("code=").next().unwrap().to_owned();
    assert!(reset.text.contains(&format!("    {code}")));
    let body = json!({ "email": "viewer@example.com", "code": code, "password": "another horse battery" });
    let request = || client.post(format!("{}/api/v1/auth/password/reset", s.url)).json(&body);
    Answer::of(request()).await.is(204);
    Answer::of(request()).await.is(422);
    // Asked twice within a minute is mailed once; a stranger's address not at all.
    notices::caught_up(&s.app).await.unwrap();
    assert_eq!(s.mails().await.len(), 2);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_refuses_or_hangs() {
    let post = Postbox::open().await;
    let settings = post.settings();
    let s = Studio::with("mail-moods", |c| {
        settings(c);
        c.mail.timeout_s = 1;
    })
    .await;
    s.begin_quietly().await;
    wants(&s.viewer, &[("mention", "now")]).await;
    let name = async || s.says(&s.editor, json!({ "text": "@viewer 봐 주세요" })).await;

    post.feel(Mood::Refuses);
    name().await;
    let mail = s.mail_is(MailState::Failed).await;
    assert!(mail.error.unwrap().contains("5.1.1 no such mailbox here"));
    assert_eq!((mail.attempts, post.letters().len()), (1, 0));

    // Somebody has mended it: the admin lets it go again.
    post.feel(Mood::Takes);
    let who = Viewer::of_token(&s.app, &s.editor.token).await.unwrap().unwrap();
    mails::resend(&s.app, &who, mail.id).await.unwrap();
    post.have(1).await;
    s.mail_is(MailState::Sent).await;

    post.feel(Mood::Later);
    name().await;
    let tried = async || {
        for _ in 0..1200 {
            let mail = s.mails().await.into_iter().next().unwrap();
            if mail.attempts > 0 && mail.state == MailState::Waiting {
                return mail;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("never tried");
    };
    let mail = tried().await;
    assert_eq!(mail.state, MailState::Waiting);
    assert!(mail.error.unwrap().contains("4.3.0 try again later"));
    post.feel(Mood::Takes);
    post.have(2).await;
    assert_eq!(s.mail_is(MailState::Sent).await.attempts, 2);

    post.feel(Mood::Silent);
    name().await;
    let mail = tried().await;
    assert_eq!((mail.state, post.letters().len()), (MailState::Waiting, 2), "{mail:?}");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gathered_mail_comes_at_its_hour_and_lets_people_sleep() {
    let post = Postbox::open().await;
    // 10:20 in Seoul.
    let clock = Clock::set_at(Time::parse("2026-11-24T01:20:00Z").unwrap().0);
    let settings = post.settings();
    let s = Studio::opened("mail-digest", clock.clone(), |c| {
        settings(c);
        c.accounts.session_days = 3650;
    })
    .await;
    s.begin_quietly().await;
    s.make_reviewer().await;
    wants(&s.editor, &[]).await;
    wants(&s.viewer, &[("comment_added", "hourly"), ("decision", "daily"), ("mention", "now")]).await;
    s.says(&s.viewer, json!({ "text": "첫 의견" })).await;
    for text in ["하나", "둘"] {
        s.says(&s.editor, json!({ "text": text })).await;
        // No burst, when each is told in its time: two notices.
        notices::caught_up(&s.app).await.unwrap();
        clock.advance(11 * MINUTE);
    }
    assert_eq!(s.ran(Job::SendDigests).await["mails"], 0);
    clock.advance(HOUR);
    assert_eq!(s.ran(Job::SendDigests).await["mails"], 1);
    let letters = post.have(1).await;
    assert!(letters[0].text.contains("하나") && letters[0].text.contains("둘"), "{}", letters[0].text);
    assert_eq!(letters[0].subject, "2 new notifications");
    assert_eq!(s.ran(Job::SendDigests).await["mails"], 0);

    // What was read in the meantime is not mailed.
    s.says(&s.editor, json!({ "text": "셋" })).await;
    notices::caught_up(&s.app).await.unwrap();
    s.viewer.send("POST /notifications/read-all", json!({})).await.is(200);
    clock.advance(HOUR);
    assert_eq!(s.ran(Job::SendDigests).await["mails"], 0);

    // At night even what is for now waits for the morning, and comes in one mail.
    let mut wanted = s.viewer.call("GET /me/notifications").await.body;
    wanted["quiet"] = json!({ "from": "12:00", "to": "20:00", "zone": "Asia/Seoul" });
    s.viewer.send("PUT /me/notifications", wanted).await.is(200);
    for text in ["@viewer 급합니다", "@viewer 정말로요"] {
        s.says(&s.editor, json!({ "text": text })).await;
    }
    notices::caught_up(&s.app).await.unwrap();
    assert_eq!(s.ran(Job::SendDigests).await["mails"], 0);
    clock.advance(9 * HOUR);
    assert_eq!(s.ran(Job::SendDigests).await["mails"], 1);
    let letters = post.have(2).await;
    assert!(letters[1].text.contains("급합니다") && letters[1].text.contains("정말로요"));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_tells_nothing_that_may_not_be_seen_any_more() {
    let post = Postbox::open().await;
    let s = Studio::with("mail-rights", post.settings()).await;
    s.begin_quietly().await;
    wants(&s.viewer, &[("mention", "now")]).await;
    post.feel(Mood::Later);
    s.says(&s.editor, json!({ "text": "@viewer 비밀이 될 이야기" })).await;
    for _ in 0..400 {
        if s.mails().await.first().is_some_and(|m| m.attempts > 0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    s.drop_viewer().await;
    post.feel(Mood::Takes);
    s.mail_is(MailState::Cancelled).await;
    assert_eq!(post.letters().len(), 0);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_the_admin_has_the_link() {
    let s = Studio::with("mail-none", |c| c.server.public_url = "https://review.example.com".into()).await;
    s.app.setup.done();
    s.begin_quietly().await;
    let line = format!("POST /projects/{}/invitations", s.project);
    let made = s.editor.send(&line, json!({ "email": "new@example.com", "role": "viewer" })).await.is(201).body;
    notices::caught_up(&s.app).await.unwrap();
    let mail = s.mail_is(MailState::Held).await;
    assert_eq!(mail.address, "new@example.com");
    let page = crate::admin::open(&s, &s.editor, "/admin/notices?state=held").await.text().await.unwrap();
    assert!(page.contains(made["link"].as_str().unwrap()), "{page}");
    // Nothing else is written that nobody could send, and nobody is told that there is a server.
    s.says(&s.editor, json!({ "text": "@viewer 봐 주세요" })).await;
    notices::caught_up(&s.app).await.unwrap();
    assert_eq!(s.mails().await.len(), 1);
    let tested = crate::admin::send(&s, &s.editor, "/admin/notices/test", &[]).await;
    assert_eq!(tested.status(), 409);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_tries_the_server() {
    let post = Postbox::open().await;
    let settings = post.settings();
    let s = Studio::with("mail-test", |c| {
        settings(c);
        c.server.public_url = String::new();
    })
    .await;
    s.app.setup.done();
    s.begin_quietly().await;
    // Without an address for links nothing goes out.
    wants(&s.viewer, &[("mention", "now")]).await;
    s.says(&s.editor, json!({ "text": "@viewer 봐 주세요" })).await;
    assert_eq!(s.mail_is(MailState::Held).await.error.as_deref(), Some("no_address"));
    assert_eq!(crate::admin::send(&s, &s.editor, "/admin/notices/test", &[]).await.status(), 303);
    let letters = post.have(1).await;
    assert_eq!(letters[0].to, "editor@example.com");
    assert!(letters[0].text.contains(&s.url), "{}", letters[0].text);
    s.stop().await;
}

/// Killed between commit and send, and between send and mark, again and again: every mail arrives, is marked, twice only
/// under the same id; and nobody is told twice in the program. `VP_NOTICE_KILLS` says how often.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_the_worst_moment_every_mail_arrives() {
    let rounds: u64 = std::env::var("VP_NOTICE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let post = Postbox::open().await;
    let s = Studio::start("mail-kills").await;
    let (project, feedback, dir) = (s.project, s.feedback, Dir::new("mail-kills-data"));
    wants(&s.viewer, &[("mention", "now")]).await;
    s.member("spare", Role::Reviewer).await;
    s.app.close().await;
    let data = dir.path().join("data");
    copy(&s.dir.path().join("data"), &data);
    drop(s);
    let settings = [
        "mail.host=127.0.0.1".to_owned(),
        format!("mail.port={}", post.port),
        "mail.security=none".into(),
        "mail.from=review@example.com".into(),
        "server.public_url=https://review.example.com".into(),
    ];
    let serve = async || {
        let mut command = program(&data);
        for pair in &settings {
            command.args(["--set", pair]);
        }
        Server::launch(command).await
    };
    let mut said = BTreeSet::new();
    for round in 0..rounds {
        // Even rounds: the server has the letter and has not said so when the program dies.
        post.feel(if round % 2 == 0 { Mood::Slow(60_000) } else { Mood::Takes });
        let server = serve().await;
        let before = post.letters().len();
        for n in 0..3 {
            let text = format!("@viewer 의견 {round}-{n}");
            let body = json!({ "text": text, "client_id": format!("c-{round}-{n}") });
            let path = format!("/feedbacks/{feedback}/comments");
            assert_eq!(server.ask(Method::POST, &path).json(&body).send().await.unwrap().status(), 201);
            said.insert(text);
        }
        if round % 2 == 0 {
            post.have(before + 1).await;
        } else {
            tokio::time::sleep(Duration::from_millis(round * 7 % 40)).await;
        }
        server.kill();
    }
    post.feel(Mood::Takes);
    let server = serve().await;
    let mut waiting = usize::MAX;
    for _ in 0..2400 {
        let texts: String = post.letters().iter().map(|l| l.text.clone()).collect();
        waiting = said.iter().filter(|text| !texts.contains(*text)).count();
        if waiting == 0 && marked(&server).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(waiting, 0);
    assert!(marked(&server).await);
    // The same words under another id would be another mail.
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for letter in post.letters() {
        for text in said.iter().filter(|text| letter.text.contains(*text)) {
            ids.entry(text.clone()).or_default().insert(letter.id.clone());
        }
    }
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
    let login = json!({ "email": "viewer@example.com", "password": "correct horse battery" });
    let token = server.json(server.ask(Method::POST, "/auth/login").json(&login)).await["token"].clone();
    let path = format!("/notifications?page_size=100&kind=mention&project_id={project}");
    let told = server.json(server.ask_as(token.as_str().unwrap(), Method::GET, &path)).await;
    assert_eq!(told["results"].as_array().unwrap().len(), said.len().min(100));
}

/// Is no mail on its way? As the dashboard says it.
async fn marked(server: &Server) -> bool {
    let request = Client::new().get(format!("{}/admin/notices?state=waiting", server.url));
    let page = request.header("cookie", format!("vp_session={}", server.token())).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("/admin/notices?state=sent"), "{page}");
    !page.contains("viewer@example.com")
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
