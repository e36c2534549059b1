//! Webhook endpoints: secrets are shown once and sealed, addresses are public ones, and nobody sees another's.

use llavero::domain::scope::Scope;
use llavero::domain::store::Mode;
use serde_json::{Value, json};

use crate::support::connecting::{start, start_with};
use crate::support::partners::{key, other_app};
use crate::support::receiver::Receiver;
use crate::support::rows::{count, execute, rows, work};
use crate::support::test_app::Wishes;
use crate::support::webhooks::{Listening, deliveries, events};

const ENDPOINTS: &str = "/v1/webhook-endpoints";

#[tokio::test]
async fn an_endpoint_is_made_read_changed_and_deleted() {
    let app = start().await;
    let asked = json!({
        "url": "https://partner.example/hooks",
        "description": " Orders ",
        "event_types": ["store.connected", "store.revoked"],
    });
    let made = app.api("POST", ENDPOINTS, Some(asked)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && standardwebhooks::Webhook::new(&secret).is_ok());
    assert_eq!(
        (&made["description"], &made["disabled"], &made["disabled_at"]),
        (&json!("Orders"), &json!(false), &Value::Null)
    );
    let path = format!("{ENDPOINTS}/{}", made["id"].as_str().unwrap());

    let shown = app.api("GET", &path, None).await;
    assert_eq!(shown.json()["event_types"], json!(["store.connected", "store.revoked"]));
    let listed = app.api("GET", ENDPOINTS, None).await;
    assert_eq!(listed.json()["data"][0]["id"], made["id"]);
    for answer in [&shown, &listed] {
        assert!(!answer.body.contains("whsec_"), "{}", answer.body);
    }

    let change = json!({ "url": "https://partner.example/new", "event_types": [], "disabled": true });
    let changed = app.api("PATCH", &path, Some(change)).await.json();
    assert_eq!(changed["url"], "https://partner.example/new");
    assert_eq!(changed["disabled_reason"], "partner");
    let enabled = app.api("PATCH", &path, Some(json!({ "disabled": false }))).await.json();
    assert_eq!(
        (&enabled["disabled"], &enabled["description"]),
        (&json!(false), &json!("Orders"))
    );

    assert_eq!(app.api("DELETE", &path, None).await.status, 204);
    assert_eq!(app.api("GET", &path, None).await.status, 404);
}

#[tokio::test]
async fn secrets_stand_sealed_in_the_database_and_in_no_trail() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    let rolled = app.api("POST", &format!("{}/secret", listening.path()), None).await;
    let rolled = rolled.json()["secret"].as_str().unwrap().to_owned();
    assert_ne!(rolled, listening.secret);
    let everything = [
        rows(&app.database, "SELECT * FROM webhook_endpoints"),
        rows(&app.database, "SELECT * FROM audit_events"),
    ];
    let everything = serde_json::to_string(&everything).unwrap();
    // Bytes are shown as hexadecimal digits.
    for secret in [&rolled, &listening.secret] {
        let digits: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!everything.contains(secret.as_str()) && !everything.contains(&digits));
    }
    for action in ["webhook_endpoint.made", "webhook_endpoint.secret_rolled"] {
        assert!(everything.contains(action), "{action}");
    }
}

