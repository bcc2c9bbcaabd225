//! Rows of somebody else's JSONL or CSV, read through a field mapping.
//!
//! A row is a case, a question about a case, or both: sets of question-answer pairs repeat the
//! image in every row, so the case is taken from the first and the questions from all.

use std::collections::BTreeMap;

use semihv_domain::{CaptionDraft, CaseDraft, ImageDraft, Imported, QuestionDraft, Section};
use semihv_workspace::FieldMapping;
use serde_json::Value;

use super::accept_once;
use super::jsonl::{Keys, Place};
use crate::error::{ImportError, Stop};
use crate::feed::Feed;
use crate::origin::name;
use crate::rows::delimited::Fields;
use crate::text::{meaningful, modality, no_year, question_key, question_kind, section, year_in};

/// What a mapping may name, beside `section.NAME`.
pub(crate) const FIELDS: [&str; 18] = [
    "key",
    "title",
    "patient",
    "modality",
    "body_part",
    "year",
    "language",
    "licence",
    "image",
    "caption",
    "question",
    "question_key",
    "question_kind",
    "options",
    "answer",
    "rationale",
    "class",
    "split",
];
const SECTION: &str = "section.";

/// A row whose cells are found by name or path.
pub(crate) trait Cells {
    /// The texts of a cell: none if it is not there, several for a list.
    fn texts(&self, path: &str) -> Vec<String>;

    /// The first text of the first of these cells that is there, even if it is empty.
    fn first(&self, paths: &[&str]) -> Option<String> {
        paths
            .iter()
            .find_map(|path| self.texts(path).into_iter().next())
    }
}

impl Cells for Fields {
    fn texts(&self, column: &str) -> Vec<String> {
        self.get(column).map(str::to_owned).into_iter().collect()
    }
}

