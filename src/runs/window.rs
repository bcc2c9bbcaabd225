//! Some lines of a log around a place in it, and the place of the next line that is looked for.
//!
//! Places are bytes: a log of gigabytes is shown before anybody has counted its lines.

use std::fs::File;
use std::io;
use std::path::Path;

use memchr::{memchr, memchr_iter, memrchr};
use regex::bytes::Regex;

use crate::line_index::start_of_line;
use crate::log_file::{ReadLogError, open, read_fully};
use crate::plain_line::plain_line;

const BLOCK: usize = 256 << 10;
/// Read at most in one direction for a window: lines of megabytes are few.
const MOST_READ: usize = 8 << 20;
/// Of a line that is longer nothing more is shown.
const LONGEST: usize = 64 << 10;
/// Searched between two questions whether to go on.
const SEARCHED: usize = 1 << 20;

/// Where a window lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    End,
    /// In the line that this byte lies in.
    Byte(u64),
    /// At the line of this number, from 0.
    Line(u64),
}

/// A line as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedLine {
    /// Of its first byte.
    pub at: u64,
    pub text: String,
}

/// At most `before` lines that end before `at`, which begins a line; and at most `after` that
/// begin at it or behind. The last line may have no end yet.
pub(crate) fn window(
    file: &File,
    at: u64,
    (before, after): (usize, usize),
) -> io::Result<Vec<PlacedLine>> {
    let mut lines = lines_before(file, at, before)?;
    lines.extend(lines_from(file, at, after)?);
    Ok(lines)
}

fn shown(at: u64, line: &[u8]) -> PlacedLine {
    PlacedLine {
        at,
        text: plain_line(line.get(..LONGEST).unwrap_or(line)),
    }
}

fn lines_before(file: &File, end: u64, count: usize) -> io::Result<Vec<PlacedLine>> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut start = end;
    let mut ends = 0;
    // One more than asked for: the end of the line before the first.
    while start > 0 && ends <= count && bytes.len() < MOST_READ && count > 0 {
        let length = BLOCK.min(start as usize);
        start -= length as u64;
        let mut block = vec![0; length];
        let read = read_fully(file, &mut block, start)?;
        block.truncate(read);
        ends += memchr_iter(b'\n', &block).count();
        block.append(&mut bytes);
        bytes = block;
    }
    let mut lines = Vec::new();
    let mut rest = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    while lines.len() < count && !bytes.is_empty() {
        let Some(cut) = memrchr(b'\n', rest) else {
            // The first line of the file, or as much of a huge one as was read.
            lines.push(shown(start, rest));
            break;
        };
        lines.push(shown(
            start + cut as u64 + 1,
            rest.get(cut + 1..).unwrap_or_default(),
        ));
        rest = rest.get(..cut).unwrap_or_default();
    }
    lines.reverse();
    Ok(lines)
}

fn lines_from(file: &File, start: u64, count: usize) -> io::Result<Vec<PlacedLine>> {
    let mut lines = Vec::new();
    let mut bytes: Vec<u8> = Vec::new();
    let (mut at, mut read_to) = (start, start);
    while lines.len() < count && read_to - start < MOST_READ as u64 {
        let mut block = vec![0; BLOCK];
        let read = read_fully(file, &mut block, read_to)?;
        read_to += read as u64;
        bytes.extend_from_slice(block.get(..read).unwrap_or_default());
        let mut used = 0;
        for end in memchr_iter(b'\n', &bytes) {
            if lines.len() < count {
                lines.push(shown(
                    at + used as u64,
                    bytes.get(used..end).unwrap_or_default(),
                ));
                used = end + 1;
            }
        }
        bytes.drain(..used);
        at += used as u64;
        if read < BLOCK {
            break;
        }
    }
    if lines.len() < count && !bytes.is_empty() {
        lines.push(shown(at, &bytes));
    }
    Ok(lines)
}

/// How many lines some bytes may be, from the lines before a place.
pub(crate) fn estimate_lines(file: &File, place: u64, bytes: u64) -> io::Result<u64> {
    let length = place.min(BLOCK as u64);
    let mut sample = vec![0; length as usize];
    let read = read_fully(file, &mut sample, place - length)?;
    let ends = memchr_iter(b'\n', sample.get(..read).unwrap_or_default()).count() as u64;
    Ok(bytes / (length / ends.max(1)).max(1))
}

