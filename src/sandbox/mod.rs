//! The simulated platforms: servers that behave as the real ones are documented to, under one address
//! (`{base}/HOST[:PORT]/PATH`), with a control API beside them (`{base}/_control`). What a platform accepts and answers
//! is data in `behaviour/<slug>.toml`; `quirk/` holds only what data cannot say. Nothing of the code that talks to
//! platforms is imported, signatures included: a mistake there must not be mirrored here.

mod api;
mod behaviour;
mod call;
mod control;
mod control_grants;
mod control_partner;
mod control_requests;
mod delivery;
mod fault;
mod gateway;
mod grant;
mod jwt;
mod key;
mod log;
mod login;
mod oauth;
mod own_login;
mod partner;
mod place;
mod problem;
mod quirk;
mod rules;
pub mod server;
mod settings;
mod signature;
mod template;
mod token_answer;
mod world;

/// What the platforms that sign with a key of their own publish, as PEM.
pub use jwt::PUBLIC_KEY;
pub use partner::Partner;

#[cfg(test)]
mod tests;
