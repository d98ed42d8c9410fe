//! Calls to others over HTTP: the one place that makes them.
//!
//! Laws: a call has an end (time and bytes), follows no redirect and uses no proxy. A guarded call reaches public addresses
//! alone, by what its name means at the moment of the connection, so that nobody who may name a URL reaches what only this
//! machine reaches (SSRF). No call reaches link-local addresses, where clouds hand a machine its own secrets. An error
//! names no URL: it may carry a secret.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use thiserror::Error;

/// Who calls.
const AGENT: &str = concat!("VideoPlanet/", env!("CARGO_PKG_VERSION"));

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Where; `http` or `https`.
    pub url: String,
    /// Headers besides those that every call has.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
    /// From the look-up of the name to the last byte of the answer.
    pub timeout: Duration,
    /// Bytes of the answer that are read.
    pub answer_max: usize,
    /// May it reach this machine and private networks? Link-local addresses it may not reach at all.
    pub private: bool,
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 100–599.
    pub status: u16,
    /// Seconds of a `Retry-After` that is a number.
    pub retry_after_s: Option<u64>,
    /// The body's first bytes.
    pub body: Bytes,
    /// Was there more than was read?
    pub cut: bool,
}

/// Why nothing came back.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Failure {
    /// It is no URL of a scheme that we speak.
    #[error("not an http or https URL")]
    Url,
    /// It leads into a private network, and that is not allowed.
    #[error("the address is private")]
    Private,
    /// The name means nothing.
    #[error("the name could not be resolved")]
    Resolve,
    /// Nobody listens there, or the line broke.
    #[error("the connection failed")]
    Connect,
    /// It took too long.
    #[error("timed out")]
    TimedOut,
    /// This machine cannot make such calls: mostly, it has no CA certificates.
    #[error("no client: are the CA certificates installed?")]
    Setup,
}

/// Chooses the one provider of cryptography. Every process that makes or takes TLS calls it first; again is the same as once.
pub fn prepare() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Sends a body by POST.
pub async fn post(call: Call) -> Result<Answer, Failure> {
    let url = check(&call.url, call.private)?;
    let client = client(call.private)?;
    let mut request = client.post(url).body(call.body);
    for (name, value) in call.headers {
        request = request.header(name, value);
    }
    let max = call.answer_max;
    let exchange = async move {
        let mut response = request.send().await.map_err(|e| failure(&e))?;
        let status = response.status().as_u16();
        let retry_after_s = response.headers().get("retry-after").and_then(|v| v.to_str().ok()?.trim().parse().ok());
        let (mut body, mut cut) = (BytesMut::new(), false);
        while let Some(chunk) = response.chunk().await.map_err(|e| failure(&e))? {
            let room = max - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                cut = true;
                break;
            }
        }
        Ok(Answer { status, retry_after_s, body: body.freeze(), cut })
    };
    tokio::time::timeout(call.timeout, exchange).await.unwrap_or(Err(Failure::TimedOut))
}

/// A client for the thread of the trace exporter, which calls by itself: by the same laws, but that it does not read more
/// than its library asks for. It must not be made inside a runtime.
#[cfg(feature = "otel")]
pub fn blocking_client(timeout: Duration) -> Result<reqwest::blocking::Client, Failure> {
    prepare();
    reqwest::blocking::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .timeout(timeout)
        .user_agent(AGENT)
        .build()
        .map_err(|_| Failure::Setup)
}

/// Is it a URL that a call may have? What its name means is looked at again when the call is made.
pub fn check(url: &str, private: bool) -> Result<Url, Failure> {
    let url = Url::parse(url).map_err(|_| Failure::Url)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(Failure::Url);
    }
    // A literal address never asks the resolver.
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(ip) if !may_reach(ip, private) => Err(Failure::Private),
        Err(_)
            if !private
                && (host.trim_end_matches('.') == "localhost"
                    || host.trim_end_matches('.').ends_with(".localhost")) =>
        {
            Err(Failure::Private)
        }
        _ => Ok(url),
    }
}

