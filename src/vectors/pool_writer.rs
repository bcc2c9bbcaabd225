//! Writes the files of a new generation, every different vector once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

use crate::columns::{MOST_PARTS, part_word};
use crate::encode::StoredRow;
use crate::files::{Steps, WriteError, write_synced};
use crate::manifest::{FileEntry, PoolEntry};

/// A file whose hash is known when it is written.
struct HashedFile {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Xxh3,
    bytes: u64,
}

impl HashedFile {
    fn create(path: PathBuf) -> Result<Self, WriteError> {
        let file = File::create(&path).map_err(WriteError::at(&path))?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 18, file),
            path,
            hash: Xxh3::new(),
            bytes: 0,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file
            .write_all(bytes)
            .map_err(WriteError::at(&self.path))
    }

    fn finish(mut self, steps: &Steps) -> Result<FileEntry, WriteError> {
        steps.reach("sync", &self.path)?;
        let synced = self
            .file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(WriteError::at(&self.path))?;
        Ok(FileEntry::of(self.bytes, self.hash.digest()))
    }
}

#[derive(Clone, Copy)]
struct Document {
    key: i64,
    content: u64,
    row: u32,
    part: u32,
}

/// Why a row was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("document {0} is there twice")]
    Twice(i64),
    #[error("the pool is full")]
    Full,
}

pub(crate) struct PoolWriter {
    folder: PathBuf,
    name: String,
    codes: HashedFile,
    scales: HashedFile,
    fused: HashedFile,
    parts: HashedFile,
    documents: Vec<Document>,
    keys: HashSet<i64>,
    /// Rows by the hash of their vector: 128 bits, so that no two vectors share one.
    rows: HashMap<u128, u32>,
    part_places: HashMap<u128, u32>,
    part_count: u32,
}

impl PoolWriter {
    pub(crate) fn create(folder: &Path, name: &str) -> Result<Self, WriteError> {
        let open = |ending: &str| HashedFile::create(folder.join(format!("{name}.{ending}")));
        Ok(Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            codes: open("i8")?,
            scales: open("scales")?,
            fused: open("f16")?,
            parts: open("parts")?,
            documents: Vec::new(),
            keys: HashSet::new(),
            rows: HashMap::new(),
            part_places: HashMap::new(),
            part_count: 0,
        })
    }

    pub(crate) fn documents(&self) -> usize {
        self.documents.len()
    }

    pub(crate) fn push(
        &mut self,
        key: i64,
        content: u64,
        row: &StoredRow,
    ) -> Result<(), PushError> {
        if self.part_count >= MOST_PARTS - 2 || self.documents.len() >= MOST_PARTS as usize {
            return Err(PushError::Full);
        }
        if !self.keys.insert(key) {
            return Err(PushError::Twice(key));
        }
        let part = self.part(row)?;
        let row = self.row(row)?;
        self.documents.push(Document {
            key,
            content,
            row,
            part,
        });
        Ok(())
    }

    fn row(&mut self, row: &StoredRow) -> Result<u32, WriteError> {
        let bytes: &[u8] = bytemuck::cast_slice(&row.fused);
        let hash = xxh3_128(bytes);
        if let Some(&known) = self.rows.get(&hash) {
            return Ok(known);
        }
        self.codes.write(bytemuck::cast_slice(&row.codes))?;
        self.scales.write(&row.scale.to_ne_bytes())?;
        self.fused.write(bytes)?;
        let number = self.rows.len() as u32;
        self.rows.insert(hash, number);
        Ok(number)
    }

    fn part(&mut self, row: &StoredRow) -> Result<u32, WriteError> {
        let (text, image): (&[u8], &[u8]) = (
            bytemuck::cast_slice(&row.text),
            bytemuck::cast_slice(&row.image),
        );
        let mut hash = Xxh3::new();
        hash.update(&[u8::from(text.is_empty()), u8::from(image.is_empty())]);
        hash.update(text);
        hash.update(image);
        let hash = hash.digest128();
        if let Some(&known) = self.part_places.get(&hash) {
            return Ok(known);
        }
        let word = part_word(self.part_count, row);
        self.parts.write(text)?;
        self.parts.write(image)?;
        self.part_count += u32::from(!text.is_empty()) + u32::from(!image.is_empty());
        self.part_places.insert(hash, word);
        Ok(word)
    }

    /// All files on disk.
    pub(crate) fn finish(mut self, steps: &Steps) -> Result<PoolEntry, WriteError> {
        self.documents.sort_by_key(|document| document.row);
        let rows = self.rows.len();
        let mut files = self.document_columns(rows, steps)?;
        for (ending, file) in [
            ("i8", self.codes),
            ("scales", self.scales),
            ("f16", self.fused),
            ("parts", self.parts),
        ] {
            files.insert(ending.to_owned(), file.finish(steps)?);
        }
        Ok(PoolEntry {
            rows: rows as u64,
            documents: self.documents.len() as u64,
            files,
        })
    }

    fn document_columns(
        &self,
        rows: usize,
        steps: &Steps,
    ) -> Result<BTreeMap<String, FileEntry>, WriteError> {
        let documents = &self.documents;
        let mut starts = vec![0u32; rows + 1];
        for document in documents {
            if let Some(start) = starts.get_mut(document.row as usize + 1) {
                *start += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut order: Vec<u32> = (0..documents.len() as u32).collect();
        order.sort_by_key(|&at| documents.get(at as usize).map(|document| document.key));
        let keys: Vec<i64> = documents.iter().map(|document| document.key).collect();
        let content: Vec<u64> = documents.iter().map(|document| document.content).collect();
        let part: Vec<u32> = documents.iter().map(|document| document.part).collect();
        let columns: [(&str, &[u8]); 5] = [
            ("keys", bytemuck::cast_slice(&keys)),
            ("content", bytemuck::cast_slice(&content)),
            ("part", bytemuck::cast_slice(&part)),
            ("starts", bytemuck::cast_slice(&starts)),
            ("order", bytemuck::cast_slice(&order)),
        ];
        let mut files = BTreeMap::new();
        for (ending, bytes) in columns {
            let path = self.folder.join(format!("{}.{ending}", self.name));
            write_synced(&path, bytes, steps)?;
            let entry = FileEntry::of(bytes.len() as u64, xxh3_64(bytes));
            files.insert(ending.to_owned(), entry);
        }
        Ok(files)
    }
}
