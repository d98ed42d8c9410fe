//! `videoplanet user`: accounts from the shell, also while the server runs.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use clap::Subcommand;

use crate::base::error::Error;
use crate::base::locale::{self, Lang, Text};
use crate::base::roles::SiteRole;
use crate::domain::accounts::{self, NewUser, password};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Add an account.
    Add {
        /// The login.
        email: String,
        /// The name that others see.
        #[arg(long)]
        nickname: String,
        /// Make it an admin of the instance.
        #[arg(long)]
        admin: bool,
        /// Read the password from standard input (its first line).
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Print a single-use code with which the account sets a new password at /reset.
    Reset {
        /// The login.
        email: String,
    },
}

pub(super) async fn run(dir: &Path, command: Command) -> anyhow::Result<()> {
    let store = super::beside(dir)?;
    let said = match command {
        Command::Add { email, nickname, admin, password_stdin: _ } => {
            let mut password = String::new();
            std::io::stdin().take(4096).read_to_string(&mut password).context("cannot read the password")?;
            let password = password.lines().next().unwrap_or("").to_owned();
            let new = NewUser { email, nickname, password, locale: Lang::Ko }.check().map_err(tell)?;
            let role = if admin { SiteRole::Admin } else { SiteRole::Member };
            let hash = password::hash(new.password.clone()).await.map_err(tell)?;
            let email = new.email.clone();
            store.write(move |tx| accounts::insert(tx, &new, &hash, role)).await.map_err(tell)?;
            format!("added {email} as {role}")
        }
        Command::Reset { email } => {
            let person = {
                let email = email.clone();
                store.read(move |db| accounts::by_email(db, &email)).await.map_err(tell)?
            };
            let Some(person) = person else { bail!("there is no account {email}") };
            let code = accounts::issue_reset(&store, None, person.id).await.map_err(tell)?;
            format!("code for {email}: {code}\nIt works once, within 30 minutes, at /reset.")
        }
    };
    store.close().await;
    println!("{said}");
    Ok(())
}

/// An error of the product as a person at the shell reads it.
pub(super) fn tell(e: Error) -> anyhow::Error {
    match e {
        Error::Internal(e) => e,
        Error::Invalid(fields) => {
            let said = |(field, text): &(String, Text)| format!("{field}: {}", locale::say(Lang::En, text));
            anyhow::anyhow!("{}", fields.iter().map(said).collect::<Vec<_>>().join("\n"))
        }
        other => anyhow::anyhow!("{}", locale::say(Lang::En, &crate::domain::http::failure(&other).1.text)),
    }
}
