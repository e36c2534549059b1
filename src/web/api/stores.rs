//! `/v1/stores`: list, read, change, revoke, refresh, verify, re-authorize.

use std::str::FromStr;

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::connect_sessions::CreatedJson;
use super::page::Ask;
use super::store_json::StoreJson;
use super::store_refreshes::AttemptJson;
use super::{Answer, created, done, ok};
use crate::broker::connect::sessions;
use crate::broker::{disconnect, refresh, stores};
use crate::db;
use crate::db::store_list::{ListedStore, StoreFilter};
use crate::db::stores::Patch;
use crate::domain::id::StoreId;
use crate::web::Error;
use crate::web::extract::{Body, ConnectWrite, Params, PartnerKey, StoresRead, StoresWrite, path_id};

pub async fn list(by: PartnerKey<StoresRead>, mut params: Params) -> Answer {
    let ask = Ask::<StoreId>::of(&mut params)?;
    let filter = StoreFilter {
        platform: params.text("platform"),
        status: params.parsed("status", "connected, needs_reauthorization or revoked"),
        health: params.parsed(
            "health",
            "ok, refresh_failing, refresh_in_doubt, platform_unavailable or app_misconfigured",
        ),
        customer_id: params.text("customer_id"),
        expires_before: params.parsed::<Moment>("expires_before", "a time such as 2026-12-31T00:00:00Z").map(|at| at.0),
        updated_since: params.parsed::<Moment>("updated_since", "a time such as 2026-12-31T00:00:00Z").map(|at| at.0),
        q: params.text("q"),
    };
    params.finish()?;
    let (app, after, rows) = (by.app.id, ask.after, ask.rows());
    let found = by
        .tools
        .db
        .run::<_, db::Error, _>(move |conn| db::store_list::list(conn, app, &filter, after, rows))
        .await?;
    ok(&ask.page(found, |row| row.store.id, |row| shown(&by, row)))
}

pub async fn show(by: PartnerKey<StoresRead>, id: Path<String>) -> Answer {
    let store = find(&by, path_id(&id)?).await?;
    ok(&shown(&by, store))
}

/// Absent: left alone. `null`: emptied.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PatchJson {
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    customer_id: Option<Option<String>>,
    merchant: Option<MerchantPatch>,
    metadata: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MerchantPatch {
    #[serde(default, deserialize_with = "given")]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    locale: Option<Option<String>>,
}

pub async fn patch(by: PartnerKey<StoresWrite>, id: Path<String>, body: Body) -> Answer {
    let (id, given): (StoreId, PatchJson) = (path_id(&id)?, body.read()?);
    let merchant = given.merchant.unwrap_or_default();
    let patch = Patch {
        name: given.name,
        customer_id: given.customer_id,
        merchant_email: merchant.email,
        merchant_name: merchant.name,
        merchant_locale: merchant.locale,
        metadata: given.metadata,
    };
    let store = stores::patch(&by.tools, &by.asker(), by.app.id, id, patch).await?;
    ok(&shown(&by, store))
}

pub async fn delete(by: PartnerKey<StoresWrite>, id: Path<String>) -> Answer {
    disconnect::revoke(&by.tools, &by.asker(), path_id(&id)?).await?;
    done()
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReauthorizeJson {
    return_url: Option<String>,
    state: Option<String>,
    expires_in: Option<u64>,
    #[serde(default)]
    accept_identity_change: bool,
}

pub async fn reauthorize(by: PartnerKey<ConnectWrite>, id: Path<String>, body: Body) -> Answer {
    let (id, given): (StoreId, ReauthorizeJson) = (path_id(&id)?, body.read()?);
    let new = sessions::NewSession {
        return_url: given.return_url.unwrap_or_default(),
        state: given.state,
        expires_in: given.expires_in,
        accept_identity_change: given.accept_identity_change,
        ..sessions::NewSession::default()
    };
    let session = sessions::reauthorize(&by.tools, &by.app, id, by.actor(), new).await?;
    created(&CreatedJson::of(session))
}

pub async fn refresh(by: PartnerKey<StoresWrite>, id: Path<String>) -> Answer {
    let store = find(&by, path_id(&id)?).await?;
    let attempt = refresh::now(&by.tools, store.store.credential_id).await?;
    ok(&AttemptJson::of(attempt))
}

pub async fn verify(by: PartnerKey<StoresWrite>, id: Path<String>) -> Answer {
    let store = find(&by, path_id(&id)?).await?;
    let attempt = refresh::verify(&by.tools, store.store.credential_id).await?;
    ok(&attempt)
}

/// A store of the key's app.
pub(super) async fn find<S>(by: &PartnerKey<S>, id: StoreId) -> Result<ListedStore, Error> {
    let app = by.app.id;
    let found = by.tools.db.run::<_, db::Error, _>(move |conn| db::store_list::find(conn, app, id)).await?;
    found.ok_or_else(Error::not_found)
}

pub(super) fn shown<S>(by: &PartnerKey<S>, store: ListedStore) -> StoreJson {
    StoreJson::of(store, by.app.mode, &by.tools.catalogue)
}

/// Tells `null` from absent.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// A time with its offset, as RFC 3339 writes it.
struct Moment(DateTime<Utc>);

impl FromStr for Moment {
    type Err = chrono::ParseError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A query turns `+` into a space.
        DateTime::parse_from_rfc3339(&text.replace(' ', "+")).map(|at| Self(at.to_utc()))
    }
}
