//! COCO object detection: one JSON file of `images`, `annotations` and `categories`
//! (cocodataset.org, format-data); a case for every image, a region for every annotation.

use std::collections::HashMap;
use std::io::Read;

use semihv_domain::{CaseDraft, ImageDraft, Imported, RegionDraft, Shape};
use serde::Deserialize;

use super::{accept_once, required_files};
use crate::error::{ImportError, Stop};
use crate::feed::{Feed, Seen};
use crate::importer::ImportRequest;
use crate::origin::{Origin, name};
use crate::text::Scalar;

/// Files beyond this are not taken into memory.
const MOST_BYTES: u64 = 512 << 20;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    images: Vec<ImageRow>,
    #[serde(default)]
    annotations: Vec<AnnotationRow>,
    #[serde(default)]
    categories: Vec<CategoryRow>,
}

#[derive(Deserialize)]
struct ImageRow {
    id: Scalar,
    file_name: String,
}

#[derive(Deserialize)]
struct AnnotationRow {
    image_id: Scalar,
    #[serde(default)]
    category_id: Scalar,
    #[serde(default)]
    bbox: Vec<f64>,
    /// Polygons; run lengths, which are an object, are left to the box.
    #[serde(default)]
    segmentation: serde_json::Value,
}

#[derive(Deserialize)]
struct CategoryRow {
    id: Scalar,
    name: String,
}

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let files = required_files(
        &origin,
        &["json"],
        "file called *.json",
        "give the file with images, annotations and categories, or its folder",
    )?;
    feed.expect(&origin, &files);
    let mut cases = Seen::default();
    for file in &files {
        match parsed(feed, &origin, file)? {
            Ok(content) => take(feed, &origin, file, content, &mut cases)?,
            Err(reason) => feed.skip(file, None, reason),
        }
    }
    Ok(())
}

fn parsed(feed: &mut Feed<'_>, origin: &Origin, file: &str) -> Result<Result<File, String>, Stop> {
    let mut bytes = Vec::new();
    let read = feed
        .open(origin, file)?
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes);
    read.map_err(|source| ImportError::Read {
        place: origin.place(file),
        source,
    })?;
    if bytes.len() as u64 > MOST_BYTES {
        let reason = format!("files over {} MB are not read", MOST_BYTES >> 20);
        return Ok(Err(reason));
    }
    Ok(serde_json::from_slice(&bytes).map_err(|error| format!("no COCO file: {error}")))
}

fn take(
    feed: &mut Feed<'_>,
    origin: &Origin,
    file: &str,
    content: File,
    cases: &mut Seen,
) -> Result<(), Stop> {
    let names: HashMap<String, String> = content
        .categories
        .into_iter()
        .map(|category| (category.id.0, category.name))
        .collect();
    let mut regions: HashMap<String, Vec<RegionDraft>> = HashMap::new();
    for (number, row) in (1_u64..).zip(content.annotations) {
        let label = names
            .get(&row.category_id.0)
            .map_or("region", String::as_str);
        let shapes = shapes(&row);
        if shapes.is_empty() {
            let reason = format!("annotation {number} has neither a sound box nor a polygon");
            feed.skip(file, None, reason);
        }
        let drafts = shapes
            .into_iter()
            .map(|shape| RegionDraft::new(label, shape));
        regions.entry(row.image_id.0).or_default().extend(drafts);
    }
    for (number, row) in (1_u64..).zip(content.images) {
        let key = name::stem(&row.file_name).to_owned();
        let found = match origin.image_written(name::folder(file), &row.file_name) {
            Ok(found) if !key.trim().is_empty() => found,
            Ok(_) => {
                feed.skip(file, None, format!("image {number} has no name"));
                continue;
            }
            Err(reason) => {
                feed.skip(file, None, reason);
                continue;
            }
        };
        let case = CaseDraft {
            title: key.clone(),
            language: "en".to_owned(),
            images: vec![ImageDraft {
                key: key.clone(),
                location: found.location,
                is_missing: found.is_missing,
                regions: regions.remove(&row.id.0).unwrap_or_default(),
                ..ImageDraft::default()
            }],
            key,
            ..CaseDraft::default()
        };
        accept_once(feed, cases, (file, number), Imported::Case(case))?;
    }
    let orphans: usize = regions.values().map(Vec::len).sum();
    if orphans > 0 {
        feed.skip(
            file,
            None,
            format!("{orphans} regions name no image of the file"),
        );
    }
    Ok(())
}

/// The polygons where there are some, else the box.
fn shapes(row: &AnnotationRow) -> Vec<Shape> {
    let polygons = row.segmentation.as_array().into_iter().flatten();
    let polygons = polygons.filter_map(|polygon| {
        let numbers: Option<Vec<f64>> = polygon
            .as_array()?
            .iter()
            .map(serde_json::Value::as_f64)
            .collect();
        let numbers = numbers?;
        let (points, _) = numbers.as_chunks::<2>();
        (points.len() > 2).then(|| Shape::Polygon {
            points: points.iter().map(|[x, y]| (*x, *y)).collect(),
        })
    });
    let polygons: Vec<Shape> = polygons.filter(Shape::is_sound).collect();
    if !polygons.is_empty() {
        return polygons;
    }
    let &[x, y, width, height] = row.bbox.as_slice() else {
        return Vec::new();
    };
    let shape = Shape::Box {
        x,
        y,
        width,
        height,
    };
    Some(shape).filter(Shape::is_sound).into_iter().collect()
}
