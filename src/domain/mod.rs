//! Types and rules of the trade: no I/O, no async, no clock, no randomness. Everything above speaks in these words.

pub mod connect;
pub mod id;
pub mod refresh;
pub mod secret;
