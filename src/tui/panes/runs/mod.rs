//! The runs pane: what was launched and how it is, and the way to launch more.

mod form;
mod view;

use ratatui::layout::Rect;
use semihv_domain::Failure;
use semihv_engine::{
    AttemptState, Edit, LaunchSpec, Launched, Query, RecipeView, Reply, RunView, shell_words,
};

use crate::action::Effect;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::shared::{Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};

use form::Form;
pub use view::view;

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) launched: Load<Launched>,
    pub(super) cursor: usize,
    /// A recipe that is about to be launched.
    form: Option<Form>,
    /// Asked once to end: the second time it is meant.
    armed: Option<String>,
    /// Runs that ended since they were seen last.
    news: Vec<RunView>,
    /// A run that was just launched takes the cursor.
    is_launching: bool,
    slot: Slot,
    plan_slot: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            launched: Load::Empty,
            cursor: 0,
            form: None,
            armed: None,
            news: Vec::new(),
            is_launching: false,
            slot: Slot::new(SlotName::Launched),
            plan_slot: Slot::new(SlotName::PlannedRun),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Down,
    Up,
    Top,
    Bottom,
    /// A line of the list was clicked.
    Line(usize),
    /// Opens the form, on the recipe of that name or the one of the run under the cursor.
    Launch(Option<String>),
    Cancel,
    Resume,
    /// To its log.
    Open,
}

pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "down" => Msg::Down,
        "up" => Msg::Up,
        "top" => Msg::Top,
        "bottom" => Msg::Bottom,
        "launch" => Msg::Launch(None),
        "cancel" => Msg::Cancel,
        "resume" => Msg::Resume,
        "open" => Msg::Open,
        name => Msg::Launch(Some(name.strip_prefix("launch-")?.to_owned())),
    })
}

impl State {
    /// Newest first, as they are shown.
    pub(super) fn runs(&self) -> &[RunView] {
        self.launched.value().map_or(&[], |it| it.runs.as_slice())
    }

    pub(super) fn recipes(&self) -> &[RecipeView] {
        self.launched
            .value()
            .map_or(&[], |it| it.recipes.as_slice())
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.runs().iter().any(|run| run.run == name)
    }

    pub(super) fn current(&self) -> Option<&RunView> {
        self.runs().get(self.cursor)
    }

    fn move_to(&mut self, at: usize, shared: &mut Shared) {
        self.cursor = at.min(self.runs().len().saturating_sub(1));
        if let Some(run) = self.current() {
            shared.selection.run = Some(run.run.clone());
        }
    }

    fn open_form(&mut self, named: Option<&str>) -> Vec<Effect> {
        let wanted = named.or_else(|| self.current().map(|run| run.recipe.as_str()));
        let at = self
            .recipes()
            .iter()
            .position(|it| Some(it.name.as_str()) == wanted);
        // A recipe that was named and is gone is not another one.
        if self.recipes().is_empty() || named.is_some() && at.is_none() {
            return Vec::new();
        }
        self.form = Some(Form::new(self.recipes(), at.unwrap_or(0)));
        self.plan()
    }

    /// What was alive when it was seen last, and is not any more.
    fn hear(&mut self, runs: &[RunView]) {
        let was_alive = |run: &RunView| {
            let mut before = self.runs().iter();
            before.any(|known| known.run == run.run && known.state.may_be_alive())
        };
        let ended = runs.iter().filter(|run| run.state.is_over());
        let news: Vec<RunView> = ended.filter(|run| was_alive(run)).cloned().collect();
        self.news.extend(news);
    }

    /// Each is told once.
    pub(crate) fn take_news(&mut self) -> Vec<RunView> {
        std::mem::take(&mut self.news)
    }

    fn launch(&mut self, spec: LaunchSpec) -> Effect {
        self.form = None;
        self.is_launching = true;
        Effect::Edit(Edit::Launch(spec))
    }

    /// What the form would start.
    fn plan(&mut self) -> Vec<Effect> {
        let Some(form) = &mut self.form else {
            return Vec::new();
        };
        match form.spec() {
            Ok(spec) => {
                form.planned.reload();
                vec![Effect::Ask(self.plan_slot.ask(), Query::PlanRun(spec))]
            }
            Err(failure) => {
                form.planned = Load::Failed(failure);
                self.plan_slot.drop_answer();
                Vec::new()
            }
        }
    }
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    let may_write = !shared.is_read_only;
    let armed = state.armed.take();
    match msg {
        Msg::Down => state.move_to(state.cursor + 1, shared),
        Msg::Up => state.move_to(state.cursor.saturating_sub(1), shared),
        Msg::Top => state.move_to(0, shared),
        Msg::Bottom => state.move_to(usize::MAX, shared),
        Msg::Line(line) => state.move_to(line, shared),
        Msg::Open => state.move_to(state.cursor, shared),
        Msg::Launch(named) if may_write => return state.open_form(named.as_deref()),
        Msg::Cancel if may_write => {
            let live = state.current().filter(|run| run.state.may_be_alive());
            // A week of work is not ended by one key that lies beside others.
            let name = live.map(|run| run.run.clone());
            if name.is_some() && armed != name {
                state.armed = name;
                return Vec::new();
            }
            let cancel = live.map(|run| Edit::CancelRun {
                run: run.run.clone(),
            });
            return cancel.map(Effect::Edit).into_iter().collect();
        }
        Msg::Resume if may_write => {
            let over = state.current().filter(|run| run.state.is_over());
            let resume = over.map(|run| Edit::ResumeRun {
                run: run.run.clone(),
            });
            return resume.map(Effect::Edit).into_iter().collect();
        }
        Msg::Launch(_) | Msg::Cancel | Msg::Resume => {}
    }
    Vec::new()
}

