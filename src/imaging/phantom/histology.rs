//! Histology-like fields in haematoxylin and eosin: pink stroma, purple nuclei, pale spaces.

use std::f32::consts::{PI, TAU};

use image::DynamicImage;

use super::canvas::{Canvas, Colour, Edge, Mix, inside};
use super::form::{Form, Point, step};
use super::noise::{Dice, Noise};
use super::table::Finding;

#[derive(Debug, Clone, Copy)]
pub(super) enum Tissue {
    ColonNormal,
    ColonAdenocarcinoma,
    BreastHighGrade,
    ProstateSmallGlands,
    LiverFat,
}

const SIDE: u32 = 480;
const STROMA: Colour = [238.0, 200.0, 216.0];
const FIBRE: Colour = [221.0, 150.0, 184.0];
const CYTOPLASM: Colour = [216.0, 166.0, 204.0];
const DARK_CYTOPLASM: Colour = [192.0, 136.0, 190.0];
const NUCLEUS: Colour = [98.0, 66.0, 142.0];
const DARK_NUCLEUS: Colour = [62.0, 38.0, 106.0];
const LUMEN: Colour = [248.0, 244.0, 248.0];
const MUCIN: Colour = [236.0, 232.0, 246.0];
const DEBRIS: Colour = [206.0, 112.0, 150.0];

/// A field being stained.
struct Slide {
    canvas: Canvas<Colour>,
    dice: Dice,
    noise: Noise,
}

/// How the cells of a gland look.
#[derive(Debug, Clone, Copy)]
struct Lining {
    thickness: f32,
    nucleus: Point,
    /// Rows of nuclei above each other.
    rows: u32,
    disorder: f32,
    cytoplasm: Colour,
    nuclear: Colour,
}

pub(super) fn field(seed: u32, tissue: Tissue, findings: &[Finding]) -> DynamicImage {
    let mut slide = Slide {
        canvas: Canvas::new(SIDE, SIDE, STROMA),
        dice: Dice::new(seed),
        noise: Noise::new(seed),
    };
    let Some((centre, radii)) = findings.first().map(|finding| finding.outline.oval()) else {
        return slide.canvas.into_colour();
    };
    match tissue {
        Tissue::ColonNormal => slide.colon(centre, (radii.0 + 13.0, radii.1 + 12.0)),
        Tissue::ColonAdenocarcinoma => slide.adenocarcinoma(centre, radii),
        Tissue::BreastHighGrade => slide.high_grade(centre, radii),
        Tissue::ProstateSmallGlands => slide.prostate(centre, radii),
        Tissue::LiverFat => slide.fatty_liver(centre, radii),
    }
    let noise = slide.noise;
    slide.canvas.each(|x, y, colour| {
        let light = 1.0 + 0.012 * noise.grain(x, y) + 0.03 * noise.at(x / 130.0, y / 130.0);
        colour.map(|channel| channel * light)
    });
    slide.canvas.into_colour()
}

impl Slide {
    /// Wavy collagen with spindle cells along it.
    fn stroma(&mut self, cells: u32, strength: f32) {
        let noise = self.noise;
        self.canvas.each(|x, y, _| {
            let bend = 26.0 * noise.at(x / 110.0, y / 110.0);
            let fibre = noise.fractal((x + bend) / 46.0, (y + 1.6 * bend) / 7.0, 3);
            let clear = inside(fibre + 0.62, 0.2);
            STROMA
                .mix(FIBRE, (0.45 + strength * fibre).clamp(0.0, 1.0))
                .mix(LUMEN, 0.7 * clear)
        });
        for _ in 0..cells {
            let at = self.anywhere();
            let lean = 0.5 * noise.at(at.0 / 110.0, at.1 / 110.0);
            let size = (self.dice.between(5.0, 8.0), self.dice.between(1.4, 2.2));
            self.nucleus(at, size, lean, NUCLEUS);
        }
    }

    fn anywhere(&mut self) -> Point {
        let side = SIDE as f32;
        (
            self.dice.between(-4.0, side + 4.0),
            self.dice.between(-4.0, side + 4.0),
        )
    }

    /// Chromatin is uneven and the membrane darker than the inside.
    fn nucleus(&mut self, at: Point, size: Point, angle: f32, colour: Colour) {
        let noise = self.noise;
        let form = Form::oval(at, size).turned(angle);
        let depth = size.0.min(size.1);
        self.canvas.shade(&form, Edge::soft(1.3), |x, y, _| {
            let chromatin = 0.22 * noise.at(x / 2.3, y / 2.3);
            let membrane = 0.28 * inside(-form.distance(x, y) - 0.35 * depth, 0.4 * depth);
            colour.mix(LUMEN, (0.22 + chromatin - membrane).clamp(0.0, 0.6))
        });
    }

