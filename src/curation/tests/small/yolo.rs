//! YOLO's label files, with every line that is none.

use std::fs;

use semihv_curation::read_bytes;

use crate::archives::{gzip_of, tar_of, zip_of};
use crate::given::{bitmap, cases, drawn, folder, import, keys, reasons};

const YAML: &[u8] = b"path: ../set\ntrain: images/train\nnames:\n  0: nodule\n  1: 'effusion'\n";

#[test]
fn boxes_and_polygons_are_in_pixels_under_their_names() {
    let labels = b"0 0.5 0.5 0.5 0.5\n1 0.5 0.5 0.25 0.5 0.87\n\n7 0 0 1 0 1 1\n";
    let folder = folder(&[
        ("data.yaml", YAML),
        ("images/train/a.bmp", &bitmap(200, 100)),
        ("labels/train/a.txt", labels),
    ]);
    let read = import("yolo", folder.path());
    let case = cases(&read)[0];
    assert_eq!((case.key.as_str(), case.title.as_str()), ("a", "a"));
    assert!(!case.images[0].is_missing);
    assert_eq!(
        drawn(case),
        [
            "nodule box 50 25 100 50",
            "effusion box 75 25 50 50",
            "class 7 Polygon { points: [(0.0, 0.0), (200.0, 0.0), (200.0, 100.0)] }",
        ]
    );
    assert_eq!(reasons(&read), [""; 0]);
}

#[test]
fn bad_lines_are_said_and_cost_no_other() {
    let labels = b"0 0.5 0.5 0.5\n0 nan 0.5 0.5 0.5\nnodule 0.5 0.5 0.5 0.5\n0 0.5 0.5 0.5 0.5\n\
        0 50 0.5 0.5 0.5\n0 0.5 0.5 0.5 wide\n0 1.01 0.5 0.001 0.5\n0 \xff\n0 0.9 0.5 0.4 1.005\n\
        0 0 0 1 0 1 1 0\n";
    let folder = folder(&[
        ("images/a.bmp", &bitmap(100, 100)),
        ("labels/a.txt", labels),
    ]);
    let read = import("yolo", folder.path());
    assert_eq!(
        drawn(cases(&read)[0]),
        ["class 0 box 25 25 50 50", "class 0 box 70 0 30 100",]
    );
    let wrong_count = "numbers behind the class make neither a box (4, or one more with a \
        confidence) nor a polygon (pairs, at least three)";
    assert_eq!(
        reasons(&read),
        [
            &format!("labels/a.txt:1: 3 {wrong_count}"),
            "labels/a.txt:2: `nan` is no number",
            "labels/a.txt:3: `nodule` is no class number",
            "labels/a.txt:5: `50` is no part of the picture, 0 to 1",
            "labels/a.txt:6: `wide` is no number",
            "labels/a.txt:8: invalid UTF-8 at byte 3",
            &format!("labels/a.txt:10: 7 {wrong_count}"),
            "labels/a.txt:7: its box lies outside of the picture",
        ]
    );
}

#[test]
fn images_without_labels_are_cases_and_labels_without_images_are_not() {
    let folder = folder(&[
        ("images/a.png", b"never looked at"),
        ("images/b.png", b"nor this: its label file is empty"),
        ("images/c.png", b"no picture"),
        ("labels/b.txt", b"\n"),
        ("labels/c.txt", b"0 0.5 0.5 0.5 0.5"),
        ("labels/z.txt", b"0 0.5 0.5 0.5 0.5"),
        ("labels/train.txt", b""),
        ("labels/classes.txt", b"nodule"),
        ("README.dataset.txt", b"about"),
        ("train.txt", b"images/a.png"),
        ("masks/a.png", b"x"),
    ]);
    let read = import("yolo", folder.path());
    assert_eq!(keys(&read), ["a", "b", "c"]);
    assert!(cases(&read).iter().all(|case| drawn(case).is_empty()));
    assert_eq!(
        reasons(&read),
        [
            "masks/a.png: lies outside of the folder `images` and has no label file",
            "labels/c.txt: its regions have no place, images/c.png has no known size: this is no \
             PNG, JPEG, TIFF, WebP, GIF, BMP, DICOM, NIfTI or NPY file; convert it to one of them",
            "labels/train.txt: no image belongs to this label file",
            "labels/z.txt: no image belongs to this label file",
        ]
    );
}

#[test]
fn labels_may_lie_beside_their_images_as_darknet_has_it() {
    let line = b"1 0.5 0.5 1 1";
    let folder = folder(&[
        ("obj.names", b"cell\nnucleus\n"),
        ("obj_train_data/a.bmp", &bitmap(8, 4)),
        ("obj_train_data/a.txt", line),
        ("obj_train_data/lost.txt", line),
        ("obj_train_data/train.txt", line),
        ("VOC/JPEGImages/b.bmp", &bitmap(2, 2)),
        ("VOC/labels/b.txt", line),
    ]);
    let read = import("yolo", folder.path());
    assert_eq!(keys(&read), ["b", "a"]);
    assert_eq!(drawn(cases(&read)[0]), ["nucleus box 0 0 2 2"]);
    assert_eq!(drawn(cases(&read)[1]), ["nucleus box 0 0 8 4"]);
    assert_eq!(
        reasons(&read),
        ["obj_train_data/lost.txt: no image belongs to this label file"]
    );
}

