//! The dataset pane.

/// The pane's own view state.
#[derive(Debug, Clone, Default)]
pub struct State {}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {}
