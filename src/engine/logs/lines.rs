//! Lines of a log around a place, those of them that are wanted, and the next one that is looked
//! for.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use regex::bytes::{Regex, RegexBuilder};
use semihv_domain::{Failure, FailureKind, LineCount, UnixSeconds};
use semihv_runs::{
    Direction, FollowedLog, Level, Place, PlacedLine, ReadLogError, Reading, Search, level, search,
};
use serde::Serialize;

use crate::engine::locked;
use crate::{Engine, Reply};

/// So long one answer searches; whoever asks goes on from where it ended.
const SEARCHED_FOR: Duration = Duration::from_millis(300);
/// More memory than this no pattern of a person needs.
const MOST_OF_PATTERN: usize = 4 << 20;

/// Which lines are shown; empty: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineFilter {
    /// Lines of this level and above.
    pub level: Option<Level>,
    /// A regular expression; capitals count where it has some.
    pub pattern: String,
}

/// Lines of a run's log around a place.
#[derive(Debug, Clone, PartialEq)]
pub struct LogAsk {
    pub run: String,
    pub place: Place,
    pub before: usize,
    pub after: usize,
    pub only: LineFilter,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogLine {
    /// Of its first byte.
    pub at: u64,
    pub text: String,
    pub level: Level,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LogView {
    pub run: String,
    pub path: PathBuf,
    /// Oldest first, made printable.
    pub lines: Vec<LogLine>,
    /// Number of the first of `lines` in the file, from 0.
    pub first_line: LineCount,
    pub total_lines: LineCount,
    /// Bytes of the file.
    pub size: u64,
    pub modified: Option<UnixSeconds>,
    pub reading: Reading,
    /// There are lines, or may be, before the first and behind the last of these.
    pub has_before: bool,
    pub has_after: bool,
    /// Lines that pass the filter may lie beyond these: looking for more took too long.
    pub is_cut: bool,
}

impl LogView {
    fn empty(run: String, path: PathBuf) -> Self {
        Self {
            run,
            path,
            lines: Vec::new(),
            first_line: LineCount::Exact(0),
            total_lines: LineCount::Exact(0),
            size: 0,
            modified: None,
            reading: Reading::default(),
            has_before: false,
            has_after: false,
            is_cut: false,
        }
    }
}

/// The next line that holds a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindInLog {
    pub run: String,
    pub only: LineFilter,
    /// Forward: lines that begin at it or behind; backward: lines that begin before it.
    pub from: u64,
    pub direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundInLog {
    /// Where its line begins.
    At(u64),
    /// Not up to here: ask again from here.
    NotYet(u64),
    Nowhere,
}

impl LineFilter {
    /// `None`: all lines pass.
    fn patterns(&self) -> Result<Option<Vec<Regex>>, Failure> {
        let mut patterns: Vec<Regex> = self.level.and_then(Level::pattern).into_iter().collect();
        if !self.pattern.is_empty() {
            patterns.push(pattern(&self.pattern)?);
        }
        Ok((!patterns.is_empty()).then_some(patterns))
    }
}

fn pattern(text: &str) -> Result<Regex, Failure> {
    let built = RegexBuilder::new(text)
        .case_insensitive(!text.chars().any(char::is_uppercase))
        .multi_line(true)
        .size_limit(MOST_OF_PATTERN)
        .build();
    built.map_err(|error| {
        let last = error.to_string();
        let last = last.lines().last().unwrap_or_default().trim();
        let why = last.strip_prefix("error: ").unwrap_or(last);
        let summary = format!("{text:?} is no regular expression: {why}");
        Failure::new("log", FailureKind::User, summary)
            .with_hint("put \\ before . ( ) [ ] { } * + ? | where they mean themselves")
    })
}

fn failed(error: &ReadLogError) -> Failure {
    Failure::of("log", FailureKind::Data, error)
}

pub(crate) fn log(engine: &Engine, ask: &LogAsk) -> Result<Reply, Failure> {
    let patterns = ask.only.patterns()?;
    let (run, paths) = engine.logs_named(&ask.run)?;
    let path = paths.into_iter().next_back().unwrap_or_default();
    let is_ours = path.starts_with(engine.inner.places.runs());
    let mut view = LogView::empty(run, path);
    let log = engine.followed(&view.path);
    let filled = match patterns {
        None => fill(&mut view, &locked(&log), ask),
        Some(patterns) => filtered(&mut view, &log, ask, &patterns),
    };
    match filled {
        // A run that waits for its turn has printed nothing, which is no failure.
        Err(ReadLogError::Missing { .. }) if is_ours => {}
        filled => filled.map_err(|error| failed(&error))?,
    }
    view.reading = locked(&log).reading();
    engine.read_on(&view.run, &view.path);
    Ok(Reply::Log(Box::new(view)))
}

fn shown(line: PlacedLine) -> LogLine {
    LogLine {
        level: level(&line.text),
        at: line.at,
        text: line.text,
    }
}

fn fill(view: &mut LogView, log: &FollowedLog, ask: &LogAsk) -> Result<(), ReadLogError> {
    let window = log.window(ask.place, (ask.before, ask.after))?;
    view.lines = window.lines.into_iter().map(shown).collect();
    view.first_line = window.first_line;
    view.total_lines = window.total_lines;
    view.size = window.size;
    view.modified = window.modified;
    let (first, last) = (view.lines.first(), view.lines.last());
    view.has_before = first.is_some_and(|line| line.at > 0);
    // What is shown of a line is not longer than the line.
    let end = last.map_or(view.size, |line| line.at + line.text.len() as u64 + 2);
    view.has_after = ask.place != Place::End && ask.after > 0 && end < view.size;
    Ok(())
}

/// Only lines that hold all patterns, looked for from the place on both sides. Meanwhile others have
/// the log.
fn filtered(
    view: &mut LogView,
    log: &Mutex<FollowedLog>,
    ask: &LogAsk,
    patterns: &[Regex],
) -> Result<(), ReadLogError> {
    let here = locked(log).window(ask.place, (0, 1))?;
    (view.total_lines, view.size, view.modified) = (here.total_lines, here.size, here.modified);
    let start = here.lines.first().map_or(here.size, |line| line.at);
    let until = Instant::now() + SEARCHED_FOR;
    let mut before = Vec::new();
    let mut from = start;
    while before.len() < ask.before {
        let found = find(view, patterns, (from, Direction::Backward), until)?;
        let FoundInLog::At(at) = found else {
            view.is_cut |= matches!(found, FoundInLog::NotYet(_));
            break;
        };
        view.has_before = before.len() + 1 == ask.before;
        before.push(at);
        from = at;
    }
    before.reverse();
    let mut places = before;
    let wanted = places.len() + ask.after;
    let mut from = start;
    while places.len() < wanted {
        let found = find(view, patterns, (from, Direction::Forward), until)?;
        let FoundInLog::At(at) = found else {
            view.is_cut |= matches!(found, FoundInLog::NotYet(_));
            break;
        };
        view.has_after = places.len() + 1 == wanted;
        places.push(at);
        from = at + 1;
    }
    let log = locked(log);
    for (number, at) in places.into_iter().enumerate() {
        let window = log.window(Place::Byte(at), (0, 1))?;
        if number == 0 {
            view.first_line = window.first_line;
        }
        view.lines.extend(window.lines.into_iter().map(shown));
    }
    Ok(())
}

/// The next line that holds all patterns.
fn find(
    view: &LogView,
    patterns: &[Regex],
    (from, direction): (u64, Direction),
    until: Instant,
) -> Result<FoundInLog, ReadLogError> {
    let Some((first, others)) = patterns.split_first() else {
        return Ok(FoundInLog::Nowhere);
    };
    let mut from = from;
    loop {
        let mut searched = 0;
        let wanted = Search {
            pattern: first.clone(),
            from,
            direction,
        };
        let found = search(&view.path, &wanted, &mut |bytes| {
            searched = bytes;
            Instant::now() < until
        })?;
        let Some(at) = found else {
            let is_over = Instant::now() < until;
            let to = match direction {
                Direction::Forward => from + searched,
                Direction::Backward => from.saturating_sub(searched),
            };
            let is_all = is_over || (direction == Direction::Backward && to == 0);
            return Ok(if is_all {
                FoundInLog::Nowhere
            } else {
                FoundInLog::NotYet(to)
            });
        };
        let is_wanted = others.is_empty() || holds(view, at, others)?;
        if is_wanted {
            return Ok(FoundInLog::At(at));
        }
        from = match direction {
            Direction::Forward => at + 1,
            Direction::Backward => at,
        };
    }
}

fn holds(view: &LogView, at: u64, patterns: &[Regex]) -> Result<bool, ReadLogError> {
    let line = FollowedLog::new(&view.path).window(Place::Byte(at), (0, 1))?;
    let holds_all = |line: &PlacedLine| patterns.iter().all(|it| it.is_match(line.text.as_bytes()));
    Ok(line.lines.first().is_some_and(holds_all))
}

pub(crate) fn find_in_log(engine: &Engine, wanted: &FindInLog) -> Result<Reply, Failure> {
    let Some(patterns) = wanted.only.patterns()? else {
        return Ok(Reply::FoundInLog(FoundInLog::Nowhere));
    };
    let (run, paths) = engine.logs_named(&wanted.run)?;
    let view = LogView::empty(run, paths.into_iter().next_back().unwrap_or_default());
    let until = Instant::now() + SEARCHED_FOR;
    let found = find(&view, &patterns, (wanted.from, wanted.direction), until);
    found.map(Reply::FoundInLog).map_err(|error| failed(&error))
}
