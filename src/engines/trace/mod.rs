//! What is told to other programs about single requests and jobs: spans to a collector (OTLP), errors to an error tracker
//! (the protocol of Sentry).
//!
//! Laws: nothing leaves unless an address is set. A target that is slow or gone costs nothing but what would have been told:
//! both queues are bounded and nobody waits for a place. Told are routes, kinds, times, statuses and sentences of our own;
//! never bodies, cookies, addresses or names of people.
//!
//! Opened before the runtime and closed after it: the exporter has a thread of its own, and what the last request said
//! must still leave.

mod errors;
mod scrub;
#[cfg(feature = "otel")]
mod spans;
#[cfg(not(feature = "otel"))]
#[path = "no_spans.rs"]
mod spans;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::registry::LookupSpan;

pub use errors::Dsn;
pub use spans::{Here, here, traceparent};

tokio::task_local! {
    /// What the present task works for.
    static ABOUT: Arc<About>;
}

/// Where things are told.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The collector, without `/v1/traces`. Empty: none.
    pub otlp_url: String,
    /// Part of requests and jobs that is traced, 0–1.
    pub sample: f64,
    /// The program's name among others.
    pub service_name: String,
    /// The error tracker. Empty: none.
    pub sentry_dsn: String,
}

/// What is open.
pub struct Outlets {
    spans: Option<spans::Exporter>,
    /// Why no spans leave although they should.
    trouble: Option<String>,
    errors: Option<errors::Reporter>,
}

/// What errors and slow statements belong to.
struct About {
    /// The request's id in the log; empty for a job.
    request: String,
    /// `GET /api/v1/projects/{id}` or `job send_mail`.
    name: String,
    /// A panic was told already; the error that it becomes is not told once more.
    panicked: AtomicBool,
}

/// A request or a job under way. Dropped without [`Work::end`] (its connection broke), it ends there.
pub struct Work {
    /// Absent while nobody wants to know.
    about: Option<Arc<About>>,
    span: spans::Span,
}

impl Outlets {
    /// Opens what is set. A wrong address is an error; a target that does not answer is not, nor a machine that can call
    /// nobody (see [`Outlets::trouble`]).
    pub fn open(settings: &Settings) -> anyhow::Result<Outlets> {
        let (spans, trouble) = match settings.otlp_url.is_empty() {
            true => (None, None),
            false => match spans::Exporter::open(settings)? {
                Ok(spans) => (Some(spans), None),
                Err(failure) => (None, Some(failure.to_string())),
            },
        };
        let errors = match settings.sentry_dsn.is_empty() {
            true => None,
            false => Some(errors::Reporter::open(settings.sentry_dsn.parse()?)?),
        };
        Ok(Outlets { spans, trouble, errors })
    }

    /// Why no spans leave although a collector is set, for the log.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// What the subscriber has to ask: the errors of the log. Spans do not go through it.
    pub fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        self.errors.as_ref().map(|errors| errors.layer().with_filter(LevelFilter::ERROR))
    }

    /// Tells what is still to be told, for a few seconds at the most.
    pub fn close(self) {
        if let Some(errors) = self.errors {
            errors.close();
        }
        if let Some(spans) = self.spans {
            spans.close();
        }
    }
}

impl Work {
    /// A request. `route` is its path template. `parent` are the `traceparent` and `tracestate` that it came with; inside
    /// other work (a batch) that is the parent.
    pub fn request(id: &str, method: &str, route: Option<&str>, parent: [Option<&str>; 2]) -> Work {
        Work::begun(id, method, route, parent, Duration::ZERO)
    }

    /// A request that began `before` this moment.
    pub fn begun(id: &str, method: &str, route: Option<&str>, parent: [Option<&str>; 2], before: Duration) -> Work {
        if !is_on() && !errors::is_on() {
            return Work { about: None, span: spans::Span::none() };
        }
        let name = format!("{method} {}", route.unwrap_or("none"));
        let span = spans::Span::request(&name, id, method, route, parent, before);
        Work { about: About::new(id, name), span }
    }

    /// One run of a job.
    pub fn job(kind: &'static str, lane: &'static str, id: i64, attempt: i64) -> Work {
        let name = format!("job {kind}");
        let span = spans::Span::job(&name, kind, lane, id, attempt);
        Work { about: About::new("", name), span }
    }

    /// Runs a part of it.
    pub fn within<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        let (about, work) = (self.about.clone(), self.span.within(work));
        async move {
            match about {
                Some(about) => ABOUT.scope(about, work).await,
                None => work.await,
            }
        }
    }

    /// A request was answered.
    pub fn answered(self, status: u16, statements: u32) {
        self.span.answered(status, statements);
    }

    /// A job ended.
    pub fn end(self, outcome: &'static str, failed: bool) {
        self.span.end(outcome, failed);
    }
}

/// Are requests traced at all?
pub fn is_on() -> bool {
    spans::is_on()
}

/// A statement was slow; it began `took` ago.
pub fn slow_statement(sql: &str, took: Duration) {
    if spans::is_on() {
        spans::slow_statement(sql, took);
    }
}

fn about() -> Option<Arc<About>> {
    ABOUT.try_with(Arc::clone).ok()
}

impl About {
    fn new(request: &str, name: String) -> Option<Arc<About>> {
        errors::is_on().then(|| Arc::new(About { request: request.to_owned(), name, panicked: AtomicBool::new(false) }))
    }

    /// Marks it as told; answers whether it was already.
    fn told(&self) -> bool {
        self.panicked.swap(true, Ordering::Relaxed)
    }

    fn is_told(&self) -> bool {
        self.panicked.load(Ordering::Relaxed)
    }
}

/// At most so often are failures of a target logged.
struct Seldom(parking_lot::Mutex<Option<Instant>>);

impl Seldom {
    const EVERY: Duration = Duration::from_secs(60);

    fn now(&self) -> bool {
        let mut last = self.0.lock();
        let due = last.is_none_or(|at| at.elapsed() >= Self::EVERY);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}
