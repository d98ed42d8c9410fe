//! Backups: content by its hash in a *place* (a directory, or a prefix of an S3-compatible storage), and a manifest per
//! backup that names it.
//!
//! ```text
//! videoplanet-backups.json     what the place is: format, instance, and for an encrypted one how its keys are made
//! backups/<id>                 the manifest of one backup; it is written last, so half a backup is none
//! blobs/ab/<64 hex>[.zst]      content; a name is only ever given to whole content, and its bytes never change
//! verified/<id>                what the last look at that backup found
//! lock                         who works on the place at this moment, and until when
//! ```
//!
//! Laws: a blob's name is the BLAKE3 of what it holds (of an encrypted place: keyed, so that names tell nothing), so
//! what is there already is not written again, and a backup costs what is new. Everything that is read is compared with
//! the manifest; what differs is [`Trouble::Damaged`] and names the part. Buffers are fixed: a film is never in memory.
//! Secrets stand in no error.
//!
//! All functions block; callers in async code wrap them in `spawn_blocking` within the runtime, on which an S3 place runs
//! its requests. Nothing here knows what the files are: that is `domain::backups`.

mod directory;
mod keep;
mod lease;
mod manifest;
mod marker;
mod place;
mod s3;
mod seal;
mod settle;
mod vault;
mod verify;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::base::clock::Time;
use crate::base::page::hex;
use crate::base::secret;
pub use keep::{Keep, Swept, chosen};
pub use lease::Lease;
pub use manifest::{Blob, Item, Manifest, Missing};
pub use marker::Encryption;
pub use place::{Kind, Place, Target};
pub use settle::{Settled, aside, commit, forget, is_begun, movable, settle, staging};
pub use vault::{Kept, Vault, hash as hash_of};
pub use verify::{Asked, Verified, verify};

/// Why a backup was not made, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It is not done, for a reason that somebody can change. One sentence.
    #[error("{0}")]
    Refused(String),
    /// Something in the place is not what was written.
    #[error("{part} is damaged: {why}")]
    Damaged {
        /// Which object.
        part: String,
        /// In what way.
        why: String,
    },
    /// The place or the disk does not answer as it should; time may heal it.
    #[error("{0}")]
    Failed(String),
    /// Somebody else is at work there: it can be done later.
    #[error("{0}")]
    Busy(String),
    /// Somebody stopped it.
    #[error("stopped")]
    Cancelled,
}

/// The result of every operation here.
pub type Result<T, E = Trouble> = std::result::Result<T, E>;

impl Trouble {
    /// A refusal.
    pub fn refused(why: impl Into<String>) -> Trouble {
        Trouble::Refused(why.into())
    }

    fn damaged(part: impl Into<String>, why: impl Into<String>) -> Trouble {
        Trouble::Damaged { part: part.into(), why: why.into() }
    }

    fn failed(what: &str, error: impl std::fmt::Display) -> Trouble {
        Trouble::Failed(format!("{what}: {error}"))
    }

    /// What an error of a reader or writer between us and the place means: our own, carried through it, or its.
    fn of_io(what: &str, error: io::Error) -> Trouble {
        if error.get_ref().is_some_and(|inner| inner.is::<Trouble>()) {
            let inner = error.into_inner().and_then(|inner| inner.downcast::<Trouble>().ok());
            return inner.map_or_else(|| Trouble::Failed(what.to_owned()), |trouble| *trouble);
        }
        Trouble::failed(what, error)
    }

    fn into_io(self) -> io::Error {
        io::Error::other(self)
    }
}

/// What a long operation looks at and tells while it goes. Clones are the same.
#[derive(Clone)]
pub struct Watch {
    stop: CancellationToken,
    done: Arc<[AtomicU64; 2]>,
    tell: Arc<dyn Fn(u64, u64) + Send + Sync>,
}

impl Watch {
    /// Ends soon after `stop` is set; `tell` hears how many bytes are done, and of how many.
    pub fn new(stop: CancellationToken, tell: impl Fn(u64, u64) + Send + Sync + 'static) -> Watch {
        Watch { stop, done: Arc::default(), tell: Arc::new(tell) }
    }

    /// Nobody stops it, nobody listens.
    pub fn silent() -> Watch {
        Watch::new(CancellationToken::new(), |_, _| ())
    }

    /// So many bytes more are to be done.
    pub fn expect(&self, bytes: u64) {
        self.done[1].fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes more are done. An error when it is to end.
    pub fn on(&self, bytes: u64) -> Result<()> {
        let done = self.done[0].fetch_add(bytes, Ordering::Relaxed) + bytes;
        (self.tell)(done, self.done[1].load(Ordering::Relaxed));
        if self.stop.is_cancelled() { Err(Trouble::Cancelled) } else { Ok(()) }
    }

    /// Is set when it is to end.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

/// The id of a backup that is taken at `now`: sorts by time, and is not guessed twice.
pub fn new_id(now: Time) -> String {
    format!("{}-{}", stamp(now), hex(&secret::random::<2>()))
}

/// `20261128T205500Z`.
pub fn stamp(at: Time) -> String {
    let text = at.to_string();
    let digits: String = text[..19].chars().filter(|c| !matches!(c, '-' | ':')).collect();
    format!("{digits}Z")
}

/// Has it the form of an id?
pub fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 21
        && bytes.iter().enumerate().all(|(i, b)| match i {
            8 => *b == b'T',
            15 => *b == b'Z',
            16 => *b == b'-',
            17.. => b.is_ascii_digit() || (b'a'..=b'f').contains(b),
            _ => b.is_ascii_digit(),
        })
}
