//! What kind of film it is, as far as its words ask; and the presets.

use crate::closed_set;
use crate::domain::plans::story::{Format, Inputs, Intensity, Style, Tempo};

/// Kinds of films that speak in their own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Genre {
    /// 광고
    Ad,
    /// 드라마, 영화
    Drama,
    /// 다큐멘터리
    Documentary,
    /// 숏폼
    Social,
    /// Anything else.
    Other,
}

impl Genre {
    /// The kind that `genre` names.
    pub fn of(genre: &str, style: Style) -> Genre {
        let low = genre.to_lowercase();
        let has = |words: &str| words.split(' ').any(|w| low.contains(w));
        if style == Style::Documentary || has("다큐 인터뷰 documentary 르포 휴먼 휴먼다큐") {
            Genre::Documentary
        } else if has("숏폼 쇼츠 릴스 틱톡 소셜 sns 유튜브 브이로그 social shorts reels vlog 바이럴")
        {
            Genre::Social
        } else if has("광고 cf 홍보 브랜드 커머셜 캠페인 commercial ad 프로모 론칭 런칭 제품") {
            Genre::Ad
        } else if has("드라마 영화 단편 로맨스 멜로 스릴러 코미디 drama film movie 뮤직비디오 판타지 공포 액션 sf 가족")
        {
            Genre::Drama
        } else {
            Genre::Other
        }
    }
}

closed_set! {
    /// Ready-made inputs.
    Preset {
        /// 광고형
        Ad = "ad",
        /// 드라마형
        Drama = "drama",
        /// 다큐형
        Documentary = "documentary",
        /// 소셜미디어형
        Social = "social",
    }
}

/// The inputs of a preset, without a one-liner.
pub fn preset(preset: Preset) -> Inputs {
    let words = |tone: &str, genre: &str, target: &str| (tone.to_owned(), genre.to_owned(), target.to_owned());
    let ((tone, genre, target), duration_s, format, tempo, style, intensity) = match preset {
        Preset::Ad => (
            words("밝고 세련된", "광고", "2030 소비자"),
            60,
            Format::Wide,
            Tempo::Fast,
            Style::Deductive,
            Intensity::Moderate,
        ),
        Preset::Drama => (
            words("따뜻한", "드라마", "전 연령 시청자"),
            120,
            Format::Cinema,
            Tempo::Slow,
            Style::Classic,
            Intensity::Rich,
        ),
        Preset::Documentary => (
            words("담백한", "다큐멘터리", "일반 시청자"),
            120,
            Format::Wide,
            Tempo::Slow,
            Style::Documentary,
            Intensity::Moderate,
        ),
        Preset::Social => {
            (words("유쾌한", "숏폼", "1020 시청자"), 50, Format::Tall, Tempo::Fast, Style::Hook, Intensity::Minimal)
        }
    };
    Inputs { one_liner: String::new(), tone, genre, target, duration_s, format, tempo, style, intensity, seed: 1 }
}
