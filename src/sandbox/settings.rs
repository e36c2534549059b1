//! What the control API can change about a platform or one of its stores: lifetimes, the grace of retired refresh tokens,
//! what token answers say, the platform's clock. A store's settings lie over its platform's, those over the behaviour file.

use serde::{Deserialize, Serialize};

/// What a refresh token that was used once is still good for. All times count from its first use.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Grace {
    /// Nothing: it works once.
    #[default]
    None,
    /// The same pair is answered again.
    SamePair { seconds: u64 },
    /// One more pair, beside the first.
    AnotherPair { seconds: u64 },
    /// One more pair, which ends the one answered before.
    Replaces { seconds: u64 },
    /// The same pair (its access token's life renewed if it has expired) until that pair's refresh token is used.
    UntilFirstUse { seconds: u64 },
    /// One more pair, which ends the one answered before, until that one's access token is used.
    UntilAccessUse,
    /// It is never retired and never replaced.
    NotRotating,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Seconds that new access tokens live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_seconds: Option<u64>,
    /// Seconds that new refresh tokens live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<Grace>,
    /// A retired refresh token, used outside its grace, ends the whole grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reuse_revokes: Option<bool>,
    /// A refresh ends the earlier access token at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retires_access: Option<bool>,
    /// Refresh answers carry no refresh token; the one used stays good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omit_refresh_token: Option<bool>,
    /// Connecting gives no refresh token at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grants_no_refresh_token: Option<bool>,
    /// The account id that answers state, instead of the true one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The scopes that are granted, instead of those asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// How far the platform's clock is off: `Date`, callback timestamps and the windows of signed calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_skew_seconds: Option<i64>,
}

impl Settings {
    /// These settings, with `below` for whatever they leave open.
    pub fn over(self, below: &Self) -> Self {
        let below = below.clone();
        Self {
            access_seconds: self.access_seconds.or(below.access_seconds),
            refresh_seconds: self.refresh_seconds.or(below.refresh_seconds),
            grace: self.grace.or(below.grace),
            reuse_revokes: self.reuse_revokes.or(below.reuse_revokes),
            retires_access: self.retires_access.or(below.retires_access),
            omit_refresh_token: self.omit_refresh_token.or(below.omit_refresh_token),
            grants_no_refresh_token: self.grants_no_refresh_token.or(below.grants_no_refresh_token),
            account_id: self.account_id.or(below.account_id),
            scope: self.scope.or(below.scope),
            clock_skew_seconds: self.clock_skew_seconds.or(below.clock_skew_seconds),
        }
    }
}
