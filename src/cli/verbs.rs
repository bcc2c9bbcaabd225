//! The short verbs.

use std::path::Path;

use semihv_domain::{Failure, FailureKind, JobState, Tag, Target};
use semihv_engine::{
    CaseDetail, DemoSummary, Edit, Engine, Level, LineFilter, ListKind, ListSpec, LogAsk, Place,
    Query, Reply, SourceRow, UserPlaces, known_workspaces,
};

use crate::args::{ListName, LogArguments};
use crate::output::{Output, VerbError, grouped};

pub(crate) fn init(folder: &Path, output: &mut Output) -> Result<(), VerbError> {
    semihv_engine::init(folder).map_err(|error| Failure::of("init", FailureKind::User, &error))?;
    let folder = folder.display();
    output.line(&format!(
        "{folder} is a workspace now; its manifest is {folder}/semihv.toml"
    ))?;
    output.line(&format!(
        "next: `semihv import KIND PATH -w {folder}`, then `semihv {folder}`"
    ))?;
    Ok(())
}

pub(crate) fn print_demo(summary: &DemoSummary, output: &mut Output) -> Result<(), VerbError> {
    if output.is_json() {
        return Ok(output.json(summary)?);
    }
    let overview = &summary.overview;
    let kept = if summary.was_kept {
        "kept from before"
    } else {
        "made"
    };
    output.line(&format!(
        "demo workspace  {} ({kept})",
        overview.root.display()
    ))?;
    let rows = [
        ("cases", overview.cases),
        ("images", overview.images),
        ("questions", overview.questions),
        ("answers", overview.answers),
        ("guidelines", overview.guidelines),
        ("passages", overview.passages),
        ("index", overview.indexed),
    ];
    for (name, count) in rows {
        output.line(&format!("{name:<14}{:>8}", grouped(count)))?;
    }
    for score in &overview.models {
        let judged = score.right + score.wrong + score.unparsed;
        output.line(&format!(
            "{:<14}{:>8} of {judged} closed answers right, {} unparsed",
            score.model, score.right, score.unparsed
        ))?;
    }
    output.line(&format!(
        "timings       draw {} ms, import {} ms, index {} ms",
        summary.draw_ms, summary.import_ms, summary.index_ms
    ))?;
    output.line(&format!(
        "open it in a terminal with `semihv {}`",
        overview.root.display()
    ))?;
    Ok(())
}

pub(crate) fn sources(engine: &Engine, output: &mut Output) -> Result<(), VerbError> {
    let sources = engine.sources()?;
    if output.is_json() {
        return sources
            .iter()
            .try_for_each(|source| Ok(output.json(source)?));
    }
    if sources.is_empty() {
        return Ok(output.line("no sources yet: `semihv import KIND PATH` reads one")?);
    }
    output.line(&format!(
        "{:<20} {:<16} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "name", "kind", "cases", "images", "missing", "questions", "answers", "passages", "skipped"
    ))?;
    for source in &sources {
        output.line(&source_line(source))?;
    }
    Ok(())
}

fn source_line(source: &SourceRow) -> String {
    let state = if source.is_complete {
        ""
    } else {
        "  incomplete: import it again"
    };
    format!(
        "{:<20} {:<16} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}{state}",
        source.name,
        source.kind,
        grouped(source.cases),
        grouped(source.images),
        grouped(source.missing_images),
        grouped(source.questions),
        grouped(source.answers),
        grouped(source.passages),
        grouped(source.skipped)
    )
}

pub(crate) fn skipped(
    engine: &Engine,
    source: Option<&str>,
    limit: usize,
    output: &mut Output,
) -> Result<(), VerbError> {
    if let Some(source) = source {
        engine.require_source(source)?;
    }
    let query = Query::Skipped {
        source: source.map(str::to_owned),
        limit,
    };
    let Reply::Skipped(rows) = engine.ask(&query)? else {
        return Ok(());
    };
    if output.is_json() {
        return rows.iter().try_for_each(|row| Ok(output.json(row)?));
    }
    for row in &rows {
        let line = row.line.map(|line| format!(":{line}")).unwrap_or_default();
        output.line(&format!(
            "{}  {}{line}  {}",
            row.source, row.file, row.reason
        ))?;
    }
    if rows.is_empty() {
        output.line("nothing was skipped")?;
    } else if rows.len() == limit {
        output.line(&format!("the first {limit}; --limit shows more"))?;
    }
    Ok(())
}

