//! Figures of runs as curves: many points gathered into as many buckets as a screen has columns.

use std::path::Path;

use semihv_domain::{Failure, FailureKind, MetricPoint};
use semihv_runs::{Reading, Series, Span, TIME};
use serde::{Deserialize, Serialize};

use crate::Engine;
use crate::engine::locked;

/// Runs over each other that a person can still tell apart.
const MOST_RUNS: usize = 32;
/// How finely steps are told to be moments, or tokens.
const AXIS_BUCKETS: usize = 4096;
const MOST_BUCKETS: usize = 8192;

/// What stands along the chart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    #[default]
    Step,
    /// Seconds since the first moment that the run says.
    Time,
    /// Another series of the same run, which rises: tokens, samples, epochs.
    Series(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct CurvesAsk {
    pub runs: Vec<String>,
    /// Empty: the loss, or what comes first.
    pub metrics: Vec<String>,
    pub axis: Axis,
    /// The part of the axis that is shown; `None`: all.
    pub span: Option<(f64, f64)>,
    pub buckets: usize,
}

/// Points of neighbouring steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    pub x: f64,
    /// Of the finite values; no numbers where there are none.
    pub low: f64,
    pub high: f64,
    pub mean: f64,
    pub count: u64,
    /// Values that are no numbers.
    pub troubles: u64,
    /// Of the last point, with its step and the line of the log.
    pub last: f64,
    pub step: u64,
    pub line: u64,
}

/// A series of one run, or of one attempt of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    pub run: String,
    /// Which of its logs, from 0.
    pub log: usize,
    pub metric: String,
    pub points: Vec<CurvePoint>,
    /// Of all of it, whatever is shown.
    pub last: MetricPoint,
    pub count: u64,
    /// The first value that is no number.
    pub trouble: Option<MetricPoint>,
}

/// A series that some of the runs have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MetricView {
    pub name: String,
    pub runs: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Curves {
    pub metrics: Vec<MetricView>,
    /// By metric as asked, then by run as asked.
    pub curves: Vec<Curve>,
    /// Of the axis, of all runs.
    pub whole: (f64, f64),
    /// Runs that have no such axis, or cannot be read, and why.
    pub troubles: Vec<(String, String)>,
    /// How far the logs are read, together.
    #[serde(skip)]
    pub reading: Reading,
}

/// The x of steps: pairs of both, by rising steps.
struct Scale {
    places: Option<Vec<(f64, f64)>>,
    start: f64,
}

impl Scale {
    /// `None` where the run does not say what stands along the chart.
    fn of(series: &Series, axis: &Axis) -> std::io::Result<Option<Self>> {
        let name = match axis {
            Axis::Step => {
                return Ok(Some(Self {
                    places: None,
                    start: 0.0,
                }));
            }
            Axis::Time => TIME,
            Axis::Series(name) => name,
        };
        let Some(view) = series.view(name) else {
            return Ok(None);
        };
        let (first, last) = view.steps;
        let buckets = series.buckets(name, Span { first, last }, AXIS_BUCKETS)?;
        let places = buckets.iter().filter(|it| it.mean.is_finite());
        let places: Vec<(f64, f64)> = places.map(|it| (middle(it.steps), it.mean)).collect();
        let start = match axis {
            Axis::Time => places.iter().map(|it| it.1).fold(f64::INFINITY, f64::min),
            _ => 0.0,
        };
        let places = Some(places);
        Ok(Some(Self { places, start }))
    }

    fn x(&self, step: f64) -> f64 {
        let Some(places) = &self.places else {
            return step;
        };
        let at = places.partition_point(|(place, _)| *place < step);
        let before = at.checked_sub(1).and_then(|at| places.get(at));
        let x = match (before, places.get(at)) {
            (Some((s0, x0)), Some((s1, x1))) => x0 + (x1 - x0) * (step - s0) / (s1 - s0),
            (Some((_, x)), None) | (None, Some((_, x))) => *x,
            (None, None) => f64::NAN,
        };
        x - self.start
    }

    /// The steps whose x lies in a span, and those next to them.
    fn steps(&self, (low, high): (f64, f64), (first, last): (u64, u64)) -> Option<Span> {
        let Some(places) = &self.places else {
            let first = first.max(low.max(0.0) as u64);
            let last = last.min(high.max(0.0) as u64);
            return (first <= last).then_some(Span { first, last });
        };
        let x = |place: &(f64, f64)| place.1 - self.start;
        let from = places.iter().position(|it| x(it) >= low)?;
        let to = places.iter().rposition(|it| x(it) <= high)?;
        let from = places.get(from.saturating_sub(1))?.0;
        let to = places.get((to + 1).min(places.len() - 1))?.0;
        let span = Span {
            first: (from as u64).max(first),
            last: (to.ceil() as u64).min(last),
        };
        (span.first <= span.last).then_some(span)
    }
}

fn middle((first, last): (u64, u64)) -> f64 {
    first as f64 / 2.0 + last as f64 / 2.0
}

/// What one log adds.
struct Drawn<'a> {
    ask: &'a CurvesAsk,
    curves: Curves,
    /// The runs of the curves, for those that have a metric.
    run: &'a str,
    log: usize,
}

