//! Values of one scan laid in colour over the slices of another: PET over CT, a map of
//! probabilities over the picture that it was worked out from.

use std::fmt;
use std::str::FromStr;

use image::Rgb;

use crate::regions::{SliceWalk, Transfer};
use crate::{DecodeError, Extent, Framing, Geometry, Limits, Pixels, Place, Plane, Raster, Scan};

/// The colours that values become. Scans themselves stay grey: colour is for what lies over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColourMap {
    /// From black over red and yellow to white.
    Hot,
    /// Equal steps look equal, to colour-blind eyes too.
    Viridis,
    Grey,
}

/// Every sixteenth colour of matplotlib's map (in the public domain); what lies between is mixed
/// and differs from it by six levels at most.
const VIRIDIS: [[u8; 3]; 17] = [
    [68, 1, 84],
    [72, 24, 106],
    [71, 45, 123],
    [66, 64, 134],
    [59, 82, 139],
    [51, 99, 141],
    [44, 114, 142],
    [38, 129, 142],
    [33, 144, 140],
    [31, 159, 136],
    [40, 174, 128],
    [62, 188, 116],
    [93, 201, 99],
    [130, 211, 76],
    [171, 220, 50],
    [213, 226, 26],
    [253, 231, 37],
];

/// Where red is full, and where green is.
const HOT: [f32; 2] = [0.365, 0.746];

impl ColourMap {
    pub const ALL: [Self; 3] = [Self::Hot, Self::Viridis, Self::Grey];

    pub fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Viridis => "viridis",
            Self::Grey => "grey",
        }
    }

    /// The colour of a part from 0 to 1.
    pub fn colour(self, part: f32) -> [u8; 3] {
        let part = part.clamp(0.0, 1.0);
        let level = |part: f32| (part.clamp(0.0, 1.0) * 255.0).round() as u8;
        match self {
            Self::Grey => [level(part); 3],
            Self::Hot => [
                level(part / HOT[0]),
                level((part - HOT[0]) / (HOT[1] - HOT[0])),
                level((part - HOT[1]) / (1.0 - HOT[1])),
            ],
            Self::Viridis => {
                let at = part * (VIRIDIS.len() - 1) as f32;
                let known = |at: usize| VIRIDIS.get(at).copied().unwrap_or([253, 231, 37]);
                mixed(known(at as usize), known(at as usize + 1), at.fract())
            }
        }
    }
}

impl fmt::Display for ColourMap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What is no colour map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no colour map {name:?}; there are hot, viridis and grey")]
pub struct UnknownColourMap {
    name: String,
}

impl FromStr for ColourMap {
    type Err = UnknownColourMap;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|map| map.name() == name);
        found.ok_or_else(|| UnknownColourMap {
            name: name.to_owned(),
        })
    }
}

/// All values of a volume, to be looked at from the grid of another.
#[derive(Debug)]
pub struct HeatMap {
    geometry: Geometry,
    /// Rows, then slices.
    values: Vec<f32>,
    range: (f32, f32),
    pub unit: Option<&'static str>,
}

/// Why a scan is no heat map of another.
#[derive(Debug, thiserror::Error)]
pub enum HeatError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("a colour picture has no values that could be laid over another")]
    Colour,
    #[error("the file holds no value that is a number")]
    NoValues,
    #[error(
        "its values lie in a grid of {values:?} voxels, the scan has {scan:?}, and not both say where in the patient they lie"
    )]
    Misfit { values: [u32; 3], scan: [u32; 3] },
}

/// One value in so many is above the brightest colour: a few hot voxels shall not make all others
/// dark.
const CLIPPED: usize = 2_000;
/// The brightest are found among about this many.
const MOST_SAMPLES: usize = 1 << 20;
/// How much of the brightest colour is seen, the rest is the slice below. Of darker ones it is less:
/// where there is little, the slice counts.
const OPACITY: f32 = 0.7;

impl HeatMap {
    /// Takes the values of the first volume of a scan.
    pub fn of(scan: &Scan, limits: Limits) -> Result<Self, HeatError> {
        let [width, height, depth] = scan.geometry.extent.map(u64::from);
        let voxels = width.saturating_mul(height).saturating_mul(depth);
        if voxels.saturating_mul(4) > limits.memory {
            let memory = limits.memory;
            return Err(DecodeError::TooMuchMemory { memory }.into());
        }
        let mut values = Vec::with_capacity(voxels as usize);
        for slice in 0..scan.geometry.extent[2] {
            let place = Place {
                slice,
                ..Place::default()
            };
            match scan.slice(place, limits)?.pixels {
                Pixels::Grey(plane) => values.extend_from_slice(plane.values()),
                Pixels::Grey8(grey) => values.extend(grey.as_raw().iter().map(|it| f32::from(*it))),
                Pixels::Rgb8(_) => return Err(HeatError::Colour),
            }
        }
        Ok(Self {
            range: usual_range(&values).ok_or(HeatError::NoValues)?,
            geometry: scan.geometry,
            values,
            unit: scan.unit,
        })
    }

