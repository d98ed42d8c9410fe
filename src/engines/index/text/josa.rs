//! Particles that hang on a noun. Endings of verbs are not known; what is stripped wrongly of them is stripped of the
//! question as well, and found by its pairs of syllables besides.

use std::sync::LazyLock;

use super::jamo;
use super::norm::Letter;

const JOSA: [&str; 112] = [
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "에",
    "와",
    "과",
    "도",
    "로",
    "만",
    "나",
    "랑",
    "야",
    "께",
    "뿐",
    "들",
    "요",
    "에서",
    "에게",
    "으로",
    "부터",
    "까지",
    "처럼",
    "보다",
    "마다",
    "조차",
    "마저",
    "밖에",
    "에는",
    "에도",
    "에만",
    "이나",
    "이랑",
    "이라",
    "이며",
    "이고",
    "라도",
    "라는",
    "라고",
    "로는",
    "로도",
    "로만",
    "로서",
    "로써",
    "하고",
    "한테",
    "께서",
    "대로",
    "만큼",
    "만은",
    "만이",
    "만도",
    "와는",
    "과는",
    "와도",
    "과도",
    "와의",
    "과의",
    "에의",
    "이란",
    "이든",
    "든지",
    "이야",
    "이요",
    "에요",
    "예요",
    "나마",
    "커녕",
    "뿐만",
    "들이",
    "들은",
    "들을",
    "들의",
    "들도",
    "들에",
    "들과",
    "입니다",
    "이에요",
    "에서는",
    "에서도",
    "에서만",
    "에서의",
    "으로는",
    "으로도",
    "으로만",
    "으로서",
    "으로써",
    "에게는",
    "에게도",
    "에게서",
    "한테는",
    "한테서",
    "까지는",
    "까지도",
    "까지만",
    "부터는",
    "부터도",
    "이라도",
    "이라는",
    "이라고",
    "이든지",
    "만으로",
    "보다는",
    "보다도",
    "로부터",
    "대로는",
    "으로부터",
    "에서부터",
    "만으로도",
];

/// The particles by their last four letters, sorted; shorter ones begin with NUL.
static SORTED: LazyLock<Vec<[char; 4]>> = LazyLock::new(|| {
    let mut all: Vec<[char; 4]> = JOSA.iter().map(|j| padded(j.chars().rev())).collect();
    all.sort_unstable();
    all
});

fn padded(reversed: impl Iterator<Item = char>) -> [char; 4] {
    let mut out = ['\0'; 4];
    out.iter_mut().rev().zip(reversed).for_each(|(place, c)| *place = c);
    out
}

/// How many letters of `word` stay when its longest particle goes: at least two, or one if the particle has two or more.
pub fn stem(word: &[Letter]) -> usize {
    let ends_in_hangul = word.last().is_some_and(|l| jamo::is_hangul(l.c));
    if !ends_in_hangul {
        return word.len();
    }
    let longest = (1..=4usize).rev().find(|size| {
        let Some(stays) = word.len().checked_sub(*size) else { return false };
        let enough = stays >= 2 || (stays == 1 && *size >= 2);
        enough && SORTED.binary_search(&padded(word[stays..].iter().rev().map(|l| l.c))).is_ok()
    });
    word.len() - longest.unwrap_or(0)
}
