//! DICOM objects: their frames in real units, their place in the patient, and series of them.

mod data_set;
mod directory;
mod file;
mod frames;
mod lut;
mod overlay;
mod rle;
mod series;
mod stored;
pub(crate) mod tags;

#[cfg(test)]
mod made;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use image::RgbImage;
use semihv_domain::Modality;

pub(crate) use data_set::DataSet;
pub use directory::{directory, is_directory};
pub(crate) use file::is_dicom;
use file::{File, damaged};
use frames::{Frame, Layout, Photometric};
pub(crate) use lut::Table;
use lut::{Palette, Rescale};
pub use overlay::Overlay;
pub(crate) use series::{Axes, Series, assemble, largest_series};
use stored::Stored;

use crate::{DecodeError, Limits, Pixels, Plane, Window};

/// One file.
#[derive(Debug)]
pub(crate) struct Object {
    file: File,
    layout: Layout,
    /// Frames that are really there.
    pub frames: u32,
    per_frame: Vec<DataSet>,
    shared: Option<DataSet>,
}

/// How a frame asks to be looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Looks {
    pub windows: Vec<(String, Window)>,
    /// What stands in for a window where the file gives none.
    pub table: Option<Table>,
    /// The low values are the bright ones.
    pub is_inverted: bool,
}

impl Object {
    pub(crate) fn read(bytes: Arc<Vec<u8>>, limits: Limits) -> Result<Self, DecodeError> {
        let file = File::read(bytes, limits)?;
        let has_pixels = [
            tags::PIXEL_DATA,
            tags::FLOAT_PIXEL_DATA,
            tags::DOUBLE_PIXEL_DATA,
        ]
        .into_iter()
        .any(|tag| file.data.has(tag));
        if !has_pixels {
            return Err(DecodeError::NoPixels {
                what: file.data.word(tags::MODALITY),
            });
        }
        let layout = Layout::of(&file.data, limits)?;
        let frames = frames::count(&file, &layout);
        if frames == 0 {
            return Err(damaged("its pixel data are cut off"));
        }
        Ok(Self {
            per_frame: file.data.items(tags::PER_FRAME_GROUPS),
            shared: file.data.item(tags::SHARED_GROUPS),
            file,
            layout,
            frames,
        })
    }

    pub(crate) fn extent(&self) -> (u32, u32) {
        (self.layout.columns, self.layout.rows)
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.file.data.held_bytes()
    }

    pub(crate) fn data(&self) -> &DataSet {
        &self.file.data
    }

    pub(crate) fn modality(&self) -> Option<Modality> {
        let text = self.file.data.text(tags::MODALITY)?;
        Modality::parse(&text)
    }

    /// A functional group of a frame: its own, else the one of all.
    pub(crate) fn group(&self, frame: u32, sequence: tags::Tag) -> Option<DataSet> {
        let own = self.per_frame.get(frame as usize);
        let own = own.and_then(|groups| groups.item(sequence));
        own.or_else(|| self.shared.as_ref()?.item(sequence))
    }

    fn rescale(&self, frame: u32) -> Rescale {
        let group = self.group(frame, tags::PIXEL_TRANSFORMATION);
        Rescale::of(&self.file.data, group.as_ref(), self.layout.is_signed)
    }

    pub(crate) fn looks(&self, frame: u32) -> Looks {
        let group = self.group(frame, tags::FRAME_VOI);
        let is_inverted = self.layout.photometric == Photometric::Monochrome1
            || self.file.data.text(tags::PRESENTATION_SHAPE).as_deref() == Some("INVERSE");
        let windows = lut::windows(&self.file.data, group.as_ref());
        let table = windows
            .is_empty()
            .then(|| self.voi_table(group.as_ref(), frame));
        Looks {
            table: table.flatten(),
            windows,
            is_inverted,
        }
    }

    pub(crate) fn is_coloured(&self) -> bool {
        self.layout.samples == 3 || self.layout.photometric == Photometric::Palette
    }

    /// Whether the values of this object are HU.
    pub(crate) fn is_hounsfield(&self) -> bool {
        self.modality() == Some(Modality::Ct) && self.rescale(0) != NOT_SCALED
    }

    /// The frame in real units or in colour. Padding is no number.
    pub(crate) fn pixels(&self, frame: u32) -> Result<Pixels, DecodeError> {
        if let Some(plane) = self.floats()? {
            return Ok(Pixels::Grey(plane));
        }
        let decoded = frames::read(&self.file, &self.layout, frame)?;
        match self.layout.photometric {
            Photometric::Palette => self.coloured(decoded.samples),
            _ if self.layout.samples == 3 => self.colour(decoded),
            _ => self.grey(decoded.samples, frame),
        }
    }

    /// Values of a frame before anything was done to them.
    pub(crate) fn stored(&self, frame: u32) -> Result<Vec<i32>, DecodeError> {
        Ok(frames::read(&self.file, &self.layout, frame)?
            .samples
            .map(|value| value))
    }

    /// Parametric maps hold floating point numbers.
    fn floats(&self) -> Result<Option<Plane>, DecodeError> {
        let data = &self.file.data;
        let tag = [tags::FLOAT_PIXEL_DATA, tags::DOUBLE_PIXEL_DATA];
        let Some(tag) = tag.into_iter().find(|tag| data.has(*tag)) else {
            return Ok(None);
        };
        let pixels = self.layout.columns as usize * self.layout.rows as usize;
        let values = data.numbers(tag).into_iter().take(pixels);
        let values: Vec<f32> = values.map(|value| value as f32).collect();
        let plane = Plane::new(self.layout.columns, self.layout.rows, values);
        plane
            .map(Some)
            .ok_or_else(|| damaged("its pixel data are cut off"))
    }

