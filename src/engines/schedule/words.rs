//! A cron expression in plain language, where there is a plain sentence for it.

use super::cron::Cron;
use crate::base::locale::{self, Lang, Text};

/// Times of day that a sentence may name before it is harder to read than the expression.
const TIMES: usize = 4;

/// "매일 03:10", "every Monday at 04:00"; the expression itself where a sentence would be longer than it.
pub fn describe(cron: &str, lang: Lang) -> String {
    let parsed = Cron::parse(cron).ok();
    parsed.and_then(|c| sentence(&c, lang)).unwrap_or_else(|| cron.trim().to_owned())
}

fn sentence(cron: &Cron, lang: Lang) -> Option<String> {
    let minutes: Vec<i64> = cron.minutes.values().collect();
    let hours: Vec<i64> = cron.hours.values().collect();
    let days: Vec<i64> = cron.days.values().collect();
    let months: Vec<i64> = cron.months.values().collect();
    let weekdays: Vec<i64> = cron.weekdays.values().collect();
    let every_date = days.len() == 31 && months.len() == 12 && weekdays.len() == 7;
    let say = |text: Text| Some(locale::say(lang, &text));
    if hours.len() == 24 {
        if !every_date {
            return None;
        }
        return match minutes[..] {
            [0] => say(Text::new("cron.hourly")),
            [m] => say(Text::new("cron.hourly_at").with("m", m)),
            _ if minutes.len() == 60 => say(Text::new("cron.minutely")),
            _ => say(Text::new("cron.minutes").with("n", step(&minutes, 60)?)),
        };
    }
    let [minute] = minutes[..] else { return None };
    if hours.len() > TIMES {
        let n = step(&hours, 24).filter(|_| every_date)?;
        return say(Text::new("cron.hours").with("n", n).with("m", minute));
    }
    let times: Vec<String> = hours.iter().map(|h| format!("{h:02}:{minute:02}")).collect();
    let on = |text: Text| say(text.with("at", times.join(", ")));
    let all_days = days.len() == 31 && cron.days.is_star();
    let all_weekdays = weekdays.len() == 7 && cron.weekdays.is_star();
    match (all_days, months.len() == 12, all_weekdays) {
        (true, true, true) => on(Text::new("cron.daily")),
        (true, true, false) => match weekdays[..] {
            [1, 2, 3, 4, 5] => on(Text::new("cron.workdays")),
            [0, 6] => on(Text::new("cron.weekend")),
            _ => {
                // The week begins on Monday.
                let mut days = weekdays.clone();
                days.sort_by_key(|d| (d + 6) % 7);
                let names = days.iter().map(|d| locale::get(lang, &format!("cron.day.{d}"))).collect();
                on(Text::new("cron.weekly").with("days", list(names, lang)))
            }
        },
        (false, true, true) => {
            let names = days.iter().map(|d| locale::say(lang, &Text::new("cron.date").with("d", d))).collect();
            on(Text::new("cron.monthly").with("days", list(names, lang)))
        }
        (false, false, true) => {
            let ([day], [month]) = (&days[..], &months[..]) else { return None };
            let month = locale::get(lang, &format!("cron.month.{month}"));
            on(Text::new("cron.yearly").with("month", month).with("d", day))
        }
        _ => None,
    }
}

/// The width of steps that begin at 0 and divide `of` evenly.
fn step(values: &[i64], of: i64) -> Option<i64> {
    let n = of / values.len() as i64;
    let even = n > 1 && values.len() as i64 * n == of && values.iter().zip(0..).all(|(v, i)| *v == i * n);
    even.then_some(n)
}

/// "A, B and C", as the language joins them.
fn list(names: Vec<String>, lang: Lang) -> String {
    match &names[..] {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => {
            let first = first.join(&locale::get(lang, "cron.join"));
            locale::say(lang, &Text::new("cron.and").with("first", first).with("last", last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_is_said_plainly() {
        for (cron, ko, en) in [
            ("10 3 * * *", "매일 03:10", "every day at 03:10"),
            ("5 * * * *", "매시 5분", "every hour at minute 5"),
            ("@hourly", "매시 정각", "every hour on the hour"),
            ("* * * * *", "매분", "every minute"),
            ("*/15 * * * *", "15분마다", "every 15 minutes"),
            ("20 */3 * * *", "3시간마다 20분", "every 3 hours at minute 20"),
            ("0 4 * * 1", "매주 월요일 04:00", "every Monday at 04:00"),
            (
                "0 4,16 * * sun,mon,wed",
                "매주 월요일, 수요일, 일요일 04:00, 16:00",
                "every Monday, Wednesday and Sunday at 04:00, 16:00",
            ),
            ("0 4 * * 1-5", "평일 04:00", "on weekdays at 04:00"),
            ("0 4 * * 0,6", "주말 04:00", "on weekends at 04:00"),
            ("0 0 1 * *", "매월 1일 00:00", "on day 1 of every month at 00:00"),
            ("0 0 1,15 * *", "매월 1일, 15일 00:00", "on day 1 and day 15 of every month at 00:00"),
            ("30 6 1 3 *", "매년 3월 1일 06:30", "every year on March 1 at 06:30"),
        ] {
            assert_eq!((describe(cron, Lang::Ko).as_str(), describe(cron, Lang::En).as_str()), (ko, en), "{cron}");
        }
    }

    #[test]
    fn what_is_odd_stays_as_it_is() {
        for cron in
            ["7,9 3 * * *", "*/7 * * * *", "0 9 13 * 1", "0 * * * 1", "0 0 1,2 1,2 *", "0 1-6 * * *", "nonsense"]
        {
            assert_eq!(describe(cron, Lang::Ko), cron);
        }
    }
}
