//! The one table from keys to commands, and what is made of it: look-up, the which-key popup,
//! footer hints, help and the documentation.
//!
//! The built-in rows are embedded; a person's rows replace single bindings.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::commands;
use crate::keys::{Key, ParseKeyError, shown};
use crate::pane::PaneKind;

const BUILT_IN: [&str; 2] = [
    include_str!("keymap.toml"),
    include_str!("panes/keymap-rows.toml"),
];

/// A row as it is written in TOML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRow {
    /// `global` or the name of a pane.
    #[serde(rename = "in")]
    pub scope: String,
    pub on: Vec<String>,
    /// The command; `none` takes the key away.
    pub run: String,
    #[serde(default)]
    pub desc: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Global,
    Pane(PaneKind),
}

impl Scope {
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Pane(kind) => kind.name(),
        }
    }

    fn parse(name: &str) -> Option<Self> {
        if name == "global" {
            return Some(Self::Global);
        }
        PaneKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .map(Self::Pane)
    }

    fn holds_in(self, focus: PaneKind) -> bool {
        match self {
            Self::Global => true,
            Self::Pane(kind) => kind == focus,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub scope: Scope,
    pub keys: Vec<Key>,
    pub command: String,
    pub description: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    #[error("keys: there is no pane `{name}`; use `global` or one of: {known}")]
    UnknownScope { name: String, known: String },
    #[error("keys: there is no command `{command}`{nearest}")]
    UnknownCommand { command: String, nearest: String },
    #[error("keys: {on}: {source}")]
    Key { on: String, source: ParseKeyError },
    #[error("keys: {on} starts or continues another binding of {scope}: `{other}`")]
    Overlap {
        on: String,
        scope: &'static str,
        other: String,
    },
    #[error("keys: {0}")]
    Toml(String),
}

/// What a run of pressed keys means now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<'a> {
    Command(&'a Binding),
    /// More keys may follow.
    Prefix,
    Unbound,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// The embedded rows. A test holds that they are sound.
    pub fn built_in() -> Self {
        let (keymap, _) = Self::default().with(&built_in_rows().unwrap_or_default());
        keymap
    }

    /// Replaces single bindings. Rows with an error are left out and told.
    pub fn with(&self, rows: &[KeyRow]) -> (Self, Vec<KeymapError>) {
        let mut keymap = self.clone();
        let mut errors = Vec::new();
        for row in rows {
            if let Err(error) = keymap.put(row) {
                errors.push(error);
            }
        }
        (keymap, errors)
    }

    fn put(&mut self, row: &KeyRow) -> Result<(), KeymapError> {
        let scope = Scope::parse(&row.scope).ok_or_else(|| KeymapError::UnknownScope {
            name: row.scope.clone(),
            known: PaneKind::ALL.map(PaneKind::name).join(", "),
        })?;
        let keys = parse_keys(&row.on)?;
        if row.run != "none" && commands::resolve(&row.run).is_none() {
            return Err(KeymapError::UnknownCommand {
                nearest: self.nearest_command(&row.run),
                command: row.run.clone(),
            });
        }
        if !keys.is_empty() {
            self.bindings
                .retain(|known| known.scope != scope || known.keys != keys);
            self.refuse_overlap(scope, &keys)?;
        }
        if row.run != "none" {
            let description = self.description_of(row);
            self.bindings.push(Binding {
                scope,
                keys,
                command: row.run.clone(),
                description,
            });
        }
        Ok(())
    }

    fn refuse_overlap(&self, scope: Scope, keys: &[Key]) -> Result<(), KeymapError> {
        let other = self.bindings.iter().find(|known| {
            known.scope == scope
                && !known.keys.is_empty()
                && (known.keys.starts_with(keys) || keys.starts_with(&known.keys))
        });
        match other {
            Some(other) => Err(KeymapError::Overlap {
                on: shown(keys),
                scope: scope.name(),
                other: shown(&other.keys),
            }),
            None => Ok(()),
        }
    }

    fn description_of(&self, row: &KeyRow) -> String {
        if !row.desc.is_empty() {
            return row.desc.clone();
        }
        self.bindings
            .iter()
            .find(|known| known.command == row.run)
            .map_or_else(|| row.run.clone(), |known| known.description.clone())
    }

    fn nearest_command(&self, wrong: &str) -> String {
        self.bindings
            .iter()
            .map(|binding| {
                (
                    strsim::damerau_levenshtein(&binding.command, wrong),
                    binding,
                )
            })
            .filter(|(distance, _)| *distance <= 4)
            .min_by_key(|(distance, _)| *distance)
            .map_or_else(String::new, |(_, binding)| {
                format!("; did you mean `{}`?", binding.command)
            })
    }

    /// The pane's own bindings win over the global ones.
    pub fn lookup(&self, focus: PaneKind, pressed: &[Key]) -> Lookup<'_> {
        let mut global = None;
        let mut is_prefix = false;
        for binding in self.holding(focus) {
            if binding.keys == pressed {
                match binding.scope {
                    Scope::Pane(_) => return Lookup::Command(binding),
                    Scope::Global => global = Some(binding),
                }
            }
            is_prefix |= binding.keys.len() > pressed.len() && binding.keys.starts_with(pressed);
        }
        match global {
            Some(binding) if !is_prefix => Lookup::Command(binding),
            _ if is_prefix => Lookup::Prefix,
            _ => Lookup::Unbound,
        }
    }

    fn holding(&self, focus: PaneKind) -> impl Iterator<Item = &Binding> {
        self.bindings
            .iter()
            .filter(move |binding| binding.scope.holds_in(focus) && !binding.keys.is_empty())
    }

    /// What may follow the pressed keys, for the which-key popup.
    pub fn continuations(&self, focus: PaneKind, pressed: &[Key]) -> Vec<(String, &str)> {
        let mut groups: Vec<(String, &str)> = Vec::new();
        for binding in self.holding(focus) {
            let Some(rest) = binding
                .keys
                .strip_prefix(pressed)
                .filter(|rest| !rest.is_empty())
            else {
                continue;
            };
            let Some(next) = rest.first() else { continue };
            let words = if rest.len() == 1 {
                binding.description.as_str()
            } else if binding.command.starts_with("split") {
                // The group is told by its first member.
                "Panes: split, close, resize"
            } else {
                "…"
            };
            let key = next.to_string();
            if !groups.iter().any(|(known, _)| *known == key) {
                groups.push((key, words));
            }
        }
        groups
    }

    /// The first key of a command, as people read it.
    pub fn key_of(&self, command: &str) -> Option<String> {
        self.bindings
            .iter()
            .find(|binding| binding.command == command && !binding.keys.is_empty())
            .map(|binding| shown(&binding.keys))
    }

    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Every command once, with its description and all its keys, in the order of the table.
    pub fn commands(&self) -> Vec<(Scope, &str, &str, String)> {
        let mut seen = BTreeSet::new();
        let mut rows = Vec::new();
        for binding in &self.bindings {
            if !seen.insert((binding.scope, binding.command.as_str())) {
                continue;
            }
            let keys: Vec<String> = self
                .bindings
                .iter()
                .filter(|other| {
                    other.scope == binding.scope
                        && other.command == binding.command
                        && !other.keys.is_empty()
                })
                .map(|other| shown(&other.keys))
                .collect();
            rows.push((
                binding.scope,
                binding.command.as_str(),
                binding.description.as_str(),
                keys.join(", "),
            ));
        }
        rows
    }
}

