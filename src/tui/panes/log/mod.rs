//! The log pane: lines of a run's log at any place of it, searched and filtered as a whole.
//!
//! A window of lines around the cursor is held; moving near its edge asks for the next one.

mod finding;
mod rows;
mod view;

use ratatui::layout::Rect;
use regex::Regex;
use semihv_domain::{Failure, LineCount};
use semihv_engine::{Direction, Level, LineFilter, LogAsk, LogLine, LogView, Place, Query, Reply};

use crate::action::Effect;
use crate::pane::{Hint, Input, Mouse, MouseKind, PaneKind, Title};
use crate::reader::{self, Find};
use crate::run_list::RunList;
use crate::shared::{LinkedLine, Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};
use crate::text_edit::TextEdit;

use finding::{Finding, matcher};
use rows::{Row, rows};
pub use view::{fit, view};

/// Lines of a window on each side of its place.
const AROUND: usize = 300;
/// So near to the edge of the window the next one is asked for.
const EDGE: usize = 60;

/// Where the cursor is to stand once its window is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    End,
    Byte(u64),
    Line(u64),
}

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    runs: RunList,
    log: Load<Box<LogView>>,
    /// The run that `log` is of or is asked for.
    run: Option<String>,
    rows: Vec<Row>,
    only: LineFilter,
    /// The filter's pattern while it is typed.
    typed_filter: Option<TextEdit>,
    is_folded: bool,
    is_wrapped: bool,
    /// The cursor stays on the last line.
    is_following: bool,
    /// Of the rows.
    cursor: usize,
    top: usize,
    page: usize,
    aim: Aim,
    find: Find,
    matcher: Option<Regex>,
    finding: Option<Finding>,
    /// What a search ended with.
    said: Option<String>,
    /// The line that another pane pointed at last.
    pointed: Option<LinkedLine>,
    log_slot: Slot,
    find_slot: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            runs: RunList::new(SlotName::Runs),
            log: Load::Empty,
            run: None,
            rows: Vec::new(),
            only: LineFilter::default(),
            typed_filter: None,
            is_folded: true,
            is_wrapped: false,
            is_following: true,
            cursor: 0,
            top: 0,
            page: 10,
            aim: Aim::End,
            find: Find::default(),
            matcher: None,
            finding: None,
            said: None,
            pointed: None,
            log_slot: Slot::new(SlotName::Log),
            find_slot: Slot::new(SlotName::LogFind),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Read(reader::Msg),
    /// A row of the pane was clicked.
    Row(usize),
    Follow,
    FirstError,
    NextError,
    /// Types a pattern that lines must hold to be shown.
    Filter,
    /// All lines, warnings and errors, errors.
    Level,
    Fold,
    Wrap,
    NextRun,
    PreviousRun,
    Back,
}

pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "follow" => Msg::Follow,
        "first-error" => Msg::FirstError,
        "next-error" => Msg::NextError,
        "filter" => Msg::Filter,
        "level" => Msg::Level,
        "fold" => Msg::Fold,
        "wrap" => Msg::Wrap,
        "next-run" => Msg::NextRun,
        "previous-run" => Msg::PreviousRun,
        "back" => Msg::Back,
        name => return reader::command(name).map(Msg::Read),
    })
}

impl State {
    fn lines(&self) -> &[LogLine] {
        self.log.value().map_or(&[], |log| log.lines.as_slice())
    }

    fn line_of(&self, row: usize) -> Option<&LogLine> {
        self.lines().get(self.rows.get(row)?.line)
    }

    fn line_at_cursor(&self) -> Option<&LogLine> {
        self.line_of(self.cursor)
    }

    /// The number of a row's line, and whether it is counted.
    fn number_of(&self, row: usize) -> Option<(u64, bool)> {
        let log = self.log.value()?;
        if self.only != LineFilter::default() {
            return None;
        }
        let line = self.rows.get(row)?.line as u64;
        Some(match log.first_line {
            LineCount::Exact(first) => (first + line, true),
            LineCount::Estimated(first) => (first + line, false),
        })
    }

