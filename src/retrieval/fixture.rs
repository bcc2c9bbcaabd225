//! A small index for tests.

use std::sync::atomic::AtomicBool;

use semihv_domain::{DocumentKind, Modality, QuestionKind, Verdict};
use tempfile::TempDir;

use crate::{
    Change, Document, Has, Index, LiveSets, NumberedChange, ReadChangesError, UpdateSummary,
};

/// Two cases tagged `laterality`, one of them with a note.
pub(crate) struct Marked;

impl LiveSets for Marked {
    fn tagged(&self, kind: DocumentKind, tag: &str) -> Vec<i64> {
        match (kind, tag) {
            (DocumentKind::Case, "laterality") => vec![1, 3],
            (DocumentKind::Case, "all") => (1..=1_000).collect(),
            _ => Vec::new(),
        }
    }

    fn any_tagged(&self, kind: DocumentKind) -> Vec<i64> {
        self.tagged(kind, "laterality")
    }

    fn noted(&self, kind: DocumentKind) -> Vec<i64> {
        match kind {
            DocumentKind::Case => vec![3],
            _ => Vec::new(),
        }
    }
}

pub(crate) fn empty() -> (TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap().into_index();
    (folder, index)
}

pub(crate) fn numbered(
    changes: impl IntoIterator<Item = Change>,
) -> impl Iterator<Item = Result<NumberedChange, ReadChangesError>> {
    (1..)
        .zip(changes)
        .map(|(number, change)| Ok(NumberedChange { number, change }))
}

pub(crate) fn put(document: Document) -> Change {
    Change::Put(Box::new(document))
}

pub(crate) fn apply(index: &Index, changes: Vec<Change>, revision: u64) -> UpdateSummary {
    index
        .update(
            numbered(changes),
            revision,
            &|_| {},
            &AtomicBool::new(false),
        )
        .unwrap()
}

pub(crate) fn case(id: i64, title: &str, body: &str) -> Document {
    Document {
        key: format!("MPX{id}"),
        title: title.to_owned(),
        body: body.to_owned(),
        source: "medpix2".to_owned(),
        language: "en".to_owned(),
        ..Document::new(DocumentKind::Case, id)
    }
}

fn question(id: i64, body: &str, verdicts: &[(&str, Verdict)]) -> Document {
    Document {
        key: format!("Q{id}"),
        body: body.to_owned(),
        source: "slake".to_owned(),
        language: "en".to_owned(),
        class: Some("PRES".to_owned()),
        split: Some("test".to_owned()),
        question_kinds: vec![QuestionKind::Closed],
        verdicts: verdicts
            .iter()
            .map(|&(model, verdict)| (model.to_owned(), verdict))
            .collect(),
        ..Document::new(DocumentKind::Question, id)
    }
}

/// Four cases, four questions, two passages.
pub(crate) fn documents() -> Vec<Document> {
    [cases(), questions(), passages()].concat()
}

fn cases() -> Vec<Document> {
    vec![
        Document {
            modality: Some(Modality::Ct),
            body_part: Some("Left lung".to_owned()),
            year: Some(2018),
            has: vec![Has::Image, Has::Region],
            licence: Some("CC-BY-4.0".to_owned()),
            ..case(
                1,
                "Pleural effusion",
                "A large pleural effusion with calcifications of the pleura.",
            )
        },
        Document {
            modality: Some(Modality::Mr),
            year: Some(2021),
            has: vec![Has::Image, Has::MissingImage],
            ..case(
                2,
                "Brain abscess",
                "T2-weighted imaging shows a ring lesion. No effusion is seen.",
            )
        },
        Document {
            modality: Some(Modality::Ct),
            year: Some(2024),
            source: "Eurorad".to_owned(),
            ..case(
                3,
                "Lung nodule",
                "Small calcified nodule; effusion of the pleural space, effusions again.",
            )
        },
        Document {
            language: "zh".to_owned(),
            source: "slake".to_owned(),
            modality: Some(Modality::XRay),
            ..case(4, "胸部平片", "双肺感染，右肺下叶可见斑片影。")
        },
    ]
}

fn questions() -> Vec<Document> {
    use Verdict::{Right, Unparsed, Wrong};
    vec![
        question(
            1,
            "Is there an effusion?",
            &[("huatuo-vision", Wrong), ("llava-med", Right)],
        ),
        question(
            2,
            "Is the heart enlarged?",
            &[("huatuo-vision", Right), ("llava-med", Wrong)],
        ),
        question(3, "Which lobe is affected?", &[("huatuo-vision", Unparsed)]),
        question(4, "Is this a CT?", &[]),
    ]
}

fn passages() -> Vec<Document> {
    vec![
        Document {
            key: "G1#0".to_owned(),
            title: "Pleural disease".to_owned(),
            body: "Thoracentesis is recommended for a new effusion of unknown origin.".to_owned(),
            source: "ngc".to_owned(),
            year: Some(2016),
            language: "en".to_owned(),
            ..Document::new(DocumentKind::Passage, 1)
        },
        Document {
            key: "G1#1".to_owned(),
            title: "Imaging".to_owned(),
            body: "Computed tomography is recommended when ultrasound is inconclusive.".to_owned(),
            source: "ngc".to_owned(),
            year: Some(2016),
            language: "en".to_owned(),
            ..Document::new(DocumentKind::Passage, 2)
        },
    ]
}

pub(crate) fn filled() -> (TempDir, Index) {
    let (folder, index) = empty();
    apply(&index, documents().into_iter().map(put).collect(), 10);
    (folder, index)
}
