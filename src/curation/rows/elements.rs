//! Elements of a JSON file that is one big array, or members of one big object, without ever
//! holding the file.
//!
//! This cuts; `serde_json` parses what was cut. Cutting knows only strings and brackets, so one
//! malformed element is one skipped row and not the end of the import.

use std::io::{self, BufRead};

use super::{Content, CutError, MAX_ROW_BYTES, Row};

/// What a `.json` file is at its top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `[{…}, {…}]`
    Array,
    /// `{"summary": 0.8, "rows": [{…}, {…}]}`: the array is what counts.
    ObjectAroundArray,
    /// `{"q1": …, "q2": …}`
    Object,
    /// Several values one after another: JSON lines under another name.
    Lines,
}

/// Looks through a whole file to see what it is.
pub(crate) fn shape(reader: impl BufRead) -> Result<Shape, CutError> {
    let mut source = Source::new(reader);
    let shape = match source.next_significant()? {
        Some(b'[') => return Ok(Shape::Array),
        Some(b'{') => {
            let mut has_array = false;
            source.bump()?;
            while let Some(next) = source.member_or_end(b'}')? {
                if next != b'"' {
                    return Err(source.error("expected a member's name in quotes"));
                }
                source.value(None)?;
                source.expect(b':', "expected `:` after a member's name")?;
                has_array |= source.next_significant()? == Some(b'[');
                source.value(None)?;
            }
            if has_array {
                Shape::ObjectAroundArray
            } else {
                Shape::Object
            }
        }
        Some(_) => return Err(source.error("expected `[` or `{`")),
        None => return Err(source.error("the file is empty")),
    };
    match source.next_significant()? {
        Some(_) => Ok(Shape::Lines),
        None => Ok(shape),
    }
}

/// The rows of a JSON array, of the arrays in a JSON object, or the object's own members.
pub(crate) struct Elements<R> {
    source: Source<R>,
    buffer: Vec<u8>,
    name: String,
    number: u64,
    limit: usize,
    at: At,
    members: Members,
}

/// Whether the plain members of a top-level object are rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    Rows,
    PassedOver,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    InArray { inside_object: bool },
    InObject,
    End,
}

impl<R: BufRead> Elements<R> {
    /// Yields the elements of arrays; plain members of an object around them are passed over.
    pub(crate) fn new(reader: R) -> Self {
        Self::with(reader, Members::PassedOver, MAX_ROW_BYTES)
    }

    /// Yields the members of an object, with their names.
    pub(crate) fn with_members(reader: R) -> Self {
        Self::with(reader, Members::Rows, MAX_ROW_BYTES)
    }

    fn with(reader: R, members: Members, limit: usize) -> Self {
        Self {
            source: Source::new(reader),
            buffer: Vec::new(),
            name: String::new(),
            number: 0,
            limit,
            at: At::Start,
            members,
        }
    }

    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, CutError> {
        loop {
            match self.at {
                At::Start => self.enter()?,
                At::InArray { inside_object } => {
                    if self.source.member_or_end(b']')?.is_some() {
                        self.name.clear();
                        return self.cut().map(Some);
                    }
                    self.at = if inside_object { At::InObject } else { At::End };
                }
                At::InObject => {
                    let Some(first) = self.source.member_or_end(b'}')? else {
                        self.at = At::End;
                        continue;
                    };
                    self.read_name(first)?;
                    if self.members == Members::Rows {
                        return self.cut().map(Some);
                    }
                    if self.source.next_significant()? == Some(b'[') {
                        self.source.bump()?;
                        self.source.is_first = true;
                        self.at = At::InArray {
                            inside_object: true,
                        };
                    } else {
                        self.source.value(None)?;
                    }
                }
                At::End => return Ok(None),
            }
        }
    }

    fn enter(&mut self) -> Result<(), CutError> {
        self.at = match self.source.next_significant()? {
            Some(b'[') => At::InArray {
                inside_object: false,
            },
            Some(b'{') => At::InObject,
            _ => return Err(self.source.error("expected `[` or `{`")),
        };
        self.source.bump()?;
        Ok(())
    }

    fn read_name(&mut self, first: u8) -> Result<(), CutError> {
        if first != b'"' {
            return Err(self.source.error("expected a member's name in quotes"));
        }
        self.buffer.clear();
        self.source.value(Some((&mut self.buffer, self.limit)))?;
        self.name = serde_json::from_slice(&self.buffer)
            .map_err(|_| self.source.error("a member's name is not a JSON text"))?;
        self.source
            .expect(b':', "expected `:` after a member's name")
    }