/// Asks once; what moves is told.
pub fn refresh(state: &mut State, _shared: &Shared) -> Vec<Effect> {
    if matches!(state.launched, Load::Empty) {
        ask(state)
    } else {
        Vec::new()
    }
}

/// Runs moved, or recipes are others.
pub fn ask(state: &mut State) -> Vec<Effect> {
    state.launched.reload();
    vec![Effect::Ask(state.slot.ask(), Query::Launched)]
}

pub fn reply(
    state: &mut State,
    ticket: Ticket,
    reply: &Result<Reply, Failure>,
    shared: &mut Shared,
) -> Option<Vec<Effect>> {
    if state.plan_slot.accepts(ticket) {
        if let Some(form) = &mut state.form {
            form.planned = match reply {
                Ok(Reply::PlannedRun { command, warnings }) => {
                    Load::Ready((command.clone(), warnings.clone()))
                }
                Ok(_) => Load::Empty,
                Err(failure) => Load::Failed(failure.clone()),
            };
        }
        let wanted = state.form.as_mut().and_then(Form::launched);
        return Some(wanted.map(|spec| state.launch(spec)).into_iter().collect());
    }
    if !state.slot.accepts(ticket) {
        return None;
    }
    let at = state.current().map(|run| run.run.clone());
    match reply {
        Ok(Reply::Launched(launched)) => {
            state.hear(&launched.runs);
            state.launched = Load::Ready(launched.clone());
        }
        Ok(_) => {}
        Err(failure) => state.launched = Load::Failed(failure.clone()),
    }
    let at = at.or_else(|| shared.selection.run.clone());
    let same = state
        .runs()
        .iter()
        .position(|run| Some(&run.run) == at.as_ref());
    if std::mem::take(&mut state.is_launching) {
        state.move_to(0, shared);
    } else {
        state.cursor = same.unwrap_or(0);
        // Its log is shown beside it.
        if shared.selection.run.is_none() {
            state.move_to(state.cursor, shared);
        }
    }
    Some(Vec::new())
}

pub fn mouse(_state: &State, _shared: &Shared, mouse: Mouse, _inside: Rect) -> Option<Msg> {
    match mouse.kind {
        MouseKind::Click => Some(Msg::Line(usize::from(mouse.row))),
        MouseKind::DoubleClick => Some(Msg::Open),
        MouseKind::ScrollDown => Some(Msg::Down),
        MouseKind::ScrollUp => Some(Msg::Up),
        MouseKind::Drag => None,
    }
}

pub fn is_typing(state: &State) -> bool {
    state.form.is_some()
}

pub fn typed(state: &mut State, input: Input, _shared: &mut Shared) -> Vec<Effect> {
    let recipes = state.recipes().to_vec();
    let Some(form) = &mut state.form else {
        return Vec::new();
    };
    match form.typed(input, &recipes) {
        form::Typed::Changed => state.plan(),
        form::Typed::Nothing => Vec::new(),
        form::Typed::Left => {
            state.form = None;
            Vec::new()
        }
        form::Typed::Launch(spec) => vec![state.launch(spec)],
    }
}

pub fn title(state: &State, _shared: &Shared) -> Title {
    let count = |wanted: fn(&AttemptState) -> bool| {
        state.runs().iter().filter(|run| wanted(&run.state)).count()
    };
    let queued = count(|state| matches!(state, AttemptState::Queued { .. }));
    let running = count(AttemptState::may_be_alive) - queued;
    let failed = count(|state| view::sign(state).1 == '!');
    let mut parts = Vec::new();
    if running > 0 {
        parts.push(format!("{running} running"));
    }
    if queued > 0 {
        parts.push(format!("{queued} queued"));
    }
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    Title {
        right: parts.join("  "),
    }
}

pub fn hints(state: &State, _shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    let mut hints = Vec::new();
    if !state.recipes().is_empty() {
        hints.push(hint("runs.launch", "launch"));
    }
    match state.current() {
        Some(run) if run.state.may_be_alive() => hints.push(hint("runs.cancel", "cancel")),
        Some(_) => hints.push(hint("runs.resume", "next attempt")),
        None => {}
    }
    if state.current().is_some() {
        hints.push(hint("runs.open", "log"));
        hints.push(hint("copy", "copy command"));
    }
    hints
}

/// The command that ran.
pub fn copy(state: &State, _shared: &Shared) -> Option<String> {
    state.current().map(|run| shell_words(&run.command))
}

#[cfg(test)]
mod tests;