    /// Bytes held for it, for caches to count.
    pub fn held_bytes(&self) -> usize {
        self.values.len() * size_of::<f32>()
    }

    /// The values of the darkest and the brightest colour.
    pub fn range(&self) -> (f32, f32) {
        self.range
    }

    /// The values at the pixels of a slice, mixed from the eight voxels around each; what is no
    /// number lies outside.
    pub fn on(&self, onto: &Geometry, place: Place) -> Result<Plane, HeatError> {
        let transfer = Transfer::between(onto, &self.geometry).ok_or(HeatError::Misfit {
            values: self.geometry.extent,
            scan: onto.extent,
        })?;
        let walk = SliceWalk::of(&transfer, onto, place);
        let Extent { width, height } = onto.slice_extent(place.cut);
        let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let values = rows.map(|(x, y)| self.at(walk.at(x, y))).collect();
        Plane::new(width, height, values).ok_or(HeatError::NoValues)
    }

    fn at(&self, place: [f64; 3]) -> f32 {
        let mut first = [0; 3];
        let mut second = [0; 3];
        let mut part = [0.0; 3];
        for axis in 0..3 {
            let side = self.geometry.extent[axis];
            if place[axis] < -0.5 || place[axis] >= f64::from(side) - 0.5 || place[axis].is_nan() {
                return f32::NAN;
            }
            let last = side.saturating_sub(1) as usize;
            let at = place[axis].clamp(0.0, last as f64);
            first[axis] = at as usize;
            second[axis] = (first[axis] + 1).min(last);
            part[axis] = at.fract() as f32;
        }
        let [width, height, _] = self.geometry.extent.map(|side| side as usize);
        let value = |x: usize, y: usize, z: usize| {
            let at = (z * height + y) * width + x;
            self.values.get(at).copied().unwrap_or(f32::NAN)
        };
        // A voxel that counts for nothing must not make its neighbour no number.
        let between = |a: f32, b: f32, part: f32| {
            if part <= 0.0 { a } else { a + (b - a) * part }
        };
        let row = |y, z| between(value(first[0], y, z), value(second[0], y, z), part[0]);
        let plane = |z| between(row(first[1], z), row(second[1], z), part[1]);
        between(plane(first[2]), plane(second[2]), part[2])
    }
}

/// From the smallest value to one that all but a few of the others stay below.
fn usual_range(values: &[f32]) -> Option<(f32, f32)> {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    let low = finite.clone().min_by(f32::total_cmp)?;
    let step = values.len() / MOST_SAMPLES + 1;
    let mut above: Vec<f32> = finite.filter(|value| *value > low).step_by(step).collect();
    if above.is_empty() {
        return Some((low, low));
    }
    let at = above.len() - 1 - above.len() / CLIPPED;
    let (_, high, _) = above.select_nth_unstable_by(at, f32::total_cmp);
    Some((low, *high))
}

