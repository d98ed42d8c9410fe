//! The makers of files that mean harm: what names other files, what wants more than there is, what is cut.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use videoplanet::engines::ffmpeg::Cause;

use crate::clips::{CLIP, Dir, noise};

/// A file and how it may end.
#[derive(Clone)]
pub struct Case {
    pub name: String,
    pub bytes: Vec<u8>,
    /// It may be taken for a film and be played as far as it goes.
    pub may_play: bool,
    /// The reasons that fit, if it fails; empty: any that time does not heal.
    pub causes: Vec<Cause>,
}

impl Case {
    /// Must fail, for one of these reasons.
    pub fn refused(name: &str, bytes: impl Into<Vec<u8>>, causes: &[Cause]) -> Case {
        Case { name: name.into(), bytes: bytes.into(), may_play: false, causes: causes.to_vec() }
    }

    /// Must play: what is wrong with it does not matter.
    pub fn plays(name: &str, bytes: impl Into<Vec<u8>>) -> Case {
        Case { name: name.into(), bytes: bytes.into(), may_play: true, causes: vec![Cause::Empty] }
    }

    /// May end either way.
    pub fn either(name: &str, bytes: impl Into<Vec<u8>>) -> Case {
        Case { name: name.into(), bytes: bytes.into(), may_play: true, causes: vec![] }
    }
}

/// A playlist of one entry.
pub fn playlist(entry: &str) -> Vec<u8> {
    format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{entry}\n#EXT-X-ENDLIST\n").into()
}

/// Files that name `secret` or `url`, each in the way of its format. `film` is a MOV.
pub fn naming(film: &[u8], secret: &Path, url: &str, dir: &Dir) -> Vec<Case> {
    let path = secret.display();
    let no = |name: &str, text: String| Case::refused(name, text, &[Cause::NotVideo]);
    let dash = |base: &str| {
        format!(
            "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
             mediaPresentationDuration=\"PT2S\"><Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" \
             bandwidth=\"1\"><BaseURL>{base}</BaseURL></Representation></AdaptationSet></Period></MPD>"
        )
    };
    std::fs::write(dir.path().join("attached.txt"), "attached").unwrap();
    let attached = format!(
        "-i secret.mov -c copy -attach attached.txt -metadata:s:t mimetype=text/plain -metadata:s:t filename={path} attached.mkv"
    );
    let mut cases = vec![
        no("hls", String::from_utf8(playlist(&format!("file:{path}"))).unwrap()),
        no("hls-relative", String::from_utf8(playlist("../../secret.mov")).unwrap()),
        no("hls-url", String::from_utf8(playlist(url)).unwrap()),
        no("hls-key", String::from_utf8(playlist(&format!("file:{path}"))).unwrap().replace("#EXTINF", &format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{url}\"\n#EXTINF"))),
        no("hls-master", format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}\n")),
        no("concat", format!("ffconcat version 1.0\nfile '{path}'\n")),
        no("concat-relative", "ffconcat version 1.0\nfile ../../secret.mov\n".into()),
        no("concat-url", format!("ffconcat version 1.0\nfile '{url}'\n")),
        no("dash", dash(&format!("file:{path}"))),
        no("dash-url", dash(url)),
        no("sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n".into()),
        no("svg", format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"64\" height=\"64\"><image href=\"file://{path}\"/><image href=\"{url}\"/></svg>")),
        no("ass", format!("[Script Info]\nScriptType: v4.00+\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: D,{path}\n[Events]\nFormat: Start, End, Text\nDialogue: 0:00:00.00,0:00:02.00,{{\\img({path})}}x\n")),
        no("srt", format!("1\n00:00:00,000 --> 00:00:02,000\n<img src=\"{url}\">\n")),
        no("webvtt", format!("WEBVTT\n\nSTYLE\n@import url({url});\n\n00:00.000 --> 00:02.000\nx\n")),
        no("smil", format!("<smil><body><video src=\"{url}\"/></body></smil>")),
        no("asx", format!("<asx version=\"3.0\"><entry><ref href=\"{url}\"/></entry></asx>")),
        no("rtsp-text", format!("RTSPtext{url}\r\n")),
        Case::either("dref-url", with_dref(film, &data_entry(b"url ", format!("file://{path}").as_bytes()))),
        Case::either("dref-http", with_dref(film, &data_entry(b"url ", url.as_bytes()))),
        Case::either("dref-alias", reference(film, secret)),
        Case::refused("reference-movie", reference_movie(url), &[Cause::Truncated, Cause::NotVideo, Cause::Unsupported]),
        Case::plays("mkv-attachment", dir.film(&attached)),
    ];
    // Pictures, read by demuxers that could have a name in mind.
    for name in ["still.png", "still.jpg", "still.bmp", "still.tiff", "still.webp", "still.gif"] {
        cases.push(Case::plays(name, dir.film(&format!("-f lavfi -i testsrc2=s=64x48 -frames:v 1 {name}"))));
    }
    cases
}

