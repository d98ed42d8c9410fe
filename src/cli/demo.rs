//! `videoplanet demo`: what a studio looks like after a few weeks, for a first look and for screenshots.
//!
//! The texts are written for this product. The clips are real films made by ffmpeg, and go the way that every upload
//! goes: upload, version, probe, renditions.

use std::path::Path;

use anyhow::bail;
use axum::body::Body;
use tokio_util::io::ReaderStream;

use super::{demo_plans, demo_schedule};
use crate::app::App;
use crate::base::clock::{DAY, HOUR};
use crate::base::error::{Error, Result};
use crate::base::ids::{CommentId, FeedbackId, MediaId, ProjectId};
use crate::base::locale::Lang;
use crate::base::roles::{Role, SiteRole};
use crate::base::secret;
use crate::domain::accounts::{self, NewUser, Person, Viewer, password};
use crate::domain::comments::{self, NewComment};
use crate::domain::feedback::{self, FeedbackStatus, NewFeedback, Priority};
use crate::domain::media::uploads::{self, NewUpload};
use crate::domain::projects::{self, NewProject, ProjectStatus, members};
use crate::domain::schedule;
use crate::engines::store::Tx;

/// (address, nickname, role on the instance)
const PEOPLE: [(&str, &str, SiteRole); 6] = [
    ("serin@demo.videoplanet.example", "오세린", SiteRole::Admin),
    ("gihun@demo.videoplanet.example", "남기훈", SiteRole::Operator),
    ("hayun@demo.videoplanet.example", "배하윤", SiteRole::Member),
    ("taemin@demo.videoplanet.example", "조태민", SiteRole::Member),
    ("garam@demo.videoplanet.example", "문가람", SiteRole::Member),
    ("daon@demo.videoplanet.example", "류다온", SiteRole::Member),
];

struct DemoProject {
    name: &'static str,
    client: &'static str,
    /// Place of the 담당자 in [`PEOPLE`].
    manager: usize,
    status: ProjectStatus,
    color: &'static str,
    genre: &'static str,
    description: &'static str,
    /// Days from now.
    deadline: i64,
    feedbacks: &'static [DemoFeedback],
}

struct DemoFeedback {
    title: &'static str,
    description: &'static str,
    status: FeedbackStatus,
    priority: Priority,
    /// Place in [`CLIPS`].
    clip: Option<usize>,
}

const fn feedback(
    title: &'static str,
    status: FeedbackStatus,
    priority: Priority,
    clip: Option<usize>,
) -> DemoFeedback {
    DemoFeedback { title, description: "", status, priority, clip }
}

const PROJECTS: [DemoProject; 6] = [
    DemoProject {
        name: "한빛식품 가을 신제품 30초 광고",
        client: "한빛식품",
        manager: 0,
        status: ProjectStatus::Review,
        color: "#d9480f",
        genre: "광고",
        description: "가을 신제품 출시에 맞춘 30초 광고. 후반 작업: 사운드 믹싱 → 색보정 → 자막 검수 순서로 진행",
        deadline: 5,
        feedbacks: &[
            DemoFeedback {
                title: "시사본 v3",
                description: "고객사 시사용 편집본입니다. 자막과 색보정을 중심으로 봐 주세요.",
                status: FeedbackStatus::InProgress,
                priority: Priority::High,
                clip: Some(0),
            },
            feedback("가편집 1차", FeedbackStatus::Resolved, Priority::Medium, Some(1)),
        ],
    },
    DemoProject {
        name: "도담초등학교 100주년 기념 다큐",
        client: "도담초 총동문회",
        manager: 1,
        status: ProjectStatus::InProgress,
        color: "#0f9d7a",
        genre: "다큐멘터리",
        description: "우천 시 실내 스튜디오로 변경 (예비일 10월 17일)",
        deadline: 34,
        feedbacks: &[feedback("인터뷰 종합편집", FeedbackStatus::Open, Priority::Medium, Some(2))],
    },
    DemoProject {
        name: "루미에 화장품 인스타 릴스 6편",
        client: "루미에",
        manager: 2,
        status: ProjectStatus::InProgress,
        color: "#c2185b",
        genre: "소셜미디어",
        description: "세로 영상 6편. 최종 컨펌은 편마다 따로 받습니다.",
        deadline: 12,
        feedbacks: &[
            feedback("릴스 1편 최종 컨펌", FeedbackStatus::Open, Priority::Critical, Some(3)),
            feedback("릴스 2편 가편집", FeedbackStatus::Open, Priority::Low, None),
        ],
    },
    DemoProject {
        name: "강변모터스 전기버스 기업 홍보영상",
        client: "강변모터스",
        manager: 3,
        status: ProjectStatus::Planning,
        color: "#2f7fd1",
        genre: "기업 홍보",
        description: "기획안과 콘티를 먼저 확정하고 촬영 일정을 잡습니다.",
        deadline: 60,
        feedbacks: &[feedback("드론 촬영본 확인", FeedbackStatus::Open, Priority::Medium, None)],
    },
    DemoProject {
        name: "청년창업센터 온라인 교육 12강",
        client: "서담시",
        manager: 4,
        status: ProjectStatus::OnHold,
        color: "#a16207",
        genre: "교육",
        description: "",
        deadline: 90,
        feedbacks: &[],
    },
    DemoProject {
        name: "재즈밴드 물안개 뮤직비디오 2차 편집",
        client: "물안개",
        manager: 5,
        status: ProjectStatus::Completed,
        color: "#9333ea",
        genre: "뮤직비디오",
        description: "",
        deadline: -3,
        feedbacks: &[feedback("2차 편집 납품본", FeedbackStatus::Closed, Priority::Medium, None)],
    },
];

