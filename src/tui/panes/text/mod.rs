//! The text pane: everything a case says in words, wrapped, scrolled and searched.

mod view;

use ratatui::layout::Rect;
use semihv_domain::{CaseId, Failure};
use semihv_engine::Reply;

use crate::action::Effect;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::reader::{self, Reader};
use crate::shared::Shared;
use crate::slot::Ticket;

pub use view::{fit, view};

/// The pane's own view state.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(super) reader: Reader,
    /// The case that is read; another one begins at its top.
    case: Option<CaseId>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Read(reader::Msg),
    /// Forgets the search.
    Back,
}

pub fn command(name: &str) -> Option<Msg> {
    match name {
        "back" => Some(Msg::Back),
        name => reader::command(name).map(Msg::Read),
    }
}

pub fn update(state: &mut State, msg: Msg, _shared: &mut Shared) -> Vec<Effect> {
    match msg {
        Msg::Read(msg) => state.reader.update(msg),
        Msg::Back => {
            state.reader.leave();
        }
    }
    Vec::new()
}

/// The case itself is loaded once for all panes.
pub fn refresh(state: &mut State, shared: &Shared) -> Vec<Effect> {
    if state.case != shared.selection.case {
        state.case = shared.selection.case;
        state.reader.restart();
    }
    Vec::new()
}

pub fn reply(
    _state: &mut State,
    _ticket: Ticket,
    _reply: &Result<Reply, Failure>,
    _shared: &mut Shared,
) -> Option<Vec<Effect>> {
    None
}

pub fn mouse(_state: &State, _shared: &Shared, mouse: Mouse, _inside: Rect) -> Option<Msg> {
    match mouse.kind {
        MouseKind::ScrollUp => Some(Msg::Read(reader::Msg::Up)),
        MouseKind::ScrollDown => Some(Msg::Read(reader::Msg::Down)),
        MouseKind::Click | MouseKind::DoubleClick | MouseKind::Drag => None,
    }
}

pub fn is_typing(state: &State) -> bool {
    state.reader.is_typing()
}

pub fn typed(state: &mut State, input: Input, _shared: &mut Shared) -> Vec<Effect> {
    state.reader.typed(&input);
    Vec::new()
}

pub fn title(state: &State, shared: &Shared) -> Title {
    let key = shared.case.value().map(|detail| detail.case.key.as_str());
    let found = view::found(state, shared);
    let parts: Vec<&str> = key
        .into_iter()
        .chain(Some(found.as_str()).filter(|found| !found.is_empty()))
        .collect();
    Title {
        right: parts.join(" · "),
    }
}

pub fn hints(state: &State, _shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    if state.reader.find().pattern().is_empty() {
        vec![hint("text.find", "search"), hint("copy", "copy text")]
    } else {
        vec![
            hint("text.next-match", "next match"),
            hint("text.previous-match", "previous match"),
            hint("text.back", "end search"),
        ]
    }
}

/// The whole text, plain.
pub fn copy(_state: &State, shared: &Shared) -> Option<String> {
    let detail = shared.case.value()?;
    let mut text = detail.case.title.clone();
    for section in &detail.case.sections {
        text.push_str(&format!("\n\n{}\n{}", section.heading, section.text));
    }
    Some(text)
}

#[cfg(test)]
mod tests;
