//! The real engine behind the workbench.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use semihv_domain::{Failure, FailureKind, JobId};
use semihv_engine::{
    CurvesAsk, Edit, Edited, Engine, Event, JobSpec, KeyEntry, LayoutEntry, Query, Reply,
    UserPlaces, known_workspaces,
};
use semihv_imaging::{HeatMap, Raster, RegionFile, Scan};

use crate::backend::{Backend, Settings};
use crate::keymap::KeyRow;
use crate::layout::{Layout, Tree};
use crate::pane::PaneKind;

impl Backend for Engine {
    fn ask(&self, query: Query) -> Result<Reply, Failure> {
        Self::ask(self, &query)
    }

    fn edit(&self, edit: &Edit) -> Result<Edited, Failure> {
        Self::edit(self, edit)
    }

    fn start(&self, spec: JobSpec) -> Result<JobId, Failure> {
        Self::start(self, spec).map(|job| job.id)
    }

    fn cancel(&self, job: JobId) {
        Self::cancel(self, job);
    }

    fn events(&self) -> Receiver<Event> {
        self.subscribe()
    }

    fn thumbnail(&self, location: &str) -> Result<Arc<Raster>, Failure> {
        Self::thumbnail(self, location)
    }

    fn open_heat_map(&self, location: &str) -> Result<Arc<HeatMap>, Failure> {
        Self::open_heat_map(self, location)
    }

    fn open_regions(&self, location: &str) -> Result<Arc<RegionFile>, Failure> {
        Self::open_regions(self, location)
    }

    fn open_scan(&self, location: &str) -> Result<Arc<Scan>, Failure> {
        Self::open_scan(self, location)
    }

    fn warm_scan(&self, location: &str) {
        Self::warm_scan(self, location);
    }

    fn save_session(&self, json: &str) -> Result<(), Failure> {
        Self::save_session(self, json)
    }

    fn load_session(&self) -> Option<String> {
        self.session()
    }

    fn keep_picture(&self, name: &str, png: &[u8]) -> Result<String, Failure> {
        let path = Self::keep_picture(self, name, png)?;
        Ok(path.display().to_string())
    }

    fn save_curves(&self, ask: &CurvesAsk) -> Result<String, Failure> {
        Self::save_curves(self, ask)
    }

    fn keep_copied(&self, text: &str) -> Result<String, Failure> {
        self.keep_copied_text(text)
            .map(|path| path.display().to_string())
    }

    fn settings(&self) -> Settings {
        let settings = Self::settings(self);
        let (mut layouts, mut troubles) = (Vec::new(), self.unknown_kinds());
        for (name, entry) in &self.manifest().layout {
            match layout(name, entry) {
                Ok(layout) => layouts.push(layout),
                Err(failure) => troubles.push(failure),
            }
        }
        troubles.extend(taken_keys(self));
        let theme = settings.theme.value;
        Settings {
            theme: (theme != "auto").then_some(theme),
            themes: self.own_themes(),
            keys: recipe_keys(self)
                .chain(self.keys().into_iter().map(key_row))
                .collect(),
            is_ascii: settings.ascii.value,
            graphics: Some(settings.graphics.value.name().to_owned()),
            link_kbit: settings.link_kbit.value,
            alert: settings.alert.value,
            layout: Some(settings.layout.value),
            layouts,
            troubles,
            workspaces: workspaces(self.user_places()),
        }
    }
}

/// Before any workspace is open: only the known ones count.
pub fn settings_without_workspace(user: &UserPlaces) -> Settings {
    Settings {
        workspaces: workspaces(user),
        ..Settings::default()
    }
}

fn workspaces(user: &UserPlaces) -> Vec<(String, PathBuf)> {
    known_workspaces(&user.known_workspaces())
        .into_iter()
        .map(|known| (folder_name(&known.path), known.path))
        .collect()
}

fn folder_name(path: &std::path::Path) -> String {
    let name: PathBuf = path.file_name().unwrap_or_default().into();
    name.to_string_lossy().into_owned()
}

/// A recipe's own key opens its form in the runs pane.
fn recipe_keys(engine: &Engine) -> impl Iterator<Item = KeyRow> {
    let recipes = engine.manifest().recipe.into_iter();
    recipes.filter_map(|(name, recipe)| {
        let key = recipe
            .key
            .filter(|key| !PANE_KEYS.contains(&key.as_str()))?;
        Some(KeyRow {
            scope: "runs".to_owned(),
            on: vec![key],
            run: format!("runs.launch-{name}"),
            desc: format!("Launch {name}"),
        })
    })
}

