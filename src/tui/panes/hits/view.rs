//! Drawing of the hits: their places by vectors and by words, and why the one under the cursor is
//! among them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::{CosineParts, Fusion, Kept, Pool, Retrieved, RetrievedHit, Weighed};
use semihv_engine::ENOUGH_JUDGED;

use super::{State, Typing};
use crate::flow::{self, Block};
use crate::notice;
use crate::pane::PaneKind;
use crate::panes::guidelines::reason;
use crate::pen::{Pen, grouped};
use crate::reader::input_line;
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

/// Rows one hit takes.
const HIT: u16 = 2;
const BAR: u16 = 8;
/// The four parts with their heading, and an empty row.
const PARTS: u16 = 6;
/// Kept for why the current hit is there, where the list is long.
const ROWS_FOR_WHY: u16 = 9;
/// With fewer rows the parts stand in one line.
const ROWS_FOR_PARTS: u16 = 16;

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let typing = u16::from(state.line.is_some() && area.height > 1);
    let body = Rect {
        height: area.height - typing,
        ..area
    };
    let page = Page { shared, theme };
    if let Some(facets) = &state.facets {
        return super::facets::view(facets, (shared, theme), area, buffer);
    }
    match &state.found {
        Load::Ready(found) | Load::Loading { stale: Some(found) } if !found.hits.is_empty() => {
            page.hits(state, found, body, buffer);
        }
        Load::Ready(found) => page.nothing(found, body, buffer),
        Load::Failed(failure) => notice::failed(failure, theme, body, buffer),
        Load::Loading { .. } => notice::loading("Retrieving", shared, theme, body, buffer),
        Load::Empty => notice::empty(
            "Cases and guidelines that are near the selected case stand here, and none is selected.",
            "Tab goes to a list; / looks for words of your own.",
            theme,
            body,
            buffer,
        ),
    }
    if let Some((what, line)) = &state.line {
        let row = area.height.saturating_sub(1);
        let sign = match what {
            Typing::Text => "/",
            Typing::Filter => "only ",
        };
        input_line(sign, line, theme, (area, row), buffer);
    }
}

/// Rows of the list; below it stands why the current hit is there.
fn list_height(state: &State, area: Rect) -> u16 {
    let hits = u16::try_from(state.hits().len()).unwrap_or(u16::MAX);
    let most = area.height.saturating_sub(ROWS_FOR_WHY).max(4 * HIT);
    hits.saturating_mul(HIT).min(most).min(area.height) / HIT * HIT
}

/// The hit in the first row: the list follows the cursor.
fn first_shown(state: &State, area: Rect) -> usize {
    let shown = usize::from(list_height(state, area) / HIT).max(1);
    let last = state.hits().len().saturating_sub(shown);
    state.cursor.saturating_sub(shown / 2).min(last)
}

pub(super) fn hit_at(state: &State, area: Rect, row: u16) -> Option<usize> {
    if state.facets.is_some() {
        return None;
    }
    let at = first_shown(state, area) + usize::from(row / HIT);
    (row < list_height(state, area) && at < state.hits().len()).then_some(at)
}

struct Page<'a> {
    shared: &'a Shared,
    theme: &'a Theme,
}

