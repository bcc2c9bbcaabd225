//! Ultrasound-like sectors: an echo map seen through speckle, shadows and enhancement.

use image::DynamicImage;

use super::canvas::{Canvas, Edge, inside};
use super::form::{Form, Point, length};
use super::noise::Noise;
use super::table::Finding;

/// What the scan is of; each is a small scene around its finding.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scan {
    Gallstone,
    RenalCyst,
    FreeFluid,
    BreastMass,
    Aneurysm,
}

const WIDTH: u32 = 512;
const HEIGHT: u32 = 400;

/// The fan of a curved probe; a linear probe is a fan with a very distant apex.
#[derive(Debug, Clone, Copy)]
struct Probe {
    apex: Point,
    near: f32,
    far: f32,
    half_angle: f32,
}

const CURVED: Probe = Probe {
    apex: (256.0, -70.0),
    near: 92.0,
    far: 456.0,
    half_angle: 0.57,
};
const LINEAR: Probe = Probe {
    apex: (256.0, -6000.0),
    near: 6012.0,
    far: 6386.0,
    half_angle: 0.036,
};

impl Probe {
    /// Distance from the apex and angle from straight down.
    fn polar(self, x: f32, y: f32) -> (f32, f32) {
        let (across, down) = (x - self.apex.0, y - self.apex.1);
        (length(across, down), across.atan2(down))
    }
}

/// Echo strength and, behind things, how much of the beam is left.
struct Scene {
    probe: Probe,
    echo: Canvas<f32>,
    beam: Canvas<f32>,
    noise: Noise,
}

pub(super) fn scan(seed: u32, kind: Scan, findings: &[Finding]) -> DynamicImage {
    let noise = Noise::new(seed);
    let probe = if matches!(kind, Scan::BreastMass) {
        LINEAR
    } else {
        CURVED
    };
    let mut scene = Scene {
        probe,
        echo: Canvas::new(WIDTH, HEIGHT, 0.30),
        beam: Canvas::new(WIDTH, HEIGHT, 1.0),
        noise,
    };
    let Some((centre, radii)) = findings.first().map(|finding| finding.outline.oval()) else {
        return scene.develop();
    };
    match kind {
        Scan::Gallstone => gallstone(&mut scene, centre, radii),
        Scan::RenalCyst => renal_cyst(&mut scene, centre, radii),
        Scan::FreeFluid => free_fluid(&mut scene, centre, radii),
        Scan::BreastMass => breast_mass(&mut scene, centre, radii),
        Scan::Aneurysm => aneurysm(&mut scene, centre, radii),
    }
    scene.develop()
}

impl Scene {
    fn fill(&mut self, form: &Form, edge: Edge, echo: f32) {
        let noise = self.noise;
        self.echo.shade(form, edge, |x, y, _| {
            echo * (1.0 + 0.30 * noise.fractal(x / 13.0 + 9.0, y / 13.0, 2))
        });
    }

    /// Multiplies what is left of the beam behind an oval, within its angular width.
    fn behind(&mut self, centre: Point, half_width: f32, factor: f32) {
        let probe = self.probe;
        let (depth, angle) = probe.polar(centre.0, centre.1);
        let spread = half_width / depth;
        self.beam.each(|x, y, left| {
            let (r, theta) = probe.polar(x, y);
            let within = inside(((theta - angle).abs() - spread) * depth, 5.0);
            let deeper = inside(depth - r, 6.0);
            left * (1.0 + (factor - 1.0) * within * deeper)
        });
    }

    /// Speckle is the length of a random walk, so two fields make one; cells widen with depth.
    fn develop(mut self) -> DynamicImage {
        let (probe, noise) = (self.probe, self.noise);
        let twin = Noise::new(0x5bd1);
        self.echo.combine(&self.beam, |echo, left| echo * left);
        self.echo.each(|x, y, echo| {
            let (r, theta) = probe.polar(x, y);
            let fan = inside(probe.near - r, 1.5)
                * inside(r - probe.far, 1.5)
                * inside((theta.abs() - probe.half_angle) * r, 1.5);
            if fan <= 0.0 {
                return 0.0;
            }
            let depth = (r - probe.near) / (probe.far - probe.near);
            let (axial, lateral) = (r / 3.0, theta * r / (4.8 + 4.2 * depth));
            let speckle = length(
                noise.at(lateral, axial),
                twin.at(lateral + 31.7, axial + 11.3),
            );
            let haze = 0.012 + 0.05 * inside(depth - 0.03, 0.05);
            let loss = 1.12 - 0.42 * depth;
            let amplitude = (echo * loss + haze) * (0.22 + 1.55 * speckle);
            let grey = (1.0 + 26.0 * amplitude).ln() / 27.0_f32.ln();
            (1.10 * grey - 0.10) * fan
        });
        self.echo.into_grey(|value| value)
    }
}

