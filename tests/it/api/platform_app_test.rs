//! Trying the app's own client at a platform: right and wrong secrets are told apart, and nothing else changes.

use std::collections::BTreeMap;
use std::time::Duration;

use llavero::broker::asker::Asker;
use llavero::broker::platform_app_test::{self, Verdict};
use llavero::broker::platform_apps::{self, ClientValues};
use llavero::db;
use llavero::db::platform_apps::PlatformApp;
use llavero::domain::admin::Actor;
use llavero::domain::secret::Secret;
use llavero::domain::store::Mode;
use llavero::platform::Values;
use serde_json::{Value, json};

use crate::support::connecting::{Way, connect_for, start};
use crate::support::rows::{count, row};
use crate::support::test_app::TestApp;
use crate::support::visitor::{Answer, Visitor};

async fn put(app: &TestApp, slug: &str, secret: &str, standby: Option<&str>) {
    let mut body = json!({ "fields": { "client_id": "sandbox-own", "client_secret": secret } });
    if let Some(standby) = standby {
        body["standby"] = json!({ "client_secret": standby });
    }
    let answer = app.api("PUT", &format!("/v1/platforms/{slug}/app"), Some(body)).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

async fn test(app: &TestApp, slug: &str, body: Option<Value>) -> Answer {
    app.api("POST", &format!("/v1/platforms/{slug}/app/test"), body).await
}

#[tokio::test]
async fn a_right_secret_is_accepted_and_a_wrong_one_refused() {
    let app = start().await;
    put(&app, "mercado-libre", "sandbox-secret", None).await;
    let told = test(&app, "mercado-libre", None).await;
    assert_eq!(told.status, 200, "{}", told.body);
    let told = told.json();
    assert_eq!(
        (
            &told["verdict"],
            &told["platform_code"],
            &told["method"],
            &told["standby"]
        ),
        (
            &json!("accepted"),
            &json!("invalid_grant"),
            &json!("authorization"),
            &Value::Null
        )
    );
    put(&app, "mercado-libre", "a-wrong-secret", None).await;
    let told = test(&app, "mercado-libre", None).await.json();
    assert_eq!(
        (&told["verdict"], &told["platform_code"]),
        (&json!("refused"), &json!("invalid_client"))
    );
    assert!(!told.to_string().contains("wrong-secret"));
}

#[tokio::test]
async fn a_second_set_of_secrets_is_tried_too() {
    let app = start().await;
    put(&app, "mercado-libre", "a-wrong-secret", Some("sandbox-secret")).await;
    let told = test(&app, "mercado-libre", None).await.json();
    assert_eq!(
        (&told["verdict"], &told["standby"]["verdict"]),
        (&json!("refused"), &json!("accepted"))
    );
}

#[tokio::test]
async fn a_test_touches_no_store_and_pauses_nothing_and_is_in_the_audit_trail() {
    let mut app = start().await;
    put(&app, "mercado-libre", "sandbox-secret", None).await;
    let connected = connect_for(&app, "customer-1", &Way::good("mercado-libre", "authorization")).await;
    put(&app, "mercado-libre", "a-wrong-secret", None).await;
    let credentials = "SELECT saved_attempt, next_attempt, failures, last_failure, failing_since FROM credentials";
    let before = row(&app.database, credentials);
    for _ in 0..3 {
        assert_eq!(test(&app, "mercado-libre", None).await.json()["verdict"], "refused");
    }
    assert_eq!(row(&app.database, credentials), before);
    let held = "SELECT count(*) AS n FROM platform_apps WHERE paused_at IS NOT NULL OR verdicts_held_at IS NOT NULL";
    assert_eq!(count(&app.database, held), 0);
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM refresh_logs"), 0);
    let store = app
        .api("GET", &format!("/v1/stores/{}", connected.store_id), None)
        .await
        .json();
    assert_eq!(
        (&store["status"], &store["health"]),
        (&json!("connected"), &json!("ok"))
    );
    let events = "SELECT details FROM audit_events WHERE action = 'platform_app.tested' ORDER BY id DESC LIMIT 1";
    let details = row(&app.database, events)["details"].clone();
    assert_eq!(
        (&details["verdict"], &details["code"]),
        (&json!("refused"), &json!("invalid_client"))
    );
    app.jobs_may_wait();
}

#[tokio::test]
async fn trouble_of_the_platform_tells_nothing_about_the_client() {
    let app = start().await;
    put(&app, "mercado-libre", "sandbox-secret", None).await;
    let fault = json!({ "calls": "token", "status": 503 });
    let order = json!({ "platform": "mercado-libre", "times": 1, "fault": fault });
    app.control("faults", order).await;
    let told = test(&app, "mercado-libre", None).await.json();
    assert_eq!(told["verdict"], "unclear", "{told}");
}

#[tokio::test]
async fn an_address_that_only_a_merchant_knows_is_asked_for() {
    let app = start().await;
    put(&app, "shopify", "sandbox-secret", None).await;
    let told = test(&app, "shopify", None).await;
    assert_eq!(
        (told.status, &told.json()["errors"][0]["field"]),
        (400, &json!("fields.shop"))
    );
    let elsewhere = json!({ "fields": { "shop": "evil.example" } });
    assert_eq!(test(&app, "shopify", Some(elsewhere)).await.status, 400);
    assert!(
        app.received("shopify").await.is_empty(),
        "nothing was sent without an address"
    );
    let shop = json!({ "fields": { "shop": "acme.myshopify.com" } });
    let told = test(&app, "shopify", Some(shop)).await;
    assert_eq!(told.status, 200, "{}", told.body);
    assert_eq!(app.token_calls("shopify").await, 1);
}

#[tokio::test]
async fn an_address_that_a_connection_brings_may_be_given() {
    let app = start().await;
    put(&app, "zoho-inventory", "sandbox-secret", None).await;
    let told = test(&app, "zoho-inventory", None).await.json();
    assert_eq!(
        (&told["verdict"], &told["http_status"]),
        (&json!("unclear"), &Value::Null)
    );
    let elsewhere = json!({ "fields": { "accounts_server": "https://evil.example" } });
    assert_eq!(test(&app, "zoho-inventory", Some(elsewhere)).await.status, 400);
    let server = json!({ "fields": { "accounts_server": "https://accounts.zoho.eu" } });
    let told = test(&app, "zoho-inventory", Some(server)).await;
    assert_eq!(told.status, 200, "{}", told.body);
    assert_eq!(app.token_calls("zoho-inventory").await, 1, "{}", told.body);
}

#[tokio::test]
async fn without_a_client_there_is_nothing_to_test() {
    let app = start().await;
    let told = test(&app, "woocommerce", None).await;
    assert_eq!(
        (told.status, &told.json()["verdict"]),
        (200, &json!("nothing_to_test")),
        "{}",
        told.body
    );
    let told = test(&app, "mercado-libre", None).await;
    assert_eq!((told.status, &told.json()["code"]), (409, &json!("conflict")));
    assert_eq!(test(&app, "no-such", None).await.status, 404);
}

#[tokio::test]
async fn where_only_a_connection_could_tell_that_is_said_and_nothing_sent() {
    let app = start().await;
    let (id, secret) = ("sandbox-client", "sandbox-secret");
    let client = json!({ "client_id": id, "client_secret": secret });
    for (platform, fields, needs) in [
        ("bigcommerce", client.clone(), "context"),
        (
            "tray",
            json!({ "consumer_key": id, "consumer_secret": secret }),
            "api_address",
        ),
        ("vend", client.clone(), "domain_prefix"),
        ("walmart", client.clone(), "seller_id"),
        ("weebly", client.clone(), "callback_url"),
        ("zoho-inventory", client, "accounts_server"),
    ] {
        let path = format!("/v1/platforms/{platform}/app");
        let answer = app.api("PUT", &path, Some(json!({ "fields": fields }))).await;
        assert!(answer.status < 300, "{platform}: {}", answer.body);
        let given = match platform {
            "tray" => Some(json!({ "fields": { "shop": "loja.commercesuite.com.br" } })),
            _ => None,
        };
        let told = test(&app, platform, given).await;
        assert_eq!(told.status, 200, "{platform}: {}", told.body);
        let told = told.json();
        assert_eq!(
            (&told["verdict"], &told["needs"]),
            (&json!("unclear"), &json!(needs)),
            "{told}"
        );
        assert!(told["detail"].as_str().unwrap().starts_with("Cannot tell"), "{told}");
        assert!(app.received(platform).await.is_empty(), "{platform}");
    }
}

#[tokio::test]
async fn why_there_is_nothing_to_test_is_said() {
    let app = start().await;
    for (platform, said) in [
        ("hybris", "each store brings a client of its own"),
        ("woocommerce", "stores give keys of their own"),
    ] {
        let told = test(&app, platform, None).await.json();
        assert_eq!(told["verdict"], "nothing_to_test");
        assert!(told["detail"].as_str().unwrap().contains(said), "{told}");
    }
}

#[tokio::test]
async fn an_app_that_tests_too_often_must_wait() {
    let app = start().await;
    put(&app, "mercado-libre", "sandbox-secret", None).await;
    for _ in 0..10 {
        assert_eq!(test(&app, "mercado-libre", None).await.status, 200);
    }
    let told = test(&app, "mercado-libre", None).await;
    assert_eq!(
        (told.status, &told.json()["code"]),
        (429, &json!("rate_limited")),
        "{}",
        told.body
    );
    assert!(told.headers.contains_key("retry-after"));
    assert_eq!(app.token_calls("mercado-libre").await, 10);
}

#[tokio::test]
async fn an_admin_tests_a_client_with_a_button() {
    let app = start().await;
    put(&app, "mercado-libre", "a-wrong-secret", None).await;
    let owner = Visitor::new();
    let link = format!("{}/admin/sign-in/{}", app.url, app.demo.admin_link.expose());
    let page = owner.get(&link).await;
    owner
        .submit(&page.form_with("password"), &[("password", "a long enough password")])
        .await;
    let own = format!("{}/admin/apps/{}/platforms/mercado-libre", app.url, app.demo.app_id);
    let installation = format!("{}/admin/platforms/mercado-libre/app/sandbox", app.url);
    for (url, said) in [(own, "refuses the client"), (installation, "accepts the client")] {
        let page = owner.get(&url).await;
        let form = page
            .forms()
            .into_iter()
            .find(|form| form.action.path().ends_with("/test"));
        let sent = owner
            .submit(&form.unwrap_or_else(|| panic!("no test on {url}")), &[])
            .await;
        assert_eq!(sent.status, 303, "{}", sent.text());
        let page = owner.get(&url).await;
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
}

/// Where a test cannot tell a right secret from a wrong one: what it says of either, and why.
const TELLS_NOT: &[(&str, Verdict, Verdict, &str)] = &[
    (
        "etsy",
        Verdict::Unclear,
        Verdict::Unclear,
        "the token address is not told the secret",
    ),
    (
        "shein",
        Verdict::Unclear,
        Verdict::Refused,
        "the code of a refused approval is not published",
    ),
    (
        "tiktok-shop",
        Verdict::Accepted,
        Verdict::Accepted,
        "which code a refused client gets is not published",
    ),
    (
        "tray",
        Verdict::Unclear,
        Verdict::Unclear,
        "a refresh is asked for without the secret",
    ),
    (
        "walmart",
        Verdict::Unclear,
        Verdict::Unclear,
        "a refused client has the code of anything refused",
    ),
    (
        "weebly",
        Verdict::Unclear,
        Verdict::Unclear,
        "no answer of the token address but a grant is documented",
    ),
];
/// What connections would bring, where no partner could name it.
const BROUGHT: &[(&str, &str, &str)] = &[
    ("bigcommerce", "context", "stores/g5cd38"),
    (
        "weebly",
        "callback_url",
        "https://www.weebly.com/app-center/oauth/finish",
    ),
];

#[tokio::test]
async fn at_every_platform_a_right_secret_is_told_from_a_wrong_one() {
    let mut app = start().await;
    app.jobs_may_wait();
    let mut told = Vec::new();
    let mut tested = 0;
    let tools = app.app.clone();
    for platform in tools.catalogue.platforms() {
        if !platform_app_test::is_testable(platform) {
            continue;
        }
        let client = installations(&app, &platform.slug).await;
        // What a merchant would type, or a connection bring.
        let mut given: BTreeMap<String, Secret> = platform_app_test::wanted(&tools, platform)
            .into_iter()
            .map(|field| {
                let chosen = field.choices.first().map(|choice| choice.value.as_str());
                (field.name.clone(), Secret::new(chosen.unwrap_or(&field.example)))
            })
            .collect();
        for (name, _, import) in platform.methods.iter().flat_map(|method| method.imports()) {
            given
                .entry(name.to_owned())
                .or_insert(Secret::new(import.example.as_str()));
        }
        for (_, name, value) in BROUGHT.iter().filter(|(slug, ..)| *slug == platform.slug) {
            given.insert((*name).to_owned(), Secret::new(*value));
        }
        let right = verdict(&app, &client, &given).await;
        let place = platform_apps::place(client.id, "values_sealed");
        let sealed = tools.sealer.open(place, &client.values_sealed).unwrap();
        let mut wrong = Values::from_bytes(sealed.expose()).unwrap();
        let fields = platform_apps::app_fields(platform);
        let secrets = fields.iter().filter(|field| field.secret).count();
        for field in fields {
            // Where there is no secret, the client itself is to be known.
            if field.secret || (secrets == 0 && field.required) {
                wrong.set(field.name.as_str(), "a-wrong-secret");
            }
        }
        let values = ClientValues {
            first: wrong,
            standby: None,
        };
        platform_apps::set_installation(&tools, &platform.slug, Mode::Sandbox, values, Actor::system())
            .await
            .unwrap();
        let client = installations(&app, &platform.slug).await;
        let wrong = verdict(&app, &client, &given).await;
        tested += 1;
        let listed = TELLS_NOT.iter().find(|(slug, ..)| *slug == platform.slug);
        let expected = listed.map_or((Verdict::Accepted, Verdict::Refused), |(_, right, wrong, _)| {
            (*right, *wrong)
        });
        if (right.0, wrong.0) != expected {
            told.push(format!("{}: right {right:?}, wrong {wrong:?}", platform.slug));
        }
    }
    assert!(told.is_empty(), "{told:#?}");
    assert!(tested > 20, "{tested} platforms were tried");
}

async fn installations(app: &TestApp, slug: &str) -> PlatformApp {
    let slug = slug.to_owned();
    let found = app
        .app
        .db
        .run::<_, db::Error, _>(move |conn| db::platform_apps::find_installation(conn, &slug, Mode::Sandbox));
    found.await.unwrap().unwrap()
}

async fn verdict(app: &TestApp, client: &PlatformApp, given: &BTreeMap<String, Secret>) -> (Verdict, String) {
    app.advance(Duration::from_secs(60));
    let asker = Asker {
        actor: Actor::system(),
        app: None,
        request_id: None,
    };
    let tested = platform_app_test::test(&app.app, &asker, client, given).await.unwrap();
    (tested.first.verdict, tested.first.detail)
}