/// `film` with its data in another file.
pub fn reference(film: &[u8], elsewhere: &Path) -> Vec<u8> {
    with_dref(film, &alias(elsewhere))
}

/// A reference as MP4 has it.
fn data_entry(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    atom(kind, &[&[0; 4], body, &[0]].concat())
}

/// An alias as the classic Mac OS wrote it: volume, name, and the path with colons.
fn alias(path: &Path) -> Vec<u8> {
    let name = path.file_name().unwrap().as_encoded_bytes();
    let pascal = |text: &[u8], room: usize| {
        let mut field = vec![text.len().min(room) as u8];
        field.extend(text);
        field.resize(room + 1, 0);
        field
    };
    let colons: Vec<u8> =
        path.as_os_str().as_encoded_bytes().iter().map(|&c| if c == b'/' { b':' } else { c }).collect();
    // A path of this kind begins with the volume's name.
    let full = [b"disk", &colons[..]].concat();
    let mut padded = full.clone();
    padded.resize(full.len() + full.len() % 2, 0);
    let body = [
        &[0; 4][..], // version and flags
        &[0; 10],
        &pascal(b"disk", 27),
        &[0; 12],
        &pascal(name, 63),
        &[0; 16],
        &1_u16.to_be_bytes(),
        &1_u16.to_be_bytes(),
        &[0; 16],
        &2_u16.to_be_bytes(),
        &(full.len() as u16).to_be_bytes(),
        &padded,
        &[0xff, 0xff, 0, 0],
    ];
    let mut body = body.concat();
    body.resize(body.len().max(200), 0);
    atom(b"alis", &body)
}

/// QuickTime's movie that is nothing but a reference to another.
fn reference_movie(url: &str) -> Vec<u8> {
    let entry = [&[0; 4][..], b"url ", &(url.len() as u32 + 1).to_be_bytes(), url.as_bytes(), &[0]].concat();
    [atom(b"ftyp", b"qt  \0\0\0\0qt  "), atom(b"moov", &atom(b"rmra", &atom(b"rmda", &atom(b"rdrf", &entry))))].concat()
}

