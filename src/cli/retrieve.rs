//! `retrieve`: the few cases and guidelines for an image, a text or both, and why each is there.

use std::io::{BufRead, BufReader};
use std::path::Path;

use semihv_domain::{
    Alpha, CaseId, Failure, FailureKind, Fusion, Kept, Pool, Retrieved, RetrievedHit, Weighed,
};
use semihv_engine::{
    ENOUGH_JUDGED, Engine, Query, QueryImage, Reply, RetrievalEngine, RetrieveSpec, Weighing,
};
use serde::Deserialize;
use serde_json::Value;

use crate::output::{Output, VerbError};
use crate::retrieval_args::RetrieveArguments;

/// More are no few that somebody reads.
const MOST_HITS: usize = 1_000;

/// A line of a batch.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Line {
    /// A text or a number, given back as it is.
    id: Option<Value>,
    image: Option<String>,
    text: String,
    /// The case that the query is about: it is left out.
    case: Option<String>,
    /// Left, top, width and height as parts of the image.
    part: Option<[f32; 4]>,
}

pub(crate) fn retrieve(
    engine: &Engine,
    arguments: &RetrieveArguments,
    output: &mut Output,
) -> Result<(), VerbError> {
    let Some(batch) = &arguments.batch else {
        let line = Line {
            image: arguments.image.clone(),
            text: arguments.text.clone().unwrap_or_default(),
            case: arguments.case.clone(),
            ..Line::default()
        };
        let found = found(engine, arguments, &line)?;
        if output.is_json() {
            return Ok(output.json(&serde_json::json!(found))?);
        }
        return print(&found, arguments.explain, output);
    };
    let read: Box<dyn BufRead> = if batch == Path::new("-") {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let file = std::fs::File::open(batch).map_err(|error| {
            Failure::of("retrieve", FailureKind::User, &error)
                .with_hint(format!("{} cannot be read", batch.display()))
        })?;
        Box::new(BufReader::new(file))
    };
    // A line that is no text is a line that fails, not the end.
    for (number, line) in (1_u64..).zip(read.split(b'\n')) {
        let line = line?;
        if !line.trim_ascii().is_empty() {
            answer(engine, arguments, (number, &line), output)?;
        }
    }
    Ok(())
}

/// One line in, one line out: a query that fails says so in its place.
fn answer(
    engine: &Engine,
    arguments: &RetrieveArguments,
    (number, line): (u64, &[u8]),
    output: &mut Output,
) -> Result<(), VerbError> {
    let parsed: Result<Line, _> = serde_json::from_slice(line);
    let (id, outcome) = match parsed {
        Ok(line) => (line.id.clone(), found(engine, arguments, &line)),
        Err(error) => {
            let summary = format!("line {number} is no query");
            let mut failure = Failure::new("retrieve", FailureKind::User, summary).with_hint(
                "a line is {\"id\", \"image\", \"part\", \"text\", \"case\"}, all optional",
            );
            failure.causes.push(error.to_string());
            let line: Value = serde_json::from_slice(line).unwrap_or_default();
            (line.get("id").cloned(), Err(failure))
        }
    };
    let id = id.filter(|id| id.is_string() || id.is_number());
    let id = id.unwrap_or_else(|| number.to_string().into());
    Ok(output.json(&match outcome {
        Ok(found) => serde_json::json!({ "id": id, "retrieved": found }),
        Err(failure) => serde_json::json!({ "id": id, "failure": failure }),
    })?)
}

