//! Branching trees: lung vessels and bronchi, liver veins.

use super::canvas::{Canvas, Edge};
use super::form::{Form, Point, step};
use super::noise::Dice;

/// The start of a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Twig {
    pub(super) at: Point,
    pub(super) heading: f32,
    pub(super) radius: f32,
    pub(super) length: f32,
}

/// Paints a tree that forks until its twigs are thinner than `finest`. `value` sees what lies
/// under a pixel and how thick the twig is, so that a tree can be kept within its organ.
pub(super) fn grow(
    canvas: &mut Canvas<f32>,
    dice: &mut Dice,
    root: Twig,
    finest: f32,
    value: &impl Fn(f32, f32) -> f32,
) {
    let mut open = vec![root];
    while let Some(twig) = open.pop() {
        let bend = dice.between(-0.25, 0.25);
        let end = step(twig.at, twig.heading + bend, twig.length);
        let thinner = twig.radius * dice.between(0.74, 0.86);
        let form = Form::stroke(twig.at, end, (twig.radius, thinner));
        canvas.shade(&form, Edge::soft(1.4), |_, _, under| {
            value(under, twig.radius)
        });
        if thinner < finest {
            continue;
        }
        let spread = dice.between(0.25, 0.6);
        for turn in [-spread, dice.between(0.2, 0.5)] {
            open.push(Twig {
                at: end,
                heading: twig.heading + bend + turn,
                radius: thinner * dice.between(0.78, 0.98),
                length: twig.length * dice.between(0.72, 0.98),
            });
        }
    }
}
