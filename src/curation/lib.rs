//! Curation: reads published data sets, in the layouts in which they are published, into drafts.
//!
//! One [`Importer`] per layout, all in one registry ([`importers`]). An importer streams: it holds
//! one row at a time, never a file. Rows it cannot take go to [`semihv_domain::Sink::skip`] with
//! file, line and reason; only an input that cannot be read at all is an [`ImportError`].
//!
//! Deliberately absent: the store, batches, identities, pixels; of a picture only the size in its
//! header is read, where a layout counts in parts of it. Archives are read in place; nothing is
//! ever unpacked to disk.

mod chunk;
mod entities;
mod error;
mod feed;
mod guideline_text;
mod html;
mod importer;
mod kinds;
mod location;
mod origin;
mod pdf_text;
mod plain_text;
mod repeats;
mod rows;
mod text;

pub use error::ImportError;
pub use importer::{ImportRequest, Importer, importer, importers};
pub use kinds::jsonl::read_lines;
pub use location::{MAX_IMAGE_BYTES, ReadImageError, read_bytes};
