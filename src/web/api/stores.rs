//! `/v1/stores`: connect, list, read, change, revoke, refresh, verify, re-authorize.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::ToSchema;

use super::connect_sessions::CreatedJson;
use super::exchange::given_json;
use super::page::Ask;
use super::store_json::StoreJson;
use super::store_refreshes::{AttemptedJson, VerifiedJson};
use super::{Answer, created, done, ok};
use crate::broker::connect::{BroughtTokens, DirectStore, connect_directly, sessions};
use crate::broker::{disconnect, needs_sandbox, refresh, stores, verify};
use crate::db;
use crate::db::store_list::{ListedStore, StoreFilter};
use crate::db::stores::Patch;
use crate::domain::id::{CredentialId, StoreId};
use crate::domain::problem::Problem;
use crate::domain::refresh::RefreshTrigger;
use crate::domain::secret::Secret;
use crate::domain::store::StoreStatus;
use crate::web::Error;
use crate::web::extract::{Body, ConnectWrite, Params, PartnerKey, StoresRead, StoresWrite, object_or_null, path_id};

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
        expires_before: params
            .parsed::<Moment>("expires_before", "a time such as 2026-12-31T00:00:00Z")
            .map(|at| at.0),
        updated_since: params
            .parsed::<Moment>("updated_since", "a time such as 2026-12-31T00:00:00Z")
            .map(|at| at.0),
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

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewStore)]
pub(super) struct DirectJson {
    /// By its slug.
    platform: String,
    /// A connect method of the platform; its first unless told.
    method: Option<String>,
    customer_id: String,
    #[serde(default)]
    fields: BTreeMap<String, Secret>,
    #[serde(default, deserialize_with = "object_or_null")]
    tokens: Option<TokensJson>,
    #[serde(default)]
    transfer: bool,
    /// Which of several shops that the authorization covers.
    #[serde(default)]
    shops: Vec<String>,
}

/// Tokens that the partner got by itself, through the same client. An access token that is over is renewed once, with the
/// refresh token beside it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BroughtTokens)]
struct TokensJson {
    access_token: Secret,
    refresh_token: Option<Secret>,
    /// Seconds that are left; a century at most.
    #[schema(maximum = 3_153_600_000_u64)]
    expires_in: Option<u64>,
    #[schema(maximum = 3_153_600_000_u64)]
    refresh_expires_in: Option<u64>,
    scopes: Option<Vec<String>>,
}

pub async fn create(by: PartnerKey<StoresWrite>, body: Body) -> Answer {
    let given: DirectJson = body.read()?;
    let wanted = DirectStore {
        platform: given.platform,
        method: given.method,
        customer_id: given.customer_id,
        fields: given.fields.into_iter().collect(),
        tokens: given.tokens.map(|tokens| BroughtTokens {
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            expires_in: tokens.expires_in.map(Duration::from_secs),
            refresh_expires_in: tokens.refresh_expires_in.map(Duration::from_secs),
            scopes: tokens.scopes,
            as_of: None,
        }),
        transfer: given.transfer,
        shops: given.shops,
    };
    let connected = connect_directly(&by.tools, &by.app, &by.asker(), wanted).await?;
    let known = connected.stores().all(|given| given.reauthorized);
    let answer = given_json(&by, connected)?;
    if known { ok(&answer) } else { created(&answer) }
}

pub async fn show(by: PartnerKey<StoresRead>, id: Path<String>) -> Answer {
    let store = find(&by, path_id(&id)?).await?;
    ok(&shown(&by, store))
}

/// Absent: left alone. `null`: emptied, but for the name, which a store always has.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StoreChange)]
pub(super) struct PatchJson {
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String)]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    customer_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "given_object")]
    #[schema(value_type = Option<MerchantPatch>)]
    merchant: Option<Option<MerchantPatch>>,
    /// Replaced as a whole; 16 KiB at most.
    #[serde(default, deserialize_with = "given_value")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MerchantChange)]
struct MerchantPatch {
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    locale: Option<Option<String>>,
}

pub async fn patch(by: PartnerKey<StoresWrite>, id: Path<String>, body: Body) -> Answer {
    let (id, given): (StoreId, PatchJson) = (path_id(&id)?, body.read()?);
    let merchant = match given.merchant {
        None => MerchantPatch::default(),
        Some(Some(merchant)) => merchant,
        Some(None) => MerchantPatch {
            email: Some(None),
            name: Some(None),
            locale: Some(None),
        },
    };
    let patch = Patch {
        // Refused there, as every empty name is.
        name: given.name.map(Option::unwrap_or_default),
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

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reauthorization)]
pub(super) struct ReauthorizeJson {
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
    let session = sessions::reauthorize(&by.tools, &by.app, id, &by.asker(), new).await?;
    created(&CreatedJson::of(session))
}

pub async fn refresh(by: PartnerKey<StoresWrite>, id: Path<String>) -> Answer {
    let id = path_id(&id)?;
    let credential = find_living(&by, id).await?;
    needs_sandbox(&by.tools, by.app.mode)?;
    let attempt = refresh::refresh_now(&by.tools, credential, RefreshTrigger::Request).await?;
    ok(&AttemptedJson::of(attempt, shown(&by, find(&by, id).await?)))
}

pub async fn verify(by: PartnerKey<StoresWrite>, id: Path<String>) -> Answer {
    let id = path_id(&id)?;
    let credential = find_living(&by, id).await?;
    needs_sandbox(&by.tools, by.app.mode)?;
    let verdict = verify::check(&by.tools, credential, RefreshTrigger::Request).await?;
    ok(&VerifiedJson::of(verdict, shown(&by, find(&by, id).await?)))
}

/// The credential of a store that is not revoked.
async fn find_living(by: &PartnerKey<StoresWrite>, id: StoreId) -> Result<CredentialId, Error> {
    let store = find(by, id).await?.store;
    match store.status {
        StoreStatus::Revoked => Err(Error::of(Problem::Conflict).detail("The store is revoked, which is final")),
        StoreStatus::Connected | StoreStatus::NeedsReauthorization => Ok(store.credential_id),
    }
}

/// A store of the key's app.
pub(super) async fn find<S>(by: &PartnerKey<S>, id: StoreId) -> Result<ListedStore, Error> {
    let app = by.app.id;
    let found = by
        .tools
        .db
        .run::<_, db::Error, _>(move |conn| db::store_list::find(conn, app, id))
        .await?;
    found.ok_or_else(Error::not_found)
}

pub(super) fn shown<S>(by: &PartnerKey<S>, store: ListedStore) -> StoreJson {
    StoreJson::of(store, by.app.mode, &by.tools.catalogue)
}

/// Tells `null` from absent.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

fn given_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(json: D) -> Result<Option<Option<T>>, D::Error> {
    object_or_null(json).map(Some)
}

/// Empty metadata are an object without members.
fn given_value<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Value>, D::Error> {
    let given = Option::<Value>::deserialize(json)?;
    Ok(Some(given.unwrap_or_else(|| Value::Object(serde_json::Map::new()))))
}

/// A time with its offset, as RFC 3339 writes it: within the years that it and Postgres know.
#[derive(Debug)]
pub(super) struct Moment(pub DateTime<Utc>);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let text = String::deserialize(json)?;
        text.parse()
            .map_err(|_| serde::de::Error::custom("a time such as 2026-12-31T00:00:00Z"))
    }
}

impl FromStr for Moment {
    type Err = chrono::ParseError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A query turns `+` into a space.
        DateTime::parse_from_rfc3339(&text.replace(' ', "+")).map(|at| Self(at.to_utc()))
    }
}
