//! What every serving process does beside its work: it tends the journal and the leases. Stopped last,
//! after everything that may still leave something to tend or to write down.

use std::sync::Arc;

use llavero::app::App;
use llavero::broker::{last_used, refresh};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Tending under way, until [`Background::stop`].
pub struct Background {
    app: Arc<App>,
    stop: watch::Sender<bool>,
    tend: JoinHandle<()>,
}

impl Background {
    /// Runs beside the web server, on the runtime that outlives its callers.
    pub fn start(app: &Arc<App>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let tend = app.detached.spawn(refresh::tend_until(app.clone(), stopped));
        Self { app: app.clone(), stop, tend }
    }

    /// Waits for refreshes under way, then for the tasks; closes the listening connection.
    pub async fn stop(self) {
        self.app.in_flight.idle().await;
        // Nobody listening means that they have ended by themselves.
        let _ = self.stop.send(true);
        if let Err(error) = self.tend.await {
            tracing::error!(%error, "tending the leases broke");
        }
        if let Err(error) = last_used::write(&self.app).await {
            tracing::warn!(%error, "when stores were last used could not be written");
        }
        self.app.listener.stop();
    }
}