fn atom(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

/// The film with `entry` as the only place where its tracks' data may be. Its index stands behind its data.
fn with_dref(film: &[u8], entry: &[u8]) -> Vec<u8> {
    let mut made = Vec::new();
    let mut rest = film;
    while rest.len() >= 8 {
        let size = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        let (kind, body): ([u8; 4], _) = (rest[4..8].try_into().unwrap(), &rest[8..size]);
        made.extend(match &kind {
            b"moov" | b"trak" | b"mdia" | b"minf" | b"dinf" => atom(&kind, &with_dref(body, entry)),
            b"dref" => atom(&kind, &[&[0, 0, 0, 0, 0, 0, 0, 1], entry].concat()),
            _ => rest[..size].to_vec(),
        });
        rest = &rest[size..];
    }
    made
}

/// What wants more than there is: pixels, streams, time, memory, boxes.
pub fn bombs(dir: &Dir) -> Vec<Case> {
    use Cause::{Damaged, NotVideo, TooLargePicture, TooLong, TooManyStreams, Truncated, Unsupported};
    let film = dir.film(&format!("{CLIP} plain.mp4"));
    let mkv = dir.film(&format!("{CLIP} plain.mkv"));
    let jpeg = dir.film("-f lavfi -i testsrc2=s=64x48 -frames:v 1 plain.jpg");
    let gif = dir.film("-f lavfi -i testsrc2=s=64x48:d=0.2 plain.gif");
    let maps = "-map 0:a ".repeat(300);
    let many = dir.film(&format!("-i plain.mp4 {maps} -c copy many.mp4"));
    let many_ts = dir.film(&format!("-i plain.mp4 {maps} -c copy -f mpegts many.ts"));
    let zeros = vec![0; 200 << 20];
    let free = atom(b"free", &[]);
    // Each holds the rest.
    let nested: Vec<u8> =
        (1..=10_000_u32).rev().flat_map(|left| [&(left * 8).to_be_bytes()[..], b"trak"].concat()).collect();
    let mut old = mkv.clone();
    put(&mut old, b"\x44\x89\x88", 3, &1e15_f64.to_be_bytes());
    let mut slow = film.clone();
    put(&mut slow, b"stts", 16, &0x7fff_ffff_u32.to_be_bytes());
    put(&mut slow, b"mdhd", 20, &u32::MAX.to_be_bytes());
    let mut ages = dir.film(&format!("{SOURCE} -c:v mpeg4 -c:a libmp3lame plain.avi"));
    put(&mut ages, b"strh", 40, &0x7fff_ffff_u32.to_le_bytes());
    let mut endless = film.clone();
    put(&mut endless, b"mvhd", 20, &u32::MAX.to_be_bytes());
    let mut wide = jpeg.clone();
    put(&mut wide, b"\xff\xc0", 5, &[0xff, 0xdc, 0xff, 0xdc]);
    let mut canvas = gif.clone();
    canvas[6..10].fill(0xff);
    let sized = |size: [u8; 4]| [atom(b"ftyp", b"isom\0\0\0\0"), [&size[..], b"moov", &film[..]].concat()].concat();
    vec![
        Case::refused("8192.png", png(8192, 8192, 2, &[]), &[TooLargePicture, Unsupported]),
        Case::refused("wide.png", png(30_000, 30_000, 2, &zlib(&zeros[..1 << 20])), &[TooLargePicture]),
        Case::refused("tower.png", png(17_000, 64, 2, &zlib(&zeros[..17_000 * 64 * 3 + 64])), &[TooLargePicture]),
        Case::either("full.png", png(5000, 5000, 6, &zlib(&zeros[..5000 * (5000 * 4 + 1)]))),
        Case::either("inflating.png", png(64, 64, 2, &zlib(&zeros))),
        Case::either(
            "profile.png",
            [
                &png(64, 64, 2, &[])[..33],
                &chunk(b"iCCP", &[b"x\0\0", &zlib(&zeros)[..]].concat()),
                &png(64, 64, 2, &zlib(&zeros[..64 * 193]))[33..],
            ]
            .concat(),
        ),
        Case::refused("wide.jpg", wide, &[TooLargePicture]),
        Case::refused("canvas.gif", canvas, &[TooLargePicture]),
        Case::refused("ages.mkv", old, &[TooLong]),
        Case::either("slow.mp4", slow),
        Case::refused("ages.avi", ages, &[TooLong]),
        Case::either("endless.mp4", endless),
        Case::refused("tracks.mkv", tracks(10_000), &[TooManyStreams]),
        Case::refused("many.mp4", many, &[TooManyStreams]),
        Case::either("many.ts", many_ts),
        Case::plays("boxes-behind.mp4", [&film[..], &free.repeat(100_000)].concat()),
        Case::refused("boxes.mp4", [&atom(b"ftyp", b"isom\0\0\0\0")[..], &free.repeat(100_000)].concat(), &[Truncated]),
        Case::refused(
            "nested.mp4",
            [atom(b"ftyp", b"isom\0\0\0\0"), atom(b"moov", &nested), atom(b"mdat", &[0; 64])].concat(),
            &[NotVideo, Damaged, Unsupported],
        ),
        Case::refused("size-negative.mp4", sized([0xff, 0xff, 0xff, 0xf0]), &[Truncated]),
        Case::refused("size-small.mp4", sized([0, 0, 0, 4]), &[Truncated, NotVideo]),
        Case::either("size-zero.mp4", sized([0; 4])),
        Case::refused(
            "size-long-negative.mp4",
            [atom(b"ftyp", b"isom\0\0\0\0"), b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xf0".to_vec(), film.clone()]
                .concat(),
            &[Truncated],
        ),
    ]
}

/// Writes `bytes` at `offset` behind the beginning of the first `mark`.
fn put(file: &mut [u8], mark: &[u8], offset: usize, bytes: &[u8]) {
    let at = file.windows(mark.len()).position(|w| w == mark).expect("the mark is there") + offset;
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    // ffmpeg does not look at the sum unless it is told to.
    [&(body.len() as u32).to_be_bytes()[..], kind, body, &[0; 4]].concat()
}

/// A picture of eight bits a colour: 2 is RGB, 6 RGBA.
fn png(width: u32, height: u32, colour: u8, data: &[u8]) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, colour, 0, 0, 0]].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &head), &chunk(b"IDAT", data), &chunk(b"IEND", &[])].concat()
}

