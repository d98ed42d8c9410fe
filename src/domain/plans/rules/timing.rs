//! How long shots stand: within the tempo's range, different from each other, and together exactly the target.

use crate::base::dice::Dice;
use crate::domain::plans::story::Tempo;

/// Shortest and longest shot that a plan holds, in milliseconds.
const SHORTEST: i64 = 500;
const LONGEST: i64 = 600_000;

/// The range within which `count` shots can make `total`: the tempo's own, or the tempo's scaled evenly to the mean.
pub fn range(tempo: Tempo, total: i64, count: i64) -> (i64, i64) {
    let (low, high) = tempo.range_ms();
    if count * low <= total && total <= count * high {
        return (low, high);
    }
    let mean = (total as f64 / count.max(1) as f64).clamp(SHORTEST as f64, LONGEST as f64);
    let scale = mean / ((low + high) as f64 / 2.0);
    let scaled = |ms: i64| ((ms as f64 * scale).round() as i64).clamp(SHORTEST, LONGEST);
    (scaled(low), scaled(high))
}

/// `count` durations that make `total`, in milliseconds. Where that cannot be (a mean below 500 or above 600,000), the
/// nearest that can.
pub fn spread(tempo: Tempo, total: i64, count: usize, dice: &mut Dice) -> Vec<i64> {
    if count == 0 {
        return Vec::new();
    }
    let n = count as i64;
    let total = total.clamp(n * SHORTEST, n * LONGEST);
    let (low, high) = range(tempo, total, n);
    let mean = total as f64 / count as f64;
    let mut offsets: Vec<f64> = (0..count).map(|_| dice.roll(2_001) as f64 / 1_000.0 - 1.0).collect();
    let middle = offsets.iter().sum::<f64>() / count as f64;
    offsets.iter_mut().for_each(|o| *o -= middle);
    let most = offsets.iter().copied().fold(f64::EPSILON, f64::max);
    let least = offsets.iter().copied().fold(-f64::EPSILON, f64::min);
    let scale = ((high as f64 - mean) / most).min((mean - low as f64) / -least).max(0.0) * 0.9;
    let step = if mean >= 2_000.0 { 100 } else { 10 };
    let round = |o: &f64| (((mean + o * scale) / step as f64).round() as i64 * step).clamp(low, high);
    let mut out: Vec<i64> = offsets.iter().map(round).collect();
    // What rounding left over goes to whoever has room, a step at a time.
    let mut left = total - out.iter().sum::<i64>();
    while left != 0 {
        let part = left.clamp(-step, step);
        let room = |ms: &i64| if part > 0 { high - ms } else { ms - low };
        let Some(at) = (0..count).max_by_key(|i| room(&out[*i])) else { break };
        let part = part.signum() * part.abs().min(room(&out[at]));
        if part == 0 {
            break;
        }
        out[at] += part;
        left -= part;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_up_and_stay_in_range() {
        for tempo in Tempo::ALL {
            for total in (10..=3600).step_by(7) {
                let out = spread(*tempo, total * 1_000, 12, &mut Dice::new(total as u64));
                let (low, high) = range(*tempo, total * 1_000, 12);
                assert_eq!(out.iter().sum::<i64>(), total * 1_000, "{tempo:?} {total}");
                assert!(out.iter().all(|ms| (low..=high).contains(ms)), "{tempo:?} {total} {out:?}");
            }
        }
        let varied = spread(Tempo::Normal, 80_000, 12, &mut Dice::new(3));
        assert!(varied.iter().collect::<std::collections::HashSet<_>>().len() > 4, "{varied:?}");
    }

    #[test]
    fn what_cannot_be_is_as_near_as_it_can() {
        assert_eq!(spread(Tempo::Fast, -5_000, 2, &mut Dice::new(1)), [500, 500]);
        assert_eq!(spread(Tempo::Fast, 12_345, 1, &mut Dice::new(1)), [12_345]);
        assert!(spread(Tempo::Fast, 1, 0, &mut Dice::new(1)).is_empty());
    }
}
