//! MR-like sections: the head in five contrasts and a sagittal lumbar spine. Signal in 0..1.

use image::DynamicImage;

use super::brain::{self, Tissues, Ventricles};
use super::canvas::{Canvas, Edge, inside};
use super::form::{Form, Point, profile, step};
use super::noise::Noise;
use super::table::Finding;

#[derive(Debug, Clone, Copy)]
pub(super) enum Head {
    /// FLAIR: white matter lesions.
    Plaques,
    /// T1 after contrast: a ring about necrosis, swelling around it.
    RingTumour,
    /// T1 after contrast: a solid mass on the dura.
    Meningioma,
    /// Diffusion weighted: restricted, bright.
    InfarctDiffusion,
    /// Apparent diffusion coefficient: restricted, dark.
    InfarctCoefficient,
    /// T2: a pocket of fluid that displaces the temporal lobe.
    ArachnoidCyst,
    /// T2: wide ventricles.
    Hydrocephalus,
}

const FLAIR: Tissues = Tissues {
    scalp: 0.62,
    bone: 0.05,
    diploe: 0.22,
    fluid: 0.07,
    grey: 0.52,
    white: 0.40,
    falx: 0.20,
};
const T1_CONTRAST: Tissues = Tissues {
    scalp: 0.88,
    bone: 0.05,
    diploe: 0.40,
    fluid: 0.12,
    grey: 0.42,
    white: 0.55,
    falx: 0.62,
};
const T2: Tissues = Tissues {
    scalp: 0.58,
    bone: 0.05,
    diploe: 0.28,
    fluid: 0.95,
    grey: 0.53,
    white: 0.36,
    falx: 0.20,
};
const DIFFUSION: Tissues = Tissues {
    scalp: 0.10,
    bone: 0.03,
    diploe: 0.04,
    fluid: 0.09,
    grey: 0.40,
    white: 0.33,
    falx: 0.15,
};
const COEFFICIENT: Tissues = Tissues {
    scalp: 0.08,
    bone: 0.02,
    diploe: 0.03,
    fluid: 0.92,
    grey: 0.42,
    white: 0.36,
    falx: 0.20,
};

pub(super) fn head(seed: u32, kind: Head, findings: &[Finding]) -> DynamicImage {
    let noise = Noise::new(seed);
    let mut canvas = Canvas::new(448, 448, 0.0_f32);
    let (tissues, ventricles) = match kind {
        Head::Plaques => (FLAIR, Ventricles::Normal),
        Head::RingTumour | Head::Meningioma => (T1_CONTRAST, Ventricles::Normal),
        Head::InfarctDiffusion => (DIFFUSION, Ventricles::Normal),
        Head::InfarctCoefficient => (COEFFICIENT, Ventricles::Normal),
        Head::ArachnoidCyst => (T2, Ventricles::Normal),
        Head::Hydrocephalus => (T2, Ventricles::Wide),
    };
    brain::draw(&mut canvas, &tissues, ventricles, noise);
    for finding in findings {
        lesion(&mut canvas, kind, finding, noise);
    }
    let is_echo_planar = matches!(kind, Head::InfarctDiffusion | Head::InfarctCoefficient);
    if is_echo_planar {
        canvas.blur(2);
    }
    receive(
        &mut canvas,
        noise,
        if is_echo_planar { 0.030 } else { 0.020 },
    );
    canvas.into_grey(|value| value)
}

/// Coil shading and receiver noise, which is never negative.
fn receive(canvas: &mut Canvas<f32>, noise: Noise, strength: f32) {
    canvas.each(|x, y, value| {
        let shading = 1.0 + 0.07 * noise.at(x / 190.0, y / 190.0);
        let speck = 0.7 * noise.grain(x, y) + 0.5 * noise.at(x * 0.7, y * 0.7);
        (value * shading + strength * speck).hypot(0.4 * strength)
    });
}

