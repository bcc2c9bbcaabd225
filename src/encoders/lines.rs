//! Lines of a bounded length: a peer that never ends its line takes no memory.

use std::io::{self, BufRead};

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Without its end.
    Whole(Vec<u8>),
    /// Longer than the limit: read to its end and thrown away.
    TooLong,
    End,
}

/// Reads one line of at most `limit` bytes. A last line without an end counts.
pub fn read_line(reader: &mut impl BufRead, limit: usize) -> io::Result<Line> {
    let mut line = Vec::new();
    let mut is_too_long = false;
    let mut has_begun = false;
    loop {
        let buffer = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = buffer
            .get(..end.unwrap_or(buffer.len()))
            .unwrap_or_default();
        has_begun |= !buffer.is_empty();
        is_too_long |= line.len() + part.len() > limit;
        if is_too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        let is_last = end.is_some() || buffer.is_empty();
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if is_last {
            return Ok(match (has_begun, is_too_long) {
                (false, _) => Line::End,
                (true, true) => Line::TooLong,
                (true, false) => Line::Whole(line),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[track_caller]
    fn check(text: &str, limit: usize, expected: &[Line]) {
        let mut reader = BufReader::with_capacity(3, text.as_bytes());
        for line in expected {
            assert_eq!(read_line(&mut reader, limit).unwrap(), *line);
        }
        assert_eq!(read_line(&mut reader, limit).unwrap(), Line::End);
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_come_one_by_one() {
        check(
            "hello\n\nyou",
            9,
            &[whole("hello"), whole(""), whole("you")],
        );
    }

    #[test]
    fn the_limit_is_allowed() {
        check("12345\n", 5, &[whole("12345")]);
    }

    #[test]
    fn a_longer_line_is_skipped_and_the_next_is_read() {
        check("123456\nyes\n", 5, &[Line::TooLong, whole("yes")]);
    }

    #[test]
    fn a_longer_last_line_without_an_end_is_seen() {
        check("123456", 5, &[Line::TooLong]);
    }
}
