//! `llavero key ...`: the key ring's file. A running process reads it at its start.

use std::path::Path;

use llavero::broker::key_use;
use llavero::clock::Clock;
use llavero::config::Config;
use llavero::crypto::{KeyRing, Random};

use super::people::{told, with_tools};
use super::{Stop, load_ring, say};

fn path(config: &Config) -> Result<&Path, Stop> {
    config
        .keys_file
        .as_deref()
        .ok_or_else(|| Stop::line("LLAVERO_KEYS_FILE is missing: where the key ring is kept"))
}

/// A new ring with one key; never over an existing file, whose keys may be in use.
pub fn new(config: &Config) -> Result<(), Stop> {
    let path = path(config)?;
    if path.exists() {
        return Err(Stop::line(format!(
            "{} is there already; `llavero key rotate` adds a key to it",
            path.display()
        )));
    }
    write(&KeyRing::generate(&Random::system(), Clock::system().now()), path)?;
    say(&format!(
        "made {}; keep a copy of it apart from the database's backups",
        path.display()
    ));
    Ok(())
}

pub fn list(config: &Config, json: bool) -> Result<(), Stop> {
    let ring = load_ring(config)?;
    if json {
        let rows: Vec<_> = ring
            .list()
            .map(|(id, state, created)| serde_json::json!({ "id": id, "state": state.as_str(), "created": created }))
            .collect();
        say(&serde_json::Value::from(rows).to_string());
    } else {
        for (id, state, created) in ring.list() {
            say(&format!("{id}  {}  {}", state.as_str(), created.format("%Y-%m-%d")));
        }
    }
    Ok(())
}

pub fn rotate(config: &Config) -> Result<(), Stop> {
    let mut ring = load_ring(config)?;
    let id = ring.rotate(&Random::system(), Clock::system().now());
    write(&ring, path(config)?)?;
    say(&format!(
        "key `{id}` seals from the next start of each process on; the others still open"
    ));
    Ok(())
}

/// Takes a key out of the ring that the database does not need any more; otherwise nothing could open what it sealed.
pub fn retire(config: Config, id: &str) -> Result<(), Stop> {
    let path = path(&config)?.to_owned();
    let mut ring = load_ring(&config)?;
    ring.retire(id).map_err(Stop::because("retiring the key"))?;
    with_tools(config, async |app| {
        let needs = key_use::needs(&app, id.to_owned()).await.map_err(told)?;
        if !needs.is_empty() {
            let mut lines = vec![format!(
                "key `{id}` is still needed; a worker seals everything again an hour after it has started with the new ring"
            )];
            lines.extend(needs);
            return Err(Stop { lines });
        }
        // The database first: a ring that still has the key is no harm, one that lacks a known key starts nothing.
        key_use::forget(&app, id.to_owned()).await.map_err(told)?;
        write(&ring, &path)?;
        say(&format!("key `{id}` is gone from the ring"));
        Ok(())
    })
}

fn write(ring: &KeyRing, path: &Path) -> Result<(), Stop> {
    ring.write(path)
        .map_err(|error| Stop::line(format!("{}: {error}", path.display())))
}
