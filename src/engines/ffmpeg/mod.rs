//! The only place with child processes: ffmpeg and ffprobe, on files that strangers have sent.
//!
//! Every child gets an argument list (there is no shell), a closed stdin, an empty environment, a directory of its own,
//! white lists of protocols *and* of formats (a playlist named `.mp4` would otherwise open other people's files), a
//! limit on pixels, nice 15, and a process group. It ends with its job: on cancel, on a limit, when the future is
//! dropped, and when the server dies in whatever way.
//!
//! The limits that the kernel must hold (death signal, CPU, file size, open files) are set by `setpriv` and `prlimit` of
//! util-linux and `nice` of coreutils, which every Debian has: the same calls from here would need `unsafe` between
//! fork and exec. Memory is watched from outside, since RLIMIT_AS breaks ffmpeg's threads.

mod able;
mod container;
mod encoder;
mod failure;
mod measured;
mod probe;
mod progress;
mod spawner;
mod synthetic;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use able::Able;
pub use encoder::Encoder;
pub use failure::{Cause, Failure};
pub use measured::{Peaks, last_value, peaks, values};
pub use probe::{Audio, AudioTrack, Facts, Fraction, Video};
use probe::{MAX_STREAMS, Most};
pub use progress::Tick;
use spawner::Spawner;

/// Demuxers that may open what was uploaded. Playlists and image sequences, which name other files, are not among them;
/// the pictures are read by demuxers that know one stream of bytes and no names (`tests/it/hostile.rs` looks at what is
/// opened).
const FORMATS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,mxf,asf,flv,ogg,wav,mp3,flac,aac,\
                       dv,h264,hevc,gif,apng,png_pipe,jpeg_pipe,webp_pipe,tiff_pipe,bmp_pipe";
/// What is kept of a child's stderr: its last words say why.
const STDERR_TAIL: usize = 8 * 1024;
/// How often memory and CPU time of a child are looked at. It cannot eat a machine's memory in this time.
const WATCH_EVERY: Duration = Duration::from_millis(200);
/// Progress of a day and more; a child that says more than this is not heard any further.
const PROGRESS_BYTES: u64 = 256 << 20;
/// Children read one film and write a few files.
const OPEN_FILES: u32 = 128;

/// What the operator decides about children.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name or path of ffmpeg.
    pub ffmpeg: PathBuf,
    /// Name or path of ffprobe.
    pub ffprobe: PathBuf,
    /// How many long runs may happen at once; the rest wait.
    pub max_long: usize,
    /// How many quick runs (probes) may happen at once, apart from the long ones.
    pub max_quick: usize,
    /// What films and children may be at the most; can be changed later.
    pub at_most: AtMost,
    /// Size above which a child may not write a file, in bytes.
    pub file_bytes: u64,
}

/// What films and children may be at the most.
#[derive(Clone, Copy, Debug)]
pub struct AtMost {
    /// Pixels of a picture.
    pub pixels: u64,
    /// Length of a film, in milliseconds.
    pub ms: i64,
    /// Resident memory above which a child is killed, in bytes.
    pub memory_bytes: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            ffmpeg: "ffmpeg".into(),
            ffprobe: "ffprobe".into(),
            max_long: 2,
            max_quick: 2,
            // Beyond 8K cinema. A frame of twice that costs half a gigabyte before the first picture is seen.
            at_most: AtMost { pixels: 8192 * 4352, ms: 48 * 3_600_000, memory_bytes: 3 << 30 },
            file_bytes: 64 << 30,
        }
    }
}

/// Runs ffmpeg and ffprobe within bounds. Clones share the bounds.
#[derive(Clone)]
pub struct Ffmpeg {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    at_most: Mutex<AtMost>,
    long: Semaphore,
    quick: Semaphore,
    spawner: Spawner,
    /// Encoders of the hardware that have proven themselves here.
    proven: OnceLock<Vec<Encoder>>,
}

/// One input file and where to begin in it.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Absolute.
    pub path: &'a Path,
    /// Begin here instead of at the start.
    pub seek_ms: Option<i64>,
    /// Decoder threads at the most, and never more than there are cores. Each holds pictures of its own: 8K HEVC took
    /// 1.2 GiB with two threads and 3.2 GiB with sixteen.
    pub threads: usize,
}

/// One run of ffmpeg.
#[derive(Debug)]
pub struct Run<'a> {
    /// What is read.
    pub input: Input<'a>,
    /// Arguments behind the input, ending in outputs that are named by [`output`].
    pub args: Vec<OsString>,
    /// The child's working directory: a scratch directory of the job.
    pub dir: &'a Path,
    /// Wall-clock limit. CPU time is limited to this on every core that the child can use.
    pub limit: Duration,
    /// How long the result will be, for percent and remaining time. `None`: neither is told.
    pub duration_ms: Option<i64>,
}

