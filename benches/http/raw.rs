//! The same statements by hand: what SQLite alone does for the requests that are measured. Their texts are those of the
//! product's `sql.rs` files as of this benchmark.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

/// As many connections as the product has readers.
const READERS: usize = 4;

const STATS: &str = "WITH s AS (
        SELECT count(*) AS total,
            coalesce(sum(status = 'open'), 0) AS open, coalesce(sum(status = 'in_progress'), 0) AS in_progress,
            coalesce(sum(status = 'resolved'), 0) AS resolved, coalesce(sum(status = 'closed'), 0) AS closed,
            CAST(avg(CASE WHEN resolved_ms IS NOT NULL THEN resolved_ms - created_ms END) AS INTEGER) AS mean,
            coalesce(sum(priority = 'low'), 0) AS low, coalesce(sum(priority = 'medium'), 0) AS medium,
            coalesce(sum(priority = 'high'), 0) AS high, coalesce(sum(priority = 'critical'), 0) AS critical
        FROM feedbacks WHERE project_id = ?1 AND deleted_ms IS NULL)
     SELECT p.id, p.name, p.description, p.manager_name, p.client, p.color, p.status, p.genre, p.tone,
        p.concept, p.deadline_ms, p.created_ms, p.updated_ms, p.deleted_ms, p.owner_id, o.nickname, p.rev,
        (SELECT count(*) FROM members x WHERE x.project_id = p.id),
        (SELECT count(*) FROM feedbacks f WHERE f.project_id = p.id AND f.deleted_ms IS NULL),
        (SELECT count(*) FROM feedbacks f WHERE f.project_id = p.id AND f.deleted_ms IS NULL
            AND f.status IN ('open', 'in_progress')),
        s.total, s.open, s.in_progress, s.resolved, s.closed, s.mean, s.low, s.medium, s.high, s.critical,
        (SELECT e.at_ms FROM events e WHERE e.project_id = ?1 ORDER BY e.seq DESC LIMIT 1)
     FROM s, projects p JOIN users o ON o.id = p.owner_id WHERE p.id = ?1 AND p.deleted_ms IS NULL";

const LISTS: &str = "SELECT * FROM (
        SELECT u.id, 0 AS list, u.nickname, u.email, m.role, '' AS x5, '' AS x6, m.created_ms AS at, 0 AS x8, '' AS x9,
            CASE m.role WHEN 'owner' THEN 0 WHEN 'manager' THEN 1 WHEN 'editor' THEN 2 WHEN 'reviewer' THEN 3
                ELSE 4 END AS place
        FROM members m JOIN users u ON u.id = m.user_id WHERE m.project_id = ?1 ORDER BY place, u.id LIMIT 50)
     UNION ALL
     SELECT * FROM (
        SELECT f.id, 1, '', '', f.title, f.status, f.priority, f.updated_ms, u.id, u.nickname,
            (SELECT count(*) FROM comments c WHERE c.feedback_id = f.id AND c.deleted_ms IS NULL
                AND c.resolved_ms IS NULL AND c.parent_id IS NULL AND (c.internal = 0 OR 1))
        FROM feedbacks f JOIN users u ON u.id = f.user_id WHERE f.project_id = ?1 AND f.deleted_ms IS NULL
        ORDER BY f.updated_ms DESC, f.id DESC LIMIT 5)";

const FEED: &str = "SELECT f.id, f.project_id, f.title, f.description, f.status, f.priority, f.user_id, u.nickname,
        f.created_ms, f.updated_ms, f.rev,
        (SELECT count(*) FROM comments c WHERE c.feedback_id = f.id AND c.deleted_ms IS NULL
            AND (c.internal = 0 OR 1)),
        (SELECT count(*) FROM comments c WHERE c.feedback_id = f.id AND c.deleted_ms IS NULL AND c.resolved_ms IS NULL
            AND c.parent_id IS NULL AND (c.internal = 0 OR 1)),
        v.id, v.version, v.state, v.name, v.renditions, v.facts
     FROM feedbacks f JOIN users u ON u.id = f.user_id
     LEFT JOIN media v ON v.feedback_id = f.id
        AND v.version = (SELECT max(x.version) FROM media x WHERE x.feedback_id = f.id)
     WHERE f.project_id = ?1 AND f.deleted_ms IS NULL ORDER BY f.created_ms DESC, f.id DESC LIMIT 21";