/// (who, section, text, anonymous, internal) under the first feedback.
const COMMENTS: [(usize, &str, &str, bool, bool); 11] = [
    (2, "00:07", "오프닝 로고가 너무 빨리 사라져요. 반 박자만 더 잡아 주세요.", false, false),
    (3, "00:42~00:48", "인터뷰 자막에 오타가 있습니다. '연구서' → '연구소'로 고쳐 주세요.", false, false),
    (4, "01:15", "내레이션보다 배경음악이 커서 말이 묻힙니다. 음량 조금만 낮춰 주세요.", false, false),
    (3, "01:33", "제품 클로즈업 색감이 실물보다 노랗게 나옵니다. 색보정 부탁드려요.", false, false),
    (2, "02:04", "드론 컷 다음 전환이 튀어요. 디졸브로 바꿔 볼 수 있을까요?", false, false),
    (4, "02:31", "대표님 직함이 바뀌어서 자막 수정이 필요합니다. (급함)", false, false),
    (1, "00:19", "여기 모델 초상권 동의 받은 컷인지 확인 부탁드립니다.", false, true),
    (3, "03:10", "엔딩 카드에 고객센터 번호와 QR 코드를 넣어 주세요.", false, false),
    (4, "00:55", "솔직히 이 장면은 조금 지루합니다. 5초 정도 덜어내면 어떨까요?", true, false),
    (5, "", "전반적으로 좋습니다. 말씀드린 세 곳만 고치면 최종 컨펌하겠습니다.", false, false),
    (0, "02:04", "시사본 v3 업로드했습니다. 02:04 전환만 다시 봐 주세요.", false, false),
];

/// (which comment, who, text)
const REPLIES: [(usize, usize, &str); 2] = [
    (1, 0, "네, 2차 편집본에 반영해서 목요일 오전까지 올리겠습니다."),
    (4, 1, "추가 촬영이 필요한 컷이라 일정부터 확인하고 답변드릴게요."),
];

struct Clip {
    name: &'static str,
    /// Width and height; multiples of 4.
    size: (u32, u32),
    rate: &'static str,
    /// Seconds of each scene.
    scene: u32,
    /// Colours (light, dark) of each scene.
    scenes: &'static [(&'static str, &'static str)],
}

