//! Mail over SMTP: the one place that speaks to a mail server.
//!
//! Laws: a letter is sent once for each call, within its time; whether trying again can help is told by the server's own
//! code, and its words are kept for who looks after the instance. No value of a letter can begin a header of its own.

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::base::clock::Time;

/// Bytes of a server's words that are kept.
const SAID: usize = 500;

/// How the mail server is reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name; empty: there is none.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `starttls`, `tls` or `none`.
    pub security: String,
    /// Who signs in; empty: nobody.
    pub user: String,
    /// The password.
    pub password: String,
    /// The sender, as `Name <address>` or an address.
    pub from: String,
    /// How long one letter may take.
    pub timeout: Duration,
}

/// A letter.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The one address it goes to.
    pub to: String,
    /// Its subject, on one line.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
    /// Its id without `<` and `@…>`; the same for each try.
    pub id: String,
    /// When it was written.
    pub date: Time,
    /// Where one click ends letters of this kind (RFC 8058).
    pub unsubscribe: Option<String>,
}

/// Why a letter was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It would be refused the same way again; in the server's words.
    #[error("{0}")]
    Permanent(String),
    /// Time may heal it.
    #[error("{0}")]
    Temporary(String),
}

/// Is it a sender, as `Name <address>` or an address?
pub fn is_sender(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

/// The way to the mail server, if there is one.
pub struct Mailer {
    settings: Settings,
    from: Option<Mailbox>,
}

impl Mailer {
    /// Opens no connection. A sender that is none is an error as soon as there is a server.
    pub fn new(settings: Settings) -> anyhow::Result<Mailer> {
        if settings.host.is_empty() {
            return Ok(Mailer { settings, from: None });
        }
        let from = settings.from.parse::<Mailbox>();
        let from =
            from.map_err(|e| anyhow::anyhow!("mail.from is no sender such as `VideoPlanet <a@example.com>`: {e}"))?;
        anyhow::ensure!(
            matches!(settings.security.as_str(), "starttls" | "tls" | "none"),
            "mail.security must be starttls, tls or none"
        );
        Ok(Mailer { settings, from: Some(from) })
    }

    /// Is there a mail server?
    pub fn is_on(&self) -> bool {
        self.from.is_some()
    }

    /// The server as `host:port`.
    pub fn server(&self) -> String {
        format!("{}:{}", self.settings.host, self.settings.port)
    }

    /// Hands a letter to the server.
    pub async fn send(&self, letter: Letter) -> Result<(), Refusal> {
        let message = self.message(letter)?;
        let transport = self.transport()?;
        match tokio::time::timeout(self.settings.timeout, transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(refusal(&e)),
            Err(_) => Err(Refusal::Temporary(format!("no answer within {} s", self.settings.timeout.as_secs()))),
        }
    }

    /// Connects, secures the line and signs in as for a letter, and says goodbye without one.
    pub async fn knock(&self) -> Result<(), Refusal> {
        let transport = self.transport()?;
        match tokio::time::timeout(self.settings.timeout, transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(Refusal::Temporary("the server does not answer NOOP".into())),
            Ok(Err(e)) => Err(refusal(&e)),
            Err(_) => Err(Refusal::Temporary(format!("no answer within {} s", self.settings.timeout.as_secs()))),
        }
    }

    fn message(&self, letter: Letter) -> Result<Message, Refusal> {
        let from = self.from.clone().ok_or_else(|| Refusal::Temporary("there is no mail server".into()))?;
        let wrong = |what: &str| Refusal::Permanent(format!("the letter cannot be written: {what}"));
        let to: Address = letter.to.parse().map_err(|_| wrong("the address is none"))?;
        let id = format!("<{}@{}>", one_line(&letter.id), from.email.domain());
        let date = SystemTime::UNIX_EPOCH + Duration::from_millis(letter.date.0.max(0) as u64);
        let mut builder = Message::builder()
            .from(from)
            .to(Mailbox::new(None, to))
            .subject(one_line(&letter.subject))
            .message_id(Some(id))
            .date(date)
            .raw_header(header("Auto-Submitted", "auto-generated".into()));
        if let Some(url) = &letter.unsubscribe {
            builder = builder
                .raw_header(header("List-Unsubscribe", format!("<{}>", one_line(url))))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into()));
        }
        let part = |kind: ContentType, body: String| SinglePart::builder().header(kind).body(body);
        let both = MultiPart::alternative()
            .singlepart(part(ContentType::TEXT_PLAIN, letter.text))
            .singlepart(part(ContentType::TEXT_HTML, letter.html));
        builder.multipart(both).map_err(|e| wrong(&e.to_string()))
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, Refusal> {
        let s = &self.settings;
        let parameters =
            || TlsParameters::new(s.host.clone()).map_err(|e| Refusal::Temporary(format!("TLS cannot be set up: {e}")));
        let tls = match s.security.as_str() {
            "tls" => Tls::Wrapper(parameters()?),
            "none" => Tls::None,
            _ => Tls::Required(parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&s.host)
            .port(s.port)
            .tls(tls)
            .timeout(Some(s.timeout));
        if !s.user.is_empty() {
            builder = builder.credentials(Credentials::new(s.user.clone(), s.password.clone()));
        }
        Ok(builder.build())
    }
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// A line break in a value would begin a header of its own.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The server's words and what its code says. Without an answer (a broken line, nobody there) time may heal it.
fn refusal(e: &lettre::transport::smtp::Error) -> Refusal {
    let mut said = one_line(&e.to_string());
    let mut cause = std::error::Error::source(e);
    while let Some(inner) = cause {
        let inner_says = one_line(&inner.to_string());
        if !said.contains(&inner_says) {
            said = format!("{said}: {inner_says}");
        }
        cause = inner.source();
    }
    let mut end = said.len().min(SAID);
    while !said.is_char_boundary(end) {
        end -= 1;
    }
    said.truncate(end);
    if e.is_permanent() { Refusal::Permanent(said) } else { Refusal::Temporary(said) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer() -> Mailer {
        Mailer::new(Settings {
            host: "localhost".into(),
            port: 25,
            security: "none".into(),
            user: String::new(),
            password: String::new(),
            from: "VideoPlanet <review@example.com>".into(),
            timeout: Duration::from_secs(1),
        })
        .unwrap()
    }

    fn letter() -> Letter {
        Letter {
            to: "hayun@example.com".into(),
            subject: "자막에 오타가 있습니다".into(),
            text: "본문".into(),
            html: "<p>본문</p>".into(),
            id: "mail-7-abc".into(),
            date: Time(1_795_482_123_000),
            unsubscribe: Some("https://review.example.com/unsubscribe/x".into()),
        }
    }

    #[test]
    fn a_letter_says_what_it_is() {
        let text = String::from_utf8(mailer().message(letter()).unwrap().formatted()).unwrap();
        for line in [
            "Message-ID: <mail-7-abc@example.com>",
            "Auto-Submitted: auto-generated",
            "List-Unsubscribe: <https://review.example.com/unsubscribe/x>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "Date: Tue, 24 Nov 2026 01:02:03 +0000",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn nothing_begins_a_header_of_its_own() {
        let bad = Letter {
            subject: "x\r\nBcc: all@example.com".into(),
            id: "a\r\nBcc: b@example.com".into(),
            unsubscribe: Some("https://x\r\nBcc: c@example.com".into()),
            ..letter()
        };
        let text = String::from_utf8(mailer().message(bad).unwrap().formatted()).unwrap();
        assert!(!text.lines().any(|l| l.starts_with("Bcc")), "{text}");
        for to in ["a@example.com, b@example.com", "a@example.com\r\nBcc: x@example.com", "nobody"] {
            assert!(
                matches!(mailer().message(Letter { to: to.into(), ..letter() }), Err(Refusal::Permanent(_))),
                "{to}"
            );
        }
    }

    #[test]
    fn a_sender_is_asked_for_once_there_is_a_server() {
        let settings = Settings { from: "nobody".into(), ..mailer().settings };
        assert!(Mailer::new(settings.clone()).is_err());
        assert!(!Mailer::new(Settings { host: String::new(), ..settings }).unwrap().is_on());
    }
}
