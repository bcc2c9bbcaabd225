//! The screen divided: header, panes or tabs, footer.

use ratatui::layout::Rect;

use super::Layouts;
use crate::pane::PaneKind;

/// Below this a layout is shown as tabs.
const WIDE: u16 = 100;
const TALL: u16 = 30;
/// Below this nothing useful can be shown.
const LEAST: (u16, u16) = (20, 5);

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
