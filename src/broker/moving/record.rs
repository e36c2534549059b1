//! What travels: facts, secrets in the clear (the line around them is sealed), and hashes of tokens. No type here has a
//! `Debug`, for most of them hold secrets.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::id::{AccessTokenId, AppId, CredentialId, StoreId};
use crate::domain::refresh::FailureKind;
use crate::domain::store::{Mode, StatusReason, StoreHealth, StoreStatus};

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// The first: where the stores come from.
    About(About),
    Credential(Box<Travelling>),
    /// The last: without it the file was cut off.
    End {
        credentials: u64,
        stores: u64,
    },
}

#[derive(Clone, Serialize, Deserialize)]
pub struct About {
    pub app: AppId,
    pub app_name: String,
    pub mode: Mode,
    pub exported_at: DateTime<Utc>,
    /// The source goes on using them too.
    pub copy: bool,
}

/// A credential with its stores.
#[derive(Serialize, Deserialize)]
pub struct Travelling {
    pub id: CredentialId,
    pub platform: String,
    pub method: String,
    /// What may be shown of the OAuth client that it was granted to; `None`: the store's own keys or client.
    pub client: Option<Value>,
    /// Whether that client is the credential's own, and not only its stores'.
    pub of_client: bool,
    pub values: Value,
    pub spares: Option<Value>,
    pub asks_spare: bool,
    pub grant_no: i64,
    pub next_attempt: i64,
    pub access_issued_at: Option<DateTime<Utc>>,
    pub access_expires_at: Option<DateTime<Utc>>,
    pub refresh_expires_at: Option<DateTime<Utc>>,
    pub reauthorize_by: Option<DateTime<Utc>>,
    pub refresh_at: Option<DateTime<Utc>>,
    pub scopes: Option<Vec<String>>,
    pub dead_at: Option<DateTime<Utc>>,
    pub last_failure: Option<FailureKind>,
    pub stores: Vec<TravellingStore>,
}

#[derive(Serialize, Deserialize)]
pub struct TravellingStore {
    pub id: StoreId,
    /// Whether the OAuth client is part of its identity.
    pub of_client: bool,
    pub method: String,
    pub platform_store_id: String,
    pub url: Option<String>,
    pub name: String,
    pub customer_id: Option<String>,
    pub merchant_email: Option<String>,
    pub merchant_name: Option<String>,
    pub merchant_locale: Option<String>,
    pub metadata: Value,
    pub status: StoreStatus,
    pub status_reason: Option<StatusReason>,
    pub status_since: DateTime<Utc>,
    pub evidence: Option<Value>,
    pub health: StoreHealth,
    pub sequence: i64,
    pub connected_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub values: Option<Value>,
    pub tokens: Vec<TravellingToken>,
}

#[derive(Serialize, Deserialize)]
pub struct TravellingToken {
    pub id: AccessTokenId,
    /// SHA-256 in base64url.
    pub hash: String,
    pub hint: String,
    pub created_at: DateTime<Utc>,
    pub ends_at: Option<DateTime<Utc>>,
}
