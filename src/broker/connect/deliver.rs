//! Keys that a store's server posts while the merchant's browser is at the store. Nothing signs that post: its state, which
//! nobody can guess, ties it to the session of the link it came to. The keys are sealed and wait for the browser; a post
//! alone makes no store.

use super::attempt::seal_delivered;
use super::complete::method_of;
use super::sessions;
use crate::app::App;
use crate::broker::{Error, FieldError};
use crate::db;
use crate::domain::access_token::TokenHash;
use crate::domain::connect::SessionStatus;
use crate::platform;

/// Keeps what was posted to the delivery address of a link; the same post again changes nothing. The store takes the keys
/// back if this fails.
pub async fn deliver(app: &App, link: &str, body: &[u8]) -> Result<(), Error> {
    let visit = sessions::visit(app, link).await?;
    match visit.session.status_at(app.now()) {
        SessionStatus::Open | SessionStatus::AtPlatform => {}
        // Delivered before: the store must not take its keys back, and there is nothing left to keep.
        SessionStatus::Completed => return Ok(()),
        SessionStatus::Failed | SessionStatus::Cancelled | SessionStatus::Expired => return Err(Error::LinkExpired),
    }
    let slug = visit.session.platform.as_deref().ok_or(Error::NotFound)?;
    let platform = app.catalogue.platform(slug).ok_or(Error::NotFound)?;
    let method = method_of(&visit, platform)?;
    let (state, values) = platform::obtain::read_delivery(method, body)
        .map_err(|refusal| Error::Invalid(vec![FieldError::new("body", refusal.to_string())]))?;
    let id = visit.session.id;
    let sealed = seal_delivered(app, id, &values);
    let state = TokenHash::of(&state);
    if !app
        .db
        .run(move |conn| db::connect_sessions::deliver(conn, id, state, &sealed))
        .await?
    {
        return Err(Error::NotFound);
    }
    Ok(())
}
