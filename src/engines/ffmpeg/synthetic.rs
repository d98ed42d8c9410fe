//! Clips out of nothing, for the demo: pictures and sound from ffmpeg's own generators.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Call, Failure, Ffmpeg, Seat, output};

impl Ffmpeg {
    /// Makes `name` in `dir` (absolute) from a filter graph with the outputs `[v]` and `[a]`: H.264/AAC, fast start.
    /// The graph is the program's own text: it is not fenced like a film from outside.
    pub async fn synthesise(&self, graph: &str, dir: &Path, name: &str) -> Result<(), Failure> {
        let mut args: Vec<OsString> =
            ["-nostdin", "-hide_banner", "-v", "error", "-y", "-filter_complex", graph].map(Into::into).into();
        args.extend(
            [
                "-map",
                "[v]",
                "-map",
                "[a]",
                "-c:v",
                "libx264",
                "-preset",
                "superfast",
                "-crf",
                "26",
                // Soft light has no detail that would deserve more bits than the rest.
                "-x264-params",
                "aq-mode=0",
                "-pix_fmt",
                "yuv420p",
                "-g",
                "48",
                "-c:a",
                "aac",
                "-b:a",
                "64k",
                "-ac",
                "1",
                "-movflags",
                "+faststart",
            ]
            .map(Into::into),
        );
        args.push(output(name));
        let program = &self.inner.settings.ffmpeg;
        let call = Call { program, args, dir, limit: Duration::from_secs(1200), stdout_bytes: 64 << 10 };
        self.call(Seat::Long, call, &CancellationToken::new(), None).await.map(drop)
    }
}
