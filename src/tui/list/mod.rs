//! The virtual list under the panes cases and questions.
//!
//! A listing is a million ids and no rows. Rows are asked for around what can be seen, three
//! screens at a time, and forgotten when they are far away. Everything a cursor move does is
//! independent of the length of the list.

mod message;
mod query_line;
pub mod view;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use semihv_domain::{CaseId, Failure, QuestionId, Tag, Target};
use semihv_engine::{ListKind, ListRow, ListSpec, Listing, Query, Reply};

use crate::action::Effect;
use crate::pane::{Input, Mouse, MouseKind};
use crate::shared::{Leading, Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};

pub use message::{Msg, command};
pub use query_line::{QueryLine, Trouble};

/// The engine takes at most this many ids a call.
const MOST_ROWS: usize = 500;
/// Wheel steps.
const WHEEL: usize = 3;

#[derive(Debug, Clone)]
pub struct List {
    kind: ListKind,
    listing: Load<Listing>,
    /// What was asked for last; `listing` says what is shown.
    filter: String,
    /// Known rows; `None` is a row that the store no longer has.
    rows: HashMap<i64, Option<ListRow>>,
    /// Positions whose rows are on their way.
    awaited: Range<usize>,
    are_rows_stale: bool,
    cursor: usize,
    top: usize,
    height: usize,
    marks: HashSet<i64>,
    anchor: Option<usize>,
    query: Option<QueryLine>,
    trouble: Option<Failure>,
    /// The row to stand on when the listing arrives.
    wanted: Option<i64>,
    ids_slot: Slot,
    rows_slot: Slot,
    search_slot: Slot,
}

impl List {
    pub fn new(kind: ListKind) -> Self {
        let [list, rows, search] = match kind {
            ListKind::Cases => [SlotName::CaseList, SlotName::CaseRows, SlotName::CaseSearch],
            ListKind::Questions => [
                SlotName::QuestionList,
                SlotName::QuestionRows,
                SlotName::QuestionSearch,
            ],
        };
        Self {
            kind,
            listing: Load::Empty,
            filter: String::new(),
            rows: HashMap::new(),
            awaited: 0..0,
            are_rows_stale: false,
            cursor: 0,
            top: 0,
            height: 1,
            marks: HashSet::new(),
            anchor: None,
            query: None,
            trouble: None,
            wanted: None,
            ids_slot: Slot::new(list),
            rows_slot: Slot::new(rows),
            search_slot: Slot::new(search),
        }
    }

    /// The ids in order; empty while nothing is loaded.
    fn ids(&self) -> &[i64] {
        self.listing.value().map_or(&[], |listing| &listing.ids)
    }

    pub fn len(&self) -> usize {
        self.ids().len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids().is_empty()
    }

    pub fn filter(&self) -> &str {
        &self.filter
    }

    pub fn cursor(&self) -> usize {
        self.cursor
    }

    pub fn marked(&self) -> usize {
        self.marks.len()
    }

    /// The row under the cursor, if the list has one.
    pub fn current(&self) -> Option<i64> {
        self.ids().get(self.cursor).copied()
    }

    fn row(&self, id: i64) -> Option<&ListRow> {
        self.rows.get(&id).and_then(Option::as_ref)
    }

    pub fn current_row(&self) -> Option<&ListRow> {
        self.current().and_then(|id| self.row(id))
    }

    fn target(&self, id: i64) -> Target {
        match self.kind {
            ListKind::Cases => Target::Case(CaseId(id)),
            ListKind::Questions => Target::Question(QuestionId(id)),
        }
    }

    /// What a change is applied to: the marks, else the row under the cursor.
    pub fn targets(&self) -> Vec<Target> {
        if self.marks.is_empty() {
            return self
                .current()
                .map(|id| self.target(id))
                .into_iter()
                .collect();
        }
        let mut ids: Vec<i64> = self.marks.iter().copied().collect();
        ids.sort_unstable();
        ids.into_iter().map(|id| self.target(id)).collect()
    }

    /// Whether a row is known to carry a tag, or known not to.
    pub fn knows_tag(&self, target: Target, tag: &Tag) -> Option<bool> {
        if self.target(target.row()) != target {
            return None;
        }
        self.row(target.row()).map(|row| tags_of(row).contains(tag))
    }

    /// What a session remembers; the list is opened when it is first seen.
    pub fn place(&mut self, filter: String, row: Option<i64>) {
        self.filter = filter;
        self.wanted = row;
    }

    pub fn is_unopened(&self) -> bool {
        matches!(self.listing, Load::Empty)
    }

