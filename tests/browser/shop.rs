//! The shop with a real OAuth server: `node/provider.mjs`, started and steered.

use serde_json::Value;

use super::process::Process;
use super::programs::ProviderPrograms;
use super::support::visitor::Visitor;

pub const CLIENT: &str = "acme_partner";
pub const SECRET: &str = "a-secret-of-the-shop";
pub const BASE_SITE: &str = "electronics";
/// Long enough to be called while it is fresh, short enough to wait for.
const ACCESS_TOKEN_SECONDS: &str = "20";

/// A running shop.
pub struct Shop {
    _process: Process,
    _folder: tempfile::TempDir,
    pub url: String,
    control: String,
    visitor: Visitor,
}

impl Shop {
    pub async fn open(programs: &ProviderPrograms) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = programs.folder.join("provider.mjs");
        let mut process = Process::start(
            &[programs.node.to_str().unwrap(), script.to_str().unwrap()],
            &[
                ("ACCESS_TOKEN_SECONDS", ACCESS_TOKEN_SECONDS),
                ("CLIENT_ID", CLIENT),
                ("CLIENT_SECRET", SECRET),
                ("BASE_SITE", BASE_SITE),
            ],
            &folder.path().join("shop.log"),
        );
        let line = process.line_with("\"control\"").await;
        let told: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        Self {
            _process: process,
            _folder: folder,
            url: text("url"),
            control: text("control"),
            visitor: Visitor::new(),
        }
    }

    /// Whether the provider still accepts the token that the shop was last called with.
    pub async fn accepts_last_token(&self) -> bool {
        let answer = self.visitor.get(&format!("{}/last-token", self.control)).await;
        answer.json()["active"].as_bool().unwrap()
    }

    /// As its administrator would remove it.
    pub async fn remove_client(&self) {
        let answer = self
            .visitor
            .get(&format!("{}/remove-client/{CLIENT}", self.control))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}
