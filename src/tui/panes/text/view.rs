//! Drawing of a case's text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::{Image, ImageState};
use semihv_engine::CaseDetail;

use super::State;
use crate::flow::{self, Block};
use crate::notice;
use crate::shared::{Load, Shared};
use crate::theme::{Role, Theme};

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if let Some(detail) = shared.case.value() {
        let rows = state
            .reader
            .rows(blocks(detail, theme), flow::measure(area.width), theme);
        return state.reader.draw(&rows, theme, area, buffer);
    }
    match &shared.case {
        Load::Failed(failure) => notice::failed(failure, theme, area, buffer),
        Load::Loading { .. } => notice::loading("Loading the case", shared, theme, area, buffer),
        Load::Empty | Load::Ready(_) => notice::empty(
            "The text of the selected case stands here, and none is selected.",
            "Tab goes to the list of cases; j and k choose one.",
            theme,
            area,
            buffer,
        ),
    }
}

/// Keeps the position within the text once the layout is known.
pub fn fit(state: &mut State, shared: &Shared, area: Rect) {
    if let Some(detail) = shared.case.value() {
        let theme = Theme::default();
        let rows = state
            .reader
            .rows(blocks(detail, &theme), flow::measure(area.width), &theme);
        let height = state.reader.body(area).height;
        state.reader.fit(&rows, height);
    }
}

/// `/nodule 2 of 7`, or nothing.
pub(super) fn found(state: &State, shared: &Shared) -> String {
    let find = state.reader.find();
    let theme = Theme::default();
    let count = shared.case.value().map_or(0, |detail| {
        find.highlight(&mut blocks(detail, &theme), &theme)
    });
    find.summary(count)
}

fn blocks(detail: &CaseDetail, theme: &Theme) -> Vec<Block> {
    let case = &detail.case;
    let (text, muted) = (theme.style(Role::Text), theme.style(Role::Muted));
    let mut blocks = vec![
        Block::new(&case.title, theme.style(Role::Strong)),
        about(detail, theme),
    ];
    for section in &case.sections {
        blocks.push(Block::blank());
        blocks.push(Block::new(&section.heading, theme.style(Role::Accent)));
        blocks.push(match section.text.trim() {
            "" => Block::new("nothing written", muted),
            said => Block::new(said, text),
        });
    }
    if case.sections.is_empty() {
        blocks.push(Block::blank());
        blocks.push(Block::new("This case came without text.", muted));
    }
    if !detail.images.is_empty() {
        blocks.push(Block::blank());
        let heading = format!("Images ({})", detail.images.len());
        blocks.push(Block::new(&heading, theme.style(Role::Accent)));
        blocks.extend(
            detail
                .images
                .iter()
                .flat_map(|image| captions(image, theme)),
        );
    }
    let licence = case.licence.as_deref().unwrap_or("not stated");
    blocks.push(Block::blank());
    blocks.push(Block::new("Licence: ", muted).and(licence, muted));
    blocks
}

/// `medpix2 · MPX1001 · CT · thorax · 2019 · patient p1 · en`.
fn about(detail: &CaseDetail, theme: &Theme) -> Block {
    let case = &detail.case;
    let muted = theme.style(Role::Muted);
    let mut block = Block::new(&format!("{} · {}", case.source_name, case.key), muted);
    if let Some(modality) = case.modality {
        block = block
            .and(" · ", muted)
            .and(modality.name(), theme.style(Role::Modality));
    }
    let patient = case
        .patient
        .as_ref()
        .map(|patient| format!("patient {patient}"));
    let year = case.year.map(|year| year.to_string());
    let rest = [
        case.body_part.clone(),
        year,
        patient,
        Some(case.language.clone()),
    ];
    for part in rest.into_iter().flatten().filter(|part| !part.is_empty()) {
        block = block.and(" · ", muted).and(&part, muted);
    }
    block
}

fn captions(image: &Image, theme: &Theme) -> Vec<Block> {
    let (text, muted) = (theme.style(Role::Text), theme.style(Role::Muted));
    let mut line = Block::new(&image.key, theme.style(Role::Strong));
    let modality = image.modality.map(|modality| modality.name().to_owned());
    for part in [modality, image.plane.clone()].into_iter().flatten() {
        line = line.and(" · ", muted).and(&part, muted);
    }
    line = match &image.state {
        ImageState::Missing => line.and(" · missing", theme.style(Role::Bad)),
        ImageState::Unreadable { reason } => line
            .and(" · unreadable: ", theme.style(Role::Bad))
            .and(reason, theme.style(Role::Bad)),
        ImageState::Unchecked | ImageState::Readable { .. } => line,
    };
    let mut blocks = vec![line];
    for caption in &image.captions {
        blocks.push(Block::new(&caption.text, text).indented(2));
    }
    if image.captions.is_empty() {
        blocks.push(Block::new("no caption", muted).indented(2));
    }
    blocks
}
