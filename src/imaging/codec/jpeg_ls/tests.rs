//! Tiny streams made by make_goldens.py, whole and damaged.

use super::streams::*;
use super::{CodecError, decode};

const ALL: [(&[u8], &[u16]); 8] = [
    (GREY_8, GREY_8_VALUES),
    (GREY_12, GREY_12_VALUES),
    (GREY_16, GREY_16_VALUES),
    (GREY_8_NEAR_3, GREY_8_NEAR_3_VALUES),
    (COLOUR_BY_PLANE, COLOUR_BY_PLANE_VALUES),
    (COLOUR_BY_LINE, COLOUR_BY_LINE_VALUES),
    (COLOUR_BY_PIXEL, COLOUR_BY_PIXEL_VALUES),
    (RESTARTS, RESTARTS_VALUES),
];

#[track_caller]
fn check(stream: &[u8], shape: (u32, u32, u8, u8), values: &[u16]) {
    let samples = decode(stream, values.len()).unwrap();
    assert_eq!(
        (
            samples.width,
            samples.height,
            samples.components,
            samples.precision
        ),
        shape
    );
    assert_eq!(samples.values, values);
}

/// The stream with `new` in place of its first `old`.
#[track_caller]
fn replaced(stream: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = stream
        .windows(old.len())
        .position(|window| window == old)
        .unwrap();
    [&stream[..at], new, &stream[at + old.len()..]].concat()
}

#[track_caller]
fn check_unsupported(stream: &[u8]) {
    assert!(matches!(
        decode(stream, 1 << 20),
        Err(CodecError::Unsupported(_))
    ));
}

#[test]
fn eight_bits_lossless() {
    check(GREY_8, (8, 6, 1, 8), GREY_8_VALUES);
}

#[test]
fn twelve_bits_lossless() {
    check(GREY_12, (8, 6, 1, 12), GREY_12_VALUES);
}

#[test]
fn sixteen_bits_lossless() {
    check(GREY_16, (8, 6, 1, 16), GREY_16_VALUES);
}

#[test]
fn eight_bits_within_three() {
    check(GREY_8_NEAR_3, (8, 6, 1, 8), GREY_8_NEAR_3_VALUES);
}

#[test]
fn colour_plane_after_plane() {
    check(COLOUR_BY_PLANE, (8, 6, 3, 8), COLOUR_BY_PLANE_VALUES);
}

#[test]
fn colour_line_after_line() {
    check(COLOUR_BY_LINE, (8, 6, 3, 8), COLOUR_BY_LINE_VALUES);
}

#[test]
fn colour_pixel_after_pixel() {
    check(COLOUR_BY_PIXEL, (8, 6, 3, 8), COLOUR_BY_PIXEL_VALUES);
}

#[test]
fn restart_markers_start_afresh() {
    check(RESTARTS, (40, 6, 1, 8), RESTARTS_VALUES);
}

#[test]
fn preset_parameters_equal_to_the_defaults_change_nothing() {
    let preset = [
        0xFF, 0xF8, 0, 13, 1, 0, 255, 0, 3, 0, 7, 0, 21, 0, 64, 0xFF, 0xDA,
    ];
    check(
        &replaced(GREY_8, &[0xFF, 0xDA], &preset),
        (8, 6, 1, 8),
        GREY_8_VALUES,
    );
}

#[test]
fn preset_parameters_out_of_order_are_damage() {
    let preset = [
        0xFF, 0xF8, 0, 13, 1, 0, 255, 0, 9, 0, 7, 0, 21, 0, 64, 0xFF, 0xDA,
    ];
    let damaged = replaced(GREY_8, &[0xFF, 0xDA], &preset);
    assert!(matches!(decode(&damaged, 48), Err(CodecError::Damaged(_))));
}

#[test]
fn bytes_after_the_image_are_ignored() {
    check(&[GREY_8, &[0]].concat(), (8, 6, 1, 8), GREY_8_VALUES);
}

#[test]
fn one_sample_too_many_is_refused() {
    assert_eq!(
        decode(COLOUR_BY_LINE, 8 * 6 * 3 - 1),
        Err(CodecError::TooLarge)
    );
}

#[test]
fn a_colour_transform_is_refused() {
    let transform = [0xFF, 0xD8, 0xFF, 0xE8, 0, 7, b'm', b'r', b'f', b'x', 1];
    check_unsupported(&replaced(COLOUR_BY_PIXEL, &[0xFF, 0xD8], &transform));
}

#[test]
fn a_mapping_table_is_refused() {
    let table = [0xFF, 0xF8, 0, 6, 2, 1, 1, 0, 0xFF, 0xDA];
    check_unsupported(&replaced(GREY_8, &[0xFF, 0xDA], &table));
}

#[test]
fn large_dimensions_are_refused() {
    let size = [0xFF, 0xF8, 0, 8, 4, 2, 0, 6, 0, 8, 0xFF, 0xDA];
    check_unsupported(&replaced(GREY_8, &[0xFF, 0xDA], &size));
}

#[test]
fn a_point_transform_is_refused() {
    let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0];
    check_unsupported(&replaced(
        GREY_8,
        &[&scan[..], &[0]].concat(),
        &[&scan[..], &[1]].concat(),
    ));
}

#[test]
fn another_jpeg_is_refused() {
    check_unsupported(&[0xFF, 0xD8, 0xFF, 0xC0, 0, 2]);
}

#[test]
fn every_cut_is_damage() {
    for (stream, values) in ALL {
        for length in 0..stream.len() {
            let cut = decode(&stream[..length], values.len());
            assert!(
                matches!(cut, Err(CodecError::Damaged(_))),
                "{length}: {cut:?}"
            );
        }
    }
}

#[test]
fn no_flipped_bit_panics() {
    for (stream, _) in ALL {
        let mut stream = stream.to_vec();
        for at in 0..stream.len() * 8 {
            stream[at / 8] ^= 1 << (at % 8);
            let _ = decode(&stream, 1 << 16);
            stream[at / 8] ^= 1 << (at % 8);
        }
    }
}

#[test]
fn no_made_up_data_panics() {
    let mut state = 1_u32;
    for (stream, _) in ALL {
        let header = stream
            .windows(2)
            .position(|pair| pair == [0xFF, 0xDA])
            .unwrap()
            + 14;
        for _ in 0..2000 {
            let mut stream = stream.to_vec();
            for byte in stream.iter_mut().skip(header) {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (state >> 24) as u8 & 0x7F;
            }
            stream.extend([0xFF, 0xD9]);
            let _ = decode(&stream, 1 << 16);
        }
    }
}

#[test]
fn the_longest_codes_do_not_overflow() {
    // All-zero data asks for the longest prefixes, all-ones data for the longest runs.
    for byte in [0x00, 0x01, 0x7F, 0xFE] {
        for (stream, _) in ALL {
            for reset in [3, 64, 255] {
                let preset = [
                    0xFF, 0xF8, 0, 13, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, reset, 0xFF, 0xDA,
                ];
                let mut stream = replaced(stream, &[0xFF, 0xDA], &preset);
                let scan = stream
                    .windows(2)
                    .position(|pair| pair == [0xFF, 0xDA])
                    .unwrap();
                stream.truncate(scan + 2 + usize::from(stream[scan + 3]));
                stream.extend(std::iter::repeat_n(byte, 4096));
                stream.extend([0xFF, 0xD9]);
                assert!(decode(&stream, 1 << 16).is_err());
            }
        }
    }
}
