//! One step: the loss, its gradients, AdamW. In the order PyTorch computes them.

use tch::{Device, Kind, Reduction, Tensor};

use super::Batch;
use super::spec::Spec;
use crate::fault::Fault;

/// As CLIP was trained.
const BETAS: [f64; 2] = [0.9, 0.98];
const EPSILON: f64 = 1e-6;
/// CLIP clips the scale of its scores to 100.
const LARGEST_SCALE: f64 = 100.0;

/// What is learned, with AdamW's memory of it.
pub(crate) struct Trainee {
    /// Text matrix, image matrix, logarithm of the scale.
    pub weights: [Tensor; 3],
    pub means: [Tensor; 3],
    pub squares: [Tensor; 3],
    /// Steps of AdamW so far.
    pub steps: u64,
}

fn normalised(x: &Tensor) -> Result<Tensor, Fault> {
    let length = x
        .f_norm_scalaropt_dim(2.0, [-1], true)?
        .f_clamp_min(1e-12)?;
    Ok(x.f_div(&length)?)
}

impl Trainee {
    pub(crate) fn new(weights: [Tensor; 3]) -> Result<Self, Fault> {
        let [text, image, scale] = &weights;
        let zeros = || -> Result<[Tensor; 3], Fault> {
            Ok([
                text.f_zeros_like()?,
                image.f_zeros_like()?,
                scale.f_zeros_like()?,
            ])
        };
        Ok(Self {
            means: zeros()?,
            squares: zeros()?,
            weights,
            steps: 0,
        })
    }

    pub(crate) fn temperature(&self) -> Result<f64, Fault> {
        let [_, _, scale] = &self.weights;
        Ok((-scale.f_double_value(&[0])?).exp())
    }

    /// Texts and images in the space that is learned, of length 1.
    pub(crate) fn project(&self, batch: &Batch) -> Result<(Tensor, Tensor), Fault> {
        let [text, image, _] = &self.weights;
        Ok((
            normalised(&batch.text.f_mm(&text.f_transpose(0, 1)?)?)?,
            normalised(&batch.image.f_mm(&image.f_transpose(0, 1)?)?)?,
        ))
    }

    /// Each text must find its image and each image its text; twins are neither right nor wrong.
    pub(crate) fn loss(&self, batch: &Batch) -> Result<Tensor, Fault> {
        let [_, _, scale] = &self.weights;
        let (texts, images) = self.project(batch)?;
        let scores = texts
            .f_mm(&images.f_transpose(0, 1)?)?
            .f_mul(&scale.f_exp()?)?;
        let count = scores.size2()?.0;
        let groups = &batch.groups;
        let itself = Tensor::f_eye(count, (Kind::Bool, Device::Cpu))?;
        let twins = groups
            .f_unsqueeze(1)?
            .f_eq_tensor(&groups.f_unsqueeze(0)?)?
            .f_logical_and(&itself.f_logical_not()?)?;
        let scores = scores.f_masked_fill(&twins, f64::NEG_INFINITY)?;
        let target = Tensor::f_arange(count, (Kind::Int64, Device::Cpu))?;
        let cross = |scores: &Tensor| {
            scores.f_cross_entropy_loss(&target, None::<&Tensor>, Reduction::Mean, -100, 0.0)
        };
        Ok(cross(&scores)?
            .f_add(&cross(&scores.f_transpose(0, 1)?)?)?
            .f_div_scalar(2.0)?)
    }

    /// The loss and its gradient by each of the weights.
    pub(crate) fn gradients(&mut self, batch: &Batch) -> Result<(f64, Vec<Tensor>), Fault> {
        for weight in &mut self.weights {
            *weight = weight.f_detach()?.f_set_requires_grad(true)?;
        }
        let loss = self.loss(batch)?;
        let inputs: Vec<&Tensor> = self.weights.iter().collect();
        let gradients = Tensor::f_run_backward(&[&loss], &inputs, false, false)?;
        for weight in &mut self.weights {
            *weight = weight.f_detach()?;
        }
        Ok((loss.f_double_value(&[])?, gradients))
    }

    pub(crate) fn step(&mut self, batch: &Batch, spec: &Spec) -> Result<f64, Fault> {
        let (loss, gradients) = self.gradients(batch)?;
        if loss.is_finite() {
            self.adamw(&gradients, spec)?;
        }
        Ok(loss)
    }

    fn adamw(&mut self, gradients: &[Tensor], spec: &Spec) -> Result<(), Fault> {
        let _guard = tch::no_grad_guard();
        self.steps += 1;
        let corrections = BETAS.map(|beta| 1.0 - beta.powf(self.steps as f64));
        // The scale is no matrix: it does not decay.
        let decays = [spec.decay, spec.decay, 0.0];
        let memory = self.means.iter_mut().zip(&mut self.squares);
        let parts = self
            .weights
            .iter_mut()
            .zip(memory)
            .zip(gradients)
            .zip(decays);
        for (((weight, (mean, square)), gradient), decay) in parts {
            let _ = weight.f_mul_scalar_(1.0 - spec.lr * decay)?;
            let _ = mean.f_lerp_(gradient, 1.0 - BETAS[0])?;
            let new = gradient.f_mul(gradient)?.f_mul_scalar(1.0 - BETAS[1])?;
            *square = square.f_mul_scalar(BETAS[1])?.f_add(&new)?;
            let spread = square.f_sqrt()?.f_div_scalar(corrections[1].sqrt())?;
            let spread = spread.f_add_scalar(EPSILON)?;
            let change = mean
                .f_div(&spread)?
                .f_mul_scalar(spec.lr / corrections[0])?;
            *weight = weight.f_sub(&change)?;
        }
        let [_, _, scale] = &mut self.weights;
        *scale = scale.f_clamp(0.0, LARGEST_SCALE.ln())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Golden {
        text: Vec<f32>,
        image: Vec<f32>,
        groups: Vec<i64>,
        before: [Vec<f32>; 3],
        loss: f64,
        gradients: [Vec<f32>; 3],
        after: [Vec<f32>; 3],
    }

    fn shaped(values: &[f32], rows: i64) -> Tensor {
        Tensor::from_slice(values).view([rows, -1])
    }

    #[track_caller]
    fn near(ours: &Tensor, theirs: &[f32]) {
        let ours = Vec::<f32>::try_from(ours.flatten(0, -1)).unwrap();
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() < 2e-6, "{ours} {theirs}");
        }
    }

    #[test]
    fn a_step_is_pytorchs() {
        let golden: Golden =
            serde_json::from_str(include_str!("../testdata/retriever.json")).unwrap();
        let [text, image, scale] = &golden.before;
        let weights = [shaped(text, 3), shaped(image, 3), Tensor::from_slice(scale)];
        let mut trainee = Trainee::new(weights).unwrap();
        let batch = Batch {
            text: shaped(&golden.text, 6),
            image: shaped(&golden.image, 6),
            groups: Tensor::from_slice(&golden.groups),
        };
        let (loss, gradients) = trainee.gradients(&batch).unwrap();
        assert!((loss - golden.loss).abs() < 1e-6, "{loss} {}", golden.loss);
        for (ours, theirs) in gradients.iter().zip(&golden.gradients) {
            near(ours, theirs);
        }
        let spec = Spec {
            lr: 0.01,
            decay: 0.1,
            ..Spec::default()
        };
        trainee.step(&batch, &spec).unwrap();
        for (ours, theirs) in trainee.weights.iter().zip(&golden.after) {
            near(ours, theirs);
        }
    }
}
