//! The virtual list: what a cursor move costs, and that nothing is lost on the way.