/// The argument that names an output file inside the run's directory.
pub fn output(name: &str) -> OsString {
    format!("file:{name}").into()
}

enum Seat {
    Long,
    Quick,
}

struct Call<'a> {
    program: &'a Path,
    args: Vec<OsString>,
    dir: &'a Path,
    limit: Duration,
    stdout_bytes: usize,
}

/// What a child said that ended well.
#[derive(Default)]
struct Said {
    stdout: Vec<u8>,
    stderr: String,
}

impl Ffmpeg {
    /// A runner with these settings. Nothing is started yet.
    pub fn new(settings: Settings) -> std::io::Result<Ffmpeg> {
        let long = Semaphore::new(settings.max_long.max(1));
        let quick = Semaphore::new(settings.max_quick.max(1));
        let (at_most, spawner, proven) = (Mutex::new(settings.at_most), Spawner::start()?, OnceLock::new());
        Ok(Ffmpeg { inner: Arc::new(Inner { settings, at_most, long, quick, spawner, proven }) })
    }

    /// Other bounds from the next child on.
    pub fn bound(&self, at_most: AtMost) {
        *self.inner.at_most.lock() = at_most;
    }

    fn at_most(&self) -> AtMost {
        *self.inner.at_most.lock()
    }

    /// The version line of the ffmpeg that will be used, for `doctor` and the about page. Fails with
    /// [`Cause::MissingTool`] when one of the programs is not there.
    pub async fn version(&self) -> Result<String, Failure> {
        let cancel = CancellationToken::new();
        let limit = Duration::from_secs(10);
        let mut first = String::new();
        for program in [&self.inner.settings.ffprobe, &self.inner.settings.ffmpeg] {
            let call =
                Call { program, args: vec!["-version".into()], dir: Path::new("/"), limit, stdout_bytes: 16 << 10 };
            let said = self.call(Seat::Quick, call, &cancel, None).await?;
            first = String::from_utf8_lossy(&said.stdout).lines().next().unwrap_or_default().to_owned();
        }
        Ok(first)
    }

    /// Looks at `file` (absolute): what it is, without decoding more than its beginning. A name that ends in `.jpg` or
    /// the like is taken for the first one of a numbered sequence, and refused; names in the media store end in nothing.
    pub async fn probe(&self, file: &Path, dir: &Path, cancel: &CancellationToken) -> Result<Facts, Failure> {
        let seen = {
            let file = file.to_owned();
            tokio::task::spawn_blocking(move || container::look(&file)).await.map_err(Failure::broken)?
        };
        let seen = seen.map_err(|e| Failure::new(Cause::Broken, e.to_string()))?;
        if seen.len == 0 {
            return Err(Failure::new(Cause::Empty, "the file has no bytes"));
        }
        let mut args: Vec<OsString> =
            ["-v", "error", "-hide_banner", "-of", "json=c=1", "-show_entries"].map(Into::into).into();
        args.extend([probe::ENTRIES, "-read_intervals", probe::INTERVAL].map(Into::into));
        args.extend(self.fence());
        args.extend(["-i".into(), file_url(file)]);
        let limit = Duration::from_secs(60);
        let at_most = self.at_most();
        let most = Most { pixels: at_most.pixels, length_ms: at_most.ms };
        // Facts are a few kilobytes; a film with ten thousand streams is not a film.
        let call = Call { program: &self.inner.settings.ffprobe, args, dir, limit, stdout_bytes: 512 << 10 };
        let read = self.call(Seat::Quick, call, cancel, None).await.and_then(|said| {
            probe::facts(&said.stdout, &seen, &most).map_err(|f| match f.cause {
                // ffprobe succeeds without having seen a picture; why it has not, it says beside.
                Cause::Unsupported | Cause::NotVideo => f.explained_by(said.stderr),
                _ => f,
            })
        });
        match read {
            // What begins as a film and cannot be opened is one that was cut; nothing else can be said of the rest.
            Err(f)
                if seen.cut
                    && matches!(f.cause, Cause::NotVideo | Cause::Damaged | Cause::Unsupported | Cause::Broken) =>
            {
                Err(Failure { cause: Cause::Truncated, ..f })
            }
            Ok(_) if seen.cut => Err(Failure::new(Cause::Truncated, "the file ends before the end of its last box")),
            read => read,
        }
    }

