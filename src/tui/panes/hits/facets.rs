//! What the candidates are, counted, instead of the hits: a choice narrows the filter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::{Facet, FacetCount, Failure};
use semihv_engine::{Query, Reply};

use super::State;
use crate::action::Effect;
use crate::notice;
use crate::panes::guidelines::reason;
use crate::pen::{Pen, grouped};
use crate::reader;
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

/// Values of a facet that are shown.
const VALUES: usize = 12;
const BAR: u16 = 12;

/// A value that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    facet: Facet,
    text: String,
    count: u64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Facets {
    values: Load<Vec<Value>>,
    cursor: usize,
}

/// Opens them, or closes them.
pub(super) fn toggle(state: &mut State) -> Option<Effect> {
    if state.facets.take().is_some() {
        return None;
    }
    let spec = state.spec.clone()?;
    let mut facets = Facets::default();
    facets.values.reload();
    state.facets = Some(facets);
    Some(Effect::Ask(
        state.facets_slot.ask(),
        Query::RetrievedFacets(spec),
    ))
}

pub(super) fn reply(facets: &mut Facets, reply: &Result<Reply, Failure>) {
    let outcome = match reply {
        Ok(Reply::RetrievedFacets(counted)) => Ok(values(counted)),
        Ok(_) => return,
        Err(failure) => Err(failure.clone()),
    };
    facets.values.settle(outcome);
}

fn values(counted: &[(Facet, Vec<FacetCount>)]) -> Vec<Value> {
    let each = counted.iter().flat_map(|(facet, counts)| {
        counts.iter().take(VALUES).map(|counted| Value {
            facet: *facet,
            text: counted.value.clone(),
            count: counted.count,
        })
    });
    each.collect()
}

impl Facets {
    pub(super) fn move_cursor(&mut self, msg: reader::Msg) {
        let last = self.values.value().map_or(0, Vec::len).saturating_sub(1);
        self.cursor = super::moved_to(msg, self.cursor, last);
    }

    /// As the query language writes the value under the cursor.
    pub(super) fn chosen(&self) -> Option<String> {
        let value = self.values.value()?.get(self.cursor)?;
        Some(term(value.facet, &value.text))
    }
}

/// `source:ngc`, `licence:"CC BY 4.0"`.
fn term(facet: Facet, value: &str) -> String {
    let field = facet.field();
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if value.chars().all(is_plain) {
        return format!("{field}:{value}");
    }
    format!("{field}:\"{}\"", value.replace('"', " "))
}

/// Narrows the filter by the chosen value, once.
pub(super) fn narrowed(filter: &str, term: &str) -> String {
    if filter.split_whitespace().any(|known| known == term) {
        return filter.to_owned();
    }
    let filter = filter.trim();
    if filter.is_empty() {
        return term.to_owned();
    }
    // An alternative must not swallow what is added.
    if filter.contains(" OR ") {
        return format!("({filter}) {term}");
    }
    format!("{filter} {term}")
}

pub(super) fn view(
    facets: &Facets,
    (shared, theme): (&Shared, &Theme),
    area: Rect,
    buffer: &mut Buffer,
) {
    let values = match &facets.values {
        Load::Ready(values)
        | Load::Loading {
            stale: Some(values),
        } => values,
        Load::Failed(failure) => return notice::failed(failure, theme, area, buffer),
        Load::Loading { .. } | Load::Empty => {
            return notice::loading("Counting", shared, theme, area, buffer);
        }
    };
    if values.is_empty() {
        return notice::empty(
            "There are no candidates to count.",
            "F goes back to the hits.",
            theme,
            area,
            buffer,
        );
    }
    let rows = rows(values);
    let at = rows
        .iter()
        .position(|row| *row == Row::Value(facets.cursor));
    let height = usize::from(area.height);
    let last = rows.len().saturating_sub(height);
    let first = at.unwrap_or(0).saturating_sub(height / 2).min(last);
    let most = values.iter().map(|value| value.count).max().unwrap_or(1);
    for (line, row) in (0..area.height).zip(rows.iter().skip(first)) {
        match row {
            Row::Blank => {}
            Row::Heading(facet) => {
                let mut pen = Pen::new(buffer, area, line);
                pen.text(named(*facet), theme.style(Role::Strong));
            }
            Row::Value(at) => {
                let look = (shared.glyphs, theme);
                if *at == facets.cursor {
                    let whole = Rect {
                        y: area.y + line,
                        height: 1,
                        ..area
                    };
                    buffer.set_style(whole, theme.style(Role::Selection));
                }
                let mut pen = Pen::new(buffer, area, line);
                values
                    .get(*at)
                    .into_iter()
                    .for_each(|value| draw(value, most, *at == facets.cursor, look, &mut pen));
            }
        }
    }
}

fn named(facet: Facet) -> &'static str {
    match facet {
        Facet::Language => "language",
        facet => facet.field(),
    }
}

fn draw(
    value: &Value,
    most: u64,
    is_current: bool,
    (glyphs, theme): (Glyphs, &Theme),
    pen: &mut Pen<'_>,
) {
    let style = if is_current {
        theme.style(Role::Selection)
    } else {
        theme.style(Role::Text)
    };
    let sign = match (is_current, glyphs) {
        (true, Glyphs::Unicode) => "▸ ",
        (true, Glyphs::Ascii) => "> ",
        (false, _) => "  ",
    };
    let bar = reason::bar(value.count as f64 / most as f64, BAR, glyphs);
    let count = format!("{:>6}", grouped(value.count));
    pen.text(sign, style)
        .column(&bar, BAR + 1, theme.style(Role::Accent))
        .column(&count, 8, theme.style(Role::Muted))
        .text(&value.text, style);
}

#[derive(Debug, PartialEq, Eq)]
enum Row {
    Heading(Facet),
    Value(usize),
    Blank,
}

fn rows(values: &[Value]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut of = None;
    for (at, value) in values.iter().enumerate() {
        if of != Some(value.facet) {
            if of.is_some() {
                rows.push(Row::Blank);
            }
            rows.push(Row::Heading(value.facet));
            of = Some(value.facet);
        }
        rows.push(Row::Value(at));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_value_narrows_the_filter() {
        assert_eq!(narrowed("", "source:ngc"), "source:ngc");
        assert_eq!(
            narrowed("year:2010..", "source:ngc"),
            "year:2010.. source:ngc"
        );
        assert_eq!(narrowed("source:ngc", "source:ngc"), "source:ngc");
        assert_eq!(
            narrowed("modality:CT OR modality:MR", "source:a"),
            "(modality:CT OR modality:MR) source:a"
        );
    }

    #[test]
    fn values_are_quoted_where_they_must_be() {
        assert_eq!(term(Facet::Modality, "CT"), "modality:CT");
        assert_eq!(term(Facet::Licence, "CC BY 4.0"), "licence:\"CC BY 4.0\"");
    }
}
