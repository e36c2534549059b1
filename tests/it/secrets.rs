//! No secret leaves by a side door: after a life with every kind of platform, logged as loudly as can be, none of the
//! secrets that were used stands in a log, an error or the database. And a ciphertext is good in its own place only.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::connecting::{self, FALABELLA, HYBRIS, MERCADO_LIBRE, SHOPIFY, WALMART, WOOCOMMERCE, Way};
use crate::support::installation::{Held, Installation, RETURN_URL};
use crate::support::processes::Process;
use crate::support::raw;
use crate::support::rows::{self, until};
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

const DAY: Duration = Duration::from_secs(86_400);
/// Typed by a merchant in a hurry; the platform refuses it.
const WRONG_SECRET: &str = "wrong-secret-of-a-merchant";

/// A database as its backup would show it: every row of every table.
fn dump(installation: &Installation) -> String {
    let tables = rows::rows(
        &installation.database,
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
    );
    let mut text = String::new();
    for table in &tables {
        let name = table["table_name"].as_str().unwrap();
        for row in rows::rows(&installation.database, &format!("SELECT * FROM {name}")) {
            text.push_str(&row.to_string());
            text.push('\n');
        }
    }
    text
}

/// Tokens that the platforms gave, codes that they sent, and what logs them in.
async fn platform_secrets(installation: &Installation) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for platform in ["mercado-libre", "shopify", "walmart", "hybris"] {
        let url = format!("{}/_control/stores?platform={platform}", installation.sandbox);
        let stores: Value = installation.client.get(url).send().await.unwrap().json().await.unwrap();
        for grant in stores["data"].as_array().unwrap() {
            for kind in ["access_tokens", "refresh_tokens"] {
                let tokens = grant[kind].as_array().into_iter().flatten();
                found.extend(tokens.map(|token| token["token"].as_str().unwrap().to_owned()));
            }
        }
        for entry in installation.received(platform).await {
            for pair in entry["form"].as_array().into_iter().flatten() {
                if ["code", "code_verifier", "client_secret"].contains(&pair[0].as_str().unwrap()) {
                    found.insert(pair[1].as_str().unwrap().to_owned());
                }
            }
            if let Ok(body) = serde_json::from_str::<Value>(entry["body"].as_str().unwrap_or_default()) {
                found.extend(
                    ["code", "client_secret"]
                        .iter()
                        .filter_map(|name| body[*name].as_str().map(str::to_owned)),
                );
            }
        }
    }
    assert!(found.len() > 10, "{}", found.len());
    found
}

/// What every way to go wrong answers.
async fn errors(installation: &Installation, process: &Process, stores: &[Held]) -> Vec<String> {
    let mut told = Vec::new();
    let key = &installation.api_key;
    let mut typo = key.clone();
    typo.pop();
    let client = &installation.client;
    let calls = [
        ("GET", "/v1/stores".to_owned(), typo.clone(), Value::Null),
        ("GET", "/v1/proxy/x".to_owned(), key.clone(), Value::Null),
        (
            "POST",
            "/v1/connect-sessions".to_owned(),
            key.clone(),
            json!({ "return_url": "nonsense", "state": stores[0].access_token }),
        ),
        (
            "POST",
            "/v1/connect-sessions".to_owned(),
            key.clone(),
            json!({ "customer_id": "c", "return_url": RETURN_URL, "platform": "walmart", "fields": { "client_secret": WRONG_SECRET, "market": "nowhere" } }),
        ),
        (
            "POST",
            "/v1/access-tokens/exchange".to_owned(),
            key.clone(),
            json!({ "code": stores[0].access_token }),
        ),
        (
            "POST",
            "/v1/access-tokens/exchange".to_owned(),
            key.clone(),
            json!({ "code": format!("{}x", stores[0].code) }),
        ),
        (
            "PUT",
            "/v1/platforms/shopify/app".to_owned(),
            key.clone(),
            json!({ "fields": { "client_id": "!", "client_secret": "sandbox secret" } }),
        ),
        (
            "GET",
            "/v1/stores?cursor=sandbox-secret".to_owned(),
            key.clone(),
            Value::Null,
        ),
        (
            "GET",
            format!("/v1/stores/{}", stores[0].access_token),
            key.clone(),
            Value::Null,
        ),
    ];
    for (method, path, bearer, body) in calls {
        let mut request = client
            .request(method.parse().unwrap(), format!("{}{path}", process.url))
            .bearer_auth(bearer);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        assert!(
            answer.status().as_u16() >= 400 || path.contains("cursor"),
            "{method} {path}: {}",
            answer.status()
        );
        told.push(format!(
            "{method} {:?} {}",
            answer.headers().clone(),
            answer.text().await.unwrap()
        ));
    }
    for store in stores {
        let bearer = format!("Bearer {}", store.access_token);
        let path = "/v1/proxy/anything/%2e%2e/x";
        let answer = raw::send(&process.url, "GET", path, &[("Authorization", &bearer)], b"").await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        told.push(answer.body);
    }
    told
}