#[tokio::test]
async fn what_cannot_be_an_endpoint_is_refused_with_the_field_named() {
    let wishes = Wishes {
        strict_hosts: true,
        ..Wishes::default()
    };
    let app = start_with(wishes).await;
    for (url, told) in [
        ("partner.example/hooks", "https"),
        ("http://partner.example/hooks", "https"),
        ("ftp://partner.example/hooks", "http"),
        ("https://user@partner.example/", "user name"),
        ("https://user:secret@partner.example/", "user name"),
        ("https://partner.example/#x", "fragment"),
        ("https://127.0.0.1/hooks", "loopback"),
        ("https://10.1.2.3/hooks", "private"),
        ("https://169.254.169.254/latest", "link-local"),
        ("https://[::1]/hooks", "loopback"),
        ("https://[::ffff:10.0.0.1]/hooks", "private"),
    ] {
        let answer = app.api("POST", ENDPOINTS, Some(json!({ "url": url }))).await;
        let errors = answer.json()["errors"].clone();
        assert_eq!(
            (answer.status, &errors[0]["field"]),
            (400, &json!("url")),
            "{url}: {}",
            answer.body
        );
        assert!(errors[0]["message"].as_str().unwrap().contains(told), "{url}: {errors}");
    }
    for (field, body) in [
        (
            "event_types[0]",
            json!({ "url": "https://p.example", "event_types": ["store.exploded"] }),
        ),
        (
            "event_types",
            json!({ "url": "https://p.example", "event_types": ["webhook.test"] }),
        ),
        (
            "description",
            json!({ "url": "https://p.example", "description": "x".repeat(201) }),
        ),
        ("secret", json!({ "url": "https://p.example", "secret": "whsec_mine" })),
    ] {
        let answer = app.api("POST", ENDPOINTS, Some(body)).await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["field"]),
            (400, &json!(field)),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_called() {
    let wishes = Wishes {
        strict_hosts: true,
        ..Wishes::default()
    };
    let app = start_with(wishes).await;
    let listening = Listening::with(&app, json!({ "url": "https://localhost:1/hooks" })).await;
    listening.test(&app).await;
    work(&app).await;
    let tried = deliveries(&app, "").await;
    let attempt = &tried[0]["attempts"][0];
    assert_eq!(
        (&tried[0]["status"], &attempt["http_status"]),
        (&json!("pending"), &Value::Null)
    );
    assert!(attempt["error"].as_str().unwrap().contains("loopback"), "{attempt}");
}

#[tokio::test]
async fn another_app_sees_and_touches_nothing() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    let delivery = listening.test(&app).await;
    let delivery = format!("/v1/webhook-deliveries/{}", delivery["id"].as_str().unwrap());
    let other = other_app(&app, Mode::Sandbox).await;
    let range = json!({ "since": "2026-01-01T00:00:00Z" });
    for (method, path, body) in [
        ("GET", listening.path(), None),
        ("PATCH", listening.path(), Some(json!({ "disabled": true }))),
        ("DELETE", listening.path(), None),
        ("POST", format!("{}/test", listening.path()), None),
        ("POST", format!("{}/secret", listening.path()), None),
        ("POST", format!("{}/replay", listening.path()), Some(range)),
        ("GET", delivery.clone(), None),
        ("POST", format!("{delivery}/retry"), None),
    ] {
        let answer = app.api_as(&other.key, method, &path, body).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
    }
    for path in [ENDPOINTS, "/v1/webhook-deliveries", "/v1/events"] {
        let answer = app.api_as(&other.key, "GET", path, None).await;
        assert_eq!(answer.json()["data"], json!([]), "{path}");
    }
    work(&app).await;
    assert_eq!(receiver.kinds(), ["webhook.test"]);
    assert_eq!(listening.shown(&app).await["disabled"], false);
}

#[tokio::test]
async fn each_call_asks_for_its_scope() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    for (method, path, body, scope) in [
        ("GET", ENDPOINTS.to_owned(), None, Scope::WebhooksWrite),
        (
            "POST",
            ENDPOINTS.to_owned(),
            Some(json!({ "url": receiver.url })),
            Scope::WebhooksWrite,
        ),
        ("GET", listening.path(), None, Scope::WebhooksWrite),
        ("PATCH", listening.path(), Some(json!({})), Scope::WebhooksWrite),
        ("POST", format!("{}/test", listening.path()), None, Scope::WebhooksWrite),
        (
            "POST",
            format!("{}/secret", listening.path()),
            None,
            Scope::WebhooksWrite,
        ),
        ("GET", "/v1/webhook-deliveries".to_owned(), None, Scope::WebhooksWrite),
        ("GET", "/v1/events".to_owned(), None, Scope::StoresRead),
        ("DELETE", listening.path(), None, Scope::WebhooksWrite),
    ] {
        let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|other| *other != scope).collect();
        let without = key(&app, &others).await;
        let refused = app.api_as(&without, method, &path, body.clone()).await;
        assert_eq!(refused.status, 403, "{method} {path}: {}", refused.body);
        let only = key(&app, &[scope]).await;
        let answer = app.api_as(&only, method, &path, body).await;
        assert!(
            answer.status < 300,
            "{method} {path}: {} {}",
            answer.status,
            answer.body
        );
    }
}

