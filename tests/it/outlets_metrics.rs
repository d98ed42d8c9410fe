//! `/metrics` as Prometheus reads it, strictly; and that the dashboard and the alert rules in `packaging/` speak of nothing
//! that is not there.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use videoplanet::engines::metrics::MAX_ROUTES;

use crate::clips::{CLIP, Dir};
use crate::studio::Studio;

/// Labels, and how many values each may have at the most: every one is a closed set, or bounded by hand.
const LABELS: [(&str, usize); 13] = [
    ("method", 8),
    ("route", MAX_ROUTES + 1),
    ("status", 5),
    ("group", 32),
    ("tier", 3),
    ("kind", 64),
    ("lane", 4),
    ("state", 8),
    ("outcome", 8),
    ("type", 32),
    ("code", 32),
    ("rule", 32),
    ("severity", 3),
];
/// Of one value each.
const SINGLE: [&str; 1] = ["version"];

/// Names and values.
type Labels = Vec<(String, String)>;

/// A family as it was read.
#[derive(Default)]
struct Family {
    kind: String,
    /// Name behind the family's, labels in their order, value.
    samples: Vec<(String, Labels, f64)>,
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// `{a="x",b="y"}` taken apart, escapes undone, and what stands behind it.
fn labels(text: &str) -> (Vec<(String, String)>, &str) {
    let Some(mut rest) = text.strip_prefix('{') else { return (Vec::new(), text) };
    let mut found = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"").expect("a label has a quoted value");
        assert!(is_name(name), "{name}");
        let (mut value, mut chars) = (String::new(), after.char_indices());
        let end = loop {
            match chars.next().expect("a value ends") {
                (i, '"') => break i,
                (_, '\\') => value.push(match chars.next().expect("an escape has two signs").1 {
                    'n' => '\n',
                    c @ ('\\' | '"') => c,
                    c => panic!("\\{c} is no escape"),
                }),
                (_, c) => value.push(c),
            }
        };
        found.push((name.to_owned(), value));
        rest = &after[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return (found, rest.strip_prefix('}').expect("labels end")),
        }
    }
}

/// Reads the text format 0.0.4, and refuses what Prometheus would only forgive.
fn read(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let (mut now, mut helped) = (String::new(), String::new());
    assert!(text.ends_with('\n'), "the last line ends");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("no help: {line}"));
            assert!(is_name(name) && help.ends_with(['.', '?']), "a sentence: {line}");
            assert!(!families.contains_key(name), "{name} stands twice");
            helped = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, helped, "help comes before the type");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            now = name.to_owned();
            families.insert(now.clone(), Family { kind: kind.to_owned(), ..Family::default() });
        } else {
            let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line}"));
            let suffix = line[..end].strip_prefix(&now).unwrap_or_else(|| panic!("{line} stands in {now}"));
            let (labels, value) = labels(&line[end..]);
            let value: f64 = value.strip_prefix(' ').unwrap().parse().unwrap_or_else(|_| panic!("no number: {line}"));
            assert!(value.is_finite() && value >= 0.0, "{line}");
            families.get_mut(&now).unwrap().samples.push((suffix.to_owned(), labels, value));
        }
    }
    families
}

/// Conventions of Prometheus: names, units, what a kind may be called.
fn check_name(name: &str, kind: &str) {
    assert!(name.starts_with("videoplanet_") || name.starts_with("process_"), "{name}");
    assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
    for reserved in ["_sum", "_count", "_bucket", "_created"] {
        assert!(!name.ends_with(reserved), "{name}");
    }
    let not_base =
        ["ms", "us", "millis", "milliseconds", "minutes", "hours", "days", "kib", "mib", "mb", "percent", "bits"];
    assert!(name.split('_').all(|word| !not_base.contains(&word)), "{name} has no base unit");
    if kind == "histogram" {
        assert!(name.ends_with("_seconds") || name.ends_with("_bytes"), "{name} has no unit");
    }
}

