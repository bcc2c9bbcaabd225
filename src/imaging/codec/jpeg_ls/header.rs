//! Marker segments: the frame, the settings between scans and the scan headers (T.87 annex C).

use super::CodecError::{self, Damaged, Unsupported};

pub(super) const MOST_COMPONENTS: usize = 4;

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;
const NUMBER_OF_LINES: u8 = 0xDC;
const RESTART_INTERVAL: u8 = 0xDD;
const COMMENT: u8 = 0xFE;
const START_OF_FRAME: u8 = 0xF7;
const PRESET: u8 = 0xF8;
const CUT: CodecError = Damaged("it ends too early");

/// What the frame header says.
pub(super) struct Frame {
    pub(super) precision: u8,
    pub(super) width: u16,
    pub(super) height: u16,
    identifiers: Vec<u8>,
}

impl Frame {
    pub(super) fn components(&self) -> usize {
        self.identifiers.len()
    }
}

/// What segments before a scan set; zero stands for the default.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) maximum: u16,
    pub(super) thresholds: [u16; 3],
    pub(super) reset: u16,
    /// Lines between restart markers.
    pub(super) restart_lines: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Interleave {
    Line,
    Sample,
}

pub(super) struct ScanHeader {
    components: [usize; MOST_COMPONENTS],
    count: usize,
    pub(super) near: u8,
    pub(super) interleave: Interleave,
}

impl ScanHeader {
    /// Positions in the frame of the components of this scan.
    pub(super) fn components(&self) -> &[usize] {
        &self.components[..self.count]
    }
}

/// The bytes not yet read.
pub(super) struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Segments<'a> {
    pub(super) fn start(bytes: &'a [u8]) -> Result<Self, CodecError> {
        match bytes {
            [0xFF, START_OF_IMAGE, rest @ ..] => Ok(Self { rest }),
            _ => Err(Damaged("it does not start as a JPEG image")),
        }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Reads up to and with the frame header.
    pub(super) fn frame(&mut self, settings: &mut Settings) -> Result<Frame, CodecError> {
        loop {
            match self.marker()? {
                START_OF_FRAME => return frame(self.body()?),
                START_OF_SCAN | END_OF_IMAGE => return Err(Damaged("it has no frame header")),
                0xC0..=0xC3 | 0xC5..=0xCB | 0xCD..=0xCF => {
                    return Err(Unsupported("it is another kind of JPEG"));
                }
                marker => self.setting(marker, settings)?,
            }
        }
    }

    /// Reads up to and with the next scan header; none at the end of the image.
    pub(super) fn scan(
        &mut self,
        frame: &Frame,
        settings: &mut Settings,
    ) -> Result<Option<ScanHeader>, CodecError> {
        loop {
            match self.marker()? {
                START_OF_SCAN => return scan(self.body()?, frame).map(Some),
                END_OF_IMAGE => return Ok(None),
                START_OF_FRAME => return Err(Damaged("it has two frame headers")),
                marker => self.setting(marker, settings)?,
            }
        }
    }

    fn marker(&mut self) -> Result<u8, CodecError> {
        let [0xFF, rest @ ..] = self.rest else {
            return Err(if self.rest.is_empty() {
                CUT
            } else {
                Damaged("a marker is missing")
            });
        };
        // Any number of FF bytes may come before the code.
        let fill = rest.iter().take_while(|&&byte| byte == 0xFF).count();
        let [code, rest @ ..] = &rest[fill..] else {
            return Err(CUT);
        };
        self.rest = rest;
        Ok(*code)
    }

    fn body(&mut self) -> Result<&'a [u8], CodecError> {
        let [high, low, ..] = *self.rest else {
            return Err(CUT);
        };
        let length = usize::from(word(high, low));
        let body = self.rest.get(..length).ok_or(CUT)?;
        self.rest = &self.rest[length..];
        body.get(2..).ok_or(Damaged("a segment is too short"))
    }

    fn setting(&mut self, marker: u8, settings: &mut Settings) -> Result<(), CodecError> {
        match marker {
            PRESET => preset(self.body()?, settings),
            RESTART_INTERVAL => {
                settings.restart_lines = restart_lines(self.body()?)?;
                Ok(())
            }
            NUMBER_OF_LINES => Err(Unsupported("its height is not in the frame header")),
            // The mark of the colour transforms of HP's own encoder.
            0xE8 => match self.body()? {
                [b'm', b'r', b'f', b'x', transform, ..] if *transform != 0 => {
                    Err(Unsupported("it has a colour transform"))
                }
                _ => Ok(()),
            },
            COMMENT | 0xE0..=0xEF => self.body().map(|_| ()),
            _ => Err(Damaged("it has an unknown marker")),
        }
    }
}

