//! The notes pane: tags and notes of the selection, and the editor in which notes are written.
//!
//! What is typed is kept as a draft at every pause, so that a lost link or a kill loses nothing.

mod view;

use std::collections::BTreeMap;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::layout::Rect;
use semihv_domain::{Failure, Note, NoteId, Tag, Target};
use semihv_engine::{Edit, Query, Reply};

use crate::action::Effect;
use crate::keys::Key;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::shared::{Leading, Shared};
use crate::slot::{Slot, SlotName, Ticket};
use crate::text_edit::{TextEdit, Typed};

pub use view::{editor_view, view};

/// After this pause in typing the draft is kept.
const PAUSE: Duration = Duration::from_millis(400);
/// Somebody who never pauses still loses no more than this many changes.
const MOST_UNKEPT: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editor {
    pub target: Target,
    /// The note that is rewritten; `None` for a new one.
    pub note: Option<NoteId>,
    pub edit: TextEdit,
    /// Changes since the draft was kept.
    unkept: usize,
    /// Handed to the store, not acknowledged yet.
    pub is_saving: bool,
}

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    cursor: usize,
    editor: Option<Editor>,
    /// Unsaved texts by target.
    drafts: BTreeMap<Target, String>,
    /// The note that is open in `$EDITOR`.
    outside: Option<(Target, Option<NoteId>)>,
    asked_for: Option<Target>,
    draft_slot: Slot,
    pause: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            cursor: 0,
            editor: None,
            drafts: BTreeMap::new(),
            outside: None,
            asked_for: None,
            draft_slot: Slot::new(SlotName::Draft),
            pause: Slot::new(SlotName::Notes),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Down,
    Up,
    /// Starts a note about this.
    New(Target),
    /// Opens the note under the cursor, or starts one.
    Edit,
    Delete,
    /// Goes on in `$EDITOR`.
    Editor,
}

pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "down" => Msg::Down,
        "up" => Msg::Up,
        "edit" => Msg::Edit,
        "delete" => Msg::Delete,
        "editor" => Msg::Editor,
        _ => return None,
    })
}

/// The tags and notes of one target.
pub(crate) struct Section<'a> {
    pub(crate) target: Target,
    pub(crate) name: String,
    pub(crate) tags: &'a [Tag],
    pub(crate) notes: &'a [Note],
}

/// The leading list's row stands first.
pub(crate) fn sections(shared: &Shared) -> Vec<Section<'_>> {
    // What is being replaced stays for the moment; its name says whose it is.
    let case = shared.case.value();
    let case = case.map(|detail| Section {
        target: Target::Case(detail.case.id),
        name: format!("case {}", detail.case.key),
        tags: &detail.tags,
        notes: &detail.notes,
    });
    let question = shared.question.value();
    let question = question.map(|detail| Section {
        target: Target::Question(detail.question.id),
        name: format!("question {}", detail.question.key),
        tags: &detail.tags,
        notes: &detail.notes,
    });
    match shared.leading {
        Leading::Cases => case.into_iter().chain(question).collect(),
        Leading::Questions => question.into_iter().chain(case).collect(),
    }
}

fn note_at(shared: &Shared, position: usize) -> Option<&Note> {
    let sections = sections(shared);
    sections
        .iter()
        .flat_map(|section| section.notes)
        .nth(position)
}

fn notes_shown(shared: &Shared) -> usize {
    sections(shared)
        .iter()
        .map(|section| section.notes.len())
        .sum()
}

impl State {
    pub fn editor(&self) -> Option<&Editor> {
        self.editor.as_ref()
    }

    /// What was changed is stored, or is not: then the text stays in the editor.
    pub fn edited(&mut self, edit: &Edit, is_stored: bool) {
        let (target, text) = match edit {
            Edit::WriteNote { target, text } => (Some(*target), text),
            Edit::ReplaceNote { text, .. } => (None, text),
            Edit::DropDraft { target } if is_stored => {
                self.drafts.remove(target);
                return;
            }
            _ => return,
        };
        let open = self
            .editor
            .take_if(|editor| editor.is_saving && editor.edit.text() == text);
        match open {
            Some(editor) if is_stored => drop(self.drafts.remove(&editor.target)),
            Some(mut editor) => {
                editor.is_saving = false;
                self.editor = Some(editor);
            }
            None => match target {
                Some(target) if is_stored => drop(self.drafts.remove(&target)),
                Some(target) => drop(self.drafts.insert(target, text.clone())),
                None => {}
            },
        }
    }

