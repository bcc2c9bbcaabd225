//! From bytes to a picture that is ready to be drawn. Pure work for a thread of its own.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use image::ImageError;
use semihv_domain::{Failure, FailureKind};
use semihv_imaging::{
    Extent, Framing, Ground, Limits, Look, Raster, Scan, describe, overlaid, shown,
};
use semihv_terminal::{Capabilities, CellSize, Placement, Protocol};

use super::blocks::blocks;
use super::characters::characters;
use super::drawing::{Drawing, Kind};
use super::inks::Inks;
use super::kitty::{ImageNumber, Showing, Wrap, png, transmission};
use super::painted::Painted;
use super::regions::{Drawn, OpenRegions};
use crate::picture::{Picture, PictureRequest, Regions, Seen};

/// No pane needs more pixels, whatever a terminal says of its size.
const LONGEST_SIDE: u32 = 4096;
/// From this many pixels on an outline of one pixel is too thin to be seen.
const THIN_LINES_UP_TO: u32 = 400;

/// Greys of a draft.
const DRAFT_LEVELS: u8 = 16;

/// What a picture is prepared for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    pub capabilities: Capabilities,
    pub inks: Inks,
}

/// Decodes, windows, fits, outlines and encodes.
pub fn prepare(
    scan: &Scan,
    request: &PictureRequest,
    canvas: &Canvas,
    open: &OpenRegions<'_>,
) -> Result<Picture, Failure> {
    let said = |error| Failure::of("picture", FailureKind::Data, &error);
    let look = request.look.unwrap_or_else(|| scan.first_look());
    let slice = scan.slice(look.place, Limits::default()).map_err(said)?;
    let mut seen = Seen::of(scan, &slice, &look);
    let description = describe(scan, look.place, &slice, look.window);
    let stored = Extent {
        width: slice.pixels.width(),
        height: slice.pixels.height(),
    };
    let aspect = scan.geometry.pixel_aspect(look.place.cut);
    let shape = Fitted::of((stored, aspect), (&look, request), &canvas.capabilities);
    let regions = Drawn::of(
        (scan, look.place),
        (&request.regions, request.marked),
        canvas.inks,
        open,
    );
    seen.regions = Regions {
        measured: regions.measured(
            request.marked,
            (&slice.pixels, &shape.framing),
            scan.geometry.spacing_of(look.place.cut),
        ),
        ..regions.seen.clone()
    };
    let raster = shown(scan, slice, &look, &shape.framing, shape.raster);
    // Fewer greys compress better: nobody reads values off a slice that flies past.
    let raster = if request.is_draft && matches!(canvas.capabilities.protocol, Protocol::Kitty(_)) {
        raster.with_grey_levels(DRAFT_LEVELS)
    } else {
        raster
    };
    let overlays = if request.shows_overlays {
        scan.overlays(look.place)
    } else {
        Vec::new()
    };
    let raster = overlays.into_iter().fold(raster, |raster, overlay| {
        overlaid(raster, &overlay, &shape.framing, canvas.inks.region)
    });
    let thin = u8::from(raster.width().max(raster.height()) > THIN_LINES_UP_TO) + 1;
    let strokes = (request.marked, thin, request.fills_regions);
    let raster = regions.draw(raster, &shape.framing, strokes);
    let fingerprint = fingerprint(&raster, canvas);
    let drawing =
        encode(&raster, &shape, canvas, ImageNumber::of(fingerprint)).map_err(|error| {
            Failure::of("picture", FailureKind::Internal, &error)
                .with_hint("show it with `--graphics halfblocks` and report this")
        })?;
    Ok(Picture {
        request: request.clone(),
        columns: shape.columns,
        rows: shape.rows,
        description,
        seen,
        look,
        framing: shape.framing,
        fingerprint,
        drawing: Drawing(Arc::new(drawing)),
    })
}

/// The cells a picture covers and the pixels that go into them.
struct Fitted {
    columns: u16,
    rows: u16,
    framing: Framing,
    raster: Extent,
}

