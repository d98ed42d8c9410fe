//! The plans of `videoplanet demo`: two that the rules have drafted, one of them under discussion.

use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::domain::accounts::Person;
use crate::domain::comments::{self, NewComment};
use crate::domain::plans::story::{Format, Intensity, Style, Tempo};
use crate::domain::plans::{self, NewPlan, PlanStatus};
use crate::engines::store::Tx;

/// (place of the author, 구간, text)
const TALK: [(usize, &str, &str); 2] = [
    (3, "S07", "이 샷은 제품이 한 박자 먼저 보이면 좋겠습니다. 표정은 다음 샷에서 받아도 충분해요."),
    (4, "", "전체 흐름이 좋습니다. 자막 문구만 고객사 확인을 거쳐 확정하면 되겠어요."),
];

/// Adds the plans. `projects` are those of the demo, in its order.
pub(super) fn plant(tx: &mut Tx, people: &[Person], projects: &[ProjectId]) -> Result<()> {
    let autumn = NewPlan {
        title: "가을 신제품 30초 광고 기획안".into(),
        one_liner: Some("야근을 마친 신입사원이 편의점에서 산 따끈한 단호박죽을 아버지와 나눠 먹는 가을밤".into()),
        tone: Some("따뜻한".into()),
        genre: Some("광고".into()),
        target: Some("2030 직장인".into()),
        duration_s: Some(30),
        format: Some(Format::Wide),
        tempo: Some(Tempo::Fast),
        style: Some(Style::Classic),
        intensity: Some(Intensity::Moderate),
        seed: Some(1),
        ..NewPlan::default()
    };
    let school = NewPlan {
        title: "도담초 100주년 기념 다큐 구성안".into(),
        one_liner: Some("백 년 된 학교의 종지기 할아버지가 마지막 종을 치기 전 제자들을 찾아가는 하루".into()),
        tone: Some("담백한".into()),
        genre: Some("다큐멘터리".into()),
        target: Some("동문과 지역 주민".into()),
        duration_s: Some(120),
        format: Some(Format::Wide),
        tempo: Some(Tempo::Slow),
        style: Some(Style::Documentary),
        intensity: Some(Intensity::Rich),
        seed: Some(1),
        ..NewPlan::default()
    };
    let discussed = plans::plant(tx, &people[0], projects[0], autumn, PlanStatus::InReview)?;
    plans::plant(tx, &people[1], projects[1], school, PlanStatus::Draft)?;
    if let Some(feedback) = discussed.feedback_id {
        for (author, section, text) in TALK {
            let new = NewComment { text: text.into(), section: section.into(), ..NewComment::default() };
            comments::plant(tx, &people[author], feedback, new)?;
        }
    }
    Ok(())
}
