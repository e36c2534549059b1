//! The table as it stands in `table.toml`. Unknown words in it are refused.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::support::connecting::{self, APPROVE, OTHER};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    ways: Vec<Way>,
}

/// One platform and method.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    pub platform: String,
    pub method: String,
    /// The store's identity.
    pub id: String,
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Laid over `fields` for another shop.
    #[serde(default)]
    pub other: BTreeMap<String, String>,
    /// The button at the platform's page.
    #[serde(default = "first_account")]
    pub account: String,
    /// `METHOD path`.
    pub call: String,
    /// The same for the other shop, where the path names it.
    pub other_call: Option<String>,
    /// Another API host of the platform.
    pub host: Option<String>,
    pub body: Option<serde_json::Value>,
    pub says: String,
    /// `METHOD address` of the call that ends the grant; where an id follows, its beginning.
    pub revoke: Option<String>,
    pub throttle: Option<Throttle>,
}

/// What the platform answers to too many calls, in words of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    pub status: u16,
    pub token: Option<serde_json::Value>,
    pub call: Option<serde_json::Value>,
}

fn first_account() -> String {
    APPROVE.to_owned()
}

impl Way {
    /// What is typed for this shop.
    pub fn typed(&self) -> connecting::Way {
        let mut way = connecting::Way::with(&self.platform, &self.method, &[]);
        way.fields = self.fields.clone().into_iter().collect();
        way
    }

    /// What is typed for another one.
    pub fn typed_of_other(&self) -> connecting::Way {
        let other = |way: connecting::Way, (name, value): (&String, &String)| way.but(name, value);
        self.other.iter().fold(self.typed(), other)
    }

    /// The button of the platform's page that stands for another shop.
    pub fn other_account(&self) -> &str {
        if self.account == OTHER { APPROVE } else { OTHER }
    }
}

/// All rows, in the file's order.
pub fn read() -> Vec<Way> {
    // Read when the test runs, so that a row can be tried without building all tests again.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/platform_matrix/table.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let table: Table = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
    table.ways
}
