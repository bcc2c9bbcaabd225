//! JPEG-LS (ITU-T T.87) decoding into plain samples; no crate in Rust does it. Colour transforms, mapping tables and point
//! transforms are refused: no medical image may come out looking right but being something else.

mod bits;
mod context;
mod header;
mod line;
mod parameters;
mod pixels;
mod scan;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod tests;

use super::{CodecError, Samples};

/// Decodes one frame. Nothing is allocated for a frame of more than `most_samples` samples.
pub(crate) fn decode(bytes: &[u8], most_samples: usize) -> Result<Samples, CodecError> {
    let mut segments = header::Segments::start(bytes)?;
    let mut settings = header::Settings::default();
    let frame = segments.frame(&mut settings)?;
    let size = usize::from(frame.width)
        .checked_mul(usize::from(frame.height))
        .and_then(|pixels| pixels.checked_mul(frame.components()))
        .filter(|&size| size <= most_samples)
        .ok_or(CodecError::TooLarge)?;
    let mut values = vec![0; size];
    let mut is_decoded = [false; header::MOST_COMPONENTS];
    while let Some(scan) = segments.scan(&frame, &mut settings)? {
        for &component in scan.components() {
            if std::mem::replace(&mut is_decoded[component], true) {
                return Err(CodecError::Damaged("a component is coded twice"));
            }
        }
        let used = scan::decode(segments.rest(), &frame, &scan, &settings, &mut values)?;
        segments.skip(used);
    }
    if is_decoded[..frame.components()].contains(&false) {
        return Err(CodecError::Damaged("a component is missing"));
    }
    Ok(Samples {
        width: frame.width.into(),
        height: frame.height.into(),
        components: frame.components() as u8,
        precision: frame.precision,
        values,
    })
}
