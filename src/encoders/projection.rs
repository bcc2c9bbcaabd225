//! What `semihv-torch train-retriever` learned, applied without torch: a matrix times a vector.

use std::path::Path;

use crate::tensors::{Tensors, TensorsError};

/// Two matrices over frozen encoders.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    text: Matrix,
    image: Matrix,
    /// Written into every index made with it.
    pub fingerprint: String,
    /// The frozen encoders it was trained over, as the training was told.
    pub text_encoder: String,
    pub image_encoder: String,
}

#[derive(Debug, Clone, PartialEq)]
struct Matrix {
    inputs: usize,
    values: Vec<f32>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a vector of {found} numbers, where the projection was trained on {expected}")]
pub struct OtherDimension {
    pub found: usize,
    pub expected: usize,
}

impl Matrix {
    fn read(tensors: &Tensors, name: &str) -> Result<(Self, usize), TensorsError> {
        let shape = tensors.entry(name)?.shape.clone();
        let [outputs, inputs] = shape[..] else {
            return Err(tensors.refuse(format!("{name} is no matrix")));
        };
        let values = tensors.f32s(name)?;
        if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
            return Err(tensors.refuse(format!("{name} holds no numbers")));
        }
        Ok((Self { inputs, values }, outputs))
    }

    fn times(&self, vector: &[f32]) -> Result<Vec<f32>, OtherDimension> {
        if vector.len() != self.inputs {
            return Err(OtherDimension {
                found: vector.len(),
                expected: self.inputs,
            });
        }
        let product = |row: &[f32]| {
            let terms = row.iter().zip(vector);
            terms
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum::<f64>() as f32
        };
        Ok(self.values.chunks_exact(self.inputs).map(product).collect())
    }
}

impl Projection {
    /// Reads a checkpoint; what only the trainer needs is left where it lies.
    pub fn open(path: &Path) -> Result<Self, TensorsError> {
        let tensors = Tensors::open(path)?;
        let (text, dim) = Matrix::read(&tensors, "text.weight")?;
        let (image, other) = Matrix::read(&tensors, "image.weight")?;
        if dim != other {
            return Err(tensors.refuse(format!("texts become {dim} numbers, images {other}")));
        }
        let said = |key: &str| tensors.metadata(key).unwrap_or_default().to_owned();
        let fingerprint = said("fingerprint");
        if fingerprint.is_empty() {
            return Err(tensors.refuse("it carries no fingerprint"));
        }
        Ok(Self {
            text,
            image,
            fingerprint,
            text_encoder: said("text_encoder"),
            image_encoder: said("image_encoder"),
        })
    }

    /// Numbers of a projected vector.
    pub fn dim(&self) -> usize {
        self.text.values.len() / self.text.inputs
    }

    /// Of the length that came out: training looked at directions alone.
    pub fn text(&self, vector: &[f32]) -> Result<Vec<f32>, OtherDimension> {
        self.text.times(vector)
    }

    pub fn image(&self, vector: &[f32]) -> Result<Vec<f32>, OtherDimension> {
        self.image.times(vector)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::File;

    use super::*;
    use crate::tensors::{Named, write};

    fn checkpoint(image_rows: usize, fingerprint: &str) -> Result<Projection, TensorsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        let tensor = |name: &str, rows: usize, columns: usize| Named {
            name: name.to_owned(),
            shape: vec![rows, columns],
            values: (0..rows * columns)
                .map(|at| at as f32)
                .collect::<Vec<f32>>()
                .into(),
        };
        let tensors = [
            tensor("text.weight", 2, 3),
            tensor("image.weight", image_rows, 2),
        ];
        let metadata: BTreeMap<String, String> =
            [("fingerprint".to_owned(), fingerprint.to_owned())].into();
        write(&mut File::create(&path).unwrap(), &tensors, &metadata).unwrap();
        Projection::open(&path)
    }

    #[test]
    fn a_vector_is_multiplied_row_by_row() {
        let projection = checkpoint(2, "f").unwrap();
        assert_eq!(projection.dim(), 2);
        assert_eq!(
            projection.text(&[1.0, 10.0, 100.0]).unwrap(),
            [210.0, 543.0]
        );
        assert_eq!(projection.image(&[1.0, 10.0]).unwrap(), [10.0, 32.0]);
    }

    #[test]
    fn another_dimension_is_refused() {
        let error = checkpoint(2, "f").unwrap().text(&[1.0]).unwrap_err();
        assert_eq!((error.found, error.expected), (1, 3));
    }

    #[test]
    fn matrices_that_do_not_meet_are_refused() {
        assert!(checkpoint(3, "f").is_err());
    }

    #[test]
    fn a_checkpoint_without_a_fingerprint_is_refused() {
        assert!(checkpoint(2, "").is_err());
    }
}
