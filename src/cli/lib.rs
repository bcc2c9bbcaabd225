//! semihv cli
