//! Platforms that an owner defines at run time, in the words of the catalogue's files. They pass the checks of those files
//! and stricter ones: nobody reviews them before they are used, so whatever could send a secret to a host of somebody
//! else's choosing, or names code of this program, is refused.

mod changes;
pub mod draft;
mod shelf;
mod strict;
mod write;

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use shelf::Shelf;

use super::catalogue::{CatalogueError, parse_table};
use super::descriptor::Platform;
use crate::domain::id::AppId;

pub use changes::breaks;

/// What every slug of theirs begins with; none of the catalogue's own does.
pub const PREFIX: &str = "x-";

/// The longest definition, in bytes.
pub const DEFINITION_LIMIT: usize = 20_000;

/// Whether a slug is one of a platform that was defined at run time.
pub fn is_custom(slug: &str) -> bool {
    slug.starts_with(PREFIX)
}

/// The slug that a definition gives itself.
pub fn slug_of(text: &str) -> Option<String> {
    let table: toml::Table = text.parse().ok()?;
    Some(table.get("slug")?.as_str()?.to_owned())
}

/// Reads a definition. Answers every fault that can be found at once.
pub fn read(slug: &str, text: &str, owner: Option<AppId>) -> Result<Platform, Vec<CatalogueError>> {
    let file = format!("{slug}.toml");
    let error = |key: &str, message: &str| {
        vec![CatalogueError {
            file: file.clone(),
            key: key.to_owned(),
            message: message.to_owned(),
        }]
    };
    if text.len() > DEFINITION_LIMIT {
        return Err(error(".", "too long"));
    }
    let mut table: toml::Table = text
        .parse()
        .map_err(|e: toml::de::Error| error(".", e.to_string().trim_end()))?;
    for (key, what) in [
        ("number", "the reference table's"),
        ("reference", "the reference table's"),
    ] {
        if table.contains_key(key) {
            return Err(error(key, &format!("{what}, so only a built-in platform has it")));
        }
    }
    table.insert("number".to_owned(), toml::Value::Integer(0));
    let nothing = toml::Table::from_iter([("auth".to_owned(), toml::Value::String(String::new()))]);
    table.insert("reference".to_owned(), toml::Value::Table(nothing));
    let mut platform = parse_table(&file, table)?;
    let faults = strict::faults(&platform);
    if !faults.is_empty() {
        return Err(faults
            .into_iter()
            .flat_map(|(key, message)| error(&key, &message))
            .collect());
    }
    platform.owner = owner;
    Ok(platform)
}

/// A definition as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Defined {
    pub slug: String,
    /// `None`: every app's.
    pub owner: Option<AppId>,
    pub text: String,
}

/// A definition that cannot be used.
#[derive(Debug, Clone)]
pub struct Broken {
    pub slug: String,
    pub errors: Vec<CatalogueError>,
}

/// The definitions of now. Who has borrowed a platform keeps it though its definition is changed or removed meanwhile: a
/// call ends with the definition that it began with. For that, what was once in use stays in memory until the process
/// ends; a definition weighs some kilobytes, and people make them by hand.
#[derive(Debug, Default)]
pub(super) struct Customs {
    read: Shelf<Platform>,
    now: RwLock<Now>,
}

#[derive(Debug, Default)]
struct Now {
    /// Which reading this is: an earlier one never takes the place of a later one.
    reading: u64,
    begun: u64,
    places: BTreeMap<String, usize>,
    /// Where each definition that was ever read stands; none: it is broken.
    known: BTreeMap<Defined, Option<usize>>,
}

impl Customs {
    pub fn platform(&self, slug: &str) -> Option<&Platform> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        self.read.get(*now.places.get(slug)?)
    }

    pub fn all(&self) -> Vec<&Platform> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        now.places.values().filter_map(|place| self.read.get(*place)).collect()
    }

    /// Before the definitions are read from where they are kept.
    pub fn begin_reading(&self) -> u64 {
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        now.begun += 1;
        now.begun
    }

    /// Takes what was read, unless something newer is known. Says what is broken and was not known to be.
    pub fn take(&self, reading: u64, all: Vec<Defined>) -> Vec<Broken> {
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        if reading < now.reading {
            return Vec::new();
        }
        let (mut places, mut broken) = (BTreeMap::new(), Vec::new());
        for defined in all {
            let place = match now.known.get(&defined) {
                Some(known) => *known,
                None => {
                    let place = match read(&defined.slug, &defined.text, defined.owner) {
                        Ok(platform) => self.read.put(platform),
                        Err(errors) => {
                            let slug = defined.slug.clone();
                            broken.push(Broken { slug, errors });
                            None
                        }
                    };
                    now.known.insert(defined.clone(), place);
                    place
                }
            };
            if let Some(place) = place {
                places.insert(defined.slug, place);
            }
        }
        now.places = places;
        now.reading = reading;
        broken
    }
}

#[cfg(test)]
mod tests;
