//! Installations that begin at a platform, as its app store begins them: an app with its own client there, the address that
//! the platform opens, and the way from there to the partner.

use llavero::domain::store::Mode;
use serde_json::{Value, json};

use super::connecting::{APPROVE, Returned, at_platform, press, way_back};
use super::partners::{OtherApp, other_app};
use super::test_app::{TestApp, read};
use super::visitor::{Answer, Visitor};

/// The app's client at every simulated platform, which knows ids that begin like this.
pub const CLIENT: &str = "sandbox-installs";

/// What the app answers eBay with, which asks about its address.
pub const VERIFICATION_TOKEN: &str = "sandbox_verification-token_0123456789";

/// A partner's app, and how it is known at one platform.
pub struct Installing {
    pub partner: OtherApp,
    pub platform: String,
    client: String,
}

/// A store that was installed, and how its partner holds it.
pub struct Installed {
    pub store_id: String,
    pub access_token: String,
}

/// The client's values by the names that this platform has for them.
async fn client(app: &TestApp, platform: &str) -> (String, Value) {
    let (id, secret) = (CLIENT, "sandbox-secret");
    match platform {
        "tiktok-shop" => {
            let fields = json!({ "app_key": id, "app_secret": secret, "service_id": id });
            (id.to_owned(), fields)
        }
        // The store and the page know the app by another id than the token address does.
        "amazon" => {
            let application = "amzn1.sp.solution.installs";
            let fields = json!({ "application_id": application, "client_id": id, "client_secret": secret });
            (application.to_owned(), fields)
        }
        "temu" => (
            id.to_owned(),
            json!({ "app_key": id, "app_secret": secret, "region": "us" }),
        ),
        "ebay" => {
            let token = VERIFICATION_TOKEN;
            let fields = json!({
                "client_id": id, "client_secret": secret, "ru_name": "Sandbox-RuName", "verification_token": token,
            });
            (id.to_owned(), fields)
        }
        "tray" => (id.to_owned(), json!({ "consumer_key": id, "consumer_secret": secret })),
        "multivende" => {
            let id = "555512345678";
            (id.to_owned(), json!({ "client_id": id, "client_secret": secret }))
        }
        "tienda-nube" => {
            let id = "55551234";
            (id.to_owned(), json!({ "app_id": id, "client_secret": secret }))
        }
        "wix" => {
            let accounts = Visitor::new().get(&format!("{}/_control/accounts", app.sandbox)).await;
            let key = accounts.json()["platform_public_key"]
                .as_str()
                .unwrap()
                .trim()
                .to_owned();
            let fields = json!({ "client_id": id, "client_secret": secret, "public_key": key.replace('\n', " ") });
            (id.to_owned(), fields)
        }
        _ => (id.to_owned(), json!({ "client_id": id, "client_secret": secret })),
    }
}

/// Gives the app with this key its client at a platform, and the platform the app's callback.
pub async fn register(app: &TestApp, key: &str, platform: &str) -> String {
    let (id, fields) = client(app, platform).await;
    let body = json!({ "fields": fields });
    let answer = app
        .api_as(key, "PUT", &format!("/v1/platforms/{platform}/app"), Some(body))
        .await;
    assert!(answer.status < 300, "{platform}: {}", answer.body);
    register_callback(app, &format!("{}/connect/callback/{{platform}}", app.url)).await;
    id
}

/// Where platforms send browsers that read no address from the request.
pub async fn register_callback(app: &TestApp, address: &str) {
    app.control("partner", json!({ "callback": address })).await;
}

impl Installing {
    pub async fn new(app: &TestApp, platform: &str) -> Self {
        let partner = other_app(app, Mode::Sandbox).await;
        let client = register(app, &partner.key, platform).await;
        Self {
            partner,
            platform: platform.to_owned(),
            client,
        }
    }

    /// The account at the platform, where the first one that it knows will not do.
    fn account(&self) -> Option<&'static str> {
        match self.platform.as_str() {
            "shopify" => Some("acme.myshopify.com"),
            "shoplazza" => Some("acme.myshoplaza.com"),
            // A seller with a single shop: nothing has to be chosen.
            "tiktok-shop" => Some("7010736057180325638"),
            _ => None,
        }
    }

    /// Where the platform has to open the app.
    pub fn address(&self, app: &TestApp) -> String {
        format!("{}/connect/install/{}/{}", app.url, self.partner.id, self.platform)
    }

    /// The app's address with what the platform adds to it.
    pub async fn url(&self, app: &TestApp) -> String {
        let order = json!({
            "platform": self.platform,
            "client_id": self.client,
            "url": self.address(app),
            "store": self.account(),
        });
        let made = app.control("install", order).await;
        made["url"].as_str().unwrap().to_owned()
    }

    /// From the platform's store to the last page of ours, saying yes where the platform asks.
    pub async fn walk(&self, app: &TestApp, visitor: &Visitor) -> Answer {
        let url = self.url(app).await;
        self.open(app, visitor, &url).await
    }

    pub async fn open(&self, app: &TestApp, visitor: &Visitor, url: &str) -> Answer {
        let page = visitor.open(url, &[&app.url, &app.sandbox]).await;
        if at_platform(app, &page) {
            press(app, visitor, &page, APPROVE).await
        } else {
            page
        }
    }

    /// Installs, and hands the store to a customer.
    pub async fn install(&self, app: &TestApp, customer: Option<&str>) -> Installed {
        let returned = way_back(&self.walk(app, &Visitor::new()).await);
        let body = self.exchange(app, &returned, customer).await;
        Installed {
            store_id: body["store"]["id"].as_str().unwrap().to_owned(),
            access_token: body["access_token"].as_str().unwrap_or_default().to_owned(),
        }
    }

    pub async fn exchange(&self, app: &TestApp, returned: &Returned, customer: Option<&str>) -> Value {
        let body = json!({ "code": returned.code(), "customer_id": customer });
        let answer = app
            .api_as(&self.partner.key, "POST", "/v1/access-tokens/exchange", Some(body))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub async fn store(&self, app: &TestApp, id: &str) -> Value {
        let answer = app
            .api_as(&self.partner.key, "GET", &format!("/v1/stores/{id}"), None)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub async fn stores(&self, app: &TestApp) -> Vec<Value> {
        let answer = app.api_as(&self.partner.key, "GET", "/v1/stores", None).await;
        answer.json()["data"].as_array().unwrap().clone()
    }

    /// Where the platform sends its webhooks.
    pub fn hooks(&self, app: &TestApp) -> String {
        format!("{}/hooks/{}/{}", app.url, self.partner.id, self.platform)
    }

    /// Lets the platform announce that the app was removed; the status that it was answered.
    pub async fn announce(&self, app: &TestApp, more: Value) -> u64 {
        let mut order = json!({ "platform": self.platform, "client_id": self.client, "url": self.hooks(app) });
        if let Some(account) = self.account() {
            order["store"] = json!(account);
        }
        for (name, value) in more.as_object().unwrap() {
            order[name] = value.clone();
        }
        let told = app.control("hooks", order).await;
        told["answer"]["status"].as_u64().unwrap_or_else(|| panic!("{told}"))
    }
}

/// A webhook of one's own making.
pub async fn post(url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    #[expect(clippy::disallowed_types, reason = "the test is the client")]
    let client = reqwest::Client::new();
    let mut request = client.post(url).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(request.send().await.unwrap()).await
}