    /// Opens the list when it was not, and stands on the selected row.
    pub fn refresh(&mut self, selected: Option<i64>) -> Vec<Effect> {
        if self.is_unopened() {
            let filter = self.filter.clone();
            return self.open(&filter);
        }
        self.follow(selected)
    }

    /// The same list once more, if it was ever opened.
    pub fn reopen(&mut self) -> Vec<Effect> {
        if self.is_unopened() {
            return Vec::new();
        }
        self.are_rows_stale = true;
        let filter = self.filter.clone();
        self.open(&filter)
    }

    /// Opens or re-opens the list; what is on screen stays until the answer is there.
    pub fn open(&mut self, filter: &str) -> Vec<Effect> {
        filter.clone_into(&mut self.filter);
        self.listing.reload();
        let spec = ListSpec {
            kind: self.kind,
            filter: filter.to_owned(),
        };
        vec![Effect::Ask(self.ids_slot.ask(), Query::List(spec))]
    }

    /// Tags or notes changed: the rows in sight are asked again.
    pub fn annotations_changed(&mut self, targets: &[Target]) -> Vec<Effect> {
        let is_shown = targets.iter().any(|target| {
            self.target(target.row()) == *target && self.rows.contains_key(&target.row())
        });
        if !is_shown {
            return Vec::new();
        }
        self.are_rows_stale = true;
        self.ask_rows()
    }

    /// How many rows can be seen; told by `update`, which knows the layout.
    pub fn set_height(&mut self, height: u16) -> Vec<Effect> {
        let height = usize::from(height).max(1);
        if height == self.height {
            return Vec::new();
        }
        self.height = height;
        self.keep_in_sight();
        self.ask_rows()
    }

    fn keep_in_sight(&mut self) {
        let last = self.len().saturating_sub(1);
        self.cursor = self.cursor.min(last);
        // Over the edge the view jumps by some rows: on a slow link a screen that is repainted at
        // every step costs more than one that moves now and then.
        let jump = self.height / 3;
        if self.cursor < self.top {
            self.top = self.cursor.saturating_sub(jump);
        } else if self.cursor >= self.top + self.height {
            self.top = self.cursor + 1 + jump - self.height;
        }
        self.top = self.top.min(self.len().saturating_sub(self.height));
    }

    /// Stands on the selected row if the list holds it.
    fn follow(&mut self, id: Option<i64>) -> Vec<Effect> {
        let Some(id) = id.filter(|id| self.current() != Some(*id)) else {
            return Vec::new();
        };
        let Some(position) = self.ids().iter().position(|known| *known == id) else {
            return Vec::new();
        };
        self.move_to(position);
        self.ask_rows()
    }

    fn move_to(&mut self, position: usize) {
        self.cursor = position;
        self.keep_in_sight();
    }

    /// One step in the list for `]` and `[`; `false` at its ends.
    pub fn step(&mut self, step: Step, shared: &mut Shared) -> Vec<Effect> {
        if self.is_unopened() {
            return self.refresh(None);
        }
        match step {
            Step::Next => self.update(Msg::Down, shared),
            Step::Previous => self.update(Msg::Up, shared),
        }
    }

    pub fn update(&mut self, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
        match msg {
            Msg::Down => self.move_to(self.cursor.saturating_add(1)),
            Msg::Up => self.move_to(self.cursor.saturating_sub(1)),
            Msg::Top => self.move_to(0),
            Msg::Bottom => self.move_to(usize::MAX - 1),
            Msg::PageDown => self.page(self.cursor.saturating_add(self.height)),
            Msg::PageUp => self.page(self.cursor.saturating_sub(self.height)),
            Msg::ScrollDown => self.scroll(self.top.saturating_add(WHEEL)),
            Msg::ScrollUp => self.scroll(self.top.saturating_sub(WHEEL)),
            Msg::Visible(row) if self.top + row < self.len() => self.move_to(self.top + row),
            Msg::Visible(_) => return Vec::new(),
            Msg::Search => {
                self.query = Some(QueryLine::new(&self.filter));
                return self.complete();
            }
            Msg::Clear => return self.clear(),
            Msg::Mark => self.mark(),
            Msg::Range => self.range(),
            Msg::Open => {}
        }
        self.select(shared);
        self.ask_rows()
    }

    fn page(&mut self, cursor: usize) {
        let within = self.cursor - self.top.min(self.cursor);
        let cursor = cursor.min(self.len().saturating_sub(1));
        self.top = cursor.saturating_sub(within);
        self.move_to(cursor);
    }

    fn scroll(&mut self, top: usize) {
        self.top = top.min(self.len().saturating_sub(self.height));
        let last_visible = (self.top + self.height).saturating_sub(1);
        self.move_to(self.cursor.clamp(self.top, last_visible));
    }

