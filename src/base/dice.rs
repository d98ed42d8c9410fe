//! Chance that falls the same way each time: what a property test found, it finds again.

/// Numbers without any visible order, the same ones for the same seed.
pub struct Dice(u64);

impl Dice {
    /// Any seed will do.
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// From 0 to below `below`, which is not 0.
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    }

    /// One of them.
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.roll(all.len())]
    }

    /// Does some harm to `bytes`: flips, cuts, doublings, bits out of `words`, and values at the edges of integers.
    pub fn harm(&mut self, bytes: &mut Vec<u8>, words: &[&[u8]]) {
        for _ in 0..=self.roll(4) {
            let at = self.roll(bytes.len() + 1);
            let len = self.roll(16).min(bytes.len() - at);
            match self.roll(7) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.roll(8),
                1 if at < bytes.len() => bytes[at] = self.roll(256) as u8,
                2 => bytes.truncate(at),
                3 => drop(bytes.drain(at..at + len)),
                4 => {
                    let part = bytes[at..at + len].to_vec();
                    bytes.splice(at..at, part);
                }
                5 => bytes[at..at + len].fill(*self.of(&[0, 0xff, 0x7f, 0x80])),
                _ => drop(bytes.splice(at..at + len, self.of(words).to_vec())),
            }
        }
    }
}
