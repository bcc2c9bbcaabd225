//! Pictures of greys and a few inks (a slice with its outlines) as numbers of a palette: they
//! compress nearly as well as grey ones.

use image::{Rgb, RgbImage};

/// Palette places for greys; the rest are for inks.
const GREYS: u8 = 240;
const MOST_INKS: usize = 256 - GREYS as usize;
/// Channels closer than this are grey.
const GREY_TOLERANCE: u8 = 2;

pub(crate) struct FewColours {
    pub(crate) palette: Vec<[u8; 3]>,
    /// Row by row; each a place in the palette.
    pub(crate) numbers: Vec<u8>,
}

/// Greys lose at most one of their 256 steps. None when there are more inks than have room.
pub(crate) fn few_colours(picture: &RgbImage) -> Option<FewColours> {
    let mut inks: Vec<[u8; 3]> = Vec::new();
    let mut numbers = Vec::with_capacity(picture.pixels().len());
    for &Rgb(colour) in picture.pixels() {
        let [red, green, blue] = colour;
        let spread = red.max(green).max(blue) - red.min(green).min(blue);
        let number = if spread <= GREY_TOLERANCE {
            usize::from((u16::from(green) * u16::from(GREYS - 1) + 127) / 255)
        } else {
            let place = inks.iter().position(|ink| *ink == colour);
            let place = place.unwrap_or_else(|| {
                inks.push(colour);
                inks.len() - 1
            });
            if place >= MOST_INKS {
                return None;
            }
            usize::from(GREYS) + place
        };
        numbers.push(number as u8);
    }
    let greys = (0..GREYS).map(|place| {
        let grey = (u16::from(place) * 255 + u16::from(GREYS) / 2) / u16::from(GREYS - 1);
        [grey.min(255) as u8; 3]
    });
    Some(FewColours {
        palette: greys.chain(inks).collect(),
        numbers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greys_and_inks_come_back() {
        let ink = Rgb([230, 180, 80]);
        let picture =
            RgbImage::from_fn(256, 2, |x, y| if y == 0 { Rgb([x as u8; 3]) } else { ink });
        let few = few_colours(&picture).unwrap();
        for (number, Rgb(colour)) in few.numbers.iter().zip(picture.pixels()) {
            let back = few.palette[usize::from(*number)];
            let is_near = back.iter().zip(colour).all(|(a, b)| a.abs_diff(*b) <= 1);
            assert!(is_near, "{back:?} for {colour:?}");
        }
        assert_eq!(few.palette[0], [0; 3]);
        assert_eq!(few.palette[239], [255; 3]);
    }

    #[test]
    fn a_stain_has_too_many_colours() {
        let picture = RgbImage::from_fn(64, 1, |x, _| Rgb([200, x as u8, 90]));
        assert!(few_colours(&picture).is_none());
    }
}
