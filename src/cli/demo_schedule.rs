//! The schedules of the demo's projects, laid round the present day: one is in review, one is about to be filmed by
//! somebody who is needed elsewhere on that day.

use crate::base::clock::{HOUR, Time};
use crate::base::day::Day;
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::domain::accounts::Person;
use crate::domain::schedule::entries::{self, EntryKind, NewEntry};
use crate::domain::schedule::{self, Look, PhaseName, PhaseSet, PhaseState, SchedulePut, memos};
use crate::engines::store::Tx;

/// Days of a phase from now, its progress, and who does it by his place among the people. A day that nobody has set is `None`.
type Laid = (Option<i64>, Option<i64>, i64, Option<usize>);

const fn laid(from: i64, to: i64, progress: i64, who: usize) -> Laid {
    (Some(from), Some(to), progress, Some(who))
}

const NONE: Laid = (None, None, 0, None);

/// The eight phases of each project, in the order of the demo's projects.
const PHASES: [[Laid; 8]; 6] = [
    [
        laid(-30, -27, 100, 0),
        laid(-26, -24, 100, 2),
        laid(-21, -21, 100, 1),
        laid(-20, -13, 100, 1),
        laid(-12, -4, 100, 2),
        laid(-3, 1, 60, 0),
        laid(2, 3, 0, 0),
        laid(4, 5, 0, 0),
    ],
    [
        laid(-25, -20, 100, 1),
        laid(-19, -15, 100, 1),
        laid(3, 5, 0, 1),
        laid(6, 18, 0, 1),
        laid(19, 25, 0, 2),
        laid(27, 28, 0, 1),
        laid(30, 31, 0, 0),
        laid(33, 34, 0, 0),
    ],
    [
        laid(-20, -17, 100, 2),
        laid(-16, -13, 100, 2),
        laid(-9, -8, 100, 1),
        laid(-7, 2, 70, 2),
        laid(3, 6, 0, 2),
        laid(8, 8, 0, 2),
        laid(9, 10, 0, 0),
        laid(12, 12, 0, 0),
    ],
    [
        laid(-2, 4, 40, 3),
        laid(5, 10, 0, 2),
        laid(20, 21, 0, 3),
        laid(22, 36, 0, 1),
        laid(37, 48, 0, 1),
        NONE,
        NONE,
        (None, Some(60), 0, None),
    ],
    [(Some(-10), None, 20, Some(4)), NONE, NONE, NONE, NONE, NONE, NONE, NONE],
    [
        laid(-60, -55, 100, 5),
        laid(-54, -50, 100, 5),
        laid(-48, -47, 100, 1),
        laid(-46, -30, 100, 1),
        laid(-29, -15, 100, 2),
        laid(-12, -10, 100, 5),
        laid(-7, -6, 100, 5),
        laid(-4, -3, 100, 0),
    ],
];

struct DemoEntry {
    /// Place of its project; `None`: a personal one.
    project: Option<usize>,
    kind: EntryKind,
    title: &'static str,
    place: &'static str,
    /// Days from now.
    day: i64,
    /// Hour of the day in Seoul, and how many; `None`: the whole day.
    hours: Option<(i64, i64)>,
    /// The first of them adds it.
    people: &'static [usize],
}

const ENTRIES: [DemoEntry; 6] = [
    DemoEntry {
        project: Some(0),
        kind: EntryKind::Meeting,
        title: "최종 시사 회의",
        place: "3층 시사실",
        day: 1,
        hours: Some((10, 1)),
        people: &[0, 2, 5],
    },
    DemoEntry {
        project: Some(1),
        kind: EntryKind::Deadline,
        title: "인터뷰 자막 원고 마감",
        place: "",
        day: 9,
        hours: None,
        people: &[1],
    },
    DemoEntry {
        project: Some(2),
        kind: EntryKind::Review,
        title: "릴스 2편 1차 검토",
        place: "",
        day: 1,
        hours: Some((14, 2)),
        people: &[2, 0],
    },
    DemoEntry {
        project: Some(3),
        kind: EntryKind::Milestone,
        title: "콘티 확정",
        place: "",
        day: 10,
        hours: None,
        people: &[2],
    },
    // 남기훈 films the documentary on that day.
    DemoEntry {
        project: Some(3),
        kind: EntryKind::Filming,
        title: "드론 사전 촬영",
        place: "강변모터스 차고지",
        day: 4,
        hours: Some((9, 6)),
        people: &[1],
    },
    DemoEntry {
        project: None,
        kind: EntryKind::Personal,
        title: "치과 예약",
        place: "",
        day: 2,
        hours: Some((18, 1)),
        people: &[0],
    },
];

/// Lays the schedules of the demo's projects.
pub(super) fn plant(tx: &mut Tx, people: &[Person], projects: &[ProjectId], zone: &jiff::tz::TimeZone) -> Result<()> {
    let today = Day::of(tx.now(), zone);
    let look = Look { user: people[0].id, today };
    let day = |days: i64| today.plus(days).unwrap_or(today);
    for (project, phases) in projects.iter().zip(PHASES) {
        let set = |(name, (from, to, progress, who)): (&PhaseName, Laid)| PhaseSet {
            phase: *name,
            start: from.map(day),
            end: to.map(day),
            state: match progress {
                0 => PhaseState::Planned,
                100 => PhaseState::Done,
                _ => PhaseState::InProgress,
            },
            progress: Some(progress),
            assignee_id: who.map(|i| people[i].id),
            after: name.previous(),
            note: String::new(),
        };
        let put = SchedulePut { phases: PhaseName::ALL.iter().zip(phases).map(set).collect() };
        schedule::plant(tx, look, *project, put)?;
    }
    for e in &ENTRIES {
        // Midnight in Seoul is nine hours before that of UTC.
        let at = |hour: i64| Time(day(e.day).midnight().0 + (hour - 9) * HOUR);
        let (start, end) = match e.hours {
            Some((hour, hours)) => (at(hour), at(hour + hours)),
            None => (day(e.day).midnight(), day(e.day).midnight()),
        };
        let author = &people[e.people[0]];
        let new = NewEntry {
            project_id: e.project.map(|i| projects[i]),
            kind: e.kind,
            title: e.title.into(),
            note: String::new(),
            place: e.place.into(),
            all_day: e.hours.is_none(),
            start,
            end: Some(end),
            people: e.people.iter().map(|i| people[*i].id).collect(),
        };
        entries::insert(tx, Look { user: author.id, today }, author, zone, new)?;
    }
    let spare = day(11);
    let rain = format!("우천 시 실내 스튜디오로 변경 (예비일 {}월 {}일)", spare.month(), spare.day());
    memos::set(tx, people[0].id, projects[1], day(3), &rain)?;
    let order = "후반 작업: 사운드 믹싱 → 색보정 → 자막 검수 순서로 진행";
    memos::set(tx, people[0].id, projects[2], day(3), order)?;
    Ok(())
}
