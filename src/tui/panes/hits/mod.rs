//! The hits pane: the few cases and guidelines that the retriever finds for the selection, why
//! each is there, and the way to it.

mod view;

use ratatui::layout::Rect;
use semihv_domain::{CaseId, Failure, ImageId, Pool, QuestionId, Retrieved, RetrievedHit};
use semihv_engine::{Query, QueryImage, Reply, RetrieveSpec};

use crate::action::Effect;
use crate::keys::Key;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::reader;
use crate::shared::{Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};
use crate::text_edit::TextEdit;

pub use view::view;

/// What of the selection is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum By {
    /// The image, and what is written of the case and asked.
    #[default]
    Both,
    Image,
    Text,
}

impl By {
    fn next(self) -> Self {
        match self {
            Self::Both => Self::Image,
            Self::Image => Self::Text,
            Self::Text => Self::Both,
        }
    }

    pub(super) fn said(self) -> &'static str {
        match self {
            Self::Both => "image and text",
            Self::Image => "image",
            Self::Text => "text",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Asked {
    text: String,
    image: Option<ImageId>,
    case: Option<CaseId>,
    question: Option<QuestionId>,
    by: By,
}

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) found: Load<Box<Retrieved>>,
    pub(super) cursor: usize,
    /// Typed, and looked for beside the image instead of the case's text.
    pub(super) text: String,
    pub(super) line: Option<TextEdit>,
    pub(super) by: By,
    asked: Option<Asked>,
    slot: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            found: Load::Empty,
            cursor: 0,
            text: String::new(),
            line: None,
            by: By::default(),
            asked: None,
            slot: Slot::new(SlotName::Hits),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Read(reader::Msg),
    /// A hit was clicked.
    Hit(usize),
    /// To the case, or to the passage.
    Open,
    /// By image and text, by the image, by the text.
    NextBy,
    /// Back to what the selection says.
    Back,
}

pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "open" => Msg::Open,
        "by" => Msg::NextBy,
        "back" => Msg::Back,
        name => return reader::command(name).map(Msg::Read),
    })
}

impl State {
    pub(super) fn hits(&self) -> &[RetrievedHit] {
        self.found
            .value()
            .map_or(&[], |found| found.hits.as_slice())
    }

    /// The one under the cursor.
    pub(crate) fn current(&self) -> Option<&RetrievedHit> {
        self.hits().get(self.cursor)
    }

    fn move_cursor(&mut self, msg: reader::Msg) {
        let last = self.hits().len().saturating_sub(1);
        let to = match msg {
            reader::Msg::Down => self.cursor + 1,
            reader::Msg::Up => self.cursor.saturating_sub(1),
            reader::Msg::PageDown | reader::Msg::Bottom => last,
            reader::Msg::PageUp | reader::Msg::Top => 0,
            reader::Msg::Find | reader::Msg::NextMatch | reader::Msg::PreviousMatch => self.cursor,
        };
        self.cursor = to.min(last);
    }
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    match msg {
        Msg::Read(reader::Msg::Find) => state.line = Some(TextEdit::new(state.text.clone())),
        Msg::Read(msg) => state.move_cursor(msg),
        Msg::Hit(at) => state.cursor = at.min(state.hits().len().saturating_sub(1)),
        Msg::NextBy => state.by = state.by.next(),
        Msg::Back => state.text.clear(),
        Msg::Open => open(state, shared),
    }
    refresh(state, shared)
}

/// A case becomes the selection, and with it all that is shown of it; the passage of a guideline
/// is opened by whoever dispatches.
fn open(state: &mut State, shared: &mut Shared) {
    let Some(hit) = state.current() else { return };
    if hit.pool == Pool::Case {
        shared.selection.case = Some(CaseId(hit.row));
        shared.selection.image = hit.image;
        shared.selection.question = None;
        shared.selection.region = None;
    }
}

