//! A crowd: many people in one project, imported at once, before a real process that may be killed and started again.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::clips::Dir;
use crate::crash::program;
use crate::data;

/// The project and the feedback that everybody is in.
pub const PROJECT: u64 = 1;
pub const FEEDBACK: u64 = 1;

/// A number from the environment, for a run of another size.
pub fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// An instance with people `1..=people`, all of them members of project 1; the first one owns it.
pub struct Crowd {
    pub dir: Dir,
    pub people: u64,
}

impl Crowd {
    pub fn new(name: &str, people: usize, comments: usize) -> Crowd {
        let dir = Dir::new(name);
        // A multiple of 7 would let the same person be drawn twice.
        let people = (people + usize::from(people.is_multiple_of(7))) as u64;
        let size =
            data::Size { users: people, projects: 1, members: people - 1, feedbacks: 1, comments: comments as u64 };
        let given = dir.path().join("given");
        data::write(&given, &size).unwrap();
        let imported = program(&dir.path().join("data")).arg("import").arg(&given).output().unwrap();
        assert!(imported.status.success());
        Crowd { dir, people }
    }

    /// What the server has written to its standard error.
    pub fn complaints(&self) -> PathBuf {
        self.dir.path().join("stderr")
    }

    /// Puts a version into the feedback: a row alone, for rooms in which a film is watched.
    pub fn film(&self) {
        let db = rusqlite::Connection::open(self.dir.path().join("data/videoplanet.db")).unwrap();
        db.execute(
            "INSERT INTO media (id, feedback_id, project_id, user_id, version, name, hash, size_bytes, content_type, state,
                created_ms, updated_ms)
             VALUES (1, ?1, ?2, 1, 1, 'a.mp4', 'none', 1, 'video/mp4', 'failed', 0, 0)",
            [FEEDBACK as i64, PROJECT as i64],
        )
        .unwrap();
    }

    /// Starts the program on it, with these settings.
    pub fn serve(&self, settings: &[&str]) -> House {
        videoplanet::engines::outbound::prepare();
        let told = OpenOptions::new().create(true).append(true).open(self.complaints()).unwrap();
        let bound = ["server.bind=127.0.0.1:0", "cache.disk_mib=64"];
        let mut child = program(&self.dir.path().join("data"))
            .args(bound.iter().chain(settings).flat_map(|s| ["--set", s]))
            .arg("serve")
            .stdout(Stdio::piped())
            .stderr(told)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit('/').next().unwrap().parse().unwrap_or_else(|_| panic!("{line:?}"));
        House { child, address }
    }
}

/// A running server; killed when dropped.
pub struct House {
    child: Child,
    /// Where it answers.
    pub address: SocketAddr,
}

impl Drop for House {
    /// `kill -9`.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl House {
    /// Bytes of memory that are its own.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let kib =
            status.lines().find_map(|l| l.strip_prefix("RssAnon:")?.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap() << 10
    }

    /// One of its numbers for Prometheus, whatever its labels, in all.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = reqwest::get(format!("http://{}/metrics", self.address)).await.unwrap().text().await.unwrap();
        let samples = text.lines().filter_map(|l| {
            let (labels, value) = l.strip_prefix(name)?.rsplit_once(' ')?;
            (labels.is_empty() || labels.starts_with('{')).then(|| value.parse::<f64>().unwrap())
        });
        let samples: Vec<f64> = samples.collect();
        assert!(!samples.is_empty(), "no {name} in {text}");
        samples.iter().sum()
    }

    /// Waits until nobody has a seat any more.
    pub async fn emptied(&self) {
        let begun = Instant::now();
        while self.metric("videoplanet_sockets").await > 0.0 {
            assert!(begun.elapsed() < Duration::from_secs(20), "seats are held though everybody left");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