#[tokio::test]
async fn an_endpoint_gets_the_types_it_wants_and_a_test_whatever_it_wants() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let asked = json!({ "url": receiver.url, "event_types": ["store.revoked"] });
    let listening = Listening::with(&app, asked).await;
    let store = crate::support::connecting::connect_for(
        &app,
        "customer-1",
        &crate::support::connecting::Way::good("woocommerce", "keys"),
    )
    .await;
    listening.test(&app).await;
    app.api("DELETE", &format!("/v1/stores/{}", store.store_id), None).await;
    work(&app).await;
    let mut kinds = receiver.kinds();
    kinds.sort();
    assert_eq!(kinds, ["store.revoked", "webhook.test"]);
    // Everything is in the list all the same.
    assert_eq!(
        crate::support::webhooks::kinds(&events(&app, "").await),
        ["store.connected", "store.revoked", "webhook.test"]
    );
}

#[tokio::test]
async fn an_endpoint_that_is_switched_off_gets_nothing_and_its_queue_is_given_up() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    listening.test(&app).await;
    app.api("PATCH", &listening.path(), Some(json!({ "disabled": true })))
        .await;
    work(&app).await;
    assert_eq!(receiver.kinds().len(), 0);
    let given_up = deliveries(&app, "?status=dead_lettered").await;
    assert_eq!(given_up.len(), 1);
    let path = format!("/v1/webhook-deliveries/{}/retry", given_up[0]["id"].as_str().unwrap());
    for path in [path, format!("{}/test", listening.path())] {
        assert_eq!(app.api("POST", &path, None).await.status, 409, "{path}");
    }
}

#[tokio::test]
async fn an_app_has_a_limited_number_of_endpoints() {
    let app = start().await;
    let asked = json!({ "url": "https://partner.example/hooks" });
    for _ in 0..20 {
        assert_eq!(app.api("POST", ENDPOINTS, Some(asked.clone())).await.status, 201);
    }
    assert_eq!(app.api("POST", ENDPOINTS, Some(asked)).await.status, 409);
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM webhook_endpoints"), 20);
}

#[tokio::test]
async fn the_limit_of_endpoints_holds_for_many_at_once() {
    let app = start().await;
    let asked = json!({ "url": "https://partner.example/hooks" });
    for _ in 0..15 {
        assert_eq!(app.api("POST", ENDPOINTS, Some(asked.clone())).await.status, 201);
    }
    // Whoever counts before it writes is slow to write.
    execute(
        &app.database,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END $$",
    );
    execute(
        &app.database,
        "CREATE TRIGGER slow BEFORE INSERT ON webhook_endpoints FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    let many = (0..10).map(|_| app.api("POST", ENDPOINTS, Some(asked.clone())));
    let answers = futures_util::future::join_all(many).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 5);
    assert!(answers.iter().all(|answer| [201, 409].contains(&answer.status)));
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM webhook_endpoints"), 20);
}

#[tokio::test]
async fn times_that_no_calendar_of_ours_holds_are_refused_with_the_field_named() {
    let app = start().await;
    let made = app
        .api(
            "POST",
            ENDPOINTS,
            Some(json!({ "url": "https://partner.example/hooks" })),
        )
        .await
        .json();
    let path = format!("{ENDPOINTS}/{}/replay", made["id"].as_str().unwrap());
    for wrong in [
        "-5000-01-01T00:00:00Z",
        "+262000-01-01T00:00:00Z",
        "2026-01-01",
        "soon",
        "",
    ] {
        for field in ["since", "until"] {
            let mut body = json!({ "since": "2026-01-01T00:00:00Z" });
            body[field] = json!(wrong);
            let answer = app.api("POST", &path, Some(body)).await;
            let told = (answer.status, answer.json()["errors"][0]["field"].clone());
            assert_eq!(told, (400, json!(field)), "{wrong}: {}", answer.body);
        }
    }
    for good in ["0000-01-01T00:00:00Z", "2026-01-01T00:00:00+02:00"] {
        let answer = app.api("POST", &path, Some(json!({ "since": good }))).await;
        assert_eq!(answer.status, 202, "{good}: {}", answer.body);
    }
}
