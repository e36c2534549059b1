//! One shop of one platform in a Llavero of its own: what a merchant, a partner and bad luck do to it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use llavero::broker::refresh::open_values;
use llavero::domain::id::{CredentialId, Id as _, StoreId};
use llavero::platform::Values;
use llavero::platform::descriptor::Method;
use llavero::platform::obtain::Obtain;
use serde_json::{Value, json};

use super::browser;
use super::table::Way;
use crate::support::connecting::{self, Connected, begin, begin_again, exchange, start, way_back};
use crate::support::rows::row;
use crate::support::test_app::{TestApp, read};
use crate::support::visitor::{Answer, Visitor};

/// How often somebody comes back who is told to wait.
const PATIENCE: usize = 8;

pub struct Shop {
    pub app: TestApp,
    pub way: Way,
    pub method: Method,
    connected: Option<Connected>,
}

impl Shop {
    pub async fn open(way: Way) -> Self {
        let app = start().await;
        let platform = app.app.catalogue.platform(&way.platform);
        let method = platform.and_then(|platform| platform.method(&way.method)).cloned();
        let method = method.unwrap_or_else(|| panic!("the catalogue has no {} {}", way.platform, way.method));
        Self {
            app,
            way,
            method,
            connected: None,
        }
    }

    pub fn store(&self) -> &Connected {
        self.connected.as_ref().unwrap_or_else(|| panic!("not connected"))
    }

