//! `search`: hits with snippets and reasons, facets with counts.

use std::collections::HashMap;

use semihv_domain::{DocumentKind, Facet, FacetCount, Failure, FailureKind, Hit};
use semihv_engine::{Engine, ListKind, ListRow, Query, Reply};

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
    let keys = keys(engine, kind, &hits)?;
    let trouble = engine.words_trouble();
    if output.is_json() {
        for hit in &hits {
            let mut row = serde_json::json!(hit);
            row["key"] = serde_json::json!(keys.get(&hit.id));
            output.json(&row)?;
        }
        let facets: serde_json::Map<String, serde_json::Value> = facets
            .iter()
            .map(|(facet, counts)| (facet_name(*facet).to_owned(), serde_json::json!(counts)))
            .collect();
        let last = serde_json::json!({ "total": total, "facets": facets, "remark": trouble });
        output.json(&last)?;
        return Ok(());
    }
    for hit in &hits {
        let key = keys.get(&hit.id).map_or("", String::as_str);
        print_hit(hit, key, arguments.explain, output)?;
    }
    output.line(&format!("{} of {total}", hits.len()))?;
    if let Some(trouble) = trouble {
        output.line(&trouble)?;
    }
    if total == 0 {
        say_where_else(engine, kind, &text, output)?;
    }
    print_facets(facets, output)
}

fn print_facets(
    facets: Vec<(Facet, Vec<FacetCount>)>,
    output: &mut Output,
) -> Result<(), VerbError> {
    for (facet, counts) in facets {
        output.text(&format!("\n{}", facet_name(facet)))?;
        for count in counts {
            output.line(&format!("{:>9}  {}", count.count, count.value))?;
        }
    }
    Ok(())
}

/// The sources' own keys of the rows that were found; passages have none.
fn keys(
    engine: &Engine,
    kind: DocumentKind,
    hits: &[Hit],
) -> Result<HashMap<i64, String>, Failure> {
    let list = match kind {
        DocumentKind::Case => ListKind::Cases,
        DocumentKind::Question => ListKind::Questions,
        DocumentKind::Passage => return Ok(HashMap::new()),
    };
    let ids: Vec<i64> = hits.iter().map(|hit| hit.id).collect();
    let mut keys = HashMap::new();
    for ids in ids.chunks(500) {
        let ids = ids.to_vec();
        let Reply::Rows { rows, .. } = engine.ask(&Query::Rows { kind: list, ids })? else {
            continue;
        };
        keys.extend(rows.into_iter().map(|row| match row {
            ListRow::Case(case) => (case.id.0, case.key),
            ListRow::Question(question) => (question.id.0, question.key),
        }));
    }
    Ok(keys)
}

/// What the same query finds among the other kinds, when it finds nothing here.
fn say_where_else(
    engine: &Engine,
    tried: DocumentKind,
    text: &str,
    output: &mut Output,
) -> Result<(), VerbError> {
    let kinds = [
        (DocumentKind::Case, "cases"),
        (DocumentKind::Question, "questions"),
        (DocumentKind::Passage, "guidelines"),
    ];
    for (kind, name) in kinds.into_iter().filter(|(kind, _)| *kind != tried) {
        let query = Query::Search {
            kind,
            text: text.to_owned(),
            limit: 1,
            facets: Vec::new(),
        };
        if let Reply::Search { total, .. } = engine.ask(&query)?
            && total > 0
        {
            output.line(&format!("{total} among the {name}: add `--kind {name}`"))?;
        }
    }
    Ok(())
}

fn print_hit(hit: &Hit, key: &str, explain: bool, output: &mut Output) -> Result<(), VerbError> {
    // A query that only filters has no words to score by.
    let score = if hit.reason.terms.is_empty() {
        "–".to_owned()
    } else {
        format!("{:.3}", hit.score)
    };
    let named = match key {
        "" => hit.title.clone(),
        key => format!("{key}  {}", hit.title),
    };
    output.line(&format!("{score:>7}  {named}  [{}]", hit.source))?;
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
