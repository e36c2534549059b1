//! The simulated platforms: servers that behave as the real ones are documented to, under one address
//! (`{base}/HOST[:PORT]/PATH`), with a control API beside them (`{base}/_control`). What a platform accepts and answers
//! is data in `behaviour/<slug>.toml`; `quirk/` holds only what data cannot say. Nothing of the code that talks to
//! platforms is imported, signatures included: a mistake there must not be mirrored here.

mod api;
mod behaviour;
mod call;
mod control;
mod control_requests;
mod delivery;
mod fault;
mod gateway;
mod grant;
mod log;
mod login;
mod oauth;
mod problem;
mod quirk;
pub mod server;
mod settings;
mod signature;
mod template;
mod world;

#[cfg(test)]
mod tests;