impl Page<'_> {
    fn hits(&self, state: &State, found: &Retrieved, area: Rect, buffer: &mut Buffer) {
        let height = list_height(state, area);
        let best = found.hits.iter().map(|hit| hit.score).fold(0.0, f64::max);
        // Scores of ranks differ by a hair: their bars would all be one length.
        let is_by_ranks = |fusion: &Fusion| matches!(fusion, Fusion::ReciprocalRank { .. });
        let has_bars = !found.fusions.values().any(is_by_ranks);
        let first = first_shown(state, area);
        let shown = found.hits.iter().enumerate().skip(first);
        for (line, (at, hit)) in (0..height / HIT).zip(shown) {
            let share = has_bars.then(|| hit.score / best.max(f64::MIN_POSITIVE));
            let is_current = at == state.cursor;
            let mut signs = signs(hit, self.shared.glyphs);
            signs.extend(
                state
                    .reference
                    .as_ref()
                    .map(|it| moved(it.rank(hit), hit.rank)),
            );
            self.hit(hit, (share, is_current, &signs), (area, line * HIT), buffer);
        }
        let above = (height + 1).min(area.height);
        let below = Rect {
            y: area.y + above,
            height: area.height - above,
            ..area
        };
        if let Some(hit) = state.current() {
            self.why((state, hit), found, below, buffer);
        }
    }

    fn hit(
        &self,
        hit: &RetrievedHit,
        (share, is_current, signs): (Option<f64>, bool, &[(Role, String)]),
        (area, row): (Rect, u16),
        buffer: &mut Buffer,
    ) {
        let theme = self.theme;
        let (muted, accent) = (theme.style(Role::Muted), theme.style(Role::Accent));
        let selected = match (is_current, self.shared.focus == PaneKind::Hits) {
            (true, true) => theme.style(Role::Selection),
            (true, false) => theme.style(Role::SelectionInactive),
            (false, _) => theme.style(Role::Text),
        };
        if is_current {
            let rows = Rect {
                y: area.y + row,
                height: HIT.min(area.height.saturating_sub(row)),
                ..area
            };
            buffer.set_style(rows, selected);
        }
        let sign = match (is_current, self.shared.glyphs) {
            (true, Glyphs::Unicode) => "▸",
            (true, Glyphs::Ascii) => ">",
            (false, _) => " ",
        };
        let mut pen = Pen::new(buffer, area, row);
        pen.text(sign, selected)
            .column(&format!("{:>2} ", hit.rank), 3, muted);
        if let Some(share) = share {
            let bar = reason::bar(share, BAR, self.shared.glyphs);
            pen.column(&bar, BAR + 1, accent);
        }
        pen.column(hit.pool.name(), 10, theme.style(of_pool(hit.pool)));
        for (role, sign) in signs.iter().rev() {
            pen.right(sign, theme.style(*role));
        }
        pen.text(&hit.title, selected);
        let mut pen = Pen::new(buffer, area, row + 1);
        pen.skip(4).text(&places(hit), muted);
        let headings = hit.headings.join(" › ");
        let place = if headings.is_empty() {
            &hit.key
        } else {
            &headings
        };
        pen.text(" · ", muted).text(place, muted);
    }

    /// The snippet, the cosine in its parts, the terms, and how it was searched.
    fn why(
        &self,
        (state, hit): (&State, &RetrievedHit),
        found: &Retrieved,
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let mut said: Vec<(Role, String)> = compared(state, found);
        if let Kept::Quota { displaced } = &hit.kept {
            let instead = displaced
                .as_ref()
                .map(|title| format!(", instead of {title}"));
            let instead = instead.unwrap_or_default();
            said.push((
                Role::Warn,
                format!("the guideline that must be there{instead}"),
            ));
        }
        let parts = hit.parts;
        let is_low = area.height < ROWS_FOR_PARTS;
        said.extend(
            parts
                .filter(|_| is_low)
                .map(|it| (Role::Muted, in_a_line(it))),
        );
        said.extend(found.remarks.iter().map(|it| (Role::Warn, it.clone())));
        said.extend(weighed(found).map(|it| (Role::Muted, it)));
        said.extend(left_out(found).map(|it| (Role::Muted, it)));
        said.extend(searched(found).map(|it| (Role::Muted, it)));
        let mut blocks = vec![self.snippet(hit)];
        let rest = said.iter();
        blocks.extend(rest.map(|(role, text)| Block::new(text, self.theme.style(*role))));
        let rows = flow::rows(&blocks, area.width);
        let height = u16::try_from(rows.len())
            .unwrap_or(u16::MAX)
            .min(area.height);
        flow::draw(&rows, 0, buffer, Rect { height, ..area });
        let mut at = height + 1;
        if let Some(parts) = parts.filter(|_| !is_low && at + PARTS <= area.height) {
            self.parts(parts, (area, at), buffer);
            at += PARTS;
        }
        if at + 1 < area.height && !hit.reason.terms.is_empty() {
            let terms = Rect {
                y: area.y + at,
                height: area.height - at,
                ..area
            };
            reason::draw(&hit.reason, (self.theme, self.shared.glyphs), terms, buffer);
        }
    }

    fn snippet(&self, hit: &RetrievedHit) -> Block {
        let mut block = Block::new(&hit.snippet.text, self.theme.style(Role::Text));
        for range in &hit.snippet.highlights {
            // Ranges are of the text as stored; made printable it may be another length.
            if block.text() == hit.snippet.text {
                let place = (range.start, range.end);
                flow::restyle(&mut block, place, self.theme.style(Role::Match), None);
            }
        }
        block
    }

    fn parts(&self, parts: CosineParts, (area, row): (Rect, u16), buffer: &mut Buffer) {
        let (muted, text) = (self.theme.style(Role::Muted), self.theme.style(Role::Text));
        let all = named(parts);
        let sum: f64 = all.iter().map(|(_, part)| part).sum();
        let mut pen = Pen::new(buffer, area, row);
        pen.column("cosine", 16, muted)
            .text(&format!("{sum:>6.3}"), text);
        for (at, (name, part)) in (1..).zip(all) {
            let bar = reason::bar(part / sum.max(f64::MIN_POSITIVE), BAR, self.shared.glyphs);
            let mut pen = Pen::new(buffer, area, row + at);
            pen.column(name, 16, muted)
                .column(&format!("{part:>6.3}"), 8, text)
                .column(&bar, BAR + 1, self.theme.style(Role::Accent));
        }
    }

    fn nothing(&self, found: &Retrieved, area: Rect, buffer: &mut Buffer) {
        let remark = found.remarks.first().map(String::as_str);
        notice::empty(
            "Nothing is near.",
            remark.unwrap_or("b looks by image or by text alone; / looks for words of your own."),
            self.theme,
            area,
            buffer,
        );
    }
}

