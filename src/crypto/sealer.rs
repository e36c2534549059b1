//! Sealing and MACs with the key ring. A sealed value is: length of the key id (1 byte), key id, nonce (12 bytes),
//! AES-256-GCM-SIV ciphertext with its tag. The associated data is the place (table, column, row), so a value moved
//! elsewhere doesn't open. From each key's material two kinds of subkeys are derived: one for sealing, one a MAC's
//! purpose; the material itself encrypts nothing.

use std::fmt;
use std::sync::Arc;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::crypto::ring::{Key, KeyState};
use crate::crypto::{KeyRing, Random};
use crate::domain::secret::SecretBytes;

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const CHECK_PLACE: Place<'static> = Place {
    table: "key_checks",
    column: "check_sealed",
    row: Uuid::nil(),
};
const CHECK_TEXT: &[u8] = b"llavero key check";

/// Where a sealed value lives.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub table: &'a str,
    pub column: &'a str,
    pub row: Uuid,
}

impl Place<'_> {
    fn associated_data(&self) -> Vec<u8> {
        [
            self.table.as_bytes(),
            b"\0",
            self.column.as_bytes(),
            b"\0",
            self.row.as_bytes(),
        ]
        .concat()
    }
}

/// Why a value doesn't open. Each is a fault of ours or of the operator's, never a state of the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("sealed with key {id:?}, which is not in the key ring")]
    UnknownKey { id: String },
    /// Another place, another key under the same id, or changed bytes.
    #[error("the sealed value does not belong here or was changed")]
    Refused,
    /// Too short, or not begun like a sealed value.
    #[error("not a sealed value")]
    Malformed,
}

/// A cheap handle on the ring's derived keys.
#[derive(Clone)]
pub struct Sealer {
    inner: Arc<Inner>,
    random: Random,
}

struct Inner {
    keys: Vec<SealingKey>,
    active: usize,
}

struct SealingKey {
    id: String,
    cipher: Aes256GcmSiv,
    material: SecretBytes,
}

impl SealingKey {
    fn new(key: &Key) -> Self {
        let sealing = derive(key.material.expose(), "seal", "");
        let cipher = Aes256GcmSiv::new((&*sealing).into());
        Self {
            id: key.id.clone(),
            cipher,
            material: key.material.clone(),
        }
    }

    fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        hmac(&*derive(self.material.expose(), "mac", purpose), &[message])
    }

    #[expect(clippy::expect_used, reason = "fails only above 64 GiB, which no caller can hold")]
    fn seal(&self, place: Place<'_>, plain: &[u8], nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
        let payload = Payload {
            msg: plain,
            aad: &place.associated_data(),
        };
        let ciphertext = self.cipher.encrypt(&Nonce::from(nonce), payload).expect("below 64 GiB");
        let mut sealed = Vec::with_capacity(1 + self.id.len() + NONCE_BYTES + ciphertext.len());
        // The ring admits ids of at most 32 bytes.
        sealed.push(self.id.len() as u8);
        sealed.extend_from_slice(self.id.as_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        sealed
    }
}

impl Sealer {
    pub fn new(ring: KeyRing, random: Random) -> Self {
        let keys = ring.keys().iter().map(SealingKey::new).collect();
        // A ring has exactly one active key: it can't be made or parsed otherwise.
        let active = ring
            .keys()
            .iter()
            .position(|key| key.state == KeyState::Active)
            .unwrap_or(0);
        Self {
            inner: Arc::new(Inner { keys, active }),
            random,
        }
    }

    /// Seals `plain` for `place` with the active key.
    pub fn seal(&self, place: Place<'_>, plain: &[u8]) -> Vec<u8> {
        self.active().seal(place, plain, self.random.bytes())
    }

