//! The `semihv` program.
fn main() {}
