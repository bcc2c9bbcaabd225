//! Images and their masks, told by their names.

use std::fs;

use semihv_curation::read_bytes;
use semihv_domain::{Modality, Shape};

use crate::archives::{gzip_of, tar_of, zip_of};
use crate::given::{Read, cases, drawn, folder, import, keys, reasons};

/// Each case with its images, and the regions of the first.
fn said(read: &Read) -> Vec<String> {
    let case = |case: &&semihv_domain::CaseDraft| {
        let images: Vec<&str> = case.images.iter().map(|image| image.key.as_str()).collect();
        format!(
            "{}: {}: {}",
            case.key,
            images.join(", "),
            drawn(case).join(", ")
        )
    };
    cases(read).iter().map(case).collect()
}

#[test]
fn a_mask_lies_in_a_folder_of_its_own_or_beside_the_image() {
    for (image, mask) in [
        ("images/a.jpg", "masks/a.png"),
        ("images/a.jpg", "mask/a_mask.png"),
        ("images/p1/a.tif", "Labels/p1/a.png"),
        ("train/images/a.npy", "train/annotations/a-mask.npy"),
        ("a.nii.gz", "segmentations/a.nii"),
        ("x/a.nii", "x/a_seg.nii.gz"),
        ("x/a.dcm", "x/a_label.dcm"),
        ("x/a.png", "x/a_segmentation.png"),
    ] {
        let folder = folder(&[(image, b"x"), (mask, b"y")]);
        let read = import("masks", folder.path());
        let last = mask.rsplit('/').next().unwrap();
        assert_eq!(said(&read), [format!("a: a: mask {last} 0")], "{mask}");
        assert_eq!(reasons(&read), [""; 0], "{mask}");
        let image = &cases(&read)[0].images[0];
        let Shape::Mask { file, .. } = &image.regions[0].shape else {
            panic!("{image:?}")
        };
        assert_eq!(read_bytes(file).unwrap(), b"y");
        assert!(!image.is_missing);
    }
}

#[test]
fn images_without_masks_are_cases_and_masks_without_images_are_not() {
    let folder = folder(&[
        ("images/a.png", b"x"),
        ("images/b.png", b"x"),
        ("images/notes.csv.gz", b"no volume"),
        ("masks/b.png", b"x"),
        ("masks/b_mask_1.png", b"x"),
        ("masks/c.png", b"x"),
        ("masks/deeper/a.png", b"x"),
        ("lost_mask.png", b"x"),
    ]);
    let read = import("masks", folder.path());
    assert_eq!(
        said(&read),
        ["a: a: ", "b: b: mask b.png 0, mask b_mask_1.png 0"]
    );
    assert_eq!(
        reasons(&read),
        [
            "masks/c.png: no image belongs to this mask",
            "lost_mask.png: no image belongs to this mask",
            "masks/deeper/a.png: no image belongs to this mask",
        ]
    );
}

#[test]
fn a_decathlon_set_names_its_numbers_and_its_modality() {
    let json = br#"{"name":"LIVER","licence":"CC-BY-SA 4.0","modality":{"0":"CT"},
        "labels":{"0":"background","1":"liver","2":"cancer"}}"#;
    let folder = folder(&[
        ("Task03/dataset.json", json),
        ("Task03/imagesTr/liver_0001.nii.gz", b"x"),
        ("Task03/imagesTr/._liver_0001.nii.gz", b"litter"),
        ("Task03/labelsTr/liver_0001.nii.gz", b"x"),
        ("Task03/imagesTs/liver_7.nii.gz", b"x"),
    ]);
    let read = import("masks", folder.path());
    assert_eq!(
        said(&read),
        [
            "liver_0001: liver_0001: liver liver_0001.nii.gz 1, cancer liver_0001.nii.gz 2",
            "liver_7: liver_7: ",
        ]
    );
    let case = cases(&read)[0];
    assert_eq!(case.modality, Some(Modality::Ct));
    assert_eq!(case.images[0].modality, Some(Modality::Ct));
    assert_eq!(case.licence.as_deref(), Some("CC-BY-SA 4.0"));
    assert_eq!(reasons(&read), [""; 0]);
}

