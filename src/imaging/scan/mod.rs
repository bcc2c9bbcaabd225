//! A picture, a volume or a series, whatever file it came in: opened once, looked at slice by
//! slice in any cut.

mod geometry;
mod nifti;
mod npy;
mod raw;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::sync::{Arc, OnceLock};

use semihv_domain::{Cut, Modality};
use serde::{Deserialize, Serialize};

pub(crate) use geometry::Walk;
pub use geometry::{Geometry, Lps};
use raw::{Coding, NumberKind, RawVolume};

use crate::dicom::{self, Overlay, Series};
use crate::window::{Preset, WindowChoice};
use crate::{DecodeError, Format, Limits, Look, Pixels, Plane, Raster, Window, decode};

/// An opened file.
#[derive(Debug)]
pub struct Scan {
    pub format: Format,
    pub geometry: Geometry,
    pub modality: Option<Modality>,
    /// Volumes one after the other in time; one for most files.
    pub times: u32,
    /// What the values are measured in, where that is known.
    pub unit: Option<&'static str>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Picture(Pixels),
    Volume(RawVolume),
    Series(Box<SeriesContent>),
}

#[derive(Debug)]
struct SeriesContent {
    series: Series,
    /// All slices as one volume, made when a cut across them is asked for.
    volume: OnceLock<Option<RawVolume>>,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Place {
    pub cut: Cut,
    /// Counted from 0; what is too large is the last.
    pub slice: u32,
    pub time: u32,
}

/// A slice that can be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    pub pixels: Pixels,
    /// The low values are the bright ones.
    pub is_inverted: bool,
    pub windows: Vec<(String, Window)>,
    /// What the file wants for a window, where that is a table.
    table: Option<dicom::Table>,
}

impl Scan {
    /// Opens the bytes of one file; `beside` is the `.img` of an `.hdr`.
    pub fn open(
        bytes: Vec<u8>,
        beside: Option<Vec<u8>>,
        limits: Limits,
    ) -> Result<Self, DecodeError> {
        if bytes.is_empty() {
            return Err(DecodeError::Empty);
        }
        if nifti::is_nifti(&bytes) || is_gzip(&bytes) {
            return Self::of_nifti(bytes, beside, limits);
        }
        if npy::is_npy(&bytes) {
            let (geometry, volume) = npy::read(bytes.into())?;
            return Ok(Self::of_volume(Format::Npy, geometry, volume));
        }
        if dicom::is_dicom(&bytes) {
            let object = dicom::Object::read(bytes.into(), limits)?;
            return Ok(Self::of_series(Series::of_one(object)?));
        }
        let format = crate::probe(&bytes)?.format;
        let pixels = decode(&bytes, limits)?;
        Ok(Self {
            format,
            geometry: Geometry::flat([pixels.width(), pixels.height(), 1]),
            modality: None,
            times: 1,
            unit: None,
            content: Content::Picture(pixels),
        })
    }

    /// Opens the files of a DICOM folder: the largest series in it. Returns how many files are no
    /// part of it.
    pub fn open_series(files: Vec<Vec<u8>>, limits: Limits) -> Result<(Self, usize), DecodeError> {
        let files = files.into_iter().map(Arc::new).collect();
        let (objects, left_out) = dicom::largest_series(files, limits)?;
        Ok((Self::of_series(dicom::assemble(objects)?), left_out))
    }

    fn of_nifti(
        bytes: Vec<u8>,
        beside: Option<Vec<u8>>,
        limits: Limits,
    ) -> Result<Self, DecodeError> {
        let inflate = |bytes: Vec<u8>| {
            if is_gzip(&bytes) {
                inflated(&bytes, limits)
            } else {
                Ok(Arc::new(bytes))
            }
        };
        let bytes = inflate(bytes)?;
        if !nifti::is_nifti(&bytes) {
            return Err(DecodeError::UnknownFormat);
        }
        let beside = beside.map(inflate).transpose()?;
        let found = nifti::read(bytes, beside)?;
        Ok(Self::of_volume(Format::Nifti, found.geometry, found.volume))
    }

    fn of_volume(format: Format, geometry: Geometry, volume: RawVolume) -> Self {
        Self {
            format,
            geometry,
            modality: None,
            times: volume.times(),
            unit: None,
            content: Content::Volume(volume),
        }
    }

