//! `POST /v1/introspect` (RFC 7662): whether a token works, told to the app of its store alone.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, ok};
use crate::broker::access_token;
use crate::domain::id::{AppId, StoreId};
use crate::domain::secret::Secret;
use crate::domain::store::StoreStatus;
use crate::web::Error;
use crate::web::extract::{Body, PartnerKey, StoresRead};

/// The token to look at.
#[derive(Deserialize, ToSchema)]
#[schema(as = Introspection)]
#[expect(
    dead_code,
    reason = "only its shape is used: the body may be a form, and what else it holds is left alone"
)]
pub(super) struct AskedJson {
    token: Secret,
}

/// A token that works, in the words of RFC 7662 and our own.
#[derive(Serialize, ToSchema)]
#[schema(as = ActiveToken)]
pub(super) struct ActiveJson<'a> {
    /// Always `true`.
    active: bool,
    /// `Bearer`.
    token_type: &'static str,
    /// The app.
    client_id: AppId,
    /// The store.
    sub: StoreId,
    /// When it was made, in seconds since 1970.
    iat: i64,
    /// When it ends. `null`: not by itself.
    exp: Option<i64>,
    store_id: StoreId,
    platform: &'a str,
    status: StoreStatus,
}

/// A token that does not work, or is not this app's.
#[derive(Serialize, ToSchema)]
#[schema(as = InactiveToken)]
pub(super) struct InactiveJson {
    /// Always `false`.
    active: bool,
}

pub async fn introspect(by: PartnerKey<StoresRead>, body: Body) -> Answer {
    let token = body
        .value("token")?
        .ok_or_else(|| Error::invalid("token", "is required"))?;
    match access_token::introspect(&by.tools, by.app.id, &token).await? {
        None => ok(&InactiveJson { active: false }),
        Some(found) => ok(&ActiveJson {
            active: true,
            token_type: "Bearer",
            client_id: found.app.id,
            sub: found.store.id,
            iat: found.token.created_at.timestamp(),
            exp: found.token.ends_at.map(|at| at.timestamp()),
            store_id: found.store.id,
            platform: &found.store.platform,
            status: found.store.status,
        }),
    }
}
