//! What a scan's settings come to: thresholds, code lengths, the quantiser of gradients and how
//! an error becomes a sample (T.87 A.2, A.8 and C.2.4.1.1).

use super::CodecError::{self, Damaged};
use super::bits::Code;
use super::header::Settings;

/// log2 of the run lengths a one bit stands for, by run index (T.87 A.2.1).
const RUN_ORDERS: [u8; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13,
    14, 15,
];

pub(super) struct Parameters {
    pub(super) near: i32,
    pub(super) maximum: i32,
    /// How many values an error can have.
    pub(super) range: u32,
    pub(super) reset: u32,
    thresholds: [i32; 3],
    limit: u32,
}

impl Parameters {
    pub(super) fn new(precision: u8, near: u8, settings: &Settings) -> Result<Self, CodecError> {
        let highest = (1 << precision) - 1;
        let maximum = or_default(settings.maximum, highest);
        let near = i32::from(near);
        if maximum > highest || near > maximum / 2 {
            return Err(Damaged("the largest sample or error is out of range"));
        }
        let defaults = default_thresholds(maximum, near);
        let mut thresholds = [0; 3];
        let mut lowest = near + 1;
        for (at, threshold) in thresholds.iter_mut().enumerate() {
            *threshold = or_default(settings.thresholds[at], defaults[at]);
            if !(lowest..=maximum).contains(threshold) {
                return Err(Damaged("the thresholds are out of range"));
            }
            lowest = *threshold;
        }
        let reset = or_default(settings.reset, 64);
        if !(3..=maximum.max(255)).contains(&reset) {
            return Err(Damaged("the reset count is out of range"));
        }
        let range = ((maximum + 2 * near) / (2 * near + 1) + 1) as u32;
        let bits = bits_for(maximum as u32 + 1).max(2);
        let limit = 2 * (bits + bits.max(8));
        Ok(Self {
            near,
            maximum,
            range,
            reset: reset as u32,
            thresholds,
            limit,
        })
    }

    /// The code of errors in regular mode.
    pub(super) fn code(&self) -> Code {
        Code::new(self.limit, bits_for(self.range))
    }

    /// The codes of errors after a run, by run index.
    pub(super) fn run_codes(&self) -> [(u32, Code); 32] {
        RUN_ORDERS.map(|order| {
            let order = u32::from(order);
            (
                order,
                Code::new(self.limit - order - 1, bits_for(self.range)),
            )
        })
    }

    /// Whether errors wrap around as bits do.
    pub(super) fn is_plain(&self) -> bool {
        self.near == 0 && self.range.is_power_of_two()
    }
}

/// Twice the values of 16 bits: gradients, negative ones counted from the end.
const GRADIENTS: usize = 1 << 17;

/// Classes of gradients, from -4 to 4.
pub(super) struct Quantiser {
    classes: Box<[i8; GRADIENTS]>,
}

impl Quantiser {
    pub(super) fn new(parameters: &Parameters) -> Option<Self> {
        // Zeroed memory costs nothing where it is not touched, as most is not for eight bits.
        let mut classes: Box<[i8; GRADIENTS]> = vec![0; GRADIENTS].try_into().ok()?;
        let end = parameters.maximum as usize + 1;
        let [first, second, third] = parameters.thresholds.map(|start| start as usize);
        let starts = [parameters.near as usize + 1, first, second, third];
        let ends = [first, second, third, end];
        for ((start, end), class) in starts.into_iter().zip(ends).zip(1_i8..) {
            classes[start..end].fill(class);
            classes[GRADIENTS + 1 - end..=GRADIENTS - start].fill(-class);
        }
        Some(Self { classes })
    }

    #[inline]
    pub(super) fn class(&self, gradient: i32) -> i32 {
        i32::from(self.classes[gradient as usize % GRADIENTS])
    }
}

/// How a decoded error and a prediction make a sample.
pub(super) trait Rule: Copy {
    fn near(self) -> i32;
    /// The difference of samples that an error stands for.
    fn scaled(self, error: i32) -> i32;
    /// The nearest value a sample may have.
    fn clamped(self, predicted: i32) -> i32;
    fn sample(self, predicted: i32, difference: i32) -> i32;
}

/// Lossless with all values of the precision in use.
#[derive(Clone, Copy)]
pub(super) struct Plain {
    mask: i32,
}

impl Plain {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self {
            mask: parameters.maximum,
        }
    }
}

impl Rule for Plain {
    #[inline]
    fn near(self) -> i32 {
        0
    }

    #[inline]
    fn scaled(self, error: i32) -> i32 {
        error
    }

    #[inline]
    fn clamped(self, predicted: i32) -> i32 {
        predicted.max(0).min(self.mask)
    }

    #[inline]
    fn sample(self, predicted: i32, difference: i32) -> i32 {
        (predicted + difference) & self.mask
    }
}

/// Any largest sample and any allowed error.
#[derive(Clone, Copy)]
pub(super) struct General {
    near: i32,
    maximum: i32,
    span: i32,
}

impl General {
    pub(super) fn new(parameters: &Parameters) -> Self {
        let near = parameters.near;
        Self {
            near,
            maximum: parameters.maximum,
            span: parameters.range as i32 * (2 * near + 1),
        }
    }
}

impl Rule for General {
    #[inline]
    fn near(self) -> i32 {
        self.near
    }

    #[inline]
    fn scaled(self, error: i32) -> i32 {
        error * (2 * self.near + 1)
    }

    #[inline]
    fn clamped(self, predicted: i32) -> i32 {
        predicted.max(0).min(self.maximum)
    }

    #[inline]
    fn sample(self, predicted: i32, difference: i32) -> i32 {
        let mut sample = predicted + difference;
        if sample < -self.near {
            sample += self.span;
        } else if sample > self.maximum + self.near {
            sample -= self.span;
        }
        self.clamped(sample)
    }
}

fn or_default(value: u16, default: i32) -> i32 {
    if value == 0 { default } else { value.into() }
}

/// Bits that tell `values` values apart.
fn bits_for(values: u32) -> u32 {
    (values - 1).checked_ilog2().map_or(0, |bits| bits + 1)
}

fn default_thresholds(maximum: i32, near: i32) -> [i32; 3] {
    let keep = |value: i32, lowest: i32| {
        if (lowest..=maximum).contains(&value) {
            value
        } else {
            lowest
        }
    };
    let [first, second, third] = if maximum >= 128 {
        let factor = (maximum.min(4095) + 128) / 256;
        [factor + 2, 4 * factor + 3, 17 * factor + 4]
    } else {
        let factor = 256 / (maximum + 1);
        [3 / factor, 7 / factor, 21 / factor]
    };
    let smallest = if maximum >= 128 { [0; 3] } else { [2, 3, 4] };
    let first = keep((first + 3 * near).max(smallest[0]), near + 1);
    let second = keep((second + 5 * near).max(smallest[1]), first);
    let third = keep((third + 7 * near).max(smallest[2]), second);
    [first, second, third]
}
