//! The secrets that people see (`llv_st_...` and its sisters): a fixed prefix, 256 random bits and a checksum, all in
//! base 62, so that scanners recognise them and a typo is refused without asking the database. Stored as hashes.

use sha2::{Digest, Sha256};

use super::secret::Secret;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^43 > 2^256.
const BODY: usize = 43;
/// 62^6 > 2^32.
const CHECK: usize = 6;

words! {
    /// What a secret is for; the text is its prefix and never changes.
    TokenKind {
        /// An app's API key.
        ApiKey = "llv_sk_",
        /// A store's access token.
        Store = "llv_st_",
        /// The link of a connect session.
        ConnectLink = "llv_cs_",
        /// A one-time code, exchanged for the store's token.
        Code = "llv_cd_",
        /// Signs an app's return URLs.
        SigningSecret = "llv_ss_",
        /// An admin's one-time sign-in link.
        SignInLink = "llv_al_",
    }
}

/// SHA-256 of a whole token: what is stored and looked up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Bytea)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// Hash of any secret text, such as a state or a cookie.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash")
    }
}

/// The text is not a secret of the wanted kind: wrong prefix, length, characters or checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of the wanted kind, or mistyped")]
pub struct Mistyped;

/// A new secret from 256 random bits.
pub fn mint(kind: TokenKind, random: [u8; 32]) -> Secret {
    let body = base62::<BODY>(&random);
    let mut text = String::with_capacity(kind.as_str().len() + BODY + CHECK);
    text.push_str(kind.as_str());
    text.push_str(&body);
    let check = crc32fast::hash(text.as_bytes());
    text.push_str(&base62::<CHECK>(&check.to_be_bytes()));
    Secret::new(text)
}

/// The hash of `text` if it is a well-formed secret of `kind`.
pub fn hash(kind: TokenKind, text: &str) -> Result<TokenHash, Mistyped> {
    let rest = text.strip_prefix(kind.as_str()).ok_or(Mistyped)?;
    if rest.len() != BODY + CHECK || !rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Mistyped);
    }
    let (start, check) = text.split_at(text.len() - CHECK);
    if base62::<CHECK>(&crc32fast::hash(start.as_bytes()).to_be_bytes()) != check {
        return Err(Mistyped);
    }
    Ok(TokenHash::of(text))
}

/// The last characters, to tell tokens apart on a page.
pub fn hint(secret: &Secret) -> String {
    let text = secret.expose();
    text[text.len().saturating_sub(4)..].to_owned()
}

/// `bytes` as a big-endian number in base 62, padded to `WIDTH` digits.
fn base62<const WIDTH: usize>(bytes: &[u8]) -> String {
    let mut number = bytes.to_vec();
    let mut digits = [b'0'; WIDTH];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0u32;
        for byte in &mut number {
            let value = remainder * 256 + u32::from(*byte);
            // Both fit: value < 62 * 256.
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        *digit = DIGITS[remainder as usize];
    }
    digits.iter().map(|&digit| char::from(digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_token_is_recognised_and_a_typo_is_not() {
        for kind in TokenKind::ALL.iter().copied() {
            let token = mint(kind, [0xa5; 32]);
            assert!(hash(kind, token.expose()).is_ok());
            for place in kind.as_str().len()..token.expose().len() {
                let mut bytes = token.expose().as_bytes().to_vec();
                bytes[place] = if bytes[place] == b'x' { b'y' } else { b'x' };
                let typo = String::from_utf8(bytes).unwrap();
                assert_eq!(hash(kind, &typo), Err(Mistyped), "{place}");
            }
        }
    }

    #[test]
    fn a_token_of_another_kind_is_refused() {
        let token = mint(TokenKind::Store, [1; 32]);
        assert_eq!(hash(TokenKind::ApiKey, token.expose()), Err(Mistyped));
    }

    #[test]
    fn tokens_have_one_length_and_differ_with_their_bits() {
        let (low, high) = (mint(TokenKind::Store, [0; 32]), mint(TokenKind::Store, [0xff; 32]));
        assert_eq!(low.expose().len(), high.expose().len());
        assert_ne!(low, high);
    }
}
