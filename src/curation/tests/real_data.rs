//! Every importer against the published files, compared with counts that an independent script made
//! (`tests/golden/import_counts.py`).
//!
//! The files are found in `$SEMIHV_DATA`, else in `shared/data` beside the checkout. Without them
//! these tests say that they did not run; in CI that is a failure.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use semihv_curation::{ImportRequest, importer, read_bytes};
use semihv_domain::{
    AnswerDraft, CaseDraft, GuidelineDraft, ImageDraft, Imported, QuestionDraft, Skipped,
};
use serde_json::{Value, json};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where the published files of a set are, or nothing.
fn data(set: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SEMIHV_DATA")
        .map_or_else(|| repository().join("../shared/data"), PathBuf::from);
    let folder = root.join(set);
    if folder.is_dir() {
        return Some(folder);
    }
    let said = format!("not run: no {} (set SEMIHV_DATA)", folder.display());
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{said}");
    #[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
    {
        eprintln!("{said}");
    }
    None
}

fn golden(name: &str) -> Value {
    let path = repository().join("tests/golden/import_counts.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all[name].clone()
}

#[derive(Default)]
struct Rows {
    cases: Vec<CaseDraft>,
    questions: Vec<QuestionDraft>,
    answers: Vec<AnswerDraft>,
    guidelines: Vec<GuidelineDraft>,
    skipped: Vec<Skipped>,
}

impl Rows {
    fn images(&self) -> impl Iterator<Item = &ImageDraft> {
        self.cases.iter().flat_map(|case| &case.images)
    }

    fn missing(&self) -> usize {
        self.images().filter(|image| image.is_missing).count()
    }
}

fn request(path: &Path) -> ImportRequest {
    ImportRequest {
        model: Some("a-model".to_owned()),
        ..ImportRequest::of(path)
    }
}

/// Imports, and checks what holds for every import: a question comes after its case and its image,
/// images that are not missing can be read.
fn import(kind: &str, path: &Path) -> Rows {
    let mut sink = (Vec::new(), Vec::new());
    importer(kind)
        .unwrap()
        .read(&request(path), &mut sink)
        .unwrap();
    let mut rows = Rows {
        skipped: sink.1,
        ..Rows::default()
    };
    let mut images = BTreeSet::new();
    for row in sink.0 {
        match row {
            Imported::Case(case) => {
                for image in &case.images {
                    images.insert((case.key.clone(), image.key.clone()));
                    assert_eq!(image.is_missing, read_bytes(&image.location).is_err());
                }
                rows.cases.push(case);
            }
            Imported::Question(question) => {
                let of = (
                    question.case_key.clone().unwrap(),
                    question.image_key.clone().unwrap(),
                );
                assert!(images.contains(&of), "{of:?} is not there yet");
                rows.questions.push(question);
            }
            Imported::Answer(answer) => rows.answers.push(answer),
            Imported::Guideline(guideline) => rows.guidelines.push(guideline),
        }
    }
    rows
}

fn tally(names: impl Iterator<Item = impl ToString>) -> Value {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for name in names {
        *counts.entry(name.to_string()).or_default() += 1;
    }
    json!(counts)
}

fn or_none<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

#[test]
fn medpix2_gives_its_cases_with_sections_images_and_captions() {
    let Some(folder) = data("medpix2") else {
        return;
    };
    let rows = import("medpix2", &folder);
    let captions: Vec<_> = rows.images().flat_map(|image| &image.captions).collect();
    let headings = rows.cases.iter().flat_map(|case| &case.sections);
    assert_eq!(
        json!({
            "cases": rows.cases.len(),
            "images": rows.images().count(),
            "missing_images": rows.missing(),
            "image_modalities": tally(rows.images().map(|image| or_none(image.modality))),
            "captions": captions.len(),
            "caption_characters": captions.iter().map(|c| c.text.chars().count()).sum::<usize>(),
            "sections": tally(headings.map(|section| section.heading.clone())),
            "questions": rows.questions.len(),
            "skipped": rows.skipped.len(),
        }),
        golden("medpix2")
    );
    assert_eq!(
        import("medpix2", &folder.join("MedPix-2-0")).cases,
        rows.cases
    );
}

fn questions(rows: &Rows) -> Value {
    json!({
        "questions": rows.questions.len(),
        "kinds": tally(rows.questions.iter().map(|question| question.kind.name())),
        "languages": tally(rows.questions.iter().map(|question| question.language.clone())),
        "splits": tally(rows.questions.iter().map(|question| or_none(question.split.clone()))),
        "classes": tally(rows.questions.iter().map(|question| or_none(question.class.clone()))),
        "gold_characters":
            rows.questions.iter().map(|question| question.gold.chars().count()).sum::<usize>(),
        "cases": rows.cases.len(),
        "images": rows.images().count(),
        "missing_images": rows.missing(),
        "body_parts": tally(rows.cases.iter().map(|case| or_none(case.body_part.clone()))),
        "skipped": rows.skipped.len(),
    })
}

#[test]
fn vqa_rad_gives_one_case_an_image_and_all_its_questions() {
    let Some(folder) = data("vqa-rad") else {
        return;
    };
    let rows = import("vqa-rad", &folder);
    assert_eq!(questions(&rows), golden("vqa_rad"));
    assert!(rows.cases.iter().all(|case| case.modality.is_none()));
}

#[test]
fn slake_gives_both_languages_and_flags_its_missing_images() {
    let Some(folder) = data("slake") else { return };
    let rows = import("slake", &folder);
    let mut found = questions(&rows);
    found["case_modalities"] = tally(rows.cases.iter().map(|case| or_none(case.modality)));
    assert_eq!(found, golden("slake"));
}

#[test]
fn covid_chestxray_gives_every_row_with_its_own_licence() {
    let Some(folder) = data("covid-chestxray") else {
        return;
    };
    let rows = import("covid-chestxray", &folder);
    let has_notes = |case: &&CaseDraft| {
        case.sections
            .iter()
            .any(|section| section.heading == "Clinical notes")
    };
    let patients: BTreeSet<_> = rows.cases.iter().map(|case| &case.patient).collect();
    assert_eq!(
        json!({
            "cases": rows.cases.len(),
            "images": rows.images().count(),
            "missing_images": rows.missing(),
            "case_modalities": tally(rows.cases.iter().map(|case| or_none(case.modality))),
            "licences": tally(rows.cases.iter().map(|case| or_none(case.licence.clone()))),
            "years": tally(rows.cases.iter().map(|case| or_none(case.year))),
            "patients": patients.len(),
            "clinical_notes": rows.cases.iter().filter(has_notes).count(),
            "questions": rows.questions.len(),
            "skipped": rows.skipped.len(),
        }),
        golden("covid_chestxray")
    );
}

/// No word of a guideline may be lost between the XML and its passages, and none may be added.
#[test]
fn ngc_gives_every_word_of_every_guideline_in_passages_of_readable_length() {
    let Some(folder) = data("guidelines-ngc") else {
        return;
    };
    let rows = import("ngc", &folder);
    let mut guidelines = BTreeMap::new();
    for guideline in &rows.guidelines {
        let mut words = BTreeSet::new();
        for passage in &guideline.passages {
            assert!(passage.headings.len() >= 2, "{passage:?}");
            assert!(
                (1..=2500).contains(&passage.text.chars().count()),
                "{passage:?}"
            );
            let texts = passage.headings.iter().skip(2).chain([&passage.text]);
            for text in texts {
                let text = text.to_lowercase();
                let parts = text.split(|c: char| !c.is_ascii_alphanumeric());
                words.extend(parts.filter(|word| !word.is_empty()).map(str::to_owned));
            }
        }
        assert!(guideline.developer.is_some() && guideline.licence.is_some());
        let counts = json!({
            "title_characters": guideline.title.chars().count(),
            "year": guideline.year,
            "distinct_words": words.len(),
        });
        guidelines.insert(guideline.key.clone(), counts);
    }
    assert_eq!(
        json!({ "guidelines": guidelines, "skipped": rows.skipped.len() }),
        golden("ngc")
    );
    for skipped in &rows.skipped {
        assert!(skipped.reason.contains("no guideline title"), "{skipped:?}");
    }
}

#[test]
fn a_compressed_tar_gives_the_same_guidelines_as_its_folder() {
    let Some(folder) = data("guidelines-ngc") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let archive = place.path().join("summaries.tar.gz");
    let file = std::fs::File::create(&archive).unwrap();
    let encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let mut builder = tar::Builder::new(encoder);
    builder
        .append_dir_all("summaries", folder.join("summaries"))
        .unwrap();
    builder.into_inner().unwrap().finish().unwrap();
    let (packed, plain) = (import("ngc", &archive), import("ngc", &folder));
    assert_eq!(packed.guidelines, plain.guidelines);
    assert_eq!(packed.skipped, plain.skipped);
}

#[test]
fn predictions_are_taken_by_id_or_not_at_all() {
    let Some(folder) = data("model-outputs") else {
        return;
    };
    let golden = golden("predictions");
    for (file, expected) in golden.as_object().unwrap() {
        let rows = import("predictions", &folder.join(file));
        let verdict =
            |answer: &AnswerDraft| or_none(answer.verdict.map(semihv_domain::Verdict::name));
        let skipped = |words: &str| {
            rows.skipped
                .iter()
                .filter(|skipped| skipped.reason.contains(words))
                .count()
        };
        let found = json!({
            "answers": rows.answers.len(),
            "verdicts": tally(rows.answers.iter().map(verdict)),
            "without_id": skipped("carries no question id"),
            "repeated": skipped("answered this question already"),
        });
        assert_eq!(&found, expected, "{file}");
        assert!(
            rows.answers.iter().all(|answer| answer.rationale.is_none()),
            "{file}"
        );
    }
}

#[test]
fn vqa_med_is_read_inside_its_zip_and_the_litter_is_no_row() {
    let Some(folder) = data("vqa-med-2021") else {
        return;
    };
    let rows = import(
        "vqa-med",
        &folder.join("Task2-VQG-2021-TestSet-w-GroundTruth.zip"),
    );
    let characters = rows
        .questions
        .iter()
        .map(|question| question.text.chars().count());
    assert_eq!(
        json!({
            "cases": rows.cases.len(),
            "images": rows.images().count(),
            "missing_images": rows.missing(),
            "questions": rows.questions.len(),
            "question_characters": characters.sum::<usize>(),
            "skipped": rows.skipped.len(),
        }),
        golden("vqa_med")
    );
    assert!(rows.images().all(|image| image.location.contains(".zip!/")));
}

#[test]
fn the_boxes_of_chestxray14_are_all_taken() {
    let Some(folder) = data("nih-cxr14-boxes") else {
        return;
    };
    let rows = import("nih-boxes", &folder.join("BBox_List_2017.csv.gz"));
    let regions: usize = rows.images().map(|image| image.regions.len()).sum();
    assert_eq!(
        (rows.cases.len(), regions, rows.skipped.len()),
        (880, 984, 0)
    );
}
