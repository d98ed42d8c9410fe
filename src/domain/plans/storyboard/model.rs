//! A model over the chat protocol of OpenAI, which local servers speak as well: one call, one repair, or a reason why not.
//!
//! Laws: the key goes out in one header and stands in no error and no log. What a model says is never trusted: it is held
//! to the schema field by field (`reply`). Where it is, an admin has set: it may be this machine.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failed, Part, Work, reply, spend};
use crate::base::job::JobError;
use crate::domain::plans::pictures::{DRAWN_MAX, Image};
use crate::domain::plans::story::{Format, Inputs, Shot, Story};
use crate::engines::outbound::{self, Answer, Call};

/// Bytes of an answer in words.
const WORDS_MAX: usize = 1 << 20;
/// Bytes of an answer with a picture in it.
const PICTURE_MAX: usize = 8 << 20;

const MALFORMED: &str = "model_malformed";
const SLOW: &str = "model_slow";
const REFUSED: &str = "model_refused";
const UNREACHABLE: &str = "model_unreachable";
const BUDGET: &str = "model_budget";
const HALF: &str = "model_half";

/// A storyboard by the model, or the code of why there is none. With `part`, the story that it is for is told as well.
pub(super) async fn write(
    work: &Work<'_>,
    inputs: &Inputs,
    part: Option<(Part, &Story)>,
) -> Result<Result<Story, &'static str>, Failed> {
    let mut messages =
        vec![json!({ "role": "system", "content": SYSTEM }), json!({ "role": "user", "content": asked(inputs, part) })];
    work.tell(10);
    for repair in [false, true] {
        let text = match talk(work, inputs, &messages).await? {
            Ok(text) => text,
            Err(code) => return Ok(Err(code)),
        };
        match reply::read(&text, inputs) {
            Ok(story) => return Ok(Ok(story)),
            Err(wrong) if !repair => {
                tracing::info!(plan = work.plan.0, wrong = wrong.len(), "a model is asked to repair its storyboard");
                work.tell(50);
                messages.push(json!({ "role": "assistant", "content": text }));
                let wrong = wrong.join("\n");
                let ask = format!("다음 오류를 고쳐 전체 JSON을 다시 답하세요. 설명은 쓰지 마세요.\n{wrong}");
                messages.push(json!({ "role": "user", "content": ask }));
            }
            Err(_) => {}
        }
    }
    Ok(Err(MALFORMED))
}

const SYSTEM: &str = "당신은 한국 영상 제작사의 기획자이자 콘티 작가입니다. 주어진 조건으로 4단계(opening, development, climax, \
     resolution)와 정확히 12개의 샷(단계마다 3개)으로 된 스토리보드를 씁니다. 자연스러운 한국어로, 실제로 찍을 수 있는 장면을 \
     구체적으로 씁니다. 이어지는 두 샷은 크기와 앵글이 모두 같으면 안 되고, 같은 문장을 되풀이하지 않습니다. 모든 샷의 seconds를 \
     더하면 전체 길이가 됩니다. 답은 스키마에 맞는 JSON 하나뿐입니다.";

fn asked(inputs: &Inputs, part: Option<(Part, &Story)>) -> String {
    let (least, most) = inputs.tempo.range_ms();
    let mut text = format!(
        "한 줄 이야기: {}\n톤앤매너: {}\n장르: {}\n타깃: {}\n전체 길이: {}초\n화면비: {}\n템포: {} (샷마다 {}–{}초)\n\
         전개 방식: {}\n풍부함: {}\n",
        inputs.one_liner,
        inputs.tone,
        inputs.genre,
        inputs.target,
        inputs.duration_s,
        inputs.format,
        inputs.tempo,
        least / 1000,
        most / 1000,
        inputs.style,
        inputs.intensity,
    );
    if let Some((part, story)) = part {
        let part = match part {
            Part::Stage(stage) => format!("{stage} 단계와 그 샷 3개"),
            Part::Shot(key) => {
                let place = story.shots.iter().position(|s| s.key == key).map_or(0, |p| p + 1);
                format!("{place}번째 샷")
            }
        };
        let known: Vec<String> = story
            .shots
            .iter()
            .enumerate()
            .map(|(i, s)| format!("{}. [{}] {}: {}", i + 1, s.stage, s.title, s.description))
            .collect();
        text.push_str(&format!(
            "\n지금 스토리보드:\n{}\n\n{part}만 새로 쓰고 나머지는 그대로 두세요.",
            known.join("\n")
        ));
    }
    text
}

/// What the chat endpoint answers, as far as it is read.
#[derive(Deserialize)]
struct Chat {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    total_tokens: i64,
}

