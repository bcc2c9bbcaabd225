//! One axial section through a head at the level of the basal ganglia, in any contrast.

use super::canvas::{Canvas, Edge, Mix, inside};
use super::form::{Form, Point, length};
use super::noise::Noise;

/// What each tissue looks like in one contrast.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tissues {
    pub(super) scalp: f32,
    pub(super) bone: f32,
    /// The marrow between the two plates of the skull.
    pub(super) diploe: f32,
    pub(super) fluid: f32,
    pub(super) grey: f32,
    pub(super) white: f32,
    pub(super) falx: f32,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Ventricles {
    Normal,
    Wide,
}

const CENTRE: Point = (224.0, 228.0);
const SKIN: Point = (160.0, 196.0);
const SCALP_DEPTH: f32 = 9.0;
const SKULL_DEPTH: f32 = 20.0;
const BRAIN_DEPTH: f32 = 23.5;

/// The head's outline, a little wider behind than in front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Egg {
    radii: Point,
}

impl Egg {
    pub(super) fn inset(self, by: f32) -> Self {
        Self {
            radii: (self.radii.0 - by, self.radii.1 - by),
        }
    }

    /// Pixels to the outline, negative inside.
    pub(super) fn distance(self, x: f32, y: f32) -> f32 {
        let (across, down) = (x - CENTRE.0, y - CENTRE.1);
        let wide = self.radii.0 * (1.0 + 0.09 * down / self.radii.1);
        let (unit_x, unit_y) = (across / wide, down / self.radii.1);
        let scaled = length(unit_x, unit_y);
        let slope = length(unit_x / wide, unit_y / self.radii.1);
        if slope < 1e-6 {
            -self.radii.0
        } else {
            scaled * (scaled - 1.0) / slope
        }
    }
}

/// The inner surface of the skull.
pub(super) fn inner_table() -> Egg {
    Egg { radii: SKIN }.inset(SKULL_DEPTH)
}

/// Draws the section over the canvas (448x448), which holds air.
pub(super) fn draw(
    canvas: &mut Canvas<f32>,
    tissues: &Tissues,
    ventricles: Ventricles,
    noise: Noise,
) {
    let skin = Egg { radii: SKIN };
    canvas.each(|x, y, air| {
        let depth = -skin.distance(x, y);
        if depth < -3.0 {
            return air;
        }
        let muscle = 0.25 * noise.fractal(x / 9.0, y / 9.0, 2);
        let scalp = tissues.scalp * (1.0 + muscle);
        let plate = (depth - 0.5 * (SCALP_DEPTH + SKULL_DEPTH)).abs();
        let skull = tissues.bone.mix(tissues.diploe, inside(plate - 2.0, 3.0));
        let outer = air
            .mix(scalp, inside(-depth, 1.6))
            .mix(skull, inside(SCALP_DEPTH - depth, 1.8));
        if depth < SKULL_DEPTH - 2.0 {
            return outer;
        }
        let fluid = outer.mix(tissues.fluid, inside(SKULL_DEPTH - depth, 1.8));
        fluid.mix(
            cortex(tissues, noise, (x, y)),
            inside(BRAIN_DEPTH - depth, 2.0),
        )
    });
    deep_nuclei(canvas, tissues, noise);
    sylvian_fissures(canvas, tissues, noise);
    ventricle_system(canvas, tissues, ventricles, noise);
}

/// Folds: ridges of noise that run inwards, fluid along their crest and grey matter beside it.
fn cortex(tissues: &Tissues, noise: Noise, (x, y): Point) -> f32 {
    let depth = -Egg { radii: SKIN }.distance(x, y) - BRAIN_DEPTH;
    let (across, down) = (x - CENTRE.0, y - CENTRE.1);
    let radius = length(across, down).max(1.0);
    let squeezed = (70.0 + 0.42 * radius) / radius;
    let warp = 0.5 * noise.at(x / 30.0 + 40.0, y / 30.0);
    let fold = noise
        .at(
            across * squeezed / 15.0 + warp,
            down * squeezed / 15.0 - warp,
        )
        .abs();
    let furrow = 0.055 - 0.0022 * depth;
    let ribbon = 0.30 - 0.0062 * depth;
    let grey = inside(fold - ribbon, 0.12).max(inside(depth - 6.0, 4.0));
    let mut value = tissues.white.mix(tissues.grey, grey);
    if furrow > 0.0 {
        value = value.mix(tissues.fluid, inside(fold - furrow, 0.05));
    }
    let is_split = !(-62.0..=88.0).contains(&down);
    if is_split {
        let gap = (across - 1.5 * noise.at(0.0, y / 22.0)).abs();
        value = value.mix(tissues.grey, inside(gap - 7.0, 3.0));
        value = value.mix(tissues.fluid, inside(gap - 2.6, 1.6));
        value = value.mix(tissues.falx, inside(gap - 0.9, 1.2));
    }
    value
}