    /// Runs ffmpeg to its end, telling `on_tick` at most twice a second how far it is. Answers the last word on it: the
    /// caller compares the length that was made with the one that was promised, since ffmpeg ends without an error
    /// when a film ends early.
    pub async fn run(
        &self,
        run: Run<'_>,
        cancel: &CancellationToken,
        on_tick: &mut (dyn FnMut(Tick) + Send),
    ) -> Result<Tick, Failure> {
        let mut args: Vec<OsString> = [
            "-nostdin",
            "-hide_banner",
            "-v",
            "warning",
            "-nostats",
            "-y",
            "-stats_period",
            "0.5",
            "-progress",
            "pipe:1",
        ]
        .map(Into::into)
        .into();
        // A few broken pictures are common (recordings that begin between key frames); a tenth of them is not.
        args.extend(["-max_error_rate", "0.1"].map(Into::into));
        if let Some(ms) = run.input.seek_ms {
            args.extend(["-ss".into(), format!("{}.{:03}", ms / 1000, ms % 1000).into()]);
        }
        let threads = run.input.threads.clamp(1, cores());
        args.extend(["-threads".into(), threads.to_string().into()]);
        args.extend(self.fence());
        args.extend(["-i".into(), file_url(run.input.path)]);
        args.extend(run.args);
        let call = Call { program: &self.inner.settings.ffmpeg, args, dir: run.dir, limit: run.limit, stdout_bytes: 0 };
        let mut meter = progress::Meter::new(run.duration_ms);
        let mut last = Tick::default();
        let mut on_line = |line: &str| {
            if let Some(tick) = meter.line(line) {
                last = tick;
                on_tick(tick);
            }
        };
        self.call(Seat::Long, call, cancel, Some(&mut on_line)).await?;
        Ok(last)
    }

    /// One child from its start to its end. With `on_line`, stdout is read as lines; without, it is collected.
    async fn call(
        &self,
        seat: Seat,
        call: Call<'_>,
        cancel: &CancellationToken,
        on_line: Option<&mut (dyn FnMut(&str) + Send)>,
    ) -> Result<Said, Failure> {
        let seats = match seat {
            Seat::Long => &self.inner.long,
            Seat::Quick => &self.inner.quick,
        };
        let _seat = tokio::select! {
            seat = seats.acquire() => seat.map_err(Failure::broken)?,
            () = cancel.cancelled() => return Err(Failure::new(Cause::Cancelled, "")),
        };
        let cpu = Duration::from_secs(call.limit.as_secs().max(1) * cores() as u64);
        let command = self.command(&call, cpu);
        let mut child =
            self.inner.spawner.spawn(command).await.map_err(|e| Failure::new(Cause::MissingTool, e.to_string()))?;
        // From here on, whatever ends this function ends the group.
        let group = Group::of(&child);
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();

        let stop = CancellationToken::new();
        let reading = async {
            let said = read_stdout(stdout, call.stdout_bytes, on_line).await;
            if said.is_none() {
                stop.cancel(); // too much: the child is not worth waiting for
            }
            said
        };
        let bounds = Bounds { wall: call.limit, cpu, memory_bytes: self.at_most().memory_bytes };
        let (said, tail, (status, broken)) =
            tokio::join!(reading, read_tail(stderr), watch(&mut child, &group, &bounds, cancel, &stop));
        group.reaped();

        let said_too_much = said.is_none();
        let status = status.map_err(|e| Failure::new(Cause::Broken, e.to_string()))?;
        match broken {
            Some(cause) => Err(Failure { cause, stderr: tail }),
            None if said_too_much => Err(Failure { cause: Cause::NotVideo, stderr: tail }),
            None if status.success() => Ok(Said { stdout: said.unwrap_or_default(), stderr: tail }),
            None => Err(Failure::of(status, tail)),
        }
    }

    /// The options before every `-i`.
    fn fence(&self) -> Vec<OsString> {
        let pixels = self.at_most().pixels.to_string();
        let streams = MAX_STREAMS.to_string();
        let words = ["-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-max_pixels", &pixels];
        words.into_iter().chain(["-max_streams", &streams]).map(OsString::from).collect()
    }

