//! RawRows of CSV and TSV files, with quotes and line feeds inside fields, under a bound.
//!
//! `csv-core` does the parsing; this owns the buffers, because a quote that is never closed must
//! not pull the rest of a file into memory.

use std::io::{self, BufRead};
use std::rc::Rc;

use csv_core::{ReadRecordResult, ReaderBuilder};

use super::{MAX_ROW_BYTES, too_long};

/// One row of the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawRow {
    /// The line on which it begins.
    pub(crate) line: u64,
    /// Its fields in the order of the columns, or why they cannot be read.
    pub(crate) fields: Result<Vec<String>, String>,
}

pub(crate) struct Delimited<R> {
    reader: R,
    parser: csv_core::Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
    limit: usize,
    is_over: bool,
}

/// How much of the buffers a row has filled.
#[derive(Default)]
struct Filled {
    bytes: usize,
    fields: usize,
    /// Bytes that were read but not kept.
    dropped: u64,
}

impl<R: BufRead> Delimited<R> {
    pub(crate) fn new(reader: R) -> io::Result<Self> {
        Self::with_limit(reader, MAX_ROW_BYTES)
    }

    fn with_limit(mut reader: R, limit: usize) -> io::Result<Self> {
        let delimiter = delimiter_of(reader.fill_buf()?);
        Ok(Self {
            reader,
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            output: vec![0; limit.min(1 << 12)],
            ends: vec![0; 64],
            limit,
            is_over: false,
        })
    }

    /// The next row; blank lines are none.
    pub(crate) fn next(&mut self) -> io::Result<Option<RawRow>> {
        if self.is_over {
            return Ok(None);
        }
        let mut filled = Filled::default();
        self.skip_blank_lines()?;
        let line = self.parser.line();
        loop {
            let input = self.reader.fill_buf()?;
            let (result, read, written, ended) = self.parser.read_record(
                input,
                self.output.get_mut(filled.bytes..).unwrap_or_default(),
                self.ends.get_mut(filled.fields..).unwrap_or_default(),
            );
            self.reader.consume(read);
            filled.bytes += written;
            filled.fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.make_room(&mut filled),
                ReadRecordResult::OutputEndsFull => self.make_room_for_fields(&mut filled),
                ReadRecordResult::Record => {
                    return Ok(Some(RawRow {
                        line,
                        fields: self.fields(&filled),
                    }));
                }
                ReadRecordResult::End => {
                    self.is_over = true;
                    return Ok(None);
                }
            }
        }
    }

    /// Passes the ends of lines here and not in the parser, so that a row's line is the one on
    /// which its first field stands.
    fn skip_blank_lines(&mut self) -> io::Result<()> {
        loop {
            let input = self.reader.fill_buf()?;
            let count = input
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count();
            if count == 0 {
                return Ok(());
            }
            let feeds = input
                .iter()
                .take(count)
                .filter(|&&byte| byte == b'\n')
                .count();
            self.parser.set_line(self.parser.line() + feeds as u64);
            self.reader.consume(count);
        }
    }

    fn make_room(&mut self, filled: &mut Filled) {
        if filled.dropped > 0 || self.output.len() >= self.limit {
            filled.dropped += filled.bytes as u64;
            filled.bytes = 0;
        } else {
            self.output
                .resize((self.output.len() * 2).min(self.limit), 0);
        }
    }

    fn make_room_for_fields(&mut self, filled: &mut Filled) {
        if self.ends.len() >= self.limit {
            filled.dropped += filled.fields as u64;
            filled.fields = 0;
        } else {
            self.ends.resize((self.ends.len() * 2).min(self.limit), 0);
        }
    }

    fn fields(&mut self, filled: &Filled) -> Result<Vec<String>, String> {
        if filled.dropped > 0 {
            let bytes = filled.dropped + filled.bytes as u64;
            self.output = vec![0; self.limit.min(1 << 12)];
            return Err(format!("{}; is a quote not closed?", too_long(bytes)));
        }
        let mut start = 0;
        let mut fields = Vec::with_capacity(filled.fields);
        for &end in self.ends.iter().take(filled.fields) {
            let bytes = self.output.get(start..end).unwrap_or_default();
            let text = std::str::from_utf8(bytes)
                .map_err(|_| format!("invalid UTF-8 in column {}", fields.len() + 1))?;
            fields.push(text.to_owned());
            start = end;
        }
        Ok(fields)
    }
}

/// RawRows whose fields are called by the names in the first one.
pub(crate) struct Table<R> {
    rows: Delimited<R>,
    columns: Rc<Vec<String>>,
}

