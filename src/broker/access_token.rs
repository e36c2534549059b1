//! A store's own token: admitted on each call, minted at exchange, replaced on request. The plain token leaves this module
//! once and is kept nowhere; its hash is what the database knows.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::asker::Asker;
use super::{Error, FieldError, events};
use crate::app::App;
use crate::app::memory::{KnownToken, Recalled, Row};
use crate::db;
use crate::db::store_list::ListedStore;
use crate::domain::access_token::{self, TokenHash, TokenKind};
use crate::domain::event::EventKind;
use crate::domain::id::{AccessTokenId, AppId, StoreId};
use crate::domain::secret::Secret;
use crate::domain::store::StoreStatus;

/// The longest time for which an old token may work beside its successor.
pub const LONGEST_OVERLAP: Duration = Duration::from_secs(7 * 24 * 3600);

/// A living token with its store and app.
#[derive(Clone)]
pub struct Admitted(Arc<KnownToken>);

impl Deref for Admitted {
    type Target = KnownToken;

    fn deref(&self) -> &KnownToken {
        &self.0
    }
}

impl Admitted {
    /// `NeedsReauthorization` unless calls can be made for the store.
    pub fn check_connected(&self) -> Result<(), Error> {
        match self.store.status {
            StoreStatus::Connected => Ok(()),
            StoreStatus::Revoked => Err(Error::TokenRevoked),
            StoreStatus::NeedsReauthorization => Err(Error::NeedsReauthorization {
                store: self.store.id,
                since: self.store.status_since,
                reason: self.store.status_reason,
            }),
        }
    }
}

/// The store behind a token, whatever state the store is in. `Unauthenticated`: unknown or mistyped; `TokenRevoked`:
/// revoked, replaced, or its store is.
pub async fn admit(app: &Arc<App>, text: &str) -> Result<Admitted, Error> {
    let hash = access_token::hash(TokenKind::Store, text).map_err(|_| Error::Unauthenticated)?;
    let found = app.recall::<KnownToken>(hash).await?.ok_or(Error::Unauthenticated)?;
    living(found, app.now())
}

/// The same token again, after a wait: what was revoked meanwhile is refused.
pub async fn admit_again(app: &Arc<App>, admitted: &Admitted) -> Result<(), Error> {
    let found = app.read_row::<KnownToken>(admitted.hash).await?;
    living(found.ok_or(Error::TokenRevoked)?, app.now())?.check_connected()
}

fn living(found: Recalled<KnownToken>, now: DateTime<Utc>) -> Result<Admitted, Error> {
    if found.row.is_alive(now) {
        Ok(Admitted(found.row))
    } else {
        Err(Error::TokenRevoked)
    }
}

/// The living token `text` if it belongs to a store of `owner`; anything else is nobody's.
pub async fn introspect(app: &App, owner: AppId, text: &str) -> Result<Option<Admitted>, Error> {
    let Ok(hash) = access_token::hash(TokenKind::Store, text) else {
        return Ok(None);
    };
    let found = app
        .db
        .run::<_, db::Error, _>(move |conn| KnownToken::read(conn, &hash))
        .await?;
    let found = found.map(|found| Admitted(Arc::new(found)));
    Ok(found.filter(|found| found.app.id == owner && found.is_alive(app.now())))
}

/// A token that is not in the database yet.
pub struct Minted {
    pub id: AccessTokenId,
    /// Shown once.
    pub secret: Secret,
    hash: TokenHash,
    hint: String,
}

impl Minted {
    pub fn insert(&self, conn: &mut db::Conn, store: StoreId, app: AppId) -> db::Result<()> {
        db::access_tokens::insert(conn, self.id, store, app, self.hash, &self.hint)
    }
}

/// A new token; `Minted::insert` makes it work.
pub fn mint(app: &App) -> Minted {
    let secret = access_token::mint(TokenKind::Store, app.random.bytes());
    let (hash, hint) = (TokenHash::of(secret.expose()), access_token::hint(&secret));
    Minted {
        id: app.id(),
        secret,
        hash,
        hint,
    }
}

/// A token made for a store in place of those before.
pub struct Rotated {
    pub secret: Secret,
    /// When those before end; `None`: they ended at once.
    pub others_end_at: Option<DateTime<Utc>>,
    /// The store with that token: nothing has to be read again before it is told.
    pub listed: ListedStore,
}

/// A new token for a store; those before work for `overlap` more, or end at once.
///
/// `Invalid`: the overlap is longer than 7 days. `Conflict`: the store is revoked. `StoreFrozen`.
pub async fn rotate(app: &Arc<App>, asker: &Asker, store: StoreId, overlap: Duration) -> Result<Rotated, Error> {
    if overlap > LONGEST_OVERLAP {
        let most = LONGEST_OVERLAP.as_secs();
        return Err(Error::Invalid(vec![FieldError::new(
            "overlap_seconds",
            format!("0 to {most} (7 days)"),
        )]));
    }
    let others_end_at = (!overlap.is_zero())
        .then(|| {
            TimeDelta::from_std(overlap)
                .ok()
                .and_then(|overlap| app.now().checked_add_signed(overlap))
        })
        .flatten();
    let (minted, event, asker) = (mint(app), app.id(), asker.clone());
    let secret = minted.secret.clone();
    let tools = app.clone();
    let listed = app
        .db
        .transaction(move |conn| {
            let store = asker.store(conn, store)?.ok_or(Error::NotFound)?;
            // Two rotations at once take turns, so that each ends the other's predecessor.
            let store = db::stores::lock(conn, store.id)?.ok_or(Error::NotFound)?;
            if store.status == StoreStatus::Revoked {
                return Err(Error::Conflict(
                    "A revoked store gets no token; connect it anew".to_owned(),
                ));
            }
            // It would not be known where the store works.
            if db::frozen::any(conn, &[store.credential_id])? {
                return Err(Error::StoreFrozen);
            }
            minted.insert(conn, store.id, store.app_id)?;
            db::access_tokens::end_others(conn, store.id, Some(minted.id), others_end_at)?;
            db::listen::notify_store(conn, store.id)?;
            let told = serde_json::json!({ "access_token_id": minted.id, "others_end_at": others_end_at });
            let (kind, incident) = (EventKind::StoreAccessTokenRotated, minted.id.to_string());
            events::of_store(conn, &tools, &store, kind, &incident, told)?;
            let details = serde_json::json!({ "token": minted.id, "overlap_seconds": overlap.as_secs() });
            db::audit::insert(
                conn,
                &asker.did(event, store.app_id, "store.access_token_rotated", store.id, details),
            )?;
            db::store_list::find(conn, store.app_id, store.id)?.ok_or(Error::NotFound)
        })
        .await?;
    Ok(Rotated {
        secret,
        others_end_at,
        listed,
    })
}
