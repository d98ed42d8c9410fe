//! `cargo bench --bench start`: how soon the program is ready on the data of a large studio, what it holds in memory while
//! nobody asks for anything, and how large it is.
//!
//! A studio of 1,000 people, 500 projects, 20,000 feedbacks and 200,000 comments is imported, started once so that its
//! search index is whole, and ended in order. Then it is started again and again: from the process's begin until `/ready`
//! answers 200, with the files in the page cache as the run before left them. The last run is left alone for 20 seconds.

#[path = "data/mod.rs"]
#[allow(dead_code)]
mod data;
#[path = "http/server.rs"]
#[allow(dead_code)]
mod server;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use server::program;

const RUNS: usize = 11;
const IDLE: Duration = Duration::from_secs(20);

/// A program that was begun; ends with its value.
struct Begun(Child, SocketAddr);

impl Begun {
    fn begin(home: &Path) -> Begun {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = program(home);
        command.args(["--set", &format!("server.bind={address}"), "serve"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Begun(child, address)
    }

    /// Asks until it answers 200.
    fn ready(&self) {
        while self.ask("/ready").is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn ask(&self, path: &str) -> Option<String> {
        let mut line = TcpStream::connect(self.1).ok()?;
        line.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        line.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// A number at /metrics.
    fn number(&self, name: &str) -> Option<f64> {
        let answer = self.ask("/metrics")?;
        answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Of `/proc/<pid>/smaps_rollup`, in MiB.
    fn memory(&self, field: &str) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
        line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
    }

    fn end(mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-start");
    let _ = std::fs::remove_dir_all(&home);
    let given = home.join("given");
    data::write(&given, &data::LARGE).unwrap();
    assert!(program(&home).arg("import").arg(&given).stderr(Stdio::null()).output().unwrap().status.success());
    let first = Begun::begin(&home);
    first.ready();
    while first.number("videoplanet_index_whole") != Some(1.0) {
        std::thread::sleep(Duration::from_millis(200));
    }
    first.end();

    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            let program = Begun::begin(&home);
            program.ready();
            let took = begun.elapsed().as_secs_f64() * 1000.0;
            program.end();
            took
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "begin to /ready, {RUNS} runs on 200,000 comments: median {:.0} ms, fastest {:.0}, slowest {:.0}",
        times[RUNS / 2],
        times[0],
        times[RUNS - 1]
    );

    let program = Begun::begin(&home);
    program.ready();
    std::thread::sleep(IDLE);
    let threads = std::fs::read_dir(format!("/proc/{}/task", program.0.id())).unwrap().count();
    println!(
        "idle for {} s: {:.0} MiB resident, of these {:.0} MiB its own (the rest are mapped files), {threads} threads",
        IDLE.as_secs(),
        program.memory("Rss"),
        program.memory("Anonymous"),
    );
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_videoplanet")).unwrap().len() as f64 / f64::from(1 << 20);
    println!("the program: {size:.1} MiB, stripped, without the link-time optimisation of a release");
    program.end();
}
