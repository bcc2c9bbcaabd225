//! Sequential DCT scans of 8 or 12 bits, one strip of blocks at a time.

use super::CodecError;
use super::bits::Bits;
use super::huffman::Table;
use super::idct::{self, Block};
use super::markers::{Frame, Member, Scan, Tables};

/// Where the coefficients of a block belong, in the order in which they come.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// A component of the scan with the strip of samples being decoded.
struct Plane<'a> {
    component: usize,
    dc_table: &'a Table,
    ac_table: &'a Table,
    steps: &'a [f32; 64],
    /// Blocks per coded unit.
    across: usize,
    down: usize,
    /// How many pixels of the picture one sample covers.
    pixels_across: usize,
    pixels_down: usize,
    /// Samples per row of the strip.
    row_length: usize,
    strip: Vec<u16>,
    /// The last block's mean, from which the next one is predicted.
    dc: i32,
}

/// Decodes the scan's components into `values` and returns how many bytes it took.
pub(super) fn decode_scan(
    frame: &Frame,
    scan: &Scan,
    tables: &Tables,
    bytes: &[u8],
    values: &mut [u16],
) -> Result<usize, CodecError> {
    let mut planes = plan(frame, scan, tables)?;
    let unit_width = 8 * planes[0].across * planes[0].pixels_across;
    let unit_height = 8 * planes[0].down * planes[0].pixels_down;
    let units_across = frame.width.div_ceil(unit_width);
    for plane in &mut planes {
        plane.row_length = units_across * plane.across * 8;
        plane.strip = vec![0; plane.row_length * plane.down * 8];
    }
    let stride = frame.components.len();
    let mut bits = Bits::new(bytes);
    let mut unit = 0;
    for pixels in values.chunks_mut(unit_height * frame.width * stride) {
        for x in 0..units_across {
            if unit > 0 && tables.restart_interval > 0 && unit % tables.restart_interval == 0 {
                bits.check()?;
                bits.restart(unit / tables.restart_interval - 1)?;
                for plane in &mut planes {
                    plane.dc = 0;
                }
            }
            for plane in &mut planes {
                decode_unit(&mut bits, plane, x, frame.precision);
            }
            unit += 1;
        }
        bits.check()?;
        for plane in &planes {
            spread(plane, pixels, stride, frame.width * stride);
        }
    }
    Ok(bits.position())
}

fn plan<'a>(frame: &Frame, scan: &Scan, tables: &'a Tables) -> Result<Vec<Plane<'a>>, CodecError> {
    let (most_across, most_down) = frame.finest();
    let is_interleaved = scan.members.len() > 1;
    let plane = |member: &Member| {
        let component = &frame.components[member.component];
        let (across, down) = (component.across, component.down);
        if most_across % across != 0 || most_down % down != 0 {
            return Err(CodecError::Unsupported(
                "sampling factors without a whole ratio",
            ));
        }
        Ok(Plane {
            component: member.component,
            dc_table: tables.differences(member.first_table)?,
            ac_table: tables.coefficients(member.second_table)?,
            steps: tables.quantisation(component.quantisation)?,
            across: if is_interleaved { across } else { 1 },
            down: if is_interleaved { down } else { 1 },
            pixels_across: most_across / across,
            pixels_down: most_down / down,
            row_length: 0,
            strip: Vec::new(),
            dc: 0,
        })
    };
    scan.members.iter().map(plane).collect()
}

/// Decodes the plane's blocks of the coded unit at `x`.
fn decode_unit(bits: &mut Bits, plane: &mut Plane, x: usize, precision: u8) {
    for block_y in 0..plane.down {
        for block_x in 0..plane.across {
            let mut block = Block([[0.0; 8]; 8]);
            let mut local = *bits;
            let is_flat = decode_block(&mut local, plane, &mut block);
            *bits = local;
            let left = (x * plane.across + block_x) * 8;
            let target = &mut plane.strip[block_y * 8 * plane.row_length..];
            let rows = target.chunks_exact_mut(plane.row_length);
            let rows = rows.map(|row| &mut row[left..left + 8]);
            if is_flat {
                idct::store_flat(block.0[0][0], precision, rows);
            } else {
                idct::store(&block, precision, rows);
            }
        }
    }
}

/// Reads and scales the coefficients; says whether there is only the mean.
#[inline]
fn decode_block(bits: &mut Bits, plane: &mut Plane, block: &mut Block) -> bool {
    let difference = plane.dc_table.difference(bits).cast_signed();
    plane.dc = plane.dc.wrapping_add(i32::from(difference));
    block.0[0][0] = plane.dc as f32 * plane.steps[0];
    let mut place = 1;
    let mut is_flat = true;
    while place < 64 {
        let (symbol, value) = plane.ac_table.coefficient(bits);
        let (run, size) = (symbol >> 4, symbol & 15);
        if size == 0 && run != 15 {
            break;
        }
        place += usize::from(run);
        if size > 0 {
            let Some(&target) = ZIGZAG.get(place) else {
                bits.set_broken();
                break;
            };
            let target = usize::from(target);
            block.0[target / 8][target % 8] = f32::from(value) * plane.steps[place];
            is_flat = false;
        }
        place += 1;
    }
    is_flat
}

/// Copies the strip into its pixels, each sample as often as it covers pixels.
fn spread(plane: &Plane, pixels: &mut [u16], stride: usize, pixel_row_length: usize) {
    for (y, pixel_row) in pixels.chunks_exact_mut(pixel_row_length).enumerate() {
        let start = y / plane.pixels_down * plane.row_length;
        let row = &plane.strip[start..start + plane.row_length];
        let targets = pixel_row.iter_mut().skip(plane.component).step_by(stride);
        match plane.pixels_across {
            1 => targets
                .zip(row)
                .for_each(|(target, &sample)| *target = sample),
            ratio => {
                let repeated = row
                    .iter()
                    .flat_map(|sample| std::iter::repeat_n(sample, ratio));
                targets
                    .zip(repeated)
                    .for_each(|(target, &sample)| *target = sample);
            }
        }
    }
}
