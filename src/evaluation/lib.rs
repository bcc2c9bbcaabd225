//! semihv evaluation
