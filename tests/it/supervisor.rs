//! What systemd is to the program: it holds the listening sockets, hands them to each process that it starts, and hears how
//! they are. And what holds between the two.

use std::fs::OpenOptions;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::net::TcpSocket;

use crate::clips::Dir;
use crate::crash::{fresh, program};

/// Nothing takes longer; only a bound for what never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sockets as long as the supervisor lives, one process after the other on them.
pub struct Supervisor {
    sockets: Vec<TcpListener>,
    data: PathBuf,
    notify: PathBuf,
    complaints: PathBuf,
    told: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    /// Where the first socket answers.
    pub address: SocketAddr,
}

/// A process of it; killed when dropped.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn listen() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    // As long a queue as systemd's own.
    socket.listen(4096).unwrap().into_std().unwrap()
}

impl Supervisor {
    /// One that hands over `sockets` sockets (one or two), and keeps what it needs in `dir`.
    pub fn new(dir: &Path, data: &Path, sockets: usize) -> Supervisor {
        videoplanet::engines::outbound::prepare();
        let sockets: Vec<TcpListener> = (0..sockets).map(|_| listen()).collect();
        let notify = dir.join("notify");
        let ear = UnixDatagram::bind(&notify).unwrap();
        ear.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let (told, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (heard, end) = (told.clone(), over.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while !end.load(Ordering::Relaxed) {
                if let Ok(n) = ear.recv(&mut bytes) {
                    heard.lock().extend(String::from_utf8_lossy(&bytes[..n]).lines().map(str::to_owned));
                }
            }
        });
        let address = sockets[0].local_addr().unwrap();
        let complaints = dir.join("stderr");
        Supervisor { sockets, data: data.to_owned(), notify, complaints, told, over, address }
    }

