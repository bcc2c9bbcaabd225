//! Our own case shape, one JSON object a line, and foreign JSON lines through a mapping.
//!
//! The own shape is read into typed rows without passing through `serde_json::Value`: it is how a
//! million cases come in.

use std::io::Read;
use std::path::Path;

use semihv_domain::{
    CaptionDraft, CaseDraft, ImageDraft, Imported, Modality, QuestionDraft, RegionDraft, Section,
    Shape, Sink,
};
use serde::Deserialize;

use super::mapped::{Mapping, take_mapped};
use super::{accept_once, required_files};
use crate::error::{ImportError, Stop};
use crate::feed::{Feed, Seen};
use crate::importer::ImportRequest;
use crate::origin::{Origin, name};
use crate::rows::{Lines, parse};
use crate::text::{
    Scalar, kept, meaningful, modality, no_year, or_default, question_key, question_kind, year_in,
};

pub(crate) const EXTENSIONS: [&str; 2] = ["jsonl", "ndjson"];

#[derive(Deserialize)]
struct CaseRow {
    key: Scalar,
    #[serde(default)]
    title: Scalar,
    #[serde(default)]
    patient: Scalar,
    #[serde(default)]
    modality: Scalar,
    #[serde(default)]
    body_part: Scalar,
    #[serde(default)]
    year: Scalar,
    #[serde(default)]
    language: Scalar,
    #[serde(default)]
    licence: Scalar,
    #[serde(default, deserialize_with = "or_default")]
    sections: Vec<SectionRow>,
    #[serde(default, deserialize_with = "or_default")]
    images: Vec<ImageRow>,
    #[serde(default, deserialize_with = "or_default")]
    questions: Vec<QuestionRow>,
}

#[derive(Deserialize)]
struct SectionRow {
    heading: String,
    text: Scalar,
}

#[derive(Deserialize)]
struct ImageRow {
    #[serde(default)]
    key: Scalar,
    path: String,
    #[serde(default)]
    modality: Scalar,
    #[serde(default)]
    plane: Scalar,
    #[serde(default, deserialize_with = "or_default")]
    captions: Vec<CaptionRow>,
    #[serde(default, deserialize_with = "or_default")]
    regions: Vec<RegionDraft>,
}

#[derive(Deserialize)]
struct CaptionRow {
    text: String,
    #[serde(default)]
    language: Scalar,
}

#[derive(Deserialize)]
struct QuestionRow {
    #[serde(default)]
    key: Scalar,
    text: String,
    #[serde(default)]
    kind: Scalar,
    #[serde(default, deserialize_with = "or_default")]
    options: Vec<Scalar>,
    #[serde(default)]
    gold: Scalar,
    #[serde(default)]
    gold_rationale: Scalar,
    #[serde(default)]
    language: Scalar,
    #[serde(default)]
    class: Scalar,
    #[serde(default)]
    split: Scalar,
    #[serde(default)]
    image: Scalar,
}

/// Keys that this import has used.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) cases: Seen,
    pub(crate) questions: Seen,
}

/// Where a row stands.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) file: &'a str,
    pub(crate) line: u64,
}

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let mapping = request.mapping.as_ref().map(Mapping::compile).transpose()?;
    let origin = feed.origin(&request.path)?;
    let files = required_files(
        &origin,
        &EXTENSIONS,
        "file called *.jsonl or *.ndjson",
        "give such a file, or a folder or archive of them",
    )?;
    feed.expect(&origin, &files);
    let mut keys = Keys::default();
    for file in &files {
        let reader = feed.open(&origin, file)?;
        take_lines(feed, reader, (&origin, file), mapping.as_ref(), &mut keys)?;
    }
    Ok(())
}

