//! The project directory: manifest, settings layers, the SQLite store, locks, atomic writes.
//!
//! The only crate that knows where things lie in a workspace.

mod mapping;

pub use mapping::FieldMapping;
