//! X-ray-like films as sums of what the beam meets: the frontal chest and a lower leg.

use std::f32::consts::FRAC_PI_2;

use image::DynamicImage;

use super::canvas::{Canvas, Edge, inside};
use super::form::{Form, Point, profile};
use super::noise::{Dice, Noise};
use super::table::Finding;
use super::vessels::{Twig, grow};

#[derive(Debug, Clone, Copy)]
pub(super) enum Chest {
    Normal,
    Pneumothorax,
    Consolidation,
    Effusion,
    BigHeart,
}

/// More matter, less film blackening: what absorbs most is white.
fn film(attenuation: f32) -> f32 {
    let exposed = 1.0 - (-0.58 * attenuation.max(0.0)).exp();
    1.06 * exposed.powf(1.15)
}

pub(super) fn chest(seed: u32, kind: Chest, findings: &[Finding]) -> DynamicImage {
    let noise = Noise::new(seed);
    let mut dice = Dice::new(seed);
    let mut film_plane = Canvas::new(448, 448, 0.0_f32);
    torso(&mut film_plane, noise);
    let mut lungs = Canvas::new(448, 448, 0.0_f32);
    for outline in [lung(&RIGHT_LUNG), lung(&LEFT_LUNG)] {
        lungs.paint(&outline, Edge::soft(9.0), 1.0);
    }
    let mut markings = lung_markings(&mut dice);
    if matches!(kind, Chest::Pneumothorax) {
        pneumothorax(&mut film_plane, &mut markings, findings);
    }
    markings.combine(&lungs, |marking, lung| marking * lung);
    film_plane.combine(&lungs, |matter, lung| matter - 1.58 * lung);
    film_plane.combine(&markings, |matter, marking| matter + 0.34 * marking);
    heart(&mut film_plane, kind);
    film_plane.combine(&cage(), |matter, bone| matter + bone);
    match kind {
        Chest::Consolidation => consolidation(&mut film_plane, findings, noise),
        Chest::Effusion => effusion(&mut film_plane, findings),
        Chest::Normal | Chest::Pneumothorax | Chest::BigHeart => {}
    }
    film_plane.blur(1);
    film_plane.each(|x, y, matter| matter + 0.020 * noise.grain(x, y));
    film_plane.into_grey(film)
}

const RIGHT_LUNG: [Point; 12] = [
    (172.0, 62.0),
    (140.0, 72.0),
    (112.0, 112.0),
    (88.0, 176.0),
    (74.0, 248.0),
    (68.0, 322.0),
    (92.0, 306.0),
    (130.0, 290.0),
    (172.0, 296.0),
    (202.0, 304.0),
    (206.0, 210.0),
    (202.0, 110.0),
];
const LEFT_LUNG: [Point; 12] = [
    (276.0, 62.0),
    (308.0, 72.0),
    (336.0, 112.0),
    (360.0, 176.0),
    (374.0, 248.0),
    (380.0, 332.0),
    (356.0, 316.0),
    (320.0, 304.0),
    (282.0, 308.0),
    (246.0, 312.0),
    (242.0, 210.0),
    (246.0, 110.0),
];

fn lung(points: &[Point]) -> Form {
    Form::curve(points)
}

fn torso(canvas: &mut Canvas<f32>, noise: Noise) {
    let half_width = [
        (20.0, 42.0),
        (48.0, 92.0),
        (74.0, 166.0),
        (128.0, 209.0),
        (210.0, 194.0),
        (300.0, 184.0),
        (400.0, 190.0),
        (448.0, 193.0),
    ];
    canvas.each(|x, y, _| {
        let depth = profile(&half_width, y) - (x - 224.0).abs();
        let edge = (depth / 60.0).clamp(0.0, 1.0);
        let belly = 0.45 * inside(300.0 - y, 60.0);
        let matter = 1.20 + 0.85 * edge + belly + 0.05 * noise.fractal(x / 60.0, y / 60.0, 2);
        matter * inside(-depth, 12.0)
    });
    let windpipe = Form::stroke((224.0, -10.0), (221.0, 138.0), (9.0, 8.5));
    canvas.shade(&windpipe, Edge::soft(6.0), |_, _, under| under - 0.42);
}

