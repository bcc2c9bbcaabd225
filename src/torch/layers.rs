//! The parts that all encoders are made of.

use tch::{Kind, Tensor};

use crate::fault::Fault;
use crate::weights::Scope;

pub(crate) struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    pub(crate) fn load(scope: &Scope<'_>) -> Result<Self, Fault> {
        Self::new(scope, scope.tensor("weight")?, scope.maybe("bias")?)
    }

    pub(crate) fn new(
        scope: &Scope<'_>,
        weight: Tensor,
        bias: Option<Tensor>,
    ) -> Result<Self, Fault> {
        let (outputs, _) = weight.size2().map_err(|_| scope.refuse("no matrix"))?;
        if bias.as_ref().is_some_and(|bias| bias.size() != [outputs]) {
            return Err(scope.refuse("a bias of another size than the matrix"));
        }
        Ok(Self { weight, bias })
    }

    /// Several matrices over the same input as one: one multiplication instead of three.
    fn joined(scope: &Scope<'_>, names: [&str; 3]) -> Result<Self, Fault> {
        let parts: Vec<Self> = names
            .iter()
            .map(|name| Self::load(&scope.sub(name)))
            .collect::<Result<_, _>>()?;
        let weights: Vec<&Tensor> = parts.iter().map(|part| &part.weight).collect();
        let biases: Vec<&Tensor> = parts.iter().filter_map(|part| part.bias.as_ref()).collect();
        let bias = match biases.len() {
            0 => None,
            3 => Some(Tensor::f_cat(&biases, 0)?),
            _ => return Err(scope.refuse("some projections have a bias and some have none")),
        };
        Self::new(scope, Tensor::f_cat(&weights, 0)?, bias)
    }

    pub(crate) fn outputs(&self) -> i64 {
        self.weight.size().first().copied().unwrap_or(0)
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor, Fault> {
        Ok(x.f_linear(&self.weight, self.bias.as_ref())?)
    }
}

pub(crate) struct Norm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
}

impl Norm {
    pub(crate) fn load(scope: &Scope<'_>, epsilon: f64) -> Result<Self, Fault> {
        Ok(Self {
            weight: scope.tensor("weight")?,
            bias: scope.tensor("bias")?,
            epsilon,
        })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor, Fault> {
        let shape = self.weight.size();
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        Ok(x.f_layer_norm(&shape[..], weight, bias, self.epsilon, true)?)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    Gelu,
    GeluTanh,
    QuickGelu,
    Relu,
}

impl Activation {
    /// By the name that transformers gives it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "gelu" => Self::Gelu,
            "gelu_pytorch_tanh" | "gelu_new" => Self::GeluTanh,
            "quick_gelu" => Self::QuickGelu,
            "relu" => Self::Relu,
            _ => return None,
        })
    }

    pub(crate) fn of(self, x: &Tensor) -> Result<Tensor, Fault> {
        Ok(match self {
            Self::Gelu => x.f_gelu("none")?,
            Self::GeluTanh => x.f_gelu("tanh")?,
            Self::QuickGelu => x.f_mul(&x.f_mul_scalar(1.702)?.f_sigmoid()?)?,
            Self::Relu => x.f_relu()?,
        })
    }
}

pub(crate) struct Mlp {
    first: Linear,
    second: Linear,
    activation: Activation,
}

impl Mlp {
    pub(crate) fn new(first: Linear, second: Linear, activation: Activation) -> Self {
        Self {
            first,
            second,
            activation,
        }
    }

    pub(crate) fn load(
        scope: &Scope<'_>,
        names: [&str; 2],
        activation: Activation,
    ) -> Result<Self, Fault> {
        let [first, second] = names.map(|name| Linear::load(&scope.sub(name)));
        Ok(Self::new(first?, second?, activation))
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor, Fault> {
        let inner = self.activation.of(&self.first.forward(x)?)?;
        self.second.forward(&inner)
    }
}

/// What a token may look at.
pub(crate) enum Sight<'a> {
    All,
    /// Only what came before it.
    Past,
    /// Added to the scores: zero or minus infinity.
    Mask(&'a Tensor),
}

pub(crate) struct Attention {
    qkv: Linear,
    out: Linear,
    heads: i64,
}

impl Attention {
    /// Query, key, value and output under these names.
    pub(crate) fn load(scope: &Scope<'_>, names: [&str; 4], heads: i64) -> Result<Self, Fault> {
        let [query, key, value, out] = names;
        let qkv = Linear::joined(scope, [query, key, value])?;
        Self::new(scope, qkv, Linear::load(&scope.sub(out))?, heads)
    }

