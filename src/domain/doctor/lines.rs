//! The lines to the outside: the port, the proxy in front of it, mail, and whoever is told something.
//!
//! Nothing is asked of a stranger: only addresses that the settings name are called, and this program itself.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;

use super::seen::{self, Seen};
use super::{Ground, Said, fail, ok, skipped, warn};
use crate::base::locale::Text;
use crate::base::network;
use crate::engines::mail::{self, Mailer};
use crate::engines::outbound::{self, Call, Failure};
use crate::engines::outbound_knock::{self as knock, Socket};
use crate::engines::systemd;

/// How long the other side may take.
const TIMEOUT: Duration = Duration::from_secs(8);
/// An address of documentation (RFC 5737): a client that claims to be there is believed by nobody.
const CLAIMED: &str = "203.0.113.77";
/// What our own door says to a socket without a session.
const UNAUTHENTICATED: u16 = 4001;

pub(super) async fn port(g: &Ground) -> Said {
    let bind = &g.config.server.bind;
    if g.app.is_some() && systemd::is_activated() {
        return ok(Text::new("doctor.port.handed"));
    }
    if g.app.is_some() {
        return ok(Text::new("doctor.port.ours").with("bind", bind));
    }
    let Ok(address) = bind.parse::<SocketAddr>() else {
        return fail(Text::new("doctor.port.none").with("bind", bind), Text::new("doctor.settings.do.correct"));
    };
    match std::net::TcpListener::bind(address) {
        Ok(_) if g.served && address.port() != 0 => {
            warn(Text::new("doctor.port.elsewhere").with("bind", bind), Text::new("doctor.port.do.same"))
        }
        Ok(_) => ok(Text::new("doctor.port.free").with("bind", bind)),
        Err(e) if e.kind() == ErrorKind::AddrInUse => {
            let host = match address.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
                ip => ip,
            };
            let own = SocketAddr::new(host, address.port());
            let answered = match g.config.tls.certificate.is_empty() {
                true => asked(g, &format!("http://{own}"), false).await.is_ok(),
                // By a name that the certificate may not have.
                false => knock::ready(&format!("https://{own}/ready"), TIMEOUT).await.is_ok(),
            };
            match answered {
                true => ok(Text::new("doctor.port.ours").with("bind", bind)),
                false => fail(Text::new("doctor.port.taken").with("bind", bind), Text::new("doctor.port.do.other")),
            }
        }
        Err(e) if e.kind() == ErrorKind::PermissionDenied => {
            fail(Text::new("doctor.port.forbidden").with("bind", bind), Text::new("doctor.port.do.allow"))
        }
        Err(e) => {
            let found = Text::new("doctor.port.fails").with("bind", bind).with("why", e);
            fail(found, Text::new("doctor.port.do.address"))
        }
    }
}

pub(super) fn certificates() -> Said {
    match knock::is_able() {
        true => ok(Text::new("doctor.certificates.fine")),
        false => warn(Text::new("doctor.certificates.none"), Text::new("doctor.certificates.do.install")),
    }
}

pub(super) async fn mail(g: &Ground) -> Said {
    let m = &g.config.mail;
    if m.host.is_empty() {
        return skipped(Text::new("doctor.mail.none"));
    }
    let server = format!("{}:{}", m.host, m.port);
    let failed = |why: String| {
        let found = Text::new("doctor.mail.fails").with("server", &server).with("why", why);
        fail(found, Text::new("doctor.mail.do.settings"))
    };
    let mailer = Mailer::new(mail::Settings {
        host: m.host.clone(),
        port: m.port,
        security: m.security.clone(),
        user: m.user.clone(),
        password: m.password.clone(),
        from: m.from.clone(),
        timeout: Duration::from_secs(m.timeout_s.clamp(1, 20)),
    });
    let said = match mailer {
        Ok(mailer) => mailer.knock().await.map_err(|refusal| refusal.to_string()),
        Err(e) => Err(e.to_string()),
    };
    if let Err(why) = said {
        return failed(why);
    }
    let near = m.host == "localhost" || m.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if m.security == "none" && !near {
        return warn(Text::new("doctor.mail.plain").with("server", server), Text::new("doctor.mail.do.secure"));
    }
    let signed = if m.user.is_empty() { "doctor.mail.fine" } else { "doctor.mail.signed_in" };
    ok(Text::new(signed).with("server", server))
}

/// Why the server was not heard through an address.
enum Deaf {
    /// Nothing came back.
    Failure(Failure),
    /// Something else answered.
    Status(u16, Option<String>),
    /// It answered with something else than what it sees.
    Other,
    /// There is no key to ask with: the instance has never been started.
    NoKey,
}

