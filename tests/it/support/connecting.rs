//! The way of a merchant through the real pages, from the partner's call to the code that comes back, for any platform and
//! method. Tests that are about one step stop there and look; all others take the whole way with `connect`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use url::Url;

use super::test_app::TestApp;
use super::visitor::{Answer, Visitor};

/// What a merchant may say at the platform, as the buttons there send it.
pub const APPROVE: &str = "approve";
pub const DENY: &str = "deny";
pub const OTHER: &str = "other";

/// The partner's address; nothing listens there, the tests only read where the browser would go.
pub const RETURN_URL: &str = "http://127.0.0.1:4999/return";

/// Platform, method and good fields of every way to connect that the simulated platforms know.
pub const WAYS: &[(&str, &str, Fields)] = &[
    ("mercado-libre", "authorization", MERCADO_LIBRE),
    ("walmart", "keys", WALMART),
    ("shopify", "expiring", SHOPIFY),
    ("shopify", "fixed", SHOPIFY),
    ("shopify", "admin-token", SHOPIFY_ADMIN),
    ("woocommerce", "keys", WOOCOMMERCE),
    ("woocommerce", "one-click", WOOCOMMERCE_ONE_CLICK),
    ("hybris", "client", HYBRIS),
    ("falabella", "keys", FALABELLA),
];

pub type Fields = &'static [(&'static str, &'static str)];

