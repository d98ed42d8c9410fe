//! Pictures of shots: sketches that were uploaded or drawn on the page, and key frames that were copied out of a film.
//! What is neither is drawn by the program (`conti`).
//!
//! Laws: bytes are taken only if they are what they say (PNG or JPEG, by their own header), and stand under their SHA-256.
//! They leave with their plan, or when none of its versions names them any more.

use bytes::Bytes;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::edit::place_of;
use super::story::{Picture, Shot, Story};
use super::versions::{KEPT, Reason};
use super::{Change, Plan, look, look_open, save, sql_versions as sql};
use crate::app::App;
use crate::base::clock::{DAY, Time};
use crate::base::error::{Error, Result};
use crate::base::ids::{MediaId, PlanId, ProjectId};
use crate::base::locale::Text;
use crate::base::page::hex;
use crate::base::roles::Right;
use crate::domain::accounts::Viewer;
use crate::domain::media::{self, frame};
use crate::domain::projects::judge;
use crate::engines::store::{Db, Tx};

/// Bytes of a picture that is uploaded.
pub const UPLOAD_MAX: usize = 1 << 20;
/// Bytes of a picture that a model has drawn.
pub(super) const DRAWN_MAX: usize = 2 << 20;
/// Pixels of a side.
const SIDE_MAX: u32 = 8192;
/// How long a picture stays that nobody names: somebody may be about to undo.
const GRACE: i64 = DAY;

/// A picture, looked at and found to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// SHA-256 of its bytes, in hexadecimal.
    pub hash: String,
    /// `image/png` or `image/jpeg`, by its own header.
    pub content_type: &'static str,
    /// All of it.
    pub bytes: Bytes,
}

/// A key frame of a version.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "media_id": 1, "at_ms": 7000 }))]
pub struct KeyFrame {
    /// Which version; it must be of the same project.
    pub media_id: MediaId,
    /// About which moment: of the pictures that were made of the film, the nearest is taken.
    #[schema(minimum = 0)]
    pub at_ms: i64,
}

impl Image {
    /// Looks at bytes; an error names `picture`.
    pub fn read(bytes: Bytes, most: usize) -> Result<Image> {
        if bytes.len() > most {
            return Err(Error::TooLarge { limit: most as u64 });
        }
        let wrong = || Error::invalid("picture", Text::new("invalid.plan_picture"));
        let (content_type, width, height) = look_at(&bytes).ok_or_else(wrong)?;
        if !(1..=SIDE_MAX).contains(&width) || !(1..=SIDE_MAX).contains(&height) {
            let text = Text::new("invalid.plan_picture_size").with("max", SIDE_MAX);
            return Err(Error::invalid("picture", text));
        }
        Ok(Image { hash: hex(&Sha256::digest(&bytes)), content_type, bytes })
    }
}

/// Type, width and height by the header; `None` for what is no PNG and no JPEG.
fn look_at(bytes: &[u8]) -> Option<(&'static str, u32, u32)> {
    if let Some(rest) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") {
        // The first chunk is IHDR: length, name, width, height.
        let side = |at: usize| Some(u32::from_be_bytes(rest.get(at..at + 4)?.try_into().ok()?));
        return (rest.get(4..8)? == b"IHDR").then_some(()).and_then(|()| Some(("image/png", side(8)?, side(12)?)));
    }
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    // Segments of a JPEG up to the frame header: marker, length, …; SOF: precision, height, width.
    let mut at = 2;
    loop {
        while *bytes.get(at)? == 0xff && *bytes.get(at + 1)? == 0xff {
            at += 1;
        }
        if *bytes.get(at)? != 0xff {
            return None;
        }
        let marker = *bytes.get(at + 1)?;
        let short = |at: usize| Some(u32::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
        match marker {
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some(("image/jpeg", short(at + 7)?, short(at + 5)?));
            }
            0x01 | 0xd0..=0xd7 => at += 2,
            0xd9 | 0xda => return None,
            _ => at += 2 + short(at + 2)?.max(2) as usize,
        }
    }
}

/// What a shot shows.
pub enum Shown {
    /// Stored bytes.
    Stored(Image),
    /// Drawn by the program: SVG.
    Drawn(String),
}

/// The picture of a shot, for who may see the plan. Two statements at the most.
pub fn get(db: &Db, viewer: &Viewer, id: PlanId, key: i64) -> Result<(Shown, i64)> {
    let plan = look(db, viewer.user, id, Right::View)?;
    let place = place_of(&plan, key)?;
    let shot = &plan.story.shots[place];
    let shown = match &shot.picture {
        Picture::Conti => Shown::Drawn(super::conti::svg(shot, place, plan.inputs.format)),
        Picture::Sketch { hash } | Picture::KeyFrame { hash, .. } => {
            Shown::Stored(stored(db, id, &[hash])?.pop().ok_or(Error::NotFound("picture"))?)
        }
    };
    Ok((shown, shot.picture_version))
}

/// The stored pictures of these addresses, one of each. One statement.
pub(super) fn stored(db: &Db, plan: PlanId, hashes: &[&str]) -> Result<Vec<Image>> {
    let image = |(hash, content_type, bytes): (String, String, Vec<u8>)| Image {
        hash,
        content_type: if content_type == "image/png" { "image/png" } else { "image/jpeg" },
        bytes: bytes.into(),
    };
    Ok(sql::pictures(db, plan, hashes)?.into_iter().map(image).collect())
}

