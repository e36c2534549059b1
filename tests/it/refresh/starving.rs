//! Stores whose refreshes always fail, ten for each healthy one, all with the same client at the same host: they share its
//! gate, its circuit breaker and its lane of the job table. The healthy ones are refreshed in time all the same, and calls
//! with their tokens are served.

use std::io::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::long_outage::{next_due, seed, work_now};
use super::*;
use crate::support::bazaar::Bazaar;
use crate::support::rows::{count, rows};

const FAILING: usize = 200;
const HEALTHY: usize = 20;
/// Of refresh tokens that live for two weeks still.
const IN_TIME: TimeDelta = TimeDelta::hours(3);

/// Tokens of the stores that the platform numbers from `FAILING` on.
async fn tokens(app: &TestApp) -> Vec<String> {
    let query = format!(
        "SELECT 'store_' || replace(id::text, '-', '') AS id FROM stores WHERE platform_store_id::int >= {FAILING}"
    );
    let mut tokens = Vec::new();
    for row in rows(&app.database, &query) {
        let path = format!("/v1/stores/{}/access-tokens", row["id"].as_str().unwrap());
        let made = app.api("POST", &path, Some(json!({ "overlap_seconds": 0 }))).await;
        assert_eq!(made.status, 201, "{}", made.body);
        tokens.push(made.json()["access_token"].as_str().unwrap().to_owned());
    }
    assert_eq!(tokens.len(), HEALTHY);
    tokens
}

/// Timers run until `over` says so, or for as long as `at_most`, with a look every `step` at least; returns how long.
async fn run_until(
    app: &TestApp,
    bazaar: &Bazaar,
    (step, at_most): (TimeDelta, TimeDelta),
    over: impl Fn() -> bool,
) -> TimeDelta {
    let began = app.clock.now();
    loop {
        bazaar.is_now(app.clock.now());
        work_now(app).await;
        let took = app.clock.now() - began;
        if over() || took >= at_most {
            return took;
        }
        let later = app.clock.now() + step;
        app.clock.set(next_due(app).map_or(later, |next| next.max(later)));
    }
}

fn renewed_since(app: &TestApp, since: DateTime<Utc>) -> usize {
    let query = format!(
        "SELECT count(*) AS n FROM credentials WHERE access_issued_at >= '{}'",
        since.to_rfc3339()
    );
    usize::try_from(count(&app.database, &query)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_failing_stores_do_not_starve_twenty_healthy_ones_of_the_same_client() {
    let (mut app, bazaar) = Bazaar::limited(10_000).await;
    app.jobs_may_wait();
    let client = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
    let registered = app.api("PUT", "/v1/platforms/bazaar/app", Some(client)).await;
    assert!(registered.status < 300, "{}", registered.body);
    bazaar.knows(FAILING + HEALTHY);
    bazaar.fails(0..FAILING);
    seed(&app, app.demo.app_id, 0..FAILING + HEALTHY);
    let tokens = tokens(&app).await;

    // All have come due, in no order.
    app.advance(4 * DAY);
    let due = app.clock.now();
    let often = (TimeDelta::seconds(20), IN_TIME);
    let took = run_until(&app, &bazaar, often, || renewed_since(&app, due) == HEALTHY).await;
    let calls = bazaar.times().len();
    let _ = writeln!(
        std::io::stderr(),
        "{HEALTHY} healthy stores beside {FAILING} failing ones are refreshed within {} s, by {calls} calls",
        took.num_seconds()
    );
    assert_eq!(renewed_since(&app, due), HEALTHY, "in {} minutes", took.num_minutes());

    // The others fail on; those that are called while they do are served, some of them perhaps as the probe.
    let an_hour = (TimeDelta::minutes(4), TimeDelta::minutes(61));
    run_until(&app, &bazaar, an_hour, || false).await;
    let mut longest = 0;
    for hour in 0..2 {
        for (number, token) in tokens.iter().enumerate() {
            let mut waited = 0;
            while !usable(&app, token).await {
                app.advance(5 * std::time::Duration::from_secs(1));
                waited += 5;
                assert!(
                    waited <= 120,
                    "healthy store {number} is not served for two minutes in hour {hour}"
                );
            }
            longest = longest.max(waited);
        }
        run_until(&app, &bazaar, an_hour, || false).await;
    }
    let failed = rows(
        &app.database,
        "SELECT status, health, count(*) AS n FROM stores GROUP BY 1, 2 ORDER BY n",
    );
    assert_eq!(
        failed,
        [
            json!({ "status": "connected", "health": "ok", "n": HEALTHY }),
            json!({ "status": "connected", "health": "platform_unavailable", "n": FAILING }),
        ],
        "failing asks no merchant to come"
    );
    let _ = writeln!(
        std::io::stderr(),
        "later a call of a healthy store waits {longest} s at most"
    );
}

/// Whether a call with this token would work, after a refresh if it needs one.
async fn usable(app: &TestApp, token: &str) -> bool {
    let answer = app.request(token, "GET", "/v1/access").send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    app.app.in_flight.idle().await;
    answer["usable"] == true
}
