//! The glyphs of a page in the order in which they are drawn, gathered into lines.

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, SoftMask, interpret_page,
};

use super::layout::Line;

/// More letters are no page but an attempt to fill the memory.
const MAX_GLYPHS_A_PAGE: usize = 1 << 20;
/// Glyphs are described in thousandths of their size.
const UNITS: f64 = 1000.0;
/// In parts of the size of the letters: what is further right is another word, what is further up
/// or down another line.
const WORD_GAP: f64 = 0.11;
const COLUMN_GAP: f64 = 3.0;
const LINE_DRIFT: f64 = 0.55;

pub(super) fn lines(pdf: &Pdf, page: &Page<'_>) -> Vec<Line> {
    let cache = InterpreterCache::new();
    let whole = Rect::new(-1e6, -1e6, 1e6, 1e6);
    let settings = InterpreterSettings::default();
    let mut context = Context::new(Affine::IDENTITY, whole, &cache, pdf.xref(), settings);
    let mut listener = Listener::default();
    interpret_page(page, &mut context, &mut listener);
    listener.end_line();
    listener.lines
}

#[derive(Default)]
struct Listener {
    lines: Vec<Line>,
    text: String,
    /// Where the last glyph ended, and its size; `None` at the start of a line.
    pen: Option<(Point, f64)>,
    size: f64,
    top: f64,
    glyphs: usize,
}

impl Listener {
    fn glyph(&mut self, text: &str, place: Affine, advance: f64) {
        let start = place * Point::ZERO;
        let end = place * Point::new(advance, 0.0);
        let size = (place * Point::new(0.0, UNITS) - start).hypot();
        if !(start.is_finite() && end.is_finite() && size.is_finite()) || size <= 0.0 {
            return;
        }
        if let Some((pen, last)) = self.pen {
            let unit = last.max(size);
            let gap = (start.x - pen.x) / unit;
            let is_elsewhere = (start.y - pen.y).abs() > LINE_DRIFT * unit
                || !(-COLUMN_GAP..=COLUMN_GAP).contains(&gap);
            if is_elsewhere {
                self.end_line();
            } else if gap > WORD_GAP && !self.text.ends_with(' ') {
                self.text.push(' ');
            }
        }
        if self.text.trim().is_empty() {
            (self.size, self.top) = (size, start.y);
        }
        self.text.push_str(text);
        self.pen = Some((end, size));
    }

    fn end_line(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            self.lines.push(Line {
                text,
                size: self.size,
                top: self.top,
            });
        }
        self.pen = None;
    }
}

fn advance(glyph: &Glyph<'_>) -> f64 {
    let advance = match glyph {
        Glyph::Outline(outline) => outline.advance_width(),
        Glyph::Type3(drawn) => drawn.advance_width(),
    };
    f64::from(advance.unwrap_or(UNITS as f32 / 2.0))
}

impl Device<'_> for Listener {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, _: &DrawMode) {
        for glyph in run.glyphs() {
            self.glyphs += 1;
            if self.glyphs > MAX_GLYPHS_A_PAGE {
                return;
            }
            let place = props.transform * glyph.transform();
            match glyph.as_unicode() {
                Some(BfString::Char(letter)) if letter.is_control() => {}
                Some(BfString::Char(letter)) => {
                    let letter = letter.to_string();
                    self.glyph(unjoined(&letter), place, advance(glyph));
                }
                Some(BfString::String(letters)) => self.glyph(&letters, place, advance(glyph)),
                // A letter that nobody can name; its place is kept, so that words do not join.
                None => self.glyph("", place, advance(glyph)),
            }
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'_>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'_, '_>, _: ImageDrawProps<'_>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// Ligatures as the letters that people type when they search.
fn unjoined(letter: &str) -> &str {
    match letter {
        "\u{fb00}" => "ff",
        "\u{fb01}" => "fi",
        "\u{fb02}" => "fl",
        "\u{fb03}" => "ffi",
        "\u{fb04}" => "ffl",
        "\u{a0}" => " ",
        other => other,
    }
}
