//! The image pane: the selection's picture, its regions and its caption.
//!
//! Asks for a picture whenever what should be seen differs from what was asked last: another
//! image, another size, other regions, another protocol. It never shows one image under the name
//! of another: the old picture stays only while the same image is prepared anew.

mod beside;
mod drawing;
mod looking;
mod msg;
mod readout;
mod regions;
mod view;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod volume_tests;

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;
use semihv_domain::{Failure, Image, ImageId, ImageState};
use semihv_engine::{CaseDetail, Reply};
use semihv_imaging::{LegendLine, Look};
use semihv_terminal::Protocol;

pub use drawing::Tool;
pub use looking::Change;
pub use msg::{Msg, command};
pub(crate) use regions::{erase as erase_region, known_labels, named as named_region};
pub use view::view;

use beside::Company;
use drawing::Drawing;
use looking::Looks;

use crate::action::Effect;
use crate::graphics::Placement;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::picture::{Export, Picture, PictureRequest, Seen};
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
    fills_regions: bool,
    looks: Looks,
    /// Somebody goes on and on: half the pixels will do.
    is_hurried: bool,
    /// The slices run by themselves, forwards or backwards.
    cine: Option<i64>,
    /// The image whose neighbours were read ahead.
    warmed_for: Option<ImageId>,
    /// Where the pointer is in the picture, as a pixel of its slice.
    pointer: Option<(u32, u32)>,
    /// Where a drag of the window was last.
    dragged: Option<(u16, u16)>,
    drawing: Option<Drawing>,
    /// On its way to the disk: it comes back when it does not get there.
    sent: Option<Drawing>,
    /// What the last region was called: the next one often is the same.
    last_label: Option<String>,
    company: Company,
    has_histogram: bool,
    rest: Slot,
    tick: Slot,
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
            fills_regions: false,
            looks: Looks::default(),
            is_hurried: false,
            cine: None,
            warmed_for: None,
            pointer: None,
            dragged: None,
            drawing: None,
            sent: None,
            last_label: None,
            company: Company::default(),
            has_histogram: false,
            rest: Slot::new(SlotName::PictureRest),
            tick: Slot::new(SlotName::Cine),
            picture: Load::Empty,
            asked: None,
            slot: Slot::new(SlotName::Picture),
        }
    }
}