pub const MERCADO_LIBRE: Fields = &[("country", "AR")];
pub const WALMART: Fields = &[
    ("client_id", "sandbox-seller"),
    ("client_secret", "sandbox-secret"),
    ("market", "us"),
];
pub const SHOPIFY: Fields = &[("shop", "acme.myshopify.com")];
pub const SHOPIFY_ADMIN: Fields = &[
    ("shop", "acme.myshopify.com"),
    ("access_token", "shpat_5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"),
];
pub const WOOCOMMERCE: Fields = &[
    ("store_url", "https://shop.example.com"),
    ("consumer_key", "ck_5a00000000000000000000000000000000000001"),
    ("consumer_secret", "cs_5a00000000000000000000000000000000000001"),
];
pub const WOOCOMMERCE_ONE_CLICK: Fields = &[("store_url", "https://shop.example.com")];
pub const HYBRIS: Fields = &[
    ("base_url", "https://api.acme-p1.model-t.cc.commerce.ondemand.com"),
    ("base_site", "electronics"),
    ("client_id", "sandbox-client"),
    ("client_secret", "sandbox-secret"),
];
pub const FALABELLA: Fields = &[
    ("user_id", "sandbox-one@example.com"),
    ("api_key", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"),
    ("seller_id", "SC12345"),
    ("country", "CL"),
];

/// Good fields of a way to connect.
pub fn good(platform: &str, method: &str) -> Fields {
    let way = WAYS.iter().find(|way| way.0 == platform && way.1 == method);
    way.unwrap_or_else(|| panic!("no way {platform} {method}")).2
}

/// A platform, one of its methods and what a merchant types.
#[derive(Debug, Clone)]
pub struct Way {
    pub platform: String,
    pub method: String,
    pub fields: Vec<(String, String)>,
}

impl Way {
    pub fn good(platform: &str, method: &str) -> Self {
        Self::with(platform, method, good(platform, method))
    }

    pub fn with(platform: &str, method: &str, fields: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            platform: platform.to_owned(),
            method: method.to_owned(),
            fields: fields.iter().map(own).collect(),
        }
    }

    /// The same with one field changed.
    pub fn but(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|field| field.0 != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A connect session as its partner got it.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: String,
    pub url: String,
}

/// Where the browser was sent at the end, with its parameters.
#[derive(Debug, Clone)]
pub struct Returned {
    pub url: Url,
    pub values: BTreeMap<String, String>,
}

impl Returned {
    pub fn code(&self) -> &str {
        self.values
            .get("code")
            .unwrap_or_else(|| panic!("no code in {}", self.url))
    }

    pub fn error(&self) -> &str {
        self.values
            .get("error")
            .unwrap_or_else(|| panic!("no error in {}", self.url))
    }
}

/// A store with its token, as a partner holds it.
#[derive(Debug, Clone)]
pub struct Connected {
    pub access_token: String,
    pub store_id: String,
    pub store: Value,
    pub session_id: String,
    pub returned: Returned,
}

/// Connects a store of the customer `customer-1` as a merchant would.
pub async fn connect(app: &TestApp, platform: &str, method: &str, fields: &[(&str, &str)]) -> Connected {
    connect_for(app, "customer-1", &Way::with(platform, method, fields)).await
}

pub async fn connect_for(app: &TestApp, customer: &str, way: &Way) -> Connected {
    let session = begin(app, json!({ "customer_id": customer, "platform": way.platform })).await;
    let visitor = Visitor::new();
    let returned = walk(app, &visitor, &session.url, way).await;
    let answer = exchange(app, returned.code()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    Connected {
        access_token: body["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("no token: {body}"))
            .to_owned(),
        store_id: body["store"]["id"].as_str().unwrap().to_owned(),
        store: body["store"].clone(),
        session_id: session.id,
        returned,
    }
}

/// A connect session; customer and return URL are added where `body` has none.
pub async fn begin(app: &TestApp, body: Value) -> Session {
    let mut full = json!({ "customer_id": "customer-1", "return_url": RETURN_URL });
    for (name, value) in body.as_object().unwrap() {
        full[name] = value.clone();
    }
    session(&app.api("POST", "/v1/connect-sessions", Some(full)).await)
}

/// A connect session that renews one store.
pub async fn begin_again(app: &TestApp, store_id: &str, body: Value) -> Session {
    let mut full = json!({ "return_url": RETURN_URL });
    for (name, value) in body.as_object().unwrap() {
        full[name] = value.clone();
    }
    session(
        &app.api("POST", &format!("/v1/stores/{store_id}/reauthorize"), Some(full))
            .await,
    )
}

fn session(answer: &Answer) -> Session {
    assert_eq!(answer.status, 201, "{}", answer.body);
    let body = answer.json();
    Session {
        id: body["id"].as_str().unwrap().to_owned(),
        url: body["url"].as_str().unwrap().to_owned(),
    }
}

pub async fn exchange(app: &TestApp, code: &str) -> Answer {
    app.api("POST", "/v1/access-tokens/exchange", Some(json!({ "code": code })))
        .await
}

/// From the link to the address that the browser is sent back to.
pub async fn walk(app: &TestApp, visitor: &Visitor, url: &str, way: &Way) -> Returned {
    way_back(&walk_to_end(app, visitor, url, way).await)
}

/// From the link to the last page of ours, saying yes at the platform.
pub async fn walk_to_end(app: &TestApp, visitor: &Visitor, url: &str, way: &Way) -> Answer {
    let page = fill_in(app, visitor, url, way).await;
    if at_platform(app, &page) {
        press(app, visitor, &page, APPROVE).await
    } else {
        page
    }
}

/// Opens the link, finds the form of the method and sends it: ends at the platform's log-in page or on ours.
pub async fn fill_in(app: &TestApp, visitor: &Visitor, url: &str, way: &Way) -> Answer {
    let page = form_page(app, visitor, url, way).await;
    send(app, visitor, &page, way).await
}

/// The page with the form of this method.
pub async fn form_page(app: &TestApp, visitor: &Visitor, url: &str, way: &Way) -> Answer {
    let page = visitor.open(url, &[&app.url]).await;
    assert_eq!(page.status, 200, "{}: {}", page.url.path(), page.text());
    if shows(&page, way) {
        return page;
    }
    for link in page.attributes("a.choice", "href") {
        let next = visitor.open(page.url.join(&link).unwrap().as_str(), &[&app.url]).await;
        if shows(&next, way) {
            return next;
        }
    }
    panic!(
        "no way to {} {} from {}:\n{}",
        way.platform,
        way.method,
        page.url,
        page.text()
    );
}

fn shows(page: &Answer, way: &Way) -> bool {
    page.forms()
        .iter()
        .any(|form| form.values.get("method") == Some(&way.method))
}

/// Fills in and sends the form that stands on the page.
pub async fn send(app: &TestApp, visitor: &Visitor, page: &Answer, way: &Way) -> Answer {
    let form = page.form_with("method");
    let fields: Vec<(&str, &str)> = way
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    for (name, _) in &fields {
        assert!(
            form.values.contains_key(*name),
            "no field `{name}` in {:?}",
            form.values.keys()
        );
    }
    let answer = visitor.submit(&form, &fields).await;
    visitor.follow(answer, &[&app.url, &app.sandbox]).await
}

pub fn at_platform(app: &TestApp, page: &Answer) -> bool {
    page.url.as_str().starts_with(&app.sandbox)
}

/// Presses a button at the platform and comes back to the last page of ours.
pub async fn press(app: &TestApp, visitor: &Visitor, page: &Answer, label: &str) -> Answer {
    let answer = visitor.press(page, label).await;
    visitor.follow(answer, &[&app.url, &app.sandbox]).await
}

/// Presses a button at the platform; the address of our callback, which nobody has visited yet.
pub async fn callback_url(visitor: &Visitor, page: &Answer, label: &str) -> Url {
    let answer = visitor.press(page, label).await;
    let callback = answer
        .location
        .clone()
        .unwrap_or_else(|| panic!("{}: {}", answer.status, answer.text()));
    assert!(callback.path().starts_with("/connect/callback/"), "{callback}");
    callback
}

/// Where the last page sends the browser.
pub fn way_back(page: &Answer) -> Returned {
    let links = page.attributes("a[href]", "href");
    let own = |link: &&String| link.starts_with(RETURN_URL);
    let link = links
        .iter()
        .find(own)
        .unwrap_or_else(|| panic!("no way back on {}:\n{}", page.url, page.text()));
    let url: Url = link.parse().unwrap();
    let values = url.query_pairs().into_owned().collect();
    Returned { url, values }
}

/// The stores of the demo app, newest first.
pub async fn stores(app: &TestApp) -> Vec<Value> {
    let answer = app.api("GET", "/v1/stores", None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["data"].as_array().unwrap().clone()
}

pub async fn store(app: &TestApp, id: &str) -> Value {
    let answer = app.api("GET", &format!("/v1/stores/{id}"), None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

pub async fn session_status(app: &TestApp, id: &str) -> String {
    let answer = app.api("GET", &format!("/v1/connect-sessions/{id}"), None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["status"].as_str().unwrap().to_owned()
}

/// A Llavero whose jobs are not the matter of the test.
pub async fn start() -> TestApp {
    start_with(super::test_app::Wishes::default()).await
}

pub async fn start_with(wishes: super::test_app::Wishes) -> TestApp {
    let mut app = TestApp::with(wishes).await;
    app.jobs_may_wait();
    app
}

/// A page of ours that says something in words and has no form of a method.
pub fn assert_connects_nothing(page: &Answer) {
    assert!(
        page.forms().iter().all(|form| !form.values.contains_key("method")),
        "{}",
        page.text()
    );
    assert!(!page.body.contains("code=llv_cd_"), "{}", page.body);
}

/// The link that a notice would carry for a store.
pub fn reconnect_url(app: &TestApp, store_id: &str) -> String {
    let expiry = llavero::broker::notify::reconnect_expiry(app.clock.now());
    let token = llavero::broker::notify::reconnect_token(&app.app.sealer, store_id.parse().unwrap(), expiry);
    format!("{}/reconnect/{token}", app.url)
}
