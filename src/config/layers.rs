//! Where values come from, and which of them holds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use toml::{Table, Value};

use super::check::{self, Faults};
use super::setting::{Values, flat};
use super::{Config, Holds, Setting, all, find, parse};
use crate::base::locale::Text;
use crate::closed_set;

/// What the names of kept settings begin with in the store.
pub const KEPT: &str = "config.";

closed_set! {
    /// Where a value comes from; later ones win.
    Source {
        /// The program itself.
        Default = "default",
        /// The file.
        File = "file",
        /// An admin, in the browser.
        Ui = "ui",
        /// The environment.
        Env = "env",
        /// The command line.
        Args = "args",
    }
}

impl Source {
    /// Does it win over what an admin says in the browser?
    pub fn pins(self) -> bool {
        self >= Source::Env
    }
}

/// What each source says, over the defaults.
#[derive(Clone, Default)]
pub struct Layers {
    /// The file that was read, if there is one.
    pub path: Option<PathBuf>,
    file: Values,
    ui: Values,
    env: Values,
    args: Values,
    /// Something says `server.trust_proxy`, which is no more.
    outdated: bool,
}

/// Settings without a source of their own stand where a file would: whoever opens the program with them may still change
/// them in the browser.
impl From<Config> for Layers {
    fn from(config: Config) -> Layers {
        let mut file = flat(&config);
        file.retain(|name, value| find(name).is_some_and(|s| s.default() != value));
        Layers { file, ..Layers::default() }
    }
}

/// A kept value that is not used, and why.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub why: Text,
}

impl Layers {
    /// Reads the file (if any), the environment and the settings of the command line, and checks what they say.
    pub fn load(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
        set: &[String],
    ) -> anyhow::Result<Layers> {
        let mut layers = Layers::default();
        if let Some(path) = file {
            (layers.file, layers.outdated) = read(path)?;
            layers.path = Some(path.to_owned());
        }
        for (name, value) in env {
            let Some(rest) = name.strip_prefix("VIDEOPLANET_") else { continue };
            if rest == "SERVER_TRUST_PROXY" {
                layers.outdated |= trust_proxy(&mut layers.env, &value)?;
                continue;
            }
            let Some(setting) = all().find(|s| s.variable() == name) else {
                let close = nearest(rest, |s| s.variable()["VIDEOPLANET_".len()..].to_owned(), Setting::variable);
                bail!("the environment variable {name} is not a setting; {close}");
            };
            layers.env.insert(setting.name, setting.read(&value));
        }
        for pair in set {
            let parsed = pair.split_once('=').filter(|(name, _)| name.contains('.'));
            let Some((name, value)) = parsed else {
                bail!("--set takes section.key=value, not `{pair}`");
            };
            if name == TRUST_PROXY {
                layers.outdated |= trust_proxy(&mut layers.args, value)?;
                continue;
            }
            let setting = known(name).context("--set")?;
            layers.args.insert(setting.name, setting.read(value));
        }
        let faults = layers.wrong();
        ensure!(faults.is_empty(), "{}", check::sentence(&faults));
        Ok(layers)
    }

    /// The same with what an admin has said in the browser: pairs of the store's names and TOML values. What this program
    /// does not know or what does not hold is left out: it never keeps the program from starting.
    pub fn with_kept(mut self, kept: impl IntoIterator<Item = (String, String)>) -> (Layers, Vec<LeftOut>) {
        let mut left_out = Vec::new();
        for (key, text) in kept {
            let name = key.strip_prefix(KEPT).unwrap_or(&key);
            if name == TRUST_PROXY && trust_proxy(&mut self.ui, &text).is_ok() {
                self.outdated = true;
                continue;
            }
            let judged = match find(name).filter(|s| s.holds != Holds::File) {
                None => Err(Text::new("setting.wrong.unknown")),
                Some(setting) => match parse(&text) {
                    None => Err(Text::new("setting.wrong.toml")),
                    Some(value) => setting.wrong(&value).map_or(Ok((setting, value)), Err),
                },
            };
            match judged {
                Ok((setting, value)) => drop(self.ui.insert(setting.name, value)),
                Err(why) => left_out.push(LeftOut { name: name.to_owned(), why }),
            }
        }
        // Each by itself may be good and still not go with the others, or with a file that has changed since. Then that
        // one goes, or those of its section, or all.
        let bare = Layers { ui: Values::new(), ..self.clone() }.wrong();
        while let Some((name, why)) = self.wrong().into_iter().find(|fault| !bare.contains(fault)) {
            let section = name.split_once('.').map_or("", |(section, _)| section);
            let mut of: Vec<&str> = self.ui.keys().copied().filter(|n| *n == name).collect();
            if of.is_empty() {
                of = self.ui.keys().copied().filter(|n| n.split('.').next() == Some(section)).collect();
            }
            if of.is_empty() {
                of = self.ui.keys().copied().collect();
            }
            if of.is_empty() {
                break;
            }
            for name in of {
                self.ui.remove(name);
                left_out.push(LeftOut { name: name.to_owned(), why: why.clone() });
            }
        }
        (self, left_out)
    }

