//! The pictures hold what the table says, and the demo's cases say what the table says.

use std::collections::HashSet;

use image::{DynamicImage, GrayImage};
use semihv_domain::Shape;
use serde_json::Value;

use super::form::Form;
use super::{Finding, Phantom, Tone, draw, phantoms};

const CASES: &str = include_str!("../../../workspace-template/demo/cases.jsonl");

/// Mean grey within the outline and in a ring just outside it.
fn greys(picture: &GrayImage, finding: &Finding) -> (f64, f64) {
    let form = match finding.outline.shape() {
        Shape::Polygon { points } => Form::Polygon(
            points
                .into_iter()
                .map(|(x, y)| (x as f32, y as f32))
                .collect(),
        ),
        _ => finding.outline.form(),
    };
    let (centre, _) = finding.outline.oval();
    let shrunk = |x: f32, y: f32, by: f32| {
        form.distance(
            centre.0 + (x - centre.0) / by,
            centre.1 + (y - centre.1) / by,
        ) < 0.0
    };
    let (mut inside, mut ring) = ((0.0, 0.0), (0.0, 0.0));
    for (x, y, pixel) in picture.enumerate_pixels() {
        let (x, y, grey) = (x as f32, y as f32, f64::from(pixel.0[0]));
        if shrunk(x, y, 1.0) {
            inside = (inside.0 + grey, inside.1 + 1.0);
        } else if shrunk(x, y, 1.6) && !shrunk(x, y, 1.15) {
            ring = (ring.0 + grey, ring.1 + 1.0);
        }
    }
    (inside.0 / inside.1, ring.0 / ring.1)
}

fn cases() -> Vec<Value> {
    CASES
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The file stem of every picture the cases name, with its regions.
fn pictures_of_the_cases() -> Vec<(String, Vec<Value>)> {
    cases()
        .iter()
        .flat_map(|case| case["images"].as_array().unwrap().clone())
        .map(|image| {
            let path = image["path"].as_str().unwrap();
            let stem = path
                .strip_prefix("images/")
                .and_then(|name| name.strip_suffix(".png"));
            let regions = image["regions"].as_array().cloned().unwrap_or_default();
            (stem.unwrap().to_owned(), regions)
        })
        .collect()
}

#[test]
fn every_finding_differs_from_its_surroundings_as_the_table_says() {
    let failures: Vec<String> = phantoms()
        .iter()
        .flat_map(|phantom| {
            let picture = phantom.draw().into_luma8();
            phantom.findings.iter().filter_map(move |finding| {
                let (inside, ring) = greys(&picture, finding);
                let gain = match finding.tone {
                    Tone::Brighter => inside - ring,
                    Tone::Darker => ring - inside,
                };
                (gain < 8.0).then(|| {
                    format!(
                        "{} {}: {inside:.0} within, {ring:.0} around",
                        phantom.key, finding.label
                    )
                })
            })
        })
        .collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn every_finding_lies_in_its_picture() {
    for phantom in phantoms() {
        let picture = phantom.draw();
        for finding in phantom.findings {
            let shape = finding.outline.shape();
            let (x, y, width, height) = shape.bounds();
            let is_within = x >= 0.0
                && y >= 0.0
                && x + width <= f64::from(picture.width())
                && y + height <= f64::from(picture.height());
            assert!(
                shape.is_sound() && is_within,
                "{} {}",
                phantom.key,
                finding.label
            );
        }
    }
}

#[test]
fn pictures_are_the_same_each_time_and_differ_from_each_other() {
    let drawn: Vec<DynamicImage> = phantoms().iter().map(Phantom::draw).collect();
    let again = draw("us-001").unwrap();
    assert!(drawn.contains(&again));
    let distinct: HashSet<&[u8]> = drawn.iter().map(DynamicImage::as_bytes).collect();
    assert_eq!(distinct.len(), drawn.len());
}

#[test]
fn a_key_that_nobody_knows_has_no_picture() {
    assert!(draw("ct-999").is_none());
}

#[test]
fn one_picture_has_sixteen_bits_and_the_slides_have_colour() {
    assert!(matches!(draw("ct-009"), Some(DynamicImage::ImageLuma16(_))));
    assert!(matches!(draw("ct-001"), Some(DynamicImage::ImageLuma8(_))));
    assert!(matches!(draw("hp-001"), Some(DynamicImage::ImageRgb8(_))));
}

#[test]
fn the_cases_name_every_picture_once_and_no_other() {
    let mut named: Vec<String> = pictures_of_the_cases()
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    named.sort();
    let mut drawn: Vec<&str> = phantoms().iter().map(|phantom| phantom.key).collect();
    drawn.sort_unstable();
    assert_eq!(named, drawn);
}

#[test]
fn the_regions_of_the_cases_are_the_findings_that_are_drawn() {
    for (key, regions) in pictures_of_the_cases() {
        let phantom = phantoms()
            .iter()
            .find(|phantom| phantom.key == key)
            .unwrap();
        let written: Vec<(String, Shape)> = regions
            .iter()
            .map(|region| {
                let shape = serde_json::from_value(region.clone()).unwrap();
                (region["label"].as_str().unwrap().to_owned(), shape)
            })
            .collect();
        let drawn: Vec<(String, Shape)> = phantom
            .findings
            .iter()
            .map(|finding| (finding.label.to_owned(), finding.outline.shape()))
            .collect();
        assert_eq!(written, drawn, "{key}");
    }
}
