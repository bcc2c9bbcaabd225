//! Regions on their way into a picture: their files, their colours, what they measure.

use semihv_domain::Shape;
use semihv_imaging::{
    Covered, Drawable, Framing, Ink, Measure, Pixels, Place, Raster, Scan, measure, tint,
};

use super::files::Files;
use super::inks::Inks;
use crate::picture::{Outline, RegionSeen, Regions};

/// What is drawn of regions, and what is said of them.
pub(super) struct Drawn {
    covered: Vec<(Covered, [u8; 3])>,
    pub(super) seen: Regions,
}

impl Drawn {
    pub(super) fn of(
        (scan, place): (&Scan, Place),
        (outlines, marked): (&[Outline], Option<usize>),
        inks: Inks,
        files: &dyn Files,
    ) -> Self {
        let mut drawn = Self {
            covered: Vec::new(),
            seen: Regions::default(),
        };
        for (position, outline) in outlines.iter().enumerate() {
            let is_marked = marked == Some(position);
            match looked_at((scan, place), outline, files) {
                Ok((drawable, covered, (slices, home))) => {
                    let own = drawable.colour().or(outline.tint.map(tint));
                    let colour = if is_marked {
                        inks.marked
                    } else {
                        own.unwrap_or(inks.region)
                    };
                    drawn.seen.each.push(RegionSeen {
                        colour,
                        bounds: covered.outline(),
                        home,
                    });
                    drawn.seen.slices.extend(slices);
                    drawn.covered.push((covered, colour));
                }
                Err(trouble) => {
                    drawn.seen.trouble.get_or_insert(trouble);
                    drawn.seen.each.push(RegionSeen::default());
                    drawn.covered.push((Covered::Nothing, inks.region));
                }
            }
        }
        drawn.seen.slices.sort_unstable();
        drawn.seen.slices.dedup();
        drawn
    }

    /// The marked one lies on top of the others.
    pub(super) fn draw(
        &self,
        raster: Raster,
        framing: &Framing,
        (marked, width, is_filled): (Option<usize>, u8, bool),
    ) -> Raster {
        let all = self.covered.iter().enumerate();
        let (others, on_top): (Vec<_>, Vec<_>) = all.partition(|(at, _)| marked != Some(*at));
        let every = others.into_iter().chain(on_top);
        every.fold(raster, |raster, (at, (covered, colour))| {
            let ink = Ink {
                colour: *colour,
                // Not by its colour alone, where pixels are small enough.
                width: width + u8::from(width > 1 && marked == Some(at)),
            };
            covered.draw(raster, framing, ink, is_filled)
        })
    }

    pub(super) fn measured(
        &self,
        marked: Option<usize>,
        (pixels, framing): (&Pixels, &Framing),
        spacing: Option<[f32; 3]>,
    ) -> Option<Measure> {
        let (covered, _) = self.covered.get(marked?)?;
        let is_area = !matches!(covered, Covered::Shape(Shape::Point { .. }));
        let mask = covered.mask(framing.stored).filter(|_| is_area)?;
        let spacing = spacing.map(|[across, down, _]| [across, down]);
        Some(measure(&mask, pixels, spacing))
    }
}

type Looked = (Drawable, Covered, (Vec<u32>, Option<u32>));

fn looked_at(
    (scan, place): (&Scan, Place),
    outline: &Outline,
    files: &dyn Files,
) -> Result<Looked, String> {
    let file = match &outline.shape {
        Shape::Mask { file, .. } => Some(files.regions(file).map_err(|failure| failure.summary)?),
        _ => None,
    };
    let drawable = Drawable {
        shape: outline.shape.clone(),
        slice: outline.slice,
        file,
    };
    let said = |error: semihv_imaging::RegionError| error.to_string();
    let covered = drawable.on(&scan.geometry, place).map_err(said)?;
    let slices = drawable.slices(&scan.geometry, place.cut).map_err(said)?;
    Ok((drawable, covered, slices))
}
