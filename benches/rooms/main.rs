//! `cargo bench --bench rooms`: what live rooms cost, as ratios within one run on one machine.
//!
//! A studio of 4,000 people in 40 projects is imported into the real program, which runs as a process of its own; beside
//! it, in another, runs a bare axum server that sends the same bytes to whoever is connected, from one broadcast channel.
//! Measured are idle sockets (memory, CPU, the rate at which they come), the time until the last of 500 listeners has read
//! a comment, and how many deliveries a second both manage. Listeners live in this process and read frames by hand.
//! `cargo bench --bench rooms -- idle latency deliveries` runs some of the parts; a word such as `rooms.queue=50` is a
//! setting of the program. `VP_ROOMS_SOCKETS` and `VP_ROOMS_SECONDS` make it shorter.

mod bare;
#[path = "../data/mod.rs"]
mod data;
mod fan;
mod idle;
mod listen;
// What this one does not ask for, others do.
#[allow(dead_code)]
#[path = "../http/load.rs"]
mod load;
#[path = "../http/server.rs"]
mod server;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bare::Buffers;
use server::{Server, program};

/// People of one project, and sockets of one person.
const PEOPLE: u64 = 100;
const EACH: u64 = 5;
const SIZE: data::Size = data::Size { users: 4_000, projects: 40, members: 0, feedbacks: 40, comments: 4_000 };
/// Files that a process holds open beside its sockets.
const OTHER_FILES: u64 = 200;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|a| a == "--bare") {
        return bare::run(Buffers::named(&arguments[at + 1]));
    }
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-rooms");
    let _ = std::fs::remove_dir_all(&home);
    let given = home.join("given");
    data::write(&given, &SIZE).unwrap();
    members(&given);
    let imported = program(&home).arg("import").arg(&given).output().unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(&home));
    runtime.shutdown_background();
    let _ = std::fs::remove_dir_all(&home);
}

/// Everybody is in one project: project `p` has the accounts from [`person`]`(p, 0)` on. Project `p` is owned by account
/// `p`, who needs no row for that.
fn members(given: &Path) {
    let mut out = BufWriter::new(File::create(given.join("members.jsonl")).unwrap());
    let everybody = (1..=SIZE.projects).flat_map(|p| (0..PEOPLE).map(move |i| (p, person(p, i))));
    for (id, (project, user)) in everybody.filter(|(p, user)| data::owner(&SIZE, *p) != *user).enumerate() {
        let row = serde_json::json!({ "id": id + 1, "project_id": project, "user_id": user, "role": "normal" });
        writeln!(out, "{row}").unwrap();
    }
    out.flush().unwrap();
}

/// The `i`-th person of a project, from 0.
fn person(project: u64, i: u64) -> u64 {
    (project - 1) * PEOPLE + i + 1
}

/// Our server, as it is set up for so many sockets.
fn ours(home: &Path) -> Server {
    let mut serve = program(home);
    serve.args(["--set", "server.bind=127.0.0.1:0", "--set", "rooms.max_sockets=20000"]);
    for setting in std::env::args().filter(|a| a.contains('=')) {
        serve.args(["--set", &setting]);
    }
    serve.arg("serve");
    Server::start(serve)
}

fn beside(buffers: Buffers) -> Server {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--bare", buffers.name()]).stdin(Stdio::null());
    Server::start(again)
}

async fn measure(home: &Path) {
    let seconds = Duration::from_secs(number("VP_ROOMS_SECONDS", 20));
    let named: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--") && !a.contains('=')).collect();
    let is_wanted = |part: &str| named.is_empty() || named.iter().any(|n| n == part);
    if is_wanted("idle") {
        // Both ends of a socket are a file of their process.
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
        let wanted = number("VP_ROOMS_SOCKETS", 20_000).min(SIZE.users * EACH);
        let sockets = wanted.min(files.saturating_sub(OTHER_FILES));
        println!(
            "idle: {sockets} sockets of {wanted}; each process may open {files} files and needs some for the rest"
        );
        // Two rounds of pings: they come in a heap, as the sockets did.
        idle::part(home, sockets, seconds * 9 / 2).await;
    }
    if is_wanted("latency") || is_wanted("deliveries") {
        let (ours, bare) = (ours(home), beside(Buffers::Small));
        let mut fan = fan::Fan::open(ours.1, bare.1).await;
        if is_wanted("latency") {
            // Alone, and so fast that messages wait for company.
            for pace in [5, 20] {
                // Long enough that the slowest of a hundred is not a single one.
                fan.latency(pace, seconds * 2).await;
            }
        }
        if is_wanted("deliveries") {
            fan.deliveries(seconds / 2).await;
        }
    }
}
