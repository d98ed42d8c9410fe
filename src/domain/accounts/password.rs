//! Argon2id, off the runtime's threads and never more than two at once: each takes 19 MiB and some 20 ms.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

use crate::base::error::{Error, Result};

static PLACES: Semaphore = Semaphore::const_new(2);

/// Stands in for the hash of an account that does not exist, so that its answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password").unwrap_or_default());

fn hash_now(password: &str) -> Result<String> {
    Ok(Argon2::default().hash_password(password.as_bytes()).map_err(Error::internal)?.to_string())
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _place = PLACES.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

/// The PHC string of a password, with its own salt.
pub async fn hash(password: String) -> Result<String> {
    off_thread(move || hash_now(&password)).await?
}

/// Is it the password? `None` (no such account, or one without a password) takes as long and is never right.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool> {
    off_thread(move || {
        let known = hash.is_some();
        let text = hash.unwrap_or_else(|| NOBODY.clone());
        let Ok(parsed) = PasswordHash::new(&text) else { return false };
        Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known
    })
    .await
}

/// Can passwords be verified against this hash from elsewhere? argon2id, at a price that a sign-in can pay: 256 MiB, 16
/// passes and 8 lanes at the most.
pub(super) fn is_usable(hash: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash) else { return false };
    let affordable = |p: Params| p.m_cost() <= 256 << 10 && p.t_cost() <= 16 && p.p_cost() <= 8;
    hash.len() <= 300
        && hash.starts_with("$argon2id$")
        && parsed.hash.is_some()
        && Params::try_from(&parsed).is_ok_and(affordable)
}
