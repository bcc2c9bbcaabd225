//! Layouts: a tree of splits per layout, and the pure rule that turns it into rectangles.
//!
//! A pane stands at most once in a layout. On a small screen a layout is shown one pane at a
//! time under a line of tabs; the tree stays what it is.

use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

use crate::pane::PaneKind;

/// Below this a layout is shown as tabs.
const WIDE: u16 = 100;
const TALL: u16 = 30;
/// Below this nothing useful can be shown.
const LEAST: (u16, u16) = (20, 5);
/// A pane keeps at least this many cells when a border is moved.
const LEAST_PANE: (u16, u16) = (12, 3);
/// Shares are thousandths.
const WHOLE: u16 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// Side by side.
    Right,
    /// One above the other.
    Below,
}

/// The shape of a layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tree {
    Pane(PaneKind),
    Split {
        axis: Axis,
        /// The first part's share in thousandths.
        share: u16,
        first: Box<Self>,
        second: Box<Self>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resize {
    Wider,
    Narrower,
    Taller,
    Shorter,
}

impl Tree {
    pub fn right(share: u16, first: Self, second: Self) -> Self {
        Self::split(Axis::Right, share, first, second)
    }

    pub fn below(share: u16, first: Self, second: Self) -> Self {
        Self::split(Axis::Below, share, first, second)
    }

    fn split(axis: Axis, share: u16, first: Self, second: Self) -> Self {
        Self::Split {
            axis,
            share,
            first: Box::new(first),
            second: Box::new(second),
        }
    }

    /// The panes in reading order.
    pub fn panes(&self) -> Vec<PaneKind> {
        match self {
            Self::Pane(kind) => vec![*kind],
            Self::Split { first, second, .. } => {
                let mut panes = first.panes();
                panes.extend(second.panes());
                panes
            }
        }
    }

    pub fn contains(&self, kind: PaneKind) -> bool {
        match self {
            Self::Pane(own) => *own == kind,
            Self::Split { first, second, .. } => first.contains(kind) || second.contains(kind),
        }
    }

    /// Every pane's rectangle; together they cover `area` exactly.
    pub fn rects(&self, area: Rect) -> Vec<(PaneKind, Rect)> {
        match self {
            Self::Pane(kind) => vec![(*kind, area)],
            Self::Split {
                axis,
                share,
                first,
                second,
            } => {
                let (one, other) = cut(*axis, *share, area);
                let mut rects = first.rects(one);
                rects.extend(second.rects(other));
                rects
            }
        }
    }

    /// Puts `new` beside or below `at`. A pane that already stands elsewhere moves.
    pub fn split_at(&mut self, at: PaneKind, axis: Axis, new: PaneKind) {
        if at == new || !self.contains(at) {
            return;
        }
        self.remove(new);
        self.insert(at, axis, new);
    }

    fn insert(&mut self, at: PaneKind, axis: Axis, new: PaneKind) {
        match self {
            Self::Pane(kind) if *kind == at => {
                *self = Self::split(axis, WHOLE / 2, Self::Pane(at), Self::Pane(new));
            }
            Self::Pane(_) => {}
            Self::Split { first, second, .. } => {
                first.insert(at, axis, new);
                second.insert(at, axis, new);
            }
        }
    }

    /// Takes a pane out; the last one stays.
    pub fn remove(&mut self, kind: PaneKind) {
        let Self::Split { first, second, .. } = self else {
            return;
        };
        if **first == Self::Pane(kind) {
            *self = (**second).clone();
        } else if **second == Self::Pane(kind) {
            *self = (**first).clone();
        } else {
            first.remove(kind);
            second.remove(kind);
        }
    }

    /// Moves the nearest border of `kind` that can do this; true when one moved.
    pub fn resize(&mut self, kind: PaneKind, resize: Resize) -> bool {
        let Self::Split {
            axis,
            share,
            first,
            second,
        } = self
        else {
            return false;
        };
        let is_first = first.contains(kind);
        let inner = if is_first { first } else { second };
        if inner.resize(kind, resize) {
            return true;
        }
        if !inner.contains(kind) {
            return false;
        }
        let grows = match (resize, *axis) {
            (Resize::Wider, Axis::Right) | (Resize::Taller, Axis::Below) => true,
            (Resize::Narrower, Axis::Right) | (Resize::Shorter, Axis::Below) => false,
            _ => return false,
        };
        let step = 40;
        *share = if grows == is_first {
            share.saturating_add(step).min(900)
        } else {
            share.saturating_sub(step).max(100)
        };
        true
    }

    /// Finds the border under a cell: the way to its split, first or second at each turn.
    pub fn border_at(&self, area: Rect, column: u16, row: u16) -> Option<Border> {
        let Self::Split {
            axis,
            share,
            first,
            second,
        } = self
        else {
            return None;
        };
        let (one, other) = cut(*axis, *share, area);
        let is_here = match axis {
            Axis::Right => {
                (column + 1 == other.x || column == other.x) && row >= area.y && row < area.bottom()
            }
            Axis::Below => row == other.y && column >= area.x && column < area.right(),
        };
        let deeper = |tree: &Self, area: Rect, turn: Turn| {
            tree.border_at(area, column, row).map(|mut border| {
                border.way.insert(0, turn);
                border
            })
        };
        deeper(first, one, Turn::First)
            .or_else(|| deeper(second, other, Turn::Second))
            .or_else(|| is_here.then(|| Border { way: Vec::new() }))
    }

    /// Moves a border to a cell, as far as the panes beside it allow.
    pub fn drag(&mut self, border: &Border, area: Rect, column: u16, row: u16) {
        let Self::Split {
            axis,
            share,
            first,
            second,
        } = self
        else {
            return;
        };
        if let Some((turn, rest)) = border.way.split_first() {
            let (one, other) = cut(*axis, *share, area);
            let rest = Border { way: rest.to_vec() };
            return match turn {
                Turn::First => first.drag(&rest, one, column, row),
                Turn::Second => second.drag(&rest, other, column, row),
            };
        }
        let (at, length, least) = match axis {
            Axis::Right => (column.saturating_sub(area.x), area.width, LEAST_PANE.0),
            Axis::Below => (row.saturating_sub(area.y), area.height, LEAST_PANE.1),
        };
        if length > 2 * least {
            let at = at.clamp(least, length - least);
            *share = share_of(at, length);
        }
    }
}

/// A border between two parts: the turns from the root to its split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Border {
    way: Vec<Turn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    First,
    Second,
}

