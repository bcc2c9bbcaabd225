//! What of a scan is looked at: slice, cut, window, zoom and turn, remembered for every image.

use std::collections::HashMap;

use semihv_domain::ImageId;
use semihv_imaging::{Look, Preset, Turn, Window, WindowChoice};

use crate::picture::Seen;

/// Images of this many are remembered; then all are forgotten.
const MOST_REMEMBERED: usize = 2_000;
/// Of these the next sitting knows.
const MOST_KEPT: usize = 200;
/// A step closer.
const ZOOM: f32 = 1.5;
const CLOSEST: f32 = 32.0;
/// Small pictures are enlarged to fit; one to one they are smaller than that.
const FARTHEST: f32 = 0.125;
/// A step of the window, as part of its width.
const WINDOW_STEP: f32 = 0.1;
/// A step to the side, as part of what is seen.
const PAN: f32 = 0.2;

/// A change of what is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Slices on, or back.
    Slices(i64),
    ToSlice(u32),
    FirstSlice,
    LastSlice,
    NextCut,
    /// Volumes of a 4-D file on, or back.
    Times(i64),
    NextWindow,
    PreviousWindow,
    UsualWindow,
    /// Steps of the window: brighter and wider are positive.
    Shift {
        bright: f32,
        wide: f32,
    },
    Invert,
    Closer,
    Farther,
    Fit,
    /// One pixel of the slice for one of the screen, at this zoom.
    Actual(f32),
    /// Steps to the right and down.
    Pan(i8, i8),
    Mirror,
    Rotate,
    /// To a point, as parts of the stored width and height, at a zoom.
    Onto {
        centre: (f32, f32),
        zoom: f32,
    },
}

/// What is looked at, of every image that was.
#[derive(Debug, Clone, Default)]
pub(super) struct Looks {
    of: HashMap<ImageId, Look>,
    /// The image changed last comes last.
    order: Vec<ImageId>,
}

impl Looks {
    pub(super) fn known(&self, image: ImageId) -> Option<Look> {
        self.of.get(&image).copied()
    }

    fn set(&mut self, image: ImageId, look: Look) {
        if self.of.len() >= MOST_REMEMBERED {
            *self = Self::default();
        }
        self.of.insert(image, look);
        if self.order.last() != Some(&image) {
            self.order.retain(|known| *known != image);
            self.order.push(image);
        }
    }

    /// Those changed last, for another sitting.
    pub(super) fn latest(&self) -> Vec<(ImageId, Look)> {
        let first = self.order.len().saturating_sub(MOST_KEPT);
        let images = self.order.iter().skip(first);
        images
            .filter_map(|image| Some((*image, self.known(*image)?)))
            .collect()
    }

    /// Of an earlier sitting; what makes no sense is left.
    pub(super) fn restore(&mut self, looks: Vec<(ImageId, Look)>) {
        let sound = looks.into_iter().filter(|(_, look)| look.is_sound());
        for (image, look) in sound.take(MOST_KEPT) {
            self.set(image, look);
        }
    }

    /// Zoom, turn and window of another image, for one whose slice stays its own.
    pub(super) fn take_frame(&mut self, image: ImageId, from: Look) {
        if let Some(Look { place, .. }) = self.known(image) {
            self.set(image, Look { place, ..from });
        }
    }

    /// True when something else is to be seen now than `before`.
    pub(super) fn change(
        &mut self,
        image: ImageId,
        (before, seen): (Look, &Seen),
        change: Change,
    ) -> bool {
        let before = self.known(image).unwrap_or(before);
        let mut look = before;
        changed(&mut look, seen, change);
        self.set(image, look);
        look != before
    }
}

