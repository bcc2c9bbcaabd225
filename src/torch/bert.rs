//! BERT and what is made of it: MiniLM, PubMedBERT.

use tch::Tensor;

use crate::config::Config;
use crate::fault::Fault;
use crate::layers::{Activation, Attention, Embedding, Mlp, Norm, Sight, filled, padded};
use crate::weights::Scope;

/// How the vectors of all tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    Mean,
    First,
}

pub(crate) struct Bert {
    words: Embedding,
    places: Embedding,
    kinds: Embedding,
    norm: Norm,
    layers: Vec<Layer>,
}

/// A layer that normalises after it computed.
struct Layer {
    attention: Attention,
    after_attention: Norm,
    mlp: Mlp,
    after_mlp: Norm,
}

impl Layer {
    fn load(scope: &Scope<'_>, shape: &Shape) -> Result<Self, Fault> {
        let names = ["self.query", "self.key", "self.value", "output.dense"];
        let attention = scope.sub("attention");
        Ok(Self {
            attention: Attention::load(&attention, names, shape.heads)?,
            after_attention: Norm::load(&attention.sub("output.LayerNorm"), shape.epsilon)?,
            mlp: Mlp::load(
                scope,
                ["intermediate.dense", "output.dense"],
                shape.activation,
            )?,
            after_mlp: Norm::load(&scope.sub("output.LayerNorm"), shape.epsilon)?,
        })
    }

    fn forward(&self, x: &Tensor, sight: &Sight<'_>) -> Result<Tensor, Fault> {
        let seen = self.attention.forward(x, sight)?;
        let x = self.after_attention.forward(&seen.f_add(x)?)?;
        let inner = self.mlp.forward(&x)?;
        self.after_mlp.forward(&inner.f_add(&x)?)
    }
}

/// What the weights do not tell.
struct Shape {
    heads: i64,
    epsilon: f64,
    activation: Activation,
}

impl Bert {
    pub(crate) fn load(scope: &Scope<'_>, config: &Config) -> Result<Self, Fault> {
        let kind = config.or("position_embedding_type", "absolute".to_owned())?;
        if kind != "absolute" {
            return Err(config.refuse(format!("places of kind {kind} are not known")));
        }
        let embeddings = scope.sub("embeddings");
        let words = Embedding::load(&embeddings.sub("word_embeddings"))?;
        let width = words.first(1)?.size2()?.1;
        let shape = Shape {
            // Where nothing says how many: 64 numbers a head, as every published BERT has.
            heads: config.or("num_attention_heads", width / 64)?,
            epsilon: config.or("layer_norm_eps", 1e-12)?,
            activation: config.activation("hidden_act", Activation::Gelu)?,
        };
        let count = scope.count("encoder.layer", "output.dense.weight");
        let layer = |at: usize| Layer::load(&scope.sub(format!("encoder.layer.{at}")), &shape);
        Ok(Self {
            words,
            places: Embedding::load(&embeddings.sub("position_embeddings"))?,
            kinds: Embedding::load(&embeddings.sub("token_type_embeddings"))?,
            norm: Norm::load(&embeddings.sub("LayerNorm"), shape.epsilon)?,
            layers: (0..count).map(layer).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn vocabulary(&self) -> usize {
        self.words.rows()
    }

    /// The longest sequence there are places for.
    pub(crate) fn longest(&self) -> usize {
        self.places.rows()
    }

    /// One vector a row of tokens.
    pub(crate) fn forward(&self, rows: &[Vec<u32>], pooling: Pooling) -> Result<Tensor, Fault> {
        let device = self.words.device();
        let (ids, length) = padded(rows, 0, device)?;
        let x = self.words.of(&ids)?.f_add(&self.places.first(length)?)?;
        let mut x = self.norm.forward(&x.f_add(&self.kinds.first(1)?)?)?;
        let ones = filled(rows, device)?;
        let mask = ones.as_ref().map(hidden).transpose()?;
        let sight = mask.as_ref().map_or(Sight::All, Sight::Mask);
        for layer in &self.layers {
            x = layer.forward(&x, &sight)?;
        }
        match (pooling, ones) {
            (Pooling::First, _) => Ok(x.f_select(1, 0)?),
            (Pooling::Mean, None) => Ok(x.f_mean_dim(1, false, None)?),
            (Pooling::Mean, Some(ones)) => {
                let ones = ones.f_unsqueeze(-1)?;
                let sum = x.f_mul(&ones)?.f_sum_dim_intlist(1, false, None)?;
                Ok(sum.f_div(&ones.f_sum_dim_intlist(1, false, None)?)?)
            }
        }
    }
}

/// What is added to the scores so that nothing looks at filling.
fn hidden(ones: &Tensor) -> Result<Tensor, Fault> {
    let filling = ones.f_eq(0.0)?;
    let scores = ones
        .f_zeros_like()?
        .f_masked_fill(&filling, f64::NEG_INFINITY)?;
    Ok(scores.f_unsqueeze(1)?.f_unsqueeze(1)?)
}
