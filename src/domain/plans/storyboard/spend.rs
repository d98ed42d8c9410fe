//! What a model may take in a calendar month (UTC). It is looked at before each call and counted after it, by what the
//! model says that it took; one that says nothing is estimated.

use crate::app::App;
use crate::base::error::Result;
use crate::domain::plans::sql_storyboard as sql;

/// Characters of a token, about: Korean has more tokens than letters in some vocabularies, fewer in others.
const CHARS: usize = 2;

/// Tokens of a text, about.
pub(super) fn estimate(text: &str) -> i64 {
    (text.chars().count() / CHARS) as i64 + 1
}

pub(super) fn month(app: &App) -> String {
    app.clock.now().date()[..7].to_owned()
}

/// May so many tokens and pictures more be taken this month?
pub(super) async fn allows(app: &App, tokens: i64, images: i64) -> Result<bool> {
    let month = month(app);
    let (spent, drawn) = app.read(move |db| sql::spent(db, &month)).await?;
    let within = |limit: i64, spent: i64, more: i64| limit <= 0 || more == 0 || spent + more <= limit;
    let config = app.config();
    let limits = &config.model;
    Ok(within(limits.monthly_tokens, spent, tokens) && within(limits.monthly_images, drawn, images))
}

/// Counts what was taken.
pub(super) async fn count(app: &App, tokens: i64, images: i64) -> Result<()> {
    let month = month(app);
    app.write(move |tx| sql::spend(tx, &month, tokens, images)).await
}
