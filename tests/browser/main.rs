//! Few walks through the whole program as people meet it: the real binary, a real browser, real software of others. They
//! need programs that a machine may lack; a walk without its programs is reported as ignored, with the reason, and never
//! as passed. One run shares one private PostgreSQL with its walks, from the same harness as `tests/it`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod chromium;
mod connect_forms;
mod development;
mod docs_search;
mod merchant_and_admin;
mod partner;
mod pooler;
mod process;
mod product;
mod programs;
mod real_provider;
mod shop;
#[path = "../it/support/mod.rs"]
mod support;

use std::future::Future;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};

use programs::Missing;

fn main() -> ExitCode {
    let walks = vec![
        walk(
            "a_merchant_connects_a_store_and_an_admin_revokes_it",
            programs::browser,
            merchant_and_admin::walk,
        ),
        walk(
            "every_connect_form_fits_a_telephone_and_labels_its_fields",
            programs::browser,
            connect_forms::walk,
        ),
        walk(
            "the_documentation_is_searched_while_one_types",
            programs::browser,
            docs_search::walk,
        ),
        walk(
            "development_stops_whole_and_starts_again_with_the_same_key",
            programs::postgres,
            development::walk,
        ),
        walk(
            "two_processes_behind_a_pooler_connect_call_refresh_and_revoke",
            programs::pooler,
            pooler::walk,
        ),
        walk(
            "a_store_with_a_real_oauth_server_stays_connected_until_its_client_is_removed",
            programs::provider,
            real_provider::walk,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), walks).exit_code()
}

/// A walk that is ignored where `needs` finds something missing.
fn walk<P, F>(name: &str, needs: fn() -> Result<P, Missing>, walk: fn(P) -> F) -> Trial
where
    P: 'static,
    F: Future<Output = ()> + 'static,
{
    Trial::ignorable_test(name, move || {
        let found = match needs() {
            Ok(found) => found,
            Err(missing) => return Ok(Completion::ignored_with(missing)),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(walk(found));
        Ok(Completion::Completed)
    })
}