fn parse_keys(on: &[String]) -> Result<Vec<Key>, KeymapError> {
    on.iter()
        .map(|text| {
            Key::parse(text).map_err(|source| KeymapError::Key {
                on: text.clone(),
                source,
            })
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    keys: Vec<KeyRow>,
}

fn built_in_rows() -> Result<Vec<KeyRow>, KeymapError> {
    let mut rows = Vec::new();
    for text in BUILT_IN {
        let file: KeyFile =
            toml::from_str(text).map_err(|error| KeymapError::Toml(error.to_string()))?;
        rows.extend(file.keys);
    }
    Ok(rows)
}

/// The keys as a page of the documentation.
pub fn keymap_markdown() -> String {
    let keymap = Keymap::built_in();
    let mut page = String::from("# Keys\n");
    let mut last = None;
    for (scope, command, description, keys) in keymap.commands() {
        if last != Some(scope) {
            page.push_str(&format!(
                "\n## {}\n\n| keys | does | command |\n| --- | --- | --- |\n",
                match scope {
                    Scope::Global => "Everywhere",
                    Scope::Pane(kind) => kind.name(),
                }
            ));
            last = Some(scope);
        }
        let keys = keys.replace('|', "\\|");
        page.push_str(&format!("| {keys} | {description} | `{command}` |\n"));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scope: &str, on: &[&str], run: &str) -> KeyRow {
        KeyRow {
            scope: scope.to_owned(),
            on: on.iter().map(ToString::to_string).collect(),
            run: run.to_owned(),
            desc: String::new(),
        }
    }

    #[test]
    fn every_built_in_row_is_sound_and_stands_once() {
        let rows = built_in_rows().unwrap();
        let (keymap, errors) = Keymap::default().with(&rows);
        assert_eq!(errors, []);
        let mut seen = BTreeSet::new();
        for row in &rows {
            assert!(
                row.on.is_empty() || seen.insert((row.scope.clone(), row.on.clone())),
                "bound twice: {row:?}"
            );
            assert!(!row.desc.is_empty(), "no description: {row:?}");
        }
        assert_eq!(keymap.bindings.len(), rows.len());
    }

    #[test]
    fn no_key_belongs_to_the_multiplexer() {
        for row in built_in_rows().unwrap() {
            for key in ["<C-a>", "<C-b>", "<C-q>"] {
                assert_ne!(row.on.first().map(String::as_str), Some(key), "{row:?}");
            }
        }
    }

    #[test]
    fn a_pane_key_wins_over_the_global_one() {
        let keymap = Keymap::built_in();
        let found = keymap.lookup(PaneKind::Cases, &[Key::ESC]);
        assert!(matches!(found, Lookup::Command(binding) if binding.command == "cases.clear"));
        let found = keymap.lookup(PaneKind::Image, &[Key::ESC]);
        assert!(matches!(found, Lookup::Command(binding) if binding.command == "escape"));
    }

    #[test]
    fn a_sequence_waits_for_its_end() {
        let keymap = Keymap::built_in();
        let keys = Key::parse_all("gg").unwrap();
        assert_eq!(keymap.lookup(PaneKind::Cases, &keys[..1]), Lookup::Prefix);
        assert!(matches!(
            keymap.lookup(PaneKind::Cases, &keys),
            Lookup::Command(_)
        ));
        assert_eq!(
            keymap.lookup(PaneKind::Rationales, &Key::parse_all("Q").unwrap()),
            Lookup::Unbound
        );
    }

    #[test]
    fn a_persons_row_replaces_one_binding_and_keeps_the_rest() {
        let (keymap, errors) =
            Keymap::built_in().with(&[row("global", &["q"], "help"), row("cases", &["v"], "none")]);
        assert_eq!(errors, []);
        let q = Key::parse_all("q").unwrap();
        let v = Key::parse_all("v").unwrap();
        assert!(
            matches!(keymap.lookup(PaneKind::Cases, &q), Lookup::Command(b) if b.command == "help")
        );
        assert_eq!(keymap.lookup(PaneKind::Cases, &v), Lookup::Unbound);
        assert_eq!(keymap.key_of("quit"), Some("Ctrl-c".to_owned()));
    }

    #[test]
    fn an_unknown_command_names_the_nearest_one() {
        let (_, errors) = Keymap::built_in().with(&[row("cases", &["x"], "cases.botom")]);
        assert_eq!(
            errors[0].to_string(),
            "keys: there is no command `cases.botom`; did you mean `cases.bottom`?"
        );
    }

    #[test]
    fn a_key_that_would_hide_a_sequence_is_refused() {
        let (keymap, errors) = Keymap::built_in().with(&[row("cases", &["g"], "cases.top")]);
        assert!(matches!(errors[..], [KeymapError::Overlap { .. }]));
        let keys = Key::parse_all("gg").unwrap();
        assert!(matches!(
            keymap.lookup(PaneKind::Cases, &keys),
            Lookup::Command(_)
        ));
    }

    #[test]
    fn the_page_of_keys_names_every_command() {
        let page = keymap_markdown();
        for row in built_in_rows().unwrap() {
            assert!(page.contains(&format!("`{}`", row.run)), "{}", row.run);
        }
    }
}
