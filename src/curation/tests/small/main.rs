//! Importers on small files made here: shapes, mappings, archives, bad input.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod archives;
mod given;
mod guidelines;
mod masks;
mod shapes;
mod yolo;
