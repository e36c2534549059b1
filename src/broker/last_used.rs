//! Notes uses and sees that they are written: the first one after a write starts the next write a few seconds later, so
//! that an idle process does nothing and a busy one writes a row per store and batch, not per call.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::db;
use crate::domain::id::{ApiKeyId, StoreId};

const BATCH: Duration = Duration::from_secs(5);

/// A store's token was used.
pub fn note_store(app: &Arc<App>, store: StoreId) {
    if app.last_used.note_store(store, app.now()) {
        write_soon(app);
    }
}

/// An API key was used.
pub fn note_key(app: &Arc<App>, key: ApiKeyId) {
    if app.last_used.note_key(key, app.now()) {
        write_soon(app);
    }
}

/// Writes at once: for a stopping process, and for whoever wants to see the times.
pub async fn write(app: &App) -> Result<(), db::Error> {
    app.last_used.write(&app.db).await
}

fn write_soon(app: &Arc<App>) {
    let app = Arc::clone(app);
    app.detached.clone().spawn(async move {
        tokio::time::sleep(BATCH).await;
        if let Err(error) = write(&app).await {
            tracing::warn!(error = %error, "the times of last use could not be written");
        }
    });
}
