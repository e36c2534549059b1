//! Password hashes: argon2id with the least cost that OWASP names (19 MiB, 2 passes, 1 lane), as PHC strings, so that
//! the cost can be raised later while old hashes still verify. Both functions take tens of milliseconds of CPU: call
//! them from a blocking thread.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use crate::crypto::Random;
use crate::domain::secret::Secret;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A PHC string (`$argon2id$v=19$m=...`) with a fresh 16-byte salt.
#[expect(
    clippy::expect_used,
    reason = "cost and salt length are constants within the algorithm's bounds"
)]
pub fn hash_password(password: &Secret, random: &Random) -> String {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("valid cost");
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let salt: [u8; 16] = random.bytes();
    let hash: PasswordHash = hasher
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .expect("valid password and salt");
    hash.to_string()
}

/// Whether `phc` was made from this password; false also for text that is no hash.
pub fn verify_password(password: &Secret, phc: &str) -> bool {
    let Ok(hash) = PasswordHash::new(phc) else { return false };
    Argon2::default()
        .verify_password(password.expose().as_bytes(), &hash)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let random = Random::seeded(1);
        let hash = hash_password(&"correct horse".into(), &random);
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify_password(&"correct horse".into(), &hash));
        assert!(!verify_password(&"correct hors".into(), &hash));
        assert_ne!(hash, hash_password(&"correct horse".into(), &random));
    }

    #[test]
    fn text_that_is_no_hash_verifies_nothing() {
        for phc in [
            "",
            "plain",
            "$argon2id$v=19$m=19456,t=2,p=1$",
            "$2b$12$abcdefghijklmnopqrstuv",
        ] {
            assert!(!verify_password(&"".into(), phc), "{phc}");
        }
    }
}
