//! Compression of answers: which encoding a client takes, and the rule that says when it pays. The only room that names
//! the compressors.

use std::io::Write;

use bytes::Bytes;

/// Shorter bodies fit into one packet anyway.
const WORTH: usize = 1 << 10;

/// A content coding, best first: all three save about the same on JSON, and zstd is the quickest on both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 8878
    Zstd,
    /// RFC 7932
    Br,
    /// RFC 1952
    Gzip,
}

impl Encoding {
    /// All of them, best first.
    pub const ALL: [Encoding; 3] = [Encoding::Zstd, Encoding::Br, Encoding::Gzip];

    /// Its name in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Zstd => "zstd",
            Encoding::Br => "br",
            Encoding::Gzip => "gzip",
        }
    }

    /// The best one that an `Accept-Encoding` takes (RFC 9110, 12.5.3); `None` where nothing or only identity is taken.
    pub fn accepted(header: &str) -> Option<Encoding> {
        let mut weights = [None::<f32>; 3];
        let mut any = None;
        for part in header.split(',').take(20) {
            let mut words = part.split(';').map(str::trim);
            let name = words.next().unwrap_or("");
            let q = words.find_map(|w| w.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok()).unwrap_or(0.0);
            match Encoding::ALL.iter().position(|e| name.eq_ignore_ascii_case(e.name())) {
                Some(i) => weights[i] = Some(q),
                None if name == "*" => any = Some(q),
                None => {}
            }
        }
        let weight = |e: Encoding| weights[e as usize].or(any).unwrap_or(0.0);
        // The first of equals: `max_by` would take the last.
        let best = Encoding::ALL.into_iter().rev().max_by(|a, b| weight(*a).total_cmp(&weight(*b)))?;
        (weight(best) > 0.0).then_some(best)
    }
}

/// Is a body of this type worth compressing? Pictures and films are compressed already.
pub fn is_compressible(content_type: &str) -> bool {
    let mime = content_type.split(';').next().unwrap_or("").trim();
    mime.starts_with("text/") && mime != "text/event-stream"
        || mime.ends_with("json")
        || matches!(mime, "application/javascript" | "image/svg+xml" | "application/xml" | "application/x-ndjson")
}

/// `plain` in this encoding; `None` where it is short or less than a tenth would be saved.
pub fn compress(encoding: Encoding, plain: &[u8]) -> Option<Bytes> {
    if plain.len() < WORTH {
        return None;
    }
    let packed = match encoding {
        Encoding::Zstd => zstd::bulk::compress(plain, 3).ok()?,
        Encoding::Br => {
            let mut out = Vec::with_capacity(plain.len() / 3);
            let params = brotli::enc::BrotliEncoderParams { quality: 5, ..Default::default() };
            brotli::BrotliCompress(&mut &plain[..], &mut out, &params).ok()?;
            out
        }
        Encoding::Gzip => {
            let mut out =
                flate2::write::GzEncoder::new(Vec::with_capacity(plain.len() / 3), flate2::Compression::new(5));
            out.write_all(plain).ok()?;
            out.finish().ok()?
        }
    };
    (packed.len() * 10 <= plain.len() * 9).then(|| packed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_accepted_encoding_is_taken() {
        use Encoding::*;
        for (header, best) in [
            ("gzip, deflate, br, zstd", Some(Zstd)),
            ("gzip, br", Some(Br)),
            ("gzip;q=1.0, br;q=0.5", Some(Gzip)),
            ("*", Some(Zstd)),
            ("*;q=0.1, gzip", Some(Gzip)),
            ("zstd;q=0, *", Some(Br)),
            ("GZIP", Some(Gzip)),
            ("identity", None),
            ("gzip;q=0", None),
            ("gzip;q=x", None),
            ("", None),
        ] {
            assert_eq!(Encoding::accepted(header), best, "{header}");
        }
    }

    #[test]
    fn what_does_not_pay_stays_as_it_is() {
        let text = "자막에 오타가 있습니다. ".repeat(100);
        for e in Encoding::ALL {
            let packed = compress(e, text.as_bytes()).unwrap();
            assert!(packed.len() * 2 < text.len(), "{e:?}");
            assert_eq!(compress(e, &text.as_bytes()[..WORTH - 1]), None);
            assert_eq!(compress(e, &noise(4096)), None, "{e:?} on noise");
        }
    }

    fn noise(len: usize) -> Vec<u8> {
        let mut out = vec![0; len];
        blake3::Hasher::new().finalize_xof().fill(&mut out);
        out
    }
}
