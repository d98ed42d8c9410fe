//! Encryption: objects are sealed in pieces, so that a film of any size is read with a fixed buffer and a piece that was
//! changed, moved, cut off or put from one object into another is found.
//!
//! STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance,
//! 2015) over ChaCha20-Poly1305 (RFC 8439): each piece has its number and whether it is the last in its nonce; associated
//! data is the object's name. An object is `VPS1`, a random nonce of 7 bytes, and pieces of 64 KiB with their tags.
//!
//! The keys come from the passphrase by Argon2id (RFC 9106) with the place's salt, one per purpose.

use std::io::{self, Read, Write};

use aead_stream::{DecryptorBE32, EncryptorBE32};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::ChaCha20Poly1305;

use super::place::Finish;
use super::{Result, Trouble};
use crate::base::secret;

const MAGIC: &[u8; 4] = b"VPS1";
const NONCE: usize = 7;
const TAG: usize = 16;
/// Bytes of a piece before it is sealed.
const PIECE: usize = 64 << 10;

/// The keys of an encrypted place. `Debug` shows nothing.
#[derive(Clone)]
pub(super) struct Keys {
    seal: [u8; 32],
    names: [u8; 32],
    check: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Derives them. `memory_kib` and `passes` are those of the place.
    pub(super) fn derive(passphrase: &str, salt: &[u8], memory_kib: u32, passes: u32) -> Result<Keys> {
        let params = Params::new(memory_kib, passes, 1, Some(32));
        let params = params.map_err(|e| Trouble::failed("cannot make the keys", e))?;
        let mut master = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, &mut master)
            .map_err(|e| Trouble::failed("cannot make the keys", e))?;
        let of = |purpose| blake3::derive_key(purpose, &master);
        Ok(Keys {
            seal: of("videoplanet 2026 backups: content"),
            names: of("videoplanet 2026 backups: names"),
            check: of("videoplanet 2026 backups: the passphrase fits"),
        })
    }

    /// What stands in the marker, so that a passphrase that does not fit is told at once.
    pub(super) fn check(&self) -> String {
        blake3::keyed_hash(&self.check, b"videoplanet").to_string()
    }

    /// The name of what has this hash.
    pub(super) fn name(&self, hash: &blake3::Hash) -> blake3::Hash {
        blake3::keyed_hash(&self.names, hash.as_bytes())
    }

    /// Seals what is written to the answer.
    pub(super) fn sealing<'n>(&self, name: &'n str, mut inner: Box<dyn Finish>) -> Result<Sealing<'n>> {
        let nonce = secret::random::<NONCE>();
        let head = inner.write_all(MAGIC).and_then(|()| inner.write_all(&nonce));
        head.map_err(|e| Trouble::of_io(&format!("cannot write {name}"), e))?;
        let stream = EncryptorBE32::<ChaCha20Poly1305>::new(&self.seal.into(), &nonce.into());
        Ok(Sealing { name, stream, piece: Vec::with_capacity(PIECE + TAG), inner })
    }

    /// Opens what was sealed.
    pub(super) fn opening(&self, name: &str, mut inner: Box<dyn Read + Send>) -> Result<Opening> {
        let mut head = [0; MAGIC.len() + NONCE];
        let got = fill(&mut inner, &mut head).map_err(|e| Trouble::of_io(&format!("cannot read {name}"), e))?;
        if got < head.len() {
            return Err(Trouble::damaged(name, "it is cut off"));
        }
        if head[..MAGIC.len()] != *MAGIC {
            return Err(Trouble::damaged(name, "it does not begin like an encrypted object"));
        }
        let nonce: [u8; NONCE] = head[MAGIC.len()..].try_into().expect("a nonce");
        let stream = Some(DecryptorBE32::<ChaCha20Poly1305>::new(&self.seal.into(), &nonce.into()));
        let mut opening = Opening { name: name.to_owned(), stream, piece: Vec::new(), at: 0, next: Vec::new(), inner };
        opening.next = opening.fetch().map_err(|e| Trouble::of_io(&format!("cannot read {name}"), e))?;
        Ok(opening)
    }
}

/// Bytes of an object whose content has `bytes`.
pub(super) fn sealed_size(bytes: u64) -> u64 {
    let pieces = bytes.div_ceil(PIECE as u64).max(1);
    (MAGIC.len() + NONCE) as u64 + bytes + pieces * TAG as u64
}

/// See [`Keys::sealing`].
pub(super) struct Sealing<'n> {
    name: &'n str,
    stream: EncryptorBE32<ChaCha20Poly1305>,
    piece: Vec<u8>,
    inner: Box<dyn Finish>,
}