fn share_of(part: u16, length: u16) -> u16 {
    let rounded =
        (u32::from(part) * u32::from(WHOLE) + u32::from(length) / 2) / u32::from(length.max(1));
    u16::try_from(rounded).unwrap_or(WHOLE).clamp(1, WHOLE - 1)
}

fn cut(axis: Axis, share: u16, area: Rect) -> (Rect, Rect) {
    let part = |length: u16| {
        let scaled = (u32::from(length) * u32::from(share.min(WHOLE)) + u32::from(WHOLE) / 2)
            / u32::from(WHOLE);
        u16::try_from(scaled).unwrap_or(length).min(length)
    };
    match axis {
        Axis::Right => {
            let width = part(area.width);
            (
                Rect { width, ..area },
                Rect {
                    x: area.x + width,
                    width: area.width - width,
                    ..area
                },
            )
        }
        Axis::Below => {
            let height = part(area.height);
            (
                Rect { height, ..area },
                Rect {
                    y: area.y + height,
                    height: area.height - height,
                    ..area
                },
            )
        }
    }
}

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
        if let Some(original) = built_in()
            .into_iter()
            .find(|known| known.name == layout.name)
        {
            *layout = original
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
        Cases, Dataset, Guidelines, Image, Jobs, Log, Notes, Questions, Rationales, Text,
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
            Guidelines,
            Tree::right(
                340,
                Tree::below(500, Pane(Questions), Pane(Image)),
                Tree::below(640, Pane(Guidelines), Pane(Text)),
            ),
        ),
        layout(
            "train",
            Log,
            Tree::right(620, Pane(Log), Tree::below(500, Pane(Jobs), Pane(Dataset))),
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
    ]
}

/// How the screen is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Areas {
    pub header: Rect,
    pub footer: Rect,
    pub body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    TooSmall,
    /// One pane under a line of tabs.
    Tabs {
        tabs: Rect,
        pane: PaneKind,
        inside: Rect,
    },
    Boxes {
        area: Rect,
        panes: Vec<(PaneKind, Rect)>,
    },
}

/// Divides the screen. Pure: mouse and drawing both ask it, nobody remembers what was drawn.
pub fn areas(layouts: &Layouts, screen: Rect) -> Areas {
    let line = |y: u16| Rect {
        y,
        height: 1.min(screen.height),
        ..screen
    };
    let header = line(screen.y);
    let footer = line(screen.bottom().saturating_sub(1));
    let body = if screen.width < LEAST.0 || screen.height < LEAST.1 {
        Body::TooSmall
    } else {
        let area = Rect {
            y: screen.y + 1,
            height: screen.height - 2,
            ..screen
        };
        body_of(layouts, area, screen)
    };
    Areas {
        header,
        footer,
        body,
    }
}

fn body_of(layouts: &Layouts, area: Rect, screen: Rect) -> Body {
    let focus = layouts.focus();
    if screen.width < WIDE || screen.height < TALL {
        return Body::Tabs {
            tabs: Rect { height: 1, ..area },
            pane: focus,
            inside: Rect {
                x: area.x + 1,
                y: area.y + 1,
                width: area.width - 2,
                height: area.height - 1,
            },
        };
    }
    let panes = if layouts.is_maximised {
        vec![(focus, area)]
    } else {
        layouts.tree().rects(area)
    };
    Body::Boxes { area, panes }
}

