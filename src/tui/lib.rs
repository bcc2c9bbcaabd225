//! The workbench: state, update, view, panes, keymap, theme, terminal graphics, runtime.
//!
//! Sees no path of a workspace, no SQL, no HTTP: it asks the engine. `update` is pure; only
//! `runtime` performs effects.

pub mod action;
mod alerts;
mod annotate;
pub mod app;
pub mod backend;
pub mod commands;
mod control;
pub mod diff;
mod engine_backend;
pub mod flow;
pub mod graphics;
mod input;
mod job_line;
pub mod keymap;
pub mod keys;
pub mod layout;
pub mod list;
pub mod notice;
pub mod overlay;
pub mod pane;
pub mod panes;
pub mod pen;
pub mod picture;
pub mod plot;
pub mod reader;
mod run_list;
pub mod runtime;
pub mod session;
pub mod shared;
pub mod slot;
pub mod state;
pub mod text_edit;
pub mod theme;
pub mod update;
pub mod view;

pub use engine_backend::settings_without_workspace;
pub use keymap::keymap_markdown;
pub use runtime::{Options, Outcome, Picked, pick, run};
pub use theme::Depth;

#[cfg(test)]
mod pane_testing;
#[cfg(test)]
mod testing;
