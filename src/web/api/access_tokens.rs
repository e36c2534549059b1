//! `POST /v1/stores/{id}/access-tokens`: a new token for a store, the old one overlapping for a while if asked.

use std::time::Duration;

use actix_web::web::Path;
use serde::Deserialize;
use serde_json::json;

use super::stores::{find, shown};
use super::{Answer, created};
use crate::broker::access_token;
use crate::domain::id::StoreId;
use crate::web::extract::{Body, PartnerKey, TokensWrite, path_id};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RotateJson {
    #[serde(default)]
    overlap_seconds: u64,
}

pub async fn rotate(by: PartnerKey<TokensWrite>, id: Path<String>, body: Body) -> Answer {
    let (id, given): (StoreId, RotateJson) = (path_id(&id)?, body.read()?);
    let overlap = Duration::from_secs(given.overlap_seconds);
    let rotated = access_token::rotate(&by.tools, &by.asker(), id, overlap).await?;
    let store = find(&by, id).await?;
    created(&json!({
        "access_token": rotated.secret.expose(),
        "token_type": "Bearer",
        "previous_tokens_end_at": rotated.others_end_at,
        "store": shown(&by, store),
    }))
}
