//! The file: a header in the clear (version, cost and salt of the passphrase's key), then sealed records, one a line in
//! base64url. Each record is bound to the header and to its number, and the last one says how many there are: what was
//! changed, reordered or cut off is found out before anything is written.

use std::io::{self, BufRead};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::record::{About, Record, Travelling};
use crate::crypto::{Cost, PassphraseKey, Random};
use crate::domain::secret::{Secret, SecretBytes};

const VERSION: u32 = 1;
/// A credential with its stores is a few KiB; no line of ours comes near this.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// Where lines go. Each must outlive the machine's power before `append` returns.
pub trait Append: Send {
    fn append(&mut self, line: &[u8]) -> io::Result<()>;
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("not an export of Llavero")]
    Foreign,
    #[error("made by a later version (format {0})")]
    Version(u32),
    #[error("the passphrase is wrong, or the file was changed")]
    Passphrase,
    #[error("line {0} was changed, moved, or left out")]
    Changed(u64),
    #[error("the file is cut off after line {0}")]
    CutOff(u64),
    #[error("line {0} follows the end of the export")]
    Trailing(u64),
}

#[derive(Serialize)]
struct Header {
    llavero_export: u32,
    kdf: String,
    #[serde(flatten)]
    cost: Cost,
    salt: String,
}

fn place(header: &[u8; 32], number: u64) -> Vec<u8> {
    [b"llavero export\0".as_slice(), header, &number.to_be_bytes()].concat()
}

pub struct Writer {
    key: PassphraseKey,
    header: [u8; 32],
    next: u64,
    random: Random,
    out: Box<dyn Append>,
}

impl Writer {
    /// Writes the header.
    pub fn begin(passphrase: &Secret, cost: Cost, random: Random, mut out: Box<dyn Append>) -> io::Result<Self> {
        let salt: [u8; 16] = random.bytes();
        let header = Header {
            llavero_export: VERSION,
            kdf: "argon2id".to_owned(),
            cost,
            salt: URL_SAFE_NO_PAD.encode(salt),
        };
        let mut line = serde_json::to_vec(&header)?;
        let key = PassphraseKey::derive(passphrase, &salt, cost)
            .ok_or_else(|| io::Error::other("the cost of the passphrase's key is out of bounds"))?;
        let hash = Sha256::digest(&line).into();
        line.push(b'\n');
        out.append(&line)?;
        Ok(Self {
            key,
            header: hash,
            next: 0,
            random,
            out,
        })
    }

    pub(super) fn put(&mut self, record: &Record) -> io::Result<()> {
        let plain = SecretBytes::new(serde_json::to_vec(record)?);
        let sealed = self.key.seal(&place(&self.header, self.next), &plain, &self.random);
        let mut line = URL_SAFE_NO_PAD.encode(sealed);
        line.push('\n');
        self.out.append(line.as_bytes())?;
        self.next += 1;
        Ok(())
    }
}

/// Reads record after record. The end is only believed when the last record says so.
pub struct Reader {
    key: PassphraseKey,
    header: [u8; 32],
    next: u64,
    credentials: u64,
    lines: Box<dyn BufRead + Send>,
    pub(super) about: About,
}

impl Reader {
    pub fn open(passphrase: &Secret, mut lines: Box<dyn BufRead + Send>) -> Result<Self, Broken> {
        let line = read_line(&mut *lines)?.ok_or(Broken::Foreign)?;
        let version: serde_json::Value = serde_json::from_slice(&line).map_err(|_| Broken::Foreign)?;
        match version["llavero_export"].as_u64() {
            Some(1) => {}
            Some(other) => return Err(Broken::Version(u32::try_from(other).unwrap_or(u32::MAX))),
            None => return Err(Broken::Foreign),
        }
        let cost: Cost = serde_json::from_slice(&line).map_err(|_| Broken::Foreign)?;
        let salt = version["salt"]
            .as_str()
            .and_then(|salt| URL_SAFE_NO_PAD.decode(salt).ok());
        let salt = salt.ok_or(Broken::Foreign)?;
        let key = PassphraseKey::derive(passphrase, &salt, cost).ok_or(Broken::Foreign)?;
        let header: [u8; 32] = Sha256::digest(&line).into();
        let first = read_line(&mut *lines)?.ok_or(Broken::CutOff(1))?;
        let Some(Record::About(about)) = open(&key, &place(&header, 0), &first) else {
            return Err(Broken::Passphrase);
        };
        Ok(Self {
            key,
            header,
            next: 1,
            credentials: 0,
            lines,
            about,
        })
    }

    /// The next credential; `None` at the true end.
    pub(super) fn credential(&mut self) -> Result<Option<Box<Travelling>>, Broken> {
        // The header is the file's first line.
        let number = self.next + 2;
        let line = read_line(&mut *self.lines)?.ok_or(Broken::CutOff(number - 1))?;
        let record = open(&self.key, &place(&self.header, self.next), &line).ok_or(Broken::Changed(number))?;
        self.next += 1;
        match record {
            Record::Credential(credential) => {
                self.credentials += 1;
                Ok(Some(credential))
            }
            Record::End { credentials, .. } if credentials == self.credentials => match read_line(&mut *self.lines)? {
                None => Ok(None),
                Some(_) => Err(Broken::Trailing(number + 1)),
            },
            Record::End { .. } | Record::About(_) => Err(Broken::Changed(number)),
        }
    }
}

fn open(key: &PassphraseKey, place: &[u8], line: &[u8]) -> Option<Record> {
    let sealed = URL_SAFE_NO_PAD.decode(line).ok()?;
    let plain = key.open(place, &sealed)?;
    serde_json::from_slice(plain.expose()).ok()
}

/// A line without its end; `None` at the end of the file. A last line without its end was cut off, and does not open.
fn read_line(lines: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = io::Read::take(lines, LONGEST_LINE).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(Some(line))
}
