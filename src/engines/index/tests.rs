//! The engine alone: what is found, what is hidden, what survives.

use super::*;
use crate::base::clock::Time;

fn dir(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("vp-index-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

fn open(path: &Path) -> Index {
    Index::open(Options { dir: path.to_owned(), arena_bytes: 16 << 20 }).unwrap()
}

fn said(id: i64, scope: i64, text: &str) -> Document {
    Document {
        key: Key { kind: 2, id },
        scope,
        scopes: Vec::new(),
        owner: 1,
        status: 0,
        flags: 0,
        at: id,
        name: String::new(),
        short: text.to_owned(),
        long: String::new(),
    }
}

fn built(path: &Path, documents: &[Document]) -> Index {
    let index = open(path);
    let g = index.rebuild(Mark { reading: Some((0, 0)), ..Mark::default() }).unwrap();
    g.write(documents, &[], true).unwrap();
    g.commit(Mark { seq: 7, at: 70, reading: None }, Time(1)).unwrap();
    index.switch();
    index
}

fn find(index: &Index, q: &str, may: impl Fn(i64) -> bool) -> Vec<i64> {
    let words = Words { text: q.to_owned(), ..Words::default() };
    let ask = Ask { words, scopes: vec![1, 2, 3], limit: 10, ..Ask::default() };
    let pass = Pass { kind: true, scope: true, status: true, own: false };
    let found = index.serving().unwrap().search(&ask, |d| may(d.scope()).then_some(pass)).unwrap();
    assert_eq!(found.total as usize, found.hits.len());
    found.hits.iter().map(|h| h.key.id).collect()
}

#[test]
fn what_is_hidden_changes_nothing() {
    let path = dir("hidden");
    let mut all: Vec<Document> = (0..400).map(|i| said(i + 100, 2, "색보정 자막 오타")).collect();
    all.push(said(1, 1, "색 보정은 손떨림 뒤에 부탁드려요"));
    all.push(said(2, 1, "자막 위치를 올려 주세요"));
    let index = built(&path, &all);
    assert_eq!(find(&index, "색보정", |s| s == 1), [1]);
    assert_eq!(find(&index, "자막", |s| s == 1), [2]);
    assert_eq!(find(&index, "오타", |s| s == 1), Vec::<i64>::new());
    let _ = std::fs::remove_dir_all(path);
}

#[test]
fn a_mark_comes_back_with_its_documents_and_another_schema_is_not_gone_on_with() {
    let path = dir("mark");
    let index = built(&path, &[said(1, 1, "드론 컷 다음 전환이 튀어요")]);
    index.close();
    drop(index);
    let index = open(&path);
    assert_eq!(index.whole().unwrap().mark(), Mark { seq: 7, at: 70, reading: None });
    assert_eq!(find(&index, "드론 전환", |_| true), [1]);
    index.close();
    drop(index);
    std::fs::rename(path.join("2-1"), path.join("0-1")).unwrap();
    let index = open(&path);
    assert!(index.whole().unwrap().schema != SCHEMA && index.trouble().is_some());
    assert_eq!(find(&index, "드론", |_| true), [1]);
    let _ = std::fs::remove_dir_all(path);
}

#[test]
fn a_replaced_document_is_found_by_its_new_words_alone() {
    let path = dir("replace");
    let index = built(&path, &[said(1, 1, "배경음악이 커요"), said(2, 1, "자막 오타")]);
    let g = index.serving().unwrap();
    g.write(&[said(1, 1, "내레이션이 작아요")], &[Key { kind: 2, id: 2 }], false).unwrap();
    g.commit(Mark { seq: 8, at: 80, reading: None }, Time(2)).unwrap();
    assert_eq!(find(&index, "배경음악", |_| true), Vec::<i64>::new());
    assert_eq!(find(&index, "내레이션", |_| true), [1]);
    assert_eq!(find(&index, "오타", |_| true), Vec::<i64>::new());
    assert_eq!((g.documents(), g.documents_by_kind()), (1, vec![(2, 1)]));
    let _ = std::fs::remove_dir_all(path);
}

#[test]
fn a_damaged_file_is_told() {
    let path = dir("damage");
    let index = built(&path, &[said(1, 1, "엔딩 카드에 번호를 넣어 주세요")]);
    assert!(index.whole().unwrap().damaged().is_empty());
    let file = std::fs::read_dir(path.join("2-1")).unwrap().flatten().map(|f| f.path());
    let file = file.into_iter().find(|f| f.extension().is_some_and(|e| e == "idx" || e == "term")).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xFF;
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(index.whole().unwrap().damaged().len(), 1);
    let _ = std::fs::remove_dir_all(path);
}

#[test]
fn phrases_follow_each_other_and_words_can_be_left_out() {
    let path = dir("phrase");
    let index = built(
        &path,
        &[
            said(1, 1, "자막 오타가 있습니다"),
            said(2, 1, "오타 난 자막"),
            said(3, 1, "자막이 커요"),
            said(4, 1, "final_v3.mp4 자막"),
        ],
    );
    let ask = |text: &str, phrases: &[&str], without: &[&str]| {
        let own = |all: &[&str]| all.iter().map(|s| s.to_string()).collect();
        let words = Words { text: text.into(), phrases: own(phrases), without: own(without), typing: false };
        let ask = Ask { words, scopes: vec![1], limit: 10, ..Ask::default() };
        let pass = Pass { kind: true, scope: true, status: true, own: false };
        let found = index.serving().unwrap().search(&ask, |_| Some(pass)).unwrap();
        let mut ids: Vec<i64> = found.hits.iter().map(|h| h.key.id).collect();
        ids.sort();
        ids
    };
    assert_eq!(ask("", &["자막 오타"], &[]), [1]);
    assert_eq!(ask("", &["final v3"], &[]), [4]);
    assert_eq!(ask("자막", &[], &["오타"]), [3, 4]);
    assert_eq!(ask("", &[], &["자막"]), Vec::<i64>::new());
    let _ = std::fs::remove_dir_all(path);
}

#[test]
fn what_a_writer_takes_out_first_stays_out_while_older_segments_are_merged() {
    let path = dir("first");
    for round in 0..9 {
        let _ = std::fs::remove_dir_all(&path);
        let index = built(&path, &[]);
        let g = index.serving().unwrap();
        let mark = |seq: i64| Mark { seq, at: seq, reading: None };
        // Four segments are enough to be merged; the last commit takes something out of all of them but one.
        for segment in 0..4 {
            let documents: Vec<Document> = (0..8).map(|i| said(segment * 8 + i + 1, 1, &format!("초안 {i}"))).collect();
            let gone: Vec<Key> = (0..3).filter(|s| *s != round % 3).map(|s| Key { kind: 2, id: s * 8 + 8 }).collect();
            g.write(&documents, if segment == 3 { &gone } else { &[] }, false).unwrap();
            g.commit(mark(10 + segment), Time(1)).unwrap();
        }
        // The writer ends before it has merged them.
        index.close();
        drop((g, index));
        let index = open(&path);
        let g = index.serving().unwrap();
        let victim = Key { kind: 2, id: (round / 3) * 8 + 1 };
        let before = g.documents();
        g.write(&[said(100, 1, "새 글")], &[victim], false).unwrap();
        for seq in 20..30 {
            g.commit(mark(seq), Time(1)).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let there = find_ids(&index);
        assert!(!there.contains(&victim.id), "round {round}: {} is back in {there:?}", victim.id);
        assert_eq!(g.documents(), before, "round {round}");
    }
    let _ = std::fs::remove_dir_all(path);
}

fn find_ids(index: &Index) -> Vec<i64> {
    let ask = Ask { scopes: vec![1], limit: 100, ..Ask::default() };
    let pass = Pass { kind: true, scope: true, status: true, own: false };
    let found = index.serving().unwrap().search(&ask, |_| Some(pass)).unwrap();
    found.hits.iter().map(|h| h.key.id).collect()
}

#[test]
fn wherever_a_byte_is_wrong_it_is_opened_or_removed_and_damage_is_told() {
    let path = dir("anywhere");
    let documents: Vec<Document> = (1..60)
        .map(|i| Document {
            name: format!("시사본 v{i}.mp4"),
            long: "자막 중심으로".into(),
            ..said(i, 1, "색보정 부탁")
        })
        .collect();
    let index = built(&path, &documents);
    let g = index.serving().unwrap();
    // A file of what is deleted as well.
    g.write(&[], &[Key { kind: 2, id: 1 }], false).unwrap();
    g.commit(Mark { seq: 8, at: 80, reading: None }, Time(1)).unwrap();
    index.close();
    drop((g, index));
    let list = |at: &Path| std::fs::read_dir(at).unwrap().flatten().map(|f| f.path()).collect::<Vec<_>>();
    let (files, copy) = (list(&path.join("2-1")), dir("anywhere-copy"));
    assert!(files.len() > 6, "{files:?}");
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e != "lock")) {
        let len = std::fs::metadata(file).unwrap().len() as usize;
        for at in [0, len / 4, len / 2, len * 3 / 4, len.saturating_sub(12), len - 1] {
            let _ = std::fs::remove_dir_all(&copy);
            std::fs::create_dir_all(copy.join("2-1")).unwrap();
            for f in &files {
                std::fs::copy(f, copy.join("2-1").join(f.file_name().unwrap())).unwrap();
            }
            let damaged = copy.join("2-1").join(file.file_name().unwrap());
            let mut bytes = std::fs::read(&damaged).unwrap();
            bytes[at] ^= 0xA5;
            std::fs::write(&damaged, bytes).unwrap();
            let label = format!("{} at {at} of {len}", file.extension().unwrap().display());
            let index = open(&copy);
            match index.whole() {
                None => assert!(index.trouble().is_some() && !copy.join("2-1").exists(), "{label}"),
                Some(g) if g.damaged().is_empty() => assert_eq!(find_ids(&index).len(), 58, "{label}"),
                Some(_) => {}
            }
            index.close();
        }
    }
    let _ = (std::fs::remove_dir_all(path), std::fs::remove_dir_all(copy));
}

#[test]
fn a_word_that_only_hidden_documents_have_is_as_one_that_nobody_wrote() {
    // Of few readable documents among many, and of half of them.
    for (name, others) in [("oracle-few", 400), ("oracle-half", 12)] {
        let own: Vec<Document> = (1..=12).map(|i| said(i, 1, "자막 위치를 올려 주세요")).collect();
        let answers = [false, true].map(|written| {
            let path = dir(&format!("{name}-{written}"));
            let hidden = if written { "가로등불빛그림자놀이" } else { "드론" };
            let others = (0..others).map(|i| said(100 + i, 2, &format!("{hidden} 컷")));
            let index = built(&path, &own.iter().cloned().chain(others).collect::<Vec<_>>());
            let found =
                ["자막 위치를 올려 주세요 그림자", "그림자 자막 위치를 올려", "자막 가로등불빛그림자놀이", "자막 놀이"]
                    .map(|q| find_in(&index, q, 1));
            let _ = std::fs::remove_dir_all(path);
            found
        });
        assert_eq!(answers[0], answers[1], "{name}");
        assert!(!answers[0][0].is_empty(), "{name}");
    }
}

/// What a reader of one scope finds.
fn find_in(index: &Index, q: &str, scope: i64) -> Vec<i64> {
    let words = Words { text: q.to_owned(), typing: true, ..Words::default() };
    let ask = Ask { words, scopes: vec![scope], limit: 100, ..Ask::default() };
    let pass = Pass { kind: true, scope: true, status: true, own: false };
    let found = index.serving().unwrap().search(&ask, |d| (d.scope() == scope).then_some(pass)).unwrap();
    found.hits.iter().map(|h| h.key.id).collect()
}
