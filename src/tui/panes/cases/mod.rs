//! The cases pane: a virtual list over the cases of the workspace.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::Failure;
use semihv_engine::{ListKind, ListRow, Reply};

use crate::action::Effect;
use crate::list::{self, List};
use crate::pane::{Hint, Input, Mouse, Title};
use crate::shared::Shared;
use crate::slot::Ticket;
use crate::theme::Theme;

pub use crate::list::{Msg, command};

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    pub list: List,
}

impl Default for State {
    fn default() -> Self {
        Self {
            list: List::new(ListKind::Cases),
        }
    }
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    state.list.update(msg, shared)
}

/// Opens the list when it is first seen; the cursor follows a selection made elsewhere.
pub fn refresh(state: &mut State, shared: &Shared) -> Vec<Effect> {
    state.list.refresh(shared.selection.case.map(|id| id.0))
}

pub fn reply(
    state: &mut State,
    ticket: Ticket,
    reply: &Result<Reply, Failure>,
    shared: &mut Shared,
) -> Option<Vec<Effect>> {
    state.list.reply(ticket, reply, shared)
}

pub fn mouse(state: &State, _shared: &Shared, mouse: Mouse, _inside: Rect) -> Option<Msg> {
    state.list.mouse(mouse)
}

pub fn is_typing(state: &State) -> bool {
    state.list.is_typing()
}

pub fn typed(state: &mut State, input: Input, _shared: &mut Shared) -> Vec<Effect> {
    state.list.typed(input)
}

pub fn title(state: &State, _shared: &Shared) -> Title {
    Title {
        right: list::view::title(&state.list),
    }
}

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    list::view::view(&state.list, shared, theme, area, buffer);
}

pub fn hints(state: &State, _shared: &Shared) -> Vec<Hint> {
    let mut hints = vec![
        hint("cases.search", "search"),
        hint("tag", "tag"),
        hint("note", "note"),
        hint("cases.mark", "mark"),
        hint("cases.open", "open"),
    ];
    if !state.list.filter().is_empty() || state.list.marked() > 0 {
        hints.insert(0, hint("cases.clear", "clear"));
    }
    hints
}

fn hint(command: &'static str, text: &'static str) -> Hint {
    Hint { command, text }
}

/// The row's key and text.
pub fn copy(state: &State, _shared: &Shared) -> Option<String> {
    match state.list.current_row()? {
        ListRow::Case(row) => Some(format!("{} {}", row.key, row.title)),
        ListRow::Question(_) => None,
    }
}
