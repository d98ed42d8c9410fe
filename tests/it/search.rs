//! What people type finds what they mean: one table of questions against a small studio, over HTTP.

use std::collections::HashMap;

use serde_json::{Value, json};
use videoplanet::domain::search;

use crate::studio::{Someone, Studio};

/// (label, text, 구간)
const SAID: [(&str, &str, &str); 14] = [
    ("로고", "오프닝 로고가 너무 빨리 사라져요. 반 박자만 더 잡아 주세요.", "00:07"),
    ("오타", "인터뷰 자막에 오타가 있습니다. '연구서' → '연구소'로 고쳐 주세요.", "00:42~00:48"),
    ("음악", "내레이션보다 배경음악이 커서 말이 묻힙니다. 음량 조금만 낮춰 주세요.", "01:15"),
    ("색감", "제품 클로즈업 색감이 실물보다 노랗게 나옵니다. 색보정 부탁드려요.", "01:33"),
    ("드론", "드론 컷 다음 전환이 튀어요. 디졸브로 바꿔 볼 수 있을까요?", "02:04"),
    ("직함", "대표님 직함이 바뀌어서 자막 수정이 필요합니다. (급함)", "02:31"),
    ("초상권", "여기 모델 초상권 동의 받은 컷인지 확인 부탁드립니다.", "00:19"),
    ("엔딩", "엔딩 카드에 고객센터 번호와 QR 코드를 넣어 주세요.", "03:10"),
    ("지루", "솔직히 이 장면은 조금 지루합니다. 5초 정도 덜어내면 어떨까요?", "00:55"),
    ("반영", "네, 2차 편집본에 반영해서 목요일 오전까지 올리겠습니다.", ""),
    ("일정", "추가 촬영이 필요한 컷이라 일정부터 확인하고 답변드릴게요.", ""),
    ("업로드", "시사본 v3 업로드했습니다. 02:04 전환만 다시 봐 주세요.", ""),
    ("우천", "우천 시 실내 스튜디오로 변경 (예비일 10월 17일)", ""),
    ("순서", "후반 작업: 사운드 믹싱 → 색 보정 → 자막 검수 순서로 진행", ""),
];

/// (label, name, client, manager)
const PROJECTS: [(&str, &str, &str, &str); 5] = [
    ("한빛", "한빛식품 가을 신제품 30초 광고", "한빛식품", "오세린"),
    ("도담", "도담초등학교 100주년 기념 다큐", "도담초 총동문회", "남기훈"),
    ("루미에", "루미에 화장품 인스타 릴스 6편", "루미에", "배하윤"),
    ("강변", "강변모터스 전기버스 기업 홍보영상", "강변모터스", "조태민"),
    ("물안개", "재즈밴드 물안개 뮤직비디오 2차 편집", "물안개", "류다온"),
];

