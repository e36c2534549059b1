//! The key ring: a small TOML file that holds every key a value in the database may be sealed with. Exactly one key is
//! active and seals; the others only open, until everything is resealed and they are retired. The file is the one
//! secret that a backup of the database does not contain, so it is strict: what isn't understood is refused.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::crypto::Random;
use crate::domain::secret::{Secret, SecretBytes};

const MATERIAL_BYTES: usize = 32;
/// The id's length is stored in one byte with each sealed value; short ids keep the values short.
const LONGEST_ID: usize = 32;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Seals and opens; exactly one.
    Active,
    /// Opens only.
    Open,
}

impl KeyState {
    /// The word in the ring's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Open => "open",
        }
    }
}

#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: String,
    created: DateTime<Utc>,
    pub(super) state: KeyState,
    pub(super) material: SecretBytes,
}

/// The keys, oldest first.
#[derive(Clone)]
pub struct KeyRing {
    keys: Vec<Key>,
}

/// Why a ring can't be read or changed. Never says anything of the material.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    #[error("the key ring {path} cannot be read or written: {cause}", path = path.display())]
    File { path: PathBuf, cause: io::Error },
    #[error("the key ring is not understood: {0}")]
    Syntax(String),
    #[error("key {0:?}: an id is 1 to 32 lower-case letters, digits or hyphens")]
    Id(String),
    #[error("two keys of the ring have the id {0:?}")]
    Duplicate(String),
    #[error("key {0:?}: the material must be 32 bytes in base64")]
    Material(String),
    #[error("key {0:?}: `created` must be a time such as 2026-01-31T12:00:00Z")]
    Created(String),
    #[error("a key ring has exactly one active key, this one has {0}")]
    Active(usize),
    #[error("the ring has no key {0:?}")]
    Unknown(String),
    #[error("key {0:?} is active: rotate first, then retire it")]
    StillActive(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RingFile {
    #[serde(default)]
    key: Vec<KeyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    id: String,
    created: String,
    state: KeyState,
    material: Secret,
}

impl KeyRing {
    /// A ring of one new, active key.
    pub fn generate(random: &Random, now: DateTime<Utc>) -> Self {
        Self {
            keys: vec![new_key("k1".into(), random, now)],
        }
    }

    pub fn load(path: &Path) -> Result<Self, KeyRingError> {
        let text = fs::read_to_string(path).map_err(|cause| KeyRingError::File {
            path: path.into(),
            cause,
        })?;
        Self::parse(&Zeroizing::new(text))
    }

    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        // The parser's own message quotes the line it fails on, which may be the material: only the place is told.
        let file: RingFile = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map(|before| before.matches('\n').count());
            KeyRingError::Syntax(match line {
                Some(line) => format!("see line {}", line + 1),
                None => "not a ring of [[key]] entries with id, created, state and material".into(),
            })
        })?;
        let mut keys: Vec<Key> = Vec::with_capacity(file.key.len());
        for entry in file.key {
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if entry.id.is_empty() || entry.id.len() > LONGEST_ID || !entry.id.bytes().all(fits) {
                return Err(KeyRingError::Id(entry.id));
            }
            if keys.iter().any(|key| key.id == entry.id) {
                return Err(KeyRingError::Duplicate(entry.id));
            }
            let Ok(created) = DateTime::parse_from_rfc3339(&entry.created) else {
                return Err(KeyRingError::Created(entry.id));
            };
            let material = STANDARD.decode(entry.material.expose()).map(SecretBytes::new);
            let Some(material) = material.ok().filter(|bytes| bytes.expose().len() == MATERIAL_BYTES) else {
                return Err(KeyRingError::Material(entry.id));
            };
            keys.push(Key {
                id: entry.id,
                created: created.to_utc(),
                state: entry.state,
                material,
            });
        }
        match keys.iter().filter(|key| key.state == KeyState::Active).count() {
            1 => Ok(Self { keys }),
            count => Err(KeyRingError::Active(count)),
        }
    }

    /// The file's text; secret as a whole.
    pub fn to_toml(&self) -> Secret {
        let mut text = String::from(
            "# Llavero's key ring. Without it nothing sealed in the database can be opened: keep a copy elsewhere.\n",
        );
        for key in &self.keys {
            let state = if key.state == KeyState::Active {
                "active"
            } else {
                "open"
            };
            let created = key.created.to_rfc3339_opts(SecondsFormat::Secs, true);
            let material = Zeroizing::new(STANDARD.encode(key.material.expose()));
            text.push_str("\n[[key]]\nid = \"");
            text.push_str(&key.id);
            text.push_str(&format!(
                "\"\ncreated = \"{created}\"\nstate = \"{state}\"\nmaterial = \""
            ));
            text.push_str(&material);
            text.push_str("\"\n");
        }
        Secret::new(text)
    }

    /// Writes the ring with mode 0600, whole or not at all: to a file beside, synced, then renamed over `path`.
    pub fn write(&self, path: &Path) -> Result<(), KeyRingError> {
        self.write_inner(path).map_err(|cause| KeyRingError::File {
            path: path.into(),
            cause,
        })
    }

    fn write_inner(&self, path: &Path) -> io::Result<()> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // `create_new`, so that the mode is ours and not that of a file which somebody left there.
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(self.to_toml().expose().as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }

    /// Adds a new active key and leaves the old ones to open only; returns the new id. Every process must have loaded
    /// the new ring before values sealed with its key can be read everywhere.
    pub fn rotate(&mut self, random: &Random, now: DateTime<Utc>) -> String {
        let number = |key: &Key| key.id.strip_prefix('k').and_then(|digits| digits.parse::<u32>().ok());
        let highest = self.keys.iter().filter_map(number).max().unwrap_or(0);
        let id = format!("k{}", u64::from(highest) + 1);
        for key in &mut self.keys {
            key.state = KeyState::Open;
        }
        self.keys.push(new_key(id.clone(), random, now));
        id
    }

    /// Takes an open-only key out of the ring. Whatever is still sealed with it is lost: reseal first.
    pub fn retire(&mut self, id: &str) -> Result<(), KeyRingError> {
        match self.keys.iter().position(|key| key.id == id) {
            None => Err(KeyRingError::Unknown(id.into())),
            Some(at) if self.keys[at].state == KeyState::Active => Err(KeyRingError::StillActive(id.into())),
            Some(at) => {
                self.keys.remove(at);
                Ok(())
            }
        }
    }

    /// Id, state and time of making of each key, oldest first.
    pub fn list(&self) -> impl Iterator<Item = (&str, KeyState, DateTime<Utc>)> {
        self.keys.iter().map(|key| (key.id.as_str(), key.state, key.created))
    }

    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }
}

