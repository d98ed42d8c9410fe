//! A look at the container without ffmpeg: is it cut, and can it be played before all of it is there?
//!
//! ffprobe believes the index at the front of a film; that the film behind it is missing shows only in decoding, if at
//! all. Where a container says how long it or its parts are, a few reads tell. Where it does not (MPEG streams, Ogg, FLV,
//! raw streams, and everything that was written live), the beginning of a film is a shorter film: nobody can tell.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// What the first bytes and the parts say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Bytes.
    pub len: u64,
    /// By its own words it is longer than the file, or it lacks what nothing can be played without.
    pub cut: bool,
    /// It is an MP4 or MOV with its index before its data.
    pub fast_start: bool,
    /// It is Matroska that calls itself WebM.
    pub webm: bool,
}

/// Films have a handful of boxes at the top; fragmented ones two for each fragment of some seconds.
const MAX_PARTS: usize = 200_000;
/// RIFF writers disagree by as much about what their length counts.
const RIFF_SLACK: u64 = 8;

const EBML: u32 = 0x1a45_dfa3;
const SEGMENT: u32 = 0x1853_8067;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const ASF: &[u8] = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
const MXF: &[u8] = b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02";

pub(super) fn look(path: &Path) -> io::Result<Seen> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    read(file, len)
}

fn read(file: impl Read + Seek, len: u64) -> io::Result<Seen> {
    let mut file = Parts { file, len };
    let head = file.at::<64>(0)?;
    let mut seen = Seen { len, ..Seen::default() };
    if head.starts_with(&EBML.to_be_bytes()) {
        seen.webm = head.windows(4).any(|w| w == b"webm");
        seen.cut = file.matroska()?;
    } else if is_box(&head[4..8])
        && [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"].iter().any(|k| head[4..8] == **k)
    {
        file.boxes(&mut seen)?;
    } else if head.starts_with(b"RIFF") {
        seen.cut = file.riff()?;
    } else if head.starts_with(PNG) {
        seen.cut = file.png()?;
    } else if head.starts_with(ASF) {
        seen.cut = file.asf()?;
    } else if head.starts_with(MXF) {
        seen.cut = mxf(&head, len);
    }
    Ok(seen)
}

/// A file that is read here and there.
struct Parts<F> {
    file: F,
    len: u64,
}

impl<F: Read + Seek> Parts<F> {
    /// The bytes at `at`; zeros behind the end.
    fn at<const N: usize>(&mut self, at: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        let there = self.len.saturating_sub(at).min(N as u64) as usize;
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut bytes[..there])?;
        Ok(bytes)
    }

    /// MP4 and MOV: the boxes at the top level.
    fn boxes(&mut self, seen: &mut Seen) -> io::Result<()> {
        let (mut at, mut index, mut data) = (0, false, false);
        for _ in 0..MAX_PARTS {
            // Writers pad with a few zero bytes; less than a box header is no box.
            let left = self.len - at;
            if left < 8 {
                break;
            }
            let header = self.at::<16>(at)?;
            if !is_box(&header[4..8]) {
                break; // something behind the film, as some cameras have it; what stands before decides
            }
            let size = match u32::from_be_bytes([header[0], header[1], header[2], header[3]]) {
                0 => left, // "to the end of the file"
                1 if left < 16 => u64::MAX,
                1 => u64_be(&header[8..]),
                size => size.into(),
            };
            match &header[4..8] {
                // A still picture (AVIF) has its index in `meta`.
                b"moov" | b"meta" => {
                    index = true;
                    seen.fast_start |= !data && &header[4..8] == b"moov";
                }
                b"mdat" => data = true,
                _ => {}
            }
            if size < 8 {
                break; // not a box
            }
            match at.checked_add(size) {
                Some(end) if end <= self.len => at = end,
                _ => {
                    seen.cut = true;
                    break;
                }
            }
        }
        // Without its index a film was still being written; without its data it ends behind the index.
        seen.cut |= !index || !data;
        Ok(())
    }

    /// Matroska and WebM: the one segment that holds everything. Its length is unknown while it is written.
    fn matroska(&mut self) -> io::Result<bool> {
        let mut at = 0;
        for _ in 0..16 {
            if at >= self.len {
                break;
            }
            let head = self.at::<12>(at)?;
            let id = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
            // Padding stands between header and segment, if anything does.
            let id_len = if head[0] == 0xec { 1 } else { 4 };
            let Some((size, size_len)) = length(&head[id_len..]) else { return Ok(false) };
            let Some(size) = size else { return Ok(false) };
            let end = (at + (id_len + size_len) as u64).checked_add(size);
            match end {
                Some(end) if end > self.len => return Ok(true),
                None => return Ok(true),
                Some(_) if id_len == 4 && id == SEGMENT => return Ok(false),
                Some(end) => at = end,
            }
        }
        Ok(true) // a header and no segment
    }

    /// AVI, WAV and WebP: the length in front; long AVIs are a row of them.
    fn riff(&mut self) -> io::Result<bool> {
        let mut at = 0;
        for _ in 0..MAX_PARTS {
            let header = self.at::<8>(at)?;
            if !header.starts_with(b"RIFF") {
                return Ok(false);
            }
            match u32::from_le_bytes([header[4], header[5], header[6], header[7]]) {
                // Written live: nobody came back to fill it in.
                0 | u32::MAX => return Ok(false),
                size if at + 8 + u64::from(size) > self.len + RIFF_SLACK => return Ok(true),
                size => at += 8 + u64::from(size) + u64::from(size % 2),
            }
        }
        Ok(false)
    }

    /// PNG: chunks up to the one that says that it is the last.
    fn png(&mut self) -> io::Result<bool> {
        let mut at = PNG.len() as u64;
        for _ in 0..MAX_PARTS {
            if at + 12 > self.len {
                return Ok(true);
            }
            let header = self.at::<8>(at)?;
            at += 12 + u64::from(u32::from_be_bytes([header[0], header[1], header[2], header[3]]));
            if &header[4..] == b"IEND" {
                break;
            }
        }
        Ok(at > self.len)
    }

    /// WMV and WMA: the header and the data; what follows helps with seeking.
    fn asf(&mut self) -> io::Result<bool> {
        let mut at = 0_u64;
        for _ in 0..2 {
            let header = self.at::<24>(at)?;
            let size = u64_be(&header[16..]).swap_bytes();
            match at.checked_add(size) {
                _ if size < 24 => return Ok(at + 24 > self.len), // written live, or not there
                Some(end) if end <= self.len => at = end,
                _ => return Ok(true),
            }
        }
        Ok(false)
    }
}

