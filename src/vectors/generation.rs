//! One generation, verified and mapped.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::columns::{Column, Columns};
use crate::files::generation_folder;
use crate::manifest::{Damage, FileEntry, Manifest, PoolEntry};
use crate::mapped::Mapped;

#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) manifest: Manifest,
    pub(crate) pools: BTreeMap<String, Arc<Columns>>,
}

impl Generation {
    pub(crate) fn open(root: &Path, number: u64) -> Result<Self, Damage> {
        let folder = generation_folder(root, number);
        let manifest = Manifest::read(&folder)?;
        if manifest.generation != number {
            let why = format!("it is the manifest of generation {}", manifest.generation);
            return Err(Damage::new(&folder.join(crate::files::MANIFEST), why));
        }
        let mut pools = BTreeMap::new();
        for (name, entry) in &manifest.pools {
            let columns = open_pool(&folder, name, entry, manifest.dim())?;
            pools.insert(name.clone(), Arc::new(columns));
        }
        Ok(Self { manifest, pools })
    }

    pub(crate) fn number(&self) -> u64 {
        self.manifest.generation
    }
}

fn open_pool(folder: &Path, pool: &str, entry: &PoolEntry, dim: usize) -> Result<Columns, Damage> {
    let open = |ending: &str| {
        let path = folder.join(format!("{pool}.{ending}"));
        match entry.files.get(ending) {
            Some(file) => verified(&path, file),
            None => Err(Damage::new(&path, "the manifest does not list it")),
        }
    };
    let columns = Columns {
        dim,
        codes: Column::Mapped(open("i8")?),
        scales: Column::Mapped(open("scales")?),
        fused: Column::Mapped(open("f16")?),
        parts: Column::Mapped(open("parts")?),
        keys: Column::Mapped(open("keys")?),
        content: Column::Mapped(open("content")?),
        part: Column::Mapped(open("part")?),
        starts: Column::Mapped(open("starts")?),
        order: Column::Mapped(open("order")?),
    };
    let counts = (columns.rows() as u64, columns.documents() as u64);
    if counts != (entry.rows, entry.documents) || !columns.is_consistent() {
        let why = "its lengths do not fit each other";
        return Err(Damage::new(&folder.join(format!("{pool}.*")), why));
    }
    Ok(columns)
}

pub(crate) fn verified(path: &Path, entry: &FileEntry) -> Result<Mapped, Damage> {
    let mapped = Mapped::open(path).map_err(|error| Damage::new(path, error))?;
    let found = mapped.bytes().len() as u64;
    if found != entry.bytes {
        let why = format!("it has {found} bytes instead of {}", entry.bytes);
        return Err(Damage::new(path, why));
    }
    if FileEntry::of(found, xxh3_64(mapped.bytes())) != *entry {
        return Err(Damage::new(
            path,
            "its bytes are not those that were written",
        ));
    }
    Ok(mapped)
}