/// Vessels from the two roots, denser below, and the roots themselves.
fn lung_markings(dice: &mut Dice) -> Canvas<f32> {
    let mut canvas = Canvas::new(448, 448, 0.0_f32);
    let thicken = |under: f32, _: f32| (under + 0.42).min(1.0);
    for (side, root) in [(-1.0_f32, (186.0, 190.0)), (1.0, (264.0, 180.0))] {
        canvas.paint(
            &Form::oval(root, (13.0, 22.0)).turned(side * -0.2),
            Edge::soft(11.0),
            0.85,
        );
        for fan in 0..8 {
            let tilt = -1.2 + 0.36 * fan as f32 + dice.between(-0.12, 0.12);
            let heading = if side < 0.0 {
                std::f32::consts::PI - tilt
            } else {
                tilt
            };
            let twig = Twig {
                at: root,
                heading,
                radius: if fan > 3 { 4.2 } else { 3.2 },
                length: dice.between(30.0, 40.0),
            };
            grow(&mut canvas, dice, twig, 0.9, &thicken);
        }
    }
    canvas.blur(1);
    canvas
}

fn heart(canvas: &mut Canvas<f32>, kind: Chest) {
    let stretch = if matches!(kind, Chest::BigHeart) {
        1.46
    } else {
        1.0
    };
    let at = |x: f32, y: f32| {
        let tall = if stretch > 1.0 && y > 200.0 {
            1.03
        } else {
            1.0
        };
        (236.0 + (x - 236.0) * stretch, 250.0 + (y - 250.0) * tall)
    };
    let silhouette = Form::curve(&[
        at(200.0, 206.0),
        at(192.0, 246.0),
        at(192.0, 284.0),
        at(204.0, 316.0),
        at(250.0, 326.0),
        at(302.0, 318.0),
        at(316.0, 300.0),
        at(306.0, 268.0),
        at(282.0, 232.0),
        at(262.0, 204.0),
    ]);
    canvas.shade(&silhouette, Edge::soft(7.0), |x, y, under| {
        under + 0.55 + 0.65 * inside(silhouette.distance(x, y) + 22.0, 44.0)
    });
    let pedicle = Form::curve(&[
        (202.0, 92.0),
        (200.0, 150.0),
        (198.0, 216.0),
        (266.0, 216.0),
        (258.0, 184.0),
        (256.0, 160.0),
        (260.0, 140.0),
        (252.0, 124.0),
        (240.0, 92.0),
    ]);
    canvas.shade(&pedicle, Edge::soft(7.0), |_, _, under| under + 0.75);
}

/// Spine, ribs and collar bones; crossings add up as on film.
fn cage() -> Canvas<f32> {
    let mut canvas = Canvas::new(448, 448, 0.0_f32);
    for level in 0..15 {
        let y = 18.0 + 27.0 * level as f32;
        let body = Form::oval((224.0, y), (17.0, 11.5)).squared(4.0);
        canvas.shade(&body, Edge::soft(3.0), |px, py, under| {
            under + 0.20 + 0.13 * inside(-body.distance(px, py) - 2.0, 3.0)
        });
    }
    let ribs = |line: fn(f32, f32) -> Vec<Point>| {
        (0..9)
            .flat_map(move |rib| [line(rib as f32, -1.0), line(rib as f32, 1.0)])
            .collect()
    };
    add(&mut canvas, ribs(back_rib), 5.2, 0.27);
    add(&mut canvas, ribs(front_rib), 4.6, 0.14);
    let pair = |offsets: &[Point]| {
        [-1.0, 1.0]
            .map(|side| {
                offsets
                    .iter()
                    .map(|&(x, y)| (224.0 + side * x, y))
                    .collect()
            })
            .to_vec()
    };
    let collar = [
        (20.0, 92.0),
        (52.0, 84.0),
        (92.0, 66.0),
        (136.0, 58.0),
        (168.0, 62.0),
    ];
    add(&mut canvas, pair(&collar), 6.0, 0.40);
    let blade = [
        (146.0, 92.0),
        (150.0, 140.0),
        (144.0, 190.0),
        (132.0, 226.0),
    ];
    add(&mut canvas, pair(&blade), 5.0, 0.17);
    for x in [38.0, 410.0] {
        canvas.shade(
            &Form::oval((x, 92.0), (23.0, 25.0)),
            Edge::soft(4.0),
            |_, _, under| under + 0.40,
        );
    }
    canvas
}

