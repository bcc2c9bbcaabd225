//! One line of a label file: a class and a box or a polygon in parts of width and height.

use semihv_domain::Shape;

/// How far a part may lie outside of 0 to 1: rounding, and borders that were drawn along the edge.
const TOLERANCE: f64 = 0.01;
/// Numbers of a box: its centre, width and height.
const BOX_NUMBERS: usize = 4;

/// What stands behind the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A box, or a polygon where there are more numbers.
    Outline,
    /// A box, then key points, which are left out.
    KeyPoints,
}

#[derive(Debug, PartialEq)]
pub(super) struct Drawn {
    pub(super) class: u32,
    outline: Outline,
}

/// In parts of the picture.
#[derive(Debug, PartialEq)]
enum Outline {
    Box {
        centre: (f64, f64),
        width: f64,
        height: f64,
    },
    Polygon(Vec<(f64, f64)>),
}

pub(super) fn read(line: &str, form: Form) -> Result<Drawn, String> {
    let mut words = line.split_whitespace();
    let class = class(words.next().unwrap_or_default())?;
    let numbers = words.map(part).collect::<Result<Vec<f64>, String>>()?;
    let outline = match (numbers.as_slice(), form) {
        (&[x, y, width, height], _) | (&[x, y, width, height, _], Form::Outline) => {
            a_box([x, y, width, height])?
        }
        (&[x, y, width, height, ..], Form::KeyPoints) => a_box([x, y, width, height])?,
        (numbers, Form::Outline) => polygon(numbers)?,
        (numbers, Form::KeyPoints) => return Err(wrong_count(numbers.len())),
    };
    Ok(Drawn { class, outline })
}

/// Some tools write all numbers alike: `3.0`.
fn class(word: &str) -> Result<u32, String> {
    let digits = word.split_once('.').map_or(word, |(whole, part)| {
        if part.bytes().all(|digit| digit == b'0') {
            whole
        } else {
            word
        }
    });
    digits
        .parse()
        .map_err(|_| format!("`{word}` is no class number"))
}

fn part(word: &str) -> Result<f64, String> {
    let number = word.parse::<f64>().ok().filter(|number| number.is_finite());
    let number = number.ok_or_else(|| format!("`{word}` is no number"))?;
    if (-TOLERANCE..=1.0 + TOLERANCE).contains(&number) {
        Ok(number)
    } else {
        Err(format!("`{word}` is no part of the picture, 0 to 1"))
    }
}

fn a_box([x, y, width, height]: [f64; 4]) -> Result<Outline, String> {
    if width <= 0.0 || height <= 0.0 {
        return Err("its box has no size".to_owned());
    }
    Ok(Outline::Box {
        centre: (x, y),
        width,
        height,
    })
}

fn polygon(numbers: &[f64]) -> Result<Outline, String> {
    let (points, rest) = numbers.as_chunks::<2>();
    if points.len() < 3 || !rest.is_empty() {
        return Err(wrong_count(numbers.len()));
    }
    Ok(Outline::Polygon(
        points.iter().map(|[x, y]| (*x, *y)).collect(),
    ))
}

fn wrong_count(count: usize) -> String {
    format!(
        "{count} numbers behind the class make neither a box ({BOX_NUMBERS}, or one more with a \
         confidence) nor a polygon (pairs, at least three)"
    )
}

