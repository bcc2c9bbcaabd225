//! Outlines: ovals, tapered strokes and closed curves, each as a distance in pixels.

/// A point in pixels: x to the right, y down.
pub(super) type Point = (f32, f32);

/// An outline. [`Form::distance`] is negative inside.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// `power` 2 is an ellipse; larger ones go towards a box.
    Oval {
        centre: Point,
        radii: Point,
        angle: f32,
        power: f32,
    },
    /// A stroke from one point to another whose radius changes evenly.
    Stroke {
        from: Point,
        to: Point,
        radii: (f32, f32),
    },
    /// Straight edges through the points, closed.
    Polygon(Vec<Point>),
}

impl Form {
    pub(super) fn oval(centre: Point, radii: Point) -> Self {
        Self::Oval {
            centre,
            radii,
            angle: 0.0,
            power: 2.0,
        }
    }

    pub(super) fn stroke(from: Point, to: Point, radii: (f32, f32)) -> Self {
        Self::Stroke { from, to, radii }
    }

    /// A smooth closed curve through the points (Catmull-Rom, four edges a span).
    pub(super) fn curve(points: &[Point]) -> Self {
        let count = points.len();
        let point = |index: usize| {
            points
                .get(index % count.max(1))
                .copied()
                .unwrap_or((0.0, 0.0))
        };
        let mut outline = Vec::with_capacity(count * 4);
        for index in 0..count {
            let span = [
                point(index + count - 1),
                point(index),
                point(index + 1),
                point(index + 2),
            ];
            outline.extend((0..4).map(|part| catmull_rom(span, part as f32 / 4.0)));
        }
        Self::Polygon(outline)
    }

    /// Turned clockwise about its centre by radians; only ovals have a direction.
    pub(super) fn turned(mut self, by: f32) -> Self {
        if let Self::Oval { angle, .. } = &mut self {
            *angle = by;
        }
        self
    }

    /// Squarer (`exponent` above 2); only ovals change.
    pub(super) fn squared(mut self, exponent: f32) -> Self {
        if let Self::Oval { power, .. } = &mut self {
            *power = exponent;
        }
        self
    }

    /// Left, top, right, bottom.
    pub(super) fn bounds(&self) -> (f32, f32, f32, f32) {
        match self {
            Self::Oval {
                centre: (x, y),
                radii,
                angle,
                power,
            } => {
                let reach = radii.0.max(radii.1);
                if angle.abs() > 0.001 {
                    let corner = if *power > 2.0 { 1.2 * reach } else { reach };
                    return (x - corner, y - corner, x + corner, y + corner);
                }
                (x - radii.0, y - radii.1, x + radii.0, y + radii.1)
            }
            Self::Stroke { from, to, radii } => {
                let radius = radii.0.max(radii.1);
                (
                    from.0.min(to.0) - radius,
                    from.1.min(to.1) - radius,
                    from.0.max(to.0) + radius,
                    from.1.max(to.1) + radius,
                )
            }
            Self::Polygon(points) => points.iter().fold(
                (f32::MAX, f32::MAX, f32::MIN, f32::MIN),
                |(left, top, right, bottom), &(x, y)| {
                    (left.min(x), top.min(y), right.max(x), bottom.max(y))
                },
            ),
        }
    }

    /// Pixels to the outline: exact for strokes and polygons, close to it for ovals.
    pub(super) fn distance(&self, x: f32, y: f32) -> f32 {
        match self {
            Self::Oval {
                centre,
                radii,
                angle,
                power,
            } => oval_distance(turn((x - centre.0, y - centre.1), -angle), *radii, *power),
            Self::Stroke { from, to, radii } => {
                let (share, gap) = nearest(*from, *to, (x, y));
                gap - (radii.0 + share * (radii.1 - radii.0))
            }
            Self::Polygon(points) => polygon_distance(points, (x, y)),
        }
    }
}

/// Turns a vector clockwise on the screen.
pub(super) fn turn((x, y): Point, angle: f32) -> Point {
    if angle == 0.0 {
        return (x, y);
    }
    let (sin, cos) = angle.sin_cos();
    (x * cos - y * sin, x * sin + y * cos)
}

/// Goes from a point along a heading.
pub(super) fn step(from: Point, heading: f32, length: f32) -> Point {
    (
        from.0 + heading.cos() * length,
        from.1 + heading.sin() * length,
    )
}

/// As `hypot`, without its care for numbers that no picture has: several times faster.
pub(super) fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

/// A smooth function through (place, value) points in rising order; constant beyond the ends.
pub(super) fn profile(points: &[(f32, f32)], at: f32) -> f32 {
    let mut previous: Option<(f32, f32)> = None;
    for &(place, value) in points {
        if at < place {
            return previous.map_or(value, |(start, from)| {
                let share = (at - start) / (place - start).max(1e-6);
                from + (value - from) * share * share * (3.0 - 2.0 * share)
            });
        }
        previous = Some((place, value));
    }
    previous.map_or(0.0, |(_, value)| value)
}

