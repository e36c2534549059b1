//! The link in a notice to a merchant. It works until its time is over, or the store is authorized again, and any number
//! of times until then: mail scanners open links, so looking changes nothing.

use super::sessions::{self, Created, NewSession};
use crate::app::App;
use crate::broker::asker::Asker;
use crate::broker::{Error, notify};
use crate::db;
use crate::db::stores::Store;
use crate::domain::connect::Language;
use crate::domain::store::StoreStatus;

/// A link that holds: its store and app.
pub struct Reconnect {
    pub store: Store,
    pub api_app: db::apps::App,
}

/// Opens a link. Not ours: not found; too old, or the store was authorized again or revoked since: expired.
pub async fn open(app: &App, token: &str) -> Result<Reconnect, Error> {
    let (id, expiry) = notify::read_reconnect_token(&app.sealer, token).ok_or(Error::NotFound)?;
    if app.now() >= expiry {
        return Err(Error::LinkExpired);
    }
    let made_at = notify::reconnect_made_at(expiry);
    let found = app
        .db
        .run(move |conn| {
            let Some(store) = db::stores::find(conn, id)? else {
                return Ok(None);
            };
            let spent = db::connect_sessions::is_completed_since(conn, id, made_at)?;
            let api_app = db::apps::find(conn, store.app_id)?;
            Ok::<_, db::Error>(api_app.map(|api_app| (store, api_app, spent)))
        })
        .await?;
    let (store, api_app, spent) = found.ok_or(Error::NotFound)?;
    if spent || store.status == StoreStatus::Revoked {
        return Err(Error::LinkExpired);
    }
    Ok(Reconnect { store, api_app })
}

/// Makes a session that authorizes exactly that store again. `RateLimited`: too many came from this network address, or to
/// this app.
pub async fn start(app: &App, reconnect: &Reconnect, language: Language, address: &str) -> Result<Created, Error> {
    sessions::admit(app, reconnect.api_app.id, address)?;
    let mut new = NewSession {
        arrived: true,
        ..NewSession::default()
    };
    new.merchant.locale = Some(language);
    sessions::reauthorize(
        app,
        &reconnect.api_app,
        reconnect.store.id,
        &Asker::merchant(reconnect.api_app.id),
        new,
    )
    .await
}
