//! *Store*, as the contract describes it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::db::store_list::{ListedStore, Lives};
use crate::domain::id::StoreId;
use crate::domain::refresh::RefreshOutcome;
use crate::domain::store::{Mode, StatusReason, StoreHealth, StoreStatus};
use crate::platform::Catalogue;
use crate::platform::descriptor::Renewal;

#[derive(Debug, Serialize)]
pub struct StoreJson {
    id: StoreId,
    platform: String,
    method: String,
    name: String,
    url: Option<String>,
    platform_store_id: String,
    customer_id: Option<String>,
    merchant: MerchantJson,
    metadata: serde_json::Value,
    mode: Mode,
    status: StoreStatus,
    status_reason: Option<StatusReason>,
    status_since: DateTime<Utc>,
    health: StoreHealth,
    connected_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    access: AccessJson,
    refresh: RefreshJson,
    reauthorize_by: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
struct MerchantJson {
    email: Option<String>,
    name: Option<String>,
    locale: Option<String>,
}

#[derive(Debug, Serialize)]
struct AccessJson {
    expires_at: Option<DateTime<Utc>>,
    refreshable: bool,
}

#[derive(Debug, Serialize)]
struct RefreshJson {
    expires_at: Option<DateTime<Utc>>,
    next_at: Option<DateTime<Utc>>,
    last_at: Option<DateTime<Utc>>,
    last_outcome: Option<RefreshOutcome>,
}

impl StoreJson {
    /// `mode` is the app's.
    pub fn of(listed: ListedStore, mode: Mode, catalogue: &Catalogue) -> Self {
        let ListedStore {
            store,
            lives,
            last_refresh,
        } = listed;
        let method = catalogue
            .platform(&store.platform)
            .and_then(|platform| platform.method(&store.method));
        let is_living = store.status != StoreStatus::Revoked;
        let refreshable = is_living && method.is_some_and(|method| method.renewal != Renewal::Never);
        // The credential of a revoked store is erased, or another store's alone.
        let lives = if is_living { lives } else { Lives::default() };
        Self {
            id: store.id,
            platform: store.platform,
            method: store.method,
            name: store.name,
            url: store.url,
            platform_store_id: store.platform_store_id,
            customer_id: store.customer_id,
            merchant: MerchantJson {
                email: store.merchant_email,
                name: store.merchant_name,
                locale: store.merchant_locale,
            },
            metadata: store.metadata,
            mode,
            status: store.status,
            status_reason: store.status_reason,
            status_since: store.status_since,
            health: store.health,
            connected_at: store.connected_at,
            updated_at: store.updated_at,
            last_used_at: store.last_used_at,
            access: AccessJson {
                expires_at: lives.access_expires_at,
                refreshable,
            },
            refresh: RefreshJson {
                expires_at: lives.refresh_expires_at,
                next_at: lives.refresh_at,
                last_at: last_refresh.as_ref().map(|last| last.started_at),
                last_outcome: last_refresh.map(|last| last.outcome),
            },
            reauthorize_by: lives.reauthorize_by,
        }
    }
}
