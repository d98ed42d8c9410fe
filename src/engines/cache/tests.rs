//! The tiers by themselves: one load for many, warm after a restart, whole without a disk.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::base::error::Error;

type Plain = Cache<()>;

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Dir {
        let dir = std::env::temp_dir().join(format!("vp-cache-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Dir(dir)
    }

    fn options(&self) -> Options {
        Options { dir: self.0.clone(), l1_bytes: 4 << 20, l2_bytes: 4 << 20, disk_bytes: 64 << 20 }
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn body(text: &str) -> Body {
    Body::new(Group::Project, None, text.to_owned().into())
}

async fn ask(cache: &Plain, key: &str) -> Found {
    let load = async { Ok(body(&format!("{key} {}", "x".repeat(2_000)))) };
    let (found, got) = cache.get_or_load(Group::Project, Key::of(key), true, load).await.unwrap();
    assert!(got.plain().starts_with(key.as_bytes()));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_at_once_are_read_for_once() {
    let dir = Dir::new("flight");
    let cache = Plain::open(&dir.options()).await.unwrap();
    let loads = Arc::new(AtomicUsize::new(0));
    let (begun, go_on) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (cache, loads, begun, go_on) = (cache.clone(), loads.clone(), begun.clone(), go_on.clone());
        callers.spawn(async move {
            let load = async {
                loads.fetch_add(1, Ordering::SeqCst);
                begun.notify_one();
                go_on.notified().await;
                Ok(body("answer"))
            };
            cache.get_or_load(Group::Project, Key::of("k"), true, load).await.unwrap().0
        });
    }
    begun.notified().await;
    go_on.notify_one();
    let mut found = Vec::new();
    while let Some(one) = callers.join_next().await {
        found.push(one.unwrap());
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert_eq!(found.iter().filter(|f| **f == Found::Loaded).count(), 1);
    assert!(cache.0.flights.lock().is_empty());
    cache.close().await;
}

#[tokio::test]
async fn a_load_that_fails_or_is_dropped_leaves_the_next_one_free() {
    let dir = Dir::new("failing");
    let cache = Plain::open(&dir.options()).await.unwrap();
    let failing = cache.get_or_load(Group::Project, Key::of("k"), true, async { Err(Error::NotFound("project")) });
    assert!(failing.await.is_err());
    let dropped = cache.get_or_load(Group::Project, Key::of("k"), true, std::future::pending());
    assert!(tokio::time::timeout(Duration::from_millis(10), dropped).await.is_err());
    assert!(cache.0.flights.lock().is_empty());
    assert_eq!(ask(&cache, "k").await, Found::Loaded);
    assert_eq!(ask(&cache, "k").await, Found::In(Tier::L1));
    cache.close().await;
}

#[tokio::test]
async fn each_tier_answers_for_the_one_above_it() {
    let dir = Dir::new("tiers");
    let cache = Plain::open(&dir.options()).await.unwrap();
    for i in 0..200 {
        assert_eq!(ask(&cache, &format!("k{i}")).await, Found::Loaded);
    }
    cache.0.l1.clear();
    assert_eq!(ask(&cache, "k7").await, Found::In(Tier::L2));
    assert_eq!(ask(&cache, "k7").await, Found::In(Tier::L1));
    cache.close().await;
    drop(cache);

    let cache = Plain::open(&dir.options()).await.unwrap();
    let mut warm = 0;
    for i in 0..200 {
        warm += usize::from(ask(&cache, &format!("k{i}")).await == Found::In(Tier::L3));
    }
    assert!(warm >= 190, "{warm} of 200 were found on the disk");
    let stats = cache.stats();
    let group = stats.groups.iter().find(|g| g.group == Group::Project).unwrap();
    assert_eq!((group.hits[2], group.misses), (warm as u64, 200 - warm as u64));
    assert_eq!(group.entries[0], 200);
    cache.close().await;
}

#[tokio::test]
async fn what_is_read_ahead_is_no_question_of_anybody() {
    let dir = Dir::new("ahead");
    let cache = Plain::open(&dir.options()).await.unwrap();
    for _ in 0..2 {
        cache.get_or_load(Group::Project, Key::of("k"), false, async { Ok(body("k")) }).await.unwrap();
    }
    assert_eq!((cache.stats().hits, cache.stats().misses), ([0; 3], 0));
    assert_eq!(ask(&cache, "k").await, Found::In(Tier::L1));
    assert_eq!((cache.stats().hits, cache.stats().misses), ([1, 0, 0], 0));
    cache.close().await;
}

#[tokio::test]
async fn another_size_begins_with_an_empty_disk() {
    let dir = Dir::new("geometry");
    let cache = Plain::open(&dir.options()).await.unwrap();
    ask(&cache, "k").await;
    cache.close().await;
    drop(cache);
    let cache = Plain::open(&Options { disk_bytes: 48 << 20, ..dir.options() }).await.unwrap();
    assert_eq!(ask(&cache, "k").await, Found::Loaded);
    cache.close().await;
}

#[tokio::test]
async fn a_damaged_disk_tier_is_a_miss_and_never_an_error() {
    let dir = Dir::new("damaged");
    let cache = Plain::open(&dir.options()).await.unwrap();
    for i in 0..50 {
        ask(&cache, &format!("k{i}")).await;
    }
    cache.close().await;
    drop(cache);
    for file in std::fs::read_dir(dir.0.join("blocks")).unwrap().flatten() {
        let len = file.metadata().unwrap().len() as usize;
        std::fs::write(file.path(), vec![0xa5; len.min(64 << 10)]).unwrap();
    }
    let cache = Plain::open(&dir.options()).await.unwrap();
    assert_eq!(ask(&cache, "k1").await, Found::Loaded);
    cache.close().await;
}

#[tokio::test]
async fn without_a_directory_it_works_in_memory_and_says_so() {
    let dir = Dir::new("no-directory");
    // A file where the directory should be: what a read-only or broken disk looks like to the program.
    std::fs::write(&dir.0, b"in the way").unwrap();
    let cache = Plain::open(&dir.options()).await.unwrap();
    assert!(cache.stats().disk_trouble.unwrap().contains("cannot create"));
    assert_eq!(ask(&cache, "k").await, Found::Loaded);
    cache.0.l1.clear();
    assert_eq!(ask(&cache, "k").await, Found::In(Tier::L2));
    cache.close().await;
    std::fs::remove_file(&dir.0).unwrap();
    // More than any disk has.
    let cache = Plain::open(&Options { disk_bytes: 1 << 50, ..dir.options() }).await.unwrap();
    assert!(cache.stats().disk_trouble.unwrap().contains("less than cache.disk_mib"));
    assert_eq!(ask(&cache, "k").await, Found::Loaded);
    cache.close().await;
}

#[tokio::test]
async fn a_purged_group_has_another_epoch_also_after_a_restart() {
    let dir = Dir::new("purge");
    let cache = Plain::open(&dir.options()).await.unwrap();
    cache.purge(Group::Comments);
    assert_eq!((cache.epoch(Group::Comments), cache.epoch(Group::Project)), (1, 0));
    cache.close().await;
    drop(cache);
    let cache = Plain::open(&dir.options()).await.unwrap();
    assert_eq!((cache.epoch(Group::Comments), cache.epoch(Group::Project)), (1, 0));
    cache.close().await;
}
