//! Why a hit has its score: one row a term.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::Reason;

use crate::pen::{Pen, grouped};
use crate::shared::Glyphs;
use crate::theme::{Role, Theme};

/// Cells of the bar that shows a term's part of the score.
const BAR: u16 = 8;
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar of at most `width` cells for a share between 0 and 1.
pub(crate) fn bar(share: f64, width: u16, glyphs: Glyphs) -> String {
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let eighths = (share * f64::from(width) * 8.0).round() as usize;
    match glyphs {
        Glyphs::Unicode => {
            let tail = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
            format!("{}{tail}", "█".repeat(eighths / 8))
        }
        Glyphs::Ascii => "#".repeat((eighths + 4) / 8),
    }
}

/// Columns behind the score, the most telling first: as many as fit, none of them cut.
const DETAILS: [(&str, u16); 4] = [("idf", 7), ("tf", 5), ("field", 10), ("in docs", 9)];

/// The terms, the one that gave most first.
pub(crate) fn draw(
    reason: &Reason,
    (theme, glyphs): (&Theme, Glyphs),
    area: Rect,
    buffer: &mut Buffer,
) {
    let muted = theme.style(Role::Muted);
    let text = theme.style(Role::Text);
    let mut pen = Pen::new(buffer, area, 0);
    pen.column("term", 16, muted)
        .column(" score", 8, muted)
        .column("part", BAR + 1, muted);
    let mut room = pen.room();
    let details = DETAILS.map(|(name, width)| {
        room = room.saturating_sub(width);
        (name, if room == 0 { 0 } else { width })
    });
    for (name, width) in details {
        pen.column(name, width, muted);
    }
    let mut terms: Vec<_> = reason.terms.iter().collect();
    terms.sort_by(|one, other| other.score.total_cmp(&one.score));
    let total: f64 = terms
        .iter()
        .map(|term| f64::from(term.score).max(0.0))
        .sum();
    for (row, term) in (1..area.height).zip(&terms) {
        let share = f64::from(term.score) / total.max(f64::MIN_POSITIVE);
        let mut pen = Pen::new(buffer, area, row);
        pen.column(&term.term, 15, theme.style(Role::Match))
            .skip(1)
            .column(&format!("{:>6.2}", term.score), 8, text)
            .column(&bar(share, BAR, glyphs), BAR + 1, theme.style(Role::Accent));
        for (name, width) in details {
            let (said, style) = match name {
                "idf" => (format!("{:.2}", term.idf), text),
                "tf" => (format!("{:.0}", term.frequency), text),
                "field" => (term.field.clone(), muted),
                _ => (grouped(term.documents), text),
            };
            pen.column(&said, width, style);
        }
    }
    if terms.is_empty() && area.height > 1 {
        Pen::new(buffer, area, 1).text("no term matched; the score has no parts", muted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_by_eighths() {
        assert_eq!(bar(1.0, 2, Glyphs::Unicode), "██");
        assert_eq!(bar(0.5625, 2, Glyphs::Unicode), "█▏");
        assert_eq!(bar(0.5, 4, Glyphs::Ascii), "##");
        assert_eq!(bar(f64::NAN, 4, Glyphs::Ascii), "");
    }
}
