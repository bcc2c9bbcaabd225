//! `regions`: what is outlined on an image, said, drawn, named and erased.

use semihv_domain::{Failure, FailureKind, Image, RegionDraft, RegionId, RegionSlice, Shape};
use semihv_engine::{Edit, Engine};
use semihv_imaging::Scan;

use crate::args::{Numbers, RegionArguments};
use crate::output::{Output, VerbError};

pub(crate) fn regions(
    engine: &Engine,
    asked: &RegionArguments,
    output: &mut Output,
) -> Result<(), VerbError> {
    let image = found(engine, &asked.image)?;
    for edit in edits(engine, asked, &image)? {
        engine.edit(&edit)?;
    }
    let image = found(engine, &asked.image)?;
    if output.is_json() {
        return Ok(output.json(&serde_json::json!({
            "image": image.key, "regions": image.regions,
        }))?);
    }
    for region in &image.regions {
        let slice = region
            .slice
            .map(|on| format!(", {} slice {}", on.cut, on.slice + 1))
            .unwrap_or_default();
        let by = match region.written {
            Some(_) => format!("drawn by {}", region.author),
            None => format!("of {}", region.author),
        };
        let (id, label, shape) = (region.id.0, &region.label, said(&region.shape));
        output.line(&format!("{id}  {label}: {shape}{slice}, {by}"))?;
    }
    if image.regions.is_empty() {
        output.line("no regions")?;
    }
    Ok(())
}

fn found(engine: &Engine, key: &str) -> Result<Image, Failure> {
    engine.find_image(key)?.ok_or_else(|| {
        let summary = format!("there is no image {key:?}");
        Failure::new("regions", FailureKind::User, summary)
            .with_hint("`semihv case KEY` lists the images of a case")
    })
}

fn said(shape: &Shape) -> String {
    let (x, y, width, height) = shape.bounds();
    match shape {
        Shape::Box { .. } => format!("box {width} x {height} at {x}, {y}"),
        Shape::Ellipse { .. } => format!("ellipse {width} x {height} at {x}, {y}"),
        Shape::Polygon { points } => {
            format!(
                "polygon of {} points, {width} x {height} at {x}, {y}",
                points.len()
            )
        }
        Shape::Point { .. } => format!("point {x}, {y}"),
        Shape::Mask { file, segment: 0 } => format!("all of {file}"),
        Shape::Mask { file, segment } => format!("segment {segment} of {file}"),
    }
}

fn edits(engine: &Engine, asked: &RegionArguments, image: &Image) -> Result<Vec<Edit>, Failure> {
    let label = asked.label.clone();
    if let Some(id) = asked.erase {
        return Ok(vec![Edit::EraseRegion {
            region: RegionId(id),
        }]);
    }
    if let (Some(id), Some(label)) = (asked.name, label.clone()) {
        return Ok(vec![Edit::NameRegion {
            region: RegionId(id),
            label,
        }]);
    }
    if let Some(path) = &asked.file {
        return of_file(engine, (path, label), image);
    }
    let shape = match (asked.square, asked.point) {
        (Some(Numbers([x, y, width, height])), _) => Shape::Box {
            x,
            y,
            width,
            height,
        },
        (_, Some(Numbers([x, y]))) => Shape::Point { x, y },
        _ => return Ok(Vec::new()),
    };
    let scan = engine.open_scan(&image.location)?;
    let slice = slice(&scan, asked)?;
    let region = RegionDraft {
        slice,
        ..RegionDraft::new(label.unwrap_or_else(|| "region".to_owned()), shape)
    };
    Ok(vec![Edit::DrawRegion {
        image: image.id,
        region,
    }])
}

/// Counted from 1 by people, from 0 inside.
fn slice(scan: &Scan, asked: &RegionArguments) -> Result<Option<RegionSlice>, Failure> {
    let Some(number) = asked.slice else {
        return Ok(None);
    };
    let cut = asked.plane.unwrap_or_else(|| scan.geometry.natural_cut());
    let slices = scan.geometry.slices(cut);
    let slice = number.checked_sub(1).filter(|slice| *slice < slices);
    let Some(slice) = slice else {
        let summary = format!("there is no {cut} slice {number}");
        return Err(Failure::new("regions", FailureKind::User, summary)
            .with_hint(format!("choose one from 1 to {slices}")));
    };
    Ok(Some(RegionSlice { cut, slice }))
}

/// A region for every segment; the file must fit the image before anything is stored.
fn of_file(
    engine: &Engine,
    (path, label): (&std::path::Path, Option<String>),
    image: &Image,
) -> Result<Vec<Edit>, Failure> {
    let file = engine.known_location(path)?;
    let regions = engine.open_regions(&file)?;
    let scan = engine.open_scan(&image.location)?;
    let look = scan.first_look();
    regions
        .mask(semihv_imaging::ALL_SEGMENTS, &scan.geometry, look.place)
        .map_err(|error| Failure::of("regions", FailureKind::Data, &error))?;
    let segments = regions.segments().iter();
    let edits = segments.map(|segment| Edit::DrawRegion {
        image: image.id,
        region: RegionDraft::new(
            label.clone().unwrap_or_else(|| segment.name.clone()),
            Shape::Mask {
                file: file.clone(),
                segment: segment.number,
            },
        ),
    });
    let edits: Vec<Edit> = edits.collect();
    if edits.is_empty() {
        let summary = format!("nothing is outlined in {}", path.display());
        return Err(Failure::new("regions", FailureKind::Data, summary));
    }
    Ok(edits)
}