/// No key for this long: the whole picture is sent.
const REST: Duration = Duration::from_millis(180);
/// Ten slices a second.
const CINE: Duration = Duration::from_millis(100);
/// Columns of a drag for a step of the window.
const DRAG_STEP: f32 = 2.0;

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    let mut effects = Vec::new();
    match msg {
        Msg::Look(change) => effects = look(state, shared, change),
        Msg::Wheel(by) => {
            let is_volume = state.seen(shared).is_some_and(|seen| seen.slices > 1);
            match by {
                _ if is_volume => effects = look(state, shared, Change::Slices(by)),
                1.. => step(shared, |position| position.saturating_add(1)),
                _ => step(shared, |position| position.saturating_sub(1)),
            }
        }
        Msg::Point(column, row) => {
            state.dragged = Some((column, row));
            let pixel = state.pixel_under(shared, column, row);
            if let Some((drawing, pixel)) = state.drawing.as_mut().zip(pixel) {
                drawing.press(pixel);
                effects.extend(refresh(state, shared));
                return effects;
            }
            // A second click on the same pixel takes the pointer away.
            state.pointer = pixel.filter(|_| state.pointer != pixel);
        }
        Msg::Nudge(across, down) => nudge(state, shared, (across, down)),
        Msg::Drag(column, row) => effects = drag(state, shared, (column, row)),
        Msg::Cine => {
            state.cine = if state.cine.is_none() { Some(1) } else { None };
            effects.extend(state.cine.map(|_| Effect::Wake(state.tick.ask(), CINE)));
        }
        Msg::OntoRegion => effects = regions::onto(state, shared),
        Msg::Next => step(shared, |position| position.saturating_add(1)),
        Msg::Previous => step(shared, |position| position.saturating_sub(1)),
        Msg::ToggleRegions => state.hides_regions = !state.hides_regions,
        Msg::FillRegions => {
            state.fills_regions = !state.fills_regions;
            state.hides_regions = false;
        }
        Msg::NextRegion => effects = regions::mark(state, shared, regions::next(shared)),
        Msg::PreviousRegion => effects = regions::mark(state, shared, regions::previous(shared)),
        // What needs words goes through [`crate::annotate`].
        Msg::Draw(_) | Msg::ChangeRegion | Msg::EraseRegion | Msg::NameRegion => {}
        Msg::Beside | Msg::Link | Msg::Keep | Msg::Thumbnails | Msg::Flip | Msg::Over => {
            beside::update(state, &msg, shared);
        }
        Msg::Export => return export(state, shared).into_iter().collect(),
        Msg::Histogram => state.has_histogram = !state.has_histogram,
        Msg::Actual => {
            let change = state.shown_picture(shared).map(|it| readout::actual(it));
            effects = change.map_or_else(Vec::new, |change| look(state, shared, change));
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
    effects.extend(refresh(state, shared));
    effects
}

fn look(state: &mut State, shared: &Shared, change: Change) -> Vec<Effect> {
    let Some((image, _)) = shown(shared) else {
        return Vec::new();
    };
    let Some(picture) = state.shown_picture(shared).cloned() else {
        return Vec::new();
    };
    let now = (picture.look, &picture.seen);
    let mut is_changed = state.looks.change(image.id, now, change);
    let linked = (&mut state.looks, &state.company);
    is_changed |= beside::follow(linked, (image.id, &picture), change);
    if !is_changed {
        return Vec::new();
    }
    hurry(state)
}

/// Terminals that enlarge a picture get half of it until the keys rest.
fn hurry(state: &mut State) -> Vec<Effect> {
    state.is_hurried = true;
    vec![Effect::Wake(state.rest.ask(), REST)]
}

fn nudge(state: &mut State, shared: &Shared, (across, down): (i32, i32)) {
    let Some(picture) = state.picture.value() else {
        return;
    };
    let stored = picture.framing.stored;
    let (x, y) = state
        .pointer
        .unwrap_or((stored.width / 2, stored.height / 2));
    let moved =
        |at: u32, by: i32, side: u32| at.saturating_add_signed(by).min(side.saturating_sub(1));
    if shown(shared).is_some() {
        state.pointer = Some((
            moved(x, across, stored.width),
            moved(y, down, stored.height),
        ));
    }
}

/// To the right is wider, upwards is brighter.
fn drag(state: &mut State, shared: &Shared, (column, row): (u16, u16)) -> Vec<Effect> {
    let pixel = state.pixel_under(shared, column, row);
    if let Some(drawing) = &mut state.drawing {
        if let Some(pixel) = pixel {
            drawing.pull(pixel);
        }
        return hurry(state);
    }
    let before = state.dragged.replace((column, row));
    let Some((from_column, from_row)) = before else {
        return Vec::new();
    };
    let wide = (f32::from(column) - f32::from(from_column)) / DRAG_STEP;
    let bright = (f32::from(from_row) - f32::from(row)) / DRAG_STEP * 2.0;
    look(state, shared, Change::Shift { bright, wide })
}

impl State {
    /// What is known of the scan that is selected, once a slice of it was seen.
    fn seen(&self, shared: &Shared) -> Option<&Seen> {
        self.shown_picture(shared).map(|picture| &picture.seen)
    }

    /// The picture on the screen, if it is of the selected image.
    fn shown_picture(&self, shared: &Shared) -> Option<&Arc<Picture>> {
        let (image, _) = shown(shared)?;
        let picture = self.picture.value()?;
        (picture.request.image == image.id).then_some(picture)
    }

    fn pixel_under(&self, shared: &Shared, column: u16, row: u16) -> Option<(u32, u32)> {
        let (image, _) = shown(shared)?;
        let picture = self.picture.value()?;
        let (columns, rows) = self.room?;
        let area = Rect::new(0, 0, columns, rows);
        let place = picture.place(view::picture_area(self, shared, image, area))?;
        let inside = |at: u16, start: u16, length: u16| {
            let along = f64::from(at.checked_sub(start)?) + 0.5;
            (at < start + length).then(|| along / f64::from(length))
        };
        let across = inside(column, place.x, place.width)?;
        let down = inside(row, place.y, place.height)?;
        let (across, down) = picture.inset.inside(across, down)?;
        Some(picture.framing.pixel_at(across, down))
    }
}

/// The answer to an [`Effect::Wake`] of this pane.
pub fn woke(state: &mut State, ticket: Ticket, shared: &mut Shared) -> Option<Vec<Effect>> {
    if state.rest.accepts(ticket) {
        state.is_hurried = false;
        return Some(refresh(state, shared));
    }
    if !state.tick.accepts(ticket) {
        return None;
    }
    let Some(by) = state.cine else {
        return Some(Vec::new());
    };
    let mut effects = vec![Effect::Wake(state.tick.ask(), CINE)];
    // A terminal that is behind gets its next slice when it has drawn the last.
    if state.slot.is_waiting() {
        return Some(effects);
    }
    let moved = look(state, shared, Change::Slices(by));
    if moved.is_empty() {
        // At an end the way goes back, as through a body.
        state.cine = Some(-by);
    }
    effects.extend(moved);
    effects.extend(refresh(state, shared));
    Some(effects)
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
    let before = state.asked.as_ref().map(|asked| asked.image);
    if let Some(before) = before.filter(|before| *before != wanted.image) {
        state.company.left(before);
        state.pointer = None;
        state.drawing = None;
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
    if state.slot.accepts(ticket) {
        state.picture.settle(outcome.clone());
        return true;
    }
    // While somebody goes on and on, a slice on the way is better than none.
    let asked = state.asked.as_ref().filter(|_| state.slot.is_waiting());
    let (Some(asked), Ok(picture)) = (asked, outcome) else {
        return false;
    };
    let is_on_the_way = ticket.slot == SlotName::Picture && picture.request.image == asked.image;
    if is_on_the_way {
        state.picture = Load::Loading {
            stale: Some(Arc::clone(picture)),
        };
    }
    is_on_the_way
}

/// What is seen now, with the names of its regions.
fn export(state: &State, shared: &Shared) -> Option<Effect> {
    let (image, _) = shown(shared)?;
    let request = state.asked.clone()?;
    let look = state.shown_picture(shared).map(|picture| picture.look);
    let case = shared.case.value().map(|detail| detail.case.key.as_str());
    let legend = image.regions.iter().map(|region| LegendLine {
        colour: None,
        text: region.label.clone(),
    });
    Some(Effect::Export(Box::new(Export {
        name: format!("{}-{}", case.unwrap_or_default(), image.key),
        legend: legend.collect(),
        request: PictureRequest { look, ..request },
    })))
}

/// The pictures before and after the one that is shown now are read ahead.
pub fn neighbours(state: &mut State, shared: &Shared) -> Vec<Effect> {
    let (Some((image, position)), false) = (shown(shared), state.slot.is_waiting()) else {
        return Vec::new();
    };
    if state.company.becomes_ready(image.case) {
        return refresh(state, shared);
    }
    if state.warmed_for.replace(image.id) == Some(image.id) {
        return Vec::new();
    }
    let images = shared.case.value().map(|detail| detail.images.as_slice());
    let images = images.unwrap_or_default();
    let after = images.get(position + 1);
    let before = position.checked_sub(1).and_then(|at| images.get(at));
    let readable = |image: &&Image| {
        matches!(
            image.state,
            ImageState::Unchecked | ImageState::Readable { .. }
        )
    };
    after
        .into_iter()
        .chain(before)
        .filter(readable)
        .map(|image| Effect::Warm(image.location.clone()))
        .collect()
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
    let place = picture.place(view::picture_area(state, shared, image, area))?;
    is_seen.then(|| Placement {
        picture: Arc::clone(picture),
        place,
    })
}

/// The wheel leads through slices or pictures; a click asks for the value under it, a drag moves
/// the window.
pub fn mouse(state: &State, shared: &Shared, mouse: Mouse, _: Rect) -> Option<Msg> {
    shown(shared)?;
    let is_drawn = matches!(mouse.kind, MouseKind::Click | MouseKind::Drag);
    if state.drawing.is_some() && !is_drawn {
        return None;
    }
    match mouse.kind {
        MouseKind::ScrollUp => Some(Msg::Wheel(-1)),
        MouseKind::ScrollDown => Some(Msg::Wheel(1)),
        MouseKind::Click => Some(Msg::Point(mouse.column, mouse.row)),
        MouseKind::DoubleClick => Some(Msg::Look(Change::Fit)),
        MouseKind::Drag => Some(Msg::Drag(mouse.column, mouse.row)),
    }
}

/// While something is drawn, keys move it.
pub fn is_typing(state: &State) -> bool {
    state.drawing.is_some()
}

pub fn typed(state: &mut State, input: Input, shared: &mut Shared) -> Vec<Effect> {
    regions::typed(state, input, shared)
}

/// A region begins to be drawn; else why not.
pub(crate) fn draw_region(
    state: &mut State,
    shared: &Shared,
    tool: Tool,
) -> Result<Vec<Effect>, &'static str> {
    regions::begin(state, shared, tool)?;
    Ok(refresh(state, shared))
}

/// The marked region begins to be changed; else why not.
pub(crate) fn change_region(
    state: &mut State,
    shared: &Shared,
) -> Result<Vec<Effect>, &'static str> {
    regions::change(state, shared)?;
    Ok(refresh(state, shared))
}

