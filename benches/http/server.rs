//! The program under measurement: a command of it, and a server that runs as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The program with its data under `home`.
pub fn program(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_videoplanet"));
    command.arg("--data").arg(home.join("data")).stdin(Stdio::null());
    command
}

/// A server of its own process; ends with its value.
pub struct Server(Child, pub SocketAddr);

impl Server {
    /// Starts it and reads its address from the end of its first line.
    pub fn start(mut command: Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit('/').next().unwrap().parse().unwrap();
        Server(child, address)
    }

    /// Its process.
    #[allow(dead_code)] // Not every benchmark looks at it from outside.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