fn new_key(id: String, random: &Random, now: DateTime<Utc>) -> Key {
    let material = Zeroizing::new(random.bytes::<MATERIAL_BYTES>());
    Key {
        id,
        created: now,
        state: KeyState::Active,
        material: SecretBytes::new(*material),
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
    }

    fn entry(id: &str, state: &str, material: &str) -> String {
        format!(
            "[[key]]\nid = {id:?}\ncreated = \"2026-01-02T03:04:05Z\"\nstate = {state:?}\nmaterial = {material:?}\n"
        )
    }

    #[test]
    fn a_ring_reads_back_what_it_writes_with_mode_0600() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("keys.toml");
        let random = Random::seeded(1);
        let mut ring = KeyRing::generate(&random, now());
        ring.rotate(&random, now());
        fs::write(&path, "older")?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
        ring.write(&path)?;
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        assert_eq!(KeyRing::load(&path)?.to_toml(), ring.to_toml());
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn rotation_leaves_one_active_key_and_only_open_ones_retire() -> Result<(), KeyRingError> {
        let random = Random::seeded(1);
        let mut ring = KeyRing::generate(&random, now());
        assert_eq!(ring.rotate(&random, now()), "k2");
        let states: Vec<_> = ring.list().map(|(id, state, _)| (id.to_owned(), state)).collect();
        assert_eq!(
            states,
            [("k1".to_owned(), KeyState::Open), ("k2".to_owned(), KeyState::Active)]
        );
        assert!(matches!(ring.retire("k2"), Err(KeyRingError::StillActive(_))));
        assert!(matches!(ring.retire("k9"), Err(KeyRingError::Unknown(_))));
        ring.retire("k1")?;
        assert_eq!(ring.rotate(&random, now()), "k3");
        Ok(())
    }

    #[test]
    fn a_ring_that_is_not_exactly_right_is_refused() {
        let good = STANDARD.encode([1; 32]);
        let cases = [
            (String::new(), "exactly one active key, this one has 0"),
            (entry("k1", "open", &good), "has 0"),
            (entry("k1", "active", &good) + &entry("k2", "active", &good), "has 2"),
            (entry("k1", "active", &good) + &entry("k1", "open", &good), "two keys"),
            (entry("K 1", "active", &good), "an id is"),
            (entry("k1", "active", &STANDARD.encode([1; 31])), "32 bytes"),
            (entry("k1", "active", "%%%"), "32 bytes"),
            (entry("k1", "frozen", &good), "see line"),
            (entry("k1", "active", &good) + "note = 1\n", "see line"),
            (
                entry("k1", "active", &good).replace("2026-01-02T", "2026-01-02 at "),
                "created",
            ),
        ];
        for (text, expected) in cases {
            let message = KeyRing::parse(&text)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn neither_errors_nor_debug_show_material() {
        let material = STANDARD.encode([7; 32]);
        let broken = entry("k1", "active", &material).replace("=\"\n", "=\n");
        let message = format!("{:?}", KeyRing::parse(&broken).err());
        assert!(
            message.contains("Syntax") && !message.contains(&material[..8]),
            "{message}"
        );
        assert_eq!(format!("{:?}", KeyRing::generate(&Random::seeded(1), now())), "KeyRing");
    }
}
