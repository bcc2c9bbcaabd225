//! DICOM's run-length code (PS3.5 annex G): a segment of PackBits for every byte of a sample.

/// Words of `bytes_each`, interleaved by pixel; `None` when the code makes no sense.
pub(crate) fn decode(
    bytes: &[u8],
    pixels: usize,
    samples: u32,
    bytes_each: u32,
) -> Option<Vec<u32>> {
    let header = bytes.get(..64)?.as_chunks::<4>().0;
    let number = |at: usize| {
        header
            .get(at)
            .map(|bytes| u32::from_le_bytes(*bytes) as usize)
    };
    let segments = (samples * bytes_each) as usize;
    if number(0)? != segments {
        return None;
    }
    let segment = |at: usize| {
        let end = match at + 1 {
            next if next < segments => number(next + 1)?,
            _ => bytes.len(),
        };
        let mut plane = vec![0_u8; pixels];
        unpack(bytes.get(number(at + 1)?..end)?, &mut plane)?;
        Some(plane)
    };
    if (samples, bytes_each) == (1, 2) {
        // The common case in one pass.
        let (high, low) = (segment(0)?, segment(1)?);
        let words = high.iter().zip(&low);
        return Some(
            words
                .map(|(high, low)| u32::from(*high) << 8 | u32::from(*low))
                .collect(),
        );
    }
    let (samples, bytes_each) = (samples as usize, bytes_each as usize);
    let mut words = vec![0_u32; pixels.checked_mul(samples)?];
    for at in 0..segments {
        let plane = segment(at)?;
        // The bytes of a sample come with the most significant one first.
        let (sample, byte) = (at / bytes_each, at % bytes_each);
        let shift = 8 * (bytes_each - 1 - byte);
        let of_sample = words.iter_mut().skip(sample).step_by(samples);
        for (word, byte) in of_sample.zip(&plane) {
            *word |= u32::from(*byte) << shift;
        }
    }
    Some(words)
}

/// Fills `plane`; `None` when the code ends before.
fn unpack(mut code: &[u8], plane: &mut [u8]) -> Option<()> {
    let mut rest = plane;
    while !rest.is_empty() {
        let (&head, after) = code.split_first()?;
        match head as i8 {
            literal @ 0.. => {
                let length = literal as usize + 1;
                let (taken, after) = after.split_at_checked(length)?;
                let fits = length.min(rest.len());
                let (filled, left) = rest.split_at_mut(fits);
                filled.copy_from_slice(taken.get(..fits)?);
                (rest, code) = (left, after);
            }
            i8::MIN => code = after,
            run => {
                let (&byte, after) = after.split_first()?;
                let fits = (1 - isize::from(run)).unsigned_abs().min(rest.len());
                let (filled, left) = rest.split_at_mut(fits);
                filled.fill(byte);
                (rest, code) = (left, after);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(segments: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[0] = segments.len() as u8;
        for (at, segment) in segments.iter().enumerate() {
            let start = bytes.len() as u32;
            bytes[4 + at * 4..8 + at * 4].copy_from_slice(&start.to_le_bytes());
            bytes.extend_from_slice(segment);
        }
        bytes
    }

    #[test]
    fn runs_and_literals_become_words_with_the_high_byte_first() {
        // Three times 1, then 2 and 3; the low byte five times 9.
        let bytes = coded(&[&[0xFE, 1, 1, 2, 3], &[0xFC, 9]]);
        let words = decode(&bytes, 5, 1, 2).unwrap();
        assert_eq!(words, [0x109, 0x109, 0x109, 0x209, 0x309]);
    }

    #[test]
    fn what_ends_too_early_is_none() {
        let bytes = coded(&[&[0xFE, 1, 1, 2, 3]]);
        assert_eq!(decode(&bytes, 5, 1, 1).unwrap(), [1, 1, 1, 2, 3]);
        assert_eq!(decode(&bytes, 6, 1, 1), None);
        assert_eq!(decode(&bytes, 5, 1, 2), None);
        assert_eq!(decode(&bytes[..40], 5, 1, 1), None);
    }
}