fn lesion(canvas: &mut Canvas<f32>, kind: Head, finding: &Finding, noise: Noise) {
    let (centre, radii) = finding.outline.oval();
    let form = Form::oval(centre, radii);
    match kind {
        Head::Plaques => plaques(canvas, centre, radii, noise),
        Head::RingTumour => ring_tumour(canvas, centre, radii, noise),
        Head::Meningioma => {
            let skull = brain::inner_table();
            let edge = Edge::soft(2.0).rough(noise, 1.6, 14.0);
            canvas.shade(&form, edge, |x, y, under| {
                let texture = 0.04 * noise.fractal(x / 7.0, y / 7.0, 2);
                if skull.distance(x, y) < -1.0 {
                    0.90 + texture
                } else {
                    under
                }
            });
        }
        Head::InfarctDiffusion | Head::InfarctCoefficient => {
            let value = if matches!(kind, Head::InfarctDiffusion) {
                0.88
            } else {
                0.14
            };
            let skull = brain::inner_table().inset(4.0);
            canvas.shade(
                &form,
                Edge::soft(6.0).rough(noise, 7.0, 17.0),
                |x, y, under| {
                    let texture = 0.05 * noise.fractal(x / 9.0, y / 9.0, 2);
                    if skull.distance(x, y) < 0.0 {
                        value + texture
                    } else {
                        under
                    }
                },
            );
        }
        Head::ArachnoidCyst => {
            let skull = brain::inner_table();
            canvas.shade(&form, Edge::soft(2.5), |x, y, under| {
                if skull.distance(x, y) < -0.5 {
                    0.96
                } else {
                    under
                }
            });
        }
        Head::Hydrocephalus => {}
    }
}

/// Ovals at right angles to the ventricle, the first of them the labelled one.
fn plaques(canvas: &mut Canvas<f32>, centre: Point, radii: Point, noise: Noise) {
    let others = [
        ((192.0, 150.0), (6.0, 4.0), 0.6),
        ((266.0, 150.0), (9.0, 5.0), -0.6),
        ((160.0, 262.0), (10.0, 5.0), 0.2),
        ((158.0, 306.0), (7.0, 5.0), -0.4),
        ((292.0, 330.0), (7.0, 5.0), 0.7),
        ((312.0, 170.0), (5.0, 4.0), 0.0),
    ];
    let edge = Edge::soft(2.5).rough(noise, 1.2, 6.0);
    canvas.paint(&Form::oval(centre, radii), edge, 0.90);
    for (at, size, angle) in others {
        canvas.paint(&Form::oval(at, size).turned(angle), edge, 0.84);
    }
}

fn ring_tumour(canvas: &mut Canvas<f32>, centre: Point, radii: Point, noise: Noise) {
    let grown = |by: f32| Form::oval(centre, (radii.0 + by, radii.1 + by));
    let fingers = Edge::soft(12.0).rough(noise, 13.0, 24.0);
    let skull = brain::inner_table().inset(8.0);
    canvas.shade(&grown(16.0), fingers, |x, y, under| {
        if skull.distance(x, y) < 0.0 {
            0.30
        } else {
            under
        }
    });
    let rim = Edge::soft(2.0).rough(noise, 3.5, 13.0);
    canvas.paint(&grown(0.0), rim, 0.93);
    let necrosis = Edge::soft(3.0).rough(noise, 4.5, 10.0);
    canvas.paint(&grown(-8.0), necrosis, 0.17);
}

/// Where the spine's bodies and discs lie: (top of the body, x of its middle), L1 to S1.
const LEVELS: [Point; 6] = [
    (226.0, 46.0),
    (218.0, 108.0),
    (212.0, 170.0),
    (212.0, 232.0),
    (220.0, 294.0),
    (240.0, 352.0),
];

/// T2: fluid and healthy discs bright, a dark disc that bulges into the canal at the finding.
pub(super) fn lumbar_spine(seed: u32, findings: &[Finding]) -> DynamicImage {
    let noise = Noise::new(seed);
    let mut canvas = Canvas::new(400, 448, 0.0_f32);
    back_and_belly(&mut canvas, noise);
    canal(&mut canvas, noise);
    let bodies = LEVELS.windows(2).enumerate();
    for (index, pair) in bodies {
        let [upper, lower] = pair else { continue };
        disc(&mut canvas, *upper, *lower, index == 3);
    }
    for (index, centre) in LEVELS.into_iter().enumerate() {
        let tilt = [0.13, 0.11, 0.05, -0.06, -0.22, -0.50]
            .get(index)
            .copied()
            .unwrap_or(0.0);
        let body = Form::oval(centre, (35.0, 24.0)).squared(5.0).turned(tilt);
        canvas.shade(&body, Edge::soft(2.0), |x, y, _| {
            let marrow = 0.47 + 0.05 * noise.fractal(x / 6.0, y / 6.0, 2);
            marrow - 0.36 * inside(-body.distance(x, y) - 1.8, 1.8)
        });
    }
    for finding in findings {
        let (centre, radii) = finding.outline.oval();
        canvas.paint(&Form::oval(centre, radii), Edge::soft(2.5), 0.13);
    }
    receive(&mut canvas, noise, 0.022);
    canvas.into_grey(|value| value)
}

