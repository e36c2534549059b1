//! Llavero: a self-hosted access-token broker for e-commerce platforms. Imports run down only:
//!
//!     main -> web, jobs, dev, sandbox -> broker -> app
//!          -> db, platform, crypto, mail, metrics, outbound, journal, config, clock -> domain
//!
//! `domain` types and rules; `db` the only SQL; `platform` builds and reads requests, never sends by itself; `outbound`
//! sends them; `broker` the use cases; `web` and `jobs` the edges; `sandbox` the simulated platforms; `dev` what a bare
//! `cargo run` needs. `tests/it/architecture.rs` holds the sources to this picture.

pub mod app;
pub mod broker;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod db;
pub mod dev;
pub mod domain;
pub mod jobs;
pub mod journal;
pub mod mail;
pub mod metrics;
pub mod outbound;
pub mod platform;
pub mod sandbox;
pub mod telemetry;
pub mod web;