/// Which way a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// What a search looks for, and from where.
#[derive(Debug, Clone)]
pub struct Search {
    pub pattern: Regex,
    /// Forward: lines that begin at it or behind; backward: lines that begin before it.
    pub from: u64,
    pub direction: Direction,
}

/// The place of the next line in which the pattern is found; `None` where there is none up to the
/// end, or `go_on` said no. `go_on` hears how many bytes were searched.
pub fn search(
    path: &Path,
    search: &Search,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<u64>, ReadLogError> {
    let (file, size) = open(path)?;
    let found = match search.direction {
        Direction::Forward => forward(&file, search, go_on),
        Direction::Backward => backward(&file, size.min(search.from), search, go_on),
    };
    found.map_err(|source| ReadLogError::of(path, source))
}

fn forward(
    file: &File,
    search: &Search,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> io::Result<Option<u64>> {
    let mut at = line_from(file, search.from)?;
    let mut block = vec![0; SEARCHED];
    loop {
        let read = read_fully(file, &mut block, at)?;
        let Some(bytes) = block.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(None);
        };
        // Whole lines; a line longer than the block is searched in pieces.
        let whole = match memrchr(b'\n', bytes) {
            Some(end) if read == SEARCHED => bytes.get(..=end).unwrap_or(bytes),
            _ => bytes,
        };
        if let Some(place) = first_in(whole, &search.pattern) {
            return start_of_line(file, at + place as u64).map(Some);
        }
        at += whole.len() as u64;
        if read < SEARCHED || !go_on(at - search.from) {
            return Ok(None);
        }
    }
}

/// Where the first line begins that begins at a place or behind it.
fn line_from(file: &File, place: u64) -> io::Result<u64> {
    if start_of_line(file, place)? == place {
        return Ok(place);
    }
    let mut block = vec![0; BLOCK];
    let mut at = place;
    loop {
        let read = read_fully(file, &mut block, at)?;
        let bytes = block.get(..read).unwrap_or_default();
        match memchr(b'\n', bytes) {
            Some(end) => return Ok(at + end as u64 + 1),
            None if read < BLOCK => return Ok(at + read as u64),
            None => at += read as u64,
        }
    }
}

fn backward(
    file: &File,
    from: u64,
    search: &Search,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> io::Result<Option<u64>> {
    let mut end = from;
    while end > 0 {
        let start = end.saturating_sub(SEARCHED as u64);
        let mut block = vec![0; (end - start) as usize];
        let read = read_fully(file, &mut block, start)?;
        let bytes = block.get(..read).unwrap_or_default();
        // The first line may begin before the block: it is searched with the next one.
        let skipped = match memchr(b'\n', bytes) {
            Some(first) if start > 0 && first + 1 < bytes.len() => first + 1,
            _ => 0,
        };
        let whole = bytes.get(skipped..).unwrap_or_default();
        if let Some(place) = last_in(whole, &search.pattern) {
            let place = start + (skipped + place) as u64;
            return start_of_line(file, place).map(Some);
        }
        end = start + skipped as u64;
        if !go_on(from - end) {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Where in whole lines the first one begins that holds the pattern.
fn first_in(lines: &[u8], pattern: &Regex) -> Option<usize> {
    if memchr(b'\x1b', lines).is_some() {
        return places(lines)
            .find(|(_, line)| is_shown(line, pattern))
            .map(|(at, _)| at);
    }
    let mut at = 0;
    while let Some(found) = pattern.find_at(lines, at) {
        let (start, end) = line_around(lines, found.start());
        // What was found may reach over the end of its line.
        if pattern.is_match(lines.get(start..end).unwrap_or_default()) {
            return Some(start);
        }
        at = end + 1;
        if at > lines.len() {
            break;
        }
    }
    None
}

fn last_in(lines: &[u8], pattern: &Regex) -> Option<usize> {
    // Most blocks hold nothing.
    first_in(lines, pattern)?;
    let mut end = lines.strip_suffix(b"\n").unwrap_or(lines).len();
    loop {
        let start = memrchr(b'\n', lines.get(..end)?).map_or(0, |at| at + 1);
        if is_shown(lines.get(start..end)?, pattern) {
            return Some(start);
        }
        end = start.checked_sub(1)?;
    }
}

/// As it is seen, without escape sequences.
fn is_shown(line: &[u8], pattern: &Regex) -> bool {
    if memchr(b'\x1b', line).is_some() {
        return pattern.is_match(plain_line(line).as_bytes());
    }
    pattern.is_match(line)
}

fn line_around(lines: &[u8], at: usize) -> (usize, usize) {
    let start = lines.get(..at).and_then(|it| memrchr(b'\n', it));
    let end = lines.get(at..).and_then(|it| memchr(b'\n', it));
    (
        start.map_or(0, |it| it + 1),
        end.map_or(lines.len(), |it| at + it),
    )
}

fn places(lines: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    lines
        .split_inclusive(|byte| *byte == b'\n')
        .map(move |line| {
            let start = at;
            at += line.len();
            (start, line.strip_suffix(b"\n").unwrap_or(line))
        })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use regex::bytes::RegexBuilder;

    use super::*;

    fn log(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn found(text: &[u8], pattern: &str, from: u64, direction: Direction) -> Option<u64> {
        let pattern = RegexBuilder::new(pattern).multi_line(true).build().unwrap();
        let wanted = Search {
            pattern,
            from,
            direction,
        };
        search(log(text).path(), &wanted, &mut |_| true).unwrap()
    }

    #[test]
    fn windows_are_cut_at_lines() {
        let file = log(b"a\nbb\nccc\ndd\ntorn");
        let texts = |at: u64, around| {
            let lines = window(file.as_file(), at, around).unwrap();
            let lines: Vec<String> = lines
                .iter()
                .map(|it| format!("{}:{}", it.at, it.text))
                .collect();
            lines.join(" ")
        };
        assert_eq!(texts(5, (1, 2)), "2:bb 5:ccc 9:dd");
        assert_eq!(texts(0, (3, 1)), "0:a");
        assert_eq!(texts(16, (2, 5)), "9:dd 12:torn");
        assert_eq!(texts(12, (9, 9)), "0:a 2:bb 5:ccc 9:dd 12:torn");
    }

    #[test]
    fn lines_are_found_both_ways_as_they_are_seen() {
        let text = b"one\ntwo error\nthree\n\x1b[31mer\x1b[0mror four\nfive\n";
        assert_eq!(found(text, "error", 0, Direction::Forward), Some(4));
        assert_eq!(found(text, "error", 14, Direction::Forward), Some(20));
        assert_eq!(found(text, "error", 5, Direction::Forward), Some(20));
        assert_eq!(
            found(text, "five", text.len() as u64 - 2, Direction::Forward),
            None
        );
        assert_eq!(found(text, "^error", 0, Direction::Forward), Some(20));
        assert_eq!(found(text, "error", 20, Direction::Backward), Some(4));
        assert_eq!(found(text, "five", 20, Direction::Backward), None);
        assert_eq!(found(text, "o\\s+t", 0, Direction::Forward), None);
    }

    #[test]
    fn a_match_in_a_later_block_is_found() {
        let mut text = b"plain line\n".repeat(400_000);
        let place = text.len() as u64;
        text.extend_from_slice(b"the needle\n");
        text.extend_from_slice(&b"plain line\n".repeat(400_000));
        assert_eq!(found(&text, "needle", 0, Direction::Forward), Some(place));
        let end = text.len() as u64;
        assert_eq!(
            found(&text, "needle", end, Direction::Backward),
            Some(place)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn a_search_finds_what_looking_at_every_line_finds(
            lines in proptest::collection::vec("[ab\\x1b\r]{0,5}", 0..30), at in 0_usize..30,
        ) {
            let text = lines.join("\n") + if lines.is_empty() { "" } else { "\n" };
            let mut places = vec![0_u64];
            for line in &lines {
                places.push(places.last().unwrap() + line.len() as u64 + 1);
            }
            let at = at.min(lines.len());
            let holds = |line: &usize| is_shown(lines[*line].as_bytes(), &Regex::new("ab").unwrap());
            let next = (at..lines.len()).find(holds).map(|line| places[line]);
            let before = (0..at).rev().find(holds).map(|line| places[line]);
            prop_assert_eq!(found(text.as_bytes(), "ab", places[at], Direction::Forward), next);
            prop_assert_eq!(found(text.as_bytes(), "ab", places[at], Direction::Backward), before);
        }
    }
}
