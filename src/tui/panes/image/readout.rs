//! What is said of a slice in words: where it lies, how it is windowed, the value under the
//! pointer, and what a region measures.

use semihv_domain::Shape;
use semihv_imaging::{Framing, MOST_CHOSEN, Pixels, Slice, chosen_slices, short};

use super::looking::{Change, window_name};
use crate::picture::Picture;
use crate::shared::Glyphs;

/// A region zoomed onto leaves this much of the pane around it.
const SURROUNDINGS: f64 = 2.0;

/// Bars of a histogram.
const MOST_BARS: usize = 96;
const LEAST_BARS: usize = 8;

/// To the size at which a pixel of the slice is one of the screen.
pub(super) fn actual(picture: &Picture) -> Change {
    let framing = &picture.framing;
    let scale = f64::from(framing.shown.width) / f64::from(framing.width.max(1));
    Change::Actual((f64::from(picture.look.zoom) / scale) as f32)
}

/// To a shape of the slice, as close as it fills about half of what is seen.
pub(super) fn onto(shape: &Shape, framing: &Framing) -> Option<Change> {
    let (left, top, right, bottom) = bounds(shape)?;
    let stored = framing.stored;
    let first = framing.turn.seen((left, top), stored);
    let second = framing.turn.seen((right, bottom), stored);
    let (width, height) = (f64::from(stored.width), f64::from(stored.height));
    let (wide, high) = if framing.turn.quarters % 2 == 1 {
        (height, width)
    } else {
        (width, height)
    };
    let part =
        |a: f64, b: f64, whole: f64| ((a - b).abs().max(1.0) * SURROUNDINGS / whole).min(1.0);
    let zoom = 1.0 / part(first.0, second.0, wide).max(part(first.1, second.1, high));
    let middle = |a: f64, b: f64, whole: f64| (f64::midpoint(a, b) / whole).clamp(0.0, 1.0) as f32;
    Some(Change::Onto {
        centre: (
            middle(first.0, second.0, wide),
            middle(first.1, second.1, high),
        ),
        zoom: zoom as f32,
    })
}

/// Left, top, right and bottom.
fn bounds(shape: &Shape) -> Option<(f64, f64, f64, f64)> {
    if !shape.is_sound() {
        return None;
    }
    Some(match shape {
        &Shape::Box {
            x,
            y,
            width,
            height,
        } => (x, y, x + width, y + height),
        &Shape::Ellipse { cx, cy, rx, ry } => (cx - rx, cy - ry, cx + rx, cy + ry),
        &Shape::Point { x, y } => (x - 16.0, y - 16.0, x + 16.0, y + 16.0),
        Shape::Polygon { points } => {
            let &(x, y) = points.first()?;
            points
                .iter()
                .fold((x, y, x, y), |(left, top, right, bottom), &(x, y)| {
                    (left.min(x), top.min(y), right.max(x), bottom.max(y))
                })
        }
        Shape::Mask { .. } => return None,
    })
}

/// `214 mm2 · mean 43.1 sd 12.0 HU`: area where the size of a pixel is known, values where they are
/// grey.
pub(super) fn measured(picture: &Picture) -> Option<String> {
    let measure = picture.seen.regions.measured?;
    let mut said = match measure.area {
        Some(area) => format!("{} mm2", short(area as f32)),
        None => format!("{} px", measure.pixels),
    };
    if let Some(values) = measure.values {
        let (mean, deviation) = (short(values.mean as f32), short(values.deviation as f32));
        let unit = unit(picture);
        said.push_str(&format!(" · mean {mean} sd {deviation}{unit}"));
    }
    Some(said)
}

fn unit(picture: &Picture) -> String {
    picture
        .seen
        .unit
        .map(|unit| format!(" {unit}"))
        .unwrap_or_default()
}

/// `W 1500 L -600 lung`, and what else was changed.
pub(super) fn looked(picture: &Picture) -> String {
    let (seen, look) = (&picture.seen, &picture.look);
    let mut parts = Vec::new();
    if let Some(window) = seen.window {
        let name = window_name(look.window, seen);
        parts.push(match name {
            Some(name) => format!("{window} {name}"),
            None => window.to_string(),
        });
    }
    if look.is_inverted {
        parts.push("inverted".to_owned());
    }
    if (look.zoom - 1.0).abs() > 0.01 {
        parts.push(format!("x{:.1}", look.zoom));
    }
    if look.turn.is_mirrored {
        parts.push("mirrored".to_owned());
    }
    if look.turn.quarters > 0 {
        parts.push(format!("turned {}", u32::from(look.turn.quarters) * 90));
    }
    parts.join(" · ")
}

/// `W 400 L 40 · pet hot from 0 to 5.2`, or why nothing is laid over.
pub(super) fn with_over(looked: String, picture: &Picture) -> String {
    let said = match (&picture.request.over, &picture.seen.over) {
        (Some(over), Some(Ok(laid))) => format!("{} {}", over.name, laid.said(over.map)),
        (Some(over), Some(Err(trouble))) => {
            format!("{} cannot be laid over: {trouble}", over.name)
        }
        _ => "no other picture to lay over it".to_owned(),
    };
    if looked.is_empty() {
        return said;
    }
    format!("{looked} · {said}")
}

