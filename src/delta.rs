//! Where a delta stands in its stream, and what a reader gets of it.

pub mod order;
pub mod window;
