//! A chart over time: drawn by the server as an SVG that needs no script, with its numbers beside it as a table. Scripts lay
//! one over it that tells its values under the pointer.

use askama::Template;
use serde_json::{Value, json};

use super::words;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::engines::store::Mark;
use crate::server::web::Frame;

/// Width and height in the units of the drawing, which is stretched to its place.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 100.0;
/// Rows of the table.
const ROWS: usize = 24;

/// How the values of a chart are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A number a second, or of each.
    Number,
    /// A number of things.
    Count,
    /// Microseconds.
    Time,
    /// A part, 0–1.
    Part,
    /// Bytes.
    Bytes,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Number => "number",
            Unit::Count => "count",
            Unit::Time => "time",
            Unit::Part => "part",
            Unit::Bytes => "bytes",
        }
    }

    fn write(self, value: f64) -> String {
        match self {
            Unit::Number => words::rate(value),
            Unit::Count => format!("{value:.0}"),
            Unit::Time => words::time(value as u64),
            Unit::Part => words::percent(value),
            Unit::Bytes => words::size(value as u64),
        }
    }
}

/// One line; `None` is a gap.
pub(super) struct Series {
    /// `admin.charts.series.<name>`, or the key of a text.
    name: String,
    values: Vec<Option<f64>>,
}

/// One chart.
pub(super) struct Chart {
    /// Its title is `admin.charts.<name>`.
    name: &'static str,
    unit: Unit,
    times: Vec<Time>,
    series: Vec<Series>,
    /// Each line stands on those before it.
    stacked: bool,
    /// The scale reaches at least so high.
    least_top: f64,
    /// A border that is worth a line.
    border: Option<f64>,
    marks: Vec<Mark>,
}

impl Chart {
    pub(super) fn new(name: &'static str, unit: Unit, times: Vec<Time>, least_top: f64) -> Chart {
        let (series, marks) = (Vec::new(), Vec::new());
        Chart { name, unit, times, series, stacked: false, least_top, border: None, marks }
    }

    pub(super) fn line(mut self, name: impl Into<String>, values: Vec<Option<f64>>) -> Chart {
        self.series.push(Series { name: name.into(), values });
        self
    }

    pub(super) fn stacked(self) -> Chart {
        Chart { stacked: true, ..self }
    }

    pub(super) fn border(self, value: f64) -> Chart {
        Chart { border: Some(value), ..self }
    }

    pub(super) fn marks(self, marks: &[Mark]) -> Chart {
        Chart { marks: marks.to_vec(), ..self }
    }

    pub(super) fn draw(&self, f: &Frame) -> Result<String> {
        Drawn { f, c: self, heights: self.heights() }.render().map_err(Error::internal)
    }

    /// The lines as they are drawn: stacked ones on top of each other.
    fn heights(&self) -> Vec<Vec<Option<f64>>> {
        let mut ground = vec![0.0; self.times.len()];
        let draw = |series: &Series| {
            let heights: Vec<Option<f64>> = series.values.iter().zip(&ground).map(|(v, g)| v.map(|v| v + g)).collect();
            if self.stacked {
                ground.iter_mut().zip(&heights).for_each(|(g, h)| *g = h.unwrap_or(*g));
            }
            heights
        };
        self.series.iter().map(draw).collect()
    }

    fn title(&self, f: &Frame) -> String {
        f.t(&format!("admin.charts.{}", self.name))
    }

    fn label(&self, f: &Frame, name: &str) -> String {
        if name.contains('.') { f.t(name) } else { f.t(&format!("admin.charts.series.{name}")) }
    }

    /// Its last value, for the legend.
    fn last(&self, series: &Series) -> String {
        series.values.iter().rev().flatten().next().map_or_else(|| "–".to_owned(), |v| self.unit.write(*v))
    }

    fn x(&self, at: Time) -> f64 {
        let (Some(first), Some(last)) = (self.times.first(), self.times.last()) else { return 0.0 };
        (at.0 - first.0) as f64 / ((last.0 - first.0) as f64).max(1.0) * WIDTH
    }

