//! VQA-RAD (Lau et al. 2018): question rows that name an image; one case per image.
//!
//! Known oddities of the published file: answers that are numbers, `"CLOSED "`, and question types
//! that are lists (`PRES, POS`), kept as written.

use std::collections::HashSet;

use semihv_domain::{CaseDraft, ImageDraft, Imported, QuestionDraft};
use serde::Deserialize;

use super::accept_once;
use crate::error::{ImportError, Stop};
use crate::feed::{Feed, Seen};
use crate::importer::ImportRequest;
use crate::origin::{Origin, name};
use crate::rows::each_element;
use crate::text::{Scalar, meaningful, question_kind};

/// The tables under their published names, with their split; the first is the authors' own file,
/// which marks the test rows itself.
const TABLES: [(&str, Option<&str>); 4] = [
    ("VQA_RAD Dataset Public.json", None),
    ("trainset.json", Some("train")),
    ("valset.json", Some("validate")),
    ("testset.json", Some("test")),
];
const IMAGE_FOLDERS: [&str; 2] = ["images", "VQA_RAD Image Folder"];

#[derive(Deserialize)]
struct QuestionRow {
    qid: Scalar,
    image_name: String,
    #[serde(default)]
    image_organ: Scalar,
    question: Scalar,
    answer: Scalar,
    #[serde(default)]
    answer_type: Scalar,
    #[serde(default)]
    question_type: Scalar,
    #[serde(default)]
    phrase_type: Scalar,
}

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let tables: Vec<(String, Option<&str>)> = TABLES
        .iter()
        .filter_map(|(file_name, split)| Some((origin.find(file_name)?, *split)))
        .collect();
    if tables.is_empty() {
        return Err(Stop::Failed(ImportError::Layout {
            path: origin.path().to_owned(),
            expected: "trainset.json",
            advice: "give the folder data_RAD, its parent or an archive of it",
        }));
    }
    let names: Vec<String> = tables.iter().map(|(file, _)| file.clone()).collect();
    feed.expect(&origin, &names);

    let mut cases = HashSet::new();
    let mut questions = Seen::default();
    for (file, split) in &tables {
        each_element(feed, &origin, file, |feed, line, row: QuestionRow| {
            let case = name::stem(&row.image_name).to_owned();
            if !cases.contains(&case) {
                match case_of(&origin, name::folder(file), &row) {
                    Ok(draft) => feed.accept(Imported::Case(draft))?,
                    Err(reason) => {
                        feed.skip(file, Some(line), reason);
                        return Ok(());
                    }
                }
                cases.insert(case);
            }
            let question = Imported::Question(question_of(row, *split));
            accept_once(feed, &mut questions, (file, line), question).map(drop)
        })?;
    }
    Ok(())
}

fn case_of(origin: &Origin, folder: &str, row: &QuestionRow) -> Result<CaseDraft, String> {
    let key = name::stem(&row.image_name);
    if key.trim().is_empty() {
        return Err("names no image".to_owned());
    }
    let mut found = None;
    for images in IMAGE_FOLDERS {
        let folder = name::join(folder, images).unwrap_or_default();
        let candidate = origin.image_written(&folder, &row.image_name)?;
        if found.is_none() || !candidate.is_missing {
            found = Some(candidate);
        }
    }
    let found = found.ok_or("names no image")?;
    let organ = meaningful(&row.image_organ.0).map(|organ| match organ.to_uppercase().as_str() {
        "ABD" => "abdomen".to_owned(),
        _ => organ.to_lowercase(),
    });
    Ok(CaseDraft {
        key: key.to_owned(),
        title: organ
            .as_ref()
            .map_or_else(|| key.to_owned(), |organ| format!("{key}, {organ}")),
        body_part: organ,
        language: "en".to_owned(),
        images: vec![ImageDraft {
            key: key.to_owned(),
            location: found.location,
            is_missing: found.is_missing,
            ..ImageDraft::default()
        }],
        ..CaseDraft::default()
    })
}

fn question_of(row: QuestionRow, split: Option<&str>) -> QuestionDraft {
    let image = name::stem(&row.image_name).to_owned();
    let marked = if row.phrase_type.0.trim().starts_with("test") {
        "test"
    } else {
        "train"
    };
    let gold = row.answer.0.trim().to_owned();
    QuestionDraft {
        key: row.qid.0,
        case_key: Some(image.clone()),
        image_key: Some(image),
        text: row.question.0.trim().to_owned(),
        kind: question_kind(&row.answer_type.0, &[], &gold),
        options: Vec::new(),
        gold,
        gold_rationale: None,
        language: "en".to_owned(),
        class: row.question_type.kept(),
        split: Some(split.unwrap_or(marked).to_owned()),
    }
}
