//! Lines that look like the line before: a trainer prints the same names in the same order, so what
//! was found out about one line tells where the numbers of the next ones stand.
//!
//! A shape is learned from a dict that the reader of dicts took, and fits only where everything
//! between the values is the same byte for byte. What does not fit is read as any line.

use memchr::memchr;

use super::dict::number;

/// Trainers print a few kinds of lines in turn.
const MOST_SHAPES: usize = 8;
const MOST_PARTS: usize = 256;

/// What stands at a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// A number of the series.
    Figure(usize),
    Step,
    /// A number that is none of a figure.
    Frame,
    /// A text up to this quote.
    Text(u8),
}

/// How a value is used, told by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Figure(usize),
    Step,
    Frame,
}

/// The bytes before a value, and what the value is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    before: Literal,
    slot: Slot,
}

/// Bytes that must stand there. Most are short, and compared as one number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Literal {
    bytes: Vec<u8>,
    start: u128,
    mask: u128,
}

impl Literal {
    fn of(bytes: &[u8]) -> Self {
        let mut start = [0; 16];
        let mut mask = [0; 16];
        for ((byte, start), mask) in bytes.iter().zip(&mut start).zip(&mut mask) {
            (*start, *mask) = (*byte, 0xff);
        }
        Self {
            bytes: bytes.to_vec(),
            start: u128::from_le_bytes(start),
            mask: u128::from_le_bytes(mask),
        }
    }

    fn behind<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let is_start = match text.first_chunk::<16>() {
            Some(first) => (u128::from_le_bytes(*first) ^ self.start) & self.mask == 0,
            None => true,
        };
        let is_all = self.bytes.len() <= 16 && text.len() >= 16;
        if is_start && (is_all || text.starts_with(&self.bytes)) {
            return text.get(self.bytes.len()..);
        }
        None
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    parts: Vec<Part>,
    after: Vec<u8>,
    has_step: bool,
}

/// The shapes of a log so far, and the values of the line read last.
#[derive(Debug, Clone, Default)]
pub(super) struct Shapes {
    known: Vec<Shape>,
    /// The one that fitted last is tried first.
    latest: usize,
    pub(super) figures: Vec<(usize, f64)>,
}

/// What a line of a known shape says of its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Said(u64),
    Ordinal,
}

impl Shapes {
    /// Leaves the values in `figures`; `None` where no shape fits.
    pub(super) fn read(&mut self, line: &[u8]) -> Option<Fit> {
        if line.first() != Some(&b'{') {
            return None;
        }
        let count = self.known.len();
        for away in 0..count {
            let at = (self.latest + away) % count;
            self.figures.clear();
            let shape = self.known.get(at)?;
            if let Some(fit) = shape.fit(line, &mut self.figures) {
                self.latest = at;
                return Some(fit);
            }
        }
        None
    }

    /// Learns from a line that was read as a dict; `uses` tells what each name is for.
    pub(super) fn learn(&mut self, line: &[u8], uses: &mut dyn FnMut(&str, f64) -> Option<Use>) {
        let Some(shape) = Shape::of(line, uses) else {
            return;
        };
        if self.known.len() >= MOST_SHAPES {
            // The one after the latest was learned longest ago, or is as good as any.
            self.known.remove((self.latest + 1) % MOST_SHAPES);
        }
        self.known.push(shape);
        self.latest = self.known.len() - 1;
    }
}

impl Shape {
    fn of(line: &[u8], uses: &mut dyn FnMut(&str, f64) -> Option<Use>) -> Option<Self> {
        let mut scan = Scan { line, at: 1 };
        let (mut parts, mut from) = (Vec::new(), 0);
        let mut has_step = false;
        if line.first() != Some(&b'{') {
            return None;
        }
        loop {
            let (name, _) = scan.quoted()?;
            let name = str::from_utf8(line.get(name)?).ok()?;
            scan.take(b':')?;
            let (value, quote) = scan.value()?;
            let token = line.get(value.clone())?;
            let slot = match (str::from_utf8(token).ok().and_then(number), quote) {
                (Some(value), _) => match uses(name, value)? {
                    Use::Figure(column) => Some(Slot::Figure(column)),
                    Use::Step => Some(Slot::Step),
                    Use::Frame => Some(Slot::Frame),
                },
                (None, Some(quote)) => Some(Slot::Text(quote)),
                // `true`, `null`: the same on every line of this shape.
                (None, None) => None,
            };
            has_step |= slot == Some(Slot::Step);
            if let Some(slot) = slot {
                let before = Literal::of(line.get(from..value.start)?);
                parts.push(Part { before, slot });
                from = value.end;
            }
            if scan.take(b',').is_none() {
                break;
            }
        }
        scan.take(b'}')?;
        let after = line.get(from..)?.to_vec();
        let is_whole = line.get(scan.at..)?.trim_ascii().is_empty();
        (is_whole && parts.len() <= MOST_PARTS).then_some(Self {
            parts,
            after,
            has_step,
        })
    }

