//! `/metrics` for Prometheus, and the tick that ends each second.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::job::Lane;
use crate::base::secret;
use crate::domain::backups;
use crate::domain::search::operate;
use crate::engines::alerts::Rule;
use crate::engines::metrics::{self, Exposition, Kind};
use crate::engines::{ground, machine, queue};

/// Boundaries of the exported waiting times, in microseconds. Beyond a minute the age of the oldest one tells.
const LATENCY_BOUNDS_US: [u64; 6] = [10_000, 100_000, 1_000_000, 5_000_000, 20_000_000, 60_000_000];

/// Boundaries of the exported times from a change to the wire, in microseconds: 200 ms are promised.
const FAN_OUT_BOUNDS_US: [u64; 10] =
    [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 200_000, 500_000, 2_500_000];

/// Ends a second of the metrics every second, until the program stops.
pub(super) async fn seconds(app: App) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    // After a pause (a suspended machine) one second is ended, not a thousand.
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = seconds.tick() => {
                app.watch();
                app.metrics.tick(app.clock.now(), app.hub.sockets());
            }
            () = app.stopping.cancelled() => return,
        }
    }
}

/// Numbers for Prometheus
///
/// With `server.metrics_token` set, that token is the bearer token.
#[utoipa::path(
    get,
    path = "/metrics",
    security((), ("bearer" = [])),
    responses(
        (status = 200, body = String, content_type = "text/plain; version=0.0.4"),
        (status = 401, description = "Another token than `server.metrics_token`"),
        (status = 503),
    )
)]
pub(super) async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<impl IntoResponse> {
    let wanted = &app.config().server.metrics_token;
    if !wanted.is_empty() {
        let given = headers.get("authorization").and_then(|v| v.to_str().ok()?.strip_prefix("Bearer "));
        let right = given.is_some_and(|g| secret::hash(g).ct_eq(&secret::hash(wanted)).into());
        if !right {
            return Err(Error::Unauthenticated);
        }
    }
    let now = app.clock.now();
    let (jobs, oldest, kept) =
        app.read(move |db| Ok((queue::counts(db)?, queue::oldest_due(db, now)?, backups::counts(db)?))).await?;
    let mut out = Exposition::default();

    out.family("videoplanet_build_info", Kind::Gauge, "The running version.");
    out.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    let uptime = (now.0 - app.started.0) as f64 / 1000.0;
    out.one("videoplanet_uptime_seconds", Kind::Gauge, "Time since the start.", uptime);
    if let Some(own) = machine::own() {
        out.one("process_resident_memory_bytes", Kind::Gauge, "Resident memory.", own.resident_bytes as f64);
        out.one("process_cpu_seconds_total", Kind::Counter, "User and system CPU time.", own.cpu_seconds);
        out.one("process_open_fds", Kind::Gauge, "Open file descriptors.", own.open_files as f64);
    }
    if let Some(process) = ground::process() {
        if let Some(max) = process.max_files {
            out.one("process_max_fds", Kind::Gauge, "File descriptors that may be open.", max as f64);
        }
        out.one("process_virtual_memory_bytes", Kind::Gauge, "Virtual memory.", process.virtual_bytes as f64);
        out.one("process_start_time_seconds", Kind::Gauge, "When the process began, since 1970.", process.started);
        out.one("process_threads", Kind::Gauge, "Threads of the process.", process.threads as f64);
    }

    app.metrics.expose(&mut out);
    app.metrics.traffic().expose(&mut out);

    let cache = app.cache.stats();
    out.family("videoplanet_cache_hits_total", Kind::Counter, "Look-ups that found something, by group and tier.");
    for g in &cache.groups {
        for (tier, n) in ["l1", "l2", "l3"].into_iter().zip(g.hits) {
            out.sample(&[("group", g.group.as_str()), ("tier", tier)], n as f64);
        }
    }
    out.family("videoplanet_cache_misses_total", Kind::Counter, "Look-ups that found nothing, by group.");
    for g in &cache.groups {
        out.sample(&[("group", g.group.as_str())], g.misses as f64);
    }
    out.family("videoplanet_cache_bytes", Kind::Gauge, "Bytes of the memory tiers.");
    for (tier, (used, _)) in ["l1", "l2"].into_iter().zip(cache.memory) {
        out.sample(&[("tier", tier)], used as f64);
    }
    let whole = f64::from(u8::from(cache.disk_trouble.is_none()));
    out.one("videoplanet_cache_disk_up", Kind::Gauge, "Can the cache use its disk tier as wanted?", whole);

    let index = operate::status(&app).await?;
    out.family("videoplanet_index_documents", Kind::Gauge, "Documents that can be found, by kind.");
    for (kind, n) in &index.documents {
        out.sample(&[("kind", kind.as_str())], *n as f64);
    }
    out.one("videoplanet_index_bytes", Kind::Gauge, "Size of the search index.", index.bytes as f64);
    let segments = index.segments.len() as f64;
    out.one("videoplanet_index_segments", Kind::Gauge, "Segments of the search index.", segments);
    let lag = index.lag_events as f64;
    out.one("videoplanet_index_lag_events", Kind::Gauge, "Events that the index does not know yet.", lag);
    let lag = index.lag_ms as f64 / 1000.0;
    out.one("videoplanet_index_lag_seconds", Kind::Gauge, "Age of the oldest event that the index does not know.", lag);
    let commit = index.commit_ms as f64 / 1000.0;
    out.one("videoplanet_index_commit_seconds", Kind::Gauge, "How long the last commit took.", commit);
    let whole = f64::from(u8::from(index.rebuilding.is_none()));
    out.one("videoplanet_index_whole", Kind::Gauge, "Is the search index complete?", whole);

    sockets(&app, &mut out);
    alerts(&app, &mut out);
    told_backups(&kept, &mut out);

    out.family("videoplanet_jobs", Kind::Gauge, "Jobs by lane and state.");
    for (lane, state, n) in jobs {
        out.sample(&[("lane", lane.as_str()), ("state", state.as_str())], n as f64);
    }
    out.family("videoplanet_job_runs_total", Kind::Counter, "Runs of jobs, by kind and how they ended.");
    for (kind, outcome, n) in app.queue.ended() {
        out.sample(&[("kind", kind), ("outcome", outcome)], n as f64);
    }
    let help = "How long jobs were due before they began.";
    out.family("videoplanet_job_latency_seconds", Kind::Histogram, help);
    for (lane, times) in app.queue.latency() {
        out.histogram(&[("lane", lane.as_str())], &times, &LATENCY_BOUNDS_US);
    }
    out.family("videoplanet_job_oldest_due_seconds", Kind::Gauge, "How long the oldest job that has not begun is due.");
    for lane in Lane::ALL {
        let due = oldest.iter().find(|(of, _)| of == lane).map_or(0, |(_, due)| now.0 - due.0);
        out.sample(&[("lane", lane.as_str())], due.max(0) as f64 / 1000.0);
    }
    out.family("videoplanet_lane_open", Kind::Gauge, "Are jobs begun in this lane (not paused, not held)?");
    for lane in app.queue.lanes() {
        let open = f64::from(u8::from(!lane.paused && lane.held.is_none()));
        out.sample(&[("lane", lane.lane.as_str())], open);
    }

    let (database, log) = app.store.size_bytes();
    out.one("videoplanet_database_bytes", Kind::Gauge, "Size of the database.", database as f64);
    out.one("videoplanet_database_wal_bytes", Kind::Gauge, "Size of the write-ahead log.", log as f64);
    let waiting = app.store.write_queue_len() as f64;
    out.one("videoplanet_writes_waiting", Kind::Gauge, "Changes that wait for the writer.", waiting);
    if let Ok(space) = app.files.space() {
        out.one("videoplanet_disk_free_bytes", Kind::Gauge, "Free space of the data directory.", space.free as f64);
        out.one("videoplanet_disk_bytes", Kind::Gauge, "Size of the data directory's disk.", space.total as f64);
    }
    if let Ok(room) = ground::room(&app.dir)
        && room.total_files > 0
    {
        let help = "Files that can still be made on the data directory's disk.";
        out.one("videoplanet_disk_free_files", Kind::Gauge, help, room.free_files as f64);
    }
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], out.finish()))
}

