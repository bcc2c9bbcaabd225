//! A region that is being drawn or changed, with keys and with the mouse.

use crossterm::event::{KeyCode, KeyModifiers};
use semihv_domain::{ImageId, Region, RegionDraft, RegionSlice, Shape};
use semihv_engine::Edit;
use semihv_imaging::Framing;

use crate::keys::Key;
use crate::picture::Outline;

/// A coarse step is this part of what is seen.
const COARSE: f64 = 48.0;
/// A new box covers this part of what is seen.
const FIRST_SIDE: f64 = 5.0;

/// What is drawn, in pixels of the slice.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawing {
    pub image: ImageId,
    pub shape: Shape,
    slice: Option<RegionSlice>,
    label: String,
    /// The stored region that is changed; none: a new one.
    changes: Option<Box<Region>>,
    /// A step is one pixel.
    is_fine: bool,
    /// The corner from which the mouse draws.
    anchor: Option<(f64, f64)>,
}

/// What a key did to a drawing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Drawn {
    Goes,
    Keep(Edit),
    Leave,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Box,
    Point,
}

impl Drawing {
    /// Around the pointer, else in the middle of what is seen.
    pub(super) fn new(
        tool: Tool,
        (image, slice, label): (ImageId, Option<RegionSlice>, String),
        pointer: Option<(u32, u32)>,
        framing: &Framing,
    ) -> Self {
        let (x, y) = pointer.unwrap_or_else(|| framing.pixel_at(0.5, 0.5));
        let (x, y) = (f64::from(x), f64::from(y));
        let (width, height) = (
            (f64::from(framing.width) / FIRST_SIDE).round().max(1.0),
            (f64::from(framing.height) / FIRST_SIDE).round().max(1.0),
        );
        let shape = match tool {
            Tool::Point => Shape::Point { x, y },
            Tool::Box => Shape::Box {
                x: (x - width / 2.0).round().max(0.0),
                y: (y - height / 2.0).round().max(0.0),
                width,
                height,
            },
        };
        Self {
            image,
            shape,
            slice,
            label,
            changes: None,
            is_fine: false,
            anchor: None,
        }
    }

    /// Of a region that a person drew.
    pub(super) fn of(region: &Region) -> Self {
        Self {
            image: region.image,
            shape: region.shape.clone(),
            slice: region.slice,
            label: region.label.clone(),
            changes: Some(Box::new(region.clone())),
            is_fine: false,
            anchor: None,
        }
    }

    /// The stored region that is changed.
    pub(super) fn changed(&self) -> Option<&Region> {
        self.changes.as_deref()
    }

    pub(super) fn outline(&self) -> Outline {
        Outline {
            shape: self.shape.clone(),
            slice: self.slice,
            tint: None,
        }
    }

    /// `box 40 x 32 at 120, 80`.
    pub(super) fn said(&self) -> String {
        match self.shape {
            Shape::Point { x, y } => format!("point {x:.0}, {y:.0}"),
            Shape::Box {
                x,
                y,
                width,
                height,
            } => format!("box {width:.0} x {height:.0} at {x:.0}, {y:.0}"),
            _ => {
                let (x, y, width, height) = self.shape.bounds();
                format!("{} {width:.0} x {height:.0} at {x:.0}, {y:.0}", self.label)
            }
        }
    }

    pub(super) fn key(&mut self, key: Key, framing: &Framing) -> Drawn {
        let grows = key.modifiers.contains(KeyModifiers::SHIFT);
        let (across, down, grows) = match key.code {
            KeyCode::Enter => return Drawn::Keep(self.edit()),
            KeyCode::Esc => return Drawn::Leave,
            KeyCode::Char('f') => {
                self.is_fine = !self.is_fine;
                return Drawn::Goes;
            }
            KeyCode::Left => (-1.0, 0.0, grows),
            KeyCode::Right => (1.0, 0.0, grows),
            KeyCode::Up => (0.0, -1.0, grows),
            KeyCode::Down => (0.0, 1.0, grows),
            KeyCode::Char('h') => (-1.0, 0.0, false),
            KeyCode::Char('l') => (1.0, 0.0, false),
            KeyCode::Char('k') => (0.0, -1.0, false),
            KeyCode::Char('j') => (0.0, 1.0, false),
            KeyCode::Char('H') => (-1.0, 0.0, true),
            KeyCode::Char('L') => (1.0, 0.0, true),
            KeyCode::Char('K') => (0.0, -1.0, true),
            KeyCode::Char('J') => (0.0, 1.0, true),
            _ => return Drawn::Goes,
        };
        let step = |seen: u32| {
            if self.is_fine {
                1.0
            } else {
                (f64::from(seen) / COARSE).round().max(1.0)
            }
        };
        let (across, down) = as_stored(
            (across * step(framing.width), down * step(framing.height)),
            framing,
        );
        if grows {
            self.resize((across, down), framing);
        } else {
            self.shift((across, down), framing);
        }
        Drawn::Goes
    }

    /// The mouse was pressed on a pixel: a point goes there, a box begins there.
    pub(super) fn press(&mut self, (x, y): (u32, u32)) {
        let at = (f64::from(x), f64::from(y));
        self.anchor = Some(at);
        if let Shape::Point { x, y } = &mut self.shape {
            (*x, *y) = at;
        }
    }

    /// The mouse was drawn to a pixel: a box reaches to its far side.
    pub(super) fn pull(&mut self, (x, y): (u32, u32)) {
        let at = (f64::from(x), f64::from(y));
        match &mut self.shape {
            Shape::Point { x, y } => (*x, *y) = at,
            Shape::Box {
                x,
                y,
                width,
                height,
            } => {
                let anchor = *self.anchor.get_or_insert(at);
                (*x, *width) = span(anchor.0, at.0);
                (*y, *height) = span(anchor.1, at.1);
            }
            Shape::Ellipse { .. } | Shape::Polygon { .. } | Shape::Mask { .. } => {}
        }
    }

