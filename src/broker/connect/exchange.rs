//! The partner's back end turns a one-time code into an access token for each store of the session. The token is made here, so that it exists
//! nowhere before; asking again within the code's ten minutes gives a new one and revokes the first, so that a lost answer
//! costs nothing. After a re-authorization there is nothing to give: the old token works.

use std::sync::Arc;

use serde_json::json;

use crate::app::App;
use crate::broker::access_token::mint;
use crate::broker::asker::Asker;
use crate::broker::{Error, FieldError};
use crate::db;
use crate::db::connect_sessions::ConnectSession;
use crate::db::store_list::ListedStore;
use crate::db::stores::{Learned, Store};
use crate::domain::access_token::{self, TokenKind};
use crate::domain::connect::{CUSTOMER_ID_RULE, is_customer_id};
use crate::domain::id::{AccessTokenId, ApiKeyId, AppId, StoreId};
use crate::domain::secret::Secret;
use crate::domain::store::StoreStatus;

/// What an exchange gives: every store of the session, the first one first.
#[derive(Debug)]
pub struct Exchanged {
    pub first: StoreToken,
    pub others: Vec<StoreToken>,
}

/// One store, and its token where one was made.
#[derive(Debug)]
pub struct StoreToken {
    /// `None` after a re-authorization.
    pub access_token: Option<Secret>,
    pub reauthorized: bool,
    /// As it is with that token: nothing has to be read again before it is told.
    pub listed: ListedStore,
}

impl Exchanged {
    pub fn stores(&self) -> impl Iterator<Item = &StoreToken> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// A store of a session as it stands before the exchange.
struct Outcome {
    store: StoreId,
    /// The session's own columns hold what belongs to it.
    is_first: bool,
    reauthorized: bool,
    exchanged: Option<AccessTokenId>,
}

/// Exchanges a code of this app. `customer_id` names the customer of a store that was connected without one, and must
/// otherwise be the session's. `StoreFrozen`: a store was exported since, and its token would not be known there.
pub async fn exchange(
    app: &Arc<App>,
    app_id: AppId,
    code: &str,
    customer_id: Option<String>,
    asker: &Asker,
) -> Result<Exchanged, Error> {
    let hash = access_token::hash(TokenKind::Code, code)
        .map_err(|_| Error::Invalid(vec![FieldError::new("code", "Not a one-time code, or mistyped.")]))?;
    let now = app.now();
    let by = asker.clone();
    let key: Option<ApiKeyId> = asker.actor.id.as_deref().and_then(|id| id.parse().ok());
    let tools = app.clone();
    app.db
        .transaction(move |conn| {
            let session = db::connect_sessions::lock_by_code(conn, app_id, hash)?.ok_or(Error::NotFound)?;
            // A code that was used is the first key's alone: nobody else can make that token stop.
            if session.exchanged_by.is_some() && session.exchanged_by != key {
                return Err(Error::NotFound);
            }
            if session.code_expires_at.is_none_or(|until| now >= until) {
                return Err(Error::LinkExpired);
            }
            let mut given = Vec::new();
            for outcome in outcomes(conn, &session)? {
                let store = db::stores::find_of(conn, app_id, outcome.store)?.ok_or(Error::NotFound)?;
                if store.status == StoreStatus::Revoked {
                    continue;
                }
                // One exchange at a time for a store: two must not both find it without a token.
                db::stores::lock(conn, store.id)?;
                if db::frozen::any(conn, &[store.credential_id])? {
                    return Err(Error::StoreFrozen);
                }
                name_customer(conn, &session, &store, customer_id.clone())?;
                let store = db::stores::find_of(conn, app_id, store.id)?.ok_or(Error::NotFound)?;
                let access_token = token_for(conn, &tools, &session, &outcome, &store, key, &by)?;
                given.push(StoreToken {
                    access_token,
                    reauthorized: outcome.reauthorized,
                    listed: db::store_list::find(conn, app_id, store.id)?.ok_or(Error::NotFound)?,
                });
            }
            let mut given = given.into_iter();
            let Some(first) = given.next() else {
                return Err(Error::Conflict(
                    "The store was revoked after it was connected.".to_owned(),
                ));
            };
            let others = given.collect();
            Ok(Exchanged { first, others })
        })
        .await
}

fn outcomes(conn: &mut db::Conn, session: &ConnectSession) -> Result<Vec<Outcome>, Error> {
    let first = Outcome {
        store: session.result_store_id.ok_or(Error::NotFound)?,
        is_first: true,
        reauthorized: session.reauthorized,
        exchanged: session.exchanged_token_id,
    };
    let others = db::connect_session_stores::list(conn, session.id)?;
    let others = others.into_iter().map(|other| Outcome {
        store: other.store_id,
        is_first: false,
        reauthorized: other.reauthorized,
        exchanged: other.exchanged_token_id,
    });
    Ok(std::iter::once(first).chain(others).collect())
}

/// Makes the token of one store; `None`: it has one that another code or a rotation gave.
fn token_for(
    conn: &mut db::Conn,
    app: &App,
    session: &ConnectSession,
    outcome: &Outcome,
    store: &Store,
    key: Option<ApiKeyId>,
    by: &Asker,
) -> Result<Option<Secret>, Error> {
    let now = app.now();
    // A store that never got its token, because nobody exchanged the first code, gets it now.
    let has_token = db::access_tokens::list(conn, store.id)?.iter().any(|token| {
        let living = token.revoked_at.is_none() && token.ends_at.is_none_or(|end| now < end);
        living && Some(token.id) != outcome.exchanged
    });
    // Never a second one beside a token that another code or a rotation gave.
    if has_token {
        return Ok(None);
    }
    if let Some(first) = outcome.exchanged {
        db::access_tokens::revoke(conn, first)?;
        db::listen::notify_store(conn, store.id)?;
    }
    let minted = mint(app);
    minted.insert(conn, store.id, store.app_id)?;
    if outcome.is_first {
        db::connect_sessions::set_exchanged(conn, session.id, minted.id, key)?;
    } else {
        db::connect_session_stores::set_exchanged(conn, session.id, store.id, minted.id)?;
        db::connect_sessions::set_exchanged_by(conn, session.id, key)?;
    }
    let details = json!({ "token": minted.id, "session": session.id, "replaces": outcome.exchanged });
    let action = "store.access_token_created";
    db::audit::insert(conn, &by.did(app.id(), store.app_id, action, store.id, details))?;
    Ok(Some(minted.secret))
}

fn name_customer(
    conn: &mut db::Conn,
    session: &ConnectSession,
    store: &Store,
    given: Option<String>,
) -> Result<(), Error> {
    let Some(given) = given else { return Ok(()) };
    if !is_customer_id(&given) {
        return Err(Error::Invalid(vec![FieldError::new("customer_id", CUSTOMER_ID_RULE)]));
    }
    if session.customer_id.as_ref().is_some_and(|asked| *asked != given) {
        let message = "The session was made for another customer.";
        return Err(Error::Invalid(vec![FieldError::new("customer_id", message)]));
    }
    match &store.customer_id {
        Some(known) if *known != given => Err(Error::StoreAlreadyConnected),
        Some(_) => Ok(()),
        None => {
            let learned = Learned {
                customer_id: Some(given),
                ..Learned::default()
            };
            db::stores::update_facts(conn, store.app_id, store.id, &learned)?;
            Ok(())
        }
    }
}
