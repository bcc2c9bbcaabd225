//! A picture under construction: values in the units of its modality, painted through outlines.

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, Rgb, RgbImage};

use super::form::Form;
use super::noise::Noise;

/// A value that can be blended with another: a grey or a colour.
pub(super) trait Mix: Copy {
    fn mix(self, other: Self, share: f32) -> Self;
}

impl Mix for f32 {
    fn mix(self, other: Self, share: f32) -> Self {
        self + (other - self) * share
    }
}

/// Red, green, blue in 0..255.
pub(super) type Colour = [f32; 3];

impl Mix for Colour {
    fn mix(self, other: Self, share: f32) -> Self {
        let [red, green, blue] = self;
        let [other_red, other_green, other_blue] = other;
        [
            red.mix(other_red, share),
            green.mix(other_green, share),
            blue.mix(other_blue, share),
        ]
    }
}

/// How an outline ends: over how many pixels it fades, and how far it strays from the ideal line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    softness: f32,
    stray: f32,
    grain: f32,
    noise: Noise,
}

impl Edge {
    pub(super) fn soft(softness: f32) -> Self {
        Self {
            softness,
            stray: 0.0,
            grain: 1.0,
            noise: Noise::new(0),
        }
    }

    /// Strays by up to about `stray` pixels in bumps `grain` pixels wide.
    pub(super) fn rough(self, noise: Noise, stray: f32, grain: f32) -> Self {
        Self {
            stray,
            grain,
            noise,
            ..self
        }
    }

    fn coverage(&self, form: &Form, x: f32, y: f32) -> f32 {
        let mut distance = form.distance(x, y);
        if self.stray > 0.0 && distance.abs() < self.softness + 1.6 * self.stray {
            distance += self.stray * self.noise.fractal(x / self.grain, y / self.grain, 2);
        }
        inside(distance, self.softness)
    }
}

