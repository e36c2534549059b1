//! `GET /v1/app`: the app that a key belongs to.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, ok, page};
use crate::broker::apps;
use crate::broker::proxy::body;
use crate::domain::id::{ApiKeyId, AppId};
use crate::domain::scope::Scope;
use crate::domain::store::{MerchantMail, Mode};
use crate::web::extract::{AnyScope, PartnerKey};

/// The app that a key belongs to.
#[derive(Serialize, ToSchema)]
#[schema(as = App)]
pub(super) struct AppJson<'a> {
    id: AppId,
    name: &'a str,
    logo_url: Option<&'a str>,
    /// Fixed when the app was made.
    mode: Mode,
    /// Addresses that a merchant may be sent back to.
    return_urls: &'a [String],
    /// Who writes to merchants.
    merchant_mail: MerchantMail,
    /// `GET /v1/access/credentials` is on.
    expose_credentials: bool,
    /// Merchants come back with the access token in the address, in EcartAPI's form.
    ecartapi_redirect: bool,
    /// From when return URLs are signed with the next secret; `null`: no roll-over is under way.
    signing_secret_changes_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    key: KeyJson<'a>,
    limits: LimitsJson,
}

/// The API key of the request.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
struct KeyJson<'a> {
    id: ApiKeyId,
    name: &'a str,
    #[schema(value_type = Vec<Scope>)]
    scopes: &'a [String],
    created_at: DateTime<Utc>,
    /// When it stops working; `null`: it has no end.
    expires_at: Option<DateTime<Utc>>,
}

/// `null`: no limit.
#[derive(Serialize, ToSchema)]
#[schema(as = Limits)]
struct LimitsJson {
    /// Calls of this API, for the whole app.
    requests_per_minute: Option<u32>,
    /// Calls with a store's token, for each store.
    store_calls_per_minute: Option<u32>,
    /// Most rows of a page.
    page: i64,
    /// Bodies up to this size can be sent again after a refresh.
    resendable_body_bytes: usize,
    /// Largest body where the platform wants it signed.
    signed_body_bytes: usize,
}

pub async fn show(by: PartnerKey<AnyScope>) -> Answer {
    let app = &by.app;
    ok(&AppJson {
        id: app.id,
        name: &app.name,
        logo_url: app.logo_url.as_deref(),
        mode: app.mode,
        return_urls: &app.return_urls.0,
        merchant_mail: app.merchant_mail,
        expose_credentials: app.expose_credentials,
        ecartapi_redirect: app.ecartapi_redirect,
        signing_secret_changes_at: apps::changes_at(app, by.tools.now()),
        created_at: app.created_at,
        key: KeyJson {
            id: by.key.id,
            name: &by.key.name,
            scopes: &by.key.scopes.0,
            created_at: by.key.created_at,
            expires_at: by.key.expires_at,
        },
        limits: LimitsJson {
            requests_per_minute: some(by.tools.config.app_rate),
            store_calls_per_minute: some(by.tools.config.store_rate),
            page: page::MOST,
            resendable_body_bytes: body::KEPT,
            signed_body_bytes: body::SIGNED,
        },
    })
}

/// Zero stands for no limit.
fn some(rate: u32) -> Option<u32> {
    Some(rate).filter(|rate| *rate > 0)
}
