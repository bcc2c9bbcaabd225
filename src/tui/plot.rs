//! A chart of dots in cells: lines over each other, gaps where a value is not a number.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::pen::Pen;
use crate::shared::Glyphs;
use crate::theme::{Role, Theme};

/// Cells left of the curves: a number and the axis.
pub const AXIS: u16 = 9;
/// Braille dots of a cell, by row and column.
const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    #[default]
    Linear,
    /// Values that are not above zero have no place.
    Log,
}

/// A place of a line: what is drawn as the line, and how far the values around it reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlotPoint {
    pub x: f64,
    pub value: f64,
    pub low: f64,
    pub high: f64,
    /// Some of the values are no numbers.
    pub has_trouble: bool,
}

/// A line in the style of its role.
#[derive(Debug, Clone)]
pub struct PlotLine {
    pub points: Vec<PlotPoint>,
    pub role: Role,
}

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Plot {
    /// The first one is drawn last, over the others.
    pub lines: Vec<PlotLine>,
    pub scale: Scale,
    /// The part of the axis that is shown; `None`: as far as the lines go.
    pub span: Option<(f64, f64)>,
    /// A place to point at.
    pub marker: Option<f64>,
    /// What stands at the ends of the axis.
    pub ends: (String, String),
    pub glyphs: Glyphs,
}

/// The running mean with weight `keep` for the past, corrected for its start, of means of so many
/// values each. What is not finite stays as it is.
pub fn smoothed(points: impl Iterator<Item = (f64, u64)>, keep: f64) -> Vec<f64> {
    let (mut mean, mut weight) = (0.0, 0.0);
    points
        .map(|(value, count)| {
            if !value.is_finite() {
                return value;
            }
            let kept = keep.powf(count as f64);
            mean = kept * mean + (1.0 - kept) * value;
            weight = kept * weight + (1.0 - kept);
            mean / weight
        })
        .collect()
}

/// The range of places and of scaled values.
#[derive(Debug, Clone, Copy)]
struct Frame {
    first: f64,
    last: f64,
    low: f64,
    high: f64,
}

impl Plot {
    /// Where the lines stand in an area; `None` where it is too small.
    pub fn body(area: Rect) -> Option<Rect> {
        let body = Rect {
            x: area.x + AXIS.min(area.width),
            width: area.width.saturating_sub(AXIS),
            height: area.height.saturating_sub(1),
            ..area
        };
        (body.width >= 4 && body.height >= 2).then_some(body)
    }

