//! A picture as its greys, edges, layout and colours on a square of one size.

use semihv_imaging::{Extent, Raster, fit, luminance, resize};

use crate::{DIM, PICTURE, TEXT, normalise};

/// The square that every picture becomes.
const SIDE: u32 = 64;
/// A first look at where the picture is and where its empty border.
const ROUGH: u32 = 256;
/// Border and picture differ by more than this; a border is as near to black or to white.
const BORDER: u8 = 20;
/// The part of all pixels that is darker than black, and brighter than white.
const CLIPPED: f32 = 0.01;

/// Cells across and bins of the histograms, coarse to fine.
const HISTOGRAMS: [(u32, usize); 3] = [(1, 16), (2, 12), (4, 6)];
/// Cells across and directions of the edges.
const EDGES: (u32, usize) = (4, 8);
/// Cells across of the layout.
const LAYOUT: u32 = 8;
/// Colours on a wheel, counted as strongly as they are seen.
const HUES: usize = 12;

/// What the parts weigh: chosen by eye, fitted to nothing.
const WEIGHTS: [f32; 4] = [0.8, 1.0, 1.0, 0.7];

/// The vector of a picture, of length 1; all zero when it shows one even grey.
pub fn encode_picture(picture: &Raster) -> Vec<f32> {
    let extent = Extent {
        width: SIDE,
        height: SIDE,
    };
    let square = resize(without_border(picture), extent);
    let grey = stretched(&square);
    let mut vector = vec![0.0; TEXT];
    let parts = [
        histograms(&grey),
        edges(&grey),
        layout(&grey),
        hues(&square),
    ];
    for (mut part, weight) in parts.into_iter().zip(WEIGHTS) {
        normalise(&mut part);
        vector.extend(part.iter().map(|value| value * weight));
    }
    debug_assert!(vector.len() <= TEXT + PICTURE);
    vector.resize(DIM, 0.0);
    normalise(&mut vector);
    vector
}

/// The part inside of an even border.
fn without_border(picture: &Raster) -> Raster {
    let rough = fit(
        picture.clone(),
        Extent {
            width: ROUGH,
            height: ROUGH,
        },
    );
    let (width, height) = (rough.width(), rough.height());
    let border = luminance(rough.rgb(0, 0));
    if border > BORDER && border < u8::MAX - BORDER {
        return rough;
    }
    let is_seen = |x: u32, y: u32| luminance(rough.rgb(x, y)).abs_diff(border) > BORDER;
    // A letter or a speck in a corner is not the picture: a line counts from a few pixels on.
    let least = |side: u32| side as usize / 32 + 1;
    let columns: Vec<u32> = (0..width)
        .filter(|x| (0..height).filter(|y| is_seen(*x, *y)).count() >= least(height))
        .collect();
    let rows: Vec<u32> = (0..height)
        .filter(|y| (0..width).filter(|x| is_seen(*x, *y)).count() >= least(width))
        .collect();
    let ends = |all: &[u32]| Some((*all.first()?, *all.last()? + 1));
    let (Some((left, right)), Some((top, bottom))) = (ends(&columns), ends(&rows)) else {
        return rough;
    };
    let part = Extent {
        width: right - left,
        height: bottom - top,
    };
    // Next to nothing is left: then the border was no border.
    if part.width * 4 < width || part.height * 4 < height {
        return rough;
    }
    rough.cropped(left, top, part)
}

/// Greys from 0 to 1, rows from the top, whatever the contrast was.
fn stretched(square: &Raster) -> Vec<f32> {
    let greys: Vec<u8> = (0..SIDE * SIDE)
        .map(|at| luminance(square.rgb(at % SIDE, at / SIDE)))
        .collect();
    let mut sorted = greys.clone();
    sorted.sort_unstable();
    let clipped = (greys.len() as f32 * CLIPPED) as usize;
    let black = sorted.get(clipped).copied().unwrap_or(0);
    let white = sorted.iter().rev().nth(clipped).copied().unwrap_or(255);
    let span = f32::from(white.saturating_sub(black)).max(1.0);
    let stretch = |grey: &u8| (f32::from(grey.saturating_sub(black)) / span).min(1.0);
    greys.iter().map(stretch).collect()
}

fn at(grey: &[f32], x: u32, y: u32) -> f32 {
    let (x, y) = (x.min(SIDE - 1), y.min(SIDE - 1));
    grey.get((y * SIDE + x) as usize).copied().unwrap_or(0.0)
}

/// The cell of a pixel among `across` x `across`.
fn cell(x: u32, y: u32, across: u32) -> usize {
    (y * across / SIDE * across + x * across / SIDE) as usize
}

fn every() -> impl Iterator<Item = (u32, u32)> {
    (0..SIDE * SIDE).map(|at| (at % SIDE, at / SIDE))
}

fn add(counts: &mut [f32], place: usize, weight: f32) {
    if let Some(count) = counts.get_mut(place) {
        *count += weight;
    }
}

