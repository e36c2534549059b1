//! The job table and its runners: each job is done, by one runner at a time, and ends by choice.

mod claims;
mod ends;
mod lost;
mod webhook_backlogs;
mod webhook_failures;
mod webhooks;

use crate::support::connecting::{self, Connected, Way};
use crate::support::rows;
use crate::support::test_app::TestApp;

/// Stores whose credentials a job can renew.
async fn shops(app: &TestApp, count: usize) -> Vec<Connected> {
    let mut stores = Vec::new();
    for number in 0..count {
        let shop = format!("shop-{number}.myshopify.com");
        let way = Way::with("shopify", "expiring", &[("shop", &shop)]);
        stores.push(connecting::connect_for(app, "customer-1", &way).await);
    }
    stores
}

/// A due refresh of every credential, in the state that the test wants; no other job is left.
fn enqueue_refreshes(app: &TestApp, changes: &str) {
    rows::execute(&app.database, "DELETE FROM jobs");
    let now = app.clock.now().to_rfc3339();
    rows::execute(&app.database, &format!("UPDATE credentials SET refresh_at = '{now}'"));
    rows::execute(
        &app.database,
        &format!(
            "INSERT INTO jobs (id, kind, payload, app_id, platform, unique_key, due_at, created_at)
             SELECT gen_random_uuid(), 'refresh_credential', jsonb_build_object('credential', name), app_id, platform,
                    'refresh_credential:' || name, '{now}', '{now}'
             FROM (SELECT *, 'cred_' || replace(id::text, '-', '') AS name FROM credentials) named"
        ),
    );
    if !changes.is_empty() {
        rows::execute(&app.database, &format!("UPDATE jobs SET {changes}"));
    }
}

/// A due job that is done at once: it is about a message that is gone.
fn enqueue_trifle(app: &TestApp) {
    let now = app.clock.now().to_rfc3339();
    rows::execute(
        &app.database,
        &format!(
            "INSERT INTO jobs (id, kind, payload, due_at) VALUES (gen_random_uuid(), 'send_notice',
             jsonb_build_object('notice', 'notice_01900000000070008000000000000000'), '{now}')"
        ),
    );
}

const TRIFLES_DONE: &str = "SELECT count(*) AS n FROM jobs WHERE kind = 'send_notice' AND status = 'done'";
