//! The edge towards browsers and programs: routes, pages, errors. Handlers turn requests into calls of `broker` (or reads
//! of `db`) and plain results into pages or JSON; rules of the trade live below. `Site` is what every answer needs.

pub mod api;
pub mod assets;
pub mod csrf;
pub mod docs;
pub mod error;
mod error_of_broker;
pub mod extract;
pub mod form;
pub mod health;
pub mod hooks;
pub mod i18n;
pub mod metrics;
pub mod middleware;
pub mod openapi;
pub mod page;
pub mod pages;
pub mod parts;
pub mod proxy;
pub mod routes;
pub mod server;
pub mod session;
pub mod session_rows;
pub mod site;
pub mod urls;

pub use error::Error;
pub use page::{Frame, Page};
pub use pages::demo::webhooks::Inbox;
pub use server::{Demo, Server, Setup, start, start_metrics};
pub use site::Site;

#[cfg(test)]
mod gallery;
