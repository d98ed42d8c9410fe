//! The manual in docs/en and docs/ko: its commands are run, both languages say the same ones, its links lead somewhere.
//!
//! A block `sh` is run, page by page and in order, in a directory of its own beside a real server; `<!-- test: stop -->` and
//! `<!-- test: start -->` stand where a person stops and starts it. A block `console` needs root, a machine's services or a
//! container: `ELSEWHERE` says which script runs its lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use videoplanet::config;

use crate::clips::{CLIP, Dir};

/// Lines of `console` blocks, and the file with the words that do the same there.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("sudo apt install ./videoplanet_*.deb", DEB, "first.deb"),
    ("sudo apt install --allow-downgrades ./videoplanet_*.deb", DEB, "apt install --allow-downgrades"),
    (
        "sudo systemctl stop videoplanet.socket videoplanet.service",
        DEB,
        "systemctl stop videoplanet.socket videoplanet.service",
    ),
    (
        "sudo systemctl start videoplanet.socket videoplanet.service",
        DEB,
        "systemctl start videoplanet.socket videoplanet.service",
    ),
    ("journalctl -u videoplanet -o cat | grep /setup", DEB, "journalctl -u videoplanet -o cat"),
    ("journalctl -u videoplanet -e", DEB, "journalctl -u videoplanet"),
    (
        r#"vp() { sudo -u videoplanet sh -c 'set -a; . /etc/videoplanet/environment; exec videoplanet --config /etc/videoplanet/videoplanet.toml --data /var/lib/videoplanet "$@"' vp "$@"; }"#,
        DEB,
        "videoplanet --config /etc/videoplanet/videoplanet.toml --data /var/lib/videoplanet",
    ),
    ("docker compose -f packaging/compose.yaml up -d", COMPOSE, "docker compose -f packaging/compose.yaml up -d"),
    ("docker compose -f packaging/compose.yaml build --pull", IMAGE, "packaging/Dockerfile"),
    ("docker compose -f packaging/compose.yaml logs | grep /setup", COMPOSE, "logs | grep /setup"),
    (
        "docker compose -f packaging/compose.yaml logs --tail 100",
        COMPOSE,
        "docker compose -f packaging/compose.yaml logs",
    ),
    (
        r#"vp() { docker compose -f packaging/compose.yaml exec -T videoplanet videoplanet --data /data "$@"; }"#,
        IMAGE,
        "videoplanet --data /data",
    ),
    ("sudo apt install gcc libc6-dev ffmpeg", "packaging/demo.sh", "gcc libc6-dev ffmpeg"),
    ("git pull", "tests/it/docs.rs", "git pull"),
    ("cargo build --release --locked", "packaging/Dockerfile", "cargo build --release --locked"),
    ("sudo install target/release/videoplanet /usr/local/bin/", "packaging/Dockerfile", "target/release/videoplanet"),
    ("videoplanet --data data serve", "tests/it/docs.rs", "videoplanet --data data serve"),
    ("vp rollback", "tests/it/upgrade.rs", "\"rollback\""),
    ("sudo cp packaging/nginx.conf /etc/nginx/conf.d/videoplanet.conf", PROXY, "packaging/nginx.conf"),
    ("sudo nginx -t", PROXY, "\"-t\""),
    ("sudo systemctl reload nginx", PROXY, "nginx"),
    ("litestream replicate -config /etc/litestream.yml", LITESTREAM, "replicate -config"),
    (
        "litestream restore -config /etc/litestream.yml -o /var/lib/videoplanet/videoplanet.db /var/lib/videoplanet/videoplanet.db",
        LITESTREAM,
        "restore -config",
    ),
];
const DEB: &str = "packaging/test-deb.sh";
const IMAGE: &str = "packaging/test-image.sh";
const COMPOSE: &str = "packaging/compose.yaml";
const LITESTREAM: &str = "packaging/test-litestream.sh";
const PROXY: &str = "tests/it/proxy.rs";

