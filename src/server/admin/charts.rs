//! The overview's charts: what the history holds of the chosen period.

use std::sync::Arc;

use super::chart::{Chart, Unit};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::engines::metrics::history::{Points, Range, Sample};
use crate::engines::store::Mark;
use crate::server::web::Frame;

/// The period in a page's address; an unknown one is the first.
pub(super) fn range(query: &str) -> Range {
    let said = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "range");
    said.and_then(|(_, v)| v.parse().ok()).unwrap_or(Range::Hour)
}

/// What a period held.
pub(super) struct Past {
    range: Range,
    points: Arc<Points>,
    marks: Vec<Mark>,
    /// In bytes; the scale of the disk's chart.
    disk: f64,
    budget_us: u64,
}

impl Past {
    /// `disk` is the size of the data directory's disk in bytes.
    pub(super) async fn look(app: &App, range: Range, disk: u64, budget_us: u64) -> Result<Past> {
        let app = app.clone();
        let read = tokio::task::spawn_blocking(move || {
            let now = app.clock.now();
            let (points, marks) = (app.history.series(range, now)?, app.history.marks(range, now)?);
            Ok(Past { range, points, marks, disk: disk as f64, budget_us })
        });
        read.await.map_err(Error::internal)?
    }

    fn line(&self, of: impl Fn(&Sample) -> Option<f64>) -> Vec<Option<f64>> {
        self.points.iter().map(|(_, s)| s.as_ref().and_then(&of)).collect()
    }

    fn each(&self, of: impl Fn(&Sample) -> f64) -> Vec<Option<f64>> {
        self.line(|s| Some(of(s)))
    }

    fn chart(&self, name: &'static str, unit: Unit, least_top: f64) -> Chart {
        Chart::new(name, unit, self.points.iter().map(|(at, _)| *at).collect(), least_top).marks(&self.marks)
    }

    /// One chart below the other.
    pub(super) fn draw(&self, f: &Frame) -> Result<String> {
        let seconds = self.range.step_ms() as f64 / 1_000.0;
        let part = |n: u64, of: u64| (of > 0).then(|| n as f64 / of as f64);
        let time = |us: u64, s: &Sample| (s.requests > 0).then_some(us as f64);
        let tier =
            |s: &Sample, tier: usize| part(s.cache_hits[tier], s.cache_hits.iter().sum::<u64>() + s.cache_misses);
        let known = |names: &mut Vec<String>, keys: &mut dyn Iterator<Item = &String>| {
            for key in keys.filter(|key| !names.contains(key)).cloned().collect::<Vec<_>>() {
                names.push(key);
            }
        };
        let (mut parts, mut lanes) = (Vec::new(), Vec::new());
        for sample in self.points.iter().filter_map(|(_, s)| s.as_ref()) {
            known(&mut parts, &mut sample.memory.keys());
            known(&mut lanes, &mut sample.lanes.keys());
        }
        let memory = parts.into_iter().fold(self.chart("memory", Unit::Bytes, 1.0).stacked(), |chart, part| {
            let values = self.line(|s| s.memory.get(&part).map(|n| *n as f64));
            chart.line(format!("admin.memory.{part}"), values)
        });
        let lanes = lanes.into_iter().fold(self.chart("lanes", Unit::Count, 2.0), |chart, lane| {
            let values = self.line(|s| s.lanes.get(&lane).map(|n| *n as f64));
            chart.line(lane, values)
        });
        let all = [
            self.chart("requests", Unit::Number, 1.0)
                .line("requests", self.each(|s| s.requests as f64 / seconds))
                .line("errors", self.each(|s| s.errors as f64 / seconds)),
            self.chart("times", Unit::Time, self.budget_us as f64 * 1.25)
                .line("p50", self.line(|s| time(s.p50_us, s)))
                .line("p95", self.line(|s| time(s.p95_us, s)))
                .line("p99", self.line(|s| time(s.p99_us, s)))
                .border(self.budget_us as f64),
            self.chart("hits", Unit::Part, 1.0)
                .line("hits", self.line(Sample::hit_ratio))
                .line("l1", self.line(|s| tier(s, 0)))
                .line("l2", self.line(|s| tier(s, 1)))
                .line("l3", self.line(|s| tier(s, 2))),
            self.chart("statements", Unit::Number, 1.0)
                .line("statements", self.line(|s| part(s.statements, s.requests))),
            self.chart("sockets", Unit::Count, 4.0).line("sockets", self.each(|s| s.sockets as f64)),
            lanes,
            self.chart("cpu", Unit::Number, 1.0)
                .line("own", self.each(|s| s.cpu))
                .line("machine", self.each(|s| s.cores.iter().sum())),
            memory,
            self.chart("disk", Unit::Bytes, self.disk)
                .line("free", self.line(|s| (s.disk_free_bytes > 0).then_some(s.disk_free_bytes as f64))),
            self.chart("database", Unit::Bytes, 1.0)
                .line("database", self.line(|s| (s.database_bytes > 0).then_some(s.database_bytes as f64))),
        ];
        all.iter().map(|chart| chart.draw(f)).collect()
    }
}
