//! A look at the container without ffmpeg: is it cut, and can it be played before all of it is there?
//!
//! ffprobe believes the index at the front of a film; that the film behind it is missing shows only in decoding. The
//! boxes of an MP4 say how long they are, so here it costs a few reads.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// What the first bytes and the boxes say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Bytes.
    pub len: u64,
    /// It is an MP4 or MOV whose boxes do not end with the file.
    pub cut: bool,
    /// It is an MP4 or MOV with its index before its data.
    pub fast_start: bool,
    /// It is Matroska that calls itself WebM.
    pub webm: bool,
}

/// Films have a handful of boxes at the top; fragmented ones two for each fragment of some seconds.
const MAX_BOXES: usize = 200_000;

pub(super) fn look(path: &Path) -> io::Result<Seen> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let mut head = Vec::new();
    file.by_ref().take(64).read_to_end(&mut head)?;
    let mut seen = Seen { len, ..Seen::default() };
    if head.starts_with(b"\x1a\x45\xdf\xa3") {
        seen.webm = head.windows(4).any(|w| w == b"webm");
    } else if matches!(head.get(4..8), Some(b"ftyp" | b"moov" | b"mdat" | b"wide" | b"free")) {
        boxes(&mut file, &mut seen)?;
    }
    Ok(seen)
}

/// Walks the boxes at the top level.
fn boxes(file: &mut File, seen: &mut Seen) -> io::Result<()> {
    let mut at = 0;
    let (mut index, mut data) = (false, false);
    for _ in 0..MAX_BOXES {
        // Writers pad with a few zero bytes; less than a box header is no box.
        if seen.len - at < 8 {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        let mut header = [0; 8];
        file.read_exact(&mut header)?;
        let mut size = u64::from(u32::from_be_bytes([header[0], header[1], header[2], header[3]]));
        match &header[4..] {
            b"moov" => {
                index = true;
                seen.fast_start |= !data;
            }
            b"mdat" => data = true,
            _ => {}
        }
        match size {
            0 => size = seen.len - at, // "to the end of the file"
            1 if seen.len - at >= 16 => {
                let mut long = [0; 8];
                file.read_exact(&mut long)?;
                size = u64::from_be_bytes(long);
            }
            _ => {}
        }
        if size < 8 {
            break; // not a box; what stands before it decides
        }
        match at.checked_add(size) {
            Some(end) if end <= seen.len => at = end,
            _ => {
                seen.cut = true;
                break;
            }
        }
    }
    // A film without its index was still being written.
    seen.cut |= !index;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_at(name: &str, bytes: &[u8]) -> Seen {
        let path = std::env::temp_dir().join(format!("videoplanet-boxes-{name}-{}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let seen = look(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        seen
    }

    fn atom(kind: &[u8; 4], body: usize) -> Vec<u8> {
        let mut bytes = ((body + 8) as u32).to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.resize(body + 8, 0);
        bytes
    }

    #[test]
    fn boxes_tell_whether_the_film_is_whole() {
        let fast = [atom(b"ftyp", 8), atom(b"moov", 20), atom(b"mdat", 100)].concat();
        let seen = look_at("fast", &fast);
        assert!(seen.fast_start && !seen.cut);
        assert!(look_at("cut", &fast[..fast.len() - 1]).cut);
        let slow = [atom(b"ftyp", 8), atom(b"mdat", 100), atom(b"moov", 20)].concat();
        let seen = look_at("slow", &slow);
        assert!(!seen.fast_start && !seen.cut);
        assert!(look_at("no-index", &slow[..slow.len() - 28]).cut);
        assert_eq!(look_at("text", b"hello, this is no film at all"), Seen { len: 29, ..Seen::default() });
        assert!(
            look_at("webm", b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm")
                .webm
        );
        assert_eq!(look_at("empty", b""), Seen::default());
        let huge = [atom(b"ftyp", 8), b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()].concat();
        assert!(look_at("huge", &huge).cut);
    }
}
