//! What people asked for that leaves no other trace of them: a refresh or a verify call by hand.

use super::Error;
use super::asker::Asker;
use crate::app::App;
use crate::db;
use crate::domain::id::{AppId, StoreId};

/// Writes into the audit trail that the asker wants `action` done to a store.
pub async fn note(app: &App, asker: &Asker, of: AppId, store: StoreId, action: &'static str) -> Result<(), Error> {
    let event = asker.did(app.id(), of, action, store, serde_json::json!({}));
    app.db
        .run(move |conn| db::audit::insert(conn, &event))
        .await
        .map_err(Error::Db)
}