fn found(
    engine: &Engine,
    arguments: &RetrieveArguments,
    line: &Line,
) -> Result<Retrieved, Failure> {
    let case = line.case.as_deref().map(|key| case(engine, key));
    let case = case.transpose()?;
    let image = line.image.as_deref().map(|image| named(engine, image));
    let is_case_alone = case.is_some() && image.is_none() && line.text.trim().is_empty();
    let spec = RetrieveSpec {
        text: line.text.clone(),
        image: match (image.transpose()?, case) {
            (None, Some(case)) if is_case_alone => first_image(engine, case)?,
            (image, _) => image,
        },
        reads_case: is_case_alone,
        case,
        part: line.part.or(arguments.part),
        pools: arguments.pool.clone(),
        filter: arguments.filter.clone(),
        licences: arguments.licence.clone(),
        exact: arguments.exact,
        engine: arguments.engine,
        seed: arguments.seed,
        depth: semihv_engine::DEEP.max(arguments.most),
        weighing: Weighing {
            fusion: arguments.alpha.map(|alpha| Fusion::Convex { alpha }),
            most: arguments.most,
            least_guidelines: arguments.guidelines.min(arguments.most),
            ..Weighing::default()
        },
        ..RetrieveSpec::default()
    };
    match engine.ask(&Query::Retrieve(Box::new(spec)))? {
        Reply::Retrieved(found) => Ok(*found),
        _ => Err(Failure::new("retrieve", FailureKind::Internal, "no answer")),
    }
}

fn first_image(engine: &Engine, case: CaseId) -> Result<Option<QueryImage>, Failure> {
    let Reply::Case(detail) = engine.ask(&Query::Case(case))? else {
        return Ok(None);
    };
    let first = detail.images.first();
    Ok(first.map(|image| QueryImage::Stored(image.id)))
}

/// A file, or an image of the workspace by its key.
pub(crate) fn named(engine: &Engine, image: &str) -> Result<QueryImage, Failure> {
    if image.contains("!/") || Path::new(image).exists() {
        return Ok(QueryImage::File(image.to_owned()));
    }
    let found = engine.find_image(image)?.ok_or_else(|| {
        let summary = format!("no file {image:?}, and no image of that key");
        Failure::new("retrieve", FailureKind::User, summary)
            .with_hint("give a path, or `CASE/IMAGE`")
    })?;
    Ok(QueryImage::Stored(found.id))
}

pub(crate) fn case(engine: &Engine, key: &str) -> Result<CaseId, Failure> {
    engine.find_case(key)?.ok_or_else(|| {
        let summary = format!("there is no case {key:?}");
        Failure::new("retrieve", FailureKind::User, summary)
    })
}

fn print(found: &Retrieved, explain: bool, output: &mut Output) -> Result<(), VerbError> {
    for hit in &found.hits {
        print_hit(hit, explain, output)?;
    }
    if found.hits.is_empty() {
        output.line("nothing is near")?;
    }
    for line in about(found) {
        output.line(&line)?;
    }
    Ok(())
}

fn print_hit(hit: &RetrievedHit, explain: bool, output: &mut Output) -> Result<(), VerbError> {
    let title = [&hit.title].into_iter().chain(&hit.headings);
    let title = title.cloned().collect::<Vec<_>>().join(" › ");
    let (rank, pool, key) = (hit.rank, hit.pool.name(), &hit.key);
    let (score, source) = (hit.score, &hit.source);
    output.line(&format!(
        "{rank:>2} {score:>7.4}  {pool:<9} {key}  {title}  [{source}]"
    ))?;
    if !hit.snippet.text.is_empty() {
        output.line(&format!(
            "            {}",
            hit.snippet.text.replace('\n', " ")
        ))?;
    }
    output.line(&format!("            {}", why(hit)))?;
    if explain {
        if let Some(parts) = &hit.parts {
            output.line(&format!(
                "            cosine {:.3} = text·text {:.3} + text·image {:.3} + image·text {:.3} + image·image {:.3}",
                parts.text_text + parts.text_image + parts.image_text + parts.image_image,
                parts.text_text, parts.text_image, parts.image_text, parts.image_image
            ))?;
        }
        for term in &hit.reason.terms {
            output.line(&format!(
                "            {:.3} = {} (idf {:.2}, {} times here, in {} documents)",
                term.score, term.term, term.idf, term.frequency, term.documents
            ))?;
        }
    }
    Ok(())
}

