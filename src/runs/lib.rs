//! semihv runs