/// `x 131 y 207: -843 HU · -23.4 11.0 84.5 mm`.
pub(super) fn pointed(picture: &Picture, (x, y): (u32, u32)) -> String {
    let value = match picture.seen.slice.as_deref() {
        Some(Slice {
            pixels: pixels @ (Pixels::Grey(_) | Pixels::Grey8(_)),
            ..
        }) => match pixels.value(x, y) {
            Some(value) if value.is_finite() => format!("{}{}", short(value), unit(picture)),
            _ => "nothing".to_owned(),
        },
        _ => "colour".to_owned(),
    };
    let place = picture.look.place;
    let voxel = picture.seen.geometry.voxel(place.cut, place.slice, (x, y));
    let at = picture.seen.geometry.place(voxel);
    let millimetres = at
        .map(|[left, back, up]| format!(" · L {left:.1} P {back:.1} S {up:.1} mm"))
        .unwrap_or_default();
    let over = over_at(picture, (x, y)).unwrap_or_default();
    format!("x {x} y {y}: {value}{over}{millimetres}")
}

/// ` · over it 3.2 SUV`.
fn over_at(picture: &Picture, (x, y): (u32, u32)) -> Option<String> {
    let laid = picture.seen.over.as_ref()?.as_ref().ok()?;
    let value = laid.values.value(x, y).filter(|value| value.is_finite())?;
    let unit = laid.unit.map(|unit| format!(" {unit}")).unwrap_or_default();
    Some(format!(" · over it {}{unit}", short(value)))
}

/// `axial 42/96 ··•··•·▲·•··`: where the slice lies, and which of all would be taken for training:
/// the annotated ones and an even row (paper, section 3.1).
pub(super) fn strip(picture: &Picture, width: usize, glyphs: Glyphs) -> String {
    let place = picture.look.place;
    let slices = picture.seen.slices;
    if slices < 2 {
        return String::new();
    }
    let at = place.slice.min(slices - 1);
    let times = match picture.seen.times {
        1 => String::new(),
        times => format!(" volume {}/{times}", place.time.min(times - 1) + 1),
    };
    let label = format!("{} {}/{slices}{times}", place.cut, at + 1);
    let room = width.saturating_sub(label.len() + 1).min(48);
    if room < 8 {
        return label;
    }
    let (line, chosen, here) = match glyphs {
        Glyphs::Unicode => ('·', '•', '▲'),
        Glyphs::Ascii => ('.', 'o', '^'),
    };
    let cell = |slice: u32| slice as usize * room / slices as usize;
    let mut cells = vec![line; room];
    for (slice, _) in chosen_slices(slices, &picture.seen.regions.slices, MOST_CHOSEN) {
        if let Some(mark) = cells.get_mut(cell(slice)) {
            *mark = chosen;
        }
    }
    if let Some(mark) = cells.get_mut(cell(at)) {
        *mark = here;
    }
    format!("{label} {}", cells.into_iter().collect::<String>())
}

/// Bars between the smallest and the largest value.
pub(super) struct Histogram {
    pub low: String,
    /// Whether the window shows what they count.
    pub bars: Vec<(char, bool)>,
    pub high: String,
}

/// The highest bar but for one in twenty: the background would hide all others.
fn usual_most(counts: &[u64]) -> f64 {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let usual = sorted
        .get(counts.len() / 20)
        .copied()
        .filter(|most| *most > 0);
    usual.or(sorted.first().copied()).unwrap_or(1).max(1) as f64
}

/// `-1024 ▁▁▂▅█▃▁ 1167 HU`: how often values occur in the slice, by square roots, and which of the
/// bars lie in the window.
pub(super) fn histogram(picture: &Picture, width: usize, glyphs: Glyphs) -> Option<Histogram> {
    let slice = picture.seen.slice.as_deref()?;
    let (low, high) = slice.pixels.grey_range()?;
    let (first, last) = (short(low), format!("{}{}", short(high), unit(picture)));
    let bins = width
        .checked_sub(first.len() + last.len() + 2)?
        .min(MOST_BARS);
    if bins < LEAST_BARS {
        return None;
    }
    let counts = slice.pixels.histogram(bins);
    let most = usual_most(&counts);
    let signs: &[char] = match glyphs {
        Glyphs::Unicode => &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
        Glyphs::Ascii => &['_', '.', ':', '-', '=', '+', '*', '#'],
    };
    let top = (signs.len() - 1) as f64;
    let step = (high - low) / bins as f32;
    let window = picture.seen.window;
    let bars = counts.iter().enumerate().map(|(at, count)| {
        let height = (*count as f64 / most).min(1.0).sqrt() * top;
        let sign = signs.get(height.ceil() as usize).copied().unwrap_or(' ');
        let value = low + step * (at as f32 + 0.5);
        let is_shown =
            window.is_none_or(|window| (value - window.centre).abs() <= window.width / 2.0);
        (if *count == 0 { ' ' } else { sign }, is_shown)
    });
    Some(Histogram {
        low: first,
        bars: bars.collect(),
        high: last,
    })
}
