//! The COVID-19 image data collection (Cohen et al. 2020): `metadata.csv`, one row an image, and
//! image files anywhere below; the table gives only their names.
//!
//! Headers carry stray blanks and the last one is empty; dates come in eight spellings; the licence
//! is a column.

use std::collections::HashMap;

use semihv_domain::{CaseDraft, ImageDraft, Imported, Modality, Section};

use super::{accept_once, required};
use crate::error::{ImportError, Stop};
use crate::feed::{Feed, Seen};
use crate::importer::ImportRequest;
use crate::origin::{Origin, name};
use crate::rows::delimited::Table;
use crate::text::{meaningful, section, year_in};

const ADVICE: &str = "give the folder that holds metadata.csv and the images";
const IMAGE_EXTENSIONS: [&str; 8] = ["jpg", "jpeg", "png", "gif", "tif", "tiff", "webp", "bmp"];

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let file = required(&origin, "metadata.csv", ADVICE)?;
    feed.expect(&origin, std::slice::from_ref(&file));
    let images = images_by_name(&origin);

    let failed = |source| ImportError::Read {
        place: origin.place(&file),
        source,
    };
    let mut table = Table::new(feed.open(&origin, &file)?).map_err(failed)?;
    if !table.columns().iter().any(|column| column == "filename") {
        return Err(Stop::Failed(ImportError::NoColumn {
            place: origin.place(&file),
            column: "filename".to_owned(),
            columns: table.columns().join(", "),
        }));
    }
    let mut seen = Seen::default();
    while let Some(row) = table.next().map_err(failed)? {
        let line = row.line;
        let draft = row.fields.and_then(|fields| {
            draft(&origin, &images, &|column| {
                fields.get(column).and_then(meaningful)
            })
        });
        match draft {
            Ok(draft) => {
                accept_once(feed, &mut seen, (&file, line), Imported::Case(draft))?;
            }
            Err(reason) => feed.skip(&file, Some(line), reason),
        }
    }
    Ok(())
}

/// Where each image file lies; the first in sorted order where two are called alike.
fn images_by_name(origin: &Origin) -> HashMap<String, String> {
    let mut images = HashMap::new();
    for path in origin.with_extension(&IMAGE_EXTENSIONS) {
        images.entry(name::last(&path).to_owned()).or_insert(path);
    }
    images
}

fn draft<'a>(
    origin: &Origin,
    images: &HashMap<String, String>,
    cell: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<CaseDraft, String> {
    let file_name = cell("filename").ok_or("names no image file")?;
    let found = match images.get(file_name) {
        Some(path) => origin.image(path),
        None => origin.image_written("images", file_name)?,
    };
    let modality = cell("modality").and_then(Modality::parse);
    let finding = cell("finding").unwrap_or("Unnamed finding");
    let view = [cell("modality"), cell("view")];
    let view: Vec<&str> = view.into_iter().flatten().collect();
    Ok(CaseDraft {
        key: file_name.to_owned(),
        title: format!("{finding}, {}", view.join(" "))
            .trim_end_matches(", ")
            .to_owned(),
        patient: cell("Patientid").map(str::to_owned),
        modality,
        body_part: Some("chest".to_owned()),
        year: cell("date").and_then(year_in),
        language: "en".to_owned(),
        licence: cell("license").map(str::to_owned),
        sections: sections(cell),
        images: vec![ImageDraft {
            key: file_name.to_owned(),
            location: found.location,
            is_missing: found.is_missing,
            modality,
            plane: cell("view").map(str::to_owned),
            ..ImageDraft::default()
        }],
    })
}

fn sections<'a>(cell: &dyn Fn(&str) -> Option<&'a str>) -> Vec<Section> {
    let labelled = |label: &str, column: &str| Some(format!("{label} {}", cell(column)?));
    let joined =
        |parts: Vec<Option<String>>| parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let patient = joined(vec![
        labelled("sex", "sex"),
        labelled("age", "age"),
        labelled("survival", "survival"),
    ]);
    let study = joined(vec![
        labelled("day", "offset"),
        cell("date").map(str::to_owned),
        cell("location").map(str::to_owned),
    ]);
    let source = joined(vec![labelled("doi", "doi"), cell("url").map(str::to_owned)]);
    let text = |column| cell(column).unwrap_or_default();
    [
        section("Patient", &patient),
        section("Finding", text("finding")),
        section("Clinical notes", text("clinical notes")),
        section("Other notes", text("other notes")),
        section("Study", &study),
        section("Source", &source),
    ]
    .into_iter()
    .flatten()
    .collect()
}
