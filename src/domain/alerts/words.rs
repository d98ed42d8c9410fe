//! How an alert reads: numbers with their units, a sentence, JSON, a chat's message, a mail.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Alert;
use super::tell::Letter;
use crate::base::clock::Time;
use crate::base::locale::{self, Lang};
use crate::domain::notices::letter::Note;
use crate::domain::webhooks::slack::escape;
use crate::engines::alerts::{Rule, Severity, Tell, Unit};

/// A number with its unit.
pub fn value(lang: Lang, unit: Unit, v: f64) -> String {
    // As many places as tell something.
    let short = |v: f64| match v.abs() {
        0.0 => "0".to_owned(),
        ..0.1 => format!("{v:.3}"),
        ..10.0 => format!("{v:.1}").trim_end_matches(".0").to_owned(),
        _ => format!("{v:.0}"),
    };
    match unit {
        Unit::Milliseconds if v >= 10_000.0 => format!("{} s", short(v / 1e3)),
        Unit::Milliseconds => format!("{} ms", short(v)),
        Unit::Seconds => locale::lasting(lang, if v < 1.0 { 0 } else { (v * 1e3) as i64 }),
        Unit::Percent => format!("{} %", short(v)),
        Unit::Gigabytes if v >= 1000.0 => format!("{} TB", short(v / 1e3)),
        Unit::Gigabytes => format!("{} GB", short(v)),
        Unit::Count => say(lang, "alert.unit.count", &[("n", &short(v))]),
        Unit::Flag => locale::get(lang, if v > 0.0 { "alert.unit.yes" } else { "alert.unit.no" }),
    }
}

/// Where a rule's threshold lies, in words; empty for a flag.
pub fn limit(lang: Lang, rule: Rule, threshold: f64) -> String {
    let d = rule.definition();
    match d.unit {
        Unit::Flag => String::new(),
        unit => say(lang, &format!("alert.limit.{}", d.direction), &[("value", &value(lang, unit, threshold))]),
    }
}

/// The name of a rule.
pub fn title(lang: Lang, rule: Rule) -> String {
    locale::get(lang, &format!("alert.rule.{rule}"))
}

