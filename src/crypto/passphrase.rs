//! Lines sealed to a passphrase: argon2id makes a key of passphrase and salt, and each line is sealed with
//! AES-256-GCM-SIV bound to the file it stands in and to its number. A line that was changed, moved, left out or taken
//! from another file does not open. The cost stands in the file, so that it can be raised later.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::crypto::Random;
use crate::domain::secret::{Secret, SecretBytes};

const NONCE_BYTES: usize = 12;

/// What a guess at the passphrase costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
}

impl Cost {
    /// Well above the least that OWASP names: it is paid once a file.
    pub const USUAL: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
    };
    /// More than this in a file is an attempt to exhaust the machine.
    const MOST: Self = Self {
        memory_kib: 1024 * 1024,
        passes: 20,
    };
}

/// The key of one file.
pub struct PassphraseKey {
    cipher: Aes256GcmSiv,
}

impl PassphraseKey {
    /// Takes tens to hundreds of milliseconds of CPU. `None`: a cost out of bounds.
    pub fn derive(passphrase: &Secret, salt: &[u8], cost: Cost) -> Option<Self> {
        if cost.memory_kib > Cost::MOST.memory_kib || cost.passes > Cost::MOST.passes {
            return None;
        }
        let params = Params::new(cost.memory_kib, cost.passes, 1, Some(32)).ok()?;
        let mut key = Zeroizing::new([0_u8; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), salt, &mut *key)
            .ok()?;
        Some(Self {
            cipher: Aes256GcmSiv::new((&*key).into()),
        })
    }

    /// Nonce and ciphertext of `plain`, for the line `place` names.
    #[expect(clippy::expect_used, reason = "fails only above 64 GiB, which no caller can hold")]
    pub fn seal(&self, place: &[u8], plain: &SecretBytes, random: &Random) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = random.bytes();
        let payload = Payload {
            msg: plain.expose(),
            aad: place,
        };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload).expect("below 64 GiB");
        [nonce.as_slice(), &sealed].concat()
    }

    /// `None`: another passphrase, another place, or changed bytes.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Option<SecretBytes> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: ciphertext,
            aad: place,
        };
        let plain = self.cipher.decrypt(&Nonce::from(*nonce), payload).ok()?;
        Some(SecretBytes::new(plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory_kib: 64,
        passes: 1,
    };

    #[test]
    fn a_line_opens_with_its_passphrase_at_its_place_only() {
        let random = Random::seeded(1);
        let key = PassphraseKey::derive(&"correct horse".into(), b"salt-salt", CHEAP).unwrap();
        let mut sealed = key.seal(b"file 1", &SecretBytes::new(*b"refresh token"), &random);
        let opened = key.open(b"file 1", &sealed).unwrap();
        assert_eq!(opened.expose(), b"refresh token");
        assert!(key.open(b"file 2", &sealed).is_none());
        for (passphrase, salt) in [("correct hors", b"salt-salt"), ("correct horse", b"salt-SALT")] {
            let other = PassphraseKey::derive(&passphrase.into(), salt, CHEAP).unwrap();
            assert!(other.open(b"file 1", &sealed).is_none());
        }
        sealed[20] ^= 1;
        assert!(key.open(b"file 1", &sealed).is_none());
        assert!(key.open(b"file 1", b"short").is_none());
    }

    #[test]
    fn a_cost_that_would_exhaust_the_machine_is_refused() {
        let greedy = Cost {
            memory_kib: u32::MAX,
            passes: 1,
        };
        assert!(PassphraseKey::derive(&"passphrase".into(), b"salt-salt", greedy).is_none());
    }
}