/// The first is as long as the moments of the comments under it.
const CLIPS: [Clip; 4] = [
    Clip {
        name: "한빛식품_가을광고_시사본_v3.mp4",
        size: (960, 540),
        rate: "24000/1001",
        scene: 33,
        scenes: &[
            ("0xf2a65a", "0x58180d"),
            ("0xd8e2dc", "0x3d405b"),
            ("0xf4d35e", "0x083d77"),
            ("0xe07a5f", "0x2b2d42"),
            ("0x81b29a", "0x1d3557"),
            ("0xffe8d6", "0x6b705c"),
        ],
    },
    Clip {
        name: "한빛식품_가을광고_가편집.mp4",
        size: (960, 540),
        rate: "24000/1001",
        scene: 6,
        scenes: &[("0xf2a65a", "0x2b2d42"), ("0xffe8d6", "0x58180d"), ("0xf4d35e", "0x3d405b")],
    },
    Clip {
        name: "도담초_인터뷰_종합편집.mp4",
        size: (1280, 720),
        rate: "30000/1001",
        scene: 8,
        scenes: &[("0xcad2c5", "0x354f52"), ("0xe9edc9", "0x606c38"), ("0xfaedcd", "0x7f5539")],
    },
    Clip {
        name: "루미에_릴스_1편.mp4",
        size: (540, 960),
        rate: "30",
        scene: 5,
        scenes: &[("0xffc8dd", "0x6d597a"), ("0xffafcc", "0x355070"), ("0xf8edeb", "0xb56576")],
    },
];

impl Clip {
    /// A slow drift of light through each scene's colours, a bar that shows the movement, hard cuts between them, and a
    /// chord that changes with the scene.
    fn graph(&self) -> String {
        let seconds = self.scene * self.scenes.len() as u32;
        let mut graph = String::new();
        for (i, (light, dark)) in self.scenes.iter().enumerate() {
            let ((width, height), rate, length) = (self.size, self.rate, self.scene);
            // Light has no edges: a small picture made large is the same one, at a sixteenth of the work.
            graph += &format!(
                "gradients=s={}x{}:r={rate}:d={length}:c0={light}:c1={dark}:nb_colors=2:speed=0.012:seed={i},\
                 vignette=PI/5,scale={width}:{height}:flags=bicubic,setsar=1,\
                 drawbox=x='iw*0.08+iw*0.6*t/{length}':y='ih*0.46':w='iw*0.24':h='ih*0.012':color={light}@0.9:t=fill,\
                 format=yuv420p[s{i}];",
                width / 4,
                height / 4
            );
        }
        let inputs: String = (0..self.scenes.len()).map(|i| format!("[s{i}]")).collect();
        graph += &format!("{inputs}concat=n={}:v=1:a=0[v];", self.scenes.len());
        graph += &format!(
            "aevalsrc='0.06*sin(2*PI*t*(220+55*floor(t/{0})))+0.04*sin(2*PI*t*(330+55*floor(t/{0})))':s=48000:d={seconds},\
             afade=t=in:d=1,afade=t=out:st={1}:d=1[a]",
            self.scene,
            seconds - 1
        );
        graph
    }
}

/// Fills an empty instance and prints how to sign in. An instance with anybody in it is left as it is.
pub(super) async fn fill(app: &App) -> anyhow::Result<()> {
    if app.read(accounts::any).await? {
        println!("The instance is not empty: no demo content was added.");
        return Ok(());
    }
    println!("Making the demo: six people, six projects, four clips …");
    let password = secret::code(2).to_lowercase();
    let hash = password::hash(password.clone()).await?;
    let zone = schedule::zone(app);
    let plan = app.write(move |tx| plant(tx, &hash, &zone)).await?;
    app.setup.done();
    let owner = plan.people[0].id;
    let token = accounts::sign_in(app, owner, None).await?.token;
    let Some(who) = Viewer::of_token(app, &token).await? else { bail!("the demo's sign-in does not hold") };
    let mut reviewed = None;
    let all = plan.clips.len();
    for (n, (feedback, clip)) in plan.clips.into_iter().enumerate() {
        println!("  clip {} of {all}: {}", n + 1, CLIPS[clip].name);
        match deliver(app, &who, feedback, &CLIPS[clip]).await {
            Ok(media) if feedback == plan.talked_about => reviewed = Some(media),
            Ok(_) => {}
            Err(e) => {
                tracing::warn!(error = format!("{e:#}"), "a demo clip could not be made; is ffmpeg installed?");
                println!("A clip could not be made ({e:#}). Everything else is there.");
            }
        }
    }
    let people = plan.people;
    app.write(move |tx| {
        talk(tx, &people, plan.talked_about, reviewed)?;
        demo_plans::plant(tx, &people, &plan.projects)
    })
    .await?;
    accounts::log_out(app, &who).await?;
    println!("Sign in as {} with the password {password}", PEOPLE[0].0);
    println!("The others ({}) have the same password.", PEOPLE[1..].iter().map(|p| p.0).collect::<Vec<_>>().join(", "));
    Ok(())
}

