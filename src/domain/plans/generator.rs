//! What can draft a storyboard here: rules, always; a model, if one is set; and whether an admin has hidden all of it.

use serde::Serialize;

use crate::app::App;
use crate::base::error::Result;
use crate::base::event::Event;
use crate::domain::accounts::Viewer;
use crate::engines::store::Db;

const SETTING: &str = "generator_hidden";

/// What there is to draft with.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
pub struct Generator {
    /// The rules, which need nothing and nobody.
    #[schema(example = true)]
    pub rules: bool,
    /// A model that writes is set.
    pub model: bool,
    /// A model that draws is set.
    pub image_model: bool,
    /// An admin has hidden all of it: plans are written by people alone.
    pub hidden: bool,
}

/// What there is to draft with at this moment.
pub async fn get(app: &App) -> Result<Generator> {
    let config = app.config();
    let model = &config.model;
    let set = !model.base_url.trim().is_empty();
    let hidden = app.read(is_hidden).await?;
    let (writes, draws) = (set && !model.name.trim().is_empty(), set && !model.image_name.trim().is_empty());
    Ok(Generator { rules: true, model: writes, image_model: draws, hidden })
}

/// Has an admin hidden it?
pub fn is_hidden(db: &Db) -> Result<bool> {
    Ok(db.setting(SETTING)?.is_some_and(|v| v == "on"))
}

/// Hides it or shows it again, for admins.
pub async fn hide(app: &App, who: &Viewer, hidden: bool) -> Result<()> {
    who.must_administer()?;
    let user = who.user;
    app.write(move |tx| {
        if is_hidden(tx)? != hidden {
            tx.set_setting(SETTING, if hidden { "on" } else { "off" })?;
            tx.emit(None, Some(user), Event::GeneratorSet { hidden }, None)?;
        }
        Ok(())
    })
    .await
}
