//! What a model has to answer, and whether it has: the schema that it is given, and the strict reading of what came.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::error::{Check, Error};
use crate::base::locale::{self, Lang};
use crate::domain::plans::story::{
    Angle, Inputs, Insert, Movement, Purpose, SHOTS, Shot, ShotSize, Stage, StageName, Story, Transition,
};
use crate::domain::plans::{blank, check};

/// How far the lengths may be from what was asked, before that is an error instead of a matter of scale.
const OFF_MOST: f64 = 0.5;
/// Errors that a model is told of.
const TOLD: usize = 20;

/// The JSON Schema of the answer, within what strict modes know.
pub(super) fn schema() -> Value {
    let text = json!({ "type": "string" });
    let one_of = |names: String| json!({ "type": "string", "enum": names.split(", ").collect::<Vec<_>>() });
    let object = |fields: Value| {
        let required: Vec<String> = fields.as_object().map(|f| f.keys().cloned().collect()).unwrap_or_default();
        json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
    };
    let exactly = |n: usize, items: Value| json!({ "type": "array", "items": items, "minItems": n, "maxItems": n });
    let stage = object(json!({
        "stage": one_of(StageName::names()), "title": text, "summary": text, "content": text, "objective": text,
        "length_hint": text, "key_points": { "type": "array", "items": text },
    }));
    let insert = object(json!({ "purpose": one_of(Purpose::names()), "description": text }));
    let shot = object(json!({
        "stage": one_of(StageName::names()), "title": text, "description": text, "dialogue": text, "subtitle": text,
        "voice_over": text, "size": one_of(ShotSize::names()), "movement": one_of(Movement::names()),
        "angle": one_of(Angle::names()), "seconds": { "type": "number" },
        "transition": one_of(Transition::names()), "inserts": { "type": "array", "items": insert },
    }));
    object(json!({ "stages": exactly(4, stage), "shots": exactly(SHOTS, shot) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    stages: Vec<SaidStage>,
    shots: Vec<SaidShot>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidStage {
    stage: StageName,
    title: String,
    summary: String,
    content: String,
    objective: String,
    length_hint: String,
    key_points: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidShot {
    stage: StageName,
    title: String,
    description: String,
    dialogue: String,
    subtitle: String,
    voice_over: String,
    size: ShotSize,
    movement: Movement,
    angle: Angle,
    seconds: f64,
    transition: Transition,
    inserts: Vec<Insert>,
}

/// The story in what a model said, its lengths brought to the whole; or what is wrong with it, a line each.
pub(super) fn read(text: &str, inputs: &Inputs) -> Result<Story, Vec<String>> {
    let text = unfenced(text);
    let mut parser = serde_json::Deserializer::from_str(text);
    let said: Said = serde_path_to_error::deserialize(&mut parser)
        .map_err(|e| vec![format!("{}: {}", e.path(), e.inner())])
        .and_then(|said| parser.end().map(|()| said).map_err(|e| vec![e.to_string()]))?;
    let mut wrong = Vec::new();
    if said.stages.len() != 4 || said.shots.len() != SHOTS {
        wrong.push(format!("stages: 4, shots: {SHOTS}; here {} and {}", said.stages.len(), said.shots.len()));
        return Err(wrong);
    }
    let stages = said.stages.into_iter().map(|s| Stage {
        stage: s.stage,
        title: trimmed(s.title),
        summary: trimmed(s.summary),
        content: trimmed(s.content),
        objective: trimmed(s.objective),
        length_hint: trimmed(s.length_hint),
        key_points: s.key_points.into_iter().map(trimmed).filter(|p| !p.is_empty()).collect(),
        locked: false,
        edited: false,
    });
    let stages: Vec<Stage> = stages.collect();
    let seconds: Vec<f64> = said.shots.iter().map(|s| s.seconds).collect();
    let lengths = match lengths(&seconds, inputs.duration_s) {
        Ok(lengths) => lengths,
        Err(line) => {
            wrong.push(line);
            vec![1_000; SHOTS]
        }
    };
    let blank = blank::story(inputs.duration_s.max(10));
    let shots: Vec<Shot> = said
        .shots
        .into_iter()
        .zip(&blank.shots)
        .zip(lengths)
        .map(|((s, blank), duration_ms)| Shot {
            stage: s.stage,
            title: trimmed(s.title),
            description: trimmed(s.description),
            dialogue: trimmed(s.dialogue),
            subtitle: trimmed(s.subtitle),
            voice_over: trimmed(s.voice_over),
            size: s.size,
            movement: s.movement,
            angle: s.angle,
            duration_ms,
            transition: s.transition,
            inserts: s.inserts,
            ..blank.clone()
        })
        .collect();
    let mut empty = Check::new();
    for (i, stage) in stages.iter().enumerate() {
        empty.text(&format!("stages[{i}].title"), &stage.title, 1, 200);
        empty.text(&format!("stages[{i}].summary"), &stage.summary, 1, 1_000);
    }
    for (i, shot) in shots.iter().enumerate() {
        empty.text(&format!("shots[{i}].title"), &shot.title, 1, 200);
        empty.text(&format!("shots[{i}].description"), &shot.description, 1, 2_000);
    }
    let story = Story { stages, shots };
    for result in [check::story(&story, ""), empty.done()] {
        if let Err(Error::Invalid(fields)) = result {
            wrong.extend(fields.iter().map(|(f, t)| format!("{f}: {}", locale::say(Lang::Ko, t))));
        }
    }
    wrong.dedup();
    wrong.truncate(TOLD);
    if wrong.is_empty() { Ok(story) } else { Err(wrong) }
}

fn trimmed(text: String) -> String {
    text.trim().to_owned()
}

/// Models like to put their JSON between fences.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("```").and_then(|t| t.strip_suffix("```")) else { return text };
    inner.strip_prefix("json").unwrap_or(inner).trim()
}

/// Milliseconds of each shot, adding up to the whole.
fn lengths(seconds: &[f64], duration_s: i64) -> Result<Vec<i64>, String> {
    let (sum, total) = (seconds.iter().sum::<f64>(), duration_s as f64);
    let sound = seconds.iter().all(|s| s.is_finite() && *s > 0.0);
    if !sound || (sum - total).abs() > OFF_MOST * total {
        return Err(format!("shots[].seconds: more than 0 each, {duration_s} in all; here {sum:.1}"));
    }
    let mut out: Vec<i64> =
        seconds.iter().map(|s| ((s / sum * total * 10.0).round() as i64 * 100).clamp(500, 600_000)).collect();
    // What rounding left over goes to the longest.
    let left = duration_s * 1000 - out.iter().sum::<i64>();
    if let Some(longest) = out.iter_mut().max() {
        *longest = (*longest + left).clamp(500, 600_000);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Value {
        let stage = |name: &StageName| {
            json!({
                "stage": name, "title": "제목", "summary": "한 문장.", "content": "", "objective": "", "length_hint": "",
                "key_points": ["하나"],
            })
        };
        let shot = |i: usize| {
            json!({
                "stage": blank::stage_at(i), "title": format!("샷 {i}"), "description": format!("장면 {i}"), "dialogue": "",
                "subtitle": "", "voice_over": "", "size": "wide", "movement": "static", "angle": "low",
                "seconds": 5.0 + (i % 3) as f64, "transition": "cut", "inserts": [],
            })
        };
        json!({
            "stages": StageName::ALL.iter().map(stage).collect::<Vec<_>>(), "shots": (0..12).map(shot).collect::<Vec<_>>(),
        })
    }

    fn inputs() -> Inputs {
        Inputs { duration_s: 80, ..Inputs::default() }
    }

    #[test]
    fn what_fits_is_read_and_its_lengths_add_up() {
        for text in [said().to_string(), format!("```json\n{}\n```", said())] {
            let story = read(&text, &inputs()).unwrap();
            assert_eq!(story.shots.iter().map(|s| s.duration_ms).sum::<i64>(), 80_000);
            assert_eq!(story.shots.iter().map(|s| s.key).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
            assert!(!story.shots.iter().any(|s| s.edited || s.locked));
        }
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let harm = |f: fn(&mut Value)| {
            let mut value = said();
            f(&mut value);
            read(&value.to_string(), &inputs()).unwrap_err().join("\n")
        };
        for (f, told) in [
            ((|v| v["shots"][3]["size"] = json!("huge")) as fn(&mut Value), "shots[3].size"),
            (|v| v["shots"].as_array_mut().unwrap().truncate(11), "11"),
            (|v| v["shots"][3]["stage"] = json!("climax"), "shots[3].stage"),
            (|v| v["shots"][5]["title"] = json!(""), "shots[5].title"),
            (|v| v["shots"][5]["description"] = json!("가".repeat(2_001)), "shots[5].description"),
            (|v| v["shots"][0]["seconds"] = json!(-1), "seconds"),
            (|v| v["shots"][0]["seconds"] = json!(400), "seconds"),
            (|v| v["stages"][2]["stage"] = json!("opening"), "stages"),
            (|v| v["extra"] = json!(1), "extra"),
            (|v| drop(v["shots"][0].as_object_mut().unwrap().remove("angle")), "angle"),
            (|v| v["stages"][0]["key_points"] = json!(vec!["a"; 9]), "stages[0].key_points"),
        ] {
            let wrong = harm(f);
            assert!(wrong.contains(told), "{told}: {wrong}");
        }
        for text in ["", "{", "null", "안녕하세요, 스토리보드입니다."] {
            assert!(read(text, &inputs()).is_err(), "{text}");
        }
    }
}