fn check_histogram(name: &str, family: &Family) {
    let mut buckets: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    let (mut sums, mut counts) = (BTreeMap::new(), BTreeMap::new());
    for (suffix, labels, value) in &family.samples {
        let mut labels = labels.clone();
        match suffix.as_str() {
            "_bucket" => {
                let (last, le) = labels.pop().unwrap();
                assert_eq!(last, "le", "{name}");
                let le = if le == "+Inf" { f64::INFINITY } else { le.parse().unwrap() };
                buckets.entry(labels).or_default().push((le, *value));
            }
            "_sum" => drop(sums.insert(labels, *value)),
            "_count" => drop(counts.insert(labels, *value)),
            other => panic!("{name}{other}"),
        }
    }
    for (labels, of) in &buckets {
        assert!(of.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1), "{name} {labels:?}: {of:?}");
        let (le, all) = of.last().unwrap();
        assert!(le.is_infinite() && counts[labels] == *all && sums.contains_key(labels), "{name} {labels:?}");
    }
    assert_eq!((buckets.len(), buckets.len()), (sums.len(), counts.len()), "{name}");
}

/// A server that has done some of everything.
async fn busy(name: &str) -> (Studio, BTreeMap<String, Family>) {
    let studio = Studio::start(name).await;
    studio.work().await;
    let dir = Dir::new(&format!("{name}-films"));
    let ready = studio.publish("시사본.mp4", &dir.film(&format!("{CLIP} a.mp4"))).await;
    let film = format!("{}{}", studio.url, ready["urls"]["proxy"].as_str().unwrap());
    assert!(!reqwest::get(film).await.unwrap().bytes().await.unwrap().is_empty());
    for _ in 0..2 {
        studio.editor.call(&format!("GET /projects/{}", studio.project)).await.is(200);
    }
    let wrong = json!({ "email": "editor@example.com", "password": "not this one" });
    studio.stranger.send("POST /auth/login", wrong).await.is(401);
    studio.stranger.call("GET /nothing/of/the/kind").await.is(404);
    let url = studio.url.replacen("http", "ws", 1);
    let url = format!("{url}/ws/projects/{}?token={}", studio.project, studio.editor.token);
    let (mut line, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    line.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
    while !line.next().await.unwrap().unwrap().to_text().unwrap().contains("pong") {}
    let text = json!({ "text": "자막 오타" });
    studio.editor.send(&format!("POST /feedbacks/{}/comments", studio.feedback), text).await.is(201);
    while !line.next().await.unwrap().unwrap().to_text().unwrap().contains("자막 오타") {}
    line.close(None).await.unwrap();
    // The end of the line is counted a moment later.
    for _ in 0..200 {
        let families = read(&exposition(&studio).await);
        if !families["videoplanet_socket_closes_total"].samples.is_empty() {
            return (studio, families);
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the end of a socket is never counted");
}

async fn exposition(studio: &Studio) -> String {
    let answer = reqwest::get(format!("{}/metrics", studio.url)).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_can_read_every_line() {
    let (studio, families) = busy("metrics-strict").await;
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, family) in &families {
        check_name(name, &family.kind);
        let mut seen = HashSet::new();
        for (suffix, labels, _) in &family.samples {
            assert!(seen.insert((suffix, labels)), "{name}{suffix} {labels:?} stands twice");
            assert!(family.kind == "histogram" || suffix.is_empty(), "{name}{suffix}");
            for (label, value) in labels.iter().filter(|(l, _)| l != "le") {
                values.entry(label.as_str()).or_default().insert(value.as_str());
            }
        }
        if family.kind == "histogram" {
            check_histogram(name, family);
        }
    }
    for (label, found) in values {
        let bound = LABELS.iter().find(|(l, _)| *l == label).map(|(_, bound)| *bound);
        let bound = bound.or(SINGLE.contains(&label).then_some(1));
        let bound = bound.unwrap_or_else(|| panic!("nobody has said how many values {label} may have: {found:?}"));
        assert!(found.len() <= bound, "{label}: {found:?}");
    }
    let one = |name: &str| families[name].samples[0].2;
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_threads",
        "process_start_time_seconds",
        "videoplanet_upload_bytes_total",
        "videoplanet_media_served_bytes_total",
    ] {
        assert!(one(name) > 0.0, "{name}");
    }
    let of = |name: &str, label: &str, value: &str| -> f64 {
        let wanted = (label.to_owned(), value.to_owned());
        families[name].samples.iter().filter(|(_, labels, _)| labels.contains(&wanted)).map(|s| s.2).sum()
    };
    assert_eq!(of("videoplanet_sign_ins_total", "outcome", "wrong"), 1.0);
    assert!(of("videoplanet_job_runs_total", "kind", "probe_media") >= 1.0);
    assert!(of("videoplanet_job_runs_total", "outcome", "done") >= 3.0);
    studio.stop().await;
}

#[tokio::test]
async fn what_a_stranger_invents_makes_no_series() {
    let studio = Studio::start("metrics-bound").await;
    let before = exposition(&studio).await.lines().count();
    let client = reqwest::Client::new();
    for n in 0..200 {
        let method = reqwest::Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
        let _ = client.request(method, format!("{}/x/{n}?y={n}", studio.url)).send().await.unwrap();
    }
    let more = exposition(&studio).await.lines().count() - before;
    assert!(more < 60, "{more} lines more");
    studio.stop().await;
}

/// Names and labels of an expression. A word before `(` is a function, a word inside `{}` before a sign is a label, words in
/// the parentheses of `by` and its like are labels.
#[derive(Debug, Default, PartialEq)]
struct Named {
    metrics: BTreeSet<String>,
    /// Labels that are compared, with the metric that they stand at.
    compared: BTreeSet<(String, String)>,
    grouped: BTreeSet<String>,
}

fn names(expr: &str) -> Named {
    const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
    const WORDS: [&str; 10] = ["and", "or", "unless", "bool", "offset", "sum", "min", "max", "avg", "count"];
    let mut found = Named::default();
    let chars: Vec<char> = expr.chars().collect();
    let (mut i, mut metric, mut in_braces, mut in_group) = (0, String::new(), false, false);
    while i < chars.len() {
        match chars[i] {
            '"' => {
                i += 1;
                while chars[i] != '"' {
                    i += if chars[i] == '\\' { 2 } else { 1 };
                }
            }
            // Durations.
            '[' => {
                while chars[i] != ']' {
                    i += 1
                }
            }
            '{' => in_braces = true,
            '}' => in_braces = false,
            ')' => in_group = false,
            c if c.is_ascii_digit() || c == '.' => {
                while i + 1 < chars.len() && (chars[i + 1].is_ascii_alphanumeric() || chars[i + 1] == '.') {
                    i += 1;
                }
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let from = i;
                while i + 1 < chars.len() && (chars[i + 1].is_ascii_alphanumeric() || matches!(chars[i + 1], '_' | ':'))
                {
                    i += 1;
                }
                let word: String = chars[from..=i].iter().collect();
                let next = chars[i + 1..].iter().find(|c| !c.is_whitespace());
                if in_braces {
                    found.compared.insert((metric.clone(), word));
                } else if in_group {
                    found.grouped.insert(word);
                } else if GROUPING.contains(&word.as_str()) {
                    in_group = next == Some(&'(');
                } else if next != Some(&'(') && !WORDS.contains(&word.as_str()) {
                    found.metrics.insert(word.clone());
                    metric = word;
                }
            }
            _ => {}
        }
        i += 1;
    }
    found
}

#[test]
fn an_expression_is_taken_apart() {
    let found = names(
        r#"topk(10, sum by (le, route) (rate(a_total{x=~"y|z",w!="{b}"}[5m] offset 1h))) / c_bytes > 0.01 and d"#,
    );
    let text = |s: &str| s.to_owned();
    assert_eq!(found.metrics, [text("a_total"), text("c_bytes"), text("d")].into());
    assert_eq!(found.compared, [(text("a_total"), text("x")), (text("a_total"), text("w"))].into());
    assert_eq!(found.grouped, [text("le"), text("route")].into());
}

fn packaged(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Everything below `value` that stands under this key.
fn under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(text) if name == key => found.push(text),
                    value => under(value, key, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| under(value, key, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dashboard_and_rules_speak_of_what_is_there() {
    let (studio, families) = busy("metrics-packaged").await;
    // What Prometheus itself adds.
    const TARGET: [&str; 2] = ["instance", "job"];
    let has = |metric: &str, label: &str| {
        let samples = ["_bucket", "_sum", "_count", ""].into_iter().find_map(|suffix| {
            let family = families.get(metric.strip_suffix(suffix)?)?;
            Some(family.samples.iter().filter(move |(s, ..)| s == suffix))
        });
        let mut samples = samples.unwrap_or_else(|| panic!("there is no {metric}")).peekable();
        label.is_empty() || samples.any(|(_, labels, _)| labels.iter().any(|(l, _)| l == label))
    };
    let check = |expr: &str| {
        let found = names(expr);
        let own: Vec<&String> = found.metrics.iter().filter(|m| *m != "up").collect();
        for metric in &own {
            assert!(has(metric, ""), "{expr}");
        }
        for (metric, label) in found.compared.iter().filter(|(m, l)| m != "up" && !TARGET.contains(&l.as_str())) {
            assert!(has(metric, label), "{metric} has no label {label}: {expr}");
        }
        for label in found.grouped.iter().filter(|l| !TARGET.contains(&l.as_str())) {
            assert!(own.iter().any(|m| has(m, label)), "no metric has the label {label}: {expr}");
        }
        own.len()
    };

    let board: Value = serde_json::from_str(&packaged("packaging/grafana/videoplanet.json")).unwrap();
    let mut exprs = Vec::new();
    under(&board, "expr", &mut exprs);
    assert!(exprs.len() > 50);
    // Variables of Grafana stand for durations and values.
    let checked: usize = exprs.iter().map(|expr| check(&expr.replace("$__rate_interval", "5m"))).sum();
    assert!(checked > 50, "{checked}");
    let panels = board["panels"].as_array().unwrap();
    let rows = panels.iter().filter(|p| p["type"] == "row");
    let titles: Vec<&str> = rows.map(|p| p["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Overview", "Requests", "Jobs", "Cache", "Database", "Search", "Rooms", "Media", "Host"]);
    let ids: HashSet<_> = panels.iter().map(|p| p["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels.iter().filter(|p| p["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
    }

    let docs = packaged("docs/monitoring.md");
    // As GitHub and its like make anchors of headings.
    let anchors: BTreeSet<String> = docs
        .lines()
        .filter(|l| l.starts_with('#'))
        .map(|l| l.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"))
        .collect();
    let rules: Value = serde_norway::from_str(&packaged("packaging/prometheus/videoplanet.rules.yml")).unwrap();
    let mut alerts = 0;
    for rule in rules["groups"].as_array().unwrap().iter().flat_map(|g| g["rules"].as_array().unwrap()) {
        alerts += 1;
        let name = rule["alert"].as_str().unwrap();
        check(rule["expr"].as_str().unwrap());
        assert!(["warning", "critical"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{name}");
        assert!(rule["for"].is_string() && rule["annotations"]["summary"].is_string(), "{name}");
        let runbook = rule["annotations"]["runbook_url"].as_str().unwrap();
        let anchor = runbook.strip_prefix("docs/monitoring.md#").unwrap_or_else(|| panic!("{name}: {runbook}"));
        assert!(anchors.contains(anchor), "{name} has no section in docs/monitoring.md");
    }
    assert!(alerts >= 15, "{alerts}");
    let scrape: Value = serde_norway::from_str(&packaged("packaging/prometheus/scrape.yml")).unwrap();
    assert_eq!(scrape["scrape_configs"][0]["metrics_path"], "/metrics");
    studio.stop().await;
}
