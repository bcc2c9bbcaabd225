//! Frozen features of pairs, and which of them are held back.

use std::path::{Path, PathBuf};

use semihv_encoders::tensors::Tensors;
use tch::Tensor;

use super::Batch;
use super::spec::Dice;
use crate::fault::Fault;
use crate::weights::hash;

pub(crate) struct Features {
    text: Tensor,
    image: Tensor,
    groups: Vec<i64>,
    /// Of the whole file.
    pub hash: String,
    /// What the file says of its making.
    pub text_encoder: String,
    pub image_encoder: String,
}

fn matrix(tensors: &Tensors, name: &str) -> Result<Tensor, Fault> {
    let shape = tensors.entry(name)?.shape.clone();
    let [rows, columns] = shape[..] else {
        return Err(tensors.refuse(format!("{name} is no matrix")).into());
    };
    let values = tensors.f32s(name)?;
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let row = at / columns.max(1);
        return Err(tensors
            .refuse(format!("row {row} of {name} holds no numbers"))
            .into());
    }
    Ok(Tensor::f_from_slice(&values)?.f_view([rows as i64, columns as i64])?)
}

impl Features {
    pub(crate) fn read(path: &Path) -> Result<Self, Fault> {
        let tensors = Tensors::open(path)?;
        let (text, image) = (matrix(&tensors, "text")?, matrix(&tensors, "image")?);
        let groups = tensors.i64s("group")?;
        let (rows, width) = text.size2()?;
        let (others, other_width) = image.size2()?;
        if rows != others || rows != groups.len() as i64 {
            let words = format!("{rows} texts, {others} images, {} groups", groups.len());
            return Err(tensors.refuse(words).into());
        }
        if width == 0 || other_width == 0 {
            return Err(tensors.refuse("features of no numbers").into());
        }
        let said = |key: &str| tensors.metadata(key).unwrap_or_default().to_owned();
        let files: [PathBuf; 1] = [path.to_owned()];
        Ok(Self {
            text,
            image,
            groups,
            hash: hash(&files)?,
            text_encoder: said("text_encoder"),
            image_encoder: said("image_encoder"),
        })
    }

    /// Numbers of a text and of an image.
    pub(crate) fn widths(&self) -> Result<[i64; 2], Fault> {
        Ok([self.text.size2()?.1, self.image.size2()?.1])
    }

    /// Rows to train on and rows held back, whole groups at a time: else a case would be found by
    /// its own twin.
    pub(crate) fn split(&self, seed: u64, validation: f64) -> (Vec<i64>, Vec<i64>) {
        let is_held_back = |row: &i64| {
            let group = self.groups.get(*row as usize).copied().unwrap_or(0);
            Dice::new(seed, "held back", group as u64).unit() < validation
        };
        let (held_back, train) = (0..self.groups.len() as i64).partition(is_held_back);
        (train, held_back)
    }

    pub(crate) fn batch(&self, rows: &[i64]) -> Result<Batch, Fault> {
        let places = Tensor::f_from_slice(rows)?;
        let group = |row: &i64| self.groups.get(*row as usize).copied().unwrap_or(0);
        let groups: Vec<i64> = rows.iter().map(group).collect();
        Ok(Batch {
            text: self.text.f_index_select(0, &places)?,
            image: self.image.f_index_select(0, &places)?,
            groups: Tensor::f_from_slice(&groups)?,
        })
    }
}
