//! How tokens live and die, seen from outside: what callers get, what the platform receives, what stands in the database.
//! Files with a clock that stands still run in one process; `one_call`, `crash`, `gates`, `killed`, `pause` and
//! `processes` run the built program.
//!
//! What goes wrong elsewhere, and the tests that hold it here; `failure_modes` sees to it that they exist.
//!
//! | seen elsewhere | held by |
//! | --- | --- |
//! | a lock shorter than the token call, without an owner | `two_hundred_callers_over_four_processes_make_one_token_call`, `nobody_takes_over_a_lease_before_sixty_seconds_past_its_end`, `of_two_claims_on_the_same_sight_one_gets_the_lease` |
//! | the caller hangs up, and the refresh dies with its request | `the_only_caller_hangs_up_and_the_new_pair_is_saved`, `a_caller_that_hangs_up_does_not_lose_the_new_pair` |
//! | a paused process wakes after its lease and sends the old token | `a_paused_process_that_wakes_after_its_lease_does_not_send`, `each_clause_taken_away_brings_its_loss_back` |
//! | a crash or a database error between answer and save loses the store | `killed_between_claim_and_call_costs_nothing_even_without_a_grace`, `killed_while_the_platform_answers_costs_nothing_where_it_has_a_grace`, `killed_while_the_platform_answers_is_named_in_doubt_where_it_has_no_grace`, `killed_between_answer_and_save_the_next_start_replays_the_journal`, `a_running_process_adopts_the_journal_of_a_dead_one`, `the_database_away_between_answer_and_save_costs_nothing_even_without_a_grace`, `the_database_away_before_the_claim_sends_nothing`, `killed_while_its_save_waits_for_the_row_the_next_start_saves_what_it_journaled`, `killed_before_the_commit_of_its_save_the_next_start_saves_what_it_journaled`, `killed_between_the_commit_and_the_journals_removal_nothing_is_written_twice`, `a_journal_that_comes_back_as_it_stood_before_its_removal_overwrites_nothing_newer`, `without_a_grace_others_wait_for_a_killed_process_whose_disk_comes_back`, `where_reuse_revokes` |
//! | an answer is lost on the wire | `within_a_grace_the_old_token_is_tried_again_and_brings_the_pair_that_got_lost`, `a_lost_answer_is_named_in_doubt_and_asks_nobody_to_authorize`, `a_doubt_stands_on_the_stores_page` |
//! | a refresh overwrites a newer re-authorization | `a_reauthorization_during_a_slow_refresh_wins`, `a_new_grant_wins_over_all_that_is_under_way` |
//! | an answer without a refresh token drops the old one | `an_answer_without_a_refresh_token_keeps_the_one_that_is_saved`, `an_answer_without_a_refresh_token_keeps_the_old_one` |
//! | a fixed margin longer than the token's life: refreshed on every call | `a_fifteen_minute_token_is_not_refreshed_on_every_call`, `a_life_shorter_than_any_margin_is_not_renewed_at_each_call` |
//! | a token without `expires_in` is never refreshed | `a_token_without_a_lifetime_lives_as_long_as_the_catalogue_says` |
//! | a refresh token dies while idle | `an_idle_store_is_refreshed_at_about_half_of_its_refresh_tokens_life`, `a_store_that_nobody_calls_for_two_years_still_works` |
//! | a revoked store is hammered for days | `a_dead_store_is_not_asked_about_again`, `a_dead_store_asks_for_reauthorization_and_is_left_alone` |
//! | an outage kills stores | `an_outage_of_the_token_endpoint_kills_no_store_however_long_it_lasts`, `days_without_the_platform_kill_no_store_and_all_are_refreshed_within_its_limits_afterwards` |
//! | a bad app secret kills stores | `a_refused_client_pauses_its_platform_app_only_and_resumes_after_a_success`, `a_broken_platform_app_touches_no_store` |
//! | a valid token is refused because an early refresh failed | `a_valid_token_is_served_while_refreshing_fails_and_nothing_fails_before_its_end`, `a_renewal_that_fails_early_costs_no_call` |
//! | a 401 is retried with the same token | `a_401_is_retried_with_a_new_token_unseen_by_the_caller`, `a_call_in_flight_while_a_refresh_retires_its_token_is_sent_again_with_the_new_one` |
//! | HTTP 200 with an error inside; 403 for an expired token | `an_error_inside_http_200_is_read_where_the_platform_answers_so`, `a_403_is_no_lost_authorization_where_the_platform_means_a_missing_right`, `a_400_with_the_platforms_word_for_a_lost_token_renews_it` |
//! | failing stores starve the healthy ones in the queue | `failing_stores_do_not_starve_the_healthy_ones`, `two_hundred_failing_stores_do_not_starve_twenty_healthy_ones_of_the_same_client`, `a_flood_of_one_app_does_not_keep_anothers_few_jobs_waiting`, `an_app_whose_jobs_take_long_does_not_get_every_place_that_becomes_free` |
//! | status says connected until somebody uses it | `keys_that_cannot_be_refreshed_are_verified_now_and_then_and_their_end_is_noticed`, `an_uninstallation_at_shopify_ends_the_store`, `a_removed_app_at_wix_ends_the_store` |
//! | a thundering herd after an outage or a bulk import | `days_without_the_platform_kill_no_store_and_all_are_refreshed_within_its_limits_afterwards`, `a_bulk_import_of_a_hundred_thousand_stores_does_not_bunch_its_refreshes`, `an_import_of_a_hundred_thousand_stores_stands_spread_in_the_job_table`, `keys_that_are_imported_together_are_not_verified_together`, `two_processes_share_one_limit_and_calls_leave_it_one_by_one` |
//! | a row update per proxied call | `many_calls_are_not_as_many_updates_of_the_store` |
//! | a popup is blocked, a frame refused by platforms | `the_merchant_is_led_to_the_platform_in_the_same_window` |