    fn grey(&self, stored: Stored<'_>, frame: u32) -> Result<Pixels, DecodeError> {
        let values = self.real(stored, &self.rescale(frame));
        let plane = Plane::new(self.layout.columns, self.layout.rows, values);
        plane
            .map(Pixels::Grey)
            .ok_or_else(|| damaged("its pixel data are cut off"))
    }

    /// Values without branches where they are many: a table is rare.
    fn real(&self, stored: Stored<'_>, rescale: &Rescale) -> Vec<f32> {
        let is_wrapped = self.layout.stored == 32 && !self.layout.is_signed;
        match (rescale, self.padding()) {
            (&Rescale::Line { slope, intercept }, None) if !is_wrapped => {
                stored.map(move |value| value as f32 * slope + intercept)
            }
            (&Rescale::Line { slope, intercept }, Some((first, last))) if !is_wrapped => stored
                .map(move |value| {
                    let real = value as f32 * slope + intercept;
                    if (first..=last).contains(&value) {
                        f32::NAN
                    } else {
                        real
                    }
                }),
            (rescale, padding) => stored.map(|value| {
                let number = if is_wrapped {
                    i64::from(value as u32)
                } else {
                    i64::from(value)
                };
                match padding {
                    Some((first, last)) if (first..=last).contains(&value) => f32::NAN,
                    _ => rescale.real(number),
                }
            }),
        }
    }

    /// The table for the screen, the frame's own before that of all.
    fn voi_table(&self, group: Option<&DataSet>, frame: u32) -> Option<Table> {
        let own = group.and_then(|group| group.item(tags::VOI_LUT));
        let item = own.or_else(|| self.file.data.item(tags::VOI_LUT))?;
        // Its first value counts real ones, which an intercept may have made negative.
        let is_signed = match self.rescale(frame) {
            Rescale::Line { intercept, .. } => self.layout.is_signed || intercept < 0.0,
            Rescale::Table(_) => false,
        };
        let table = Table::read(&item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, is_signed)?;
        Some(table.fitted_bits())
    }

    /// Stored values that only fill the rectangle (PS3.3 C.7.5.1.1.2).
    fn padding(&self) -> Option<(i32, i32)> {
        let number = |tag| {
            let value = self.file.data.number(tag)? as i64;
            // The element takes the sign of the pixels, however it was read.
            Some(match (self.layout.is_signed, self.layout.allocated) {
                (true, 16) => i32::from(value as i16),
                (true, 8) => i32::from(value as i8),
                _ => i32::try_from(value).ok()?,
            })
        };
        let first = number(tags::PADDING)?;
        let last = number(tags::PADDING_LIMIT).unwrap_or(first);
        Some((first.min(last), first.max(last)))
    }

    fn coloured(&self, stored: Stored<'_>) -> Result<Pixels, DecodeError> {
        let palette = Palette::of(&self.file.data, self.layout.is_signed)
            .ok_or_else(|| damaged("it lacks its palette"))?;
        let colours = stored.map(|value| palette.colour(i64::from(value)));
        self.picture(colours.into_flattened())
    }

    fn colour(&self, decoded: Frame<'_>) -> Result<Pixels, DecodeError> {
        let surplus = self.layout.stored.saturating_sub(8);
        let mut bytes = decoded.samples.map(|value| (value >> surplus) as u8);
        if decoded.is_ybr {
            let (pixels, _) = bytes.as_chunks_mut::<3>();
            for pixel in pixels {
                *pixel = rgb(*pixel);
            }
        }
        self.picture(bytes)
    }

    fn picture(&self, bytes: Vec<u8>) -> Result<Pixels, DecodeError> {
        RgbImage::from_raw(self.layout.columns, self.layout.rows, bytes)
            .map(Pixels::Rgb8)
            .ok_or_else(|| damaged("its pixel data are cut off"))
    }

    /// The graphics that lie over a frame.
    pub(crate) fn overlays(&self, frame: u32) -> Vec<Overlay> {
        let hidden = |bit| frames::spare_bit(&self.file, &self.layout, frame, bit);
        overlay::read(&self.file.data, self.extent(), hidden)
    }
}

/// The data set of a file, whether it holds pixels or not.
pub(crate) fn data_set(bytes: &Arc<Vec<u8>>, limits: Limits) -> Result<DataSet, DecodeError> {
    Ok(File::read(Arc::clone(bytes), limits)?.data)
}

const NOT_SCALED: Rescale = Rescale::Line {
    slope: 1.0,
    intercept: 0.0,
};

/// YCbCr of the full range to RGB (PS3.3 C.7.6.3.1.2).
fn rgb([y, blue, red]: [u8; 3]) -> [u8; 3] {
    let (y, blue, red) = (
        f32::from(y),
        f32::from(blue) - 128.0,
        f32::from(red) - 128.0,
    );
    [
        y + 1.402 * red,
        y - 0.344_136 * blue - 0.714_136 * red,
        y + 1.772 * blue,
    ]
    .map(|value| (value + 0.5) as u8)
}
