//! Reads what training runs leave behind: the end of a log of any size, and the figures in it.
//!
//! For now: tailing with bounded memory, following growth across truncation and rotation, and the
//! text formats of common trainers. Deliberately absent: launching and supervising, other hosts,
//! binary event files.

mod followed_log;
mod follower;
mod metrics;
mod plain_line;
mod tail;

pub use followed_log::{FollowedLog, LogSnapshot};
pub use follower::{Follower, Growth};
pub use metrics::{MetricReader, metrics};
pub use plain_line::plain_line;
pub use tail::{ReadLogError, Tail, tail};
