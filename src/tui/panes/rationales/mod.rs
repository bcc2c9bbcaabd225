//! The rationales pane: gold and up to four models side by side, and where their words differ.

mod columns;
mod view;
mod walk;

use ratatui::layout::Rect;
use semihv_domain::{Failure, QuestionId};
use semihv_engine::Reply;

use crate::action::Effect;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::reader::{self, Reader};
use crate::shared::Shared;
use crate::slot::Ticket;

pub use view::{fit, view};
use walk::{Walk, Wanted};

/// More columns than this cannot be read.
const MOST_MODELS: usize = 4;
/// Shown when nobody chose: as many as have room for lines that read well, and at least two.
const FEWEST_MODELS: usize = 2;
const READS_WELL: u16 = 36;

/// What a model's words are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compare {
    #[default]
    Nothing,
    Gold,
    /// The first model shown.
    First,
}

/// The pane's own view state.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(super) reader: Reader,
    /// Which of the models the keys are about.
    pub(super) column: usize,
    pub(super) compare: Compare,
    /// Models that have room side by side; set when the layout is known.
    room: usize,
    walk: Walk,
    question: Option<QuestionId>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Read(reader::Msg),
    Left,
    Right,
    /// The next model in this column.
    NextModel,
    /// One column more.
    AddModel,
    RemoveModel,
    /// Differences against gold, against the first model, none.
    Diff,
    /// The next question on which the models shown disagree.
    NextDifference,
    /// The next question that this column's model gets wrong.
    NextWrong,
    Back,
}

pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "left" => Msg::Left,
        "right" => Msg::Right,
        "next-model" => Msg::NextModel,
        "add-model" => Msg::AddModel,
        "remove-model" => Msg::RemoveModel,
        "diff" => Msg::Diff,
        "next-difference" => Msg::NextDifference,
        "next-wrong" => Msg::NextWrong,
        "back" => Msg::Back,
        name => return reader::command(name).map(Msg::Read),
    })
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    let models = chosen(state, shared);
    state.column = state.column.min(models.len().saturating_sub(1));
    match msg {
        Msg::Read(msg) => state.reader.update(msg),
        Msg::Left => state.column = state.column.saturating_sub(1),
        Msg::Right => state.column = (state.column + 1).min(models.len().saturating_sub(1)),
        Msg::NextModel => choose(shared, with_next(&models, state.column, shared)),
        Msg::AddModel => choose(shared, with_one_more(&models, shared)),
        Msg::RemoveModel => choose(shared, with_one_less(&models, state.column)),
        Msg::Diff => {
            state.compare = match state.compare {
                Compare::Nothing => Compare::Gold,
                Compare::Gold if models.len() > 1 => Compare::First,
                Compare::Gold | Compare::First => Compare::Nothing,
            };
        }
        Msg::NextDifference => return state.walk.start(Wanted::Disagreement(models)),
        Msg::NextWrong => {
            let model = models.into_iter().nth(state.column);
            return model.map_or_else(Vec::new, |model| state.walk.start(Wanted::Wrong(model)));
        }
        Msg::Back => {
            state.walk.stop();
            state.reader.leave();
        }
    }
    Vec::new()
}

/// The question itself is loaded once for all panes.
pub fn refresh(state: &mut State, shared: &Shared) -> Vec<Effect> {
    if state.question != shared.selection.question {
        state.question = shared.selection.question;
        state.reader.restart();
        state.walk.forget_remark();
    }
    Vec::new()
}

pub fn reply(
    state: &mut State,
    ticket: Ticket,
    reply: &Result<Reply, Failure>,
    shared: &mut Shared,
) -> Option<Vec<Effect>> {
    state.walk.reply(ticket, reply, &mut shared.selection)
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
    Title {
        right: view::title(state, shared),
    }
}

pub fn hints(state: &State, _shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    let mut hints = vec![
        hint("rationales.diff", "differences"),
        hint("rationales.next-model", "other model"),
        hint("rationales.add-model", "more models"),
        hint("rationales.next-difference", "next disagreement"),
        hint("rationales.next-wrong", "next wrong"),
    ];
    if !state.reader.find().pattern().is_empty() {
        hints.insert(0, hint("rationales.next-match", "next match"));
    }
    hints
}

/// The gold rationale and those shown, plain.
pub fn copy(state: &State, shared: &Shared) -> Option<String> {
    let detail = shared.question.value()?;
    let gold = detail.question.gold_rationale.as_deref().unwrap_or("");
    let mut text = format!(
        "{}\n\ngold: {}\n{gold}",
        detail.question.text, detail.question.gold
    );
    for model in chosen(state, shared) {
        if let Some(row) = detail.answers.iter().find(|row| row.answer.model == model) {
            let rationale = row.answer.rationale.as_deref().unwrap_or("");
            text.push_str(&format!("\n\n{model}: {}\n{rationale}", row.answer.text));
        }
    }
    Some(text)
}

/// The models shown: the ones selected, or the first ones that answered.
pub(super) fn chosen(state: &State, shared: &Shared) -> Vec<String> {
    let known = known_models(shared);
    let mut models: Vec<String> = shared
        .selection
        .models
        .iter()
        .filter(|model| known.contains(model))
        .cloned()
        .collect();
    models.dedup();
    models.truncate(MOST_MODELS);
    if models.is_empty() {
        models = known
            .into_iter()
            .take(state.room.clamp(FEWEST_MODELS, MOST_MODELS))
            .collect();
    }
    models
}

/// Models that answered this question first, then those that answered others; each by name.
fn known_models(shared: &Shared) -> Vec<String> {
    let answered = shared
        .question
        .value()
        .map(|detail| detail.answers.as_slice());
    let mut models: Vec<String> = answered
        .unwrap_or_default()
        .iter()
        .map(|row| row.answer.model.clone())
        .collect();
    models.sort_unstable();
    models.dedup();
    for score in &shared.overview.models {
        if !models.contains(&score.model) {
            models.push(score.model.clone());
        }
    }
    models
}

fn choose(shared: &mut Shared, models: Vec<String>) {
    shared.selection.models = models;
}

fn with_next(models: &[String], column: usize, shared: &Shared) -> Vec<String> {
    let known = known_models(shared);
    let mut models = models.to_vec();
    let Some(current) = models.get(column) else {
        return models;
    };
    let at = known.iter().position(|model| model == current).unwrap_or(0);
    let next = known
        .iter()
        .cycle()
        .skip(at + 1)
        .take(known.len())
        .find(|model| !models.contains(model))
        .cloned();
    if let (Some(next), Some(place)) = (next, models.get_mut(column)) {
        *place = next;
    }
    models
}

fn with_one_more(models: &[String], shared: &Shared) -> Vec<String> {
    let unseen = known_models(shared)
        .into_iter()
        .find(|model| !models.contains(model));
    let room = MOST_MODELS.saturating_sub(models.len()).min(1);
    models
        .iter()
        .cloned()
        .chain(unseen.into_iter().take(room))
        .collect()
}

fn with_one_less(models: &[String], column: usize) -> Vec<String> {
    let mut models = models.to_vec();
    if models.len() > 1 && column < models.len() {
        models.remove(column);
    }
    models
}

#[cfg(test)]
mod tests;
