//! The runner against a real ffmpeg, with clips that ffmpeg makes here and with files that mean harm.

use std::process::Command as Plain;

use super::*;

/// A directory that goes away with the test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Dir {
        let dir = std::env::temp_dir().join(format!("videoplanet-ffmpeg-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        Dir(dir)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs ffmpeg on words; the last one is the file to make here.
    fn make(&self, words: &str) -> PathBuf {
        let words: Vec<&str> = words.split_whitespace().collect();
        let out = Plain::new("ffmpeg").args(["-v", "error", "-y"]).args(&words).current_dir(&self.0).output().unwrap();
        assert!(out.status.success(), "{words:?}: {}", String::from_utf8_lossy(&out.stderr));
        self.0.join(words.last().unwrap())
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn runner() -> Ffmpeg {
    Ffmpeg::new(Settings::default()).unwrap()
}

const CLIP: &str = "-f lavfi -i testsrc2=s=128x72:r=25:d=2 -f lavfi -i sine=d=2 -pix_fmt yuv420p -preset ultrafast";

async fn probe(dir: &Dir, file: &Path) -> Result<Facts, Failure> {
    runner().probe(file, &dir.0, &CancellationToken::new()).await
}

fn encode<'a>(dir: &'a Dir, file: &'a Path, limit: Duration) -> Run<'a> {
    let args = ["-t", "600", "-c:v", "libx264"].map(OsString::from).into_iter().chain([output("out.mp4")]).collect();
    Run { input: Input { path: file, seek_ms: None, threads: 8 }, args, dir: &dir.0, limit, duration_ms: Some(2000) }
}

/// A film without end for the tests that stop one.
fn endless(dir: &Dir) -> PathBuf {
    dir.make("-f lavfi -i testsrc2=s=1280x720:r=50:d=60 -c:v mpeg2video -q:v 2 -g 50 long.ts")
}

#[tokio::test]
async fn the_facts_of_ordinary_clips() {
    let dir = Dir::new("facts");
    let clip = dir.make(&format!("{CLIP} -r 30000/1001 -timecode 01:00:00;00 -movflags +faststart ntsc.mp4"));
    let facts = probe(&dir, &clip).await.unwrap();
    let video = facts.video.clone().unwrap();
    assert_eq!((facts.container.as_str(), facts.fast_start), ("mp4", true));
    assert_eq!((video.width, video.height, video.rotation), (128, 72, 0));
    assert_eq!((video.frame_rate, video.variable_rate), (Some(Fraction { num: 30000, den: 1001 }), false));
    assert_eq!(facts.start_timecode.as_deref(), Some("01:00:00;00"));
    assert_eq!(facts.audio, Some(Audio { codec: "aac".into(), channels: 1, sample_rate: 44100 }));
    assert!((1900..2200).contains(&facts.duration_ms.unwrap()));
    let again: Facts = serde_json::from_str(&serde_json::to_string(&facts).unwrap()).unwrap();
    assert_eq!(again, facts);

    // This ffmpeg writes the tag as a counter-clockwise matrix; what counts is where its own decoder turns the picture.
    let turned = dir.make("-i ntsc.mp4 -c copy -metadata:s:v:0 rotate=90 turned.mov");
    let facts = probe(&dir, &turned).await.unwrap();
    let video = facts.video.unwrap();
    assert_eq!((facts.container.as_str(), video.rotation, video.seen_size()), ("mov", 270, (72, 128)));

    let sound = dir.make("-f lavfi -i sine=d=1 sound.mp3");
    let facts = probe(&dir, &sound).await.unwrap();
    assert_eq!((facts.video.is_none(), facts.audio.unwrap().codec.as_str()), (true, "mp3"));
    let json = serde_json::to_value(probe(&dir, &sound).await.unwrap()).unwrap();
    assert!(serde_json::from_value::<Facts>(json).unwrap().video.is_none());

    dir.make("-f lavfi -i testsrc2=s=64x64:d=1 -frames:v 1 cover.png");
    let covered =
        dir.make("-i sound.mp3 -i cover.png -map 0 -map 1 -c:v png -disposition:v:0 attached_pic covered.mp3");
    assert!(probe(&dir, &covered).await.unwrap().video.is_none(), "a cover is not a film");

    let webm = dir.make("-f lavfi -i testsrc2=s=128x72:r=25:d=1 -c:v libvpx -deadline realtime film.webm");
    assert_eq!(probe(&dir, &webm).await.unwrap().container, "webm");

    let varying = dir.make(&format!("{CLIP} -vf select=not(mod(n\\,7))+lt(n\\,20) -fps_mode vfr varying.mp4"));
    let video = probe(&dir, &varying).await.unwrap().video.unwrap();
    assert!(video.variable_rate && video.frame_rate.is_some(), "{video:?}");

    let hdr = dir.make(
        "-f lavfi -i testsrc2=s=128x72:r=24:d=1 -pix_fmt yuv420p10le -c:v libx265 -x265-params \
                        log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc hdr.mp4",
    );
    let video = probe(&dir, &hdr).await.unwrap().video.unwrap();
    assert!(video.is_hdr(), "{video:?}");

    let dv = dir.make(
        "-f lavfi -i testsrc2=s=720x480:r=30000/1001:d=1 -c:v mpeg2video -flags +ildct+ilme -top 1 -aspect 4:3 tv.mpg",
    );
    let video = probe(&dir, &dv).await.unwrap().video.unwrap();
    assert_eq!(
        (video.interlaced, video.pixel_aspect, video.seen_size()),
        (true, Some(Fraction { num: 8, den: 9 }), (640, 480))
    );
}

#[tokio::test]
async fn what_is_no_film_is_refused_with_its_reason() {
    let dir = Dir::new("hostile");
    dir.make(&format!("{CLIP} -movflags +faststart secret.mp4"));
    std::fs::copy(dir.0.join("secret.mp4"), dir.0.join("secret")).unwrap();
    let secret = dir.0.join("secret");
    let secret = secret.display();
    let whole = std::fs::read(dir.0.join("secret.mp4")).unwrap();
    let noise: Vec<u8> =
        (0..200_000u64).map(|i| (i.wrapping_mul(6364136223846793005).wrapping_add(i >> 3) >> 33) as u8).collect();
    // A server that must not be spoken to.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/x.mp4", listener.local_addr().unwrap());
    let cases: Vec<(&str, Vec<u8>, Cause)> = vec![
        ("empty", vec![], Cause::Empty),
        ("noise", noise, Cause::NotVideo),
        ("text.mp4", b"hello, world\n".repeat(500), Cause::NotVideo),
        ("hls.mp4", format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:{secret}\n#EXT-X-ENDLIST\n").into(), Cause::NotVideo),
        ("hls", format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:{secret}\n#EXT-X-ENDLIST\n").into(), Cause::NotVideo),
        ("hls-url", format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n").into(), Cause::NotVideo),
        ("concat", format!("ffconcat version 1.0\nfile '{secret}'\n").into(), Cause::NotVideo),
        ("concat.mp4", format!("ffconcat version 1.0\nfile '{url}'\n").into(), Cause::NotVideo),
        ("sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n".to_vec(), Cause::NotVideo),
        ("dash.mp4", format!("<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"><Period><AdaptationSet><Representation><BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>").into(), Cause::NotVideo),
        ("fast-start-cut", whole[..whole.len() / 2].to_vec(), Cause::Truncated),
        ("head-only", whole[..40].to_vec(), Cause::Truncated),
    ];
    for (name, bytes, cause) in cases {
        let file = dir.file(name, &bytes);
        let failure = probe(&dir, &file).await.expect_err(name);
        assert_eq!(failure.cause, cause, "{name}: {}", failure.stderr);
        // A decoder takes what is there of a cut film; only the look at the boxes knows.
        if !bytes.is_empty() && name != "fast-start-cut" {
            let failure = runner()
                .run(encode(&dir, &file, Duration::from_secs(20)), &CancellationToken::new(), &mut |_| {})
                .await
                .expect_err(name);
            assert!(!failure.cause.may_heal(), "{name}: {failure:?}");
        }
    }
    assert!(listener.accept().is_err(), "a connection was opened");

    let slow = dir.make(&format!("{CLIP} slow.mp4"));
    let bytes = std::fs::read(slow).unwrap();
    let file = dir.file("no-index", &bytes[..bytes.len() - 200]);
    assert_eq!(probe(&dir, &file).await.unwrap_err().cause, Cause::Truncated);

    let big = dir.make("-f lavfi -i color=s=8192x8192:r=1:d=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p big.mp4");
    assert_eq!(probe(&dir, &big).await.unwrap_err().cause, Cause::TooLargePicture);
    let run = encode(&dir, &big, Duration::from_secs(20));
    let failure = runner().run(run, &CancellationToken::new(), &mut |_| {}).await.unwrap_err();
    assert_eq!(failure.cause, Cause::TooLargePicture, "{}", failure.stderr);
}

#[tokio::test]
async fn a_run_tells_how_far_it_is_and_makes_its_file() {
    let dir = Dir::new("run");
    let clip = dir.make(&format!("{CLIP} -y -x264-params keyint=10 -- -clip.mp4").replace("-- ", "file:"));
    let clip = clip.with_file_name("-clip.mp4");
    let mut ticks = Vec::new();
    let run = encode(&dir, &clip, Duration::from_secs(60));
    runner().run(run, &CancellationToken::new(), &mut |t| ticks.push(t)).await.unwrap();
    assert!(dir.0.join("out.mp4").exists());
    assert_eq!(ticks.last().unwrap().percent, Some(100.0));
    assert!(runner().version().await.unwrap().starts_with("ffmpeg version"));
}

#[tokio::test]
async fn a_run_ends_with_its_limit_its_job_and_its_runner() {
    let dir = Dir::new("ends");
    let film = endless(&dir);
    let never = CancellationToken::new();
    let slow = |limit| Run {
        args: [OsString::from("-c:v"), "libx264".into(), "-preset".into(), "placebo".into(), output("out.mp4")].into(),
        ..encode(&dir, &film, limit)
    };

    let failure = runner().run(slow(Duration::from_secs(1)), &never, &mut |_| {}).await.unwrap_err();
    assert_eq!(failure.cause, Cause::Timeout);

    let small = Ffmpeg::new(Settings {
        at_most: AtMost { memory_bytes: 20 << 20, ..Settings::default().at_most },
        ..Settings::default()
    })
    .unwrap();
    let failure = small.run(slow(Duration::from_secs(30)), &never, &mut |_| {}).await.unwrap_err();
    assert_eq!(failure.cause, Cause::Memory);

    let narrow = Ffmpeg::new(Settings { file_bytes: 1000, ..Settings::default() }).unwrap();
    let failure = narrow.run(encode(&dir, &film, Duration::from_secs(30)), &never, &mut |_| {}).await.unwrap_err();
    assert_eq!(failure.cause, Cause::TooLargeOutput, "{}", failure.stderr);

    let cancel = CancellationToken::new();
    let stopped = {
        let cancel = cancel.clone();
        runner().run(slow(Duration::from_secs(60)), &cancel.clone(), &mut move |_| cancel.cancel()).await.unwrap_err()
    };
    assert_eq!(stopped.cause, Cause::Cancelled);
    assert_eq!(children_in(&dir).await, 0, "cancelled");

    // The future is dropped in mid-run.
    let dropped = runner();
    let mut ignore = |_| {};
    let run = dropped.run(slow(Duration::from_secs(60)), &never, &mut ignore);
    assert!(tokio::time::timeout(Duration::from_millis(700), run).await.is_err());
    assert_eq!(children_in(&dir).await, 0, "dropped");

    let missing = Ffmpeg::new(Settings { ffmpeg: "no-such-ffmpeg".into(), ..Settings::default() }).unwrap();
    assert_eq!(missing.version().await.unwrap_err().cause, Cause::MissingTool);
}

/// How many living processes work in `dir`; waits a moment for the kernel to end what was killed.
async fn children_in(dir: &Dir) -> usize {
    let here = dir.0.canonicalize().unwrap();
    let mut found = 0;
    for _ in 0..20 {
        found = std::fs::read_dir("/proc")
            .unwrap()
            .filter(|p| std::fs::read_link(p.as_ref().unwrap().path().join("cwd")).is_ok_and(|cwd| cwd == here))
            .count();
        if found == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    found
}

/// The helper of the next test: a process that runs an endless film until it is killed.
#[tokio::test]
#[ignore = "started by the next test"]
async fn helper_that_is_killed() {
    let dir = PathBuf::from(std::env::var("VP_TEST_DIR").unwrap());
    let film = dir.join("long.ts");
    let run = Run {
        input: Input { path: &film, seek_ms: None, threads: 8 },
        args: [OsString::from("-c:v"), "libx264".into(), "-preset".into(), "placebo".into(), output("out.mp4")].into(),
        dir: &dir,
        limit: Duration::from_secs(60),
        duration_ms: None,
    };
    let _ = runner().run(run, &CancellationToken::new(), &mut |_| {}).await;
}

#[tokio::test]
async fn a_run_dies_with_a_server_that_is_killed() {
    let dir = Dir::new("killed");
    endless(&dir);
    let mut server = Plain::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "engines::ffmpeg::tests::helper_that_is_killed"])
        .env("VP_TEST_DIR", dir.0.canonicalize().unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let out = dir.0.join("out.mp4");
    for _ in 0..100 {
        if out.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(out.exists(), "the run has begun");
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(children_in(&dir).await, 0);
}

/// A program that stands as ffmpeg and has hardware: it lists `h264_nvenc` and does what `encode` says when asked for it.
fn with_hardware(dir: &Dir, encode: &str) -> Ffmpeg {
    use std::os::unix::fs::PermissionsExt;
    let script = format!(
        "#!/bin/bash\n\
         case \"$*\" in\n\
         *-encoders*) echo ' V....D h264_nvenc  NVIDIA NVENC H.264 encoder'; exit 0;;\n\
         *h264_nvenc*) {encode};;\n\
         *) exec ffmpeg \"$@\";;\n\
         esac\n"
    );
    let path = dir.file("hardware", script.as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Ffmpeg::new(Settings { ffmpeg: path, ..Settings::default() }).unwrap()
}

#[tokio::test]
async fn hardware_is_used_once_it_has_proven_itself() {
    let dir = Dir::new("hardware");
    let never = CancellationToken::new();
    // Software under the name of hardware: its options are taken off again.
    let works = "a=(); skip=; for x in \"$@\"; do if [ -n \"$skip\" ]; then skip=; continue; fi; case \"$x\" in \
                 h264_nvenc) a+=(libx264);; -rc|-cq|-no-scenecut|-forced-idr|-preset) skip=1;; *) a+=(\"$x\");; esac; done; \
                 exec ffmpeg \"${a[@]}\"";
    let runner = with_hardware(&dir, works);
    assert_eq!(runner.encoder(None), Encoder::Cpu, "nothing has proven itself yet");
    assert_eq!(runner.prove_encoders(&dir.0, &never).await, [Encoder::Nvenc]);
    assert_eq!((runner.encoder(None), runner.encoder(Some(Encoder::Cpu))), (Encoder::Nvenc, Encoder::Cpu));
    assert_eq!(runner.encoder(Some(Encoder::Vaapi)), Encoder::Cpu, "wished for, and not there");

    let runner = with_hardware(&dir, "echo 'Cannot load libnvidia-encode.so.1' >&2; exit 1");
    assert_eq!(runner.prove_encoders(&dir.0, &never).await, []);
    assert_eq!(runner.encoder(Some(Encoder::Nvenc)), Encoder::Cpu);

    // Ends well and makes nothing that could be played.
    let runner = with_hardware(&dir, "echo nothing > nvenc.mp4; exit 0");
    assert_eq!(runner.prove_encoders(&dir.0, &never).await, []);
}