    /// Cells in a ring about a lumen, their nuclei near the outer side.
    fn gland(&mut self, centre: Point, radii: Point, lining: Lining, lumen: Colour) {
        let bumps = Edge::soft(1.6).rough(self.noise, lining.disorder * 5.0, 15.0);
        self.canvas.paint(
            &Form::oval(centre, (radii.0 + 1.5, radii.1 + 1.5)),
            bumps,
            LUMEN,
        );
        self.canvas
            .paint(&Form::oval(centre, radii), bumps, lining.cytoplasm);
        let inner = (radii.0 - lining.thickness, radii.1 - lining.thickness);
        if inner.0 > 1.0 && inner.1 > 1.0 {
            self.canvas.paint(&Form::oval(centre, inner), bumps, lumen);
        }
        let girth = PI * (radii.0 + radii.1);
        let count = (girth / (2.35 * lining.nucleus.1)) as u32;
        for row in 0..lining.rows {
            let inset = lining.nucleus.0 + 1.5 + row as f32 * 1.25 * lining.nucleus.0;
            for index in 0..count {
                let jitter = self.dice.between(-0.5, 0.5) * (0.3 + lining.disorder);
                let angle = TAU * (index as f32 + 0.5 * row as f32 + jitter) / count as f32;
                let stray = lining.disorder * self.dice.between(-3.0, 3.0);
                let reach = (radii.0 - inset + stray, radii.1 - inset + stray);
                let at = (
                    centre.0 + reach.0 * angle.cos(),
                    centre.1 + reach.1 * angle.sin(),
                );
                let grown = 1.0 + lining.disorder * self.dice.between(-0.3, 0.45);
                let size = (lining.nucleus.0 * grown, lining.nucleus.1 * grown);
                let lean = angle + lining.disorder * self.dice.between(-0.6, 0.6);
                self.nucleus(at, size, lean, lining.nuclear);
            }
        }
    }

    fn lymphocytes(&mut self, count: u32) {
        for _ in 0..count {
            let at = self.anywhere();
            let radius = self.dice.between(2.6, 3.6);
            self.nucleus(at, (radius, radius), 0.0, DARK_NUCLEUS);
        }
    }

    /// Round crypts in rows, pale goblet cells around each small lumen.
    fn colon(&mut self, centre: Point, radii: Point) {
        self.stroma(160, 0.35);
        self.lymphocytes(330);
        for row in -3..=3 {
            for column in -3..=3 {
                let shift = if row % 2 == 0 { 0.0 } else { 0.5 };
                let at = (
                    centre.0 + (column as f32 + shift) * 104.0 + self.dice.between(-7.0, 7.0),
                    centre.1 + row as f32 * 92.0 + self.dice.between(-6.0, 6.0),
                );
                let at = if row == 0 && column == 0 { centre } else { at };
                let size = self.dice.between(-3.0, 2.0);
                self.crypt(at, (radii.0 + size, radii.1 + size));
            }
        }
    }

    fn crypt(&mut self, centre: Point, radii: Point) {
        let lining = Lining {
            thickness: radii.0 * 0.78,
            nucleus: (4.6, 3.2),
            rows: 1,
            disorder: 0.12,
            cytoplasm: CYTOPLASM,
            nuclear: NUCLEUS,
        };
        self.gland(centre, radii, lining, LUMEN);
        let cups = 11;
        for cup in 0..cups {
            let angle = TAU * (cup as f32 + self.dice.between(-0.2, 0.2)) / cups as f32;
            let at = (
                centre.0 + 0.57 * radii.0 * angle.cos(),
                centre.1 + 0.57 * radii.1 * angle.sin(),
            );
            let plump = self.dice.between(0.95, 1.2);
            let form = Form::oval(at, (8.6 * plump, 5.4 * plump)).turned(angle);
            self.canvas.paint(&form, Edge::soft(1.8), MUCIN);
        }
    }

    /// Crowded irregular glands with several rows of long dark nuclei and debris in the lumen.
    fn adenocarcinoma(&mut self, centre: Point, radii: Point) {
        self.stroma(260, 0.6);
        self.lymphocytes(60);
        let lining = Lining {
            thickness: 25.0,
            nucleus: (7.4, 3.3),
            rows: 2,
            disorder: 0.85,
            cytoplasm: DARK_CYTOPLASM,
            nuclear: DARK_NUCLEUS,
        };
        for (at, size) in [
            ((86.0, 84.0), (70.0, 52.0)),
            ((402.0, 96.0), (62.0, 72.0)),
            ((88.0, 398.0), (64.0, 58.0)),
            ((400.0, 392.0), (74.0, 56.0)),
            ((240.0, 46.0), (44.0, 34.0)),
            ((244.0, 440.0), (46.0, 34.0)),
            ((46.0, 236.0), (38.0, 46.0)),
            ((452.0, 246.0), (34.0, 44.0)),
            (centre, radii),
        ] {
            self.gland(at, size, lining, LUMEN);
            self.debris(at, (size.0 - 34.0, size.1 - 34.0));
        }
    }

