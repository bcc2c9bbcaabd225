//! Settings in layers: built-in, the user's file, the workspace, flags. The later one wins, and
//! every value knows where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::job::{JobEntry, Scheduler};
use crate::manifest::KeyEntry;

/// The keys of `[settings]` in a manifest, and of the user's file. All are optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsFile {
    pub theme: Option<String>,
    pub graphics: Option<Graphics>,
    pub ascii: Option<bool>,
    pub mouse: Option<bool>,
    pub author: Option<String>,
    pub layout: Option<String>,
    pub store_mode: Option<StoreMode>,
    pub index_after_import: Option<bool>,
    pub query_timeout_ms: Option<u64>,
    pub link_kbit: Option<u64>,
    pub encoder: Option<String>,
    pub image_encoder: Option<String>,
    pub encoder_command: Option<String>,
    pub retriever: Option<String>,
    pub query_instructions: Option<bool>,
    pub retrieval_engine: Option<RetrievalEngine>,
    pub qdrant_url: Option<String>,
    pub qdrant_collection: Option<String>,
    pub qdrant_key_env: Option<String>,
    pub alert: Option<AlertSignal>,
    pub alert_command: Option<Vec<String>>,
}

/// The user's own file: settings and key bindings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserFile {
    pub settings: SettingsFile,
    /// Machines where recipes may run. Not the manifest's to say: it may come from anyone.
    pub host: BTreeMap<String, HostEntry>,
    pub keys: Vec<KeyEntry>,
}

/// A machine that is reached by a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostEntry {
    /// What reaches it: default `ssh NAME`, or nothing where this is a scheduler's login node.
    pub command: Vec<String>,
    /// semihv there; default: a copy of this one in its `~/.cache/semihv`.
    pub program: Option<String>,
    /// Where commands run and relative folders of recipes start; default: the home folder there.
    pub folder: PathBuf,
    /// What starts commands there; default: semihv itself, at once.
    pub scheduler: Option<Scheduler>,
    /// What its jobs ask for where the recipe says nothing.
    pub job: JobEntry,
}

impl HostEntry {
    /// A scheduler that is asked on this machine.
    pub fn is_here(&self) -> bool {
        self.scheduler.is_some() && self.command.is_empty()
    }
}

/// How pictures reach the terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Graphics {
    /// Ask the terminal.
    #[default]
    Auto,
    Kitty,
    Iterm,
    Sixel,
    Halfblocks,
    Ascii,
    None,
}

impl Graphics {
    pub const NAMES: [&'static str; 7] = [
        "auto",
        "kitty",
        "iterm",
        "sixel",
        "halfblocks",
        "ascii",
        "none",
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Kitty => "kitty",
            Self::Iterm => "iterm",
            Self::Sixel => "sixel",
            Self::Halfblocks => "halfblocks",
            Self::Ascii => "ascii",
            Self::None => "none",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Auto,
            Self::Kitty,
            Self::Iterm,
            Self::Sixel,
            Self::Halfblocks,
            Self::Ascii,
            Self::None,
        ]
        .into_iter()
        .find(|graphics| graphics.name() == name)
    }
}

/// How the store journals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreMode {
    /// WAL on local disks, the safe mode on network file systems.
    #[default]
    Auto,
    Wal,
    /// A rollback journal: slower, needs only file locks.
    Safe,
}

impl StoreMode {
    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Wal => "wal",
            Self::Safe => "safe",
        }
    }
}

/// Where the retriever searches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetrievalEngine {
    /// In the workspace's own folder.
    #[default]
    Local,
    /// On a Qdrant server.
    Qdrant,
}

impl RetrievalEngine {
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Qdrant => "qdrant",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Local, Self::Qdrant];
        all.into_iter().find(|engine| engine.name() == name)
    }
}

/// How a terminal is asked to tell a person who looks elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertSignal {
    None,
    #[default]
    Bell,
    /// A notification with words: iTerm2, Windows Terminal, `WezTerm`, foot.
    Osc9,
    /// The same with a title: urxvt, foot, Ghostty.
    Osc777,
}

impl AlertSignal {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bell => "bell",
            Self::Osc9 => "osc9",
            Self::Osc777 => "osc777",
        }
    }
}

/// Which layer a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    Builtin,
    User,
    Workspace,
    Flag,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Builtin => "built-in",
            Self::User => "user file",
            Self::Workspace => "workspace",
            Self::Flag => "flag",
        })
    }
}

/// A value and its layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    pub value: T,
    pub layer: Layer,
}

impl<T> Sourced<T> {
    fn builtin(value: T) -> Self {
        Self {
            value,
            layer: Layer::Builtin,
        }
    }