    fn fit(&self, line: &[u8], figures: &mut Vec<(usize, f64)>) -> Option<Fit> {
        let mut rest = line;
        let mut step = None;
        for part in &self.parts {
            rest = part.before.behind(rest)?;
            rest = match part.slot {
                Slot::Text(quote) => behind_text(rest, quote)?,
                Slot::Figure(column) => {
                    let (value, behind) = leading_float(rest)?;
                    figures.push((column, value));
                    behind
                }
                Slot::Frame => leading_float(rest)?.1,
                Slot::Step => {
                    let (value, behind) = leading_float(rest)?;
                    step = Some(super::line::whole(value)?);
                    behind
                }
            };
        }
        if rest != self.after {
            return None;
        }
        Some(match step {
            Some(step) => Fit::Said(step),
            None if self.has_step => return None,
            None => Fit::Ordinal,
        })
    }
}

/// Letters for `NaN`, `Infinity` and exponents.
fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+')
}

/// Walks through a flat dict without escapes.
struct Scan<'a> {
    line: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn skip_blanks(&mut self) {
        let rest = self.line.get(self.at..).unwrap_or_default();
        self.at += rest.len() - rest.trim_ascii_start().len();
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        self.skip_blanks();
        (self.line.get(self.at) == Some(&wanted)).then(|| self.at += 1)
    }

    /// What stands between quotes, and which.
    fn quoted(&mut self) -> Option<(std::ops::Range<usize>, u8)> {
        self.skip_blanks();
        let quote = *self
            .line
            .get(self.at)
            .filter(|it| matches!(it, b'"' | b'\''))?;
        let start = self.at + 1;
        let length = memchr(quote, self.line.get(start..)?)?;
        let inside = start..start + length;
        if memchr(b'\\', self.line.get(inside.clone())?).is_some() {
            return None;
        }
        self.at = inside.end + 1;
        Some((inside, quote))
    }

    fn value(&mut self) -> Option<(std::ops::Range<usize>, Option<u8>)> {
        self.skip_blanks();
        if matches!(self.line.get(self.at)?, b'"' | b'\'') {
            return self.quoted().map(|(value, quote)| (value, Some(quote)));
        }
        let start = self.at;
        let rest = self.line.get(start..)?;
        let length = rest.iter().position(|byte| !is_of_number(*byte))?;
        self.at += length;
        (length > 0).then_some((start..start + length, None))
    }
}

/// What stands behind a text up to its quote. One that is a number is a figure on this line, and a
/// `\` may hide a quote.
fn behind_text(rest: &[u8], quote: u8) -> Option<&[u8]> {
    let text = rest.get(..memchr(quote, rest)?)?;
    let may_be = text.first().is_some_and(|byte| is_of_number(*byte));
    let is_number = || may_be && str::from_utf8(text).ok().and_then(number).is_some();
    if memchr(b'\\', text).is_some() || is_number() {
        return None;
    }
    rest.get(text.len()..)
}

/// The number that a text begins with, as [`number`] reads it, and what stands behind. Quick for
/// what trainers print, at most 19 digits and a small power of ten: such a value is exact, because
/// both the whole number and the power of ten are (Clinger's fast path).
fn leading_float(rest: &[u8]) -> Option<(f64, &[u8])> {
    if let Some((value, behind)) = simple_float(rest)
        && !behind.first().is_some_and(|byte| is_of_number(*byte))
    {
        return Some((value, behind));
    }
    let length = rest.iter().position(|byte| !is_of_number(*byte));
    let (token, behind) = rest.split_at_checked(length.unwrap_or(rest.len()))?;
    Some((number(str::from_utf8(token).ok()?)?, behind))
}

