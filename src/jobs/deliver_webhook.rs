//! Delivers what is due at one webhook endpoint, and leaves a job for the time when something is due again. Every run
//! looks at the rows afresh, so a second one at the same time finds what the first left.

use std::sync::Arc;

use crate::app::App;
use crate::broker::Error;
use crate::broker::webhooks::{Worked, deliver_due};
use crate::db;
use crate::db::jobs::End;
use crate::domain::id::{AppId, WebhookEndpointId};
use crate::domain::job::{Job, NewJob};

pub(super) async fn run(app: &Arc<App>, endpoint: WebhookEndpointId) -> Result<End, Error> {
    let Worked::NotBefore(due_at) = deliver_due(app, endpoint).await? else {
        return Ok(End::Done);
    };
    let tools = app.clone();
    app.db
        .transaction::<_, db::Error, _>(move |conn| {
            let owner: Option<AppId> = db::webhook_endpoints::lock(conn, endpoint)?.map(|endpoint| endpoint.app_id);
            let job = Job::DeliverWebhook {
                endpoint,
                delivery: None,
            };
            let next = NewJob {
                job,
                app: owner,
                platform: None,
                due_at,
            };
            db::jobs::insert_sooner(conn, tools.id(), &next)
        })
        .await?;
    Ok(End::Done)
}
