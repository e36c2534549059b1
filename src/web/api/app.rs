//! `GET /v1/app`: the app that a key belongs to.

use serde_json::json;

use super::{Answer, ok, page};
use crate::broker::proxy::body;
use crate::web::extract::{AnyScope, PartnerKey};

pub async fn show(by: PartnerKey<AnyScope>) -> Answer {
    let app = &by.app;
    ok(&json!({
        "id": app.id,
        "name": app.name,
        "logo_url": app.logo_url,
        "mode": app.mode,
        "return_urls": app.return_urls.0,
        "merchant_mail": app.merchant_mail,
        "expose_credentials": app.expose_credentials,
        "created_at": app.created_at,
        "key": {
            "id": by.key.id,
            "name": by.key.name,
            "scopes": by.key.scopes.0,
            "created_at": by.key.created_at,
            "expires_at": by.key.expires_at,
        },
        "limits": {
            "requests_per_minute": some(by.tools.config.app_rate),
            "store_calls_per_minute": some(by.tools.config.store_rate),
            "page": page::MOST,
            "resendable_body_bytes": body::KEPT,
            "signed_body_bytes": body::SIGNED,
        },
    }))
}

/// Zero stands for no limit.
fn some(rate: u32) -> Option<u32> {
    Some(rate).filter(|rate| *rate > 0)
}
