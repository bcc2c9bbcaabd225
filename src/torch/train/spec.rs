//! What is trained and how; and every random choice, from one seed.

use serde::{Deserialize, Serialize};

use super::features::Features;
use crate::arguments::{Flags, TrainRetriever};
use crate::fault::Fault;
use crate::weights::read_text;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Spec {
    pub epochs: u64,
    pub batch: usize,
    pub lr: f64,
    pub decay: f64,
    pub temperature: f64,
    pub dim: usize,
    pub seed: u64,
    pub validation: f64,
    pub text_encoder: String,
    pub image_encoder: String,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch: 256,
            lr: 1e-3,
            decay: 0.1,
            temperature: 0.07,
            dim: 256,
            seed: 0,
            validation: 0.1,
            text_encoder: String::new(),
            image_encoder: String::new(),
        }
    }
}

impl Spec {
    pub(crate) fn resolve(how: &TrainRetriever, features: &Features) -> Result<Self, Fault> {
        let mut spec = match &how.spec {
            None => Self::default(),
            Some(path) => {
                let text = read_text(path)?;
                let wrong = |error| Fault::Input(format!("{}: {error}", path.display()));
                toml::from_str(&text).map_err(wrong)?
            }
        };
        spec.overlay(&how.flags);
        if spec.text_encoder.is_empty() {
            spec.text_encoder.clone_from(&features.text_encoder);
        }
        if spec.image_encoder.is_empty() {
            spec.image_encoder.clone_from(&features.image_encoder);
        }
        spec.check()?;
        Ok(spec)
    }

    fn overlay(&mut self, flags: &Flags) {
        fn take<T: Clone>(value: &mut T, flag: Option<&T>) {
            if let Some(flag) = flag {
                value.clone_from(flag);
            }
        }
        take(&mut self.epochs, flags.epochs.as_ref());
        take(&mut self.batch, flags.batch.as_ref());
        take(&mut self.lr, flags.lr.as_ref());
        take(&mut self.decay, flags.decay.as_ref());
        take(&mut self.temperature, flags.temperature.as_ref());
        take(&mut self.dim, flags.dim.as_ref());
        take(&mut self.seed, flags.seed.as_ref());
        take(&mut self.validation, flags.validation.as_ref());
        take(&mut self.text_encoder, flags.text_encoder.as_ref());
        take(&mut self.image_encoder, flags.image_encoder.as_ref());
    }

    fn check(&self) -> Result<(), Fault> {
        let refuse = |words: &str| Err(Fault::Input(words.to_owned()));
        if self.batch < 2 {
            return refuse("batch must be 2 at least: a pair alone has no negatives");
        }
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return refuse("lr must be above 0");
        }
        if !(0.0..1.0).contains(&self.decay) {
            return refuse("decay must be from 0 to 1");
        }
        if !(0.01..=1.0).contains(&self.temperature) {
            return refuse("temperature must be from 0.01 to 1");
        }
        if !(1..=65_536).contains(&self.dim) {
            return refuse("dim must be from 1 to 65536");
        }
        if !(0.0..=0.5).contains(&self.validation) {
            return refuse("validation must be from 0 to 0.5");
        }
        Ok(())
    }

    /// The same training, however long.
    pub(crate) fn continues(&self, other: &Self) -> bool {
        let same_length = Self {
            epochs: self.epochs,
            ..other.clone()
        };
        *self == same_length
    }
}

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Dice(u64);

impl Dice {
    /// Independent dice for every purpose and number.
    pub(crate) fn new(seed: u64, purpose: &str, number: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        hasher.update(&number.to_le_bytes());
        hasher.update(purpose.as_bytes());
        let mut state = [0; 8];
        hasher.finalize_xof().fill(&mut state);
        Self(u64::from_le_bytes(state))
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, not including, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The order of an epoch depends on nothing but the seed and its number: so it can be resumed.
pub(crate) fn shuffled(rows: &[i64], seed: u64, epoch: u64) -> Vec<i64> {
    let mut order = rows.to_vec();
    let mut dice = Dice::new(seed, "order", epoch);
    for last in (1..order.len()).rev() {
        let other = (dice.unit() * (last + 1) as f64) as usize;
        order.swap(last, other.min(last));
    }
    order
}
