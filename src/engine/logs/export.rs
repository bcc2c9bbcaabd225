//! Curves as a table (CSV) and as a drawing (SVG), for papers and other programs.

use std::fmt::Write as _;

use semihv_domain::Failure;

use super::curves::{Axis, Curve, CurvePoint, Curves, CurvesAsk};
use crate::Engine;

/// Buckets of a drawing: a wide one has that many points across.
const BUCKETS: usize = 1200;
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 360.0;
/// Around the lines: numbers, names.
const LEFT: f64 = 80.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 34.0;
/// Of the lines.
const FLOOR: f64 = HEIGHT - 46.0;
/// Told apart also by those who see few colours (Okabe and Ito 2008).
const COLOURS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000",
];

impl Engine {
    /// Writes what is asked for below `exports` in the workspace, as CSV and SVG; says where.
    pub fn save_curves(&self, ask: &CurvesAsk) -> Result<String, Failure> {
        let mut ask = ask.clone();
        ask.buckets = BUCKETS;
        let curves = super::curves::curves(self, &ask);
        let first = curves.curves.first();
        let name = first.map_or("curves".to_owned(), |it| {
            format!("{}-{}", it.run, it.metric)
        });
        let table = self.keep_export((&name, "csv"), curves_csv(&curves).as_bytes())?;
        let drawing = self.keep_export((&name, "svg"), curves_svg(&curves, &ask).as_bytes())?;
        Ok(format!("{} and {}", table.display(), drawing.display()))
    }
}

/// A row for each bucket: what lies in it.
fn curves_csv(curves: &Curves) -> String {
    let mut text = "run,log,metric,x,step,mean,low,high,count,not_finite,last\n".to_owned();
    for curve in &curves.curves {
        let head = format!("{},{},{}", cell(&curve.run), curve.log, cell(&curve.metric));
        for point in &curve.points {
            let CurvePoint {
                x,
                step,
                mean,
                low,
                high,
                count,
                troubles,
                last,
                ..
            } = point;
            let _ = writeln!(
                text,
                "{head},{x},{step},{mean},{low},{high},{count},{troubles},{last}"
            );
        }
    }
    text
}

/// Quoted where it needs to be. A spreadsheet takes what begins with these signs for a formula.
pub fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@']);
    let text = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// One chart below the other, a line for each run.
pub fn curves_svg(curves: &Curves, ask: &CurvesAsk) -> String {
    let mut metrics: Vec<&str> = Vec::new();
    for curve in &curves.curves {
        if !metrics.contains(&curve.metric.as_str()) {
            metrics.push(&curve.metric);
        }
    }
    let height = HEIGHT * metrics.len().max(1) as f64;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (at, metric) in metrics.iter().enumerate() {
        let own = curves.curves.iter().filter(|curve| curve.metric == *metric);
        let _ = writeln!(
            text,
            "<g transform=\"translate(0 {})\">",
            HEIGHT * at as f64
        );
        chart(&mut text, &own.collect::<Vec<_>>(), ask);
        text.push_str("</g>\n");
    }
    text.push_str("</svg>\n");
    text
}

/// Values and places to coordinates.
#[derive(Clone, Copy)]
struct Frame {
    places: (f64, f64),
    values: (f64, f64),
}

impl Frame {
    fn x(self, at: f64) -> f64 {
        let (first, last) = self.places;
        LEFT + (at - first) / (last - first) * (WIDTH - LEFT - RIGHT)
    }

    fn y(self, value: f64) -> f64 {
        let (low, high) = self.values;
        FLOOR - (value - low) / (high - low) * (FLOOR - TOP)
    }
}

fn chart(text: &mut String, curves: &[&Curve], ask: &CurvesAsk) {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let frame = Frame {
        places: range(points().map(|point| point.x)),
        values: range(points().flat_map(|point| [point.low, point.high])),
    };
    axes(text, frame, &ask.axis);
    let metric = curves.first().map_or("", |curve| curve.metric.as_str());
    let metric = escaped(metric);
    let _ = writeln!(
        text,
        "<text x=\"{LEFT}\" y=\"18\" font-weight=\"bold\">{metric}</text>"
    );
    let mut runs: Vec<&str> = Vec::new();
    for curve in curves {
        let known = runs.iter().position(|run| *run == curve.run);
        let at = known.unwrap_or(runs.len());
        let colour = COLOURS.iter().cycle().nth(at).copied().unwrap_or("#000000");
        if known.is_none() {
            let (place, run) = (LEFT + 160.0 + at as f64 * 180.0, escaped(&curve.run));
            let _ = writeln!(
                text,
                "<text x=\"{place}\" y=\"18\" fill=\"{colour}\">{run}</text>"
            );
            runs.push(&curve.run);
        }
        line(text, frame, curve, colour);
    }
}

