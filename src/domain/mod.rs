//! Types and rules of the trade: no I/O, no async, no clock, no randomness. Everything above speaks in these words.

#[macro_use]
pub mod text;

pub mod access_token;
pub mod admin;
pub mod audit_chain;
pub mod breaker;
pub mod connect;
pub mod credential;
pub mod event;
pub mod id;
pub mod job;
pub mod lease;
pub mod notice;
pub mod problem;
pub mod refresh;
pub mod scope;
pub mod secret;
pub mod store;
pub mod webhook;