    fn go(&mut self, row: usize) -> Vec<Effect> {
        let last = self.rows.len().saturating_sub(1);
        self.cursor = row.min(last);
        let Some(log) = self.log.value() else {
            return Vec::new();
        };
        self.is_following = self.cursor == last && !log.has_after;
        let is_near = (log.has_before && self.cursor < EDGE)
            || (log.has_after && self.cursor + EDGE > self.rows.len());
        match self.line_at_cursor() {
            Some(line) if is_near && !self.log_slot.is_waiting() => {
                let aim = Aim::Byte(line.at);
                self.ask(aim)
            }
            _ => Vec::new(),
        }
    }

    fn go_to(&mut self, aim: Aim) -> Vec<Effect> {
        let held = |state: &Self, at: u64| {
            let is_it = |row: &Row| state.lines().get(row.line).is_some_and(|it| it.at >= at);
            let lines = state.lines();
            let is_inside = lines.first().is_some_and(|it| it.at <= at)
                && lines.last().is_some_and(|it| it.at >= at);
            is_inside
                .then(|| state.rows.iter().position(is_it))
                .flatten()
        };
        self.is_following = aim == Aim::End;
        match aim {
            Aim::Byte(at) => match held(self, at) {
                Some(row) => self.go(row),
                None => self.ask(aim),
            },
            Aim::End | Aim::Line(_) => self.ask(aim),
        }
    }

    /// Asks for the window of a place, in which the cursor will stand there.
    fn ask(&mut self, aim: Aim) -> Vec<Effect> {
        let Some(run) = self.run.clone() else {
            return Vec::new();
        };
        self.aim = aim;
        let (place, before, after) = match aim {
            // While it is followed, what is seen is enough.
            Aim::End => (Place::End, self.page + EDGE, 0),
            Aim::Byte(at) => (Place::Byte(at), AROUND, AROUND),
            Aim::Line(line) => (Place::Line(line), AROUND, AROUND),
        };
        self.log.reload();
        let ask = LogAsk {
            run,
            place,
            before,
            after,
            only: self.only.clone(),
        };
        vec![Effect::Ask(self.log_slot.ask(), Query::Log(ask))]
    }

    fn open_run(&mut self, run: String) -> Vec<Effect> {
        if self.run.as_ref() != Some(&run) {
            self.log = Load::Empty;
            self.rows.clear();
            self.is_following = true;
            self.finding = None;
            self.said = None;
            self.aim = Aim::End;
        }
        self.run = Some(run);
        self.ask_again()
    }

    /// The same place as it is now.
    fn ask_again(&mut self) -> Vec<Effect> {
        let aim = match self.line_at_cursor() {
            Some(line) if !self.is_following => Aim::Byte(line.at),
            _ if self.is_following => Aim::End,
            _ => self.aim,
        };
        self.ask(aim)
    }

    fn came(&mut self, log: Box<LogView>) {
        self.rows = rows(&log.lines, self.is_folded);
        let lines = &log.lines;
        let last = self.rows.len().saturating_sub(1);
        let row_from = |at: u64| {
            let is_it = |row: &Row| lines.get(row.line).is_some_and(|line| line.at >= at);
            self.rows.iter().position(is_it).unwrap_or(last)
        };
        let before = self.cursor;
        self.cursor = match self.aim {
            Aim::End => last,
            Aim::Byte(at) => row_from(at),
            Aim::Line(line) => {
                let wanted = line.saturating_sub(log.first_line.value()) as usize;
                let is_it = |row: &Row| row.line >= wanted;
                self.rows.iter().position(is_it).unwrap_or(last)
            }
        };
        if let (Aim::Line(_), Some(line)) = (self.aim, lines.get(self.cursor)) {
            // The next window is asked for by its place.
            self.aim = Aim::Byte(line.at);
        }
        // The cursor stays where it is on the screen.
        self.top = (self.top + self.cursor).saturating_sub(before);
        self.log = Load::Ready(log);
    }

    fn refold(&mut self) {
        let at = self.line_at_cursor().map(|line| line.at);
        self.rows = rows(self.lines(), self.is_folded);
        let is_it = |row: &Row| {
            let line = self.lines().get(row.line);
            line.map(|line| line.at) >= at
        };
        self.cursor = self.rows.iter().position(is_it).unwrap_or(0);
    }

