//! What tests stand on. The browser walks take this folder in as well (`#[path = "../it/support/mod.rs"]`), so that
//! there is one harness; what one of the two does not call is no dead code.
#![allow(dead_code, reason = "shared by two test programs, each of which uses a part")]

pub mod bazaar;
pub mod catalog;
pub mod cluster;
pub mod connecting;
pub mod database;
pub mod depot;
pub mod installation;
pub mod installing;
pub mod partners;
pub mod planted;
pub mod print_schema;
pub mod processes;
pub mod raw;
pub mod receiver;
pub mod relay;
pub mod rows;
pub mod test_app;
pub mod visitor;
pub mod webhooks;
