//! What a supervisor that speaks systemd's protocols hands over and wants to hear: listening sockets (sd_listen_fds(3)),
//! how the program is (sd_notify(3)) and that it still is (the watchdog). Without one, all of it is nothing.

use std::net::TcpListener;
use std::os::fd::{FromRawFd, RawFd};
use std::time::Duration;

use anyhow::{Context, bail};
use sd_notify::NotifyState;

/// The listening sockets that were handed over; none if nobody has. To be called once, before anything else is opened.
pub fn sockets() -> anyhow::Result<Vec<TcpListener>> {
    let handed =
        sd_notify::listen_fds().context("LISTEN_PID and LISTEN_FDS do not name the sockets of a supervisor")?;
    handed.map(socket).collect()
}

/// Has a supervisor handed sockets over to this process?
pub fn is_activated() -> bool {
    let number = |name| std::env::var(name).ok().and_then(|n| n.parse::<u32>().ok());
    number("LISTEN_PID") == Some(std::process::id()) && number("LISTEN_FDS").is_some_and(|n| n > 0)
}

/// The one door from a number to a socket.
#[allow(unsafe_code)]
fn socket(fd: RawFd) -> anyhow::Result<TcpListener> {
    // SAFETY: the supervisor has opened this descriptor for us alone (LISTEN_PID is our id), `sd_notify` has found it
    // open, and nothing else of the program takes it.
    let socket = unsafe { TcpListener::from_raw_fd(fd) };
    if socket.local_addr().is_err() {
        bail!("socket {fd} of the supervisor is no TCP socket: ListenStream= takes a port or an address with a port");
    }
    socket.set_nonblocking(true).with_context(|| format!("cannot use socket {fd} of the supervisor"))?;
    Ok(socket)
}

/// Tells that work may come, and one sentence for `systemctl status`.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Tells one sentence for `systemctl status`.
pub fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// Tells that the program ends.
pub fn stopping(status: &str) {
    tell(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

/// Tells that the program lives.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// Asks for more time, counted from now, to begin or to end.
pub fn wait_longer(time: Duration) {
    tell(&[NotifyState::ExtendTimeoutUsec(u32::try_from(time.as_micros()).unwrap_or(u32::MAX))]);
}

/// How often [`alive`] is to be told: twice in the time after which the supervisor kills the program.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|time| time / 2).filter(|time| !time.is_zero())
}

fn tell(what: &[NotifyState]) {
    if let Err(e) = sd_notify::notify(what) {
        tracing::debug!(error = %e, "the supervisor does not hear");
    }
}