fn back_rib(index: f32, side: f32) -> Vec<Point> {
    let top = 44.0 + 27.5 * index;
    let reach = (72.0 + 34.0 * index.sqrt() * 1.1).min(158.0);
    (0..=12)
        .map(|part| {
            let turn = part as f32 / 12.0 * 1.75;
            let across = 14.0 + (reach - 14.0) * turn.min(FRAC_PI_2).sin()
                - 8.0 * (turn - FRAC_PI_2).max(0.0);
            let down = -10.0 * (turn * 2.0).sin() + (22.0 + 4.0 * index) * (1.0 - turn.cos());
            (224.0 + side * across, top + down)
        })
        .collect()
}

fn front_rib(index: f32, side: f32) -> Vec<Point> {
    let top = 76.0 + 30.0 * index;
    let reach = (80.0 + 33.0 * index.sqrt() * 1.1).min(156.0);
    (0..=10)
        .map(|part| {
            let share = part as f32 / 10.0;
            let across = reach - (reach - 54.0) * share * share;
            (
                224.0 + side * across,
                top + 62.0 * share + 14.0 * share * share,
            )
        })
        .collect()
}

/// Adds bent tubes that do not cross: their wall absorbs more at the edges than in the middle.
fn add(canvas: &mut Canvas<f32>, lines: Vec<Vec<Point>>, radius: f32, strength: f32) {
    let mut layer = Canvas::new(448, 448, 0.0_f32);
    for (from, to) in lines
        .iter()
        .flat_map(|line| line.iter().zip(line.iter().skip(1)))
    {
        let form = Form::stroke(*from, *to, (radius, radius));
        layer.shade(&form, Edge::soft(1.2), |x, y, under| {
            let rim = ((form.distance(x, y) + radius) / radius).clamp(0.0, 1.0);
            let tube = 0.62 + 0.38 * rim * rim;
            if under > 0.05 { under.min(tube) } else { tube }
        });
    }
    canvas.combine(&layer, |sum, tube| sum + strength * tube);
}

/// The lung has left the chest wall: no vessels outside a thin pleural line.
fn pneumothorax(canvas: &mut Canvas<f32>, markings: &mut Canvas<f32>, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    let full = lung(&LEFT_LUNG);
    let shrunk: Vec<Point> = LEFT_LUNG
        .iter()
        .map(|&(x, y)| (252.0 + (x - 252.0) * 0.64, 262.0 + (y - 262.0) * 0.74))
        .collect();
    let visceral = lung(&shrunk);
    markings.shade(&full, Edge::soft(2.0), |x, y, under| {
        under * inside(visceral.distance(x, y), 3.0)
    });
    canvas.shade(&full, Edge::soft(6.0), |x, y, under| {
        let distance = visceral.distance(x, y);
        let line = inside(distance.abs() - 0.8, 2.0) * inside(300.0 - x - 8.0, 20.0);
        under - 0.22 + 0.34 * inside(distance, 4.0) + 0.26 * line
    });
}

