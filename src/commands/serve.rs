//! `llavero serve` and `llavero work`: production. Nothing starts half-configured, and a stop waits for the calls and
//! refreshes that are under way.

use std::net::TcpListener;
use std::sync::Arc;

use llavero::app::App;
use llavero::config::Config;
use llavero::{jobs, web};

use super::{Stop, runtime, say, start_logging, tools};

/// The web server, and with `work` the worker in the same process.
pub fn serve(config: Config, work: bool) -> Result<(), Stop> {
    require_settings(&config)?;
    start_logging(&config)?;
    let detached = runtime(2, "refresh")?;
    let app = tools(config, detached.handle().clone())?;
    actix_web::rt::System::new().block_on(async {
        let bind = app.config.bind;
        let listener = TcpListener::bind(bind).map_err(|error| Stop::line(format!("LLAVERO_BIND {bind}: {error}")))?;
        let site = web::Setup {
            app: app.clone(),
            demo: None,
        };
        let server = web::start(site, listener).map_err(Stop::because("starting the web server"))?;
        let metrics = serve_metrics(&app)?;
        let background = jobs::Background::start(app.clone());
        let runner = work.then(|| jobs::Runner::start(app.clone()));
        tracing::info!(%bind, "llavero is ready");
        asked_to_stop().await;
        server.stop(true).await;
        wind_down(runner, background).await;
        stop_metrics(metrics).await;
        Ok(())
    })
}

/// The worker alone.
pub fn work(config: Config) -> Result<(), Stop> {
    require_settings(&config)?;
    start_logging(&config)?;
    let detached = runtime(2, "refresh")?;
    let app = tools(config, detached.handle().clone())?;
    actix_web::rt::System::new().block_on(async {
        let metrics = serve_metrics(&app)?;
        let background = jobs::Background::start(app.clone());
        let runner = jobs::Runner::start(app.clone());
        tracing::info!("the worker is ready");
        asked_to_stop().await;
        wind_down(Some(runner), background).await;
        stop_metrics(metrics).await;
        Ok(())
    })?;
    say("stopped");
    Ok(())
}

/// The metrics on their own port, where one is set. Served to the very end: how a stop goes is worth seeing, too.
pub fn serve_metrics(app: &Arc<App>) -> Result<Option<web::Server>, Stop> {
    let Some(bind) = app.config.metrics_bind else {
        return Ok(None);
    };
    let told = |error: std::io::Error| Stop::line(format!("LLAVERO_METRICS_BIND {bind}: {error}"));
    let listener = TcpListener::bind(bind).map_err(told)?;
    let server = web::start_metrics(app.clone(), listener).map_err(Stop::because("serving the metrics"))?;
    Ok(Some(server))
}

pub async fn stop_metrics(metrics: Option<web::Server>) {
    if let Some(metrics) = metrics {
        metrics.stop(false).await;
    }
}

/// Every setting that is missing, at once, rather than the first of them at each start.
fn require_settings(config: &Config) -> Result<(), Stop> {
    let missing = config.missing_for_serve();
    if missing.is_empty() {
        return Ok(());
    }
    let told = |name: &&str| format!("{name} is not set; `.env.example` says what it is for");
    Err(Stop {
        lines: missing.iter().map(told).collect(),
    })
}

/// Ends jobs first, then what they may have started.
pub async fn wind_down(runner: Option<jobs::Runner>, background: jobs::Background) {
    if let Some(runner) = runner {
        runner.stop().await;
    }
    background.stop().await;
}

/// Ctrl-C or a termination signal.
pub async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "termination signals can't be watched; Ctrl-C still stops");
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
