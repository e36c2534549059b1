//! Client credentials: the store's own OAuth client asks for a token, and asks again when it ends. There is no refresh
//! token to lose.

use serde::Deserialize;

use super::{GrantNames, TokenCall};

/// One question, asked as often as needed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub token: TokenCall,
    #[serde(default)]
    pub grant: GrantNames,
}