    /// What the script draws: seconds, values as they are, and how to write them.
    fn data(&self, f: &Frame) -> String {
        let short = |v: &Option<f64>| v.map(|v| (v * 1e4).round() / 1e4);
        let series: Vec<Value> = self
            .series
            .iter()
            .map(
                |s| json!({ "name": self.label(f, &s.name), "values": s.values.iter().map(short).collect::<Vec<_>>() }),
            )
            .collect();
        let marks: Vec<Value> = self
            .marks
            .iter()
            .map(|m| json!({ "at": m.at.0 / 1000, "text": f.tw(&format!("admin.charts.mark.{}", m.kind), &[("version", &m.text)]) }))
            .collect();
        let times: Vec<i64> = self.times.iter().map(|t| t.0 / 1000).collect();
        json!({
            "times": times, "series": series, "unit": self.unit.name(), "stacked": self.stacked,
            "top": self.least_top, "border": self.border, "marks": marks,
        })
        .to_string()
    }

    /// The newest values, a row for each of two dozen stretches.
    fn table(&self) -> Vec<(Time, Vec<String>)> {
        let stretch = self.times.len().div_ceil(ROWS).max(1);
        let written = |place: usize| {
            let write = |s: &Series| s.values[place].map_or_else(|| "–".to_owned(), |v| self.unit.write(v));
            (self.times[place], self.series.iter().map(write).collect())
        };
        (0..self.times.len()).rev().step_by(stretch).map(written).collect()
    }
}

#[derive(Template)]
#[template(path = "admin/parts/chart.html")]
struct Drawn<'a> {
    f: &'a Frame,
    c: &'a Chart,
    heights: Vec<Vec<Option<f64>>>,
}

impl Drawn<'_> {
    fn top(&self) -> f64 {
        self.heights.iter().flatten().flatten().copied().fold(self.c.least_top, f64::max)
    }

    /// The path of each line; a gap begins a new one.
    fn paths(&self) -> Vec<String> {
        let top = self.top();
        let path = |line: &Vec<Option<f64>>| {
            let (mut path, mut pen) = (String::new(), 'M');
            for (at, value) in self.c.times.iter().zip(line) {
                let Some(value) = value else {
                    pen = 'M';
                    continue;
                };
                path.push_str(&format!("{pen}{:.1} {:.1}", self.c.x(*at), y(*value, top)));
                pen = 'L';
            }
            path
        };
        self.heights.iter().map(path).collect()
    }

    fn border(&self) -> Option<String> {
        self.c.border.map(|value| format!("{:.1}", y(value, self.top())))
    }

    fn marks(&self) -> Vec<String> {
        self.c.marks.iter().map(|m| format!("{:.1}", self.c.x(m.at))).collect()
    }

    fn highest(&self) -> String {
        self.c.unit.write(self.top())
    }
}

/// Two units stay free above the highest point for the width of the line.
fn y(value: f64, top: f64) -> f64 {
    HEIGHT - value / top.max(f64::MIN_POSITIVE) * (HEIGHT - 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: [&[Option<f64>]; 2]) -> Chart {
        let times = (0..values[0].len() as i64).map(|n| Time(n * 10_000)).collect();
        Chart::new("memory", Unit::Bytes, times, 1.0).line("cache", values[0].to_vec()).line("rest", values[1].to_vec())
    }

    fn drawn(chart: &Chart) -> Vec<String> {
        let f = Frame::plain(&Default::default(), Time(0));
        Drawn { f: &f, c: chart, heights: chart.heights() }.paths()
    }

    #[test]
    fn the_newest_stands_on_the_right_and_a_gap_stays_one() {
        let some = |v: f64| Some(v);
        let c = chart([&[some(1.0), None, some(2.0)], &[some(0.0), some(4.0), some(2.0)]]);
        assert_eq!(drawn(&c), ["M0.0 75.5M600.0 51.0", "M0.0 100.0L300.0 2.0L600.0 51.0"]);
        assert_eq!(drawn(&c.stacked()), ["M0.0 75.5M600.0 51.0", "M0.0 75.5L300.0 2.0L600.0 2.0"]);
    }

    #[test]
    fn the_table_has_the_newest_first() {
        let values: Vec<Option<f64>> = (0..360).map(|n| Some(f64::from(n))).collect();
        let table = chart([&values, &values]).table();
        assert_eq!((table.len(), table[0].0, table[0].1[0].as_str()), (24, Time(3_590_000), "359 B"));
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(drawn(&chart([&[], &[]])), ["", ""]);
    }
}
