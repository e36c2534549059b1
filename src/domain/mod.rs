//! Types and rules of the trade: no I/O, no async, no clock, no randomness. Everything above speaks in these words.

pub mod id;
pub mod problem;
pub mod secret;