    fn command(&self, call: &Call<'_>, cpu: Duration) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--no-new-privs", "--", "prlimit"]);
        // The watch kills first and knows why; the kernel's limit is for the case that nobody watches.
        command.arg(format!("--cpu={}", cpu.as_secs() + 5));
        command.arg(format!("--fsize={}", self.inner.settings.file_bytes));
        command.args([format!("--nofile={OPEN_FILES}"), "--core=0".to_owned()]);
        command.args(["--", "nice", "-n", "15"]).arg(call.program).args(&call.args);
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.env("LC_ALL", "C.UTF-8").env("HOME", call.dir);
        command.current_dir(call.dir).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

/// `file:` keeps a name such as `-y.mp4` or `concat:a|b` from being an option or a protocol.
fn file_url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push::<&OsStr>(path.as_ref());
    url
}

struct Bounds {
    wall: Duration,
    cpu: Duration,
    memory_bytes: u64,
}

/// Waits for the child and kills its group when it breaks a bound: the second answer says which.
async fn watch(
    child: &mut Child,
    group: &Group,
    bounds: &Bounds,
    cancel: &CancellationToken,
    stop: &CancellationToken,
) -> (std::io::Result<ExitStatus>, Option<Cause>) {
    let begun = Instant::now();
    let mut broken = None;
    let mut ticks = tokio::time::interval(WATCH_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let cause = tokio::select! {
            status = child.wait() => return (status, broken),
            () = cancel.cancelled(), if broken.is_none() => Cause::Cancelled,
            () = stop.cancelled(), if broken.is_none() => Cause::NotVideo,
            _ = ticks.tick(), if broken.is_none() => {
                let used = group.used();
                if begun.elapsed() > bounds.wall || used.cpu > bounds.cpu {
                    Cause::Timeout
                } else if used.memory_bytes > bounds.memory_bytes {
                    Cause::Memory
                } else {
                    continue;
                }
            }
        };
        broken = Some(cause);
        group.kill();
    }
}

/// Reads all of stdout; `None` if a collected one is longer than `limit`.
async fn read_stdout(
    stdout: Option<impl AsyncRead + Unpin>,
    limit: usize,
    on_line: Option<&mut (dyn FnMut(&str) + Send)>,
) -> Option<Vec<u8>> {
    let Some(stdout) = stdout else { return Some(Vec::new()) };
    let Some(on_line) = on_line else {
        let mut said = Vec::new();
        // A pipe that breaks is a child that ended: its status tells.
        let _ = stdout.take(limit as u64 + 1).read_to_end(&mut said).await;
        return (said.len() <= limit).then_some(said);
    };
    let mut lines = BufReader::new(stdout.take(PROGRESS_BYTES)).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        on_line(&String::from_utf8_lossy(&line));
    }
    Some(Vec::new())
}

/// Reads all of stderr and keeps its end.
async fn read_tail(stderr: Option<impl AsyncRead + Unpin>) -> String {
    let mut tail = Vec::new();
    if let Some(mut stderr) = stderr {
        let mut buffer = vec![0; 4096];
        while let Ok(n @ 1..) = stderr.read(&mut buffer).await {
            tail.extend_from_slice(&buffer[..n]);
            if tail.len() > 2 * STDERR_TAIL {
                tail.drain(..tail.len() - STDERR_TAIL);
            }
        }
    }
    tail.drain(..tail.len().saturating_sub(STDERR_TAIL));
    // Said of every JPEG, many times over: it would push out what matters.
    let said = String::from_utf8_lossy(&tail).replace('\0', "");
    said.lines().filter(|l| !l.contains("deprecated pixel format used")).collect::<Vec<_>>().join("\n")
}

/// A child's process group. Dropped before the child was reaped, it is killed.
struct Group {
    pid: Option<rustix::process::Pid>,
    reaped: bool,
}

struct Used {
    cpu: Duration,
    memory_bytes: u64,
}

impl Group {
    fn of(child: &Child) -> Group {
        let pid = child.id().and_then(|id| rustix::process::Pid::from_raw(id as i32));
        Group { pid, reaped: false }
    }

    fn kill(&self) {
        if let Some(pid) = self.pid {
            // A group that is gone already is what we want.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }

    /// After this the number may belong to somebody else.
    fn reaped(mut self) {
        self.reaped = true;
    }

    /// CPU time and resident memory of the group's leader, which is the only process in it; nothing if it has ended.
    fn used(&self) -> Used {
        let read = |file: &str| {
            let pid = self.pid.map(|p| p.as_raw_nonzero().get()).unwrap_or(0);
            std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
        };
        let pages: u64 = read("statm").split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
        // The second field is the program's name in parentheses and may hold spaces; user and system time are the 12th
        // and 13th behind it.
        let stat = read("stat");
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let clock_ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        Used {
            cpu: Duration::from_millis(clock_ticks * 1000 / per_second),
            memory_bytes: pages * rustix::param::page_size() as u64,
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
        }
    }
}

#[cfg(test)]
mod tests;
