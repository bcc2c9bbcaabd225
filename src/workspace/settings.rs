//! Settings in layers: built-in, the user's file, the workspace, flags. The later one wins, and
//! every value knows where it came from.

use std::fmt;

use serde::{Deserialize, Serialize};

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
}

/// The user's own file: settings and key bindings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserFile {
    pub settings: SettingsFile,
    pub keys: Vec<KeyEntry>,
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
        }
        self.retriever.overlay(file.retriever, layer);
        self.query_instructions
            .overlay(file.query_instructions, layer);
        self
    }

    /// (key, value, layer) for `semihv config`.
    pub fn rows(&self) -> Vec<(&'static str, String, Layer)> {
        vec![
            ("theme", self.theme.value.clone(), self.theme.layer),
            (
                "graphics",
                self.graphics.value.name().to_owned(),
                self.graphics.layer,
            ),
            ("ascii", self.ascii.value.to_string(), self.ascii.layer),
            ("mouse", self.mouse.value.to_string(), self.mouse.layer),
            ("author", self.author.value.clone(), self.author.layer),
            ("layout", self.layout.value.clone(), self.layout.layer),
            (
                "store_mode",
                self.store_mode.value.name().to_owned(),
                self.store_mode.layer,
            ),
            (
                "index_after_import",
                self.index_after_import.value.to_string(),
                self.index_after_import.layer,
            ),
            (
                "query_timeout_ms",
                self.query_timeout_ms.value.to_string(),
                self.query_timeout_ms.layer,
            ),
            (
                "link_kbit",
                self.link_kbit.value.to_string(),
                self.link_kbit.layer,
            ),
            ("encoder", self.encoder.value.clone(), self.encoder.layer),
            (
                "image_encoder",
                self.image_encoder.value.clone(),
                self.image_encoder.layer,
            ),
            (
                "encoder_command",
                self.encoder_command.value.clone(),
                self.encoder_command.layer,
            ),
            (
                "retriever",
                self.retriever.value.clone(),
                self.retriever.layer,
            ),
            (
                "query_instructions",
                self.query_instructions.value.to_string(),
                self.query_instructions.layer,
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_names_no_command() {
        let file = || SettingsFile {
            encoder: Some("models/minilm".into()),
            encoder_command: Some("curl evil.example".into()),
            ..Default::default()
        };
        let settings = Settings::builtin("ada").overlay(file(), Layer::Workspace);
        assert_eq!(settings.encoder.value, "models/minilm");
        assert_eq!(settings.encoder_command.value, "");
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
