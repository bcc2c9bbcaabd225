//! Every DICOM file at hand against what pydicom makes of it (`tests/golden/scans.py`).

use std::fs;
use std::sync::Arc;

use serde_json::Value;

use super::Object;
use crate::test_data::{crc32, data, golden};
use crate::{Limits, Pixels};

/// Syntaxes whose decoders may differ in the last digit: DCT and the irreversible wavelet.
const LOSSY: [&str; 3] = [
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.91",
];

fn open(path: &str) -> Option<Result<Object, crate::DecodeError>> {
    let bytes = fs::read(data()?.join("dicom").join(path)).unwrap();
    Some(Object::read(Arc::new(bytes), Limits::default()))
}

/// Means of 8 x 8 blocks, as numpy's `array_split` cuts them.
fn grid(values: &[f64], width: usize, height: usize) -> Vec<f64> {
    let cuts = |side: usize| -> Vec<(usize, usize)> {
        let (each, more) = (side / 8, side % 8);
        let ends = (0..8).scan(0, |start, at| {
            let from = *start;
            *start += each + usize::from(at < more);
            Some((from, *start))
        });
        ends.collect()
    };
    let mut means = Vec::new();
    for (top, bottom) in cuts(height) {
        for (left, right) in cuts(width) {
            let mut sum = 0.0;
            for y in top..bottom {
                sum += values[y * width + left..y * width + right]
                    .iter()
                    .sum::<f64>();
            }
            means.push(sum / ((bottom - top) * (right - left)) as f64);
        }
    }
    means
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or(f64::NAN)],
    }
}

/// The largest difference of two grids.
fn apart(ours: &[f64], theirs: &Value) -> f64 {
    let theirs = numbers(theirs);
    assert_eq!(ours.len(), theirs.len());
    let pairs = ours.iter().zip(&theirs);
    pairs
        .filter(|(_, theirs)| theirs.is_finite())
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

struct Tally {
    faults: Vec<String>,
    exact: usize,
    near: usize,
}

impl Tally {
    fn check(&mut self, path: &str, known: &Value) {
        let syntax = known["transfer_syntax"].as_str().unwrap_or_default();
        let Some(object) = open(path) else {
            return;
        };
        let object = match object {
            Ok(object) => object,
            Err(error) => {
                let is_expected = known["no_pixels"] == true || known.get("error").is_some();
                if !is_expected {
                    self.faults.push(format!("{path}: {error}"));
                }
                return;
            }
        };
        // Streams that pydicom's libraries refuse for one byte of a header.
        if let Some(known) = known.get("mended") {
            self.frame(path, LOSSY[1], &object, known);
        }
        for place in ["first", "middle", "last"] {
            if let Some(frame) = known.get(place) {
                self.frame(path, syntax, &object, frame);
            }
        }
    }

    fn frame(&mut self, path: &str, syntax: &str, object: &Object, known: &Value) {
        let index = known["index"].as_u64().unwrap_or(0) as u32;
        let (width, height) = object.extent();
        let (width, height) = (width as usize, height as usize);
        if known.get("min").is_some() {
            let stored = match object.stored(index) {
                Ok(stored) => stored,
                Err(error) => return self.faults.push(format!("{path} {index}: {error}")),
            };
            let bytes: Vec<u8> = stored
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            if format!("{:08x}", crc32(&bytes)) == known["crc32"] {
                self.exact += 1;
                return;
            }
            let values: Vec<f64> = stored.iter().map(|value| f64::from(*value)).collect();
            let apart = apart(&grid(&values, width, height), &known["grid"]);
            if LOSSY.contains(&syntax) && apart < 1.0 {
                self.near += 1;
            } else {
                self.faults
                    .push(format!("{path} {index}: {syntax} is {apart} apart"));
            }
            return;
        }
        let colour = match object.pixels(index) {
            Ok(Pixels::Rgb8(colour)) => colour,
            Ok(_) => return self.faults.push(format!("{path} {index}: no colour")),
            Err(error) => return self.faults.push(format!("{path} {index}: {error}")),
        };
        if format!("{:08x}", crc32(colour.as_raw())) == known["crc32"] {
            self.exact += 1;
            return;
        }
        let worst = (0..3).map(|channel| {
            let values = colour.as_raw().iter().skip(channel).step_by(3);
            let values: Vec<f64> = values.map(|value| f64::from(*value)).collect();
            apart(&grid(&values, width, height), &known["grids"][channel])
        });
        let worst = worst.fold(0.0, f64::max);
        // libjpeg smooths shared colours, which are repeated here.
        let allowed = if syntax == LOSSY[0] { 2.5 } else { 0.5 };
        if worst < allowed {
            self.near += 1;
        } else {
            self.faults
                .push(format!("{path} {index}: colours {worst} apart ({syntax})"));
        }
    }
}

#[test]
fn every_file_holds_what_pydicom_finds_in_it() {
    if data().is_none() {
        return;
    }
    let golden = golden();
    let mut tally = Tally {
        faults: Vec::new(),
        exact: 0,
        near: 0,
    };
    for (path, known) in golden["dicom"].as_object().unwrap() {
        tally.check(path, known);
    }
    println!("{} exact, {} near", tally.exact, tally.near);
    assert!(tally.faults.is_empty(), "{:#?}", tally.faults);
    assert!(tally.exact > 100, "{}", tally.exact);
}
