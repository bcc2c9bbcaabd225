//! Lossless scans (process 14): each sample is predicted from its neighbours, the difference coded.

use super::CodecError;
use super::bits::Bits;
use super::huffman::Table;
use super::markers::{Frame, Scan, Tables};

/// What the rows of a scan have in common.
struct Rows<'a> {
    /// Samples per pixel of the whole frame.
    stride: usize,
    /// Which samples of a pixel this scan codes, and with which table.
    lanes: Vec<(usize, &'a Table)>,
    predictor: u8,
    /// The prediction of the very first sample.
    middle: u16,
}

/// Decodes the scan's components into `values` and returns how many bytes it took.
pub(super) fn decode_scan(
    frame: &Frame,
    scan: &Scan,
    tables: &Tables,
    bytes: &[u8],
    values: &mut [u16],
) -> Result<usize, CodecError> {
    let interval = rows_between_restarts(frame, tables.restart_interval)?;
    let rows = plan(frame, scan, tables)?;
    let row_length = frame.width * rows.stride;
    let mut bits = Bits::new(bytes);
    for y in 0..frame.height {
        let is_restart = y > 0 && y % interval == 0;
        if is_restart {
            bits.restart(y / interval - 1)?;
        }
        let (done, rest) = values.split_at_mut(y * row_length);
        let row = &mut rest[..row_length];
        let above = if is_restart {
            None
        } else {
            done.rchunks_exact(row_length).next()
        };
        match (rows.predictor, &rows.lanes[..]) {
            (1, &[(_, table)]) if rows.stride == 1 => {
                let start = above.map_or(rows.middle, |above| above[0]);
                decode_from_left(&mut bits, table, row, start);
            }
            _ => decode_row(&mut bits, &rows, row, above),
        }
        bits.check()?;
    }
    for &(lane, _) in &rows.lanes {
        finish(
            values,
            lane,
            rows.stride,
            frame.precision,
            scan.point_transform,
        );
    }
    Ok(bits.position())
}

fn rows_between_restarts(frame: &Frame, interval: usize) -> Result<usize, CodecError> {
    match interval {
        0 => Ok(usize::MAX),
        _ if interval.is_multiple_of(frame.width) => Ok(interval / frame.width),
        _ => Err(CodecError::Unsupported("a lossless restart within a row")),
    }
}

fn plan<'a>(frame: &Frame, scan: &Scan, tables: &'a Tables) -> Result<Rows<'a>, CodecError> {
    let stride = frame.components.len();
    if stride > 1 && frame.finest() != (1, 1) {
        return Err(CodecError::Unsupported("subsampled lossless JPEG"));
    }
    if !(1..=7).contains(&scan.predictor) || scan.point_transform >= frame.precision {
        return Err(CodecError::Damaged("the scan header makes no sense"));
    }
    let lanes = scan
        .members
        .iter()
        .map(|member| Ok((member.component, tables.differences(member.first_table)?)))
        .collect::<Result<_, CodecError>>()?;
    let middle = 1 << (frame.precision - scan.point_transform - 1);
    Ok(Rows {
        stride,
        lanes,
        predictor: scan.predictor,
        middle,
    })
}

/// The usual case, one component predicted from the left, in one pass over the row.
fn decode_from_left(bits: &mut Bits, table: &Table, row: &mut [u16], start: u16) {
    let mut local = *bits;
    let mut left = start;
    for sample in row {
        left = left.wrapping_add(table.difference(&mut local));
        *sample = left;
    }
    *bits = local;
}

fn decode_row(bits: &mut Bits, rows: &Rows, row: &mut [u16], above: Option<&[u16]>) {
    let mut local = *bits;
    for pixel in row.chunks_exact_mut(rows.stride) {
        for &(lane, table) in &rows.lanes {
            pixel[lane] = table.difference(&mut local);
        }
    }
    *bits = local;
    for &(lane, _) in &rows.lanes {
        match above {
            Some(above) => add_predictions(row, above, lane, rows),
            None => add_left(row, lane, rows),
        }
    }
}

/// The first row after a start knows only its left neighbours.
fn add_left(row: &mut [u16], lane: usize, rows: &Rows) {
    let mut left = rows.middle;
    for sample in row.iter_mut().skip(lane).step_by(rows.stride) {
        *sample = sample.wrapping_add(left);
        left = *sample;
    }
}

fn add_predictions(row: &mut [u16], above: &[u16], lane: usize, rows: &Rows) {
    let stride = rows.stride;
    match rows.predictor {
        1 => add_predicted(row, above, lane, stride, |left, _, _| left),
        2 => add_predicted(row, above, lane, stride, |_, up, _| up),
        3 => add_predicted(row, above, lane, stride, |_, _, corner| corner),
        4 => add_predicted(row, above, lane, stride, |left, up, corner| {
            left + up - corner
        }),
        5 => add_predicted(row, above, lane, stride, |left, up, corner| {
            left + ((up - corner) >> 1)
        }),
        6 => add_predicted(row, above, lane, stride, |left, up, corner| {
            up + ((left - corner) >> 1)
        }),
        _ => add_predicted(row, above, lane, stride, |left, up, _| (left + up) >> 1),
    }
}

#[inline]
fn add_predicted(
    row: &mut [u16],
    above: &[u16],
    lane: usize,
    stride: usize,
    rule: impl Fn(i32, i32, i32) -> i32,
) {
    // The row's first sample is predicted from above whatever the rule.
    let mut left = above[lane];
    let mut corner = left;
    let mut is_first = true;
    for (sample, &up) in row.iter_mut().zip(above).skip(lane).step_by(stride) {
        let predicted = if is_first {
            up
        } else {
            rule(i32::from(left), i32::from(up), i32::from(corner)) as u16
        };
        is_first = false;
        *sample = sample.wrapping_add(predicted);
        (left, corner) = (*sample, up);
    }
}

/// Undoes the point transform; keeps to the precision what a damaged stream made too large.
fn finish(values: &mut [u16], lane: usize, stride: usize, precision: u8, point_transform: u8) {
    if precision == 16 && point_transform == 0 {
        return;
    }
    let largest = u16::MAX >> (16 - precision);
    for value in values.iter_mut().skip(lane).step_by(stride) {
        *value = (*value << point_transform) & largest;
    }
}