/// A Matroska file with this many sound tracks.
fn tracks(count: u32) -> Vec<u8> {
    // Lengths of eight bytes everywhere.
    let element = |id: &[u8], body: &[u8]| [id, &(1 << 56 | body.len() as u64).to_be_bytes(), body].concat();
    let sound = element(b"\xe1", &[element(b"\xb5", &8000_f32.to_be_bytes()), element(b"\x9f", &[1])].concat());
    let codec = element(b"\x86", b"A_PCM/INT/LIT");
    let track = |i: u32| {
        let number = [element(b"\xd7", &i.to_be_bytes()), element(b"\x73\xc5", &i.to_be_bytes())].concat();
        element(b"\xae", &[&number[..], &element(b"\x83", &[2]), &codec, &sound].concat())
    };
    let tracks: Vec<u8> = (1..=count).flat_map(track).collect();
    let info = element(b"\x15\x49\xa9\x66", &element(b"\x2a\xd7\xb1", &1_000_000_u32.to_be_bytes()));
    let cluster =
        element(b"\x1f\x43\xb6\x75", &[element(b"\xe7", &[0]), element(b"\xa3", b"\x81\0\0\x80\0\0")].concat());
    let segment = [info, element(b"\x16\x54\xae\x6b", &tracks), cluster].concat();
    let head = element(b"\x1a\x45\xdf\xa3", &element(b"\x42\x82", b"matroska"));
    [head, element(b"\x18\x53\x80\x67", &segment)].concat()
}

