//! The partner's back end turns a one-time code into the store's access token. The token is made here, so that it exists
//! nowhere before; asking again within the code's ten minutes gives a new one and revokes the first, so that a lost answer
//! costs nothing. After a re-authorization there is nothing to give: the old token works.

use serde_json::json;

use crate::app::App;
use crate::broker::asker::Asker;
use crate::broker::{Error, FieldError};
use crate::db;
use crate::db::connect_sessions::ConnectSession;
use crate::db::stores::{Learned, Store};
use crate::domain::access_token::{self, TokenHash, TokenKind};
use crate::domain::id::{AccessTokenId, ApiKeyId, AppId, AuditEventId};
use crate::domain::secret::Secret;
use crate::domain::store::StoreStatus;

/// What an exchange gives.
#[derive(Debug)]
pub struct Exchanged {
    /// `None` after a re-authorization.
    pub access_token: Option<Secret>,
    pub reauthorized: bool,
    pub store: Store,
}

/// Exchanges a code of this app. `customer_id` names the customer of a store that was connected without one, and must
/// otherwise be the session's.
pub async fn exchange(
    app: &App,
    app_id: AppId,
    code: &str,
    customer_id: Option<String>,
    asker: &Asker,
) -> Result<Exchanged, Error> {
    let hash = access_token::hash(TokenKind::Code, code)
        .map_err(|_| Error::Invalid(vec![FieldError::new("code", "Not a one-time code, or mistyped.")]))?;
    let now = app.now();
    let token = access_token::mint(TokenKind::Store, app.random.bytes());
    let by = asker.clone();
    let key: Option<ApiKeyId> = asker.actor.id.as_deref().and_then(|id| id.parse().ok());
    let (token_id, audit_id): (AccessTokenId, AuditEventId) = (app.id(), app.id());
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
            let store = session.result_store_id.ok_or(Error::NotFound)?;
            let store = db::stores::find_of(conn, app_id, store)?.ok_or(Error::NotFound)?;
            if store.status == StoreStatus::Revoked {
                return Err(Error::Conflict(
                    "The store was revoked after it was connected.".to_owned(),
                ));
            }
            // One exchange at a time for a store: two must not both find it without a token.
            db::stores::lock(conn, store.id)?;
            name_customer(conn, &session, &store, customer_id)?;
            let store = db::stores::find_of(conn, app_id, store.id)?.ok_or(Error::NotFound)?;
            let reauthorized = session.reauthorized;
            // A store that never got its token, because nobody exchanged the first code, gets it now.
            let has_token = db::access_tokens::list(conn, store.id)?.iter().any(|token| {
                let living = token.revoked_at.is_none() && token.ends_at.is_none_or(|end| now < end);
                living && Some(token.id) != session.exchanged_token_id
            });
            // Never a second one beside a token that another code or a rotation gave.
            if has_token {
                return Ok(Exchanged {
                    access_token: None,
                    reauthorized,
                    store,
                });
            }
            if let Some(first) = session.exchanged_token_id {
                db::access_tokens::revoke(conn, first)?;
                db::listen::notify_store(conn, store.id)?;
            }
            let (hash, hint) = (TokenHash::of(token.expose()), access_token::hint(&token));
            db::access_tokens::insert(conn, token_id, store.id, app_id, hash, &hint)?;
            db::connect_sessions::set_exchanged(conn, session.id, token_id, key)?;
            let details = json!({ "token": token_id, "session": session.id, "replaces": session.exchanged_token_id });
            let action = "store.access_token_created";
            db::audit::insert(conn, &by.did(audit_id, app_id, action, store.id, details))?;
            Ok(Exchanged {
                access_token: Some(token),
                reauthorized,
                store,
            })
        })
        .await
}

fn name_customer(
    conn: &mut db::Conn,
    session: &ConnectSession,
    store: &Store,
    given: Option<String>,
) -> Result<(), Error> {
    let Some(given) = given else { return Ok(()) };
    if given.is_empty() || given.len() > 255 || given.chars().any(char::is_control) {
        return Err(Error::Invalid(vec![FieldError::new(
            "customer_id",
            "1 to 255 bytes without control characters.",
        )]));
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
