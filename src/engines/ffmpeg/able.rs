//! What an ffmpeg can do: the codecs and filters that it lists, and a real clip made from nothing to nothing.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Call, Cause, Facts, Failure, Ffmpeg, Seat, output};

/// One listing.
const LIST_LIMIT: Duration = Duration::from_secs(15);

/// Names that an ffmpeg lists.
#[derive(Clone, Debug, Default)]
pub struct Able {
    /// What it can read.
    pub decoders: BTreeSet<String>,
    /// What it can write.
    pub encoders: BTreeSet<String>,
    /// What it can do in between.
    pub filters: BTreeSet<String>,
}

impl Ffmpeg {
    /// Asks what it can do. `dir` is absolute.
    pub async fn able(&self, dir: &Path) -> Result<Able, Failure> {
        Ok(Able {
            decoders: self.list("-decoders", dir).await?,
            encoders: self.list("-encoders", dir).await?,
            filters: self.list("-filters", dir).await?,
        })
    }

    async fn list(&self, what: &str, dir: &Path) -> Result<BTreeSet<String>, Failure> {
        let program = &self.inner.settings.ffmpeg;
        let args = vec!["-hide_banner".into(), what.into()];
        let call = Call { program, args, dir, limit: LIST_LIMIT, stdout_bytes: 512 << 10 };
        let said = self.call(Seat::Quick, call, &CancellationToken::new(), None).await?;
        // Flags, the name, what it is: the lines before them have no name in their second place.
        let named = |line: &str| line.split_whitespace().nth(1).filter(|name| *name != "=").map(str::to_owned);
        Ok(String::from_utf8_lossy(&said.stdout).lines().filter_map(named).collect())
    }

    /// Makes a second of film in `dir` as films for review are made, looks at it, and removes it.
    pub async fn try_film(&self, dir: &Path) -> Result<Facts, Failure> {
        let name = "doctor.mp4";
        let args: Vec<OsString> = "-nostdin -hide_banner -v error -y -f lavfi -i testsrc2=s=320x240:r=25:d=1 \
             -f lavfi -i sine=frequency=440:duration=1 -vf scale=320:240,setsar=1,format=yuv420p \
             -c:v libx264 -preset veryfast -crf 23 -profile:v high -g 50 -c:a aac -b:a 128k -ac 2 -movflags +faststart"
            .split_whitespace()
            .map(Into::into)
            .chain([output(name)])
            .collect();
        let program = &self.inner.settings.ffmpeg;
        let call = Call { program, args, dir, limit: Duration::from_secs(60), stdout_bytes: 64 << 10 };
        let cancel = CancellationToken::new();
        let made = match self.call(Seat::Quick, call, &cancel, None).await {
            Ok(_) => self.probe(&dir.join(name), dir, &cancel).await,
            Err(failure) => Err(failure),
        };
        let _ = std::fs::remove_file(dir.join(name));
        let facts = made?;
        let right = facts.video.as_ref().is_some_and(|v| (v.width, v.height) == (320, 240)) && facts.audio.is_some();
        if right { Ok(facts) } else { Err(Failure::new(Cause::Broken, "what was made is not what was asked for")) }
    }
}