impl Cells for Value {
    fn texts(&self, path: &str) -> Vec<String> {
        match self {
            Self::Object(members) => {
                if let Some(member) = members.get(path) {
                    return leaf_texts(member);
                }
                // Names may hold dots themselves, so every dot is tried.
                path.match_indices('.')
                    .filter_map(|(dot, _)| {
                        let (head, tail) = path.split_at(dot);
                        Some(members.get(head)?.texts(tail.get(1..)?))
                    })
                    .find(|texts| !texts.is_empty())
                    .unwrap_or_default()
            }
            Self::Array(elements) => elements
                .iter()
                .flat_map(|element| element.texts(path))
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn leaf_texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(truth) => vec![truth.to_string()],
        Value::Array(elements) => elements.iter().flat_map(leaf_texts).collect(),
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

/// A checked mapping.
pub(crate) struct Mapping {
    fields: BTreeMap<String, Taken>,
    /// Headings of sections, in the order of the mapping, and where each is taken from.
    sections: Vec<(String, Taken)>,
}

enum Taken {
    Constant(String),
    From(String),
}

impl Taken {
    fn parse(written: &str) -> Self {
        written.strip_prefix('=').map_or_else(
            || Self::From(written.to_owned()),
            |constant| Self::Constant(constant.to_owned()),
        )
    }

    fn texts(&self, cells: &dyn Cells) -> Vec<String> {
        match self {
            Self::Constant(text) => vec![text.clone()],
            Self::From(path) => cells.texts(path),
        }
    }
}

impl Mapping {
    pub(crate) fn compile(written: &FieldMapping) -> Result<Self, ImportError> {
        let mut mapping = Self {
            fields: BTreeMap::new(),
            sections: Vec::new(),
        };
        for (field, from) in &written.0 {
            if let Some(heading) = field.strip_prefix(SECTION) {
                mapping
                    .sections
                    .push((heading.to_owned(), Taken::parse(from)));
            } else if FIELDS.contains(&field.as_str()) {
                mapping.fields.insert(field.clone(), Taken::parse(from));
            } else {
                return Err(unknown(field));
            }
        }
        if !["key", "image"]
            .iter()
            .any(|field| mapping.fields.contains_key(*field))
        {
            return Err(ImportError::NoKey);
        }
        Ok(mapping)
    }

    /// For tables whose columns are called like our fields.
    pub(crate) fn of_columns(columns: &[String]) -> Result<Self, ImportError> {
        let ours = columns
            .iter()
            .filter(|column| column.starts_with(SECTION) || FIELDS.contains(&column.as_str()))
            .map(|column| (column.clone(), column.clone()));
        Self::compile(&FieldMapping(ours.collect()))
    }

    /// The columns a table must have.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let sections = self.sections.iter().map(|(_, taken)| taken);
        self.fields
            .values()
            .chain(sections)
            .filter_map(|taken| match taken {
                Taken::Constant(_) => None,
                Taken::From(column) => Some(column.as_str()),
            })
    }

    fn all(&self, field: &str, cells: &dyn Cells) -> Vec<String> {
        self.fields
            .get(field)
            .map(|taken| taken.texts(cells))
            .unwrap_or_default()
    }

    fn one(&self, field: &str, cells: &dyn Cells) -> Option<String> {
        let texts = self.all(field, cells);
        texts
            .iter()
            .find_map(|text| meaningful(text))
            .map(str::to_owned)
    }
}

fn unknown(field: &str) -> ImportError {
    let nearest = FIELDS
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(a, field).total_cmp(&strsim::jaro_winkler(b, field)))
        .copied()
        .unwrap_or("key");
    ImportError::UnknownField {
        field: field.to_owned(),
        nearest: nearest.to_owned(),
    }
}

/// Takes a row; what it lacks is skipped aloud.
pub(crate) fn take_mapped(
    feed: &mut Feed<'_>,
    keys: &mut Keys,
    place: Place<'_>,
    mapping: &Mapping,
    cells: &dyn Cells,
) -> Result<(), Stop> {
    let at = (place.file, place.line);
    let drafts = case(place, mapping, cells).map(|case| {
        let question = question(mapping, cells, &case);
        (case, question)
    });
    let (case, question) = match drafts {
        Ok(drafts) => drafts,
        Err(reason) => {
            feed.skip(place.file, Some(place.line), reason);
            return Ok(());
        }
    };
    if let Some(fault) = mapping.one("year", cells).and_then(|text| no_year(&text)) {
        feed.skip(place.file, Some(place.line), fault);
    }
    let Some(question) = question else {
        return accept_once(feed, &mut keys.cases, at, Imported::Case(case)).map(drop);
    };
    if keys
        .cases
        .earlier(&case.key, place.file, place.line)
        .is_none()
    {
        feed.accept(Imported::Case(case))?;
    }
    accept_once(feed, &mut keys.questions, at, Imported::Question(question)).map(drop)
}

fn case(place: Place<'_>, mapping: &Mapping, cells: &dyn Cells) -> Result<CaseDraft, String> {
    let paths = mapping.all("image", cells);
    let paths: Vec<&str> = paths.iter().filter_map(|path| meaningful(path)).collect();
    let key = mapping
        .one("key", cells)
        .or_else(|| paths.first().map(|&path| path.to_owned()))
        .ok_or("has neither a key nor an image")?;
    let language = mapping
        .one("language", cells)
        .map_or_else(|| "en".to_owned(), |language| language.to_lowercase());
    let modality = mapping
        .one("modality", cells)
        .and_then(|text| modality(&text));
    let captions = mapping.all("caption", cells);
    let mut images = Vec::with_capacity(paths.len());
    for (at, path) in paths.iter().enumerate() {
        if images.iter().any(|image: &ImageDraft| image.key == *path) {
            // The same picture named twice is one picture.
            continue;
        }
        let caption = captions.get(at).and_then(|caption| meaningful(caption));
        let found = place.origin.image_written(name::folder(place.file), path)?;
        images.push(ImageDraft {
            key: (*path).to_owned(),
            location: found.location,
            is_missing: found.is_missing,
            modality,
            captions: caption
                .map(|text| CaptionDraft {
                    text: text.to_owned(),
                    language: language.clone(),
                })
                .into_iter()
                .collect(),
            ..ImageDraft::default()
        });
    }
    Ok(CaseDraft {
        title: mapping.one("title", cells).unwrap_or_else(|| key.clone()),
        patient: mapping.one("patient", cells),
        modality,
        body_part: mapping.one("body_part", cells),
        year: mapping.one("year", cells).and_then(|text| year_in(&text)),
        language,
        licence: mapping.one("licence", cells),
        sections: sections(mapping, cells),
        images,
        key,
    })
}

fn sections(mapping: &Mapping, cells: &dyn Cells) -> Vec<Section> {
    mapping
        .sections
        .iter()
        .filter_map(|(heading, taken)| section(heading, &taken.texts(cells).join("\n\n")))
        .collect()
}

fn question(mapping: &Mapping, cells: &dyn Cells, case: &CaseDraft) -> Option<QuestionDraft> {
    let text = mapping.one("question", cells)?;
    let options = mapping.all("options", cells);
    // A table has no lists: options stand in one cell, with bars between them.
    let options: Vec<String> = match options.as_slice() {
        [one] if one.contains('|') => one.split('|').map(|part| part.trim().to_owned()).collect(),
        _ => options,
    };
    let options: Vec<String> = options
        .into_iter()
        .filter(|option| meaningful(option).is_some())
        .collect();
    let gold = mapping
        .all("answer", cells)
        .into_iter()
        .next()
        .unwrap_or_default();
    let kind = mapping.one("question_kind", cells).unwrap_or_default();
    Some(QuestionDraft {
        key: mapping
            .one("question_key", cells)
            .unwrap_or_else(|| question_key(&case.key, &text)),
        case_key: Some(case.key.clone()),
        image_key: match case.images.as_slice() {
            [only] => Some(only.key.clone()),
            _ => None,
        },
        kind: question_kind(&kind, &options, &gold),
        text,
        options,
        gold: gold.trim().to_owned(),
        gold_rationale: mapping.one("rationale", cells),
        language: case.language.clone(),
        class: mapping.one("class", cells),
        split: mapping.one("split", cells),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_walk_into_objects_and_lists() {
        let row: Value = serde_json::from_str(
            r#"{"meta": {"id": 7, "a.b": "x"}, "meta.raw": "r", "parts": [{"t": "1"}, {"t": "2"}], "n": null}"#,
        )
        .unwrap();
        assert_eq!(row.texts("meta.id"), ["7"]);
        assert_eq!(row.texts("meta.a.b"), ["x"]);
        assert_eq!(row.texts("meta.raw"), ["r"]);
        assert_eq!(row.texts("parts.t"), ["1", "2"]);
        assert_eq!(row.texts("n"), [""; 0]);
        assert_eq!(row.texts("meta"), [""; 0]);
    }

    #[test]
    fn an_unknown_field_names_the_nearest() {
        let written = FieldMapping([("titel".to_owned(), "t".to_owned())].into());
        let said = Mapping::compile(&written).err().unwrap().to_string();
        assert_eq!(
            said,
            "the mapping has no field `titel`; the nearest is `title`"
        );
    }

    #[test]
    fn rows_need_a_name() {
        let written = FieldMapping([("title".to_owned(), "t".to_owned())].into());
        assert!(matches!(
            Mapping::compile(&written),
            Err(ImportError::NoKey)
        ));
    }
}
