//! 구간: a moment or an interval as people write it, such as `05:30`, `1:02:03.5` or `00:10~00:25`.

/// (start, end) in milliseconds; `None` for what is neither.
pub fn parse(text: &str) -> Option<(i64, Option<i64>)> {
    let mut parts = text.split(['~', '-', '–', '—', '〜', '～']).map(str::trim);
    let start = moment(parts.next()?)?;
    let end = match parts.next() {
        Some(end) => Some(moment(end)?),
        None => None,
    };
    (parts.next().is_none() && end.is_none_or(|e| e >= start)).then_some((start, end))
}

/// `MM:SS`, `H:MM:SS`, each with an optional fraction of a second.
fn moment(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str, max: usize| !s.is_empty() && s.len() <= max && s.bytes().all(|b| b.is_ascii_digit());
    if text.contains('.') && !digits(fraction, 3) {
        return None;
    }
    let ms: i64 = if fraction.is_empty() { 0 } else { format!("{fraction:0<3}").parse().ok()? };
    let fields: Vec<&str> = clock.split(':').collect();
    if !(2..=3).contains(&fields.len()) || !fields.iter().all(|f| digits(f, 3)) {
        return None;
    }
    let mut seconds = 0;
    for (place, field) in fields.iter().enumerate() {
        let value: i64 = field.parse().ok()?;
        if place > 0 && value > 59 {
            return None;
        }
        seconds = seconds * 60 + value;
    }
    Some(seconds * 1000 + ms)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn moments_and_intervals_are_read_as_people_write_them() {
        for (text, wanted) in [
            ("05:30", Some((330_000, None))),
            ("00:10~00:25", Some((10_000, Some(25_000)))),
            ("00:42 – 00:48", Some((42_000, Some(48_000)))),
            ("1:02:03.5", Some((3_723_500, None))),
            ("120:00", Some((7_200_000, None))),
            ("00:25~00:10", None),
            ("00:75", None),
            ("오프닝", None),
            ("", None),
            ("1:2:3:4", None),
            ("00:10~00:25~00:30", None),
            ("00:10.", None),
        ] {
            assert_eq!(parse(text), wanted, "{text}");
        }
    }
}
