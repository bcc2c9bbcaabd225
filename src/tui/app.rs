//! The workbench as a whole: what can be told to it that belongs to no single pane.

use std::path::PathBuf;

use semihv_domain::{RegionId, Tag, Target};
use semihv_engine::JobSpec;

use crate::layout::{Axis, Resize};
use crate::pane::PaneKind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagging {
    Add,
    Remove,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Quit,
    Suspend,
    Redraw,
    Escape,
    Palette,
    Help,
    Messages,
    Alerts,

    FocusNext,
    FocusPrevious,
    /// Goes to a pane, in another layout if this one lacks it.
    Focus(PaneKind),
    Panes,

    LayoutNumber(usize),
    Layout(String),
    Layouts,
    AskLayoutName,
    LayoutSave(String),
    LayoutReset,
    Maximise,
    Resize(Resize),
    AskSplit(Axis),
    Split(Axis, PaneKind),
    Close,

    /// Walks in the leading list from any pane.
    Next,
    Previous,

    AskTag(Tagging),
    Tag {
        tagging: Tagging,
        targets: Vec<Target>,
        tag: Tag,
    },
    NameRegion {
        region: RegionId,
        label: String,
    },
    Note,
    Undo,
    Copy,

    Themes,
    Theme(String),
    Graphics,
    Ascii,
    Reload,

    Start(JobSpec),
    IndexAnew,
    Workspaces,
    OpenWorkspace(PathBuf),
}
