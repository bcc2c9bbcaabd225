//! Pictures on their way to the screen: what is asked for and what comes back.

use std::fmt;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::{ImageId, Modality, RegionSlice, Shape};
use semihv_imaging::{
    ColourMap, Cut, Framing, Geometry, LegendLine, Look, Measure, Pixels, Plane, Scan, Slice,
    Window, short,
};

use crate::graphics::Drawing;

/// A picture to be decoded, windowed, outlined and fitted into cells.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureRequest {
    pub image: ImageId,
    pub location: String,
    /// Cells available.
    pub columns: u16,
    pub rows: u16,
    /// None: as it is seen first.
    pub look: Option<Look>,
    /// Half the pixels, where the terminal enlarges them: while somebody goes on and on.
    pub is_draft: bool,
    /// Draw the graphics that the file itself lays over the slice.
    pub shows_overlays: bool,
    /// Outlined in the picture; empty when regions are hidden.
    pub regions: Vec<Outline>,
    /// Hatched inside as well.
    pub fills_regions: bool,
    /// Laid over it in colour.
    pub over: Option<Over>,
    /// Shown beside it, in order.
    pub beside: Vec<Beside>,
    /// A strip below.
    pub thumbnails: Vec<Thumbnail>,
    /// Index into `regions` of the one that is looked at.
    pub marked: Option<usize>,
}

/// The values of an image, laid over another in colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Over {
    pub location: String,
    /// As people call it.
    pub name: String,
    pub map: ColourMap,
}

/// What was laid over a slice.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenOver {
    /// Of the darkest and the brightest colour.
    pub range: (f32, f32),
    pub unit: Option<&'static str>,
    /// At the pixels of the slice below.
    pub values: Arc<Plane>,
}

impl SeenOver {
    /// `hot from 0 to 5.2 SUV`.
    pub fn said(&self, map: ColourMap) -> String {
        let (low, high) = self.range;
        let unit = self.unit.map(|unit| format!(" {unit}")).unwrap_or_default();
        format!("{map} from {} to {}{unit}", short(low), short(high))
    }
}

/// Another image in the same picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Beside {
    pub image: ImageId,
    pub location: String,
    pub look: Option<Look>,
    pub regions: Vec<Outline>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    pub location: String,
    /// It is the one that is shown.
    pub is_shown: bool,
}

/// What was seen of an image beside.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenBeside {
    pub image: ImageId,
    pub look: Look,
    pub seen: Seen,
}

/// Where in a picture its own image lies, as parts of width and height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inset {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Inset {
    pub const WHOLE: Self = Self {
        left: 0.0,
        top: 0.0,
        width: 1.0,
        height: 1.0,
    };

    /// A place in the picture as a place in its own image; `None` beside it.
    pub fn inside(&self, across: f64, down: f64) -> Option<(f64, f64)> {
        let across = (across - self.left) / self.width;
        let down = (down - self.top) / self.height;
        let is_inside = (0.0..=1.0).contains(&across) && (0.0..=1.0).contains(&down);
        is_inside.then_some((across, down))
    }
}

/// A region to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    pub shape: Shape,
    pub slice: Option<RegionSlice>,
    /// Regions of several names are told apart by colours; none: the theme's colour of regions.
    pub tint: Option<u8>,
}

/// What is known of the regions of a picture once it is drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Regions {
    /// As they were asked for.
    pub each: Vec<RegionSeen>,
    /// Slices of this cut that something is outlined on, in order.
    pub slices: Vec<u32>,
    /// Of the marked one, on this slice.
    pub measured: Option<Measure>,
    /// Why a region cannot be drawn.
    pub trouble: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct RegionSeen {
    pub colour: [u8; 3],
    /// What of it lies on this slice: a shape with its bounds.
    pub bounds: Option<Shape>,
    /// The slice of this cut that shows most of it; none when it lies on all or on none.
    pub home: Option<u32>,
}

/// What is seen, for a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    pub name: String,
    pub request: PictureRequest,
    pub legend: Vec<LegendLine>,
}

/// What the pane says of a slice beside its picture, and what it needs to go on to others.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub cuts: Vec<Cut>,
    pub slices: u32,
    pub times: u32,
    pub geometry: Geometry,
    pub modality: Option<Modality>,
    pub unit: Option<&'static str>,
    /// The window that was applied; none for pictures shown as they are.
    pub window: Option<Window>,
    pub windows: Vec<(String, Window)>,
    pub range: Option<(f32, f32)>,
    /// The values, for the one under a pointer; none for colour.
    pub slice: Option<Arc<Slice>>,
    pub regions: Regions,
    /// What lies over it in colour, or why nothing does.
    pub over: Option<Result<SeenOver, String>>,
}

impl Seen {
    pub(crate) fn of(scan: &Scan, slice: &Slice, look: &Look) -> Self {
        let is_grey = !matches!(slice.pixels, Pixels::Rgb8(_));
        Self {
            cuts: scan.cuts(),
            slices: scan.geometry.slices(look.place.cut),
            times: scan.times,
            geometry: scan.geometry,
            modality: scan.modality,
            unit: scan.unit,
            window: scan.window(slice, look.window),
            windows: slice.windows.clone(),
            range: slice.pixels.grey_range(),
            slice: is_grey.then(|| Arc::new(slice.clone())),
            regions: Regions::default(),
            over: None,
        }
    }
}

/// A picture ready to be drawn: encoded for one terminal at one size.
#[derive(Clone)]
pub struct Picture {
    pub request: PictureRequest,
    /// Cells covered, at most those asked for.
    pub columns: u16,
    pub rows: u16,
    /// Size, format and grey range in words.
    pub description: String,
    pub seen: Seen,
    /// As it was drawn.
    pub look: Look,
    /// Which part of the slice the cells show.
    pub framing: Framing,
    pub inset: Inset,
    /// Columns and rows of images in the picture.
    pub grid: (u8, u8),
    pub beside: Vec<SeenBeside>,
    /// Of the pixels and how they are shown; two equal pictures are drawn alike.
    pub(crate) fingerprint: u64,
    pub(crate) drawing: Drawing,
}

impl Picture {
    /// Where the picture lies when it is centred in `area`; None when it does not fit, as after a
    /// resize before the new one has come.
    pub fn place(&self, area: Rect) -> Option<Rect> {
        let left = area.width.checked_sub(self.columns)?;
        let above = area.height.checked_sub(self.rows)?;
        Some(Rect {
            x: area.x + left / 2,
            y: area.y + above / 2,
            width: self.columns,
            height: self.rows,
        })
    }

    /// Draws into the middle of `area`. Returns false when nothing was drawn and words must do.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) -> bool {
        let Some(place) = self.place(area.intersection(buffer.area)) else {
            return false;
        };
        self.drawing.draw(place, buffer)
    }

    /// Bytes that showing it costs, about.
    pub fn wire_bytes(&self) -> usize {
        self.drawing.wire_bytes()
    }

    /// True when the terminal paints pixels over the cells: nothing may be drawn on top of them.
    pub fn lies_over_text(&self) -> bool {
        self.drawing.lies_over_text()
    }
}

impl PartialEq for Picture {
    fn eq(&self, other: &Self) -> bool {
        self.request == other.request
            && (self.columns, self.rows) == (other.columns, other.rows)
            && self.fingerprint == other.fingerprint
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture")
            .field("request", &self.request)
            .field("columns", &self.columns)
            .field("rows", &self.rows)
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}
