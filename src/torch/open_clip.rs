//! Pairs as open_clip writes them with a ViT of timm and a BERT: BiomedCLIP.

use tch::Tensor;

use crate::bert::{Bert, Pooling};
use crate::config::Config;
use crate::encoder::Encoder;
use crate::fault::Fault;
use crate::layers::{Activation, Attention, Block, Linear, Mlp, Norm, Patches, Sight};
use crate::weights::{Scope, Weights};

pub(crate) struct OpenClip {
    text: Bert,
    pooling: Pooling,
    text_projection: Projection,
    patches: Patches,
    class: Tensor,
    places: Tensor,
    blocks: Vec<Block>,
    norm: Norm,
    picture_projection: Linear,
}

enum Projection {
    Linear(Linear),
    Mlp(Mlp),
}

impl Projection {
    /// Two matrices around a GELU without biases, or one.
    fn load(scope: &Scope<'_>) -> Result<Self, Fault> {
        if scope.has("proj.weight") {
            return Ok(Self::Linear(Linear::load(&scope.sub("proj"))?));
        }
        let mlp = Mlp::load(&scope.sub("proj"), ["0", "2"], Activation::Gelu)?;
        Ok(Self::Mlp(mlp))
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, Fault> {
        match self {
            Self::Linear(linear) => linear.forward(x),
            Self::Mlp(mlp) => mlp.forward(x),
        }
    }
}

fn pooling(config: &Config) -> Result<Pooling, Fault> {
    let name = match config.get::<String>("hf_pooler_type")? {
        Some(name) => name,
        None => config.or("pooler_type", "mean_pooler".to_owned())?,
    };
    match name.as_str() {
        "cls_last_hidden_state_pooler" => Ok(Pooling::First),
        "mean_pooler" => Ok(Pooling::Mean),
        other => Err(config.refuse(format!("pooler {other} is not known"))),
    }
}

/// timm's ViT: query, key and value are one matrix.
fn blocks(scope: &Scope<'_>, width: i64, head: i64) -> Result<Vec<Block>, Fault> {
    const EPSILON: f64 = 1e-6;
    let block = |at: usize| {
        let layer = scope.sub(format!("blocks.{at}"));
        let attention = layer.sub("attn");
        let qkv = Linear::load(&attention.sub("qkv"))?;
        let out = Linear::load(&attention.sub("proj"))?;
        Ok(Block::new(
            [
                Norm::load(&layer.sub("norm1"), EPSILON)?,
                Norm::load(&layer.sub("norm2"), EPSILON)?,
            ],
            Attention::new(&attention, qkv, out, width / head.max(1))?,
            Mlp::load(&layer.sub("mlp"), ["fc1", "fc2"], Activation::Gelu)?,
        ))
    };
    let count = scope.count("blocks", "norm1.weight");
    (0..count).map(block).collect()
}

impl OpenClip {
    /// `bert` is the text tower's own configuration, where there is one.
    pub(crate) fn load(weights: &Weights, config: &Config, bert: &Config) -> Result<Self, Fault> {
        let model = config.part("model_cfg");
        let (words, looks) = (model.part("text_cfg"), model.part("vision_cfg"));
        if !looks.has("timm_model_name") {
            return Err(looks.refuse("only picture towers of timm are known"));
        }
        let visual = weights.scope(&["visual."], "trunk.cls_token")?;
        let text = weights.scope(&["text."], "transformer.embeddings.word_embeddings.weight")?;
        let trunk = visual.sub("trunk");
        if let Some(odd) = [
            "norm_pre.weight",
            "attn_pool.q.weight",
            "blocks.0.ls1.gamma",
        ]
        .iter()
        .find(|name| trunk.has(name))
        {
            return Err(trunk.refuse(format!("{odd} belongs to a tower that is not known")));
        }
        let class = trunk.tensor("cls_token")?;
        let (_, _, width) = class.size3()?;
        Ok(Self {
            text: Bert::load(&text.sub("transformer"), bert)?,
            pooling: pooling(&words)?,
            text_projection: Projection::load(&text)?,
            patches: Patches::load(&trunk.sub("patch_embed.proj"))?,
            class,
            places: trunk.tensor("pos_embed")?,
            // Every ViT of timm that open_clip names has heads of 64.
            blocks: blocks(&trunk, width, looks.or("head_width", 64)?)?,
            norm: Norm::load(&trunk.sub("norm"), 1e-6)?,
            picture_projection: Linear::load(&visual.sub("head.proj"))?,
        })
    }
}

impl Encoder for OpenClip {
    fn vocabulary(&self) -> usize {
        self.text.vocabulary()
    }

    fn longest(&self) -> usize {
        self.text.longest()
    }

    fn texts(&self, rows: &[Vec<u32>]) -> Result<Tensor, Fault> {
        let pooled = self.text.forward(rows, self.pooling)?;
        self.text_projection.forward(&pooled)
    }

    fn pictures(&self, pixels: &Tensor) -> Result<Tensor, Fault> {
        let patches = self.patches.forward(pixels)?;
        let (batch, _, width) = patches.size3()?;
        let class = self.class.f_expand([batch, 1, width], false)?;
        let mut x = Tensor::f_cat(&[class, patches], 1)?.f_add(&self.places)?;
        for block in &self.blocks {
            x = block.forward(&x, &Sight::All)?;
        }
        let class = self.norm.forward(&x.f_select(1, 0)?)?;
        self.picture_projection.forward(&class)
    }
}
