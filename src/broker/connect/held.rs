//! A verified grant that waits for somebody: the merchant, where the platform granted less than asked or several shops at
//! once; the partner or an operator, where a typed identity has changed (rule: such a change is never taken silently).
//! Sealed in the session's row, since it holds a working credential.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::attempt::place;
use super::obtain::{Lacking, Verified};
use crate::app::App;
use crate::broker::Error;
use crate::crypto::Sealer;
use crate::db::connect_sessions::ConnectSession;
use crate::domain::id::{ConnectSessionId, CredentialId};
use crate::domain::secret::SecretBytes;
use crate::platform::Values;
use crate::platform::obtain::Grant;
use crate::platform::verify::Shop;

/// How long an operator or the partner has for a decision.
pub(super) const DECISION_TIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Why a grant is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldReason {
    /// Less was granted than asked for; the merchant decides.
    Less,
    /// The typed identity is another one than the store's; partner or operator decide.
    Identity,
    /// It covers several shops; the merchant says which.
    Shops,
}

/// What a page shows of a held grant.
#[derive(Debug, Clone)]
pub struct Held {
    pub reason: HeldReason,
    pub lacking: Lacking,
    /// The shop that was typed; empty where that is still open.
    pub identity: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    reason: HeldReason,
    values: BTreeMap<String, String>,
    asked_at: DateTime<Utc>,
    token_answer: Option<TokenAnswer>,
    shops: Vec<KeptShop>,
    chosen: Vec<String>,
    url: Option<String>,
    lacking: Lacking,
    kept: Option<CredentialId>,
    #[serde(default)]
    ends_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
struct KeptShop {
    id: String,
    name: Option<String>,
    values: BTreeMap<String, String>,
}

/// A token answer as it is written down, to be sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct TokenAnswer {
    values: BTreeMap<String, String>,
    access_seconds: Option<u64>,
    refresh_seconds: Option<u64>,
    scopes: Option<Vec<String>>,
    #[serde(default)]
    authorization_seconds: Option<u64>,
    /// Only of tokens that were brought: elsewhere the shops say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    platform_store_id: Option<String>,
}

impl TokenAnswer {
    pub fn of(grant: &Grant) -> Self {
        Self {
            values: plain(&grant.values),
            access_seconds: grant.access_expires_in.map(|life| life.as_secs()),
            refresh_seconds: grant.refresh_expires_in.map(|life| life.as_secs()),
            scopes: grant.scopes.clone(),
            authorization_seconds: grant.authorization_expires_in.map(|life| life.as_secs()),
            platform_store_id: grant.platform_store_id.clone(),
        }
    }

    pub fn open(self) -> Grant {
        Grant {
            values: self.values.into_iter().collect(),
            access_expires_in: self.access_seconds.map(Duration::from_secs),
            refresh_expires_in: self.refresh_seconds.map(Duration::from_secs),
            scopes: self.scopes,
            platform_store_id: self.platform_store_id,
            authorization_expires_in: self.authorization_seconds.map(Duration::from_secs),
        }
    }
}

/// The held grant of a session, if there is one.
pub fn held(app: &App, session: &ConnectSession) -> Result<Option<Held>, Error> {
    Ok(open(app, session)?.map(|(reason, verified)| Held {
        reason,
        lacking: verified.lacking,
        identity: verified.chosen.into_iter().next().unwrap_or_default(),
    }))
}

pub(super) fn seal(
    sealer: &Sealer,
    session: ConnectSessionId,
    reason: HeldReason,
    verified: &Verified,
) -> Result<Vec<u8>, Error> {
    let kept = Kept {
        reason,
        values: plain(&verified.values),
        asked_at: verified.asked_at,
        token_answer: verified.grant.as_ref().map(TokenAnswer::of),
        shops: verified.shops.iter().map(KeptShop::of).collect(),
        chosen: verified.chosen.clone(),
        url: verified.url.clone(),
        lacking: verified.lacking.clone(),
        kept: verified.kept,
        ends_at: verified.ends_at,
    };
    let bytes = serde_json::to_vec(&kept).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(sealer.seal(place(session, "held_sealed"), SecretBytes::new(bytes).expose()))
}

pub(super) fn open(app: &App, session: &ConnectSession) -> Result<Option<(HeldReason, Verified)>, Error> {
    let Some(sealed) = &session.held_sealed else {
        return Ok(None);
    };
    let unreadable = |why: String| Error::Internal(format!("the held grant of {} cannot be opened: {why}", session.id));
    let bytes = app
        .sealer
        .open(place(session.id, "held_sealed"), sealed)
        .map_err(|error| unreadable(error.to_string()))?;
    let kept: Kept = serde_json::from_slice(bytes.expose()).map_err(|_| unreadable("not a grant".to_owned()))?;
    let grant = kept.token_answer.map(TokenAnswer::open);
    let verified = Verified {
        values: kept.values.into_iter().collect(),
        asked_at: kept.asked_at,
        grant,
        shops: kept.shops.into_iter().map(KeptShop::open).collect(),
        chosen: kept.chosen,
        url: kept.url,
        lacking: kept.lacking,
        of_unknown_age: false,
        kept: kept.kept,
        ends_at: kept.ends_at,
    };
    Ok(Some((kept.reason, verified)))
}

impl KeptShop {
    fn of(shop: &Shop) -> Self {
        Self {
            id: shop.platform_store_id.clone(),
            name: shop.name.clone(),
            values: plain(&shop.values),
        }
    }

    fn open(self) -> Shop {
        Shop {
            platform_store_id: self.id,
            name: self.name,
            values: self.values.into_iter().collect(),
        }
    }
}

fn plain(values: &Values) -> BTreeMap<String, String> {
    values
        .iter()
        .map(|(name, value)| (name.to_owned(), value.expose().to_owned()))
        .collect()
}
