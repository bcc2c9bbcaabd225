//! The boxes of NIH ChestX-ray14: `BBox_List_2017.csv`, a case for every image.
//!
//! The published header is broken, `Bbox [x,y,w,h],,,`: columns are taken by their place. Boxes are
//! in pixels of images of 1024 a side.

use std::collections::BTreeMap;

use semihv_domain::{CaseDraft, ImageDraft, Imported, Modality, RegionDraft, Shape};

use super::required;
use crate::error::{ImportError, Stop};
use crate::feed::Feed;
use crate::importer::ImportRequest;
use crate::origin::{Origin, name};
use crate::rows::delimited::Delimited;

const TABLE: &str = "BBox_List_2017.csv";
const IMAGE_FOLDERS: [&str; 2] = ["images", ""];

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let file = required(
        &origin,
        TABLE,
        "give that file, its folder or the .gz of it",
    )?;
    feed.expect(&origin, std::slice::from_ref(&file));
    let failed = |source| ImportError::Read {
        place: origin.place(&file),
        source,
    };
    let mut table = Delimited::new(feed.open(&origin, &file)?).map_err(failed)?;
    let mut images: BTreeMap<String, Vec<RegionDraft>> = BTreeMap::new();
    let mut is_header = true;
    while let Some(row) = table.next().map_err(failed)? {
        if std::mem::take(&mut is_header) {
            continue;
        }
        match row.fields.and_then(|fields| region(&fields)) {
            Ok((image, region)) => images.entry(image).or_default().push(region),
            Err(reason) => feed.skip(&file, Some(row.line), reason),
        }
    }
    for (image, regions) in images {
        match case(&origin, &file, &image, regions) {
            Ok(case) => feed.accept(Imported::Case(case))?,
            Err(reason) => feed.skip(&file, None, reason),
        }
    }
    Ok(())
}

fn region(fields: &[String]) -> Result<(String, RegionDraft), String> {
    let [image, label, x, y, width, height, ..] = fields else {
        return Err(format!("{} columns instead of six", fields.len()));
    };
    let number = |text: &String| {
        let number = text.trim().parse::<f64>();
        number.map_err(|_| format!("`{text}` is no number"))
    };
    let shape = Shape::Box {
        x: number(x)?,
        y: number(y)?,
        width: number(width)?,
        height: number(height)?,
    };
    if !shape.is_sound() {
        return Err("its box has no sound size".to_owned());
    }
    if name::stem(image).trim().is_empty() {
        return Err("names no image".to_owned());
    }
    let label = label.trim().to_owned();
    Ok((image.trim().to_owned(), RegionDraft::new(label, shape)))
}

fn case(
    origin: &Origin,
    file: &str,
    image: &str,
    regions: Vec<RegionDraft>,
) -> Result<CaseDraft, String> {
    let mut found = None;
    for images in IMAGE_FOLDERS {
        let folder = name::join(name::folder(file), images);
        let folder = folder.unwrap_or_else(|| name::folder(file).to_owned());
        let candidate = origin.image_written(&folder, image)?;
        if found.is_none() || !candidate.is_missing {
            found = Some(candidate);
        }
    }
    let found = found.ok_or("names no image")?;
    let key = name::stem(image).to_owned();
    // `00013118_008`: the patient, and which of their films.
    let patient = key.split_once('_').map(|(patient, _)| patient.to_owned());
    Ok(CaseDraft {
        title: key.clone(),
        patient,
        modality: Some(Modality::XRay),
        body_part: Some("chest".to_owned()),
        language: "en".to_owned(),
        images: vec![ImageDraft {
            key: key.clone(),
            location: found.location,
            is_missing: found.is_missing,
            modality: Some(Modality::XRay),
            regions,
            ..ImageDraft::default()
        }],
        key,
        ..CaseDraft::default()
    })
}
