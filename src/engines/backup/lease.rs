//! One at a time: whoever writes into a place or sweeps it holds its lock, for some minutes, again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::place::Place;
use super::{Result, Trouble};
use crate::base::clock::{Clock, MINUTE, Time};
use crate::base::page::hex;
use crate::base::secret;

const NAME: &str = "lock";
const LEASE: i64 = 5 * MINUTE;
const RENEW: Duration = Duration::from_secs(60);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Held {
    token: String,
    host: String,
    pid: u32,
    until: Time,
}

/// The lock of a place, until it is dropped.
pub struct Lease {
    place: Place,
    token: String,
    lost: Arc<AtomicBool>,
    end: Option<Sender<()>>,
    beat: Option<std::thread::JoinHandle<()>>,
}

impl Lease {
    /// Takes it. Within a process only one may ask for a place at a time. [`Trouble::Busy`] while another holds it.
    pub fn take(place: &Place, clock: &Clock) -> Result<Lease> {
        let token = hex(&secret::random::<8>());
        for _ in 0..2 {
            if place.put_new(NAME, &ours(&token, clock.now()))? {
                break;
            }
            let Some(held) = read(place)? else { continue };
            if held.until > clock.now() && !held.is_dead() {
                return Err(Trouble::Busy(format!(
                    "another videoplanet ({}, process {}) is at work on the place, until {} at the most",
                    held.host, held.pid, held.until
                )));
            }
            place.delete(NAME)?;
        }
        if read(place)?.is_none_or(|held| held.token != token) {
            return Err(Trouble::Busy("another videoplanet has just begun to work on the place".into()));
        }
        let (end, ended) = channel::<()>();
        let lost = Arc::new(AtomicBool::new(false));
        let (of, clock, mine, told) = (place.clone(), clock.clone(), token.clone(), lost.clone());
        let beat = std::thread::spawn(move || {
            while let Err(std::sync::mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(RENEW) {
                match read(&of) {
                    Ok(held) if held.as_ref().is_none_or(|held| held.token != mine) => {
                        told.store(true, Ordering::Relaxed);
                        return;
                    }
                    _ => {
                        if let Err(error) = of.put(NAME, &ours(&mine, clock.now())) {
                            tracing::warn!(%error, "the lock of the backups' place was not renewed");
                        }
                    }
                }
            }
        });
        Ok(Lease { place: place.clone(), token, lost, end: Some(end), beat: Some(beat) })
    }

    /// An error if somebody else has taken the place meanwhile: this process slept for longer than the lock holds.
    pub fn holds(&self) -> Result<()> {
        if self.lost.load(Ordering::Relaxed) || read(&self.place)?.is_none_or(|held| held.token != self.token) {
            return Err(Trouble::Failed("another videoplanet has taken the place meanwhile".into()));
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(beat) = self.beat.take() {
            let _ = beat.join();
        }
        let gone = read(&self.place).ok().flatten().is_some_and(|held| held.token == self.token);
        if gone && let Err(error) = self.place.delete(NAME) {
            tracing::warn!(%error, "the lock of the backups' place stays for some minutes");
        }
    }
}

impl Held {
    /// Was it left by a process of this machine that is not there any more?
    fn is_dead(&self) -> bool {
        let own = std::process::id();
        self.host == host() && (self.pid == own || !std::path::Path::new(&format!("/proc/{}", self.pid)).exists())
    }
}

fn ours(token: &str, now: Time) -> Vec<u8> {
    let held = Held { token: token.to_owned(), host: host(), pid: std::process::id(), until: now.plus(LEASE) };
    serde_json::to_vec(&held).expect("a lock is JSON")
}

/// What cannot be read is as if nobody held it.
fn read(place: &Place) -> Result<Option<Held>> {
    let held = place.get(NAME)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(held)
}

/// This machine since its start: a process number says nothing about that of another.
fn host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    format!("{name} {}", boot.get(..8).unwrap_or(""))
}
