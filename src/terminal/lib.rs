//! What the terminal can show, found out without ever waiting for long.
//!
//! One batch of queries goes out, its last one answered by every terminal; what came back, the
//! environment and the user's wish are then judged by a pure function, [`decide`]. Over SSH the
//! environment tells next to nothing, so answers count before brands.
//!
//! Deliberately absent: drawing, keys, changing anybody's settings.

mod ask;
mod capabilities;
mod child;
mod colours;
mod decide;
mod detect;
mod environment;
mod protocol;
mod replies;
mod tmux;

pub use ask::{AskError, Conversation, Heard, question, question_through_tmux, wrapped_for_tmux};
pub use capabilities::{Capabilities, CellSize, Rgb, Tmux, WindowSize};
pub use colours::{ColourDepth, terminfo_colours};
pub use decide::{Evidence, Passthrough, decide};
pub use detect::{Detection, detect, detect_on};
pub use environment::Environment;
pub use protocol::{Choice, Placement, Protocol, UnknownChoice};
pub use replies::{Brand, Replies, ReplyParser};
pub use tmux::{TmuxSettings, tmux_settings};
