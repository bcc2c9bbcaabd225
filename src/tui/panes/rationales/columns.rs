//! What stands in each column: gold, then the models.

use ratatui::style::{Modifier, Style};
use semihv_domain::Verdict;
use semihv_engine::{AnswerRow, QuestionDetail};

use super::{Compare, State, chosen};
use crate::diff::{self, Change};
use crate::flow::Block;
use crate::shared::{Glyphs, Shared};
use crate::theme::{Role, Theme};

/// A column: its heading and the text below.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) verdict: Option<Verdict>,
    pub(super) blocks: Vec<Block>,
}

/// The sign of a verdict and its meaning as a colour.
pub(super) fn sign(verdict: Verdict, glyphs: Glyphs) -> (&'static str, Role) {
    match (verdict, glyphs) {
        (Verdict::Right, Glyphs::Unicode) => ("✓", Role::Good),
        (Verdict::Right, Glyphs::Ascii) => ("+", Role::Good),
        (Verdict::Wrong, Glyphs::Unicode) => ("✗", Role::Bad),
        (Verdict::Wrong, Glyphs::Ascii) => ("x", Role::Bad),
        (Verdict::Unparsed, _) => ("?", Role::Warn),
        (Verdict::Unjudged, Glyphs::Unicode) => ("·", Role::Muted),
        (Verdict::Unjudged, Glyphs::Ascii) => (".", Role::Muted),
    }
}

pub(super) fn columns(
    state: &State,
    shared: &Shared,
    detail: &QuestionDetail,
    theme: &Theme,
) -> Vec<Column> {
    let models = chosen(state, shared);
    let rationale_of =
        |model: &String| answer_of(detail, model).and_then(|row| row.answer.rationale.as_deref());
    let base = match state.compare {
        Compare::Nothing => None,
        Compare::Gold => detail.question.gold_rationale.as_deref(),
        Compare::First => models.first().and_then(rationale_of),
    };
    let mut columns = vec![gold(detail, theme)];
    for (position, model) in models.iter().enumerate() {
        // The first model is not compared with itself.
        let base = base.filter(|_| state.compare == Compare::Gold || position > 0);
        columns.push(match answer_of(detail, model) {
            Some(row) => Column {
                name: model.clone(),
                verdict: Some(row.answer.verdict),
                blocks: answer(row, base, shared.glyphs, theme),
            },
            None => Column {
                name: model.clone(),
                verdict: None,
                blocks: vec![Block::new(
                    "did not answer this question",
                    theme.style(Role::Muted),
                )],
            },
        });
    }
    columns
}

fn answer_of<'a>(detail: &'a QuestionDetail, model: &String) -> Option<&'a AnswerRow> {
    detail.answers.iter().find(|row| row.answer.model == *model)
}

fn gold(detail: &QuestionDetail, theme: &Theme) -> Column {
    let question = &detail.question;
    let mut blocks = vec![
        Block::new(&question.gold, theme.style(Role::Strong)),
        Block::blank(),
    ];
    blocks.push(match &question.gold_rationale {
        Some(rationale) => Block::new(rationale, theme.style(Role::Text)),
        None => Block::new("no gold rationale", theme.style(Role::Muted)),
    });
    Column {
        name: "gold".to_owned(),
        verdict: None,
        blocks,
    }
}

fn answer(row: &AnswerRow, base: Option<&str>, glyphs: Glyphs, theme: &Theme) -> Vec<Block> {
    let (sign, role) = sign(row.answer.verdict, glyphs);
    let muted = theme.style(Role::Muted);
    let said = match row.answer.text.trim() {
        "" => Block::new(sign, theme.style(role)).and(" said nothing", muted),
        said => Block::new(sign, theme.style(role))
            .and(" ", muted)
            .and(said, theme.style(Role::Strong)),
    };
    let mut blocks = vec![said, Block::blank()];
    match row.answer.rationale.as_deref().map(str::trim) {
        None | Some("") => blocks.push(Block::new("no rationale", muted)),
        Some(rationale) => match base.map(|base| diff::words(base, rationale)) {
            Some(Some(changes)) => blocks.push(compared(&changes, glyphs, theme)),
            Some(None) => {
                blocks.push(Block::new("too long to compare", muted));
                blocks.push(Block::new(rationale, theme.style(Role::Text)));
            }
            None => blocks.push(Block::new(rationale, theme.style(Role::Text))),
        },
    }
    blocks.push(Block::blank());
    blocks.push(Block::new(
        &format!("{} by {}", row.answer.verdict.name(), row.answer.judged_by),
        muted,
    ));
    let tags: Vec<String> = row.tags.iter().map(|tag| format!("#{tag}")).collect();
    if !tags.is_empty() {
        blocks.push(Block::new(&tags.join(" "), theme.style(Role::Accent)));
    }
    blocks
}

/// Colour only repeats what a line, a sign or a bracket already says.
fn compared(changes: &[Change], glyphs: Glyphs, theme: &Theme) -> Block {
    let text = theme.style(Role::Text);
    let added = theme.style(Role::Added).add_modifier(Modifier::UNDERLINED);
    let removed = theme
        .style(Role::Removed)
        .add_modifier(Modifier::CROSSED_OUT);
    let mut block = Block::default();
    for change in changes {
        block = match (change, glyphs) {
            (Change::Same(said), _) => block.and(said, text),
            (Change::Added(said), Glyphs::Unicode) => bare(block, "", said, "", added),
            (Change::Added(said), Glyphs::Ascii) => bare(block, "{+", said, "+}", added),
            (Change::Removed(said), Glyphs::Unicode) => bare(block, "−", said, "", removed),
            (Change::Removed(said), Glyphs::Ascii) => bare(block, "[-", said, "-]", removed),
        };
    }
    block
}

/// The words in their style; the blanks behind them are nobody's.
fn bare(block: Block, open: &str, said: &str, close: &str, style: Style) -> Block {
    let words = said.trim_end();
    let blanks = said.get(words.len()..).unwrap_or_default();
    // The last word of either text has no blank behind it, and another may follow here.
    let is_glued = block
        .pieces
        .last()
        .is_some_and(|last| !last.text.ends_with([' ', '\n']));
    let block = if is_glued {
        block.and(" ", Style::new())
    } else {
        block
    };
    let blanks = if blanks.is_empty() { " " } else { blanks };
    block
        .and(&format!("{open}{words}{close}"), style)
        .and(blanks, Style::new())
}
