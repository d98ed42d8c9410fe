//! The text that Prometheus reads.

use std::fmt::Write;

use super::Times;

/// Media type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family's numbers mean.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Times in buckets.
    Histogram,
}

/// Metric families under writing: each begins with [`Exposition::family`], its samples follow.
#[derive(Default)]
pub struct Exposition {
    text: String,
    name: &'static str,
}

impl Exposition {
    /// Begins a family. The name carries its unit (`_seconds`, `_bytes`, `_total`).
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        self.name = name;
    }

    /// One number of the family.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.line("", labels, None, value);
    }

    /// A family of one number.
    pub fn one(&mut self, name: &'static str, kind: Kind, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(&[], value);
    }

    /// One histogram of the family, with these borders in microseconds.
    pub fn histogram(&mut self, labels: &[(&str, &str)], times: &Times, bounds_us: &[u64]) {
        for us in bounds_us {
            let le = (*us as f64 / 1e6).to_string();
            self.line("_bucket", labels, Some(&le), times.below(*us) as f64);
        }
        self.line("_bucket", labels, Some("+Inf"), times.count() as f64);
        self.line("_sum", labels, None, times.sum_us() as f64 / 1e6);
        self.line("_count", labels, None, times.count() as f64);
    }

    /// The text.
    pub fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], le: Option<&str>, value: f64) {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        let le = le.map(|le| ("le", le));
        for (i, (name, value)) in labels.iter().copied().chain(le).enumerate() {
            self.text.push(if i == 0 { '{' } else { ',' });
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.text, "{name}=\"{value}\"");
        }
        if !labels.is_empty() || le.is_some() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut out = Exposition::default();
        out.family("f_total", Kind::Counter, "two\nlines");
        out.sample(&[("a", "say \"hi\"\\\n"), ("b", "")], 2.0);
        out.one("g_bytes", Kind::Gauge, "g", 1.5);
        assert_eq!(
            out.finish(),
            "# HELP f_total two\\nlines\n# TYPE f_total counter\nf_total{a=\"say \\\"hi\\\"\\\\\\n\",b=\"\"} 2\n\
             # HELP g_bytes g\n# TYPE g_bytes gauge\ng_bytes 1.5\n"
        );
    }
}
