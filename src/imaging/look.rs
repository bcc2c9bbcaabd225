//! How a slice is looked at: window, zoom, turn; and the picture that comes of it.

use image::imageops;
use semihv_domain::Shape;
use serde::{Deserialize, Serialize};

use crate::fit::{Extent, fitted, resize};
use crate::{Overlay, Place, Raster, Scan, Slice, Window, WindowChoice};

/// Everything that decides what of a scan is seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Look {
    pub place: Place,
    pub window: WindowChoice,
    pub is_inverted: bool,
    pub turn: Turn,
    /// How many times larger than what fits into the room; below 1 it is smaller.
    pub zoom: f32,
    /// The point in the middle, as parts of the shown width and height.
    pub centre: (f32, f32),
}

impl Default for Look {
    fn default() -> Self {
        Self {
            place: Place::default(),
            window: WindowChoice::Auto,
            is_inverted: false,
            turn: Turn::default(),
            zoom: 1.0,
            centre: (0.5, 0.5),
        }
    }
}

impl Look {
    /// Whether its numbers make sense: what was stored may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let window = match self.window {
            WindowChoice::Given(window) => window,
            _ => Window::between(0.0, 1.0),
        };
        let numbers = [
            self.zoom,
            self.centre.0,
            self.centre.1,
            window.centre,
            window.width,
        ];
        numbers.iter().all(|it| it.is_finite()) && self.zoom > 0.0 && window.width > 0.0
    }

    /// Whether somebody set more than the place.
    pub fn is_changed(&self) -> bool {
        let plain = Self {
            place: self.place,
            ..Self::default()
        };
        *self != plain
    }
}

/// Quarter turns to the right, after a mirror if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Turn {
    pub is_mirrored: bool,
    pub quarters: u8,
}

impl Turn {
    pub fn mirrored(self) -> Self {
        // A mirror of what is seen is a mirror before, turned the other way.
        Self {
            is_mirrored: !self.is_mirrored,
            quarters: (4 - self.quarters % 4) % 4,
        }
    }

    pub fn turned(self) -> Self {
        Self {
            quarters: (self.quarters + 1) % 4,
            ..self
        }
    }

    /// Whether width and height change places.
    fn swaps(self) -> bool {
        self.quarters % 2 == 1
    }

    /// A point of a slice of this size, as it is seen.
    pub fn seen(self, (x, y): (f64, f64), stored: Extent) -> (f64, f64) {
        let (width, height) = (f64::from(stored.width), f64::from(stored.height));
        let x = if self.is_mirrored { width - x } else { x };
        match self.quarters % 4 {
            0 => (x, y),
            1 => (height - y, x),
            2 => (width - x, height - y),
            _ => (y, width - x),
        }
    }

    /// The point of a slice that is seen there.
    pub fn stored(self, (x, y): (f64, f64), stored: Extent) -> (f64, f64) {
        let (width, height) = (f64::from(stored.width), f64::from(stored.height));
        let (x, y) = match self.quarters % 4 {
            0 => (x, y),
            1 => (y, height - x),
            2 => (width - x, height - y),
            _ => (width - y, x),
        };
        (if self.is_mirrored { width - x } else { x }, y)
    }

    fn apply(self, raster: Raster) -> Raster {
        if self == Self::default() {
            return raster;
        }
        macro_rules! turned {
            ($picture:expr) => {{
                let picture = if self.is_mirrored {
                    imageops::flip_horizontal(&$picture)
                } else {
                    $picture
                };
                match self.quarters % 4 {
                    0 => picture,
                    1 => imageops::rotate90(&picture),
                    2 => imageops::rotate180(&picture),
                    _ => imageops::rotate270(&picture),
                }
            }};
        }
        match raster {
            Raster::Grey(grey) => Raster::Grey(turned!(grey)),
            Raster::Colour(colour) => Raster::Colour(turned!(colour)),
        }
    }

    /// The letters at the left, right, top and bottom, as they are seen.
    pub fn marks(self, [left, right, top, bottom]: [char; 4]) -> [char; 4] {
        let (left, right) = if self.is_mirrored {
            (right, left)
        } else {
            (left, right)
        };
        match self.quarters % 4 {
            0 => [left, right, top, bottom],
            1 => [bottom, top, left, right],
            2 => [right, left, bottom, top],
            _ => [top, bottom, right, left],
        }
    }
}

/// The part of a slice that is seen, and the pixels that it becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Framing {
    /// Of the slice before it is turned.
    pub stored: Extent,
    pub turn: Turn,
    /// The seen part, in pixels of the turned slice.
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
    /// What it becomes.
    pub shown: Extent,
}

