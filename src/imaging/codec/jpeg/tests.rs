//! Streams of a small encoder (make_goldens.py), whole, unusual and damaged.

use super::{CodecError, Decoded, decode, goldens};

const PLENTY: usize = 1 << 16;

/// All golden streams.
fn streams() -> Vec<&'static [u8]> {
    let single = [
        goldens::RESTARTS,
        goldens::POINT_TRANSFORM,
        goldens::INTERLEAVED,
        goldens::SEVERAL_SCANS,
        goldens::COSINES_12,
        goldens::COSINES_12_RESTARTS,
        goldens::SUBSAMPLED_8,
        goldens::SUBSAMPLED_8_SCANS,
    ];
    [goldens::LOSSLESS_12, goldens::LOSSLESS_16, &single].concat()
}

#[track_caller]
fn check(stream: &[u8], shape: (u32, u32, u8, u8), values: &[u16]) -> Decoded {
    let decoded = decode(stream, PLENTY).unwrap();
    let samples = &decoded.samples;
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
    decoded
}

/// The error of the first predictor's stream with one byte set, counted from its frame header.
fn error_with(place: usize, byte: u8) -> CodecError {
    let mut stream = goldens::LOSSLESS_12[0].to_vec();
    stream[2 + place] = byte;
    decode(&stream, PLENTY).unwrap_err()
}

#[test]
fn every_predictor_is_exact_with_12_bits() {
    for stream in goldens::LOSSLESS_12 {
        check(stream, (7, 5, 1, 12), goldens::GREY_12);
    }
}

#[test]
fn every_predictor_is_exact_with_16_bits() {
    for stream in goldens::LOSSLESS_16 {
        check(stream, (7, 5, 1, 16), goldens::GREY_16);
    }
}

#[test]
fn a_restart_begins_a_new_prediction() {
    check(goldens::RESTARTS, (7, 5, 1, 12), goldens::GREY);
}

#[test]
fn a_point_transform_clears_the_low_bits() {
    let values: Vec<u16> = goldens::GREY.iter().map(|value| value & !3).collect();
    check(goldens::POINT_TRANSFORM, (7, 5, 1, 12), &values);
}

#[test]
fn components_come_together_or_in_several_scans() {
    check(goldens::INTERLEAVED, (4, 3, 3, 8), goldens::COLOUR);
    check(goldens::SEVERAL_SCANS, (4, 3, 3, 8), goldens::COLOUR);
}

#[test]
fn cosines_of_12_bits_come_back() {
    for stream in [goldens::COSINES_12, goldens::COSINES_12_RESTARTS] {
        check(stream, (16, 16, 1, 12), goldens::COSINES_12_VALUES);
    }
}

#[test]
fn subsampled_components_are_repeated() {
    for stream in [goldens::SUBSAMPLED_8, goldens::SUBSAMPLED_8_SCANS] {
        check(stream, (18, 3, 3, 8), goldens::SUBSAMPLED_8_VALUES);
    }
}

#[test]
fn the_adobe_flag_is_reported() {
    let mut stream = goldens::LOSSLESS_12[0].to_vec();
    assert_eq!(decode(&stream, PLENTY).unwrap().adobe_transform, None);
    stream.splice(2..2, *b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x01");
    assert_eq!(decode(&stream, PLENTY).unwrap().adobe_transform, Some(1));
}

#[test]
fn padding_and_a_missing_end_marker_do_not_matter() {
    for stream in streams() {
        let padded = [stream, &[0]].concat();
        assert!(decode(&padded, PLENTY).is_ok());
        assert!(decode(&stream[..stream.len() - 2], PLENTY).is_ok());
    }
}

#[test]
fn the_number_of_samples_is_bounded_before_they_are_stored() {
    assert!(decode(goldens::INTERLEAVED, 36).is_ok());
    assert!(matches!(
        decode(goldens::INTERLEAVED, 35),
        Err(CodecError::TooLarge)
    ));
}

#[test]
fn other_processes_are_named() {
    for marker in [
        0xC2, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCC, 0xCD, 0xCE, 0xCF, 0xF7,
    ] {
        assert!(matches!(error_with(1, marker), CodecError::Unsupported(_)));
    }
    assert_eq!(
        error_with(1, 0xC2).to_string(),
        "progressive JPEG is not supported"
    );
}

#[test]
fn a_height_to_follow_is_unsupported() {
    assert!(matches!(error_with(6, 0), CodecError::Unsupported(_)));
}

#[test]
fn any_cut_into_the_coded_data_is_damage() {
    for stream in streams() {
        for length in 0..stream.len() - 2 {
            let outcome = decode(&stream[..length], PLENTY);
            assert!(
                matches!(outcome, Err(CodecError::Damaged(_))),
                "{length} of {}",
                stream.len()
            );
        }
    }
}

#[test]
fn no_flipped_bit_breaks_the_decoder() {
    for stream in streams() {
        let mut damaged = stream.to_vec();
        for place in 0..stream.len() {
            for bit in 0..8 {
                damaged[place] ^= 1 << bit;
                if let Ok(Decoded { samples, .. }) = decode(&damaged, PLENTY) {
                    let largest = u16::MAX >> (16 - samples.precision);
                    assert!(samples.values.iter().all(|&value| value <= largest));
                }
                damaged[place] = stream[place];
            }
        }
    }
}
