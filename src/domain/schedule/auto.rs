//! The schedule that a studio begins with: 기획 1주, 촬영 1일, 편집 2주.

use serde::Deserialize;

use super::{Phase, PhaseName, holidays};
use crate::base::day::Day;
use crate::base::error::{Error, Result};
use crate::base::locale::Text;

/// How the phases are laid.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "start": "2026-12-01", "skip_weekends": true, "skip_holidays": true, "preview": true }))]
pub struct AutoSchedule {
    /// The first day. If it is skipped, the next one that is not.
    pub start: Day,
    /// No work on Saturdays and Sundays: a week has five days then.
    #[serde(default)]
    pub skip_weekends: bool,
    /// No work on Korean public holidays, as far as they are known (`GET /holidays` tells the range).
    #[serde(default)]
    pub skip_holidays: bool,
    /// Only shows how it would be.
    #[serde(default)]
    pub preview: bool,
}

/// Days of each phase in a week of seven days, and in a week of five.
///
/// 기획 is one week, its smaller half for the storyboard. 편집 is two: the edit and the post work share the first ten of
/// fourteen days (seven of ten) as three to two, then a day to look at it together, two (one) for the client's word, and
/// the last one for the delivery.
const DAYS: [(PhaseName, i64, i64); 8] = [
    (PhaseName::BasicPlan, 4, 3),
    (PhaseName::StoryBoard, 3, 2),
    (PhaseName::Filming, 1, 1),
    (PhaseName::VideoEdit, 6, 4),
    (PhaseName::PostWork, 4, 3),
    (PhaseName::VideoPreview, 1, 1),
    (PhaseName::Confirmation, 2, 1),
    (PhaseName::VideoDelivery, 1, 1),
];

impl AutoSchedule {
    fn is_free(&self, day: Day) -> bool {
        (self.skip_weekends && day.is_weekend()) || (self.skip_holidays && holidays::is_holiday(day))
    }

    /// Sets the days and the chain of all phases; what else is known of them stays.
    pub(super) fn apply(&self, phases: &mut [Phase]) -> Result<()> {
        let mut days = self.start.through(Day::MAX).filter(|day| !self.is_free(*day));
        let beyond = || Error::invalid("start", Text::new("invalid.day_beyond").with("max", Day::MAX));
        for (name, of_seven, of_five) in DAYS {
            let count = if self.skip_weekends { of_five } else { of_seven };
            let start = days.next().ok_or_else(beyond)?;
            let end = match count {
                1 => start,
                n => days.nth(n as usize - 2).ok_or_else(beyond)?,
            };
            let phase = &mut phases[name as usize];
            (phase.start, phase.end, phase.after) = (Some(start), Some(end), name.previous());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::schedule::complete;

    fn laid(start: &str, skip_weekends: bool, skip_holidays: bool) -> Vec<(String, String)> {
        let auto = AutoSchedule { start: start.parse().unwrap(), skip_weekends, skip_holidays, preview: false };
        let mut phases = complete(Vec::new());
        auto.apply(&mut phases).unwrap();
        phases.iter().map(|p| (p.start.unwrap().to_string(), p.end.unwrap().to_string())).collect()
    }

    #[test]
    fn a_week_of_planning_a_day_of_filming_two_weeks_of_editing() {
        let days = laid("2026-11-30", false, false);
        let days: Vec<(&str, &str)> = days.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(days[0], ("2026-11-30", "2026-12-03"));
        assert_eq!(days[1], ("2026-12-04", "2026-12-06"));
        assert_eq!(days[2], ("2026-12-07", "2026-12-07"));
        assert_eq!(days[3].0, "2026-12-08");
        assert_eq!(days[7], ("2026-12-21", "2026-12-21"));
    }

    #[test]
    fn without_weekends_a_week_has_five_days() {
        // A Saturday: the work begins on Monday.
        let days = laid("2026-11-28", true, false);
        assert_eq!((days[0].0.as_str(), days[1].1.as_str()), ("2026-11-30", "2026-12-04"));
        assert_eq!(days[2], ("2026-12-07".into(), "2026-12-07".into()));
        assert_eq!((days[3].0.as_str(), days[7].1.as_str()), ("2026-12-08", "2026-12-21"));
    }

    #[test]
    fn chuseok_is_stepped_over() {
        // 2026-09-24 (Thursday) to 26: the filming day is the Monday behind.
        let days = laid("2026-09-17", true, true);
        assert_eq!((days[0].0.as_str(), days[1].1.as_str()), ("2026-09-17", "2026-09-23"));
        assert_eq!(days[2].0, "2026-09-28");
        // 개천절 is a Saturday, so that Monday is free as well; 한글날 follows on Friday.
        assert_eq!(days[3], ("2026-09-29".into(), "2026-10-02".into()));
        assert_eq!(days[4], ("2026-10-06".into(), "2026-10-08".into()));
        assert_eq!(days[5].0, "2026-10-12");
    }

    #[test]
    fn the_last_day_is_not_passed() {
        let auto = AutoSchedule {
            start: Day::MAX.plus(-5).unwrap(),
            skip_weekends: false,
            skip_holidays: false,
            preview: true,
        };
        assert!(auto.apply(&mut complete(Vec::new())).is_err());
    }
}
