//! Volumes against nibabel (`tests/golden/scans.py`), and files that are not what they claim.

use std::fs;

use image::imageops;

use super::*;
use crate::test_data::{crc32, data, golden};
use crate::window::WindowShape;

/// A NIfTI-1 header before `numbers` of 16 bits.
fn nifti(sides: [i16; 4], numbers: &[i16]) -> Vec<u8> {
    let mut bytes = vec![0; 352];
    bytes[0..4].copy_from_slice(&348_i32.to_le_bytes());
    let dims = [4, sides[0], sides[1], sides[2], sides[3], 1, 1, 1];
    for (at, side) in dims.into_iter().enumerate() {
        bytes[40 + at * 2..42 + at * 2].copy_from_slice(&side.to_le_bytes());
    }
    bytes[70..72].copy_from_slice(&4_i16.to_le_bytes());
    bytes[108..112].copy_from_slice(&352_f32.to_le_bytes());
    bytes[344..347].copy_from_slice(b"n+1");
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    bytes
}

fn open(bytes: Vec<u8>) -> Result<Scan, DecodeError> {
    Scan::open(bytes, None, Limits::default())
}

fn at(cut: Cut, slice: u32) -> Place {
    Place {
        cut,
        slice,
        time: 0,
    }
}

#[test]
fn volumes_are_cut_as_nibabel_cuts_them() {
    let Some(data) = data() else {
        return;
    };
    for (path, known) in golden()["nifti"].as_object().unwrap() {
        let bytes = fs::read(data.join("nifti").join(path)).unwrap();
        let scan = open(bytes).unwrap();
        for cut in [Cut::Axial, Cut::Coronal, Cut::Sagittal] {
            let known = &known[cut.name()];
            let index = known["index"].as_u64().unwrap() as u32;
            let slice = scan.slice(at(cut, index), Limits::default()).unwrap();
            let plane = slice.plane().unwrap();
            // nibabel's first axis leads rightwards or forwards, its second forwards or upwards:
            // against the rows and columns of a screen, whose sagittal cuts begin at the front.
            let (width, height) = (plane.width, plane.height);
            let mut bytes = Vec::new();
            for x in 0..width {
                for y in 0..height {
                    let value = plane.value(width - 1 - x, height - 1 - y).unwrap();
                    bytes.extend_from_slice(&value.to_le_bytes());
                }
            }
            let ours = format!("{:08x}", crc32(&bytes));
            assert_eq!(ours, known["crc32"].as_str().unwrap(), "{path} {cut}");
        }
    }
}

#[test]
fn the_volume_of_a_time_is_chosen_and_the_last_stands_for_all_beyond() {
    let scan = open(nifti([2, 1, 1, 3], &[1, 2, 3, 4, 5, 6])).unwrap();
    assert_eq!(scan.times, 3);
    let first = |time| {
        let place = Place {
            time,
            ..at(Cut::Stored, 0)
        };
        scan.slice(place, Limits::default())
            .unwrap()
            .plane()
            .unwrap()
            .values()[0] as i32
    };
    assert_eq!([first(0), first(1), first(2), first(9)], [1, 3, 5, 5]);
}

#[test]
fn a_volume_that_is_cut_off_keeps_its_whole_times() {
    let mut bytes = nifti([2, 1, 1, 3], &[1, 2, 3, 4, 5, 6]);
    bytes.truncate(bytes.len() - 3);
    assert_eq!(open(bytes.clone()).unwrap().times, 2 - 1 + 1);
    bytes.truncate(352 + 3);
    let said = open(bytes).unwrap_err().to_string();
    assert!(
        said.contains("it ends before its first volume does"),
        "{said}"
    );
}

#[test]
fn headers_that_make_no_sense_are_refused() {
    let broken = |at: usize, value: i16| {
        let mut bytes = nifti([2, 1, 1, 1], &[1, 2]);
        bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
        open(bytes).unwrap_err().to_string()
    };
    assert!(broken(42, 0).contains("not positive"));
    assert!(broken(42, -5).contains("not positive"));
    assert!(broken(42, i16::MAX).contains("ends before"));
    assert!(broken(40, 9).contains("number of axes"));
    assert!(broken(70, 128).contains("data type 128"));
}

#[test]
fn a_gzip_bomb_is_refused() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        std::io::Write::write_all(&mut packed, &vec![0; 1 << 20]).unwrap();
    }
    let limits = Limits {
        memory: 16 << 20,
        ..Limits::default()
    };
    let error = Scan::open(packed.finish().unwrap(), None, limits).unwrap_err();
    assert!(
        matches!(error, DecodeError::TooMuchMemory { .. }),
        "{error}"
    );
}