/// 1 well inside, 0 well outside, smooth over `softness` pixels about the outline.
pub(super) fn inside(distance: f32, softness: f32) -> f32 {
    let share = (0.5 - distance / softness.max(0.01)).clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

#[derive(Debug, Clone)]
pub(super) struct Canvas<P> {
    width: u32,
    height: u32,
    pixels: Vec<P>,
}

impl<P: Mix> Canvas<P> {
    pub(super) fn new(width: u32, height: u32, fill: P) -> Self {
        Self {
            width,
            height,
            pixels: vec![fill; width as usize * height as usize],
        }
    }

    /// Replaces every pixel by what the function makes of its place and value.
    pub(super) fn each(&mut self, mut change: impl FnMut(f32, f32, P) -> P) {
        let rows = self.pixels.chunks_exact_mut(self.width.max(1) as usize);
        for (row, line) in rows.enumerate() {
            for (column, pixel) in line.iter_mut().enumerate() {
                *pixel = change(column as f32, row as f32, *pixel);
            }
        }
    }

    /// Fills a form with one value.
    pub(super) fn paint(&mut self, form: &Form, edge: Edge, value: P) {
        self.shade(form, edge, |_, _, _| value);
    }

    /// Fills a form with what the function makes of each place and the value under it.
    pub(super) fn shade(
        &mut self,
        form: &Form,
        edge: Edge,
        mut value: impl FnMut(f32, f32, P) -> P,
    ) {
        let (left, top, right, bottom) = form.bounds();
        let margin = edge.softness + 2.0 * edge.stray;
        let first_row = (top - margin).max(0.0) as usize;
        let last_row = (bottom + margin).clamp(0.0, self.height as f32) as usize;
        let first_column = (left - margin).max(0.0) as usize;
        let last_column = (right + margin).clamp(0.0, self.width as f32) as usize;
        let rows = self
            .pixels
            .chunks_exact_mut(self.width.max(1) as usize)
            .enumerate();
        for (row, line) in rows.take(last_row + 1).skip(first_row) {
            let columns = line.iter_mut().enumerate();
            for (column, pixel) in columns.take(last_column + 1).skip(first_column) {
                let (x, y) = (column as f32, row as f32);
                let share = edge.coverage(form, x, y);
                if share > 0.0 {
                    *pixel = pixel.mix(value(x, y, *pixel), share);
                }
            }
        }
    }

    /// Adds another canvas of the same size, pixel by pixel.
    pub(super) fn combine(&mut self, other: &Self, join: impl Fn(P, P) -> P) {
        for (pixel, &layer) in self.pixels.iter_mut().zip(&other.pixels) {
            *pixel = join(*pixel, layer);
        }
    }
}

impl Canvas<f32> {
    /// A blur with a box of 2·`radius` + 1 pixels, twice: close enough to a bell.
    pub(super) fn blur(&mut self, radius: usize) {
        for _ in 0..2 {
            let width = self.width.max(1) as usize;
            for line in self.pixels.chunks_exact_mut(width) {
                blur_line(line, radius);
            }
            self.transpose();
            let height = self.width.max(1) as usize;
            for line in self.pixels.chunks_exact_mut(height) {
                blur_line(line, radius);
            }
            self.transpose();
        }
    }

    fn transpose(&mut self) {
        let width = self.width.max(1) as usize;
        let turned = (0..width)
            .flat_map(|column| self.pixels.iter().skip(column).step_by(width).copied())
            .collect();
        self.pixels = turned;
        std::mem::swap(&mut self.width, &mut self.height);
    }

    /// 8-bit grey; `tone` brings a value to 0..1.
    pub(super) fn into_grey(self, tone: impl Fn(f32) -> f32) -> DynamicImage {
        let bytes = self
            .pixels
            .iter()
            .map(|&value| (tone(value).clamp(0.0, 1.0) * 255.0).round() as u8)
            .collect();
        GrayImage::from_raw(self.width, self.height, bytes)
            .unwrap_or_default()
            .into()
    }

    /// 16-bit grey; `tone` brings a value to 0..65535.
    pub(super) fn into_grey16(self, tone: impl Fn(f32) -> f32) -> DynamicImage {
        let words: Vec<u16> = self
            .pixels
            .iter()
            .map(|&value| tone(value).clamp(0.0, 65535.0).round() as u16)
            .collect();
        ImageBuffer::<Luma<u16>, _>::from_raw(self.width, self.height, words)
            .unwrap_or_default()
            .into()
    }
}

impl Canvas<Colour> {
    pub(super) fn into_colour(self) -> DynamicImage {
        let mut picture = RgbImage::new(self.width, self.height);
        for (target, source) in picture.pixels_mut().zip(&self.pixels) {
            *target = Rgb(source.map(|channel| channel.clamp(0.0, 255.0).round() as u8));
        }
        picture.into()
    }
}

/// A running mean; the ends repeat their last value.
fn blur_line(line: &mut [f32], radius: usize) {
    let (Some(&first), Some(&last)) = (line.first(), line.last()) else {
        return;
    };
    let source = line.to_vec();
    let value = |index: isize| {
        usize::try_from(index).map_or(first, |index| source.get(index).copied().unwrap_or(last))
    };
    let reach = radius as isize;
    let mut sum: f32 = (-reach..=reach).map(value).sum();
    for (index, pixel) in line.iter_mut().enumerate() {
        *pixel = sum / (2 * radius + 1) as f32;
        let index = index as isize;
        sum += value(index + reach + 1) - value(index - reach);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paint_fills_the_inside_only() {
        let mut canvas = Canvas::new(20, 20, 0.0_f32);
        canvas.paint(&Form::oval((10.0, 10.0), (5.0, 5.0)), Edge::soft(1.0), 1.0);
        let grey = canvas.into_grey(|value| value).into_luma8();
        assert_eq!(grey.get_pixel(10, 10).0, [255]);
        assert_eq!(grey.get_pixel(1, 1).0, [0]);
    }

    #[test]
    fn a_form_outside_the_canvas_paints_nothing() {
        let mut canvas = Canvas::new(8, 8, 0.0_f32);
        canvas.paint(&Form::oval((-50.0, 90.0), (5.0, 5.0)), Edge::soft(1.0), 1.0);
        assert!(canvas.pixels.iter().all(|&value| value == 0.0));
    }

    #[test]
    fn blur_keeps_the_sum_of_an_inner_spot() {
        let mut canvas = Canvas::new(31, 21, 0.0_f32);
        canvas.each(|x, y, _| if (x, y) == (15.0, 10.0) { 1.0 } else { 0.0 });
        canvas.blur(2);
        let sum: f32 = canvas.pixels.iter().sum();
        assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        assert_eq!((canvas.width, canvas.height), (31, 21));
    }
}
