//! Regions for the shell: opened, drawn, and said in words and numbers.

use std::sync::Arc;

use semihv_domain::{Failure, FailureKind, Image, Shape};
use semihv_engine::{Engine, read_regions};
use semihv_imaging::{
    Covered, Drawable, Extent, Framing, Ink, Measure, Place, Raster, Scan, Slice, measure, short,
    tint,
};

/// The theme's colour of regions is the workbench's; a shell has no theme.
const REGION: [u8; 3] = [255, 214, 10];
const LINE: u8 = 2;

/// A region and what it is called.
pub(crate) struct Named {
    pub name: String,
    pub author: Option<String>,
    pub id: Option<i64>,
    pub colour: [u8; 3],
    drawable: Drawable,
}

/// A region on one slice.
pub(crate) struct Here<'a> {
    pub named: &'a Named,
    covered: Covered,
    measure: Option<Measure>,
    /// Slices of the cut that it lies on; none: on every one.
    slices: Vec<u32>,
}

/// Everything that a file outlines.
pub(crate) fn of_file(location: &str) -> Result<Vec<Named>, Failure> {
    let file = Arc::new(read_regions(location)?);
    if file.segments().is_empty() {
        let summary = format!("nothing is outlined in {location}");
        return Err(Failure::new("regions", FailureKind::Data, summary));
    }
    let all = file.segments().iter().map(|segment| Named {
        name: segment.name.clone(),
        author: None,
        id: None,
        colour: REGION,
        drawable: Drawable {
            shape: Shape::Mask {
                file: location.to_owned(),
                segment: segment.number,
            },
            slice: None,
            file: Some(Arc::clone(&file)),
        },
    });
    Ok(coloured(all.collect()))
}

/// What a workspace knows of an image.
pub(crate) fn of_image(engine: &Engine, image: &Image) -> Result<Vec<Named>, Failure> {
    let opened = image.regions.iter().map(|region| {
        let file = match &region.shape {
            Shape::Mask { file, .. } => Some(engine.open_regions(file)?),
            _ => None,
        };
        Ok(Named {
            name: region.label.clone(),
            author: Some(region.author.clone()),
            id: Some(region.id.0),
            colour: REGION,
            drawable: Drawable {
                shape: region.shape.clone(),
                slice: region.slice,
                file,
            },
        })
    });
    Ok(coloured(opened.collect::<Result<_, Failure>>()?))
}

/// The colour of the file, else one for each name.
fn coloured(mut all: Vec<Named>) -> Vec<Named> {
    let mut names: Vec<String> = Vec::new();
    for named in &all {
        if !names.contains(&named.name) {
            names.push(named.name.clone());
        }
    }
    for named in &mut all {
        let at = names.iter().position(|name| *name == named.name);
        let own = at
            .filter(|_| names.len() > 1)
            .map(|at| tint((at % 256) as u8));
        named.colour = named.drawable.colour().or(own).unwrap_or(REGION);
    }
    all
}

/// The regions as they lie on a slice.
pub(crate) fn on_slice<'a>(
    all: &'a [Named],
    (scan, place): (&Scan, Place),
    slice: &Slice,
) -> Result<Vec<Here<'a>>, Failure> {
    let refused = |error| Failure::of("regions", FailureKind::Data, &error);
    let stored = Extent {
        width: slice.pixels.width(),
        height: slice.pixels.height(),
    };
    let spacing = scan.geometry.spacing_of(place.cut);
    let spacing = spacing.map(|[across, down, _]| [across, down]);
    let here = all.iter().map(|named| {
        let covered = named.drawable.on(&scan.geometry, place).map_err(refused)?;
        let (slices, _) = named
            .drawable
            .slices(&scan.geometry, place.cut)
            .map_err(refused)?;
        let mask = covered.mask(stored);
        Ok(Here {
            named,
            measure: mask.map(|mask| measure(&mask, &slice.pixels, spacing)),
            covered,
            slices,
        })
    });
    here.collect()
}

pub(crate) fn drawn(raster: Raster, regions: &[Here<'_>], framing: &Framing) -> Raster {
    regions.iter().fold(raster, |raster, here| {
        let ink = Ink {
            colour: here.named.colour,
            width: LINE,
        };
        here.covered.draw(raster, framing, ink, false)
    })
}

impl Here<'_> {
    pub(crate) fn is_here(&self) -> bool {
        self.covered != Covered::Nothing
    }

    /// `liver: 214 mm2, mean 43.1 sd 12 from -20 to 96 HU, slices 3 to 17`.
    pub(crate) fn said(&self, scan: &Scan) -> String {
        let mut parts = Vec::new();
        match (&self.covered, &self.measure) {
            (Covered::Nothing, _) | (_, None) => parts.push("not on this slice".to_owned()),
            (_, Some(measure)) => {
                parts.push(match measure.area {
                    Some(area) => format!("{} mm2", short(area as f32)),
                    None => format!("{} px", measure.pixels),
                });
                if let Some(values) = measure.values {
                    let unit = scan.unit.map(|unit| format!(" {unit}")).unwrap_or_default();
                    parts.push(format!(
                        "mean {} sd {} from {} to {}{unit}",
                        short(values.mean as f32),
                        short(values.deviation as f32),
                        short(values.low),
                        short(values.high)
                    ));
                }
            }
        }
        if let (Some(first), Some(last)) = (self.slices.first(), self.slices.last()) {
            parts.push(if first == last {
                format!("slice {}", first + 1)
            } else {
                format!("slices {} to {}", first + 1, last + 1)
            });
        }
        format!("{}: {}", self.named.name, parts.join(", "))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        let values = self.measure.and_then(|measure| measure.values);
        let slices: Vec<u32> = self.slices.iter().map(|slice| slice + 1).collect();
        let [red, green, blue] = self.named.colour;
        serde_json::json!({
            "id": self.named.id, "label": self.named.name, "author": self.named.author,
            "colour": format!("#{red:02x}{green:02x}{blue:02x}"),
            "on_slice": self.is_here(),
            "pixels": self.measure.map(|measure| measure.pixels),
            "area_mm2": self.measure.and_then(|measure| measure.area),
            "mean": values.map(|values| values.mean), "sd": values.map(|values| values.deviation),
            "low": values.map(|values| values.low), "high": values.map(|values| values.high),
            "slices": slices,
        })
    }
}