    fn debris(&mut self, centre: Point, radii: Point) {
        if radii.0 < 6.0 || radii.1 < 6.0 {
            return;
        }
        let ragged = Edge::soft(4.0).rough(self.noise, 6.0, 9.0);
        self.canvas
            .paint(&Form::oval(centre, radii), ragged, DEBRIS);
        for _ in 0..(radii.0 * radii.1 / 22.0) as u32 {
            let angle = self.dice.between(0.0, TAU);
            let far = self.dice.unit().sqrt() * 0.85;
            let at = (
                centre.0 + far * radii.0 * angle.cos(),
                centre.1 + far * radii.1 * angle.sin(),
            );
            let radius = self.dice.between(0.8, 2.2);
            self.nucleus(at, (radius, radius), 0.0, DARK_NUCLEUS);
        }
    }

    /// Solid nests of large uneven cells; no glands, several divisions.
    fn high_grade(&mut self, centre: Point, radii: Point) {
        self.stroma(150, 0.7);
        self.lymphocytes(150);
        for (at, size) in [
            ((66.0, 96.0), (74.0, 82.0)),
            ((424.0, 70.0), (78.0, 66.0)),
            ((420.0, 420.0), (86.0, 60.0)),
            ((70.0, 420.0), (72.0, 68.0)),
            (centre, radii),
        ] {
            self.nest(at, size);
        }
        for (at, angle) in [
            ((centre.0 - 38.0, centre.1 - 22.0), 0.4),
            ((centre.0 + 44.0, centre.1 + 34.0), 1.9),
            ((centre.0 + 12.0, centre.1 - 62.0), 1.1),
        ] {
            self.division(at, angle);
        }
    }

    fn nest(&mut self, centre: Point, radii: Point) {
        let lobed = Edge::soft(2.5).rough(self.noise, 9.0, 34.0);
        self.canvas
            .paint(&Form::oval(centre, radii), lobed, DARK_CYTOPLASM);
        let gap = 15.5;
        let (columns, rows) = ((radii.0 / gap) as i32, (radii.1 / gap) as i32);
        for row in -rows..=rows {
            for column in -columns..=columns {
                let shift = if row % 2 == 0 { 0.0 } else { 0.5 };
                let offset = (
                    (column as f32 + shift) * gap + self.dice.between(-4.0, 4.0),
                    row as f32 * gap + self.dice.between(-4.0, 4.0),
                );
                if (offset.0 / (radii.0 - 7.0)).hypot(offset.1 / (radii.1 - 7.0)) < 1.0 {
                    self.large_cell((centre.0 + offset.0, centre.1 + offset.1));
                }
            }
        }
    }

    fn large_cell(&mut self, at: Point) {
        let size = (self.dice.between(5.0, 9.6), self.dice.between(4.2, 7.4));
        let angle = self.dice.between(0.0, PI);
        let colour = NUCLEUS.mix(DARK_NUCLEUS, self.dice.unit());
        let rim = Form::oval(at, (size.0 + 2.2, size.1 + 2.2)).turned(angle);
        self.canvas.paint(&rim, Edge::soft(2.0), CYTOPLASM);
        self.nucleus(at, size, angle, colour);
        if size.0 > 7.0 {
            self.canvas
                .paint(&Form::oval(at, (1.7, 1.7)), Edge::soft(1.0), DARK_NUCLEUS);
        }
    }

    /// Two dark plates that move apart in a cleared cell.
    fn division(&mut self, at: Point, angle: f32) {
        self.canvas.paint(
            &Form::oval(at, (13.0, 12.0)),
            Edge::soft(3.0),
            CYTOPLASM.mix(LUMEN, 0.4),
        );
        for side in [-1.0, 1.0] {
            let plate = Form::oval(step(at, angle, side * 4.0), (1.9, 7.0)).turned(angle);
            let ragged = Edge::soft(1.2).rough(self.noise, 1.4, 3.0);
            self.canvas.paint(&plate, ragged, [44.0, 24.0, 82.0]);
        }
    }

