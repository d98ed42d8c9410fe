//! How a request reached us: whose it is, by which scheme, for which host. Everything that asks for one of these asks
//! here: the limits, the log, the dashboard's networks, cookies, links, and whether a page is one of our own.
//!
//! Law: what a request says of itself counts only if the other end of its connection is one of `server.trusted_proxies`.
//! Of the hops in `X-Forwarded-For`, each has added the one before it at the right; so they are read from the right, as
//! long as the one who said so is trusted. What stands further left anybody may have written.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::HOST;
use axum::http::{Extensions, HeaderMap};

use super::http::Peer;
use crate::base::network;
use crate::config::Server;

/// Hops that are looked at.
const HOPS: usize = 16;
/// Bytes of a host: a name of 253 (RFC 1035) and a port.
const HOST_MAX: usize = 259;

/// The connection carries TLS.
#[derive(Clone, Copy, Debug)]
pub struct Encrypted;

/// How a request reached us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Whose it is; `None` if a trusted proxy names nobody who can be read.
    pub client: Option<IpAddr>,
    /// Did the client speak TLS, to us or to a trusted proxy?
    pub secure: bool,
    /// Host, and port if there is one, that the client asked for; `None` if it is none.
    pub host: Option<String>,
}

impl Reached {
    /// Of a request's headers and of what its connection has put beside them.
    pub fn of(server: &Server, headers: &HeaderMap, beside: &Extensions) -> Reached {
        let peer = beside.get::<Peer>().map(|peer| peer.0.ip());
        let trusted = is_trusted(&server.trusted_proxies, peer);
        let forwarded = |name: &str| if trusted { last(headers, name) } else { None };
        let own = || headers.get(HOST)?.to_str().ok();
        let host = forwarded("x-forwarded-host").filter(|host| is_host(host)).or_else(own).filter(|host| is_host(host));
        // A proxy that nobody has told us to trust may carry TLS all the same, if the address that people type says so.
        let public = server.public_url.trim_end_matches('/').strip_prefix("https://");
        let secure = beside.get::<Encrypted>().is_some()
            || forwarded("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
            || (public.is_some() && public.map(bare) == host.map(bare));
        Reached { client: client(&server.trusted_proxies, headers, peer), secure, host: host.map(str::to_owned) }
    }

    /// The address of the pages for links: as the settings say, else as this request came; without a slash at its end.
    pub fn base_url(&self, server: &Server) -> String {
        match server.public_url.trim_end_matches('/') {
            "" => {
                let scheme = if self.secure { "https" } else { "http" };
                format!("{scheme}://{}", self.host.as_deref().unwrap_or("localhost"))
            }
            public => public.to_owned(),
        }
    }

    /// Is this `Origin` one of our own pages, as the client sees them?
    pub fn is_origin(&self, origin: &str) -> bool {
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_some() && host == self.host.as_deref()
    }
}

/// Whose request it is, if these networks are trusted.
pub fn client(trusted: &[String], headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
    if !is_trusted(trusted, peer) {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for").iter().rev().filter_map(|line| line.to_str().ok());
    let hops = lines.flat_map(|line| line.rsplit(',')).map(str::trim).filter(|hop| !hop.is_empty()).take(HOPS);
    let mut named = None;
    for hop in hops {
        // What cannot be read ends the chain: whoever named it is the last who is known.
        let Some(address) = address(hop) else { return named };
        named = Some(address);
        if !is_trusted(trusted, named) {
            break;
        }
    }
    // A trusted machine that asks for itself names nobody.
    named.or(if headers.contains_key("x-forwarded-for") { None } else { peer })
}

fn is_trusted(trusted: &[String], address: Option<IpAddr>) -> bool {
    !trusted.is_empty() && network::is_within(trusted, address)
}

/// The last entry of a list: the one that the nearest proxy has written.
fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next().map(str::trim).filter(|entry| !entry.is_empty())
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// A host as it may stand in a link: nothing that would end it or begin something else.
fn is_host(host: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    !host.is_empty() && host.len() <= HOST_MAX && host.chars().all(fits)
}

/// Without the port that goes without saying.
fn bare(host: &str) -> &str {
    host.trim_end_matches(":443")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn server(trusted: &[&str], public_url: &str) -> Server {
        let trusted_proxies = trusted.iter().map(|n| n.to_string()).collect();
        Server { trusted_proxies, public_url: public_url.into(), ..Server::default() }
    }

    fn reached(server: &Server, peer: &str, tls: bool, headers: &[(&str, &str)]) -> Reached {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        let mut beside = Extensions::new();
        beside.insert(Peer(SocketAddr::new(peer.parse().unwrap(), 5)));
        if tls {
            beside.insert(Encrypted);
        }
        Reached::of(server, &map, &beside)
    }

    fn named(trusted: &[&str], peer: &str, lines: &[&str]) -> Option<String> {
        let headers: Vec<(&str, &str)> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        reached(&server(trusted, ""), peer, false, &headers).client.map(|address| address.to_string())
    }

    #[test]
    fn hops_are_believed_as_far_as_they_are_trusted() {
        let is = |text: &str| Some(text.to_owned());
        let local = &["127.0.0.0/8", "10.0.0.0/8"][..];
        assert_eq!(named(&[], "127.0.0.1", &["203.0.113.9"]), is("127.0.0.1"), "nobody is trusted");
        assert_eq!(named(local, "198.51.100.7", &["203.0.113.9"]), is("198.51.100.7"), "a stranger says so");
        assert_eq!(named(local, "127.0.0.1", &["203.0.113.9"]), is("203.0.113.9"));
        assert_eq!(named(local, "127.0.0.1", &["1.1.1.1, 203.0.113.9"]), is("203.0.113.9"), "the client made one up");
        assert_eq!(named(local, "127.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"]), is("203.0.113.9"), "two proxies");
        assert_eq!(named(local, "127.0.0.1", &["1.1.1.1", "203.0.113.9, 10.0.0.2"]), is("203.0.113.9"), "two lines");
        assert_eq!(named(local, "127.0.0.1", &["10.0.0.3, 10.0.0.2"]), is("10.0.0.3"), "a client of the house");
        assert_eq!(named(local, "127.0.0.1", &["junk, 10.0.0.2"]), is("10.0.0.2"));
        assert_eq!(named(local, "::ffff:127.0.0.1", &["[2001:db8::7]:4711"]), is("2001:db8::7"));
        assert_eq!(named(local, "127.0.0.1", &["203.0.113.9:4711"]), is("203.0.113.9"));
        assert_eq!(named(local, "127.0.0.1", &["unknown"]), None);
        assert_eq!(named(local, "127.0.0.1", &[]), is("127.0.0.1"), "the proxy's own machine asks");
        let long = "10.0.0.1, ".repeat(5_000) + "10.0.0.1";
        assert_eq!(named(local, "127.0.0.1", &[&format!("8.8.8.8, {long}")]), is("10.0.0.1"), "bounded");
    }

    #[test]
    fn scheme_and_host_are_those_of_the_client() {
        let trusting = server(&["127.0.0.1"], "");
        let host = ("host", "127.0.0.1:8080");
        let through = [host, ("x-forwarded-proto", "https"), ("x-forwarded-host", "review.example.com")];
        let seen = reached(&trusting, "127.0.0.1", false, &through);
        assert_eq!((seen.secure, seen.base_url(&trusting).as_str()), (true, "https://review.example.com"));
        assert!(seen.is_origin("https://review.example.com") && !seen.is_origin("http://127.0.0.1:8080"));
        // The same from somebody else is his own word.
        let seen = reached(&trusting, "192.0.2.7", false, &through);
        assert_eq!((seen.secure, seen.base_url(&trusting).as_str()), (false, "http://127.0.0.1:8080"));
        // Of two, the nearer proxy's word.
        let two = [host, ("x-forwarded-proto", "https, http")];
        assert!(!reached(&trusting, "127.0.0.1", false, &two).secure);
        let own = reached(&trusting, "192.0.2.7", true, &[("host", "nas.local:8443")]);
        assert_eq!((own.secure, own.base_url(&trusting).as_str()), (true, "https://nas.local:8443"));
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        let plain = server(&["127.0.0.1"], "");
        for wrong in ["a b", "a/b", "evil.example/?x=", "\"><script>", "user@host", "", &"a".repeat(300)] {
            let seen = reached(&plain, "192.0.2.7", false, &[("host", wrong)]);
            assert_eq!((seen.host.clone(), seen.base_url(&plain).as_str()), (None, "http://localhost"), "{wrong}");
            assert!(!seen.is_origin("null") && !seen.is_origin(&format!("http://{wrong}")));
            let seen = reached(&plain, "127.0.0.1", false, &[("host", "nas"), ("x-forwarded-host", wrong)]);
            assert_eq!(seen.host.as_deref(), Some("nas"), "{wrong}");
        }
    }

    #[test]
    fn the_address_that_people_type_says_what_an_untrusted_proxy_does() {
        let public = server(&[], "https://review.example.com/");
        let by = |host: &str| reached(&public, "127.0.0.1", false, &[("host", host)]);
        assert!(by("review.example.com").secure && by("review.example.com:443").secure);
        // In the studio's own network, by its address: a cookie that goes by TLS alone would never come back.
        assert!(!by("192.168.0.5:8080").secure);
        assert_eq!(by("192.168.0.5:8080").base_url(&public), "https://review.example.com");
    }
}
