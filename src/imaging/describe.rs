//! A picture in words, for terminals that show none and for pipes.

use crate::{Pixels, Place, Scan, Slice, WindowChoice, short};

/// `512 x 512 · DICOM · CT · grey -1024 to 3071 HU, window W 400 L 60`.
pub fn describe(scan: &Scan, place: Place, slice: &Slice, choice: WindowChoice) -> String {
    let [columns, rows] = [slice.pixels.width(), slice.pixels.height()];
    let mut parts = vec![format!("{columns} x {rows}"), scan.format.to_string()];
    parts.extend(scan.modality.map(|modality| modality.to_string()));
    if scan.is_volume() {
        let slices = scan.geometry.slices(place.cut);
        let at = place.slice.min(slices - 1) + 1;
        parts.push(format!("{} slice {at} of {slices}", place.cut));
    }
    let depth = match slice.pixels {
        Pixels::Grey8(_) => "8-bit grey",
        Pixels::Grey(_) => "grey",
        Pixels::Rgb8(_) => "colour",
    };
    let unit = scan.unit.map(|unit| format!(" {unit}")).unwrap_or_default();
    let range = slice
        .pixels
        .grey_range()
        .map(|(low, high)| format!(" {} to {}{unit}", short(low), short(high)))
        .unwrap_or_default();
    let kind = if slice.is_through_table(choice) {
        "the file's table"
    } else {
        "window"
    };
    let window = scan
        .window(slice, choice)
        .map(|window| format!(", {kind} {window}"))
        .unwrap_or_default();
    parts.push(format!("{depth}{range}{window}"));
    parts.join(" · ")
}
