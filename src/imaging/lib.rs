//! semihv imaging