fn word(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}

fn frame(body: &[u8]) -> Result<Frame, CodecError> {
    let [precision, y1, y0, x1, x0, count, components @ ..] = body else {
        return Err(Damaged("the frame header is too short"));
    };
    let (specifications, []) = components.as_chunks::<3>() else {
        return Err(Damaged("the frame header has a wrong length"));
    };
    if specifications.len() != usize::from(*count) || *count == 0 {
        return Err(Damaged("the frame header has a wrong length"));
    }
    if specifications.len() > MOST_COMPONENTS {
        return Err(Unsupported("it has more than four components"));
    }
    if !(2..=16).contains(precision) {
        return Err(Damaged("the precision is not 2 to 16 bits"));
    }
    let (height, width) = (word(*y1, *y0), word(*x1, *x0));
    if height == 0 || width == 0 {
        return Err(Unsupported("its size is not in the frame header"));
    }
    if specifications
        .iter()
        .any(|component| component[1] != specifications[0][1])
    {
        return Err(Unsupported("its components differ in size"));
    }
    let identifiers: Vec<u8> = specifications
        .iter()
        .map(|component| component[0])
        .collect();
    if (1..identifiers.len()).any(|at| identifiers[..at].contains(&identifiers[at])) {
        return Err(Damaged("two components have one name"));
    }
    Ok(Frame {
        precision: *precision,
        width,
        height,
        identifiers,
    })
}

fn scan(body: &[u8], frame: &Frame) -> Result<ScanHeader, CodecError> {
    let [count, selectors @ .., near, interleave, point_transform] = body else {
        return Err(Damaged("a scan header is too short"));
    };
    let (selectors, []) = selectors.as_chunks::<2>() else {
        return Err(Damaged("a scan header has a wrong length"));
    };
    let count = usize::from(*count);
    if selectors.len() != count || !(1..=frame.components()).contains(&count) {
        return Err(Damaged("a scan header has a wrong length"));
    }
    if *point_transform != 0 {
        return Err(Unsupported("it has a point transform"));
    }
    let mut components = [0; MOST_COMPONENTS];
    for (component, [name, table]) in components.iter_mut().zip(selectors) {
        if *table != 0 {
            return Err(Unsupported("it has mapping tables"));
        }
        let position = frame
            .identifiers
            .iter()
            .position(|identifier| identifier == name);
        *component = position.ok_or(Damaged("a scan names an unknown component"))?;
    }
    let interleave = match (*interleave, count) {
        (0..=2, 1) | (1, _) => Interleave::Line,
        (2, _) => Interleave::Sample,
        _ => return Err(Damaged("the interleaving is unknown")),
    };
    Ok(ScanHeader {
        components,
        count,
        near: *near,
        interleave,
    })
}

fn preset(body: &[u8], settings: &mut Settings) -> Result<(), CodecError> {
    match *body {
        [1, m1, m0, a1, a0, b1, b0, c1, c0, r1, r0] => {
            settings.maximum = word(m1, m0);
            settings.thresholds = [word(a1, a0), word(b1, b0), word(c1, c0)];
            settings.reset = word(r1, r0);
            Ok(())
        }
        [2 | 3, ..] => Err(Unsupported("it has mapping tables")),
        [4, ..] => Err(Unsupported("its size is not in the frame header")),
        [kind, ..] if kind > 4 => Err(Unsupported("it uses extensions of T.870")),
        _ => Err(Damaged("the preset parameters have a wrong length")),
    }
}

fn restart_lines(body: &[u8]) -> Result<u32, CodecError> {
    if !(2..=4).contains(&body.len()) {
        return Err(Damaged("the restart interval has a wrong length"));
    }
    Ok(body
        .iter()
        .fold(0, |lines, &byte| lines << 8 | u32::from(byte)))
}
