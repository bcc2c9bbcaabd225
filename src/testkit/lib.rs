//! semihv testkit
