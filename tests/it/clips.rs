//! Small films made by ffmpeg for the tests, and things that only look like films.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Two seconds of 128×72 at 25 frames, with a tone, in a profile that every browser plays.
pub const CLIP: &str =
    "-f lavfi -i testsrc2=s=128x72:r=25:d=2 -f lavfi -i sine=d=2 -pix_fmt yuv420p -c:v libx264 -preset ultrafast";

/// A directory that goes away with the test.
pub struct Dir(pub PathBuf);

impl Dir {
    pub fn new(name: &str) -> Dir {
        let dir = std::env::temp_dir().join(format!("videoplanet-it-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        Dir(dir)
    }

    /// Runs ffmpeg on words; the last one names the film. Answers its bytes.
    pub fn film(&self, words: &str) -> Vec<u8> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let out =
            Command::new("ffmpeg").args(["-v", "error", "-y"]).args(&words).current_dir(&self.0).output().unwrap();
        assert!(out.status.success(), "{words:?}: {}", String::from_utf8_lossy(&out.stderr));
        std::fs::read(self.0.join(words.last().unwrap())).unwrap()
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Bytes without any order, the same ones for the same seed.
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}
