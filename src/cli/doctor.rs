//! `videoplanet doctor`: the checks, from the shell, beside a running server or without one.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use crate::app;
use crate::base::locale::{self, Lang};
use crate::config::Layers;
use crate::domain::doctor::{self, Ground, Outcome, Report};
use crate::engines::outbound;

#[derive(Args)]
pub(super) struct Asked {
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Language of the sentences, ko or en. Without it: that of the shell.
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    lang: Option<Lang>,
}

fn language(tag: &str) -> Result<Lang, String> {
    Lang::from_tag(tag).ok_or_else(|| "it speaks ko and en".to_owned())
}

/// The language of the shell; English for one that we do not speak.
fn of_shell() -> Lang {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    set.and_then(|tag| Lang::from_tag(&tag)).unwrap_or(Lang::En)
}

/// Looks, and answers with what the process ends: 0 all is well, 1 warnings, 2 something does not work.
pub(super) fn run(
    dir: &Path,
    file: Option<&Path>,
    layers: anyhow::Result<Layers>,
    asked: &Asked,
) -> anyhow::Result<ExitCode> {
    outbound::prepare();
    let lang = asked.lang.unwrap_or_else(of_shell);
    let served = app::is_open(dir).unwrap_or(false);
    let layers = layers.map_err(|e| format!("{e:#}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ground = Ground::outside(dir.to_owned(), file.map(Path::to_owned), layers, served);
    let report = runtime.block_on(doctor::run(ground, |_| ()));
    match asked.json {
        true => println!("{}", serde_json::to_string_pretty(&report.json(lang))?),
        false => print!("{}", text(&report, lang)),
    }
    Ok(match report.outcome() {
        Outcome::Skipped | Outcome::Ok => ExitCode::SUCCESS,
        Outcome::Warn => ExitCode::from(1),
        Outcome::Fail => ExitCode::from(2),
    })
}

/// A line for what is well, three for what is not.
fn text(report: &Report, lang: Lang) -> String {
    let mut out = String::new();
    for f in &report.findings {
        let sign = match f.outcome {
            Outcome::Ok => "ok  ",
            Outcome::Skipped => "–   ",
            Outcome::Warn => "WARN",
            Outcome::Fail => "FAIL",
        };
        let found = locale::say(lang, &f.found);
        out.push_str(&format!("{sign}  {}: {found}\n", f.check.title(lang)));
        if f.outcome >= Outcome::Warn {
            out.push_str(&format!("      {}\n", f.check.why(lang)));
            if let Some(remedy) = &f.remedy {
                out.push_str(&format!("      → {}\n", locale::say(lang, remedy)));
            }
        }
    }
    let n = |outcome| report.count(outcome).to_string();
    let values = [("ok", n(Outcome::Ok)), ("warn", n(Outcome::Warn)), ("fail", n(Outcome::Fail))];
    let sum = locale::Text { key: "doctor.sum", args: values.into() };
    out.push_str(&format!("\n{}\n", locale::say(lang, &sum)));
    out
}