fn open(db: &Path) -> Connection {
    let conn = Connection::open(db).unwrap();
    conn.busy_timeout(Duration::from_secs(10)).unwrap();
    for (name, value) in [("cache_size", -16_384), ("mmap_size", 256 << 20)] {
        conn.pragma_update(None, name, value).unwrap();
    }
    conn.pragma_update(None, "synchronous", "FULL").unwrap();
    conn.pragma_update(None, "foreign_keys", true).unwrap();
    conn
}

/// Reads by these statements, for changing projects, on several connections; answers how often a second.
fn reads(db: &Path, length: Duration, statements: &'static [&'static str]) -> f64 {
    let done = AtomicU64::new(0);
    let start = Instant::now();
    std::thread::scope(|s| {
        for thread in 0..READERS {
            let done = &done;
            s.spawn(move || {
                let conn = open(db);
                let mut project = thread as i64 * 100 + 1;
                while start.elapsed() < length {
                    conn.execute_batch("BEGIN DEFERRED").unwrap();
                    for sql in statements {
                        let mut statement = conn.prepare_cached(sql).unwrap();
                        let columns = statement.column_count();
                        let mut rows = statement.query([project]).unwrap();
                        while let Some(row) = rows.next().unwrap() {
                            (0..columns).for_each(|i| drop(row.get::<_, rusqlite::types::Value>(i).unwrap()));
                        }
                    }
                    conn.execute_batch("ROLLBACK").unwrap();
                    project = project % 500 + 1;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.into_inner() as f64 / start.elapsed().as_secs_f64()
}

/// A project's dashboard.
pub fn dashboard(db: &Path, length: Duration) -> f64 {
    reads(db, length, &[STATS, LISTS])
}

/// A project's first 20 feedbacks with their authors.
pub fn feed(db: &Path, length: Duration) -> f64 {
    reads(db, length, &[FEED])
}

/// Comments with their events, each looked up where it belongs, in commits of 64.
pub fn comments(db: &Path, length: Duration) -> f64 {
    let conn = open(db);
    let (start, mut n) = (Instant::now(), 0u64);
    while start.elapsed() < length {
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        for _ in 0..64 {
            let place = "SELECT f.project_id, m.role FROM feedbacks f
                JOIN projects p ON p.id = f.project_id AND p.deleted_ms IS NULL
                JOIN members m ON m.project_id = f.project_id AND m.user_id = p.owner_id
                WHERE f.id = ?1 AND f.deleted_ms IS NULL";
            let feedback = (n % 20_000) as i64 + 1;
            let mut look = conn.prepare_cached(place).unwrap();
            let project: i64 = look.query_row([feedback], |r| r.get(0)).unwrap();
            let insert = "INSERT INTO comments (feedback_id, project_id, user_id, text, created_ms, updated_ms)
                VALUES (?1, ?2, 1, ?3, ?4, ?4)";
            let row = params![feedback, project, "자막에 오타가 있습니다.", n as i64];
            conn.prepare_cached(insert).unwrap().execute(row).unwrap();
            let id = conn.last_insert_rowid();
            let event = "INSERT INTO events (at_ms, project_id, actor_id, subject, subject_id, verb, body, feedback_id)
                VALUES (?1, ?2, 1, 'comment', ?3, 'comment_added', ?4, ?5)";
            let body = format!("{{\"verb\":\"comment_added\",\"comment\":{id},\"feedback\":{feedback}}}");
            conn.prepare_cached(event).unwrap().execute(params![n as i64, project, id, body, feedback]).unwrap();
            n += 1;
        }
        conn.execute_batch("COMMIT").unwrap();
    }
    n as f64 / start.elapsed().as_secs_f64()
}
