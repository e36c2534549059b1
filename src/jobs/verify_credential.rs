//! Asks the platform, every few days, whether a credential that cannot be refreshed still works: otherwise a store would
//! count as connected until somebody uses it.

use std::sync::Arc;

use crate::app::App;
use crate::broker::refresh::Again;
use crate::broker::{Error, refresh, verify};
use crate::db;
use crate::db::jobs::End;
use crate::domain::id::CredentialId;
use crate::domain::job::{Job, NewJob};
use crate::domain::refresh::RefreshTrigger;

pub(super) async fn run(app: &Arc<App>, credential: CredentialId) -> Result<End, Error> {
    match verify::check(app, credential, RefreshTrigger::Timer).await {
        Ok(_) | Err(Error::NotFound | Error::NeedsReauthorization { .. }) => {}
        Err(Error::StoreFrozen) => return Ok(End::Done),
        Err(error) => return Err(error),
    }
    let Again::At(due_at) = refresh::again(app, credential).await? else {
        return Ok(End::Done);
    };
    let tools = app.clone();
    app.db
        .transaction(move |conn| {
            let Some(row) = db::credentials::find(conn, credential)? else {
                return Ok(End::Done);
            };
            let job = Job::VerifyCredential { credential };
            db::jobs::insert(
                conn,
                tools.id(),
                &NewJob {
                    job,
                    app: Some(row.app_id),
                    platform: Some(row.platform),
                    due_at,
                },
            )?;
            Ok(End::Done)
        })
        .await
}
