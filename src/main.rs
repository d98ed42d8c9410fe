//! Parses the arguments and runs one command.

use std::process::ExitCode;

use clap::Parser;
use videoplanet::cli::{Cli, run};

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("videoplanet: {e:#}");
            ExitCode::FAILURE
        }
    }
}