pub(super) fn client(private: bool) -> Result<&'static Client, Failure> {
    static OPEN: OnceLock<Option<Client>> = OnceLock::new();
    static GUARDED: OnceLock<Option<Client>> = OnceLock::new();
    let made = if private { &OPEN } else { &GUARDED };
    let made = made.get_or_init(|| {
        prepare();
        let builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(AGENT)
            .pool_idle_timeout(Duration::from_secs(20))
            .dns_resolver(Arc::new(Guard { private }));
        builder.build().inspect_err(|e| tracing::warn!(error = %e, "no outbound calls can be made")).ok()
    });
    made.as_ref().ok_or(Failure::Setup)
}

/// Answers only addresses that may be reached: the connection is made to what is judged here, so a name that changes its
/// meaning in between gains nothing.
struct Guard {
    private: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| Failure::Resolve)?;
            let open: Vec<SocketAddr> = found.filter(|a| may_reach(a.ip(), private)).collect();
            if open.is_empty() {
                return Err(Failure::Private.into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

pub(super) fn failure(error: &reqwest::Error) -> Failure {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(e) = source {
        if let Some(own) = e.downcast_ref::<Failure>() {
            return *own;
        }
        source = e.source();
    }
    if error.is_timeout() { Failure::TimedOut } else { Failure::Connect }
}

/// May a call reach an address? `private` opens this machine and its networks, but for what is link-local.
fn may_reach(ip: IpAddr, private: bool) -> bool {
    if private { !is_link_local(ip) } else { is_public(ip) }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => {
            let v4 = embedded(ip).is_some_and(|v4| v4.is_link_local());
            // AWS serves its metadata under the last one as well.
            v4 || ip.is_unicast_link_local() || ip.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        }
    }
}

/// Does an address lead out of this machine and its networks? By the registries of special-purpose addresses (RFC 6890
/// and what IANA has added since).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded(ip) {
            Some(v4) => is_public_v4(v4),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64, 6to4.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let low = Ipv4Addr::new((s[6] >> 8) as u8, s[6] as u8, (s[7] >> 8) as u8, s[7] as u8);
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(low),
        [0x2002, a, b, ..] => Some(Ipv4Addr::new((a >> 8) as u8, a as u8, (b >> 8) as u8, b as u8)),
        _ => None,
    }
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    // Global unicast is 2000::/3; within it documentation, benchmarking, Teredo and the like are not.
    let special = s[0] == 0x2001 && (s[1] < 0x200 || s[1] == 0xdb8) || s[0] == 0x3fff && s[1] < 0x1000;
    (0x2000..0x4000).contains(&s[0]) && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_and_its_networks_are_not_public() {
        for private in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn a_url_that_leads_home_is_refused_however_it_is_written() {
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]:80/",
            "http://[::ffff:7f00:1]/",
            "https://localhost/x",
            "http://LOCALHOST/x",
            "http://a.localhost./",
        ] {
            assert!(matches!(check(url, false), Err(Failure::Private)), "{url}");
            assert!(check(url, true).is_ok(), "{url}");
        }
        for url in [
            "http://169.254.169.254/latest/meta-data/",
            "http://0xa9fea9fe/",
            "http://[fe80::1]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[fd00:ec2::254]/",
        ] {
            assert!(matches!(check(url, true), Err(Failure::Private)), "{url} is link-local");
        }
        for url in ["ftp://example.com/", "file:///etc/passwd", "example.com", "http://", "javascript:alert(1)"] {
            assert!(matches!(check(url, true), Err(Failure::Url)), "{url}");
        }
        assert!(check("https://hooks.example.com/a?b=c", false).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_means_this_machine_is_refused_when_it_is_called() {
        // As the resolver has it, whatever the name looks like.
        let resolved = Guard { private: false }.resolve("localhost".parse().unwrap()).await;
        let refused = resolved.err().expect("no address is left");
        assert_eq!(refused.downcast_ref(), Some(&Failure::Private));
        assert!(Guard { private: true }.resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
