//! Small imports, and what came of them.

use std::fs;
use std::path::Path;

use semihv_curation::{ImportError, ImportRequest, importer};
use semihv_domain::{AnswerDraft, CaseDraft, Imported, QuestionDraft, Shape, Skipped};
use tempfile::TempDir;

pub(crate) const CASE: &str = r#"{"key":"ct-001","title":"A nodule","patient":"p01","modality":"CT","body_part":"chest","year":2023,"language":"en","licence":"CC0-1.0","sections":[{"heading":"History","text":"Cough."},{"heading":"Exam","text":"N/A"}],"images":[{"key":"a","path":"images/ct-001.png","plane":"axial","captions":[{"text":"A round nodule.","language":"en"}],"regions":[{"label":"nodule","shape":"ellipse","cx":120,"cy":90,"rx":14,"ry":12}]}],"questions":[{"key":"ct-001-q1","text":"Is there a nodule?","kind":"closed","options":[],"gold":"yes","gold_rationale":"It is round.","language":"en","class":"presence","split":"test","image":"a"}]}"#;

pub(crate) type Read = (Vec<Imported>, Vec<Skipped>);

pub(crate) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

pub(crate) fn try_import(kind: &str, request: &ImportRequest) -> Result<Read, ImportError> {
    let mut sink = (Vec::new(), Vec::new());
    importer(kind)?.read(request, &mut sink)?;
    Ok(sink)
}

pub(crate) fn import(kind: &str, path: &Path) -> Read {
    try_import(kind, &ImportRequest::of(path)).unwrap()
}

pub(crate) fn reasons(read: &Read) -> Vec<String> {
    let said = |skipped: &Skipped| {
        let line = skipped
            .at
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        format!("{}{line}: {}", skipped.at.file, skipped.reason)
    };
    read.1.iter().map(said).collect()
}

pub(crate) fn cases(read: &Read) -> Vec<&CaseDraft> {
    read.0
        .iter()
        .filter_map(|row| match row {
            Imported::Case(case) => Some(case),
            _ => None,
        })
        .collect()
}

pub(crate) fn questions(read: &Read) -> Vec<&QuestionDraft> {
    read.0
        .iter()
        .filter_map(|row| match row {
            Imported::Question(question) => Some(question),
            _ => None,
        })
        .collect()
}

pub(crate) fn answers(read: &Read) -> Vec<&AnswerDraft> {
    read.0
        .iter()
        .filter_map(|row| match row {
            Imported::Answer(answer) => Some(answer),
            _ => None,
        })
        .collect()
}

/// The head of a BMP, which is all that an import looks at.
pub(crate) fn bitmap(width: i32, height: i32) -> Vec<u8> {
    let mut bytes = b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend(b"\x01\0\x18\0");
    bytes.extend([0; 24]);
    bytes
}

/// Label and shape of each region of a case's first image.
pub(crate) fn drawn(case: &CaseDraft) -> Vec<String> {
    let regions = case.images[0].regions.iter();
    regions
        .map(|region| match &region.shape {
            Shape::Box {
                x,
                y,
                width,
                height,
            } => format!("{} box {x} {y} {width} {height}", region.label),
            Shape::Mask { file, segment } => {
                let file = file.rsplit('/').next().unwrap();
                format!("{} {file} {segment}", region.label)
            }
            shape => format!("{} {shape:?}", region.label),
        })
        .collect()
}

/// Keys in the order in which they came.
pub(crate) fn keys(read: &Read) -> Vec<&str> {
    cases(read).iter().map(|case| case.key.as_str()).collect()
}
