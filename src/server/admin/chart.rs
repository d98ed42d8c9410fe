//! A line over the last ten minutes, as the points of an SVG polyline: no script, no library.

/// Width and height in the units of the drawing, which is stretched to its place.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 100.0;
/// Seconds that share a point, so that a peak of one second is as wide as a pixel.
const STEP: usize = 4;
/// Points of a full chart: ten minutes.
const POINTS: usize = 600 / STEP;

/// The points of a chart.
pub(super) struct Chart {
    /// Newest on the right.
    pub(super) line: String,
    /// The same, closed along the ground.
    pub(super) area: String,
    /// Height of a border that is worth a line.
    pub(super) border: Option<String>,
    top: f64,
}

impl Chart {
    /// `seconds` oldest first; of each [`STEP`] of them the highest counts. The scale reaches at least to `least_top`.
    pub(super) fn new(seconds: impl Iterator<Item = f64>, least_top: f64) -> Chart {
        let seconds: Vec<f64> = seconds.collect();
        let highest = |chunk: &[f64]| chunk.iter().copied().fold(0.0, f64::max);
        // Counted from the newest, so that a point keeps its seconds while it moves.
        let mut points: Vec<f64> = seconds.rchunks(STEP).take(POINTS).map(highest).collect();
        points.reverse();
        let top = points.iter().copied().fold(least_top, f64::max);
        let x = |i: usize| WIDTH - (points.len() - 1 - i) as f64 * WIDTH / (POINTS - 1) as f64;
        let line: Vec<String> =
            points.iter().enumerate().map(|(i, v)| format!("{:.1},{:.1}", x(i), y(*v, top))).collect();
        let line = line.join(" ");
        let area = match points.len() {
            0 => String::new(),
            _ => format!("{:.1},{HEIGHT} {line} {WIDTH},{HEIGHT}", x(0)),
        };
        Chart { line, area, border: None, top }
    }

    /// The same chart with a line at `value`.
    pub(super) fn with_border(mut self, value: f64) -> Chart {
        self.border = Some(format!("{:.1}", y(value, self.top)));
        self
    }
}

/// Two units stay free above the highest point for the width of the line.
fn y(value: f64, top: f64) -> f64 {
    HEIGHT - value / top.max(f64::MIN_POSITIVE) * (HEIGHT - 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stands_on_the_right_and_the_highest_on_top() {
        let chart = Chart::new([0.0, 0.0, 0.0, 0.0, 8.0, 1.0, 1.0, 1.0].into_iter(), 1.0);
        assert_eq!(chart.line, "596.0,100.0 600.0,2.0");
        assert_eq!(chart.area, "596.0,100 596.0,100.0 600.0,2.0 600,100");
        let full = Chart::new((0..600).map(f64::from), 1.0);
        assert!(full.line.starts_with("0.0,") && full.line.split(' ').count() == POINTS);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let chart = Chart::new(std::iter::empty(), 200.0).with_border(100.0);
        assert_eq!((chart.line.as_str(), chart.area.as_str(), chart.border.as_deref()), ("", "", Some("51.0")));
    }
}