    /// Opens what was sealed for exactly this `place`.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<SecretBytes, OpenError> {
        let parts = Parts::of(sealed)?;
        let key = self.key(parts.key_id)?;
        let payload = Payload {
            msg: parts.ciphertext,
            aad: &place.associated_data(),
        };
        let plain = key
            .cipher
            .decrypt(&Nonce::from(parts.nonce), payload)
            .map_err(|_| OpenError::Refused)?;
        Ok(SecretBytes::new(plain))
    }

    /// The key a value is sealed with, also one that the ring lacks: for resealing and for counting what a key holds.
    pub fn key_id_of(sealed: &[u8]) -> Result<&str, OpenError> {
        Ok(Parts::of(sealed)?.key_id)
    }

    pub fn active_key_id(&self) -> &str {
        &self.active().id
    }

    /// One `(key id, sealed check value)` a key: the database keeps them, so that a process with another ring is found
    /// out at its start.
    pub fn check_values(&self) -> Vec<(String, Vec<u8>)> {
        let seal = |key: &SealingKey| (key.id.clone(), key.seal(CHECK_PLACE, CHECK_TEXT, self.random.bytes()));
        self.inner.keys.iter().map(seal).collect()
    }

    /// Whether this ring's key `key_id` is the one that made this check value.
    pub fn open_check(&self, key_id: &str, sealed: &[u8]) -> Result<(), OpenError> {
        self.key(key_id)?;
        if Parts::of(sealed)?.key_id != key_id {
            return Err(OpenError::Refused);
        }
        let plain = self.open(CHECK_PLACE, sealed)?;
        if plain.expose() == CHECK_TEXT {
            Ok(())
        } else {
            Err(OpenError::Refused)
        }
    }

    /// HMAC-SHA256 with the active key's subkey for `purpose`. After a rotation the same message gives another value:
    /// ask [`Sealer::verify_mac`], don't compare.
    pub fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.active().mac(purpose, message)
    }

    /// Whether any key of the ring made this MAC. Constant time for each key.
    pub fn verify_mac(&self, purpose: &str, message: &[u8], mac: &[u8]) -> bool {
        self.inner.keys.iter().fold(false, |found, key| {
            found | bool::from(key.mac(purpose, message).ct_eq(mac))
        })
    }

    fn active(&self) -> &SealingKey {
        &self.inner.keys[self.inner.active]
    }

    fn key(&self, id: &str) -> Result<&SealingKey, OpenError> {
        self.inner
            .keys
            .iter()
            .find(|key| key.id == id)
            .ok_or_else(|| OpenError::UnknownKey { id: id.into() })
    }
}

struct Parts<'a> {
    key_id: &'a str,
    nonce: [u8; NONCE_BYTES],
    ciphertext: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a [u8]) -> Result<Self, OpenError> {
        let (&length, rest) = sealed.split_first().ok_or(OpenError::Malformed)?;
        let (key_id, rest) = rest.split_at_checked(usize::from(length)).ok_or(OpenError::Malformed)?;
        let (nonce, ciphertext) = rest.split_first_chunk().ok_or(OpenError::Malformed)?;
        let key_id = std::str::from_utf8(key_id).map_err(|_| OpenError::Malformed)?;
        let printable = !key_id.is_empty() && key_id.bytes().all(|b| b.is_ascii_graphic());
        if !printable || ciphertext.len() < TAG_BYTES {
            return Err(OpenError::Malformed);
        }
        Ok(Self {
            key_id,
            nonce: *nonce,
            ciphertext,
        })
    }
}

