//! Bytes on the wire and processor time of one picture, by way of showing it.
//!
//! `cargo bench --bench wire`. A made-up noisy CT slice of 512x512 fills a pane of 80x40 cells of
//! 9x18 pixels, which is 720x720. Counted is all that the terminal gets for that frame: the cells
//! as crossterm writes them, and what follows them.

use std::io::Cursor;
use std::time::Instant;

use image::{GrayImage, ImageFormat, Luma};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::ImageId;
use semihv_imaging::{Limits, Scan};
use semihv_terminal::{Capabilities, ColourDepth, Placement, Protocol};
use semihv_tui::graphics::{self, Canvas, Inks, NoFiles, OnScreen, prepare};
use semihv_tui::picture::PictureRequest;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const PANE: (u16, u16) = (80, 40);
const TIMES: u32 = 10;

fn main() -> Outcome<()> {
    let slice = Scan::open(ct_slice()?, None, Limits::default())?;
    for (name, protocol) in [
        (
            "kitty, placeholders",
            Protocol::Kitty(Placement::Placeholders),
        ),
        ("kitty, direct", Protocol::Kitty(Placement::Direct)),
        ("iTerm2", Protocol::Iterm2),
        ("sixel", Protocol::Sixel),
        ("half-blocks", Protocol::Halfblocks),
    ] {
        measure(name, (protocol, false), &slice)?;
    }
    for (name, protocol) in [
        ("kitty, scrolling", Protocol::Kitty(Placement::Placeholders)),
        ("iTerm2, scrolling", Protocol::Iterm2),
    ] {
        measure(name, (protocol, true), &slice)?;
    }
    Ok(())
}

fn measure(name: &str, (protocol, is_draft): (Protocol, bool), slice: &Scan) -> Outcome<()> {
    let canvas = Canvas {
        capabilities: Capabilities::plain(protocol, ColourDepth::True),
        inks: Inks::default(),
    };
    let request = PictureRequest {
        image: ImageId(1),
        location: String::new(),
        columns: PANE.0,
        rows: PANE.1,
        look: None,
        is_draft,
        shows_overlays: true,
        regions: Vec::new(),
        fills_regions: false,
        over: None,
        beside: Vec::new(),
        thumbnails: Vec::new(),
        marked: None,
    };
    let began = Instant::now();
    let mut picture = prepare(slice, &request, &canvas, &NoFiles)?;
    for _ in 1..TIMES {
        picture = prepare(slice, &request, &canvas, &NoFiles)?;
    }
    let each = began.elapsed() / TIMES;
    let picture = std::sync::Arc::new(picture);
    let area = Rect::new(0, 0, PANE.0, PANE.1);
    let mut buffer = Buffer::empty(area);
    picture.draw(area, &mut buffer);
    let mut wire = Vec::new();
    let changes = Buffer::empty(area);
    CrosstermBackend::new(&mut wire).draw(changes.diff(&buffer).into_iter())?;
    let cells = wire.len();
    let placement = graphics::Placement {
        place: area,
        picture,
    };
    wire.extend(OnScreen::default().after_draw(Some(&placement)));
    say(&format!(
        "{name:<20} {:>7} bytes ({cells} of them cells)  {:>6.1} ms to prepare",
        wire.len(),
        each.as_secs_f64() * 1000.0
    ));
    Ok(())
}

/// Air, a body, two lungs, a spine and the noise of a scanner, in a wide window.
fn ct_slice() -> Outcome<Vec<u8>> {
    let mut seed = 0_u64;
    let mut uniform = move || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1_u64 << 53) as f64
    };
    let ellipses = [
        (0.0, 0.0, 0.85, 0.65, 40.0),
        (-0.4, -0.05, 0.3, 0.4, -800.0),
        (0.4, -0.05, 0.3, 0.4, -800.0),
        (0.0, 0.45, 0.1, 0.1, 700.0),
        (0.1, 0.0, 0.16, 0.2, 60.0),
        (-0.45, 0.1, 0.05, 0.05, 30.0),
    ];
    let picture = GrayImage::from_fn(512, 512, |x, y| {
        let (x, y) = (f64::from(x) / 255.5 - 1.0, f64::from(y) / 255.5 - 1.0);
        let value = ellipses
            .iter()
            .fold(-1000.0, |value, (cx, cy, rx, ry, inside)| {
                let is_inside = ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) < 1.0;
                if is_inside { *inside } else { value }
            });
        // Box and Muller's way from two even numbers to one of the bell curve, 20 HU wide.
        let noise =
            (-2.0 * uniform().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
        let grey = (value + 20.0 * noise + 710.0) / 1500.0 * 255.0;
        Luma([grey.clamp(0.0, 255.0) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

#[expect(clippy::print_stdout, reason = "a bench's figures are its output")]
fn say(line: &str) {
    println!("{line}");
}
