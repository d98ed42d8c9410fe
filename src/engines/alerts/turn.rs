//! From quiet to firing and back, and what is told of it.
//!
//! Two questions are kept apart. Is it so? A measure has to be bad for its time before a rule fires, and within its
//! threshold by a margin for [`CALM`] before it is over, so that a number at the edge does not flap. Do the receivers know?
//! They are told when what they know differs from what is so, and only when they may be told: not in silence, and of
//! a new time not within the rule's cool-down. So what began and ended in silence is told to nobody, what still goes on
//! after it is told then, and each telling has its counterpart.

use super::{Direction, Set};
use crate::base::clock::{SECOND, Time};
use crate::closed_set;

/// It is over when it has been well for so long.
pub const CALM: i64 = 30 * SECOND;
/// A reading has to be better than the threshold by this part of it before it counts as well.
const MARGIN: f64 = 0.05;

closed_set! {
    /// Where a rule stands.
    Phase {
        /// All is well.
        Inactive = "inactive",
        /// It is bad, not yet for long enough.
        Pending = "pending",
        /// It is bad.
        Firing = "firing",
    }
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// A number in the rule's unit.
    Value(f64),
    /// There is nothing to judge: too few requests, no disk tier.
    Nothing,
    /// It could not be measured this time: all stays as it is.
    Unknown,
}

impl Reading {
    /// The number, if there is one.
    pub fn value(self) -> Option<f64> {
        match self {
            Reading::Value(v) => Some(v),
            Reading::Nothing | Reading::Unknown => None,
        }
    }
}

/// Where a rule stands, as it is kept over restarts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// Where it stands.
    pub phase: Phase,
    /// When it began to be bad; of an inactive rule, when it was over.
    pub since: Time,
    /// Since when it is well again while it fires.
    pub calm: Option<Time>,
    /// What the receivers were told last: does it fire?
    pub known: bool,
    /// When they were last told that it fires.
    pub told: Option<Time>,
}

impl State {
    /// All is well, and nobody was told anything.
    pub fn new(at: Time) -> State {
        State { phase: Phase::Inactive, since: at, calm: None, known: false, told: None }
    }

    /// After a pause in which nobody looked: what was about to happen begins anew, what fires goes on.
    pub fn after_pause(mut self, at: Time) -> State {
        if self.phase == Phase::Pending {
            self.since = at;
        }
        self.calm = None;
        self
    }
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It fires from now on.
    Fired,
    /// It is over.
    Cleared,
}

closed_set! {
    /// What receivers are told.
    Tell {
        /// It fires.
        Fired = "fired",
        /// It still does.
        Reminder = "reminder",
        /// It is over.
        Resolved = "resolved",
        /// Somebody tries the receiver.
        Test = "test",
    }
}

/// How they may be told.
#[derive(Clone, Copy, Debug)]
pub struct Voice {
    /// Nothing may be told now.
    pub silent: bool,
    /// Somebody knows of it and looks after it: nothing more but its end.
    pub acknowledged: bool,
    /// So long after the last telling it is told again, in milliseconds; 0: never.
    pub remind_ms: i64,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Where it stands now.
    pub state: State,
    /// What has changed.
    pub turn: Option<Turn>,
    /// What is to be told.
    pub tell: Option<Tell>,
}

/// On which side of its threshold a reading lies.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Beyond,
    /// Between the threshold and its margin: it neither begins nor ends anything.
    Near,
    Within,
}

fn place(set: &Set, value: f64) -> Place {
    let (over, margin) = match set.rule.definition().direction {
        Direction::Above => (value - set.threshold, set.threshold.abs() * MARGIN),
        Direction::Below => (set.threshold - value, set.threshold.abs() * MARGIN),
    };
    match over {
        _ if over > 0.0 => Place::Beyond,
        _ if -over >= margin => Place::Within,
        _ => Place::Near,
    }
}

#[cfg(test)]
pub(super) fn is_within(set: &Set, value: f64) -> bool {
    place(set, value) == Place::Within
}

