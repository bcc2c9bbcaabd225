//! The workbench as a whole: focus, layouts, overlays.

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {}
