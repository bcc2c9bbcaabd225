//! A slice that was read: fitted, drawn, and what is known of it.

use std::sync::Arc;

use semihv_domain::{Failure, FailureKind};
use semihv_imaging::{
    Extent, Framing, Limits, Look, Raster, Scan, Slice, describe, heated, overlaid, shown,
};
use semihv_terminal::Protocol;

use super::files::Files;
use super::prepare::Canvas;
use super::regions::Drawn;
use crate::picture::{Outline, Over, PictureRequest, Regions, Seen, SeenOver};

/// From this many pixels on an outline of one pixel is too thin to be seen.
const THIN_LINES_UP_TO: u32 = 400;

/// Greys of a draft.
const DRAFT_LEVELS: u8 = 16;

/// What is drawn over a slice.
pub(super) struct Strokes<'a> {
    pub(super) regions: &'a [Outline],
    pub(super) over: Option<&'a Over>,
    pub(super) marked: Option<usize>,
    pub(super) is_filled: bool,
    pub(super) shows_overlays: bool,
    pub(super) is_draft: bool,
}

impl<'a> Strokes<'a> {
    pub(super) fn of(request: &'a PictureRequest) -> Self {
        Self {
            regions: &request.regions,
            over: request.over.as_ref(),
            marked: request.marked,
            is_filled: request.fills_regions,
            shows_overlays: request.shows_overlays,
            is_draft: request.is_draft,
        }
    }
}

/// A slice of a scan, read.
pub(super) struct Opened<'a> {
    pub(super) scan: &'a Scan,
    pub(super) look: Look,
    pub(super) slice: Slice,
    pub(super) description: String,
}

impl<'a> Opened<'a> {
    pub(super) fn of(scan: &'a Scan, look: Option<Look>) -> Result<Self, Failure> {
        let look = look.unwrap_or_else(|| scan.first_look());
        let slice = scan
            .slice(look.place, Limits::default())
            .map_err(|error| Failure::of("picture", FailureKind::Data, &error))?;
        Ok(Self {
            description: describe(scan, look.place, &slice, look.window),
            scan,
            look,
            slice,
        })
    }

    pub(super) fn stored(&self) -> Extent {
        Extent {
            width: self.slice.pixels.width(),
            height: self.slice.pixels.height(),
        }
    }

    pub(super) fn aspect(&self) -> f32 {
        self.scan.geometry.pixel_aspect(self.look.place.cut)
    }

    pub(super) fn framing(&self, room: Extent) -> Framing {
        Framing::of(self.stored(), self.aspect(), &self.look, room)
    }

    /// The seen part in `extent` pixels, with what lies over it.
    pub(super) fn drawn(
        self,
        (framing, extent): (&Framing, Extent),
        strokes: &Strokes<'_>,
        canvas: &Canvas,
        files: &dyn Files,
    ) -> (Raster, Seen) {
        let (scan, look) = (self.scan, self.look);
        let mut seen = Seen::of(scan, &self.slice, &look);
        let regions = Drawn::of(
            (scan, look.place),
            (strokes.regions, strokes.marked),
            canvas.inks,
            files,
        );
        seen.regions = Regions {
            measured: regions.measured(
                strokes.marked,
                (&self.slice.pixels, framing),
                scan.geometry.spacing_of(look.place.cut),
            ),
            ..regions.seen.clone()
        };
        seen.over = strokes
            .over
            .map(|over| laid_over((scan, &look), over, files));
        let raster = shown(scan, self.slice, &look, framing, extent);
        // Fewer greys compress better: nobody reads values off a slice that flies past.
        let is_kitty = matches!(canvas.capabilities.protocol, Protocol::Kitty(_));
        let raster = if strokes.is_draft && is_kitty {
            raster.with_grey_levels(DRAFT_LEVELS)
        } else {
            raster
        };
        let raster = match (&seen.over, strokes.over) {
            (Some(Ok(laid)), Some(over)) => {
                heated(raster, &laid.values, framing, (over.map, laid.range))
            }
            _ => raster,
        };
        let overlays = if strokes.shows_overlays {
            scan.overlays(look.place)
        } else {
            Vec::new()
        };
        let raster = overlays.into_iter().fold(raster, |raster, overlay| {
            overlaid(raster, &overlay, framing, canvas.inks.region)
        });
        let thin = u8::from(raster.width().max(raster.height()) > THIN_LINES_UP_TO) + 1;
        let pen = (strokes.marked, thin, strokes.is_filled);
        (regions.draw(raster, framing, pen), seen)
    }
}

fn laid_over(
    (scan, look): (&Scan, &Look),
    over: &Over,
    files: &dyn Files,
) -> Result<SeenOver, String> {
    let opened = files.heat_map(&over.location);
    let opened = opened.map_err(|failure| failure.summary)?;
    let values = opened.on(&scan.geometry, look.place);
    Ok(SeenOver {
        range: opened.range(),
        unit: opened.unit,
        values: Arc::new(values.map_err(|error| error.to_string())?),
    })
}
