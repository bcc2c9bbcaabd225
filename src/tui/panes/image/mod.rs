//! The image pane.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::Failure;
use semihv_engine::Reply;

use crate::action::Effect;
use crate::pane::{Hint, Input, Mouse, Title};
use crate::pen::placeholder;
use crate::shared::Shared;
use crate::slot::Ticket;
use crate::theme::{Role, Theme};

/// The pane's own view state.
#[derive(Debug, Clone, Default)]
pub struct State {}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {}

pub fn command(_name: &str) -> Option<Msg> {
    None
}

pub fn update(_state: &mut State, msg: Msg, _shared: &mut Shared) -> Vec<Effect> {
    match msg {}
}

pub fn refresh(_state: &mut State, _shared: &Shared) -> Vec<Effect> {
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

/// `None`: not a ticket of this pane.
pub fn drawn(
    _state: &mut State,
    _ticket: Ticket,
    _outcome: &Result<std::sync::Arc<crate::picture::Picture>, Failure>,
    _shared: &mut Shared,
) -> Option<Vec<Effect>> {
    None
}

pub fn mouse(_state: &State, _shared: &Shared, _mouse: Mouse, _inside: Rect) -> Option<Msg> {
    None
}

pub fn is_typing(_state: &State) -> bool {
    false
}

pub fn typed(_state: &mut State, _input: Input, _shared: &mut Shared) -> Vec<Effect> {
    Vec::new()
}

pub fn title(_state: &State, _shared: &Shared) -> Title {
    Title::default()
}

pub fn view(_state: &State, _shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    placeholder(
        buffer,
        area,
        &[("The picture of the selection.", theme.style(Role::Muted))],
    );
}

pub fn hints(_state: &State, _shared: &Shared) -> Vec<Hint> {
    Vec::new()
}

pub fn copy(_state: &State, _shared: &Shared) -> Option<String> {
    None
}
