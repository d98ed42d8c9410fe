//! `videoplanet man` and `videoplanet completions`: what a shell and its user want to know, from the same arguments that
//! the program reads.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::Cli;

/// What the arguments do not tell: files, environment, signals, exit status.
const MORE: &str = include_str!("manual.roff");

pub(super) fn completions(shell: Shell) -> io::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "videoplanet", &mut text);
    io::stdout().write_all(&text)
}

pub(super) fn man() -> io::Result<()> {
    io::stdout().write_all(page()?.as_bytes())
}

/// The whole manual as one page: who looks for a command finds it by searching, not by guessing a page's name.
fn page() -> io::Result<String> {
    let mut root = Cli::command().disable_help_subcommand(true).subcommand_value_name("COMMAND");
    root.build();
    let man = Man::new(root.clone()).manual("VideoPlanet");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    let mut page = String::from_utf8(page).map_err(io::Error::other)?;
    for (heading, text) in [
        ("NAME", section(|w| man.render_name_section(w))?),
        ("SYNOPSIS", section(|w| man.render_synopsis_section(w))?),
        ("DESCRIPTION", section(|w| man.render_description_section(w))?),
        ("OPTIONS", section(|w| man.render_options_section(w))?),
    ] {
        page += &format!(".SH {heading}\n{text}");
    }
    page += ".SH COMMANDS\nThe options above stand before or after a command.\n";
    commands(&root, &mut page)?;
    page += MORE;
    Ok(page)
}

/// Adds each command that can be given, with what it takes beside the options of all.
fn commands(of: &Command, page: &mut String) -> io::Result<()> {
    for command in of.get_subcommands().filter(|c| !c.is_hide_set()) {
        if command.has_subcommands() {
            commands(command, page)?;
            continue;
        }
        let own =
            command.clone().mut_args(|a| if a.is_global_set() || a.get_id() == "help" { a.hide(true) } else { a });
        let man = Man::new(own);
        *page += &format!(".SS {}\n", command.get_bin_name().unwrap_or_else(|| command.get_name()));
        *page += &section(|w| man.render_synopsis_section(w))?;
        *page += ".PP\n";
        *page += &section(|w| man.render_description_section(w))?;
        *page += &section(|w| man.render_options_section(w))?;
    }
    Ok(())
}

/// A section's text alone: without the preamble, which stands once at the head of the page, and without its heading.
fn section(render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<String> {
    let mut text = Vec::new();
    render(&mut text)?;
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    let body = text.lines().skip_while(|l| !l.starts_with(".SH")).skip(1);
    Ok(body.flat_map(|l| [l, "\n"]).collect())
}
