//! From bytes to a picture that is ready to be drawn. Pure work for a thread of its own.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use image::ImageError;
use semihv_domain::{Failure, FailureKind};
use semihv_imaging::{Extent, Framing, Ground, LegendLine, Look, Raster, Scan, with_legend};
use semihv_terminal::{Capabilities, CellSize, ColourDepth, Placement, Protocol};

use super::blocks::blocks;
use super::characters::characters;
use super::drawing::{Drawing, Kind};
use super::files::Files;
use super::inks::Inks;
use super::kitty::{ImageNumber, Showing, Wrap, png, transmission};
use super::opened::{Opened, Strokes};
use super::painted::Painted;
use super::tiles::{Tile, Tiling, composed, thumbnail};
use crate::picture::{Export, Inset, Picture, PictureRequest, Seen, SeenBeside};

/// No pane needs more pixels, whatever a terminal says of its size.
const LONGEST_SIDE: u32 = 4096;

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
    files: &dyn Files,
) -> Result<Picture, Failure> {
    let made = made(scan, request, canvas, files)?;
    let fingerprint = fingerprint(&made.raster, canvas);
    let number = ImageNumber::of(fingerprint);
    let drawing = encode(&made.raster, made.cells, canvas, number).map_err(|error| {
        Failure::of("picture", FailureKind::Internal, &error)
            .with_hint("show it with `--graphics halfblocks` and report this")
    })?;
    let (columns, rows) = made.cells;
    Ok(Picture {
        request: request.clone(),
        columns,
        rows,
        description: made.description,
        seen: made.seen,
        look: made.look,
        framing: made.framing,
        inset: made.inset,
        grid: made.grid,
        beside: made.beside,
        fingerprint,
        drawing: Drawing(Arc::new(drawing)),
    })
}

/// What is seen, in the pixels of a screen that shows them all, with its legend below.
pub fn exported(
    scan: &Scan,
    export: &Export,
    inks: Inks,
    files: &dyn Files,
) -> Result<Raster, Failure> {
    let capabilities = Capabilities::plain(Protocol::Sixel, ColourDepth::True);
    let canvas = Canvas { capabilities, inks };
    let request = PictureRequest {
        is_draft: false,
        columns: export.request.columns.saturating_mul(2),
        rows: export.request.rows.saturating_mul(2),
        ..export.request.clone()
    };
    let made = made(scan, &request, &canvas, files)?;
    let head = LegendLine {
        colour: None,
        text: made.description,
    };
    let of_regions = request.regions.iter().zip(&made.seen.regions.each);
    let on_slice = of_regions
        .zip(&export.legend)
        .filter(|((_, seen), _)| seen.bounds.is_some());
    let mut lines = vec![head];
    let over = request.over.iter().zip(&made.seen.over);
    lines.extend(over.filter_map(|(over, laid)| {
        let said = format!(
            "{} over it, {}",
            over.name,
            laid.as_ref().ok()?.said(over.map)
        );
        Some(LegendLine {
            colour: Some(over.map.colour(1.0)),
            text: said,
        })
    }));
    lines.extend(on_slice.map(|((_, seen), line)| LegendLine {
        colour: Some(seen.colour),
        text: line.text.clone(),
    }));
    Ok(with_legend(made.raster, &lines))
}

/// A picture before it is encoded.
struct Made {
    raster: Raster,
    /// Columns and rows that it covers.
    cells: (u16, u16),
    description: String,
    seen: Seen,
    look: Look,
    framing: Framing,
    inset: Inset,
    grid: (u8, u8),
    beside: Vec<SeenBeside>,
}

fn made(
    scan: &Scan,
    request: &PictureRequest,
    canvas: &Canvas,
    files: &dyn Files,
) -> Result<Made, Failure> {
    let main = Opened::of(scan, request.look)?;
    let is_alone = request.beside.is_empty() && request.thumbnails.is_empty();
    Ok(if is_alone {
        alone(main, request, canvas, files)
    } else {
        together(main, request, canvas, files)
    })
}

fn alone(main: Opened<'_>, request: &PictureRequest, canvas: &Canvas, files: &dyn Files) -> Made {
    let (description, look) = (main.description.clone(), main.look);
    let shape = Fitted::of(
        (main.stored(), main.aspect()),
        (&look, request),
        &canvas.capabilities,
    );
    let strokes = Strokes::of(request);
    let (raster, seen) = main.drawn((&shape.framing, shape.raster), &strokes, canvas, files);
    Made {
        raster,
        cells: (shape.columns, shape.rows),
        description,
        seen,
        look,
        framing: shape.framing,
        inset: Inset::WHOLE,
        grid: (1, 1),
        beside: Vec::new(),
    }
}

