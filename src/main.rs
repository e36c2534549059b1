//! The one binary, `llavero`.
fn main() {}