fn simple_float(text: &[u8]) -> Option<(f64, &[u8])> {
    let (is_negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let (mut whole, mut at) = leading_digits(digits, 0);
    let mut count = at;
    let mut decimals = 0;
    if digits.get(at) == Some(&b'.') {
        let (with_decimals, length) = leading_digits(digits.get(at + 1..)?, whole);
        whole = with_decimals;
        decimals = length;
        count += length;
        at += 1 + length;
    }
    if count == 0 || count > 19 || whole >= 1 << 53 {
        return None;
    }
    let mut power = -(decimals as i32);
    if matches!(digits.get(at), Some(b'e' | b'E')) {
        let (exponent, length) = small_exponent(digits.get(at + 1..)?)?;
        power += exponent;
        at += 1 + length;
    }
    let value = match power {
        0..=22 => whole as f64 * POWERS.get(power as usize)?,
        -22..=-1 => whole as f64 / POWERS.get(power.unsigned_abs() as usize)?,
        _ => return None,
    };
    Some((if is_negative { -value } else { value }, digits.get(at..)?))
}

/// The digits that a text begins with put behind those of `whole`, and how many they are. What is
/// too much wraps around: who calls counts the digits.
fn leading_digits(text: &[u8], mut whole: u64) -> (u64, usize) {
    let mut at = 0;
    while let Some(eight) = text.get(at..).and_then(|it| it.first_chunk::<8>()) {
        let bytes = u64::from_le_bytes(*eight);
        // A byte is a digit where its high half is 3 and adding 6 leaves it so.
        let high = 0xf0f0_f0f0_f0f0_f0f0;
        let others = ((bytes & high) ^ 0x3030_3030_3030_3030)
            | ((bytes.wrapping_add(0x0606_0606_0606_0606) & high) ^ 0x3030_3030_3030_3030);
        let count = (others.trailing_zeros() / 8) as usize;
        if count == 0 {
            return (whole, at);
        }
        // The digits stand at the end, zeros before them.
        let digits = (bytes & 0x0f0f_0f0f_0f0f_0f0f) << (64 - count * 8);
        let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
        let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
        let number = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
        let power = TENS.get(count).copied().unwrap_or(1);
        whole = whole.wrapping_mul(power).wrapping_add(number);
        at += count;
        if count < 8 {
            return (whole, at);
        }
    }
    while let Some(digit) = text.get(at).filter(|it| it.is_ascii_digit()) {
        whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        at += 1;
    }
    (whole, at)
}

const TENS: [u64; 9] = [
    1,
    10,
    100,
    1000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// And how many bytes it has.
fn small_exponent(text: &[u8]) -> Option<(i32, usize)> {
    let (sign, start) = match text.first()? {
        b'-' => (-1, 1),
        b'+' => (1, 1),
        _ => (1, 0),
    };
    let digits = text.get(start..)?;
    let length = digits.iter().take_while(|it| it.is_ascii_digit()).count();
    if length == 0 || length > 3 {
        return None;
    }
    let number = digits.iter().take(length);
    let number = number.fold(0, |number, it| number * 10 + i32::from(it - b'0'));
    Some((sign * number, start + length))
}

/// Exact in double precision.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_what_they_are_for_everybody(whole in any::<u64>(), point in 0_usize..20, exponent in -330_i32..330, shift in 0_u32..64, negative in any::<bool>()) {
            let mut digits = (whole >> shift).to_string();
            if point < digits.len() {
                digits.insert(point, '.');
            }
            let sign = if negative { "-" } else { "" };
            for text in [format!("{sign}{digits}"), format!("{sign}{digits}e{exponent}"), format!("{sign}{digits}E{exponent:+03}")] {
                let expected: f64 = text.parse().unwrap();
                let text = format!("{text},\"next\":1");
                let (value, behind) = leading_float(text.as_bytes()).unwrap();
                prop_assert_eq!((value.to_bits(), behind), (expected.to_bits(), &b",\"next\":1"[..]), "{}", text);
            }
        }

        #[test]
        fn other_texts_are_read_as_before(text in "[-+0-9.eEnaifN]{0,8}") {
            let found = leading_float(text.as_bytes()).filter(|(_, behind)| behind.is_empty());
            let found = found.map(|(value, _)| value.to_bits());
            prop_assert_eq!(found, number(&text).map(f64::to_bits), "{}", text);
        }
    }
}
