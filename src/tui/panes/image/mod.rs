//! The image pane: the selection's picture, its regions and its caption.
//!
//! Asks for a picture whenever what should be seen differs from what was asked last: another
//! image, another size, other regions, another protocol. It never shows one image under the name
//! of another: the old picture stays only while the same image is prepared anew.

mod view;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ratatui::layout::Rect;
use semihv_domain::{Failure, Image, ImageState};
use semihv_engine::{CaseDetail, Reply};
use semihv_terminal::Protocol;

pub use view::view;

use crate::action::Effect;
use crate::graphics::Placement;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::picture::{Picture, PictureRequest};
use crate::shared::{Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    /// The inside of the pane in cells; none before the first layout.
    room: Option<(u16, u16)>,
    /// What the terminal shows pictures with; none before it was asked.
    protocol: Option<Protocol>,
    /// Something lies over the pane: pixels would shine through.
    is_covered: bool,
    hides_regions: bool,
    picture: Load<Arc<Picture>>,
    asked: Option<PictureRequest>,
    slot: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            room: None,
            protocol: None,
            is_covered: false,
            hides_regions: false,
            picture: Load::Empty,
            asked: None,
            slot: Slot::new(SlotName::Picture),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Next,
    Previous,
    ToggleRegions,
    NextRegion,
    NextGraphics,
    /// The inside of the pane after a layout.
    Resized {
        columns: u16,
        rows: u16,
    },
    /// An overlay (palette, help, which-key) came over the pane or went.
    Covered(bool),
    /// What pictures are shown with from now on.
    Graphics(Protocol),
}

/// `next` of `image.next`.
pub fn command(name: &str) -> Option<Msg> {
    match name {
        "next" => Some(Msg::Next),
        "previous" => Some(Msg::Previous),
        "regions" => Some(Msg::ToggleRegions),
        "next-region" => Some(Msg::NextRegion),
        "graphics" => Some(Msg::NextGraphics),
        _ => None,
    }
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    match msg {
        Msg::Next => step(shared, |position| position.saturating_add(1)),
        Msg::Previous => step(shared, |position| position.saturating_sub(1)),
        Msg::ToggleRegions => state.hides_regions = !state.hides_regions,
        Msg::NextRegion => {
            state.hides_regions = false;
            shared.selection.region = next_region(shared);
        }
        Msg::NextGraphics => return vec![Effect::NextGraphics],
        Msg::Resized { columns, rows } => state.room = Some((columns, rows)),
        Msg::Covered(is_covered) => state.is_covered = is_covered,
        Msg::Graphics(protocol) => {
            state.protocol = Some(protocol);
            // The same picture again, but prepared for another protocol.
            state.asked = None;
        }
    }
    refresh(state, shared)
}

/// Asks for what should be seen, if that was not asked already.
pub fn refresh(state: &mut State, shared: &Shared) -> Vec<Effect> {
    let Some(wanted) = wanted(state, shared) else {
        state.asked = None;
        state.picture = Load::Empty;
        state.slot.drop_answer();
        return Vec::new();
    };
    if state.asked.as_ref() == Some(&wanted) {
        return Vec::new();
    }
    let shows_it_already = state
        .picture
        .value()
        .is_some_and(|picture| picture.request.image == wanted.image);
    if shows_it_already {
        state.picture.reload();
    } else {
        state.picture = Load::Loading { stale: None };
    }
    state.asked = Some(wanted.clone());
    vec![Effect::Draw(state.slot.ask(), wanted)]
}

/// The pane asks the engine nothing: pictures come by [`drawn`].
pub fn reply(
    _: &mut State,
    _: Ticket,
    _: &Result<Reply, Failure>,
    _: &mut Shared,
) -> Option<Vec<Effect>> {
    None
}

/// The answer to [`Effect::Draw`]. False: not this pane's ticket, or a stale one.
pub fn drawn(state: &mut State, ticket: Ticket, outcome: &Result<Arc<Picture>, Failure>) -> bool {
    let is_awaited = state.slot.accepts(ticket);
    if is_awaited {
        state.picture.settle(outcome.clone());
    }
    is_awaited
}

/// What lies over the cells of `area` in this frame, for [`crate::graphics::OnScreen`].
pub fn placement(state: &State, shared: &Shared, area: Rect) -> Option<Placement> {
    let (image, _) = shown(shared)?;
    let picture = state.picture.value()?;
    let is_seen = !(picture.lies_over_text() && state.is_covered)
        && matches!(
            image.state,
            ImageState::Unchecked | ImageState::Readable { .. }
        );
    let place = picture.place(view::picture_area(image, area))?;
    is_seen.then(|| Placement {
        picture: Arc::clone(picture),
        place,
    })
}