/// A subkey of `material`: HMAC-SHA256 over what it is for. The material is uniform, so no extraction step is needed.
fn derive(material: &[u8], kind: &str, purpose: &str) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(hmac(
        material,
        &[b"llavero/1/", kind.as_bytes(), b"\0", purpose.as_bytes()],
    ))
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    const HERE: Place<'static> = Place {
        table: "credentials",
        column: "credential_sealed",
        row: Uuid::from_u128(1),
    };

    fn ring(seed: u64) -> KeyRing {
        KeyRing::generate(&Random::seeded(seed), DateTime::<Utc>::default())
    }

    fn sealer() -> Sealer {
        Sealer::new(ring(1), Random::seeded(2))
    }

    #[test]
    fn a_sealed_value_opens_where_it_was_sealed_and_nowhere_else() {
        let sealer = sealer();
        let sealed = sealer.seal(HERE, b"refresh token");
        assert_eq!(
            sealer.open(HERE, &sealed).map(|plain| plain.expose().to_vec()),
            Ok(b"refresh token".to_vec())
        );
        let elsewhere = [
            Place {
                table: "platform_apps",
                ..HERE
            },
            Place {
                column: "spares_sealed",
                ..HERE
            },
            Place {
                row: Uuid::from_u128(2),
                ..HERE
            },
            Place {
                table: "credentials\0credential_sealed",
                column: "",
                ..HERE
            },
        ];
        for place in elsewhere {
            assert_eq!(
                sealer.open(place, &sealed).map(|_| ()),
                Err(OpenError::Refused),
                "{place:?}"
            );
        }
    }

    #[test]
    fn a_changed_byte_is_refused() {
        let sealer = sealer();
        let sealed = sealer.seal(HERE, b"x");
        for at in 3..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(
                sealer.open(HERE, &changed).map(|_| ()),
                Err(OpenError::Refused),
                "byte {at}"
            );
        }
    }

    #[test]
    fn a_truncated_value_is_malformed() {
        let sealer = sealer();
        let sealed = sealer.seal(HERE, b"");
        for length in 0..sealed.len() {
            assert_eq!(
                sealer.open(HERE, &sealed[..length]).map(|_| ()),
                Err(OpenError::Malformed),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn an_unknown_key_is_named() {
        let mut newer = ring(1);
        newer.rotate(&Random::seeded(9), DateTime::<Utc>::default());
        let sealed = Sealer::new(newer, Random::seeded(2)).seal(HERE, b"x");
        assert_eq!(Sealer::key_id_of(&sealed), Ok("k2"));
        assert_eq!(
            sealer().open(HERE, &sealed).map(|_| ()),
            Err(OpenError::UnknownKey { id: "k2".into() })
        );
    }

    #[test]
    fn a_rotated_ring_still_opens_and_verifies_the_old() {
        let old = sealer();
        let mut newer = ring(1);
        newer.rotate(&Random::seeded(9), DateTime::<Utc>::default());
        let newer = Sealer::new(newer, Random::seeded(2));
        assert_eq!((old.active_key_id(), newer.active_key_id()), ("k1", "k2"));
        assert!(newer.open(HERE, &old.seal(HERE, b"x")).is_ok());
        assert!(newer.verify_mac("reconnect", b"m", &old.mac("reconnect", b"m")));
        assert!(!old.verify_mac("reconnect", b"m", &newer.mac("reconnect", b"m")));
    }

    #[test]
    fn the_same_text_is_sealed_differently_each_time() {
        let sealer = sealer();
        assert_ne!(sealer.seal(HERE, b"same"), sealer.seal(HERE, b"same"));
    }

    #[test]
    fn a_mac_holds_for_one_purpose_and_message() {
        let sealer = sealer();
        let mac = sealer.mac("reconnect", b"store");
        assert!(sealer.verify_mac("reconnect", b"store", &mac));
        assert!(!sealer.verify_mac("audit", b"store", &mac));
        assert!(!sealer.verify_mac("reconnect", b"stores", &mac));
        assert!(!sealer.verify_mac("reconnect", b"store", &mac[..31]));
    }

    #[test]
    fn a_wrong_ring_fails_the_check() {
        let checks = sealer().check_values();
        let [(id, sealed)] = checks.as_slice() else {
            panic!("one key, one check")
        };
        assert_eq!(sealer().open_check(id, sealed), Ok(()));
        assert_eq!(
            Sealer::new(ring(5), Random::seeded(2)).open_check(id, sealed),
            Err(OpenError::Refused)
        );
        assert_eq!(
            sealer().open_check("k7", sealed),
            Err(OpenError::UnknownKey { id: "k7".into() })
        );
        assert_eq!(format!("{:?}", sealer()), "Sealer");
    }
}