/// Before the commands of a page: what the manual calls `vp`, and a server. The doctor's warnings are no failure.
const PRELUDE: &str = r#"
set -euo pipefail
vp() { videoplanet --data data "$@"; }
start() {
    videoplanet --data data serve >served 2>>log &
    server=$!
    for _ in $(seq 300); do
        curl -fs "http://$VIDEOPLANET_SERVER_BIND/ready" >ready && return
        sleep 0.1
    done
    echo 'the server never gets ready'
    return 1
}
stop() {
    kill "$server"
    wait "$server" || true
    server=
}
server=
trap 'code=$?; [ -z "$server" ] || kill "$server"; exit $code' EXIT
start
"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Pages of a language, by name.
fn pages(language: &str) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(root().join("docs").join(language)).unwrap().map(|e| e.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    entries.map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

/// A piece of a page that a test looks at.
#[derive(Debug, PartialEq)]
enum Part {
    Block {
        kind: String,
        text: String,
    },
    /// `stop` or `start`.
    Server(String),
}

fn parts(page: &str) -> Vec<Part> {
    let (mut found, mut open) = (Vec::new(), None::<(String, String)>);
    for line in page.lines().map(str::trim_start) {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => open = Some((kind.to_owned(), String::new())),
            (Some(_), Some("")) => {
                let (kind, text) = open.take().unwrap();
                found.push(Part::Block { kind, text });
            }
            (Some((_, text)), _) => *text += &format!("{line}\n"),
            (None, None) => {
                let word = line.strip_prefix("<!-- test: ").and_then(|l| l.strip_suffix(" -->"));
                found.extend(word.map(|word| Part::Server(word.to_owned())));
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// Commands of the program, as it lists them.
fn known() -> Vec<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_videoplanet")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let list = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    list.lines().filter_map(|l| l.strip_prefix("  ")?.split(' ').next().map(str::to_owned)).collect()
}

/// The commands of the program that a block gives.
fn given(text: &str) -> Vec<&str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found = Vec::new();
    for (i, word) in words.iter().enumerate() {
        let next = match *word {
            "vp" => words.get(i + 1),
            "videoplanet" if words.get(i + 1) == Some(&"--data") => words.get(i + 3),
            _ => None,
        };
        found.extend(next.filter(|next| next.chars().all(|c| c.is_ascii_lowercase())));
    }
    found
}

/// A page as one script. A block with a command that the program does not have (yet) is left out, and named.
fn script(page: &str, known: &[String], address: &str, backup: &Path) -> (String, Vec<String>) {
    let (mut script, mut left_out) = (PRELUDE.to_owned(), Vec::new());
    for part in parts(page) {
        match part {
            Part::Server(word) => script += &format!("{word}\n"),
            Part::Block { kind, text } if kind == "sh" => {
                match given(&text).iter().find(|command| !known.iter().any(|k| k == *command)) {
                    Some(unknown) => left_out.push((*unknown).to_owned()),
                    None => {
                        let text = text.replace("127.0.0.1:8080", address);
                        let text = text.replace("/mnt/backup", backup.to_str().unwrap());
                        for line in text.lines() {
                            // The doctor warns of what a test's machine has not.
                            let warned = if line.starts_with("vp doctor") { " || [ $? = 1 ]" } else { "" };
                            script += &format!("{line}{warned}\n");
                        }
                    }
                }
            }
            Part::Block { .. } => {}
        }
    }
    (script, left_out)
}

#[test]
fn every_command_of_the_manual_runs() {
    let known = known();
    assert!(known.iter().any(|k| k == "rollback"), "{known:?}");
    let clips = Dir::new("docs-clip");
    clips.film(&format!("{CLIP} film.mp4"));
    let program = Path::new(env!("CARGO_BIN_EXE_videoplanet")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    std::thread::scope(|scope| {
        for (name, page) in pages("en") {
            let (known, path, film) = (&known, &path, clips.path().join("film.mp4"));
            scope.spawn(move || {
                let dir = Dir::new(&format!("docs-{name}"));
                std::fs::copy(film, dir.path().join("film.mp4")).unwrap();
                let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                let address = free.local_addr().unwrap().to_string();
                drop(free);
                let (script, left_out) = script(&page, known, &address, &dir.path().join("backup"));
                if !left_out.is_empty() {
                    println!("{name}: not run, since the program has no {}", left_out.join(", "));
                }
                let done = Command::new("timeout")
                    .args(["300", "bash", "-c", &script])
                    .current_dir(dir.path())
                    .env("PATH", path)
                    .env("VIDEOPLANET_SERVER_BIND", &address)
                    .env("VIDEOPLANET_CACHE_DISK_MIB", "32")
                    .env("VIDEOPLANET_ALERTS_LOOK_S", "0")
                    .stdin(Stdio::null())
                    .output()
                    .unwrap();
                let log = std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
                let log: String = log.lines().filter(|l| !l.contains(" INFO ")).map(|l| format!("{l}\n")).collect();
                assert!(
                    done.status.success(),
                    "{name}: {}\n{}{}{log}",
                    done.status,
                    String::from_utf8_lossy(&done.stdout),
                    String::from_utf8_lossy(&done.stderr),
                );
            });
        }
    });
}

#[test]
fn what_needs_a_whole_machine_is_run_by_a_script() {
    let mut seen = Vec::new();
    for (name, page) in pages("en") {
        for part in parts(&page) {
            let Part::Block { kind, text } = part else { continue };
            assert!(
                ["sh", "console", "toml", "yaml"].contains(&kind.as_str()),
                "{name}: a block of kind {kind:?} is run by nobody"
            );
            if kind == "console" {
                seen.extend(text.lines().map(|line| (name.clone(), line.to_owned())));
            }
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
    for (name, line) in &seen {
        let Some((_, file, words)) = ELSEWHERE.iter().find(|(known, ..)| known == line) else {
            panic!("{name}: no script is named for: {line}");
        };
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        assert!(text.contains(words), "{name}: {file} does nothing like: {line}");
    }
    for (line, ..) in ELSEWHERE {
        assert!(seen.iter().any(|(_, seen)| seen == line), "no page says: {line}");
    }
}

#[test]
fn both_languages_give_the_same_commands_in_the_same_order() {
    let (ko, en) = (pages("ko"), pages("en"));
    assert!(ko.keys().eq(en.keys()), "{:?} {:?}", ko.keys(), en.keys());
    for (name, page) in en {
        assert_eq!(parts(&ko[&name]), parts(&page), "{name}");
        let heads = |page: &str| page.lines().filter(|l| l.starts_with('#')).map(|l| l.matches('#').count()).collect();
        let (here, there): (Vec<_>, Vec<_>) = (heads(&page), heads(&ko[&name]));
        assert_eq!(here, there, "{name}: its parts");
    }
}

/// Where a heading is found in a page's address, as forges make it: lower case, no signs, blanks as hyphens.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Where the links of a page lead, as written. Code is no link.
fn links(page: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in page.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        found.extend(line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(to, _)| to));
    }
    found
}

#[test]
fn links_lead_somewhere() {
    let mut all: Vec<PathBuf> = vec![root().join("README.md")];
    for dir in ["docs", "docs/en", "docs/ko"] {
        let entries = std::fs::read_dir(root().join(dir)).unwrap().map(|e| e.unwrap().path());
        all.extend(entries.filter(|path| path.extension().is_some_and(|e| e == "md")));
    }
    let (mut dead, mut looked) = (Vec::new(), 0);
    for path in &all {
        let text = std::fs::read_to_string(path).unwrap();
        for to in links(&text).into_iter().filter(|to| !to.contains("://")) {
            looked += 1;
            let (file, place) = to.split_once('#').unwrap_or((to, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let there = std::fs::read_to_string(&target);
            let heads = |text: &str| {
                text.lines().filter(|l| l.starts_with('#')).any(|l| anchor(l.trim_start_matches('#').trim()) == place)
            };
            if !target.exists() || !place.is_empty() && !there.is_ok_and(|text| heads(&text)) {
                dead.push(format!("{}: {to}", path.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(looked > 40, "{looked} links");
    assert!(dead.is_empty(), "links to nowhere:\n  {}", dead.join("\n  "));
}

#[test]
fn settings_that_the_manual_names_are_there() {
    let sections: Vec<&str> = config::SECTIONS.iter().map(|s| s.name).collect();
    let mut unknown = Vec::new();
    for (name, page) in pages("en").into_iter().chain(pages("ko")) {
        for word in page.split('`').skip(1).step_by(2) {
            let word = word.trim_start_matches("--set ").split('=').next().unwrap();
            let Some((section, key)) = word.split_once('.') else { continue };
            let plain = key.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
            if sections.contains(&section) && plain && config::find(word).is_none() {
                unknown.push(format!("{name}: {word}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}