/// A bright curved line between organ and lung, and haze beyond it.
fn diaphragm(scene: &mut Scene) {
    let far = Form::oval((210.0, 150.0), (300.0, 212.0));
    scene.echo.each(|x, y, echo| {
        let distance = far.distance(x, y);
        let line = inside(distance.abs() - 1.6, 3.0);
        let beyond = inside(-distance - 3.0, 4.0);
        echo * (1.0 - 0.55 * beyond) + 1.1 * line
    });
}

/// Bright-walled tubes of portal veins and dark ones of liver veins.
fn liver_vessels(scene: &mut Scene, places: &[(Point, Point)]) {
    for &(from, to) in places {
        scene.echo.paint(
            &Form::stroke(from, to, (7.0, 3.5)),
            Edge::soft(5.0).rough(scene.noise, 3.0, 14.0),
            0.5,
        );
        scene.echo.paint(
            &Form::stroke(from, to, (4.5, 1.8)),
            Edge::soft(4.0).rough(scene.noise, 3.0, 14.0),
            0.03,
        );
    }
}

fn gallstone(scene: &mut Scene, centre: Point, radii: Point) {
    diaphragm(scene);
    liver_vessels(
        scene,
        &[
            ((120.0, 120.0), (170.0, 160.0)),
            ((352.0, 110.0), (392.0, 150.0)),
            ((150.0, 250.0), (196.0, 268.0)),
        ],
    );
    let bladder = (centre.0 - 34.0, centre.1 - 26.0);
    let wall = Edge::soft(2.5).rough(scene.noise, 2.0, 22.0);
    scene.fill(&Form::oval(bladder, (95.0, 47.0)).turned(0.18), wall, 0.75);
    scene.fill(&Form::oval(bladder, (91.0, 43.0)).turned(0.18), wall, 0.004);
    scene.behind((bladder.0, bladder.1 + 34.0), 74.0, 2.1);
    let bed = Form::oval((centre.0, centre.1 + 4.0), (radii.0 + 5.0, radii.1 + 3.0));
    scene.fill(&bed, Edge::soft(3.0), 0.35);
    scene.fill(&Form::oval(centre, radii), Edge::soft(2.0), 2.6);
    scene.behind((centre.0, centre.1 + radii.1 * 0.6), radii.0 * 0.92, 0.02);
}

fn kidney(scene: &mut Scene, centre: Point, radii: Point, angle: f32) {
    let rough = Edge::soft(3.0).rough(scene.noise, 2.5, 26.0);
    let grown = (radii.0 + 4.0, radii.1 + 4.0);
    scene.fill(&Form::oval(centre, grown).turned(angle), rough, 0.85);
    scene.fill(&Form::oval(centre, radii).turned(angle), rough, 0.17);
    let sinus = (radii.0 * 0.62, radii.1 * 0.40);
    let ragged = Edge::soft(7.0).rough(scene.noise, 9.0, 17.0);
    scene.fill(&Form::oval(centre, sinus).turned(angle), ragged, 0.82);
    for place in [-0.66_f32, -0.20, 0.31, 0.72] {
        for side in [-1.0, 1.0] {
            let stagger = 0.08 * side;
            let (across, up) = (
                radii.0 * 0.82 * (place + stagger),
                side * radii.1 * (0.60 - 0.12 * place.abs()),
            );
            let (sin, cos) = angle.sin_cos();
            let at = (
                centre.0 + across * cos - up * sin,
                centre.1 + across * sin + up * cos,
            );
            scene.fill(&Form::oval(at, (10.0, 8.0)), Edge::soft(7.0), 0.09);
        }
    }
}

fn renal_cyst(scene: &mut Scene, centre: Point, radii: Point) {
    let belly = Form::oval((256.0, 60.0), (400.0, 84.0));
    scene.fill(&belly, Edge::soft(9.0), 0.40);
    kidney(
        scene,
        (centre.0 - 84.0, centre.1 + 24.0),
        (150.0, 70.0),
        -0.10,
    );
    let wall = (radii.0 + 2.5, radii.1 + 2.5);
    scene.fill(&Form::oval(centre, wall), Edge::soft(2.0), 0.55);
    scene.fill(&Form::oval(centre, radii), Edge::soft(2.0), 0.002);
    scene.behind((centre.0, centre.1 + radii.1), radii.0 * 0.86, 3.0);
}

