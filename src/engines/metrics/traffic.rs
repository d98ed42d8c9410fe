//! Bytes of films in and out, and sign-ins, since the start.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Exposition, Kind};
use crate::closed_set;

closed_set! {
    /// How a sign-in by password ended.
    SignIn {
        /// He is in.
        Done = "done",
        /// No such person, or another password.
        Wrong = "wrong",
        /// The account is shut for a while.
        Shut = "shut",
        /// Our own fault.
        Broken = "broken",
    }
}

/// The counters.
#[derive(Default)]
pub struct Traffic {
    received: AtomicU64,
    served: AtomicU64,
    sign_ins: [AtomicU64; SignIn::ALL.len()],
}

impl Traffic {
    /// So many bytes of an upload are on the disk.
    pub fn received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes of a film were handed to a connection.
    pub fn served(&self, bytes: u64) {
        self.served.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Somebody tried to sign in.
    pub fn signed_in(&self, how: SignIn) {
        self.sign_ins[how as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Writes the families for Prometheus.
    pub fn expose(&self, out: &mut Exposition) {
        let n = |c: &AtomicU64| c.load(Ordering::Relaxed) as f64;
        let help = "Bytes of uploads that are on the disk.";
        out.one("videoplanet_upload_bytes_total", Kind::Counter, help, n(&self.received));
        let help = "Bytes of films and their renditions that were handed to connections.";
        out.one("videoplanet_media_served_bytes_total", Kind::Counter, help, n(&self.served));
        out.family("videoplanet_sign_ins_total", Kind::Counter, "Sign-ins by password, by how they ended.");
        for how in SignIn::ALL {
            out.sample(&[("outcome", how.as_str())], n(&self.sign_ins[*how as usize]));
        }
    }
}