impl Framing {
    /// Fits a slice into `room`; `aspect` is the height of its pixels by their width.
    pub fn of(stored: Extent, aspect: f32, look: &Look, room: Extent) -> Self {
        let (mut width, mut height) = (stored.width, stored.height);
        let mut aspect = aspect;
        if look.turn.swaps() {
            (width, height) = (height, width);
            aspect = 1.0 / aspect;
        }
        // Square pixels: the side that is stretched grows, none shrinks.
        let (wide, high) = if aspect >= 1.0 {
            (f64::from(width), f64::from(height) * f64::from(aspect))
        } else {
            (f64::from(width) / f64::from(aspect), f64::from(height))
        };
        let square = Extent {
            width: wide.round().clamp(1.0, 1e6) as u32,
            height: high.round().clamp(1.0, 1e6) as u32,
        };
        let whole = fitted(square, room);
        let zoom = f64::from(look.zoom.clamp(0.1, 64.0));
        let side = |pixels: u32, whole: u32, room: u32, centre: f32| {
            let enlarged = f64::from(whole) * zoom;
            let shown = enlarged.min(f64::from(room.max(1))).max(1.0);
            let seen = (f64::from(pixels) * shown / enlarged)
                .round()
                .clamp(1.0, f64::from(pixels));
            let most = f64::from(pixels) - seen;
            let start = f64::from(centre) * f64::from(pixels) - seen / 2.0;
            (
                start.round().clamp(0.0, most) as u32,
                seen as u32,
                shown.round() as u32,
            )
        };
        let (left, seen_width, shown_width) = side(width, whole.width, room.width, look.centre.0);
        let (top, seen_height, shown_height) =
            side(height, whole.height, room.height, look.centre.1);
        Self {
            stored,
            turn: look.turn,
            left,
            top,
            width: seen_width,
            height: seen_height,
            shown: Extent {
                width: shown_width.max(1),
                height: shown_height.max(1),
            },
        }
    }

    /// The seen part.
    pub fn part(&self) -> Extent {
        Extent {
            width: self.width,
            height: self.height,
        }
    }

    /// A shape of the slice, in pixels of the seen part.
    pub fn moved(&self, shape: &Shape) -> Shape {
        let point = |x: f64, y: f64| {
            let (x, y) = self.turn.seen((x, y), self.stored);
            (x - f64::from(self.left), y - f64::from(self.top))
        };
        match *shape {
            Shape::Box {
                x,
                y,
                width,
                height,
            } => {
                let (ax, ay) = point(x, y);
                let (bx, by) = point(x + width, y + height);
                Shape::Box {
                    x: ax.min(bx),
                    y: ay.min(by),
                    width: (bx - ax).abs(),
                    height: (by - ay).abs(),
                }
            }
            Shape::Ellipse { cx, cy, rx, ry } => {
                let (cx, cy) = point(cx, cy);
                let (rx, ry) = if self.turn.swaps() {
                    (ry, rx)
                } else {
                    (rx, ry)
                };
                Shape::Ellipse { cx, cy, rx, ry }
            }
            Shape::Polygon { ref points } => Shape::Polygon {
                points: points.iter().map(|(x, y)| point(*x, *y)).collect(),
            },
            Shape::Point { x, y } => {
                let (x, y) = point(x, y);
                Shape::Point { x, y }
            }
            // A mask is placed pixel by pixel when it is drawn.
            Shape::Mask { .. } => shape.clone(),
        }
    }

    /// The pixel of the slice under a place in the shown picture, given as parts of its width and
    /// height.
    pub fn pixel_at(&self, across: f64, down: f64) -> (u32, u32) {
        let seen = (
            f64::from(self.left) + across.clamp(0.0, 1.0) * f64::from(self.width),
            f64::from(self.top) + down.clamp(0.0, 1.0) * f64::from(self.height),
        );
        let (x, y) = self.turn.stored(seen, self.stored);
        let inside = |at: f64, side: u32| at.clamp(0.0, f64::from(side.max(1) - 1)) as u32;
        (inside(x, self.stored.width), inside(y, self.stored.height))
    }
}

/// Windows, turns, crops and scales a slice; `extent` is that of the seen part on the screen.
pub fn shown(scan: &Scan, slice: Slice, look: &Look, framing: &Framing, extent: Extent) -> Raster {
    let raster = scan.render(slice, look.window);
    let raster = if look.is_inverted {
        raster.inverted()
    } else {
        raster
    };
    let raster = look.turn.apply(raster);
    let part = if framing.part()
        == (Extent {
            width: raster.width(),
            height: raster.height(),
        }) {
        raster
    } else {
        raster.cropped(framing.left, framing.top, framing.part())
    };
    resize(part, extent)
}

