//! *Store*, as the contract describes it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::store_list::{ListedStore, Lives};
use crate::domain::id::StoreId;
use crate::domain::refresh::RefreshOutcome;
use crate::domain::store::{Mode, StatusReason, StoreHealth, StoreStatus};
use crate::platform::Catalogue;
use crate::platform::descriptor::Renewal;

/// A connected store.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Store)]
pub struct StoreJson {
    id: StoreId,
    platform: String,
    method: String,
    name: String,
    url: Option<String>,
    /// The platform's own id of the store.
    platform_store_id: String,
    customer_id: Option<String>,
    merchant: MerchantJson,
    /// The partner's own data.
    #[schema(value_type = Object)]
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
    /// The merchant has to authorize again by then, whatever is refreshed.
    reauthorize_by: Option<DateTime<Utc>>,
    /// Since when the store is frozen: it was exported and works at another installation; calls here are answered with
    /// `store_frozen`.
    frozen_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Merchant)]
struct MerchantJson {
    email: Option<String>,
    name: Option<String>,
    locale: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = StoreAccess)]
struct AccessJson {
    expires_at: Option<DateTime<Utc>>,
    /// It can be renewed without the merchant.
    refreshable: bool,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = StoreRefresh)]
struct RefreshJson {
    expires_at: Option<DateTime<Utc>>,
    /// When it is refreshed next, if no call comes first.
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
            frozen_at,
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
            frozen_at,
        }
    }
}
