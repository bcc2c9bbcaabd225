//! Pairs of a text and a picture tower, as transformers names them: CLIP and SigLIP.

use tch::{Kind, Tensor};

use crate::config::Config;
use crate::encoder::Encoder;
use crate::fault::Fault;
use crate::layers::{
    Activation, Attention, Block, Embedding, Linear, Mlp, Norm, Patches, Probe, Sight, padded,
};
use crate::weights::{Scope, Weights};

/// Numbers of a tower that its weights do not tell.
struct Shape {
    heads: i64,
    epsilon: f64,
    activation: Activation,
}

impl Shape {
    fn read(config: &Config, defaults: Self) -> Result<Self, Fault> {
        Ok(Self {
            heads: config.or("num_attention_heads", defaults.heads)?,
            epsilon: config.or("layer_norm_eps", defaults.epsilon)?,
            activation: config.activation("hidden_act", defaults.activation)?,
        })
    }

    fn of_clip(config: &Config, heads: i64) -> Result<Self, Fault> {
        let defaults = Self {
            heads,
            epsilon: 1e-5,
            activation: Activation::QuickGelu,
        };
        Self::read(config, defaults)
    }

    fn of_siglip(config: &Config) -> Result<Self, Fault> {
        let defaults = Self {
            heads: 12,
            epsilon: 1e-6,
            activation: Activation::GeluTanh,
        };
        Self::read(config, defaults)
    }
}

fn blocks(scope: &Scope<'_>, shape: &Shape) -> Result<Vec<Block>, Fault> {
    let names = ["q_proj", "k_proj", "v_proj", "out_proj"];
    let block = |at: usize| {
        let layer = scope.sub(format!("encoder.layers.{at}"));
        let norm = |name: &str| Norm::load(&layer.sub(name), shape.epsilon);
        Ok(Block::new(
            [norm("layer_norm1")?, norm("layer_norm2")?],
            Attention::load(&layer.sub("self_attn"), names, shape.heads)?,
            Mlp::load(&layer.sub("mlp"), ["fc1", "fc2"], shape.activation)?,
        ))
    };
    let count = scope.count("encoder.layers", "layer_norm1.weight");
    (0..count).map(block).collect()
}

fn through(blocks: &[Block], mut x: Tensor, sight: &Sight<'_>) -> Result<Tensor, Fault> {
    for block in blocks {
        x = block.forward(&x, sight)?;
    }
    Ok(x)
}

struct TextTower {
    words: Embedding,
    places: Embedding,
    blocks: Vec<Block>,
    norm: Norm,
}

impl TextTower {
    fn load(scope: &Scope<'_>, shape: &Shape) -> Result<Self, Fault> {
        let embeddings = scope.sub("embeddings");
        Ok(Self {
            words: Embedding::load(&embeddings.sub("token_embedding"))?,
            places: Embedding::load(&embeddings.sub("position_embedding"))?,
            blocks: blocks(scope, shape)?,
            norm: Norm::load(&scope.sub("final_layer_norm"), shape.epsilon)?,
        })
    }

    fn forward(&self, rows: &[Vec<u32>], filling: u32, sight: &Sight<'_>) -> Result<Tensor, Fault> {
        let (ids, length) = padded(rows, filling, self.words.device())?;
        let x = self.words.of(&ids)?.f_add(&self.places.first(length)?)?;
        self.norm.forward(&through(&self.blocks, x, sight)?)
    }
}

/// The vector of each row at its own place.
fn at_places(x: &Tensor, places: &[i64]) -> Result<Tensor, Fault> {
    let (_, length, width) = x.size3()?;
    let flat: Vec<i64> = (0..)
        .zip(places)
        .map(|(row, at)| row * length + at)
        .collect();
    let places = Tensor::f_from_slice(&flat)?.f_to_device(x.device())?;
    Ok(x.f_reshape([-1, width])?.f_index_select(0, &places)?)
}

pub(crate) struct Clip {
    text: TextTower,
    text_projection: Linear,
    end: u32,
    patches: Patches,
    class: Tensor,
    places: Embedding,
    before: Norm,
    blocks: Vec<Block>,
    after: Norm,
    picture_projection: Linear,
}

impl Clip {
    pub(crate) fn load(weights: &Weights, config: &Config) -> Result<Self, Fault> {
        let (words, looks) = (config.tower("text_config"), config.tower("vision_config"));
        let text = weights.scope(&["text_model."], "final_layer_norm.weight")?;
        let vision = weights.scope(&["vision_model."], "post_layernorm.weight")?;
        let root = weights.scope(&[""], "text_projection.weight")?;
        let shape = Shape::of_clip(&looks, 12)?;
        let embeddings = vision.sub("embeddings");
        Ok(Self {
            text: TextTower::load(&text, &Shape::of_clip(&words, 8)?)?,
            text_projection: Linear::load(&root.sub("text_projection"))?,
            end: words.or("eos_token_id", 49_407)?,
            patches: Patches::load(&embeddings.sub("patch_embedding"))?,
            class: embeddings.tensor("class_embedding")?,
            places: Embedding::load(&embeddings.sub("position_embedding"))?,
            before: Norm::load(&vision.sub("pre_layrnorm"), shape.epsilon)?,
            blocks: blocks(&vision, &shape)?,
            after: Norm::load(&vision.sub("post_layernorm"), shape.epsilon)?,
            picture_projection: Linear::load(&root.sub("visual_projection"))?,
        })
    }

