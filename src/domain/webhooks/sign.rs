//! The secret of a receiver and the signature of what it is told: of webhooks, and of the receivers of alerts.
//!
//! Law: a secret stands nowhere. It is derived from the instance's key, what the receiver is (`webhook`, `alert`), its id
//! and its generation; another generation is another secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::clock::{DAY, SECOND, Time};
use crate::base::page::hex;

/// So long after a rotation the secret before it still signs as well.
const OVERLAP: i64 = DAY;

/// The secret of a generation (1, 2, 3 …), as it is shown and as it signs.
pub(in crate::domain) fn secret(key: &[u8; 32], what: &str, id: i64, generation: i64) -> String {
    format!("whsec_{}", URL_SAFE_NO_PAD.encode(mac(key, &format!("{what}\n{id}\n{generation}"))))
}

/// The header: `t=<seconds>,v1=<hex>`, the value over `<seconds>.<body>`; for a day after a rotation a second `v1` by the
/// secret before.
pub(in crate::domain) fn header(
    key: &[u8; 32],
    what: &str,
    id: i64,
    generation: i64,
    rotated: Option<Time>,
    now: Time,
    body: &[u8],
) -> String {
    let seconds = now.0 / SECOND;
    let by = |generation| {
        let mut mac = new(secret(key, what, id, generation).as_bytes());
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body);
        hex(&mac.finalize().into_bytes())
    };
    let mut header = format!("t={seconds},v1={}", by(generation));
    if generation > 1 && rotated.is_some_and(|at| now.0 - at.0 < OVERLAP) {
        header.push_str(&format!(",v1={}", by(generation - 1)));
    }
    header
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = new(key);
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn new(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_rotation_both_secrets_sign_for_a_day() {
        let (key, at) = ([7; 32], Time(1_000_000_000));
        let signed = |generation, rotated, now| header(&key, "webhook", 3, generation, rotated, Time(now), b"{}");
        let before = signed(1, None, at.0);
        let v1 = before.split_once(",v1=").unwrap().1.to_owned();
        assert_eq!(v1.len(), 64);
        let after = signed(2, Some(at), at.0);
        assert_eq!(after.matches("v1=").count(), 2);
        assert!(after.ends_with(&format!(",v1={v1}")));
        assert_eq!(signed(2, Some(at), at.0 + DAY).matches("v1=").count(), 1);
        let one = secret(&key, "webhook", 3, 1);
        assert_ne!(one, secret(&key, "webhook", 3, 2));
        assert_ne!(one, secret(&key, "webhook", 4, 1));
        assert_ne!(one, secret(&key, "alert", 3, 1));
        assert_ne!(one, secret(&[8; 32], "webhook", 3, 1));
    }
}
