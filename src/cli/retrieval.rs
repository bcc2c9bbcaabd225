//! `retrieval`: judging what is retrieved, and measuring the retriever on judgements.

use std::path::Path;

use indicatif::ProgressBar;
use semihv_domain::{Failure, FailureKind, HitVerdict, Pool};
use semihv_engine::ranking::{Judgements, Served};
use semihv_engine::{
    ENOUGH_JUDGED, Engine, EvaluateSpec, OwnJudgements, PoolReport, RetrievalReport, RetrieveSpec,
    Topic,
};

use crate::output::{Output, VerbError, is_watched};
use crate::retrieval_args::{EvalArguments, JudgeArguments, RetrievalVerb};
use crate::retrieval_train;
use crate::retrieve::{case, named};

pub(crate) fn retrieval(
    engine: &Engine,
    verb: &RetrievalVerb,
    output: &mut Output,
) -> Result<(), VerbError> {
    match verb {
        RetrievalVerb::Eval(arguments) => eval(engine, arguments, output),
        RetrievalVerb::Compare(arguments) => crate::retrieval_compare::compare(arguments, output),
        RetrievalVerb::Judge(arguments) => judge(engine, arguments, output),
        RetrievalVerb::Judged { out, .. } => judged(engine, out, output),
        RetrievalVerb::Features { out, without, .. } => {
            features(engine, (out, without.as_deref()), output)
        }
        RetrievalVerb::Train(arguments) => retrieval_train::train(engine, arguments, output),
    }
}

