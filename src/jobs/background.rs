//! What every process does beside serving, worker or not: journals are replayed and leases tended, platforms that owners
//! define are read again when they change, and what is kept in memory for a while is written at the end.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::broker::{custom_platforms, last_used, refresh};

/// The running background work of this process.
pub struct Background {
    app: Arc<App>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Background {
    pub fn start(app: Arc<App>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (tending, following) = (
            refresh::tend_until(app.clone(), stopped.clone()),
            custom_platforms::follow(app.clone(), stopped),
        );
        let task = app.detached.clone().spawn(async move {
            tokio::join!(tending, following);
        });
        Self { app, stop, task }
    }

    /// Waits for refreshes under way, ends the round and writes what is left; closes the listening connection. Comes
    /// last: whatever may start a refresh has ended before.
    pub async fn stop(self) {
        self.app.in_flight.idle().await;
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the background work ended badly");
        }
        if let Err(error) = last_used::write(&self.app).await {
            tracing::warn!(%error, "the times of last use could not be written");
        }
        self.app.listener.stop();
    }
}