/// Things that are no films at all, whatever they are called.
pub fn disguises() -> Vec<Case> {
    let no = |name: &str, bytes: &[u8]| {
        Case::refused(name, [bytes, &noise(3000, 11)].concat(), &[Cause::NotVideo, Cause::Unsupported])
    };
    vec![
        no("zip", b"PK\x03\x04\x14\0\0\0\x08\0"),
        no("7z", b"7z\xbc\xaf\x27\x1c\0\x04"),
        no(
            "pdf",
            b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /OpenAction << /S /URI /URI (http://127.0.0.1/) >> >>\nendobj\n",
        ),
        no("exe", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"),
        no("elf", b"\x7fELF\x02\x01\x01\0"),
        no("php", b"<?php system($_GET['c']); ?>\n"),
        no("html", b"<!doctype html><html><body><script>alert(1)</script><video src=\"file:///etc/passwd\"></video>"),
        no("script", b"#!/bin/sh\necho harm\n"),
        no("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
    ]
}

/// Noise behind the first bytes of every kind of film.
pub fn masks() -> Vec<Case> {
    let heads: [(&str, &[u8]); 15] = [
        ("mp4", b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41"),
        ("moov", b"\0\0\x40\0moov\0\0\0\x6cmvhd"),
        ("mkv", b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm"),
        ("avi", b"RIFF\0\0\x01\0AVI LIST\0\x01\0\0hdrlavih"),
        ("wav", b"RIFF\0\0\x01\0WAVEfmt \x10\0\0\0\x01\0\x01\0"),
        ("ogg", b"OggS\0\x02\0\0\0\0\0\0\0\0"),
        ("flv", b"FLV\x01\x05\0\0\0\x09\0\0\0\0"),
        ("png", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"),
        ("jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
        ("gif", b"GIF89a"),
        ("mp3", b"ID3\x04\0\0\0\0\x20\0"),
        ("flac", b"fLaC\0\0\0\x22"),
        ("asf", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"),
        ("mxf", b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02\x04\0\x83\0\0\x78"),
        ("mpeg", b"\0\0\x01\xba\x44\0\x04\0\x04\x01"),
    ];
    let mut cases: Vec<Case> = (heads.iter().zip(1..))
        .map(|((name, head), seed)| Case::either(&format!("mask-{name}"), [head, &noise(60_000, seed)[..]].concat()))
        .collect();
    let mut stream = noise(188 * 300, 99);
    stream.chunks_mut(188).for_each(|packet| packet[0] = 0x47);
    cases.push(Case::either("mask-ts", stream));
    cases
}

/// Films of every kind of container, cut at every tenth.
pub fn cuts(dir: &Dir) -> Vec<Case> {
    // Whether the container tells how long it is.
    let films: [(&str, &str, bool); 11] = [
        ("fast.mp4", "-movflags +faststart", true),
        ("slow.mov", "", true),
        ("fragmented.mp4", "-movflags frag_keyframe+empty_moov -g 10", false),
        ("film.mkv", "", true),
        ("film.avi", "-c:v mpeg4 -c:a libmp3lame", true),
        ("film.wmv", "-c:v wmv2 -c:a wmav2", true),
        ("film.mxf", "-c:v mpeg2video -c:a pcm_s16le -ar 48000", true),
        ("film.ts", "", false),
        ("film.mpg", "-c:v mpeg2video", false),
        ("film.ogv", "-c:v libtheora -c:a libvorbis", false),
        ("picture.png", "-an -c:v png -frames:v 1 -pix_fmt rgb24 -update 1 -f image2", true),
    ];
    let mut cases = Vec::new();
    for (name, words, tells) in films {
        let words = if words.contains("-c:v") { format!("{} {words}", SOURCE) } else { format!("{CLIP} {words}") };
        let whole = dir.film(&format!("{words} {name}"));
        for tenth in 1..10 {
            let (name, cut) = (format!("{name} {tenth}0 %"), whole[..whole.len() * tenth / 10].to_vec());
            cases.push(if tells { Case::refused(&name, cut, &[Cause::Truncated]) } else { Case::either(&name, cut) });
        }
        cases.push(Case::plays(name, whole));
    }
    cases
}

/// What [`CLIP`] shows, to be encoded otherwise.
const SOURCE: &str = "-f lavfi -i testsrc2=s=128x72:r=25:d=2 -f lavfi -i sine=d=2";
