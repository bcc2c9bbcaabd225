//! semihv retrieval