    fn mark(&mut self) {
        if self.anchor.is_some() {
            return self.range();
        }
        let Some(id) = self.current() else { return };
        if !self.marks.remove(&id) {
            self.marks.insert(id);
        }
        self.move_to(self.cursor + 1);
    }

    fn range(&mut self) {
        match self.anchor.take() {
            None if !self.is_empty() => self.anchor = Some(self.cursor),
            None => {}
            Some(anchor) => {
                let (from, to) = (anchor.min(self.cursor), anchor.max(self.cursor));
                let ids = self.listing.value().map(|listing| Arc::clone(&listing.ids));
                let between = ids.as_deref().and_then(|ids| ids.get(from..=to));
                self.marks.extend(between.unwrap_or_default());
            }
        }
    }

    fn clear(&mut self) -> Vec<Effect> {
        if self.anchor.take().is_some() {
            return Vec::new();
        }
        if !self.marks.is_empty() {
            self.marks.clear();
            return Vec::new();
        }
        if self.filter.is_empty() {
            return Vec::new();
        }
        self.wanted = self.current();
        self.open("")
    }

    fn select(&self, shared: &mut Shared) {
        let Some(id) = self.current() else { return };
        let selection = &mut shared.selection;
        match self.kind {
            ListKind::Cases => {
                shared.leading = Leading::Cases;
                if selection.case != Some(CaseId(id)) {
                    selection.case = Some(CaseId(id));
                    selection.question = None;
                    selection.image = None;
                    selection.region = None;
                }
            }
            ListKind::Questions => {
                shared.leading = Leading::Questions;
                if selection.question == Some(QuestionId(id)) {
                    return;
                }
                selection.question = Some(QuestionId(id));
                if let Some(ListRow::Question(row)) = self.row(id)
                    && selection.case != row.case
                {
                    selection.case = row.case;
                    selection.image = None;
                    selection.region = None;
                }
            }
        }
    }

    /// Asks for the rows around what is seen, when some are unknown and not on their way.
    fn ask_rows(&mut self) -> Vec<Effect> {
        let seen = self.clip(self.top, self.top + self.height);
        let margin = self.height / 2;
        let near = self.clip(
            self.top.saturating_sub(margin),
            self.top + self.height + margin,
        );
        if seen.is_empty() || !(self.are_rows_stale || self.has_gap(&near)) {
            return Vec::new();
        }
        let is_awaited = self.rows_slot.is_waiting()
            && self.awaited.start <= seen.start
            && self.awaited.end >= seen.end;
        if is_awaited && !self.are_rows_stale {
            return Vec::new();
        }
        let before = self.height.min((MOST_ROWS.saturating_sub(self.height)) / 2);
        let wanted = self.clip(
            self.top.saturating_sub(before),
            self.top + self.height + before,
        );
        let wanted = wanted.start..wanted.end.min(wanted.start + MOST_ROWS);
        self.forget_far_rows();
        let ids: Vec<i64> = self
            .ids()
            .get(wanted.clone())
            .unwrap_or_default()
            .iter()
            .copied()
            .filter(|id| self.are_rows_stale || !self.rows.contains_key(id))
            .collect();
        self.are_rows_stale = false;
        self.awaited = wanted;
        let kind = self.kind;
        vec![Effect::Ask(self.rows_slot.ask(), Query::Rows { kind, ids })]
    }

    fn clip(&self, from: usize, to: usize) -> Range<usize> {
        from.min(self.len())..to.min(self.len())
    }

    fn has_gap(&self, positions: &Range<usize>) -> bool {
        self.ids()
            .get(positions.clone())
            .unwrap_or_default()
            .iter()
            .any(|id| !self.rows.contains_key(id))
    }

    fn forget_far_rows(&mut self) {
        if self.rows.len() <= 12 * self.height.max(10) {
            return;
        }
        let reach = 4 * self.height;
        let kept = self.clip(self.top.saturating_sub(reach), self.top + reach);
        let near: HashSet<i64> = self
            .ids()
            .get(kept)
            .unwrap_or_default()
            .iter()
            .copied()
            .collect();
        self.rows.retain(|id, _| near.contains(id));
    }

    fn complete(&mut self) -> Vec<Effect> {
        let Some(query) = &self.query else {
            return Vec::new();
        };
        let asked = Query::Complete {
            text: query.text().to_owned(),
            column: query.column(),
        };
        vec![Effect::Ask(self.search_slot.ask(), asked)]
    }

    pub fn is_typing(&self) -> bool {
        self.query.is_some()
    }

