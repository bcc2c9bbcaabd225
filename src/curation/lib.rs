//! semihv curation
