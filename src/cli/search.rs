//! `search`: hits with snippets and reasons, facets with counts.

use semihv_domain::{DocumentKind, Facet, Failure, FailureKind, Hit};
use semihv_engine::{Engine, Query, Reply};

use crate::args::{SearchArguments, SearchKind};
use crate::output::{Output, VerbError};

pub(crate) fn search(
    engine: &Engine,
    arguments: &SearchArguments,
    output: &mut Output,
) -> Result<(), VerbError> {
    let text = arguments.query.join(" ");
    let facets = arguments
        .facet
        .iter()
        .map(|name| facet(name))
        .collect::<Result<Vec<_>, _>>()?;
    let kind = match arguments.kind {
        SearchKind::Case => DocumentKind::Case,
        SearchKind::Question => DocumentKind::Question,
        SearchKind::Guideline => DocumentKind::Passage,
    };
    let query = Query::Search {
        kind,
        text: text.clone(),
        limit: arguments.limit,
        facets,
    };
    let reply = engine
        .ask(&query)
        .map_err(|failure| pointed(failure, &text))?;
    let Reply::Search {
        hits,
        total,
        facets,
    } = reply
    else {
        return Ok(());
    };
    if output.is_json() {
        for hit in &hits {
            output.json(&hit)?;
        }
        let facets: serde_json::Map<String, serde_json::Value> = facets
            .iter()
            .map(|(facet, counts)| (facet_name(*facet).to_owned(), serde_json::json!(counts)))
            .collect();
        output.json(&serde_json::json!({ "total": total, "facets": facets }))?;
        return Ok(());
    }
    for hit in &hits {
        print_hit(hit, arguments.explain, output)?;
    }
    output.line(&format!("{} of {total}", hits.len()))?;
    for (facet, counts) in facets {
        output.line(&format!("\n{}", facet_name(facet)))?;
        for count in counts {
            output.line(&format!("{:>9}  {}", count.count, count.value))?;
        }
    }
    Ok(())
}

fn print_hit(hit: &Hit, explain: bool, output: &mut Output) -> Result<(), VerbError> {
    output.line(&format!(
        "{:>7.3}  {}  [{}]",
        hit.score, hit.title, hit.source
    ))?;
    if !hit.snippet.text.is_empty() {
        output.line(&format!("         {}", hit.snippet.text))?;
    }
    if explain {
        for term in &hit.reason.terms {
            output.line(&format!(
                "         {:.3} = {}:{} (idf {:.2}, {} times here, in {} documents)",
                term.score, term.field, term.term, term.idf, term.frequency, term.documents
            ))?;
        }
    }
    Ok(())
}

/// The query again with a mark under the trouble.
fn pointed(mut failure: Failure, text: &str) -> Failure {
    if let Some(column) = failure.column {
        failure.causes.push(text.to_owned());
        failure.causes.push(format!("{}^", " ".repeat(column)));
    }
    failure
}

const FACETS: [(&str, Facet); 8] = [
    ("source", Facet::Source),
    ("modality", Facet::Modality),
    ("type", Facet::Type),
    ("model", Facet::Model),
    ("language", Facet::Language),
    ("class", Facet::Class),
    ("split", Facet::Split),
    ("licence", Facet::Licence),
];

fn facet(name: &str) -> Result<Facet, Failure> {
    let found = FACETS.iter().find(|(known, _)| *known == name);
    found.map(|(_, facet)| *facet).ok_or_else(|| {
        let known: Vec<&str> = FACETS.iter().map(|(known, _)| *known).collect();
        Failure::new("search", FailureKind::User, format!("no facet {name:?}"))
            .with_hint(format!("one of {}", known.join(", ")))
    })
}

fn facet_name(facet: Facet) -> &'static str {
    FACETS
        .iter()
        .find(|(_, known)| *known == facet)
        .map_or("", |(name, _)| name)
}
