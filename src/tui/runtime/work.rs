//! What waits to be done: one running and one pending question a slot, edits one by one.

use std::collections::{HashMap, VecDeque};

use semihv_engine::{Edit, Query};

use crate::picture::PictureRequest;
use crate::slot::{SlotName, Ticket};

/// A piece of work that is answered by a ticket.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Work {
    Ask(Query),
    Draw(PictureRequest),
}

/// The newest question of each slot; older ones that did not start are forgotten.
#[derive(Debug, Default)]
pub(super) struct Questions {
    running: HashMap<SlotName, Option<(Ticket, Work)>>,
}

impl Questions {
    /// What is to be started now, if the slot is free.
    pub(super) fn ask(&mut self, ticket: Ticket, work: Work) -> Option<(Ticket, Work)> {
        if let Some(pending) = self.running.get_mut(&ticket.slot) {
            *pending = Some((ticket, work));
            return None;
        }
        self.running.insert(ticket.slot, None);
        Some((ticket, work))
    }

    /// A slot's work ended; gives what is to be started next in it.
    pub(super) fn finished(&mut self, slot: SlotName) -> Option<(Ticket, Work)> {
        let next = self.running.get_mut(&slot)?.take();
        if next.is_none() {
            self.running.remove(&slot);
        }
        next
    }
}

/// Edits in the order they were made. None is ever dropped.
#[derive(Debug, Default)]
pub(super) struct Edits {
    waiting: VecDeque<Edit>,
    is_running: bool,
}

impl Edits {
    pub(super) fn push(&mut self, edit: Edit) {
        self.waiting.push_back(edit);
    }

    /// The next edit, when none is being stored.
    pub(super) fn start(&mut self) -> Option<Edit> {
        if self.is_running {
            return None;
        }
        let next = self.waiting.pop_front();
        self.is_running = next.is_some();
        next
    }

    pub(super) fn finished(&mut self) {
        self.is_running = false;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.is_running
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slot::Slot;

    #[test]
    fn holding_a_key_starts_two_questions_and_no_more() {
        let mut slot = Slot::new(SlotName::Case);
        let mut questions = Questions::default();
        let tickets: Vec<Ticket> = (0..40).map(|_| slot.ask()).collect();
        let work = || Work::Ask(Query::Overview);
        let started: Vec<_> = tickets
            .iter()
            .filter_map(|ticket| questions.ask(*ticket, work()))
            .collect();
        assert_eq!(started, [(tickets[0], work())]);
        assert_eq!(
            questions.finished(SlotName::Case),
            Some((tickets[39], work()))
        );
        assert_eq!(questions.finished(SlotName::Case), None);
        let again = slot.ask();
        assert_eq!(questions.ask(again, work()), Some((again, work())));
    }

    #[test]
    fn edits_are_stored_one_after_the_other() {
        let edit = |note| Edit::DeleteNote {
            note: semihv_domain::NoteId(note),
        };
        let mut edits = Edits::default();
        edits.push(edit(1));
        edits.push(edit(2));
        assert_eq!(edits.start(), Some(edit(1)));
        assert_eq!(edits.start(), None);
        edits.finished();
        assert_eq!(edits.start(), Some(edit(2)));
        edits.finished();
        assert!(edits.is_empty());
    }
}
