//! The mouse as panes know it: clicks, double clicks, drags and the wheel.

use std::time::{Duration, Instant};

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use crate::pane::{Mouse, MouseKind};

const DOUBLE_CLICK: Duration = Duration::from_millis(400);

/// Remembers the last click, so that the next may be its second half.
#[derive(Debug, Default)]
pub(super) struct Clicks {
    last: Option<(Instant, u16, u16)>,
}

impl Clicks {
    /// Nothing for what no pane listens to.
    pub(super) fn read(&mut self, mouse: MouseEvent, now: Instant) -> Option<Mouse> {
        let (column, row) = (mouse.column, mouse.row);
        let kind = match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click((now, column, row)),
            MouseEventKind::Drag(MouseButton::Left) => MouseKind::Drag,
            MouseEventKind::ScrollDown => MouseKind::ScrollDown,
            MouseEventKind::ScrollUp => MouseKind::ScrollUp,
            _ => return None,
        };
        Some(Mouse { column, row, kind })
    }

    fn click(&mut self, click: (Instant, u16, u16)) -> MouseKind {
        let (now, column, row) = click;
        let last = self.last.replace(click);
        let is_double = last.is_some_and(|(then, at_column, at_row)| {
            (at_column, at_row) == (column, row) && now - then < DOUBLE_CLICK
        });
        if is_double {
            MouseKind::DoubleClick
        } else {
            MouseKind::Click
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;

    #[test]
    fn two_clicks_on_one_cell_are_one_double_click_if_they_are_quick() {
        let mut clicks = Clicks::default();
        let start = Instant::now();
        let mut click = |column, after| {
            let mouse = MouseEvent {
                kind: MouseEventKind::Down(MouseButton::Left),
                column,
                row: 1,
                modifiers: KeyModifiers::NONE,
            };
            let now = start + Duration::from_millis(after);
            clicks.read(mouse, now).unwrap().kind
        };
        assert_eq!(click(4, 0), MouseKind::Click);
        assert_eq!(click(4, 300), MouseKind::DoubleClick);
        assert_eq!(click(5, 400), MouseKind::Click);
        assert_eq!(click(5, 900), MouseKind::Click);
    }
}