/// Asks the server what it sees of a request to `base`. `upgrade`: of one that asks for a WebSocket.
async fn asked(g: &Ground, base: &str, upgrade: bool) -> Result<Seen, Deaf> {
    let key = g.key.as_ref().ok_or(Deaf::NoKey)?;
    let mut headers = vec![(seen::TICKET, seen::ticket(key, g.now())), ("x-forwarded-for", CLAIMED.to_owned())];
    if upgrade {
        headers.extend([("connection", "Upgrade".to_owned()), ("upgrade", "websocket".to_owned())]);
    }
    let url = format!("{}{}", base.trim_end_matches('/'), seen::PATH);
    let heard = knock::get(&url, &headers, TIMEOUT).await.map_err(Deaf::Failure)?;
    match heard.status {
        200 => serde_json::from_slice(&heard.body).map_err(|_| Deaf::Other),
        status => Err(Deaf::Status(status, heard.location)),
    }
}

/// The public address, unless there is nothing to ask.
fn public(g: &Ground) -> Result<&str, Said> {
    let url = g.config.server.public_url.trim_end_matches('/');
    if url.is_empty() {
        return Err(skipped(Text::new("doctor.public_url.none")));
    }
    if !g.served {
        return Err(skipped(Text::new("doctor.not_running")));
    }
    Ok(url)
}

fn deaf(url: &str, deaf: Deaf) -> Said {
    let (found, remedy) = match deaf {
        Deaf::Failure(failure) => {
            let remedy = match failure {
                Failure::Resolve => "doctor.public_url.do.name",
                _ => "doctor.public_url.do.reach",
            };
            (Text::new("doctor.public_url.silent").with("why", failure), remedy)
        }
        Deaf::Status(status, Some(to)) => {
            (Text::new("doctor.public_url.leads").with("status", status).with("to", to), "doctor.public_url.do.exact")
        }
        Deaf::Status(404, None) | Deaf::Other => (Text::new("doctor.public_url.other"), "doctor.public_url.do.forward"),
        Deaf::Status(status, None) => {
            (Text::new("doctor.public_url.status").with("status", status), "doctor.public_url.do.forward")
        }
        Deaf::NoKey => return skipped(Text::new("doctor.no_data")),
    };
    fail(found.with("url", url), Text { key: remedy, args: Vec::new() })
}

pub(super) async fn public_url(g: &Ground) -> Said {
    let url = match public(g) {
        Ok(url) => url,
        Err(said) => return said,
    };
    let seen = match asked(g, url, false).await {
        Ok(seen) => seen,
        Err(why) => return deaf(url, why),
    };
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let wanted = rest.split('/').next().unwrap_or("");
    let bare = |host: &str| host.trim_end_matches(":80").trim_end_matches(":443").to_ascii_lowercase();
    let host = seen.host.clone().unwrap_or_default();
    if bare(&host) != bare(wanted) {
        let found = Text::new("doctor.public_url.host").with("host", host).with("wanted", wanted);
        return fail(found, Text::new("doctor.public_url.do.host"));
    }
    if scheme == "https" && !seen.tls && seen.forwarded_proto.as_deref() != Some("https") {
        let proto = seen.forwarded_proto.unwrap_or_else(|| "–".to_owned());
        let found = Text::new("doctor.public_url.proto").with("proto", proto);
        return warn(found, Text::new("doctor.public_url.do.proto"));
    }
    ok(Text::new("doctor.public_url.fine").with("url", url))
}

pub(super) async fn proxy(g: &Ground) -> Said {
    let url = match public(g) {
        Ok(url) => url,
        Err(said) => return said,
    };
    let seen = match asked(g, url, false).await {
        Ok(seen) => seen,
        // It is told where the address is looked at.
        Err(_) => return skipped(Text::new("doctor.proxy.deaf")),
    };
    let proxies = &g.config.server.trusted_proxies;
    let peer = seen.peer.as_deref().and_then(|peer| peer.parse().ok());
    let trusted = !proxies.is_empty() && network::is_within(proxies, peer);
    // Nobody has touched what we have claimed: there is no proxy, or one that hands on what clients write.
    let untouched = seen.forwarded_for.as_deref() == Some(CLAIMED);
    let said = |key| {
        Text::new(key)
            .with("for", seen.forwarded_for.clone().unwrap_or_else(|| "–".to_owned()))
            .with("client", seen.client.clone().unwrap_or_else(|| "–".to_owned()))
            .with("peer", seen.peer.clone().unwrap_or_else(|| "–".to_owned()))
    };
    let do_what = |key| Text::new(key).with("peer", seen.peer.clone().unwrap_or_else(|| "–".to_owned()));
    match (trusted, untouched, &seen.forwarded_for) {
        (true, true, _) => fail(said("doctor.proxy.believed"), do_what("doctor.proxy.do.set")),
        (true, false, None) => warn(said("doctor.proxy.dropped"), do_what("doctor.proxy.do.set")),
        (false, false, Some(_)) => warn(said("doctor.proxy.not_trusted"), do_what("doctor.proxy.do.trust")),
        (true, false, Some(_)) => ok(said("doctor.proxy.fine")),
        (false, ..) => ok(said("doctor.proxy.direct")),
    }
}