/// When the last backups were; without one, the families have no sample.
fn told_backups(health: &backups::Counts, out: &mut Exposition) {
    let help = "The moment that the newest backup holds which was found whole.";
    out.family("videoplanet_backup_last_success_timestamp_seconds", Kind::Gauge, help);
    if let Some(whole) = &health.whole {
        out.sample(&[], whole.taken.0 as f64 / 1000.0);
    }
    out.family("videoplanet_backup_bytes", Kind::Gauge, "Bytes of all that belongs to that backup.");
    if let Some(whole) = &health.whole {
        out.sample(&[], whole.bytes as f64);
    }
    let help = "Did the last backup fail, lacks it films, or was it found damaged?";
    out.one("videoplanet_backup_failed", Kind::Gauge, help, f64::from(u8::from(health.failed)));
}

/// What fires, as it was last looked; also before the first look every rule is there, so that a rule can be built on it.
fn alerts(app: &App, out: &mut Exposition) {
    let present = app.alerts.present();
    out.family("videoplanet_alert_firing", Kind::Gauge, "Does the alert fire?");
    for rule in Rule::ALL {
        let now = present.iter().find(|p| p.rule == *rule);
        let severity = now.map_or(rule.definition().severity, |p| p.severity);
        let firing = f64::from(u8::from(now.is_some_and(|p| p.firing)));
        out.sample(&[("rule", rule.as_str()), ("severity", severity.as_str())], firing);
    }
}