/// A drawing was stored, or not: then it is drawn on.
pub(crate) fn region_edited(state: &mut State, is_stored: bool) {
    let sent = state.sent.take().filter(|_| !is_stored);
    state.drawing = state.drawing.take().or(sent);
}

/// The next region will probably be called the same.
pub(crate) fn region_was_named(state: &mut State, label: &str) {
    state.last_label = Some(label.to_owned());
}

/// How images were looked at, for the next sitting.
pub(crate) fn looks(state: &State) -> Vec<(ImageId, Look)> {
    state.looks.latest()
}

pub(crate) fn restore_looks(state: &mut State, looks: Vec<(ImageId, Look)>) {
    state.looks.restore(looks);
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
        state
            .asked
            .as_ref()
            .and_then(|it| state.company.said(it.beside.len())),
        state.protocol.map(|protocol| protocol.to_string()),
    ];
    Title {
        right: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
    }
}

pub fn hints(state: &State, shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    let mut hints = Vec::new();
    if let Some(seen) = state.seen(shared) {
        if seen.slices > 1 {
            hints.push(hint("image.slice-next", "next slice"));
            hints.push(hint("image.cine", "run"));
        }
        if seen.cuts.len() > 1 {
            hints.push(hint("image.plane", "plane"));
        }
        if seen.window.is_some() {
            hints.push(hint("image.window", "window"));
        }
        hints.push(hint("image.closer", "closer"));
    }
    let images = shared.case.value().map_or(0, |detail| detail.images.len());
    if images > 1 {
        hints.push(hint("image.next", "next picture"));
        hints.push(hint("image.previous", "previous"));
        hints.push(hint("image.beside", "side by side"));
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

/// Whether a terminal makes a small picture fill its cells by itself.
fn enlarges(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Kitty(_) | Protocol::Iterm2)
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
    let area = view::picture_area(state, shared, image, Rect::new(0, 0, columns, rows));
    if area.is_empty() {
        return None;
    }
    let regions = if state.hides_regions {
        Vec::new()
    } else {
        regions::outlines(state, image)
    };
    let marked = regions::marked(state, image, shared);
    Some(PictureRequest {
        image: image.id,
        location: image.location.clone(),
        columns: area.width,
        rows: area.height,
        look: state.looks.known(image.id),
        shows_overlays: !state.hides_regions,
        is_draft: state.is_hurried && state.protocol.is_some_and(enlarges),
        marked: marked.filter(|&region| region < regions.len()),
        regions,
        fills_regions: state.fills_regions,
        over: beside::over(state, shared),
        beside: beside::beside(state, shared),
        thumbnails: beside::thumbnails(state, shared),
    })
}
