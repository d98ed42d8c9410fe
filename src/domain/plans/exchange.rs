//! A plan as a file: JSON that comes back in, with its pictures; a shot list as CSV; and paper.
//!
//! `docs/plan-export.md` tells of the JSON. An import is held to the same bounds as what is typed, and names every field
//! that does not hold.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::pictures::{self, DRAWN_MAX, Image};
use super::story::{Inputs, Shot, Story, label};
use super::versions::Reason;
use super::{Plan, check, insert, look, pdf};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::csv;
use crate::base::error::{Error, Result};
use crate::base::ids::{PlanId, ProjectId, UserId};
use crate::base::locale::{self, Lang, Text};
use crate::base::roles::Right;
use crate::domain::accounts::Viewer;
use crate::domain::projects;
use crate::engines::store::Db;

/// What a file says that it is.
pub const KIND: &str = "videoplanet-plan";
/// The form that is written; older forms are read.
pub const FORM: i64 = 1;
/// Bytes of a file that is imported: twelve pictures and their words.
pub const IMPORT_MAX: usize = 36 << 20;

/// A plan as a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanFile)]
pub struct File {
    /// `videoplanet-plan`
    #[schema(example = "videoplanet-plan")]
    pub kind: String,
    /// 1
    #[schema(example = 1)]
    pub form: i64,
    /// When it was written; not read.
    #[serde(default)]
    pub exported: Option<Time>,
    /// Of which project; not read.
    #[serde(default)]
    #[schema(example = "가을 신제품 30초 광고")]
    pub project: String,
    /// Title.
    #[schema(min_length = 1, max_length = 200, example = "겨울 저녁 붕어빵")]
    pub title: String,
    /// What its storyboard is asked for.
    pub inputs: Inputs,
    /// Four stages in their order, twelve shots with the keys 1–12, three of each stage.
    pub story: Story,
    /// The pictures that the shots name, by their SHA-256.
    #[serde(default)]
    #[schema(example = json!({}))]
    pub pictures: BTreeMap<String, FilePicture>,
}

/// A picture in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanFilePicture)]
pub struct FilePicture {
    /// `image/png` or `image/jpeg`
    #[schema(example = "image/png")]
    pub content_type: String,
    /// Its bytes in Base64.
    pub base64: String,
}

/// A plan with the names and pictures that an export needs.
pub struct Export {
    /// The plan.
    pub plan: Plan,
    /// The project's name.
    pub project: String,
    /// 고객사
    pub client: String,
    /// Its pictures.
    pub images: Vec<Image>,
}

/// Reads a plan for an export, with its pictures if it needs them. Three statements at the most.
pub fn read(db: &Db, user: UserId, id: PlanId, with_pictures: bool) -> Result<Export> {
    let plan = look(db, user, id, Right::View)?;
    let (project, client) = super::sql::project(db, plan.project_id)?.unwrap_or_default();
    let images = if with_pictures {
        let hashes: Vec<&str> = pictures::named(&plan.story).collect();
        pictures::stored(db, id, &hashes)?
    } else {
        Vec::new()
    };
    Ok(Export { plan, project, client, images })
}

impl Export {
    /// The file's name without its ending.
    pub fn stem(&self) -> String {
        let clean = |c: char| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c };
        format!("{}-{}", self.project, self.plan.title)
            .chars()
            .map(clean)
            .take(120)
            .collect::<String>()
            .trim()
            .to_owned()
    }

    /// As JSON that comes back in.
    pub fn file(self, now: Time) -> File {
        let image = |i: &Image| {
            let picture = FilePicture { content_type: i.content_type.to_owned(), base64: STANDARD.encode(&i.bytes) };
            (i.hash.clone(), picture)
        };
        File {
            kind: KIND.to_owned(),
            form: FORM,
            exported: Some(now),
            project: self.project,
            title: self.plan.title,
            inputs: self.plan.inputs,
            pictures: self.images.iter().map(image).collect(),
            story: self.plan.story,
        }
    }

    /// As paper: A4 landscape, on a day as it is to be read.
    pub fn pdf(self, day: String, lang: Lang) -> Result<Vec<u8>> {
        let by_rules = self.plan.notice.as_ref().is_some_and(|n| n.source == "rules");
        let picture = |shot: &Shot| {
            let hash = pictures::of(shot)?;
            let image = self.images.iter().find(|i| i.hash == hash)?;
            Some((shot.key, (image.content_type.to_owned(), image.bytes.clone())))
        };
        pdf::plan(&pdf::Document {
            pictures: self.plan.story.shots.iter().filter_map(picture).collect(),
            status: locale::get(lang, &format!("plans.status.{}", self.plan.status)),
            notice: by_rules.then(|| locale::get(lang, "pdf.rules_draft")),
            title: self.plan.title,
            project: self.project,
            client: self.client,
            date: day,
            lang,
            inputs: self.plan.inputs,
            story: self.plan.story,
        })
    }

    /// The shot list as CSV (RFC 4180) for people: UTF-8 with a BOM, so that spreadsheets read Korean.
    pub fn csv(&self, lang: Lang) -> String {
        use locale::get;
        let mut out = String::from(csv::BOM);
        let head = COLUMNS.map(|c| get(lang, &format!("plans.csv.{c}")));
        csv::line(&mut out, head.iter().map(String::as_str));
        let mut at = 0;
        for (place, s) in self.plan.story.shots.iter().enumerate() {
            let name = |set: &str, value: &str| get(lang, &format!("pdf.{set}.{value}"));
            let inserts: Vec<String> = s
                .inserts
                .iter()
                .map(|i| format!("{}: {}", name("purpose", i.purpose.as_str()), i.description))
                .collect();
            let cells = [
                format!("S{:02}", place + 1),
                name("stage", s.stage.as_str()),
                s.title.clone(),
                s.description.clone(),
                s.dialogue.clone(),
                s.subtitle.clone(),
                s.voice_over.clone(),
                name("size", s.size.as_str()),
                name("movement", s.movement.as_str()),
                name("angle", s.angle.as_str()),
                format!("{:.1}", s.duration_ms as f64 / 1000.0),
                clock(at),
                name("transition", s.transition.as_str()),
                inserts.join(" / "),
                label(place, s.picture_version),
            ];
            csv::line(&mut out, cells.iter().map(String::as_str));
            at += s.duration_ms;
        }
        out
    }
}

