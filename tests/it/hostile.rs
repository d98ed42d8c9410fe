//! Files that mean harm, through the engine and through the upload's door: each ends soon and with a reason, opens no
//! other file and no connection, and leaves no child behind.
//!
//! What a child opens is told by the kernel: the engine's programs are scripts here that run the real ones under
//! `strace`. That this sees what is opened is shown first, by a plain ffmpeg that does open what a playlist names.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;
use videoplanet::engines::ffmpeg::{AtMost, Cause, Facts, Failure, Ffmpeg, Input, Run, Settings, output};

use crate::clips::{CLIP, Dir};
use crate::harm::{self, Case};
use crate::studio::Studio;

/// What one file may take from its first byte read to its end, on a machine that is busy with other tests.
const BOUND: Duration = Duration::from_secs(60);

/// An engine whose children are watched, and the directory with what they opened.
struct Watched {
    ffmpeg: Ffmpeg,
    dir: Dir,
}

impl Watched {
    fn new(name: &str) -> Watched {
        let dir = Dir::new(name);
        for part in ["logs", "in", "jobs"] {
            std::fs::create_dir(dir.path().join(part)).unwrap();
        }
        let wrapped = |program: &str| {
            let path = dir.path().join(program);
            let logs = dir.path().join("logs");
            let calls = "trace=open,openat,openat2,creat,open_by_handle_at,socket,connect,execve";
            let strace = format!("strace -f -qq -s 4096 --seccomp-bpf -e {calls} -o \"{}/$$\"", logs.display());
            std::fs::write(&path, format!("#!/bin/sh\nexec {strace} {program} \"$@\"\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let settings = Settings {
            ffmpeg: wrapped("ffmpeg"),
            ffprobe: wrapped("ffprobe"),
            at_most: AtMost { memory_bytes: 2 << 30, ..Settings::default().at_most },
            ..Settings::default()
        };
        Watched { ffmpeg: Ffmpeg::new(settings).unwrap(), dir }
    }

    /// Probes a file and, if it is taken for a film, makes one of it.
    async fn end_of(&self, number: usize, bytes: &[u8]) -> Result<Facts, Failure> {
        let (place, job) =
            (self.dir.path().join(format!("in/{number}")), self.dir.path().join(format!("jobs/{number}")));
        std::fs::create_dir(&place).unwrap();
        std::fs::create_dir(&job).unwrap();
        let original = place.join("original");
        std::fs::write(&original, bytes).unwrap();
        let never = CancellationToken::new();
        let facts = self.ffmpeg.probe(&original, &job, &never).await?;
        let words =
            "-map 0:v:0? -map 0:a:0? -t 5 -vf scale=64:36 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac";
        let run = Run {
            input: Input { path: &original, seek_ms: None, threads: 2 },
            args: words.split_whitespace().map(Into::into).chain([output("out.mp4")]).collect(),
            dir: &job,
            limit: Duration::from_secs(30),
            duration_ms: facts.duration_ms,
        };
        self.ffmpeg.run(run, &never, &mut |_| {}).await?;
        Ok(facts)
    }

    /// All of them, a few at a time; answers what is wrong.
    async fn wrong(&self, cases: &[Case]) -> Vec<String> {
        let ends = futures_util::stream::iter(cases.iter().enumerate().map(async |(i, case)| {
            let begun = Instant::now();
            let end = self.end_of(i, &case.bytes).await;
            let spent = begun.elapsed();
            let said = end.as_ref().err().map(|f| f.cause);
            let ok = match said {
                None => case.may_play,
                // What time heals is tried again and again: no file may look like that.
                Some(cause) => !cause.may_heal() && (case.causes.is_empty() || case.causes.contains(&cause)),
            };
            (!ok || spent > BOUND).then(|| format!("{} after {spent:?}: {end:?}", case.name))
        }));
        ends.buffered(3).filter_map(async |wrong| wrong).collect().await
    }

    /// What all children opened, and then forgets it.
    fn told(&self) -> BTreeSet<String> {
        let told = self.opened().into_iter().flatten().collect();
        std::fs::remove_dir_all(self.dir.path().join("logs")).unwrap();
        std::fs::create_dir(self.dir.path().join("logs")).unwrap();
        told
    }

    /// What the children opened besides the system's own files, each child for itself.
    fn opened(&self) -> Vec<BTreeSet<String>> {
        let logs = std::fs::read_dir(self.dir.path().join("logs")).unwrap();
        logs.map(|log| opened(&std::fs::read_to_string(log.unwrap().path()).unwrap())).collect()
    }

    /// Fails unless each child opened its own file and what it wrote in its own directory, and nothing else.
    fn assert_kept_to_their_files(&self, at_least: usize) {
        let opened = self.opened();
        assert!(opened.len() >= at_least, "{} children were watched", opened.len());
        let (inputs, jobs) = (self.dir.path().join("in"), self.dir.path().join("jobs"));
        let mut seen = 0;
        for child in opened {
            let foreign = |path: &&String| {
                let path = Path::new(path.as_str());
                // Names without a directory are files of the job's own.
                let own = path.starts_with(&jobs) || path.components().count() == 1;
                !(own || (path.starts_with(&inputs) && path.ends_with("original")))
            };
            let inputs = child.iter().filter(|path| Path::new(path).starts_with(&inputs)).count();
            assert!(inputs <= 1 && !child.iter().any(|path| foreign(&path)), "a child opened {child:?}");
            seen += inputs;
        }
        assert!(seen >= at_least, "the children's own files were seen {seen} times");
    }
}

/// Paths and network families in a log of strace, without those of the system.
fn opened(log: &str) -> BTreeSet<String> {
    const SYSTEM: &[&str] = &[
        "/lib/",
        "/lib64/",
        "/usr/lib/",
        "/usr/share/",
        "/etc/ld.so.",
        "/etc/ssl/",
        "/etc/localtime",
        "/etc/gcrypt/",
        "/etc/localtime",
        "/proc/",
        "/sys/",
    ];
    let mut found = BTreeSet::new();
    for line in log.lines() {
        if line.contains("AF_INET") {
            found.insert("a connection".to_owned());
        }
        let is_open = line.contains("open(") || line.contains("openat(") || line.contains("creat(");
        let is_open = is_open || line.contains("openat2(") || line.contains("open_by_handle_at(");
        if let Some(path) = line.split('"').nth(1).filter(|_| is_open)
            && !SYSTEM.iter().any(|place| path.starts_with(place))
            && path != "/dev/null"
            && path != "/dev/urandom"
        {
            found.insert(path.to_owned());
        }
    }
    found
}

/// Living processes that work below `dir`; waits a moment for the kernel to end what was killed.
async fn children_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for _ in 0..40 {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let places = processes.filter_map(|p| std::fs::read_link(p.path().join("cwd")).ok());
        found = places.filter(|cwd| cwd.starts_with(dir)).collect();
        if found.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_that_names_another_has_it_opened() {
    let watched = Watched::new("names");
    let elsewhere = Dir::new("names-secret");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/secret.mp4", listener.local_addr().unwrap());
    let film = elsewhere.film(&format!("{CLIP} secret.mov"));
    let secret = elsewhere.path().join("secret.mov");

    // The eye is open: without the engine's fence, what a file names is opened, and the log tells.
    for (name, bytes, words) in [
        (
            "list.m3u8",
            harm::playlist(&format!("file:{}", secret.display())),
            "-protocol_whitelist file -allowed_extensions ALL",
        ),
        ("ref.mov", harm::reference(&film, &secret), "-enable_drefs 1 -use_absolute_path 1"),
    ] {
        let file = watched.dir.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let mut plain = Command::new(watched.dir.path().join("ffprobe"));
        plain.args(["-v", "quiet"]).args(words.split_whitespace()).arg("-i").arg(&file).status().unwrap();
        let told = watched.told();
        assert!(told.iter().any(|path| path.ends_with("secret.mov")), "{name}: {told:?}");
    }
    let mut plain = Command::new(watched.dir.path().join("ffprobe"));
    plain.args(["-v", "quiet", "-rw_timeout", "100000", "-i", &url]).status().unwrap();
    assert!(watched.told().contains("a connection") && listener.accept().is_ok());

    let cases = harm::naming(&film, &secret, &url, &elsewhere);
    let wrong = watched.wrong(&cases).await;
    assert!(listener.accept().is_err(), "a connection was opened");
    watched.assert_kept_to_their_files(cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(children_below(watched.dir.path()).await, [] as [PathBuf; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_takes_more_than_its_bound() {
    let watched = Watched::new("bombs");
    let dir = Dir::new("bombs-films");
    let cases = [harm::bombs(&dir), harm::disguises(), harm::masks()].concat();
    let wrong = watched.wrong(&cases).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    watched.assert_kept_to_their_files(cases.len());
    assert_eq!(children_below(watched.dir.path()).await, [] as [PathBuf; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_is_cut_anywhere_fails_with_that_reason_or_plays_what_is_there() {
    let watched = Watched::new("cut");
    let dir = Dir::new("cut-films");
    let cases = harm::cuts(&dir);
    let wrong = watched.wrong(&cases).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    watched.assert_kept_to_their_files(cases.len() / 2);
    assert_eq!(children_below(watched.dir.path()).await, [] as [PathBuf; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_while_it_is_given_what_means_harm() {
    let dir = Dir::new("door-films");
    let film = dir.film(&format!("{CLIP} -movflags +faststart secret.mov"));
    let stream = dir.film(&format!("{CLIP} stream.ts"));
    let secret = dir.path().join("secret.mov");
    let named = harm::naming(&film, &secret, "http://127.0.0.1:9/secret.mp4", &dir);
    let telling = [
        "hls",
        "concat",
        "svg",
        "dref-url",
        "sdp",
        "html",
        "zip",
        "wide.png",
        "inflating.png",
        "tracks.mkv",
        "ages.mkv",
    ];
    let all = [named, harm::bombs(&dir), harm::disguises()].concat();
    let mut cases: Vec<Case> = all.into_iter().filter(|case| telling.contains(&case.name.as_str())).collect();
    assert_eq!(cases.len(), telling.len());
    cases.push(Case::refused("cut.mov", film[..film.len() / 2].to_vec(), &[Cause::Truncated]));
    cases.push(Case::either("cut.ts", stream[..stream.len() / 2].to_vec()));

    let studio = Studio::start("door").await;
    let mut ids = Vec::new();
    for case in &cases {
        ids.push(studio.editor.upload(studio.feedback, &format!("{}.mp4", case.name), &case.bytes).await);
    }
    studio.work().await;
    let mut waited = Duration::ZERO;
    for (case, id) in cases.iter().zip(ids) {
        let settled = loop {
            let begun = Instant::now();
            assert_eq!(reqwest::get(format!("{}/health", studio.url)).await.unwrap().status(), 200);
            waited = waited.max(begun.elapsed());
            let shown: serde_json::Value = studio.editor.get(&format!("/media/{id}")).await.json().await.unwrap();
            if shown["state"] == "ready" || shown["state"] == "failed" {
                break shown;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        if settled["state"] == "ready" {
            assert!(case.may_play, "{}: {settled}", case.name);
            continue;
        }
        let code = settled["error"]["code"].as_str().unwrap();
        assert!(case.causes.is_empty() || case.causes.iter().any(|c| c.as_str() == code), "{}: {settled}", case.name);
        let sentence = settled["error"]["message"].as_str().unwrap();
        assert!(sentence.len() > 20 && !sentence.contains("media.error"), "{sentence}");
        let original = studio.editor.get(&format!("/media/{id}/original")).await;
        let disposition = original.headers()["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment"), "{} is not shown as a page", case.name);
    }
    assert!(waited < Duration::from_secs(5), "/health took {waited:?}");
    assert_eq!(children_below(studio.dir.path()).await, [] as [PathBuf; 0]);
    studio.stop().await;
}
