//! `retrieval compare`: two run files beside each other. It needs no workspace.

use semihv_domain::{Failure, FailureKind, Skipped};
use semihv_engine::ranking::{Judgements, Run, TopicOverlap, compare as compared, overlap};

use crate::output::{Output, VerbError};
use crate::retrieval::read;
use crate::retrieval_args::CompareArguments;

pub(crate) fn compare(arguments: &CompareArguments, output: &mut Output) -> Result<(), VerbError> {
    let mut remarks = Vec::new();
    let (first, skipped) = Run::read(&arguments.first.to_string_lossy(), &read(&arguments.first)?);
    remarks.extend(said(&skipped));
    let (second, skipped) = Run::read(
        &arguments.second.to_string_lossy(),
        &read(&arguments.second)?,
    );
    remarks.extend(said(&skipped));
    for (run, file) in [(&first, &arguments.first), (&second, &arguments.second)] {
        if run.topics().next().is_none() {
            let summary = format!("{} holds no ranked row", file.display());
            let hint = "a run file has lines of `QUERY Q0 DOCUMENT RANK SCORE NAME`";
            return Err(Failure::new("compare", FailureKind::User, summary)
                .with_hint(remarks.first().map_or(hint, String::as_str))
                .into());
        }
    }
    let topics = overlap((&first, &second), arguments.depth);
    let comparisons = match &arguments.qrels {
        None => Vec::new(),
        Some(qrels) => {
            let (judgements, skipped) = Judgements::read(&qrels.to_string_lossy(), &read(qrels)?);
            remarks.extend(said(&skipped));
            let runs = (&first, &second);
            compared(runs, &judgements, &arguments.measure, arguments.seed)
        }
    };
    if output.is_json() {
        let said = serde_json::json!({
            "depth": arguments.depth,
            "topics": topics,
            "measures": comparisons,
            "remarks": remarks,
        });
        return Ok(output.json(&said)?);
    }
    for remark in &remarks {
        output.line(remark)?;
    }
    print_topics(&topics, arguments, output)?;
    for by in &comparisons {
        let difference = by.difference.map_or_else(String::new, |it| {
            format!(" {:+.4} [{:+.4}, {:+.4}],", it.mean, it.low, it.high)
        });
        output.line(&format!(
            "{:<11} {:>7.4} {:>7.4} {difference} p {:.3}, {} judged queries",
            by.measure.to_string(),
            by.first,
            by.second,
            by.p,
            by.topics
        ))?;
    }
    Ok(())
}

/// ```text
/// 96 queries; of the first 10, 7.42 are in both on average; 61 have the same first
/// Q12  2 of 10
/// ```
fn print_topics(
    topics: &[TopicOverlap],
    arguments: &CompareArguments,
    output: &mut Output,
) -> Result<(), VerbError> {
    if topics.is_empty() {
        return Ok(output.line("neither file has a query")?);
    }
    let shared: usize = topics.iter().map(|topic| topic.shared).sum();
    let mean = shared as f64 / topics.len() as f64;
    let same = topics.iter().filter(|topic| topic.has_same_first).count();
    output.line(&format!(
        "{} queries; of the first {}, {mean:.2} are in both on average; {same} have the same first",
        topics.len(),
        arguments.depth
    ))?;
    let differing = topics.iter().filter(|topic| topic.shared < topic.of);
    for topic in differing.take(arguments.topics) {
        let name = semihv_domain::printable_line(&topic.topic);
        output.line(&format!("{name}  {} of {}", topic.shared, topic.of))?;
    }
    Ok(())
}

fn said(skipped: &[Skipped]) -> impl Iterator<Item = String> + '_ {
    skipped.iter().map(|skipped| {
        let line = skipped.at.line.unwrap_or_default();
        format!("{}:{line}: {}", skipped.at.file, skipped.reason)
    })
}