    pub fn typed(&mut self, input: Input) -> Vec<Effect> {
        let Some(query) = &mut self.query else {
            return Vec::new();
        };
        match query.input(input) {
            query_line::Outcome::Changed => self.complete(),
            query_line::Outcome::Kept => Vec::new(),
            query_line::Outcome::Closed => {
                self.query = None;
                self.search_slot.drop_answer();
                Vec::new()
            }
            query_line::Outcome::Apply(filter) => {
                self.wanted = self.current();
                self.open(&filter)
            }
        }
    }

    /// `None`: not a ticket of this list.
    pub fn reply(
        &mut self,
        ticket: Ticket,
        reply: &Result<Reply, Failure>,
        shared: &mut Shared,
    ) -> Option<Vec<Effect>> {
        if self.ids_slot.accepts(ticket) {
            return Some(self.listed(reply, shared));
        }
        if self.rows_slot.accepts(ticket) {
            return Some(self.rows_arrived(reply));
        }
        if self.search_slot.accepts(ticket) {
            if let (Some(query), Ok(Reply::Complete(found))) = (&mut self.query, reply) {
                query.offer(found.clone());
            }
            return Some(Vec::new());
        }
        None
    }

    fn listed(&mut self, reply: &Result<Reply, Failure>, shared: &mut Shared) -> Vec<Effect> {
        match reply {
            Ok(Reply::List(listing)) => self.show(listing.clone(), shared),
            Ok(_) => Vec::new(),
            Err(failure) => {
                self.refuse(failure);
                Vec::new()
            }
        }
    }

    fn show(&mut self, listing: Listing, shared: &mut Shared) -> Vec<Effect> {
        let stood_on = self.wanted.take().or(self.current());
        self.query = None;
        self.trouble = None;
        self.anchor = None;
        self.listing = Load::Ready(listing);
        let position = stood_on.and_then(|id| self.ids().iter().position(|known| *known == id));
        if position.is_none() {
            self.top = 0;
        }
        self.move_to(position.unwrap_or(0));
        let leads = match self.kind {
            ListKind::Cases => shared.leading == Leading::Cases,
            ListKind::Questions => shared.leading == Leading::Questions,
        };
        // At a first visit nothing is selected, and the list that is there first shows the way.
        let selection = &shared.selection;
        let is_vacant = selection.case.is_none() && selection.question.is_none();
        if leads || is_vacant {
            self.select(shared);
        }
        self.ask_rows()
    }

    /// The old list stays, and the query line says what is wrong with the new query.
    fn refuse(&mut self, failure: &Failure) {
        let old = std::mem::take(&mut self.listing);
        self.listing = match old {
            Load::Loading {
                stale: Some(listing),
            }
            | Load::Ready(listing) => {
                self.filter.clone_from(&listing.spec.filter);
                Load::Ready(listing)
            }
            _ => Load::Failed(failure.clone()),
        };
        match &mut self.query {
            Some(query) => query.refuse(failure),
            None => self.trouble = Some(failure.clone()),
        }
    }

    fn rows_arrived(&mut self, reply: &Result<Reply, Failure>) -> Vec<Effect> {
        match reply {
            Ok(Reply::Rows { rows, .. }) => {
                self.trouble = None;
                let asked = self.ids().get(self.awaited.clone()).unwrap_or_default();
                let absent: Vec<i64> = asked.to_vec();
                for row in rows {
                    self.rows.insert(id_of(row), Some(row.clone()));
                }
                for id in absent {
                    self.rows.entry(id).or_insert(None);
                }
                self.ask_rows()
            }
            Ok(_) => Vec::new(),
            Err(failure) => {
                self.trouble = Some(failure.clone());
                Vec::new()
            }
        }
    }

    /// Lines of the pane that are not rows stand above them.
    fn rows_above(&self) -> u16 {
        u16::from(self.query.is_some())
    }

    pub fn mouse(&self, mouse: Mouse) -> Option<Msg> {
        match mouse.kind {
            MouseKind::ScrollDown => Some(Msg::ScrollDown),
            MouseKind::ScrollUp => Some(Msg::ScrollUp),
            MouseKind::Click => {
                let row = mouse.row.checked_sub(self.rows_above())?;
                Some(Msg::Visible(usize::from(row)))
            }
            MouseKind::DoubleClick => Some(Msg::Open),
            MouseKind::Drag => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Next,
    Previous,
}

fn id_of(row: &ListRow) -> i64 {
    match row {
        ListRow::Case(row) => row.id.0,
        ListRow::Question(row) => row.id.0,
    }
}

fn tags_of(row: &ListRow) -> &[Tag] {
    match row {
        ListRow::Case(row) => &row.tags,
        ListRow::Question(row) => &row.tags,
    }
}

#[cfg(test)]
mod tests;
