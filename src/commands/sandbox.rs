//! `llavero sandbox`: the simulated platforms alone.

use std::net::SocketAddr;
use std::sync::Arc;

use llavero::clock::Clock;
use llavero::config::Config;
use llavero::crypto::Random;
use llavero::sandbox;

use super::serve::asked_to_stop;
use super::{Stop, say, start_logging};

/// Serves until asked to stop.
pub fn run(config: &Config, bind: SocketAddr) -> Result<(), Stop> {
    start_logging(config)?;
    actix_web::rt::System::new().block_on(async {
        let running =
            sandbox::server::serve(bind, options()).map_err(|error| Stop::line(format!("{bind}: {error}")))?;
        say(&format!("LLAVERO_SANDBOX_URL=http://{}", running.address));
        say(&format!(
            "control API     http://{}/_control/openapi.json",
            running.address
        ));
        asked_to_stop().await;
        running.stop().await;
        Ok(())
    })
}

/// The simulation on the machine's clock, with fresh randomness.
pub fn options() -> sandbox::server::Options {
    let clock = Clock::system();
    sandbox::server::Options {
        clock: Arc::new(move || clock.now()),
        seed: u64::from_le_bytes(Random::system().bytes()),
    }
}