/// Goes on from `was` with what was measured at `at`.
pub fn step(was: &State, set: &Set, reading: Reading, at: Time, voice: Voice) -> Step {
    let mut s = *was;
    // The clock was set back: nothing lies in the future.
    s.since = s.since.min(at);
    s.calm = s.calm.map(|t| t.min(at));
    s.told = s.told.map(|t| t.min(at));
    let reading = if set.enabled { reading } else { Reading::Nothing };
    let place = match reading {
        Reading::Unknown => None,
        Reading::Nothing => Some(Place::Within),
        Reading::Value(value) => Some(place(set, value)),
    };
    let mut turn = None;
    if let Some(place) = place {
        match (s.phase, place) {
            (Phase::Inactive, Place::Beyond) => (s.phase, s.since) = (Phase::Pending, at),
            (Phase::Pending, Place::Near | Place::Within) => (s.phase, s.since) = (Phase::Inactive, at),
            (Phase::Firing, Place::Beyond | Place::Near) => s.calm = None,
            (Phase::Firing, Place::Within) => s.calm = s.calm.or(Some(at)),
            (Phase::Inactive | Phase::Pending, _) => {}
        }
        if s.phase == Phase::Pending && at.0 - s.since.0 >= set.for_ms() {
            s.phase = Phase::Firing;
            turn = Some(Turn::Fired);
        }
        // A rule that is turned off has nothing to wait for.
        let calm = s.calm.is_some_and(|since| at.0 - since.0 >= CALM || !set.enabled);
        if s.phase == Phase::Firing && calm {
            (s.phase, s.since, s.calm) = (Phase::Inactive, at, None);
            turn = Some(Turn::Cleared);
        }
    }
    let tell = tell(&s, set, at, voice);
    match tell {
        Some(Tell::Fired | Tell::Reminder) => (s.known, s.told) = (true, Some(at)),
        Some(Tell::Resolved) => s.known = false,
        Some(Tell::Test) | None => {}
    }
    Step { state: s, turn, tell }
}

