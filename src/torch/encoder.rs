//! What every kind of model can do.

use tch::Tensor;

use crate::bert::{Bert, Pooling};
use crate::fault::Fault;

pub(crate) trait Encoder: Send {
    /// Rows of the table of words: no token may be beyond it.
    fn vocabulary(&self) -> usize;

    /// The longest text in tokens; 0 where it takes no texts.
    fn longest(&self) -> usize;

    /// One raw vector a row of tokens, none of them empty.
    fn texts(&self, rows: &[Vec<u32>]) -> Result<Tensor, Fault>;

    /// One raw vector a picture of `[n, 3, side, side]`.
    fn pictures(&self, pixels: &Tensor) -> Result<Tensor, Fault>;
}

/// A text encoder without pictures.
pub(crate) struct TextOnly {
    pub bert: Bert,
    pub pooling: Pooling,
    pub is_normalised: bool,
}

impl Encoder for TextOnly {
    fn vocabulary(&self) -> usize {
        self.bert.vocabulary()
    }

    fn longest(&self) -> usize {
        self.bert.longest()
    }

    fn texts(&self, rows: &[Vec<u32>]) -> Result<Tensor, Fault> {
        let x = self.bert.forward(rows, self.pooling)?;
        if !self.is_normalised {
            return Ok(x);
        }
        let length = x
            .f_norm_scalaropt_dim(2.0, [-1], true)?
            .f_clamp_min(1e-12)?;
        Ok(x.f_div(&length)?)
    }

    fn pictures(&self, _: &Tensor) -> Result<Tensor, Fault> {
        Err(Fault::no_pictures())
    }
}
