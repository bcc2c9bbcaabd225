//! A line chart of dots in cells: values by step, gaps where a value is not a number.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::pen::{Pen, grouped};
use crate::shared::Glyphs;
use crate::theme::{Role, Theme};

/// Cells left of the curve: a number and the axis.
const AXIS: u16 = 9;
/// Braille dots of a cell, by row and column.
const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    #[default]
    Linear,
    /// Values that are not above zero have no place.
    Log,
}

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Plot {
    /// Step and value, in order.
    pub points: Vec<(u64, f64)>,
    pub scale: Scale,
    /// A step to point at.
    pub marker: Option<u64>,
    pub glyphs: Glyphs,
}

/// The running mean with weight `keep` for the past, corrected for its start. Values that are not
/// finite stay as they are.
pub fn smoothed(points: &[(u64, f64)], keep: f64) -> Vec<(u64, f64)> {
    let (mut mean, mut weight) = (0.0, 0.0);
    points
        .iter()
        .map(|&(step, value)| {
            if !value.is_finite() {
                return (step, value);
            }
            mean = keep * mean + (1.0 - keep) * value;
            weight = keep * weight + (1.0 - keep);
            (step, mean / weight)
        })
        .collect()
}

/// The range of steps and of scaled values.
#[derive(Debug, Clone, Copy)]
struct Frame {
    steps: (u64, u64),
    low: f64,
    high: f64,
}

impl Plot {
    pub fn draw(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let body = Rect {
            x: area.x + AXIS.min(area.width),
            width: area.width.saturating_sub(AXIS),
            height: area.height.saturating_sub(1),
            ..area
        };
        if body.width < 4 || body.height < 2 {
            return;
        }
        let Some(frame) = self.frame() else {
            Pen::new(buffer, area, 0).text("no finite value to draw", theme.style(Role::Muted));
            return;
        };
        self.axes(frame, (area, body), theme, buffer);
        self.pointer(frame, body, theme, buffer);
        self.curve(frame, body, theme, buffer);
        self.troubles(frame, body, theme, buffer);
    }

    fn scaled(&self, value: f64) -> Option<f64> {
        let scaled = match self.scale {
            Scale::Linear => value,
            Scale::Log if value > 0.0 => value.log10(),
            Scale::Log => return None,
        };
        scaled.is_finite().then_some(scaled)
    }

    fn frame(&self) -> Option<Frame> {
        let first = self.points.first()?.0;
        let steps = self
            .points
            .iter()
            .fold((first, first), |(low, high), (step, _)| {
                (low.min(*step), high.max(*step))
            });
        let mut values = self
            .points
            .iter()
            .filter_map(|(_, value)| self.scaled(*value));
        let start = values.next()?;
        let (low, high) = values.fold((start, start), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        // A flat line stands in the middle. Half of the range first: the whole may overflow.
        let room = if high / 2.0 - low / 2.0 > 0.0 {
            0.0
        } else {
            high.abs().max(1.0) * 0.05
        };
        Some(Frame {
            steps,
            low: low - room,
            high: high + room,
        })
    }

    /// The dot of a step across `dots`.
    fn across(frame: Frame, step: u64, dots: usize) -> usize {
        let span = (frame.steps.1 - frame.steps.0).max(1) as f64;
        let share = step.saturating_sub(frame.steps.0) as f64 / span;
        ((share * (dots.saturating_sub(1)) as f64).round() as usize).min(dots.saturating_sub(1))
    }

    fn down(frame: Frame, value: f64, dots: usize) -> usize {
        let share = (value / 2.0 - frame.low / 2.0) / (frame.high / 2.0 - frame.low / 2.0);
        let from_top = (1.0 - share.clamp(0.0, 1.0)) * (dots.saturating_sub(1)) as f64;
        (from_top.round() as usize).min(dots.saturating_sub(1))
    }

    fn curve(&self, frame: Frame, body: Rect, theme: &Theme, buffer: &mut Buffer) {
        let mut grid = Grid::new(usize::from(body.width), usize::from(body.height));
        let mut last = None;
        for (step, value) in &self.points {
            let dot = self.scaled(*value).map(|value| {
                (
                    Self::across(frame, *step, grid.width * 2),
                    Self::down(frame, value, grid.height * 4),
                )
            });
            if let Some(dot) = dot {
                grid.line(last.unwrap_or(dot), dot);
            }
            last = dot;
        }
        grid.draw(self.glyphs, theme.style(Role::ChartLine), body, buffer);
    }

    /// A sign at the top where a value is not a number.
    fn troubles(&self, frame: Frame, body: Rect, theme: &Theme, buffer: &mut Buffer) {
        let steps = self.points.iter().filter(|(_, value)| !value.is_finite());
        for (step, _) in steps {
            let x = Self::across(frame, *step, usize::from(body.width));
            if let Some(cell) = buffer.cell_mut((body.x + u16::try_from(x).unwrap_or(0), body.y)) {
                cell.set_symbol("!").set_style(theme.style(Role::Bad));
            }
        }
    }

    fn pointer(&self, frame: Frame, body: Rect, theme: &Theme, buffer: &mut Buffer) {
        let Some(step) = self.marker else { return };
        let (line, foot) = match self.glyphs {
            Glyphs::Unicode => ("│", "▲"),
            Glyphs::Ascii => ("|", "^"),
        };
        let x =
            body.x + u16::try_from(Self::across(frame, step, usize::from(body.width))).unwrap_or(0);
        for y in body.y..=body.bottom() {
            let sign = if y == body.bottom() { foot } else { line };
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.set_symbol(sign).set_style(theme.style(Role::Warn));
            }
        }
    }

