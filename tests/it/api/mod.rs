//! The partner's API, call by call.

mod access_tokens;
mod api_keys;
mod app_and_platforms;
mod authorization;
mod connect_sessions;
mod customers;
mod exchange;
mod hooks;
mod hooks_ebay;
mod idempotency;
mod introspect;
mod listing;
mod openapi;
mod outage;
mod platform_app_test;
mod platform_facts;
mod problems;
mod rate_limits;
mod refreshes;
mod revoking;
mod scopes;
mod stores;
mod tenancy;
mod two_apps;
mod webhook_endpoints;
mod webhook_events;