#[test]
fn stems_that_come_twice_are_told_apart_by_their_path() {
    let folder = folder(&[
        ("train/images/a.bmp", &bitmap(2, 2)),
        ("train/labels/a.txt", b"0 0.5 0.5 1 1"),
        ("valid/images/a.bmp", &bitmap(4, 4)),
        ("valid/labels/a.txt", b"0 0.5 0.5 1 1"),
        ("valid/Images/b.bmp", &bitmap(4, 4)),
        ("valid/Labels/b.txt", b"0 0.5 0.5 1 1"),
    ]);
    let read = import("yolo", folder.path());
    assert_eq!(keys(&read), ["train/images/a", "b", "valid/images/a"]);
    for case in &cases(&read)[1..] {
        assert_eq!(drawn(case), ["class 0 box 0 0 4 4"]);
    }
    assert_eq!(cases(&read)[2].images[0].key, "a");
    let again = import("yolo", folder.path());
    assert_eq!(read, again, "a second import finds the same rows");
}

#[test]
fn the_names_of_another_set_are_not_taken() {
    let line = b"0 0.5 0.5 1 1";
    let folder = folder(&[
        ("a/data.yaml", b"names: [polyp]"),
        ("a/images/1.bmp", &bitmap(2, 2)),
        ("a/labels/1.txt", line),
        ("b/hyp.yaml", b"lr0: 0.01"),
        ("b/images/2.bmp", &bitmap(2, 2)),
        ("b/labels/2.txt", line),
        ("b/labels/classes.txt", b"tumour\n"),
        ("c/set.yml", b"names: [unclosed"),
        ("c/images/3.bmp", &bitmap(2, 2)),
        ("c/labels/3.txt", line),
        ("d/data.yaml", b"kpt_shape: [2, 2]\nnames: ['hand']"),
        ("d/images/4.bmp", &bitmap(2, 2)),
        ("d/labels/4.txt", b"0 0.5 0.5 1 1 0.1 0.1 0.2 0.2"),
    ]);
    let read = import("yolo", folder.path());
    let drawn: Vec<String> = cases(&read).iter().flat_map(|case| drawn(case)).collect();
    assert_eq!(
        drawn,
        [
            "polyp box 0 0 2 2",
            "tumour box 0 0 2 2",
            "class 0 box 0 0 2 2",
            "hand box 0 0 2 2",
        ]
    );
    assert_eq!(reasons(&read), ["c/set.yml:1: its names are no sound list"]);
}

#[test]
fn a_yaml_file_that_lies_elsewhere_counts_where_it_is_the_only_one() {
    let folder = folder(&[
        ("config/set.yaml", b"names:\n- polyp\n"),
        ("images/1.bmp", &bitmap(2, 2)),
        ("labels/1.txt", b"0 0.5 0.5 1 1"),
    ]);
    let read = import("yolo", folder.path());
    assert_eq!(drawn(cases(&read)[0]), ["polyp box 0 0 2 2"]);
}

/// A TIFF whose header stands behind its pixels.
fn late_tiff(pixels: usize) -> Vec<u8> {
    let mut bytes = b"II*\0".to_vec();
    bytes.extend((pixels as u32 + 8).to_le_bytes());
    bytes.extend(vec![0; pixels]);
    let entries: [(u16, u32); 8] = [
        (256, 40),
        (257, 20),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (278, 20),
        (279, 800),
    ];
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(4_u16.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}

#[test]
fn a_header_at_the_end_of_a_large_file_is_found() {
    let mut cut_off = late_tiff(300_000);
    cut_off.truncate(299_000);
    let folder = folder(&[
        ("images/a.tif", &late_tiff(300_000)),
        ("images/b.tif", &late_tiff(100_000)),
        ("images/c.tif", &cut_off),
        ("labels/a.txt", b"0 0.5 0.5 1 1"),
        ("labels/b.txt", b"0 0.5 0.5 1 1"),
        ("labels/c.txt", b"0 0.5 0.5 1 1"),
    ]);
    let read = import("yolo", folder.path());
    assert_eq!(drawn(cases(&read)[0]), ["class 0 box 0 0 40 20"]);
    assert_eq!(drawn(cases(&read)[1]), ["class 0 box 0 0 40 20"]);
    assert_eq!(drawn(cases(&read)[2]), [""; 0]);
    let said = &reasons(&read)[0];
    assert!(
        said.starts_with(
            "labels/c.txt: its regions have no place, images/c.tif has no known size: the TIFF \
             file is damaged"
        ),
        "{said}"
    );
}

#[test]
fn archives_are_read_in_place() {
    let picture = bitmap(8, 4);
    let files: [(&str, &[u8]); 3] = [
        ("set/data.yaml", YAML),
        ("set/images/a.bmp", &picture),
        ("set/labels/a.txt", b"0 0.5 0.5 1 1"),
    ];
    let folder = folder(&[]);
    for (name, bytes) in [
        ("a.zip", zip_of(&files)),
        ("b.tar", tar_of(&files)),
        ("c.tgz", gzip_of(&tar_of(&files))),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let read = import("yolo", &path);
        assert_eq!(drawn(cases(&read)[0]), ["nodule box 0 0 8 4"], "{name}");
        let location = &cases(&read)[0].images[0].location;
        assert_eq!(read_bytes(location).unwrap(), picture, "{name}");
    }
}
