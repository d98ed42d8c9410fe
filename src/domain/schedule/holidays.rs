//! Korean public holidays: the days of `holidays.tsv`, and the substitute holidays that follow from them by law.
//!
//! Substitutes as in the decree 관공서의 공휴일에 관한 규정, Article 3: a holiday that falls on a Saturday or Sunday (설날 and 추석: on
//! a Sunday), or on a weekday with another holiday, is made good on the first day behind it that is none; two that would
//! be made good on one day take two, and one on a Saturday is moved on.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;

use crate::base::day::Day;

const DATA: &str = include_str!("holidays.tsv");
/// Years that the data holds.
const YEARS: (i16, i16) = (2024, 2032);
/// Where the data comes from and what it does not hold, for those who read it.
const SOURCE: &str = "관공서의 공휴일에 관한 규정 (lunisolar days computed for UTC+9). Election days, temporary holidays and days \
     that became holidays by laws after 2025 are not included.";

/// A public holiday.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Holiday {
    /// When.
    pub day: Day,
    /// Its name.
    #[schema(example = "추석")]
    pub name: String,
    /// Its name in English.
    #[schema(example = "Chuseok")]
    pub name_en: String,
    /// Does it make good for another one?
    pub substitute: bool,
}

/// Holidays, and what is known of them.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Holidays {
    /// In the order of days.
    pub holidays: Vec<Holiday>,
    /// Where they come from, and what is not among them.
    #[schema(example = "관공서의 공휴일에 관한 규정 (…)")]
    pub source: &'static str,
    /// Between which days they are known.
    pub range: Known,
}

/// The days between which holidays are known.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
pub struct Known {
    /// The first.
    pub from: Day,
    /// The last.
    pub to: Day,
}

/// When a holiday is made good.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    Never,
    OnWeekends,
    OnSundays,
}

static ALL: LazyLock<BTreeMap<Day, Vec<Holiday>>> = LazyLock::new(|| {
    let mut named = named();
    for (day, holiday) in substitutes(&named) {
        named.entry(day).or_default().push((Rule::Never, holiday));
    }
    named.into_iter().map(|(day, all)| (day, all.into_iter().map(|(_, h)| h).collect())).collect()
});

type Named = BTreeMap<Day, Vec<(Rule, Holiday)>>;

/// The days of the file. A line that cannot be read ends the test below, and is passed over here.
fn named() -> Named {
    let mut all = Named::new();
    for line in DATA.lines().filter(|l| !l.starts_with('#')) {
        let mut columns = line.split('\t');
        let (Some(when), Some(rule)) = (columns.next(), columns.next()) else { continue };
        let (Some(name), Some(name_en)) = (columns.next(), columns.next()) else { continue };
        let rule = match rule {
            "W" => Rule::OnWeekends,
            "S" => Rule::OnSundays,
            _ => Rule::Never,
        };
        let each: Vec<Day> = match when.len() {
            5 => (YEARS.0..=YEARS.1).filter_map(|year| format!("{year}-{when}").parse().ok()).collect(),
            _ => when.parse().into_iter().collect(),
        };
        for day in each {
            let holiday = Holiday { day, name: name.into(), name_en: name_en.into(), substitute: false };
            all.entry(day).or_default().push((rule, holiday));
        }
    }
    all
}

fn substitutes(named: &Named) -> BTreeMap<Day, Holiday> {
    use jiff::civil::Weekday;
    let mut made = BTreeMap::new();
    for (day, all) in named {
        let sunday = day.weekday() == Weekday::Sunday;
        let meets = !day.is_weekend() && all.len() > 1;
        let due = |rule: Rule| match rule {
            Rule::Never => false,
            Rule::OnWeekends => day.is_weekend() || meets,
            Rule::OnSundays => sunday || meets,
        };
        let Some((_, lost)) = all.iter().find(|(rule, _)| due(*rule)) else { continue };
        let taken = |d: &Day| d.is_weekend() || named.contains_key(d) || made.contains_key(d);
        let next = std::iter::successors(day.plus(1), |d| d.plus(1)).find(|d| !taken(d));
        if let Some(next) = next {
            let name = format!("대체공휴일({})", lost.name.trim_end_matches(" 연휴"));
            let name_en = format!("Substitute holiday ({})", lost.name_en.trim_end_matches(" holiday"));
            made.insert(next, Holiday { day: next, name, name_en, substitute: true });
        }
    }
    made
}

/// Is it one?
pub fn is_holiday(day: Day) -> bool {
    ALL.contains_key(&day)
}

/// Those of these days, both included.
pub fn between(from: Day, to: Day) -> Vec<Holiday> {
    if from > to { Vec::new() } else { ALL.range(from..=to).flat_map(|(_, all)| all).cloned().collect() }
}

/// The same, with what is known of them.
pub fn list(from: Day, to: Day) -> Holidays {
    let known = |year, month, day| Day::new(year, month, day).unwrap_or(Day::MIN);
    let range = Known { from: known(YEARS.0, 1, 1), to: known(YEARS.1, 12, 31) };
    Holidays { holidays: between(from, to), source: SOURCE, range }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(year: i16, substitute: bool) -> Vec<String> {
        let days = between(Day::new(year, 1, 1).unwrap(), Day::new(year, 12, 31).unwrap());
        days.into_iter().filter(|h| h.substitute == substitute).map(|h| h.day.to_string()[5..].to_owned()).collect()
    }

    #[test]
    fn each_year_has_its_fifteen_named_days() {
        let lines = DATA.lines().filter(|l| !l.starts_with('#'));
        assert!(lines.clone().all(|l| l.split('\t').count() == 4), "every line has four columns");
        assert_eq!(lines.count(), 8 + 7 * usize::from((YEARS.1 - YEARS.0 + 1) as u16));
        for year in YEARS.0..=YEARS.1 {
            assert_eq!(of(year, false).len(), 15, "{year}");
        }
        assert_eq!(
            of(2026, false).join(" "),
            "01-01 02-16 02-17 02-18 03-01 05-05 05-24 06-06 08-15 09-24 09-25 09-26 10-03 10-09 12-25"
        );
        assert_eq!((of(2023, false).len(), of(2033, false).len()), (0, 0));
    }

    #[test]
    fn what_falls_on_another_free_day_is_made_good_as_the_government_announced_it() {
        for (year, days) in [
            (2024, "02-12 05-06"),
            (2025, "03-03 05-06 10-08"),
            (2026, "03-02 05-25 08-17 10-05"),
            (2027, "02-09 08-16 10-04 10-11 12-27"),
            // 개천절 lies within 추석.
            (2028, "10-05"),
            (2029, "05-07 05-21 09-24"),
        ] {
            assert_eq!(of(year, true).join(" "), days, "{year}");
        }
        let name = |day: &str| between(day.parse().unwrap(), day.parse().unwrap())[0].name.clone();
        assert_eq!((name("2025-10-08"), name("2026-08-17")), ("대체공휴일(추석)".into(), "대체공휴일(광복절)".into()));
        assert!(is_holiday("2026-10-05".parse().unwrap()) && !is_holiday("2026-10-06".parse().unwrap()));
    }
}