    fn of_series(series: Series) -> Self {
        let first = series.objects.first();
        let mut geometry = series.geometry;
        if first.is_some_and(dicom::Object::is_coloured) {
            // Cuts across slices are made of numbers.
            geometry.directions = None;
        }
        Self {
            format: Format::Dicom,
            geometry,
            modality: first.and_then(dicom::Object::modality),
            times: 1,
            unit: first
                .is_some_and(dicom::Object::is_hounsfield)
                .then_some("HU"),
            content: Content::Series(Box::new(SeriesContent {
                series,
                volume: OnceLock::new(),
            })),
        }
    }

    /// Bytes held for it, for caches to count.
    pub fn held_bytes(&self) -> usize {
        match &self.content {
            Content::Picture(pixels) => {
                let each = if matches!(pixels, Pixels::Grey(_)) {
                    4
                } else {
                    3
                };
                pixels.width() as usize * pixels.height() as usize * each
            }
            Content::Volume(volume) => volume.held_bytes(),
            Content::Series(content) => {
                let made = content.volume.get().and_then(Option::as_ref);
                let files = content.series.objects.iter();
                files.map(dicom::Object::held_bytes).sum::<usize>()
                    + made.map_or(0, RawVolume::held_bytes)
            }
        }
    }

    pub fn is_volume(&self) -> bool {
        self.geometry.extent[2] > 1
    }

    /// The cuts that can be looked at, the acquired one first.
    pub fn cuts(&self) -> Vec<Cut> {
        let natural = self.geometry.natural_cut();
        if natural == Cut::Stored || !self.is_volume() {
            return vec![Cut::Stored];
        }
        let others = [Cut::Axial, Cut::Coronal, Cut::Sagittal];
        std::iter::once(natural)
            .chain(others.into_iter().filter(|cut| *cut != natural))
            .collect()
    }

    /// The middle slice, in the plane that the scan was acquired in.
    pub fn first_look(&self) -> Look {
        let cut = self.geometry.natural_cut();
        let place = Place {
            cut,
            slice: self.geometry.slices(cut) / 2,
            time: 0,
        };
        Look {
            place,
            ..Look::default()
        }
    }

    /// A slice in real units, laid out for the screen.
    pub fn slice(&self, place: Place, limits: Limits) -> Result<Slice, DecodeError> {
        let plain = |pixels| Slice {
            pixels,
            is_inverted: false,
            windows: Vec::new(),
            table: None,
        };
        let layout = self.geometry.layout(place.cut);
        match &self.content {
            Content::Picture(pixels) => Ok(plain(pixels.clone())),
            Content::Volume(volume) => {
                let plane = volume.plane(layout, place.slice, place.time)?;
                Ok(plain(Pixels::Grey(plane)))
            }
            Content::Series(content) => {
                // A cut along the stored slices needs only one of them.
                if layout.through.axis == 2 {
                    let at = self.geometry.voxel(place.cut, place.slice, (0, 0));
                    let slice = content.stored(at[2])?;
                    return Ok(slice.rearranged(layout));
                }
                let volume = content.volume(&self.geometry, limits)?;
                let plane = volume.plane(layout, place.slice, 0)?;
                let (object, frame) = content.series.at(0).ok_or(DecodeError::Empty)?;
                Ok(Slice::of(Pixels::Grey(plane), object.looks(frame)))
            }
        }
    }

    /// The window that a choice means for this slice; `None` for pictures shown as they are. Of a
    /// table it is what the table spans.
    pub fn window(&self, slice: &Slice, choice: WindowChoice) -> Option<Window> {
        match choice {
            WindowChoice::Given(window) => Some(window),
            WindowChoice::Preset(preset) => Some(preset.window()),
            WindowChoice::Percentile => {
                let deep = slice.pixels.default_window();
                deep.or_else(|| {
                    slice
                        .pixels
                        .grey_range()
                        .map(|(low, high)| Window::between(low, high))
                })
            }
            WindowChoice::Full => {
                let (low, high) = slice.pixels.grey_range()?;
                Some(Window::between(low, high))
            }
            WindowChoice::Auto => match &slice.pixels {
                Pixels::Grey(_) => self.usual_window(slice),
                Pixels::Grey8(_) | Pixels::Rgb8(_) => None,
            },
        }
    }

    fn usual_window(&self, slice: &Slice) -> Option<Window> {
        if let Some((_, window)) = slice.windows.first() {
            return Some(*window);
        }
        if let Some(table) = &slice.table {
            return Some(table.span());
        }
        if self.unit == Some("HU") && Preset::are_known_for(self.modality) {
            return Some(Preset::Abdomen.window());
        }
        // Masks and labels have few values: half a percent of them may be all that there is.
        let (low, high) = slice.pixels.grey_range()?;
        if high - low < 8.0 {
            return Some(Window::between(low, high.max(low + 1.0)));
        }
        slice.pixels.default_window()
    }

