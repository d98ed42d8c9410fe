//! Why a run failed, as a code that stays the same when ffmpeg changes its words.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::closed_set;

closed_set! {
    /// What is wrong with a film, or with us. The name is stable: it stands in the store and in the API.
    Cause {
        /// No bytes at all.
        Empty = "empty",
        /// Nothing that we know as a film, a sound or a picture.
        NotVideo = "not_video",
        /// The beginning of a film whose end is missing.
        Truncated = "truncated",
        /// More pixels than allowed.
        TooLargePicture = "too_large_picture",
        /// Longer than allowed, or it says so.
        TooLong = "too_long",
        /// More streams than any film has.
        TooManyStreams = "too_many_streams",
        /// A known container with a codec that this ffmpeg cannot decode.
        Unsupported = "unsupported",
        /// A film that is damaged inside.
        Damaged = "damaged",
        /// Took longer than allowed.
        Timeout = "timeout",
        /// Took more memory than allowed.
        Memory = "memory",
        /// Would have written a larger file than allowed.
        TooLargeOutput = "too_large_output",
        /// The disk is full.
        NoSpace = "no_space",
        /// ffmpeg, ffprobe or one of the small programs around them is not installed.
        MissingTool = "missing_tool",
        /// Killed by somebody else, for instance the kernel short of memory.
        Killed = "killed",
        /// Stopped because its job was cancelled or the server stops.
        Cancelled = "cancelled",
        /// Anything else.
        Broken = "broken",
    }
}

impl Cause {
    /// Whether the same run may succeed later.
    pub fn may_heal(self) -> bool {
        matches!(self, Cause::NoSpace | Cause::MissingTool | Cause::Killed | Cause::Cancelled | Cause::Broken)
    }
}

/// A run that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{cause}: {}", .stderr.lines().last().unwrap_or_default())]
pub struct Failure {
    /// Why.
    pub cause: Cause,
    /// The last words of the child, at most 8 KiB, or a sentence of ours. For operators: it may hold paths.
    pub stderr: String,
}

impl Failure {
    pub(super) fn new(cause: Cause, stderr: impl Into<String>) -> Failure {
        Failure { cause, stderr: stderr.into() }
    }

    /// Our own machinery gave way.
    pub(super) fn broken(e: impl std::fmt::Display) -> Failure {
        Failure::new(Cause::Broken, e.to_string())
    }

    /// The same with what a child said beside, and with the surer reason if those words hold one.
    pub(super) fn explained_by(self, stderr: String) -> Failure {
        let cause = match spoken(&stderr) {
            Cause::TooLargePicture => Cause::TooLargePicture,
            Cause::TooManyStreams => Cause::TooManyStreams,
            _ => self.cause,
        };
        Failure { cause, stderr: format!("{}\n{}", self.stderr, stderr.trim_end()) }
    }

    /// A child that ended badly by itself.
    pub(super) fn of(status: ExitStatus, stderr: String) -> Failure {
        let cause = match (status.signal(), status.code()) {
            (Some(SIGXFSZ), _) => Cause::TooLargeOutput,
            (Some(SIGXCPU), _) => Cause::Timeout,
            (Some(_), _) => Cause::Killed,
            // What `setpriv`, `prlimit` and `nice` answer when the program behind them is not there.
            (_, Some(126 | 127)) => Cause::MissingTool,
            _ => spoken(&stderr),
        };
        Failure { cause, stderr }
    }
}

const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;

/// ffmpeg's words, the surest first. Each was seen from ffmpeg 5.1 with a file made for it.
const WORDS: &[(&str, Cause)] = &[
    ("No space left on device", Cause::NoSpace),
    ("File too large", Cause::TooLargeOutput),
    ("Number of streams exceeds max_streams", Cause::TooManyStreams),
    ("exceeds specified max pixel count", Cause::TooLargePicture),
    ("Picture size", Cause::TooLargePicture),
    ("Format not on whitelist", Cause::NotVideo),
    ("not on whitelist", Cause::NotVideo),
    // Also said of any text named `.mp4`. Whether it was a film once is told by its first bytes, see `container`.
    ("moov atom not found", Cause::NotVideo),
    ("corrupt input packet", Cause::Damaged),
    ("Packet corrupt", Cause::Damaged),
    ("partial file", Cause::Truncated),
    ("File ended prematurely", Cause::Truncated),
    ("Decoder (codec", Cause::Unsupported),
    ("Unknown decoder", Cause::Unsupported),
    ("Decoding requested, but no decoder found", Cause::Unsupported),
    ("Could not find codec parameters", Cause::Unsupported),
    ("Cannot allocate memory", Cause::Memory),
    ("does not contain any stream", Cause::NotVideo),
    ("matches no streams", Cause::NotVideo),
    ("Error while decoding", Cause::Damaged),
    ("Conversion failed", Cause::Damaged),
    ("Error submitting", Cause::Damaged),
    ("Invalid data found when processing input", Cause::NotVideo),
    // The demuxer knew the first bytes and found nothing behind them.
    ("End of file", Cause::Truncated),
];

fn spoken(stderr: &str) -> Cause {
    WORDS.iter().find(|(words, _)| stderr.contains(words)).map_or(Cause::Broken, |&(_, cause)| cause)
}