fn changed(look: &mut Look, seen: &Seen, change: Change) {
    let slices = seen.geometry.slices(look.place.cut);
    match change {
        Change::Slices(by) => look.place.slice = moved(look.place.slice, by, slices),
        Change::ToSlice(slice) => look.place.slice = slice.min(slices - 1),
        Change::FirstSlice => look.place.slice = 0,
        Change::LastSlice => look.place.slice = slices - 1,
        Change::Times(by) => look.place.time = moved(look.place.time, by, seen.times),
        Change::NextCut => next_cut(look, seen),
        Change::NextWindow => look.window = neighbour(look.window, seen, 1),
        Change::PreviousWindow => look.window = neighbour(look.window, seen, -1),
        Change::UsualWindow => look.window = WindowChoice::Auto,
        Change::Shift { bright, wide } => shift(look, seen, (bright, wide)),
        Change::Invert => look.is_inverted = !look.is_inverted,
        Change::Closer => look.zoom = (look.zoom * ZOOM).min(CLOSEST),
        Change::Farther => {
            look.zoom = (look.zoom / ZOOM).max(1.0);
            if look.zoom <= 1.01 {
                (look.zoom, look.centre) = (1.0, (0.5, 0.5));
            }
        }
        Change::Actual(zoom) => look.zoom = zoom.clamp(FARTHEST, CLOSEST),
        Change::Fit => (look.zoom, look.centre, look.turn) = (1.0, (0.5, 0.5), Turn::default()),
        Change::Pan(across, down) => {
            let step = PAN / look.zoom;
            let inside = |at: f32| {
                let half = (0.5 / look.zoom).min(0.5);
                at.clamp(half, 1.0 - half)
            };
            let (x, y) = look.centre;
            look.centre = (
                inside(x + f32::from(across) * step),
                inside(y + f32::from(down) * step),
            );
        }
        Change::Mirror => look.turn = look.turn.mirrored(),
        Change::Rotate => look.turn = look.turn.turned(),
        Change::Onto { centre, zoom } => {
            (look.centre, look.zoom) = (centre, zoom.clamp(1.0, CLOSEST));
        }
    }
}

fn moved(at: u32, by: i64, count: u32) -> u32 {
    let last = i64::from(count.max(1)) - 1;
    (i64::from(at) + by).clamp(0, last) as u32
}

/// Every plane begins in its middle.
fn next_cut(look: &mut Look, seen: &Seen) {
    let at = seen.cuts.iter().position(|cut| *cut == look.place.cut);
    let next = at.map_or(0, |at| (at + 1) % seen.cuts.len().max(1));
    let Some(cut) = seen
        .cuts
        .get(next)
        .copied()
        .filter(|cut| *cut != look.place.cut)
    else {
        return;
    };
    look.place.cut = cut;
    look.place.slice = seen.geometry.slices(cut) / 2;
    (look.zoom, look.centre, look.turn) = (1.0, (0.5, 0.5), Turn::default());
}

/// The windows in their order: the usual one, those of the file, the presets, the two by values.
fn windows(seen: &Seen) -> Vec<WindowChoice> {
    let of_file = seen
        .windows
        .iter()
        .map(|(_, window)| WindowChoice::Given(*window));
    let presets = Preset::ALL.into_iter().map(WindowChoice::Preset);
    let knows_presets = seen.unit == Some("HU") && Preset::are_known_for(seen.modality);
    std::iter::once(WindowChoice::Auto)
        .chain(of_file.skip(1))
        .chain(presets.filter(|_| knows_presets))
        .chain([WindowChoice::Percentile, WindowChoice::Full])
        .collect()
}

fn neighbour(now: WindowChoice, seen: &Seen, by: i64) -> WindowChoice {
    let all = windows(seen);
    let at = all.iter().position(|choice| *choice == now).unwrap_or(0) as i64;
    let next = (at + by).rem_euclid(all.len() as i64) as usize;
    all.get(next).copied().unwrap_or_default()
}

fn shift(look: &mut Look, seen: &Seen, (bright, wide): (f32, f32)) {
    let range = seen.range.map(|(low, high)| Window::between(low, high));
    let Some(now) = seen.window.or(range) else {
        return;
    };
    let step = now.width.max(1.0) * WINDOW_STEP;
    look.window = WindowChoice::Given(Window {
        // A lower window shows brighter.
        centre: now.centre - bright * step,
        width: (now.width + wide * step).max(seen.least_width()),
        ..now
    });
}

impl Seen {
    /// Narrower windows show nothing but noise of the numbers.
    fn least_width(&self) -> f32 {
        let span = self.range.map_or(1.0, |(low, high)| high - low);
        (span / 4096.0).max(f32::MIN_POSITIVE)
    }
}

/// What a choice is called beside its numbers.
pub(super) fn window_name(choice: WindowChoice, seen: &Seen) -> Option<String> {
    match choice {
        WindowChoice::Auto => {
            let slice = seen.slice.as_deref()?;
            let is_table = slice.is_through_table(choice);
            is_table.then(|| "the file's table".to_owned())
        }
        WindowChoice::Given(window) => {
            let named = seen.windows.iter().find(|(_, known)| *known == window);
            named.map(|(name, _)| name.clone())
        }
        other => Some(other.to_string()),
    }
}
