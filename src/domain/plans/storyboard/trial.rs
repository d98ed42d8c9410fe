//! Does the model answer? One short question to it, for who has set it; and what it has taken this month.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::spend;
use crate::app::App;
use crate::base::error::Result;
use crate::base::event::Event;
use crate::domain::accounts::Viewer;
use crate::domain::plans::sql_storyboard as sql;
use crate::engines::outbound::{self, Call};

/// Bytes of an answer.
const ANSWER_MAX: usize = 64 << 10;
/// Characters of it that are shown.
const SHOWN: usize = 200;

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// How long it took, in milliseconds.
    pub ms: u128,
    /// What the model said, or why there is nothing: `slow`, `refused`, `unreachable`, `malformed`.
    pub said: std::result::Result<String, &'static str>,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
}

/// Tokens and pictures of this calendar month (UTC).
pub async fn spent(app: &App) -> Result<(i64, i64)> {
    let month = spend::month(app);
    app.read(move |db| sql::spent(db, &month)).await
}

/// Asks the model one short question, for admins. It counts as any other.
pub async fn ask(app: &App, who: &Viewer) -> Result<Trial> {
    who.must_administer()?;
    let config = app.config();
    let model = &config.model;
    let question = "한 문장으로 인사해 주세요.";
    let body = json!({ "model": model.name, "messages": [{ "role": "user", "content": question }], "max_tokens": 60 });
    let mut headers = vec![("content-type", "application/json".to_owned())];
    if !model.key.is_empty() {
        headers.push(("authorization", format!("Bearer {}", model.key)));
    }
    let call = Call {
        url: format!("{}/chat/completions", model.base_url.trim().trim_end_matches('/')),
        headers,
        body: body.to_string().into(),
        timeout: Duration::from_secs(model.timeout_s.clamp(1, 30)),
        answer_max: ANSWER_MAX,
        private: true,
    };
    let user = who.user;
    app.write(move |tx| tx.emit(None, Some(user), Event::GeneratorTested, None)).await?;
    let begun = Instant::now();
    let answer = outbound::post(call).await;
    let ms = begun.elapsed().as_millis();
    let status = answer.as_ref().ok().map(|a| a.status);
    let said = match &answer {
        Ok(answer) if (200..300).contains(&answer.status) => {
            let read: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let told = read["usage"]["total_tokens"].as_i64().filter(|t| *t > 0);
            spend::count(app, told.unwrap_or_else(|| spend::estimate(question)).min(100_000), 0).await?;
            let text = read["choices"][0]["message"]["content"].as_str().map(str::trim).filter(|t| !t.is_empty());
            text.map(|t| t.chars().take(SHOWN).collect()).ok_or("malformed")
        }
        Ok(answer) if matches!(answer.status, 408 | 504) => Err("slow"),
        Ok(answer) if (400..500).contains(&answer.status) => Err("refused"),
        Err(outbound::Failure::TimedOut) => Err("slow"),
        _ => Err("unreachable"),
    };
    Ok(Trial { ms, said, status })
}