    fn cut(&mut self) -> Result<Row<'_>, CutError> {
        self.buffer.clear();
        self.number += 1;
        let bytes = self.source.value(Some((&mut self.buffer, self.limit)))?;
        let content = if bytes > self.limit as u64 {
            self.buffer = Vec::new();
            Content::TooLong { bytes }
        } else {
            Content::Whole(&self.buffer)
        };
        Ok(Row {
            number: self.number,
            name: (!self.name.is_empty()).then_some(self.name.as_str()),
            content,
        })
    }
}

/// Bytes with one byte of look-ahead and a position.
struct Source<R> {
    reader: R,
    byte: u64,
    /// No comma is due: the array or object has just been opened.
    is_first: bool,
}

impl<R: BufRead> Source<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            byte: 0,
            is_first: true,
        }
    }

    fn error(&self, why: &'static str) -> CutError {
        CutError::NotJson {
            byte: self.byte + 1,
            why,
        }
    }

    fn chunk(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.reader.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.reader.consume(count);
        self.byte += count as u64;
    }

    fn bump(&mut self) -> io::Result<()> {
        if !self.chunk()?.is_empty() {
            self.consume(1);
        }
        Ok(())
    }

    /// The next byte that is no white space, still unread.
    fn next_significant(&mut self) -> io::Result<Option<u8>> {
        loop {
            // A byte order mark is not JSON, but Windows tools write it; its bytes occur nowhere
            // else outside strings.
            let is_start = self.byte < 3;
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let blank = |byte: u8| {
                byte.is_ascii_whitespace() || (is_start && matches!(byte, 0xef | 0xbb | 0xbf))
            };
            let found = chunk.iter().position(|&byte| !blank(byte));
            let significant = found.and_then(|at| chunk.get(at).copied());
            let used = found.unwrap_or(chunk.len());
            self.consume(used);
            if significant.is_some() {
                return Ok(significant);
            }
        }
    }

    fn expect(&mut self, wanted: u8, why: &'static str) -> Result<(), CutError> {
        match self.next_significant()? {
            Some(found) if found == wanted => Ok(self.bump()?),
            Some(_) => Err(self.error(why)),
            None => Err(self.error("the file ends too early")),
        }
    }

    /// Steps over the comma and stands on the next element's first byte, or passes the end.
    fn member_or_end(&mut self, end: u8) -> Result<Option<u8>, CutError> {
        let mut next = self.next_significant()?;
        if next == Some(end) {
            self.bump()?;
            self.is_first = false;
            return Ok(None);
        }
        if !std::mem::take(&mut self.is_first) {
            self.expect(b',', "expected a comma or the end")?;
            next = self.next_significant()?;
        }
        match next {
            Some(b',' | b']' | b'}' | b':') => Err(self.error("expected a value")),
            Some(first) => Ok(Some(first)),
            None => Err(self.error("the file ends too early")),
        }
    }

    /// Reads one value; keeps its bytes up to the limit. The value's length in bytes.
    fn value(&mut self, mut keep: Option<(&mut Vec<u8>, usize)>) -> Result<u64, CutError> {
        self.next_significant()?;
        let mut scan = Scan::default();
        let mut length = 0_u64;
        while !scan.is_over {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                if scan.is_bare() && length > 0 {
                    break;
                }
                return Err(self.error("the file ends too early"));
            }
            let used = scan.advance(chunk);
            if let Some((buffer, limit)) = &mut keep {
                let room = (*limit + 1).saturating_sub(buffer.len());
                buffer.extend(chunk.iter().take(used.min(room)));
            }
            length += used as u64;
            self.consume(used);
        }
        Ok(length)
    }
}

/// How far into a value a scan is.
#[derive(Default)]
struct Scan {
    depth: u64,
    in_string: bool,
    is_escaped: bool,
    has_begun: bool,
    is_over: bool,
}

impl Scan {
    /// In a number or a word, which nothing but the next delimiter ends.
    fn is_bare(&self) -> bool {
        self.depth == 0 && !self.in_string
    }