fn axes(text: &mut String, frame: Frame, axis: &Axis) {
    let right = WIDTH - RIGHT;
    let _ = writeln!(
        text,
        "<path d=\"M{LEFT} {TOP}V{FLOOR}H{right}\" fill=\"none\" stroke=\"#888\"/>"
    );
    for share in [0.0, 0.5, 1.0] {
        let value = frame.values.0 + (frame.values.1 - frame.values.0) * share;
        let place = frame.places.0 + (frame.places.1 - frame.places.0) * share;
        let _ = writeln!(
            text,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.6}</text><text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{place:.0}</text>",
            LEFT - 6.0,
            frame.y(value) + 4.0,
            frame.x(place),
            FLOOR + 18.0,
        );
    }
    let axis = match axis {
        Axis::Step => "step",
        Axis::Time => "seconds",
        Axis::Series(name) => name,
    };
    let (middle, axis) = (f64::midpoint(LEFT, right), escaped(axis));
    let below = FLOOR + 36.0;
    let _ = writeln!(
        text,
        "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{axis}</text>"
    );
}

/// A value that is no number is a mark at the top, and a gap where all of a bucket are none.
fn line(text: &mut String, frame: Frame, curve: &Curve, colour: &str) {
    for point in curve.points.iter().filter(|point| point.troubles > 0) {
        let x = frame.x(point.x);
        let _ = writeln!(
            text,
            "<circle cx=\"{x:.1}\" cy=\"{TOP}\" r=\"4\" fill=\"#c00000\"/>"
        );
    }
    for part in curve.points.split(|point| !point.mean.is_finite()) {
        let dot =
            |point: &CurvePoint| format!("{:.1},{:.1}", frame.x(point.x), frame.y(point.mean));
        let dots = part.iter().map(dot).collect::<Vec<_>>().join(" ");
        if !dots.is_empty() {
            let _ = writeln!(
                text,
                "<polyline points=\"{dots}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.3\"/>"
            );
        }
    }
}

/// The least and the largest finite number, a little apart.
fn range(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = numbers.filter(|it| it.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| {
        (low.min(it), high.max(it))
    });
    match high - low {
        width if width > 0.0 => (low, high),
        0.0 => (low - 0.5, high + 0.5),
        _ => (0.0, 1.0),
    }
}

fn escaped(text: &str) -> String {
    let shown = text.chars().filter(|it| !it.is_control());
    let shown: String = shown.collect();
    shown
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use semihv_domain::MetricPoint;

    use super::*;

    fn curves(run: &str, values: &[f64]) -> Curves {
        let points = (0..).zip(values).map(|(step, value)| CurvePoint {
            x: step as f64,
            low: *value,
            high: *value,
            mean: *value,
            count: 1,
            troubles: u64::from(!value.is_finite()),
            last: *value,
            step,
            line: step,
        });
        let curve = Curve {
            run: run.to_owned(),
            log: 0,
            metric: "loss <b>".to_owned(),
            points: points.collect(),
            last: MetricPoint {
                step: 2,
                value: 1.0,
                line: 2,
            },
            count: 3,
            trouble: None,
        };
        Curves {
            curves: vec![curve],
            ..Curves::default()
        }
    }

    fn ask() -> CurvesAsk {
        CurvesAsk {
            runs: Vec::new(),
            metrics: Vec::new(),
            axis: Axis::Step,
            span: None,
            buckets: 9,
        }
    }

    #[test]
    fn a_table_keeps_what_is_no_number_and_no_name_is_a_formula() {
        let text = curves_csv(&curves("=a,\"b", &[1.5, f64::NAN]));
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[1], "\"'=a,\"\"b\",0,loss <b>,0,0,1.5,1.5,1.5,1,0,1.5");
        assert!(rows[2].ends_with(",NaN,NaN,NaN,1,1,NaN"), "{}", rows[2]);
    }

    #[test]
    fn a_drawing_has_gaps_and_no_names_as_elements() {
        let text = curves_svg(&curves("a&b", &[3.0, f64::NAN, 1.0, 2.0]), &ask());
        assert_eq!(text.matches("<polyline").count(), 2);
        assert_eq!(text.matches("<circle").count(), 1);
        assert!(
            text.contains("loss &lt;b&gt;") && text.contains("a&amp;b"),
            "{text}"
        );
        assert!(!text.contains("NaN"), "{text}");
        assert!(curves_svg(&Curves::default(), &ask()).ends_with("</svg>\n"));
    }
}
