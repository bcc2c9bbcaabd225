//! The dataset pane: where the cases came from, what they are made of, what was skipped and why.

mod view;

use ratatui::layout::Rect;
use semihv_domain::Failure;
use semihv_engine::{Dataset, Query, Reply, SkippedRow, SourceRow};

use crate::action::Effect;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::reader::{self, Reader};
use crate::shared::{Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};

pub use view::{fit, view};

/// Skipped rows that are asked for; the whole list is `semihv skipped`.
const MOST_SKIPPED: usize = 1000;

/// The skipped rows of a source.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) source: String,
    pub(super) rows: Load<Vec<SkippedRow>>,
    pub(super) reader: Reader,
}

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) dataset: Load<Dataset>,
    pub(super) cursor: usize,
    pub(super) open: Option<Open>,
    is_asked: bool,
    dataset_slot: Slot,
    skipped_slot: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            dataset: Load::Empty,
            cursor: 0,
            open: None,
            is_asked: false,
            dataset_slot: Slot::new(SlotName::Dataset),
            skipped_slot: Slot::new(SlotName::Skipped),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Read(reader::Msg),
    /// A row of the table was clicked.
    Source(usize),
    /// The skipped rows of the source under the cursor.
    Open,
    Back,
}

pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "open" => Msg::Open,
        "back" => Msg::Back,
        name => return reader::command(name).map(Msg::Read),
    })
}

impl State {
    pub(super) fn sources(&self) -> &[SourceRow] {
        self.dataset
            .value()
            .map_or(&[], |dataset| dataset.sources.as_slice())
    }

    fn move_cursor(&mut self, msg: reader::Msg) {
        let last = self.sources().len().saturating_sub(1);
        let to = match msg {
            reader::Msg::Down => self.cursor + 1,
            reader::Msg::Up => self.cursor.saturating_sub(1),
            reader::Msg::PageDown => self.cursor + 10,
            reader::Msg::PageUp => self.cursor.saturating_sub(10),
            reader::Msg::Top => 0,
            reader::Msg::Bottom => last,
            reader::Msg::Find | reader::Msg::NextMatch | reader::Msg::PreviousMatch => self.cursor,
        };
        self.cursor = to.min(last);
    }

    fn open_source(&mut self) -> Vec<Effect> {
        let Some(source) = self.sources().get(self.cursor).map(|row| row.name.clone()) else {
            return Vec::new();
        };
        self.open = Some(Open {
            source: source.clone(),
            rows: Load::Loading { stale: None },
            reader: Reader::default(),
        });
        let query = Query::Skipped {
            source: Some(source),
            limit: MOST_SKIPPED,
        };
        vec![Effect::Ask(self.skipped_slot.ask(), query)]
    }
}

pub fn update(state: &mut State, msg: Msg, _shared: &mut Shared) -> Vec<Effect> {
    match (msg, &mut state.open) {
        (Msg::Read(msg), Some(open)) => open.reader.update(msg),
        (Msg::Read(msg), None) => state.move_cursor(msg),
        (Msg::Source(at), None) => state.cursor = at.min(state.sources().len().saturating_sub(1)),
        (Msg::Open, None) => return state.open_source(),
        (Msg::Source(_) | Msg::Open, Some(_)) | (Msg::Back, None) => {}
        (Msg::Back, Some(open)) => {
            if !open.reader.leave() {
                state.open = None;
                state.skipped_slot.drop_answer();
            }
        }
    }
    Vec::new()
}

/// Counting a million rows takes a while: asked once, and again after rows changed.
pub fn refresh(state: &mut State, _shared: &Shared) -> Vec<Effect> {
    if state.is_asked {
        return Vec::new();
    }
    state.is_asked = true;
    state.dataset.reload();
    vec![Effect::Ask(state.dataset_slot.ask(), Query::Dataset)]
}

/// Rows changed: the next refresh asks again.
pub fn forget(state: &mut State) {
    state.is_asked = false;
}

pub fn reply(
    state: &mut State,
    ticket: Ticket,
    reply: &Result<Reply, Failure>,
    _shared: &mut Shared,
) -> Option<Vec<Effect>> {
    if state.dataset_slot.accepts(ticket) {
        match reply {
            Ok(Reply::Dataset(dataset)) => state.dataset = Load::Ready(dataset.clone()),
            Ok(_) => {}
            Err(failure) => state.dataset = Load::Failed(failure.clone()),
        }
        state.cursor = state.cursor.min(state.sources().len().saturating_sub(1));
        return Some(Vec::new());
    }
    if !state.skipped_slot.accepts(ticket) {
        return None;
    }
    if let Some(open) = &mut state.open {
        match reply {
            Ok(Reply::Skipped(rows)) => open.rows = Load::Ready(rows.clone()),
            Ok(_) => {}
            Err(failure) => open.rows = Load::Failed(failure.clone()),
        }
    }
    Some(Vec::new())
}

pub fn mouse(state: &State, _shared: &Shared, mouse: Mouse, inside: Rect) -> Option<Msg> {
    match mouse.kind {
        MouseKind::ScrollUp => Some(Msg::Read(reader::Msg::Up)),
        MouseKind::ScrollDown => Some(Msg::Read(reader::Msg::Down)),
        MouseKind::Click if state.open.is_none() => {
            view::source_at(state, inside, mouse.row).map(Msg::Source)
        }
        MouseKind::DoubleClick if state.open.is_none() => Some(Msg::Open),
        MouseKind::Click | MouseKind::DoubleClick | MouseKind::Drag => None,
    }
}

pub fn is_typing(state: &State) -> bool {
    state
        .open
        .as_ref()
        .is_some_and(|open| open.reader.is_typing())
}

pub fn typed(state: &mut State, input: Input, _shared: &mut Shared) -> Vec<Effect> {
    if let Some(open) = &mut state.open {
        open.reader.typed(&input);
    }
    Vec::new()
}

pub fn title(state: &State, _shared: &Shared) -> Title {
    let right = match (&state.open, state.sources().len()) {
        (Some(open), _) => format!("skipped in {}", open.source),
        (None, 0) => String::new(),
        (None, 1) => "1 source".to_owned(),
        (None, count) => format!("{count} sources"),
    };
    Title { right }
}

pub fn hints(state: &State, _shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    if state.open.is_some() {
        vec![
            hint("dataset.back", "back to sources"),
            hint("dataset.find", "search"),
        ]
    } else {
        vec![hint("dataset.open", "skipped rows")]
    }
}

/// The path of the source under the cursor.
pub fn copy(state: &State, _shared: &Shared) -> Option<String> {
    state
        .sources()
        .get(state.cursor)
        .map(|row| row.path.clone())
}

#[cfg(test)]
mod tests;
