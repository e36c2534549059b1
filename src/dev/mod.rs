//! What a bare `cargo run` needs and production must never have: a private Postgres, a demo partner with its app, and
//! the file that tells scripts where everything is. Tests use the same private Postgres.

pub mod demo;
pub mod environment;
pub mod postgres;
