//! Walks in headless Chromium.
fn main() {}