    fn overlay(&mut self, value: Option<T>, layer: Layer) {
        if let Some(value) = value {
            *self = Self { value, layer };
        }
    }
}

/// The result of all layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `auto` chooses by the terminal's background.
    pub theme: Sourced<String>,
    pub graphics: Sourced<Graphics>,
    pub ascii: Sourced<bool>,
    pub mouse: Sourced<bool>,
    /// Who writes notes and tags.
    pub author: Sourced<String>,
    /// The layout of a workspace that was never open.
    pub layout: Sourced<String>,
    pub store_mode: Sourced<StoreMode>,
    pub index_after_import: Sourced<bool>,
    /// How long the terminal may take to say what it is; 0 chooses by the link.
    pub query_timeout_ms: Sourced<u64>,
    /// What the link to the terminal carries, in kbit/s; 0: 4000 over SSH, any here.
    pub link_kbit: Sourced<u64>,
    /// What makes vectors: `counted`, or the folder of a model.
    pub encoder: Sourced<String>,
    /// What makes the vectors of images, where it is another model; empty: the encoder.
    pub image_encoder: Sourced<String>,
    /// What starts the worker that runs models; empty: `semihv-torch serve --stdio`. A command is
    /// the user's to give, never a workspace's, which may come from anyone.
    pub encoder_command: Sourced<String>,
    /// The checkpoint of a projection that was trained over the encoder; empty: none.
    pub retriever: Sourced<String>,
    /// An instruction is put before the text of a query, as UniIR's models were trained with.
    pub query_instructions: Sourced<bool>,
    pub retrieval_engine: Sourced<RetrievalEngine>,
    /// The user's to give, as a command is: queries and a key go there.
    pub qdrant_url: Sourced<String>,
    /// The name under which the index is served there.
    pub qdrant_collection: Sourced<String>,
    /// The environment variable with the key of the server; empty: it wants none. The user's to
    /// give.
    pub qdrant_key_env: Sourced<String>,
    /// How the terminal tells that something is wrong with a run.
    pub alert: Sourced<AlertSignal>,
    /// What is run then, with `{run}`, `{words}`, `{cause}` and `{severity}` filled in; empty:
    /// nothing. The user's to give, as every command is.
    pub alert_command: Sourced<Vec<String>>,
}

impl Settings {
    /// `login` is the name of the user as the system knows it.
    pub fn builtin(login: &str) -> Self {
        Self {
            theme: Sourced::builtin("auto".to_owned()),
            graphics: Sourced::builtin(Graphics::Auto),
            ascii: Sourced::builtin(false),
            mouse: Sourced::builtin(true),
            author: Sourced::builtin(login.to_owned()),
            layout: Sourced::builtin("analyse".to_owned()),
            store_mode: Sourced::builtin(StoreMode::Auto),
            index_after_import: Sourced::builtin(true),
            query_timeout_ms: Sourced::builtin(0),
            link_kbit: Sourced::builtin(0),
            encoder: Sourced::builtin("counted".to_owned()),
            image_encoder: Sourced::builtin(String::new()),
            encoder_command: Sourced::builtin(String::new()),
            retriever: Sourced::builtin(String::new()),
            query_instructions: Sourced::builtin(false),
            retrieval_engine: Sourced::builtin(RetrievalEngine::Local),
            qdrant_url: Sourced::builtin(String::new()),
            qdrant_collection: Sourced::builtin("semihv".to_owned()),
            qdrant_key_env: Sourced::builtin(String::new()),
            alert: Sourced::builtin(AlertSignal::Bell),
            alert_command: Sourced::builtin(Vec::new()),
        }
    }

    pub fn overlay(mut self, file: SettingsFile, layer: Layer) -> Self {
        self.theme.overlay(file.theme, layer);
        self.graphics.overlay(file.graphics, layer);
        self.ascii.overlay(file.ascii, layer);
        self.mouse.overlay(file.mouse, layer);
        self.author.overlay(file.author, layer);
        self.layout.overlay(file.layout, layer);
        self.store_mode.overlay(file.store_mode, layer);
        self.index_after_import
            .overlay(file.index_after_import, layer);
        self.query_timeout_ms.overlay(file.query_timeout_ms, layer);
        self.link_kbit.overlay(file.link_kbit, layer);
        self.encoder.overlay(file.encoder, layer);
        self.image_encoder.overlay(file.image_encoder, layer);
        if layer != Layer::Workspace {
            self.encoder_command.overlay(file.encoder_command, layer);
            self.qdrant_url.overlay(file.qdrant_url, layer);
            self.qdrant_key_env.overlay(file.qdrant_key_env, layer);
            self.alert_command.overlay(file.alert_command, layer);
        }
        self.retriever.overlay(file.retriever, layer);
        self.query_instructions
            .overlay(file.query_instructions, layer);
        self.retrieval_engine.overlay(file.retrieval_engine, layer);
        self.qdrant_collection
            .overlay(file.qdrant_collection, layer);
        self.alert.overlay(file.alert, layer);
        self
    }