    /// What the other panes of the run may point at.
    fn point(&self, shared: &mut Shared) {
        if let (Some((line, true)), Some(run)) = (self.number_of(self.cursor), &self.run) {
            shared.selection.line = Some(LinkedLine {
                run: run.clone(),
                line,
                by: PaneKind::Log,
            });
        }
    }
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    let effects = match msg {
        Msg::Read(msg) => read(state, msg),
        Msg::Row(row) => state.go(row),
        Msg::Follow if state.is_following => {
            state.is_following = false;
            Vec::new()
        }
        Msg::Follow => state.go_to(Aim::End),
        Msg::FirstError => state.look_for(errors(), 0, Direction::Forward),
        Msg::NextError => {
            let at = state.line_at_cursor().map_or(0, |line| line.at + 1);
            state.look_for(errors(), at, Direction::Forward)
        }
        Msg::Filter => {
            state.typed_filter = Some(TextEdit::new(state.only.pattern.clone()));
            Vec::new()
        }
        Msg::Level => {
            state.only.level = match state.only.level {
                None | Some(Level::Plain) => Some(Level::Warning),
                Some(Level::Warning) => Some(Level::Error),
                Some(Level::Error) => None,
            };
            state.ask_again()
        }
        Msg::Fold => {
            state.is_folded = !state.is_folded;
            state.refold();
            Vec::new()
        }
        Msg::Wrap => {
            state.is_wrapped = !state.is_wrapped;
            Vec::new()
        }
        Msg::NextRun => return other_run(state, shared, 1),
        Msg::PreviousRun => return other_run(state, shared, -1),
        Msg::Back => back(state),
    };
    state.point(shared);
    effects
}

fn errors() -> LineFilter {
    LineFilter {
        level: Some(Level::Error),
        pattern: String::new(),
    }
}

/// Ends one thing at a time: the search, what it found, the filter.
fn back(state: &mut State) -> Vec<Effect> {
    if state.finding.take().is_some() {
        return Vec::new();
    }
    state.said = None;
    if state.find.leave() {
        state.matcher = None;
        return Vec::new();
    }
    if state.only == LineFilter::default() {
        return Vec::new();
    }
    state.only = LineFilter::default();
    state.ask_again()
}

fn read(state: &mut State, msg: reader::Msg) -> Vec<Effect> {
    match msg {
        reader::Msg::Down => state.go(state.cursor + 1),
        reader::Msg::Up => state.go(state.cursor.saturating_sub(1)),
        reader::Msg::PageDown => state.go(state.cursor + state.page),
        reader::Msg::PageUp => state.go(state.cursor.saturating_sub(state.page)),
        reader::Msg::Top => state.go_to(Aim::Byte(0)),
        reader::Msg::Bottom => state.go_to(Aim::End),
        reader::Msg::Find => {
            state.find.open();
            Vec::new()
        }
        reader::Msg::NextMatch => state.find_from(Direction::Forward, false),
        reader::Msg::PreviousMatch => state.find_from(Direction::Backward, false),
    }
}

fn other_run(state: &mut State, shared: &mut Shared, by: i64) -> Vec<Effect> {
    let Some(run) = state.runs.beside(state.run.as_deref(), by) else {
        return Vec::new();
    };
    shared.selection.run = Some(run.clone());
    state.open_run(run)
}

/// Asks for the runs once, for the log of the selected one when it is another, and for the line
/// that another pane points at.
pub fn refresh(state: &mut State, shared: &Shared) -> Vec<Effect> {
    let mut effects: Vec<Effect> = state.runs.ask().into_iter().collect();
    if let Some(run) = shared.selection.run.clone()
        && state.run.as_ref() != Some(&run)
    {
        effects.extend(state.open_run(run));
    }
    let pointed = shared.selection.line.as_ref();
    let pointed =
        pointed.filter(|it| it.by != PaneKind::Log && Some(&it.run) == state.run.as_ref());
    if let Some(line) = pointed
        && state.pointed.as_ref() != Some(line)
    {
        state.pointed = Some(line.clone());
        effects.extend(state.go_to(Aim::Line(line.line)));
    }
    effects
}