    pub(crate) fn new(
        scope: &Scope<'_>,
        qkv: Linear,
        out: Linear,
        heads: i64,
    ) -> Result<Self, Fault> {
        if heads < 1 || qkv.outputs() % (3 * heads) != 0 {
            return Err(scope.refuse(format!("{} rows for {heads} heads", qkv.outputs())));
        }
        Ok(Self { qkv, out, heads })
    }

    pub(crate) fn forward(&self, x: &Tensor, sight: &Sight<'_>) -> Result<Tensor, Fault> {
        let (batch, length, _) = x.size3()?;
        let width = self.qkv.outputs() / 3;
        let parts = self
            .qkv
            .forward(x)?
            .f_view([batch, length, 3, self.heads, width / self.heads])?
            .f_permute([2, 0, 3, 1, 4])?;
        let (query, key, value) = (parts.f_get(0)?, parts.f_get(1)?, parts.f_get(2)?);
        let seen = attend(&query, &key, &value, sight)?;
        let seen = seen.f_transpose(1, 2)?.f_reshape([batch, length, width])?;
        self.out.forward(&seen)
    }
}

fn attend(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    sight: &Sight<'_>,
) -> Result<Tensor, Fault> {
    let (mask, is_causal) = match sight {
        Sight::All => (None, false),
        Sight::Past => (None, true),
        Sight::Mask(mask) => (Some(*mask), false),
    };
    Ok(Tensor::f_scaled_dot_product_attention(
        query, key, value, mask, 0.0, is_causal, None, false,
    )?)
}

/// A learned query that looks at everything once (SigLIP's head).
pub(crate) struct Probe {
    asks: Tensor,
    query: Linear,
    keys: Linear,
    out: Linear,
    heads: i64,
}

impl Probe {
    pub(crate) fn load(scope: &Scope<'_>, heads: i64) -> Result<Self, Fault> {
        let attention = scope.sub("attention");
        let weight = attention.tensor("in_proj_weight")?;
        let bias = attention.tensor("in_proj_bias")?;
        let (rows, width) = weight.size2()?;
        if rows != 3 * width || bias.size() != [rows] || heads < 1 || width % heads != 0 {
            return Err(attention.refuse(format!("{rows} rows of {width} for {heads} heads")));
        }
        let part = |from: i64, count: i64| -> Result<Linear, Fault> {
            let rows = weight.f_narrow(0, from, count)?.f_contiguous()?;
            let bias = bias.f_narrow(0, from, count)?.f_contiguous()?;
            Linear::new(&attention, rows, Some(bias))
        };
        Ok(Self {
            asks: scope.tensor("probe")?,
            query: part(0, width)?,
            keys: part(width, 2 * width)?,
            out: Linear::load(&attention.sub("out_proj"))?,
            heads,
        })
    }

    /// One vector a sequence.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor, Fault> {
        let (batch, length, width) = x.size3()?;
        let each = width / self.heads;
        let probe = self.asks.f_expand([batch, 1, width], false)?;
        let query = self.query.forward(&probe)?;
        let query = query
            .f_view([batch, 1, self.heads, each])?
            .f_transpose(1, 2)?;
        let keys = self.keys.forward(x)?;
        let keys = keys.f_view([batch, length, 2, self.heads, each])?;
        let keys = keys.f_permute([2, 0, 3, 1, 4])?;
        let seen = attend(&query, &keys.f_get(0)?, &keys.f_get(1)?, &Sight::All)?;
        let seen = seen.f_transpose(1, 2)?.f_reshape([batch, width])?;
        self.out.forward(&seen)
    }
}