/// Questions with the labels of what must and what must not be found.
const TABLE: &[(&str, &[&str], &[&str])] = &[
    // Words as they stand, with their particles and without.
    ("자막 오타", &["오타"], &["음악", "드론", "순서"]),
    ("배경음악 음량", &["음악"], &["색감", "오타"]),
    ("색보정", &["색감", "순서"], &["오타", "드론"]),
    ("자막을", &["오타", "직함", "순서"], &["음악", "엔딩"]),
    ("자막이", &["오타", "직함", "순서"], &["로고"]),
    ("오타가", &["오타"], &["직함"]),
    ("전환은", &["드론", "업로드"], &["색감"]),
    ("내레이션의 배경음악", &["음악"], &["로고"]),
    ("초상권을 확인", &["초상권"], &["일정"]),
    ("스튜디오에서", &["우천"], &["순서"]),
    ("번호를", &["엔딩"], &["우천"]),
    ("촬영이", &["일정"], &["반영"]),
    ("편집본에서는", &["반영"], &["업로드"]),
    // Spaces come and go.
    ("색 보정", &["색감", "순서"], &["오타"]),
    ("색보 정", &["색감", "순서"], &["음악"]),
    ("배경 음악", &["음악"], &["색감"]),
    ("고객 센터", &["엔딩"], &["직함"]),
    ("사운드믹싱", &["순서"], &["음악"]),
    ("드론컷", &["드론"], &["초상권"]),
    ("자막검수", &["순서"], &["오타"]),
    ("QR코드", &["엔딩"], &["업로드"]),
    ("qr 코드", &["엔딩"], &["오타"]),
    ("클로즈 업", &["색감"], &["로고"]),
    // Half a word, half a syllable, the middle of a word.
    ("음악", &["음악"], &["드론"]),
    ("식품", &["한빛"], &["도담"]),
    ("디졸", &["드론"], &["로고"]),
    ("내레", &["음악"], &["지루"]),
    ("인터ㅂ", &["오타"], &["음악"]),
    ("색보ㅈ", &["색감", "순서"], &["오타"]),
    ("색봊", &["색감", "순서"], &["드론"]),
    ("스튜디", &["우천"], &["초상권"]),
    ("자마", &["오타", "직함", "순서"], &["드론"]),
    ("컨퍼", &["컨펌"], &["반영"]),
    ("업로", &["업로드"], &["드론"]),
    ("한빛식ㅍ", &["한빛"], &["도담"]),
    ("뮤직비디", &["물안개"], &["강변"]),
    // Initial consonants.
    ("ㅅㅂㅈ", &["색감"], &["오타", "직함"]),
    ("ㅎㅂㅅㅍ", &["한빛"], &["도담", "루미에"]),
    ("ㅈㄱㅂㅅ", &["강변"], &["물안개"]),
    ("ㄹㅁㅇ", &["루미에"], &["한빛"]),
    ("ㅁㅈㅂㄷㅇ", &["물안개"], &["루미에"]),
    ("ㄷㄹ", &["드론"], &["로고"]),
    ("ㅊㅅㄱ", &["초상권"], &["음악"]),
    // Hangul typed on the English layout.
    ("wkakr dhxk", &["오타"], &["음악"]),
    ("tor qhwjd", &["색감", "순서"], &["오타"]),
    ("emfhs", &["드론"], &["로고"]),
    ("gksqlctlrvna", &["한빛"], &["강변"]),
    ("QR zhem", &["엔딩"], &["오타"]),
    // One wrong key in a longer word.
    ("스튜디요", &["우천"], &["엔딩"]),
    ("색보전", &["색감", "순서"], &["오타"]),
    ("인터뷔", &["오타"], &["음악"]),
    ("배경움악", &["음악"], &["로고"]),
    ("클로즈언", &["색감"], &["드론"]),
    ("고객센타", &["엔딩"], &["직함"]),
    ("내레이숀", &["음악"], &["로고"]),
    // Moments of the film.
    ("02:04", &["드론", "업로드"], &["색감", "오타"]),
    ("2:04 전환", &["드론", "업로드"], &["색감"]),
    ("01:33", &["색감"], &["음악"]),
    ("00:42", &["오타"], &["초상권"]),
    // Files, digits, mixed scripts.
    ("한빛 최종", &["파일-한빛"], &["파일-릴스"]),
    ("가을광고 v3", &["파일-한빛"], &["파일-릴스"]),
    ("final cut", &["파일-영문"], &["파일-한빛"]),
    ("hanbitfinalcut", &["파일-영문"], &["파일-릴스"]),
    ("ＨＡＮＢＩＴ", &["파일-영문"], &["파일-릴스"]),
    ("릴스 06", &["파일-릴스"], &["파일-영문"]),
    ("시사본 v3", &["업로드"], &["반영"]),
    ("100주년", &["도담"], &["한빛"]),
    ("30초 광고", &["한빛"], &["도담"]),
    // Names of clients and of those in charge, and what is said in a project of a name.
    ("총동문회", &["도담"], &["강변"]),
    ("조태민", &["강변"], &["루미에"]),
    ("최종컨펌 릴스", &["컨펌"], &["반영"]),
    // Phrases, exclusion, operators.
    ("\"자막 수정\"", &["직함"], &["오타", "순서"]),
    ("\"색보정\"", &["색감", "순서"], &["드론"]),
    ("자막 -오타", &["직함", "순서"], &["오타"]),
    ("자막 -\"자막 수정\"", &["오타", "순서"], &["직함"]),
    ("kind:project 편집", &["물안개"], &["반영"]),
    ("종류:파일 한빛", &["파일-한빛"], &["한빛"]),
    ("in:루미에", &["컨펌", "파일-릴스"], &["오타", "드론"]),
    ("in:\"한빛식품 가을\" 전환", &["드론"], &["컨펌"]),
    ("from:배하윤", &["컨펌"], &["오타", "지루"]),
    ("from:오세린 자막", &["오타", "직함"], &["컨펌"]),
    ("is:resolved", &["로고"], &["오타"]),
    ("상태:해결 로고", &["로고"], &["오타"]),
    ("has:drawing", &["드론"], &["색감"]),
    ("is:open has:time 자막", &["오타", "직함"], &["순서"]),
    ("before:2020-01-01", &[], &["오타", "한빛"]),
    ("after:2020-01-01 디졸브", &["드론"], &["오타"]),
    ("드론 컷 다음에 \"장면 바뀜\" 전환", &["드론"], &["엔딩"]),
    // What nobody understands is words.
    ("is:몰라 디졸브", &["드론"], &["오타"]),
    ("\"디졸브", &["드론"], &["오타"]),
    ("AND (디졸브", &["드론"], &["오타"]),
    ("디졸브:", &["드론"], &["오타"]),
];