/// How often each grey occurs, in the whole and in ever smaller cells; roots, so that a large dark
/// ground does not hide the rest.
fn histograms(grey: &[f32]) -> Vec<f32> {
    let mut all = Vec::new();
    for (across, bins) in HISTOGRAMS {
        let mut counts = vec![0.0; (across * across) as usize * bins];
        for (x, y) in every() {
            let bin = ((at(grey, x, y) * bins as f32) as usize).min(bins - 1);
            add(&mut counts, cell(x, y, across) * bins + bin, 1.0);
        }
        for count in &mut counts {
            *count = count.sqrt();
        }
        normalise(&mut counts);
        all.extend(counts);
    }
    all
}

/// How strong edges of each direction are in each cell.
fn edges(grey: &[f32]) -> Vec<f32> {
    let (across, directions) = EDGES;
    let mut counts = vec![0.0; (across * across) as usize * directions];
    for (x, y) in every() {
        let dx = at(grey, x + 1, y) - at(grey, x.saturating_sub(1), y);
        let dy = at(grey, x, y + 1) - at(grey, x, y.saturating_sub(1));
        // An edge from dark to bright is the same as one from bright to dark.
        let turn = dy.atan2(dx).rem_euclid(std::f32::consts::PI) / std::f32::consts::PI;
        let direction = (turn * directions as f32) as usize % directions;
        let strength = dx.hypot(dy);
        add(
            &mut counts,
            cell(x, y, across) * directions + direction,
            strength,
        );
    }
    for count in &mut counts {
        *count = count.sqrt();
    }
    counts
}

/// What is bright and what is dark, roughly.
fn layout(grey: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0; (LAYOUT * LAYOUT) as usize];
    for (x, y) in every() {
        add(&mut sums, cell(x, y, LAYOUT), at(grey, x, y));
    }
    let mean: f32 = sums.iter().sum::<f32>() / sums.len() as f32;
    sums.iter().map(|sum| sum - mean).collect()
}

/// Which colours there are, and how much of it has none.
fn hues(square: &Raster) -> Vec<f32> {
    let mut counts = vec![0.0; HUES + 1];
    for (x, y) in every() {
        let [red, green, blue] = square.rgb(x, y).map(f32::from);
        let (high, low) = (red.max(green).max(blue), red.min(green).min(blue));
        let strength = high - low;
        add(&mut counts, HUES, 1.0 - strength / 255.0);
        if strength < 12.0 {
            continue;
        }
        let sixth = if high <= red {
            (green - blue) / strength
        } else if high <= green {
            (blue - red) / strength + 2.0
        } else {
            (red - green) / strength + 4.0
        };
        // Shared between the two nearest, so that a shade more or less changes little.
        let at = sixth.rem_euclid(6.0) / 6.0 * HUES as f32;
        let (first, part) = (at as usize % HUES, at.fract());
        add(&mut counts, first, strength / 255.0 * (1.0 - part));
        add(&mut counts, (first + 1) % HUES, strength / 255.0 * part);
    }
    counts.iter().map(|count| count.sqrt()).collect()
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;

    fn disc(side: u32, (x, y): (f64, f64), radius: f64, border: u32) -> Raster {
        Raster::Grey(GrayImage::from_fn(
            side + 2 * border,
            side + 2 * border,
            |i, j| {
                let across = (f64::from(i) - f64::from(border)) / f64::from(side) - x;
                let down = (f64::from(j) - f64::from(border)) / f64::from(side) - y;
                let is_inside =
                    i >= border && j >= border && i < side + border && j < side + border;
                Luma([match across.hypot(down) < radius {
                    _ if !is_inside => 0,
                    true => 220,
                    false => 60,
                }])
            },
        ))
    }

    fn near(one: &Raster, other: &Raster) -> f32 {
        let (one, other) = (encode_picture(one), encode_picture(other));
        one.iter().zip(&other).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn size_border_and_contrast_do_not_matter() {
        let picture = disc(200, (0.4, 0.5), 0.2, 0);
        assert!(near(&picture, &disc(400, (0.4, 0.5), 0.2, 0)) > 0.97);
        assert!(near(&picture, &disc(200, (0.4, 0.5), 0.2, 40)) > 0.9);
        let Raster::Grey(mut dim) = picture.clone() else {
            panic!("it is grey");
        };
        for value in dim.iter_mut() {
            *value /= 2;
        }
        assert!(near(&picture, &Raster::Grey(dim)) > 0.97);
    }

    #[test]
    fn another_place_and_another_colour_do() {
        let picture = disc(200, (0.3, 0.3), 0.15, 0);
        let moved = near(&picture, &disc(200, (0.7, 0.7), 0.15, 0));
        assert!(moved < 0.9, "{moved}");
        let stain = |colour: [u8; 3]| {
            Raster::Colour(RgbImage::from_fn(64, 64, |x, y| {
                let shade = if (x / 8 + y / 8) % 2 == 0 { 1 } else { 2 };
                Rgb(colour.map(|channel| channel / shade))
            }))
        };
        let (pink, green) = (stain([220, 120, 180]), stain([60, 200, 90]));
        assert!(near(&pink, &green) < near(&pink, &stain([230, 130, 170])));
    }

    #[test]
    fn an_even_picture_and_a_pixel_are_no_trouble() {
        for side in [1, 2, 64] {
            let even = Raster::Grey(GrayImage::from_pixel(side, side, Luma([7])));
            let vector = encode_picture(&even);
            assert_eq!(vector.len(), DIM);
            assert!(vector.iter().all(|it| it.is_finite()));
        }
    }
}
