//! `POST /v1/introspect` (RFC 7662): whether a token works, told to the app of its store alone.

use serde_json::json;

use super::{Answer, ok};
use crate::broker::access_token;
use crate::web::Error;
use crate::web::extract::{Body, PartnerKey, StoresRead};

pub async fn introspect(by: PartnerKey<StoresRead>, body: Body) -> Answer {
    let token = body
        .value("token")?
        .ok_or_else(|| Error::invalid("token", "is required"))?;
    match access_token::introspect(&by.tools, by.app.id, &token).await? {
        None => ok(&json!({ "active": false })),
        Some(found) => ok(&json!({
            "active": true,
            "token_type": "Bearer",
            "client_id": found.app.id,
            "sub": found.store.id,
            "iat": found.token.created_at.timestamp(),
            "exp": found.token.ends_at.map(|at| at.timestamp()),
            "store_id": found.store.id,
            "platform": found.store.platform,
            "status": found.store.status,
        })),
    }
}
