//! `llavero serve` and `llavero work`: production. Nothing starts half-configured, and a stop waits for the calls and
//! refreshes that are under way.

use std::net::TcpListener;

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
        let background = jobs::Background::start(app.clone());
        let runner = work.then(|| jobs::Runner::start(app.clone()));
        tracing::info!(%bind, "llavero is ready");
        asked_to_stop().await;
        server.stop(true).await;
        wind_down(runner, background).await;
        Ok(())
    })
}

/// The worker alone.
pub fn work(config: Config) -> Result<(), Stop> {
    require_settings(&config)?;
    start_logging(&config)?;
    let detached = runtime(2, "refresh")?;
    let app = tools(config, detached.handle().clone())?;
    detached.block_on(async {
        let background = jobs::Background::start(app.clone());
        let runner = jobs::Runner::start(app.clone());
        tracing::info!("the worker is ready");
        asked_to_stop().await;
        wind_down(Some(runner), background).await;
    });
    say("stopped");
    Ok(())
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