struct World {
    s: Studio,
    /// (kind, id) by label.
    labels: HashMap<(String, i64), String>,
    /// 오세린's token; 배하윤 is a member of 루미에 as well.
    serin: Someone,
    hayun: Someone,
    projects: Vec<i64>,
    feedback: i64,
}

impl World {
    async fn start(name: &str) -> World {
        let s = Studio::start(name).await;
        s.work().await;
        let (serin, hayun) = (s.person("오세린").await, s.person("배하윤").await);
        let mut labels = HashMap::new();
        let (mut projects, mut feedbacks) = (Vec::new(), Vec::new());
        for (label, name, client, manager) in PROJECTS {
            let new = json!({ "name": name, "client": client, "manager_name": manager });
            let id = serin.send("POST /projects", new).await.is(201).id();
            labels.insert(("project".into(), id), label.into());
            projects.push(id);
            let path = format!("POST /projects/{id}/feedbacks");
            feedbacks.push(serin.send(&path, json!({ "title": "검토할 영상" })).await.is(201).id());
        }
        let join = json!({ "user_id": hayun.id, "role": "reviewer" });
        serin.send(&format!("POST /projects/{}/members", projects[2]), join).await.is(201);
        let feedback = feedbacks[0];
        for (label, text, section) in SAID {
            let new = json!({
                "text": text, "section": section, "security": label == "지루",
                "drawing": (label == "드론").then(|| json!({ "strokes": [] })),
            });
            let id = serin.send(&format!("POST /feedbacks/{feedback}/comments"), new).await.is(201).id();
            labels.insert(("comment".into(), id), label.into());
            if label == "로고" {
                serin.call(&format!("POST /comments/{id}/resolution")).await;
            }
        }
        let text = "전반적으로 좋습니다. 말씀드린 세 곳만 고치면 최종 컨펌하겠습니다.";
        let path = format!("POST /feedbacks/{}/comments", feedbacks[2]);
        let id = hayun.send(&path, json!({ "text": text })).await.is(201).id();
        labels.insert(("comment".into(), id), "컨펌".into());
        // As macOS writes it.
        let nfd: String = unicode_normalization::UnicodeNormalization::nfd("한빛_가을광고_최종_v3.mp4").collect();
        for (label, name, at) in [
            ("파일-한빛", nfd.as_str(), 0),
            ("파일-영문", "HanbitFinalCut_v2.mov", 0),
            ("파일-릴스", "루미에-릴스-06.mp4", 2),
        ] {
            let feedback = videoplanet::base::ids::FeedbackId(feedbacks[at]);
            let id = serin.upload(feedback, name, label.as_bytes()).await;
            labels.insert(("file".into(), id), label.into());
        }
        search::settled(&s.app).await.unwrap();
        World { s, labels, serin, hayun, projects, feedback }
    }

    async fn found(&self, who: &Someone, q: &str) -> Vec<String> {
        let answer = ask(who, q, "&page_size=100").await;
        let label = |hit: &Value| {
            let key = (hit["kind"].as_str()?.to_owned(), hit["id"].as_i64()?);
            self.labels.get(&key).cloned()
        };
        answer["results"].as_array().unwrap().iter().filter_map(label).collect()
    }
}

