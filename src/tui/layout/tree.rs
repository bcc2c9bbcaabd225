//! The tree of splits: how an area is cut, and how borders are moved.

use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

use crate::pane::PaneKind;

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
