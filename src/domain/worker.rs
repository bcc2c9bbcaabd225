//! What semihv and its worker of models say to each other: one JSON object a line.
//!
//! The same lines run over stdio, a socket and `ssh`. Deliberately absent: reading and writing
//! them, and what a model is made of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Raised with every change that an older side would misunderstand.
pub const PROTOCOL: u32 = 1;

/// The longest line either side sends or reads, its end not counted.
pub const LONGEST_LINE: usize = 1 << 20;

/// One question to the worker; the reply carries the same `id`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    #[serde(flatten)]
    pub ask: Ask,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Ask {
    /// Always first.
    Hello { v: u32, client: String },
    /// Loads a model, or finds it loaded.
    Open { folder: String },
    /// Texts first, then pictures; both may be empty, not both at once.
    Embed {
        model: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        texts: Vec<String>,
        /// Base64 of `side * side` RGB pixels of eight bits, already prepared.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pictures: Vec<String>,
    },
}

/// One answer; without an `id` where the question could not even be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply<T> {
    pub id: Option<u64>,
    #[serde(flatten)]
    pub outcome: Outcome<T>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome<T> {
    #[serde(rename = "ok")]
    Done(T),
    #[serde(rename = "err")]
    Refused(Refusal),
}

/// Why the worker did not do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{msg}")]
pub struct Refusal {
    pub code: RefusalCode,
    pub msg: String,
    /// The same question may succeed later or in smaller pieces.
    pub retriable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// The line is no request.
    BadRequest,
    /// The line is longer than [`LONGEST_LINE`].
    LineTooLong,
    /// Client and worker speak different versions.
    Version,
    /// Nothing was said before `hello`.
    NoHello,
    /// The folder holds no model that is known.
    BadModel,
    /// No model of that name is open.
    NoModel,
    /// A text or a picture is not what the model takes.
    BadInput,
    /// The model made values that are no numbers.
    NotANumber,
    /// The answer would not fit in a line: ask for fewer.
    TooMany,
    /// There was no memory left.
    OutOfMemory,
    /// A file or a socket.
    Io,
    /// A fault of the worker itself.
    Internal,
    #[serde(other)]
    Unknown,
}

/// What the worker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub v: u32,
    pub version: String,
    pub torch: String,
    pub cuda: Option<Cuda>,
    pub threads: usize,
    pub host: String,
    pub pid: u32,
    pub caps: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cuda {
    pub devices: i64,
}

/// A model that is ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenedModel {
    /// What `embed` calls it.
    pub name: String,
    /// `bert`, `clip`, `siglip`, `open-clip`, `efficientnet-lite0`.
    pub kind: String,
    pub dim: usize,
    /// The longest text in tokens; the rest of a longer one is not read. 0 where none is taken.
    pub context: usize,
    /// The folder asks for vectors of length 1 (texts only: pairs are always raw).
    pub normalised: bool,
    pub picture: Option<PictureSpec>,
    pub fingerprint: Fingerprint,
}

/// How a picture becomes what a model takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PictureSpec {
    pub side: u32,
    pub resize: Resize,
    pub crop: Crop,
    pub interpolation: Interpolation,
    /// Of red, green and blue from 0 to 1; the worker applies them.
    pub mean: [f32; 3],
    pub std: [f32; 3],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// The shorter edge becomes this long, the shape stays.
    ShortestEdge(u32),
    /// Both edges become the side, whatever the shape was.
    Squash,
}

/// Where the square is cut out when one pixel is left over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crop {
    /// Nearer to the top left, as transformers does.
    CentreDown,
    /// At the even pixel, as torchvision, CLIP's own code and open_clip do.
    CentreEven,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    Bilinear,
    Bicubic,
}

/// Vectors are comparable only where all three are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub weights: String,
    pub tokenizer: String,
    pub preprocess: String,
}

/// Raw vectors, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embedded {
    pub dim: usize,
    /// Little endian.
    pub data_b64_f32: String,
}

#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    #[error("the vectors are not base64")]
    Base64(#[source] base64::DecodeError),
    #[error("{found} bytes are not {expected} vectors of {dim} numbers")]
    Size {
        found: usize,
        expected: usize,
        dim: usize,
    },
}

impl Embedded {
    pub fn pack(dim: usize, values: &[f32]) -> Self {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        Self {
            dim,
            data_b64_f32: STANDARD.encode(bytes),
        }
    }

    pub fn unpack(&self, expected: usize) -> Result<Vec<Vec<f32>>, UnpackError> {
        let bytes = STANDARD
            .decode(&self.data_b64_f32)
            .map_err(UnpackError::Base64)?;
        let dim = self.dim;
        if dim == 0
            || Some(bytes.len()) != dim.checked_mul(4).and_then(|it| it.checked_mul(expected))
        {
            return Err(UnpackError::Size {
                found: bytes.len(),
                expected,
                dim,
            });
        }
        let vector = |row: &[u8]| {
            row.as_chunks::<4>()
                .0
                .iter()
                .map(|it| f32::from_le_bytes(*it))
                .collect()
        };
        Ok(bytes.chunks_exact(dim * 4).map(vector).collect())
    }
}

/// A prepared picture as `embed` takes it.
pub fn pack_picture(rgb: &[u8]) -> String {
    STANDARD.encode(rgb)
}

pub fn unpack_picture(text: &str) -> Result<Vec<u8>, UnpackError> {
    STANDARD.decode(text).map_err(UnpackError::Base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_flat_object() {
        let text = r#"{"id":4,"op":"embed","model":"m","texts":["a"]}"#;
        let request: Request = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), text);
    }

    #[test]
    fn a_reply_is_either_done_or_refused() {
        let text = r#"{"id":4,"ok":{"dim":2,"data_b64_f32":"AAAAAA=="}}"#;
        let reply: Reply<Embedded> = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&reply).unwrap(), text);
        let text = r#"{"id":null,"err":{"code":"version","msg":"no","retriable":false}}"#;
        let reply: Reply<Embedded> = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&reply).unwrap(), text);
    }

    #[test]
    fn codes_of_a_newer_worker_are_read() {
        let text = r#"{"code":"on-fire","msg":"no","retriable":true}"#;
        let refusal: Refusal = serde_json::from_str(text).unwrap();
        assert_eq!(refusal.code, RefusalCode::Unknown);
    }

    #[test]
    fn vectors_survive() {
        let packed = Embedded::pack(2, &[1.0, -0.5, f32::MIN_POSITIVE, 3.0]);
        let unpacked = packed.unpack(2).unwrap();
        assert_eq!(unpacked, [vec![1.0, -0.5], vec![f32::MIN_POSITIVE, 3.0]]);
    }

    #[test]
    fn vectors_of_another_size_are_refused() {
        let packed = Embedded::pack(2, &[1.0, -0.5, 3.0]);
        assert!(packed.unpack(2).is_err());
        assert!(Embedded::pack(0, &[]).unpack(0).is_err());
        let huge = Embedded {
            dim: usize::MAX,
            data_b64_f32: String::new(),
        };
        assert!(huge.unpack(3).is_err());
    }
}
