//! Tags, notes and undo: what a person adds, and how it is taken back.

use semihv_domain::{Failure, Note, NoteId, Tag, Target};
use semihv_engine::{Changed, Edit, Query, Reply};

use crate::action::Effect;
use crate::app::Tagging;
use crate::control;
use crate::overlay::{Overlay, Prompt, Purpose};
use crate::pane::PaneKind;
use crate::panes::notes;
use crate::pen::grouped;
use crate::state::{State, Tone, Undo};
use crate::update::is_silent;

const READ_ONLY: &str = "this workspace is open read-only; nothing is changed";

/// What a tag applies to: the marks or the row of the list with the keys, else the selection.
pub(crate) fn targets(state: &State) -> Vec<Target> {
    match state.focus() {
        PaneKind::Cases => state.panes.cases.list.targets(),
        PaneKind::Questions => state.panes.questions.list.targets(),
        PaneKind::Image => {
            let image = state.shared.selection.image.map(Target::Image);
            image.or(state.shared.target()).into_iter().collect()
        }
        _ => state.shared.target().into_iter().collect(),
    }
}

/// Opens the prompt for a tag's name.
pub(crate) fn ask_tag(state: &mut State, tagging: Tagging) -> Vec<Effect> {
    let targets = targets(state);
    if refuses(state) {
        return Vec::new();
    }
    let question = match (tagging, targets.len()) {
        (_, 0) => {
            state.say(Tone::Plain, "nothing is selected that could be tagged");
            return Vec::new();
        }
        (Tagging::Add, 1) => "Tag".to_owned(),
        (Tagging::Add, count) => format!("Tag {} rows", grouped(count as u64)),
        (Tagging::Remove, 1) => "Remove tag".to_owned(),
        (Tagging::Remove, count) => format!("Remove tag from {} rows", grouped(count as u64)),
    };
    let mut prompt = Prompt::new(Purpose::Tag { tagging, targets }, question);
    prompt.know(state.tags.clone());
    state.overlay = Some(Overlay::Prompt(prompt));
    vec![Effect::Ask(state.slots.tags.ask(), Query::Tags)]
}

pub(crate) fn tags_arrived(state: &mut State, reply: &Result<Reply, Failure>) {
    let Ok(Reply::Tags(tags)) = reply else { return };
    state.tags = tags.iter().map(|(tag, _)| tag.to_string()).collect();
    if let Some(Overlay::Prompt(prompt)) = &mut state.overlay {
        if matches!(prompt.purpose, Purpose::Tag { .. }) {
            prompt.know(state.tags.clone());
        }
    }
}

/// Tags the rows that are not known to be so already: undo then takes back no more than was done.
pub(crate) fn tag(
    state: &mut State,
    tagging: Tagging,
    targets: Vec<Target>,
    tag: Tag,
) -> Vec<Effect> {
    if refuses(state) {
        return Vec::new();
    }
    let is_tagged = |target: &Target| {
        let cases = state.panes.cases.list.knows_tag(*target, &tag);
        cases.or(state.panes.questions.list.knows_tag(*target, &tag))
    };
    let is_done = match tagging {
        Tagging::Add => Some(true),
        Tagging::Remove => Some(false),
    };
    let targets: Vec<Target> = targets
        .into_iter()
        .filter(|target| is_tagged(target) != is_done)
        .collect();
    if targets.is_empty() {
        let text = match tagging {
            Tagging::Add => format!("already tagged #{tag}"),
            Tagging::Remove => format!("nothing there is tagged #{tag}"),
        };
        state.say(Tone::Plain, text);
        return Vec::new();
    }
    vec![Effect::Edit(match tagging {
        Tagging::Add => Edit::AddTag { targets, tag },
        Tagging::Remove => Edit::RemoveTag { targets, tag },
    })]
}

pub(crate) fn refuses(state: &mut State) -> bool {
    if state.shared.is_read_only {
        state.say(Tone::Plain, READ_ONLY);
    }
    state.shared.is_read_only
}

/// A note about the selection, from any pane.
pub(crate) fn note(state: &mut State) -> Vec<Effect> {
    let Some(target) = state.shared.target() else {
        state.say(
            Tone::Plain,
            "nothing is selected that a note could be about",
        );
        return Vec::new();
    };
    notes(state, notes::Msg::New(target))
}

