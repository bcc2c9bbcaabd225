//! Region files of others, against what pydicom and nibabel find in them.

use super::*;
use crate::test_data::{crc32, data};
use crate::{Extent, Scan};

fn golden() -> serde_json::Value {
    serde_json::from_str(include_str!("../../../tests/golden/regions.json")).unwrap()
}

fn opened(path: &std::path::Path) -> RegionFile {
    RegionFile::open(std::fs::read(path).unwrap(), None, Limits::default()).unwrap()
}

/// One byte a pixel, as the script has it.
fn said(mask: Option<&Mask>, extent: Extent) -> (usize, u32) {
    let inside = |x, y| mask.is_some_and(|mask| mask.contains(x, y));
    let all = (0..extent.height).flat_map(|y| (0..extent.width).map(move |x| (x, y)));
    let bytes: Vec<u8> = all.map(|(x, y)| u8::from(inside(x, y))).collect();
    let pixels = bytes.iter().map(|it| usize::from(*it)).sum();
    (pixels, crc32(&bytes))
}

fn compare(file: &RegionFile, onto: &Geometry, expected: &serde_json::Value, cut: Cut) {
    let slices = expected["slices"].as_array().unwrap();
    assert!(!slices.is_empty());
    for known in slices {
        let number = |name: &str| known[name].as_u64().unwrap() as u32;
        let place = Place {
            cut,
            slice: number("slice"),
            time: 0,
        };
        let mask = file.mask(number("segment"), onto, place).unwrap();
        let found = said(mask.as_ref(), onto.slice_extent(cut));
        assert_eq!(
            found,
            (number("pixels") as usize, number("crc32")),
            "{known}"
        );
    }
    // Slices that are not named hold nothing.
    let total: u64 = slices.iter().map(|it| it["pixels"].as_u64().unwrap()).sum();
    let mut seen = 0;
    for number in slices
        .iter()
        .map(|it| it["segment"].as_u64().unwrap() as u32)
        .collect::<std::collections::BTreeSet<_>>()
    {
        for slice in 0..onto.slices(cut) {
            let place = Place {
                cut,
                slice,
                time: 0,
            };
            let mask = file.mask(number, onto, place).unwrap();
            seen += mask.map_or(0, |mask| mask.pixels().count() as u64);
        }
    }
    assert_eq!(seen, total);
}

#[test]
fn segmentations_hold_what_pydicom_finds() {
    let Some(data) = data() else { return };
    for (name, expected) in golden()["segmentations"].as_object().unwrap() {
        let file = opened(&data.join(name));
        for (number, label) in expected["names"].as_object().unwrap() {
            let segment = file.segment(number.parse().unwrap()).unwrap();
            assert_eq!(segment.name, label.as_str().unwrap(), "{name}");
        }
        let Content::Layers(layers) = &file.content else {
            panic!("{name} holds frames");
        };
        println!("{name}: {:?}", layers.geometry());
        compare(&file, layers.geometry(), expected, Cut::Stored);
    }
}

#[test]
fn label_maps_lie_on_other_scans_where_nibabel_puts_them() {
    let Some(data) = data() else { return };
    for known in golden()["label_maps"].as_array().unwrap() {
        let path = |name: &str| data.join(known[name].as_str().unwrap());
        let file = opened(&path("file"));
        assert_eq!(
            file.segments().len() as u64,
            known["labels"].as_u64().unwrap()
        );
        let scan = std::fs::read(path("scan")).unwrap();
        let scan = Scan::open(scan, None, Limits::default()).unwrap();
        compare(&file, &scan.geometry, known, Cut::Stored);
    }
}

