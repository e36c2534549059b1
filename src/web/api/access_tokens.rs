//! `POST /v1/stores/{id}/access-tokens`: a new token for a store, the old one overlapping for a while if asked.

use std::time::Duration;

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store_json::StoreJson;
use super::stores::shown;
use super::{Answer, created};
use crate::broker::access_token;
use crate::domain::id::StoreId;
use crate::web::extract::{Body, PartnerKey, TokensWrite, path_id};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccessToken)]
pub(super) struct RotateJson {
    /// For how long the tokens before go on working; 7 days at most.
    #[serde(default)]
    #[schema(maximum = 604_800)]
    overlap_seconds: u64,
}

/// A new token of a store.
#[derive(Serialize, ToSchema)]
#[schema(as = RotatedAccessToken)]
pub(super) struct RotatedJson<'a> {
    /// Shown this once.
    access_token: &'a str,
    /// `Bearer`.
    token_type: &'static str,
    /// Until then the tokens before work. `null`: they have stopped.
    previous_tokens_end_at: Option<DateTime<Utc>>,
    store: StoreJson,
}

pub async fn rotate(by: PartnerKey<TokensWrite>, id: Path<String>, body: Body) -> Answer {
    let (id, given): (StoreId, RotateJson) = (path_id(&id)?, body.read()?);
    let overlap = Duration::from_secs(given.overlap_seconds);
    let rotated = access_token::rotate(&by.tools, &by.asker(), id, overlap).await?;
    created(&RotatedJson {
        access_token: rotated.secret.expose(),
        token_type: "Bearer",
        previous_tokens_end_at: rotated.others_end_at,
        store: shown(&by, rotated.listed),
    })
}