/// What goes over sockets. Of single rooms nothing: their number has no bound, and `/admin/realtime` shows them.
fn sockets(app: &App, out: &mut Exposition) {
    let hub = app.hub.stats();
    out.one("videoplanet_rooms", Kind::Gauge, "Rooms of projects with somebody in them.", hub.rooms as f64);
    out.family("videoplanet_sockets", Kind::Gauge, "WebSocket connections in rooms of projects and in people's own.");
    out.sample(&[("kind", "project")], (hub.sockets - hub.personal) as f64);
    out.sample(&[("kind", "personal")], hub.personal as f64);
    let behind = hub.behind as f64;
    out.one("videoplanet_sockets_behind", Kind::Gauge, "WebSocket connections for which something waits.", behind);
    let opened = hub.opened as f64;
    out.one("videoplanet_sockets_opened_total", Kind::Counter, "WebSocket connections that were let in.", opened);
    let published = hub.published as f64;
    out.one("videoplanet_room_messages_total", Kind::Counter, "Messages that rooms were told.", published);
    let delivered = hub.delivered as f64;
    out.one("videoplanet_room_deliveries_total", Kind::Counter, "Messages that sockets were given.", delivered);
    let lagged = hub.lagged as f64;
    out.one("videoplanet_room_resyncs_total", Kind::Counter, "Times a socket fell behind and was replayed.", lagged);

    let live = app.metrics.live().read();
    let help = "How long a room's message took until a connection had taken it.";
    out.family("videoplanet_room_fan_out_seconds", Kind::Histogram, help);
    out.histogram(&[], &live.fan_out, &FAN_OUT_BOUNDS_US);
    let help = "Messages of clients, by type and outcome.";
    out.family("videoplanet_socket_messages_in_total", Kind::Counter, help);
    for (kind, outcome, n) in live.heard {
        out.sample(&[("type", kind), ("outcome", outcome)], n as f64);
    }
    let messages = live.messages as f64;
    out.one("videoplanet_socket_messages_out_total", Kind::Counter, "Messages of rooms that were sent.", messages);
    let frames = live.frames as f64;
    out.one("videoplanet_socket_frames_out_total", Kind::Counter, "Batches in which they were sent.", frames);
    let bytes = live.bytes as f64;
    out.one("videoplanet_socket_bytes_out_total", Kind::Counter, "Bytes of these batches.", bytes);
    out.family("videoplanet_socket_closes_total", Kind::Counter, "WebSocket connections that ended, by close code.");
    for (code, n) in live.closes {
        out.sample(&[("code", &code.to_string())], n as f64);
    }
}
