//! The catalogue: one file a platform, built into the program, read and checked once at start. A file that says anything
//! the program does not understand, or leaves out what it must know, is refused with the file and the key. Beside them
//! stand the platforms that owners define at run time (`custom`).

use std::sync::{Arc, LazyLock};

use include_dir::{Dir, include_dir};

use super::custom::{Broken, Customs, Defined};
use super::descriptor::Platform;
use super::{check, claim};
use crate::domain::id::AppId;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/platform/catalogue");

/// The files are compiled in, so they are read once: hundreds of regular expressions are slow to build.
static READ: LazyLock<Result<Arc<[Platform]>, Vec<CatalogueError>>> = LazyLock::new(read_all);

/// What is wrong in a catalogue file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {key}: {message}")]
pub struct CatalogueError {
    pub file: String,
    /// Such as `methods[0].obtain.code.authorize`; `.` is the whole file.
    pub key: String,
    pub message: String,
}

/// All platforms. Clones share those that are defined at run time.
#[derive(Debug, Clone)]
pub struct Catalogue {
    platforms: Arc<[Platform]>,
    customs: Arc<Customs>,
}

impl Catalogue {
    /// The catalogue that is part of the program.
    pub fn embedded() -> Result<Self, Vec<CatalogueError>> {
        READ.clone().map(Self::of)
    }

    fn of(platforms: Arc<[Platform]>) -> Self {
        Self {
            platforms,
            customs: Arc::default(),
        }
    }

    /// Reads files given as name (`<slug>.toml`) and text; answers every fault, not the first.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, Vec<CatalogueError>> {
        parse_all(files).map(Self::of)
    }

    /// Whoever's it is: for what is connected already. What somebody asks for is looked up by `platform_for`.
    pub fn platform(&self, slug: &str) -> Option<&Platform> {
        let built_in = self.platforms.iter().find(|platform| platform.slug == slug);
        built_in.or_else(|| self.customs.platform(slug))
    }

    /// A platform that an app may use.
    pub fn platform_for(&self, app: AppId, slug: &str) -> Option<&Platform> {
        self.platform(slug).filter(|platform| platform.is_for(app))
    }

    /// Those that are part of the program, sorted by name.
    pub fn platforms(&self) -> &[Platform] {
        &self.platforms
    }

    /// Those defined at run time too, whoever's they are; sorted by name.
    pub fn all(&self) -> Vec<&Platform> {
        let mut all: Vec<&Platform> = self.platforms.iter().chain(self.customs.all()).collect();
        all.sort_by_key(|platform| platform.name.to_lowercase());
        all
    }

    /// All that an app may use, sorted by name.
    pub fn all_for(&self, app: AppId) -> Vec<&Platform> {
        let mut all = self.all();
        all.retain(|platform| platform.is_for(app));
        all
    }

    /// To be called before the definitions made at run time are read, for `take_customs`.
    pub fn begin_reading(&self) -> u64 {
        self.customs.begin_reading()
    }

    /// Puts what was read in the place of all earlier definitions; those that cannot be used are left out, and named the
    /// first time.
    pub fn take_customs(&self, reading: u64, all: Vec<Defined>) -> Vec<Broken> {
        self.customs.take(reading, all)
    }
}

fn read_all() -> Result<Arc<[Platform]>, Vec<CatalogueError>> {
    let files: Vec<(&str, &str)> = FILES
        .files()
        .filter_map(|file| {
            Some((
                file.path().file_name()?.to_str()?,
                file.contents_utf8().unwrap_or_default(),
            ))
        })
        .filter(|(name, _)| name.ends_with(".toml"))
        .collect();
    parse_all(&files)
}

fn parse_all(files: &[(&str, &str)]) -> Result<Arc<[Platform]>, Vec<CatalogueError>> {
    let mut platforms = Vec::new();
    let mut errors = Vec::new();
    for (file, text) in files {
        match parse_file(file, text) {
            Ok(platform) => platforms.push(platform),
            Err(found) => errors.extend(found),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    platforms.sort_by_key(|platform| platform.name.to_lowercase());
    Ok(platforms.into())
}

fn parse_file(file: &str, text: &str) -> Result<Platform, Vec<CatalogueError>> {
    let error = |key: &str, message: String| CatalogueError {
        file: file.to_owned(),
        key: key.to_owned(),
        message,
    };
    let table: toml::Table = text
        .parse()
        .map_err(|e: toml::de::Error| vec![error(".", e.to_string())])?;
    parse_table(file, table)
}

/// Reads what stands in a file, and checks it.
pub(super) fn parse_table(file: &str, table: toml::Table) -> Result<Platform, Vec<CatalogueError>> {
    let error = |key: &str, message: String| CatalogueError {
        file: file.to_owned(),
        key: key.to_owned(),
        message,
    };
    let table = share(table).map_err(|message| vec![error("shared", message)])?;
    let mut platform: Platform = serde_path_to_error::deserialize(toml::Value::Table(table)).map_err(|e| {
        let key = e.path().to_string();
        vec![error(&key, e.inner().message().to_owned())]
    })?;
    for method in &mut platform.methods {
        method.renewal = method.obtain.renewal();
        method.identity_unproven |= claim::is_claim(method);
    }
    let faults = check::check(file, &platform);
    if faults.is_empty() {
        Ok(platform)
    } else {
        Err(faults.into_iter().map(|(key, message)| error(&key, message)).collect())
    }
}

/// Lays the file's `shared` table under each method, so that a file need not say things twice.
fn share(mut table: toml::Table) -> Result<toml::Table, String> {
    let Some(shared) = table.remove("shared") else {
        return Ok(table);
    };
    let shared = shared
        .as_table()
        .cloned()
        .ok_or("expected a table of what all methods share")?;
    if let Some(methods) = table.get_mut("methods").and_then(toml::Value::as_array_mut) {
        for method in methods.iter_mut().filter_map(toml::Value::as_table_mut) {
            for (key, value) in &shared {
                method.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    Ok(table)
}