const COLUMNS: [&str; 15] = [
    "number",
    "stage",
    "title",
    "description",
    "dialogue",
    "subtitle",
    "voice_over",
    "size",
    "movement",
    "angle",
    "seconds",
    "start",
    "transition",
    "inserts",
    "picture",
];

/// `MM:SS.f`
fn clock(ms: i64) -> String {
    format!("{:02}:{:04.1}", ms / 60_000, (ms % 60_000) as f64 / 1000.0)
}

/// Makes a plan of a file.
pub async fn import(app: &App, who: &Viewer, project: ProjectId, file: File) -> Result<Plan> {
    let images = checked(&file)?;
    let person = who.person();
    app.write(move |tx| {
        let role = projects::allow(tx, person.id, project, Right::Plan)?;
        let what = (file.title.trim().to_owned(), file.inputs, file.story);
        let plan = insert(tx, &person, role, project, what, Reason::Imported)?;
        for image in &images {
            pictures::keep(tx, plan.id, image)?;
        }
        Ok(plan)
    })
    .await
}

/// The pictures of a file in which everything holds.
fn checked(file: &File) -> Result<Vec<Image>> {
    let mut wrong = Vec::new();
    let mut note = |result: Result<()>| match result {
        Err(Error::Invalid(fields)) => {
            wrong.extend(fields);
            Ok(())
        }
        other => other,
    };
    if file.kind != KIND {
        note(Err(Error::invalid("kind", Text::new("invalid.one_of").with("allowed", KIND))))?;
    }
    if file.form != FORM {
        note(Err(Error::invalid("form", Text::new("invalid.one_of").with("allowed", FORM))))?;
    }
    note(check::plan(Some(&file.title), None, ""))?;
    note(check::plan(None, Some(&file.inputs), "inputs."))?;
    note(check::story(&file.story, "story."))?;
    let mut images = Vec::new();
    // A picture that the file does not bring is none: a name alone must not open what others have uploaded.
    for hash in pictures::named(&file.story).filter(|h| check::is_hash(h)) {
        let at = format!("pictures.{hash}");
        let bytes = file.pictures.get(hash).and_then(|p| STANDARD.decode(&p.base64).ok());
        match bytes.map(|bytes| Image::read(bytes.into(), DRAWN_MAX)) {
            Some(Ok(image)) if image.hash == hash => images.push(image),
            Some(Err(Error::TooLarge { .. } | Error::Invalid(_)) | Ok(_)) | None => {
                note(Err(Error::invalid(at, Text::new("invalid.plan_file_picture"))))?;
            }
            Some(Err(e)) => return Err(e),
        }
    }
    if wrong.is_empty() { Ok(images) } else { Err(Error::Invalid(wrong)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_text_whatever_stands_in_it() {
        let mut out = String::new();
        csv::line(&mut out, ["a", "b,c", "say \"hi\"", "=SUM(A1)", "-a", "두\n줄", ""].into_iter());
        assert_eq!(out, "a,\"b,c\",\"say \"\"hi\"\"\",\"'=SUM(A1)\",\"'-a\",\"두\n줄\",\r\n");
        assert_eq!(clock(67_500), "01:07.5");
    }
}
