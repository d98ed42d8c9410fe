//! What ffmpeg tells with `-progress`: blocks of `key=value` lines, each ended by `progress=`.

use std::time::Instant;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tick {
    /// 0–100; `None` when the length of the result is not known.
    pub percent: Option<f32>,
    /// Frames a second.
    pub fps: Option<f32>,
    /// Media seconds a wall-clock second.
    pub speed: Option<f32>,
    /// Time to the end in milliseconds.
    pub eta_ms: Option<i64>,
    /// Length of what has been made, in milliseconds.
    pub done_ms: i64,
    /// Pictures in the first output that has any.
    pub frames: i64,
}

/// Collects lines into ticks.
pub(super) struct Meter {
    duration_ms: Option<i64>,
    begun: Instant,
    tick: Tick,
}

impl Meter {
    pub fn new(duration_ms: Option<i64>) -> Meter {
        Meter { duration_ms: duration_ms.filter(|&d| d > 0), begun: Instant::now(), tick: Tick::default() }
    }

    /// Takes one line; gives a tick at the end of a block.
    pub fn line(&mut self, line: &str) -> Option<Tick> {
        let (key, value) = line.split_once('=')?;
        let value = value.trim();
        match key {
            // Named differently, both are microseconds; `N/A` until the first packet.
            "out_time_us" | "out_time_ms" => {
                if let Ok(us) = value.parse::<i64>() {
                    self.tick.done_ms = (us / 1000).max(self.tick.done_ms);
                }
            }
            "frame" => self.tick.frames = value.parse().unwrap_or(self.tick.frames),
            "fps" => self.tick.fps = value.parse().ok().filter(|f: &f32| f.is_finite() && *f > 0.0),
            "speed" => {
                self.tick.speed =
                    value.trim_end_matches('x').trim().parse().ok().filter(|s: &f32| s.is_finite() && *s >= 0.0)
            }
            "progress" => {
                let ended = value == "end";
                if let Some(duration) = self.duration_ms {
                    let share = (self.tick.done_ms as f64 / duration as f64).clamp(0.0, 1.0);
                    self.tick.percent = Some(if ended { 100.0 } else { (share * 100.0) as f32 });
                    let spent = self.begun.elapsed().as_millis() as f64;
                    // Below one percent an estimate is a guess.
                    self.tick.eta_ms =
                        if ended { Some(0) } else { (share >= 0.01).then(|| (spent * (1.0 - share) / share) as i64) };
                }
                return Some(self.tick);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::dice::Dice;

    #[test]
    fn a_block_of_lines_is_a_tick() {
        let mut meter = Meter::new(Some(10_000));
        for line in ["frame=18", "fps=25.50", "bitrate=N/A", "out_time_us=N/A", "speed=N/A", "not a pair"] {
            assert_eq!(meter.line(line), None);
        }
        assert_eq!(meter.line("out_time_us=2500000"), None);
        assert_eq!(meter.line("speed=   2x"), None);
        let tick = meter.line("progress=continue").unwrap();
        assert_eq!((tick.percent, tick.fps, tick.speed, tick.done_ms), (Some(25.0), Some(25.5), Some(2.0), 2500));
        assert!(tick.eta_ms.is_some() && tick.frames == 18);
        assert_eq!(meter.line("progress=end").unwrap().percent, Some(100.0));
        assert_eq!(Meter::new(None).line("progress=continue").unwrap().percent, None);
    }

    /// Whatever a child prints, what people are told stays within its bounds and never goes back.
    #[test]
    fn no_line_leads_it_astray() {
        let block = "frame=18\nfps=25.50\nout_time_us=2500000\nout_time_ms=N/A\nspeed=   2x\nprogress=continue\n";
        let words: [&[u8]; 9] =
            [b"=", b"-", b"1e400", b"NaN", b"inf", b"9223372036854775807", b"progress=end\n", b"\n", b"\xff\xfe"];
        let mut dice = Dice::new(2);
        for round in 0..20_000 {
            let mut meter = Meter::new(*dice.of(&[None, Some(0), Some(-5), Some(1), Some(10_000), Some(i64::MAX)]));
            let mut bytes = block.repeat(1 + round % 3).into_bytes();
            dice.harm(&mut bytes, &words);
            let mut done = 0;
            for tick in String::from_utf8_lossy(&bytes).split('\n').filter_map(|line| meter.line(line)) {
                assert!(tick.percent.is_none_or(|p| (0.0..=100.0).contains(&p)), "{tick:?}");
                assert!(tick.fps.is_none_or(|f| f.is_finite() && f > 0.0), "{tick:?}");
                assert!(tick.speed.is_none_or(|s| s.is_finite() && s >= 0.0), "{tick:?}");
                assert!(tick.eta_ms.is_none_or(|ms| ms >= 0) && tick.done_ms >= done, "{tick:?}");
                done = tick.done_ms;
            }
        }
    }
}