    /// (key, value, layer) for `semihv config`.
    pub fn rows(&self) -> Vec<(&'static str, String, Layer)> {
        vec![
            row("theme", &self.theme, String::clone),
            row("graphics", &self.graphics, |it| it.name().to_owned()),
            row("ascii", &self.ascii, ToString::to_string),
            row("mouse", &self.mouse, ToString::to_string),
            row("author", &self.author, String::clone),
            row("layout", &self.layout, String::clone),
            row("store_mode", &self.store_mode, |it| it.name().to_owned()),
            row(
                "index_after_import",
                &self.index_after_import,
                ToString::to_string,
            ),
            row(
                "query_timeout_ms",
                &self.query_timeout_ms,
                ToString::to_string,
            ),
            row("link_kbit", &self.link_kbit, ToString::to_string),
            row("encoder", &self.encoder, String::clone),
            row("image_encoder", &self.image_encoder, String::clone),
            row("encoder_command", &self.encoder_command, String::clone),
            row("retriever", &self.retriever, String::clone),
            row(
                "query_instructions",
                &self.query_instructions,
                ToString::to_string,
            ),
            row("retrieval_engine", &self.retrieval_engine, |it| {
                it.name().to_owned()
            }),
            row("qdrant_url", &self.qdrant_url, String::clone),
            row("qdrant_collection", &self.qdrant_collection, String::clone),
            row("qdrant_key_env", &self.qdrant_key_env, String::clone),
            row("alert", &self.alert, |it| it.name().to_owned()),
            row("alert_command", &self.alert_command, |it| it.join(" ")),
        ]
    }
}

fn row<T>(
    key: &'static str,
    sourced: &Sourced<T>,
    said: impl Fn(&T) -> String,
) -> (&'static str, String, Layer) {
    (key, said(&sourced.value), sourced.layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_names_no_server() {
        let file = || SettingsFile {
            retrieval_engine: Some(RetrievalEngine::Qdrant),
            qdrant_url: Some("https://evil.example".into()),
            qdrant_key_env: Some("HOME".into()),
            ..Default::default()
        };
        let settings = Settings::builtin("ada").overlay(file(), Layer::Workspace);
        assert_eq!(settings.retrieval_engine.value, RetrievalEngine::Qdrant);
        assert_eq!(settings.qdrant_url.value, "");
        assert_eq!(settings.qdrant_key_env.value, "");
        let settings = settings.overlay(file(), Layer::User);
        assert_eq!(settings.qdrant_url.value, "https://evil.example");
    }

    #[test]
    fn a_workspace_names_no_command() {
        let file = || SettingsFile {
            encoder: Some("models/minilm".into()),
            encoder_command: Some("curl evil.example".into()),
            alert_command: Some(vec!["curl".into(), "evil.example".into()]),
            ..Default::default()
        };
        let settings = Settings::builtin("ada").overlay(file(), Layer::Workspace);
        assert_eq!(settings.encoder.value, "models/minilm");
        assert_eq!(settings.encoder_command.value, "");
        assert!(settings.alert_command.value.is_empty());
        let settings = settings.overlay(file(), Layer::User);
        assert_eq!(settings.encoder_command.value, "curl evil.example");
    }

    #[test]
    fn the_later_layer_wins_and_says_so() {
        let user = SettingsFile {
            theme: Some("light".into()),
            mouse: Some(false),
            ..Default::default()
        };
        let flags = SettingsFile {
            theme: Some("dark".into()),
            ..Default::default()
        };
        let settings = Settings::builtin("ana")
            .overlay(user, Layer::User)
            .overlay(flags, Layer::Flag);
        assert_eq!(
            (settings.theme.value.as_str(), settings.theme.layer),
            ("dark", Layer::Flag)
        );
        assert_eq!(
            (settings.mouse.value, settings.mouse.layer),
            (false, Layer::User)
        );
        assert_eq!(settings.author.layer, Layer::Builtin);
    }

    #[test]
    fn every_key_of_the_file_is_shown_by_config() {
        let text = serde_json::to_value(SettingsFile::default()).unwrap();
        let keys: Vec<_> = text.as_object().unwrap().keys().cloned().collect();
        let shown: Vec<_> = Settings::builtin("x")
            .rows()
            .iter()
            .map(|(key, ..)| (*key).to_owned())
            .collect();
        assert_eq!(keys, shown);
    }
}
