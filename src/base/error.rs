//! What can go wrong, for two readers: a sentence for the caller, a chain of causes for the log.

use crate::base::locale::Text;

/// The result of every operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that an operation can answer instead of its result. `server::http::answer` is the one place that turns
/// it into a status, a code and a sentence in the caller's language.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 400: the request cannot be understood.
    #[error("bad request: {}", .0.key)]
    BadRequest(Text),
    /// 401: nobody, or a token that does not hold any more.
    #[error("unauthenticated")]
    Unauthenticated,
    /// 401: the e-mail or the password is wrong; which of them is not told.
    #[error("wrong credentials")]
    WrongCredentials,
    /// 403: known, but without the right.
    #[error("forbidden")]
    Forbidden,
    /// 404: not there, or its existence is none of the caller's business. Names the noun.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// 405: the path exists, the method does not.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// 409: the present state forbids it.
    #[error("conflict: {}", .0.key)]
    Conflict(Text),
    /// The `Idempotency-Key` was used before: the HTTP layer answers with what was answered then.
    #[error("replay of an idempotent request")]
    Replay,
    /// 412: `If-Match` names another revision than the present one.
    #[error("precondition failed")]
    PreconditionFailed,
    /// 413: larger than `limit` bytes.
    #[error("too large: over {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// 415: a type of content that is not taken here.
    #[error("unsupported media type: {}", .0.key)]
    UnsupportedMedia(Text),
    /// 422: fields that do not hold; each with its sentence.
    #[error("invalid: {}", .0.iter().map(|(f, t)| format!("{f} {}", t.key)).collect::<Vec<_>>().join(", "))]
    Invalid(Vec<(String, Text)>),
    /// 423: someone else holds it at this moment.
    #[error("locked: {}", .0.key)]
    Locked(Text),
    /// 429: too often.
    #[error("too many requests")]
    TooMany {
        /// When to try again, in seconds.
        retry_after_s: u64,
    },
    /// 503: a queue is full or the program is about to stop.
    #[error("busy")]
    Busy {
        /// When to try again, in seconds.
        retry_after_s: u64,
    },
    /// 507: more than a project or the instance may take on the disk; the sentence says which, and what to do.
    #[error("quota exceeded: {}", .0.key)]
    QuotaExceeded(Text),
    /// 507: the disk is (nearly) full.
    #[error("no space")]
    NoSpace,
    /// Any other status that a protocol wants (tus: 412, 460), with its sentence.
    #[error("{status}: {}", .text.key)]
    Protocol {
        /// HTTP status.
        status: u16,
        /// Code for programs.
        code: &'static str,
        /// Sentence for people.
        text: Text,
    },
    /// 500: our fault. The chain goes to the log, never to the caller.
    #[error("internal: {0:#}")]
    Internal(#[from] anyhow::Error),
}

impl Error {
    /// One invalid field.
    pub fn invalid(field: impl Into<String>, text: Text) -> Error {
        Error::Invalid(vec![(field.into(), text)])
    }

    /// Our fault, said in one sentence.
    pub fn internal(message: impl std::fmt::Display) -> Error {
        Error::Internal(anyhow::anyhow!("{message}"))
    }
}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Error {
        if e.kind() == std::io::ErrorKind::StorageFull { Error::NoSpace } else { Error::Internal(e.into()) }
    }
}

/// Collects what is wrong with a body, so that the caller hears of all fields at once.
#[derive(Default)]
pub struct Check(Vec<(String, Text)>);

impl Check {
    /// Nothing wrong so far.
    pub fn new() -> Check {
        Check::default()
    }

    /// Notes `text` for `field` unless `ok`.
    pub fn that(&mut self, ok: bool, field: &str, text: Text) -> &mut Check {
        if !ok {
            self.0.push((field.to_owned(), text));
        }
        self
    }

    /// A text of `min..=max` characters after trimming; control characters other than line breaks and tabs are refused.
    pub fn text(&mut self, field: &str, value: &str, min: usize, max: usize) -> &mut Check {
        let len = value.trim().chars().count();
        let clean = !value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        self.that(clean, field, Text::new("invalid.control_characters"));
        if len < min && min == 1 {
            self.that(false, field, Text::new("invalid.required"));
        } else {
            self.that(len >= min, field, Text::new("invalid.too_short").with("min", min));
        }
        self.that(len <= max, field, Text::new("invalid.too_long").with("max", max))
    }

    /// The end: an error naming every field, or nothing.
    pub fn done(&mut self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(std::mem::take(&mut self.0))) }
    }
}