/// Paints the bits of an overlay over the seen part of its slice.
pub fn overlaid(raster: Raster, overlay: &Overlay, framing: &Framing, colour: [u8; 3]) -> Raster {
    let (across, down) = (
        f64::from(raster.width()) / f64::from(framing.width.max(1)),
        f64::from(raster.height()) / f64::from(framing.height.max(1)),
    );
    let mut canvas = raster.into_colour();
    let rows = overlay.bits.chunks(overlay.width.max(1) as usize);
    for (y, row) in (overlay.top..).zip(rows) {
        for (x, _) in (overlay.left..).zip(row).filter(|(_, bit)| **bit) {
            // The two corners of the pixel, wherever a turn puts them.
            let corner = |x: i32, y: i32| {
                let (x, y) = framing
                    .turn
                    .seen((f64::from(x), f64::from(y)), framing.stored);
                (
                    ((x - f64::from(framing.left)) * across).round(),
                    ((y - f64::from(framing.top)) * down).round(),
                )
            };
            let (a, b) = (corner(x, y), corner(x + 1, y + 1));
            let span = |a: f64, b: f64, most: u32| {
                let first = a.min(b).clamp(0.0, f64::from(most)) as u32;
                // A bit that is smaller than a pixel of the screen is still seen.
                let last = a.max(b).max(a.min(b) + 1.0).clamp(0.0, f64::from(most)) as u32;
                first..last
            };
            for y in span(a.1, b.1, canvas.height()) {
                for x in span(a.0, b.0, canvas.width()) {
                    canvas.put_pixel(x, y, image::Rgb(colour));
                }
            }
        }
    }
    Raster::Colour(canvas)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extent(width: u32, height: u32) -> Extent {
        Extent { width, height }
    }

    #[test]
    fn the_whole_slice_is_seen_without_zoom_in_its_true_shape() {
        let framing = Framing::of(extent(512, 60), 5.0, &Look::default(), extent(720, 720));
        assert_eq!(
            (framing.left, framing.top, framing.part()),
            (0, 0, extent(512, 60))
        );
        assert_eq!(framing.shown, extent(720, 422));
    }

    #[test]
    fn zoom_shows_a_part_around_the_centre_and_stays_inside() {
        let look = Look {
            zoom: 4.0,
            centre: (0.99, 0.5),
            ..Look::default()
        };
        let framing = Framing::of(extent(512, 512), 1.0, &look, extent(720, 720));
        assert_eq!(
            (framing.left, framing.top, framing.part()),
            (384, 192, extent(128, 128))
        );
        assert_eq!(framing.shown, extent(720, 720));
    }

    #[test]
    fn letters_turn_with_the_picture() {
        let right = Turn::default().turned();
        let shown = |turn: Turn| turn.marks(['R', 'L', 'A', 'P']).iter().collect::<String>();
        assert_eq!(shown(Turn::default().mirrored()), "LRAP");
        assert_eq!(shown(right), "PARL");
        assert_eq!(shown(right.turned()), "LRPA");
    }

    #[test]
    fn an_overlay_lies_on_its_pixels_whatever_the_zoom_and_the_turn() {
        let overlay = Overlay {
            label: "note".to_owned(),
            left: 1,
            top: -1,
            width: 2,
            height: 2,
            bits: vec![true, true, false, true],
        };
        let grey = || Raster::Grey(image::GrayImage::new(8, 8));
        let painted = |look: &Look| {
            let framing = Framing::of(extent(4, 4), 1.0, look, extent(8, 8));
            let raster = overlaid(grey(), &overlay, &framing, [255, 0, 0]);
            let red = |&(x, y): &(u32, u32)| raster.rgb(x, y) == [255, 0, 0];
            let all = (0..8).flat_map(|y| (0..8).map(move |x| (x, y)));
            all.filter(red).collect::<Vec<_>>()
        };
        // The first row lies above the picture; of the second, its right bit is pixel 2, 0.
        let plain = painted(&Look::default());
        assert_eq!(plain, [(4, 0), (5, 0), (4, 1), (5, 1)]);
        let mirrored = Look {
            turn: Turn::default().mirrored(),
            ..Look::default()
        };
        assert_eq!(painted(&mirrored), [(2, 0), (3, 0), (2, 1), (3, 1)]);
    }

    proptest! {
        #[test]
        fn a_point_is_found_again_whatever_the_turn(
            x in 0.0..30.0_f64, y in 0.0..20.0_f64, quarters in 0_u8..4, is_mirrored: bool,
        ) {
            let turn = Turn { is_mirrored, quarters };
            let stored = extent(30, 20);
            let (back_x, back_y) = turn.stored(turn.seen((x, y), stored), stored);
            prop_assert!((back_x - x).abs() < 1e-9 && (back_y - y).abs() < 1e-9);
        }

        #[test]
        fn what_is_seen_lies_inside_whatever_is_asked(
            width in 1_u32..3000, height in 1_u32..3000, aspect in 0.02_f32..50.0,
            zoom in 0.0_f32..100.0, x in -1.0_f32..2.0, y in -1.0_f32..2.0, quarters in 0_u8..4,
        ) {
            let turn = Turn { is_mirrored: false, quarters };
            let look = Look { zoom, centre: (x, y), turn, ..Look::default() };
            let framing = Framing::of(extent(width, height), aspect, &look, extent(700, 300));
            let (wide, high) = if quarters % 2 == 1 { (height, width) } else { (width, height) };
            prop_assert!(framing.left + framing.width <= wide);
            prop_assert!(framing.top + framing.height <= high);
            prop_assert!(framing.shown.width <= 700 && framing.shown.height <= 300);
        }
    }
}