#[test]
fn npy_is_read_by_rows_and_slices() {
    let file = |shape: &str, kind: &str, numbers: &[u8]| {
        let mut header =
            format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        while (header.len() + 10) % 64 != 0 {
            header.insert(header.len() - 1, ' ');
        }
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(numbers);
        bytes
    };
    let scan = open(file("(2, 1, 3)", "|u1", &[1, 2, 3, 4, 5, 6])).unwrap();
    assert_eq!(scan.geometry.extent, [3, 1, 2]);
    let slice = scan.slice(at(Cut::Stored, 1), Limits::default()).unwrap();
    assert_eq!(slice.plane().unwrap().values(), [4.0, 5.0, 6.0]);
    let said = open(file("(2,)", "<f4", &[0; 8])).unwrap_err().to_string();
    assert!(said.contains("two or three axes"), "{said}");
    let said = open(file("(2, 2)", "<c8", &[0; 32]))
        .unwrap_err()
        .to_string();
    assert!(said.contains("its numbers are `<c8`"), "{said}");
}

#[test]
fn a_window_shows_what_pydicom_shows() {
    let Some(data) = data() else {
        return;
    };
    let golden = golden();
    let mut compared = 0;
    for (path, known) in golden["dicom"].as_object().unwrap() {
        let shown = &known["first"]["shown_grid"];
        let is_linear = known["first"]["window"][2] == "LINEAR";
        // A file without a window is shown through its table, which ends elsewhere.
        if shown.is_null() || !is_linear {
            continue;
        }
        let scan = open(fs::read(data.join("dicom").join(path)).unwrap()).unwrap();
        let slice = scan.slice(at(Cut::Stored, 0), Limits::default()).unwrap();
        if known["frames"] != 1 || slice.windows[0].1.shape != WindowShape::Linear {
            continue;
        }
        let raster = scan.render(slice, WindowChoice::Auto);
        let (width, height) = (raster.width(), raster.height());
        let ours = raster
            .as_bytes()
            .iter()
            .map(|value| f64::from(*value))
            .sum::<f64>()
            / f64::from(width * height);
        let blocks: Vec<f64> = shown
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|row| {
                row.as_array()
                    .unwrap()
                    .iter()
                    .filter_map(serde_json::Value::as_f64)
            })
            .collect();
        let theirs = blocks.iter().sum::<f64>() / blocks.len() as f64;
        // Padding is black here; and a picture that 8 does not divide has blocks of other weights.
        assert!((ours - theirs).abs() < 4.0, "{path}: {ours} {theirs}");
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn a_table_for_the_screen_is_shown_as_pydicom_shows_it_and_leaves_the_values() {
    let Some(data) = data() else {
        return;
    };
    let path = "pydicom-data/vlut_04.dcm";
    let known = &golden()["dicom"][path]["first"];
    let scan = open(fs::read(data.join("dicom").join(path)).unwrap()).unwrap();
    let slice = scan.slice(at(Cut::Stored, 0), Limits::default()).unwrap();
    // The entries of its table reach to 65535.
    let number = |name: &str| known[name].as_f64().unwrap() as f32;
    let range = Some((number("real_min"), number("real_max")));
    assert_eq!(slice.pixels.grey_range(), range);
    assert!(slice.is_through_table(WindowChoice::Auto));
    let Raster::Grey(shown) = scan.render(slice, WindowChoice::Auto) else {
        panic!("grey stays grey");
    };
    for (row, means) in (0..8).zip(known["shown_grid"].as_array().unwrap()) {
        for (column, mean) in (0..8).zip(means.as_array().unwrap()) {
            let block = imageops::crop_imm(&shown, column * 64, row * 64, 64, 64).to_image();
            let sum: u64 = block.as_raw().iter().map(|value| u64::from(*value)).sum();
            let ours = sum as f64 / f64::from(64 * 64);
            assert!(
                (ours - mean.as_f64().unwrap()).abs() < 0.001,
                "{ours} {mean}"
            );
        }
    }
}

#[test]
fn overlays_are_read_bit_by_bit() {
    let Some(data) = data() else {
        return;
    };
    let path = "dicom/pydicom-data/MR-SIEMENS-DICOM-WithOverlays.dcm";
    let scan = open(fs::read(data.join(path)).unwrap()).unwrap();
    let overlays = scan.overlays(at(Cut::Stored, 0));
    let set = overlays[0].bits.iter().filter(|bit| **bit).count();
    assert_eq!((overlays.len(), set), (1, 323));
}
