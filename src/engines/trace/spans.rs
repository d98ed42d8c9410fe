//! Spans for a collector. Few and begun by hand: requests, jobs, slow statements.

use std::marker::PhantomData;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{FutureExt, Span as _, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, ContextGuard, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider};

use super::Settings;
use crate::engines::outbound::{self, Failure};

/// Spans that wait; beyond it they are dropped.
const WAITING: usize = 2_048;
/// How often they leave.
const EVERY: Duration = Duration::from_secs(1);
/// How long the collector may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end waits for it.
const FAREWELL: Duration = Duration::from_secs(3);
/// Characters of a statement.
const SQL: usize = 2_000;

/// Who begins spans; set once, when the program starts.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

pub(super) fn is_on() -> bool {
    TRACER.get().is_some()
}

/// The way to the collector.
pub(super) struct Exporter(SdkTracerProvider);

impl Exporter {
    pub(super) fn open(settings: &Settings) -> anyhow::Result<Result<Exporter, Failure>> {
        let base = settings.otlp_url.trim_end_matches('/');
        let url = if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") };
        outbound::check(&url, true).context("tracing.otlp_url")?;
        let client = match outbound::blocking_client(TIMEOUT) {
            Ok(client) => client,
            Err(failure) => return Ok(Err(failure)),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(url)
            .with_timeout(TIMEOUT)
            .build()
            .context("tracing.otlp_url")?;
        let batches = BatchConfigBuilder::default().with_max_queue_size(WAITING).with_scheduled_delay(EVERY).build();
        let resource = Resource::builder_empty().with_attributes([
            KeyValue::new("service.name", settings.service_name.clone()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ]);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample))))
            .with_resource(resource.build())
            .build();
        let _ = TRACER.set(provider.tracer("videoplanet"));
        Ok(Ok(Exporter(provider)))
    }

    pub(super) fn close(self) {
        if let Err(e) = self.0.shutdown_with_timeout(FAREWELL) {
            tracing::debug!(error = %e, "the last spans were not told");
        }
    }
}

/// A span and what begins inside it; `None` while nothing is traced.
pub(super) struct Span(Option<Context>);

impl Span {
    pub(super) fn none() -> Span {
        Span(None)
    }

    pub(super) fn request(
        name: &str,
        id: &str,
        method: &str,
        route: Option<&str>,
        parent: [Option<&str>; 2],
        before: Duration,
    ) -> Span {
        let Some(tracer) = TRACER.get() else { return Span(None) };
        let here = Context::current();
        let parent = match here.has_active_span() {
            true => here,
            false => TraceContextPropagator::new().extract_with_context(&here, &Headers(parent)),
        };
        let mut attributes = vec![
            KeyValue::new("http.request.method", method.to_owned()),
            KeyValue::new("videoplanet.request_id", id.to_owned()),
        ];
        attributes.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
        let span = tracer
            .span_builder(name.to_owned())
            .with_kind(SpanKind::Server)
            .with_start_time(SystemTime::now() - before)
            .with_attributes(attributes)
            .start_with_context(tracer, &parent);
        Span(Some(parent.with_span(span)))
    }

    pub(super) fn job(name: &str, kind: &'static str, lane: &'static str, id: i64, attempt: i64) -> Span {
        let Some(tracer) = TRACER.get() else { return Span(None) };
        let attributes = [
            KeyValue::new("videoplanet.job.kind", kind),
            KeyValue::new("videoplanet.job.lane", lane),
            KeyValue::new("videoplanet.job.id", id),
            KeyValue::new("videoplanet.job.attempt", attempt),
        ];
        let parent = Context::new();
        let span = tracer
            .span_builder(name.to_owned())
            .with_kind(SpanKind::Consumer)
            .with_attributes(attributes)
            .start_with_context(tracer, &parent);
        Span(Some(parent.with_span(span)))
    }

    pub(super) fn within<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        let inside = self.0.clone();
        async move {
            match inside {
                Some(context) => work.with_context(context).await,
                None => work.await,
            }
        }
    }

    pub(super) fn answered(self, status: u16, statements: u32) {
        let Some(context) = self.0 else { return };
        let span = context.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        span.set_attribute(KeyValue::new("videoplanet.statements", i64::from(statements)));
        if status >= 500 {
            span.set_status(Status::error(""));
        }
        span.end();
    }

    pub(super) fn end(self, outcome: &'static str, failed: bool) {
        let Some(context) = self.0 else { return };
        let span = context.span();
        span.set_attribute(KeyValue::new("videoplanet.job.outcome", outcome));
        if failed {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// What a statement belongs to, carried to the thread that runs it.
pub struct Here(Option<Context>);

/// While it lives, what begins on this thread is inside. It stays on its thread.
pub struct Inside(#[allow(dead_code)] Option<ContextGuard>, PhantomData<*const ()>);

/// What the caller works for.
pub fn here() -> Here {
    Here(is_on().then(Context::current))
}

impl Here {
    /// Goes on with it on this thread.
    pub fn enter(self) -> Inside {
        Inside(self.0.map(Context::attach), PhantomData)
    }
}

pub(super) fn slow_statement(sql: &str, took: Duration) {
    let Some(tracer) = TRACER.get() else { return };
    let end = SystemTime::now();
    let attributes = [
        KeyValue::new("db.system.name", "sqlite"),
        KeyValue::new("db.query.text", sql.chars().take(SQL).collect::<String>()),
    ];
    let mut span = tracer
        .span_builder("slow statement")
        .with_kind(SpanKind::Internal)
        .with_start_time(end - took)
        .with_attributes(attributes)
        .start_with_context(tracer, &Context::current());
    span.end_with_timestamp(end);
}

/// The present span as the header `traceparent`, for a call to somebody else.
pub fn traceparent() -> Option<String> {
    if !is_on() {
        return None;
    }
    Context::map_current(|context| {
        let span = context.span();
        let of = span.span_context();
        let flags = of.trace_flags().to_u8();
        of.is_valid().then(|| format!("00-{}-{}-{flags:02x}", of.trace_id(), of.span_id()))
    })
}

/// `traceparent` and `tracestate` of a request.
struct Headers<'a>([Option<&'a str>; 2]);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.0[0],
            "tracestate" => self.0[1],
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}
