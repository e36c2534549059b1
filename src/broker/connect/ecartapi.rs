//! The way back in EcartAPI's form, for apps whose owner switched it on: handlers that were written for it go on working
//! while a partner moves. The token itself stands in the address there, so it is made when the browser is sent back, and
//! kept with the attempt as long as a code would be, so that a page shown again does not end the token that it gave.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::attempt::Attempt;
use super::return_url;
use super::sessions::Visit;
use crate::app::App;
use crate::broker::access_token::mint;
use crate::broker::asker::Asker;
use crate::broker::{Error, signing_secret};
use crate::db;
use crate::db::stores::Store;
use crate::domain::id::{AppId, AuditEventId};
use crate::domain::secret::Secret;
use crate::domain::store::StoreStatus;
use crate::platform::signature::Hash;

/// The return URL of a session that ended in this store. `attempt`: the session's, opened.
pub(super) async fn back(app: &App, visit: &Visit, attempt: &Attempt, store: &Store) -> Result<String, Error> {
    let token = match &attempt.token {
        Some(token) => Some(token.clone()),
        None => give(app, visit, attempt, store).await?,
    };
    let secret = signing_secret::signing(app, &visit.api_app)?;
    let platform = app.catalogue.platform_for(store.app_id, &store.platform);
    let ecommerce = platform.map_or(store.platform.as_str(), |platform| platform.name.as_str());
    let told = parameters(store, ecommerce, token.as_ref(), &secret);
    Ok(return_url::with(&visit.session.return_url, &told))
}

/// Makes the store's token. `None`: it has one, which nobody can read any more.
async fn give(app: &App, visit: &Visit, attempt: &Attempt, store: &Store) -> Result<Option<Secret>, Error> {
    let (session, minted, now) = (visit.session.id, mint(app), app.now());
    let token = minted.secret.clone();
    let attempt = Attempt {
        token: Some(token.clone()),
        ..attempt.clone()
    };
    let (sealed, store, event): (_, _, AuditEventId) = (attempt.seal(&app.sealer, session), store.clone(), app.id());
    let given = app
        .db
        .transaction::<_, db::Error, _>(move |conn| {
            // One at a time: two pages of one session must not both find the store without a token.
            let now_there = db::stores::lock(conn, store.id)?;
            let Some(there) = now_there.filter(|store| store.status != StoreStatus::Revoked) else {
                return Ok(false);
            };
            // A token made after the export would not be known where the store is now.
            if db::frozen::any(conn, &[there.credential_id])? {
                return Ok(false);
            }
            let tokens = db::access_tokens::list(conn, store.id)?;
            if tokens
                .iter()
                .any(|token| token.revoked_at.is_none() && token.ends_at.is_none_or(|end| now < end))
            {
                return Ok(false);
            }
            minted.insert(conn, store.id, store.app_id)?;
            db::connect_sessions::set_exchanged(conn, session, minted.id, None)?;
            db::connect_sessions::set_attempt(conn, session, &sealed)?;
            let details = json!({ "token": minted.id, "session": session, "replaces": null });
            let action = "store.access_token_created";
            db::audit::insert(
                conn,
                &Asker::merchant(store.app_id).did(event, store.app_id, action, store.id, details),
            )?;
            Ok(true)
        })
        .await?;
    if given {
        return Ok(Some(token));
    }
    // Another page of this session was faster, or the store has its token from elsewhere.
    let again = app
        .db
        .run(move |conn| db::connect_sessions::find(conn, session))
        .await?;
    let kept = again.map(|again| Attempt::open(app, &again)).transpose()?.flatten();
    Ok(kept.and_then(|kept| kept.token))
}

/// What EcartAPI tells, by its names; of the tokens ours alone, for the platform's stay here.
fn parameters(
    store: &Store,
    ecommerce: &str,
    token: Option<&Secret>,
    signing_secret: &Secret,
) -> Vec<(&'static str, String)> {
    let known = [
        ("access_token", token.map(|token| token.expose().to_owned())),
        ("ecommerce", Some(ecommerce.to_owned())),
        ("url", store.url.clone()),
        ("name", Some(store.name.clone())),
        ("userId", store.customer_id.clone()),
        (
            "ecartapi_key",
            token.map(|token| key(store.app_id, token, signing_secret)),
        ),
    ];
    let known = known.into_iter();
    known.filter_map(|(name, value)| Some((name, value?))).collect()
}

/// `ecartapi_key`: base64 HMAC-SHA256 with the app's signing secret over the app's id, `&` and the token.
fn key(app: AppId, token: &Secret, signing_secret: &Secret) -> String {
    let text = format!("{app}&{}", token.expose());
    BASE64_STANDARD.encode(Hash::HmacSha256.of(signing_secret.expose().as_bytes(), text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_guide_is_reproduced() {
        let app: AppId = "app_0198c0a1b2c37d4e8f90a1b2c3d4e5f6".parse().unwrap();
        let secret = Secret::new("llv_ss_0000000000000000000000000000000000000000000000000");
        assert_eq!(
            key(app, &Secret::new("llv_st_abc"), &secret),
            "orpA0ZjQdxZO0qiWOsr2xDqh3QUuNDey4rRy3uiX33s="
        );
    }
}
