//! Behaviour of the whole program over real HTTP and a real database.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod admin_list;
mod admin_sign_in;
mod api;
mod architecture;
mod audit_chain;
mod audit_words;
mod catalogue;
mod commands;
mod conversations;
mod custom_platforms;
mod docs;
mod exits;
mod guides;
mod job_table;
mod jobs;
mod leases;
mod metrics;
mod migrations;
mod moving;
mod pages;
mod partitions;
mod platform_matrix;
mod platforms;
mod postgres;
mod proxy;
mod refresh;
mod schema;
mod secrets;
mod shops;
mod signing;
mod support;
mod tls;
mod token_limit;
