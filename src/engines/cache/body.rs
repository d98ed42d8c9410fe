//! An encoded answer as it is kept: its bytes, its tag, and its compressed variants once somebody has asked for them.

use std::io::{Read, Write};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use foyer::{Code, Error, ErrorKind, Result};

use crate::base::group::Group;
use crate::base::page::hex;
use crate::engines::compress::{self, Encoding};

/// Longest body that is read back from the disk: a damaged length must not ask for all memory.
const BODY_MAX: usize = 16 << 20;

/// An encoded answer.
#[derive(Debug)]
pub struct Body {
    /// What kind of answer it is.
    pub group: Group,
    /// What makes its bytes recognisable, without quotes: `r5-<hash>` for a resource of revision 5, else `<hash>`.
    pub tag: Box<str>,
    plain: Bytes,
    variants: [OnceLock<Option<Bytes>>; Encoding::ALL.len()],
}

impl Body {
    /// A body; `rev` is the revision of the resource that it shows, if it shows one.
    pub fn new(group: Group, rev: Option<i64>, plain: Bytes) -> Body {
        let tag = tag(rev, &plain).into();
        Body { group, tag, plain, variants: Default::default() }
    }

    /// The bytes as they were encoded.
    pub fn plain(&self) -> &Bytes {
        &self.plain
    }

    /// The bytes in this encoding, made at the first call and kept; `None` where compression does not pay.
    pub fn compressed(&self, encoding: Encoding) -> Option<&Bytes> {
        self.variants[encoding as usize].get_or_init(|| compress::compress(encoding, &self.plain)).as_ref()
    }

    /// Would [`Body::compressed`] answer without work?
    pub fn has(&self, encoding: Encoding) -> bool {
        self.variants[encoding as usize].get().is_some()
    }

    /// Bytes that it holds in memory.
    pub fn weight(&self) -> usize {
        let variants = self.variants.iter().filter_map(|v| v.get()?.as_ref()).map(Bytes::len).sum::<usize>();
        // The key, the maps' own entries and the compressed variants that may still come.
        200 + self.tag.len() + self.plain.len() + variants
    }
}

/// The tag of these bytes.
pub fn tag(rev: Option<i64>, bytes: &[u8]) -> String {
    let hash = hex(&blake3::hash(bytes).as_bytes()[..8]);
    rev.map_or(hash.clone(), |rev| format!("r{rev}-{hash}"))
}

/// What foyer holds: bodies are shared between the tiers in memory.
#[derive(Clone, Debug)]
pub(super) struct Kept(pub(super) Arc<Body>);

impl Code for Kept {
    fn encode(&self, to: &mut impl Write) -> Result<()> {
        let body = &self.0;
        put(to, body.group.as_str().as_bytes())?;
        put(to, body.tag.as_bytes())?;
        put(to, &body.plain)?;
        for variant in &body.variants {
            let known = variant.get();
            to.write_all(&[u8::from(known.is_some())]).map_err(Error::io_error)?;
            if let Some(bytes) = known {
                put(to, bytes.as_deref().unwrap_or_default())?;
            }
        }
        Ok(())
    }

    fn decode(from: &mut impl Read) -> Result<Kept> {
        let text = |bytes| String::from_utf8(bytes).map_err(|_| broken());
        let group = text(take(from)?)?.parse().map_err(|_| broken())?;
        let tag = text(take(from)?)?.into();
        let plain = take(from)?.into();
        let variants: [OnceLock<Option<Bytes>>; Encoding::ALL.len()] = Default::default();
        for variant in &variants {
            let mut known = [0];
            from.read_exact(&mut known).map_err(Error::io_error)?;
            if known[0] == 1 {
                // An empty variant stands for "does not pay".
                let bytes = take(from)?;
                let _ = variant.set((!bytes.is_empty()).then(|| bytes.into()));
            }
        }
        Ok(Kept(Arc::new(Body { group, tag, plain, variants })))
    }

    fn estimated_size(&self) -> usize {
        self.0.weight() + 64
    }
}

fn put(to: &mut impl Write, bytes: &[u8]) -> Result<()> {
    let len = u32::try_from(bytes.len()).map_err(|_| broken())?;
    to.write_all(&len.to_le_bytes()).and_then(|()| to.write_all(bytes)).map_err(Error::io_error)
}

fn take(from: &mut impl Read) -> Result<Vec<u8>> {
    let mut len = [0; 4];
    from.read_exact(&mut len).map_err(Error::io_error)?;
    let len = u32::from_le_bytes(len) as usize;
    if len > BODY_MAX {
        return Err(broken());
    }
    let mut bytes = vec![0; len];
    from.read_exact(&mut bytes).map_err(Error::io_error)?;
    Ok(bytes)
}

fn broken() -> Error {
    Error::new(ErrorKind::Parse, "a cached answer is not in its form")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_survives_the_disk_with_its_variants() {
        let text = "자막에 오타가 있습니다. ".repeat(100);
        let body = Body::new(Group::Comments, Some(3), text.clone().into());
        assert!(body.tag.starts_with("r3-"));
        body.compressed(Encoding::Br);
        let mut bytes = Vec::new();
        let kept = Kept(Arc::new(body));
        kept.encode(&mut bytes).unwrap();
        assert!(bytes.len() <= kept.estimated_size());
        let back = Kept::decode(&mut &bytes[..]).unwrap().0;
        assert_eq!((back.group, &back.tag, back.plain()), (Group::Comments, &kept.0.tag, &Bytes::from(text)));
        assert!(back.has(Encoding::Br) && !back.has(Encoding::Zstd));
        assert_eq!(back.compressed(Encoding::Br), kept.0.compressed(Encoding::Br));
        for cut in [0, 3, 10, bytes.len() - 1] {
            assert!(Kept::decode(&mut &bytes[..cut]).is_err(), "cut at {cut}");
        }
        bytes[0] = 0xff;
        bytes[3] = 0xff;
        assert!(Kept::decode(&mut &bytes[..]).is_err());
    }
}
