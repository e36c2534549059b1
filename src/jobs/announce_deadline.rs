//! Announces the deadline of a credential that refreshing does not move, 30, 7 and 1 days ahead. The row is read afresh:
//! a store that was authorized again meanwhile has another deadline, and each is announced once.

use std::sync::Arc;

use crate::app::App;
use crate::broker::{Error, notify, refresh};
use crate::db;
use crate::db::jobs::End;
use crate::domain::credential::announcement;
use crate::domain::id::CredentialId;
use crate::domain::store::StoreStatus;

pub(super) async fn run(app: &Arc<App>, credential: CredentialId) -> Result<End, Error> {
    let tools = app.clone();
    app.db
        .transaction(move |conn| {
            let found = db::credentials::find(conn, credential)?;
            let Some(row) = found.filter(|row| row.dead_at.is_none() && row.values_sealed.is_some()) else {
                return Ok(End::Done);
            };
            let Some(deadline) = row.reauthorize_by else {
                return Ok(End::Done);
            };
            if let Some(days) = announcement(deadline, tools.now()) {
                for store in db::stores::list_of_credential(conn, credential)? {
                    if store.status == StoreStatus::Connected {
                        notify::expiring(conn, &tools, &store, deadline, days)?;
                    }
                }
            }
            refresh::announce(conn, &tools, credential, row.app_id, &row.platform, Some(deadline))?;
            Ok(End::Done)
        })
        .await
}
