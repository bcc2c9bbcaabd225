//! Lines of a text file.

use std::io::{self, BufRead, Read};

use super::{Content, MAX_ROW_BYTES, Row};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(crate) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    number: u64,
    limit: usize,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self::with_limit(reader, MAX_ROW_BYTES)
    }

    pub(crate) fn with_limit(reader: R, limit: usize) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            number: 0,
            limit,
        }
    }

    /// The next line that is not blank, without its end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        loop {
            self.buffer.clear();
            let allowed = self.limit as u64 + 1;
            let count = (&mut self.reader)
                .take(allowed)
                .read_until(b'\n', &mut self.buffer)?;
            if count == 0 {
                return Ok(None);
            }
            self.number += 1;
            if count as u64 == allowed && self.buffer.last() != Some(&b'\n') {
                let rest = skip_line(&mut self.reader)?;
                self.buffer = Vec::new();
                return Ok(Some(Row {
                    number: self.number,
                    name: None,
                    content: Content::TooLong {
                        bytes: count as u64 + rest,
                    },
                }));
            }
            if self.number == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.buffer.drain(..BYTE_ORDER_MARK.len());
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        Ok(Some(Row {
            number: self.number,
            name: None,
            content: Content::Whole(self.buffer.trim_ascii_end()),
        }))
    }
}

/// Reads past the end of the line; how many bytes that took, the line feed not counted.
fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut count = 0;
    loop {
        let chunk = match reader.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            return Ok(count);
        }
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let used = end.unwrap_or(chunk.len());
        count += used as u64;
        reader.consume(used + usize::from(end.is_some()));
        if end.is_some() {
            return Ok(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(input: &[u8], limit: usize) -> Vec<(u64, Result<Vec<u8>, u64>)> {
        // A capacity of 3 makes every line cross the buffer's border.
        let mut lines = Lines::with_limit(io::BufReader::with_capacity(3, input), limit);
        let mut rows = Vec::new();
        while let Some(row) = lines.next().unwrap() {
            rows.push((
                row.number,
                match row.content {
                    Content::Whole(bytes) => Ok(bytes.to_vec()),
                    Content::TooLong { bytes } => Err(bytes),
                },
            ));
        }
        rows
    }

    #[test]
    fn blank_lines_are_counted_but_not_rows() {
        assert_eq!(
            read(b"\xef\xbb\xbfa\r\n\n  \nb", 10),
            [(1, Ok(b"a".to_vec())), (4, Ok(b"b".to_vec()))]
        );
    }

    #[test]
    fn a_line_that_is_too_long_does_not_disturb_the_next() {
        assert_eq!(
            read(b"12345\n123456\n1234567890\nab\n", 5),
            [
                (1, Ok(b"12345".to_vec())),
                (2, Err(6)),
                (3, Err(10)),
                (4, Ok(b"ab".to_vec()))
            ]
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_where_the_line_feeds_are(
            input in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200),
            limit in 1_usize..40,
        ) {
            let mut expected = Vec::new();
            for (at, line) in input.split(|&byte| byte == b'\n').enumerate() {
                let line = if at == 0 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
                if line.len() > limit {
                    expected.push((at as u64 + 1, None));
                } else if !line.trim_ascii().is_empty() {
                    expected.push((at as u64 + 1, Some(line.trim_ascii_end().to_vec())));
                }
            }
            let found: Vec<_> = read(&input, limit)
                .into_iter()
                .map(|(number, content)| (number, content.ok()))
                .collect();
            // The mark at the start counts towards the limit of the first line only.
            prop_assume!(!input.starts_with(BYTE_ORDER_MARK));
            prop_assert_eq!(found, expected);
        }
    }
}