/// One exchange of words: what the model said, or why it said nothing.
async fn talk(work: &Work<'_>, inputs: &Inputs, messages: &[Value]) -> Result<Result<String, &'static str>, Failed> {
    let body = json!({
        "model": work.app.config().model.name, "messages": messages, "temperature": 0.8, "seed": inputs.seed,
        "response_format": {
            "type": "json_schema",
            "json_schema": { "name": "storyboard", "strict": true, "schema": reply::schema() },
        },
    })
    .to_string();
    let asked = spend::estimate(&body);
    // The answer is about three thousand tokens; what is over is over by one storyboard at the most.
    if !spend::allows(work.app, asked, 0).await? {
        return Ok(Err(BUDGET));
    }
    let answer = match call(work, "chat/completions", body, WORDS_MAX).await? {
        Ok(answer) => answer,
        Err(code) => return Ok(Err(code)),
    };
    let chat: Option<Chat> = serde_json::from_slice(&answer.body).ok();
    let told = chat.as_ref().and_then(|c| c.usage.as_ref()).map(|u| u.total_tokens).filter(|t| *t > 0);
    let estimated = || asked + spend::estimate(&String::from_utf8_lossy(&answer.body));
    spend::count(work.app, told.unwrap_or_else(estimated).min(10_000_000), 0).await?;
    if answer.cut {
        return Ok(Err(HALF));
    }
    let Some(choice) = chat.and_then(|c| c.choices.into_iter().next()) else { return Ok(Err(MALFORMED)) };
    let finish = choice.finish_reason.as_deref();
    Ok(match (choice.message.refusal, choice.message.content) {
        (Some(refusal), _) if !refusal.is_empty() => Err(REFUSED),
        _ if finish == Some("content_filter") => Err(REFUSED),
        _ if finish == Some("length") => Err(HALF),
        (_, Some(text)) if !text.trim().is_empty() => Ok(text),
        _ => Err(MALFORMED),
    })
}

/// Pictures of the shots at these places (from 0), until one fails or the month's are drawn.
pub(super) async fn draw(
    work: &Work<'_>,
    inputs: &Inputs,
    story: &Story,
    places: &[usize],
) -> Result<Vec<(usize, Image)>, Failed> {
    let mut drawn = Vec::new();
    for (i, &place) in places.iter().enumerate() {
        work.tell((60 + 30 * i / places.len().max(1)) as u8);
        if !spend::allows(work.app, 0, 1).await? {
            break;
        }
        let body = json!({
            "model": work.app.config().model.image_name, "prompt": prompt(inputs, &story.shots[place]), "n": 1,
            "size": "1024x1024", "response_format": "b64_json",
        });
        let Ok(answer) = call(work, "images/generations", body.to_string(), PICTURE_MAX).await? else { break };
        spend::count(work.app, 0, 1).await?;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let bytes = answer["data"][0]["b64_json"].as_str().and_then(|text| STANDARD.decode(text).ok());
        match bytes.map(|bytes| Image::read(bytes.into(), DRAWN_MAX)) {
            Some(Ok(image)) => drawn.push((place, image)),
            _ => break,
        }
    }
    Ok(drawn)
}

fn prompt(inputs: &Inputs, shot: &Shot) -> String {
    let shape = match inputs.format {
        Format::Wide | Format::Cinema => "wide horizontal frame",
        Format::Tall => "vertical frame",
        Format::Square => "square frame",
    };
    format!(
        "Rough monochrome pencil storyboard sketch, {shape}, {} shot, {} angle, camera {}. No text in the picture. {} {}",
        shot.size.as_str().replace('_', " "),
        shot.angle.as_str().replace('_', " "),
        shot.movement,
        shot.title,
        shot.description,
    )
}

/// One call; the code of why it brought nothing of use.
async fn call(
    work: &Work<'_>,
    path: &str,
    body: String,
    answer_max: usize,
) -> Result<Result<Answer, &'static str>, Failed> {
    let config = work.app.config();
    let model = &config.model;
    let mut headers = vec![("content-type", "application/json".to_owned())];
    if !model.key.is_empty() {
        headers.push(("authorization", format!("Bearer {}", model.key)));
    }
    let call = Call {
        url: format!("{}/{path}", model.base_url.trim().trim_end_matches('/')),
        headers,
        body: body.into(),
        timeout: Duration::from_secs(model.timeout_s.max(1)),
        answer_max,
        private: true,
    };
    let answer = tokio::select! {
        answer = outbound::post(call) => answer,
        () = work.run.cancel.cancelled() => return Err(Failed::Job(JobError::Cancelled)),
    };
    let code = match answer {
        Ok(answer) => match answer.status {
            200..=299 => return Ok(Ok(answer)),
            408 | 504 => SLOW,
            400..=499 => REFUSED,
            _ => UNREACHABLE,
        },
        Err(outbound::Failure::TimedOut) => SLOW,
        Err(_) => UNREACHABLE,
    };
    tracing::warn!(plan = work.plan.0, code, "the model brought nothing");
    Ok(Err(code))
}
