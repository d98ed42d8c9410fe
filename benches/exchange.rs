//! `cargo bench --bench exchange`: how many rows a second the program imports and exports.
//!
//! A large studio is written, imported by the real program into an empty instance, exported, imported and exported again;
//! the two exports are compared byte by byte. `cargo bench --bench exchange -- DIR` only writes the studio into DIR.

mod data;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

fn main() {
    // Cargo itself passes --bench.
    if let Some(dir) = std::env::args().skip(1).find(|a| !a.starts_with("--")) {
        let rows = data::write(Path::new(&dir), &data::LARGE).unwrap();
        println!("{rows} rows written to {dir}");
        return;
    }
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-exchange");
    let _ = std::fs::remove_dir_all(&home);
    let given = home.join("given");
    let rows = data::write(&given, &data::LARGE).unwrap();
    println!("{rows} rows; the whole command is measured, its start and its last checkpoint included");
    let run = |data: &str, command: &str, dir: &Path| {
        let begun = Instant::now();
        let done = Command::new(env!("CARGO_BIN_EXE_videoplanet"))
            .arg("--data")
            .arg(home.join(data))
            .args([command.as_ref(), dir.as_os_str()])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let took = begun.elapsed().as_secs_f64();
        println!("{command:<8} {took:>6.2} s {:>9.0} rows/s", rows as f64 / took);
    };
    let (first, second) = (home.join("first"), home.join("second"));
    run("one", "import", &given);
    run("one", "export", &first);
    run("two", "import", &first);
    run("two", "export", &second);
    for entry in std::fs::read_dir(&first).unwrap() {
        let name = entry.unwrap().file_name();
        let same = std::fs::read(first.join(&name)).unwrap() == std::fs::read(second.join(&name)).unwrap();
        assert!(same, "{name:?} differs");
    }
    println!("both exports are the same bytes; wanted: an import of at least 20,000 rows/s");
    let _ = std::fs::remove_dir_all(&home);
}