    pub fn draw(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let Some(body) = Self::body(area) else {
            return;
        };
        let Some(frame) = self.frame() else {
            Pen::new(buffer, area, 0).text("no finite value to draw", theme.style(Role::Muted));
            return;
        };
        self.axes(frame, (area, body), theme, buffer);
        self.reaches(frame, body, theme, buffer);
        self.pointer(frame, body, theme, buffer);
        self.curves(frame, body, theme, buffer);
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

    fn points(&self) -> impl Iterator<Item = &PlotPoint> {
        self.lines.iter().flat_map(|line| &line.points)
    }

    fn frame(&self) -> Option<Frame> {
        let places = self.points().map(|point| point.x).filter(|x| x.is_finite());
        let places = places.fold(None, |range: Option<(f64, f64)>, x| {
            let (low, high) = range.unwrap_or((x, x));
            Some((low.min(x), high.max(x)))
        });
        let (first, last) = self.span.or(places)?;
        let ends = self
            .points()
            .flat_map(|point| [point.low, point.high, point.value]);
        let mut values = ends.filter_map(|value| self.scaled(value));
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
            first,
            last,
            low: low - room,
            high: high + room,
        })
    }

    /// The dot of a place across `dots`; `None` outside.
    fn across(frame: Frame, x: f64, dots: usize) -> Option<usize> {
        let width = frame.last / 2.0 - frame.first / 2.0;
        let share = if width > 0.0 {
            (x / 2.0 - frame.first / 2.0) / width
        } else {
            0.0
        };
        let last = dots.saturating_sub(1);
        let is_inside = (0.0..=1.0).contains(&share);
        is_inside.then(|| ((share * last as f64).round() as usize).min(last))
    }

    fn down(frame: Frame, value: f64, dots: usize) -> usize {
        let share = (value / 2.0 - frame.low / 2.0) / (frame.high / 2.0 - frame.low / 2.0);
        let from_top = (1.0 - share.clamp(0.0, 1.0)) * (dots.saturating_sub(1)) as f64;
        (from_top.round() as usize).min(dots.saturating_sub(1))
    }

    fn curves(&self, frame: Frame, body: Rect, theme: &Theme, buffer: &mut Buffer) {
        for line in self.lines.iter().rev() {
            let mut grid = Grid::new(usize::from(body.width), usize::from(body.height));
            self.line(frame, line, &mut grid);
            grid.draw(self.glyphs, theme.style(line.role), body, buffer);
        }
    }

    fn reaches(&self, frame: Frame, body: Rect, theme: &Theme, buffer: &mut Buffer) {
        let mut grid = Grid::new(usize::from(body.width), usize::from(body.height));
        for line in &self.lines {
            self.reach(frame, line, &mut grid);
        }
        grid.draw(self.glyphs, theme.style(Role::Muted), body, buffer);
    }

    /// How far the values reach up and down, where the line says less: half as dense as a line.
    fn reach(&self, frame: Frame, line: &PlotLine, grid: &mut Grid) {
        for point in &line.points {
            let ends = (self.scaled(point.low), self.scaled(point.high));
            let x = Self::across(frame, point.x, grid.width * 2);
            if let ((Some(low), Some(high)), Some(x)) = (ends, x) {
                let (from, to) = (
                    Self::down(frame, high, grid.height * 4),
                    Self::down(frame, low, grid.height * 4),
                );
                let rows = if to > from + 1 { from..to + 1 } else { 0..0 };
                for y in rows.filter(|y| (x + y) % 2 == 0) {
                    grid.set(x, y);
                }
            }
        }
    }

    fn line(&self, frame: Frame, line: &PlotLine, grid: &mut Grid) {
        let mut last = None;
        for point in &line.points {
            let value = self.scaled(point.value);
            let x = Self::across(frame, point.x, grid.width * 2);
            let dot = value
                .zip(x)
                .map(|(value, x)| (x, Self::down(frame, value, grid.height * 4)));
            if let Some(dot) = dot {
                grid.line(last.unwrap_or(dot), dot);
            }
            last = dot;
        }
    }

    /// A sign at the top where a value is not a number.
    fn troubles(&self, frame: Frame, body: Rect, theme: &Theme, buffer: &mut Buffer) {
        for point in self.points().filter(|point| point.has_trouble) {
            let Some(x) = Self::across(frame, point.x, usize::from(body.width)) else {
                continue;
            };
            if let Some(cell) = buffer.cell_mut((body.x + u16::try_from(x).unwrap_or(0), body.y)) {
                cell.set_symbol("!").set_style(theme.style(Role::Bad));
            }
        }
    }

    fn pointer(&self, frame: Frame, body: Rect, theme: &Theme, buffer: &mut Buffer) {
        let across = |marker| Self::across(frame, marker, usize::from(body.width));
        let Some(x) = self.marker.and_then(across) else {
            return;
        };
        let (line, foot) = match self.glyphs {
            Glyphs::Unicode => ("│", "▲"),
            Glyphs::Ascii => ("|", "^"),
        };
        let x = body.x + u16::try_from(x).unwrap_or(0);
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
        let mut labels = vec![(0, frame.high), (body.height - 1, frame.low)];
        if body.height > 2 {
            labels.push((body.height / 2, middle));
        }
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
            .right(&self.ends.1, muted)
            .text(&self.ends.0, muted);
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
        let points = values.iter().enumerate().map(|(at, value)| PlotPoint {
            x: at as f64 * 10.0,
            value: *value,
            low: *value,
            high: *value,
            has_trouble: !value.is_finite(),
        });
        Plot {
            lines: vec![PlotLine {
                points: points.collect(),
                role: Role::ChartLine,
            }],
            scale: Scale::Linear,
            span: None,
            marker: None,
            ends: ("0".to_owned(), "20".to_owned()),
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
        let mean = smoothed([(4.0, 1), (f64::NAN, 1), (2.0, 1)].into_iter(), 0.5);
        assert!((mean[0] - 4.0).abs() < 1e-12);
        assert!(mean[1].is_nan());
        assert!((mean[2] - 8.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_running_mean_of_gathered_points_is_that_of_each() {
        let each = smoothed([(4.0, 1), (2.0, 1), (2.0, 1), (2.0, 1)].into_iter(), 0.9);
        let gathered = smoothed([(4.0, 1), (2.0, 3)].into_iter(), 0.9);
        assert!((each[3] - gathered[1]).abs() < 1e-12);
    }

    #[test]
    fn a_part_is_drawn_as_wide_as_the_whole() {
        let text = screen((19, 4), |theme, area, buffer| {
            let mut plot = plot(&[3.0, 2.0, 1.0]);
            plot.span = Some((10.0, 20.0));
            plot.draw(theme, area, buffer);
        });
        let rows: Vec<&str> = text.lines().collect();
        assert!(!rows[0].contains('*') && rows[1].contains("|***"), "{text}");
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
            plot.marker = Some(30.0);
            screen((width, height), |theme, area, buffer| plot.draw(theme, area, buffer));
        }
    }
}