    /// Does something say a setting that is no more, and was understood all the same?
    pub fn outdated(&self) -> bool {
        self.outdated
    }

    /// The value that wins, and where it comes from.
    pub fn value(&self, setting: &Setting) -> (&Value, Source) {
        let found = self.by_source().find_map(|(source, values)| Some((values.get(setting.name)?, source)));
        found.unwrap_or((setting.default(), Source::Default))
    }

    /// What would hold if an admin had said nothing.
    pub fn below(&self, setting: &Setting) -> &Value {
        self.file.get(setting.name).unwrap_or_else(|| setting.default())
    }

    /// What an admin has said in the browser, also where something else wins.
    pub fn kept(&self, setting: &Setting) -> Option<&Value> {
        self.ui.get(setting.name)
    }

    /// Says something in the browser's place, or (`None`) nothing any more.
    pub fn keep(&mut self, setting: &'static Setting, value: Option<Value>) {
        match value {
            Some(value) => drop(self.ui.insert(setting.name, value)),
            None => drop(self.ui.remove(setting.name)),
        }
    }

    fn by_source(&self) -> impl Iterator<Item = (Source, &Values)> {
        let strongest_first =
            [(Source::Args, &self.args), (Source::Env, &self.env), (Source::Ui, &self.ui), (Source::File, &self.file)];
        strongest_first.into_iter()
    }

    /// What does not hold, by itself or together.
    pub fn wrong(&self) -> Faults {
        let values: Values = all().map(|s| (s.name, self.value(s).0.clone())).collect();
        let faults = check::each(&values);
        if !faults.is_empty() {
            return faults;
        }
        built(values).map_or_else(|_| Vec::new(), |config| config.together())
    }

    /// The settings that these layers make. They have been checked, or were a [`Config`].
    pub fn config(&self) -> Config {
        built(all().map(|s| (s.name, self.value(s).0.clone())).collect()).expect("checked values make settings")
    }
}

fn built(values: Values) -> Result<Config, toml::de::Error> {
    let mut table = Table::new();
    for (name, value) in values {
        let Some((section, key)) = name.split_once('.') else { continue };
        if let Value::Table(keys) = table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
            keys.insert(key.to_owned(), value);
        }
    }
    table.try_into()
}

/// A switch of the time before proxies were named.
const TRUST_PROXY: &str = "server.trust_proxy";
/// What it means: this machine and private networks (RFC 1918, RFC 4193).
const PRIVATE: [&str; 6] = ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/// Understands it, unless the proxies are named as well. Answers true.
fn trust_proxy(values: &mut Values, text: &str) -> anyhow::Result<bool> {
    let on: bool = text.trim().parse().with_context(|| format!("{TRUST_PROXY} is now server.trusted_proxies"))?;
    let setting = known("server.trusted_proxies")?;
    let networks = PRIVATE.iter().filter(|_| on).map(|network| Value::from(*network)).collect();
    values.entry(setting.name).or_insert(Value::Array(networks));
    Ok(true)
}

fn read(path: &Path) -> anyhow::Result<(Values, bool)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: Table = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
    let mut values = Values::new();
    let mut outdated = false;
    for (section, value) in table {
        let Value::Table(keys) = value else {
            bail!("{}: `{section}` stands outside a section; {}", path.display(), nearest_setting(&section));
        };
        for (key, value) in keys {
            let name = format!("{section}.{key}");
            if name == TRUST_PROXY {
                outdated |= trust_proxy(&mut values, &value.to_string())?;
                continue;
            }
            let setting = known(&name).with_context(|| path.display().to_string())?;
            values.insert(setting.name, value);
        }
    }
    Ok((values, outdated))
}

