//! semihv workspace
