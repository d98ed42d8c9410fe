//! A studio of any size as files for `videoplanet import`: the same bytes for the same size, on every machine.
//!
//! Account `n` has the token [`token`]`(n)`. Project `p` belongs to account [`owner`]`(size, p)`; feedbacks go round the
//! projects; comments gather on some feedbacks, as people do, and come from members of the project.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::json;
use videoplanet::base::clock::{DAY, MINUTE, Time};

/// How many of everything; the owners' memberships are not counted.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub users: u64,
    pub projects: u64,
    /// Members of each project beside its owner.
    pub members: u64,
    pub feedbacks: u64,
    pub comments: u64,
}

/// What benchmarks use: a large studio after some years.
#[allow(dead_code)]
pub const LARGE: Size = Size { users: 1_000, projects: 500, members: 10, feedbacks: 20_000, comments: 200_000 };

/// The first moment of the data: 2025-01-01.
const BEGIN: i64 = 1_735_689_600_000;

/// The API token of account `user`, from 1.
pub fn token(user: u64) -> String {
    format!("vp_t_bench_{user:06}")
}

/// The account that owns `project`.
pub fn owner(size: &Size, project: u64) -> u64 {
    (project - 1) % size.users + 1
}

/// The `i`-th member of `project`, up to `size.members`; the 0th is its owner. They differ if there are enough accounts
/// and their number is no multiple of 7.
pub fn member(size: &Size, project: u64, i: u64) -> u64 {
    (owner(size, project) - 1 + i * 7) % size.users + 1
}

/// The project of `feedback`.
pub fn project_of(size: &Size, feedback: u64) -> u64 {
    (feedback - 1) % size.projects + 1
}

const NAMES: [&str; 12] = [
    "오세린",
    "남기훈",
    "배하윤",
    "조태민",
    "문가람",
    "류다온",
    "한소윤",
    "임도겸",
    "서유진",
    "강이안",
    "노아라",
    "백건우",
];
const CLIENTS: [&str; 8] =
    ["한빛식품", "도담초 총동문회", "루미에", "강변모터스", "서담시", "물안개", "바른치과", "늘봄여행사"];
const FILMS: [&str; 8] = [
    "가을 신제품 30초 광고",
    "100주년 기념 다큐",
    "인스타 릴스 6편",
    "전기버스 기업 홍보영상",
    "온라인 교육 12강",
    "뮤직비디오 2차 편집",
    "채용 브랜드 필름",
    "개막식 오프닝 영상",
];
const ROUNDS: [&str; 8] =
    ["1차 가편집", "2차 편집본", "시사본 v3", "색보정 확인", "자막 검수", "사운드 믹싱", "최종 컨펌", "납품본"];
const PLACES: [&str; 10] = [
    "오프닝 로고가",
    "인터뷰 자막에",
    "배경음악이",
    "제품 클로즈업 색감이",
    "드론 컷 다음 전환이",
    "대표님 직함 자막이",
    "엔딩 카드 여백이",
    "내레이션 첫 문장이",
    "현장음 노이즈가",
    "세로 화면 구도가",
];
const WORRIES: [&str; 8] = [
    "너무 빨리 사라져요.",
    "오타가 있습니다.",
    "말보다 커서 묻힙니다.",
    "실물보다 노랗게 나옵니다.",
    "조금 튀어 보여요.",
    "바뀌어서 수정이 필요합니다. (급함)",
    "지난 시사본과 다릅니다.",
    "솔직히 조금 지루합니다.",
];
const WISHES: [&str; 8] = [
    "반 박자만 더 잡아 주세요.",
    "'연구서' → '연구소'로 고쳐 주세요.",
    "음량 조금만 낮춰 주세요.",
    "색보정 부탁드려요.",
    "디졸브로 바꿔 볼 수 있을까요?",
    "고객센터 번호와 QR 코드도 넣어 주세요.",
    "5초 정도 덜어내면 어떨까요?",
    "세 곳만 고치면 최종 컨펌하겠습니다.",
];
const REPLIES: [&str; 4] = [
    "네, 2차 편집본에 반영해서 목요일 오전까지 올리겠습니다.",
    "추가 촬영이 필요한 컷이라 일정부터 확인하고 답변드릴게요.",
    "시사본 v3 업로드했습니다. 전환만 다시 봐 주세요.",
    "확인했습니다. 감사합니다!",
];