pub(crate) fn case(engine: &Engine, key: &str, output: &mut Output) -> Result<(), VerbError> {
    let Some(detail) = find_case(engine, key)? else {
        return Err(no_case(key).into());
    };
    if output.is_json() {
        let questions: Vec<_> = detail
            .questions
            .iter()
            .map(|row| (&row.key, &row.text))
            .collect();
        return Ok(output.json(&serde_json::json!({
            "case": detail.case, "images": detail.images, "questions": questions,
            "tags": detail.tags, "notes": detail.notes,
        }))?);
    }
    print_case(&detail, output)
}

fn print_case(detail: &CaseDetail, output: &mut Output) -> Result<(), VerbError> {
    let case = &detail.case;
    output.line(&format!(
        "{}  {}  [{}]",
        case.key, case.title, case.source_name
    ))?;
    for section in &case.sections {
        output.text(&format!("\n{}\n{}", section.heading, section.text))?;
    }
    for image in &detail.images {
        output.text(&format!("\nimage {}  {}", image.key, image.location))?;
        for caption in &image.captions {
            output.line(&format!("  {}", caption.text))?;
        }
        for region in &image.regions {
            output.line(&format!("  region: {}", region.label))?;
        }
    }
    for question in &detail.questions {
        output.text(&format!("\nquestion {}  {}", question.key, question.text))?;
        for (model, verdict) in &question.verdicts {
            output.line(&format!("  {model}: {}", verdict.name()))?;
        }
    }
    if !detail.tags.is_empty() {
        let tags: Vec<&str> = detail.tags.iter().map(Tag::as_str).collect();
        output.text(&format!("\ntags: {}", tags.join(", ")))?;
    }
    for note in &detail.notes {
        output.text(&format!("\nnote by {}: {}", note.author, note.text))?;
    }
    Ok(())
}

fn find_case(engine: &Engine, key: &str) -> Result<Option<Box<CaseDetail>>, Failure> {
    let Some(id) = engine.find_case(key)? else {
        return Ok(None);
    };
    match engine.ask(&Query::Case(id))? {
        Reply::Case(detail) => Ok(Some(detail)),
        _ => Ok(None),
    }
}

fn no_case(key: &str) -> Failure {
    Failure::new(
        "case",
        FailureKind::User,
        format!("no case with the key {key:?}"),
    )
    .with_hint("`semihv search WORDS` finds cases and shows their keys")
}

pub(crate) fn tag(
    engine: &Engine,
    (tag, query, kind, remove): (&str, &str, ListName, bool),
    output: &mut Output,
) -> Result<(), VerbError> {
    let tag = Tag::try_from(tag.to_owned())
        .map_err(|reason| Failure::new("tag", FailureKind::User, reason))?;
    if query.trim().is_empty() {
        let summary = "an empty query would tag everything";
        return Err(Failure::new("tag", FailureKind::User, summary)
            .with_hint("say which rows: `key:ct-001`, `wrong model:a`")
            .into());
    }
    let kind = match kind {
        ListName::Cases => ListKind::Cases,
        ListName::Questions => ListKind::Questions,
    };
    let spec = ListSpec {
        kind,
        filter: query.to_owned(),
    };
    let Reply::List(listing) = engine.ask(&Query::List(spec))? else {
        return Ok(());
    };
    let targets: Vec<Target> = listing
        .ids
        .iter()
        .filter_map(|id| target(kind, *id))
        .collect();
    let found = targets.len();
    let edit = if remove {
        Edit::RemoveTag {
            targets,
            tag: tag.clone(),
        }
    } else {
        Edit::AddTag {
            targets,
            tag: tag.clone(),
        }
    };
    let edited = engine.edit(&edit)?;
    if output.is_json() {
        let changed = edited.changed.len();
        return Ok(output.json(&serde_json::json!({ "found": found, "changed": changed }))?);
    }
    let done = if remove { "lost" } else { "got" };
    output.line(&format!(
        "{} of {found} rows {done} the tag {tag}",
        edited.changed.len()
    ))?;
    Ok(())
}

fn target(kind: ListKind, id: i64) -> Option<Target> {
    let name = match kind {
        ListKind::Cases => "case",
        ListKind::Questions => "question",
    };
    Target::from_parts(name, id)
}