    /// Starts the program on the sockets. A shell puts them where they belong: it alone knows its id before it becomes the
    /// program.
    pub fn start(&self, settings: &[&str]) -> Process {
        let told = OpenOptions::new().create(true).append(true).open(&self.complaints).unwrap();
        let hand = |socket: &TcpListener| Stdio::from(OwnedFd::from(socket.try_clone().unwrap()));
        let second = self.sockets.get(1);
        let script = match second {
            None => "exec 3<&0 </dev/null; export LISTEN_PID=$$; exec \"$0\" \"$@\"",
            Some(_) => "exec 3<&0 4>&1 </dev/null >/dev/null; export LISTEN_PID=$$; exec \"$0\" \"$@\"",
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(env!("CARGO_BIN_EXE_videoplanet")).arg("--data").arg(&self.data);
        // Nobody may bind it: the sockets that were handed over are all.
        let bind = "server.bind=192.0.2.1:1";
        let set = [bind, "cache.disk_mib=64"];
        shell.args(set.iter().chain(settings).flat_map(|s| ["--set", s])).arg("serve");
        shell.env("LISTEN_FDS", self.sockets.len().to_string()).env("NOTIFY_SOCKET", &self.notify);
        shell.env("WATCHDOG_USEC", "2000000");
        shell.stdin(hand(&self.sockets[0])).stdout(second.map_or_else(Stdio::null, hand)).stderr(told);
        Process(shell.spawn().unwrap())
    }

    /// How much has been told so far.
    pub fn heard(&self) -> usize {
        self.told.lock().len()
    }

    /// Waits until a line is told that begins so, after the first `since` lines; answers it.
    pub async fn told(&self, since: usize, line: &str) -> String {
        let begun = Instant::now();
        loop {
            let found = self.told.lock().iter().skip(since).find(|l| l.starts_with(line)).cloned();
            if let Some(found) = found {
                return found;
            }
            let complaints = || std::fs::read_to_string(&self.complaints).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "never {line}: {:?}\n{}", self.told.lock(), complaints());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What went to the standard error.
    pub fn complaints(&self) -> String {
        std::fs::read_to_string(&self.complaints).unwrap_or_default()
    }

    /// Ends one process (SIGTERM) and starts the next when it has ended, as systemd does; answers the next, ready, and how
    /// long nobody accepted.
    pub async fn replace(&self, process: Process, settings: &[&str]) -> (Process, Duration) {
        let begun = Instant::now();
        process.end().await;
        let since = self.heard();
        let next = self.start(settings);
        self.told(since, "READY=1").await;
        (next, begun.elapsed())
    }
}

impl Process {
    fn signal(&self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Asks it to end, and waits until it has done so in order.
    pub async fn end(mut self) {
        self.signal();
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn status(address: SocketAddr, path: &str) -> u16 {
    let url = format!("http://{address}{path}");
    let answer = reqwest::Client::new().get(url).timeout(Duration::from_secs(20)).send().await;
    answer.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_its_sockets_and_tells_how_it_is() {
    let (dir, data) = fresh("sockets");
    let supervisor = Supervisor::new(dir.path(), &data, 2);
    let process = supervisor.start(&[]);
    supervisor.told(0, "EXTEND_TIMEOUT_USEC=").await;
    supervisor.told(0, "STATUS=opening").await;
    supervisor.told(0, "READY=1").await;
    let told = supervisor.told(0, "STATUS=at ").await;
    for socket in &supervisor.sockets {
        let address = socket.local_addr().unwrap();
        assert_eq!(status(address, "/ready").await, 200);
        assert!(told.contains(&format!("http://{address}")), "{told}");
    }
    // Half of two seconds: the second one proves that the first was no accident.
    supervisor.told(0, "WATCHDOG=1").await;
    let since = supervisor.heard();
    supervisor.told(since, "WATCHDOG=1").await;
    // A connection that comes while nobody accepts waits for the next process.
    process.end().await;
    supervisor.told(0, "STOPPING=1").await;
    supervisor.told(0, "STATUS=draining, ").await;
    let waiting = tokio::spawn(status(supervisor.address, "/ready"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let process = supervisor.start(&[]);
    assert_eq!(waiting.await.unwrap(), 200);
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_waits_for_its_predecessor_and_after_a_moment_says_that_it_starts() {
    let (dir, data) = fresh("overlap");
    let supervisor = Supervisor::new(dir.path(), &data, 1);
    let first = supervisor.start(&[]);
    supervisor.told(0, "READY=1").await;
    // On a socket of its own, so that only the second one answers there.
    let (of_second, told) = (dir.path().join("second"), supervisor.heard());
    std::fs::create_dir(&of_second).unwrap();
    let second = Supervisor::new(&of_second, &data, 1);
    let process = second.start(&[]);
    second.told(0, "STATUS=waiting for").await;
    let begun = Instant::now();
    // The first who ask are kept, since most upgrades are over by now; then they hear that it takes longer.
    assert_eq!(status(second.address, "/health").await, 200);
    assert!(begun.elapsed() > Duration::from_millis(1_500), "{:?}", begun.elapsed());
    assert_eq!(status(second.address, "/ready").await, 503);
    assert_eq!(status(supervisor.address, "/ready").await, 200, "the first one goes on");
    first.end().await;
    supervisor.told(told, "STOPPING=1").await;
    second.told(0, "READY=1").await;
    assert_eq!(status(second.address, "/ready").await, 200);
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_are_meant_for_another_process_are_left_alone() {
    let dir = Dir::new("others");
    let data = dir.path().join("data");
    let mut other = program(&data);
    let other = other.env("LISTEN_PID", "1").env("LISTEN_FDS", "1").args(["--set", "server.bind=192.0.2.1:1", "serve"]);
    let ended = other.stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("cannot listen on 192.0.2.1:1"), "{said}");
    // Nor is anything taken that is no socket.
    let script = "exec 3</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(env!("CARGO_BIN_EXE_videoplanet")).arg("--data").arg(&data).arg("serve");
    let ended = shell.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("socket 3 of the supervisor is no TCP socket"), "{said}");
    assert!(!data.join("videoplanet.db").exists(), "nothing was opened");
}