/// What a mistyped name was meant to be. A name out of nowhere has no neighbour: then, where all of them are told.
fn nearest(name: &str, shape: impl Fn(&Setting) -> String, told: impl Fn(&Setting) -> String) -> String {
    let scored = all().map(|setting| (strsim::jaro_winkler(&shape(setting), name), setting));
    match scored.filter(|(close, _)| *close > 0.8).max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        Some((_, setting)) => format!("did you mean `{}`?", told(setting)),
        None => "`videoplanet config` tells them all".into(),
    }
}

fn nearest_setting(name: &str) -> String {
    let shape = |setting: &Setting| if name.contains('.') { setting.name } else { setting.key() }.to_owned();
    nearest(name, shape, |setting| setting.name.into())
}

fn known(name: &str) -> anyhow::Result<&'static Setting> {
    find(name).with_context(|| format!("`{name}` is not a setting; {}", nearest_setting(name)))
}

/// The settings of a running program: what each source says, and what of it holds now. They differ in what holds only
/// after a restart.
pub struct Settings {
    /// What each source says.
    pub layers: Layers,
    /// What holds now.
    pub config: Arc<Config>,
}

/// A setting that waits for a restart.
pub struct Waiting {
    /// Which.
    pub setting: &'static Setting,
    /// What holds now.
    pub now: Value,
    /// What will hold.
    pub then: Value,
}

impl Settings {
    /// At a start all that is said holds.
    pub fn begin(layers: Layers) -> Settings {
        let config = Arc::new(layers.config());
        Settings { layers, config }
    }

    /// What holds after a change: of it what can hold at once.
    pub fn changed_to(&self, layers: Layers) -> Settings {
        let mut values = flat(&layers.config());
        let before = flat(&self.config);
        values.extend(before.into_iter().filter(|(name, _)| find(name).is_some_and(|s| s.holds != Holds::Live)));
        let config = Arc::new(built(values).expect("checked values make settings"));
        Settings { layers, config }
    }

    /// What waits for a restart.
    pub fn waiting(&self) -> Vec<Waiting> {
        let now = flat(&self.config);
        let of = |setting: &'static Setting| {
            let (now, then) = (now.get(setting.name)?, self.layers.value(setting).0);
            (now != then).then(|| Waiting { setting, now: now.clone(), then: then.clone() })
        };
        all().filter_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    fn load(env: &[(&str, &str)], set: &[&str]) -> anyhow::Result<Layers> {
        Layers::load(None, pairs(env), &set.iter().map(|s| s.to_string()).collect::<Vec<_>>())
    }

    fn says(layers: &Layers, name: &str) -> (String, Source) {
        let setting = find(name).unwrap();
        let (value, source) = layers.value(setting);
        (setting.write(value), source)
    }

