//! Safetensors files: the names, shapes and places of tensors, checked before they are believed.
//!
//! Deliberately absent: anything computed with them. Whoever reads a big file asks for one tensor
//! after the other, so that no file is in memory twice.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The format's own limit.
const LONGEST_HEADER: u64 = 100_000_000;

#[derive(Debug, thiserror::Error)]
pub enum TensorsError {
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is no safetensors file: {why}")]
    Format { path: PathBuf, why: String },
    #[error("{path} has no tensor {name}")]
    Missing { path: PathBuf, name: String },
    #[error("{name} in {path} is {found}, not {expected}")]
    Kind {
        path: PathBuf,
        name: String,
        found: String,
        expected: String,
    },
}

/// Where a tensor lies and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As the format writes it: `F32`, `BF16`, `I64`, …
    pub dtype: String,
    pub shape: Vec<usize>,
    start: u64,
    bytes: usize,
}

/// An open file; its header is read, its tensors are not.
#[derive(Debug)]
pub struct Tensors {
    file: File,
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
}

/// Bytes of a number; none for kinds that nothing here reads.
fn width(dtype: &str) -> Option<usize> {
    Some(match dtype {
        "F64" | "I64" | "U64" => 8,
        "F32" | "I32" | "U32" => 4,
        "F16" | "BF16" | "I16" | "U16" => 2,
        "I8" | "U8" | "BOOL" => 1,
        _ => return None,
    })
}

/// An entry of the header, with every number checked against the file.
fn entry(value: &Value, data: u64) -> Result<(Entry, u64), String> {
    let dtype = value["dtype"].as_str().ok_or("an entry without a dtype")?;
    let numbers = |key: &str| -> Option<Vec<u64>> {
        value[key].as_array()?.iter().map(Value::as_u64).collect()
    };
    let shape = numbers("shape").ok_or("an entry without a shape")?;
    let offsets = numbers("data_offsets").unwrap_or_default();
    let [start, end] = offsets[..] else {
        return Err("an entry without its two offsets".to_owned());
    };
    let bytes = end
        .checked_sub(start)
        .ok_or("an entry that ends before it begins")?;
    if end > data {
        return Err("an entry beyond the end of the file".to_owned());
    }
    let count = shape
        .iter()
        .try_fold(1_u64, |all, side| all.checked_mul(*side));
    let expected = width(dtype).and_then(|width| count?.checked_mul(width as u64));
    if width(dtype).is_some() && expected != Some(bytes) {
        return Err(format!("shape {shape:?} of {dtype} is not {bytes} bytes"));
    }
    let entry = Entry {
        dtype: dtype.to_owned(),
        shape: shape.into_iter().map(|side| side as usize).collect(),
        start,
        bytes: bytes as usize,
    };
    Ok((entry, start))
}

type Header = (BTreeMap<String, Entry>, BTreeMap<String, String>);

fn header(json: &[u8], begin: u64, data: u64) -> Result<Header, String> {
    let root: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let root = root.as_object().ok_or("its header is no object")?;
    let mut entries = BTreeMap::new();
    let mut metadata = BTreeMap::new();
    for (name, value) in root {
        if name == "__metadata__" {
            for (key, text) in value.as_object().into_iter().flatten() {
                metadata.insert(key.clone(), text.as_str().unwrap_or_default().to_owned());
            }
            continue;
        }
        let (mut found, start) = entry(value, data).map_err(|why| format!("{name}: {why}"))?;
        found.start = begin + start;
        entries.insert(name.clone(), found);
    }
    Ok((entries, metadata))
}