/// A followed log grew.
pub fn grew(state: &mut State, run: &str) -> Vec<Effect> {
    if state.run.as_deref() == Some(run) {
        state.ask_again()
    } else {
        Vec::new()
    }
}

/// There are other runs: the next refresh asks which.
pub fn forget_list(state: &mut State) {
    state.runs.forget();
}

/// The manifest or the files changed: the next refresh asks again.
pub fn forget(state: &mut State) {
    state.runs.forget();
    state.run = None;
}

pub fn reply(
    state: &mut State,
    ticket: Ticket,
    reply: &Result<Reply, Failure>,
    shared: &mut Shared,
) -> Option<Vec<Effect>> {
    if state.runs.takes(ticket, reply) {
        let run = state.runs.wanted(shared);
        let other = run.filter(|run| state.run.as_ref() != Some(run));
        return Some(other.map_or_else(Vec::new, |run| state.open_run(run)));
    }
    if state.find_slot.accepts(ticket) {
        return Some(match reply {
            Ok(Reply::FoundInLog(found)) => {
                let effects = state.found(*found);
                state.point(shared);
                effects
            }
            Ok(_) => Vec::new(),
            Err(failure) => {
                state.finding = None;
                state.said = Some(failure.summary.clone());
                Vec::new()
            }
        });
    }
    if !state.log_slot.accepts(ticket) {
        return None;
    }
    match reply {
        Ok(Reply::Log(log)) => {
            state.came(log.clone());
            state.point(shared);
        }
        Ok(_) => {}
        Err(failure) => state.log = Load::Failed(failure.clone()),
    }
    Some(Vec::new())
}

pub fn mouse(state: &State, _shared: &Shared, mouse: Mouse, inside: Rect) -> Option<Msg> {
    match mouse.kind {
        MouseKind::ScrollUp => Some(Msg::Read(reader::Msg::Up)),
        MouseKind::ScrollDown => Some(Msg::Read(reader::Msg::Down)),
        MouseKind::Click => view::row_at(state, inside, mouse.row).map(Msg::Row),
        MouseKind::DoubleClick | MouseKind::Drag => None,
    }
}

pub fn is_typing(state: &State) -> bool {
    state.find.is_typing() || state.typed_filter.is_some()
}

pub fn typed(state: &mut State, input: Input, shared: &mut Shared) -> Vec<Effect> {
    if state.typed_filter.is_some() {
        return filter_typed(state, input);
    }
    if !state.find.typed(&input) {
        return Vec::new();
    }
    state.matcher = matcher(state.find.pattern());
    let is_here = |state: &State| {
        let line = state.line_at_cursor().map(|line| line.text.as_str());
        let matcher = state.matcher.as_ref();
        matcher
            .zip(line)
            .is_some_and(|(matcher, line)| matcher.is_match(line))
    };
    let effects = match state.matcher {
        // Half a pattern may be none yet.
        None => Vec::new(),
        Some(_) if is_here(state) => Vec::new(),
        Some(_) => state.find_from(Direction::Forward, true),
    };
    state.point(shared);
    effects
}

fn filter_typed(state: &mut State, input: Input) -> Vec<Effect> {
    use crate::keys::Key;
    let Some(line) = &mut state.typed_filter else {
        return Vec::new();
    };
    match input {
        Input::Key(Key::ENTER) => {
            state.only.pattern = line.text().to_owned();
            state.typed_filter = None;
            return state.ask_again();
        }
        Input::Key(Key::ESC) => state.typed_filter = None,
        Input::Key(key) => {
            line.key(key);
        }
        Input::Paste(text) => {
            line.insert(&text.replace('\n', " "));
        }
    }
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
        hint("log.first-error", "first error"),
        hint("log.follow", "follow"),
        hint("log.find", "search"),
        hint("log.filter", "only lines with"),
        hint("log.level", "level"),
        hint("log.wrap", "wrap"),
    ];
    if state.runs.load().value().is_some_and(|runs| runs.len() > 1) {
        hints.insert(0, hint("log.next-run", "next run"));
    }
    hints
}

/// The line under the cursor.
pub fn copy(state: &State, _shared: &Shared) -> Option<String> {
    state.line_at_cursor().map(|line| line.text.clone())
}

#[cfg(test)]
mod tests;