    #[test]
    fn each_layer_wins_over_the_one_below() {
        let path = std::env::temp_dir().join(format!("vp-layers-{}.toml", std::process::id()));
        std::fs::write(&path, "[media]\njobs = 2\n").unwrap();
        let with = |env: &[(&str, &str)], set: &[&str], kept: &[(&str, &str)]| {
            let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
            let layers = Layers::load(Some(&path), pairs(env), &set).unwrap();
            let (layers, left_out) = layers.with_kept(pairs(kept));
            assert!(left_out.is_empty(), "{left_out:?}");
            let (value, source) = says(&layers, "media.jobs");
            assert_eq!(layers.config().media.jobs.to_string(), value);
            (value, source.as_str())
        };
        let (env, set, kept) = (&[("VIDEOPLANET_MEDIA_JOBS", "4")], &["media.jobs=5"], &[("config.media.jobs", "3")]);
        assert_eq!(says(&Layers::default(), "media.jobs"), ("1".into(), Source::Default));
        assert_eq!(with(&[], &[], &[]), ("2".into(), "file"));
        assert_eq!(with(&[], &[], kept), ("3".into(), "ui"));
        assert_eq!(with(env, &[], kept), ("4".into(), "env"));
        assert_eq!(with(env, set, kept), ("5".into(), "args"));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_mistyped_name_is_told_with_the_nearest_one() {
        let said = |r: anyhow::Result<Layers>| format!("{:#}", r.err().unwrap());
        assert!(said(load(&[], &["server.bnid=x"])).contains("server.bind"));
        assert!(said(load(&[], &["weather.today=x"])).contains("`videoplanet config` tells"));
        assert!(said(load(&[("VIDEOPLANET_SEVER_BIND", "x")], &[])).contains("VIDEOPLANET_SERVER_BIND"));
        let wrong = said(load(&[], &["media.jobs=many", "mail.port=0"]));
        assert!(wrong.contains("media.jobs: ") && wrong.contains("mail.port: "), "{wrong}");
        let file = std::env::temp_dir().join(format!("vp-config-{}.toml", std::process::id()));
        for text in ["[server]\nbindd = \"x\"\n", "bind = \"x\"\n"] {
            std::fs::write(&file, text).unwrap();
            assert!(said(Layers::load(Some(&file), [], &[])).contains("server.bind"));
        }
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn the_switch_of_before_is_understood_as_private_networks() {
        let trusted = |layers: &Layers| layers.config().server.trusted_proxies;
        let on = load(&[("VIDEOPLANET_SERVER_TRUST_PROXY", "true")], &[]).unwrap();
        assert!(on.outdated() && trusted(&on).iter().eq(PRIVATE.iter()));
        let off = load(&[], &["server.trust_proxy=false"]).unwrap();
        assert!(off.outdated() && trusted(&off).is_empty());
        let named = load(&[], &["server.trusted_proxies=10.0.0.7", "server.trust_proxy=true"]).unwrap();
        assert_eq!(trusted(&named), ["10.0.0.7"]);
        let (kept, left_out) = Layers::default().with_kept(pairs(&[("config.server.trust_proxy", "true")]));
        assert!(left_out.is_empty() && kept.outdated() && trusted(&kept).len() == PRIVATE.len());
        let said = format!("{:#}", load(&[], &["server.trust_proxy=maybe"]).err().unwrap());
        assert!(said.contains("server.trusted_proxies"), "{said}");
        assert!(!Layers::default().outdated());
    }

    #[test]
    fn lists_are_read_from_the_environment() {
        let layers = load(&[("VIDEOPLANET_MEDIA_HLS_HEIGHTS", "720,360")], &["notices.remind_days=[5, 1]"]).unwrap();
        assert_eq!(layers.config().media.hls_heights, [720, 360]);
        assert_eq!(layers.config().notices.remind_days, [5, 1]);
    }

    #[test]
    fn a_kept_value_that_is_no_good_is_left_out() {
        let kept = pairs(&[
            ("config.media.jobs", "3"),
            ("config.media.sparkle", "true"),
            ("config.server.bind", "\"0.0.0.0:1\""),
            ("config.media.proxy_crf", "99"),
            ("config.limits.reads", "not toml ["),
            // Good by itself, but no mail goes without a sender.
            ("config.mail.host", "\"mail.example.com\""),
            ("config.storage.announce_days", "20"),
            ("config.storage.closed_days", "25"),
        ]);
        let (layers, left_out) = Layers::default().with_kept(kept);
        let names: Vec<&str> = left_out.iter().map(|l| l.name.as_str()).collect();
        assert_eq!(names, ["media.sparkle", "server.bind", "media.proxy_crf", "limits.reads", "mail.host"]);
        let config = layers.config();
        assert_eq!((config.media.jobs, config.storage.announce_days, config.mail.host.as_str()), (3, 20, ""));
    }

    #[test]
    fn what_needs_a_restart_waits_for_it() {
        let mut layers = Layers::default();
        let begun = Settings::begin(layers.clone());
        layers.keep(find("media.jobs").unwrap(), Some(Value::Integer(2)));
        layers.keep(find("cache.l1_mib").unwrap(), Some(Value::Integer(64)));
        let changed = begun.changed_to(layers.clone());
        assert_eq!((changed.config.media.jobs, changed.config.cache.l1_mib), (2, 32));
        let waiting = changed.waiting();
        assert_eq!(waiting.len(), 1);
        let w = &waiting[0];
        assert_eq!((w.setting.name, &w.now, &w.then), ("cache.l1_mib", &Value::Integer(32), &Value::Integer(64)));
        assert_eq!(Settings::begin(layers.clone()).config.cache.l1_mib, 64);
        // Taken back before the restart, nothing waits.
        layers.keep(find("cache.l1_mib").unwrap(), None);
        assert!(changed.changed_to(layers).waiting().is_empty());
    }
}