/// What is offered while somebody types.
pub async fn offered(who: &Someone, q: &str) -> Value {
    let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
    who.call(&format!("GET /search/suggest?q={q}")).await.is(200).body
}

/// Asks; answers the body.
pub async fn ask(who: &Someone, q: &str, more: &str) -> Value {
    let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
    who.call(&format!("GET /search?q={q}{more}")).await.is(200).body
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_finds_what_is_meant() {
    let w = World::start("search-table").await;
    let mut wrong = Vec::new();
    for (q, must, must_not) in TABLE {
        let found = w.found(&w.serin, q).await;
        for label in must.iter().filter(|l| !found.iter().any(|f| f == *l)) {
            wrong.push(format!("{q}: {label} is not among {found:?}"));
        }
        for label in must_not.iter().filter(|l| found.iter().any(|f| f == *l)) {
            wrong.push(format!("{q}: {label} is among {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} questions:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
    assert!(TABLE.len() >= 60);
    // The best comes first.
    for (q, first) in [
        ("자막 오타", "오타"),
        ("색보정", "색감"),
        ("ㅎㅂㅅㅍ", "한빛"),
        ("최종컨펌 릴스", "컨펌"),
        ("물안개", "물안개"),
    ] {
        assert_eq!(w.found(&w.serin, q).await.first().map(String::as_str), Some(first), "{q}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_shows_the_original_text_and_counts_what_it_has() {
    let w = World::start("search-answer").await;
    let body = ask(&w.serin, "색보정", "").await;
    let hit = &body["results"][0];
    assert_eq!(hit["snippet_html"], "제품 클로즈업 색감이 실물보다 노랗게 나옵니다. <mark>색보정</mark> 부탁드려요.");
    assert_eq!(
        (&hit["title"], &hit["start_ms"], &hit["user"]["nickname"]),
        (&json!("검토할 영상"), &json!(93_000), &json!("오세린"))
    );
    assert_eq!(hit["url"], format!("/feedbacks/{}?c={}", w.feedback, hit["id"]));
    assert_eq!(
        body["results"][1]["snippet_html"],
        "후반 작업: 사운드 믹싱 → <mark>색 보정</mark> → 자막 검수 순서로 진행"
    );
    assert_eq!((&body["total"], &body["complete"], &body["has_next"]), (&json!(2), &json!(true), &json!(false)));
    assert_eq!(body["facets"]["kinds"], json!([{ "kind": "comment", "count": 2 }]));
    let project = json!([{ "id": w.projects[0], "name": PROJECTS[0].1, "count": 2 }]);
    assert_eq!(
        (&body["facets"]["projects"], &body["facets"]["statuses"]),
        (&project, &json!([{ "status": "open", "count": 2 }]))
    );
    assert_eq!(body["groups"][0]["kind"], "comment");

    // A facet counts as if its own filter were not there.
    let body = ask(&w.serin, "한빛", "&kind=file").await;
    let kinds: Vec<&str> =
        body["facets"]["kinds"].as_array().unwrap().iter().map(|k| k["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds, &body["total"], &body["groups"]), (vec!["project", "file"], &json!(1), &json!([])));
    assert!(body["results"][0]["title_html"].as_str().unwrap().starts_with("<mark>한빛</mark>_"));

    // Only operators list, the newest first.
    let body = ask(&w.serin, "kind:comment in:한빛식품", "&page_size=3").await;
    let first: Vec<&str> = body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| w.labels[&("comment".into(), h["id"].as_i64().unwrap())].as_str())
        .collect();
    assert_eq!((first, &body["total"]), (vec!["순서", "우천", "업로드"], &json!(14)));

    // Among equals the newest comes first.
    for _ in 0..3 {
        let path = format!("POST /feedbacks/{}/comments", w.feedback);
        w.serin.send(&path, json!({ "text": "카메라 흔들림이 보여요" })).await.is(201);
    }
    search::settled(&w.s.app).await.unwrap();
    let body = ask(&w.serin, "카메라 흔들림", "").await;
    let ids: Vec<i64> = body["results"].as_array().unwrap().iter().map(|h| h["id"].as_i64().unwrap()).collect();
    assert!(ids.len() == 3 && ids.is_sorted_by(|a, b| a > b), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_offered_while_they_are_typed() {
    let w = World::start("search-suggest").await;
    let offered = async |q: &str| {
        let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
        let body = w.serin.call(&format!("GET /search/suggest?q={q}")).await.is(200).body;
        let results = body["results"].as_array().unwrap().clone();
        let titles: Vec<String> = results.iter().map(|h| h["title"].as_str().unwrap().to_owned()).collect();
        (titles, body["suggestion"].clone())
    };
    // Key by key, as a Korean keyboard composes it.
    for typed in
        ["ㅎ", "하", "한", "한ㅂ", "한비", "한빛", "한빛ㅅ", "한빛시", "한빛식", "한빛식품 가", "ㅎㅂ", "gksqlc"]
    {
        let (titles, _) = offered(typed).await;
        assert!(titles.len() <= 10 && titles.iter().any(|t| t.starts_with("한빛식품")), "{typed}: {titles:?}");
    }
    assert_eq!(offered("오세").await.0, ["오세린", "한빛식품 가을 신제품 30초 광고"]);
    assert_eq!(offered("hanb").await.0, ["HanbitFinalCut_v2.mov"]);
    // What is said is not offered, nor what does not exist.
    assert_eq!(offered("자막").await.0, Vec::<String>::new());
    assert_eq!(offered("").await.0, Vec::<String>::new());
    // Latin letters typed while the keyboard was Korean.
    assert_eq!(offered("ㅔ개ㅓㄷㅊㅅ").await.1, "project");
    assert_eq!(ask(&w.hayun, "ㅔ개ㅓㄷㅊㅅ", "").await["suggestion"], "project");
    assert_eq!(ask(&w.hayun, "ㅋㅋㅋ", "").await["suggestion"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_where_the_last_one_ended() {
    let s = Studio::start("search-pages").await;
    s.work().await;
    let comments = format!("POST /feedbacks/{}/comments", s.feedback);
    let mut said = Vec::new();
    for i in 0..45 {
        // The same words in the same length, and others around them in some.
        let text = if i % 3 == 0 {
            format!("돋보기 {i:02} 그리고 조금 더 길게 말합니다")
        } else {
            format!("돋보기 {i:02}")
        };
        said.push(s.editor.send(&comments, json!({ "text": text })).await.is(201).id());
    }
    search::settled(&s.app).await.unwrap();
    let whole = ask(&s.viewer, "돋보기", "&page_size=100").await;
    let ids = |a: &Value| -> Vec<i64> {
        a["results"].as_array().unwrap().iter().map(|h| h["id"].as_i64().unwrap()).collect()
    };
    let (mut paged, mut sizes, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = ask(&s.viewer, "돋보기", &format!("&page_size=10&cursor={cursor}")).await;
        assert_eq!((&page["total"], &page["facets"]), (&whole["total"], &whole["facets"]));
        // Groups belong to a first page.
        assert_eq!(page["groups"].as_array().unwrap().is_empty(), !cursor.is_empty(), "{page}");
        assert_eq!(page["has_next"], !page["next_cursor"].is_null());
        sizes.push(ids(&page).len());
        paged.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((sizes, &paged), (vec![10, 10, 10, 10, 5], &ids(&whole)));
    let mut once = paged.clone();
    once.sort();
    assert_eq!(once, said);
    // Equals stand newest first.
    let equals: Vec<i64> = paged.iter().copied().filter(|id| (id - said[0]) % 3 != 0).collect();
    assert!(equals.is_sorted_by(|a, b| a > b), "{equals:?}");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_words_is_found_although_somebody_wrote_it_alone() {
    let w = World::start("search-parts").await;
    let path = format!("POST /feedbacks/{}/comments", w.feedback);
    for i in 0..300 {
        w.serin.send(&path, json!({ "text": format!("{i}번 컷 색보정 확인") })).await.is(201);
    }
    // Once it stands alone: the word is rare now, its syllables are not.
    w.serin.send(&path, json!({ "text": "보정 순서 문의" })).await.is(201);
    search::settled(&w.s.app).await.unwrap();
    let body = ask(&w.serin, "보정", "").await;
    assert!(body["total"].as_i64().unwrap() >= 301, "{}", body["total"]);
    assert_eq!(body["results"][0]["snippet_html"], "<mark>보정</mark> 순서 문의");
}
