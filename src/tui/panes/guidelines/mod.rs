//! The guidelines pane: passages for the selection or a typed query, and why each was found.

pub(super) mod reason;
mod view;

use ratatui::layout::Rect;
use semihv_domain::{CaseId, Failure, PassageId, QuestionId};
use semihv_engine::{GuidelineHit, PassageDetail, Query, Reply};

use crate::action::Effect;
use crate::keys::Key;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::reader::{self, Reader};
use crate::shared::{Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};
use crate::text_edit::TextEdit;

pub use view::{fit, view};

/// Hits that are asked for.
const MOST_HITS: usize = 30;

/// What the hits are for. An empty text: for the selection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Asked {
    text: String,
    case: Option<CaseId>,
    question: Option<QuestionId>,
}

impl Asked {
    fn is_nothing(&self) -> bool {
        self.text.is_empty() && self.case.is_none() && self.question.is_none()
    }
}

/// A passage that is being read.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) id: PassageId,
    pub(super) detail: Load<Box<PassageDetail>>,
    /// Words to be highlighted, as the index knows them.
    pub(super) terms: Vec<String>,
    pub(super) reader: Reader,
}

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) hits: Load<Vec<GuidelineHit>>,
    pub(super) cursor: usize,
    /// The typed query; empty: the selection is the query.
    pub(super) text: String,
    /// The line in which a query is being typed.
    pub(super) line: Option<TextEdit>,
    pub(super) open: Option<Open>,
    asked: Option<Asked>,
    hits_slot: Slot,
    passage_slot: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            hits: Load::Empty,
            cursor: 0,
            text: String::new(),
            line: None,
            open: None,
            asked: None,
            hits_slot: Slot::new(SlotName::Guidelines),
            passage_slot: Slot::new(SlotName::Passage),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// In the list or in the open passage.
    Read(reader::Msg),
    /// A hit was clicked.
    Hit(usize),
    Open,
    /// Out of the passage, then back to the hits of the selection.
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
    pub(super) fn shown_hits(&self) -> &[GuidelineHit] {
        self.hits.value().map_or(&[], Vec::as_slice)
    }

    fn ask(&mut self, asked: Asked) -> Vec<Effect> {
        self.asked = Some(asked.clone());
        self.cursor = 0;
        if asked.is_nothing() {
            self.hits = Load::Empty;
            self.hits_slot.drop_answer();
            return Vec::new();
        }
        self.hits.reload();
        let query = Query::Guidelines {
            text: asked.text,
            case: asked.case,
            question: asked.question,
            limit: MOST_HITS,
        };
        vec![Effect::Ask(self.hits_slot.ask(), query)]
    }

    fn open_hit(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let Some(hit) = self.shown_hits().get(self.cursor) else {
            return Vec::new();
        };
        let terms = hit
            .hit
            .reason
            .terms
            .iter()
            .map(|term| term.term.to_lowercase())
            .collect();
        let id = hit.passage;
        shared.selection.passage = Some(id);
        open_passage(self, id, terms)
    }

    fn move_cursor(&mut self, msg: reader::Msg) {
        let last = self.shown_hits().len().saturating_sub(1);
        let to = match msg {
            reader::Msg::Down => self.cursor + 1,
            reader::Msg::Up => self.cursor.saturating_sub(1),
            reader::Msg::PageDown => self.cursor + 5,
            reader::Msg::PageUp => self.cursor.saturating_sub(5),
            reader::Msg::Top => 0,
            reader::Msg::Bottom => last,
            reader::Msg::Find | reader::Msg::NextMatch | reader::Msg::PreviousMatch => self.cursor,
        };
        self.cursor = to.min(last);
    }
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    match msg {
        Msg::Read(msg) => match (&mut state.open, msg) {
            (Some(open), msg) => open.reader.update(msg),
            (None, reader::Msg::Find) => state.line = Some(TextEdit::new(state.text.clone())),
            (None, msg) => state.move_cursor(msg),
        },
        // An open passage hides the list.
        Msg::Hit(_) | Msg::Open if state.open.is_some() => {}
        Msg::Hit(at) => state.cursor = at.min(state.shown_hits().len().saturating_sub(1)),
        Msg::Open => return state.open_hit(shared),
        Msg::Back => return back(state, shared),
    }
    Vec::new()
}

/// Opens a passage that was found elsewhere.
pub(crate) fn open_passage(state: &mut State, id: PassageId, terms: Vec<String>) -> Vec<Effect> {
    state.open = Some(Open {
        id,
        detail: Load::Loading { stale: None },
        terms,
        reader: Reader::default(),
    });
    vec![Effect::Ask(state.passage_slot.ask(), Query::Passage(id))]
}

