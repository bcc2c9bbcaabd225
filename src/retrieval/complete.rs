//! What could stand at the cursor of a query: fields, flags, and values with their counts.

use semihv_domain::{FacetCount, Modality, QuestionKind, Tag, Verdict};

use crate::query::{Field, has_names, is_quote};
use crate::{Index, SearchError};

const MOST_COMPLETIONS: usize = 50;

/// One offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What replaces the characters `from..to` of the query.
    pub insert: String,
    pub about: String,
    pub from: usize,
    pub to: usize,
}

/// The piece of the query under the cursor.
#[derive(Debug, PartialEq, Eq)]
struct Cursor {
    /// The field whose value is being written.
    field: Option<Field>,
    /// What stands before the cursor, without a quotation mark.
    written: String,
    from: usize,
    to: usize,
}

impl Index {
    /// Offers for the cursor at `column` (characters from 0), the likeliest first. `tags` are
    /// those in use with their counts.
    pub fn complete(
        &self,
        text: &str,
        column: usize,
        tags: &[(Tag, u64)],
    ) -> Result<Vec<Completion>, SearchError> {
        let cursor = cursor(text, column);
        let offers = match cursor.field {
            None => words(),
            Some(Field::Tag) => tags
                .iter()
                .map(|(tag, count)| (tag.to_string(), counted(*count)))
                .collect(),
            Some(field) => self.values_offered(field)?,
        };
        Ok(chosen(offers, &cursor))
    }

    fn values_offered(&self, field: Field) -> Result<Vec<(String, String)>, SearchError> {
        let mut values = match field {
            Field::Key | Field::Id | Field::Tag => Vec::new(),
            field => self.values(field.name())?,
        };
        let closed: Vec<&str> = match field {
            Field::Modality => Modality::ALL.map(Modality::name).to_vec(),
            Field::Has => has_names().collect(),
            Field::Type => [QuestionKind::Closed, QuestionKind::Open]
                .map(QuestionKind::name)
                .to_vec(),
            _ => Vec::new(),
        };
        for name in closed {
            if !values.iter().any(|value| value.value == name) {
                values.push(FacetCount {
                    value: name.to_owned(),
                    count: 0,
                });
            }
        }
        let offers = values.into_iter().map(|value| {
            let is_live = field == Field::Has && matches!(value.value.as_str(), "note" | "tag");
            let about = if is_live {
                "set by people".to_owned()
            } else {
                counted(value.count)
            };
            (quoted_if_needed(&value.value), about)
        });
        Ok(offers.collect())
    }
}

fn words() -> Vec<(String, String)> {
    let fields = Field::ALL.map(Field::about).map(|field| {
        let about = format!("{}, {}", field.about, field.example);
        (format!("{}:", field.name), about)
    });
    let verdicts = Verdict::ALL.map(|verdict| {
        let about = format!("rows with an answer that is {}", verdict.name());
        (verdict.name().to_owned(), about)
    });
    let operators = [
        ("OR", "either side"),
        ("NOT", "what does not match, also `-`"),
    ];
    let operators = operators.map(|(name, about)| (name.to_owned(), about.to_owned()));
    fields
        .into_iter()
        .chain(verdicts)
        .chain(operators)
        .collect()
}

/// Those that begin as written, then those that contain it.
fn chosen(offers: Vec<(String, String)>, cursor: &Cursor) -> Vec<Completion> {
    let written = cursor.written.to_lowercase();
    let bare = |insert: &str| insert.trim_start_matches(is_quote).to_lowercase();
    let (first, rest): (Vec<_>, Vec<_>) = offers
        .into_iter()
        .filter(|(insert, _)| bare(insert).contains(&written))
        .partition(|(insert, _)| bare(insert).starts_with(&written));
    first
        .into_iter()
        .chain(rest)
        .take(MOST_COMPLETIONS)
        .map(|(insert, about)| Completion {
            insert,
            about,
            from: cursor.from,
            to: cursor.to,
        })
        .collect()
}

fn cursor(text: &str, column: usize) -> Cursor {
    let chars: Vec<char> = text.chars().collect();
    let column = column.min(chars.len());
    let mut from = 0;
    let mut field = None;
    let mut is_quoted = false;
    for (at, &c) in chars.iter().enumerate().take(column) {
        let next = at + 1;
        if is_quote(c) {
            is_quoted = !is_quoted;
        }
        if is_quoted || is_quote(c) {
            continue;
        }
        if c.is_whitespace() || c == '(' || c == ')' {
            (from, field) = (next, None);
        } else if c == '-' && at == from && field.is_none() {
            from = next;
        } else if c == ':' && field.is_none() {
            let name: String = chars.get(from..at).unwrap_or_default().iter().collect();
            if let Some(known) = Field::parse(&name) {
                (from, field) = (next, Some(known));
            }
        } else if c == ',' && field.is_some() {
            from = next;
        }
    }
    let behind = chars.iter().skip(column);
    let length = behind
        .take_while(|&&c| {
            let is_end = c.is_whitespace() || matches!(c, '(' | ')' | ',');
            if is_quoted { !is_quote(c) } else { !is_end }
        })
        .count();
    let mut to = column + length;
    if is_quoted && chars.get(to).copied().is_some_and(is_quote) {
        to += 1;
    }
    let written: String = chars.get(from..column).unwrap_or_default().iter().collect();
    Cursor {
        field,
        written: written.trim_start_matches(is_quote).to_owned(),
        from,
        to,
    }
}

fn quoted_if_needed(value: &str) -> String {
    let is_plain =
        |c: char| !c.is_whitespace() && !is_quote(c) && !matches!(c, '(' | ')' | ',' | '\\');
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    let mut quoted = String::from('"');
    for c in value.chars() {
        if is_quote(c) || c == '\\' {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

fn counted(count: u64) -> String {
    match count {
        0 => "none".to_owned(),
        // Of the whole index, whatever list the query is for.
        1 => "1 in all".to_owned(),
        many => format!("{many} in all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, column: usize, field: Option<&str>, written: &str, range: (usize, usize)) {
        let found = cursor(text, column);
        assert_eq!(found.field.map(Field::name), field, "field in {text}");
        assert_eq!(found.written, written, "written in {text}");
        assert_eq!((found.from, found.to), range, "range in {text}");
    }

    #[test]
    fn a_word_is_completed_as_a_field() {
        check("mod", 3, None, "mod", (0, 3));
        check("lung -mod", 9, None, "mod", (6, 9));
    }

    #[test]
    fn behind_a_colon_stand_values() {
        check("modality:C", 10, Some("modality"), "C", (9, 10));
        check("(source:a,sl", 12, Some("source"), "sl", (10, 12));
    }

    #[test]
    fn a_quoted_value_may_hold_blanks() {
        check("part:\"left l\" x", 12, Some("part"), "left l", (5, 13));
    }

    #[test]
    fn the_word_under_the_cursor_is_replaced_whole() {
        check("sour lung", 2, None, "so", (0, 4));
    }

    #[test]
    fn columns_beyond_the_text_are_its_end() {
        check("肺 mo", 99, None, "mo", (2, 4));
    }

    #[test]
    fn values_with_blanks_are_quoted() {
        assert_eq!(quoted_if_needed("left lung"), "\"left lung\"");
        assert_eq!(quoted_if_needed("CC-BY"), "CC-BY");
        assert_eq!(quoted_if_needed("a\"b c"), "\"a\\\"b c\"");
    }
}
