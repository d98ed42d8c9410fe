//! Who encodes H.264: the CPU, which always can, or hardware that has proven that it can here.
//!
//! That ffmpeg lists an encoder says nothing about the machine: each is tried once with a second of test picture, and
//! what it made is looked at. A film on which a proven encoder fails all the same is encoded by the CPU (the caller's
//! second try).

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Call, Ffmpeg, Seat, output};
use crate::closed_set;

closed_set! {
    /// An encoder of H.264.
    Encoder {
        /// libx264.
        Cpu = "cpu",
        /// NVIDIA.
        Nvenc = "nvenc",
        /// Intel Quick Sync.
        Qsv = "qsv",
        /// VA-API: AMD and Intel.
        Vaapi = "vaapi",
    }
}

/// One try, from its start to its end: drivers that hang are not proven.
const TRY_LIMIT: Duration = Duration::from_secs(30);

impl Encoder {
    /// ffmpeg's name of it.
    pub fn codec(self) -> &'static str {
        match self {
            Encoder::Cpu => "libx264",
            Encoder::Nvenc => "h264_nvenc",
            Encoder::Qsv => "h264_qsv",
            Encoder::Vaapi => "h264_vaapi",
        }
    }

    /// What stands at the end of the filter chain in front of it.
    pub fn last_filter(self) -> &'static str {
        match self {
            Encoder::Cpu | Encoder::Nvenc => "format=yuv420p",
            Encoder::Qsv => "format=nv12",
            Encoder::Vaapi => "format=nv12,hwupload",
        }
    }

    /// Options for the whole run: the device.
    pub fn device(self) -> &'static str {
        match self {
            Encoder::Vaapi => "-init_hw_device vaapi=hw:/dev/dri/renderD128 -filter_hw_device hw",
            _ => "",
        }
    }

    /// Options of the output: closed groups whose length the caller gives, and a constant quality. `crf` is x264's
    /// scale; the others' scales are near enough.
    pub fn options(self, crf: u32, preset: &str) -> String {
        let codec = self.codec();
        match self {
            Encoder::Cpu => format!("-c:v {codec} -preset {preset} -crf {crf} -profile:v high -sc_threshold 0"),
            Encoder::Nvenc => {
                format!("-c:v {codec} -preset p4 -rc vbr -cq {crf} -b:v 0 -profile:v high -no-scenecut 1 -forced-idr 1")
            }
            Encoder::Qsv => format!("-c:v {codec} -preset veryfast -global_quality {crf} -profile:v high"),
            Encoder::Vaapi => format!("-c:v {codec} -rc_mode CQP -qp {crf} -profile:v high"),
        }
    }
}

impl Ffmpeg {
    /// Tries what this ffmpeg and this machine have of hardware encoders, in `dir` (absolute, a directory of its own).
    /// Answers those that can be used; later [`Ffmpeg::encoder`] chooses among them.
    pub async fn prove_encoders(&self, dir: &Path, cancel: &CancellationToken) -> &[Encoder] {
        let mut proven = Vec::new();
        for encoder in self.listed(dir, cancel).await {
            if self.proves_itself(encoder, dir, cancel).await {
                proven.push(encoder);
            }
        }
        self.inner.proven.get_or_init(|| proven)
    }

    /// The one to use: the one that is wished for if it has proven itself, with `None` the best that has, else the CPU.
    pub fn encoder(&self, wish: Option<Encoder>) -> Encoder {
        let proven = self.inner.proven.get().map(Vec::as_slice).unwrap_or_default();
        match wish {
            None => proven.first().copied().unwrap_or(Encoder::Cpu),
            Some(encoder) if proven.contains(&encoder) => encoder,
            Some(_) => Encoder::Cpu,
        }
    }

    /// Tries each encoder of the hardware that this ffmpeg lists, for `doctor`: which there are, and whether each works.
    pub async fn try_encoders(&self, dir: &Path, cancel: &CancellationToken) -> Vec<(Encoder, bool)> {
        let mut tried = Vec::new();
        for encoder in self.listed(dir, cancel).await {
            tried.push((encoder, self.proves_itself(encoder, dir, cancel).await));
        }
        tried
    }

    async fn listed(&self, dir: &Path, cancel: &CancellationToken) -> Vec<Encoder> {
        let args = ["-hide_banner", "-encoders"].map(Into::into).into();
        let program = &self.inner.settings.ffmpeg;
        let call = Call { program, args, dir, limit: TRY_LIMIT, stdout_bytes: 256 << 10 };
        let said = self.call(Seat::Quick, call, cancel, None).await.unwrap_or_default();
        let said = String::from_utf8_lossy(&said.stdout);
        let listed = |e: &Encoder| said.split_whitespace().any(|word| word == e.codec());
        Encoder::ALL.iter().copied().filter(|e| *e != Encoder::Cpu && listed(e)).collect()
    }

    async fn proves_itself(&self, encoder: Encoder, dir: &Path, cancel: &CancellationToken) -> bool {
        let name = format!("{encoder}.mp4");
        let filter = format!("setsar=1,{}", encoder.last_filter());
        let mut args: Vec<OsString> = ["-nostdin", "-hide_banner", "-v", "error", "-y"].map(Into::into).into();
        args.extend(encoder.device().split_whitespace().map(Into::into));
        args.extend(["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=1", "-vf", &filter].map(Into::into));
        args.extend(encoder.options(23, "veryfast").split_whitespace().map(Into::into));
        args.extend(["-g".into(), "50".into(), output(&name)]);
        let program = &self.inner.settings.ffmpeg;
        let call = Call { program, args, dir, limit: TRY_LIMIT, stdout_bytes: 64 << 10 };
        let made = match self.call(Seat::Quick, call, cancel, None).await {
            Ok(_) => self.probe(&dir.join(&name), dir, cancel).await,
            Err(failure) => Err(failure),
        };
        match made {
            Ok(facts) => {
                let video = facts.video.as_ref();
                let right = video.is_some_and(|v| (v.video_codec.as_str(), v.width, v.height) == ("h264", 320, 240));
                right && facts.duration_ms.is_some_and(|ms| (900..=1100).contains(&ms))
            }
            Err(failure) => {
                tracing::info!(encoder = encoder.as_str(), %failure, "an encoder that ffmpeg lists cannot be used here");
                false
            }
        }
    }
}
