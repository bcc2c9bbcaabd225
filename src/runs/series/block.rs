//! A few hundred points packed into bytes and back.
//!
//! Steps and lines rise evenly, so what is written of them is by how much their rise changes. Values
//! are mostly short decimals in text: whole numbers over a power of ten, in as few bits as they need.

use semihv_domain::MetricPoint;

/// Points of a full block.
pub(super) const FULL: usize = 512;
/// Ten to this power and below is exact in double precision.
const MOST_DECIMALS: u8 = 18;
/// Whole numbers below this are exact in double precision.
const EXACT: f64 = 9_007_199_254_740_992.0;

const POWERS: [f64; MOST_DECIMALS as usize + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18,
];

const DECIMAL: u8 = 0;
const SINGLE: u8 = 1;
const DOUBLE: u8 = 2;

pub(super) fn pack(points: &[MetricPoint]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(points.len() * 3);
    varint(&mut bytes, points.len() as u64);
    rises(&mut bytes, points.iter().map(|point| point.step));
    rises(&mut bytes, points.iter().map(|point| point.line));
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    if let Some((decimals, wholes)) = wholes(&values) {
        bytes.extend([DECIMAL, decimals]);
        whole_numbers(&mut bytes, &values, &wholes);
    } else if values.iter().all(|value| is_single(*value)) {
        bytes.push(SINGLE);
        bytes.extend(values.iter().flat_map(|it| (*it as f32).to_le_bytes()));
    } else {
        bytes.push(DOUBLE);
        bytes.extend(values.iter().flat_map(|it| it.to_le_bytes()));
    }
    bytes
}

/// `None` where the bytes are no block.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<MetricPoint>> {
    let mut bytes = Bytes(bytes);
    let count = usize::try_from(bytes.varint()?).ok()?;
    if count > FULL {
        return None;
    }
    let steps = bytes.rises(count)?;
    let lines = bytes.rises(count)?;
    let values = bytes.values(count)?;
    let points = steps.into_iter().zip(lines).zip(values);
    let points = points.map(|((step, line), value)| MetricPoint { step, value, line });
    Some(points.collect())
}

fn is_single(value: f64) -> bool {
    f64::from(value as f32).to_bits() == value.to_bits() || value.is_nan()
}

fn power(decimals: u8) -> f64 {
    POWERS.get(usize::from(decimals)).copied().unwrap_or(1.0)
}

/// The whole number that gives exactly this value over a power of ten.
fn whole(value: f64, power: f64) -> Option<i64> {
    let scaled = value * power;
    if scaled.abs() >= EXACT {
        return None;
    }
    // Rounded to the nearest; where that errs by one, the next line says so.
    let whole = (scaled + 0.5_f64.copysign(scaled)) as i64;
    ((whole as f64 / power).to_bits() == value.to_bits()).then_some(whole)
}

/// The fewest decimals that all finite values are exact with, and the whole numbers. What is not
/// finite has a zero.
fn wholes(values: &[f64]) -> Option<(u8, Vec<i64>)> {
    let mut wholes = Vec::with_capacity(values.len());
    let mut decimals = 0;
    let mut raised_at = 0;
    for (at, value) in values.iter().enumerate() {
        let whole = loop {
            match whole(*value, power(decimals)) {
                _ if !value.is_finite() => break 0,
                Some(whole) => break whole,
                None if decimals == MOST_DECIMALS => return None,
                None => {
                    decimals += 1;
                    raised_at = at;
                }
            }
        };
        wholes.push(whole);
    }
    // Those before were made with fewer decimals.
    for (value, kept) in values.iter().zip(&mut wholes).take(raised_at) {
        if value.is_finite() {
            *kept = whole(*value, power(decimals))?;
        }
    }
    Some((decimals, wholes))
}

/// The least, the bits of each above it, and apart from them what is no number.
fn whole_numbers(bytes: &mut Vec<u8>, values: &[f64], wholes: &[i64]) {
    let least = wholes.iter().min().copied().unwrap_or(0);
    let most = wholes.iter().max().copied().unwrap_or(0);
    let width = 64 - most.abs_diff(least).leading_zeros();
    let troubles: Vec<(usize, &f64)> = values
        .iter()
        .enumerate()
        .filter(|(_, value)| !value.is_finite())
        .collect();
    varint(bytes, troubles.len() as u64);
    for (at, value) in troubles {
        varint(bytes, at as u64);
        bytes.push(match (value.is_nan(), *value > 0.0) {
            (true, _) => 0,
            (_, true) => 1,
            (_, false) => 2,
        });
    }
    varint(bytes, zigzag(least));
    bytes.push(width as u8);
    let (mut kept, mut bits) = (0_u64, 0_u32);
    for whole in wholes {
        let above = whole.abs_diff(least);
        kept |= above << bits;
        bits += width;
        if bits >= 64 {
            bytes.extend(kept.to_le_bytes());
            bits -= 64;
            // What did not fit; all of it did where nothing is left.
            kept = above.checked_shr(width - bits).unwrap_or(0);
        }
    }
    let left = bits.div_ceil(8) as usize;
    bytes.extend(kept.to_le_bytes().iter().take(left));
}