impl Tensors {
    pub fn open(path: &Path) -> Result<Self, TensorsError> {
        let read = |source| TensorsError::Read {
            path: path.to_owned(),
            source,
        };
        let format = |why: String| TensorsError::Format {
            path: path.to_owned(),
            why,
        };
        let file = File::open(path).map_err(read)?;
        let size = file.metadata().map_err(read)?.len();
        let mut length = [0; 8];
        if size < 8 {
            return Err(format("it is too short".to_owned()));
        }
        file.read_exact_at(&mut length, 0).map_err(read)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER || length > size - 8 {
            return Err(format(format!("a header of {length} bytes")));
        }
        let mut json = vec![0; length as usize];
        file.read_exact_at(&mut json, 8).map_err(read)?;
        let begin = 8 + length;
        let (entries, metadata) = header(&json, begin, size - begin).map_err(format)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            entries,
            metadata,
        })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    pub fn entry(&self, name: &str) -> Result<&Entry, TensorsError> {
        self.entries.get(name).ok_or_else(|| TensorsError::Missing {
            path: self.path.clone(),
            name: name.to_owned(),
        })
    }

    /// The bytes of one tensor, little endian, rows one after the other.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, TensorsError> {
        let entry = self.entry(name)?;
        let mut bytes = vec![0; entry.bytes];
        self.file
            .read_exact_at(&mut bytes, entry.start)
            .map_err(|source| TensorsError::Read {
                path: self.path.clone(),
                source,
            })?;
        Ok(bytes)
    }

    fn of_kind(&self, name: &str, expected: &str) -> Result<Vec<u8>, TensorsError> {
        let found = &self.entry(name)?.dtype;
        if found != expected {
            return Err(TensorsError::Kind {
                path: self.path.clone(),
                name: name.to_owned(),
                found: found.clone(),
                expected: expected.to_owned(),
            });
        }
        self.bytes(name)
    }

    pub fn f32s(&self, name: &str) -> Result<Vec<f32>, TensorsError> {
        let bytes = self.of_kind(name, "F32")?;
        let numbers = bytes.as_chunks::<4>().0.iter();
        Ok(numbers.map(|it| f32::from_le_bytes(*it)).collect())
    }

    pub fn i64s(&self, name: &str) -> Result<Vec<i64>, TensorsError> {
        let bytes = self.of_kind(name, "I64")?;
        let numbers = bytes.as_chunks::<8>().0.iter();
        Ok(numbers.map(|it| i64::from_le_bytes(*it)).collect())
    }

    /// The error of a file whose tensors do not fit together.
    pub fn refuse(&self, why: impl Into<String>) -> TensorsError {
        TensorsError::Format {
            path: self.path.clone(),
            why: why.into(),
        }
    }
}

/// A tensor to write.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Numbers,
}

/// The kinds of numbers that are written.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    F32(Vec<f32>),
    I64(Vec<i64>),
}

impl From<Vec<f32>> for Numbers {
    fn from(values: Vec<f32>) -> Self {
        Self::F32(values)
    }
}

impl Numbers {
    fn kind(&self) -> &'static str {
        match self {
            Self::F32(_) => "F32",
            Self::I64(_) => "I64",
        }
    }

    /// As they lie in a file.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::F32(values) => values.iter().flat_map(|it| it.to_le_bytes()).collect(),
            Self::I64(values) => values.iter().flat_map(|it| it.to_le_bytes()).collect(),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::F32(values) => values.len() * 4,
            Self::I64(values) => values.len() * 8,
        }
    }
}

/// Writes a whole file; the caller sees to it that nobody reads half of one.
pub fn write(
    out: &mut impl Write,
    tensors: &[Named],
    metadata: &BTreeMap<String, String>,
) -> io::Result<()> {
    let mut header = serde_json::Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".to_owned(), serde_json::json!(metadata));
    }
    let mut start = 0;
    for tensor in tensors {
        let end = start + tensor.values.size();
        header.insert(
            tensor.name.clone(),
            serde_json::json!({"dtype": tensor.values.kind(), "shape": tensor.shape, "data_offsets": [start, end]}),
        );
        start = end;
    }
    let mut json = serde_json::to_vec(&header)?;
    // Eight bytes at a time, so that the numbers lie where machines like them.
    json.resize(json.len().next_multiple_of(8), b' ');
    out.write_all(&(json.len() as u64).to_le_bytes())?;
    out.write_all(&json)?;
    for tensor in tensors {
        out.write_all(&tensor.values.bytes())?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.safetensors");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        let tensor = Named {
            name: "a".to_owned(),
            shape: vec![2, 2],
            values: vec![1.0, 2.0, 3.0, -4.5].into(),
        };
        let metadata = [("by".to_owned(), "us".to_owned())].into();
        write(&mut bytes, &[tensor], &metadata).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let (_folder, path) = file(&written());
        let tensors = Tensors::open(&path).unwrap();
        assert_eq!(tensors.f32s("a").unwrap(), [1.0, 2.0, 3.0, -4.5]);
        assert_eq!(tensors.entry("a").unwrap().shape, [2, 2]);
        assert_eq!(tensors.metadata("by"), Some("us"));
        assert!(matches!(tensors.i64s("a"), Err(TensorsError::Kind { .. })));
        assert!(matches!(
            tensors.f32s("b"),
            Err(TensorsError::Missing { .. })
        ));
    }

    #[track_caller]
    fn refused(header: &str, data: usize) {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        let (_folder, path) = file(&bytes);
        assert!(Tensors::open(&path).is_err());
    }

    #[test]
    fn lies_of_a_header_are_refused() {
        refused(
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            4,
        );
        refused(
            r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
            8,
        );
        refused(
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
            8,
        );
        refused(
            r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#,
            8,
        );
        refused("[]", 0);
        refused("", 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn damage_never_panics(at in 0_usize..140, byte in any::<u8>(), cut in 0_usize..140) {
            let mut bytes = written();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(bytes.len().saturating_sub(cut / 2));
            let (_folder, path) = file(&bytes);
            if let Ok(tensors) = Tensors::open(&path) {
                let _ = tensors.f32s("a");
            }
        }
    }
}
