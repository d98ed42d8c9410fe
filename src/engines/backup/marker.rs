//! The place's marker: that it is one, whose it is, and how the keys of an encrypted one are made. It holds no secret.

use serde::{Deserialize, Serialize};

use super::place::Place;
use super::seal::Keys;
use super::{Result, Trouble};
use crate::base::clock::Time;
use crate::base::page::hex;
use crate::base::secret;

pub(super) const NAME: &str = "videoplanet-backups.json";
const FORMAT: u32 = 1;
/// What making the keys costs: 64 MiB and three passes, as RFC 9106 recommends where memory is short.
const MEMORY_KIB: u32 = 65_536;
const PASSES: u32 = 3;
/// What another marker may ask for, so that a changed one cannot eat the machine.
const MEMORY_MOST: u32 = 1 << 20;
const PASSES_MOST: u32 = 32;

/// Is the place encrypted, and have we its keys?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// It is not.
    None,
    /// It is.
    Sealed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marker {
    format: u32,
    pub(super) instance: String,
    made: Time,
    #[serde(default)]
    key: Option<KeyMaking>,
    /// BLAKE3 of all this with an empty sum.
    sum: String,
}

/// How keys are made of the passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyMaking {
    salt: String,
    memory_kib: u32,
    passes: u32,
    check: String,
}

impl Marker {
    fn sealed(mut self) -> Marker {
        self.sum = String::new();
        self.sum = blake3::hash(self.text().as_bytes()).to_string();
        self
    }

    fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a marker is JSON") + "\n"
    }

    /// The marker of a place; `None` if it is empty.
    pub(super) fn read(place: &Place) -> Result<Option<Marker>> {
        let Some(bytes) = place.get(NAME)? else { return Ok(None) };
        let damaged = |why: &str| Trouble::damaged(NAME, why);
        let text = String::from_utf8(bytes).map_err(|_| damaged("it is no text"))?;
        let format = serde_json::from_str::<serde_json::Value>(&text).ok().and_then(|v| v["format"].as_u64());
        if let Some(format) = format.filter(|format| *format > u64::from(FORMAT)) {
            let why =
                format!("the place was written by a newer videoplanet (format {format}): install that or a newer one");
            return Err(Trouble::Refused(why));
        }
        let marker: Marker = serde_json::from_str(&text).map_err(|_| damaged("it cannot be read"))?;
        if marker.clone().sealed() != marker || marker.text() != text {
            return Err(damaged("its sum does not fit"));
        }
        Ok(Some(marker))
    }

    /// Makes the marker of an empty place.
    pub(super) fn make(place: &Place, instance: &str, passphrase: &str, now: Time) -> Result<(Marker, Option<Keys>)> {
        let (mut key, mut keys) = (None, None);
        if !passphrase.is_empty() {
            let salt = secret::random::<16>();
            let made = Keys::derive(passphrase, &salt, MEMORY_KIB, PASSES)?;
            key = Some(KeyMaking { salt: hex(&salt), memory_kib: MEMORY_KIB, passes: PASSES, check: made.check() });
            keys = Some(made);
        }
        let marker =
            Marker { format: FORMAT, instance: instance.to_owned(), made: now, key, sum: String::new() }.sealed();
        if !place.put_new(NAME, marker.text().as_bytes())? {
            return Err(Trouble::Failed("somebody else has just begun to use the place for backups".into()));
        }
        Ok((marker, keys))
    }

    /// The keys of the place, if the passphrase fits.
    pub(super) fn keys(&self, passphrase: &str) -> Result<Option<Keys>> {
        let Some(key) = &self.key else {
            if passphrase.is_empty() {
                return Ok(None);
            }
            return Err(Trouble::refused(
                "the place holds backups that are not encrypted, and backup.passphrase is set: choose another place, or \
                 clear backup.passphrase",
            ));
        };
        if passphrase.is_empty() {
            return Err(Trouble::refused("the place is encrypted: set backup.passphrase"));
        }
        let salt = (0..key.salt.len()).step_by(2).map(|i| u8::from_str_radix(key.salt.get(i..i + 2)?, 16).ok());
        let salt =
            salt.collect::<Option<Vec<u8>>>().ok_or_else(|| Trouble::damaged(NAME, "its salt cannot be read"))?;
        if key.memory_kib > MEMORY_MOST || key.passes > PASSES_MOST {
            return Err(Trouble::damaged(NAME, "it asks for more than making keys may cost"));
        }
        let keys = Keys::derive(passphrase, &salt, key.memory_kib, key.passes)?;
        if keys.check() != key.check {
            return Err(Trouble::refused("backup.passphrase is not the one with which this place was made"));
        }
        Ok(Some(keys))
    }
}