pub(crate) fn curves(engine: &Engine, ask: &CurvesAsk) -> Curves {
    let mut logs = Vec::new();
    let mut drawn = Curves {
        whole: (f64::INFINITY, f64::NEG_INFINITY),
        ..Curves::default()
    };
    for run in ask.runs.iter().take(MOST_RUNS) {
        match engine.logs_named(run) {
            Ok((run, paths)) => logs.push((run, paths)),
            Err(failure) => drawn.troubles.push((run.clone(), failure.summary)),
        }
    }
    let mut asked = ask.clone();
    asked.buckets = ask.buckets.clamp(1, MOST_BUCKETS);
    name_metrics(engine, &logs, &mut drawn);
    if asked.metrics.is_empty() {
        let loss = super::loss_of(drawn.metrics.iter().map(|it| it.name.as_str()));
        let loss = loss.and_then(|at| drawn.metrics.get(at));
        asked.metrics.extend(loss.map(|it| it.name.clone()));
    }
    for (run, paths) in &logs {
        for (log, path) in paths.iter().enumerate() {
            let mut part = Drawn {
                ask: &asked,
                curves: std::mem::take(&mut drawn),
                run,
                log,
            };
            let added = part.add(engine, path);
            drawn = part.curves;
            if let Err(error) = added {
                drawn.troubles.push((run.clone(), error.to_string()));
            }
            engine.read_on(run, path);
        }
    }
    let place = |metric: &str| asked.metrics.iter().position(|it| it == metric);
    drawn.curves.sort_by_key(|curve| place(&curve.metric));
    drawn
}

fn name_metrics(engine: &Engine, logs: &[(String, Vec<std::path::PathBuf>)], drawn: &mut Curves) {
    for (name, paths) in logs {
        let mut own: Vec<String> = Vec::new();
        for path in paths {
            let followed = engine.followed(path);
            let log = locked(&followed);
            for view in log.series().views() {
                if !own.contains(&view.name) {
                    own.push(view.name);
                }
            }
            // A run that waits for its turn has no log yet.
            let is_awaited = path.starts_with(engine.inner.places.runs()) && !path.exists();
            if let Some(why) = log.trouble().filter(|_| !is_awaited) {
                let name = name.clone();
                drawn.troubles.push((name, why.to_owned()));
            }
            let reading = log.reading();
            drawn.reading.done += reading.done;
            drawn.reading.total += reading.total;
        }
        for name in own {
            match drawn.metrics.iter_mut().find(|it| it.name == name) {
                Some(metric) => metric.runs += 1,
                None => drawn.metrics.push(MetricView { name, runs: 1 }),
            }
        }
    }
}

impl Drawn<'_> {
    fn add(&mut self, engine: &Engine, path: &Path) -> std::io::Result<()> {
        let followed = engine.followed(path);
        let log = locked(&followed);
        let series = log.series();
        let Some(scale) = Scale::of(series, &self.ask.axis)? else {
            if !series.views().is_empty() {
                let why = match &self.ask.axis {
                    Axis::Series(name) => format!("its log says no {name}"),
                    _ => "its log says no times".to_owned(),
                };
                self.curves.troubles.push((self.run.to_owned(), why));
            }
            return Ok(());
        };
        for metric in &self.ask.metrics {
            let Some(view) = series.view(metric) else {
                continue;
            };
            let (first, last) = (scale.x(view.steps.0 as f64), scale.x(view.steps.1 as f64));
            let whole = &mut self.curves.whole;
            *whole = (whole.0.min(first), whole.1.max(last));
            let span = match self.ask.span {
                Some(span) => scale.steps(span, view.steps),
                None => Some(Span {
                    first: view.steps.0,
                    last: view.steps.1,
                }),
            };
            let buckets = match span {
                Some(span) => series.buckets(metric, span, self.ask.buckets)?,
                None => Vec::new(),
            };
            let points = buckets.iter().map(|bucket| CurvePoint {
                x: scale.x(middle(bucket.steps)),
                low: bucket.low,
                high: bucket.high,
                mean: bucket.mean,
                count: bucket.count,
                troubles: bucket.troubles,
                last: bucket.last,
                step: bucket.steps.1,
                line: bucket.line,
            });
            let trouble = match view.troubles {
                0 => None,
                _ => series.first_trouble(metric)?,
            };
            self.curves.curves.push(Curve {
                run: self.run.to_owned(),
                log: self.log,
                metric: metric.clone(),
                points: points.collect(),
                last: view.last,
                count: view.count,
                trouble,
            });
        }
        Ok(())
    }
}

impl Engine {
    /// All points of some series of a run, for a table: run, metric and point, in the order of the
    /// log. Call [`read_log`](Self::read_log) before. `metrics` empty: all.
    pub fn each_point(
        &self,
        run: &str,
        metrics: &[String],
        take: &mut dyn FnMut(&str, &MetricPoint) -> bool,
    ) -> Result<(), Failure> {
        for path in self.logs_named(run)?.1 {
            let followed = self.followed(&path);
            let log = locked(&followed);
            for view in log.series().views() {
                if !metrics.is_empty() && !metrics.contains(&view.name) {
                    continue;
                }
                let mut go_on = true;
                let read = log.series().points(&view.name, &mut |point| {
                    go_on = take(&view.name, point);
                    go_on
                });
                read.map_err(|error| Failure::of("metrics", FailureKind::Data, &error))?;
                if !go_on {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
