//! <https://docs.bigcommerce.com/developer/docs/integrations/apps/guide/auth>
//!
//! An uninstall is told by a GET whose query holds a JWT, signed with the app's secret. Only HS256 is taken, whatever the
//! token's own header says, and only while the token is valid: it would otherwise go on ending a later install.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::Quirk;
use crate::platform::hook::{Hook, HookKind, HookRefusal, Received, keys};
use crate::platform::signature::{self, Hash};
use crate::platform::values::Values;

/// How far BigCommerce's clock may be ahead of ours.
const LEEWAY_SECONDS: i64 = 60;

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    nbf: i64,
    exp: i64,
    /// `stores/` and the store's hash.
    sub: String,
}

pub(super) struct BigCommerce;

impl Quirk for BigCommerce {
    fn name(&self) -> &'static str {
        "bigcommerce"
    }

    fn hook(&self, received: &Received<'_>, app: &Values, now: DateTime<Utc>) -> Result<Hook, HookRefusal> {
        let pairs = signature::pairs(received.query);
        let mut tokens = pairs.iter().filter(|(name, _)| name == "signed_payload_jwt");
        let (Some((_, token)), None) = (tokens.next(), tokens.next()) else {
            return Err(HookRefusal::Missing);
        };
        let claims = proven(token, app).ok_or(HookRefusal::BadProof)?;
        let now = now.timestamp();
        let ours = app.get("client_id") == Some(claims.aud.as_str()) && claims.iss == "bc";
        let valid = claims.nbf <= now.saturating_add(LEEWAY_SECONDS) && now < claims.exp;
        if !(ours && valid && claims.sub.starts_with("stores/")) {
            return Err(HookRefusal::BadProof);
        }
        Ok(Hook {
            kind: HookKind::Uninstalled,
            topic: "uninstalled".to_owned(),
            platform_store_id: Some(claims.sub),
            happened_at: DateTime::from_timestamp(claims.nbf, 0),
        })
    }
}

/// The claims of a token whose signature holds.
fn proven(token: &str, app: &Values) -> Option<Claims> {
    let (signed, given) = token.rsplit_once('.')?;
    let (_, payload) = signed.split_once('.')?;
    let holds = keys(app, "client_secret").any(|key| {
        let hash = Hash::HmacSha256.of(key.as_bytes(), signed.as_bytes());
        signature::same(&BASE64_URL_SAFE_NO_PAD.encode(hash), given)
    });
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok().filter(|_| holds)?;
    serde_json::from_slice(&payload).ok()
}