struct Planted {
    people: Vec<Person>,
    clips: Vec<(FeedbackId, usize)>,
    talked_about: FeedbackId,
    /// As in [`PROJECTS`].
    projects: Vec<ProjectId>,
}

fn plant(tx: &mut Tx, password_hash: &str, zone: &jiff::tz::TimeZone) -> Result<Planted> {
    let mut people = Vec::new();
    for (email, nickname, role) in PEOPLE {
        let new = NewUser { email: email.into(), nickname: nickname.into(), password: String::new(), locale: Lang::Ko };
        let id = accounts::insert(tx, &new, password_hash, role)?;
        people.push(Person { id, nickname: nickname.into() });
    }
    let (mut clips, mut all) = (Vec::new(), Vec::new());
    let mut talked_about = FeedbackId(0);
    let now = tx.now();
    for (place, p) in PROJECTS.iter().enumerate() {
        let new = NewProject {
            name: p.name.into(),
            description: p.description.into(),
            manager_name: PEOPLE[p.manager].1.into(),
            client: p.client.into(),
            color: Some(p.color.into()),
            status: Some(p.status),
            genre: p.genre.into(),
            deadline: Some(now.plus(p.deadline * DAY + 9 * HOUR)),
            ..NewProject::default()
        };
        let project = projects::insert(tx, &people[0], new.check()?)?.id;
        all.push(project);
        for (i, person) in people.iter().enumerate().skip(1) {
            let role = match i {
                i if i == p.manager => Role::Manager,
                1 | 2 => Role::Editor,
                _ => Role::Reviewer,
            };
            members::join(tx, people[0].id, project, person.id, role, 50)?;
        }
        for (i, f) in p.feedbacks.iter().enumerate() {
            let new = NewFeedback {
                title: f.title.into(),
                description: f.description.into(),
                status: Some(f.status),
                priority: Some(f.priority),
            };
            let id = feedback::insert(tx, &people[p.manager], Role::Owner, project, new)?.id;
            clips.extend(f.clip.map(|clip| (id, clip)));
            if place == 0 && i == 0 {
                talked_about = id;
            }
        }
    }
    demo_schedule::plant(tx, &people, &all, zone)?;
    Ok(Planted { people, clips, talked_about, projects: all })
}

fn talk(tx: &mut Tx, people: &[Person], feedback: FeedbackId, media_id: Option<MediaId>) -> Result<()> {
    let mut made: Vec<CommentId> = Vec::new();
    for (who, section, text, security, internal) in COMMENTS {
        let new = NewComment {
            text: text.into(),
            section: section.into(),
            security,
            internal,
            media_id,
            ..NewComment::default()
        };
        made.push(comments::plant(tx, &people[who], feedback, new)?.id);
    }
    for (comment, who, text) in REPLIES {
        let new = NewComment { text: text.into(), parent_id: Some(made[comment]), media_id, ..NewComment::default() };
        comments::plant(tx, &people[who], feedback, new)?;
    }
    Ok(())
}

/// Makes a clip and uploads it as everybody does.
async fn deliver(app: &App, who: &Viewer, feedback: FeedbackId, clip: &Clip) -> anyhow::Result<MediaId> {
    let scratch = app.files.scratch(&format!("demo-{feedback}"))?;
    app.ffmpeg.synthesise(&clip.graph(), scratch.path(), "clip.mp4").await?;
    let path: &Path = &scratch.join("clip.mp4");
    let size_bytes = std::fs::metadata(path)?.len();
    let new = NewUpload {
        feedback,
        name: clip.name.into(),
        content_type: "video/mp4".into(),
        metadata: String::new(),
        size_bytes,
    };
    let upload = uploads::create(app, who, new).await?;
    let body = Body::from_stream(ReaderStream::new(tokio::fs::File::open(path).await?));
    let received = uploads::receive(app, upload, 0, None, Some(size_bytes), body).await?;
    received.media.ok_or_else(|| Error::internal("the clip did not arrive whole").into())
}