    fn axes(&self, frame: Frame, (area, body): (Rect, Rect), theme: &Theme, buffer: &mut Buffer) {
        let muted = theme.style(Role::Muted);
        let tick = match self.glyphs {
            Glyphs::Unicode => "┤",
            Glyphs::Ascii => "|",
        };
        let middle = frame.low / 2.0 + frame.high / 2.0;
        let labels = [
            (0, frame.high),
            (body.height / 2, middle),
            (body.height - 1, frame.low),
        ];
        for (row, value) in labels {
            let value = match self.scale {
                Scale::Linear => value,
                Scale::Log => 10_f64.powf(value),
            };
            Pen::new(buffer, area, row).text(&format!("{:>7} {tick}", short(value)), muted);
        }
        let foot = Rect {
            y: body.bottom(),
            height: 1,
            ..body
        };
        Pen::new(buffer, foot, 0)
            .right(&grouped(frame.steps.1), muted)
            .text(&grouped(frame.steps.0), muted);
    }
}

/// A number in at most seven cells.
pub fn short(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string().to_lowercase();
    }
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if (0.001..100_000.0).contains(&size) {
        let decimals = if size >= 1000.0 {
            0
        } else if size >= 10.0 {
            2
        } else {
            4
        };
        format!("{value:.decimals$}")
    } else {
        format!("{value:.1e}")
    }
}

/// Dots: two across and four down in every cell.
struct Grid {
    width: usize,
    height: usize,
    cells: Vec<u8>,
}

impl Grid {
    fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            cells: vec![0; width * height],
        }
    }

    fn set(&mut self, x: usize, y: usize) {
        let bit = DOTS
            .get(y % 4)
            .and_then(|row| row.get(x % 2))
            .copied()
            .unwrap_or(0);
        if x / 2 < self.width
            && let Some(cell) = self.cells.get_mut(y / 4 * self.width + x / 2)
        {
            *cell |= bit;
        }
    }

    /// Bresenham's line.
    fn line(&mut self, from: (usize, usize), to: (usize, usize)) {
        let (mut x, mut y) = (from.0 as i64, from.1 as i64);
        let (end_x, end_y) = (to.0 as i64, to.1 as i64);
        let (dx, dy) = ((end_x - x).abs(), -(end_y - y).abs());
        let (step_x, step_y) = ((end_x - x).signum(), (end_y - y).signum());
        let mut error = dx + dy;
        loop {
            self.set(x as usize, y as usize);
            if (x, y) == (end_x, end_y) {
                return;
            }
            let doubled = 2 * error;
            if doubled >= dy {
                error += dy;
                x += step_x;
            }
            if doubled <= dx {
                error += dx;
                y += step_y;
            }
        }
    }

    fn draw(&self, glyphs: Glyphs, style: Style, body: Rect, buffer: &mut Buffer) {
        for (y, row) in (body.y..body.bottom()).zip(self.cells.chunks(self.width.max(1))) {
            for (x, dots) in (body.x..body.right()).zip(row) {
                if *dots == 0 {
                    continue;
                }
                let sign = match glyphs {
                    Glyphs::Unicode => char::from_u32(0x2800 + u32::from(*dots)).unwrap_or('*'),
                    Glyphs::Ascii => '*',
                };
                if let Some(cell) = buffer.cell_mut((x, y)) {
                    cell.set_char(sign).set_style(style);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pane_testing::screen;

    fn plot(values: &[f64]) -> Plot {
        Plot {
            points: values
                .iter()
                .enumerate()
                .map(|(at, value)| (at as u64 * 10, *value))
                .collect(),
            scale: Scale::Linear,
            marker: None,
            glyphs: Glyphs::Ascii,
        }
    }

    #[test]
    fn a_falling_line_falls() {
        let text = screen((19, 4), |theme, area, buffer| {
            plot(&[3.0, 2.0, 1.0]).draw(theme, area, buffer);
        });
        let expected = " 3.0000 |***\n 2.0000 |   ****\n 1.0000 |      ****\n         0       20\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_value_that_is_no_number_is_a_sign_and_a_gap() {
        let text = screen((19, 4), |theme, area, buffer| {
            plot(&[1.0, f64::NAN, 1.0]).draw(theme, area, buffer);
        });
        assert!(text.lines().next().unwrap().contains('!'), "{text}");
    }

    #[test]
    fn nothing_finite_is_said_in_words() {
        let text = screen((40, 4), |theme, area, buffer| {
            plot(&[f64::INFINITY]).draw(theme, area, buffer);
        });
        assert!(text.starts_with("no finite value"), "{text}");
    }

    #[test]
    fn the_running_mean_starts_at_the_first_value() {
        let mean = smoothed(&[(0, 4.0), (1, f64::NAN), (2, 2.0)], 0.5);
        assert!((mean[0].1 - 4.0).abs() < 1e-12);
        assert!(mean[1].1.is_nan());
        assert!((mean[2].1 - 8.0 / 3.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn any_values_in_any_size_are_drawn(
            values in proptest::collection::vec(any::<f64>(), 0..20),
            width in 0_u16..40,
            height in 0_u16..12,
            is_log in any::<bool>(),
        ) {
            let mut plot = plot(&values);
            plot.scale = if is_log { Scale::Log } else { Scale::Linear };
            plot.marker = Some(30);
            screen((width, height), |theme, area, buffer| plot.draw(theme, area, buffer));
        }
    }
}