/// Reads lines of our own case shape from anywhere; paths in them are seen from `folder`.
pub fn read_lines(
    reader: impl Read,
    folder: &Path,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let origin = Origin::open(folder)?;
    let mut feed = Feed::new(sink);
    let reader = std::io::BufReader::new(reader);
    match take_lines(
        &mut feed,
        reader,
        (&origin, "lines"),
        None,
        &mut Keys::default(),
    ) {
        Ok(()) | Err(Stop::Asked) => Ok(()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

fn take_lines(
    feed: &mut Feed<'_>,
    reader: impl std::io::BufRead,
    (origin, file): (&Origin, &str),
    mapping: Option<&Mapping>,
    keys: &mut Keys,
) -> Result<(), Stop> {
    let mut lines = Lines::new(reader);
    while let Some(row) = lines.next().map_err(|source| ImportError::Read {
        place: origin.place(file),
        source,
    })? {
        let place = Place {
            origin,
            file,
            line: row.number,
        };
        let taken = match mapping {
            // serde would take an array for the fields in their order.
            _ if row.content.is_array() => Err("not a JSON object".to_owned()),
            None => parse::<CaseRow>(&row.content)
                .and_then(|row| draft(place, row))
                .map(|drafts| accept(feed, keys, place, drafts)),
            Some(mapping) => parse::<serde_json::Value>(&row.content)
                .map(|value| take_mapped(feed, keys, place, mapping, &value)),
        };
        match taken {
            Ok(outcome) => outcome?,
            Err(reason) => feed.skip(file, Some(row.number), reason),
        }
    }
    Ok(())
}

/// A case, its questions, and what was wrong with parts of the row.
struct Drafts {
    case: CaseDraft,
    questions: Vec<QuestionDraft>,
    faults: Vec<String>,
}

fn accept(
    feed: &mut Feed<'_>,
    keys: &mut Keys,
    place: Place<'_>,
    drafts: Drafts,
) -> Result<(), Stop> {
    let at = (place.file, place.line);
    for fault in drafts.faults {
        feed.skip(place.file, Some(place.line), fault);
    }
    if accept_once(feed, &mut keys.cases, at, Imported::Case(drafts.case))? {
        for question in drafts.questions {
            accept_once(feed, &mut keys.questions, at, Imported::Question(question))?;
        }
    }
    Ok(())
}

fn draft(place: Place<'_>, row: CaseRow) -> Result<Drafts, String> {
    let mut faults = Vec::new();
    let key = row.key.0.trim().to_owned();
    let language = language(&row.language, "en");
    let modality = modality(&row.modality.0);
    let mut images: Vec<ImageDraft> = Vec::with_capacity(row.images.len());
    for image in row.images {
        let image = image_draft(place, image, modality, &mut faults)?;
        if images.iter().any(|earlier| earlier.key == image.key) {
            faults.push(format!("the case has two images called `{}`", image.key));
        } else {
            images.push(image);
        }
    }
    let mut questions = Vec::with_capacity(row.questions.len());
    for question in row.questions {
        match question_draft(question, &key, &language, &images) {
            Ok(question) => questions.push(question),
            Err(fault) => faults.push(fault),
        }
    }
    faults.extend(no_year(&row.year.0));
    let case = CaseDraft {
        title: row.title.kept().unwrap_or_else(|| key.clone()),
        key,
        patient: row.patient.kept(),
        modality,
        body_part: row.body_part.kept(),
        year: year_in(&row.year.0),
        language,
        licence: row.licence.kept(),
        sections: row
            .sections
            .into_iter()
            .filter_map(|part| {
                Some(Section {
                    heading: part.heading,
                    text: kept(part.text.0)?,
                })
            })
            .collect(),
        images,
    };
    Ok(Drafts {
        case,
        questions,
        faults,
    })
}

fn image_draft(
    place: Place<'_>,
    row: ImageRow,
    of_case: Option<Modality>,
    faults: &mut Vec<String>,
) -> Result<ImageDraft, String> {
    let found = place
        .origin
        .image_written(name::folder(place.file), &row.path)?;
    let key = row
        .key
        .kept()
        .unwrap_or_else(|| name::stem(&row.path).to_owned());
    let (mut sound, unsound): (Vec<_>, Vec<_>) = row
        .regions
        .into_iter()
        .partition(|region| region.shape.is_sound());
    sound.retain_mut(|region| match located(place, region) {
        Ok(()) => true,
        Err(reason) => {
            faults.push(format!(
                "the region `{}` of `{key}`: {reason}",
                region.label
            ));
            false
        }
    });
    faults.extend(
        unsound
            .iter()
            .map(|region| format!("the region `{}` of `{key}` has no sound size", region.label)),
    );
    Ok(ImageDraft {
        key,
        location: found.location,
        is_missing: found.is_missing,
        modality: modality(&row.modality.0).or(of_case),
        plane: row.plane.kept(),
        captions: row
            .captions
            .into_iter()
            .filter(|caption| meaningful(&caption.text).is_some())
            .map(|caption| CaptionDraft {
                language: language(&caption.language, "en"),
                text: caption.text,
            })
            .collect(),
        regions: sound,
    })
}

/// Finds the file of a mask, which lies where the images lie.
fn located(place: Place<'_>, region: &mut RegionDraft) -> Result<(), String> {
    let Shape::Mask { file, .. } = &mut region.shape else {
        return Ok(());
    };
    let found = place.origin.image_written(name::folder(place.file), file)?;
    if found.is_missing {
        return Err(format!("its file `{file}` is missing"));
    }
    *file = found.location;
    Ok(())
}

fn question_draft(
    row: QuestionRow,
    case: &str,
    of_case: &str,
    images: &[ImageDraft],
) -> Result<QuestionDraft, String> {
    if row.text.trim().is_empty() {
        return Err("a question without words".to_owned());
    }
    let image_key = row.image.kept();
    if let Some(wanted) = &image_key
        && !images.iter().any(|image| image.key == *wanted)
    {
        return Err(format!(
            "a question about the image `{wanted}`, which its case lacks"
        ));
    }
    let options: Vec<String> = row.options.into_iter().map(|option| option.0).collect();
    Ok(QuestionDraft {
        key: row
            .key
            .kept()
            .unwrap_or_else(|| question_key(case, &row.text)),
        case_key: Some(case.to_owned()),
        image_key,
        kind: question_kind(&row.kind.0, &options, &row.gold.0),
        options,
        text: row.text,
        gold: row.gold.0,
        gold_rationale: row.gold_rationale.kept(),
        language: language(&row.language, of_case),
        class: row.class.kept(),
        split: row.split.kept(),
    })
}

fn language(said: &Scalar, otherwise: &str) -> String {
    meaningful(&said.0).map_or_else(|| otherwise.to_owned(), str::to_lowercase)
}
