//! Tickets: a question is asked once per slot, and only its newest answer counts.

/// What is being waited for. One per place of the screen that is filled by replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotName {
    Overview,
    CaseList,
    CaseRows,
    CaseSearch,
    QuestionList,
    QuestionRows,
    QuestionSearch,
    Case,
    Question,
    Picture,
    PicturePreview,
    /// The moment after which a draft becomes a whole picture.
    PictureRest,
    /// The next slice of a moving picture.
    Cine,
    Guidelines,
    Hits,
    HitsProbe,
    HitsFacets,
    Passage,
    /// The walk to the next question on which models differ.
    Rationales,
    Runs,
    Launched,
    PlannedRun,
    Log,
    LogFind,
    Curves,
    CurvesRuns,
    Dataset,
    Gpus,
    /// The moment of the next look at them.
    GpusNext,
    Skipped,
    Jobs,
    Notes,
    Draft,
    Tags,
    Alerts,
    Completion,
    Spinner,
    Toast,
    WhichKey,
    Clock,
}

/// A claim to the newest answer of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub slot: SlotName,
    pub serial: u64,
}

/// Hands out tickets and knows the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    name: SlotName,
    newest: u64,
    is_waiting: bool,
}

impl Slot {
    pub fn new(name: SlotName) -> Self {
        Self {
            name,
            newest: 0,
            is_waiting: false,
        }
    }

    /// A ticket that makes all earlier ones stale.
    pub fn ask(&mut self) -> Ticket {
        self.newest += 1;
        self.is_waiting = true;
        Ticket {
            slot: self.name,
            serial: self.newest,
        }
    }

    /// True once, for the newest ticket; the slot then waits no longer.
    pub fn accepts(&mut self, ticket: Ticket) -> bool {
        let is_newest = self.is_waiting && ticket.slot == self.name && ticket.serial == self.newest;
        if is_newest {
            self.is_waiting = false;
        }
        is_newest
    }

    pub fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Forgets what was asked: a late answer falls through.
    pub fn drop_answer(&mut self) {
        self.is_waiting = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_ticket_is_accepted_and_only_once() {
        let mut slot = Slot::new(SlotName::Case);
        let old = slot.ask();
        let new = slot.ask();
        assert!(!slot.accepts(old));
        assert!(slot.accepts(new));
        assert!(!slot.accepts(new));
    }
}