    /// The pause in typing came.
    pub fn woke(&mut self, ticket: Ticket) -> Option<Vec<Effect>> {
        self.pause.accepts(ticket).then(|| self.keep_draft())
    }

    fn keep_draft(&mut self) -> Vec<Effect> {
        let Some(editor) = self.editor.as_mut().filter(|editor| editor.unkept > 0) else {
            return Vec::new();
        };
        editor.unkept = 0;
        let (target, text) = (editor.target, editor.edit.text().to_owned());
        if text.trim().is_empty() {
            self.drafts.remove(&target);
            return vec![Effect::Edit(Edit::DropDraft { target })];
        }
        self.drafts.insert(target, text.clone());
        vec![Effect::Edit(Edit::KeepDraft { target, text })]
    }

    fn open(&mut self, target: Target, note: Option<&Note>) -> Vec<Effect> {
        if self
            .editor
            .as_ref()
            .is_some_and(|open| open.target == target)
        {
            return Vec::new();
        }
        let mut effects = self.keep_draft();
        let draft = self.drafts.get(&target).cloned();
        let text = match note {
            Some(note) => note.text.clone(),
            None => draft.clone().unwrap_or_default(),
        };
        self.editor = Some(Editor {
            target,
            note: note.map(|note| note.id),
            edit: TextEdit::new(text),
            unkept: 0,
            is_saving: false,
        });
        if note.is_none() && draft.is_none() {
            effects.extend(self.ask_draft(target));
        }
        effects
    }

    fn ask_draft(&mut self, target: Target) -> Vec<Effect> {
        self.asked_for = Some(target);
        vec![Effect::Ask(self.draft_slot.ask(), Query::Draft(target))]
    }

    fn save(&mut self) -> Vec<Effect> {
        let Some(editor) = self.editor.as_mut().filter(|editor| !editor.is_saving) else {
            return Vec::new();
        };
        let text = editor.edit.text().to_owned();
        if text.trim().is_empty() {
            return self.leave();
        }
        editor.is_saving = true;
        editor.unkept = 0;
        self.pause.drop_answer();
        vec![Effect::Edit(match editor.note {
            Some(note) => Edit::ReplaceNote { note, text },
            None => Edit::WriteNote {
                target: editor.target,
                text,
            },
        })]
    }

    /// Closes the editor; what was typed stays as a draft.
    fn leave(&mut self) -> Vec<Effect> {
        self.pause.drop_answer();
        let effects = self.keep_draft();
        self.editor = None;
        effects
    }

    fn outside(&mut self, shared: &Shared) -> Vec<Effect> {
        let (target, note, text) = match self.editor.take() {
            Some(editor) => (editor.target, editor.note, editor.edit.text().to_owned()),
            None => match (note_at(shared, self.cursor), shared.target()) {
                (Some(note), _) => (note.target, Some(note.id), note.text.clone()),
                (None, Some(target)) => {
                    let draft = self.drafts.get(&target).cloned();
                    (target, None, draft.unwrap_or_default())
                }
                (None, None) => return Vec::new(),
            },
        };
        self.outside = Some((target, note));
        vec![Effect::OpenEditor { target, text }]
    }

    /// `$EDITOR` was left with this text.
    pub fn came_back(&mut self, target: Target, text: &str) -> Vec<Effect> {
        let note = self
            .outside
            .take()
            .filter(|(known, _)| *known == target)
            .and_then(|(_, note)| note);
        let text = text.trim_end().to_owned();
        if text.is_empty() {
            return Vec::new();
        }
        vec![Effect::Edit(match note {
            Some(note) => Edit::ReplaceNote { note, text },
            None => Edit::WriteNote { target, text },
        })]
    }
}

