use std::fs;

use proptest::prelude::*;

use super::*;

fn point(step: u64, value: f64) -> MetricPoint {
    MetricPoint {
        step,
        value,
        line: step * 2,
    }
}

fn filled(series: &mut Series, name: &str, count: u64) {
    let column = series.column(name).unwrap();
    for step in 0..count {
        series.push(column, point(step, (step % 100) as f64 / 100.0));
    }
}

fn all(series: &Series, name: &str) -> Vec<MetricPoint> {
    let mut points = Vec::new();
    let take = &mut |point: &MetricPoint| {
        points.push(*point);
        true
    };
    series.points(name, take).unwrap();
    points
}

#[test]
fn points_come_back_in_order_from_memory_and_file() {
    let folder = tempfile::tempdir().unwrap();
    let (in_file, state) = Series::at::<u32>(&folder.path().join("figures"));
    assert_eq!(state, None);
    for mut series in [Series::default(), in_file] {
        filled(&mut series, "loss", 5000);
        let points = all(&series, "loss");
        assert_eq!(points.len(), 5000);
        assert_eq!(points[4321], point(4321, 0.21));
        let view = series.view("loss").unwrap();
        assert_eq!((view.count, view.steps), (5000, (0, 4999)));
    }
}

#[test]
fn the_next_look_goes_on_where_the_last_checkpoint_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figures");
    let (mut series, _) = Series::at::<u32>(&path);
    filled(&mut series, "loss", 700);
    series.checkpoint(&7_u32);
    filled(&mut series, "lr", 700);
    series.kept.write_state(b"torn");
    drop(series);
    // The state behind the second series is cut off.
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();

    let (mut series, state) = Series::at::<u32>(&path);
    assert_eq!(state, Some(7));
    let names: Vec<String> = series.views().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["loss"]);
    filled(&mut series, "loss", 3);
    assert_eq!(all(&series, "loss").len(), 703);
    series.checkpoint(&8_u32);
    drop(series);
    let (series, state) = Series::at::<u32>(&path);
    assert_eq!((all(&series, "loss").len(), state), (703, Some(8)));
}

#[test]
fn a_file_in_use_or_of_something_else_leaves_the_figures_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figures");
    let (mut first, _) = Series::at::<u32>(&path);
    filled(&mut first, "loss", 600);
    first.checkpoint(&1_u32);
    let (mut second, state) = Series::at::<u32>(&path);
    assert_eq!(state, None);
    filled(&mut second, "loss", 600);
    assert_eq!(all(&second, "loss"), all(&first, "loss"));
    drop(first);
    fs::write(&path, "something else").unwrap();
    let (mut third, state) = Series::at::<u32>(&path);
    assert_eq!(state, None);
    filled(&mut third, "loss", 600);
    third.checkpoint(&2_u32);
    drop(third);
    assert_eq!(Series::at::<u32>(&path).1, Some(2));
}

#[test]
fn the_same_step_of_the_same_line_is_replaced() {
    let mut series = Series::default();
    let column = series.column("loss").unwrap();
    for value in [3.0, 2.0, 1.0] {
        series.push(
            column,
            MetricPoint {
                step: 1,
                value,
                line: 0,
            },
        );
    }
    assert_eq!(all(&series, "loss").len(), 1);
    assert_eq!(series.view("loss").unwrap().count, 1);
}

#[test]
fn the_first_value_that_is_no_number_is_found() {
    let mut series = Series::default();
    filled(&mut series, "loss", 2000);
    let column = series.column("loss").unwrap();
    series.push(column, point(2000, f64::NAN));
    filled(&mut series, "loss", 600);
    series.push(column, point(9, f64::INFINITY));
    assert_eq!(series.first_trouble("loss").unwrap().unwrap().step, 2000);
    assert_eq!(series.view("loss").unwrap().troubles, 2);
    assert_eq!(series.first_trouble("lr").unwrap(), None);
}

#[test]
fn ten_million_points_need_few_bytes() {
    let mut series = Series::default();
    filled(&mut series, "loss", 10_000_000);
    let bytes = series.kept.gathered_len();
    assert!(bytes < 20_000_000, "{bytes}");
    let span = Span {
        first: 0,
        last: 9_999_999,
    };
    let buckets = series.buckets("loss", span, 300).unwrap();
    assert_eq!(buckets.len(), 300);
    assert_eq!(buckets.iter().map(|it| it.count).sum::<u64>(), 10_000_000);
}

/// The same by looking at every point.
fn plainly(points: &[MetricPoint], span: Span, count: usize) -> Vec<(usize, u64, f64, f64)> {
    let width = u128::from(span.last - span.first) + 1;
    let mut found: Vec<(usize, u64, f64, f64)> = Vec::new();
    for at in 0..count {
        let inside = points.iter().filter(|point| {
            (span.first..=span.last).contains(&point.step)
                && (u128::from(point.step - span.first) * count as u128 / width) as usize == at
        });
        let inside: Vec<f64> = inside.map(|point| point.value).collect();
        if !inside.is_empty() {
            let low = inside.iter().copied().fold(f64::INFINITY, f64::min);
            let high = inside.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            found.push((at, inside.len() as u64, low, high));
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn buckets_are_what_their_points_are(
        steps in proptest::collection::vec(0_u64..3000, 0..2500),
        first in 0_u64..2000, width in 0_u64..3000, count in 1_usize..90,
    ) {
        let mut series = Series::default();
        let column = series.column("loss").unwrap();
        for (line, step) in (0..).zip(&steps) {
            series.push(column, MetricPoint { step: *step, value: *step as f64, line });
        }
        let span = Span { first, last: first + width };
        let found = series.buckets("loss", span, count).unwrap();
        let found: Vec<_> = found.iter().map(|it| (it.at, it.count, it.low, it.high)).collect();
        prop_assert_eq!(found, plainly(&all(&series, "loss"), span, count));
    }
}
