//! semihv imaging

pub mod phantom;
