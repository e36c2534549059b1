//! One installation as a start-up would run it: a database, four processes with disks of their own, the simulated
//! platforms, and an app with its stores, whose tokens the partner had before and brought along.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use chrono::{DateTime, Utc};
use llavero::clock::Clock;
use llavero::platform::Catalogue;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::database::Database;
use super::process::Process;
use super::size::{ACCESS_SECONDS, Size};
use super::slots::{Slot, free_address};
use super::stores::{PLATFORMS, Platform, Store};

#[expect(clippy::disallowed_types, reason = "the test is the client")]
pub type Http = reqwest::Client;

pub const BINARY: &str = env!("CARGO_BIN_EXE_llavero");

/// How many stores are imported at a time.
const IMPORTS: usize = 6;

/// Dropped in this order: who uses something ends before it.
pub struct Installation {
    pub slots: Vec<Slot>,
    _platforms: Process,
    pub client: Http,
    pub database: Database,
    pub data: tempfile::TempDir,
    pub clock: Clock,
    pub begun: Instant,
    pub size: Size,
    pub sandbox_url: String,
    api_key: String,
    pub stores: Vec<Store>,
    /// What the platforms were told to do wrong.
    pub ordered: Mutex<Vec<(DateTime<Utc>, &'static str)>>,
}

impl Installation {
    pub async fn start(size: Size, clock: Clock) -> Self {
        let (watch, data) = (clock.clone(), tempfile::tempdir().unwrap());
        let database = tokio::task::spawn_blocking(move || Database::start(watch))
            .await
            .unwrap();
        let log = data.path().join("platforms.log");
        let mut platforms = Process::start(&[BINARY, "sandbox", "--bind", "127.0.0.1:0"], &[], &log);
        let said = platforms.line_with("LLAVERO_SANDBOX_URL=").await;
        let sandbox_url = said.trim_start_matches("LLAVERO_SANDBOX_URL=").to_owned();
        let slots = [
            ("first", &["serve", "--work"][..]),
            ("second", &["serve", "--work"][..]),
            ("web", &["serve"][..]),
            ("worker", &["work"][..]),
        ];
        let slots = slots.map(|(name, arguments)| Slot::new(name, arguments, free_address(), data.path()));
        let mut made = Self {
            slots: slots.into(),
            _platforms: platforms,
            client: Http::builder()
                .redirect(reqwest::redirect::Policy::none())
                // A kept connection that its server closes just now would look like a defect.
                .pool_max_idle_per_host(0)
                .build()
                .unwrap(),
            database,
            data,
            begun: clock.monotonic(),
            clock,
            size,
            sandbox_url,
            api_key: String::new(),
            stores: Vec::new(),
            ordered: Mutex::default(),
        };
        made.prepare().await;
        made
    }

    async fn prepare(&mut self) {
        self.command(&["key", "new"]);
        let app = [
            "app",
            "add",
            "--partner",
            "Partner",
            "--name",
            "Shop manager",
            "--mode",
            "sandbox",
        ];
        let said = self.command(&app);
        let key = said.lines().find_map(|line| line.strip_prefix("API key"));
        self.api_key = key.unwrap_or_else(|| panic!("{said}")).trim().to_owned();
        let mut starting = JoinSet::new();
        for slot in &self.slots {
            let (slot, settings) = (slot.clone(), self.settings_of(slot));
            let client = self.client.clone();
            starting.spawn(async move { slot.start(&client, &settings).await });
        }
        starting.join_all().await;
        let catalogue = Catalogue::embedded().unwrap();
        for platform in &PLATFORMS {
            assert!(platform.agrees(&catalogue), "{}'s grace is another one", platform.slug);
            let settings = json!({ "platform": platform.slug, "settings": platform.settings() });
            self.order("settings", settings).await;
            let fields = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
            self.api("PUT", &format!("/v1/platforms/{}/app", platform.slug), fields)
                .await;
            let stores = self.import(platform).await;
            self.stores.extend(stores);
            // From now on tokens are short-lived.
            let short = json!({ "platform": platform.slug, "settings": { "access_seconds": ACCESS_SECONDS } });
            self.order("settings", short).await;
        }
    }