/// A layer that normalises before it computes: CLIP, SigLIP, ViT.
pub(crate) struct Block {
    before_attention: Norm,
    attention: Attention,
    before_mlp: Norm,
    mlp: Mlp,
}

impl Block {
    pub(crate) fn new(norms: [Norm; 2], attention: Attention, mlp: Mlp) -> Self {
        let [before_attention, before_mlp] = norms;
        Self {
            before_attention,
            attention,
            before_mlp,
            mlp,
        }
    }

    pub(crate) fn forward(&self, x: &Tensor, sight: &Sight<'_>) -> Result<Tensor, Fault> {
        let normed = self.before_attention.forward(x)?;
        let x = x.f_add(&self.attention.forward(&normed, sight)?)?;
        let inner = self.mlp.forward(&self.before_mlp.forward(&x)?)?;
        Ok(x.f_add(&inner)?)
    }
}

/// Pixels cut into patches, each a token.
pub(crate) struct Patches {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Patches {
    pub(crate) fn load(scope: &Scope<'_>) -> Result<Self, Fault> {
        let weight = scope.tensor("weight")?;
        weight.size4().map_err(|_| scope.refuse("no convolution"))?;
        Ok(Self {
            weight,
            bias: scope.maybe("bias")?,
        })
    }

    pub(crate) fn forward(&self, pixels: &Tensor) -> Result<Tensor, Fault> {
        let (_, _, down, across) = self.weight.size4()?;
        let bias = self.bias.as_ref();
        let cut = pixels.f_conv2d(&self.weight, bias, [down, across], [0, 0], [1, 1], 1)?;
        Ok(cut.f_flatten(2, -1)?.f_transpose(1, 2)?)
    }
}

/// A table of vectors.
pub(crate) struct Embedding(Tensor);

impl Embedding {
    pub(crate) fn load(scope: &Scope<'_>) -> Result<Self, Fault> {
        let table = scope.tensor("weight")?;
        table.size2().map_err(|_| scope.refuse("no table"))?;
        Ok(Self(table))
    }

    pub(crate) fn rows(&self) -> usize {
        self.0.size().first().map_or(0, |rows| *rows as usize)
    }

    pub(crate) fn of(&self, ids: &Tensor) -> Result<Tensor, Fault> {
        Ok(Tensor::f_embedding(&self.0, ids, -1, false, false)?)
    }

    /// The first rows, for places in a sequence.
    pub(crate) fn first(&self, count: i64) -> Result<Tensor, Fault> {
        Ok(self.0.f_narrow(0, 0, count)?)
    }

    pub(crate) fn device(&self) -> tch::Device {
        self.0.device()
    }
}

/// Rows of tokens as one tensor, filled up to the longest; how long each was.
pub(crate) fn padded(
    rows: &[Vec<u32>],
    filling: u32,
    device: tch::Device,
) -> Result<(Tensor, i64), Fault> {
    let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut ids = Vec::with_capacity(rows.len() * longest);
    for row in rows {
        ids.extend(row.iter().map(|id| i64::from(*id)));
        ids.resize(ids.len() + longest - row.len(), i64::from(filling));
    }
    let shape = [rows.len() as i64, longest as i64];
    let ids = Tensor::f_from_slice(&ids)?
        .f_view(shape)?
        .f_to_device(device)?;
    Ok((ids, longest as i64))
}

/// Ones where a row has tokens; none where all rows are of one length.
pub(crate) fn filled(rows: &[Vec<u32>], device: tch::Device) -> Result<Option<Tensor>, Fault> {
    let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
    if rows.iter().all(|row| row.len() == longest) {
        return Ok(None);
    }
    let ones = |row: &Vec<u32>| {
        let length = row.len();
        (0..longest).map(move |at| f32::from(u8::from(at < length)))
    };
    let ones: Vec<f32> = rows.iter().flat_map(ones).collect();
    let shape = [rows.len() as i64, longest as i64];
    let ones = Tensor::f_from_slice(&ones)?.f_view(shape)?;
    Ok(Some(ones.f_to_kind(Kind::Float)?.f_to_device(device)?))
}