fn back(state: &mut State, shared: &Shared) -> Vec<Effect> {
    if let Some(open) = &mut state.open {
        if !open.reader.leave() {
            state.open = None;
            state.passage_slot.drop_answer();
        }
        return Vec::new();
    }
    state.text.clear();
    refresh(state, shared)
}

/// Asks when the selection or the typed query is another one than the hits are for.
pub fn refresh(state: &mut State, shared: &Shared) -> Vec<Effect> {
    let is_typed = !state.text.is_empty();
    let now = Asked {
        text: state.text.clone(),
        case: shared.selection.case.filter(|_| !is_typed),
        question: shared.selection.question.filter(|_| !is_typed),
    };
    if state.asked.as_ref() == Some(&now) {
        return Vec::new();
    }
    state.ask(now)
}

/// The rows or the index changed: the next refresh asks again.
pub fn forget(state: &mut State) {
    state.asked = None;
}

pub fn reply(
    state: &mut State,
    ticket: Ticket,
    reply: &Result<Reply, Failure>,
    _shared: &mut Shared,
) -> Option<Vec<Effect>> {
    if state.hits_slot.accepts(ticket) {
        match reply {
            Ok(Reply::Guidelines(hits)) => state.hits = Load::Ready(hits.clone()),
            Ok(_) => {}
            Err(failure) => state.hits = Load::Failed(failure.clone()),
        }
        state.cursor = state.cursor.min(state.shown_hits().len().saturating_sub(1));
        return Some(Vec::new());
    }
    if !state.passage_slot.accepts(ticket) {
        return None;
    }
    if let Some(open) = &mut state.open {
        match reply {
            Ok(Reply::Passage(detail)) => {
                open.detail = Load::Ready(detail.clone());
                open.reader.restart_at_mark();
            }
            Ok(_) => {}
            Err(failure) => open.detail = Load::Failed(failure.clone()),
        }
    }
    Some(Vec::new())
}

pub fn mouse(state: &State, _shared: &Shared, mouse: Mouse, inside: Rect) -> Option<Msg> {
    match mouse.kind {
        MouseKind::ScrollUp => Some(Msg::Read(reader::Msg::Up)),
        MouseKind::ScrollDown => Some(Msg::Read(reader::Msg::Down)),
        MouseKind::Click if state.open.is_none() => {
            view::hit_at(state, inside, mouse.row).map(Msg::Hit)
        }
        MouseKind::DoubleClick if state.open.is_none() => Some(Msg::Open),
        MouseKind::Click | MouseKind::DoubleClick | MouseKind::Drag => None,
    }
}

pub fn is_typing(state: &State) -> bool {
    state.line.is_some()
        || state
            .open
            .as_ref()
            .is_some_and(|open| open.reader.is_typing())
}

pub fn typed(state: &mut State, input: Input, shared: &mut Shared) -> Vec<Effect> {
    let Some(line) = &mut state.line else {
        if let Some(open) = &mut state.open {
            open.reader.typed(&input);
        }
        return Vec::new();
    };
    match input {
        Input::Key(Key::ENTER) => {
            state.text = line.text().trim().to_owned();
            state.line = None;
            return refresh(state, shared);
        }
        Input::Key(Key::ESC) => state.line = None,
        Input::Key(key) => {
            line.key(key);
        }
        Input::Paste(text) => {
            line.insert(&text.replace('\n', " "));
        }
    }
    Vec::new()
}

pub fn title(state: &State, _shared: &Shared) -> Title {
    Title {
        right: view::title(state),
    }
}

pub fn hints(state: &State, _shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    if state.open.is_some() {
        return vec![
            hint("guidelines.back", "back to hits"),
            hint("guidelines.find", "search"),
        ];
    }
    let mut hints = vec![
        hint("guidelines.open", "read"),
        hint("guidelines.find", "query"),
    ];
    if !state.text.is_empty() {
        hints.push(hint("guidelines.back", "for the selection"));
    }
    hints
}

/// The passage that is read, or the hit under the cursor.
pub fn copy(state: &State, _shared: &Shared) -> Option<String> {
    if let Some(detail) = state.open.as_ref().and_then(|open| open.detail.value()) {
        let passage = detail.passages.get(detail.at)?;
        return Some(format!(
            "{}\n{}\n{}",
            detail.guideline.title,
            passage.headings.join(" › "),
            passage.text
        ));
    }
    let hit = state.shown_hits().get(state.cursor)?;
    Some(format!(
        "{}\n{}\n{}",
        hit.guideline_title,
        hit.headings.join(" › "),
        hit.hit.snippet.text
    ))
}

#[cfg(test)]
mod tests;
