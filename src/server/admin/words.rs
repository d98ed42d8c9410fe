//! How the dashboard writes sizes, times and rates.

use crate::base::locale;
use crate::server::web::Frame;

/// 1.4 GB: decimal units, as disks are labelled.
pub(super) fn size(bytes: impl TryInto<u64>) -> String {
    let bytes: u64 = bytes.try_into().unwrap_or(0);
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 999.5 && unit < UNITS.len() - 1 {
        value /= 1000.0;
        unit += 1;
    }
    if value < 9.95 && unit > 1 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// A request's time, given in microseconds: "340 µs", "1.2 ms", "34 ms", "1.2 s"; a dash for none.
pub(super) fn time(us: u64) -> String {
    match us {
        0 => "–".to_owned(),
        1..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{:.1} ms", us as f64 / 1e3),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}

/// A rate: one decimal below ten.
pub(super) fn rate(per_second: f64) -> String {
    if per_second < 9.95 { format!("{per_second:.1}") } else { format!("{per_second:.0}") }
}

/// A part as percent.
pub(super) fn percent(part: f64) -> String {
    let percent = part * 100.0;
    if percent == 0.0 {
        "0 %".to_owned()
    } else if percent < 0.1 {
        "<0.1 %".to_owned()
    } else if percent < 9.95 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

/// A length of time in its two largest units.
pub(super) fn lasting(f: &Frame, ms: i64) -> String {
    locale::lasting(f.lang, ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([size(0u64), size(999u64), size(1_400_000_000u64)], ["0 B", "999 B", "1.4 GB"]);
        assert_eq!([size(999_999u64), size(52_100_000_000i64)], ["1.0 MB", "52 GB"]);
        assert_eq!(
            [time(0), time(340), time(1_234), time(34_567), time(1_200_000)],
            ["–", "340 µs", "1.2 ms", "34 ms", "1.2 s"]
        );
        assert_eq!([rate(0.0), rate(9.94), rate(1234.4)], ["0.0", "9.9", "1234"]);
        assert_eq!([percent(0.0), percent(0.0004), percent(0.012), percent(0.5)], ["0 %", "<0.1 %", "1.2 %", "50 %"]);
    }
}
