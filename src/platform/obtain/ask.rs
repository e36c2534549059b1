//! Client credentials: the store's own OAuth client asks for a token, and asks again when it ends. There is no refresh
//! token to lose, except where what was given is good for the first question only.

use serde::Deserialize;

use super::{GrantNames, TokenCall};

/// One question, asked as often as needed, or once: then its answer asks the next one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub token: TokenCall,
    /// Asked with what the last answer gave, instead of the same question again.
    #[serde(default)]
    pub refresh: Option<TokenCall>,
    #[serde(default)]
    pub grant: GrantNames,
}
