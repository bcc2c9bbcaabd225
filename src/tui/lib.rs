//! The workbench: state, update, view, panes, keymap, theme, terminal graphics, runtime.
//!
//! Sees no path of a workspace, no SQL, no HTTP: it asks the engine. `update` is pure; only
//! `runtime.rs` performs effects.

pub mod action;
pub mod app;
pub mod diff;
pub mod flow;
pub mod keys;
pub mod notice;
pub mod pane;
pub mod panes;
pub mod pen;
pub mod picture;
pub mod reader;
pub mod shared;
pub mod slot;
pub mod text_edit;
pub mod theme;

#[cfg(test)]
mod pane_testing;
