//! The followed logs of which a pane shows one: asked for once, walked through.

use semihv_domain::Failure;
use semihv_engine::{Query, Reply, RunSummary};

use crate::action::Effect;
use crate::shared::{Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};

#[derive(Debug, Clone)]
pub(crate) struct RunList {
    runs: Load<Vec<RunSummary>>,
    slot: Slot,
}

impl RunList {
    pub(crate) fn new(slot: SlotName) -> Self {
        Self {
            runs: Load::Empty,
            slot: Slot::new(slot),
        }
    }

    pub(crate) fn load(&self) -> &Load<Vec<RunSummary>> {
        &self.runs
    }

    /// Once, and again when it was forgotten.
    pub(crate) fn ask(&mut self) -> Option<Effect> {
        if !matches!(self.runs, Load::Empty) {
            return None;
        }
        self.runs.reload();
        Some(Effect::Ask(self.slot.ask(), Query::Runs))
    }

    /// There may be others.
    pub(crate) fn forget(&mut self) {
        self.runs = Load::Empty;
    }

    /// False where the answer is not to this.
    pub(crate) fn takes(&mut self, ticket: Ticket, reply: &Result<Reply, Failure>) -> bool {
        if !self.slot.accepts(ticket) {
            return false;
        }
        match reply {
            Ok(Reply::Runs(runs)) => self.runs = Load::Ready(runs.clone()),
            Ok(_) => {}
            Err(failure) => self.runs = Load::Failed(failure.clone()),
        }
        true
    }

    /// The run to show: the selected one, or the first.
    pub(crate) fn wanted(&self, shared: &Shared) -> Option<String> {
        let first = self.runs.value().and_then(|runs| runs.first());
        let selected = shared.selection.run.clone();
        selected.or_else(|| first.map(|run| run.name.clone()))
    }

    /// So many further on, around the ends.
    pub(crate) fn beside(&self, run: Option<&str>, by: i64) -> Option<String> {
        let runs = self.runs.value().map_or(&[][..], Vec::as_slice);
        let at = runs.iter().position(|it| Some(it.name.as_str()) == run);
        let at = i64::try_from(at.unwrap_or(0)).unwrap_or(0);
        let next = (at + by).checked_rem_euclid(runs.len() as i64)?;
        let next = runs.get(usize::try_from(next).ok()?)?;
        Some(next.name.clone())
    }
}
