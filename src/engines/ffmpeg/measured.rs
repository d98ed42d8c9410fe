//! Readers of what ffmpeg measured: lines of its `metadata=print` filters and raw sound. Both come out of strangers'
//! films, so every reader is bounded in memory, and no line is believed to be well formed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Serialize;

/// Lines are `frame:… pts:… pts_time:…` and `key=value`.
const LINE_BYTES: u64 = 256;
/// Where the last value of a file is looked for.
const TAIL_BYTES: u64 = 4096;
/// What is read of raw sound at once.
const SOUND_BYTES: usize = 64 << 10;

/// The time of each frame for which a value was printed, in seconds, and the value; at most `most` of them. A file that is
/// not there has none.
pub fn values(path: &Path, most: usize) -> io::Result<Vec<(f64, f64)>> {
    let Some(file) = open(path)? else { return Ok(Vec::new()) };
    let mut lines = BufReader::new(file);
    let mut found = Vec::new();
    let mut time = None;
    let mut line = Vec::new();
    while found.len() < most {
        line.clear();
        // A line without an end is read in pieces that mean nothing.
        if lines.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        if let Some((_, at)) = text.split_once("pts_time:") {
            time = number(at);
        } else if let Some((_, value)) = text.split_once('=')
            && let (Some(at), Some(value)) = (time, number(value))
        {
            found.push((at, value));
        }
    }
    Ok(found)
}

/// The last value that was printed; `None` if none was.
pub fn last_value(path: &Path) -> io::Result<Option<f64>> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail)?;
    let tail = String::from_utf8_lossy(&tail);
    Ok(tail.lines().rev().find_map(|l| number(l.split_once('=')?.1)))
}

/// The loudest sample of each interval: what a waveform is drawn from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Peaks {
    /// Of this shape.
    pub version: u32,
    /// Milliseconds that one peak stands for.
    pub interval_ms: u32,
    /// How many peaks there are.
    pub length: usize,
    /// 0 is silence, 100 is full scale.
    pub peaks: Vec<u8>,
}

/// Peaks of raw sound: one channel, unsigned bytes with silence at 128, `rate` of them a second.
pub fn peaks(path: &Path, rate: u32, interval_ms: u32) -> io::Result<Peaks> {
    let mut file = File::open(path)?;
    let each = (u64::from(rate) * u64::from(interval_ms) / 1000).max(1);
    let mut buffer = vec![0; SOUND_BYTES];
    let (mut peaks, mut peak, mut left) = (Vec::new(), 0, each);
    loop {
        let n = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        for &sample in &buffer[..n] {
            peak = peak.max(sample.abs_diff(128));
            left -= 1;
            if left == 0 {
                peaks.push(percent(peak));
                (peak, left) = (0, each);
            }
        }
    }
    if left < each {
        peaks.push(percent(peak));
    }
    Ok(Peaks { version: 1, interval_ms, length: peaks.len(), peaks })
}

fn percent(peak: u8) -> u8 {
    // 127 above silence is as loud as it gets; 128 below it is the same.
    ((u32::from(peak.min(127)) * 100 + 63) / 127) as u8
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|n: &f64| n.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
        let path = std::env::temp_dir().join(format!("videoplanet-measured-{name}-{}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let read = read(&path);
        std::fs::remove_file(path).unwrap();
        read
    }

    #[test]
    fn values_stand_below_their_frames() {
        let text = "frame:0    pts:23      pts_time:0.023\nlavfi.scene_score=0.000000\nframe:1    pts:90 pts_time:1.5\n\
                    lavfi.scene_score=0.412\nlavfi.x=nan\nno pair\nframe:2 pts:N pts_time:N/A\nlavfi.scene_score=1\n";
        let all = with_file("values", text.as_bytes(), |p| values(p, 10).unwrap());
        assert_eq!(all, [(0.023, 0.0), (1.5, 0.412)]);
        assert_eq!(with_file("most", text.as_bytes(), |p| values(p, 1).unwrap()).len(), 1);
        let last =
            "frame:1 pts:1 pts_time:1\nlavfi.r128.I=-23.0\nframe:2 pts:2 pts_time:2\nlavfi.r128.I=-22.975\nframe";
        assert_eq!(with_file("last", last.as_bytes(), |p| last_value(p).unwrap()), Some(-22.975));
        assert_eq!(last_value(Path::new("no-such-file")).unwrap(), None);
        let endless = vec![b'9'; 100_000];
        assert_eq!(with_file("endless", &endless, |p| values(p, 10).unwrap()), []);
    }

    #[test]
    fn peaks_are_the_loudest_of_each_interval() {
        let mut sound = vec![128; 400_000];
        sound[10] = 255;
        sound[160 + 3] = 0;
        sound[320 + 7] = 128 + 64;
        sound.push(200);
        let peaks = with_file("peaks", &sound, |p| peaks(p, 8000, 20).unwrap());
        assert_eq!((peaks.length, &peaks.peaks[..4], peaks.peaks[2500]), (2501, &[100, 100, 50, 0][..], 57));
    }
}