/// `#3 by vectors (0.412), #1 by words (11.3); kept by its score`.
fn why(hit: &RetrievedHit) -> String {
    let mut parts = Vec::new();
    if let Some(share) = hit.dense {
        parts.push(format!("#{} by vectors ({:.3})", share.rank, share.score));
    }
    if let Some(share) = hit.words {
        parts.push(format!("#{} by words ({:.2})", share.rank, share.score));
    }
    let kept = match &hit.kept {
        Kept::Score => "kept by its score".to_owned(),
        Kept::Pinned => "pinned".to_owned(),
        Kept::Quota { displaced: None } => "kept as the guideline that must be there".to_owned(),
        Kept::Quota {
            displaced: Some(title),
        } => format!("kept as the guideline that must be there, instead of {title}"),
    };
    format!("{}; {kept}", parts.join(", "))
}

/// How it was searched, and what was left out.
fn about(found: &Retrieved) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(used) = &found.vectors {
        let (encoder, search) = (&used.encoder, &used.search);
        let (rows, generation) = (used.rows, used.generation);
        lines.push(format!(
            "by {encoder}, {search}, {rows} rows, generation {generation}, fingerprint {}",
            used.fingerprint
        ));
    }
    lines.extend(weighed(found));
    let left = found.left_out;
    let said = [
        (left.own_case, "the query's own case"),
        (left.same_patient, "of the same patient"),
        (left.same_image, "with the same image"),
        (left.licence, "under other licences"),
        (left.excluded, "that somebody excluded"),
    ];
    let said: Vec<String> = said
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !said.is_empty() {
        lines.push(format!("left out: {}", said.join(", ")));
    }
    lines.extend(found.remarks.iter().cloned());
    lines
}

/// `fused by ranks (k 60): 12 of the 50 judged queries that a weight needs`.
fn weighed(found: &Retrieved) -> Option<String> {
    let rules: Vec<String> = found
        .fusions
        .iter()
        .map(|(pool, fusion)| match fusion {
            Fusion::Convex { alpha } => {
                format!("{} {:.2} vectors", pool.name(), alpha.get())
            }
            Fusion::ReciprocalRank { k } => format!("{} by ranks (k {k})", pool.name()),
        })
        .collect();
    let from = match found.weighed {
        Weighed::Asked => "as asked".to_owned(),
        Weighed::Fitted => "fitted on judgements".to_owned(),
        Weighed::ByRanks => format!(
            "{} of the {ENOUGH_JUDGED} judged queries that a weight needs",
            found.judged_queries
        ),
    };
    (!rules.is_empty()).then(|| format!("words and vectors as one: {}; {from}", rules.join(", ")))
}

/// `0.25,0.25,0.5,0.5`.
pub(crate) fn part(text: &str) -> Result<[f32; 4], String> {
    let numbers: Result<Vec<f32>, _> = text.split(',').map(|it| it.trim().parse()).collect();
    let numbers = numbers.map_err(|error| error.to_string())?;
    <[f32; 4]>::try_from(numbers)
        .map_err(|_| "give left,top,width,height as parts of the whole".to_owned())
}

/// How many hits.
pub(crate) fn most(text: &str) -> Result<usize, String> {
    let most: usize = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if !(1..=MOST_HITS).contains(&most) {
        return Err(format!("give 1 to {MOST_HITS}"));
    }
    Ok(most)
}

/// A weight from 0 to 1.
pub(crate) fn alpha(text: &str) -> Result<Alpha, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    Alpha::try_from(number).map_err(|error| error.to_string())
}

/// `local` or `qdrant`.
pub(crate) fn engine(name: &str) -> Result<RetrievalEngine, String> {
    RetrievalEngine::parse(name).ok_or_else(|| "give local or qdrant".to_owned())
}

/// `case,guideline`.
pub(crate) fn pool(name: &str) -> Result<Pool, semihv_domain::UnknownPool> {
    name.parse()
}