fn oval_distance((x, y): Point, (rx, ry): Point, power: f32) -> f32 {
    if power > 2.0 {
        let bound = length(x / rx, y / ry) - 1.0;
        if bound < -0.25 {
            return bound * rx.min(ry); // far inside: the round norm bounds the squarer one
        }
        let sum = (x.abs() / rx).powf(power) + (y.abs() / ry).powf(power);
        return (sum.powf(power.recip()) - 1.0) * rx.min(ry);
    }
    let scaled = length(x / rx, y / ry);
    let slope = length(x / (rx * rx), y / (ry * ry));
    if slope < 1e-6 {
        return -rx.min(ry);
    }
    scaled * (scaled - 1.0) / slope
}

/// Where on the segment the nearest point lies (0..1) and how far it is.
fn nearest(from: Point, to: Point, (x, y): Point) -> (f32, f32) {
    let (run, rise) = (to.0 - from.0, to.1 - from.1);
    let squared = (run * run + rise * rise).max(1e-6);
    let share = (((x - from.0) * run + (y - from.1) * rise) / squared).clamp(0.0, 1.0);
    let gap = length(x - from.0 - share * run, y - from.1 - share * rise);
    (share, gap)
}

fn polygon_distance(points: &[Point], (x, y): Point) -> f32 {
    let Some(&last) = points.last() else {
        return f32::MAX;
    };
    let mut from = last;
    let mut is_inside = false;
    let mut squared_gap = f32::MAX;
    for &to in points {
        let (run, rise) = (to.0 - from.0, to.1 - from.1);
        let above_or_below = (from.1.min(to.1) - y).max(y - from.1.max(to.1)).max(0.0);
        if above_or_below * above_or_below < squared_gap {
            let share = (((x - from.0) * run + (y - from.1) * rise)
                / (run * run + rise * rise).max(1e-6))
            .clamp(0.0, 1.0);
            let (gap_x, gap_y) = (x - from.0 - share * run, y - from.1 - share * rise);
            squared_gap = squared_gap.min(gap_x * gap_x + gap_y * gap_y);
        }
        if (from.1 > y) != (to.1 > y) && x < from.0 + (y - from.1) / rise * run {
            is_inside = !is_inside;
        }
        from = to;
    }
    if is_inside {
        -squared_gap.sqrt()
    } else {
        squared_gap.sqrt()
    }
}

fn catmull_rom([before, from, to, after]: [Point; 4], share: f32) -> Point {
    let axis = |before: f32, from: f32, to: f32, after: f32| {
        let linear = to - before;
        let square = 2.0 * before - 5.0 * from + 4.0 * to - after;
        let cube = 3.0 * (from - to) + after - before;
        from + 0.5 * share * (linear + share * (square + share * cube))
    };
    (
        axis(before.0, from.0, to.0, after.0),
        axis(before.1, from.1, to.1, after.1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(form: &Form, (x, y): Point, expected: f32) {
        let distance = form.distance(x, y);
        assert!(
            (distance - expected).abs() < 0.3,
            "{form:?} at {x},{y}: {distance}"
        );
    }

    #[test]
    fn distances_are_negative_inside() {
        let circle = Form::oval((10.0, 10.0), (5.0, 5.0));
        check(&circle, (10.0, 10.0), -5.0);
        check(&circle, (18.0, 10.0), 3.0);
        let stroke = Form::stroke((0.0, 0.0), (10.0, 0.0), (2.0, 2.0));
        check(&stroke, (5.0, 1.0), -1.0);
        check(&stroke, (13.0, 0.0), 1.0);
        let square = Form::Polygon(vec![(0.0, 0.0), (8.0, 0.0), (8.0, 8.0), (0.0, 8.0)]);
        check(&square, (4.0, 4.0), -4.0);
        check(&square, (4.0, 10.0), 2.0);
    }

    #[test]
    fn a_turned_oval_lies_across() {
        let oval = Form::oval((0.0, 0.0), (10.0, 2.0)).turned(std::f32::consts::FRAC_PI_2);
        check(&oval, (0.0, 10.0), 0.0);
        assert!(oval.distance(9.0, 0.0) > 5.0);
    }

    #[test]
    fn a_profile_passes_through_its_points_and_stays_beyond_them() {
        let points = [(0.0, 1.0), (10.0, 3.0), (20.0, 3.0)];
        for (at, expected) in [
            (-5.0, 1.0),
            (0.0, 1.0),
            (5.0, 2.0),
            (15.0, 3.0),
            (99.0, 3.0),
        ] {
            assert!((profile(&points, at) - expected).abs() < 1e-5, "{at}");
        }
    }

    #[test]
    fn a_polygon_without_points_is_nowhere() {
        assert!(Form::curve(&[]).distance(1.0, 1.0) > 1e6);
    }
}
