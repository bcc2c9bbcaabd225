//! CT-like slices of the upper abdomen, with and without contrast.

use image::DynamicImage;

use super::canvas::{Canvas, Edge};
use super::ct::{AIR, FAT, MUSCLE, WATER, couch, grain, rib, spine, window};
use super::form::Form;
use super::noise::{Dice, Noise};
use super::table::Finding;
use super::vessels::{Twig, grow};

#[derive(Debug, Clone, Copy)]
pub(super) enum Abdomen {
    Cyst,
    Metastases,
    Stone,
}

/// Grey values of the upper abdomen, which differ with and without contrast.
struct Organs {
    liver: f32,
    liver_veins: f32,
    spleen: f32,
    kidney: f32,
    artery: f32,
    vein: f32,
}

const PORTAL_VENOUS: Organs = Organs {
    liver: 112.0,
    liver_veins: 168.0,
    spleen: 122.0,
    kidney: 178.0,
    artery: 158.0,
    vein: 150.0,
};

const UNENHANCED: Organs = Organs {
    liver: 58.0,
    liver_veins: 46.0,
    spleen: 50.0,
    kidney: 34.0,
    artery: 42.0,
    vein: 40.0,
};

pub(super) fn abdomen(seed: u32, kind: Abdomen, findings: &[Finding]) -> DynamicImage {
    let noise = Noise::new(seed);
    let mut dice = Dice::new(seed);
    let organs = if matches!(kind, Abdomen::Stone) {
        UNENHANCED
    } else {
        PORTAL_VENOUS
    };
    let mut canvas = Canvas::new(448, 448, AIR);
    couch(&mut canvas);
    abdominal_wall(&mut canvas, noise);
    bowel(&mut canvas, noise);
    solid_organs(&mut canvas, &organs, noise);
    liver_veins(&mut canvas, &organs, &mut dice);
    kidneys(&mut canvas, &organs);
    for finding in findings {
        let (centre, radii) = finding.outline.oval();
        let form = Form::oval(centre, radii);
        match kind {
            Abdomen::Cyst => canvas.paint(&form, Edge::soft(1.8), WATER),
            Abdomen::Metastases => {
                canvas.paint(&form, Edge::soft(5.0).rough(noise, 2.5, 9.0), 74.0);
                let core = Form::oval(centre, (radii.0 * 0.62, radii.1 * 0.62));
                canvas.paint(&core, Edge::soft(7.0).rough(noise, 2.5, 7.0), 42.0);
            }
            Abdomen::Stone => canvas.paint(&form, Edge::soft(2.0).rough(noise, 1.0, 4.0), 910.0),
        }
    }
    grain(&mut canvas, noise, 10.0);
    canvas.into_grey(window(50.0, 380.0))
}

fn abdominal_wall(canvas: &mut Canvas<f32>, noise: Noise) {
    let body = |inset: f32| Form::oval((224.0, 230.0), (204.0 - inset, 156.0 - inset)).squared(2.4);
    canvas.paint(&body(0.0), Edge::soft(1.5), 20.0);
    canvas.paint(&body(2.5), Edge::soft(1.5), FAT - 6.0);
    canvas.paint(&body(22.0), Edge::soft(2.0).rough(noise, 3.0, 34.0), MUSCLE);
    canvas.shade(
        &body(34.0),
        Edge::soft(2.5).rough(noise, 2.0, 20.0),
        |x, y, _| FAT + 16.0 * noise.fractal(x / 7.0, y / 7.0, 2),
    );
    for turn in 0..14 {
        let angle = 0.1 + turn as f32 * std::f32::consts::TAU / 14.0;
        rib(canvas, (224.0, 230.0), (176.0, 128.0), angle);
    }
    let back = Form::oval((224.0, 352.0), (92.0, 26.0)).squared(2.6);
    canvas.paint(&back, Edge::soft(3.0).rough(noise, 3.0, 16.0), MUSCLE + 4.0);
    spine(canvas, (224.0, 312.0), noise);
    for side in [-1.0, 1.0] {
        let psoas = Form::oval((224.0 + side * 44.0, 322.0), (15.0, 19.0));
        canvas.paint(&psoas, Edge::soft(2.0), MUSCLE + 6.0);
    }
}