/// Lays values over the seen part of their slice; what is not above the darkest stays as it is.
pub fn heated(
    raster: Raster,
    values: &Plane,
    framing: &Framing,
    (map, (low, high)): (ColourMap, (f32, f32)),
) -> Raster {
    let colours: Vec<[u8; 3]> = (0..=255_u8)
        .map(|level| map.colour(f32::from(level) / 255.0))
        .collect();
    let (width, height) = (raster.width(), raster.height());
    let part = |at: u32, side: u32| (f64::from(at) + 0.5) / f64::from(side.max(1));
    let mut canvas = raster.into_colour();
    for (x, y, pixel) in canvas.enumerate_pixels_mut() {
        let (x, y) = framing.pixel_at(part(x, width), part(y, height));
        let Some(value) = values.value(x, y).filter(|value| *value > low) else {
            continue;
        };
        let part = ((value - low) / (high - low).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
        if let Some(colour) = colours.get((part * 255.0) as usize) {
            *pixel = Rgb(mixed(pixel.0, *colour, OPACITY * part.sqrt()));
        }
    }
    Raster::Colour(canvas)
}

fn mixed(from: [u8; 3], to: [u8; 3], part: f32) -> [u8; 3] {
    let mut mixed = from;
    for (channel, to) in mixed.iter_mut().zip(to) {
        let (from, to) = (f32::from(*channel), f32::from(to));
        *channel = (from + (to - from) * part).round() as u8;
    }
    mixed
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};

    use super::*;
    use crate::{Cut, Look};

    fn grid(extent: [u32; 3], spacing: f32) -> Geometry {
        Geometry {
            extent,
            spacing: Some([spacing; 3]),
            directions: Some([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
            origin: [0.0; 3],
        }
    }

    fn rising() -> HeatMap {
        let values: Vec<f32> = (0..4 * 4 * 4).map(|at| (at % 4) as f32).collect();
        HeatMap {
            geometry: grid([4, 4, 4], 2.0),
            range: usual_range(&values).unwrap(),
            values,
            unit: None,
        }
    }

    /// The corners and turns of matplotlib 3.10's maps.
    #[test]
    fn colours_are_those_that_people_know() {
        assert_eq!(ColourMap::Viridis.colour(0.0), [68, 1, 84]);
        assert_eq!(ColourMap::Viridis.colour(0.5), [33, 144, 140]);
        assert_eq!(ColourMap::Viridis.colour(2.0), [253, 231, 37]);
        assert_eq!(ColourMap::Hot.colour(93.0 / 255.0)[..2], [255, 0]);
        assert_eq!(ColourMap::Hot.colour(1.0), [255; 3]);
        assert_eq!(ColourMap::Grey.colour(f32::NAN.min(0.2)), [51; 3]);
        assert_eq!("hot".parse(), Ok(ColourMap::Hot));
        assert!("jet".parse::<ColourMap>().is_err());
    }

    #[test]
    fn values_are_mixed_between_voxels_and_are_nothing_outside() {
        let fine = grid([8, 8, 8], 1.0);
        let place = Place {
            cut: Cut::Stored,
            slice: 3,
            time: 0,
        };
        let plane = rising().on(&fine, place).unwrap();
        let row: Vec<f32> = (0..8).map(|x| plane.value(x, 2).unwrap()).collect();
        assert_eq!(row[..7], [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]);
        assert!(row[7].is_nan());
    }

    #[test]
    fn only_what_is_above_the_darkest_is_coloured() {
        let raster = Raster::Grey(GrayImage::from_pixel(4, 4, Luma([100])));
        let extent = Extent {
            width: 4,
            height: 4,
        };
        let framing = Framing::of(extent, 1.0, &Look::default(), extent);
        let plane = rising()
            .on(&grid([4, 4, 4], 2.0), Place::default())
            .unwrap();
        let raster = heated(raster, &plane, &framing, (ColourMap::Hot, (0.0, 3.0)));
        assert_eq!(raster.rgb(0, 0), [100; 3]);
        assert_eq!(raster.rgb(3, 0), [209; 3]);
        let [red, green, _] = raster.rgb(1, 0);
        assert!(red > green, "a third is red");
    }

    #[test]
    fn a_few_hot_voxels_do_not_make_the_others_dark() {
        let mut values: Vec<f32> = (0..10_000).map(|at| at as f32 / 1_000.0).collect();
        values.extend([1e6, f32::NAN, f32::INFINITY]);
        let (low, high) = usual_range(&values).unwrap();
        assert!(low.abs() < 1e-6, "{low}");
        assert!(high < 10.0, "{high}");
        assert_eq!(usual_range(&[2.0, 2.0]), Some((2.0, 2.0)));
        assert_eq!(usual_range(&[f32::NAN]), None);
    }

    #[test]
    fn a_grid_without_a_place_must_have_the_same_shape() {
        let error = rising()
            .on(&Geometry::flat([5, 4, 4]), Place::default())
            .unwrap_err();
        assert!(error.to_string().contains("[4, 4, 4]"), "{error}");
    }

    /// `tests/golden/heat.py`. scipy ends at the centres of the outer voxels, we half a voxel on.
    #[test]
    fn values_over_real_scans_are_those_of_scipy() {
        let Some(data) = crate::test_data::data() else {
            return;
        };
        let open = |name: &serde_json::Value| {
            let bytes = std::fs::read(data.join(name.as_str().unwrap())).unwrap();
            Scan::open(bytes, None, Limits::default()).unwrap()
        };
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/heat.json")).unwrap();
        for known in golden.as_array().unwrap() {
            let heat = HeatMap::of(&open(&known["over"]), Limits::default()).unwrap();
            let place = Place {
                slice: known["slice"].as_u64().unwrap() as u32,
                ..Place::default()
            };
            let plane = heat.on(&open(&known["under"]).geometry, place).unwrap();
            let inside = plane.values().iter().filter(|it| it.is_finite()).count() as u64;
            assert!(inside >= known["inside"].as_u64().unwrap(), "{inside}");
            for some in known["some"].as_array().unwrap() {
                let at = |at: usize| some[at].as_u64().unwrap() as u32;
                let found = plane.value(at(0), at(1)).unwrap();
                let expected = some[2].as_f64().unwrap() as f32;
                assert!((found - expected).abs() < 0.05, "{some}: {found}");
            }
        }
    }
}
