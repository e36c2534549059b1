//! Behaviour of the whole program over real HTTP and a real database.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod architecture;
mod catalogue;
mod conversations;
mod migrations;
mod platforms;
mod postgres;
mod schema;
mod support;
mod tls;