pub(crate) fn note(
    engine: &Engine,
    key: &str,
    text: &str,
    output: &mut Output,
) -> Result<(), VerbError> {
    let Some(case) = engine.find_case(key)? else {
        return Err(no_case(key).into());
    };
    engine.edit(&Edit::WriteNote {
        target: Target::Case(case),
        text: text.to_owned(),
    })?;
    if output.is_json() {
        return Ok(output.json(&serde_json::json!({ "noted": key }))?);
    }
    Ok(output.line(&format!("noted on {key}"))?)
}

pub(crate) fn jobs(engine: &Engine, output: &mut Output) -> Result<(), VerbError> {
    let Reply::Jobs(jobs) = engine.ask(&Query::Jobs)? else {
        return Ok(());
    };
    if output.is_json() {
        return jobs.iter().try_for_each(|job| Ok(output.json(job)?));
    }
    for job in jobs {
        let outcome = match &job.state {
            JobState::Succeeded { summary } => summary.clone(),
            JobState::Failed { failure } => failure.summary.clone(),
            JobState::Interrupted => "run the command again to go on".to_owned(),
            _ => String::new(),
        };
        let line = format!("{:<12} {}  {outcome}", job.state.name(), job.command);
        output.line(line.trim_end())?;
    }
    Ok(())
}

pub(crate) fn log(
    engine: &Engine,
    asked: &LogArguments,
    output: &mut Output,
) -> Result<(), VerbError> {
    let Some(run) = &asked.run else {
        let Reply::Runs(runs) = engine.ask(&Query::Runs)? else {
            return Ok(());
        };
        for run in runs {
            if output.is_json() {
                output.json(&run)?;
                continue;
            }
            let step = run
                .last_step
                .map_or("–".to_owned(), |step| format!("step {step}"));
            let loss = run
                .last_loss
                .map_or(String::new(), |loss| format!("loss {loss:.4}"));
            let trouble = run.trouble.unwrap_or_default();
            let line = format!("{:<20} {step:<12} {loss} {trouble}", run.name);
            output.line(line.trim_end())?;
        }
        return Ok(());
    };
    let ask = LogAsk {
        run: run.to_owned(),
        place: Place::End,
        before: asked.lines,
        after: 0,
        only: LineFilter {
            level: asked.errors.then_some(Level::Error),
            pattern: asked.grep.clone().unwrap_or_default(),
        },
    };
    let Reply::Log(view) = engine.ask(&Query::Log(ask))? else {
        return Ok(());
    };
    if output.is_json() {
        let lines: Vec<&str> = view.lines.iter().map(|line| line.text.as_str()).collect();
        return Ok(output.json(&serde_json::json!({
            "run": view.run, "path": view.path, "lines": lines, "last": engine.last_of_log(run),
            "first_line": view.first_line, "total_lines": view.total_lines,
        }))?);
    }
    view.lines
        .iter()
        .try_for_each(|line| Ok(output.line(&line.text)?))
}

pub(crate) fn config(engine: &Engine, output: &mut Output) -> Result<(), VerbError> {
    for (key, value, layer) in engine.settings().rows() {
        if output.is_json() {
            output.json(&serde_json::json!({ "key": key, "value": value, "from": layer }))?;
        } else {
            output.line(&format!("{key:<20} {value:<16} {layer}"))?;
        }
    }
    for failure in engine.unknown_kinds() {
        if output.is_json() {
            output.json(&serde_json::json!({ "trouble": failure.summary }))?;
        } else {
            output.line(&format!("trouble  {}", failure.summary))?;
        }
    }
    if !output.is_json() {
        let manifest = engine.root().join(semihv_engine::MANIFEST);
        output.line("")?;
        output.line(&format!("workspace  {}", manifest.display()))?;
        output.line(&format!(
            "user file  {}",
            engine.user_places().settings().display()
        ))?;
    }
    Ok(())
}

pub(crate) fn workspaces(user: &UserPlaces, output: &mut Output) -> Result<(), VerbError> {
    for known in known_workspaces(&user.known_workspaces()) {
        if output.is_json() {
            output.json(&known)?;
        } else {
            output.line(&known.path.display().to_string())?;
        }
    }
    Ok(())
}