pub(super) async fn websocket(g: &Ground) -> Said {
    let url = match public(g) {
        Ok(url) => url,
        Err(said) => return said,
    };
    let opened = match knock::socket(&format!("{url}/ws/me"), TIMEOUT).await {
        Ok(opened) => opened,
        Err(failure) => {
            let found = Text::new("doctor.websocket.silent").with("why", failure);
            return fail(found, Text::new("doctor.websocket.do.forward"));
        }
    };
    match opened {
        Socket::Closed(UNAUTHENTICATED) => ok(Text::new("doctor.websocket.fine")),
        Socket::Closed(code) => {
            let found = Text::new("doctor.websocket.closed").with("code", code);
            warn(found, Text::new("doctor.websocket.do.forward"))
        }
        Socket::Spoke => warn(Text::new("doctor.websocket.other"), Text::new("doctor.websocket.do.forward")),
        Socket::Silent => warn(Text::new("doctor.websocket.mute"), Text::new("doctor.websocket.do.buffer")),
        Socket::Refused(status) => {
            // Did the header get lost on the way, or is something else wrong?
            let key = match asked(g, url, true).await {
                Ok(Seen { upgrade: None, .. }) => "doctor.websocket.dropped",
                Ok(_) => "doctor.websocket.refused",
                Err(_) => "doctor.websocket.answered",
            };
            fail(Text { key, args: vec![("status", status.to_string())] }, Text::new("doctor.websocket.do.forward"))
        }
    }
}

pub(super) async fn model(g: &Ground) -> Said {
    let model = &g.config.model;
    let base = model.base_url.trim().trim_end_matches('/');
    if base.is_empty() {
        return skipped(Text::new("doctor.model.none"));
    }
    let key = (!model.key.is_empty()).then(|| ("authorization", format!("Bearer {}", model.key)));
    let headers: Vec<(&'static str, String)> = key.into_iter().collect();
    match knock::get(&format!("{base}/models"), &headers, TIMEOUT).await {
        Err(failure) => {
            let found = Text::new("doctor.model.silent").with("why", failure);
            fail(found, Text::new("doctor.model.do.reach"))
        }
        Ok(heard) if matches!(heard.status, 401 | 403) => {
            let found = Text::new("doctor.model.refused").with("status", heard.status);
            fail(found, Text::new("doctor.model.do.key"))
        }
        Ok(heard) if heard.status == 200 => {
            let listed = String::from_utf8_lossy(&heard.body).contains(&format!("\"{}\"", model.name));
            match listed {
                true => ok(Text::new("doctor.model.fine").with("name", &model.name)),
                false => {
                    let found = Text::new("doctor.model.unlisted").with("name", &model.name);
                    warn(found, Text::new("doctor.model.do.name"))
                }
            }
        }
        // Not every server of the protocol lists its models.
        Ok(heard) => ok(Text::new("doctor.model.there").with("status", heard.status)),
    }
}

pub(super) async fn outlets(g: &Ground) -> Said {
    let t = &g.config.tracing;
    if t.otlp_url.is_empty() && t.sentry_dsn.is_empty() {
        return skipped(Text::new("doctor.outlets.none"));
    }
    let mut told = Vec::new();
    if !t.otlp_url.is_empty() {
        let base = t.otlp_url.trim_end_matches('/');
        let url = if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") };
        // A message without a span in it is no bytes at all.
        let call = Call {
            url,
            headers: vec![("content-type", "application/x-protobuf".to_owned())],
            body: Bytes::new(),
            timeout: TIMEOUT,
            answer_max: 1 << 10,
            private: true,
        };
        let found = Text::new("doctor.outlets.fails").with("what", "tracing.otlp_url");
        match outbound::post(call).await {
            Ok(answer) if (200..300).contains(&answer.status) => told.push("OTLP"),
            Ok(answer) => return warn(found.with("why", answer.status), Text::new("doctor.outlets.do.look")),
            Err(failure) => return warn(found.with("why", failure), Text::new("doctor.outlets.do.look")),
        }
    }
    if !t.sentry_dsn.is_empty() {
        if let Err(failure) = knock::listens(&t.sentry_dsn, TIMEOUT).await {
            let found = Text::new("doctor.outlets.fails").with("what", "tracing.sentry_dsn").with("why", failure);
            return warn(found, Text::new("doctor.outlets.do.look"));
        }
        told.push("Sentry");
    }
    ok(Text::new("doctor.outlets.fine").with("names", told.join(", ")))
}