    fn shift(&mut self, (across, down): (f64, f64), framing: &Framing) {
        let (left, top, width, height) = self.shape.bounds();
        let inside = |at: f64, by: f64, length: f64, side: u32| {
            let most = (f64::from(side) - length.max(1.0)).max(0.0);
            (at + by).clamp(0.0, most) - at
        };
        let across = inside(left, across, width, framing.stored.width);
        let down = inside(top, down, height, framing.stored.height);
        match &mut self.shape {
            Shape::Box { x, y, .. } | Shape::Point { x, y } => (*x, *y) = (*x + across, *y + down),
            Shape::Ellipse { cx, cy, .. } => (*cx, *cy) = (*cx + across, *cy + down),
            Shape::Polygon { points } => {
                for (x, y) in points {
                    (*x, *y) = (*x + across, *y + down);
                }
            }
            Shape::Mask { .. } => {}
        }
    }

    /// The right and the lower side move.
    fn resize(&mut self, (across, down): (f64, f64), framing: &Framing) {
        match &mut self.shape {
            Shape::Box {
                x,
                y,
                width,
                height,
            } => {
                let most = |start: f64, side: u32| (f64::from(side) - start).max(1.0);
                *width = (*width + across).clamp(1.0, most(*x, framing.stored.width));
                *height = (*height + down).clamp(1.0, most(*y, framing.stored.height));
            }
            Shape::Ellipse { rx, ry, .. } => {
                (*rx, *ry) = ((*rx + across).max(1.0), (*ry + down).max(1.0));
            }
            Shape::Point { .. } | Shape::Polygon { .. } | Shape::Mask { .. } => {}
        }
    }

    fn edit(&self) -> Edit {
        match &self.changes {
            Some(region) => Edit::PutRegion {
                region: Box::new(Region {
                    shape: self.shape.clone(),
                    ..region.as_ref().clone()
                }),
            },
            None => Edit::DrawRegion {
                image: self.image,
                region: RegionDraft {
                    slice: self.slice,
                    ..RegionDraft::new(self.label.clone(), self.shape.clone())
                },
            },
        }
    }
}

/// From one pixel to another, both inside.
fn span(from: f64, to: f64) -> (f64, f64) {
    (from.min(to), (to - from).abs() + 1.0)
}

/// A step on the screen as a step in the slice, whatever its turn.
fn as_stored((across, down): (f64, f64), framing: &Framing) -> (f64, f64) {
    let from = framing.turn.stored((0.0, 0.0), framing.stored);
    let to = framing.turn.stored((across, down), framing.stored);
    (to.0 - from.0, to.1 - from.1)
}

#[cfg(test)]
mod tests {
    use semihv_imaging::{Extent, Look, Turn};

    use super::*;

    fn framing(turn: Turn) -> Framing {
        let extent = Extent {
            width: 100,
            height: 96,
        };
        let look = Look {
            turn,
            ..Look::default()
        };
        Framing::of(extent, 1.0, &look, extent)
    }

    fn new(tool: Tool) -> Drawing {
        let framing = framing(Turn::default());
        let of = (ImageId(1), None, "region".to_owned());
        Drawing::new(tool, of, Some((50, 48)), &framing)
    }

    fn typed(drawing: &mut Drawing, keys: &str, turn: Turn) {
        for key in keys.chars() {
            let key = Key::plain(KeyCode::Char(key));
            assert_eq!(drawing.key(key, &framing(turn)), Drawn::Goes);
        }
    }

    #[test]
    fn keys_move_and_size_a_box_and_it_stays_in_the_picture() {
        let mut drawing = new(Tool::Box);
        assert_eq!(drawing.said(), "box 20 x 19 at 40, 39");
        typed(&mut drawing, "lljf", Turn::default());
        assert_eq!(drawing.said(), "box 20 x 19 at 44, 41");
        typed(&mut drawing, "kLLJ", Turn::default());
        assert_eq!(drawing.said(), "box 22 x 20 at 44, 40");
        typed(&mut drawing, "f", Turn::default());
        typed(&mut drawing, &"h".repeat(60), Turn::default());
        typed(&mut drawing, &"L".repeat(60), Turn::default());
        assert_eq!(drawing.said(), "box 100 x 20 at 0, 40");
    }

    #[test]
    fn to_the_right_is_to_the_right_on_the_screen_whatever_the_turn() {
        let mut drawing = new(Tool::Point);
        typed(&mut drawing, "fl", Turn::default().mirrored());
        assert_eq!(drawing.said(), "point 49, 48");
        typed(&mut drawing, "l", Turn::default().turned());
        assert_eq!(drawing.said(), "point 49, 47");
    }

    #[test]
    fn the_mouse_draws_from_any_corner() {
        let mut drawing = new(Tool::Box);
        drawing.press((30, 20));
        drawing.pull((10, 24));
        assert_eq!(drawing.said(), "box 21 x 5 at 10, 20");
        let Drawn::Keep(Edit::DrawRegion { image, region }) =
            drawing.key(Key::ENTER, &framing(Turn::default()))
        else {
            panic!("enter keeps");
        };
        assert_eq!((image, region.shape), (ImageId(1), drawing.shape.clone()));
        let left = drawing.key(Key::ESC, &framing(Turn::default()));
        assert_eq!(left, Drawn::Leave);
    }
}
