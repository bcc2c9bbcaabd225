//! A pixel as a character: dense where it is bright, for screens without colours.

/// From dark to bright on a dark screen.
const RAMP: &[u8] = b" .,:;-=+*cxXZ#%@";

/// What characters are written on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ground {
    #[default]
    Dark,
    Light,
}

/// The character whose ink covers as much of its cell as the pixel is bright.
pub fn density(rgb: [u8; 3], ground: Ground) -> char {
    let level = usize::from(brightened(luminance(rgb))) * (RAMP.len() - 1) / 255;
    let level = match ground {
        Ground::Dark => level,
        Ground::Light => RAMP.len() - 1 - level,
    };
    RAMP.get(level).copied().map_or(' ', char::from)
}

/// How bright a colour is to the eye.
pub fn luminance([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114) / 1000) as u8
}

/// Characters cover little of their cell, so middle greys would drown without this.
pub fn brightened(grey: u8) -> u8 {
    ((f32::from(grey) / 255.0).powf(0.65) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(ground: Ground) -> String {
        [0, 90, 180, 255]
            .map(|grey| density([grey; 3], ground))
            .iter()
            .collect()
    }

    #[test]
    fn bright_is_dense_on_a_dark_screen() {
        assert_eq!(written(Ground::Dark), " +X@");
    }

    #[test]
    fn bright_is_empty_on_a_light_screen() {
        assert_eq!(written(Ground::Light), "@*; ");
    }
}