    /// What each process is told; `slot` has a disk and an address of its own.
    pub fn settings_of(&self, slot: &Slot) -> Vec<(&'static str, String)> {
        let mut settings = self.settings();
        settings.extend([
            ("LLAVERO_BIND", slot.bind().to_owned()),
            ("LLAVERO_PUBLIC_URL", slot.url()),
            ("LLAVERO_JOURNAL_DIR", slot.journal().to_str().unwrap().to_owned()),
        ]);
        settings
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let data = self.data.path().to_str().unwrap();
        vec![
            ("DATABASE_URL", self.database.url()),
            ("LLAVERO_KEYS_FILE", format!("{data}/keys.toml")),
            ("LLAVERO_DATA_DIR", data.to_owned()),
            ("LLAVERO_JOURNAL_DIR", format!("{data}/journal-of-commands")),
            ("LLAVERO_JOURNAL_WAIT", "60".to_owned()),
            ("LLAVERO_WORKERS", "1".to_owned()),
            ("LLAVERO_DB_POOL", "12".to_owned()),
            ("LLAVERO_ALLOW_PRIVATE_HOSTS", "true".to_owned()),
            ("LLAVERO_SANDBOX_URL", self.sandbox_url.clone()),
            ("LLAVERO_LOG", "warn,llavero::commands=info".to_owned()),
        ]
    }

    /// Runs a command to its end; what it printed.
    fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(BINARY);
        command.args(arguments).env_clear().envs(self.settings());
        let done = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{arguments:?}: {said}{told}");
        said
    }

    async fn api(&self, method: &str, path: &str, body: Value) -> Value {
        api(&self.client, &self.slots[0].url(), &self.api_key, method, path, body).await
    }

    /// A third of the stores: the platform has given their tokens to the partner, who brings them.
    async fn import(&self, platform: &'static Platform) -> Vec<Store> {
        let ids: Vec<String> = (0..self.size.stores / PLATFORMS.len())
            .map(|number| platform.store_id(number))
            .collect();
        let order = json!({ "platform": platform.slug, "client_id": "sandbox-client", "stores": ids });
        let opened = Arc::new(self.order("grants", order).await["data"].as_array().cloned().unwrap());
        let mut importing = JoinSet::new();
        for start in 0..IMPORTS {
            let (opened, client) = (opened.clone(), self.client.clone());
            let (url, key) = (self.slots[start % 3].url(), self.api_key.clone());
            importing.spawn(async move {
                let mut made = Vec::new();
                for grant in opened.iter().skip(start).step_by(IMPORTS) {
                    let store = grant["store"].as_str().unwrap().to_owned();
                    let body = json!({
                        "platform": platform.slug,
                        "customer_id": store,
                        "fields": platform.fields(&store),
                        // It works longer; the first call is to renew it.
                        "tokens": {
                            "access_token": grant["access_token"],
                            "refresh_token": grant["refresh_token"],
                            "expires_in": 1,
                        },
                    });
                    let answer = api(&client, &url, &key, "POST", "/v1/stores", body).await;
                    made.push(Store {
                        platform,
                        platform_store_id: store,
                        access_token: answer["access_token"].as_str().unwrap().to_owned(),
                    });
                }
                made
            });
        }
        let mut stores: Vec<Store> = importing.join_all().await.into_iter().flatten().collect();
        stores.sort_by(|one, other| one.platform_store_id.cmp(&other.platform_store_id));
        stores
    }

    /// The number of each store by platform and id there.
    pub fn numbers(&self) -> HashMap<(String, String), usize> {
        let stores = self.stores.iter().enumerate();
        stores
            .map(|(number, store)| {
                (
                    (store.platform.slug.to_owned(), store.platform_store_id.clone()),
                    number,
                )
            })
            .collect()
    }
}

async fn api(client: &Http, base: &str, key: &str, method: &str, path: &str, body: Value) -> Value {
    let request = client.request(method.parse().unwrap(), format!("{base}{path}"));
    let answer = request.bearer_auth(key).json(&body).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{method} {path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}