/// Numbers without any order, the same ones each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % n.max(1)
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len() as u64) as usize]
    }
}

/// Writes the five files into `dir`; answers how many rows they have.
pub fn write(dir: &Path, size: &Size) -> io::Result<u64> {
    std::fs::create_dir_all(dir)?;
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let at = |i: u64, all: u64| Time(BEGIN + (500 * DAY as i128 * i as i128 / all.max(1) as i128) as i64);
    let mut rows = 0;
    let mut file = |name: &str, count: u64, row: &mut dyn FnMut(u64) -> serde_json::Value| -> io::Result<()> {
        let mut out = BufWriter::new(File::create(dir.join(name))?);
        for i in 1..=count {
            writeln!(out, "{}", row(i))?;
        }
        rows += count;
        out.flush()
    };
    file("users.jsonl", size.users, &mut |i| {
        json!({
            "id": i, "username": format!("user{i:04}"), "nickname": dice.of(&NAMES), "token": token(i),
            "email": format!("user{i:04}@bench.videoplanet.example"), "created": at(i, size.users * 10),
        })
    })?;
    file("projects.jsonl", size.projects, &mut |i| {
        let (client, film) = (dice.of(&CLIENTS), dice.of(&FILMS));
        let status = if i % 3 == 0 { dice.of(&["planning", "review", "completed", "on_hold"]) } else { "active" };
        json!({
            "id": i, "user_id": owner(size, i), "name": format!("{client} {film} {i}"), "status": status,
            "description": format!("{client}의 {film}. {}", dice.of(&WISHES)), "client": client,
            "manager_name": dice.of(&NAMES), "created": at(i, size.projects * 5), "updated": at(i, size.projects * 4),
        })
    })?;
    file("members.jsonl", size.projects * size.members, &mut |i| {
        let (project, place) = ((i - 1) / size.members + 1, (i - 1) % size.members + 1);
        let role = ["manager", "editor", "editor", "reviewer", "normal"][(place % 5) as usize];
        json!({ "id": i, "project_id": project, "user_id": member(size, project, place), "role": role })
    })?;
    file("feedbacks.jsonl", size.feedbacks, &mut |i| {
        let project = project_of(size, i);
        let status = dice.of(&["open", "open", "in_progress", "resolved", "closed"]);
        let created = at(i, size.feedbacks);
        json!({
            "id": i, "project_id": project, "user_id": member(size, project, dice.below(4)),
            "title": format!("{} {i}", dice.of(&ROUNDS)), "text": format!("{} {}", dice.of(&PLACES), dice.of(&WORRIES)),
            "timecode_ms": dice.below(180_000), "status": status, "created": created,
            "priority": dice.of(&["low", "medium", "medium", "high", "critical"]),
            "updated": created.plus(dice.below(1_000) as i64 * MINUTE),
        })
    })?;
    // The last comment that is no reply, by feedback.
    let mut roots = vec![0; size.feedbacks as usize + 1];
    file("comments.jsonl", size.comments, &mut |i| {
        // The square of an even number in 0..1 is small more often than large: few feedbacks are talked about much.
        let spot = dice.below(1 << 20);
        let feedback = ((spot * spot) >> 20) * size.feedbacks / (1 << 20) + 1;
        let project = project_of(size, feedback);
        let mut row = json!({
            "id": i, "feedback_id": feedback, "user_id": member(size, project, dice.below(size.members + 1)),
            "title": "", "section": "", "security": dice.below(20) == 0, "created": at(i, size.comments),
        });
        let root = &mut roots[feedback as usize];
        if *root != 0 && dice.below(5) == 0 {
            row["parent_id"] = (*root).into();
            row["text"] = dice.of(&REPLIES).into();
        } else {
            *root = i;
            row["text"] = format!("{} {} {}", dice.of(&PLACES), dice.of(&WORRIES), dice.of(&WISHES)).into();
            let second = dice.below(170);
            let moment = |s: u64| format!("{:02}:{:02}", s / 60, s % 60);
            row["section"] = match dice.below(3) {
                0 => "".into(),
                1 => moment(second).into(),
                _ => format!("{}~{}", moment(second), moment(second + 1 + dice.below(9))).into(),
            };
        }
        row
    })?;
    Ok(rows)
}