impl Areas {
    /// The panes that can be seen, each with the inside of its border.
    pub fn insides(&self) -> Vec<(PaneKind, Rect)> {
        match &self.body {
            Body::TooSmall => Vec::new(),
            Body::Tabs { pane, inside, .. } => vec![(*pane, *inside)],
            Body::Boxes { panes, .. } => panes
                .iter()
                .map(|(kind, rect)| (*kind, inside(*rect)))
                .collect(),
        }
    }

    pub fn inside_of(&self, kind: PaneKind) -> Option<Rect> {
        self.insides()
            .into_iter()
            .find(|(known, _)| *known == kind)
            .map(|(_, rect)| rect)
    }
}

/// Within the border, one cell in from the left and the right.
fn inside(rect: Rect) -> Rect {
    let width = rect.width.saturating_sub(4);
    let height = rect.height.saturating_sub(2);
    Rect {
        x: rect.x + 2.min(rect.width),
        y: rect.y + 1.min(rect.height),
        width,
        height,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tree() -> Tree {
        built_in().remove(1).tree
    }

    #[test]
    fn every_built_in_layout_holds_each_pane_once_and_together_all() {
        let mut all = std::collections::BTreeSet::new();
        for layout in built_in() {
            let panes = layout.tree.panes();
            let distinct: std::collections::BTreeSet<_> = panes.iter().copied().collect();
            assert_eq!(panes.len(), distinct.len(), "{}", layout.name);
            assert!(panes.contains(&layout.focus), "{}", layout.name);
            all.extend(distinct);
        }
        assert_eq!(all.len(), PaneKind::ALL.len());
    }

    #[test]
    fn a_split_moves_a_pane_that_stands_elsewhere() {
        let mut tree = tree();
        tree.split_at(PaneKind::Questions, Axis::Below, PaneKind::Image);
        assert_eq!(
            tree.panes(),
            [
                PaneKind::Questions,
                PaneKind::Image,
                PaneKind::Rationales,
                PaneKind::Guidelines
            ]
        );
    }

    #[test]
    fn the_last_pane_cannot_be_closed() {
        let mut tree = Tree::Pane(PaneKind::Log);
        tree.remove(PaneKind::Log);
        assert_eq!(tree, Tree::Pane(PaneKind::Log));
    }

    #[test]
    fn making_a_pane_wider_takes_from_its_neighbour() {
        let area = Rect::new(0, 0, 200, 50);
        let mut tree = tree();
        let width = |tree: &Tree, kind| {
            let rects = tree.rects(area);
            rects
                .iter()
                .find(|(known, _)| *known == kind)
                .unwrap()
                .1
                .width
        };
        let before = width(&tree, PaneKind::Image);
        assert!(tree.resize(PaneKind::Image, Resize::Wider));
        assert!(width(&tree, PaneKind::Image) > before);
        assert!(tree.resize(PaneKind::Image, Resize::Narrower));
        assert_eq!(width(&tree, PaneKind::Image), before);
    }

    #[test]
    fn a_dragged_border_lands_under_the_mouse() {
        let area = Rect::new(0, 1, 160, 48);
        let mut tree = tree();
        let border = tree
            .border_at(area, 74, 5)
            .expect("a border between questions and image");
        tree.drag(&border, area, 100, 5);
        let rects = tree.rects(area);
        assert_eq!(rects[0].1.width, 100);
    }

    #[test]
    fn a_small_screen_shows_the_focused_pane_alone() {
        let layouts = Layouts::default();
        let areas = areas(&layouts, Rect::new(0, 0, 80, 24));
        assert_eq!(
            areas.insides(),
            [(PaneKind::Cases, Rect::new(1, 2, 78, 21))]
        );
    }

    proptest! {
        #[test]
        fn the_parts_cover_the_area_without_overlap(
            width in 0u16..300, height in 0u16..120, share in 0u16..=1000, which in 0usize..5,
        ) {
            let area = Rect::new(0, 1, width, height);
            let mut tree = built_in().remove(which).tree;
            if let Tree::Split { share: own, .. } = &mut tree {
                *own = share;
            }
            let rects = tree.rects(area);
            let covered: u32 = rects.iter().map(|(_, rect)| rect.area()).sum();
            prop_assert_eq!(covered, area.area());
            for (_, rect) in &rects {
                prop_assert_eq!(area.intersection(*rect).area(), rect.area());
            }
        }

        #[test]
        fn every_inside_lies_on_the_screen(width in 1u16..240, height in 1u16..90) {
            let screen = Rect::new(0, 0, width, height);
            for (_, rect) in areas(&Layouts::default(), screen).insides() {
                prop_assert!(rect.right() <= width && rect.bottom() <= height);
            }
        }
    }
}
