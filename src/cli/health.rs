//! `videoplanet health`: is the program beside it ready? For a container's health check and for scripts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use crate::config::Config;
use crate::engines::outbound_knock as knock;

/// How long the answer may take.
const TIME: Duration = Duration::from_millis(2_500);

#[derive(Args)]
pub(super) struct Asked {
    /// Ask there instead of on this machine at the port of server.bind, such as http://127.0.0.1:8080.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Asks, says what came back in one line, and answers with what the process ends: 0 it is ready, 1 it is not.
pub(super) fn run(config: &Config, asked: Asked) -> anyhow::Result<ExitCode> {
    let url = match asked.url {
        Some(url) => url,
        None => here(config)?,
    };
    let url = format!("{}/ready", url.trim_end_matches('/'));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(knock::ready(&url, TIME)) {
        Ok(heard) => {
            println!("{}", String::from_utf8_lossy(&heard.body).trim());
            Ok(if heard.status == 200 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(failure) => {
            println!("{url}: {failure}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Where the program answers to its own machine.
fn here(config: &Config) -> anyhow::Result<String> {
    let bind: SocketAddr = config.server.bind.parse().context("server.bind is no address")?;
    let host = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let scheme = if config.tls.certificate.is_empty() { "http" } else { "https" };
    Ok(format!("{scheme}://{}", SocketAddr::new(host, bind.port())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_where_the_settings_bind() {
        let at = |bind: &str, certificate: &str| {
            let mut config = Config::default();
            config.server.bind = bind.into();
            config.tls.certificate = certificate.into();
            here(&config).unwrap()
        };
        assert_eq!(at("0.0.0.0:8080", ""), "http://127.0.0.1:8080");
        assert_eq!(at("[::]:443", "/a.pem"), "https://[::1]:443");
        assert_eq!(at("192.168.0.5:80", ""), "http://192.168.0.5:80");
    }
}
