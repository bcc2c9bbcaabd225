//! The registry: which layouts semihv reads.

use std::path::PathBuf;

use semihv_domain::Sink;
use semihv_workspace::FieldMapping;

use crate::error::{ImportError, Stop};
use crate::feed::Feed;
use crate::kinds;

/// Reads one published layout.
pub trait Importer: Sync {
    /// The word after `semihv import`.
    fn kind(&self) -> &'static str;

    /// One line for `--help`.
    fn about(&self) -> &'static str;

    /// Hands every row to the sink. A [`std::ops::ControlFlow::Break`] from it ends the import
    /// without an error.
    fn read(&self, request: &ImportRequest, sink: &mut dyn Sink) -> Result<(), ImportError>;
}

/// What to import and what the files themselves do not say.
#[derive(Debug, Clone, Default)]
pub struct ImportRequest {
    /// A file, a folder, or a zip, tar or gzip archive.
    pub path: PathBuf,
    /// For `jsonl` and `csv`.
    pub mapping: Option<FieldMapping>,
    /// For `predictions`: the model of answers that name none.
    pub model: Option<String>,
    /// For `predictions`: the source of the questions, where the file names none.
    pub question_source: Option<String>,
}

impl ImportRequest {
    pub fn of(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }
}

type Read = fn(&ImportRequest, &mut Feed<'_>) -> Result<(), Stop>;

struct Layout {
    kind: &'static str,
    about: &'static str,
    read: Read,
}

impl Importer for Layout {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn read(&self, request: &ImportRequest, sink: &mut dyn Sink) -> Result<(), ImportError> {
        let mut feed = Feed::new(sink);
        let outcome = (self.read)(request, &mut feed);
        feed.report_progress();
        match outcome {
            Ok(()) | Err(Stop::Asked) => Ok(()),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

static IMPORTERS: [&dyn Importer; 17] = [
    &Layout {
        kind: "coco",
        about: "COCO detection: images, annotations and categories in one JSON file",
        read: kinds::coco::read,
    },
    &Layout {
        kind: "covid-chestxray",
        about: "COVID-19 image data collection: metadata.csv and its images",
        read: kinds::covid_chestxray::read,
    },
    &Layout {
        kind: "csv",
        about: "cases or questions from CSV or TSV, columns named by a mapping",
        read: kinds::csv::read,
    },
    &Layout {
        kind: "guidelines-jsonl",
        about: "guidelines, one JSON object a line: id, title, source, clean_text or text",
        read: kinds::guidelines_jsonl::read,
    },
    &Layout {
        kind: "jsonl",
        about: "cases with images and questions, one JSON object a line",
        read: kinds::jsonl::read,
    },
    &Layout {
        kind: "markdown",
        about: "guidelines written as Markdown files",
        read: kinds::markdown::read,
    },
    &Layout {
        kind: "masks",
        about: "images and masks of one name: images/ + masks/, imagesTr/ + labelsTr/",
        read: kinds::masks::read,
    },
    &Layout {
        kind: "medpix2",
        about: "MedPix 2.0: Case_topic.json, Descriptions.json and images/",
        read: kinds::medpix2::read,
    },
    &Layout {
        kind: "ngc",
        about: "guideline summaries of the National Guideline Clearinghouse (XML)",
        read: kinds::ngc::read,
    },
    &Layout {
        kind: "nih-boxes",
        about: "NIH ChestX-ray14 boxes: BBox_List_2017.csv and images/",
        read: kinds::nih_boxes::read,
    },
    &Layout {
        kind: "pdf",
        about: "guidelines as PDF files with text, one guideline a file",
        read: kinds::pdf::read,
    },
    &Layout {
        kind: "predictions",
        about: "models' answers (JSONL, JSON, CSV), joined to questions by id",
        read: kinds::predictions::read,
    },
    &Layout {
        kind: "slake",
        about: "SLAKE 1.0: train.json, validate.json, test.json and imgs/",
        read: kinds::slake::read,
    },
    &Layout {
        kind: "text",
        about: "guidelines as plain text files, one guideline a file",
        read: kinds::text::read,
    },
    &Layout {
        kind: "vqa-med",
        about: "ImageCLEF VQA-Med 2021 task 2: images and reference questions",
        read: kinds::vqa_med::read,
    },
    &Layout {
        kind: "vqa-rad",
        about: "VQA-RAD: trainset.json, testset.json and images/",
        read: kinds::vqa_rad::read,
    },
    &Layout {
        kind: "yolo",
        about: "YOLO boxes and polygons: images/, labels/ and data.yaml or classes.txt",
        read: kinds::yolo::read,
    },
];

/// All layouts, by name.
pub fn importers() -> &'static [&'static dyn Importer] {
    &IMPORTERS
}

/// Names less alike than this (Jaro and Winkler) are no slip of the fingers.
const LIKELY_MEANT: f64 = 0.75;

/// The importer of that name; the error names the nearest one.
pub fn importer(kind: &str) -> Result<&'static dyn Importer, ImportError> {
    if let Some(found) = IMPORTERS.iter().find(|known| known.kind() == kind) {
        return Ok(*found);
    }
    let kinds = IMPORTERS.iter().map(|known| known.kind());
    let wanted = kind.to_lowercase();
    Err(ImportError::UnknownKind {
        nearest: kinds
            .clone()
            .map(|known| (strsim::jaro_winkler(known, &wanted), known))
            .filter(|(likeness, _)| *likeness > LIKELY_MEANT)
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_, known)| known),
        known: kinds.collect::<Vec<_>>().join(", "),
        kind: kind.chars().take(64).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_the_list_is_sorted() {
        let kinds: Vec<&str> = importers().iter().map(|known| known.kind()).collect();
        assert!(kinds.is_sorted());
        for kind in kinds {
            assert_eq!(importer(kind).unwrap().kind(), kind);
        }
    }

    #[test]
    fn a_misspelt_kind_names_the_nearest() {
        let said = importer("medpix").err().unwrap().to_string();
        assert!(said.contains("did you mean `medpix2`?"), "{said}");
        let said = importer("VQARAD").err().unwrap().to_string();
        assert!(said.contains("did you mean `vqa-rad`?"), "{said}");
    }
}