pub(crate) fn notes(state: &mut State, msg: notes::Msg) -> Vec<Effect> {
    let is_change = !matches!(msg, notes::Msg::Down | notes::Msg::Up);
    if is_change && refuses(state) {
        return Vec::new();
    }
    if state.layouts.tree().contains(PaneKind::Notes) && is_change {
        control::go(state, PaneKind::Notes);
    }
    notes::update(&mut state.panes.notes, msg, &mut state.shared)
}

/// An edit was stored, or not. What changed is given back.
pub(crate) fn edited(
    state: &mut State,
    edit: &Edit,
    outcome: Result<Changed, Failure>,
) -> Option<Changed> {
    state.panes.notes.edited(edit, outcome.is_ok());
    let was_undo = state.undoing.front() == Some(edit);
    if was_undo {
        state.undoing.pop_front();
    }
    match outcome {
        Err(failure) => {
            state.say_failure(&failure);
            None
        }
        // Nothing on screen shows a draft but the editor that wrote it.
        Ok(_) if is_silent(edit) => None,
        Ok(changed) => {
            let words = words(edit);
            if was_undo {
                state.say(Tone::Good, format!("undone: {words}"));
            } else {
                if let Some(undo) = inverse(state, edit) {
                    state.remember_undo(undo);
                }
                state.say(Tone::Good, words);
            }
            Some(changed)
        }
    }
}

fn words(edit: &Edit) -> String {
    let rows = |targets: &[Target]| match targets {
        [only] => only.kind().to_owned(),
        many => format!("{} rows", grouped(many.len() as u64)),
    };
    match edit {
        Edit::AddTag { targets, tag } => format!("{} tagged #{tag}", rows(targets)),
        Edit::RemoveTag { targets, tag } => format!("#{tag} removed from {}", rows(targets)),
        Edit::WriteNote { target, .. } => format!("note on the {} saved", target.kind()),
        Edit::ReplaceNote { .. } => "note changed".to_owned(),
        Edit::DeleteNote { .. } => "note deleted".to_owned(),
        Edit::KeepDraft { .. } | Edit::DropDraft { .. } => String::new(),
    }
}

fn inverse(state: &State, edit: &Edit) -> Option<Undo> {
    Some(match edit.clone() {
        Edit::AddTag { targets, tag } => Undo::Edit(Edit::RemoveTag { targets, tag }),
        Edit::RemoveTag { targets, tag } => Undo::Edit(Edit::AddTag { targets, tag }),
        Edit::WriteNote { target, text } => Undo::WrittenNote { target, text },
        Edit::ReplaceNote { note, .. } => Undo::Edit(Edit::ReplaceNote {
            note,
            text: known_note(state, note)?.text.clone(),
        }),
        Edit::DeleteNote { note } => {
            let note = known_note(state, note)?;
            Undo::Edit(Edit::WriteNote {
                target: note.target,
                text: note.text.clone(),
            })
        }
        Edit::KeepDraft { .. } | Edit::DropDraft { .. } => return None,
    })
}

fn known_notes(state: &State) -> impl Iterator<Item = &Note> {
    let case = state.shared.case.value().map(|detail| &detail.notes);
    let question = state.shared.question.value().map(|detail| &detail.notes);
    case.into_iter().chain(question).flatten()
}

fn known_note(state: &State, id: NoteId) -> Option<&Note> {
    known_notes(state).find(|note| note.id == id)
}

pub(crate) fn undo(state: &mut State) -> Vec<Effect> {
    if refuses(state) {
        return Vec::new();
    }
    let Some(undo) = state.undo.pop() else {
        state.say(Tone::Plain, "nothing to undo");
        return Vec::new();
    };
    let edit = match undo {
        Undo::Edit(edit) => edit,
        Undo::WrittenNote { target, text } => {
            let written = known_notes(state)
                .filter(|note| note.target == target && note.text == text)
                .max_by_key(|note| note.id);
            let Some(note) = written.map(|note| note.id) else {
                state.undo.push(Undo::WrittenNote { target, text });
                let words = format!("select that {} to undo its note", target.kind());
                state.say(Tone::Plain, words);
                return Vec::new();
            };
            Edit::DeleteNote { note }
        }
    };
    state.undoing.push_back(edit.clone());
    vec![Effect::Edit(edit)]
}