fn back_and_belly(canvas: &mut Canvas<f32>, noise: Noise) {
    let skin = [
        (0.0, 336.0),
        (60.0, 352.0),
        (200.0, 344.0),
        (330.0, 362.0),
        (448.0, 388.0),
    ];
    canvas.each(|x, y, _| {
        let bowel = 0.30 + 0.13 * noise.fractal(x / 52.0, y / 38.0, 2);
        let fat = 0.74 + 0.04 * noise.at(x / 12.0, y / 12.0);
        let tissue = bowel + (fat - bowel) * inside(285.0 - x + 0.04 * y, 14.0);
        tissue * inside(x - profile(&skin, y), 2.0)
    });
    let muscle = Form::curve(&[
        (282.0, -30.0),
        (318.0, -30.0),
        (322.0, 140.0),
        (320.0, 300.0),
        (330.0, 420.0),
        (300.0, 400.0),
        (288.0, 300.0),
        (276.0, 160.0),
    ]);
    canvas.shade(&muscle, Edge::soft(4.0), |x, y, _| {
        0.24 + 0.12 * noise.fractal(x / 5.0, y / 30.0, 2)
    });
    for (index, (x, y)) in LEVELS.into_iter().enumerate().take(5) {
        let lean = 0.25 + 0.05 * index as f32;
        let from = (x + 74.0, y + 14.0);
        let spinous = Form::stroke(from, step(from, lean, 34.0), (9.0, 11.0));
        canvas.shade(&spinous, Edge::soft(2.0), |px, py, _| {
            0.48 - 0.3 * inside(-spinous.distance(px, py) - 2.0, 2.0)
        });
    }
    let aorta = Form::stroke((150.0, -10.0), (146.0, 262.0), (13.0, 12.0));
    canvas.paint(&aorta, Edge::soft(3.0), 0.06);
}

/// The thecal sac with the cord's end and the roots of the cauda equina.
fn canal(canvas: &mut Canvas<f32>, noise: Noise) {
    let line: Vec<Point> = [
        (46.0, -24.0),
        (40.0, 46.0),
        (42.0, 108.0),
        (42.0, 170.0),
        (42.0, 232.0),
        (43.0, 294.0),
    ]
    .into_iter()
    .zip(LEVELS.into_iter().map(|level| level.0).chain([224.0]))
    .map(|((offset, y), x)| (x + offset + 8.0, y))
    .chain([(288.0, 352.0), (318.0, 404.0)])
    .collect();
    let spans = || line.iter().zip(line.iter().skip(1));
    for (&from, &to) in spans() {
        canvas.paint(&Form::stroke(from, to, (19.0, 19.0)), Edge::soft(2.0), 0.16);
    }
    for (&from, &to) in spans() {
        canvas.paint(&Form::stroke(from, to, (16.0, 16.0)), Edge::soft(2.0), 0.93);
    }
    let cord = Form::stroke((270.0, -20.0), (268.0, 66.0), (8.5, 4.0));
    canvas.paint(&cord, Edge::soft(2.5), 0.36);
    for (&from, &to) in spans().skip(1).take(5) {
        for root in [-6.0, 1.0, 7.0] {
            let sway = 2.0 * noise.at(root, from.1 / 40.0);
            let strand = Form::stroke(
                (from.0 + root + sway, from.1),
                (to.0 + root + sway, to.1),
                (1.0, 1.0),
            );
            canvas.paint(&strand, Edge::soft(1.6), 0.52);
        }
    }
}

fn disc(canvas: &mut Canvas<f32>, upper: Point, lower: Point, is_worn: bool) {
    let centre = (
        f32::midpoint(upper.0, lower.0),
        f32::midpoint(upper.1, lower.1),
    );
    let tilt = (lower.0 - upper.0).atan2(lower.1 - upper.1) * -0.9;
    let height = if is_worn { 7.0 } else { 9.0 };
    let ring = Form::oval(centre, (37.0, height)).squared(3.0).turned(tilt);
    canvas.paint(&ring, Edge::soft(2.0), 0.12);
    let nucleus = Form::oval(centre, (23.0, height - 3.5)).turned(tilt);
    canvas.paint(&nucleus, Edge::soft(3.0), if is_worn { 0.20 } else { 0.72 });
}