fn rises(bytes: &mut Vec<u8>, numbers: impl Iterator<Item = u64>) {
    let (mut last, mut rise) = (0_u64, 0_u64);
    let mut even = 0_u64;
    for number in numbers {
        let now = number.wrapping_sub(last);
        let change = now.wrapping_sub(rise) as i64;
        (last, rise) = (number, now);
        if change == 0 {
            even += 1;
            continue;
        }
        end_even(bytes, &mut even);
        varint(bytes, zigzag(change));
    }
    end_even(bytes, &mut even);
}

/// A zero, which is no change, and how often.
fn end_even(bytes: &mut Vec<u8>, even: &mut u64) {
    if *even > 0 {
        bytes.push(0);
        varint(bytes, *even);
        *even = 0;
    }
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

pub(super) fn varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// What is left to read.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for at in 0..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (at * 7);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn rises(&mut self, count: usize) -> Option<Vec<u64>> {
        let mut numbers = Vec::with_capacity(count);
        let (mut last, mut rise) = (0_u64, 0_u64);
        while numbers.len() < count {
            let change = self.varint()?;
            let times = if change == 0 { self.varint()? } else { 1 };
            if times == 0 || times > (count - numbers.len()) as u64 {
                return None;
            }
            rise = rise.wrapping_add(unzigzag(change) as u64);
            for _ in 0..times {
                last = last.wrapping_add(rise);
                numbers.push(last);
            }
        }
        Some(numbers)
    }

    fn values(&mut self, count: usize) -> Option<Vec<f64>> {
        match self.byte()? {
            DECIMAL => self.decimal_values(count),
            SINGLE => {
                let bytes = self.take(count * 4)?;
                let values = bytes.as_chunks::<4>().0.iter();
                Some(
                    values
                        .map(|it| f64::from(f32::from_le_bytes(*it)))
                        .collect(),
                )
            }
            DOUBLE => {
                let bytes = self.take(count * 8)?;
                let values = bytes.as_chunks::<8>().0.iter();
                Some(values.map(|it| f64::from_le_bytes(*it)).collect())
            }
            _ => None,
        }
    }

    fn decimal_values(&mut self, count: usize) -> Option<Vec<f64>> {
        let power = power(self.byte().filter(|it| *it <= MOST_DECIMALS)?);
        let mut troubles = Vec::new();
        for _ in 0..self.varint().filter(|it| *it <= count as u64)? {
            let at = usize::try_from(self.varint()?).ok()?;
            troubles.push((at, self.byte()?));
        }
        let least = unzigzag(self.varint()?);
        let width = u32::from(self.byte().filter(|it| *it <= 64)?);
        let mask = (1_u128 << width) - 1;
        let (mut kept, mut bits) = (0_u128, 0_u32);
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            while bits < width {
                kept |= u128::from(self.byte()?) << bits;
                bits += 8;
            }
            let above = (kept & mask) as u64;
            kept >>= width;
            bits -= width;
            values.push(least.wrapping_add(above as i64) as f64 / power);
        }
        for (at, kind) in troubles {
            *values.get_mut(at)? = match kind {
                0 => f64::NAN,
                1 => f64::INFINITY,
                _ => f64::NEG_INFINITY,
            };
        }
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(left: &[MetricPoint], right: &[MetricPoint]) -> bool {
        let is_same = |(a, b): (&MetricPoint, &MetricPoint)| {
            let is_value =
                a.value.to_bits() == b.value.to_bits() || (a.value.is_nan() && b.value.is_nan());
            (a.step, a.line) == (b.step, b.line) && is_value
        };
        left.len() == right.len() && left.iter().zip(right).all(is_same)
    }

    #[test]
    fn a_usual_log_needs_little_room() {
        let points: Vec<MetricPoint> = (0..FULL as u64)
            .map(|at| MetricPoint {
                step: at * 10,
                value: format!("{:.4}", 2.0 + (at as f64).sin() / 10.0)
                    .parse()
                    .unwrap(),
                line: at * 2,
            })
            .collect();
        let bytes = pack(&points);
        assert!(same(&unpack(&bytes).unwrap(), &points));
        assert!(bytes.len() < FULL * 2, "{} bytes", bytes.len());
    }

    #[test]
    fn what_is_no_number_and_zero_with_a_sign_come_back() {
        let values = [
            f64::NAN,
            1.5,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e300,
            -0.0,
            5e-324,
        ];
        for end in 1..=values.len() {
            let points: Vec<MetricPoint> = (0..)
                .zip(&values[..end])
                .map(|(step, value)| MetricPoint {
                    step,
                    value: *value,
                    line: 7,
                })
                .collect();
            assert!(same(&unpack(&pack(&points)).unwrap(), &points), "{end}");
        }
    }

    fn point() -> impl Strategy<Value = MetricPoint> {
        let value = prop_oneof![
            any::<f64>(),
            any::<f32>().prop_map(f64::from),
            (-100_000_i64..100_000, 0..9).prop_map(|(it, e)| it as f64 / 10_f64.powi(e)),
        ];
        (any::<u64>(), value, any::<u64>()).prop_map(|(step, value, line)| MetricPoint {
            step,
            value,
            line,
        })
    }

    proptest! {
        #[test]
        fn any_points_come_back(points in proptest::collection::vec(point(), 0..40)) {
            prop_assert!(same(&unpack(&pack(&points)).unwrap(), &points));
        }

        #[test]
        fn any_bytes_are_a_block_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(points) = unpack(&bytes) {
                prop_assert!(points.len() <= FULL);
            }
        }
    }
}
