//! Exact and approximate search of embedding vectors on disk, in generations.
//!
//! A folder holds complete generations of files that never change, a tail of rows and erasures
//! written since, and one line that names the current generation. Rows are scanned as small
//! integers and the best of them ranked again by the vectors themselves.
//!
//! It makes no embeddings, knows no model and reads no store: rows come from the caller with the
//! caller's document numbers.

mod best;
mod bits;
mod builder;
mod columns;
mod encode;
mod files;
mod fingerprint;
mod fuse;
mod generation;
mod graph;
mod index;
mod kernels;
mod log;
mod manifest;
mod mapped;
mod pool_writer;
mod rows;
mod search;
mod update;

pub use builder::{BuildError, Builder, Built, Progress};
pub use files::{PoolNameError, WriteError};
pub use fingerprint::{Difference, Fingerprint};
pub use fuse::{FourTerms, Fused, Modality, VectorError, fuse};
pub use graph::{Audit, GraphError, GraphReport, GraphSettings, build_graph};
pub use index::{OpenError, Opened, VectorIndex};
pub use rows::{Parts, RowSet};
pub use search::{Ask, Found, How, Kind, Near, SearchError};
pub use update::{NewRow, UpdateError};

#[cfg(test)]
mod tests;