/// The left half leads back, the right half on, as do the wheel's directions.
pub fn mouse(_: &State, shared: &Shared, mouse: Mouse, area: Rect) -> Option<Msg> {
    shown(shared)?;
    match mouse.kind {
        MouseKind::ScrollUp => Some(Msg::Previous),
        MouseKind::Click if mouse.column < area.width / 2 => Some(Msg::Previous),
        MouseKind::ScrollDown | MouseKind::Click => Some(Msg::Next),
        MouseKind::DoubleClick | MouseKind::Drag => None,
    }
}

/// Nothing is typed into a picture.
pub fn is_typing(_: &State) -> bool {
    false
}

pub fn typed(_: &mut State, _: Input, _: &mut Shared) -> Vec<Effect> {
    Vec::new()
}

/// `ct-017 · 2 of 3 · CT · kitty`.
pub fn title(state: &State, shared: &Shared) -> Title {
    let (Some(detail), Some((image, position))) = (shared.case.value(), shown(shared)) else {
        return Title::default();
    };
    let modality = image.modality.or(detail.case.modality);
    let parts = [
        Some(semihv_domain::printable_line(&detail.case.key).into_owned()),
        Some(format!("{} of {}", position + 1, detail.images.len())),
        modality.map(|modality| modality.to_string()),
        state.protocol.map(|protocol| protocol.to_string()),
    ];
    Title {
        right: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
    }
}

pub fn hints(_: &State, shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    let mut hints = Vec::new();
    let images = shared.case.value().map_or(0, |detail| detail.images.len());
    if images > 1 {
        hints.push(hint("image.next", "next picture"));
        hints.push(hint("image.previous", "previous"));
    }
    if shown(shared).is_some_and(|(image, _)| !image.regions.is_empty()) {
        hints.push(hint("image.next-region", "next region"));
        hints.push(hint("image.regions", "regions on or off"));
    }
    if images > 0 {
        hints.push(hint("image.graphics", "other graphics"));
    }
    hints
}

/// The image's name and caption.
pub fn copy(_: &State, shared: &Shared) -> Option<String> {
    let detail = shared.case.value()?;
    let (image, _) = shown(shared)?;
    let caption = view::caption(image, &detail.case.language);
    Some(match caption {
        Some(caption) => format!("{} {}: {caption}", detail.case.key, image.key),
        None => format!("{} {}", detail.case.key, image.key),
    })
}

/// The selected image and its position, or the case's first one when none is selected.
fn shown(shared: &Shared) -> Option<(&Image, usize)> {
    let detail: &CaseDetail = shared.case.value()?;
    if shared.selection.case != Some(detail.case.id) {
        return None;
    }
    let position = match shared.selection.image {
        None => 0,
        Some(id) => detail.images.iter().position(|image| image.id == id)?,
    };
    detail.images.get(position).map(|image| (image, position))
}

fn step(shared: &mut Shared, to: impl Fn(usize) -> usize) {
    let Some((_, position)) = shown(shared) else {
        return;
    };
    let images = shared.case.value().map(|detail| detail.images.as_slice());
    let next = images
        .and_then(|images| images.get(to(position)))
        .map(|image| image.id);
    if let Some(next) = next
        && to(position) != position
    {
        shared.selection.image = Some(next);
        shared.selection.region = None;
    }
}

/// One after the other, and after the last one none in particular.
fn next_region(shared: &Shared) -> Option<usize> {
    let (image, _) = shown(shared)?;
    let next = shared.selection.region.map_or(0, |region| region + 1);
    (next < image.regions.len()).then_some(next)
}

fn wanted(state: &State, shared: &Shared) -> Option<PictureRequest> {
    let (columns, rows) = state.room?;
    state.protocol?;
    let (image, _) = shown(shared)?;
    if matches!(
        image.state,
        ImageState::Missing | ImageState::Unreadable { .. }
    ) {
        return None;
    }
    let area = view::picture_area(image, Rect::new(0, 0, columns, rows));
    if area.is_empty() {
        return None;
    }
    let regions = if state.hides_regions {
        Vec::new()
    } else {
        let shapes = image.regions.iter().map(|region| region.shape.clone());
        shapes.collect()
    };
    Some(PictureRequest {
        image: image.id,
        location: image.location.clone(),
        columns: area.width,
        rows: area.height,
        marked: shared
            .selection
            .region
            .filter(|&region| region < regions.len()),
        regions,
    })
}
