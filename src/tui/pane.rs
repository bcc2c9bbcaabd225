//! What the workbench asks of every pane.
//!
//! A pane is a folder `panes/<name>/` with `State`, `Msg` and these free functions, dispatched by
//! a `match` in `panes/mod.rs` (the set is closed):
//!
//! ```text
//! State: Debug + Clone + Default          only the pane's own view state (cursor, scroll, folds)
//! Msg:   Debug + Clone + PartialEq
//! fn command(name: &str) -> Option<Msg>                       "next-point" of `rationales.next-point`
//! fn update(&mut State, Msg, &mut Shared) -> Vec<Effect>      total, synchronous, no I/O, no clock
//! fn refresh(&mut State, &Shared) -> Vec<Effect>              the selection changed or the pane became visible: ask for what it shows
//! fn reply(&mut State, Ticket, &Result<Reply, Failure>, &mut Shared) -> Option<Vec<Effect>>   None: not its ticket
//! fn mouse(&State, &Shared, Mouse, Rect) -> Option<Msg>       position relative to the pane's inside
//! fn title(&State, &Shared) -> Title
//! fn view(&State, &Shared, &Theme, Rect, &mut Buffer)         inside of the border; pure
//! fn hints(&State, &Shared) -> Vec<Hint>                      best first, for the footer
//! fn copy(&State, &Shared) -> Option<String>                  what `y` copies
//! fn is_typing(&State) -> bool                                keys are text now, not commands
//! fn typed(&mut State, Input, &mut Shared) -> Vec<Effect>     a key or a paste while typing
//! ```

use serde::{Deserialize, Serialize};

use crate::keys::Key;

/// The closed set of panes.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum PaneKind {
    #[default]
    Cases,
    Questions,
    Image,
    Text,
    Guidelines,
    Hits,
    Rationales,
    Log,
    Curves,
    Dataset,
    Gpus,
    Jobs,
    Runs,
    Notes,
}

impl PaneKind {
    pub const ALL: [Self; 14] = [
        Self::Cases,
        Self::Questions,
        Self::Image,
        Self::Text,
        Self::Guidelines,
        Self::Hits,
        Self::Rationales,
        Self::Log,
        Self::Curves,
        Self::Dataset,
        Self::Gpus,
        Self::Jobs,
        Self::Runs,
        Self::Notes,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Cases => "cases",
            Self::Questions => "questions",
            Self::Image => "image",
            Self::Text => "text",
            Self::Guidelines => "guidelines",
            Self::Hits => "hits",
            Self::Rationales => "rationales",
            Self::Log => "log",
            Self::Curves => "curves",
            Self::Dataset => "dataset",
            Self::Gpus => "gpus",
            Self::Jobs => "jobs",
            Self::Runs => "runs",
            Self::Notes => "notes",
        }
    }
}

/// The border's text: the name stands left, what is shown right (`wrong model:b · 41 of 60`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Title {
    pub right: String,
}

/// A key and what it does here, for the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The command (`rationales.next-point`), from which the keymap finds the key.
    pub command: &'static str,
    pub text: &'static str,
}

/// A mouse event inside a pane; the position is relative to the inside's top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    pub column: u16,
    pub row: u16,
    pub kind: MouseKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    Click,
    DoubleClick,
    ScrollUp,
    ScrollDown,
    Drag,
}

/// What is typed into a pane that has an input of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Key(Key),
    Paste(String),
}
