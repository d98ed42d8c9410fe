//! What the server sees of a request that the doctor sends through the proxy.
//!
//! `GET /health/seen` answers it to whoever proves that he has the instance's key: for everybody else there is no such path,
//! since it tells who stands between.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::base::clock::{MINUTE, Time};
use crate::base::page::hex;

/// The header that carries the proof.
pub const TICKET: &str = "x-videoplanet-doctor";
/// Where it is asked.
pub const PATH: &str = "/health/seen";

/// The proof for this moment.
pub fn ticket(key: &[u8], now: Time) -> String {
    format!("{}.{}", now.0, hex(&mac(key, now.0).finalize().into_bytes()))
}

/// Is it a proof of the last minutes? Two machines' clocks may differ by some.
pub fn holds(key: &[u8], now: Time, ticket: &str) -> bool {
    let Some((at, proof)) = ticket.split_once('.') else { return false };
    let Ok(at) = at.parse::<i64>() else { return false };
    let bytes: Option<Vec<u8>> =
        (0..proof.len()).step_by(2).map(|i| u8::from_str_radix(proof.get(i..i + 2)?, 16).ok()).collect();
    let near = at.checked_sub(now.0).is_some_and(|apart| apart.abs() <= 2 * MINUTE);
    near && bytes.is_some_and(|bytes| mac(key, at).verify_slice(&bytes).is_ok())
}

fn mac(key: &[u8], at: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(format!("doctor {at}").as_bytes());
    mac
}

/// A request as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// `Host`.
    pub host: Option<String>,
    /// The other end of the connection.
    pub peer: Option<String>,
    /// Who is taken for the client.
    pub client: Option<String>,
    /// `Upgrade`.
    pub upgrade: Option<String>,
    /// `X-Forwarded-For`.
    pub forwarded_for: Option<String>,
    /// `X-Forwarded-Proto`.
    pub forwarded_proto: Option<String>,
    /// The connection carried TLS.
    #[serde(default)]
    pub tls: bool,
}

impl Seen {
    /// Of a request's headers.
    pub fn of(headers: &HeaderMap, peer: Option<String>, client: Option<String>, tls: bool) -> Seen {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        Seen {
            host: text("host"),
            peer,
            client,
            upgrade: text("upgrade"),
            forwarded_for: text("x-forwarded-for"),
            forwarded_proto: text("x-forwarded-proto"),
            tls,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_holds_for_its_instance_and_its_time() {
        let (key, now) = ([7u8; 32], Time(1_795_000_000_000));
        let made = ticket(&key, now);
        assert!(holds(&key, now.plus(MINUTE), &made));
        assert!(!holds(&key, now.plus(3 * MINUTE), &made) && !holds(&[8u8; 32], now, &made));
        for wrong in ["", ".", "x.y", "1795000000000.", &made[..made.len() - 2], &format!("{}.00", i64::MIN)] {
            assert!(!holds(&key, now, wrong), "{wrong}");
        }
    }
}
