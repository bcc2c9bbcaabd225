//! JPEG 2000 through hayro-jpeg2000, the one decoder in safe Rust.

use hayro_jpeg2000::{ComponentData, DecodeSettings, DecoderContext, Image};

use super::{CodecError, Samples};

/// Decodes a codestream or a JP2 file; `most_samples` bounds width x height x components.
pub(crate) fn decode(bytes: &[u8], most_samples: usize) -> Result<Samples, CodecError> {
    let settings = DecodeSettings {
        resolve_palette_indices: false,
        strict: false,
        target_resolution: None,
    };
    let damaged = |_| CodecError::Damaged("its JPEG 2000 stream cannot be decoded");
    let image = Image::new(bytes, &settings).map_err(damaged)?;
    let (width, height) = (image.width(), image.height());
    let pixels = (width as usize).checked_mul(height as usize);
    let channels = usize::from(image.color_space().num_channels()).max(1);
    let samples = pixels.and_then(|pixels| pixels.checked_mul(channels));
    if samples.is_none_or(|samples| samples > most_samples) {
        return Err(CodecError::TooLarge);
    }
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(damaged)?;
    let components = decoded.components();
    let precision = components.first().map_or(0, ComponentData::bit_depth);
    let is_whole = components
        .iter()
        .all(|component| Some(component.samples().len()) == pixels);
    if precision == 0 || precision > 16 || !is_whole || components.len() > 4 {
        return Err(CodecError::Unsupported("a JPEG 2000 stream of this layout"));
    }
    // The decoder raises signed components by half their range like all others; what is wanted of
    // them is two's complement.
    let raised = if is_signed(bytes) {
        1 << (precision - 1)
    } else {
        0
    };
    // The irreversible wavelet leaves the range by a little.
    let most = ((1_u32 << precision) - 1) as f32;
    // A number below 2 to the power of 23 that this is added to stands, rounded, in the lowest bits:
    // the only way of rounding that is done for several samples at a time.
    let lifted = 8_388_608.0_f32;
    let word = move |sample: f32| {
        let rounded = (sample.max(0.0).min(most) + lifted).to_bits();
        (rounded as u16).wrapping_sub(raised)
    };
    let values = match components {
        [grey] => grey.samples().iter().copied().map(word).collect(),
        all => (0..pixels.unwrap_or(0))
            .flat_map(|at| all.iter().map(move |one| one.samples().get(at)))
            .map(|sample| sample.map_or(0, |sample| word(*sample)))
            .collect(),
    };
    Ok(Samples {
        width,
        height,
        components: components.len() as u8,
        precision,
        values,
    })
}

/// Whether the first component has a sign (T.800 A.5.1).
fn is_signed(bytes: &[u8]) -> bool {
    const START: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];
    const FIRST_COMPONENT: usize = 42;
    let start = bytes.windows(4).position(|window| window == START);
    let depth = start.and_then(|start| bytes.get(start + FIRST_COMPONENT));
    depth.is_some_and(|depth| depth & 0x80 != 0)
}