/// A merchant types a wrong secret; the page that says so.
async fn wrong_secret(installation: &Installation, process: &Process) -> String {
    let asked = json!({ "customer_id": "customer-1", "platform": "walmart", "return_url": RETURN_URL });
    let made = installation
        .api(process, "POST", "/v1/connect-sessions", Some(asked))
        .await
        .json();
    let visitor = Visitor::new();
    let page = visitor.open(made["url"].as_str().unwrap(), &[&process.url]).await;
    let fields = [
        ("client_id", "sandbox-seller"),
        ("client_secret", WRONG_SECRET),
        ("market", "us"),
    ];
    let answer = visitor.submit(&page.form_with("client_id"), &fields).await;
    visitor.follow(answer, &[&process.url]).await.body
}

fn assert_absent(what: &str, text: &str, secrets: &BTreeSet<String>) {
    for secret in secrets {
        assert!(secret.len() >= 8, "too short to be looked for: {secret}");
        if let Some(at) = text.find(secret.as_str()) {
            let from = text[..at].rfind('\n').map_or(0, |start| start + 1);
            let line: String = text[from..].chars().take(600).collect();
            panic!("{what} shows {secret}:\n{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_stands_in_logs_errors_or_the_database() {
    let installation = Installation::start().await;
    let loud = [("LLAVERO_LOG", "trace".to_owned())];
    let process = installation.serve_with(&["serve", "--work"], &loud).await;
    let sign_in = installation.command(&["admin", "add", "admin@example.com", "--role", "owner"]);
    let ways = [
        ("mercado-libre", MERCADO_LIBRE, "/anything"),
        ("shopify", SHOPIFY, "/anything"),
        ("walmart", WALMART, "/anything"),
        ("hybris", HYBRIS, "/occ/v2/anything"),
        ("woocommerce", WOOCOMMERCE, "/wp-json/wc/v3/orders"),
        ("falabella", FALABELLA, "/?Action=GetOrders"),
    ];
    let mut stores = Vec::new();
    for (platform, fields, path) in &ways {
        let store = installation.connect(&process, platform, fields).await;
        assert_eq!(
            installation.call(&process, &store.access_token, path).await.status,
            200,
            "{platform}"
        );
        installation
            .api(
                &process,
                "POST",
                &format!("/v1/stores/{}/refresh", store.store_id),
                Some(json!({})),
            )
            .await;
        stores.push(store);
    }
    let mut told = errors(&installation, &process, &stores).await;
    told.push(wrong_secret(&installation, &process).await);
    installation
        .reauthorize(&process, &stores[0].store_id, MERCADO_LIBRE)
        .await;

    // A day passes: tokens expire; some refreshes work, some fail in each way, and some grants are gone.
    for (effect, platform) in [("lost_answer", "shopify"), ("refuse", "hybris")] {
        let fault = json!({ "calls": "token", "effect": effect });
        installation
            .control("faults", json!({ "platform": platform, "fault": fault }))
            .await;
    }
    installation.control("revoke", json!({ "platform": "falabella" })).await;
    installation
        .control("revoke", json!({ "platform": "woocommerce" }))
        .await;
    installation.advance(DAY).await;
    for _ in 0..2 {
        for (store, (_, _, path)) in stores.iter().zip(&ways) {
            let answer = installation.call(&process, &store.access_token, path).await;
            told.extend((answer.header("llavero-source") == "llavero").then_some(answer.body));
        }
        installation.advance(DAY / 24).await;
    }
    assert!(told.iter().any(|body| body.contains("store_needs_reauthorization")));
    let revoked = installation
        .api(&process, "DELETE", &format!("/v1/stores/{}", stores[2].store_id), None)
        .await;
    assert!(revoked.status < 300, "{}", revoked.body);
    until("the mails are written", async || {
        let waiting = "SELECT count(*) AS n FROM notices WHERE audience = 'admins' AND status = 'pending'";
        (rows::count(&installation.database, waiting) == 0).then_some(())
    })
    .await;

    let mut secrets = platform_secrets(&installation).await;
    secrets.insert(installation.api_key.clone());
    secrets.insert(sign_in.trim().rsplit('/').next().unwrap().to_owned());
    secrets.extend(
        stores
            .iter()
            .flat_map(|store| [store.access_token.clone(), store.code.clone()]),
    );
    secrets.extend(
        stores
            .iter()
            .map(|store| store.link.rsplit('/').next().unwrap().to_owned()),
    );
    secrets.extend(["sandbox-secret", WRONG_SECRET].map(str::to_owned));
    for (name, value) in WOOCOMMERCE.iter().chain(FALABELLA) {
        if ["consumer_secret", "api_key"].contains(name) {
            secrets.insert((*value).to_owned());
        }
    }
    let ring = std::fs::read_to_string(installation.data.path().join("keys.toml")).unwrap();
    let material = ring.lines().find_map(|line| line.strip_prefix("material = ")).unwrap();
    secrets.insert(material.trim_matches('"').to_owned());

    let log = process.log();
    assert!(
        log.contains("TRACE") && log.lines().count() > 500,
        "{} lines",
        log.lines().count()
    );
    assert_absent("the log", &log, &secrets);
    assert_absent("the database", &dump(&installation), &secrets);
    let hex = secrets
        .iter()
        .map(|secret| secret.bytes().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    assert_absent("a binary column", &dump(&installation), &hex);
    // The one answer that says a secret back is the page whose link holds it.
    let errors = told.join("\n");
    assert_absent("an error", &errors, &secrets);
}

#[tokio::test]
async fn a_ciphertext_moved_to_another_row_is_refused_and_no_store_is_blamed_for_it() {
    let app = TestApp::start().await;
    let mut stores = Vec::new();
    for shop in ["one.myshopify.com", "two.myshopify.com"] {
        stores.push(
            connecting::connect_for(&app, "customer-1", &Way::with("shopify", "expiring", &[("shop", shop)])).await,
        );
    }
    let swap = "UPDATE credentials c SET values_sealed = o.values_sealed FROM credentials o WHERE c.id <> o.id";
    assert_eq!(rows::execute(&app.database, swap), 2);
    rows::rows(
        &app.database,
        "SELECT pg_notify('llavero', 'cred_' || replace(id::text, '-', ''))::text FROM credentials",
    );
    let before = app.received("shopify").await.len();
    for store in &stores {
        let answer = app.call(&store.access_token, "GET", "/anything").await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (500, Some("internal")),
            "{}",
            answer.body
        );
    }
    app.advance(Duration::from_secs(7200));
    for store in &stores {
        let answer = app.call(&store.access_token, "GET", "/anything").await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (500, Some("internal")),
            "{}",
            answer.body
        );
        assert_eq!(connecting::store(&app, &store.store_id).await["status"], "connected");
    }
    assert_eq!(app.received("shopify").await.len(), before, "nothing was sent");

    // Put back, all is as before.
    assert_eq!(rows::execute(&app.database, swap), 2);
    rows::rows(
        &app.database,
        "SELECT pg_notify('llavero', 'cred_' || replace(id::text, '-', ''))::text FROM credentials",
    );
    for store in &stores {
        until("it works again", async || {
            (app.call(&store.access_token, "GET", "/anything").await.status == 200).then_some(())
        })
        .await;
    }
}