#[test]
fn channels_of_nnunet_are_images_of_one_case() {
    let json = br#"{"channel_names":{"0":"CT","1":"PET"},"file_ending":".nii.gz",
        "labels":{"background":0,"whole":[1,2],"core":2,"odd":"x"}}"#;
    let folder = folder(&[
        ("dataset.json", json),
        ("imagesTr/a_0000.nii.gz", b"x"),
        ("imagesTr/a_0001.nii.gz", b"x"),
        ("labelsTr/a.nii.gz", b"x"),
        ("imagesTs/b_0000.nii.gz", b"x"),
        ("imagesTs/b_0001.nii.gz", b"x"),
    ]);
    let read = import("masks", folder.path());
    assert_eq!(
        said(&read),
        [
            "a: a_0000, a_0001: whole a.nii.gz 1, core a.nii.gz 2, whole a.nii.gz 2",
            "b: b_0000, b_0001: ",
        ]
    );
    let images = &cases(&read)[0].images;
    assert_eq!(images[1].regions, images[0].regions);
    assert_eq!(images[1].modality, Some(Modality::Nuclear));
    assert_eq!(cases(&read)[0].modality, None);
    assert_eq!(
        reasons(&read),
        ["dataset.json: the label `odd` has neither a number nor a name"]
    );
}

#[test]
fn channels_are_seen_without_a_data_set_file() {
    let folder = folder(&[
        ("imagesTr/a_0000.nii", b"x"),
        ("imagesTr/b_0000.nii", b"x"),
        ("labelsTr/a.nii", b"x"),
        ("imagesTs/c_0000.nii", b"x"),
        ("other/imagesTs/d_0000.nii", b"x"),
    ]);
    let read = import("masks", folder.path());
    assert_eq!(
        said(&read),
        [
            "a: a_0000: mask a.nii 0",
            "b: b_0000: ",
            "c: c_0000: ",
            "d_0000: d_0000: ",
        ]
    );
}

#[test]
fn a_list_names_the_numbers_where_no_data_set_does() {
    let folder = folder(&[
        ("images/a.png", b"x"),
        ("masks/a.png", b"x"),
        ("masks/classes.txt", b"0 background\n1 polyp\npolyp\n5 tool"),
        ("dataset.json", b"{broken"),
    ]);
    let read = import("masks", folder.path());
    assert_eq!(said(&read), ["a: a: polyp a.png 1, tool a.png 5"]);
    assert_eq!(
        reasons(&read),
        [
            "dataset.json: not JSON: key must be a string at line 1 column 2",
            "masks/classes.txt:3: `polyp` has no number and name",
        ]
    );
}

#[test]
fn stems_that_come_twice_are_told_apart_by_their_path() {
    let folder = folder(&[
        ("images/train/a.png", b"x"),
        ("images/val/a.png", b"x"),
        ("images/val/b.jpg", b"x"),
        ("images/val/b.png", b"x"),
        ("masks/val/a.png", b"x"),
    ]);
    let read = import("masks", folder.path());
    assert_eq!(
        keys(&read),
        [
            "images/train/a",
            "images/val/a",
            "images/val/b.jpg",
            "images/val/b.png",
        ]
    );
    assert!(drawn(cases(&read)[0]).is_empty());
    assert_eq!(drawn(cases(&read)[1]), ["mask a.png 0"]);
    let again = import("masks", folder.path());
    assert_eq!(read, again, "a second import finds the same rows");
}

#[test]
fn archives_are_read_in_place() {
    let files: [(&str, &[u8]); 3] = [
        ("set/dataset.json", br#"{"labels":{"a":1}}"#),
        ("set/images/a.png", b"image"),
        ("set/masks/a.png", b"mask"),
    ];
    let folder = folder(&[]);
    for (name, bytes) in [
        ("a.zip", zip_of(&files)),
        ("b.tar", tar_of(&files)),
        ("c.tgz", gzip_of(&tar_of(&files))),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let read = import("masks", &path);
        let region = &cases(&read)[0].images[0].regions[0];
        let Shape::Mask { file, segment: 1 } = &region.shape else {
            panic!("{region:?}")
        };
        assert_eq!(read_bytes(file).unwrap(), b"mask", "{name}");
    }
}