    /// As a merchant connects it the first time.
    pub async fn connect(&mut self) {
        let session = begin(&self.app, json!({ "platform": self.way.platform })).await;
        let page = browser::through(&self.app, &session.url, &self.way.typed(), &self.way.account).await;
        let returned = way_back(&page);
        assert!(
            returned.values.contains_key("code"),
            "{}: {}",
            returned.url,
            page.text()
        );
        let answer = exchange(&self.app, returned.code()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.json();
        self.connected = Some(Connected {
            access_token: body["access_token"]
                .as_str()
                .unwrap_or_else(|| panic!("{body}"))
                .to_owned(),
            store_id: body["store"]["id"].as_str().unwrap().to_owned(),
            store: body["store"].clone(),
            session_id: session.id,
            returned,
        });
    }

    /// The session of a re-authorization, and its last page.
    pub async fn authorize_again(&self, typed: &connecting::Way, button: &str) -> (String, Answer) {
        let session = begin_again(&self.app, &self.store().store_id, json!({})).await;
        let page = browser::through(&self.app, &session.url, typed, button).await;
        (session.id, page)
    }

    /// Connects the other shop by the same client for another customer; its token.
    pub async fn neighbour(&self) -> String {
        let body = json!({ "platform": self.way.platform, "customer_id": "customer-2" });
        let session = begin(&self.app, body).await;
        let typed = self.way.typed_of_other();
        let page = browser::through(&self.app, &session.url, &typed, self.way.other_account()).await;
        let answer = exchange(&self.app, way_back(&page).code()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// The store as partners see it.
    pub async fn seen(&self) -> Value {
        connecting::store(&self.app, &self.store().store_id).await
    }

    /// What is kept of the store's credential, opened.
    pub async fn credential(&self) -> Values {
        let id: StoreId = self.store().store_id.parse().unwrap();
        let query = format!(
            "SELECT c.id, encode(c.values_sealed, 'hex') AS sealed FROM credentials c \
             JOIN stores s ON s.credential_id = c.id WHERE s.id = '{}'",
            id.uuid()
        );
        let row = row(&self.app.database, &query);
        let sealed = row["sealed"].as_str().unwrap().as_bytes();
        let sealed: Vec<u8> = sealed
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let id = CredentialId::from_uuid(row["id"].as_str().unwrap().parse().unwrap());
        open_values(&self.app.app.sealer, id, &sealed).unwrap()
    }

    pub async fn status(&self) -> String {
        self.seen().await["status"].as_str().unwrap().to_owned()
    }

    /// The merchant removes the app, or deletes the keys, at the platform. The app's client lives on, for other merchants.
    pub async fn revoke_there(&self) {
        let grants = self.grants().await;
        if grants.is_empty() || !matches!(self.method.obtain, Obtain::Code(_)) {
            return self.order("revoke", json!({})).await;
        }
        let stores = grants.iter().filter_map(|grant| grant["store"].as_str());
        for store in stores.collect::<BTreeSet<_>>() {
            self.order("revoke", json!({ "store": store })).await;
        }
    }

    /// When the platform's access token ends, as far as it does.
    pub async fn access_ends(&self) -> Option<DateTime<Utc>> {
        let seen = self.seen().await;
        seen["access"]["expires_at"].as_str().map(|text| text.parse().unwrap())
    }

    /// Moves all clocks to a moment.
    pub fn wait_until(&self, moment: DateTime<Utc>) {
        let by = (moment - self.app.clock.now()).to_std().unwrap_or_default();
        self.app.advance(by);
    }

    /// The table's harmless call.
    pub async fn call(&self) -> Answer {
        self.call_with(&self.store().access_token, &self.way.call).await
    }

    /// The same for the other shop, with its token.
    pub async fn call_of_other(&self, token: &str) -> Answer {
        let call = self.way.other_call.as_ref().unwrap_or(&self.way.call);
        self.call_with(token, call).await
    }

    async fn call_with(&self, token: &str, call: &str) -> Answer {
        let (method, path) = call.split_once(' ').unwrap();
        let mut request = self.app.request(token, method, &format!("/v1/proxy{path}"));
        if let Some(host) = &self.way.host {
            request = request.header("llavero-host", host);
        }
        if let Some(body) = &self.way.body {
            request = request.json(body);
        }
        read(request.send().await.unwrap()).await
    }

    /// A call that the platform answers as it does for its own.
    pub async fn works(&self) {
        let answer = self.call().await;
        let told = (answer.status, answer.header("llavero-source"));
        assert_eq!(told, (200, "platform"), "no working call: {}", answer.body);
        assert!(answer.body.contains(&self.way.says), "{}", answer.body);
    }

    /// The call again until it works, waiting as long as the answers say.
    pub async fn works_in_time(&self) {
        for _ in 0..PATIENCE {
            let answer = self.call().await;
            if answer.status == 200 {
                break;
            }
            let told = answer.header("retry-after").parse().unwrap_or(60);
            self.app.advance(Duration::from_secs(told));
        }
        self.works().await;
    }

    /// An order to the simulated platforms about this one.
    pub async fn order(&self, order: &str, mut body: Value) {
        body["platform"] = json!(self.way.platform);
        self.app.control(order, body).await;
    }

    pub async fn fault(&self, fault: Value) {
        self.order("faults", json!({ "times": 1000, "fault": fault })).await;
    }

    /// Access tokens end at the platform, which nobody is told.
    pub async fn expire(&self) {
        self.order("expire-access-tokens", json!({})).await;
    }

    pub async fn token_calls(&self) -> Vec<Value> {
        let all = self.app.received(&self.way.platform).await;
        all.into_iter().filter(|entry| entry["token_call"] == true).collect()
    }

    /// Whether the platform has given more than one refresh token to a grant.
    pub async fn platform_rotates(&self) -> bool {
        let grants = self.grants().await;
        let tokens = |grant: &Value| grant["refresh_tokens"].as_array().map_or(0, Vec::len);
        grants.iter().any(|grant| tokens(grant) > 1)
    }

    /// What the platform knows of its grants.
    async fn grants(&self) -> Vec<Value> {
        let url = format!("{}/_control/stores?platform={}", self.app.sandbox, self.way.platform);
        let known = Visitor::new().get(&url).await.json();
        known["data"].as_array().cloned().unwrap_or_default()
    }

    /// Which refresh tokens of the platform's a request carried.
    pub async fn refresh_tokens_in(&self, entry: &Value) -> Vec<String> {
        let sent = entry.to_string();
        let grants = self.grants().await;
        let tokens = grants
            .iter()
            .flat_map(|grant| grant["refresh_tokens"].as_array().cloned().unwrap_or_default());
        let texts = tokens.filter_map(|token| token["token"].as_str().map(str::to_owned));
        texts.filter(|text| sent.contains(text.as_str())).collect()
    }

    /// Nothing goes wrong any more, and the store is connected.
    pub async fn mend(&self) {
        for what in ["faults", "settings"] {
            let url = format!("{}/_control/{what}?platform={}", self.app.sandbox, self.way.platform);
            assert_eq!(Visitor::new().delete(&url).await.status, 204);
        }
        if self.status().await != "connected" {
            self.app.control("reset", json!({})).await;
            self.authorize_again(&self.way.typed(), &self.way.account).await;
        }
    }
}
