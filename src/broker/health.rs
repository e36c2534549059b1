//! Whether this process can do its work: the database answers and is migrated, every key in use is in the ring, and the
//! journal can be written (without it no refresh may start).

use crate::app::App;
use crate::db;

/// What stands in the way, in words for whoever runs this; empty: nothing.
pub async fn hindrances(app: &App) -> Vec<String> {
    let mut found = Vec::new();
    let asked = app
        .db
        .run::<_, db::Error, _>(|conn| Ok((db::pending_migrations(conn)?, db::key_checks::list(conn)?)))
        .await;
    match asked {
        Ok((pending, checks)) => {
            if !pending.is_empty() {
                found.push(format!("{} migrations are pending", pending.len()));
            }
            let closed = checks
                .iter()
                .filter(|(id, sealed)| app.sealer.open_check(id, sealed).is_err())
                .count();
            if closed > 0 {
                found.push(format!("{closed} keys in use are not in the key ring"));
            }
        }
        Err(error) => {
            tracing::warn!(%error, "not ready: the database does not answer");
            found.push("the database does not answer".to_owned());
        }
    }
    if !app.journal.writable() {
        found.push("the journal cannot be written, so nothing is refreshed".to_owned());
    }
    found
}
