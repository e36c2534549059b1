//! A live store whose platform is real software of others: tokens come from npm's `oidc-provider`, live for seconds, and
//! are refused when it says so. Nothing here is simulated by us but the shop's one page of products.

use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl as _};
use serde_json::json;

use super::partner::Partner;
use super::process::until;
use super::product::Production;
use super::programs::ProviderPrograms;
use super::shop::{BASE_SITE, CLIENT, SECRET, Shop};
use super::support::database::TestDatabase;
use super::support::visitor::Visitor;

const RETURN_URL: &str = "https://partner.example/back";
const PRODUCTS: &str = "/v1/proxy/occ/v2/electronics/products/search";

pub async fn walk(programs: ProviderPrograms) {
    let shop = Shop::open(&programs).await;
    let database = TestDatabase::migrated();
    let mut llavero = Production::prepare(&database.url());
    let made = llavero.command(&[
        "app",
        "add",
        "--partner",
        "Acme",
        "--name",
        "Acme Orders",
        "--mode",
        "live",
        "--return-url",
        RETURN_URL,
    ]);
    let key = word_with("llv_sk_", &made);
    llavero.command(&["admin", "add", "owner@example.com", "--role", "owner"]);
    llavero.start().await;
    let partner = Partner::new(&llavero.url, &key);

    let token = exchange(&partner, &connect(&partner, &llavero.url, &shop).await).await;
    let first = partner.get_as(&token, PRODUCTS).await;
    assert_eq!(
        (first.status, first.header("llavero-source")),
        (200, "platform"),
        "{}",
        first.body
    );
    assert_eq!(first.json()["site"], BASE_SITE);
    assert!(shop.accepts_last_token().await);

    until("the provider's word that the token expired", async || {
        (!shop.accepts_last_token().await).then_some(())
    })
    .await;
    let second = partner.get_as(&token, PRODUCTS).await;
    assert_eq!(
        (second.status, second.header("llavero-source")),
        (200, "platform"),
        "{}",
        second.body
    );
    assert!(shop.accepts_last_token().await);

    shop.remove_client().await;
    let refused = until("the store to need its merchant", async || {
        let answer = partner.get_as(&token, PRODUCTS).await;
        (answer.json()["code"] == "store_needs_reauthorization").then_some(answer)
    })
    .await;
    assert_eq!(refused.status, 401, "{}", refused.body);
    let stores = partner.get("/v1/stores").await.json();
    assert_eq!(stores["data"][0]["status"], "needs_reauthorization", "{stores}");
    until("the notice about it", async || (notices(&database) > 0).then_some(())).await;
}

/// The merchant's part: answers the one-time code that the browser is sent back with.
async fn connect(partner: &Partner, url: &str, shop: &Shop) -> String {
    let asked = json!({ "customer_id": "customer-7", "return_url": RETURN_URL, "platform": "hybris", "state": "s-1",
        "merchant": { "email": "merchant@example.com" } });
    let session = partner.post("/v1/connect-sessions", &asked).await;
    assert_eq!(session.status, 201, "{}", session.body);
    let merchant = Visitor::new();
    let ours = [url];
    let page = merchant.open(session.json()["url"].as_str().unwrap(), &ours).await;
    let form = page.form_with("base_url");
    let entered = [
        ("base_url", shop.url.as_str()),
        ("base_site", BASE_SITE),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
    ];
    let answer = merchant.submit(&form, &entered).await;
    let done = merchant.follow(answer, &ours).await;
    let back = match &done.location {
        Some(back) => back.to_string(),
        None => done.link("Back to"),
    };
    assert!(back.starts_with(RETURN_URL), "{back}\n{}", done.text());
    let back = url::Url::parse(&back).unwrap();
    let value = |name: &str| {
        back.query_pairs()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
    };
    assert_eq!(value("state").as_deref(), Some("s-1"), "{back}");
    value("code").unwrap_or_else(|| panic!("{back}"))
}

/// The one-time code becomes the store's token.
async fn exchange(partner: &Partner, code: &str) -> String {
    let asked = json!({ "code": code, "customer_id": "customer-7" });
    let answer = partner.post("/v1/access-tokens/exchange", &asked).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

fn word_with(start: &str, text: &str) -> String {
    let found = text.split_whitespace().find(|word| word.starts_with(start));
    found.unwrap_or_else(|| panic!("no {start} in: {text}")).to_owned()
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// Notices that the store needs its merchant.
fn notices(database: &TestDatabase) -> i64 {
    let query = "SELECT count(*) FROM notices WHERE kind = $1";
    let found: Count = diesel::sql_query(query)
        .bind::<Text, _>("needs_reauthorization")
        .get_result(&mut database.connect())
        .unwrap();
    found.count
}