    /// Where a text ends. Files from before the end had a number of its own say 2 and mean the
    /// largest number, which is the end.
    fn end_of(&self, row: &[u32]) -> i64 {
        let end = match self.end {
            2 => row.iter().max().copied(),
            end => Some(end),
        };
        let place = row.iter().position(|id| Some(*id) == end);
        place.unwrap_or(0) as i64
    }
}

impl Encoder for Clip {
    fn vocabulary(&self) -> usize {
        self.text.words.rows()
    }

    fn longest(&self) -> usize {
        self.text.places.rows()
    }

    fn texts(&self, rows: &[Vec<u32>]) -> Result<Tensor, Fault> {
        let x = self.text.forward(rows, 0, &Sight::Past)?;
        let ends: Vec<i64> = rows.iter().map(|row| self.end_of(row)).collect();
        self.text_projection.forward(&at_places(&x, &ends)?)
    }

    fn pictures(&self, pixels: &Tensor) -> Result<Tensor, Fault> {
        let patches = self.patches.forward(pixels)?;
        let (batch, count, width) = patches.size3()?;
        let class = self
            .class
            .f_view([1, 1, width])?
            .f_expand([batch, 1, width], false)?;
        let x = Tensor::f_cat(&[class, patches], 1)?;
        let x = self
            .before
            .forward(&x.f_add(&self.places.first(count + 1)?)?)?;
        let x = through(&self.blocks, x, &Sight::All)?;
        let class = self.after.forward(&x.f_select(1, 0)?)?;
        self.picture_projection.forward(&class)
    }
}

pub(crate) struct Siglip {
    text: TextTower,
    text_head: Linear,
    filling: u32,
    patches: Patches,
    places: Embedding,
    blocks: Vec<Block>,
    after: Norm,
    head: Probe,
    head_norm: Norm,
    head_mlp: Mlp,
}

impl Siglip {
    pub(crate) fn load(weights: &Weights, config: &Config) -> Result<Self, Fault> {
        let (words, looks) = (config.tower("text_config"), config.tower("vision_config"));
        let text = weights.scope(&["text_model."], "final_layer_norm.weight")?;
        let vision = weights.scope(&["vision_model."], "post_layernorm.weight")?;
        let shape = Shape::of_siglip(&looks)?;
        let (embeddings, head) = (vision.sub("embeddings"), vision.sub("head"));
        Ok(Self {
            text: TextTower::load(&text, &Shape::of_siglip(&words)?)?,
            text_head: Linear::load(&text.sub("head"))?,
            filling: words.or("pad_token_id", 1)?,
            patches: Patches::load(&embeddings.sub("patch_embedding"))?,
            places: Embedding::load(&embeddings.sub("position_embedding"))?,
            blocks: blocks(&vision, &shape)?,
            after: Norm::load(&vision.sub("post_layernorm"), shape.epsilon)?,
            head: Probe::load(&head, shape.heads)?,
            head_norm: Norm::load(&head.sub("layernorm"), shape.epsilon)?,
            head_mlp: Mlp::load(&head.sub("mlp"), ["fc1", "fc2"], shape.activation)?,
        })
    }
}

impl Encoder for Siglip {
    fn vocabulary(&self) -> usize {
        self.text.words.rows()
    }

    fn longest(&self) -> usize {
        self.text.places.rows()
    }

    /// Filled up to the whole context, and nothing hides the filling: so it was trained.
    fn texts(&self, rows: &[Vec<u32>]) -> Result<Tensor, Fault> {
        let longest = self.longest();
        let fill = |row: &Vec<u32>| {
            let mut row = row.clone();
            row.resize(longest, self.filling);
            row
        };
        let rows: Vec<Vec<u32>> = rows.iter().map(fill).collect();
        let x = self.text.forward(&rows, self.filling, &Sight::All)?;
        self.text_head.forward(&x.f_select(1, longest as i64 - 1)?)
    }

    fn pictures(&self, pixels: &Tensor) -> Result<Tensor, Fault> {
        let patches = self.patches.forward(pixels)?;
        let (_, count, _) = patches.size3()?;
        let x = patches.f_add(&self.places.first(count)?)?;
        let x = self
            .after
            .forward(&through(&self.blocks, x, &Sight::All)?)?;
        let seen = self.head.forward(&x)?;
        let inner = self.head_mlp.forward(&self.head_norm.forward(&seen)?)?;
        Ok(seen.f_add(&inner)?.f_to_kind(Kind::Float)?)
    }
}