    /// Small round separate glands crowd between two large benign ones with folded lumens.
    fn prostate(&mut self, centre: Point, radii: Point) {
        self.stroma(300, 0.55);
        let benign = Lining {
            thickness: 20.0,
            nucleus: (4.0, 3.0),
            rows: 2,
            disorder: 0.5,
            cytoplasm: CYTOPLASM.mix(LUMEN, 0.35),
            nuclear: NUCLEUS,
        };
        let far = if centre.0 > 240.0 { 96.0 } else { 384.0 };
        self.gland((far, 110.0), (78.0, 86.0), benign, LUMEN);
        self.gland((far, 366.0), (84.0, 92.0), benign, LUMEN);
        let crowded = Lining {
            thickness: 9.0,
            nucleus: (3.3, 2.9),
            rows: 1,
            disorder: 0.3,
            cytoplasm: DARK_CYTOPLASM.mix(CYTOPLASM, 0.5),
            nuclear: DARK_NUCLEUS,
        };
        let gap = 36.0;
        for row in -5..=5 {
            for column in -4..=4 {
                let shift = if row % 2 == 0 { 0.0 } else { 0.5 };
                let at = (
                    centre.0 + (column as f32 + shift) * gap + self.dice.between(-7.0, 7.0),
                    centre.1 + row as f32 * gap + self.dice.between(-7.0, 7.0),
                );
                let place = ((at.0 - centre.0) / radii.0).hypot((at.1 - centre.1) / radii.1);
                if place < 0.96 {
                    let size = self.dice.between(13.5, 18.0);
                    let tall = size * self.dice.between(0.85, 1.1);
                    self.gland(at, (size, tall), crowded, LUMEN);
                }
            }
        }
    }

    /// Plates of polygonal liver cells, most of them pushed aside by one clear droplet.
    fn fatty_liver(&mut self, centre: Point, radii: Point) {
        let noise = self.noise;
        self.canvas.each(|x, y, _| {
            let grain = noise.fractal(x / 4.0, y / 4.0, 2);
            [226.0, 158.0, 188.0].mix(FIBRE, (0.4 + 0.5 * grain).clamp(0.0, 1.0))
        });
        let gap = 30.0;
        for row in 0..=17 {
            for column in 0..=17 {
                let shift = if row % 2 == 0 { 0.0 } else { 0.5 };
                let at = (
                    (column as f32 + shift) * gap - 12.0 + self.dice.between(-4.0, 4.0),
                    row as f32 * 28.0 - 6.0 + self.dice.between(-4.0, 4.0),
                );
                let (wide, tall) = ((at.0 - centre.0) / radii.0, (at.1 - centre.1) / radii.1);
                if wide.hypot(tall) > 1.55 {
                    self.liver_cell(at);
                }
            }
        }
        self.canvas
            .paint(&Form::oval(centre, radii), Edge::soft(1.6), LUMEN);
        let angle = self.dice.between(0.0, TAU);
        self.nucleus(
            step(centre, angle, radii.0 + 2.5),
            (2.4, 6.0),
            angle,
            NUCLEUS,
        );
        for (from, to) in [
            ((120.0, -10.0), (170.0, 210.0)),
            ((360.0, 260.0), (330.0, 490.0)),
        ] {
            let sinusoid = Form::stroke(from, to, (3.0, 2.2));
            self.canvas.paint(
                &sinusoid,
                Edge::soft(1.8).rough(noise, 4.0, 16.0),
                [246.0, 226.0, 236.0],
            );
        }
    }

    fn liver_cell(&mut self, at: Point) {
        let border = Form::oval(at, (15.0, 14.0)).squared(3.0);
        let noise = self.noise;
        self.canvas.shade(&border, Edge::soft(2.0), |x, y, under| {
            let wall = inside(-border.distance(x, y) - 1.4, 1.4);
            under
                .mix(DEBRIS, 0.55 * wall)
                .mix(CYTOPLASM, 0.12 * (1.0 + noise.at(x / 3.0, y / 3.0)))
        });
        let lot = self.dice.unit();
        if lot < 0.52 {
            let radius = self.dice.between(6.0, 12.5);
            self.canvas
                .paint(&Form::oval(at, (radius, radius)), Edge::soft(1.5), LUMEN);
            let angle = self.dice.between(0.0, TAU);
            self.nucleus(step(at, angle, radius + 1.5), (2.0, 4.4), angle, NUCLEUS);
        } else {
            if lot < 0.75 {
                for _ in 0..4 {
                    let spot = (
                        at.0 + self.dice.between(-8.0, 8.0),
                        at.1 + self.dice.between(-8.0, 8.0),
                    );
                    let radius = self.dice.between(1.4, 2.8);
                    self.canvas
                        .paint(&Form::oval(spot, (radius, radius)), Edge::soft(1.2), LUMEN);
                }
            }
            self.nucleus(at, (4.4, 4.4), 0.0, NUCLEUS);
        }
    }
}
