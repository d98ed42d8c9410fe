//! `cargo bench --bench desk`: the first look of somebody who belongs to 500 projects, past every cache: dashboard, gantt
//! and calendar, in milliseconds and statements, beside the same statements' own time as the program tells it.
//!
//! A studio of 1,000 people, 500 projects, 20,000 feedbacks and 200,000 comments is imported into the real program; each
//! project gets its eight phases, four entries, a memo and a plan, each feedback a version, spread over two years until now.
//! One client asks, one request at a time.

#[path = "data/mod.rs"]
#[allow(dead_code)]
mod data;
#[path = "http/load.rs"]
#[allow(dead_code)]
mod load;
#[path = "http/server.rs"]
mod server;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use load::Line;
use server::{Server, program};

/// A member of every project.
const EVERYWHERE: i64 = 900;
const ROUNDS: usize = 60;

const FILL: &str = "
    INSERT INTO members (project_id, user_id, role, created_ms)
        SELECT id, 900, 'editor', created_ms FROM projects WHERE true ON CONFLICT DO NOTHING;
    UPDATE users SET site_role = 'operator' WHERE id = 900;
    WITH RECURSIVE step(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM step WHERE n < 7)
    INSERT INTO phases (project_id, phase, start_day, end_day, state, progress, assignee_id, updated_ms)
        SELECT p.id, CASE n WHEN 0 THEN 'basic_plan' WHEN 1 THEN 'story_board' WHEN 2 THEN 'filming'
            WHEN 3 THEN 'video_edit' WHEN 4 THEN 'post_work' WHEN 5 THEN 'video_preview' WHEN 6 THEN 'confirmation'
            ELSE 'video_delivery' END,
            date('now', (p.id % 90 - 60 + n * 5) || ' days'), date('now', (p.id % 90 - 56 + n * 5) || ' days'),
            'planned', 0, CASE WHEN n % 3 = 0 THEN 900 ELSE p.owner_id END, 0
        FROM projects p, step;
    WITH RECURSIVE step(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM step WHERE n < 3)
    INSERT INTO entries (project_id, user_id, kind, title, all_day, start_ms, end_ms, first_day, last_day, created_ms, updated_ms)
        SELECT p.id, p.owner_id, CASE n WHEN 0 THEN 'filming' WHEN 1 THEN 'deadline' ELSE 'meeting' END, '회의', 1,
            unixepoch('now', (p.id % 60 - 30 + n) || ' days') * 1000, unixepoch('now', (p.id % 60 - 30 + n) || ' days') * 1000,
            date('now', (p.id % 60 - 30 + n) || ' days'), date('now', (p.id % 60 - 30 + n) || ' days'), 0, 0
        FROM projects p, step;
    INSERT INTO memos (project_id, day, text, updated_ms)
        SELECT id, date('now', (id % 60 - 30) || ' days'), '우천 시 실내', 0 FROM projects;
    INSERT INTO media (feedback_id, project_id, user_id, version, name, hash, size_bytes, content_type, state, created_ms, updated_ms)
        SELECT id, project_id, user_id, 1, 'a.mp4', 'ab', 3, 'video/mp4', 'ready', 0, 0 FROM feedbacks f
        WHERE NOT EXISTS (SELECT 1 FROM media m WHERE m.feedback_id = f.id);
    INSERT INTO plans (project_id, user_id, title, status, inputs, story, version, created_ms, updated_ms)
        SELECT id, owner_id, '기획안', CASE WHEN id % 2 = 0 THEN 'in_review' ELSE 'draft' END, '{}', '{}', 1, 0, 0 FROM projects;
    UPDATE feedbacks SET updated_ms = unixepoch('now') * 1000 - (20000 - id) * 3153600;
    UPDATE media SET created_ms = unixepoch('now') * 1000 - (20000 - feedback_id) * 3153600, state = 'ready';
    ANALYZE;
";

fn main() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-desk");
    let _ = std::fs::remove_dir_all(&home);
    let given = home.join("given");
    data::write(&given, &data::LARGE).unwrap();
    let imported = program(&home).arg("import").arg(&given).stderr(Stdio::null()).output().unwrap();
    assert!(imported.status.success());
    rusqlite::Connection::open(home.join("data/videoplanet.db")).unwrap().execute_batch(FILL).unwrap();
    let mut command = program(&home);
    command.args(["--set", "server.bind=127.0.0.1:0", "serve"]);
    let server = Server::start(command);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let day = |days: i64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
        videoplanet::base::clock::Time(now + days * videoplanet::base::clock::DAY).date()
    };
    println!("a member of 500 projects, past every cache, one request at a time, {ROUNDS} rounds");
    for path in [
        "/api/v1/dashboard".to_owned(),
        format!("/api/v1/dashboard?since={}", day(-1)),
        "/api/v1/gantt?page_size=50".to_owned(),
        "/api/v1/gantt?page_size=100".to_owned(),
        format!("/api/v1/calendar?from={}&to={}", day(-15), day(20)),
        "/".to_owned(),
        "/calendar?view=gantt".to_owned(),
        "/calendar".to_owned(),
    ] {
        let (times, statements, bytes) = runtime.block_on(ask(&server, &path));
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
        println!(
            "{path:50} median {:6.1} ms, p90 {:6.1} ms, {statements} statements, {:.0} KiB",
            at(0.5),
            at(0.9),
            bytes as f64 / 1024.0
        );
    }
}

async fn ask(server: &Server, path: &str) -> (Vec<Duration>, String, usize) {
    let token = data::token(EVERYWHERE as u64);
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncookie: vp_session={token}\r\n\
         cache-control: no-cache\r\n\r\n"
    );
    let mut line = Line::open(server.1).await;
    let (mut times, mut statements, mut bytes) = (Vec::new(), String::new(), 0);
    for round in 0..ROUNDS + 3 {
        let begun = Instant::now();
        let answer = line.ask(request.as_bytes()).await;
        let took = begun.elapsed();
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(answer.body));
        (statements, bytes) = (answer.header("x-db-queries").to_owned(), answer.body.len());
        // The first ones sign in and fill SQLite's own pages.
        if round >= 3 {
            times.push(took);
        }
    }
    times.sort();
    (times, statements, bytes)
}
