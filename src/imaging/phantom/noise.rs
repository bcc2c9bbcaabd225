//! Deterministic chance: a small generator for drawing lots and gradient noise for textures.
//!
//! Not for statistics and not for secrets; the same seed gives the same picture on every machine.

use std::f32::consts::SQRT_2;

/// SplitMix64: one multiply-and-shift chain a number, no state beyond a counter.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u32) -> Self {
        Self(u64::from(seed) ^ 0x5eed_0f5e_ed0f_5eed)
    }

    /// Evenly spread in 0..1.
    pub(super) fn unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 40) as f32 / (1_u64 << 24) as f32
    }

    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }
}

/// A field of gradient noise: smooth, about -1..1, zero on average.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    seed: u32,
}

impl Noise {
    pub(super) fn new(seed: u32) -> Self {
        Self { seed }
    }

    /// One octave; features are about one unit wide.
    pub(super) fn at(self, x: f32, y: f32) -> f32 {
        let (column, row) = (floor(x), floor(y));
        let (along, down) = (x - column as f32, y - row as f32);
        let corner = |right: i32, below: i32| {
            let (slope_x, slope_y) = gradient(self.hash(column + right, row + below));
            slope_x * (along - right as f32) + slope_y * (down - below as f32)
        };
        let (blend_x, blend_y) = (fade(along), fade(down));
        let upper = corner(0, 0) + blend_x * (corner(1, 0) - corner(0, 0));
        let lower = corner(0, 1) + blend_x * (corner(1, 1) - corner(0, 1));
        upper + blend_y * (lower - upper)
    }

    /// Several octaves, each half as wide and half as strong as the one before.
    pub(super) fn fractal(self, x: f32, y: f32, octaves: u32) -> f32 {
        let mut sum = 0.0;
        let mut strength = 1.0;
        let mut scale = 1.0;
        for octave in 0..octaves {
            let field = Self::new(self.seed.wrapping_add(octave.wrapping_mul(0x9e37)));
            sum += strength * field.at(x * scale, y * scale);
            strength *= 0.5;
            scale *= 2.0;
        }
        sum
    }

    /// Independent from pixel to pixel, bell-shaped, deviation about 1.
    pub(super) fn grain(self, x: f32, y: f32) -> f32 {
        let bits = self.hash(x as i32, y as i32);
        let bytes = bits.to_le_bytes().map(f32::from);
        (bytes.iter().sum::<f32>() - 510.0) / 148.0
    }

    fn hash(self, column: i32, row: i32) -> u32 {
        let mut mixed = (column as u32).wrapping_mul(0x8da6_b343)
            ^ (row as u32).wrapping_mul(0xd816_3841)
            ^ self.seed.wrapping_mul(0xcb1a_b31f);
        mixed = (mixed ^ (mixed >> 16)).wrapping_mul(0x7feb_352d);
        mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x846c_a68b);
        mixed ^ (mixed >> 16)
    }
}

/// Eight directions of one length, chosen without a branch: this is the innermost loop.
fn gradient(hash: u32) -> (f32, f32) {
    const SLOPES: [(f32, f32); 8] = [
        (1.0, 1.0),
        (-1.0, 1.0),
        (1.0, -1.0),
        (-1.0, -1.0),
        (SQRT_2, 0.0),
        (-SQRT_2, 0.0),
        (0.0, SQRT_2),
        (0.0, -SQRT_2),
    ];
    SLOPES[(hash & 7) as usize]
}

/// The library's `floor` is a call on processors without an instruction for it.
fn floor(value: f32) -> i32 {
    let truncated = value as i32;
    truncated - i32::from(truncated as f32 > value)
}

fn fade(share: f32) -> f32 {
    share * share * share * (share * (share * 6.0 - 15.0) + 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_stay_in_their_range_and_spread() {
        let mut dice = Dice::new(7);
        let lots: Vec<f32> = (0..4000).map(|_| dice.between(2.0, 4.0)).collect();
        assert!(lots.iter().all(|lot| (2.0..4.0).contains(lot)));
        let mean = lots.iter().sum::<f32>() / 4000.0;
        assert!((mean - 3.0).abs() < 0.05, "{mean}");
    }

    #[test]
    fn noise_is_centred_and_bounded() {
        let noise = Noise::new(3);
        let values: Vec<f32> = (0..10_000)
            .map(|step| noise.at((step % 100) as f32 * 0.37, (step / 100) as f32 * 0.41))
            .collect();
        assert!(values.iter().all(|value| value.abs() <= 1.5));
        let mean = values.iter().sum::<f32>() / 10_000.0;
        assert!(mean.abs() < 0.05, "{mean}");
    }
}