mod asking_again;
mod bulk;
mod collisions;
mod conformance;
mod crash;
mod deadline;
mod death;
mod doubt;
mod failing;
mod failure_modes;
mod gates;
mod killed;
mod limits;
mod long_outage;
mod notices;
mod one_call;
mod outage;
mod own_client;
mod own_end;
mod pause;
mod platform_app;
mod processes;
mod renewal;
mod renewed_key;
mod same_store;
mod starving;
mod timer;
mod unauthorized;
mod unclear;
mod unproven;

use std::time::Duration;

use serde_json::{Value, json};

use super::support::connecting::{self, Connected, Way};
use super::support::rows;
use super::support::test_app::TestApp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// A path that every simulated platform answers by telling what arrived.
const PATH: &str = "/anything";

async fn mercado_libre(app: &TestApp) -> Connected {
    connecting::connect(app, "mercado-libre", "authorization", connecting::MERCADO_LIBRE).await
}

async fn shopify(app: &TestApp) -> Connected {
    connecting::connect(app, "shopify", "expiring", connecting::SHOPIFY).await
}

async fn walmart(app: &TestApp) -> Connected {
    connecting::connect(app, "walmart", "keys", connecting::WALMART).await
}

/// Many stores of one platform app, each a shop of its own.
async fn shops(app: &TestApp, names: impl Iterator<Item = String>) -> Vec<Connected> {
    let mut stores = Vec::new();
    for name in names {
        let shop = format!("{name}.myshopify.com");
        stores.push(
            connecting::connect_for(app, "customer-1", &Way::with("shopify", "expiring", &[("shop", &shop)])).await,
        );
    }
    stores
}

/// The tries to refresh a store, newest first.
async fn refreshes(app: &TestApp, store: &Connected) -> Vec<Value> {
    let answer = app
        .api("GET", &format!("/v1/stores/{}/refreshes", store.store_id), None)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["data"].as_array().unwrap().clone()
}

/// The renewals that a platform received, oldest first.
async fn renewals(app: &TestApp, platform: &str) -> Vec<Value> {
    let all = app.received(platform).await;
    all.into_iter()
        .filter(|entry| entry["token_call"] == true && rows::is_refresh(entry))
        .collect()
}

/// The next token calls of a platform go wrong.
async fn token_fault(app: &TestApp, platform: &str, times: u64, mut fault: Value) {
    fault["calls"] = json!("token");
    app.control(
        "faults",
        json!({ "platform": platform, "times": times, "fault": fault }),
    )
    .await;
}

async fn settings(app: &TestApp, platform: &str, settings: Value) {
    app.control("settings", json!({ "platform": platform, "settings": settings }))
        .await;
}

/// What was ordered to go wrong does not any more.
async fn nothing_wrong(app: &TestApp, platform: &str) {
    #[expect(clippy::disallowed_types, reason = "the test is the client")]
    let client = reqwest::Client::new();
    let url = format!("{}/_control/faults?platform={platform}", app.sandbox);
    assert_eq!(client.delete(url).send().await.unwrap().status(), 204);
}

/// A call that must succeed; the token that the platform was shown.
async fn works(app: &TestApp, store: &Connected) -> String {
    let answer = app.call(&store.access_token, "GET", PATH).await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (200, "platform"),
        "{}",
        answer.body
    );
    let platform = store.store["platform"].as_str().unwrap();
    shown_tokens(app, platform).await.pop().unwrap()
}

/// Access tokens that calls of a platform carried, oldest first.
async fn shown_tokens(app: &TestApp, platform: &str) -> Vec<String> {
    let names = ["authorization", "x-shopify-access-token", "wm_sec.access_token"];
    let all = app.received(platform).await;
    all.iter()
        .filter(|entry| rows::is_call_of(entry, PATH))
        .filter_map(|entry| {
            let headers = entry["headers"].as_array()?;
            let header = headers
                .iter()
                .find(|pair| names.contains(&pair[0].as_str().unwrap_or_default()))?;
            header[1].as_str().map(str::to_owned)
        })
        .collect()
}

fn credential(app: &TestApp, store: &Connected) -> Value {
    let id = store.store_id.strip_prefix("store_").unwrap();
    rows::row(
        &app.database,
        &format!("SELECT c.* FROM credentials c JOIN stores s ON s.credential_id = c.id WHERE s.id = '{id}'"),
    )
}