/// Several images as one picture that fills all of its cells.
fn together(
    main: Opened<'_>,
    request: &PictureRequest,
    canvas: &Canvas,
    files: &dyn Files,
) -> Made {
    let sheet = Sheet::of(request, &canvas.capabilities);
    let tiling = Tiling::of(
        sheet.room,
        1 + request.beside.len(),
        request.thumbnails.len(),
    );
    let (description, look) = (main.description.clone(), main.look);
    let mut tiles = tiling.tiles.iter().copied();
    let own = tiles.next().unwrap_or(sheet.whole());
    let framing = main.framing(own.extent);
    let extent = sheet.scaled(framing.shown);
    let (raster, seen) = main.drawn((&framing, extent), &Strokes::of(request), canvas, files);
    let inset = sheet.inset(own, framing.shown);
    let mut parts = vec![(sheet.tile(own), raster)];
    let mut beside = Vec::new();
    for (tile, other) in tiles.zip(&request.beside) {
        // One that cannot be opened leaves its place dark; alone it says why.
        let Ok(scan) = files.scan(&other.location) else {
            continue;
        };
        let Ok(opened) = Opened::of(&scan, other.look) else {
            continue;
        };
        let look = opened.look;
        let framing = opened.framing(tile.extent);
        let strokes = Strokes {
            regions: &other.regions,
            over: None,
            marked: None,
            ..Strokes::of(request)
        };
        let extent = sheet.scaled(framing.shown);
        let (raster, seen) = opened.drawn((&framing, extent), &strokes, canvas, files);
        parts.push((sheet.tile(tile), raster));
        beside.push(SeenBeside {
            image: other.image,
            look,
            seen,
        });
    }
    for (tile, small) in tiling.thumbnails.iter().zip(&request.thumbnails) {
        if let Ok(picture) = files.thumbnail(&small.location) {
            let frame = small.is_shown.then_some(canvas.inks.marked);
            let tile = sheet.tile(*tile);
            parts.push((tile, thumbnail(picture.as_ref().clone(), tile, frame)));
        }
    }
    Made {
        raster: composed(sheet.target, parts),
        cells: (request.columns.max(1), request.rows.max(1)),
        description,
        seen,
        look,
        framing,
        inset,
        grid: tiling.grid,
        beside,
    }
}

/// All cells of a request as pixels.
struct Sheet {
    /// As the screen has them.
    room: Extent,
    /// As many as are sent.
    target: Extent,
}

impl Sheet {
    fn of(request: &PictureRequest, capabilities: &Capabilities) -> Self {
        let room = room(request, capabilities);
        let (columns, rows) = (request.columns.max(1), request.rows.max(1));
        let target = sent((columns, rows), room, request.is_draft, capabilities);
        Self { room, target }
    }

    fn whole(&self) -> Tile {
        Tile {
            left: 0,
            top: 0,
            extent: self.room,
        }
    }

    fn across(&self, length: u32) -> u32 {
        (u64::from(length) * u64::from(self.target.width) / u64::from(self.room.width)) as u32
    }

    fn down(&self, length: u32) -> u32 {
        (u64::from(length) * u64::from(self.target.height) / u64::from(self.room.height)) as u32
    }

    fn scaled(&self, extent: Extent) -> Extent {
        Extent {
            width: self.across(extent.width).max(1),
            height: self.down(extent.height).max(1),
        }
    }

    fn tile(&self, tile: Tile) -> Tile {
        Tile {
            left: self.across(tile.left),
            top: self.down(tile.top),
            extent: self.scaled(tile.extent),
        }
    }

    /// A picture in the middle of its tile.
    fn inset(&self, tile: Tile, shown: Extent) -> Inset {
        let part = |start: u32, side: u32, length: u32, whole: u32| {
            let margin = (f64::from(side) - f64::from(length)) / 2.0;
            (
                (f64::from(start) + margin) / f64::from(whole),
                f64::from(length) / f64::from(whole),
            )
        };
        let (left, width) = part(tile.left, tile.extent.width, shown.width, self.room.width);
        let (top, height) = part(tile.top, tile.extent.height, shown.height, self.room.height);
        Inset {
            left,
            top,
            width,
            height,
        }
    }
}

fn room(request: &PictureRequest, capabilities: &Capabilities) -> Extent {
    let CellSize { width, height } = capabilities.cell;
    let side = |cells: u16, cell: u16| (u32::from(cells) * u32::from(cell)).clamp(1, LONGEST_SIDE);
    Extent {
        width: side(request.columns, width),
        height: side(request.rows, height),
    }
}

/// How many pixels are sent for a picture that covers these cells and is `shown` that large.
fn sent(
    (columns, rows): (u16, u16),
    shown: Extent,
    is_draft: bool,
    capabilities: &Capabilities,
) -> Extent {
    match capabilities.protocol {
        Protocol::Halfblocks => cells(columns, rows.saturating_mul(2)),
        Protocol::Ascii | Protocol::None => cells(columns, rows),
        // These two enlarge a picture themselves.
        Protocol::Kitty(_) | Protocol::Iterm2 if is_draft => Extent {
            width: shown.width.div_ceil(2),
            height: shown.height.div_ceil(2),
        },
        Protocol::Kitty(_) | Protocol::Iterm2 | Protocol::Sixel => shown,
    }
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
        let room = room(request, capabilities);
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
        let raster = sent((columns, rows), shown, request.is_draft, capabilities);
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
    size: (u16, u16),
    canvas: &Canvas,
    number: ImageNumber,
) -> Result<Kind, ImageError> {
    let capabilities = &canvas.capabilities;
    let wrap = match capabilities.tmux {
        Some(_) => Wrap::Tmux,
        None => Wrap::Plain,
    };
    let (columns, rows) = size;
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
    use semihv_imaging::Limits;
    use semihv_terminal::ColourDepth;

    use crate::graphics::NoFiles;
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
            over: None,
            beside: Vec::new(),
            thumbnails: Vec::new(),
            marked: None,
        }
    }

    pub(crate) fn prepared(shade: u8, protocol: Protocol, colours: ColourDepth) -> Picture {
        prepare(
            &scan(shade),
            &request(40, 20),
            &canvas(protocol, colours),
            &NoFiles,
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
        let picture = prepare(&scan(10), &asked, &canvas, &NoFiles).unwrap();
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
            let whole = prepare(&scan(10), &request(40, 20), &canvas, &NoFiles).unwrap();
            let draft = prepare(&scan(10), &asked, &canvas, &NoFiles).unwrap();
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