fn bowel(canvas: &mut Canvas<f32>, noise: Noise) {
    let wall = Edge::soft(2.0).rough(noise, 2.5, 14.0);
    for (centre, radii) in [
        ((250.0, 208.0), (26.0, 15.0)),
        ((300.0, 232.0), (22.0, 16.0)),
        ((350.0, 180.0), (17.0, 22.0)),
        ((262.0, 176.0), (20.0, 15.0)),
    ] {
        canvas.paint(&Form::oval(centre, radii), wall, 62.0);
        let lumen = Form::oval(centre, (radii.0 - 4.0, radii.1 - 4.0));
        canvas.shade(&lumen, wall, |x, y, _| {
            18.0 + 14.0 * noise.fractal(x / 4.0, y / 4.0, 2)
        });
    }
    canvas.paint(
        &Form::oval((350.0, 171.0), (10.0, 8.0)),
        Edge::soft(2.0),
        -850.0,
    );
    let stomach = Form::oval((304.0, 150.0), (56.0, 34.0)).turned(0.25);
    canvas.paint(&stomach, wall, 78.0);
    let content = Form::oval((304.0, 150.0), (50.0, 28.0)).turned(0.25);
    canvas.shade(&content, wall, |x, y, _| {
        if y < 140.0 {
            -920.0
        } else {
            24.0 + 20.0 * noise.fractal(x / 6.0, y / 6.0, 2)
        }
    });
}

fn solid_organs(canvas: &mut Canvas<f32>, organs: &Organs, noise: Noise) {
    let liver = Form::curve(&[
        (78.0, 190.0),
        (96.0, 142.0),
        (150.0, 112.0),
        (214.0, 112.0),
        (258.0, 130.0),
        (246.0, 158.0),
        (208.0, 178.0),
        (192.0, 214.0),
        (178.0, 258.0),
        (140.0, 306.0),
        (100.0, 304.0),
        (74.0, 256.0),
    ]);
    canvas.shade(&liver, Edge::soft(2.0), |x, y, _| {
        organs.liver + 5.0 * noise.fractal(x / 10.0, y / 10.0, 2)
    });
    let spleen = Form::curve(&[
        (352.0, 214.0),
        (378.0, 236.0),
        (378.0, 286.0),
        (348.0, 318.0),
        (330.0, 308.0),
        (346.0, 270.0),
        (342.0, 238.0),
    ]);
    canvas.paint(&spleen, Edge::soft(2.0), organs.spleen);
    canvas.paint(
        &Form::oval((236.0, 268.0), (14.0, 14.0)),
        Edge::soft(1.8),
        organs.artery,
    );
    canvas.paint(
        &Form::oval((198.0, 272.0), (15.0, 11.0)),
        Edge::soft(1.8),
        organs.vein,
    );
    let pancreas = Form::stroke((206.0, 236.0), (306.0, 222.0), (13.0, 9.0));
    canvas.shade(
        &pancreas,
        Edge::soft(2.5).rough(noise, 3.0, 9.0),
        |x, y, _| 0.6 * organs.liver + 24.0 + 18.0 * noise.at(x / 4.0, y / 4.0),
    );
    canvas.paint(
        &Form::oval((222.0, 240.0), (8.5, 8.0)),
        Edge::soft(1.8),
        organs.vein,
    );
}

fn liver_veins(canvas: &mut Canvas<f32>, organs: &Organs, dice: &mut Dice) {
    let liver = organs.liver;
    let in_liver = |under: f32, _: f32| {
        if (under - liver).abs() < 22.0 {
            organs.liver_veins
        } else {
            under
        }
    };
    for (at, heading) in [
        ((190.0, 200.0), 3.5),
        ((192.0, 190.0), 4.3),
        ((180.0, 226.0), 2.7),
    ] {
        let root = Twig {
            at,
            heading,
            radius: 5.0,
            length: 34.0,
        };
        grow(canvas, dice, root, 2.0, &in_liver);
    }
}

fn kidneys(canvas: &mut Canvas<f32>, organs: &Organs) {
    for side in [-1.0, 1.0] {
        let centre = (224.0 + side * 82.0, 300.0);
        let tilt = side * -0.5;
        let halo = Form::oval(centre, (36.0, 40.0)).turned(tilt);
        canvas.paint(&halo, Edge::soft(3.0), FAT);
        let kidney = Form::oval(centre, (26.0, 31.0)).turned(tilt);
        canvas.paint(&kidney, Edge::soft(2.0), organs.kidney);
        let hilum = (centre.0 - side * 10.0, centre.1 + 1.0);
        canvas.paint(
            &Form::oval(hilum, (13.0, 14.0)),
            Edge::soft(5.0),
            FAT + 25.0,
        );
        canvas.paint(&Form::oval(hilum, (5.0, 6.0)), Edge::soft(3.0), WATER + 4.0);
    }
}
