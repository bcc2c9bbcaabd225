//! Rows of `nvidia-smi --query-…`: fields between comma and blank, named by a header whose names
//! carry their units. Names decide, never the order.

use std::ops::Range;

/// Longer lines are no rows.
pub(super) const LONGEST: usize = 16 << 10;
/// Of a text from outside that is kept.
const LONGEST_TEXT: usize = 200;

/// Which column is which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    names: Vec<String>,
}

impl Header {
    /// A line that names this field: `index, memory.used [MiB]`.
    pub(super) fn parse(line: &str, wanted: &str) -> Option<Self> {
        let names: Vec<String> = fields(line).map(bare).map(str::to_owned).collect();
        names
            .iter()
            .any(|name| name == wanted)
            .then_some(Self { names })
    }

    /// The values of a row; none where it has fewer than the header. What is too much belongs to the
    /// column `wide`, whose text may hold commas.
    pub(super) fn row<'a>(&'a self, line: &'a str, wide: Option<&str>) -> Option<Row<'a>> {
        let values: Vec<&str> = fields(line).collect();
        let surplus = values.len().checked_sub(self.names.len())?;
        if surplus == 0 {
            return Some(Row {
                names: self,
                values,
            });
        }
        let at = self
            .names
            .iter()
            .position(|name| Some(name.as_str()) == wide)?;
        let joined = span(line, &values, at..at + surplus + 1)?;
        let before = values.get(..at)?.iter().copied();
        let after = values.get(at + surplus + 1..)?.iter().copied();
        let values = before.chain([joined]).chain(after).collect();
        Some(Row {
            names: self,
            values,
        })
    }
}

/// From the first to the last of some neighbouring fields.
fn span<'a>(line: &'a str, values: &[&str], of: Range<usize>) -> Option<&'a str> {
    let offset = |text: &str| (text.as_ptr() as usize).checked_sub(line.as_ptr() as usize);
    let first = values.get(of.start)?;
    let last = values.get(of.end.checked_sub(1)?)?;
    line.get(offset(first)?..offset(last)? + last.len())
}

/// A row under its header.
pub(super) struct Row<'a> {
    names: &'a Header,
    values: Vec<&'a str>,
}

impl Row<'_> {
    /// As it stands there.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        let at = self.names.names.iter().position(|known| known == name)?;
        self.values.get(at).copied()
    }

    /// None for `[N/A]` and its kin.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        said(self.raw(name)?)
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        number(self.raw(name)?)
    }

    pub(super) fn count(&self, name: &str) -> Option<u64> {
        count(self.raw(name)?)
    }

    pub(super) fn values(&self) -> &[&str] {
        &self.values
    }
}

fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.trim_end().split(", ").map(str::trim)
}

/// `memory.used [MiB]` is `memory.used`.
fn bare(name: &str) -> &str {
    name.split(" [").next().unwrap_or(name).trim()
}

/// What a tool writes where it has nothing to say is nothing: `[N/A]`, `[Not Supported]`,
/// `[Requested functionality has been deprecated]`, `[Unknown Error]`, `N/A`, `ERR!`.
pub(super) fn said(text: &str) -> Option<String> {
    let text = text.trim();
    let is_silent = text.is_empty()
        || text.starts_with('[')
        || matches!(text, "N/A" | "n/a" | "ERR!" | "Unknown Error" | "None");
    if is_silent {
        return None;
    }
    Some(text.chars().take(LONGEST_TEXT).collect())
}

/// With its unit or without: `631.95`, `631.95 W`.
pub(super) fn number(text: &str) -> Option<f64> {
    let word = text.split_ascii_whitespace().next()?;
    word.parse().ok().filter(|value: &f64| value.is_finite())
}

pub(super) fn count(text: &str) -> Option<u64> {
    let value = number(text)?;
    (0.0..=9e15).contains(&value).then_some(value as u64)
}
