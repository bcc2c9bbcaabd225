//! SLAKE 1.0 (Liu et al. 2021): English and Chinese question rows that name an image; one case per
//! image, in `imgs/xmlabN/source.jpg`.

use std::collections::HashSet;

use semihv_domain::{CaseDraft, ImageDraft, Imported, Modality, QuestionDraft};
use serde::Deserialize;

use super::accept_once;
use crate::error::{ImportError, Stop};
use crate::feed::{Feed, Seen};
use crate::importer::ImportRequest;
use crate::origin::{Origin, name};
use crate::rows::each_element;
use crate::text::{Scalar, meaningful, question_kind};

/// The published tables; each is its split.
const TABLES: [(&str, &str); 3] = [
    ("train.json", "train"),
    ("validate.json", "validate"),
    ("test.json", "test"),
];

#[derive(Deserialize)]
struct QuestionRow {
    qid: Scalar,
    img_name: String,
    question: Scalar,
    answer: Scalar,
    #[serde(default)]
    q_lang: Scalar,
    #[serde(default)]
    location: Scalar,
    #[serde(default)]
    modality: Scalar,
    #[serde(default)]
    answer_type: Scalar,
    #[serde(default)]
    content_type: Scalar,
}

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let tables: Vec<(String, &str)> = TABLES
        .iter()
        .filter_map(|(file_name, split)| Some((origin.find(file_name)?, *split)))
        .collect();
    if tables.is_empty() {
        return Err(Stop::Failed(ImportError::Layout {
            path: origin.path().to_owned(),
            expected: "train.json, validate.json or test.json",
            advice: "give the folder Slake1.0, its parent or an archive of it",
        }));
    }
    let names: Vec<String> = tables.iter().map(|(file, _)| file.clone()).collect();
    feed.expect(&origin, &names);

    let mut cases = HashSet::new();
    let mut questions = Seen::default();
    for (file, split) in &tables {
        each_element(feed, &origin, file, |feed, line, row: QuestionRow| {
            let case = case_key(&row.img_name).to_owned();
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
            let question = Imported::Question(question_of(row, split));
            accept_once(feed, &mut questions, (file, line), question).map(drop)
        })?;
    }
    Ok(())
}

/// `xmlab102/source.jpg` is an image of its own; every file is called `source.jpg`.
fn case_key(image: &str) -> &str {
    let folder = name::folder(image);
    if folder.is_empty() {
        name::stem(image)
    } else {
        folder
    }
}

fn case_of(origin: &Origin, folder: &str, row: &QuestionRow) -> Result<CaseDraft, String> {
    let key = case_key(&row.img_name);
    if key.trim().is_empty() {
        return Err("names no image".to_owned());
    }
    let images = name::join(folder, "imgs").unwrap_or_default();
    let found = origin.image_written(&images, &row.img_name)?;
    let modality = Modality::parse(&row.modality.0);
    // `Brain_Tissue`, `Chest_heart`: the underscores are the file's, not anatomy's.
    let location = meaningful(&row.location.0).map(|location| location.replace('_', " "));
    let title: Vec<&str> = [modality.map(Modality::name), location.as_deref(), Some(key)]
        .into_iter()
        .flatten()
        .collect();
    Ok(CaseDraft {
        key: key.to_owned(),
        title: title.join(", "),
        modality,
        body_part: location,
        language: "en".to_owned(),
        images: vec![ImageDraft {
            key: key.to_owned(),
            location: found.location,
            is_missing: found.is_missing,
            modality,
            ..ImageDraft::default()
        }],
        ..CaseDraft::default()
    })
}

fn question_of(row: QuestionRow, split: &str) -> QuestionDraft {
    let image = case_key(&row.img_name).to_owned();
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
        language: meaningful(&row.q_lang.0).map_or_else(|| "en".to_owned(), str::to_lowercase),
        class: row.content_type.kept(),
        split: Some(split.to_owned()),
    }
}