    /// How many bytes of the chunk belong to the value.
    fn advance(&mut self, chunk: &[u8]) -> usize {
        for (at, &byte) in chunk.iter().enumerate() {
            if self.in_string {
                self.in_string = self.is_escaped || byte != b'"';
                self.is_escaped = byte == b'\\' && !self.is_escaped;
                if !self.in_string && self.depth == 0 {
                    self.is_over = true;
                    return at + 1;
                }
                continue;
            }
            match byte {
                b'"' if self.depth > 0 || !self.has_begun => self.in_string = true,
                b'{' | b'[' if self.depth > 0 || !self.has_begun => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.is_over = true;
                        return at + 1;
                    }
                }
                b',' | b':' | b'}' | b']' | b'"' | b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n'
                    if self.depth == 0 =>
                {
                    self.is_over = true;
                    return at;
                }
                _ => {}
            }
            self.has_begun = true;
        }
        chunk.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(input: &[u8], members: Members, limit: usize) -> Result<Vec<(String, String)>, String> {
        let reader = io::BufReader::with_capacity(3, input);
        let mut elements = Elements::with(reader, members, limit);
        let mut rows = Vec::new();
        loop {
            match elements.next() {
                Ok(Some(row)) => rows.push((
                    row.name.unwrap_or_default().to_owned(),
                    match row.content {
                        Content::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                        Content::TooLong { bytes } => format!("<{bytes}>"),
                    },
                )),
                Ok(None) => return Ok(rows),
                Err(CutError::NotJson { byte, why }) => return Err(format!("{byte}: {why}")),
                Err(CutError::Read(error)) => return Err(error.to_string()),
            }
        }
    }

    #[track_caller]
    fn check(input: &str, expected: &[&str]) {
        let rows = cut(input.as_bytes(), Members::PassedOver, 100).unwrap();
        let texts: Vec<&str> = rows.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, expected, "{input}");
    }

    #[test]
    fn elements_are_cut_at_their_own_commas() {
        check("[]", &[]);
        check(
            " [ 1 , \"a,]\" ,[2,3],{\"b\":[4]} ] ",
            &["1", "\"a,]\"", "[2,3]", "{\"b\":[4]}"],
        );
        check(r#"["\"", "\\"]"#, &[r#""\"""#, r#""\\""#]);
        check("\u{feff}[true,null]", &["true", "null"]);
    }

    #[test]
    fn rows_inside_an_object_are_found_and_its_figures_are_not_rows() {
        check(
            r#"{"n": 2, "per": {"x": [9]}, "rows": [1, 2], "end": "e"}"#,
            &["1", "2"],
        );
        check(r#"{"a": [1], "b": [], "c": [2]}"#, &["1", "2"]);
    }

    #[test]
    fn members_come_with_their_names() {
        let rows = cut(
            br#"{"q1": "yes", "q\u0032": {"answer": "no"}}"#,
            Members::Rows,
            100,
        );
        let expected = [("q1", "\"yes\""), ("q2", "{\"answer\": \"no\"}")];
        assert_eq!(
            rows.unwrap(),
            expected.map(|(name, text)| (name.to_owned(), text.to_owned()))
        );
    }

    #[test]
    fn an_element_that_is_too_long_does_not_disturb_the_next() {
        let rows = cut(br#"["123456789", 1]"#, Members::PassedOver, 5).unwrap();
        assert_eq!(rows[0].1, "<11>");
        assert_eq!(rows[1].1, "1");
    }

    #[test]
    fn a_file_that_ends_too_early_says_where() {
        for input in ["[1, 2", "[1, {\"a\"", "[\"a", "[1,"] {
            let said = cut(input.as_bytes(), Members::PassedOver, 100).unwrap_err();
            assert!(said.ends_with("the file ends too early"), "{input}: {said}");
        }
        assert_eq!(
            cut(b"[1 2]", Members::PassedOver, 9).unwrap_err(),
            "4: expected a comma or the end"
        );
    }

    #[test]
    fn shapes_are_told_apart() {
        let of = |text: &str| shape(text.as_bytes()).unwrap();
        assert_eq!(of("[1]"), Shape::Array);
        assert_eq!(of("{\"a\": 1, \"b\": [2]}"), Shape::ObjectAroundArray);
        assert_eq!(of("{\"a\": \"[\"}\n"), Shape::Object);
        assert_eq!(of("{\"a\": 1}\n{\"a\": 2}"), Shape::Lines);
        assert!(shape(&b"{\"a\" 1}"[..]).is_err());
        assert!(shape(&b""[..]).is_err());
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<i64>().prop_map(Into::into),
            any::<bool>().prop_map(Into::into),
            ".{0,12}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                proptest::collection::vec((".{0,6}", inner), 0..6)
                    .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_cut_is_what_serde_reads(values in proptest::collection::vec(json(), 0..8)) {
            let text = serde_json::to_string_pretty(&values).unwrap();
            let rows = cut(text.as_bytes(), Members::PassedOver, 1 << 20).unwrap();
            let read: Vec<serde_json::Value> = rows
                .iter()
                .map(|(_, row)| serde_json::from_str(row).unwrap())
                .collect();
            prop_assert_eq!(read, values);
        }

        #[test]
        fn any_bytes_end_in_rows_or_an_error(input in "[\\[\\]{}\",:\\\\ a1\u{e9}]{0,60}") {
            let _ = cut(input.as_bytes(), Members::PassedOver, 8);
            let _ = cut(input.as_bytes(), Members::Rows, 8);
            let _ = shape(input.as_bytes());
        }
    }
}
