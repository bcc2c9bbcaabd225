//! `semihv metrics`: the figures of runs, as a list, a table of all points, or a drawing.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use semihv_domain::{Failure, FailureKind};
use semihv_engine::{Axis, Curves, CurvesAsk, Engine, Query, Reply, csv_cell, curves_svg};

use crate::args::Common;
use crate::output::{Output, VerbError, grouped};

/// Of a drawing.
const BUCKETS: usize = 1200;

#[derive(Debug, Args)]
pub struct MetricsArguments {
    /// Names of runs or logs, or parts of them
    #[arg(required = true)]
    runs: Vec<String>,
    /// Only this figure; may be given again
    #[arg(short, long, value_name = "NAME")]
    metric: Vec<String>,
    /// Every point, as CSV: run, metric, step, value, line of the log
    #[arg(long, conflicts_with = "svg")]
    csv: bool,
    /// Draw the curves into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// By time instead of step, in a drawing
    #[arg(long)]
    by_time: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

pub(crate) fn metrics(
    engine: &Engine,
    asked: &MetricsArguments,
    output: &mut Output,
) -> Result<(), VerbError> {
    for run in &asked.runs {
        engine.read_log(run, &mut |_| true)?;
    }
    let curves = curves(engine, asked)?;
    if let Some((run, why)) = curves.troubles.first() {
        let summary = format!("{run}: {why}");
        return Err(Failure::new("metrics", FailureKind::User, summary).into());
    }
    unknown(&curves, asked)?;
    match &asked.svg {
        Some(path) => draw(&curves, asked, (path, output)),
        None if asked.csv => every_point(engine, asked, output),
        None => list(&curves, output),
    }
}

/// All figures of these runs, or those that were named.
fn curves(engine: &Engine, asked: &MetricsArguments) -> Result<Curves, VerbError> {
    let mut ask = CurvesAsk {
        runs: asked.runs.clone(),
        metrics: asked.metric.clone(),
        axis: if asked.by_time {
            Axis::Time
        } else {
            Axis::Step
        },
        span: None,
        buckets: BUCKETS,
    };
    // Once for the names of all, and once for what they are.
    for _ in 0..2 {
        let Reply::Curves(curves) = engine.ask(&Query::Curves(ask.clone()))? else {
            break;
        };
        if !asked.metric.is_empty() || ask.metrics.len() == curves.metrics.len() {
            return Ok(*curves);
        }
        ask.metrics = curves
            .metrics
            .into_iter()
            .map(|metric| metric.name)
            .collect();
    }
    match engine.ask(&Query::Curves(ask))? {
        Reply::Curves(curves) => Ok(*curves),
        _ => Ok(Curves::default()),
    }
}

fn unknown(curves: &Curves, asked: &MetricsArguments) -> Result<(), VerbError> {
    let is_known = |name: &&String| curves.metrics.iter().any(|metric| metric.name == **name);
    let Some(unknown) = asked.metric.iter().find(|name| !is_known(name)) else {
        return Ok(());
    };
    let known: Vec<&str> = curves
        .metrics
        .iter()
        .map(|metric| metric.name.as_str())
        .collect();
    let summary = format!("no figure is called {unknown}");
    let failure = Failure::new("metrics", FailureKind::User, summary);
    Err(failure
        .with_hint(format!("there are: {}", known.join(", ")))
        .into())
}

fn list(curves: &Curves, output: &mut Output) -> Result<(), VerbError> {
    if curves.curves.is_empty() && !output.is_json() {
        return Ok(output.line("the logs say no figures that are known here")?);
    }
    let wide = curves
        .curves
        .iter()
        .map(|it| it.metric.chars().count())
        .max();
    let wide = wide.unwrap_or(0).min(40);
    let mut run = "";
    for curve in &curves.curves {
        let finite = curve.points.iter().filter(|point| point.low.is_finite());
        let low = finite
            .clone()
            .map(|point| point.low)
            .fold(f64::INFINITY, f64::min);
        let high = finite
            .map(|point| point.high)
            .fold(f64::NEG_INFINITY, f64::max);
        if output.is_json() {
            // JSON has no numbers for what is none.
            let said = |value: f64| {
                if value.is_finite() {
                    serde_json::json!(value)
                } else {
                    serde_json::json!(value.to_string())
                }
            };
            output.json(&serde_json::json!({
                "run": curve.run, "attempt": curve.log + 1, "metric": curve.metric,
                "points": curve.count, "last_step": curve.last.step,
                "last": said(curve.last.value), "least": said(low), "largest": said(high),
                "first_not_finite": curve.trouble.map(|point| point.step),
            }))?;
            continue;
        }
        if curve.run != run {
            run = &curve.run;
            output.line(run)?;
        }
        let trouble = curve.trouble.map_or(String::new(), |point| {
            format!(
                "  first {} at step {}",
                point.value.to_string().to_lowercase(),
                grouped(point.step)
            )
        });
        output.line(&format!(
            "  {:<wide$}  {:>12} at step {:<10} least {low:.6} largest {high:.6}  {} points{trouble}",
            curve.metric,
            format!("{:.6}", curve.last.value).to_lowercase(),
            grouped(curve.last.step),
            grouped(curve.count),
        ))?;
    }
    Ok(())
}

fn every_point(
    engine: &Engine,
    asked: &MetricsArguments,
    output: &mut Output,
) -> Result<(), VerbError> {
    let mut failed = None;
    writeln!(output.raw(), "run,metric,step,value,line")?;
    for run in &asked.runs {
        let name = csv_cell(run);
        engine.each_point(run, &asked.metric, &mut |metric, point| {
            let (metric, step, value) = (csv_cell(metric), point.step, point.value);
            let written = writeln!(
                output.raw(),
                "{name},{metric},{step},{value},{}",
                point.line + 1
            );
            failed = written.err();
            failed.is_none()
        })?;
        if let Some(error) = failed {
            return Err(error.into());
        }
    }
    Ok(())
}

fn draw(
    curves: &Curves,
    asked: &MetricsArguments,
    (path, output): (&Path, &mut Output),
) -> Result<(), VerbError> {
    let ask = CurvesAsk {
        runs: asked.runs.clone(),
        metrics: Vec::new(),
        axis: if asked.by_time {
            Axis::Time
        } else {
            Axis::Step
        },
        span: None,
        buckets: BUCKETS,
    };
    std::fs::write(path, curves_svg(curves, &ask)).map_err(|error| {
        let summary = format!("{} cannot be written: {error}", path.display());
        Failure::new("metrics", FailureKind::User, summary)
    })?;
    if output.is_json() {
        return Ok(output.json(&serde_json::json!({ "drawing": path }))?);
    }
    Ok(output.line(&format!("{} is drawn", path.display()))?)
}
