//! Removes what is past its keeping time, and makes the coming months' partitions of the refresh log. Runs daily.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::app::App;
use crate::broker::{Error, disconnect, idempotency};
use crate::db;
use crate::db::jobs::End;
use crate::domain::event::KEPT_DAYS;
use crate::domain::job::{Job, NewJob};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// No limit of a token endpoint counts over a longer time.
const LONGEST_WINDOW: Duration = Duration::from_secs(2 * 24 * 60 * 60);
const JOBS_DAYS: i64 = 7;
const NOTICES_DAYS: i64 = 400;
const LOGS_DAYS: i64 = 400;
const BATCH: i64 = 1000;

pub(super) async fn run(app: &Arc<App>) -> Result<End, Error> {
    let now = app.now();
    app.db
        .run(move |conn| db::refresh_logs::make_partitions(conn, now))
        .await?;
    app.db.run(db::connect_sessions::expire).await?;
    let before = now - TimeDelta::days(LOGS_DAYS);
    app.db
        .run(move |conn| db::refresh_logs::drop_before(conn, before))
        .await?;
    let before = now - TimeDelta::days(JOBS_DAYS);
    app.db
        .run(move |conn| db::jobs::delete_done_before(conn, before))
        .await?;
    let before = now - TimeDelta::days(NOTICES_DAYS);
    app.db.run(move |conn| db::notices::delete_before(conn, before)).await?;
    while app
        .db
        .run(|conn| db::events::delete_old(conn, KEPT_DAYS, BATCH))
        .await?
        > 0
    {}
    app.db.run(db::app_list::erase_ended_signing_secrets).await?;
    app.db.run(db::webhook_endpoints::erase_ended_secrets).await?;
    app.db
        .run(|conn| db::token_calls::delete_old(conn, LONGEST_WINDOW))
        .await?;
    disconnect::erase_unused(app).await?;
    idempotency::purge(app).await?;
    let tools = app.clone();
    app.db
        .transaction::<_, Error, _>(move |conn| {
            let due_at = now + TimeDelta::from_std(DAY).unwrap_or_default();
            let next = NewJob {
                job: Job::Purge {},
                app: None,
                platform: None,
                due_at,
            };
            Ok(db::jobs::insert(conn, tools.id(), &next)?)
        })
        .await?;
    Ok(End::Done)
}
