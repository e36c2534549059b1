//! The back end of a company that integrates: an API key, and calls with it or with a store's token.

use serde_json::Value;

use super::support::test_app::read;
use super::support::visitor::Answer;

#[expect(clippy::disallowed_types, reason = "the test is the client")]
type Http = reqwest::Client;

#[derive(Debug)]
pub struct Partner {
    client: Http,
    url: String,
    key: String,
}

impl Partner {
    /// `url`: Llavero's, without a slash at the end.
    pub fn new(url: &str, key: &str) -> Self {
        Self {
            client: Http::new(),
            url: url.to_owned(),
            key: key.to_owned(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.get_as(&self.key, path).await
    }

    /// With a store's token.
    pub async fn get_as(&self, bearer: &str, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(bearer);
        read(request.send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .bearer_auth(&self.key)
            .json(body);
        read(request.send().await.unwrap()).await
    }
}
