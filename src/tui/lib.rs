//! semihv tui
