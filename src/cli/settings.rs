//! `videoplanet config --show`: what holds, and where it comes from.

use std::path::Path;

use crate::config::{Layers, SECTIONS, layers};
use crate::engines::store;

pub(super) fn show(data: &Path, layers: Layers) -> anyhow::Result<()> {
    let (layers, left_out) = layers.with_kept(store::peek(data, layers::KEPT));
    for section in SECTIONS {
        println!("[{}]", section.name);
        for setting in section.settings {
            let (value, source) = layers.value(setting);
            println!("{} = {}  # {source}", setting.key(), setting.mask(value));
        }
        println!();
    }
    for left in left_out {
        eprintln!("what was kept of {} does not hold and is left out", left.name);
    }
    Ok(())
}
