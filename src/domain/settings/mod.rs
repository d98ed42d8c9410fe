//! What an admin sets in the browser: checked as at the start, kept with its event in one commit, and in force at once
//! where it can be (`crate::config` says which can).
//!
//! Law: two who edit at once do not overwrite each other: a change names what it was made from, and one that was made
//! from something else than what stands now is refused. A secret goes in and never comes out.

use toml::Value;

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::event::{Event, SettingChange};
use crate::base::ids::UserId;
use crate::base::locale::Text;
use crate::base::page::hex;
use crate::base::secret;
use crate::config::danger::{self, Danger};
use crate::config::{Holds, Layers, Setting, Source, layers};
use crate::domain::accounts::Viewer;
use crate::engines::schedule;

/// A wish.
#[derive(Clone)]
pub struct Change {
    /// What is changed.
    pub setting: &'static Setting,
    /// What it was made from, as [`stands`] showed it.
    pub was: String,
    /// The new value; `None`: what an admin has said is taken back, and what stands below holds again.
    pub to: Option<Value>,
}

/// A change that can be made.
pub struct Planned {
    /// Of what.
    pub setting: &'static Setting,
    /// The value that stands now.
    pub before: Value,
    /// The value that will stand.
    pub after: Value,
    /// Is what an admin has said taken back?
    pub reverted: bool,
    /// Why it should be looked at twice.
    pub danger: Option<Danger>,
}

/// What stands for a setting, in a form that a page may hold: its value as it is typed, or of a secret a sign that is
/// another one for each value and tells nothing of it.
pub fn stands(app: &App, layers: &Layers, setting: &Setting) -> String {
    let (value, _) = layers.value(setting);
    if !setting.is_secret() {
        return setting.write(value);
    }
    let seed = format!("{}\0{}", setting.name, setting.write(value));
    hex(&secret::derived(&app.signing_key, "setting", seed.as_bytes())[..8])
}

/// By what a setting is pinned that an admin cannot change: the variable, or what stands on the command line.
pub fn pinned_by(layers: &Layers, setting: &Setting) -> Option<String> {
    match layers.value(setting).1 {
        Source::Env => Some(setting.variable()),
        Source::Args => Some(format!("--set {}", setting.name)),
        Source::Default | Source::File | Source::Ui => None,
    }
}

/// What the wishes would change, and the layers that come of it; an error names each setting that cannot be so.
pub fn plan(app: &App, wishes: &[Change]) -> Result<(Layers, Vec<Planned>)> {
    let now = app.settings();
    let mut faults: Vec<(String, Text)> = Vec::new();
    let mut stale = Vec::new();
    let mut layers = now.layers.clone();
    let mut planned = Vec::new();
    for wish in wishes {
        let setting = wish.setting;
        let before = now.layers.value(setting).0.clone();
        if setting.holds == Holds::File {
            faults.push((setting.name.to_owned(), Text::new("setting.wrong.file_only")));
        } else if let Some(by) = pinned_by(&now.layers, setting) {
            faults.push((setting.name.to_owned(), Text::new("setting.wrong.pinned").with("by", by)));
        } else if wish.was != stands(app, &now.layers, setting) {
            stale.push(setting.name);
        } else if wish.to.as_ref().map_or(now.layers.kept(setting).is_some(), |to| *to != before) {
            layers.keep(setting, wish.to.clone());
            let after = layers.value(setting).0.clone();
            let danger = danger::of(setting.name, &before, &after);
            planned.push(Planned { setting, before, after, reverted: wish.to.is_none(), danger });
        }
    }
    let known = now.layers.wrong();
    let new = layers.wrong().into_iter().filter(|fault| !known.contains(fault));
    faults.extend(new.map(|(name, text)| (name.to_owned(), text)));
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    if !stale.is_empty() {
        return Err(Error::Conflict(Text::new("conflict.settings").with("names", stale.join(", "))));
    }
    for change in &mut planned {
        if change.danger == Some(Danger::Reveals) && !keeps_secret_for(&now.layers, wishes, change.setting) {
            change.danger = None;
        }
    }
    Ok((layers, planned))
}

/// Would a secret that stands now go to the machine that `setting` names, although nobody has typed it again?
fn keeps_secret_for(layers: &Layers, wishes: &[Change], setting: &Setting) -> bool {
    let Some(secret) = danger::goes_to(setting.name).and_then(crate::config::find) else { return false };
    let is_set = layers.value(secret).0.as_str().is_some_and(|text| !text.is_empty());
    is_set && !wishes.iter().any(|wish| wish.setting.name == secret.name)
}

/// Makes the changes; answers how many there were.
pub async fn change(app: &App, who: &Viewer, wishes: Vec<Change>) -> Result<usize> {
    who.must_administer()?;
    let (app, actor) = (app.clone(), who.user);
    // On its own: what is committed must come into force, also when the one who asked does not wait for the answer.
    let made = tokio::spawn(async move { make(&app, actor, &wishes).await });
    made.await.map_err(|e| Error::internal(format!("a change of settings panicked: {e}")))?
}

async fn make(app: &App, actor: UserId, wishes: &[Change]) -> Result<usize> {
    let _one_at_a_time = app.changing.lock().await;
    let (layers, planned) = plan(app, wishes)?;
    if planned.is_empty() {
        return Ok(0);
    }
    let told = |p: &Planned| SettingChange {
        name: p.setting.name.to_owned(),
        before: p.setting.mask(&p.before),
        after: p.setting.mask(&p.after),
        reverted: p.reverted,
    };
    let changes: Vec<SettingChange> = planned.iter().map(told).collect();
    let kept: Vec<(String, Option<String>)> = planned
        .iter()
        .map(|p| (format!("{}{}", layers::KEPT, p.setting.name), layers.kept(p.setting).map(Value::to_string)))
        .collect();
    let zone = planned.iter().find(|p| p.setting.name == "schedule.time_zone");
    let zone = zone.and_then(|p| p.after.as_str().map(str::to_owned));
    let count = planned.len();
    let names: Vec<&str> = planned.iter().map(|p| p.setting.name).collect();
    tracing::info!(actor = actor.0, names = names.join(", "), "settings are changed");
    app.store
        .write(move |tx| {
            for (key, value) in &kept {
                match value {
                    Some(value) => tx.set_setting(key, value)?,
                    None => tx.clear_setting(key)?,
                }
            }
            if let Some(zone) = &zone {
                schedule::set_zone(tx, zone)?;
            }
            tx.emit(None, Some(actor), Event::SettingsChanged { changes }, None)?;
            Ok(())
        })
        .await?;
    app.settle(layers);
    Ok(count)
}
