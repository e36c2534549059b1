//! `llavero migrate`.

use llavero::config::Config;
use llavero::db;

use super::{Stop, direct_database_url, say};

/// Applies what is pending, or with `check` only tells.
pub fn migrate(config: &Config, check: bool) -> Result<(), Stop> {
    let url = direct_database_url(config)?;
    if check {
        let mut conn = db::connect(&url).map_err(Stop::because("the database"))?;
        let pending = db::pending_migrations(&mut conn).map_err(Stop::because("the database"))?;
        if pending.is_empty() {
            say("nothing is pending");
            return Ok(());
        }
        return Err(Stop {
            lines: pending.iter().map(|name| format!("pending: {name}")).collect(),
        });
    }
    let done = db::migrate(&url).map_err(Stop::because("migrating"))?;
    for name in &done {
        say(&format!("applied {name}"));
    }
    if done.is_empty() {
        say("nothing was pending");
    }
    Ok(())
}
