//! CT-like slices in Hounsfield units: the chest and the head, and what all slices share.

use image::DynamicImage;

use super::brain::{self, Tissues, Ventricles};
use super::canvas::{Canvas, Edge, inside};
use super::form::{Form, Point, step};
use super::noise::{Dice, Noise};
use super::table::Finding;
use super::vessels::{Twig, grow};

pub(super) const AIR: f32 = -1000.0;
pub(super) const FAT: f32 = -98.0;
pub(super) const WATER: f32 = 6.0;
pub(super) const MUSCLE: f32 = 52.0;
const MARROW: f32 = 230.0;
const CORTEX: f32 = 760.0;

#[derive(Debug, Clone, Copy)]
pub(super) enum Chest {
    Nodule,
    CalcifiedNodule,
    Effusion,
    Pneumothorax,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Head {
    Haemorrhage,
    Subdural,
}

/// A window of Hounsfield units brought to 0..1.
pub(super) fn window(centre: f32, width: f32) -> impl Fn(f32) -> f32 {
    move |value| (value - centre) / width + 0.5
}

pub(super) fn chest(seed: u32, kind: Chest, findings: &[Finding]) -> DynamicImage {
    let noise = Noise::new(seed);
    let mut dice = Dice::new(seed);
    let mut canvas = Canvas::new(448, 448, AIR);
    couch(&mut canvas);
    chest_wall(&mut canvas, noise);
    let lungs = [false, true].map(|is_left| lung(&mut canvas, is_left, noise));
    if let (Chest::Pneumothorax, [right, _]) = (kind, &lungs) {
        collapse(&mut canvas, right);
    }
    if matches!(kind, Chest::Effusion) {
        effusion(&mut canvas, findings);
    }
    lung_vessels(&mut canvas, &mut dice);
    mediastinum(&mut canvas, noise);
    match kind {
        Chest::Nodule => nodule(&mut canvas, findings, noise),
        Chest::CalcifiedNodule => calcified_nodule(&mut canvas, findings),
        Chest::Effusion | Chest::Pneumothorax => {}
    }
    match kind {
        Chest::Nodule | Chest::Pneumothorax => {
            grain(&mut canvas, noise, 26.0);
            canvas.into_grey(window(-500.0, 1600.0))
        }
        Chest::Effusion => {
            grain(&mut canvas, noise, 11.0);
            canvas.into_grey(window(40.0, 400.0))
        }
        Chest::CalcifiedNodule => {
            grain(&mut canvas, noise, 16.0);
            canvas.into_grey16(|value| (value + 1024.0) * 24.0)
        }
    }
}

/// Quantum noise with the short correlation of a reconstruction filter.
pub(super) fn grain(canvas: &mut Canvas<f32>, noise: Noise, strength: f32) {
    canvas.each(|x, y, value| {
        let speck = 0.6 * noise.grain(x, y) + 0.7 * noise.at(x * 0.61, y * 0.61);
        value + strength * speck
    });
}

pub(super) fn couch(canvas: &mut Canvas<f32>) {
    canvas.each(|x, y, under| {
        let top = 410.0 - (x - 224.0).powi(2) / 1660.0;
        under + 640.0 * inside((y - top - 5.0).abs() - 4.5, 1.5)
    });
}

/// Skin, fat, muscle with its fat planes, ribs, shoulder blades, breast bone and spine.
fn chest_wall(canvas: &mut Canvas<f32>, noise: Noise) {
    let body = |inset: f32| Form::oval((224.0, 232.0), (198.0 - inset, 152.0 - inset)).squared(2.5);
    canvas.paint(&body(0.0), Edge::soft(1.5), 20.0);
    canvas.paint(&body(2.5), Edge::soft(1.5), FAT);
    let muscle = Edge::soft(2.0).rough(noise, 4.0, 30.0);
    canvas.shade(&body(17.0), muscle, |x, y, _| {
        let plane = noise.fractal(x / 26.0, y / 15.0, 2).abs();
        if plane < 0.06 {
            -50.0
        } else {
            MUSCLE + 8.0 * noise.at(x / 5.0, y / 5.0)
        }
    });
    for turn in 0..18 {
        let angle = 0.17 + turn as f32 * std::f32::consts::TAU / 18.0;
        rib(canvas, (224.0, 224.0), (171.0, 125.0), angle);
    }
    for side in [-1.0, 1.0] {
        let blade = Form::stroke(
            (224.0 + side * 152.0, 296.0),
            (224.0 + side * 98.0, 352.0),
            (4.5, 3.0),
        );
        bone(canvas, &blade);
    }
    bone(canvas, &Form::oval((224.0, 99.0), (24.0, 7.0)).squared(2.6));
    spine(canvas, (224.0, 322.0), noise);
}

pub(super) fn rib(canvas: &mut Canvas<f32>, centre: Point, reach: Point, angle: f32) {
    let place = |angle: f32| {
        (
            centre.0 + reach.0 * angle.cos(),
            centre.1 + reach.1 * angle.sin(),
        )
    };
    let (from, to) = (place(angle - 0.075), place(angle + 0.075));
    if (from.0 - centre.0).abs() > 34.0 {
        bone(canvas, &Form::stroke(from, to, (4.2, 5.0)));
    }
}

pub(super) fn bone(canvas: &mut Canvas<f32>, form: &Form) {
    canvas.shade(form, Edge::soft(1.5), |x, y, _| {
        MARROW + (CORTEX - MARROW) * inside(-form.distance(x, y) - 2.2, 2.0)
    });
}

pub(super) fn spine(canvas: &mut Canvas<f32>, centre: Point, noise: Noise) {
    let (x, y) = centre;
    for side in [-1.0, 1.0] {
        bone(
            canvas,
            &Form::stroke(
                (x + side * 13.0, y + 22.0),
                (x + side * 46.0, y + 34.0),
                (6.0, 4.5),
            ),
        );
    }
    bone(
        canvas,
        &Form::stroke((x, y + 38.0), (x, y + 62.0), (5.0, 4.0)),
    );
    bone(canvas, &Form::oval((x, y + 28.0), (22.0, 18.0)));
    canvas.paint(
        &Form::oval((x, y + 27.0), (14.0, 11.0)),
        Edge::soft(1.5),
        -20.0,
    );
    canvas.paint(
        &Form::oval((x, y + 27.0), (9.0, 7.5)),
        Edge::soft(2.0),
        35.0,
    );
    let body = Form::oval(centre, (29.0, 21.0)).squared(2.5);
    canvas.shade(&body, Edge::soft(1.5), |px, py, _| {
        let trabeculae = 45.0 * noise.at(px / 3.0, py / 3.0);
        let shell = inside(-body.distance(px, py) - 2.4, 2.0);
        200.0 + trabeculae + 430.0 * shell
    });
}

fn lung_outline(is_left: bool) -> Form {
    let right = [
        (194.0, 124.0),
        (160.0, 113.0),
        (116.0, 134.0),
        (80.0, 184.0),
        (69.0, 238.0),
        (84.0, 292.0),
        (122.0, 330.0),
        (164.0, 336.0),
        (190.0, 316.0),
        (196.0, 284.0),
        (182.0, 248.0),
        (178.0, 206.0),
        (186.0, 164.0),
    ];
    let left = [
        (254.0, 124.0),
        (288.0, 113.0),
        (332.0, 134.0),
        (368.0, 184.0),
        (379.0, 238.0),
        (364.0, 292.0),
        (326.0, 330.0),
        (286.0, 336.0),
        (272.0, 312.0),
        (280.0, 276.0),
        (278.0, 246.0),
        (276.0, 206.0),
        (264.0, 166.0),
    ];
    Form::curve(if is_left { &left } else { &right })
}

/// Denser towards the back, where blood settles.
fn lung(canvas: &mut Canvas<f32>, is_left: bool, noise: Noise) -> Form {
    let outline = lung_outline(is_left);
    canvas.shade(&outline, Edge::soft(2.0), |x, y, _| {
        let texture = 34.0 * noise.fractal(x / 9.0, y / 9.0, 2);
        -885.0 + 75.0 * (y - 110.0) / 230.0 + texture
    });
    outline
}

/// Air in front of a lung that has fallen back towards its root, behind a thin pleural line.
fn collapse(canvas: &mut Canvas<f32>, outline: &Form) {
    let root = (188.0, 262.0);
    let shrunk = |x: f32, y: f32| {
        let (wide, tall) = (
            (x - root.0) / 0.90,
            (y - root.1) / if y < root.1 { 0.66 } else { 1.0 },
        );
        outline.distance(root.0 + wide, root.1 + tall)
    };
    canvas.shade(outline, Edge::soft(1.5), |x, y, under| {
        let distance = shrunk(x, y);
        let lung = inside(distance, 2.0);
        let line = inside(distance.abs() - 0.7, 1.6);
        AIR + (under + 60.0 - AIR) * lung + 330.0 * line
    });
}

/// Fluid fills what lies behind the concave front of the layer.
fn effusion(canvas: &mut Canvas<f32>, findings: &[Finding]) {
    let Some(finding) = findings.first() else {
        return;
    };
    let (x, y, width, height) = finding.outline.bounds();
    let front = Form::oval(
        (x + 0.10 * width, y - 0.80 * height),
        (0.92 * width, 1.12 * height),
    );
    let reach = Form::oval(
        (x + width / 2.0, y + height / 2.0),
        (0.90 * width, 1.10 * height),
    );
    canvas.shade(&reach, Edge::soft(2.0), |px, py, under| {
        let behind = inside(-front.distance(px, py), 3.0);
        if under < -300.0 {
            under + (WATER + 6.0 - under) * behind
        } else {
            under
        }
    });
    let squashed = Form::stroke(
        (x - 0.06 * width, y + 0.10 * height),
        (x + 0.52 * width, y + 0.34 * height),
        (0.15 * height, 0.09 * height),
    );
    canvas.shade(&squashed, Edge::soft(5.0), |_, _, under| {
        if under < 40.0 { 84.0 } else { under }
    });
}

fn lung_vessels(canvas: &mut Canvas<f32>, dice: &mut Dice) {
    // A twig thinner than the slice shares its voxel with air.
    let in_lung = |under: f32, radius: f32| {
        let share = (radius / 3.4).clamp(0.20, 1.0);
        if (-955.0..-600.0).contains(&under) {
            under + (30.0 - under) * share
        } else {
            under
        }
    };
    for (side, x) in [(-1.0_f32, 184.0), (1.0, 272.0)] {
        for fan in 0..5 {
            let tilt = -1.2 + fan as f32 * 0.6 + dice.between(-0.1, 0.1);
            let heading = if side < 0.0 {
                std::f32::consts::PI - tilt
            } else {
                tilt
            };
            let root = Twig {
                at: (x, 216.0 + 9.0 * fan as f32),
                heading,
                radius: dice.between(3.4, 5.0),
                length: dice.between(30.0, 42.0),
            };
            grow(canvas, dice, root, 0.95, &in_lung);
        }
    }
}

/// The level just below the carina: great vessels in contrast, main bronchi, oesophagus.
fn mediastinum(canvas: &mut Canvas<f32>, noise: Noise) {
    let core = Form::curve(&[
        (206.0, 116.0),
        (242.0, 116.0),
        (262.0, 150.0),
        (274.0, 205.0),
        (280.0, 250.0),
        (276.0, 300.0),
        (224.0, 312.0),
        (192.0, 300.0),
        (182.0, 244.0),
        (178.0, 205.0),
        (188.0, 156.0),
    ]);
    canvas.shade(&core, Edge::soft(2.5), |x, y, _| {
        FAT + 22.0 * noise.at(x / 8.0, y / 8.0)
    });
    let soft = Edge::soft(1.8);
    canvas.paint(&Form::oval((214.0, 178.0), (23.0, 22.0)), soft, 205.0);
    canvas.paint(&Form::oval((188.0, 190.0), (9.5, 12.0)), soft, 225.0);
    canvas.paint(&Form::oval((254.0, 180.0), (17.0, 15.0)), soft, 190.0);
    canvas.paint(
        &Form::stroke((254.0, 190.0), (274.0, 226.0), (11.0, 9.0)),
        soft,
        190.0,
    );
    canvas.paint(
        &Form::stroke((238.0, 206.0), (186.0, 226.0), (10.0, 8.0)),
        soft,
        190.0,
    );
    canvas.paint(&Form::oval((258.0, 280.0), (17.0, 17.0)), soft, 200.0);
    canvas.paint(&Form::oval((231.0, 268.0), (10.0, 7.0)), soft, 42.0);
    for x in [203.0, 248.0] {
        canvas.paint(&Form::oval((x, 238.0), (10.0, 9.0)), soft, 40.0);
        canvas.paint(&Form::oval((x, 238.0), (8.0, 7.0)), soft, AIR);
    }
    canvas.paint(&Form::oval((228.0, 243.0), (9.0, 7.0)), soft, 45.0);
}

fn nodule(canvas: &mut Canvas<f32>, findings: &[Finding], noise: Noise) {
    for finding in findings {
        let (centre, radii) = finding.outline.oval();
        for spike in 0..11 {
            let angle = spike as f32 * 0.571 + noise.at(spike as f32 * 1.7, 0.5);
            let reach = 1.5 + 0.5 * noise.at(3.0, spike as f32 * 1.3);
            let tip = step(centre, angle, radii.0 * reach);
            canvas.shade(
                &Form::stroke(centre, tip, (2.0, 0.5)),
                Edge::soft(1.4),
                |_, _, under| under.max(-120.0),
            );
        }
        let edge = Edge::soft(2.0).rough(noise, 1.8, 6.0);
        canvas.paint(&Form::oval(centre, radii), edge, 38.0);
    }
}

fn calcified_nodule(canvas: &mut Canvas<f32>, findings: &[Finding]) {
    for finding in findings {
        let (centre, radii) = finding.outline.oval();
        canvas.paint(&Form::oval(centre, radii), Edge::soft(1.6), 90.0);
        let core = (radii.0 * 0.78, radii.1 * 0.78);
        canvas.paint(&Form::oval(centre, core), Edge::soft(2.5), 820.0);
    }
}

const HEAD: Tissues = Tissues {
    scalp: 5.0,
    bone: 1100.0,
    diploe: 620.0,
    fluid: 7.0,
    grey: 40.0,
    white: 29.0,
    falx: 50.0,
};

pub(super) fn head(seed: u32, kind: Head, findings: &[Finding]) -> DynamicImage {
    let noise = Noise::new(seed);
    let mut canvas = Canvas::new(448, 448, AIR);
    brain::draw(&mut canvas, &HEAD, Ventricles::Normal, noise);
    for finding in findings {
        match kind {
            Head::Haemorrhage => {
                let (centre, radii) = finding.outline.oval();
                let swelling = Form::oval(centre, (radii.0 + 12.0, radii.1 + 12.0));
                canvas.paint(&swelling, Edge::soft(9.0).rough(noise, 4.0, 14.0), 19.0);
                let clot = Form::oval(centre, radii);
                canvas.shade(&clot, Edge::soft(3.0).rough(noise, 3.0, 12.0), |x, y, _| {
                    68.0 + 5.0 * noise.fractal(x / 8.0, y / 8.0, 2)
                });
            }
            Head::Subdural => {
                let brain_edge = brain::inner_table().inset(0.0);
                canvas.shade(&finding.outline.form(), Edge::soft(3.0), |x, y, under| {
                    if brain_edge.distance(x, y) < -0.5 {
                        66.0
                    } else {
                        under
                    }
                });
            }
        }
    }
    grain(&mut canvas, noise, 3.0);
    canvas.into_grey(window(38.0, 84.0))
}