fn eval(engine: &Engine, arguments: &EvalArguments, output: &mut Output) -> Result<(), VerbError> {
    let (topics, judgements, remarks) = asked(engine, arguments)?;
    let spec = EvaluateSpec {
        topics,
        judgements,
        measures: arguments.measure.clone(),
        seed: arguments.seed,
    };
    let bar = (is_watched() && !output.is_json()).then(|| ProgressBar::new(0));
    let report = engine.evaluate_retrieval(&spec, &mut |done, total| {
        if let Some(bar) = &bar {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
        true
    })?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let Some(report) = report else {
        return Ok(());
    };
    if let Some(folder) = &arguments.runs {
        write_runs(&report, folder)?;
    }
    let served = if arguments.fit {
        report.keep_weights(engine)?
    } else {
        Vec::new()
    };
    if output.is_json() {
        let said = serde_json::json!({ "report": report, "served": served, "remarks": remarks });
        return Ok(output.json(&said)?);
    }
    for remark in &remarks {
        output.line(remark)?;
    }
    print(&report, output)?;
    if arguments.fit {
        print_served(&report, &served, output)?;
    }
    Ok(())
}

type Asked = (Vec<Topic>, Judgements, Vec<String>);

fn asked(engine: &Engine, arguments: &EvalArguments) -> Result<Asked, Failure> {
    let adapted = |spec: RetrieveSpec| RetrieveSpec {
        pools: arguments.pool.clone(),
        depth: arguments.depth.max(1),
        ..spec
    };
    let (Some(qrels), Some(queries)) = (&arguments.qrels, &arguments.queries) else {
        let own = engine.own_judgements()?;
        if own.topics.is_empty() {
            let summary = "nothing was judged in this workspace yet";
            let mut failure = Failure::new("retrieval eval", FailureKind::User, summary);
            if !own.remarks.is_empty() {
                "what was judged in this workspace cannot be used".clone_into(&mut failure.summary);
                failure.causes = own.remarks;
            }
            return Err(failure.with_hint(
                "judge hits in the workbench (`r`), with `semihv retrieval judge`, or give QRELS and --queries",
            ));
        }
        let topics = own.topics.into_iter().map(|topic| Topic {
            spec: adapted(topic.spec),
            ..topic
        });
        return Ok((topics.collect(), own.judgements, own.remarks));
    };
    let (judgements, skipped) = Judgements::read(&qrels.to_string_lossy(), &read(qrels)?);
    let mut remarks: Vec<String> = Vec::new();
    for skipped in &skipped {
        let line = skipped.at.line.unwrap_or_default();
        remarks.push(format!("{}:{line}: {}", skipped.at.file, skipped.reason));
    }
    let mut topics = Vec::new();
    for (number, line) in (1_u64..).zip(read(queries)?.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        match topic(engine, line, &arguments.text_field) {
            Ok(topic) => topics.push(Topic {
                spec: adapted(topic.spec),
                ..topic
            }),
            Err(failure) => {
                let summary = failure.summary;
                remarks.push(format!("{}:{number}: {summary}", queries.display()));
            }
        }
    }
    Ok((topics, judgements, remarks))
}

pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::of("retrieval eval", FailureKind::User, &error)
            .with_hint(format!("{} cannot be read", path.display()))
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn topic(engine: &Engine, line: &str, text_field: &str) -> Result<Topic, Failure> {
    let refused = |summary: String| Failure::new("retrieval eval", FailureKind::Data, summary);
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(line).map_err(|error| refused(error.to_string()))?;
    let text = |field: &str| match object.get(field) {
        Some(serde_json::Value::String(text)) => Some(text.clone()),
        Some(serde_json::Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let name = text("id").ok_or_else(|| refused("there is no id".to_owned()))?;
    let image = text("image")
        .map(|image| named(engine, &image))
        .transpose()?;
    let written = text(text_field).unwrap_or_default();
    if written.trim().is_empty() && image.is_none() {
        return Err(refused(format!(
            "there is neither an image nor a text in the field {text_field:?}"
        )));
    }
    Ok(Topic {
        name,
        spec: RetrieveSpec {
            text: written,
            image,
            case: text("case").map(|key| case(engine, &key)).transpose()?,
            ..RetrieveSpec::default()
        },
    })
}

fn write_runs(report: &RetrievalReport, folder: &Path) -> Result<(), Failure> {
    let failed = |error: &dyn std::error::Error| {
        Failure::new("retrieval eval", FailureKind::User, error.to_string())
            .with_hint(format!("{} could not be written", folder.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    for ((pool, list), run) in &report.runs {
        let name = format!("{}-{}", pool.name(), list.replace(' ', "-"));
        let text = run.to_trec(&name).map_err(|error| failed(&error))?;
        std::fs::write(folder.join(format!("{name}.run")), text).map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// ```text
/// guideline, 103 judged queries, vectors by counted-1
///              nDCG@10     MRR  Recall@10
/// words          0.591   0.587      0.601
/// vectors        0.402 …
/// ```
fn print(report: &RetrievalReport, output: &mut Output) -> Result<(), VerbError> {
    for pool in &report.pools {
        let encoder = report.encoder.as_deref().unwrap_or("no encoder");
        let (name, queries) = (pool.pool.name(), pool.queries);
        output.line(&format!(
            "{name}, {queries} judged queries, vectors by {encoder}"
        ))?;
        let names = report
            .measures
            .iter()
            .map(|measure| format!("{:>11}", measure.to_string()));
        output.line(&format!("{:<10}{}", "", names.collect::<String>()))?;
        for list in &pool.lists {
            let means = list.means.iter().map(|mean| format!("{mean:>11.4}"));
            output.line(&format!("{:<10}{}", list.name, means.collect::<String>()))?;
        }
        print_comparisons(pool, output)?;
        print_fitted(pool, output)?;
        print_nought(pool, output)?;
    }
    Ok(())
}

/// Queries that count as 0, whatever is searched.
fn print_nought(pool: &PoolReport, output: &mut Output) -> Result<(), VerbError> {
    let (unanswered, empty) = (pool.unanswered.len(), pool.without_relevant.len());
    if unanswered > 0 {
        output.line(&format!(
            "{unanswered} queries found nothing: they count as 0"
        ))?;
    }
    let others = pool.queries.saturating_sub(empty);
    if empty == 0 || others == 0 {
        return Ok(());
    }
    output.line(&format!(
        "{empty} queries have nothing relevant and count as 0; without them:"
    ))?;
    let scale = pool.queries as f64 / others as f64;
    for list in &pool.lists {
        let means = list
            .means
            .iter()
            .map(|mean| format!("{:>11.4}", mean * scale));
        output.line(&format!("{:<10}{}", list.name, means.collect::<String>()))?;
    }
    Ok(())
}

fn print_comparisons(pool: &PoolReport, output: &mut Output) -> Result<(), VerbError> {
    let compared = pool
        .lists
        .iter()
        .filter(|list| !list.against_single.is_empty());
    for list in compared {
        let Some(by) = list.against_single.first() else {
            continue;
        };
        let Some(difference) = by.difference else {
            continue;
        };
        output.line(&format!(
            "{} against the better list: {} {:+.4} [{:+.4}, {:+.4}], p {:.3}",
            list.name,
            by.measure,
            by.second - by.first,
            difference.low,
            difference.high,
            by.p
        ))?;
    }
    Ok(())
}

fn print_fitted(pool: &PoolReport, output: &mut Output) -> Result<(), VerbError> {
    let Some(fitted) = &pool.fitted else {
        return Ok(());
    };
    let (alpha, interval) = (fitted.alpha.get(), fitted.alpha_interval);
    output.line(&format!(
        "weighed: {:.2} vectors [{:.2}, {:.2}]; {} {:.4} by 5-fold cross-validation, {:+.4} [{:+.4}, {:+.4}] against the better list; {}",
        alpha,
        interval.low,
        interval.high,
        fitted.measure,
        fitted.cross_validated,
        fitted.gain.mean,
        fitted.gain.low,
        fitted.gain.high,
        match fitted.served {
            Served::Hybrid => "both lists are worth serving",
            Served::Dense => "vectors alone are better",
            Served::Lexical => "words alone are better",
        }
    ))?;
    Ok(())
}

fn print_served(
    report: &RetrievalReport,
    served: &[Pool],
    output: &mut Output,
) -> Result<(), VerbError> {
    for pool in &report.pools {
        let name = pool.pool.name();
        let said = if served.contains(&pool.pool) {
            format!("{name}: this weight is served from now on")
        } else if pool.fitted.is_none() {
            format!("{name}: nothing to fit, there are not two lists and five queries")
        } else {
            let queries = pool.queries;
            format!("{name}: {queries} judged queries are fewer than {ENOUGH_JUDGED}: by ranks")
        };
        output.line(&said)?;
    }
    Ok(())
}

fn judge(
    engine: &Engine,
    arguments: &JudgeArguments,
    output: &mut Output,
) -> Result<(), VerbError> {
    let spec = RetrieveSpec {
        text: arguments.text.clone().unwrap_or_default(),
        image: arguments
            .image
            .as_deref()
            .map(|image| named(engine, image))
            .transpose()?,
        case: arguments
            .case
            .as_deref()
            .map(|key| case(engine, key))
            .transpose()?,
        ..RetrieveSpec::default()
    };
    let found = engine.find_retrieved(&arguments.hit)?.ok_or_else(|| {
        let summary = format!("there is no case and no passage {:?}", arguments.hit);
        Failure::new("judge", FailureKind::User, summary)
            .with_hint("the keys stand in the answers of `semihv retrieve`")
    })?;
    let mut verdicts = Vec::new();
    if arguments.clear {
        verdicts.push(HitVerdict::Grade { grade: None });
        verdicts.push(HitVerdict::Pin { on: false });
        verdicts.push(HitVerdict::Exclude { on: false });
    }
    if let Some(grade) = arguments.grade {
        verdicts.push(HitVerdict::Grade { grade: Some(grade) });
    }
    if arguments.pin {
        verdicts.push(HitVerdict::Pin { on: true });
    }
    if arguments.exclude {
        verdicts.push(HitVerdict::Exclude { on: true });
    }
    if verdicts.is_empty() {
        let summary = "nothing is said of it";
        return Err(Failure::new("judge", FailureKind::User, summary)
            .with_hint("give --grade, --pin, --exclude or --clear")
            .into());
    }
    for verdict in verdicts {
        engine.judge(&spec, found, verdict)?;
    }
    let judged = engine.judged_rows(&spec)?.queries;
    if output.is_json() {
        return Ok(output.json(&serde_json::json!({ "judged_queries": judged }))?);
    }
    let done = if arguments.clear {
        "taken back"
    } else {
        "kept"
    };
    let queries = match judged {
        1 => "1 query is judged".to_owned(),
        count => format!("{count} queries are judged"),
    };
    Ok(output.line(&format!("{done}; {queries}"))?)
}

/// Qrels and queries, so that other programs can measure on them.
fn judged(engine: &Engine, folder: &Path, output: &mut Output) -> Result<(), VerbError> {
    let OwnJudgements {
        judgements,
        queries,
        remarks,
        ..
    } = engine.own_judgements()?;
    std::fs::create_dir_all(folder)?;
    let qrels = judgements
        .to_trec()
        .map_err(|error| Failure::new("retrieval judged", FailureKind::Data, error.to_string()))?;
    std::fs::write(folder.join("qrels.txt"), qrels)?;
    let mut lines = String::new();
    for (id, query) in &queries {
        let mut line = serde_json::json!(query);
        line["id"] = serde_json::json!(id);
        lines.push_str(&format!("{line}\n"));
    }
    std::fs::write(folder.join("queries.jsonl"), lines)?;
    if output.is_json() {
        let said = serde_json::json!({ "queries": queries.len(), "remarks": remarks });
        return Ok(output.json(&said)?);
    }
    for remark in &remarks {
        output.line(remark)?;
    }
    let count = queries.len();
    Ok(output.line(&format!("{count} judged queries in {}", folder.display()))?)
}

/// Keys of cases, one a line.
pub(crate) fn left_out(path: Option<&Path>) -> Result<Vec<String>, Failure> {
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    let text = read(path)?;
    Ok(text.lines().map(|key| key.trim().to_owned()).collect())
}

/// What a retriever is trained on.
fn features(
    engine: &Engine,
    (out, without): (&Path, Option<&Path>),
    output: &mut Output,
) -> Result<(), VerbError> {
    let without = left_out(without)?;
    let bar = (is_watched() && !output.is_json()).then(|| ProgressBar::new(0));
    let counts = engine.write_features(out, &without, &mut |done, total| {
        if let Some(bar) = &bar {
            bar.set_length(total);
            bar.set_position(done);
        }
        true
    })?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let Some(counts) = counts else {
        return Ok(());
    };
    let (pairs, cases, left) = (counts.pairs, counts.cases, counts.left);
    if output.is_json() {
        return Ok(
            output.json(&serde_json::json!({ "pairs": pairs, "cases": cases, "left": left }))?
        );
    }
    output.line(&format!(
        "{pairs} pairs of {cases} cases in {}; {left} images left out",
        out.display()
    ))?;
    Ok(output.line(&format!(
        "next: semihv-torch train-retriever --features {} --out DIR, then set retriever = \"DIR/checkpoint.safetensors\"; `semihv retrieval train` does both",
        out.display()
    ))?)
}