fn free_fluid(scene: &mut Scene, centre: Point, radii: Point) {
    diaphragm(scene);
    liver_vessels(
        scene,
        &[
            ((150.0, 90.0), (196.0, 132.0)),
            ((300.0, 70.0), (338.0, 108.0)),
        ],
    );
    kidney(
        scene,
        (centre.0 + 22.0, centre.1 + 66.0),
        (128.0, 54.0),
        0.08,
    );
    let wedge = Form::curve(&[
        (centre.0 - radii.0, centre.1 - radii.1 * 0.2),
        (centre.0 - radii.0 * 0.3, centre.1 - radii.1),
        (centre.0 + radii.0 * 0.5, centre.1 - radii.1 * 0.6),
        (centre.0 + radii.0 * 1.1, centre.1 + radii.1 * 0.9),
        (centre.0 + radii.0 * 0.4, centre.1 + radii.1 * 0.8),
        (centre.0 - radii.0 * 0.4, centre.1 + radii.1 * 0.7),
    ]);
    scene.fill(&wedge, Edge::soft(2.0).rough(scene.noise, 2.0, 18.0), 0.003);
}

fn breast_mass(scene: &mut Scene, centre: Point, radii: Point) {
    let noise = scene.noise;
    scene.echo.each(|x, y, _| {
        let layer = y + 9.0 * noise.at(x / 70.0, 2.0);
        let lobules = noise.fractal(x / 46.0, y / 20.0, 2);
        let septum = inside(lobules.abs() - 0.03, 0.06);
        let gland = 0.42 + 0.22 * noise.fractal(x / 34.0, y / 9.0, 3);
        let fat = 0.13 + 0.42 * septum;
        let muscle = 0.16 + 0.25 * inside(noise.at(x / 60.0, y / 3.0).abs() - 0.05, 0.1);
        let skin = 0.8 * inside(layer - 22.0, 3.0);
        let deep = fat + (gland - fat) * inside(92.0 - layer, 20.0);
        let chest = deep + (muscle - deep) * inside(296.0 - layer, 8.0);
        let fascia = 0.7 * inside((layer - 296.0).abs() - 1.5, 3.0);
        chest + (skin - chest) * inside(layer - 24.0, 3.0) * 0.9 + fascia
    });
    let spiky = Edge::soft(3.5).rough(noise, 9.0, 13.0);
    scene.fill(
        &Form::oval(centre, (radii.0 + 7.0, radii.1 + 7.0)),
        spiky,
        0.58,
    );
    scene.fill(&Form::oval(centre, radii), spiky, 0.045);
    for (offset_x, offset_y) in [(-7.0, -8.0), (6.0, 3.0), (-3.0, 14.0)] {
        let speck = Form::oval((centre.0 + offset_x, centre.1 + offset_y), (2.2, 1.6));
        scene.fill(&speck, Edge::soft(1.5), 0.9);
    }
    scene.behind((centre.0, centre.1 + radii.1 * 0.8), radii.0 * 0.8, 0.32);
}

fn aneurysm(scene: &mut Scene, centre: Point, radii: Point) {
    let noise = scene.noise;
    scene
        .echo
        .each(|x, y, _| 0.24 + 0.16 * noise.fractal(x / 40.0, y / 22.0, 3));
    scene.fill(
        &Form::oval((256.0, 40.0), (420.0, 52.0)),
        Edge::soft(6.0),
        0.42,
    );
    for (x, width) in [(118.0, 60.0), (404.0, 52.0)] {
        scene.fill(
            &Form::oval((x, 150.0), (width, 34.0)),
            Edge::soft(12.0),
            0.55,
        );
        scene.behind((x, 166.0), width * 0.5, 0.5);
    }
    let wall = Edge::soft(2.5).rough(noise, 1.5, 30.0);
    scene.fill(&Form::oval(centre, radii), wall, 0.70);
    scene.fill(
        &Form::oval(centre, (radii.0 - 4.0, radii.1 - 4.0)),
        wall,
        0.10,
    );
    let lumen = (centre.0 - 8.0, centre.1 - 10.0);
    let channel = Edge::soft(3.0).rough(noise, 3.0, 20.0);
    scene.fill(
        &Form::oval(lumen, (radii.0 * 0.56, radii.1 * 0.54)),
        channel,
        0.002,
    );
    scene.behind((centre.0, centre.1 + radii.1), radii.0 * 0.6, 1.5);
    let vertebra = Form::oval((centre.0 + 4.0, centre.1 + radii.1 + 52.0), (62.0, 34.0));
    scene.echo.each(|x, y, echo| {
        let front = inside(vertebra.distance(x, y).abs() - 2.0, 4.0) * inside(y - 318.0, 14.0);
        echo + 2.0 * front
    });
    scene.behind((centre.0 + 4.0, centre.1 + radii.1 + 22.0), 56.0, 0.06);
}
