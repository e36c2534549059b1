//! Behaviour of the whole program over real HTTP and a real database.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod catalogue;
mod platforms;