/// Closes the editor before the workbench ends; what was typed stays as a draft.
pub fn leave(state: &mut State) -> Vec<Effect> {
    state.leave()
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    let last = notes_shown(shared).saturating_sub(1);
    match msg {
        Msg::Down => state.cursor = (state.cursor + 1).min(last),
        Msg::Up => state.cursor = state.cursor.saturating_sub(1),
        _ if shared.is_read_only => {}
        Msg::New(target) => return state.open(target, None),
        Msg::Edit => {
            return match (note_at(shared, state.cursor), shared.target()) {
                (Some(note), _) => state.open(note.target, Some(note)),
                (None, Some(target)) => state.open(target, None),
                (None, None) => Vec::new(),
            };
        }
        Msg::Delete => {
            let note = note_at(shared, state.cursor).map(|note| note.id);
            let edit = note.map(|note| Effect::Edit(Edit::DeleteNote { note }));
            return edit.into_iter().collect();
        }
        Msg::Editor => return state.outside(shared),
    }
    Vec::new()
}

/// Looks for a draft of what is selected now.
pub fn refresh(state: &mut State, shared: &Shared) -> Vec<Effect> {
    let last = notes_shown(shared).saturating_sub(1);
    state.cursor = state.cursor.min(last);
    match shared.target() {
        Some(target) if state.asked_for != Some(target) => state.ask_draft(target),
        _ => Vec::new(),
    }
}

pub fn reply(
    state: &mut State,
    ticket: Ticket,
    reply: &Result<Reply, Failure>,
    _shared: &mut Shared,
) -> Option<Vec<Effect>> {
    if !state.draft_slot.accepts(ticket) {
        return None;
    }
    if let Ok(Reply::Draft {
        target,
        text: Some(text),
    }) = reply
    {
        state.drafts.insert(*target, text.clone());
        let open = state.editor.as_mut();
        if let Some(editor) = open.filter(|open| open.target == *target && open.edit.is_empty()) {
            editor.edit = TextEdit::new(text.clone());
        }
    }
    Some(Vec::new())
}

pub fn is_typing(state: &State) -> bool {
    state.editor.is_some()
}

pub fn typed(state: &mut State, input: Input, shared: &mut Shared) -> Vec<Effect> {
    let Some(editor) = &mut state.editor else {
        return Vec::new();
    };
    let changed = match input {
        Input::Paste(text) => editor.edit.insert(&text),
        Input::Key(key) if is_save(key) => return state.save(),
        Input::Key(Key::ESC) => return state.leave(),
        Input::Key(key) if is_control(key, 'e') => return state.outside(shared),
        Input::Key(key) => editor.edit.key_in_lines(key),
    };
    if changed != Typed::Changed {
        return Vec::new();
    }
    editor.is_saving = false;
    editor.unkept += 1;
    if editor.unkept >= MOST_UNKEPT {
        return state.keep_draft();
    }
    vec![Effect::Wake(state.pause.ask(), PAUSE)]
}

fn is_save(key: Key) -> bool {
    is_control(key, 's') || (key.code == KeyCode::Enter && key.modifiers == KeyModifiers::ALT)
}

fn is_control(key: Key, letter: char) -> bool {
    key.code == KeyCode::Char(letter) && key.modifiers == KeyModifiers::CONTROL
}

pub fn mouse(_state: &State, _shared: &Shared, mouse: Mouse, _inside: Rect) -> Option<Msg> {
    match mouse.kind {
        MouseKind::ScrollDown => Some(Msg::Down),
        MouseKind::ScrollUp => Some(Msg::Up),
        MouseKind::DoubleClick => Some(Msg::Edit),
        MouseKind::Click | MouseKind::Drag => None,
    }
}

pub fn title(state: &State, shared: &Shared) -> Title {
    let count = notes_shown(shared);
    let mut right = match count {
        0 => String::new(),
        1 => "1 note".to_owned(),
        count => format!("{count} notes"),
    };
    if shared
        .target()
        .is_some_and(|target| state.drafts.contains_key(&target))
    {
        if !right.is_empty() {
            right.push_str(" · ");
        }
        right.push_str("draft");
    }
    Title { right }
}

pub fn hints(_state: &State, shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    let mut hints = vec![hint("note", "new note"), hint("tag", "tag")];
    if notes_shown(shared) > 0 {
        hints.push(hint("notes.edit", "change"));
        hints.push(hint("notes.delete", "delete"));
    }
    hints.push(hint("notes.editor", "$EDITOR"));
    hints
}

pub fn copy(state: &State, shared: &Shared) -> Option<String> {
    note_at(shared, state.cursor).map(|note| note.text.clone())
}

#[cfg(test)]
mod tests;
