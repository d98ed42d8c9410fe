//! Settings changed in the browser: at once or after a restart, checked, pinned, asked about; secrets go in and never
//! come out.

use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde_json::Value;
use videoplanet::base::event::{Event, SettingChange};
use videoplanet::base::job::Lane;
use videoplanet::config;
use videoplanet::domain::settings;
use videoplanet::engines::store::params;

use crate::admin::{journal, open, send, studio};
use crate::crash::{Server, fresh, program};
use crate::postbox::Postbox;
use crate::studio::{Studio, header};

const HERE: &str = "/admin/settings";

/// What a browser sends when these fields were changed: each with what it was made from.
fn form<'a>(studio: &Studio, fields: &[(&'a str, &'a str)]) -> Vec<(String, String)> {
    let layers = &studio.app.settings().layers;
    let mut sent = Vec::new();
    for (name, typed) in fields {
        let setting = config::find(name).unwrap();
        sent.push((format!("was.{name}"), settings::stands(&studio.app, layers, setting)));
        // A switch that is off is not sent.
        if *typed != "off" {
            sent.push((name.to_string(), typed.to_string()));
        }
    }
    sent
}

async fn post(studio: &Studio, fields: &[(String, String)]) -> Response {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    send(studio, &studio.editor, HERE, &fields).await
}

/// Changes settings as the admin, and says yes where he is asked.
async fn set(studio: &Studio, fields: &[(&str, &str)]) {
    let mut fields = form(studio, fields);
    fields.push(("sure".into(), "1".into()));
    let answer = post(studio, &fields).await;
    assert_eq!(header(&answer, "location"), "/admin/settings?done=settings_kept", "{}", answer.status());
}

async fn page(studio: &Studio, query: &str) -> String {
    open(studio, &studio.editor, &format!("{HERE}{query}")).await.text().await.unwrap()
}

/// The page's part of one setting.
fn row<'a>(page: &'a str, name: &str) -> &'a str {
    let from = page.find(&format!("id=\"{name}\"")).unwrap_or_else(|| panic!("no row {name}"));
    let rest = &page[from..];
    &rest[..rest.find("<div class=\"setting\"").or_else(|| rest.find("</section>")).unwrap_or(rest.len())]
}