fn deep_nuclei(canvas: &mut Canvas<f32>, tissues: &Tissues, noise: Noise) {
    let edge = Edge::soft(4.0).rough(noise, 1.5, 9.0);
    for side in [-1.0, 1.0] {
        let at = |x: f32, y: f32| (CENTRE.0 + side * x, y);
        let white = Form::oval(at(52.0, 222.0), (44.0, 66.0));
        canvas.paint(&white, Edge::soft(16.0), tissues.white);
        let caudate = Form::oval(at(27.0, 186.0), (8.5, 16.0)).turned(side * 0.35);
        canvas.paint(&caudate, edge, tissues.grey);
        let lentiform = Form::oval(at(53.0, 216.0), (12.0, 27.0)).turned(side * 0.22);
        canvas.paint(&lentiform, edge, tissues.grey);
        let pallidum = Form::oval(at(46.0, 219.0), (5.0, 15.0)).turned(side * 0.22);
        canvas.paint(&pallidum, edge, tissues.grey.mix(tissues.white, 0.5));
        let thalamus = Form::oval(at(20.0, 246.0), (15.0, 23.0)).turned(side * 0.35);
        canvas.paint(&thalamus, edge, tissues.grey.mix(tissues.white, 0.2));
    }
}

fn sylvian_fissures(canvas: &mut Canvas<f32>, tissues: &Tissues, noise: Noise) {
    for side in [-1.0, 1.0] {
        let at = |x: f32, y: f32| (CENTRE.0 + side * x, y);
        for (from, to) in [
            (at(84.0, 206.0), at(104.0, 186.0)),
            (at(104.0, 186.0), at(126.0, 184.0)),
            (at(84.0, 206.0), at(78.0, 226.0)),
            (at(78.0, 226.0), at(86.0, 252.0)),
        ] {
            let ribbon = Form::stroke(from, to, (7.0, 6.0));
            canvas.paint(
                &ribbon,
                Edge::soft(4.0).rough(noise, 4.0, 9.0),
                tissues.grey,
            );
        }
        for (from, to) in [
            (at(84.0, 206.0), at(104.0, 187.0)),
            (at(104.0, 187.0), at(132.0, 184.0)),
            (at(84.0, 206.0), at(79.0, 226.0)),
            (at(79.0, 226.0), at(86.0, 248.0)),
        ] {
            let gap = Form::stroke(from, to, (1.8, 1.4));
            canvas.paint(&gap, Edge::soft(2.4).rough(noise, 3.0, 9.0), tissues.fluid);
        }
    }
}

fn ventricle_system(
    canvas: &mut Canvas<f32>,
    tissues: &Tissues,
    ventricles: Ventricles,
    noise: Noise,
) {
    let width = match ventricles {
        Ventricles::Normal => 1.0,
        Ventricles::Wide => 2.3,
    };
    let edge = Edge::soft(2.2).rough(noise, 1.0, 12.0);
    for side in [-1.0, 1.0] {
        let at = |x: f32, y: f32| (CENTRE.0 + side * x, y);
        let spread = 1.0 + 0.16 * (width - 1.0);
        for (from, to, radii) in [
            (at(9.0, 205.0), at(17.0 * spread, 176.0), (5.0, 7.5)),
            (
                at(17.0 * spread, 176.0),
                at(27.0 * spread, 156.0),
                (7.5, 4.5),
            ),
            (
                at(40.0 * spread, 276.0),
                at(47.0 * spread, 300.0),
                (6.0, 8.0),
            ),
            (
                at(47.0 * spread, 300.0),
                at(38.0 * spread, 330.0),
                (8.0, 4.0),
            ),
        ] {
            let radii = (radii.0 * width, radii.1 * width);
            canvas.paint(&Form::stroke(from, to, radii), edge, tissues.fluid);
        }
    }
    let third = Form::stroke(
        (CENTRE.0, 220.0),
        (CENTRE.0, 252.0),
        (2.4 * width, 2.6 * width),
    );
    canvas.paint(&third, edge, tissues.fluid);
    let septum = Form::stroke((CENTRE.0, 168.0), (CENTRE.0, 204.0), (1.0, 1.0));
    canvas.paint(&septum, Edge::soft(1.6), tissues.white);
    for side in [-1.0, 1.0] {
        let plexus = Form::oval((CENTRE.0 + side * 44.0, 292.0), (3.5, 7.0));
        canvas.paint(&plexus, Edge::soft(3.0), tissues.grey);
    }
}