#[test]
fn a_segmentation_lies_on_the_picture_that_it_was_drawn_on() {
    let Some(data) = data() else { return };
    let folder = data.join("dicom");
    let seg = folder.join("highdicom-test-files/seg_image_ct_binary_single_frame.dcm");
    let file = opened(&seg);
    let scan = std::fs::read(folder.join("pydicom-test-files/CT_small.dcm")).unwrap();
    let scan = Scan::open(scan, None, Limits::default()).unwrap();
    let look = scan.first_look();
    let mask = file.mask(1, &scan.geometry, look.place).unwrap().unwrap();
    let known = &golden()["segmentations"]["dicom/highdicom-test-files/seg_image_ct_binary_single_frame.dcm"]
        ["slices"][0];
    assert_eq!(
        mask.pixels().count() as u64,
        known["pixels"].as_u64().unwrap()
    );
    let presence = file.presence(1, &scan.geometry, look.place.cut).unwrap();
    assert_eq!(presence.largest(), Some(0));
}

#[test]
fn contours_of_a_structure_set_are_filled_where_they_lie() {
    let Some(data) = data() else { return };
    let file = opened(&data.join("dicom/pydicom-test-files/rtstruct.dcm"));
    let names: Vec<&str> = file.segments().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let grid = Geometry {
        extent: [512, 512, 120],
        spacing: Some([1.0, 1.0, 2.5]),
        directions: Some([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        origin: [-256.0, -256.0, -250.0],
    };
    for cut in [Cut::Axial, Cut::Coronal] {
        let presence = file.presence(1, &grid, cut).unwrap();
        let slice = presence.largest().unwrap();
        let place = Place {
            cut,
            slice,
            time: 0,
        };
        assert!(file.mask(1, &grid, place).unwrap().is_some(), "{cut}");
    }
    // Its first contour is a box of 400 x 300 mm, 200 mm below the middle.
    let place = Place {
        cut: Cut::Axial,
        slice: 20,
        time: 0,
    };
    let mask = file.mask(1, &grid, place).unwrap().unwrap();
    assert_eq!(
        (mask.left, mask.top, mask.width, mask.height),
        (56, 106, 400, 300)
    );
    assert_eq!(mask.pixels().count(), 400 * 300);
    // A point is one pixel.
    let place = Place {
        slice: 100,
        ..place
    };
    let point = file.mask(2, &grid, place).unwrap().unwrap();
    assert_eq!(
        (point.left, point.top, point.pixels().count()),
        (256, 256, 1)
    );
    let flat = Geometry::flat([512, 512, 1]);
    let error = file.mask(1, &flat, Place::default()).unwrap_err();
    assert_eq!(error, RegionError::NoPlace);
}

#[test]
fn a_grey_ramp_is_one_thing_with_soft_edges_and_few_values_are_labels() {
    let png = |picture: image::GrayImage| {
        let bytes = crate::png(&picture.into()).unwrap();
        RegionFile::open(bytes, None, Limits::default()).unwrap()
    };
    let soft = png(image::GrayImage::from_fn(64, 4, |x, _| {
        image::Luma([(x * 4) as u8])
    }));
    assert_eq!(soft.segments().len(), 1);
    let onto = Geometry::flat([64, 4, 1]);
    let mask = soft.mask(255, &onto, Place::default()).unwrap().unwrap();
    assert_eq!((mask.left, mask.width), (32, 32));
    let few = png(image::GrayImage::from_fn(6, 4, |x, _| {
        image::Luma([(x / 2 * 7) as u8])
    }));
    let names: Vec<&str> = few.segments().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["label 7", "label 14"]);
    assert_eq!(
        few.mask(9, &Geometry::flat([6, 4, 1]), Place::default()),
        Ok(None)
    );
    // A picture without a finding has an empty mask.
    let empty = png(image::GrayImage::new(4, 4));
    let onto = Geometry::flat([4, 4, 1]);
    assert_eq!(empty.mask(ALL_SEGMENTS, &onto, Place::default()), Ok(None));
    assert_eq!(
        empty.presence(1, &onto, Cut::Stored).unwrap().largest(),
        None
    );
}
