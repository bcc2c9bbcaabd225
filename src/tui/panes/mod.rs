//! The panes: one folder each, all over one shared selection. See `pane.rs` for the contract.

pub mod cases;
pub mod dataset;
pub mod guidelines;
pub mod image;
pub mod jobs;
pub mod log;
pub mod notes;
pub mod questions;
pub mod rationales;
pub mod text;
