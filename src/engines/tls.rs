//! The server's own certificate: read, held against its key, and read again when its files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, anyhow, ensure};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::base::clock::Time;

/// A certificate with its key, as they hold now. Cheap to clone.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    held: ArcSwap<ServerConfig>,
    seen: Mutex<Seen>,
}

/// When the two files were changed last, and their lengths.
type Stamp = [Option<(SystemTime, u64)>; 2];

struct Seen {
    /// At the last look.
    last: Stamp,
    /// When they were last read.
    read: Stamp,
}

impl Tls {
    /// Reads both files. An error names the setting and what is wrong with its file.
    pub fn open(certificate: &Path, key: &Path) -> anyhow::Result<Tls> {
        let now = stamp(certificate, key);
        let held = ArcSwap::from_pointee(read(certificate, key)?);
        let seen = Mutex::new(Seen { last: now, read: now });
        Ok(Tls(Arc::new(Inner { certificate: certificate.to_owned(), key: key.to_owned(), held, seen })))
    }

    /// Takes a connection's handshake.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.0.held.load_full().into()
    }

    /// Reads the files again if they have changed and have then been left alone since the last look: one of two that are
    /// replaced one after the other does not go with the old other. A pair that does not hold leaves the old one, and is
    /// told once. Answers whether there is a new one.
    pub fn look(&self) -> bool {
        let now = stamp(&self.0.certificate, &self.0.key);
        let mut seen = self.0.seen.lock();
        let at_rest = std::mem::replace(&mut seen.last, now) == now;
        if !at_rest || seen.read == now {
            return false;
        }
        seen.read = now;
        drop(seen);
        self.reload()
    }

    /// Reads the files again at once.
    pub fn reload(&self) -> bool {
        match read(&self.0.certificate, &self.0.key) {
            Ok(config) => {
                self.0.held.store(Arc::new(config));
                tracing::info!("the certificate was read again");
                true
            }
            Err(e) => {
                tracing::error!(error = format!("{e:#}"), "the new certificate does not hold: the old one stays");
                false
            }
        }
    }
}

/// Both files as TLS wants them.
pub fn read(certificate: &Path, key: &Path) -> anyhow::Result<ServerConfig> {
    let of_certificate = || format!("tls.certificate, {}", certificate.display());
    let of_key = || format!("tls.key, {}", key.display());
    let chain = chain(certificate)?;
    let bytes = std::fs::read(key).with_context(of_key)?;
    let secret = PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|_| anyhow!("no private key in it that can be read (PEM, without a password)"))
        .with_context(of_key)?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, secret);
    let mut config = config.map_err(|e| match e {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            anyhow!("{}: it is not the key of tls.certificate ({})", of_key(), certificate.display())
        }
        rustls::Error::InvalidCertificate(e) => anyhow!("{}: {e:?}", of_certificate()),
        e => anyhow!("{}: {e}", of_key()),
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn chain(certificate: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let of_certificate = || format!("tls.certificate, {}", certificate.display());
    let bytes = std::fs::read(certificate).with_context(of_certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|e| anyhow!("{e}")).with_context(of_certificate)?;
    ensure!(!chain.is_empty(), "{}: no certificate in it (PEM, BEGIN CERTIFICATE)", of_certificate());
    Ok(chain)
}

/// When the certificate ends.
pub fn ends(certificate: &Path) -> anyhow::Result<Time> {
    let chain = chain(certificate)?;
    not_after(&chain[0]).with_context(|| format!("tls.certificate, {}: its end cannot be read", certificate.display()))
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    [certificate, key].map(|path| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    })
}

/// `notAfter` of a certificate (RFC 5280, 4.1): in its first part, after perhaps a version, a serial number, an algorithm
/// and the issuer.
fn not_after(der: &[u8]) -> Option<Time> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xA0;
    let (SEQUENCE, certificate, _) = element(der)? else { return None };
    let (SEQUENCE, mut rest, _) = element(certificate)? else { return None };
    if *rest.first()? == VERSION {
        rest = element(rest)?.2;
    }
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (SEQUENCE, validity, _) = element(rest)? else { return None };
    let (tag, time, _) = element(element(validity)?.2)?;
    let text = std::str::from_utf8(time).ok()?;
    // UTCTime has two digits of a year: below 50 they are of this century (4.1.2.5.1).
    let text = match tag {
        0x17 if text.get(..2)? < "50" => format!("20{text}"),
        0x17 => format!("19{text}"),
        0x18 => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i8>().ok();
    let year = text.get(..4)?.parse().ok()?;
    let at = jiff::civil::DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?, 0);
    Some(Time(at.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond()))
}

/// The first element of DER bytes: its tag, what is in it, and what comes after it (X.690, 8.1).
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let bytes = rest.get(..usize::from(first & 0x7F)).filter(|bytes| bytes.len() <= 4)?;
        rest = &rest[bytes.len()..];
        length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    }
    Some((tag, rest.get(..length)?, &rest[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(tag: u8, inside: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag, 0x82, (inside.len() >> 8) as u8, inside.len() as u8];
        bytes.extend(inside);
        bytes
    }

    fn certificate(version: bool, tag: u8, end: &str) -> Vec<u8> {
        let mut first = if version { wrapped(0xA0, &[2, 1, 2]) } else { Vec::new() };
        first.extend(wrapped(2, &[7]));
        first.extend(wrapped(0x30, b"algorithm"));
        first.extend(wrapped(0x30, b"issuer"));
        let times = [wrapped(0x17, b"200101000000Z"), wrapped(tag, end.as_bytes())].concat();
        first.extend(wrapped(0x30, &times));
        wrapped(0x30, &wrapped(0x30, &first))
    }

    #[test]
    fn the_end_of_a_certificate_is_read_and_broken_ones_are_survived() {
        let at = |der: &[u8]| not_after(der).map(|t| jiff::Timestamp::from_millisecond(t.0).unwrap().to_string());
        assert_eq!(at(&certificate(true, 0x17, "270228235959Z")).as_deref(), Some("2027-02-28T23:59:59Z"));
        assert_eq!(at(&certificate(false, 0x18, "20510101000000Z")).as_deref(), Some("2051-01-01T00:00:00Z"));
        assert_eq!(at(&certificate(true, 0x17, "991231000000Z")).as_deref(), Some("1999-12-31T00:00:00Z"));
        let whole = certificate(true, 0x17, "270228235959Z");
        for cut in 0..whole.len() {
            assert_eq!(at(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(at(&certificate(true, 0x17, "27022823595")), None);
        assert_eq!(at(&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]), None);
    }
}
