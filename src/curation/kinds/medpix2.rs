//! MedPix 2.0 (Siragusa et al. 2025): `Case_topic.json`, one object a case, and
//! `Descriptions.json`, one object an image; `images/<image>.png`.
//!
//! `splitted_dataset/` repeats the same rows by split and is not read.

use std::collections::HashMap;

use semihv_domain::{CaptionDraft, CaseDraft, ImageDraft, Imported, Modality, Section};
use serde::Deserialize;

use super::{accept_once, required};
use crate::error::Stop;
use crate::feed::{Feed, Seen};
use crate::importer::ImportRequest;
use crate::origin::{Origin, name};
use crate::rows::each_element;
use crate::text::{meaningful, or_default, section};

const ADVICE: &str = "give the folder MedPix-2-0, its parent or an archive of it";

/// What the editor's form puts where nobody wrote a caption.
const CAPTION_PLACEHOLDER: &str = "Replace this - DESCRIPTION OF THE IMAGE OR FINDINGS.";

/// The order in which a case is read: what was known, what was seen, what it was, why.
const CASE_SECTIONS: [&str; 6] = [
    "History",
    "Exam",
    "Findings",
    "Differential Diagnosis",
    "Case Diagnosis",
    "Diagnosis By",
];

type Texts = HashMap<String, Option<String>>;

#[derive(Deserialize)]
struct CaseRow {
    #[serde(rename = "U_id")]
    id: String,
    #[serde(rename = "Case", default, deserialize_with = "or_default")]
    case: Texts,
    #[serde(rename = "Topic", default, deserialize_with = "or_default")]
    topic: Texts,
}

#[derive(Deserialize)]
struct ImageRow {
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(rename = "U_id")]
    case: String,
    image: String,
    #[serde(rename = "Description")]
    description: Description,
    #[serde(rename = "Location Category")]
    location: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    caption: Option<String>,
    modality: Option<String>,
    plane: Option<String>,
}

/// The images of one case, and where in the body they were taken.
#[derive(Default)]
struct Images {
    drafts: Vec<ImageDraft>,
    body_part: Option<String>,
    first_row: u64,
}

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let cases = required(&origin, "Case_topic.json", ADVICE)?;
    let descriptions = required(&origin, "Descriptions.json", ADVICE)?;
    feed.expect(&origin, &[descriptions.clone(), cases.clone()]);

    let mut images = read_images(feed, &origin, &descriptions)?;
    let mut seen = Seen::default();
    each_element(feed, &origin, &cases, |feed, row, case: CaseRow| {
        let images = images.remove(&case.id).unwrap_or_default();
        let draft = draft(case, images);
        accept_once(feed, &mut seen, (&cases, row), Imported::Case(draft)).map(drop)
    })?;

    let mut orphans: Vec<(String, Images)> = images.into_iter().collect();
    orphans.sort_unstable_by_key(|(_, images)| images.first_row);
    for (case, images) in orphans {
        feed.skip(
            &descriptions,
            Some(images.first_row),
            format!(
                "{} images of the case `{case}`, which is not there",
                images.drafts.len()
            ),
        );
    }
    Ok(())
}

fn read_images(
    feed: &mut Feed<'_>,
    origin: &Origin,
    file: &str,
) -> Result<HashMap<String, Images>, Stop> {
    let mut images: HashMap<String, Images> = HashMap::new();
    let mut seen = Seen::default();
    let folder = name::join(name::folder(file), "images").unwrap_or_default();
    each_element(feed, origin, file, |feed, row, image: ImageRow| {
        if let Some(first) = seen.earlier(&image.image, file, row) {
            let reason = format!("the image `{}` came already in {first}", image.image);
            feed.skip(file, Some(row), reason);
            return Ok(());
        }
        let found = match origin.image_written(&folder, &format!("{}.png", image.image)) {
            Ok(found) => found,
            Err(reason) => {
                feed.skip(file, Some(row), reason);
                return Ok(());
            }
        };
        let of_case = images.entry(image.case).or_insert_with(|| Images {
            body_part: image
                .location
                .as_deref()
                .and_then(meaningful)
                .map(str::to_owned),
            first_row: row,
            drafts: Vec::new(),
        });
        let caption = image.description.caption.as_deref();
        of_case.drafts.push(ImageDraft {
            modality: modality(image.description.modality.as_deref(), image.kind.as_deref()),
            plane: image
                .description
                .plane
                .as_deref()
                .and_then(meaningful)
                .map(str::to_owned),
            captions: caption
                .and_then(meaningful)
                .filter(|&text| text != CAPTION_PLACEHOLDER)
                .map(|text| CaptionDraft {
                    text: text.to_owned(),
                    language: "en".to_owned(),
                })
                .into_iter()
                .collect(),
            key: image.image,
            location: found.location,
            is_missing: found.is_missing,
            regions: Vec::new(),
        });
        Ok(())
    })?;
    Ok(images)
}

/// The fine modality, or the coarse `Type` where the fine one says how and not what:
/// `Virtual Colonoscopy` is a CT. A drawing is a drawing whatever its type says.
fn modality(fine: Option<&str>, coarse: Option<&str>) -> Option<Modality> {
    let fine = fine.and_then(meaningful);
    match fine.and_then(Modality::parse) {
        Some(Modality::Other) | None if fine != Some("Drawing") => coarse.and_then(Modality::parse),
        known => known,
    }
}

/// The modality of most images; of the earlier one when two are equally frequent.
fn usual_modality(images: &[ImageDraft]) -> Option<Modality> {
    let count = |modality| {
        images
            .iter()
            .filter(|image| image.modality == Some(modality))
            .count()
    };
    let modalities = images.iter().filter_map(|image| image.modality);
    modalities.rev().max_by_key(|&modality| count(modality))
}

fn draft(row: CaseRow, images: Images) -> CaseDraft {
    let text = |texts: &Texts, heading: &str| texts.get(heading).cloned().flatten();
    let mut sections: Vec<Section> = CASE_SECTIONS
        .iter()
        .filter_map(|heading| section(heading, &text(&row.case, heading)?))
        .collect();
    let rest = [
        (&row.case, "Discussion"),
        (&row.topic, "Disease Discussion"),
        (&row.case, "Treatment & Follow Up"),
    ];
    sections.extend(
        rest.iter()
            .filter_map(|(texts, heading)| section(heading, &text(texts, heading)?)),
    );
    let title = text(&row.case, "Title").or_else(|| text(&row.topic, "Title"));
    CaseDraft {
        title: title
            .as_deref()
            .and_then(meaningful)
            .unwrap_or(&row.id)
            .to_owned(),
        modality: usual_modality(&images.drafts),
        body_part: images.body_part,
        language: "en".to_owned(),
        sections,
        images: images.drafts,
        key: row.id,
        ..CaseDraft::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarse_type_helps_where_the_fine_one_names_a_technique() {
        assert_eq!(
            modality(Some("Virtual Colonoscopy"), Some("CT")),
            Some(Modality::Ct)
        );
        assert_eq!(
            modality(Some("MRS - Spectroscopy"), Some("MR")),
            Some(Modality::Mr)
        );
        assert_eq!(modality(Some("Drawing"), Some("CT")), Some(Modality::Other));
        assert_eq!(modality(None, Some("MR")), Some(Modality::Mr));
    }

    #[test]
    fn the_earlier_modality_wins_a_tie() {
        let image = |modality| ImageDraft {
            modality: Some(modality),
            ..ImageDraft::default()
        };
        let images = [image(Modality::Mr), image(Modality::Ct)];
        assert_eq!(usual_modality(&images), Some(Modality::Mr));
    }
}
