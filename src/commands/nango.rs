//! Connections as Nango gives them out (`GET /connection/{id}`), one list of them in a JSON file. Which platform and method
//! a provider is, and where its fields are found, the catalogue says.

use std::path::Path;

use chrono::{DateTime, Utc};
use llavero::broker::connect::{BroughtTokens, DirectStore};
use llavero::clock::Clock;
use llavero::domain::id::AppId;
use llavero::domain::secret::Secret;
use llavero::platform::nango::NangoCredentials;
use llavero::platform::{Catalogue, Values};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::bulk::Asked;

#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    List(Vec<Connection>),
    Listed { connections: Vec<Connection> },
}

/// Further members are of no use here.
#[derive(Deserialize)]
struct Connection {
    connection_id: String,
    provider: Option<String>,
    provider_config_key: Option<String>,
    credentials: Credentials,
    #[serde(default)]
    connection_config: Map<String, Value>,
    end_user: Option<EndUser>,
}

#[derive(Deserialize)]
struct EndUser {
    id: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Credentials {
    #[serde(rename = "type")]
    kind: Value,
    access_token: Option<Secret>,
    refresh_token: Option<Secret>,
    expires_at: Option<DateTime<Utc>>,
    #[serde(rename = "apiKey", alias = "api_key")]
    api_key: Option<Secret>,
    username: Option<Secret>,
    password: Option<Secret>,
}

/// A line for each connection, numbered from 1; those that cannot be taken say why.
pub(super) fn read(file: &Path, of: AppId, catalogue: &Catalogue) -> Result<Vec<Asked>, String> {
    let text = std::fs::read(file).map_err(|error| error.to_string())?;
    let document: Document = serde_json::from_slice(&text).map_err(|_| {
        "expected a JSON list of connections, each with connection_id, provider and credentials".to_owned()
    })?;
    let (Document::List(connections) | Document::Listed { connections }) = document;
    let now = Clock::system().now();
    let asked = connections.into_iter().zip(1..).map(|(connection, number)| {
        let user = connection.end_user.as_ref();
        let customer_id = user
            .and_then(|user| user.id.clone())
            .unwrap_or_else(|| connection.connection_id.clone());
        let merchant_email = user.and_then(|user| user.email.clone());
        let provider = connection.provider.clone().or(connection.provider_config_key.clone());
        let provider = provider.unwrap_or_default();
        Asked {
            number,
            store: wanted(connection, &provider, customer_id.clone(), of, catalogue, now),
            customer_id,
            platform: provider,
            name: None,
            merchant_email,
        }
    });
    Ok(asked.collect())
}

fn wanted(
    connection: Connection,
    provider: &str,
    customer_id: String,
    of: AppId,
    catalogue: &Catalogue,
    now: DateTime<Utc>,
) -> Result<DirectStore, String> {
    let held = connection.credentials;
    let kind: NangoCredentials = serde_json::from_value(held.kind.clone())
        .map_err(|_| format!("credentials of type {} are not taken", held.kind))?;
    let renewable = held.refresh_token.is_some();
    let platforms = catalogue.all_for(of);
    let found = platforms.iter().find_map(|platform| {
        let mut entries = platform.nango.iter();
        let entry = entries.find(|entry| entry.is_of(provider, kind, renewable))?;
        Some((platform, entry))
    });
    let (platform, entry) =
        found.ok_or_else(|| format!("no platform here is Nango's {provider:?} with such credentials"))?;
    let mut values: Values = connection
        .connection_config
        .into_iter()
        .filter_map(|(name, value)| Some((snake_case(&name), value.as_str()?.to_owned())))
        .collect();
    for (name, value) in [
        ("api_key", held.api_key),
        ("username", held.username),
        ("password", held.password),
    ] {
        if let Some(value) = value {
            values.set(name, value);
        }
    }
    let method = platform.method(&entry.method).ok_or("its connect method is gone")?;
    let fields = entry.fields(method, &values).map_err(|error| error.to_string())?;
    let tokens = match kind {
        NangoCredentials::OAuth2 => Some(BroughtTokens {
            access_token: held.access_token.ok_or("there is no access_token")?,
            refresh_token: held.refresh_token,
            expires_in: held.expires_at.map(|at| (at - now).to_std().unwrap_or_default()),
            refresh_expires_in: None,
            scopes: None,
            as_of: Some(now),
        }),
        NangoCredentials::ApiKey | NangoCredentials::Basic => None,
    };
    Ok(DirectStore {
        platform: platform.slug.clone(),
        method: Some(entry.method.clone()),
        customer_id,
        fields,
        tokens,
        transfer: false,
        shops: Vec::new(),
    })
}

/// Nango writes `storeURL`, `apiKey` and `accounts-server`; placeholders here are `store_url`, `api_key` and
/// `accounts_server`.
fn snake_case(name: &str) -> String {
    let mut written = String::new();
    let mut before = None;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && before.is_some_and(|before: char| before.is_ascii_lowercase()) {
            written.push('_');
        }
        written.push(match letter {
            '-' => '_',
            letter => letter.to_ascii_lowercase(),
        });
        before = Some(letter);
    }
    written
}
