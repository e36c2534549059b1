//! What people do to jobs: a dead letter gets another run.

use std::sync::Arc;

use super::Error;
use super::apps::audit;
use crate::app::App;
use crate::db;
use crate::domain::admin::Actor;
use crate::domain::id::JobId;

/// Runs a dead letter again at once, its tries counted anew. `Conflict`: the same work is waiting already; `NotFound`:
/// there is no such job, or it is neither waiting nor a dead letter.
pub async fn retry(app: &Arc<App>, id: JobId, actor: Actor) -> Result<(), Error> {
    let action = audit(app, actor, None, "job.retried", id.to_string(), serde_json::json!({}));
    app.db
        .transaction(move |conn| {
            let job = db::jobs::find(conn, id)?.ok_or(Error::NotFound)?;
            let retried = db::jobs::retry(conn, id).map_err(|error| match error {
                db::Error::Conflict { .. } => Error::Conflict("The same work is waiting already".to_owned()),
                other => other.into(),
            })?;
            if !retried {
                return Err(Error::NotFound);
            }
            let mut event = action;
            event.app = job.app_id;
            event.details = serde_json::json!({ "kind": job.kind });
            db::audit::insert(conn, &event)?;
            Ok(())
        })
        .await
}