fn say(lang: Lang, key: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(locale::get(lang, key), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// A moment as the clock on the studio's wall shows it.
pub fn local(at: Time, zone: &TimeZone) -> String {
    let stamp = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    stamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// How long it lasted: until its end, or until it was told.
fn lasted(letter: &Letter, alert: &Alert) -> i64 {
    (alert.resolved.unwrap_or(letter.telling.created).0 - alert.began.0).max(0)
}

/// The sentence that says all.
pub(super) fn sentence(letter: &Letter) -> String {
    let lang = letter.target.lang;
    let Some(alert) = &letter.alert else { return say(lang, "alert.say.test", &[("name", &letter.target.name)]) };
    let unit = alert.rule.definition().unit;
    let key = match letter.telling.tell {
        Tell::Fired => "alert.say.fired",
        Tell::Reminder => "alert.say.reminder",
        Tell::Resolved => "alert.say.resolved",
        Tell::Test => "alert.say.test",
    };
    // A flag has no number to tell.
    let key = if unit == Unit::Flag { format!("{key}.flag") } else { key.to_owned() };
    say(
        lang,
        &key,
        &[
            ("severity", &locale::get(lang, &format!("alert.severity.{}", alert.severity))),
            ("title", &title(lang, alert.rule)),
            ("value", &value(lang, unit, letter.value.unwrap_or(alert.peak))),
            ("peak", &value(lang, unit, alert.peak)),
            ("limit", &limit(lang, alert.rule, alert.threshold)),
            ("lasted", &locale::lasting(lang, lasted(letter, alert))),
        ],
    )
}

/// The address of the page that helps; without a known address of the instance, none.
fn page(letter: &Letter, base: Option<&str>) -> Option<String> {
    let path = match &letter.alert {
        Some(alert) if letter.telling.tell != Tell::Resolved => alert.rule.definition().page,
        _ => "/admin/alerts",
    };
    base.map(|base| format!("{base}{path}"))
}

/// The body of our own form.
pub(super) fn json(letter: &Letter, base: Option<&str>) -> Value {
    let alert = letter.alert.as_ref().map(|a| {
        let d = a.rule.definition();
        json!({
            "id": a.id,
            "rule": a.rule,
            "severity": a.severity,
            "title": title(letter.target.lang, a.rule),
            "unit": d.unit,
            "direction": d.direction,
            "threshold": a.threshold,
            "value": letter.value,
            "peak": a.peak,
            "began": a.began,
            "fired": a.fired,
            // A telling says what was so when it was to be told.
            "resolved": a.resolved.filter(|_| letter.telling.tell == Tell::Resolved),
            "lasted_ms": lasted(letter, a),
        })
    });
    json!({
        "id": letter.message_id(),
        "type": letter.event(),
        "created": letter.telling.created,
        "message": sentence(letter),
        "url": page(letter, base),
        "alert": alert,
    })
}

fn sign_of(letter: &Letter) -> &'static str {
    match (letter.telling.tell, letter.alert.as_ref().map(|a| a.severity)) {
        (Tell::Resolved, _) => ":white_check_mark:",
        (_, Some(Severity::Critical)) => ":red_circle:",
        (_, Some(Severity::Warning)) => ":large_orange_circle:",
        (_, Some(Severity::Info)) => ":large_blue_circle:",
        (_, None) => ":wave:",
    }
}

/// The message of a chat.
pub(super) fn slack(letter: &Letter, base: Option<&str>, zone: &TimeZone) -> Value {
    let lang = letter.target.lang;
    let since =
        letter.alert.as_ref().map(|a| format!(" · {}", say(lang, "alert.since", &[("at", &local(a.began, zone))])));
    let link =
        page(letter, base).map(|url| format!(" <{}|{}>", escape(&url), escape(&locale::get(lang, "alert.open"))));
    let (since, link) = (since.unwrap_or_default(), link.unwrap_or_default());
    let text = format!("{} {}{}{link}", sign_of(letter), escape(&sentence(letter)), escape(&since));
    json!({
        "text": text,
        "blocks": [{ "type": "section", "text": { "type": "mrkdwn", "text": text } }],
    })
}

/// The mail.
pub(super) fn note(letter: &Letter, base: Option<&str>, zone: &TimeZone) -> Note {
    let lang = letter.target.lang;
    let subject = sentence(letter);
    let mut lines = Vec::new();
    if let Some(alert) = &letter.alert {
        lines.push(locale::get(lang, &format!("alert.about.{}", alert.rule)));
        lines.push(say(lang, "alert.since", &[("at", &local(alert.began, zone))]));
        if letter.telling.tell != Tell::Resolved {
            lines.push(locale::get(lang, &format!("alert.do.{}", alert.rule)));
        }
    } else {
        lines.push(locale::get(lang, "alert.test_line"));
    }
    Note {
        lang,
        subject,
        lines,
        link: page(letter, base).map(|url| (locale::get(lang, "alert.open"), url)),
        because: locale::get(lang, "alert.because"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::targets::{Form, Target, Telling};
    use super::*;
    use crate::base::ids::*;
    use crate::domain::webhooks::DeliveryState;

    fn letter(lang: Lang, rule: Rule, tell: Tell) -> Letter {
        let d = rule.definition();
        let alert = Alert {
            id: AlertId(7),
            rule,
            severity: d.severity,
            threshold: d.threshold,
            began: Time(1_795_000_000_000),
            fired: Time(1_795_000_060_000),
            resolved: (tell == Tell::Resolved).then_some(Time(1_795_003_600_000)),
            peak: 900.0,
            acknowledged: None,
        };
        Letter {
            target: Target {
                id: AlertTargetId(3),
                name: "<채팅>".into(),
                form: Form::Slack,
                place: "https://hooks.example.com/very-secret".into(),
                lang,
                severity: Severity::Info,
                enabled: true,
                generation: 1,
                rotated: None,
                last: None,
            },
            telling: Telling {
                tell,
                state: DeliveryState::Waiting,
                attempts: 0,
                log: vec![],
                created: Time(1_795_003_600_000),
            },
            id: AlertTellingId(9),
            value: Some(812.4),
            is_overtaken: false,
            alert: (tell != Tell::Test).then_some(alert),
        }
    }

    #[test]
    fn every_rule_has_its_texts_in_both_languages() {
        for lang in [Lang::Ko, Lang::En] {
            for rule in Rule::ALL {
                for set in ["rule", "about", "do"] {
                    let key = format!("alert.{set}.{rule}");
                    assert!(locale::table(lang).contains_key(&key), "{key}");
                }
                for tell in Tell::ALL {
                    let l = letter(lang, *rule, *tell);
                    let (said, mail) = (sentence(&l), note(&l, Some("https://x"), &TimeZone::UTC));
                    for text in mail.lines.iter().chain([&said, &mail.because]) {
                        assert!(!text.contains('{') && !text.starts_with("alert."), "{rule} {tell}: {text}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_sentence_says_what_how_much_and_how_long() {
        let said = |rule, tell| sentence(&letter(Lang::En, rule, tell));
        assert_eq!(said(Rule::P95, Tell::Fired), "[Warning] Response time (p95): 812 ms (limit: at most 200 ms)");
        let over = said(Rule::P95, Tell::Resolved);
        assert!(over.contains("1 h") && over.contains("900 ms") && over.contains("Response time"), "{over}");
        assert!(!said(Rule::CacheDisk, Tell::Fired).contains("limit"));
    }

    #[test]
    fn a_chat_gets_no_markup_of_others_and_json_no_address() {
        let l = letter(Lang::Ko, Rule::P95, Tell::Test);
        let body = slack(&l, Some("https://x"), &TimeZone::UTC);
        assert!(body["text"].as_str().unwrap().contains("&lt;채팅&gt;"), "{body}");
        assert!(body["text"].as_str().unwrap().contains("<https://x/admin/alerts|"), "{body}");
        let body = json(&letter(Lang::Ko, Rule::P95, Tell::Fired), None);
        assert!(!body.to_string().contains("secret") && body["url"].is_null(), "{body}");
        assert_eq!((&body["alert"]["value"], &body["alert"]["resolved"]), (&json!(812.4), &Value::Null));
    }

    #[test]
    fn numbers_are_short() {
        let of = |unit, v| value(Lang::En, unit, v);
        assert_eq!(
            [of(Unit::Percent, 59.96), of(Unit::Percent, 0.04), of(Unit::Percent, 5.0)],
            ["60 %", "0.040 %", "5 %"]
        );
        assert_eq!([of(Unit::Milliseconds, 812.4), of(Unit::Milliseconds, 61_000.0)], ["812 ms", "61 s"]);
        assert_eq!([of(Unit::Gigabytes, 2.96), of(Unit::Gigabytes, 1400.0)], ["3 GB", "1.4 TB"]);
        assert_eq!(of(Unit::Seconds, 3_720.0), "1 h 2 min");
    }
}
