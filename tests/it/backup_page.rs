//! Backups where people meet them: the page, its rights, the audit, the alerts, the doctor, the shell beside a server.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use videoplanet::base::clock::{HOUR, SECOND};
use videoplanet::base::event::Event;
use videoplanet::domain::backups;
use videoplanet::engines::alerts::Rule;

use crate::admin::{journal, open, send};
use crate::alerts::Alarm;
use crate::backup::{place, studio, take, to_place};
use crate::clips::noise;
use crate::crash::{Server, program};
use crate::studio::{Someone, Studio};

async fn page(s: &Studio, who: &Someone) -> String {
    let answer = open(s, who, "/admin/backups").await;
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

async fn settled(s: &Studio, count: usize) -> Vec<backups::Backup> {
    for _ in 0..1200 {
        let list = s.app.read(backups::list).await.unwrap();
        let over =
            list.iter().all(|b| b.state != backups::State::Running && (b.verified.is_some() || b.error.is_some()));
        if list.len() == count && over && s.app.backups.doing().is_none() {
            return list;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never {count} backups");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_takes_and_verifies_and_an_admin_deletes() {
    let s = studio("backup-page", |_| ()).await;
    s.work().await;
    let operator = s.person("operator").await;
    s.operate(&operator).await;
    s.editor.upload(s.feedback, "a.mp4", &noise(200_000, 1)).await;
    let empty = page(&s, &operator).await;
    assert!(empty.contains("There are none yet") && empty.contains(&to_place(&s).to), "{empty}");

    assert_eq!(send(&s, &operator, "/admin/backups/take", &[]).await.status(), 303);
    let first = settled(&s, 1).await.remove(0);
    assert!(first.is_whole() && first.by.as_deref() == Some("operator") && first.films == 1, "{first:?}");
    let shown = page(&s, &operator).await;
    assert!(shown.contains(&first.id) && shown.contains(">whole<") && !shown.contains("/delete\""), "{shown}");
    assert!(shown.contains(&format!("restore --yes --from {} {}", to_place(&s).to, first.id)), "{shown}");

    let at = |what: &str| format!("/admin/backups/{}/{what}", first.id);
    let before = first.verified.unwrap().at;
    assert_eq!(send(&s, &operator, &at("verify"), &[("all", "true")]).await.status(), 303);
    for _ in 0..1200 {
        let now = s.app.read(backups::list).await.unwrap().remove(0).verified.unwrap();
        if now.at != before {
            assert!(now.ok && now.read == now.of);
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(send(&s, &operator, &at("delete"), &[]).await.status(), 403);
    assert_eq!(send(&s, &s.editor, "/admin/backups/20260101T000000Z-0000/verify", &[]).await.status(), 404);
    assert_eq!(send(&s, &s.editor, "/admin/backups/..%2f..%2fx/delete", &[]).await.status(), 404);
    assert!(page(&s, &s.editor).await.contains("/delete\""));
    assert_eq!(send(&s, &s.editor, &at("delete"), &[]).await.status(), 303);
    settled(&s, 0).await;
    let told = journal(&s).await;
    let has = |by: &Someone, wanted: fn(&Event) -> bool| told.iter().any(|(a, e)| *a == Some(by.id.0) && wanted(e));
    assert!(has(&operator, |e| matches!(e, Event::BackupTaken { films: 1, lost: 0, .. })), "{told:?}");
    assert!(has(&operator, |e| matches!(e, Event::BackupVerified { ok: true, .. })));
    assert!(has(&s.editor, |e| matches!(e, Event::BackupDeleted { .. })));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_the_page_says_how_and_the_schedule_does_nothing() {
    let s = crate::admin::studio("backup-off").await;
    s.work().await;
    let shown = page(&s, &s.editor).await;
    assert!(shown.contains("/admin/settings#s-backup") && shown.contains("No backups are taken"), "{shown}");
    assert_eq!(send(&s, &s.editor, "/admin/backups/take", &[]).await.status(), 409);
    assert_eq!(send(&s, &s.editor, "/admin/schedule/backup/run", &[]).await.status(), 303);
    assert!(s.app.read(backups::list).await.unwrap().is_empty());
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_and_a_failed_backup_are_told_once_each_and_so_is_their_end() {
    let to = place("alerts-backup");
    let a = Alarm::with("alerts-backup", |c| c.backup.to = to.clone()).await;
    a.only(Rule::BackupAge, Some(86_400.0)).await;
    take(&a.s.app).await.unwrap();
    a.look().await;
    assert!(a.told().await.is_empty(), "a young one is well");
    // Somebody has paused the nightly ones.
    assert_eq!(send(&a.s, &a.s.editor, "/admin/schedule/backup/pause", &[]).await.status(), 303);
    a.clock.advance(25 * HOUR);
    let told = a.fires(Rule::BackupAge).await;
    assert!(told["alert"]["value"].as_f64().unwrap() >= 25.0 * 3600.0, "{told}");
    take(&a.s.app).await.unwrap();
    a.clears(Rule::BackupAge).await;

    a.only(Rule::BackupFailed, None).await;
    let marker = format!("{to}/videoplanet-backups.json");
    let text = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, text.replace("\"format\": 1", "\"format\": 9")).unwrap();
    let failed = take(&a.s.app).await.unwrap_err().to_string();
    assert!(failed.contains("newer videoplanet"), "{failed}");
    a.fires(Rule::BackupFailed).await;
    fs::write(&marker, text).unwrap();
    a.clock.advance(SECOND);
    take(&a.s.app).await.unwrap();
    a.clears(Rule::BackupFailed).await;
    a.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shell_takes_one_in_the_running_server_lists_it_and_restores_beside_it() {
    let s = studio("backup-shell", |_| ()).await;
    s.editor.upload(s.feedback, "a.mp4", &noise(100_000, 2)).await;
    let to = to_place(&s).to;
    let dir = s.dark().await;
    let data = dir.path().join("data");
    let set = format!("backup.to={to}");
    let server = Server::with(&data, &[&set]).await;
    let run = |args: &[&str]| {
        let out = program(&data)
            .args(["--set", &set])
            .args(args)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        (out.status.code(), said)
    };
    let (code, said) = run(&["backup"]);
    assert!(code == Some(0) && said.contains("running server takes a backup") && said.contains("verified"), "{said}");
    let (code, said) = run(&["backups"]);
    assert!(code == Some(0) && said.contains("films 1") && said.contains("verified"), "{said}");
    let (code, said) = run(&["restore", "--yes"]);
    assert!(code == Some(1) && said.contains("another videoplanet has"), "{said}");
    server.end().await;
    let (code, said) = run(&["restore"]);
    assert!(code == Some(1) && said.contains("--yes"), "nobody is asked without a terminal: {said}");
    let (code, said) = run(&["restore", "--yes"]);
    assert!(code == Some(0) && said.contains("restore --forget"), "{said}");
    let (_, said) = run(&["doctor", "--lang", "en"]);
    assert!(said.contains("before a restore is kept"), "{said}");
    let (code, said) = run(&["restore", "--forget"]);
    assert!(code == Some(0) && said.contains("deleted"), "{said}");
    let (code, said) = run(&["restore", "--yes", "--from", "/nowhere/at/all"]);
    assert!(code == Some(1) && said.contains("holds no backups"), "{said}");
}