/// Keys of the runs pane that no recipe may take.
const PANE_KEYS: [&str; 11] = ["j", "k", "g", "G", "r", "x", "R", "y", "q", ":", "?"];

/// Recipes whose key is the pane's or another recipe's: it would be gone without a word.
fn taken_keys(engine: &Engine) -> Vec<Failure> {
    let mut taken: Vec<String> = PANE_KEYS.map(str::to_owned).to_vec();
    let mut troubles = Vec::new();
    for (name, recipe) in engine.manifest().recipe {
        let Some(key) = recipe.key else { continue };
        if taken.contains(&key) {
            let summary = format!("semihv.toml: [recipe.{name}]: the key {key} is taken");
            troubles.push(Failure::new("settings", FailureKind::Config, summary));
        }
        taken.push(key);
    }
    troubles
}

fn key_row(entry: KeyEntry) -> KeyRow {
    KeyRow {
        scope: entry.place,
        on: entry.on,
        run: entry.run,
        desc: entry.desc,
    }
}

/// A layout of the manifest: rows of panes, each with its share of the width.
fn layout(name: &str, entry: &LayoutEntry) -> Result<Layout, Failure> {
    let unsound = |why: String| {
        Failure::new(
            "settings",
            FailureKind::Config,
            format!("layout {name}: {why}"),
        )
    };
    let mut rows = Vec::new();
    for (at, row) in entry.rows.iter().enumerate() {
        let panes = row
            .iter()
            .map(|text| pane(text).ok_or_else(|| unsound(format!("no pane {text:?}"))))
            .collect::<Result<Vec<_>, _>>()?;
        let height = entry.heights.get(at).copied().unwrap_or(1).max(1);
        let panes: Vec<(u16, Tree)> = panes
            .into_iter()
            .map(|(kind, width)| (width, Tree::Pane(kind)))
            .collect();
        let row = joined(panes, Tree::right).ok_or_else(|| unsound("an empty row".to_owned()))?;
        rows.push((height, row));
    }
    let tree = joined(rows, Tree::below).ok_or_else(|| unsound("no rows".to_owned()))?;
    let focus = tree.panes().first().copied().unwrap_or(PaneKind::Cases);
    Ok(Layout {
        name: name.to_owned(),
        tree,
        focus,
    })
}

/// `image:2` is the image pane, twice as wide as the others.
fn pane(text: &str) -> Option<(PaneKind, u16)> {
    let (name, width) = text.split_once(':').unwrap_or((text, "1"));
    let kind = PaneKind::ALL.into_iter().find(|kind| kind.name() == name)?;
    Some((kind, width.parse().ok().filter(|width| *width > 0)?))
}

/// Splits off the first part by its share of the whole, in thousandths, then the rest likewise.
fn joined(mut parts: Vec<(u16, Tree)>, split: fn(u16, Tree, Tree) -> Tree) -> Option<Tree> {
    let (mut total, mut tree) = parts.pop()?;
    while let Some((share, first)) = parts.pop() {
        total = total.saturating_add(share);
        let thousandths = u32::from(share) * 1000 / u32::from(total.max(1));
        tree = split(
            u16::try_from(thousandths).unwrap_or(500).clamp(100, 900),
            first,
            tree,
        );
    }
    Some(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(rows: &[&[&str]]) -> LayoutEntry {
        let rows = rows.iter();
        LayoutEntry {
            rows: rows
                .map(|row| row.iter().map(|text| (*text).to_owned()).collect())
                .collect(),
            heights: vec![3, 2],
        }
    }

    #[test]
    fn a_layout_of_the_manifest_becomes_a_tree_in_reading_order() {
        let layout = layout(
            "reading",
            &entry(&[&["questions", "image:2"], &["text", "guidelines"]]),
        )
        .unwrap();
        assert_eq!(
            layout.tree.panes(),
            [
                PaneKind::Questions,
                PaneKind::Image,
                PaneKind::Text,
                PaneKind::Guidelines
            ]
        );
    }

    #[test]
    fn an_unknown_pane_is_named() {
        let failure = layout("x", &entry(&[&["picture"]])).unwrap_err();
        assert_eq!(failure.summary, "layout x: no pane \"picture\"");
    }
}