impl Fitted {
    fn of(
        (stored, aspect): (Extent, f32),
        (look, request): (&Look, &PictureRequest),
        capabilities: &Capabilities,
    ) -> Self {
        let CellSize { width, height } = capabilities.cell;
        let (width, height) = (u32::from(width), u32::from(height));
        let room = Extent {
            width: (u32::from(request.columns) * width).clamp(1, LONGEST_SIDE),
            height: (u32::from(request.rows) * height).clamp(1, LONGEST_SIDE),
        };
        let framing = Framing::of(stored, aspect, look, room);
        let shown = framing.shown;
        let sends_pixels = capabilities.protocol.sends_pixels();
        let cells_of = |length: u32, cell: u32| {
            if sends_pixels {
                length.div_ceil(cell)
            } else {
                // Whole cells: the nearest shape that characters can have.
                (length + cell / 2) / cell
            }
        };
        let columns =
            cells_of(shown.width, width).clamp(1, u32::from(request.columns.max(1))) as u16;
        let rows = cells_of(shown.height, height).clamp(1, u32::from(request.rows.max(1))) as u16;
        let raster = match capabilities.protocol {
            Protocol::Halfblocks => cells(columns, rows.saturating_mul(2)),
            Protocol::Ascii | Protocol::None => cells(columns, rows),
            // These two enlarge a picture themselves.
            Protocol::Kitty(_) | Protocol::Iterm2 if request.is_draft => Extent {
                width: shown.width.div_ceil(2),
                height: shown.height.div_ceil(2),
            },
            Protocol::Kitty(_) | Protocol::Iterm2 | Protocol::Sixel => shown,
        };
        Self {
            columns,
            rows,
            framing,
            raster,
        }
    }
}

fn cells(columns: u16, rows: u16) -> Extent {
    Extent {
        width: u32::from(columns),
        height: u32::from(rows),
    }
}

fn fingerprint(raster: &Raster, canvas: &Canvas) -> u64 {
    let mut hasher = DefaultHasher::new();
    (raster.width(), raster.height()).hash(&mut hasher);
    raster.as_bytes().hash(&mut hasher);
    canvas.capabilities.protocol.hash(&mut hasher);
    hasher.finish()
}

