//! Tags, notes and undo: what a person adds, and how it is taken back.

use semihv_domain::{Failure, RegionId, Tag, Target};
use semihv_engine::{Edit, Edited, Query, Reply};

use crate::action::Effect;
use crate::app::Tagging;
use crate::control;
use crate::overlay::{Overlay, Prompt, Purpose};
use crate::pane::PaneKind;
use crate::panes::{hits, image, notes};
use crate::pen::grouped;
use crate::state::{State, Tone};
use crate::text_edit::TextEdit;
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
    if let Some(Overlay::Prompt(prompt)) = &mut state.overlay
        && matches!(prompt.purpose, Purpose::Tag { .. })
    {
        prompt.know(state.tags.clone());
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
    let focus = state.focus();
    let effects = notes::update(&mut state.panes.notes, msg, &mut state.shared);
    let has_notes = state.layouts.tree().contains(PaneKind::Notes);
    if state.panes.is_typing(PaneKind::Notes) && has_notes && focus != PaneKind::Notes {
        state.note_from = Some(focus);
        control::go(state, PaneKind::Notes);
    }
    effects
}

/// What the image pane is told; regions are drawn where the workspace may be written.
pub(crate) fn image(state: &mut State, msg: image::Msg) -> Vec<Effect> {
    let (pane, shared) = (&mut state.panes.image, &mut state.shared);
    let outcome = match msg {
        image::Msg::Draw(_)
        | image::Msg::ChangeRegion
        | image::Msg::EraseRegion
        | image::Msg::NameRegion
            if shared.is_read_only =>
        {
            Err(READ_ONLY)
        }
        // Keys go to the pane with the focus.
        image::Msg::Draw(tool) => image::draw_region(pane, shared, tool).inspect(|_| {
            control::go(state, PaneKind::Image);
        }),
        image::Msg::ChangeRegion => image::change_region(pane, shared).inspect(|_| {
            control::go(state, PaneKind::Image);
        }),
        image::Msg::EraseRegion => image::erase_region(shared).map(|edit| vec![Effect::Edit(edit)]),
        image::Msg::NameRegion => image::named_region(shared).map(|(region, label)| {
            ask_region_name(state, region, "Name of the region".to_owned());
            if let Some(Overlay::Prompt(prompt)) = &mut state.overlay {
                prompt.edit = TextEdit::new(label);
            }
            Vec::new()
        }),
        msg => Ok(image::update(pane, msg, shared)),
    };
    outcome.unwrap_or_else(|why| {
        state.say(Tone::Plain, why);
        Vec::new()
    })
}

fn ask_region_name(state: &mut State, region: RegionId, question: String) {
    let mut prompt = Prompt::new(Purpose::RegionName(region), question);
    prompt.know(image::known_labels(&state.shared));
    state.overlay = Some(Overlay::Prompt(prompt));
}

pub(crate) fn name_region(state: &mut State, region: RegionId, label: String) -> Vec<Effect> {
    if refuses(state) {
        return Vec::new();
    }
    image::region_was_named(&mut state.panes.image, &label);
    vec![Effect::Edit(Edit::NameRegion { region, label })]
}

/// An edit was stored, or not. What takes it back is the store's word, not a guess.
pub(crate) fn edited(state: &mut State, edit: &Edit, outcome: Result<Edited, Failure>) {
    state.panes.notes.edited(edit, outcome.is_ok());
    if matches!(edit, Edit::DrawRegion { .. } | Edit::PutRegion { .. }) {
        image::region_edited(&mut state.panes.image, outcome.is_ok());
    }
    let was_undo = state.undoing.front() == Some(edit);
    if was_undo {
        state.undoing.pop_front();
    }
    match outcome {
        Err(failure) => state.say_failure(&failure),
        Ok(_) if is_silent(edit) => {}
        Ok(_) if was_undo => state.say(Tone::Good, format!("undone: {}", words(edit))),
        Ok(edited) => {
            // A new region is on disk before it is asked what it is.
            if let (Edit::DrawRegion { region: draft, .. }, Some(Edit::EraseRegion { region })) =
                (edit, &edited.undo)
                && state.overlay.is_none()
            {
                let label = semihv_domain::printable_line(&draft.label).into_owned();
                ask_region_name(state, *region, format!("Saved as `{label}`; another name?"));
            }
            if let Some(undo) = edited.undo {
                state.remember_undo(undo);
            }
            state.say(Tone::Good, words(edit));
        }
    }
}

fn words(edit: &Edit) -> String {
    let rows = |targets: &[Target]| match targets {
        [only] => only.kind().to_owned(),
        many => format!("{} rows", grouped(many.len() as u64)),
    };
    match edit {
        Edit::Judge { verdict, .. } => hits::said_of(*verdict),
        Edit::AddTag { targets, tag } => format!("{} tagged #{tag}", rows(targets)),
        Edit::RemoveTag { targets, tag } => format!("#{tag} removed from {}", rows(targets)),
        Edit::WriteNote { target, .. } => format!("note on the {} saved", target.kind()),
        Edit::ReplaceNote { .. } => "note changed".to_owned(),
        Edit::DeleteNote { .. } => "note deleted".to_owned(),
        Edit::KeepDraft { .. } | Edit::DropDraft { .. } | Edit::SeeAlerts { .. } => String::new(),
        Edit::DrawRegion { region, .. } => format!("region `{}` saved", region.label),
        Edit::PutRegion { region } => format!("region `{}` changed", region.label),
        Edit::NameRegion { label, .. } => format!("region named `{label}`"),
        Edit::EraseRegion { .. } => "region erased".to_owned(),
        Edit::Launch(spec) => format!("{} launched", spec.recipe),
        Edit::CancelRun { run } => format!("{run} is asked to end"),
        Edit::ResumeRun { run } => format!("{run} resumed"),
    }
}

pub(crate) fn undo(state: &mut State) -> Vec<Effect> {
    if refuses(state) {
        return Vec::new();
    }
    let Some(edit) = state.undo.pop() else {
        state.say(Tone::Plain, "nothing to undo");
        return Vec::new();
    };
    state.undoing.push_back(edit.clone());
    vec![Effect::Edit(edit)]
}
