//! EfficientNet-lite0: a network of convolutions for pictures, without a word.
//!
//! A vector is the mean over the last map of features. The layer that names ImageNet's classes is
//! not read.

use tch::{Kind, Tensor};

use crate::config::Config;
use crate::encoder::Encoder;
use crate::fault::Fault;
use crate::weights::{Scope, Weights};

/// By how much each block shrinks the picture: the weights do not tell.
const STRIDES: [i64; 16] = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1];

pub(crate) struct EfficientNet {
    stem: Convolution,
    blocks: Vec<Block>,
    head: Convolution,
}

/// A convolution with the normalisation that follows it: both are one linear step.
struct Convolution {
    weight: Tensor,
    bias: Tensor,
    stride: i64,
    groups: i64,
}

impl Convolution {
    fn load(
        scope: &Scope<'_>,
        [name, norm]: [&str; 2],
        stride: i64,
        epsilon: f64,
    ) -> Result<Self, Fault> {
        let own = scope.sub(name);
        // Folded in double precision, so that it costs nothing of the result.
        let weight = own.tensor("weight")?.f_to_kind(Kind::Double)?;
        let sides = weight.size4().map_err(|_| own.refuse("no convolution"))?;
        if weight.numel() == 0 {
            return Err(own.refuse("a convolution of nothing"));
        }
        let norm = scope.sub(norm);
        let read = |name: &str| {
            let values = norm.tensor(name)?.f_to_kind(Kind::Double)?;
            if values.size() != [sides.0] {
                let (found, expected) = (values.size(), sides.0);
                return Err(norm.refuse(format!("{name} is {found:?}, not [{expected}]")));
            }
            Ok(values)
        };
        let scale =
            read("weight")?.f_div(&read("running_var")?.f_add_scalar(epsilon)?.f_sqrt()?)?;
        let bias = read("bias")?.f_sub(&read("running_mean")?.f_mul(&scale)?)?;
        let weight = weight.f_mul(&scale.f_view([-1, 1, 1, 1])?)?;
        Ok(Self {
            weight: weight.f_to_kind(Kind::Float)?,
            bias: bias.f_to_kind(Kind::Float)?,
            stride,
            groups: 1,
        })
    }

    /// Every channel by itself.
    fn by_channel(mut self, scope: &Scope<'_>) -> Result<Self, Fault> {
        let (channels, inputs, _, _) = self.weight.size4()?;
        if inputs != 1 {
            return Err(scope.refuse(format!("a filter over {inputs} channels, not 1")));
        }
        self.groups = channels;
        Ok(self)
    }

    fn inputs(&self) -> i64 {
        self.weight.size().get(1).copied().unwrap_or(0)
    }

    fn outputs(&self) -> i64 {
        self.weight.size().first().copied().unwrap_or(0)
    }

    /// Filled up as TensorFlow does it, where the network was trained: what is odd goes to the
    /// right and below.
    fn forward(&self, x: &Tensor) -> Result<Tensor, Fault> {
        let (_, _, height, width) = x.size4()?;
        let (_, _, down, across) = self.weight.size4()?;
        let filling = |side: i64, kernel: i64| {
            let steps = (side - 1) / self.stride;
            (steps * self.stride + kernel - side).max(0)
        };
        let (rows, columns) = (filling(height, down), filling(width, across));
        let (above, left) = (rows / 2, columns / 2);
        let bias = Some(&self.bias);
        let stride = [self.stride; 2];
        let convolved = if rows == above * 2 && columns == left * 2 {
            x.f_conv2d(
                &self.weight,
                bias,
                stride,
                [above, left],
                [1, 1],
                self.groups,
            )?
        } else {
            let edges = [left, columns - left, above, rows - above];
            let filled = x.f_constant_pad_nd(edges)?;
            filled.f_conv2d(&self.weight, bias, stride, [0, 0], [1, 1], self.groups)?
        };
        Ok(convolved)
    }
}

/// Widened, filtered channel by channel, and narrowed again.
struct Block {
    widen: Option<Convolution>,
    filter: Convolution,
    narrow: Convolution,
    is_added: bool,
}

impl Block {
    fn load(scope: &Scope<'_>, stride: i64, epsilon: f64) -> Result<Self, Fault> {
        if scope.has("_se_reduce.weight") {
            return Err(scope.refuse("it weighs its channels, which lite networks do not"));
        }
        let widen = scope
            .has("_expand_conv.weight")
            .then(|| Convolution::load(scope, ["_expand_conv", "_bn0"], 1, epsilon))
            .transpose()?;
        let filter = Convolution::load(scope, ["_depthwise_conv", "_bn1"], stride, epsilon)?;
        let filter = filter.by_channel(&scope.sub("_depthwise_conv"))?;
        let narrow = Convolution::load(scope, ["_project_conv", "_bn2"], 1, epsilon)?;
        let inputs = widen.as_ref().map_or(filter.outputs(), Convolution::inputs);
        Ok(Self {
            is_added: stride == 1 && inputs == narrow.outputs(),
            widen,
            filter,
            narrow,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, Fault> {
        let wide = match &self.widen {
            Some(widen) => clipped(&widen.forward(x)?)?,
            None => x.shallow_clone(),
        };
        let filtered = clipped(&self.filter.forward(&wide)?)?;
        let narrow = self.narrow.forward(&filtered)?;
        if self.is_added {
            return Ok(narrow.f_add(x)?);
        }
        Ok(narrow)
    }
}

/// From 0 to 6, where other EfficientNets have a smooth curve.
fn clipped(x: &Tensor) -> Result<Tensor, Fault> {
    Ok(x.f_clamp(0.0, 6.0)?)
}

impl EfficientNet {
    pub(crate) fn load(weights: &Weights, config: &Config) -> Result<Self, Fault> {
        let root = weights.scope(&[""], "_conv_stem.weight")?;
        let epsilon = config.or("batch_norm_epsilon", 1e-3)?;
        let count = root.count("_blocks", "_depthwise_conv.weight");
        if count != STRIDES.len() {
            let expected = STRIDES.len();
            return Err(root.refuse(format!("{count} blocks; lite0 has {expected}")));
        }
        let block = |(at, stride): (usize, &i64)| {
            Block::load(&root.sub(format!("_blocks.{at}")), *stride, epsilon)
        };
        Ok(Self {
            stem: Convolution::load(&root, ["_conv_stem", "_bn0"], 2, epsilon)?,
            blocks: STRIDES
                .iter()
                .enumerate()
                .map(block)
                .collect::<Result<_, _>>()?,
            head: Convolution::load(&root, ["_conv_head", "_bn1"], 1, epsilon)?,
        })
    }
}

impl Encoder for EfficientNet {
    fn vocabulary(&self) -> usize {
        0
    }

    fn longest(&self) -> usize {
        0
    }

    fn texts(&self, _: &[Vec<u32>]) -> Result<Tensor, Fault> {
        Err(Fault::no_texts())
    }

    fn pictures(&self, pixels: &Tensor) -> Result<Tensor, Fault> {
        let mut x = clipped(&self.stem.forward(pixels)?)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        let map = clipped(&self.head.forward(&x)?)?;
        Ok(map.f_mean_dim([2, 3].as_slice(), false, None)?)
    }
}
