//! Randomness, the key ring, sealing and password hashes. Secrets at rest are sealed with AES-256-GCM-SIV, which
//! forgives a repeated nonce, and each value is bound to its table, column and row, so that a ciphertext copied
//! elsewhere is refused. Everything that needs chance asks [`Random`], which tests seed.

mod passphrase;
mod password;
mod random;
mod ring;
mod sealer;

pub use passphrase::{Cost, PassphraseKey};
pub use password::{hash_password, verify_password};
pub use random::Random;
pub use ring::{KeyRing, KeyRingError, KeyState};
pub use sealer::{OpenError, Place, Sealer};