fn consolidation(canvas: &mut Canvas<f32>, findings: &[Finding], noise: Noise) {
    for finding in findings {
        let (centre, radii) = finding.outline.oval();
        let cloud = Form::oval(centre, (radii.0 * 1.12, radii.1 * 1.12));
        canvas.shade(
            &cloud,
            Edge::soft(34.0).rough(noise, 13.0, 30.0),
            |x, y, under| under + 0.74 + 0.30 * noise.fractal(x / 19.0, y / 19.0, 3),
        );
        for (lean, length) in [(0.45, 0.8), (1.05, 0.7)] {
            let from = (
                centre.0 + radii.0 * (0.9 - 0.4 * lean),
                centre.1 - radii.1 * 0.5,
            );
            let to = (
                from.0 - radii.0 * 1.6 * length * f32::cos(lean),
                from.1 + radii.1 * 1.4 * length * f32::sin(lean),
            );
            let bronchus = Form::stroke(from, to, (1.8, 0.8));
            canvas.shade(&bronchus, Edge::soft(3.0), |_, _, under| under - 0.24);
        }
    }
}

/// Fluid with its concave upper border, which climbs along the chest wall.
fn effusion(canvas: &mut Canvas<f32>, findings: &[Finding]) {
    let Some(finding) = findings.first() else {
        return;
    };
    let (left, top, width, height) = finding.outline.bounds();
    let reach = Form::curve(&[
        (left + width * 1.04, top - height * 0.35),
        (left + width * 0.84, top + height * 0.08),
        (left + width * 0.45, top + height * 0.24),
        (left - width * 0.10, top + height * 0.30),
        (left - width * 0.30, top + height * 0.70),
        (left, top + height * 1.15),
        (left + width * 1.02, top + height * 1.25),
    ]);
    canvas.shade(&reach, Edge::soft(9.0), |_, _, under| {
        if under < 1.80 { 2.30 } else { under }
    });
}

/// A tibia and a fibula, the tibia broken obliquely at the finding and shifted.
pub(super) fn leg(seed: u32, findings: &[Finding]) -> DynamicImage {
    let noise = Noise::new(seed);
    let Some((break_at, _)) = findings.first().map(|finding| finding.outline.oval()) else {
        return DynamicImage::new_luma8(400, 448);
    };
    let mut canvas = Canvas::new(400, 448, 0.0_f32);
    canvas.each(|x, y, _| {
        let flesh = 118.0 - 34.0 * (y / 448.0) + 7.0 * (y / 60.0).sin();
        let depth = flesh - (x - 206.0).abs();
        let muscle = if depth > 0.0 {
            (depth / flesh).min(1.0).sqrt()
        } else {
            0.0
        };
        let mut matter = 0.50 * muscle + 0.02 * noise.fractal(x / 22.0, y / 40.0, 2);
        matter += tube((x, y), 282.0 - 0.05 * y, 12.0, 4.5);
        let jag = 2.2 * noise.at(x / 7.0, 3.0);
        let cut = y - break_at.1 - 0.62 * (x - break_at.0) + jag;
        let tibia = 188.0 + 0.03 * y;
        let width = 30.0 + 20.0 * (1.0 - y / 150.0).max(0.0).powi(2);
        let upper = tube((x, y), tibia, width, 9.0) * inside(cut + 3.2, 2.2);
        let lower = tube((x, y), tibia - 11.0, width, 9.0) * inside(3.2 - cut, 2.2);
        matter + upper + lower
    });
    canvas.blur(1);
    canvas.each(|x, y, matter| matter + 0.014 * noise.grain(x, y));
    canvas.into_grey(film)
}

/// The path of the beam through the wall of a hollow bone.
fn tube((x, _): Point, middle: f32, radius: f32, wall: f32) -> f32 {
    let offset = (x - middle).abs();
    let chord = |radius: f32| (radius * radius - offset * offset).max(0.0).sqrt();
    (chord(radius) - 0.86 * chord(radius - wall)) / 13.0
}