async fn changes(studio: &Studio) -> Vec<(Option<i64>, Vec<SettingChange>)> {
    let of = |(actor, event)| match event {
        Event::SettingsChanged { changes } => Some((actor, changes)),
        _ => None,
    };
    journal(studio).await.into_iter().filter_map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_change_holds_at_once() {
    let studio = studio("settings-live").await;
    studio.work().await;
    set(&studio, &[("media.jobs", "3"), ("limits.local", "true"), ("limits.reads", "77")]).await;

    assert_eq!(header(&studio.viewer.get("/me").await, "ratelimit-limit"), "77");
    let media = studio.app.queue.lanes().into_iter().find(|l| l.lane == Lane::Media).unwrap();
    assert_eq!(media.places, 3);

    // Where other front ends may call from.
    let from = |origin: &'static str| {
        let ask = studio.viewer.ask(Method::GET, "/me").header("origin", origin);
        async move { ask.send().await.unwrap().headers().get("access-control-allow-origin").cloned() }
    };
    assert_eq!(from("https://app.example.com").await, None);
    set(&studio, &[("server.cors_origins", "https://app.example.com, https://b.example.com")]).await;
    assert_eq!(from("https://app.example.com").await.unwrap(), "https://app.example.com");
    assert_eq!(from("https://c.example.com").await, None);

    // How large uploads may be, told by the protocol.
    set(&studio, &[("media.max_upload_bytes", "3 GiB")]).await;
    let options = studio.editor.tus(Method::OPTIONS, "/uploads").send().await.unwrap();
    assert_eq!(header(&options, "tus-max-size"), (3u64 << 30).to_string());

    let seat = |n: usize| {
        let (nickname, address) = (format!("{n}"), [127, 0, 0, 1].into());
        let session = videoplanet::base::ids::SessionId(0);
        let person =
            videoplanet::engines::hub::Person { user: studio.viewer.id, nickname, session, address, team: false };
        studio.app.hub.join(videoplanet::engines::hub::Place::Project(studio.project), person)
    };
    let (_one, _two) = (seat(1).unwrap(), seat(2).unwrap());
    set(&studio, &[("rooms.per_user", "2")]).await;
    assert!(seat(3).is_err(), "two seats are enough now");

    // The schedule's zone, where nobody has said otherwise.
    set(&studio, &[("schedule.time_zone", "Europe/Paris")]).await;
    let rows = studio.app.read(videoplanet::engines::schedule::list).await.unwrap();
    assert!(rows.iter().all(|row| row.time_zone == "Europe/Paris"));

    // What an admin has said is taken back: what stands below holds again.
    let page = page(&studio, "").await;
    assert!(row(&page, "media.jobs").contains("from-ui") && row(&page, "media.jobs").contains("revert"));
    assert!(row(&page, "rooms.queue").contains("from-default") && !row(&page, "rooms.queue").contains("\"revert\""));
    let answer = post(&studio, &[("revert".into(), "media.jobs 3".into())]).await;
    assert_eq!(header(&answer, "location"), "/admin/settings?done=settings_kept");
    assert_eq!(studio.app.config().media.jobs, 1);
    let media = studio.app.queue.lanes().into_iter().find(|l| l.lane == Lane::Media).unwrap();
    assert_eq!(media.places, 1);

    let told = changes(&studio).await;
    let first = &told[0];
    assert_eq!(first.0, Some(studio.editor.id.0));
    let jobs = first.1.iter().find(|c| c.name == "media.jobs").unwrap();
    assert_eq!((jobs.before.as_str(), jobs.after.as_str(), jobs.reverted), ("1", "3", false));
    let last = &told.last().unwrap().1[0];
    assert_eq!((last.before.as_str(), last.after.as_str(), last.reverted), ("3", "1", true));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_is_there_as_soon_as_it_is_set() {
    let studio = studio("settings-mail").await;
    studio.work().await;
    let postbox = Postbox::open().await;
    assert_eq!(send(&studio, &studio.editor, "/admin/notices/test", &[]).await.status(), 409);
    let port = postbox.port.to_string();
    let fields = [
        ("mail.host", "127.0.0.1"),
        ("mail.port", port.as_str()),
        ("mail.security", "none"),
        ("mail.from", "Studio <studio@example.com>"),
        ("server.public_url", "https://review.example.com"),
    ];
    // One without the other is no mail server.
    let refused = post(&studio, &form(&studio, &fields[..3])).await;
    assert_eq!(refused.status(), 422);
    assert!(row(&refused.text().await.unwrap(), "mail.from").contains("class=\"problem\""));
    set(&studio, &fields).await;
    let tested = send(&studio, &studio.editor, "/admin/notices/test", &[]).await;
    assert_eq!(header(&tested, "location"), "/admin/notices?done=mail_tested");
    let letter = postbox.have(1).await.remove(0);
    assert_eq!(letter.to, "editor@example.com");
    assert!(letter.header("From").contains("<studio@example.com>"), "{}", letter.header("From"));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_needs_a_restart_waits_for_it() {
    let studio = studio("settings-restart").await;
    set(&studio, &[("cache.l1_mib", "64"), ("log.json", "true")]).await;
    assert_eq!(studio.app.config().cache.l1_mib, 32);
    let shown = page(&studio, "?only=restart").await;
    assert!(shown.contains("settings-later"), "{shown}");
    assert!(shown.contains("id=\"media.jobs\" hidden") && !shown.contains("id=\"cache.l1_mib\" hidden"));
    assert!(row(&shown, "cache.l1_mib").contains("Now 32, after a restart 64"), "{}", row(&shown, "cache.l1_mib"));
    let studio = studio.restart().await;
    studio.app.setup.done();
    assert_eq!((studio.app.config().cache.l1_mib, studio.app.config().log.json), (64, true));
    let shown = page(&studio, "").await;
    assert!(!shown.contains("settings-later") && row(&shown, "cache.l1_mib").contains("from-ui"));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_value_is_refused_by_its_name_and_nothing_changes() {
    let studio = studio("settings-bad").await;
    let before = studio.app.config();
    let cases: [(&[(&str, &str)], &str); 9] = [
        (&[("media.jobs", "0"), ("limits.reads", "50")], "media.jobs"),
        (&[("media.jobs", "many")], "media.jobs"),
        (&[("media.jobs", "")], "media.jobs"),
        (&[("accounts.signup", "sometimes")], "accounts.signup"),
        (&[("schedule.time_zone", "Mars/Olympus")], "schedule.time_zone"),
        (&[("server.public_url", "javascript:alert(1)")], "server.public_url"),
        (&[("storage.announce_days", "31")], "storage.announce_days"),
        (&[("storage.closed_days", "5")], "storage.announce_days"),
        (&[("server.bind", "0.0.0.0:1")], "server.bind"),
    ];
    for (fields, wrong) in cases {
        let mut sent = form(&studio, fields);
        sent.push(("sure".into(), "1".into()));
        let answer = post(&studio, &sent).await;
        assert_eq!(answer.status(), 422, "{fields:?}");
        let shown = answer.text().await.unwrap();
        assert!(row(&shown, wrong).contains("class=\"problem\""), "{fields:?}: {}", row(&shown, wrong));
        // What was typed is still there, to be mended.
        if let [(name, typed), ..] = fields
            && *name == "media.jobs"
        {
            assert!(row(&shown, name).contains(&format!("value=\"{typed}\"")), "{}", row(&shown, name));
        }
    }
    assert_eq!(*studio.app.config(), *before);
    assert_eq!(changes(&studio).await, vec![]);
    assert_eq!(studio.app.read(|db| db.settings("config.")).await.unwrap(), vec![]);
    // What is no setting is not heard, and what did not change is no change.
    let same = post(&studio, &[("was.media.sparkle".into(), "1".into()), ("media.sparkle".into(), "2".into())]).await;
    assert_eq!(header(&same, "location"), "/admin/settings?done=settings_same");
    assert_eq!(changes(&studio).await, vec![]);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_hurt_is_asked_about_first() {
    let studio = studio("settings-sure").await;
    let fields = form(&studio, &[("journal.keep_days", "30"), ("media.jobs", "2"), ("limits.local", "off")]);
    let asked = post(&studio, &fields).await;
    assert_eq!(asked.status(), 200);
    let shown = asked.text().await.unwrap();
    assert!(shown.contains("cannot be taken back") && shown.contains("name=\"was.media.jobs\" value=\"1\""), "{shown}");
    assert!(!shown.contains("limits.local"), "what does not change is not asked about");
    assert_eq!(studio.app.config().journal.keep_days, 365);
    set(&studio, &[("journal.keep_days", "30"), ("media.jobs", "2")]).await;
    assert_eq!((studio.app.config().journal.keep_days, studio.app.config().media.jobs), (30, 2));
    // Keeping more needs no question; neither does taking that back, unless less is kept then.
    let more = post(&studio, &form(&studio, &[("journal.keep_days", "0")])).await;
    assert_eq!(header(&more, "location"), "/admin/settings?done=settings_kept");
    let back = post(&studio, &[("revert".into(), "journal.keep_days 0".into())]).await;
    assert!(back.text().await.unwrap().contains("name=\"revert\" value=\"journal.keep_days 0\""));
    assert_eq!(studio.app.config().journal.keep_days, 0);

    // A password that is kept does not go to another machine without a word.
    set(&studio, &[("mail.host", "mail.example.com"), ("mail.from", "a@example.com"), ("mail.password", "pa55")]).await;
    let moved = form(&studio, &[("mail.host", "elsewhere.example.com")]);
    let shown = post(&studio, &moved).await.text().await.unwrap();
    assert!(shown.contains("will be sent to this machine"), "{shown}");
    // A secret that is part of what is asked about is typed again: no page holds it.
    let both = form(&studio, &[("mail.security", "none"), ("mail.password", "another-pa55")]);
    let shown = post(&studio, &both).await.text().await.unwrap();
    assert!(shown.contains("type=\"password\"") && !shown.contains("another-pa55"), "{shown}");
    assert_eq!(studio.app.config().mail.password, "pa55");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_edit_at_once_do_not_overwrite_each_other() {
    let studio = studio("settings-stale").await;
    let (mine, other) = (form(&studio, &[("media.jobs", "4")]), form(&studio, &[("notices.daily_hour", "7")]));
    set(&studio, &[("media.jobs", "2")]).await;
    let refused = post(&studio, &mine).await;
    assert_eq!(refused.status(), 409);
    let shown = refused.text().await.unwrap();
    let jobs = row(&shown, "media.jobs");
    assert!(jobs.contains("It is now: 2") && jobs.contains("value=\"4\"") && jobs.contains("value=\"2\""), "{jobs}");
    assert_eq!(studio.app.config().media.jobs, 2);
    // The same with a button that was drawn before, and with a secret.
    assert_eq!(post(&studio, &[("revert".into(), "media.jobs 1".into())]).await.status(), 409);
    let secret = form(&studio, &[("model.key", "mine")]);
    set(&studio, &[("model.key", "theirs")]).await;
    assert_eq!(post(&studio, &secret).await.status(), 409);
    assert_eq!(studio.app.config().model.key, "theirs");
    // Another setting is not in the way.
    assert_eq!(header(&post(&studio, &other).await, "location"), "/admin/settings?done=settings_kept");
    // Many at once from the same page: one of them is first.
    let each: Vec<_> = (10..18).map(|n| form(&studio, &[("media.jobs", &n.to_string())])).collect();
    let answers = futures_util::future::join_all(each.iter().map(|fields| post(&studio, fields))).await;
    let kept = answers.iter().filter(|a| a.status() == 303).count();
    assert_eq!((kept, answers.iter().filter(|a| a.status() == 409).count()), (1, 7));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_and_does_not_change() {
    let studio = studio("settings-operator").await;
    studio.operate(&studio.viewer).await;
    set(&studio, &[("media.jobs", "2")]).await;
    let shown = open(&studio, &studio.viewer, HERE).await.text().await.unwrap();
    assert!(row(&shown, "media.jobs").contains("from-ui") && shown.contains("id=\"mail.password\""));
    for button in ["name=\"was.", "name=\"revert\"", "settings-bar"] {
        assert!(!shown.contains(button), "{button}");
    }
    let fields = form(&studio, &[("media.jobs", "3")]);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(send(&studio, &studio.viewer, HERE, &fields).await.status(), 403);
    assert_eq!(send(&studio, &studio.stranger, HERE, &fields).await.status(), 404);
    assert_eq!(studio.app.config().media.jobs, 2);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_setting_that_is_no_good_any_more_does_not_stop_the_start() {
    let studio = studio("settings-unknown").await;
    set(&studio, &[("media.jobs", "2")]).await;
    let odd = |tx: &mut videoplanet::engines::store::Tx| {
        tx.set_setting("config.media.sparkle", "true")?;
        tx.set_setting("config.media.proxy_crf", "\"best\"")?;
        tx.set_setting("config.server.bind", "\"127.0.0.1:1\"")?;
        tx.set_setting("config.limits.reads", "][")
    };
    studio.app.store.write(odd).await.unwrap();
    let studio = studio.restart().await;
    studio.app.setup.done();
    let config = studio.app.config();
    assert_eq!((config.media.jobs, config.media.proxy_crf, config.limits.reads), (2, 23, 1200));
    let shown = page(&studio, "").await;
    assert!(row(&shown, "media.proxy_crf").contains("from-default"));
    // It can be set anew.
    set(&studio, &[("media.proxy_crf", "20")]).await;
    assert_eq!(studio.app.config().media.proxy_crf, 20);
    studio.stop().await;
}

#[tokio::test]
async fn the_box_finds_settings_by_name_and_sentence_in_both_languages() {
    let studio = studio("settings-find").await;
    let shows = |page: &str, name: &str| !page.contains(&format!("id=\"{name}\" hidden"));
    let shown = page(&studio, "?q=scene").await;
    assert!(shows(&shown, "media.scene_threshold") && !shows(&shown, "media.jobs") && !shows(&shown, "mail.host"));
    assert!(page(&studio, "?q=nothing-like-that").await.contains("id=\"settings-none\">"));
    let patch = serde_json::json!({ "locale": "ko" });
    studio.editor.ask(Method::PATCH, "/me").json(&patch).send().await.unwrap();
    // 휴지통 보관
    let shown = page(&studio, "?q=%ED%9C%B4%EC%A7%80%ED%86%B5+%EB%B3%B4%EA%B4%80").await;
    assert!(shows(&shown, "storage.trash_days") && !shows(&shown, "storage.quota_bytes"));
    studio.stop().await;
}

/// A form sent to the real program by its admin.
async fn post_to(server: &Server, fields: &[(&str, &str)]) -> Response {
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    client
        .post(format!("{}{HERE}", server.url))
        .header("cookie", format!("vp_session={}", server.token()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap()
}

async fn page_of(server: &Server) -> String {
    let ask = Client::new().get(format!("{}{HERE}", server.url));
    let answer = ask.header("cookie", format!("vp_session={}", server.token())).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

fn said(mut command: Command) -> String {
    let out = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_environment_or_the_command_line_sets_is_pinned() {
    let (_dir, data) = fresh("settings-pinned");
    std::fs::write(data.join("videoplanet.toml"), "[notices]\ndaily_hour = 6\n[mail]\nport = 2525\n").unwrap();
    let begin = || {
        let mut command = program(&data);
        command.env("VIDEOPLANET_MEDIA_JOBS", "2").args(["--set", "limits.reads=500"]);
        command
    };
    let server = Server::launch(begin()).await;
    let shown = page_of(&server).await;
    assert!(row(&shown, "media.jobs").contains("VIDEOPLANET_MEDIA_JOBS"));
    assert!(row(&shown, "limits.reads").contains("--set limits.reads"));
    assert!(row(&shown, "notices.daily_hour").contains("from-file"));
    assert!(!shown.contains("name=\"media.jobs\"") && shown.contains("name=\"media.max_hours\""));
    for (name, was) in [("media.jobs", "2"), ("limits.reads", "500")] {
        let answer = post_to(&server, &[(&format!("was.{name}"), was), (name, "7")]).await;
        assert_eq!(answer.status(), 422, "{name}");
    }
    // The page wins over the file.
    let kept = post_to(&server, &[("was.notices.daily_hour", "6"), ("notices.daily_hour", "8")]).await;
    assert_eq!(kept.headers()["location"], "/admin/settings?done=settings_kept");
    let mut show = begin();
    show.args(["config", "--show"]);
    let lines = said(show);
    for line in [
        "jobs = 2  # env",
        "reads = 500  # args",
        "daily_hour = 8  # ui",
        "port = 2525  # file",
        "max_members = 50  # default",
    ] {
        assert!(lines.contains(line), "{line}\n{lines}");
    }
    // What an admin has kept holds after a crash, and wins again where nothing pins it any more.
    server.kill();
    drop(server);
    let server = Server::launch(program(&data)).await;
    let shown = page_of(&server).await;
    assert!(row(&shown, "notices.daily_hour").contains("value=\"8\""));
    assert!(row(&shown, "media.jobs").contains("from-default"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_goes_in_and_never_comes_out() {
    const SECRETS: [&str; 4] = ["kept-pa55word-1", "kept-pa55word-2", "env-model-key-3", "kept-token-4"];
    let (dir, data) = fresh("settings-secret");
    let log = dir.path().join("log");
    let mut command = program(&data);
    command.env("VIDEOPLANET_MODEL_KEY", SECRETS[2]).args(["--set", "log.level=trace"]);
    command.stderr(std::fs::File::create(&log).unwrap());
    let server = Server::launch(command).await;
    let mut pages = vec![page_of(&server).await];
    // Each time from what the page holds: a sign that tells nothing.
    let was = |page: &str, name: &str| {
        let mark = format!("name=\"was.{name}\" value=\"");
        let from = page.find(&mark).unwrap() + mark.len();
        page[from..].split('"').next().unwrap().to_owned()
    };
    for (name, secret) in
        [("mail.password", SECRETS[0]), ("mail.password", SECRETS[1]), ("server.metrics_token", SECRETS[3])]
    {
        let from = was(pages.last().unwrap(), name);
        let answer = post_to(&server, &[(&format!("was.{name}"), &from), (name, secret)]).await;
        assert_eq!(answer.headers()["location"], "/admin/settings?done=settings_kept", "{name}");
        pages.push(page_of(&server).await);
    }
    // It holds: without it nobody reads the numbers any more.
    let metrics = |token: &'static str| Client::new().get(format!("{}/metrics", server.url)).bearer_auth(token).send();
    assert_eq!(metrics("guess").await.unwrap().status(), 401);
    assert_eq!(metrics(SECRETS[3]).await.unwrap().status(), 200);
    // A refused form gives nothing back either.
    let from = was(pages.last().unwrap(), "mail.password");
    let fields = [("was.mail.password", from.as_str()), ("mail.password", SECRETS[0])];
    let refused = post_to(&server, &[&fields[..], &[("was.media.jobs", "1"), ("media.jobs", "no")]].concat()).await;
    assert_eq!(refused.status(), 422);
    pages.push(refused.text().await.unwrap());
    let shown = |page: &str| row(page, "mail.password").contains("설정됨");
    assert!(!shown(&pages[0]) && shown(&pages[1]));

    let exported = dir.path().join("exported");
    let mut export = program(&data);
    export.arg("export").arg(&exported);
    let mut show = program(&data);
    show.env("VIDEOPLANET_MODEL_KEY", SECRETS[2]).args(["config", "--show"]);
    let mut texts = vec![("export", said(export)), ("show", said(show))];
    assert!(texts[1].1.contains("password = set  # ui") && texts[1].1.contains("key = set  # env"), "{}", texts[1].1);
    assert!(texts[1].1.contains("metrics_token = set  # ui"));
    for entry in std::fs::read_dir(&exported).unwrap().flatten() {
        texts.push(("export", std::fs::read_to_string(entry.path()).unwrap()));
    }
    let store = videoplanet::engines::store::Store::open(
        &videoplanet::engines::store::Options::in_dir(&data),
        videoplanet::base::clock::Clock::System,
        |_| (),
    )
    .unwrap();
    let events: Vec<String> =
        store.read(|db| db.all("SELECT body FROM events", params![], |r| r.get(0))).await.unwrap();
    store.close().await;
    let last: Value = events
        .iter()
        .map(|e| serde_json::from_str(e).unwrap())
        .rfind(|e: &Value| e["verb"] == "settings_changed")
        .unwrap();
    assert_eq!((&last["changes"][0]["before"], &last["changes"][0]["after"]), (&"not set".into(), &"set".into()));
    texts.extend(events.into_iter().map(|e| ("event", e)));
    texts.extend(pages.into_iter().map(|p| ("page", p)));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("settings are changed"), "the log is looked at");
    texts.push(("log", log));
    for (what, text) in &texts {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} stands in {what}");
        }
    }
    // Forgotten when nobody wants it any more.
    let from = was(&page_of(&server).await, "server.metrics_token");
    let fields = [("was.server.metrics_token", from.as_str()), ("clear.server.metrics_token", "true"), ("sure", "1")];
    assert_eq!(post_to(&server, &fields).await.status(), 303);
    assert_eq!(metrics("guess").await.unwrap().status(), 200);
}