fn encode(
    raster: &Raster,
    shape: &Fitted,
    canvas: &Canvas,
    number: ImageNumber,
) -> Result<Kind, ImageError> {
    let capabilities = &canvas.capabilities;
    let wrap = match capabilities.tmux {
        Some(_) => Wrap::Tmux,
        None => Wrap::Plain,
    };
    let (columns, rows) = (shape.columns, shape.rows);
    let size = (columns, rows);
    let ground = match capabilities.is_light() {
        Some(true) => Ground::Light,
        Some(false) | None => Ground::Dark,
    };
    Ok(match capabilities.protocol {
        Protocol::Kitty(Placement::Placeholders) => {
            let showing = Showing::Placeholders { columns, rows };
            Kind::Placeholders {
                number,
                size,
                sequence: transmission(&png(raster)?, number, showing, wrap),
                wrap,
            }
        }
        Protocol::Kitty(Placement::Direct) => Kind::Direct {
            number,
            sequence: transmission(&png(raster)?, number, Showing::AtCursor, Wrap::Plain),
        },
        Protocol::Iterm2 => Kind::Painted(Painted::iterm2(raster, size, wrap)?),
        Protocol::Sixel => Kind::Painted(Painted::sixel(raster, canvas.inks, size, wrap)),
        Protocol::Halfblocks => Kind::Cells(blocks(
            raster,
            (columns, rows),
            capabilities.colours,
            ground,
        )),
        Protocol::Ascii => Kind::Cells(characters(raster, (columns, rows), ground, canvas.inks)),
        Protocol::None => Kind::Words,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use image::{GrayImage, ImageFormat, Luma};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Color;
    use semihv_domain::{ImageId, Shape};
    use semihv_terminal::ColourDepth;

    use crate::graphics::no_files;
    use crate::picture::Outline;

    use super::*;

    /// A round, shaded phantom: something with edges and a gradient.
    pub(crate) fn phantom(shade: u8) -> Vec<u8> {
        let picture = GrayImage::from_fn(256, 192, |x, y| {
            let (dx, dy) = (f64::from(x) - 128.0, f64::from(y) - 96.0);
            let inside = (dx / 110.0).powi(2) + (dy / 80.0).powi(2);
            Luma([if inside < 1.0 {
                shade.saturating_add((200.0 * (1.0 - inside)) as u8)
            } else {
                0
            }])
        });
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    pub(crate) fn scan(shade: u8) -> Scan {
        Scan::open(phantom(shade), None, Limits::default()).unwrap()
    }

    pub(crate) fn canvas(protocol: Protocol, colours: ColourDepth) -> Canvas {
        Canvas {
            capabilities: Capabilities::plain(protocol, colours),
            inks: Inks::default(),
        }
    }

    pub(crate) fn request(columns: u16, rows: u16) -> PictureRequest {
        PictureRequest {
            image: ImageId(1),
            location: "phantom.png".to_owned(),
            columns,
            rows,
            look: None,
            is_draft: false,
            shows_overlays: true,
            regions: Vec::new(),
            fills_regions: false,
            marked: None,
        }
    }

    pub(crate) fn prepared(shade: u8, protocol: Protocol, colours: ColourDepth) -> Picture {
        prepare(
            &scan(shade),
            &request(40, 20),
            &canvas(protocol, colours),
            &no_files,
        )
        .unwrap()
    }

    const ALL: [Protocol; 7] = [
        Protocol::Kitty(Placement::Placeholders),
        Protocol::Kitty(Placement::Direct),
        Protocol::Iterm2,
        Protocol::Sixel,
        Protocol::Halfblocks,
        Protocol::Ascii,
        Protocol::None,
    ];

    #[test]
    fn the_shape_of_the_picture_is_kept_in_every_protocol() {
        for protocol in ALL {
            let picture = prepared(10, protocol, ColourDepth::True);
            // 40 x 20 cells of 9 x 18 are a square: 256 x 192 takes all columns and 15 rows.
            assert_eq!((picture.columns, picture.rows), (40, 15), "{protocol}");
        }
    }

    #[test]
    fn a_picture_is_centred_and_never_drawn_where_it_does_not_fit() {
        let picture = prepared(10, Protocol::Sixel, ColourDepth::True);
        let area = Rect::new(3, 1, 60, 21);
        assert_eq!(picture.place(area), Some(Rect::new(13, 4, 40, 15)));
        assert_eq!(picture.place(Rect::new(0, 0, 39, 30)), None);
    }

    #[test]
    fn drawing_in_every_protocol_stays_inside() {
        for protocol in ALL {
            let picture = prepared(10, protocol, ColourDepth::Ansi256);
            for (width, height) in [(0, 0), (1, 1), (40, 15), (80, 24)] {
                let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
                picture.draw(Rect::new(0, 0, 80, 24), &mut buffer);
            }
        }
    }

    #[test]
    fn words_are_all_that_is_left_without_graphics() {
        let picture = prepared(10, Protocol::None, ColourDepth::None);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        assert!(!picture.draw(buffer.area, &mut buffer));
        assert_eq!(picture.description, "256 x 192 · PNG · 8-bit grey 0 to 210");
    }

    #[test]
    fn regions_are_outlined_with_the_marked_one_on_top() {
        let region = Outline {
            shape: Shape::Box {
                x: 64.0,
                y: 48.0,
                width: 128.0,
                height: 96.0,
            },
            slice: None,
            tint: None,
        };
        let asked = PictureRequest {
            regions: vec![region.clone(), region],
            marked: Some(0),
            ..request(40, 20)
        };
        let canvas = canvas(Protocol::Halfblocks, ColourDepth::True);
        let picture = prepare(&scan(10), &asked, &canvas, &no_files).unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 15));
        picture.draw(buffer.area, &mut buffer);
        let [red, green, blue] = canvas.inks.marked;
        let marked = Color::Rgb(red, green, blue);
        let count = buffer
            .content
            .iter()
            .filter(|cell| cell.fg == marked || cell.bg == marked)
            .count();
        assert!((40..120).contains(&count), "{count}");
    }

    #[test]
    fn equal_pictures_are_equal_and_others_are_not() {
        let sixel = |shade| prepared(shade, Protocol::Sixel, ColourDepth::True);
        assert_eq!(sixel(10), sixel(10));
        assert_ne!(sixel(10), sixel(11));
        assert_ne!(
            sixel(10),
            prepared(10, Protocol::Halfblocks, ColourDepth::True)
        );
    }

    #[test]
    fn a_draft_has_half_the_pixels_where_the_terminal_enlarges_it() {
        let drafted = |protocol| {
            let canvas = canvas(protocol, ColourDepth::True);
            let asked = PictureRequest {
                is_draft: true,
                ..request(40, 20)
            };
            let size = |picture: Picture| match &*picture.drawing.0 {
                Kind::Direct { sequence, .. } | Kind::Placeholders { sequence, .. } => {
                    sequence.len()
                }
                _ => 0,
            };
            let whole = prepare(&scan(10), &request(40, 20), &canvas, &no_files).unwrap();
            let draft = prepare(&scan(10), &asked, &canvas, &no_files).unwrap();
            assert_eq!((draft.columns, draft.rows), (whole.columns, whole.rows));
            (size(draft), size(whole))
        };
        let (draft, whole) = drafted(Protocol::Kitty(Placement::Direct));
        assert!(draft * 2 < whole, "{draft} of {whole}");
    }

    #[test]
    fn a_grey_picture_costs_less_than_a_tenth_of_its_raw_pixels() {
        let picture = prepared(10, Protocol::Kitty(Placement::Direct), ColourDepth::True);
        let Kind::Direct { sequence, .. } = &*picture.drawing.0 else {
            panic!("placed directly");
        };
        assert!(sequence.len() * 10 < 360 * 270 * 4, "{}", sequence.len());
    }
}