/// Asks when the selection or what is looked for is another than the hits are for.
pub fn refresh(state: &mut State, shared: &Shared) -> Vec<Effect> {
    let has_image = state.by != By::Text;
    let has_text = state.by != By::Image;
    let now = Asked {
        text: state.text.clone(),
        image: shown_image(shared).filter(|_| has_image),
        case: shared.selection.case,
        question: shared.selection.question.filter(|_| has_text),
        by: state.by,
    };
    if state.asked.as_ref() == Some(&now) {
        return Vec::new();
    }
    state.asked = Some(now.clone());
    state.cursor = 0;
    let reads_case = has_text && now.text.is_empty() && now.case.is_some();
    if now.image.is_none() && now.text.is_empty() && !reads_case {
        state.found = Load::Empty;
        state.slot.drop_answer();
        return Vec::new();
    }
    state.found.reload();
    let spec = RetrieveSpec {
        text: now.text,
        image: now.image.map(QueryImage::Stored),
        case: now.case,
        question: now.question,
        reads_case,
        ..RetrieveSpec::default()
    };
    vec![Effect::Ask(
        state.slot.ask(),
        Query::Retrieve(Box::new(spec)),
    )]
}

/// The selected image of the selected case, else its first.
fn shown_image(shared: &Shared) -> Option<ImageId> {
    let detail = shared.case.value()?;
    if shared.selection.case != Some(detail.case.id) {
        return None;
    }
    let first = detail.images.first().map(|image| image.id);
    shared.selection.image.or(first)
}

/// The rows, the index or the vectors changed: the next refresh asks again.
pub fn forget(state: &mut State) {
    state.asked = None;
}

pub fn reply(
    state: &mut State,
    ticket: Ticket,
    reply: &Result<Reply, Failure>,
    _shared: &mut Shared,
) -> Option<Vec<Effect>> {
    if !state.slot.accepts(ticket) {
        return None;
    }
    match reply {
        Ok(Reply::Retrieved(found)) => state.found = Load::Ready(found.clone()),
        Ok(_) => {}
        Err(failure) => state.found = Load::Failed(failure.clone()),
    }
    state.cursor = state.cursor.min(state.hits().len().saturating_sub(1));
    Some(Vec::new())
}

pub fn mouse(state: &State, _shared: &Shared, mouse: Mouse, inside: Rect) -> Option<Msg> {
    match mouse.kind {
        MouseKind::ScrollUp => Some(Msg::Read(reader::Msg::Up)),
        MouseKind::ScrollDown => Some(Msg::Read(reader::Msg::Down)),
        MouseKind::Click => view::hit_at(state, inside, mouse.row).map(Msg::Hit),
        MouseKind::DoubleClick => Some(Msg::Open),
        MouseKind::Drag => None,
    }
}

pub fn is_typing(state: &State) -> bool {
    state.line.is_some()
}

pub fn typed(state: &mut State, input: Input, shared: &mut Shared) -> Vec<Effect> {
    let Some(line) = &mut state.line else {
        return Vec::new();
    };
    match input {
        Input::Key(Key::ENTER) => {
            state.text = line.text().trim().to_owned();
            state.line = None;
            // What was typed is looked for, whatever was before.
            if state.by == By::Image {
                state.by = By::Both;
            }
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
    let mut parts = vec![format!("by {}", state.by.said())];
    if !state.text.is_empty() {
        parts.push(state.text.clone());
    }
    if let Some(used) = state.found.value().and_then(|found| found.vectors.as_ref()) {
        parts.push(format!("{} {}", used.encoder, used.search));
    }
    Title {
        right: parts.join(" · "),
    }
}

pub fn hints(state: &State, _shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    let mut hints = Vec::new();
    if !state.hits().is_empty() {
        hints.push(hint("hits.open", "go there"));
    }
    hints.push(hint("hits.by", "image or text"));
    hints.push(hint("hits.find", "words of your own"));
    if !state.text.is_empty() {
        hints.push(hint("hits.back", "for the selection"));
    }
    hints
}

/// The hit under the cursor.
pub fn copy(state: &State, _shared: &Shared) -> Option<String> {
    let hit = state.current()?;
    Some(format!("{} {}\n{}", hit.key, hit.title, hit.snippet.text))
}

#[cfg(test)]
mod tests;
