//! Where the lines of a log begin: the place of every 1,024th is kept.

use std::fs::File;
use std::io;

use memchr::{memchr_iter, memrchr};
use semihv_domain::MetricPoint;
use serde::{Deserialize, Serialize};

use crate::log_file::read_fully;
use crate::series::Series;

/// The series whose steps are numbers of lines and whose lines are the places where they begin.
const MARKS: &str = "_lines";
const LINES_OF_MARK: u64 = 1024;
const BLOCK: usize = 1 << 20;
/// Counted at once; only where a mark is due are places of single lines looked for.
const COUNTED: usize = 8 << 10;
/// So many bytes behind what was looked at are counted whenever they are asked for: a millisecond.
const COUNTED_BEYOND: u64 = 4 << 20;

/// How far the lines are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LineIndex {
    /// Bytes that were looked at.
    pub(crate) offset: u64,
    /// Line ends in them.
    pub(crate) lines: u64,
}

impl LineIndex {
    /// Looks at `most` more bytes.
    pub(crate) fn advance(&mut self, file: &File, most: u64, marks: &mut Series) -> io::Result<()> {
        let Some(column) = marks.column(MARKS) else {
            return Ok(());
        };
        let mut block = vec![0; BLOCK.min(most as usize)];
        let end = self.offset + most;
        while self.offset < end {
            let read = read_fully(file, &mut block, self.offset)?;
            let Some(bytes) = block.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return Ok(());
            };
            for part in bytes.chunks(COUNTED) {
                self.count(part, (column, marks));
            }
        }
        Ok(())
    }

    fn count(&mut self, part: &[u8], (column, marks): (usize, &mut Series)) {
        let ends = memchr_iter(b'\n', part).count() as u64;
        let due = (self.lines / LINES_OF_MARK + 1) * LINES_OF_MARK;
        if self.lines + ends >= due {
            for (line, end) in (self.lines + 1..).zip(memchr_iter(b'\n', part)) {
                if line % LINES_OF_MARK == 0 {
                    marks.push(
                        column,
                        MetricPoint {
                            step: line,
                            value: 0.0,
                            line: self.offset + end as u64 + 1,
                        },
                    );
                }
            }
        }
        self.lines += ends;
        self.offset += part.len() as u64;
    }

    /// The number of the line that begins at `offset`; `None` far behind what was counted.
    pub(crate) fn line_at(
        &self,
        file: &File,
        offset: u64,
        marks: &Series,
    ) -> io::Result<Option<u64>> {
        if offset > self.offset + COUNTED_BEYOND {
            return Ok(None);
        }
        let (mut line, mut at) = if offset > self.offset {
            (self.lines, self.offset)
        } else {
            let mark = marks.mark(MARKS, |point| point.line <= offset)?;
            mark.map_or((0, 0), |point| (point.step, point.line))
        };
        let mut block = vec![0; 64 << 10];
        while at < offset {
            let length = block.len().min((offset - at) as usize);
            let read = read_fully(file, block.get_mut(..length).unwrap_or_default(), at)?;
            let Some(bytes) = block.get(..read).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            line += memchr_iter(b'\n', bytes).count() as u64;
            at += read as u64;
        }
        Ok(Some(line))
    }
}

/// Where a line begins; the end of what was counted where there are fewer.
pub(crate) fn place_of(file: &File, line: u64, marks: &Series) -> io::Result<u64> {
    let mark = marks.mark(MARKS, |point| point.step <= line)?;
    let (mut number, mut at) = mark.map_or((0, 0), |point| (point.step, point.line));
    let mut block = vec![0; 64 << 10];
    while number < line {
        let read = read_fully(file, &mut block, at)?;
        let Some(bytes) = block.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        let ends = memchr_iter(b'\n', bytes).take((line - number) as usize);
        let (count, last) = ends.fold((0, None), |(count, _), end| (count + 1, Some(end)));
        number += count;
        at += match last {
            Some(end) if number == line => end as u64 + 1,
            _ => read as u64,
        };
    }
    Ok(at)
}

/// Where the line begins that `offset` lies in.
pub(crate) fn start_of_line(file: &File, offset: u64) -> io::Result<u64> {
    let mut block = vec![0; 64 << 10];
    let mut end = offset;
    while end > 0 {
        let length = block.len().min(end as usize);
        let start = end - length as u64;
        let part = block.get_mut(..length).unwrap_or_default();
        let read = read_fully(file, part, start)?;
        if let Some(at) = block.get(..read).and_then(|part| memrchr(b'\n', part)) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_line_is_found_by_number_and_place() {
        let mut file = tempfile::tempfile().unwrap();
        let mut places = vec![0_u64];
        let mut text = Vec::new();
        for line in 0..5000_u64 {
            text.extend(std::iter::repeat_n(b'x', (line * 7 % 90) as usize));
            text.push(b'\n');
            places.push(text.len() as u64);
        }
        file.write_all(&text).unwrap();
        let (mut index, mut marks) = (LineIndex::default(), Series::default());
        for most in [1, 1000, 70_000, 500_000] {
            index.advance(&file, most, &mut marks).unwrap();
        }
        assert_eq!((index.lines, index.offset), (5000, text.len() as u64));
        for line in (0..5000_u64).step_by(13).chain([1023, 1024, 1025, 4096]) {
            let place = places[line as usize];
            assert_eq!(place_of(&file, line, &marks).unwrap(), place);
            assert_eq!(index.line_at(&file, place, &marks).unwrap(), Some(line));
            assert_eq!(start_of_line(&file, place).unwrap(), place);
        }
        assert_eq!(place_of(&file, 9000, &marks).unwrap(), index.offset);
        let nothing = LineIndex::default();
        let last = index.offset;
        assert_eq!(nothing.line_at(&file, last, &marks).unwrap(), Some(5000));
        let far = last + COUNTED_BEYOND + 1;
        assert_eq!(index.line_at(&file, far, &marks).unwrap(), None);
    }
}
