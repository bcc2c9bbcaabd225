//! Which slices of a volume stand for it, and all of them on one sheet.

use image::{GrayImage, RgbImage, imageops};

use crate::{Cut, DecodeError, Extent, Framing, Limits, Look, Place, Raster, Scan, shown};

/// The paper takes at most this many slices of a volume.
pub const MOST_CHOSEN: usize = 20;

/// Why a slice was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Something is annotated in it.
    Annotated,
    /// One of an even row through the volume.
    Spaced,
}

/// The slices that stand for a volume of `slices`, in order: those that are annotated, evenly
/// thinned where they are more than `most`, and as many others evenly between as there is room for
/// (paper, section 3.1).
pub fn chosen_slices(slices: u32, annotated: &[u32], most: usize) -> Vec<(u32, Reason)> {
    let (marked, others): (Vec<u32>, Vec<u32>) =
        (0..slices).partition(|slice| annotated.contains(slice));
    let thinned = |slices: &[u32], most: usize, reason: Reason| -> Vec<(u32, Reason)> {
        let places = spread(slices.len(), most).into_iter();
        places
            .filter_map(|at| Some((*slices.get(at)?, reason)))
            .collect()
    };
    let mut chosen = thinned(&marked, most, Reason::Annotated);
    chosen.extend(thinned(&others, most - chosen.len(), Reason::Spaced));
    chosen.sort_unstable_by_key(|(slice, _)| *slice);
    chosen
}

/// At most `most` of `count` places, each in the middle of an equal share.
fn spread(count: usize, most: usize) -> Vec<usize> {
    let taken = count.min(most);
    (0..taken)
        .map(|at| (2 * at + 1) * count / (2 * taken))
        .collect()
}

/// Slices side by side, `across` in a row, each in a square of `side` pixels. Returns the slices
/// that it shows.
pub fn contact_sheet(
    scan: &Scan,
    look: &Look,
    (most, across, side): (usize, u32, u32),
    limits: Limits,
) -> Result<(Raster, Vec<u32>), DecodeError> {
    let cut = look.place.cut;
    let slices: Vec<u32> = chosen_slices(scan.geometry.slices(cut), &[], most)
        .into_iter()
        .map(|(slice, _)| slice)
        .collect();
    let across = across.clamp(1, slices.len().max(1) as u32);
    let down = (slices.len() as u32).div_ceil(across);
    let mut sheet = RgbImage::new(across * side, down * side);
    for (at, slice) in (0_u32..).zip(&slices) {
        let look = Look {
            place: Place {
                slice: *slice,
                ..look.place
            },
            ..*look
        };
        let raster = render(
            scan,
            &look,
            Extent {
                width: side,
                height: side,
            },
            limits,
        )?;
        let left = at % across * side + (side - raster.width()) / 2;
        let top = at / across * side + (side - raster.height()) / 2;
        imageops::replace(
            &mut sheet,
            &raster.into_colour(),
            i64::from(left),
            i64::from(top),
        );
    }
    let is_grey = sheet
        .pixels()
        .all(|pixel| pixel.0[0] == pixel.0[1] && pixel.0[1] == pixel.0[2]);
    let sheet = if is_grey {
        let greys = sheet.pixels().map(|pixel| pixel.0[0]).collect();
        let grey = GrayImage::from_raw(sheet.width(), sheet.height(), greys);
        grey.map_or(Raster::Colour(sheet), Raster::Grey)
    } else {
        Raster::Colour(sheet)
    };
    Ok((sheet, slices))
}

/// A slice as it is looked at, fitted into `room`.
pub fn render(
    scan: &Scan,
    look: &Look,
    room: Extent,
    limits: Limits,
) -> Result<Raster, DecodeError> {
    let slice = scan.slice(look.place, limits)?;
    let framing = framing(scan, &slice.pixels, look, room);
    Ok(shown(scan, slice, look, &framing, framing.shown))
}

/// How a slice of a scan is fitted into `room`.
pub fn framing(scan: &Scan, pixels: &crate::Pixels, look: &Look, room: Extent) -> Framing {
    let stored = Extent {
        width: pixels.width(),
        height: pixels.height(),
    };
    let cut: Cut = look.place.cut;
    Framing::of(stored, scan.geometry.pixel_aspect(cut), look, room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotated_slices_come_first_and_are_thinned_evenly() {
        let annotated: Vec<u32> = (10..=155).collect();
        let chosen = chosen_slices(181, &annotated, MOST_CHOSEN);
        assert_eq!(chosen.len(), 20);
        assert!(
            chosen.iter().all(|(slice, reason)| {
                (10..=155).contains(slice) && *reason == Reason::Annotated
            })
        );
        assert_eq!(chosen.first().unwrap().0, 13);
        let few = chosen_slices(9, &[5, 3, 5, 99], 4);
        let (spaced, annotated) = (Reason::Spaced, Reason::Annotated);
        assert_eq!(
            few,
            [(1, spaced), (3, annotated), (5, annotated), (7, spaced)]
        );
    }

    #[test]
    fn without_annotations_the_row_is_even_and_short_volumes_are_whole() {
        let slices = |count| -> Vec<u32> {
            let chosen = chosen_slices(count, &[], 4);
            chosen.into_iter().map(|(slice, _)| slice).collect()
        };
        assert_eq!(slices(100), [12, 37, 62, 87]);
        assert_eq!(slices(3), [0, 1, 2]);
        assert_eq!(slices(0), [0; 0]);
    }
}