fn tell(s: &State, set: &Set, at: Time, voice: Voice) -> Option<Tell> {
    let passed = |ms: i64| s.told.is_none_or(|told| at.0 - told.0 >= ms);
    match (s.phase == Phase::Firing, s.known) {
        _ if voice.silent => None,
        (true, false) => (!voice.acknowledged && passed(set.cool_down_ms())).then_some(Tell::Fired),
        (true, true) => {
            (!voice.acknowledged && voice.remind_ms > 0 && passed(voice.remind_ms)).then_some(Tell::Reminder)
        }
        (false, true) => Some(Tell::Resolved),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Rule, Severity};
    use super::*;
    use crate::base::clock::{HOUR, MINUTE};

    const LOUD: Voice = Voice { silent: false, acknowledged: false, remind_ms: 4 * HOUR };
    const BAD: Reading = Reading::Value(300.0);
    const NEAR: Reading = Reading::Value(195.0);
    const GOOD: Reading = Reading::Value(100.0);

    fn set() -> Set {
        Set { threshold: 200.0, for_s: 60, cool_down_s: 600, severity: Severity::Warning, ..Set::of(Rule::P95) }
    }

    /// A rule that is looked at, with a hand on the clock.
    struct Watched {
        state: State,
        set: Set,
        voice: Voice,
        at: Time,
    }

    impl Watched {
        fn new(set: Set) -> Watched {
            let at = Time(1_000_000);
            Watched { state: State::new(at), set, voice: LOUD, at }
        }

        fn look(&mut self, reading: Reading) -> (Option<Turn>, Option<Tell>) {
            let step = step(&self.state, &self.set, reading, self.at, self.voice);
            self.state = step.state;
            (step.turn, step.tell)
        }

        /// Looks every ten seconds for so long; what happened, in order.
        fn pass(&mut self, ms: i64, reading: Reading) -> Vec<(Option<Turn>, Option<Tell>)> {
            let end = self.at.plus(ms);
            let mut seen = Vec::new();
            while self.at < end {
                self.at = self.at.plus(10 * SECOND);
                seen.push(self.look(reading));
            }
            seen.retain(|s| *s != (None, None));
            seen
        }

        fn fire(&mut self) {
            self.pass(70 * SECOND, BAD);
            assert_eq!(self.state.phase, Phase::Firing);
        }
    }

    const FIRED: (Option<Turn>, Option<Tell>) = (Some(Turn::Fired), Some(Tell::Fired));
    const CLEARED: (Option<Turn>, Option<Tell>) = (Some(Turn::Cleared), Some(Tell::Resolved));

    #[test]
    fn it_fires_after_its_time_and_clears_after_a_calm() {
        let mut w = Watched::new(set());
        assert_eq!(w.look(BAD), (None, None));
        assert_eq!(w.state.phase, Phase::Pending);
        assert_eq!(w.pass(50 * SECOND, BAD), []);
        assert_eq!(w.pass(10 * SECOND, BAD), [FIRED]);
        assert_eq!(w.pass(HOUR, BAD), []);
        assert_eq!(w.look(GOOD), (None, None));
        assert_eq!(w.pass(CALM - 10 * SECOND, GOOD), []);
        assert_eq!(w.pass(10 * SECOND, GOOD), [CLEARED]);
        assert_eq!(w.pass(HOUR, GOOD), []);
    }

    #[test]
    fn without_a_time_it_fires_at_once() {
        let mut w = Watched::new(Set { for_s: 0, ..set() });
        assert_eq!(w.look(BAD), FIRED);
    }

    #[test]
    fn one_good_reading_begins_the_time_anew() {
        let mut w = Watched::new(set());
        for _ in 0..50 {
            assert_eq!(w.pass(50 * SECOND, BAD), []);
            assert_eq!(w.pass(10 * SECOND, GOOD), []);
        }
        assert_eq!(w.state.told, None);
    }

    #[test]
    fn near_the_threshold_nothing_begins_and_nothing_ends() {
        let mut w = Watched::new(set());
        assert_eq!(w.pass(HOUR, NEAR), []);
        w.fire();
        assert_eq!(w.pass(HOUR, NEAR), []);
        // And a calm that was under way begins anew.
        w.pass(20 * SECOND, GOOD);
        w.pass(10 * SECOND, NEAR);
        assert_eq!(w.pass(20 * SECOND, GOOD), []);
        assert_eq!(w.pass(20 * SECOND, GOOD), [CLEARED]);
    }

    #[test]
    fn too_little_is_bad_where_it_is() {
        let mut w = Watched::new(Set { threshold: 60.0, for_s: 0, ..Set::of(Rule::CacheHits) });
        assert_eq!(w.look(Reading::Value(60.0)), (None, None));
        assert_eq!(w.look(Reading::Value(59.9)), FIRED);
        assert_eq!(w.pass(HOUR, Reading::Value(62.0)), []);
        assert_eq!(w.pass(HOUR, Reading::Value(63.0)), [CLEARED]);
    }

    #[test]
    fn nothing_to_judge_is_well_and_what_is_not_known_changes_nothing() {
        let mut w = Watched::new(set());
        w.pass(50 * SECOND, BAD);
        assert_eq!(w.look(Reading::Unknown), (None, None));
        assert_eq!(w.state.phase, Phase::Pending);
        w.look(Reading::Nothing);
        assert_eq!(w.state.phase, Phase::Inactive);
        w.fire();
        assert_eq!(w.pass(HOUR, Reading::Unknown), []);
        assert_eq!(w.pass(HOUR, Reading::Nothing), [CLEARED]);
    }

    #[test]
    fn within_the_cool_down_a_new_time_is_told_late_or_never() {
        let mut w = Watched::new(set());
        w.fire();
        let told = w.state.told.unwrap();
        assert_eq!(w.pass(40 * SECOND, GOOD), [CLEARED]);
        // Short: never told, neither its beginning nor its end.
        assert_eq!(w.pass(70 * SECOND, BAD), [(Some(Turn::Fired), None)]);
        assert_eq!(w.pass(40 * SECOND, GOOD), [(Some(Turn::Cleared), None)]);
        // Long: told when the cool-down has passed.
        let seen = w.pass(10 * MINUTE, BAD);
        assert_eq!(seen, [(Some(Turn::Fired), None), (None, Some(Tell::Fired))]);
        assert_eq!(w.state.told.unwrap().0 - told.0, 600 * SECOND);
    }

    #[test]
    fn silence_is_made_up_for_by_what_still_goes_on() {
        let silent = Voice { silent: true, ..LOUD };
        let mut w = Watched::new(set());
        w.voice = silent;
        assert_eq!(w.pass(70 * SECOND, BAD), [(Some(Turn::Fired), None)]);
        w.voice = LOUD;
        assert_eq!(w.pass(10 * SECOND, BAD), [(None, Some(Tell::Fired))]);
        // The end in silence is told after it.
        w.voice = silent;
        assert_eq!(w.pass(HOUR, GOOD), [(Some(Turn::Cleared), None)]);
        w.voice = LOUD;
        assert_eq!(w.pass(HOUR, GOOD), [(None, Some(Tell::Resolved))]);
        // What began and ended in it is not.
        w.voice = silent;
        w.fire();
        w.pass(HOUR, GOOD);
        w.voice = LOUD;
        assert_eq!(w.pass(HOUR, GOOD), []);
        // What ended and began again in it goes on for those who were told before.
        w.fire();
        w.voice = silent;
        w.pass(HOUR, GOOD);
        w.fire();
        w.voice = LOUD;
        assert_eq!(w.pass(10 * SECOND, BAD), []);
        assert_eq!(w.pass(HOUR, GOOD), [CLEARED]);
    }

    #[test]
    fn it_reminds_until_somebody_looks_after_it() {
        let mut w = Watched::new(set());
        w.fire();
        let seen = w.pass(9 * HOUR, BAD);
        assert_eq!(seen, [(None, Some(Tell::Reminder)), (None, Some(Tell::Reminder))]);
        w.voice = Voice { acknowledged: true, ..LOUD };
        assert_eq!(w.pass(20 * HOUR, BAD), []);
        assert_eq!(w.pass(HOUR, GOOD), [CLEARED], "its end is told all the same");
        w.voice = Voice { remind_ms: 0, ..LOUD };
        w.pass(HOUR, GOOD);
        w.fire();
        assert_eq!(w.pass(100 * HOUR, BAD), []);
    }

    #[test]
    fn a_rule_that_is_turned_off_ends_at_once() {
        let mut w = Watched::new(set());
        w.fire();
        w.set.enabled = false;
        assert_eq!(w.pass(10 * SECOND, BAD), [CLEARED]);
        assert_eq!(w.pass(HOUR, BAD), []);
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing_up() {
        let mut w = Watched::new(set());
        w.fire();
        w.pass(40 * SECOND, GOOD);
        w.at = w.at.plus(-100 * HOUR);
        w.look(GOOD);
        let seen = w.pass(11 * MINUTE, BAD);
        assert_eq!(seen, [(Some(Turn::Fired), None), (None, Some(Tell::Fired))]);
    }

    #[test]
    fn after_a_pause_only_what_fires_goes_on() {
        let mut w = Watched::new(set());
        w.pass(50 * SECOND, BAD);
        w.at = w.at.plus(HOUR);
        w.state = w.state.after_pause(w.at);
        assert_eq!(w.look(BAD), (None, None));
        w.fire();
        w.look(GOOD);
        w.at = w.at.plus(HOUR);
        w.state = w.state.after_pause(w.at);
        assert_eq!(w.look(GOOD), (None, None), "the calm begins anew");
        assert_eq!(w.pass(CALM, GOOD), [CLEARED]);
    }

    /// Whatever is measured, and however they may be told.
    #[test]
    fn tellings_alternate_keep_the_cool_down_and_are_never_loud_in_silence() {
        let mut dice = crate::base::dice::Dice::new(41);
        for round in 0..300 {
            let mut w = Watched::new(Set { for_s: 10 * (round % 7), cool_down_s: 60 * (1 + round % 11), ..set() });
            let (mut known, mut last) = (false, None::<Time>);
            let mut bad_since = None::<Time>;
            let mut fires = false;
            let mut mood = 0;
            for _ in 0..2_000 {
                w.at = w.at.plus(10 * SECOND);
                if dice.roll(12) == 0 {
                    mood = dice.roll(5);
                }
                let reading = [GOOD, BAD, NEAR, Reading::Nothing, Reading::Unknown][mood];
                w.voice.silent = dice.roll(40) < 8;
                w.voice.acknowledged = fires && dice.roll(10) == 0;
                match reading {
                    BAD => bad_since = bad_since.or(Some(w.at)),
                    Reading::Unknown => {}
                    _ => bad_since = None,
                }
                let (turn, tell) = w.look(reading);
                match turn {
                    Some(Turn::Fired) => {
                        assert!(!fires && bad_since.is_some_and(|since| w.at.0 - since.0 >= w.set.for_ms()));
                        fires = true;
                    }
                    Some(Turn::Cleared) => {
                        assert!(fires && bad_since.is_none());
                        fires = false;
                    }
                    None => {}
                }
                assert_eq!(fires, w.state.phase == Phase::Firing);
                assert!(tell.is_none() || !w.voice.silent);
                match tell {
                    Some(Tell::Fired) => {
                        assert!(!known && fires && !w.voice.acknowledged);
                        assert!(last.is_none_or(|last| w.at.0 - last.0 >= w.set.cool_down_ms()));
                        (known, last) = (true, Some(w.at));
                    }
                    Some(Tell::Reminder) => {
                        assert!(known && fires && last.is_some_and(|last| w.at.0 - last.0 >= w.voice.remind_ms));
                        last = Some(w.at);
                    }
                    Some(Tell::Resolved) => {
                        assert!(known && !fires);
                        known = false;
                    }
                    Some(Tell::Test) => panic!("nobody asked for a test"),
                    None => {}
                }
            }
        }
    }
}
