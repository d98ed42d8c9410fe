//! stand-in
use super::{blank, story::*, storyboard::Part};
pub fn preset(name: &str) -> Option<Inputs> {
    ["ad", "drama", "documentary", "social"].contains(&name).then(|| Inputs {
        duration_s: 80,
        genre: name.to_owned(),
        ..Inputs::default()
    })
}
pub fn draft(inputs: &Inputs) -> Story {
    let mut s = blank::story(inputs.duration_s);
    for x in &mut s.stages {
        x.title = format!("{} {}", x.stage, inputs.seed);
        x.summary = inputs.one_liner.clone();
    }
    for x in &mut s.shots {
        x.title = format!("샷 {} {}", x.key, inputs.seed);
        x.description = format!("{} {} {}", inputs.one_liner, x.key, inputs.seed);
    }
    s
}
pub fn redraft(inputs: &Inputs, _: &Story, _: Option<Part>, seed: u32) -> Story {
    draft(&Inputs { seed, ..inputs.clone() })
}
pub mod script {
    use super::*;
    use crate::base::locale::Text;
    pub fn read(_: &str, inputs: &Inputs) -> Result<Story, Text> {
        Ok(draft(&Inputs { duration_s: inputs.duration_s.max(12), ..inputs.clone() }))
    }
}
