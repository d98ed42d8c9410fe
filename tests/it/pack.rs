//! What a package or an image is made of, without building one: the manual page and the completions that the program prints,
//! the units, the image's description. `packaging/test-deb.sh` and `packaging/test-image.sh` live with the real ones.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::CommandFactory;
use videoplanet::cli::Cli;

/// What the program prints.
fn prints(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_videoplanet")).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A file of `packaging`.
fn packaged(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Runs a tool of the system; `None` where it is not installed.
fn tool(name: &str, args: &[&str], input: &str) -> Option<Output> {
    let mut command = Command::new(name);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return None,
        child => child.unwrap(),
    };
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    Some(child.wait_with_output().unwrap())
}

/// The names of all commands that can be given, such as `videoplanet jobs list`.
fn commands(of: &clap::Command) -> Vec<String> {
    of.get_subcommands()
        .filter(|c| !c.is_hide_set() && c.get_name() != "help")
        .flat_map(|c| match c.has_subcommands() {
            true => commands(c),
            false => vec![c.get_bin_name().unwrap().to_owned()],
        })
        .collect()
}

fn built() -> clap::Command {
    let mut cli = Cli::command();
    cli.build();
    cli
}

#[test]
fn the_manual_page_tells_every_command() {
    let page = prints(&["man"]);
    let all = commands(&built());
    assert!(all.len() >= 15 && all.contains(&"videoplanet serve".to_owned()), "{all:?}");
    for command in &all {
        let heading = format!(".SS {command}\n");
        let told = page.split(&heading).nth(1).unwrap_or_else(|| panic!("{command} is missing:\n{page}"));
        assert!(told.starts_with(&format!("\\fB{command}\\fR")), "{command} has no synopsis: {told:.200}");
    }
    for section in
        ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "FILES", "ENVIRONMENT", "SIGNALS", "EXIT STATUS"]
    {
        assert_eq!(page.matches(&format!(".SH {section}\n")).count(), 1, "{section}");
    }
    if let Some(shown) = tool("groff", &["-man", "-Tutf8", "-ww", "-K", "utf8"], &page) {
        assert!(shown.stderr.is_empty(), "{}", String::from_utf8_lossy(&shown.stderr));
    }
}

#[test]
fn shells_can_read_the_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let script = prints(&["completions", shell]);
        for command in built().get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
        if let Some(read) = tool(shell, &["-n", "/dev/stdin"], &script) {
            assert!(read.status.success(), "{shell}: {}", String::from_utf8_lossy(&read.stderr));
        }
    }
    // As bash would ask, after `videoplanet jobs re`.
    let ask = "COMP_WORDS=(videoplanet jobs re); COMP_CWORD=2; _videoplanet videoplanet re jobs; echo ${COMPREPLY[@]}";
    let asked = tool("bash", &["--norc"], &format!("{}\n{ask}\n", prints(&["completions", "bash"]))).unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "retry resume\n");
}

/// The values of a key in a unit.
fn values<'a>(unit: &'a str, key: &'a str) -> Vec<&'a str> {
    unit.lines().filter_map(|l| l.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[test]
fn the_units_fit_the_program_and_keep_it_in() {
    let (service, socket) = (packaged("systemd/videoplanet.service"), packaged("systemd/videoplanet.socket"));
    let start = values(&service, "ExecStart")[0];
    let args: Vec<&str> = start.split_whitespace().collect();
    assert_eq!(args[0], "/usr/bin/videoplanet");
    Cli::command().try_get_matches_from(&args).unwrap_or_else(|e| panic!("{start}: {e}"));
    assert_eq!(values(&service, "Requires"), ["videoplanet.socket"]);
    assert_eq!(values(&socket, "ListenStream"), ["8080"]);
    for (key, value) in [
        ("Type", "notify"),
        ("User", "videoplanet"),
        ("EnvironmentFile", "-/etc/videoplanet/environment"),
        ("KillMode", "mixed"),
        ("Restart", "on-failure"),
        ("ProtectSystem", "strict"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
    ] {
        assert_eq!(values(&service, key), [value], "{key}");
    }
    let drain = videoplanet::config::Config::default().server.drain_s;
    let stop: u64 = values(&service, "TimeoutStopSec")[0].parse().unwrap();
    assert!(stop >= drain * 2, "{stop} s to stop, of which requests get {drain}");
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/systemd/videoplanet.service");
    let ask = ["--offline=true", "security", "--threshold=13", unit.to_str().unwrap()];
    if let Some(rated) = tool("systemd-analyze", &ask, "") {
        assert!(rated.status.success(), "{}", String::from_utf8_lossy(&rated.stdout));
    }
}

#[test]
fn the_image_is_described_as_the_documents_say() {
    let image = packaged("Dockerfile");
    for line in [
        "USER 10001:10001",
        "VOLUME /data",
        "EXPOSE 8080",
        "STOPSIGNAL SIGTERM",
        r#"ENTRYPOINT ["/usr/bin/videoplanet", "--data", "/data"]"#,
        r#"CMD ["serve"]"#,
    ] {
        assert!(image.lines().any(|l| l == line), "{line}");
    }
    let compose: serde_json::Value = serde_norway::from_str(&packaged("compose.yaml")).unwrap();
    let services = compose["services"].as_object().unwrap();
    assert_eq!(services.len(), 1);
    let service = &services["videoplanet"];
    assert_eq!(service["user"], "10001:10001");
    assert_eq!(service["ports"], serde_json::json!(["8080:8080"]));
    assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]));
    assert_eq!(service["read_only"], true);
    // The Rust of the image is at least the one that the sources ask for.
    let asked = env!("CARGO_PKG_RUST_VERSION");
    assert!(image.contains(&format!("FROM rust:{asked}")), "the sources ask for Rust {asked}");
}

#[test]
fn the_scripts_of_the_package_can_be_read() {
    for script in ["deb/postinst", "deb/prerm", "deb/postrm"] {
        let read = tool("sh", &["-n"], &packaged(script)).unwrap();
        assert!(read.status.success(), "{script}: {}", String::from_utf8_lossy(&read.stderr));
    }
    for script in ["build-deb.sh", "test-deb.sh", "test-image.sh"] {
        let text = packaged(script);
        assert!(text.contains("\nset -euo pipefail\n"), "{script}");
        let read = tool("bash", &["-n"], &text).unwrap();
        assert!(read.status.success(), "{script}: {}", String::from_utf8_lossy(&read.stderr));
    }
    // An upgrade restarts the service, never the socket.
    let postinst = packaged("deb/postinst");
    assert!(postinst.contains("deb-systemd-invoke $do videoplanet.service"));
    assert!(!postinst.lines().any(|l| l.contains("restart") && l.contains("videoplanet.socket")));
}
