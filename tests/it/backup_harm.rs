//! Backups that were damaged, and programs that were killed: a reason that names the part, and data that are whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use videoplanet::base::dice::Dice;
use videoplanet::engines::backup::{Target, Trouble, Vault};

use crate::backup::{files, restored, studio, take, to_place};
use crate::clips::noise;
use crate::crash::program;

/// What is done to a place; answers in which objects, as far as that is known.
fn damage(dice: &mut Dice, place: &Path) -> String {
    let all: Vec<PathBuf> = files(place)
        .into_keys()
        .filter(|path| !["verified", "tmp"].iter().any(|dir| path.starts_with(place.join(dir))))
        .collect();
    let path = dice.of(&all).clone();
    let mut bytes = fs::read(&path).unwrap();
    let done = match dice.roll(5) {
        0 => {
            bytes.truncate(dice.roll(bytes.len()));
            "cut"
        }
        1 => {
            let at = dice.roll(bytes.len());
            bytes[at] ^= 1 << dice.roll(8);
            "flipped"
        }
        2 => {
            fs::remove_file(&path).unwrap();
            return format!("{} missing", path.display());
        }
        3 => {
            let others: Vec<&PathBuf> =
                all.iter().filter(|other| **other != path && fs::read(other).unwrap() != bytes).collect();
            let other = *dice.of(&others);
            bytes = fs::read(other).unwrap();
            "swapped"
        }
        _ => {
            let more = dice.roll(1000) + 1;
            bytes.extend(std::iter::repeat_n(0, more));
            "longer"
        }
    };
    fs::write(&path, bytes).unwrap();
    format!("{} {done}", path.display())
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    for (path, bytes) in files(from) {
        let path = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// VP_BACKUP_HARM=500 for more.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_damaged_archives_are_refused_with_a_reason_and_nothing_changes() {
    let rounds: u64 = std::env::var("VP_BACKUP_HARM").map_or(25, |n| n.parse().unwrap());
    for (name, passphrase) in [("backup-harm", ""), ("backup-harm-sealed", "바른 말")] {
        let s = studio(name, |c| c.backup.passphrase = passphrase.into()).await;
        for n in 1..4 {
            s.editor.upload(s.feedback, "a.mp4", &noise(20_000 * n as usize + 3, n)).await;
        }
        take(&s.app).await.unwrap();
        let whole = to_place(&s);
        let (harmed, data) = (s.dir.path().join("harmed"), s.dir.path().join("present"));
        restored(&whole, None, &data).await.unwrap();
        // Films that are there already would be taken from there, and the damage not be met.
        fs::remove_dir_all(data.join("media")).unwrap();
        let before = files(&data);
        for round in 0..rounds {
            copy(Path::new(&whole.to), &harmed);
            let done = damage(&mut Dice::new(round * 7919 + passphrase.len() as u64), &harmed);
            let target = Target { to: harmed.display().to_string(), ..whole.clone() };
            let said = match restored(&target, None, &data).await {
                Err(trouble @ (Trouble::Damaged { .. } | Trouble::Refused(_))) => trouble.to_string(),
                other => panic!("{done}: {other:?}"),
            };
            let of = harmed.display().to_string();
            let object = done.strip_prefix(&of).unwrap().trim_start_matches('/').split(' ').next().unwrap();
            // Without its marker or its manifest it is no place, or there is no backup; else the part is named.
            let named = said.contains(object)
                || said.contains("the database in the backup")
                || said.contains("holds no backups")
                || said.contains("there is no backup in the place")
                || said.contains("newer videoplanet")
                || said.contains("backup.passphrase");
            assert!(named, "{done}: {said}");
            assert!(files(&data) == before, "{done}");
        }
        s.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_is_found_by_a_look_and_healed_by_the_next_backup() {
    let s = studio("backup-heal", |_| ()).await;
    let film = noise(90_000, 8);
    s.editor.upload(s.feedback, "a.mp4", &film).await;
    let taken = take(&s.app).await.unwrap();
    let vault = Vault::open(&to_place(&s)).unwrap();
    let object = Path::new(&to_place(&s).to).join(vault.object(&taken.manifest.media[0].hash, false));
    let mut bytes = fs::read(&object).unwrap();
    bytes[1000] ^= 4;
    fs::write(&object, &bytes).unwrap();
    let looked = program(&s.dir.path().join("none"))
        .args(["--set", &format!("backup.to={}", to_place(&s).to), "verify", "--all"])
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&looked.stderr).into_owned();
    assert_eq!(looked.status.code(), Some(2), "{said}");
    assert!(
        said.contains("its bytes have changed") && said.contains(&taken.manifest.media[0].key.to_string()),
        "{said}"
    );
    let next = take(&s.app).await.unwrap();
    assert!(next.verified.ok && fs::read(&object).unwrap() == film);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_a_backup_is_none_and_a_restore_is_all_or_nothing() {
    let s = studio("backup-kill", |_| ()).await;
    for n in 0..4 {
        s.editor.upload(s.feedback, "a.mp4", &noise(4_000_000, 20 + n)).await;
    }
    let to = to_place(&s).to;
    let dir = s.dark().await;
    let (dir, to) = (dir.path(), to.as_str());
    let data = dir.join("data");
    let set = format!("backup.to={to}");
    let mut dice = Dice::new(9);
    let killed = |command: &mut std::process::Command, after: u64| {
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(after));
        let _ = child.kill();
        child.wait().unwrap()
    };
    let mut kills = 0;
    for _ in 0..6 {
        let status = killed(program(&data).args(["--set", &set, "backup"]), 30 + dice.roll(700) as u64);
        kills += usize::from(status.code().is_none());
    }
    assert!(kills > 0);
    let done = program(&data).args(["--set", &set, "backup"]).status().unwrap();
    assert_eq!(done.code(), Some(0));
    let listed = program(&data).args(["--set", &set, "verify", "--all"]).status().unwrap();
    assert_eq!(listed.code(), Some(0));
    assert!(files(&PathBuf::from(to).join("tmp")).is_empty(), "what the killed ones left is gone");

    let other = dir.join("other");
    let films = |data: &Path| files(&data.join("media")).len();
    let mut whole = 0;
    for _ in 0..8 {
        let mut command = program(&other);
        command.args(["restore", "--yes", "--from", to]);
        killed(&mut command, 20 + dice.roll(400) as u64);
        // Whatever is run next finds the one or the other.
        let out = dir.join("out").display().to_string();
        let next = program(&other).args(["export", &out]).stderr(Stdio::piped()).output().unwrap();
        assert!(!other.join("restore").exists(), "{}", String::from_utf8_lossy(&next.stderr));
        let is_there = other.join("videoplanet.db").exists() && films(&other) > 0;
        assert!(films(&other) == if is_there { 4 } else { 0 });
        whole += usize::from(is_there);
    }
    let done = program(&other).args(["restore", "--yes", "--from", to]).stdout(Stdio::null()).status().unwrap();
    assert_eq!((done.code(), films(&other)), (Some(0), 4), "{whole}");
    let gone = program(&other).args(["restore", "--forget"]).stdout(Stdio::null()).status().unwrap();
    assert_eq!(gone.code(), Some(0));
    assert!(fs::read_dir(&other).unwrap().flatten().all(|e| !e.file_name().to_string_lossy().starts_with("before-")));
}
