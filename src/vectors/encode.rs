//! How vectors are stored: small integers to scan, half precision to rank.

use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

use crate::fuse::{VectorError, fuse};

/// Codes of a row are padded to a multiple of this, the width of the widest kernel.
pub(crate) const LANE: usize = 64;

const LARGEST_CODE: f32 = 127.0;

pub(crate) fn stride(dim: usize) -> usize {
    dim.next_multiple_of(LANE)
}

/// One row as it lies in the files; a part that is missing is empty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredRow {
    pub(crate) codes: Vec<i8>,
    pub(crate) scale: f32,
    pub(crate) fused: Vec<u16>,
    pub(crate) text: Vec<u16>,
    pub(crate) image: Vec<u16>,
}

impl StoredRow {
    pub(crate) fn of(
        dim: usize,
        text: Option<&[f32]>,
        image: Option<&[f32]>,
    ) -> Result<Self, VectorError> {
        let fused = fuse(text, image)?;
        let fused = fused.as_slice();
        if fused.len() != dim {
            return Err(VectorError::Dimension {
                found: fused.len(),
                expected: dim,
            });
        }
        let (codes, scale) = codes(fused);
        Ok(Self {
            codes,
            scale,
            fused: halves(fused),
            text: text.map(halves).unwrap_or_default(),
            image: image.map(halves).unwrap_or_default(),
        })
    }
}

/// Symmetric codes with one scale: `vector` is about `codes * scale`.
pub(crate) fn codes(vector: &[f32]) -> (Vec<i8>, f32) {
    let largest = vector
        .iter()
        .fold(0.0f32, |most, value| most.max(value.abs()));
    let scale = largest / LARGEST_CODE;
    let mut codes = vec![0i8; stride(vector.len())];
    if scale > 0.0 {
        for (code, value) in codes.iter_mut().zip(vector) {
            *code = (value / scale).round().clamp(-LARGEST_CODE, LARGEST_CODE) as i8;
        }
    }
    (codes, scale)
}

pub(crate) fn halves(vector: &[f32]) -> Vec<u16> {
    let mut halves = vec![0u16; vector.len()];
    halves
        .reinterpret_cast_mut::<f16>()
        .convert_from_f32_slice(vector);
    // Minus zero and zero are one value: equal vectors have equal bits.
    for half in &mut halves {
        if *half == 0x8000 {
            *half = 0;
        }
    }
    halves
}

pub(crate) fn singles(halves: &[u16]) -> Vec<f32> {
    let mut singles = vec![0.0; halves.len()];
    singles_into(halves, &mut singles);
    singles
}

/// Both of one length.
pub(crate) fn singles_into(halves: &[u16], singles: &mut [f32]) {
    debug_assert_eq!(halves.len(), singles.len());
    if halves.len() == singles.len() {
        halves
            .reinterpret_cast::<f16>()
            .convert_to_f32_slice(singles);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn codes_are_off_by_half_a_step(vector in prop::collection::vec(-1.0f32..1.0, 1..200)) {
            let (codes, scale) = codes(&vector);
            prop_assert_eq!(codes.len() % LANE, 0);
            for (code, value) in codes.iter().zip(&vector) {
                prop_assert!((f32::from(*code) * scale - value).abs() <= scale * 0.501);
            }
            prop_assert!(codes.iter().skip(vector.len()).all(|code| *code == 0));
        }

        #[test]
        fn halves_are_off_by_a_two_thousandth(vector in prop::collection::vec(-1.0f32..1.0, 1..50)) {
            for (back, value) in singles(&halves(&vector)).iter().zip(&vector) {
                prop_assert!((back - value).abs() <= value.abs() / 2048.0 + 1e-7);
            }
        }
    }

    #[test]
    fn minus_zero_is_zero() {
        assert_eq!(halves(&[-0.0, 0.0]), [0, 0]);
    }
}
