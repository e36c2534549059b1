//! What is measured, read as Prometheus reads it; `ops` holds the alert rules and the dashboard against it.

mod ops;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use regex::Regex;
use serde_json::json;

use crate::support::connecting::{self, MERCADO_LIBRE};
use crate::support::installation::Installation;
use crate::support::processes::free_address;
use crate::support::rows::{execute, until};
use crate::support::test_app::TestApp;

const HOUR: Duration = Duration::from_secs(3600);

async fn scrape(app: &TestApp) -> String {
    let answer = app.request("", "GET", "/metrics").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    answer.text().await.unwrap()
}

/// The value of a sample, if it is there.
fn sample(text: &str, start: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(start))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// Each sample's name with the labels that it was seen with.
fn exported(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let line = Regex::new(r"^([a-z_:0-9]+)(?:\{(.*)\})? \S+$").unwrap();
    let label = Regex::new(r#"([a-z_]+)="[^"]*""#).unwrap();
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for found in text.lines().filter_map(|text| line.captures(text)) {
        let labels = names.entry(found[1].to_owned()).or_default();
        if let Some(list) = found.get(2) {
            labels.extend(label.captures_iter(list.as_str()).map(|label| label[1].to_owned()));
        }
    }
    names
}

/// A Llavero that has met everything that is measured.
async fn eventful() -> (TestApp, String) {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = connecting::connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    app.advance(7 * HOUR);
    // Another process is at it for a while.
    let (now, until_then) = (app.clock.now(), app.clock.now() + chrono::Duration::minutes(1));
    execute(
        &app.database,
        &format!(
            "UPDATE credentials SET lease_attempt = next_attempt, next_attempt = next_attempt + 1, lease_owner = gen_random_uuid(),
             lease_since = '{}', lease_until = '{}'",
            now.to_rfc3339(),
            until_then.to_rfc3339()
        ),
    );
    let call = app.call(&store.access_token, "GET", "/anything");
    let other = async {
        until("somebody has waited for the lease", async || {
            scrape(&app)
                .await
                .contains("llavero_lease_wait_seconds_count")
                .then_some(())
        })
        .await;
        execute(
            &app.database,
            "UPDATE credentials SET lease_attempt = NULL, lease_owner = NULL, lease_since = NULL, lease_until = NULL",
        );
    };
    let (answer, ()) = tokio::join!(call, other);
    assert_eq!(answer.status, 200, "{}", answer.body);

    // Two of them and more meet an outage.
    let mut tokens = Vec::new();
    for number in 0..6 {
        let fields = json!({ "client_id": format!("sandbox-seller-{number}"), "client_secret": "sandbox-secret", "market": "us" });
        let body = json!({ "platform": "walmart", "method": "keys", "customer_id": "customer-1", "fields": fields });
        let made = app.api("POST", "/v1/stores", Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        tokens.push(made.json()["access_token"].as_str().unwrap().to_owned());
    }
    app.advance(HOUR);
    let fault = json!({ "calls": "token", "status": 503 });
    app.control(
        "faults",
        json!({ "platform": "walmart", "times": 1000, "fault": fault }),
    )
    .await;
    for token in &tokens {
        assert_eq!(app.call(token, "GET", "/anything").await.status, 503);
    }
    app.app.in_flight.idle().await;
    let text = scrape(&app).await;
    (app, text)
}

#[tokio::test]
async fn what_happened_is_measured_without_a_word_about_whom_it_happened_to() {
    let (app, text) = eventful().await;
    for (start, wanted) in [
        (
            r#"llavero_refreshes_total{platform="mercado-libre",trigger="call",outcome="renewed"}"#,
            1.0,
        ),
        (
            r#"llavero_refreshes_total{platform="walmart",trigger="call",outcome="down"}"#,
            5.0,
        ),
        (
            r#"llavero_token_calls_turned_away_total{platform="walmart",reason="outage"}"#,
            1.0,
        ),
        (r#"llavero_breakers_open{platform="walmart"}"#, 1.0),
        (
            r#"llavero_proxied_calls_total{platform="mercado-libre",source="platform",outcome="2xx"}"#,
            1.0,
        ),
        (
            r#"llavero_proxied_calls_total{platform="walmart",source="llavero",outcome="platform_unavailable"}"#,
            6.0,
        ),
        (r#"llavero_credentials_ending{what="refresh_token",within="1h"}"#, 0.0),
        (r#"llavero_jobs_due{kind="reseal"}"#, 0.0),
        ("llavero_journal_writable", 1.0),
        ("llavero_journal_entries", 0.0),
        ("llavero_database_up", 1.0),
    ] {
        assert_eq!(sample(&text, start), Some(wanted), "{start}\n{text}");
    }
    let ids = [
        "store_",
        "app_",
        "cred_",
        "llv_",
        "sandbox-seller",
        "walmartapis",
        "customer-1",
        "127.0.0.1",
    ];
    for secret in ids {
        assert!(
            !text.lines().any(|line| !line.starts_with('#') && line.contains(secret)),
            "{secret}: {text}"
        );
    }
    drop(app);
}

#[tokio::test]
async fn figures_of_the_database_are_asked_for_once_a_minute_however_often_is_scraped() {
    let app = TestApp::start().await;
    assert_eq!(sample(&scrape(&app).await, "llavero_stores{"), None);
    connecting::connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    let text = scrape(&app).await;
    assert_eq!(sample(&text, "llavero_stores{"), None, "still the first look: {text}");
    assert_eq!(sample(&text, "llavero_database_up"), Some(1.0));
}

#[tokio::test]
async fn the_time_that_credentials_have_left_is_a_histogram() {
    let app = TestApp::start().await;
    // One with tokens, and one with keys that have no end.
    connecting::connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    connecting::connect(&app, "woocommerce", "keys", connecting::WOOCOMMERCE).await;
    execute(
        &app.database,
        &format!(
            "UPDATE credentials SET access_expires_at = timestamptz '{0}' + interval '6 h', \
             refresh_expires_at = timestamptz '{0}' + interval '6 h 1 s', \
             reauthorize_by = timestamptz '{0}' - interval '1 h' WHERE platform = 'mercado-libre'",
            app.clock.now().to_rfc3339()
        ),
    );
    let text = scrape(&app).await;
    let name = "llavero_credential_time_to_expiry_seconds";
    for (what, bounds, seconds) in [
        (
            "access_token",
            [("3600.0", 0.0), ("21600.0", 1.0), ("+Inf", 1.0)],
            21_600.0,
        ),
        (
            "refresh_token",
            [("21600.0", 0.0), ("86400.0", 1.0), ("+Inf", 1.0)],
            21_601.0,
        ),
        ("authorization", [("0.0", 1.0), ("3600.0", 1.0), ("+Inf", 1.0)], 0.0),
    ] {
        for (le, wanted) in bounds {
            let start = format!("{name}_bucket{{le=\"{le}\",what=\"{what}\"}}");
            assert_eq!(sample(&text, &start), Some(wanted), "{start}\n{text}");
        }
        assert_eq!(sample(&text, &format!("{name}_count{{what=\"{what}\"}}")), Some(1.0));
        assert_eq!(sample(&text, &format!("{name}_sum{{what=\"{what}\"}}")), Some(seconds));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_have_a_port_of_their_own_and_answer_while_the_database_is_away() {
    let installation = Installation::start().await;
    let bind = free_address();
    let setting = [("LLAVERO_METRICS_BIND", bind.clone())];
    let process = installation.serve_with(&["serve"], &setting).await;
    let get = async |url: String| {
        let answer = installation.client.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(
        get(format!("{}/metrics", process.url)).await.0,
        404,
        "not on the public port"
    );
    assert_eq!(
        get(format!("http://{bind}/healthz")).await.0,
        404,
        "and nothing else on the other"
    );
    installation.stop_database();
    // The first look of this process, at a database that is away.
    let (status, text) = get(format!("http://{bind}/metrics")).await;
    assert_eq!(status, 200);
    assert_eq!(sample(&text, "llavero_database_up"), Some(0.0), "{text}");
    assert_eq!(sample(&text, "llavero_journal_writable"), Some(1.0));
    assert!(!text.contains("llavero_jobs_due{"));
    installation.start_database();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_alone_is_measured_too() {
    let installation = Installation::start().await;
    let bind = free_address();
    let worker = installation.launch(&["work"], &[("LLAVERO_METRICS_BIND", bind.clone())]);
    until("the worker is measured", async || {
        let answer = installation
            .client
            .get(format!("http://{bind}/metrics"))
            .send()
            .await
            .ok()?;
        answer.text().await.ok()?.contains("llavero_build_info").then_some(())
    })
    .await;
    drop(worker);
}