impl<R: BufRead> Table<R> {
    /// Reads the header. One that cannot be read is a header without columns.
    pub(crate) fn new(reader: R) -> io::Result<Self> {
        let mut rows = Delimited::new(reader)?;
        let header = rows.next()?.and_then(|row| row.fields.ok());
        let columns = header.unwrap_or_default();
        Ok(Self {
            rows,
            columns: Rc::new(columns.iter().map(|name| name.trim().to_owned()).collect()),
        })
    }

    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<NamedRow>> {
        let Some(row) = self.rows.next()? else {
            return Ok(None);
        };
        Ok(Some(NamedRow {
            line: row.line,
            fields: row.fields.map(|cells| Fields {
                columns: Rc::clone(&self.columns),
                cells,
            }),
        }))
    }
}

/// A row of a [`Table`].
pub(crate) struct NamedRow {
    pub(crate) line: u64,
    pub(crate) fields: Result<Fields, String>,
}

/// Cells by the name of their column. Column names are trimmed; of two columns with one name the
/// first counts; a row that is short lacks its last cells.
pub(crate) struct Fields {
    columns: Rc<Vec<String>>,
    cells: Vec<String>,
}

impl Fields {
    pub(crate) fn get(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.cells.get(at).map(String::as_str)
    }
}

/// A tab or a semicolon when the header has more of them than of commas.
fn delimiter_of(start: &[u8]) -> u8 {
    let header = start
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let count = |wanted: u8| header.split(|&byte| byte == wanted).count();
    [b'\t', b';']
        .into_iter()
        .find(|&candidate| count(candidate) > count(b','))
        .unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(input: &[u8], limit: usize) -> Vec<RawRow> {
        let reader = io::BufReader::with_capacity(64, input);
        let mut delimited = Delimited::with_limit(reader, limit).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = delimited.next().unwrap() {
            rows.push(row);
        }
        rows
    }

    #[track_caller]
    fn check(input: &str, expected: &[(u64, &[&str])]) {
        let found = read(input.as_bytes(), 1000);
        let expected: Vec<RawRow> = expected
            .iter()
            .map(|(line, fields)| RawRow {
                line: *line,
                fields: Ok(fields.iter().map(|&field| field.to_owned()).collect()),
            })
            .collect();
        assert_eq!(found, expected, "{input:?}");
    }

    #[test]
    fn quotes_commas_and_line_feeds_stay_in_their_field() {
        check(
            "a,b\r\n\r\n\"1,\n\"\"x\"\"\",2\n5\" tube,3",
            &[
                (1, &["a", "b"]),
                (3, &["1,\n\"x\"", "2"]),
                (5, &["5\" tube", "3"]),
            ],
        );
    }

    #[test]
    fn tabs_and_semicolons_are_seen_in_the_header() {
        check(
            "a\tb,c\td\n1\t2\t3",
            &[(1, &["a", "b,c", "d"]), (2, &["1", "2", "3"])],
        );
        check("a;b\n1;2", &[(1, &["a", "b"]), (2, &["1", "2"])]);
    }

    #[test]
    fn a_row_that_is_too_long_does_not_disturb_the_next() {
        let input = format!("a,b\n{},{}\nc,d\n", "x".repeat(300), "y".repeat(300));
        let rows = read(input.as_bytes(), 100);
        assert_eq!(rows.len(), 3);
        assert!(rows[1].fields.as_ref().unwrap_err().contains("long"));
        assert_eq!(rows[2].fields.as_ref().unwrap(), &["c", "d"]);
    }

    #[test]
    fn invalid_utf8_names_its_column() {
        let rows = read(b"a,b\n1,\xff\nc,d", 100);
        assert_eq!(rows[1].fields, Err("invalid UTF-8 in column 2".to_owned()));
        assert_eq!(rows[2].line, 3);
    }

    proptest! {
        #[test]
        fn fields_survive_quoting(
            rows in proptest::collection::vec(
                proptest::collection::vec("[a-c\",;\n\r\u{e9} ]{0,9}", 2..5), 1..6)
        ) {
            let quoted: Vec<String> = rows
                .iter()
                .map(|row| {
                    let cells: Vec<String> =
                        row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
                    cells.join(",")
                })
                .collect();
            // The header decides the delimiter.
            let input = format!("h,h,h,h,h,h,h,h,h,h,h,h\n{}", quoted.join("\n"));
            let found: Vec<Vec<String>> = read(input.as_bytes(), 1000)
                .into_iter()
                .skip(1)
                .map(|row| row.fields.unwrap())
                .collect();
            prop_assert_eq!(found, rows);
        }

        #[test]
        fn any_bytes_end(input in proptest::collection::vec(any::<u8>(), 0..300), limit in 4_usize..50) {
            read(&input, limit);
        }
    }
}
