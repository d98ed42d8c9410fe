//! Random secrets and their hashes. A token is shown once; the store keeps its SHA-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// `N` random bytes from the system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's random source");
    bytes
}

/// A new token of 256 random bits with a readable prefix: `vp_s_…` (session), `vp_t_…` (API token), `vp_i_…` (invitation).
pub fn token(prefix: &str) -> String {
    format!("vp_{prefix}_{}", URL_SAFE_NO_PAD.encode(random::<32>()))
}

/// A secret that the holder of `key` can make again from what is not secret: HMAC-SHA-256 over the purpose and the seed.
pub fn derived(key: &[u8], purpose: &str, seed: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(seed);
    mac.finalize().into_bytes().into()
}

/// A token like [`token`] that can be made again from its seed.
pub fn derived_token(prefix: &str, key: &[u8], purpose: &str, seed: &[u8]) -> String {
    format!("vp_{prefix}_{}", URL_SAFE_NO_PAD.encode(derived(key, purpose, seed)))
}

/// A code that a person can type: `n` groups of four from an alphabet without look-alikes, 20 bits a group.
pub fn code(groups: usize) -> String {
    (0..groups).map(|_| group(&random::<4>())).collect::<Vec<_>>().join("-")
}

/// A code like [`code`] of three groups that can be made again from its seed.
pub fn derived_code(key: &[u8], purpose: &str, seed: &[u8]) -> String {
    derived(key, purpose, seed)[..12].chunks(4).map(group).collect::<Vec<_>>().join("-")
}

fn group(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    bytes.iter().map(|b| ALPHABET[(b & 31) as usize] as char).collect()
}

/// A typed code as it is hashed: upper case, without spaces and dashes.
pub fn typed(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_uppercase()).take(64).collect()
}

/// What the store keeps of a token or code.
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_typed_loosely() {
        let code = code(3);
        assert_eq!(code.len(), 14);
        assert_eq!(typed(&code), typed(&format!(" {} ", code.to_lowercase().replace('-', " "))));
        assert_ne!(token("s"), token("s"));
        assert_eq!(derived_code(b"key", "reset", b"1"), derived_code(b"key", "reset", b"1"));
        assert_ne!(derived_code(b"key", "reset", b"1"), derived_code(b"key", "reset", b"2"));
        assert_ne!(derived(b"key", "a", b"b"), derived(b"key", "ab", b""));
    }
}