/// Keeps a picture of a plan.
pub(super) fn keep(tx: &mut Tx, plan: PlanId, image: &Image) -> Result<()> {
    sql::put_picture(tx, plan, image)
}

/// The stored pictures that a story names.
pub(super) fn named(story: &Story) -> impl Iterator<Item = &str> {
    story.shots.iter().filter_map(of)
}

/// The stored picture that a shot names.
pub(super) fn of(shot: &Shot) -> Option<&str> {
    match &shot.picture {
        Picture::Conti => None,
        Picture::Sketch { hash } | Picture::KeyFrame { hash, .. } => Some(hash),
    }
}

/// Puts a sketch into a shot. Answers the whole plan.
pub async fn put_sketch(app: &App, who: &Viewer, id: PlanId, key: i64, bytes: Bytes) -> Result<Plan> {
    let image = Image::read(bytes, UPLOAD_MAX)?;
    let picture = Picture::Sketch { hash: image.hash.clone() };
    put(app, who, id, key, picture, Some((image, None))).await
}

/// Copies a key frame of a film into a shot. Answers the whole plan.
pub async fn put_key_frame(app: &App, who: &Viewer, id: PlanId, key: i64, from: KeyFrame) -> Result<Plan> {
    let user = who.user;
    let film = match app.read(move |db| media::get(db, user, from.media_id)).await {
        Err(Error::NotFound(_)) => {
            // Who may not change the plan, or has none, hears that first.
            app.read(move |db| look_open(db, user, id)).await?;
            return Err(elsewhere());
        }
        film => film?,
    };
    judge(who.role(film.project_id), Right::Plan, "plan")?;
    let scenes = frame::scenes(app, &film).await?;
    let found = frame::nearest(app, &film, &scenes, from.at_ms).await?;
    let found = found.ok_or_else(|| Error::invalid("media_id", Text::new("invalid.plan_media_pictures")))?;
    let image = Image::read(found.bytes, DRAWN_MAX)?;
    let picture = Picture::KeyFrame { media: film.id, hash: image.hash.clone(), at_ms: found.at_ms };
    put(app, who, id, key, picture, Some((image, Some(film.project_id)))).await
}

/// A film must be of the plan's own project: who sees the plan may see its pictures.
fn elsewhere() -> Error {
    Error::invalid("media_id", Text::new("invalid.plan_media"))
}

/// Lets the program draw the picture of a shot again. Answers the whole plan.
pub async fn drop_picture(app: &App, who: &Viewer, id: PlanId, key: i64) -> Result<Plan> {
    put(app, who, id, key, Picture::Conti, None).await
}

async fn put(
    app: &App,
    who: &Viewer,
    id: PlanId,
    key: i64,
    picture: Picture,
    image: Option<(Image, Option<ProjectId>)>,
) -> Result<Plan> {
    let user = who.user;
    app.write(move |tx| {
        let mut plan = look_open(tx, user, id)?;
        let place = place_of(&plan, key)?;
        if matches!(image, Some((_, Some(project))) if project != plan.project_id) {
            return Err(elsewhere());
        }
        let shot = &mut plan.story.shots[place];
        if shot.picture == picture {
            return Ok(plan);
        }
        // A picture is somebody's work as much as a word is; without one, the words say whether the shot is.
        shot.edited |= picture != Picture::Conti;
        shot.picture = picture;
        shot.picture_version += 1;
        if let Some((image, _)) = &image {
            keep(tx, id, image)?;
        }
        save(tx, &mut plan, Some(user), Reason::Picture, Change::Picture(key))?;
        Ok(plan)
    })
    .await
}

/// Forgets pictures that no version of their plan names any more and that are older than a day. Answers how many.
pub async fn sweep(app: &App) -> Result<usize> {
    let before = Time(app.clock.now().0 - GRACE);
    let mut swept = 0;
    for plan in app.store.read(move |db| sql::with_old_pictures(db, before, KEPT)).await? {
        let unnamed = app.store.read(move |db| {
            let (mut hashes, stories) = (sql::old_pictures(db, plan, before)?, sql::stories(db, plan)?);
            hashes.retain(|hash| !stories.iter().any(|story| story.contains(hash.as_str())));
            Ok(hashes)
        });
        for hash in unnamed.await? {
            // One that was put in again meanwhile is young.
            swept += app.store.write(move |tx| sql::drop_picture(tx, plan, &hash, before)).await?;
        }
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes
    }

    #[test]
    fn a_picture_is_known_by_its_own_header() {
        assert_eq!(look_at(&png(640, 360)), Some(("image/png", 640, 360)));
        let jpeg =
            [&[0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2][..], &[0xff, 0xff, 0xc2, 0, 11, 8, 1, 0x68, 2, 0x80, 1, 0, 0, 0]]
                .concat();
        assert_eq!(look_at(&jpeg), Some(("image/jpeg", 640, 360)));
        for bad in [&b"GIF89a"[..], b"\x89PNG\r\n\x1a\n", b"<svg/>", b"", &jpeg[..12], &[0xff, 0xd8, 0xff, 0xda]] {
            assert_eq!(look_at(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_picture_has_bounds() {
        let sized = |w, h| Image::read(png(w, h).into(), UPLOAD_MAX);
        assert!(sized(8192, 1).is_ok());
        for (w, h) in [(8193, 1), (1, 8193), (0, 1), (1, 0)] {
            assert!(matches!(sized(w, h), Err(Error::Invalid(_))), "{w}×{h}");
        }
        assert!(matches!(Image::read(vec![0; 9].into(), 8), Err(Error::TooLarge { limit: 8 })));
    }
}