    /// The slice in eight bits.
    pub fn render(&self, slice: Slice, choice: WindowChoice) -> Raster {
        let window = self.window(&slice, choice);
        let raster = match (&slice.table, slice.plane()) {
            (Some(table), Some(plane)) if choice == WindowChoice::Auto => {
                Raster::Grey(table.apply(plane))
            }
            _ => slice.pixels.into_raster(window),
        };
        if slice.is_inverted {
            raster.inverted()
        } else {
            raster
        }
    }

    /// Graphics that the file lays over a slice.
    pub fn overlays(&self, place: Place) -> Vec<Overlay> {
        match &self.content {
            Content::Series(content)
                if self.geometry.layout(place.cut) == self.geometry.layout(Cut::Stored) =>
            {
                let found = content.series.at(place.slice);
                found
                    .map(|(object, frame)| object.overlays(frame))
                    .unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }
}

impl SeriesContent {
    fn stored(&self, slice: u32) -> Result<Slice, DecodeError> {
        let (object, frame) = self.series.at(slice).ok_or(DecodeError::Empty)?;
        Ok(Slice::of(object.pixels(frame)?, object.looks(frame)))
    }

    /// Decodes every frame once: cuts across slices need them all.
    fn volume(&self, geometry: &Geometry, limits: Limits) -> Result<&RawVolume, DecodeError> {
        let volume = self.volume.get_or_init(|| self.assembled(geometry, limits));
        volume.as_ref().ok_or(DecodeError::TooMuchMemory {
            memory: limits.memory,
        })
    }

    fn assembled(&self, geometry: &Geometry, limits: Limits) -> Option<RawVolume> {
        let voxels = geometry.voxels()?;
        if voxels as u64 * 4 > limits.memory {
            return None;
        }
        let mut bytes: Vec<u8> = Vec::with_capacity(voxels * 4);
        for slice in 0..geometry.extent[2] {
            // A frame that is damaged leaves a dark slice, not a volume without use.
            match self.series.pixels(slice) {
                Ok(Pixels::Grey(plane)) => {
                    bytes.extend(plane.values().iter().flat_map(|value| value.to_le_bytes()));
                }
                _ => bytes.resize(bytes.len() + voxels * 4 / geometry.extent[2] as usize, 0),
            }
        }
        let coding = Coding {
            kind: NumberKind::F32,
            is_big_endian: false,
            slope: 1.0,
            intercept: 0.0,
        };
        RawVolume::new(bytes.into(), 0, coding, (geometry.extent, 1))
    }
}

impl Slice {
    fn of(pixels: Pixels, looks: dicom::Looks) -> Self {
        Self {
            pixels,
            is_inverted: looks.is_inverted,
            windows: looks.windows,
            table: looks.table,
        }
    }

    /// Whether a choice shows it through a table of its file, which no window describes.
    pub fn is_through_table(&self, choice: WindowChoice) -> bool {
        self.table.is_some() && self.plane().is_some() && choice == WindowChoice::Auto
    }

    fn rearranged(self, layout: geometry::Layout) -> Self {
        let Pixels::Grey(plane) = self.pixels else {
            return self;
        };
        let (width, height) = (plane.width, plane.height);
        let is_stored =
            layout.across.axis == 0 && !layout.across.is_reversed && !layout.down.is_reversed;
        let plane = if is_stored {
            Some(plane)
        } else {
            raw::rearranged(plane, layout)
        };
        let pixels = plane.map_or_else(
            || Pixels::Grey8(image::GrayImage::new(width, height)),
            Pixels::Grey,
        );
        Self { pixels, ..self }
    }

    /// The numbers, where there are any.
    pub fn plane(&self) -> Option<&Plane> {
        match &self.pixels {
            Pixels::Grey(plane) => Some(plane),
            Pixels::Grey8(_) | Pixels::Rgb8(_) => None,
        }
    }
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

fn inflated(bytes: &[u8], limits: Limits) -> Result<Arc<Vec<u8>>, DecodeError> {
    let mut data = Vec::new();
    let mut inflater = flate2::read::MultiGzDecoder::new(bytes).take(limits.memory);
    let outcome = inflater.read_to_end(&mut data);
    if data.len() as u64 >= limits.memory {
        return Err(DecodeError::TooMuchMemory {
            memory: limits.memory,
        });
    }
    match outcome {
        Ok(_) => Ok(data.into()),
        Err(error) => Err(DecodeError::Damaged {
            format: Format::Nifti,
            why: error.to_string(),
        }),
    }
}