/// MXF: the first partition tells where the last one stands, once the file is closed.
fn mxf(head: &[u8; 64], len: u64) -> bool {
    let long = usize::from(head[16].wrapping_sub(0x80));
    let value = 17 + if (1..=8).contains(&long) { long } else { 0 };
    let footer = u64_be(&head[value + 24..]);
    footer > 0 && footer.saturating_add(16) > len
}

/// A box's name is printable.
fn is_box(kind: &[u8]) -> bool {
    kind.iter().all(|&c| c == 0xa9 || (0x20..0x7f).contains(&c))
}

/// EBML's length: as many zero bits in front as there are further bytes. All ones: not known.
fn length(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let n = bytes[0].leading_zeros() as usize + 1;
    if n > 8 {
        return None;
    }
    let bits = bytes.get(..n)?.iter().fold(0_u64, |all, &b| all << 8 | u64::from(b));
    let value = bits & ((1 << (7 * n)) - 1);
    Some(((value != (1 << (7 * n)) - 1).then_some(value), n))
}

fn u64_be(bytes: &[u8]) -> u64 {
    bytes[..8].iter().fold(0, |all, &b| all << 8 | u64::from(b))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::base::dice::Dice;

    fn look_at(bytes: &[u8]) -> Seen {
        read(Cursor::new(bytes), bytes.len() as u64).unwrap()
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
        let seen = look_at(&fast);
        assert!(seen.fast_start && !seen.cut);
        assert!(look_at(&fast[..fast.len() - 1]).cut);
        let slow = [atom(b"ftyp", 8), atom(b"mdat", 100), atom(b"moov", 20)].concat();
        let seen = look_at(&slow);
        assert!(!seen.fast_start && !seen.cut);
        assert!(look_at(&slow[..slow.len() - 28]).cut);
        assert_eq!(look_at(b"hello, this is no film at all"), Seen { len: 29, ..Seen::default() });
        assert!(look_at(b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm").webm);
        assert_eq!(look_at(b""), Seen::default());
        let huge = [atom(b"ftyp", 8), b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()].concat();
        assert!(look_at(&huge).cut);
    }

    #[test]
    fn what_stands_behind_a_film_is_not_a_piece_of_it() {
        let film = [atom(b"ftyp", 8), atom(b"moov", 20), atom(b"mdat", 100)].concat();
        assert!(!look_at(&[&film[..], b"\x7f\xff\x01\x02\x03\x04\x05\x06 camera"].concat()).cut);
        assert!(!look_at(&[&film[..], b"\0\0\0"].concat()).cut);
        assert!(look_at(&film[..film.len() - 108]).cut, "ends behind the index");
        assert!(look_at(&[&film[..36], b"\0\0\0\x01mdat\0\0"].concat()).cut, "ends in a long header");
        let still = [atom(b"ftyp", 8), atom(b"meta", 20), atom(b"mdat", 100)].concat();
        assert!(!look_at(&still).cut && !look_at(&still).fast_start);
    }

    /// Whole files of each kind, the shortest that say how long they are.
    fn wholes() -> Vec<(&'static str, Vec<u8>)> {
        let chunk = |kind: &[u8], body: usize| [&(body as u32).to_be_bytes()[..], kind, &vec![1; body + 4]].concat();
        let riff =
            |kind: &[u8], body: usize| [b"RIFF", &(body as u32 + 4).to_le_bytes()[..], kind, &vec![1; body]].concat();
        let object = |guid: &[u8], body: usize| [guid, &(body as u64 + 24).to_le_bytes()[..], &vec![1; body]].concat();
        let mut partition = [MXF, &[1, 2, 0x83, 0, 0, 88, 0, 1, 0, 3, 0, 0, 0, 1]].concat();
        partition.extend([[0; 8], [0; 8], 300_u64.to_be_bytes()].concat());
        partition.resize(316, 0);
        vec![
            ("mp4", [atom(b"ftyp", 8), atom(b"moov", 20), atom(b"mdat", 100)].concat()),
            ("matroska", [&b"\x1a\x45\xdf\xa3\x84webm\xec\x82\0\0\x18\x53\x80\x67\x41\x00"[..], &[1; 256]].concat()),
            ("wav", riff(b"WAVE", 100)),
            ("avi", [riff(b"AVI ", 100), riff(b"AVIX", 80)].concat()),
            ("png", [PNG, &chunk(b"IHDR", 13), &chunk(b"IDAT", 50), &chunk(b"IEND", 0)].concat()),
            ("asf", [object(ASF, 60), object(&[7; 16], 80)].concat()),
            ("mxf", partition),
        ]
    }

    #[test]
    fn each_container_that_tells_its_length_is_known_to_be_cut() {
        for (name, whole) in wholes() {
            assert!(!look_at(&whole).cut, "{name}");
            assert!(!look_at(&[&whole[..], &[0xff; 30]].concat()).cut, "{name} with something behind it");
            for tenth in 1..10 {
                let cut = &whole[..whole.len() * tenth / 10];
                // Nothing but the magic of the first bytes is left of some.
                assert!(look_at(cut).cut || cut.len() < 40, "{name} at {tenth}0 %");
            }
        }
        // Written live: the length was never filled in.
        assert!(!look_at(b"\x1a\x45\xdf\xa3\x84webm\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff rest").cut);
        assert!(!look_at(b"RIFF\xff\xff\xff\xffWAVEfmt rest").cut);
        assert!(!look_at(b"RIFF\0\0\0\0AVI LIST rest").cut);
    }

    /// Whatever the bytes are, the look ends, reads no more parts than it may, and contradicts itself nowhere.
    #[test]
    fn no_bytes_lead_it_astray() {
        let wholes = wholes();
        let words: [&[u8]; 8] =
            [b"moov", b"mdat", b"RIFF", b"IEND", &[0xff; 8], &[0; 8], b"\0\0\0\x01", b"\x18\x53\x80\x67"];
        let mut dice = Dice::new(1);
        for _ in 0..40_000 {
            let mut bytes = dice.of(&wholes).1.clone();
            dice.harm(&mut bytes, &words);
            let seen = look_at(&bytes);
            assert_eq!(seen.len, bytes.len() as u64);
            assert!(!(seen.webm && seen.fast_start), "{bytes:?}");
            assert!(!bytes.is_empty() || seen == Seen::default());
        }
        // As many boxes as fit, each as small as may be.
        let tiny = [atom(b"ftyp", 8), atom(b"free", 0).repeat(MAX_PARTS + 10)].concat();
        assert!(look_at(&tiny).cut);
    }
}
