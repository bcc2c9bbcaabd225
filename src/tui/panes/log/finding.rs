//! Searches in the whole log, part after part, while the pane stays in use.

use regex::{Regex, RegexBuilder};
use semihv_engine::{Direction, FindInLog, FoundInLog, LineFilter, Query};

use super::{Aim, State};
use crate::action::Effect;

/// A search on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    wanted: FindInLog,
    /// It began at the cursor, came to the end, and goes on at the other one.
    has_wrapped: bool,
}

impl Finding {
    /// How far, in bytes of the log.
    pub(super) fn place(&self) -> u64 {
        self.wanted.from
    }
}

/// As the engine reads it: capitals count where there are some. `None`: it is no pattern.
pub(super) fn matcher(pattern: &str) -> Option<Regex> {
    let is_plain = !pattern.chars().any(char::is_uppercase);
    let built = RegexBuilder::new(pattern)
        .case_insensitive(is_plain)
        .size_limit(1 << 20)
        .build();
    built.ok().filter(|_| !pattern.is_empty())
}

impl State {
    /// Looks for the pattern from the cursor on. `is_here`: the cursor's own line counts.
    pub(super) fn find_from(&mut self, direction: Direction, is_here: bool) -> Vec<Effect> {
        let only = LineFilter {
            pattern: self.find.pattern().to_owned(),
            level: None,
        };
        if only.pattern.is_empty() {
            return Vec::new();
        }
        let at = self.line_at_cursor().map_or(0, |line| line.at);
        let from = match direction {
            Direction::Forward if is_here => at,
            Direction::Forward => at + 1,
            Direction::Backward => at,
        };
        self.look_for(only, from, direction)
    }

    pub(super) fn look_for(
        &mut self,
        only: LineFilter,
        from: u64,
        direction: Direction,
    ) -> Vec<Effect> {
        let Some(run) = self.run.clone() else {
            return Vec::new();
        };
        self.said = None;
        self.finding = Some(Finding {
            wanted: FindInLog {
                run,
                only,
                from,
                direction,
            },
            has_wrapped: false,
        });
        self.ask_on()
    }

    fn ask_on(&mut self) -> Vec<Effect> {
        let Some(finding) = &self.finding else {
            return Vec::new();
        };
        let query = Query::FindInLog(finding.wanted.clone());
        vec![Effect::Ask(self.find_slot.ask(), query)]
    }

    pub(super) fn found(&mut self, found: FoundInLog) -> Vec<Effect> {
        let Some(finding) = &mut self.finding else {
            return Vec::new();
        };
        match found {
            FoundInLog::At(at) => {
                let has_wrapped = finding.has_wrapped;
                let direction = finding.wanted.direction;
                self.finding = None;
                self.said = has_wrapped.then(|| wrapped(direction).to_owned());
                self.go_to(Aim::Byte(at))
            }
            FoundInLog::NotYet(from) => {
                finding.wanted.from = from;
                self.ask_on()
            }
            FoundInLog::Nowhere if !finding.has_wrapped => {
                finding.has_wrapped = true;
                finding.wanted.from = match finding.wanted.direction {
                    Direction::Forward => 0,
                    Direction::Backward => u64::MAX,
                };
                self.ask_on()
            }
            FoundInLog::Nowhere => {
                let is_error = finding.wanted.only.level.is_some();
                self.said = Some(if is_error { "no error" } else { "not found" }.to_owned());
                self.finding = None;
                Vec::new()
            }
        }
    }
}

fn wrapped(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "from the beginning",
        Direction::Backward => "from the end",
    }
}