impl Drawn {
    /// In pixels of a picture of that size, cut at its border; nothing when all of it lies outside.
    pub(super) fn shape(&self, width: u32, height: u32) -> Option<Shape> {
        let (across, down) = (f64::from(width), f64::from(height));
        let pixel = |x: f64, y: f64| (x.clamp(0.0, 1.0) * across, y.clamp(0.0, 1.0) * down);
        match &self.outline {
            Outline::Box {
                centre: (x, y),
                width,
                height,
            } => {
                let (left, top) = pixel(x - width / 2.0, y - height / 2.0);
                let (right, bottom) = pixel(x + width / 2.0, y + height / 2.0);
                let shape = Shape::Box {
                    x: left,
                    y: top,
                    width: right - left,
                    height: bottom - top,
                };
                (right > left && bottom > top).then_some(shape)
            }
            Outline::Polygon(points) => Some(Shape::Polygon {
                points: points.iter().map(|(x, y)| pixel(*x, *y)).collect(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let said = match read(line, Form::Outline) {
            Ok(drawn) => format!("{} {:?}", drawn.class, drawn.shape(100, 10).unwrap()),
            Err(reason) => reason,
        };
        assert!(said.starts_with(expected), "{said}");
    }

    #[test]
    fn a_box_is_four_numbers_or_five_with_a_confidence() {
        let expected = "3 Box { x: 25.0, y: 2.5, width: 50.0, height: 5.0 }";
        check("3 0.5 0.5 0.5 0.5", expected);
        check("3.0 .5 5e-1 0.5 0.5 0.93", expected);
    }

    #[test]
    fn more_numbers_are_a_polygon() {
        check(
            "0 0 0 1 0 1 1",
            "0 Polygon { points: [(0.0, 0.0), (100.0, 0.0), (100.0, 10.0)] }",
        );
    }

    #[test]
    fn what_lies_a_little_outside_is_cut_at_the_border() {
        check(
            "0 0.0 1.004 0.5 0.5",
            "0 Box { x: 0.0, y: 7.54, width: 25.0, height: 2.46",
        );
        check(
            "0 -0.004 0 1.004 0 1 1",
            "0 Polygon { points: [(0.0, 0.0), (100.0, 0.0), (100.0, 10.0)] }",
        );
    }

    #[test]
    fn bad_lines_say_why() {
        check("x 0 0 1 1", "`x` is no class number");
        check("-1 0 0 1 1", "`-1` is no class number");
        check("1.5 0 0 1 1", "`1.5` is no class number");
        check("0 0.5 0.5 nan 0.5", "`nan` is no number");
        check("0 0.5 0.5 inf 0.5", "`inf` is no number");
        check("0 0.5 0.5 wide 0.5", "`wide` is no number");
        check("0 120 0.5 0.5 0.5", "`120` is no part of the picture");
        check("0 0.5 0.5 0.5 -0.2", "`-0.2` is no part of the picture");
        check("0 0.5 0.5 0 0.5", "its box has no size");
        check("0 0.5 0.5", "2 numbers behind the class");
        check("0", "0 numbers behind the class");
        check("0 0 0 1 0 1 1 0.5", "7 numbers behind the class");
    }

    #[test]
    fn key_points_are_left_to_their_box() {
        let line = "0 0.5 0.5 0.5 0.5 0.1 0.1 0.2 0.2";
        assert_eq!(
            read(line, Form::KeyPoints),
            read("0 0.5 0.5 0.5 0.5", Form::Outline)
        );
        assert!(read("0 0.5 0.5 0.5", Form::KeyPoints).is_err());
    }

    #[test]
    fn a_box_beyond_the_border_is_nothing() {
        let drawn = read("0 1.01 0.5 0.001 0.5", Form::Outline).unwrap();
        assert_eq!(drawn.shape(100, 10), None);
    }

    proptest! {
        #[test]
        fn no_shape_leaves_the_picture(line in "[01]( -?[01]?\\.?[0-9]{1,3}){0,9}") {
            let Ok(drawn) = read(&line, Form::Outline) else { return Ok(()) };
            let Some(shape) = drawn.shape(200, 100) else { return Ok(()) };
            let (x, y, width, height) = shape.bounds();
            prop_assert!(shape.is_sound() && x >= 0.0 && y >= 0.0, "{shape:?}");
            prop_assert!(x + width <= 200.001 && y + height <= 100.001, "{shape:?}");
        }
    }
}
