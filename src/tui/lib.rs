//! The workbench: state, update, view, panes, keymap, theme, terminal graphics, runtime.
//!
//! Sees no path of a workspace, no SQL, no HTTP: it asks the engine. `update` is pure; only
//! `runtime.rs` performs effects.

pub mod action;
pub mod app;
pub mod graphics;
pub mod pane;
pub mod panes;
pub mod picture;
pub mod shared;
pub mod slot;
pub mod theme;
