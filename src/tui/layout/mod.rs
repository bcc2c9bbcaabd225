//! Layouts: a tree of splits per layout, and the pure rule that turns it into rectangles.
//!
//! A pane stands at most once in a layout. On a small screen a layout is shown one pane at a
//! time under a line of tabs; the tree stays what it is.

mod areas;
mod tree;

use serde::{Deserialize, Serialize};

use crate::pane::PaneKind;

pub use areas::{Areas, Body, areas};
pub use tree::{Axis, Border, Resize, Tree};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    pub name: String,
    pub tree: Tree,
    /// Where the focus was when the layout was left.
    pub focus: PaneKind,
}

/// The layouts of the workspace and the one on screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layouts {
    all: Vec<Layout>,
    active: usize,
    #[serde(default)]
    pub is_maximised: bool,
}

impl Default for Layouts {
    fn default() -> Self {
        Self {
            all: built_in(),
            active: 0,
            is_maximised: false,
        }
    }
}

impl Layouts {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|layout| layout.name.as_str())
    }

    pub fn active_index(&self) -> usize {
        self.active.min(self.all.len().saturating_sub(1))
    }

    pub fn tree(&self) -> &Tree {
        static ALONE: Tree = Tree::Pane(PaneKind::Cases);
        self.all
            .get(self.active_index())
            .map_or(&ALONE, |layout| &layout.tree)
    }

    pub fn tree_mut(&mut self) -> Option<&mut Tree> {
        let at = self.active_index();
        self.all.get_mut(at).map(|layout| &mut layout.tree)
    }

    /// The pane that has the keys. Always one of the active tree.
    pub fn focus(&self) -> PaneKind {
        let wanted = self.all.get(self.active_index()).map(|layout| layout.focus);
        let panes = self.tree().panes();
        wanted
            .filter(|kind| panes.contains(kind))
            .or_else(|| panes.first().copied())
            .unwrap_or(PaneKind::Cases)
    }

    pub fn set_focus(&mut self, kind: PaneKind) {
        let at = self.active_index();
        if let Some(layout) = self
            .all
            .get_mut(at)
            .filter(|layout| layout.tree.contains(kind))
        {
            layout.focus = kind;
        }
    }

    /// Shows a layout by position; false when there is none.
    pub fn show(&mut self, index: usize) -> bool {
        let exists = index < self.all.len();
        if exists {
            self.active = index;
            self.is_maximised = false;
        }
        exists
    }

    pub fn position(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|layout| layout.name == name)
    }

    /// The first layout that shows a pane, the active one before all others.
    pub fn holding(&self, kind: PaneKind) -> Option<usize> {
        if self.tree().contains(kind) {
            return Some(self.active_index());
        }
        self.all
            .iter()
            .position(|layout| layout.tree.contains(kind))
    }

    /// Keeps the tree on screen under a name, replacing a layout of that name.
    pub fn save(&mut self, name: &str) {
        let layout = Layout {
            name: name.to_owned(),
            tree: self.tree().clone(),
            focus: self.focus(),
        };
        let at = self.position(name).unwrap_or(self.all.len());
        match self.all.get_mut(at) {
            Some(old) => *old = layout,
            None => self.all.push(layout),
        }
        self.active = at;
    }

    /// Adds a layout behind the others, replacing one of that name; what is shown stays.
    pub fn add(&mut self, layout: Layout) {
        match self
            .position(&layout.name)
            .and_then(|at| self.all.get_mut(at))
        {
            Some(old) => *old = layout,
            None => self.all.push(layout),
        }
    }

    /// Puts a built-in layout back as it was; takes a person's own away.
    pub fn reset(&mut self) {
        let at = self.active_index();
        let Some(layout) = self.all.get_mut(at) else {
            return;
        };
        let mut originals = built_in().into_iter();
        if let Some(original) = originals.find(|known| known.name == layout.name) {
            *layout = original;
        } else {
            self.all.remove(at);
            self.active = 0;
        }
        self.is_maximised = false;
    }

    /// What was read from a session may be anything: at least one layout, and each name once.
    pub fn sound(mut self) -> Self {
        let mut seen = std::collections::BTreeSet::new();
        self.all.retain(|layout| {
            let panes = layout.tree.panes();
            let distinct: std::collections::BTreeSet<_> = panes.iter().collect();
            distinct.len() == panes.len() && seen.insert(layout.name.clone())
        });
        for layout in built_in() {
            if !self.all.iter().any(|known| known.name == layout.name) {
                self.all.push(layout);
            }
        }
        if self.active >= self.all.len() {
            self.active = 0;
        }
        self
    }
}

/// The layouts everybody starts with.
pub fn built_in() -> Vec<Layout> {
    use PaneKind::{
        Cases, Curves, Dataset, Gpus, Guidelines, Hits, Image, Jobs, Log, Notes, Questions,
        Rationales, Runs, Text,
    };
    use Tree::Pane;
    let layout = |name: &str, focus, tree| Layout {
        name: name.to_owned(),
        tree,
        focus,
    };
    vec![
        layout(
            "browse",
            Cases,
            Tree::right(
                460,
                Tree::below(720, Pane(Cases), Pane(Notes)),
                Tree::below(620, Pane(Image), Pane(Text)),
            ),
        ),
        layout(
            "analyse",
            Questions,
            Tree::below(
                500,
                Tree::right(460, Pane(Questions), Pane(Image)),
                Tree::right(600, Pane(Rationales), Pane(Guidelines)),
            ),
        ),
        layout(
            "retrieve",
            Hits,
            Tree::right(
                340,
                Tree::below(500, Pane(Cases), Pane(Image)),
                Tree::below(560, Pane(Hits), Pane(Guidelines)),
            ),
        ),
        layout(
            "train",
            Runs,
            Tree::right(
                560,
                Tree::below(400, Pane(Runs), Pane(Log)),
                Tree::below(600, Pane(Curves), Pane(Gpus)),
            ),
        ),
        layout(
            "compare",
            Questions,
            Tree::below(
                300,
                Tree::right(700, Pane(Questions), Pane(Notes)),
                Pane(Rationales),
            ),
        ),
        layout("data", Dataset, Tree::right(600, Pane(Dataset), Pane(Jobs))),
    ]
}

#[cfg(test)]
mod tests;