/// Of the query by of the hit.
fn named(parts: CosineParts) -> [(&'static str, f64); 4] {
    [
        ("text · text", parts.text_text),
        ("text · image", parts.text_image),
        ("image · text", parts.image_text),
        ("image · image", parts.image_image),
    ]
}

/// `cosine 0.594 = text · text 0.180 + image · image 0.414`, without what adds nothing.
fn in_a_line(parts: CosineParts) -> String {
    let all = named(parts);
    let sum: f64 = all.iter().map(|(_, part)| part).sum();
    let said = all.iter().filter(|(_, part)| part.abs() >= 0.0005);
    let said: Vec<String> = said
        .map(|(name, part)| format!("{name} {part:.3}"))
        .collect();
    format!("cosine {sum:.3} = {}", said.join(" + "))
}

/// What is to be seen at the end of a hit's first row.
fn signs(hit: &RetrievedHit, glyphs: Glyphs) -> Vec<(Role, String)> {
    let mut signs = Vec::new();
    match hit.kept {
        Kept::Score => {}
        Kept::Pinned => signs.push((Role::Accent, "pinned".to_owned())),
        Kept::Quota { .. } => signs.push((Role::Warn, "quota".to_owned())),
    }
    let star = match glyphs {
        Glyphs::Unicode => "★",
        Glyphs::Ascii => "*",
    };
    signs.extend(hit.grade.map(|grade| match usize::try_from(grade) {
        Ok(grade) if grade > 0 => (Role::Good, star.repeat(grade.min(3))),
        _ => (Role::Muted, "not relevant".to_owned()),
    }));
    signs
}

/// `was 3` beside the list that this one is compared with.
fn moved(before: Option<usize>, now: usize) -> (Role, String) {
    match before {
        None => (Role::Good, "new".to_owned()),
        Some(before) if before == now => (Role::Muted, "same".to_owned()),
        Some(before) if before > now => (Role::Good, format!("was {before}")),
        Some(before) => (Role::Warn, format!("was {before}")),
    }
}

/// The list that this one is compared with, and what a probe gave.
fn compared(state: &State, found: &Retrieved) -> Vec<(Role, String)> {
    let mut said = Vec::new();
    if let Some(reference) = &state.reference {
        let is_here =
            |place: &&(Pool, i64)| found.hits.iter().any(|hit| (hit.pool, hit.row) == **place);
        let gone = reference.places.iter().filter(|it| !is_here(it)).count();
        let of = &reference.of;
        let gone = match gone {
            0 => "all of its hits are here".to_owned(),
            1 => "1 of its hits is not here".to_owned(),
            gone => format!("{gone} of its hits are not here"),
        };
        let text = format!("compared with the kept list ({of}): {gone}");
        said.push((Role::Info, text));
    }
    said.extend(state.probed.iter().map(|it| (Role::Info, it.clone())));
    said
}

/// `words and vectors as one by ranks; 12 of 50 queries judged for a fitted weight`.
fn weighed(found: &Retrieved) -> Option<String> {
    let fusion = found.fusions.values().next()?;
    let how = match fusion {
        Fusion::ReciprocalRank { .. } => "by ranks".to_owned(),
        Fusion::Convex { .. } => {
            let each = found
                .fusions
                .iter()
                .filter_map(|(pool, fusion)| match fusion {
                    Fusion::Convex { alpha } => Some(format!("{} {:.2}", pool.name(), alpha.get())),
                    Fusion::ReciprocalRank { .. } => None,
                });
            format!("by weight, vectors {}", each.collect::<Vec<_>>().join(", "))
        }
    };
    let from = match found.weighed {
        Weighed::Asked => "as set here (= takes it back)".to_owned(),
        Weighed::Fitted => "fitted on judgements".to_owned(),
        Weighed::ByRanks => format!(
            "{} of {ENOUGH_JUDGED} queries judged for a fitted weight",
            found.judged_queries
        ),
    };
    Some(format!("words and vectors as one {how}; {from}"))
}

/// `searched: 62 rows, exact, generation 2, fingerprint 1a2b3c4d`.
fn searched(found: &Retrieved) -> Option<String> {
    let used = found.vectors.as_ref()?;
    let rows = grouped(used.rows as u64);
    let (search, generation, fingerprint) = (&used.search, used.generation, &used.fingerprint);
    Some(format!(
        "searched: {rows} rows, {search}, generation {generation}, fingerprint {fingerprint}"
    ))
}

fn of_pool(pool: Pool) -> Role {
    match pool {
        Pool::Case => Role::Text,
        Pool::Guideline => Role::Accent,
    }
}

/// `#1 by vectors 0.627 · #3 by words 11.3`.
fn places(hit: &RetrievedHit) -> String {
    let mut parts = Vec::new();
    if let Some(share) = hit.dense {
        parts.push(format!("#{} by vectors {:.3}", share.rank, share.score));
    }
    if let Some(share) = hit.words {
        parts.push(format!("#{} by words {:.1}", share.rank, share.score));
    }
    parts.join(" · ")
}

/// `left out: its own case, 2 of the same patient, 1 with the same image`.
fn left_out(found: &Retrieved) -> Option<String> {
    let left = found.left_out;
    let counted = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let own = (left.own_case > 0).then(|| "its own case".to_owned());
    let parts = [
        own,
        counted(left.same_patient, "of the same patient"),
        counted(left.same_image, "with the same image"),
        counted(left.licence, "under another licence"),
        counted(left.excluded, "excluded (X takes them back)"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("left out: {}", parts.join(", ")))
}
