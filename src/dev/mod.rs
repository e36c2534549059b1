//! What a bare `cargo run` needs and production never does: a private Postgres, simulated platforms and demo data.
//! The tests use the same parts, so that what a developer starts first is also what is tried most.

pub mod postgres;
