//! How alerts are told: by whom signed, to whom, when not, after a restart, after a failure; and the page of all that.

use std::time::Duration;

use videoplanet::base::clock::{HOUR, MINUTE, SECOND};
use videoplanet::base::event::Event;
use videoplanet::domain::alerts;
use videoplanet::engines::alerts::{Phase, Rule, Severity};
use videoplanet::engines::store::params;

use crate::admin::{journal, open, send};
use crate::alerts::{Alarm, target};
use crate::postbox::{Mood, Postbox};
use crate::webhooks::Reply;

/// A threshold that the disk is always beyond, and one that it never is.
const BAD: f64 = 1_000_000.0;
const GOOD: f64 = 0.0;

impl Alarm {
    /// Only the disk's bytes are looked at.
    async fn of_disk(name: &str) -> Alarm {
        let a = Alarm::with(name, |c| c.server.public_url = "https://review.example.com".into()).await;
        a.only(Rule::DiskBytes, Some(GOOD)).await;
        a
    }

    async fn disk(&self, threshold: f64) {
        self.change(Rule::DiskBytes, |c| c.threshold = Some(threshold)).await;
    }

    /// It is well for long enough.
    async fn calm(&self) {
        self.disk(GOOD).await;
        self.look().await;
        self.clock.advance(31 * SECOND);
        self.look().await;
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> u16 {
        send(&self.s, &self.s.editor, path, fields).await.status().as_u16()
    }

    async fn page(&self, path: &str) -> String {
        let answer = open(&self.s, &self.s.editor, path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    async fn kinds(&self) -> Vec<String> {
        self.told().await.iter().map(|t| t["type"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telling_is_signed_says_where_to_look_and_is_sent_once() {
    let a = Alarm::of_disk("told-signed").await;
    a.disk(BAD).await;
    let told = a.fires(Rule::DiskBytes).await;
    let call = a.receiver.calls()[0].clone();
    assert_eq!(call.kind(), "alert_fired");
    assert_eq!(call.header("x-videoplanet-delivery"), told["id"].as_str().unwrap());
    assert!(call.is_by(&a.secret) && !call.is_by("whsec_other"));
    assert_eq!(told["url"], "https://review.example.com/admin/storage");
    assert!(told["message"].as_str().unwrap().starts_with("[Critical] Free disk space: "), "{told}");
    a.disk(GOOD).await;
    let over = a.clears(Rule::DiskBytes).await;
    assert_eq!(over["url"], "https://review.example.com/admin/alerts");
    assert_eq!(over["alert"]["id"], told["alert"]["id"]);
    assert_ne!(over["id"], told["id"]);
    // Another secret: for a day both sign.
    let answer = send(&a.s, &a.s.editor, "/admin/alerts/targets/1/secret", &[]).await.text().await.unwrap();
    let renewed = answer[answer.find("whsec_").unwrap()..].split('"').next().unwrap().to_owned();
    assert_ne!(renewed, a.secret);
    assert_eq!(a.post("/admin/alerts/targets/1/test", &[]).await, 303);
    let call = a.receiver.got(3).await[2].clone();
    assert!(call.kind() == "ping" && call.is_by(&renewed) && call.is_by(&a.secret));
    // What was told is in the journal, without a secret.
    let events = journal(&a.s).await;
    let fired = events.iter().filter(|(_, e)| matches!(e, Event::AlertFired { .. })).count();
    let resolved = events.iter().filter(|(_, e)| matches!(e, Event::AlertResolved { .. })).count();
    assert_eq!((fired, resolved), (1, 1));
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_and_a_mailbox_are_told_in_their_form_and_only_of_what_matters_to_them() {
    let postbox = Postbox::open().await;
    let a = Alarm::with("told-forms", postbox.settings()).await;
    a.only(Rule::DiskBytes, Some(GOOD)).await;
    target(&a.s, "slack", &a.receiver.url, "critical").await;
    target(&a.s, "mail", "ops@example.com", "warning").await;
    a.disk(BAD).await;
    a.look().await;
    let calls = a.receiver.got(2).await;
    let chat = calls.iter().map(|c| c.json()).find(|c| c.get("blocks").is_some()).expect("a message for the chat");
    let text = chat["text"].as_str().unwrap();
    assert!(
        text.starts_with(":red_circle: [Critical] Free disk space: ") && text.contains("/admin/storage|"),
        "{text}"
    );
    let letter = postbox.have(1).await.remove(0);
    assert_eq!(letter.to, "ops@example.com");
    assert!(letter.subject.starts_with("[Critical] Free disk space: ") && letter.id.contains("alert-3-"), "{letter:?}");
    assert!(letter.text.contains("https://review.example.com/admin/storage"), "{}", letter.text);
    assert!(letter.html.contains("Empty the trash"), "{}", letter.html);
    a.calm().await;
    a.receiver.got(4).await;
    let letter = postbox.have(2).await.remove(1);
    assert!(letter.subject.starts_with("[Resolved] Free disk space: well again after "), "{}", letter.subject);

    // What matters less reaches those who want to hear of it.
    a.change(Rule::DiskBytes, |c| (c.threshold, c.severity) = (Some(BAD), Severity::Info)).await;
    a.look().await;
    a.receiver.got(5).await;
    assert_eq!((a.told().await.len(), postbox.letters().len()), (5, 2));

    // A mail server that is away: the letter goes when it is back, the same one.
    a.change(Rule::DiskBytes, |c| c.severity = Severity::Critical).await;
    a.calm().await;
    a.told().await;
    let n = postbox.letters().len();
    postbox.feel(Mood::Later);
    a.disk(BAD).await;
    a.look().await;
    for _ in 0..1200 {
        let tried = a.s.app.read(|db| {
            let sql = "SELECT count(*) FROM alert_tellings WHERE target_id = 3 AND state = 'waiting' AND attempts = 1";
            Ok(db.one(sql, params![], |r| r.get::<_, i64>(0))?.unwrap_or(0))
        });
        if tried.await.unwrap() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    postbox.feel(Mood::Takes);
    a.clock.advance(MINUTE);
    assert!(postbox.have(n + 1).await[n].subject.starts_with("[Critical]"));
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_neither_forgets_nor_tells_again() {
    let mut a = Alarm::of_disk("told-restart").await;
    a.change(Rule::DiskBytes, |c| (c.threshold, c.for_s) = (Some(BAD), 60)).await;
    a.look().await;
    a.clock.advance(50 * SECOND);
    a.look().await;
    assert_eq!(a.told().await.len(), 0, "not bad for long enough");
    // Nobody looked meanwhile: its time begins anew.
    a.s = a.s.restart().await;
    a.s.work().await;
    a.clock.advance(HOUR);
    a.look().await;
    assert_eq!(a.s.app.alerts.firing(), 0);
    a.clock.advance(MINUTE);
    let told = a.fires(Rule::DiskBytes).await;

    a.s = a.s.restart().await;
    a.s.work().await;
    a.look().await;
    assert_eq!((a.told().await.len(), a.s.app.alerts.firing()), (1, 1));
    a.disk(GOOD).await;
    assert_eq!(a.clears(Rule::DiskBytes).await["alert"]["id"], told["alert"]["id"]);

    // Stopped between the commit and the sending: it is sent after the start, once.
    a.receiver.behave(|_| Reply { delay: Duration::from_secs(30), ..Reply::now(200) });
    a.change(Rule::DiskBytes, |c| (c.threshold, c.for_s) = (Some(BAD), 0)).await;
    a.look().await;
    a.receiver.got(3).await;
    a.s = a.s.restart().await;
    a.receiver.behave(|_| Reply::now(200));
    a.s.work().await;
    a.receiver.got(4).await;
    a.look().await;
    let told = a.told().await;
    assert_eq!(told.len(), 4);
    assert_eq!(told[2]["id"], told[3]["id"], "the same one, by its id");
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_quiet_hours_and_while_it_is_muted_nothing_is_told_but_what_may() {
    let a = Alarm::of_disk("told-quiet").await;
    // The clock of the studio shows noon and some minutes.
    let quiet = [("quiet_from", "11:00"), ("quiet_to", "14:00"), ("remind_h", "1")];
    assert_eq!(a.post("/admin/alerts/options", &quiet).await, 303);
    a.disk(BAD).await;
    a.look().await;
    assert_eq!((a.s.app.alerts.firing(), a.told().await.len()), (1, 0), "not even critical ones, unless they may");
    a.calm().await;
    assert_eq!((a.s.app.alerts.firing(), a.told().await.len()), (0, 0), "it began and ended in them");
    // One that goes on is told afterwards, and reminded of each hour.
    a.disk(BAD).await;
    a.look().await;
    a.clock.advance(2 * HOUR);
    a.look().await;
    a.receiver.got(1).await;
    a.clock.advance(61 * MINUTE);
    a.look().await;
    a.receiver.got(2).await;
    assert_eq!(a.kinds().await, ["alert_fired", "alert_reminder"]);
    // Somebody takes it on: no reminder any more, and its end.
    let (rules, _) = alerts::now(&a.s.app).await.unwrap();
    let id = rules.iter().find_map(|r| r.alert.as_ref()).unwrap().id;
    assert_eq!(a.post(&format!("/admin/alerts/{id}/acknowledge"), &[]).await, 303);
    a.clock.advance(3 * HOUR);
    a.look().await;
    assert_eq!(a.told().await.len(), 2);
    a.calm().await;
    assert_eq!(a.kinds().await, ["alert_fired", "alert_reminder", "alert_resolved"]);
    assert_eq!(a.post(&format!("/admin/alerts/{id}/acknowledge"), &[]).await, 409);

    // Critical ones may break through the night.
    a.clock.advance(18 * HOUR);
    let through = [("quiet_from", "00:00"), ("quiet_to", "23:59"), ("remind_h", "0"), ("critical_through", "1")];
    assert_eq!(a.post("/admin/alerts/options", &through).await, 303);
    a.disk(BAD).await;
    a.look().await;
    a.receiver.got(4).await;
    a.calm().await;
    a.receiver.got(5).await;

    // Through a mute nothing breaks, be it of one rule or of all.
    for rule in ["", "disk_bytes"] {
        let before = a.told().await.len();
        assert_eq!(a.post("/admin/alerts/mute", &[("rule", rule), ("for", "1h")]).await, 303);
        a.disk(BAD).await;
        a.look().await;
        assert!(a.page("/admin/alerts").await.contains("until 2026-"), "the page says so");
        a.clock.advance(59 * MINUTE);
        a.look().await;
        assert_eq!(a.told().await.len(), before);
        a.clock.advance(2 * MINUTE);
        a.look().await;
        a.receiver.got(before + 1).await;
        a.calm().await;
        a.receiver.got(before + 2).await;
    }
    // Ended early.
    assert_eq!(a.post("/admin/alerts/mute", &[("for", "morning")]).await, 303);
    a.disk(BAD).await;
    a.look().await;
    assert_eq!(a.post("/admin/alerts/mute", &[("for", "off")]).await, 303);
    let before = a.told().await.len();
    a.look().await;
    a.receiver.got(before + 1).await;
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn within_its_cool_down_a_rule_is_told_once() {
    let a = Alarm::of_disk("told-cool").await;
    a.change(Rule::DiskBytes, |c| c.cool_down_s = 1800).await;
    for _ in 0..5 {
        a.disk(BAD).await;
        a.look().await;
        a.calm().await;
    }
    assert_eq!(a.kinds().await, ["alert_fired", "alert_resolved"], "five times in three minutes");
    a.disk(BAD).await;
    a.look().await;
    a.clock.advance(31 * MINUTE);
    a.look().await;
    a.receiver.got(3).await;
    assert_eq!(a.kinds().await, ["alert_fired", "alert_resolved", "alert_fired"], "it goes on");
    // All six stand in the history.
    let all = a.s.app.read(|db| alerts::history(db, Some(Rule::DiskBytes), None)).await.unwrap();
    assert_eq!((all.len(), all.iter().filter(|x| x.resolved.is_none()).count()), (6, 1));
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_was_away_hears_what_is_so_now() {
    let a = Alarm::of_disk("told-away").await;
    a.receiver.behave(|n| Reply::now(if n < 4 { 500 } else { 200 }));
    a.disk(BAD).await;
    a.look().await;
    a.receiver.got(1).await;
    a.told().await;
    a.clock.advance(12 * SECOND);
    a.receiver.got(2).await;
    a.told().await;
    a.clock.advance(35 * SECOND);
    a.receiver.got(3).await;
    let told = a.told().await;
    assert!(told.iter().all(|t| t["id"] == told[0]["id"]), "tried again under the same id");
    // Over before it could be told: what has been overtaken is not sent any more.
    a.calm().await;
    a.receiver.got(4).await;
    a.clock.advance(10 * MINUTE);
    let dropped = "SELECT count(*) FROM alert_tellings WHERE state = 'dropped'";
    for _ in 0..1200 {
        let n = a.s.app.read(move |db| db.one(dropped, params![], |r| r.get::<_, i64>(0))).await.unwrap();
        if n == Some(1) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(a.kinds().await, ["alert_fired", "alert_fired", "alert_fired", "alert_resolved"]);
    let page = a.page("/admin/alerts?tab=targets").await;
    assert!(page.contains("HTTP 200") && page.contains("answer 4"), "what came back");
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_test_button_says_what_came_back() {
    let a = Alarm::of_disk("told-test").await;
    a.receiver.behave(|_| Reply::now(403));
    assert_eq!(a.post("/admin/alerts/targets/1/test", &[]).await, 303);
    let page = a.page("/admin/alerts?tab=targets").await;
    assert!(page.contains("HTTP 403") && page.contains("answer 1"), "{page}");
    assert_eq!(a.post("/admin/alerts/targets/1/test", &[]).await, 429, "not again at once");
    assert!(!page.contains("very-secret") && !page.contains("whsec_"), "what is secret in an address is not shown");
    // Nobody listens there, and no mail server is set.
    target(&a.s, "json", "http://127.0.0.1:9/hook", "info").await;
    target(&a.s, "mail", "ops@example.com", "info").await;
    a.clock.advance(4 * SECOND);
    assert_eq!(a.post("/admin/alerts/targets/2/test", &[]).await, 303);
    assert_eq!(a.post("/admin/alerts/targets/3/test", &[]).await, 303);
    let page = a.page("/admin/alerts?tab=targets").await;
    assert!(page.contains("connection failed") && page.contains("there is no mail server"), "{page}");
    assert!(page.contains("o…@example.com") && !page.contains("ops@example.com"));
    // Turned off it is told nothing; removed it is gone with its log.
    let off = [("name", "off"), ("lang", "ko"), ("severity", "info")];
    assert_eq!(a.post("/admin/alerts/targets/1", &off).await, 303);
    a.disk(BAD).await;
    a.look().await;
    assert_eq!(a.told().await.len(), 1);
    for id in 1..=3 {
        assert_eq!(a.post(&format!("/admin/alerts/targets/{id}/delete"), &[]).await, 303);
    }
    assert_eq!(a.post("/admin/alerts/targets/1/delete", &[]).await, 404);
    assert!(a.page("/admin/alerts?tab=targets").await.contains("There is no target yet"));
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_acknowledge_and_mute_admins_change_others_find_nothing() {
    let a = Alarm::of_disk("told-rights").await;
    a.disk(BAD).await;
    a.look().await;
    let all = [
        ("/admin/alerts/1/acknowledge", vec![]),
        ("/admin/alerts/mute", vec![("for", "1h")]),
        ("/admin/alerts/options", vec![("remind_h", "1")]),
        (
            "/admin/alerts/rules/p95",
            vec![("threshold", "5"), ("for_s", "1"), ("cool_down_s", "1"), ("severity", "info")],
        ),
        ("/admin/alerts/rules/p95/reset", vec![]),
        (
            "/admin/alerts/targets",
            vec![("name", "x"), ("form", "mail"), ("place", "a@b.example"), ("lang", "ko"), ("severity", "info")],
        ),
        ("/admin/alerts/targets/1", vec![("name", "x"), ("lang", "ko"), ("severity", "info")]),
        ("/admin/alerts/targets/1/secret", vec![]),
        ("/admin/alerts/targets/1/test", vec![]),
        ("/admin/alerts/targets/1/delete", vec![]),
    ];
    let s = &a.s;
    for (path, fields) in &all {
        assert_eq!(send(s, &s.stranger, path, fields).await.status(), 404, "{path}");
    }
    s.operate(&s.viewer).await;
    for (path, fields) in &all[2..] {
        assert_eq!(send(s, &s.viewer, path, fields).await.status(), 403, "{path}");
    }
    for tab in ["now", "targets", "history", "nonsense"] {
        let answer = open(s, &s.viewer, &format!("/admin/alerts?tab={tab}&rule=nonsense&before=5")).await;
        assert_eq!(answer.status(), 200, "{tab}");
        let page = answer.text().await.unwrap();
        assert!(!page.contains("/test\"") && !page.contains("/admin/alerts/rules/"), "{tab} shows what he may not do");
    }
    for (path, fields) in &all[..2] {
        assert_eq!(send(s, &s.viewer, path, fields).await.status(), 303, "{path}");
    }
    let events = journal(s).await;
    let by = |wanted: fn(&Event) -> bool| events.iter().find(|(_, e)| wanted(e)).map(|(by, _)| *by);
    assert_eq!(by(|e| matches!(e, Event::AlertAcknowledged { .. })), Some(Some(s.viewer.id.0)));
    assert_eq!(by(|e| matches!(e, Event::AlertMuted { .. })), Some(Some(s.viewer.id.0)));
    assert_eq!(by(|e| matches!(e, Event::AlertRuleChanged { .. })), Some(Some(s.editor.id.0)));
    assert_eq!(by(|e| matches!(e, Event::AlertTargetAdded { .. })), Some(Some(s.editor.id.0)));
    let (rules, _) = alerts::now(&s.app).await.unwrap();
    let (_, name) = rules.iter().find_map(|r| r.alert.clone()?.acknowledged).unwrap();
    assert_eq!(name.as_deref(), Some("viewer"));
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_does_not_hold_says_which_field_and_keeps_what_was_typed() {
    let a = Alarm::of_disk("told-forms-bad").await;
    let rule = |field: &'static str, value: &'static str| {
        let mut fields =
            vec![("threshold", "5"), ("for_s", "60"), ("cool_down_s", "60"), ("severity", "info"), ("enabled", "1")];
        fields.iter_mut().filter(|(name, _)| *name == field).for_each(|(_, v)| *v = value);
        fields
    };
    for (field, value) in [
        ("threshold", "soon"),
        ("threshold", "-1"),
        ("threshold", "101"),
        ("threshold", "NaN"),
        ("threshold", "inf"),
        ("threshold", ""),
        ("for_s", "1.5"),
        ("for_s", "-1"),
        ("for_s", "86401"),
        ("cool_down_s", "x"),
        ("severity", "awful"),
    ] {
        let answer = send(&a.s, &a.s.editor, "/admin/alerts/rules/sockets", &rule(field, value)).await;
        assert_eq!(answer.status(), 422, "{field}={value}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("class=\"problem\""), "{field}={value}");
        assert!(field == "severity" || page.contains(&format!("value=\"{value}\"")), "{field}={value} is kept");
    }
    assert_eq!(a.post("/admin/alerts/rules/nonsense", &rule("", "")).await, 404);
    assert_eq!(a.post("/admin/alerts/rules/sockets", &rule("threshold", "72,5")).await, 303);
    // A flag has no threshold to choose.
    assert_eq!(a.post("/admin/alerts/rules/cache_disk", &rule("threshold", "junk")).await, 303);
    let (rules, _) = alerts::now(&a.s.app).await.unwrap();
    let of = |rule| rules.iter().find(|r| r.set.rule == rule).unwrap();
    assert_eq!((of(Rule::Sockets).set.threshold, of(Rule::CacheDisk).set.threshold), (72.5, 0.0));
    assert_eq!(a.post("/admin/alerts/rules/sockets/reset", &[]).await, 303);
    let (rules, _) = alerts::now(&a.s.app).await.unwrap();
    let sockets = rules.iter().find(|r| r.set.rule == Rule::Sockets).unwrap();
    assert!(!sockets.edited && sockets.set.threshold == 80.0 && sockets.phase == Phase::Inactive);

    for fields in [
        [("quiet_from", "25:00"), ("quiet_to", "07:00"), ("remind_h", "4")],
        [("quiet_from", "22:00"), ("quiet_to", ""), ("remind_h", "4")],
        [("quiet_from", "22:00"), ("quiet_to", "22:00"), ("remind_h", "4")],
        [("quiet_from", ""), ("quiet_to", ""), ("remind_h", "soon")],
        [("quiet_from", ""), ("quiet_to", ""), ("remind_h", "169")],
    ] {
        assert_eq!(a.post("/admin/alerts/options", &fields).await, 422, "{fields:?}");
    }
    for fields in [vec![], vec![("for", "ever")], vec![("for", "1h"), ("rule", "nonsense")]] {
        assert_eq!(a.post("/admin/alerts/mute", &fields).await, 422, "{fields:?}");
    }
    assert_eq!(a.post("/admin/alerts/99/acknowledge", &[]).await, 404);

    let new = |form: &'static str, place: &'static str| {
        [("name", "x"), ("form", form), ("place", place), ("lang", "ko"), ("severity", "info")]
    };
    for (form, place) in [
        ("json", ""),
        ("json", "ftp://example.com/"),
        ("slack", "no address"),
        ("json", "https://a:b@example.com/"),
        ("json", "http://169.254.169.254/latest/meta-data/"),
        ("mail", "nobody"),
        ("mail", ""),
        ("pigeon", "https://example.com/"),
    ] {
        let answer = send(&a.s, &a.s.editor, "/admin/alerts/targets", &new(form, place)).await;
        assert_eq!(answer.status(), 422, "{form} {place}");
    }
    // No more than there may be.
    for _ in 1..20 {
        assert_eq!(a.post("/admin/alerts/targets", &new("mail", "ops@example.com")).await, 303);
    }
    assert_eq!(a.post("/admin/alerts/targets", &new("mail", "ops@example.com")).await, 409);
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_may_keep_its_alerts_out_of_private_networks() {
    let a = Alarm::with("told-private", |_| ()).await;
    let mut config = (*a.s.app.config()).clone();
    assert!(config.alerts.allow_private, "a studio's own chat stands in its own network");
    config.alerts.allow_private = false;
    let closed = crate::studio::Studio::opened("told-private-closed", a.clock.clone(), |c| *c = config).await;
    closed.app.setup.done();
    for place in ["http://127.0.0.1:9/", "http://192.168.0.9/hook", "http://[::1]/"] {
        let fields = [("name", "x"), ("form", "json"), ("place", place), ("lang", "ko"), ("severity", "info")];
        assert_eq!(send(&closed, &closed.editor, "/admin/alerts/targets", &fields).await.status(), 422, "{place}");
    }
    closed.stop().await;
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fires_stands_on_its_page_in_the_menu_and_in_the_metrics() {
    let a = Alarm::of_disk("told-pages").await;
    let metrics = async || reqwest::get(format!("{}/metrics", a.s.url)).await.unwrap().text().await.unwrap();
    let line = |n: u8| format!("videoplanet_alert_firing{{rule=\"disk_bytes\",severity=\"critical\"}} {n}\n");
    assert!(a.page("/admin/alerts").await.contains("All is well."));
    a.look().await;
    assert!(metrics().await.contains(&line(0)));
    assert!(!a.page("/admin").await.contains("alert-strip"));
    a.disk(BAD).await;
    a.look().await;
    assert!(metrics().await.contains(&line(1)));
    let page = a.page("/admin/alerts").await;
    assert!(page.contains("id=\"firing-disk_bytes\"") && page.contains("href=\"/admin/storage\""), "{page}");
    assert!(a.page("/admin/jobs").await.contains("phase-firing"), "its number stands in the menu");
    assert!(a.page("/admin").await.contains("alert-strip"), "and what it is on the overview");
    a.calm().await;
    let page = a.page("/admin/alerts?tab=history&rule=disk_bytes").await;
    assert!(page.contains("id=\"alert-1\""), "{page}");
    // What is old is forgotten, some at once.
    a.clock.advance(366 * 24 * HOUR);
    let tidied = a.s.app.store.write(|tx| alerts::tidy(tx, 365)).await.unwrap();
    assert_eq!(tidied.0, 1);
    assert!(a.page("/admin/alerts?tab=history").await.contains("Nothing yet."));
    a.s.stop().await;
}