impl Write for Sealing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full piece is sealed when more comes: only then is it known not to be the last.
        if self.piece.len() == PIECE && !bytes.is_empty() {
            let sealed = self.stream.encrypt_next_in_place(self.name.as_bytes(), &mut self.piece);
            sealed.map_err(|_| io::Error::other("too large to be encrypted"))?;
            self.inner.write_all(&self.piece)?;
            self.piece.clear();
        }
        let take = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..take]);
        Ok(take)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sealing<'_> {
    /// The last piece.
    pub(super) fn finish(mut self) -> Result<()> {
        let sealed = self.stream.encrypt_last_in_place(self.name.as_bytes(), &mut self.piece);
        sealed.map_err(|_| Trouble::Failed(format!("{} is too large to be encrypted", self.name)))?;
        let written = self.inner.write_all(&self.piece);
        written.map_err(|e| Trouble::of_io(&format!("cannot write {}", self.name), e))?;
        self.inner.finish()
    }
}

/// See [`Keys::opening`].
pub(super) struct Opening {
    name: String,
    /// `None` after the last piece.
    stream: Option<DecryptorBE32<ChaCha20Poly1305>>,
    piece: Vec<u8>,
    at: usize,
    next: Vec<u8>,
    inner: Box<dyn Read + Send>,
}

impl Opening {
    fn fetch(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; PIECE + TAG];
        let got = fill(&mut self.inner, &mut piece)?;
        piece.truncate(got);
        Ok(piece)
    }

    /// Opens the piece that was fetched before, knowing by what follows whether it is the last.
    fn turn(&mut self) -> io::Result<bool> {
        let Some(mut stream) = self.stream.take() else { return Ok(false) };
        let mut piece = std::mem::take(&mut self.next);
        let follows = if piece.len() == PIECE + TAG { self.fetch()? } else { Vec::new() };
        let opened = if follows.is_empty() {
            stream.decrypt_last_in_place(self.name.as_bytes(), &mut piece)
        } else {
            let opened = stream.decrypt_next_in_place(self.name.as_bytes(), &mut piece);
            self.stream = Some(stream);
            opened
        };
        if opened.is_err() {
            let why = "it was changed, cut off or moved after it had been written";
            return Err(Trouble::damaged(self.name.clone(), why).into_io());
        }
        (self.piece, self.at, self.next) = (piece, 0, follows);
        Ok(true)
    }
}

impl Read for Opening {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            if !self.turn()? {
                return Ok(0);
            }
        }
        let take = out.len().min(self.piece.len() - self.at);
        out[..take].copy_from_slice(&self.piece[self.at..self.at + take]);
        self.at += take;
        Ok(take)
    }
}

/// Reads until `out` is full or there is no more; answers how much.
pub(super) fn fill(from: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < out.len() {
        match from.read(&mut out[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Finish for Kept {
        fn finish(self: Box<Self>) -> Result<()> {
            Ok(())
        }
    }

    fn keys() -> Keys {
        Keys::derive("correct horse", b"salt of 16 bytes", 8, 1).unwrap()
    }

    fn sealed(keys: &Keys, name: &str, bytes: &[u8]) -> Vec<u8> {
        let kept = Kept::default();
        let mut sealing = keys.sealing(name, Box::new(kept.clone())).unwrap();
        sealing.write_all(bytes).unwrap();
        sealing.finish().unwrap();
        std::mem::take(&mut kept.0.lock())
    }

    fn opened(keys: &Keys, name: &str, object: &[u8]) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut opening = keys.opening(name, Box::new(io::Cursor::new(object.to_vec())))?;
        opening.read_to_end(&mut bytes).map_err(|e| Trouble::of_io("reading", e))?;
        Ok(bytes)
    }

    #[test]
    fn what_is_sealed_opens_at_every_length_and_has_the_size_that_is_told() {
        let keys = keys();
        for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 7] {
            let bytes: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            let object = sealed(&keys, "blobs/aa/x", &bytes);
            assert_eq!(object.len() as u64, sealed_size(len as u64), "{len}");
            assert_eq!(opened(&keys, "blobs/aa/x", &object).unwrap(), bytes);
            assert_ne!(object, sealed(&keys, "blobs/aa/x", &bytes), "each has a nonce of its own");
        }
    }

    #[test]
    fn what_was_changed_cut_moved_or_swapped_does_not_open() {
        let keys = keys();
        let bytes = vec![7; 2 * PIECE + 100];
        let object = sealed(&keys, "a", &bytes);
        let damaged = |name: &str, object: &[u8]| {
            let opened = opened(&keys, name, object);
            assert!(matches!(opened, Err(Trouble::Damaged { .. })), "{opened:?}");
        };
        damaged("b", &object);
        for at in [0, 5, 11, PIECE, object.len() - 1] {
            let mut flipped = object.clone();
            flipped[at] ^= 1;
            damaged("a", &flipped);
        }
        let head = MAGIC.len() + NONCE;
        for cut in [0, 3, head, head + PIECE + TAG, head + 2 * (PIECE + TAG), object.len() - 1] {
            damaged("a", &object[..cut]);
        }
        // The first two pieces in each other's place.
        let piece = PIECE + TAG;
        let swapped = [
            &object[..head],
            &object[head + piece..head + 2 * piece],
            &object[head..head + piece],
            &object[head + 2 * piece..],
        ];
        damaged("a", &swapped.concat());
        let other = Keys::derive("wrong horse", b"salt of 16 bytes", 8, 1).unwrap();
        assert!(opened(&other, "a", &object).is_err() && other.check() != keys.check());
    }
}
