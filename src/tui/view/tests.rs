//! Whole screens and whole journeys of keys.
