//! What the tests of several crates share: a program on a PTY with condition waits, and the place
//! of real data. A development dependency only.

mod data;
mod pty;

pub use data::real_data;
pub use pty::{Answers, Program, Pty};
