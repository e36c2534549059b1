//! The closed list of errors that people outside can meet. The code is for programs and never changes; status and title
//! belong to the code, so they stand here once. Who answers adds a safe sentence; the cause never leaves the process.

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// One kind of failure, as the contract names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Problem { $($(#[$doc])* $name),* }

        impl Problem {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable code, such as `not_found`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// A short English title, the same for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }
        }
    };
}

problems! {
    /// The request is malformed, or a field is refused; `errors` says which.
    InvalidRequest = "invalid_request", 400, "The request is not valid";
    /// No credentials, or unknown ones.
    Unauthenticated = "unauthenticated", 401, "Authentication is required";
    /// The token was known once and is revoked.
    TokenRevoked = "token_revoked", 401, "The token is revoked";
    /// The merchant has to authorize again; then the same token works.
    StoreNeedsReauthorization = "store_needs_reauthorization", 401, "The store has to be authorized again";
    /// Known, but not allowed to do this.
    Forbidden = "forbidden", 403, "Not allowed";
    /// Absent, or somebody else's.
    NotFound = "not_found", 404, "Not found";
    /// The address exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, "The method is not allowed here";
    /// The state does not allow it.
    Conflict = "conflict", 409, "The current state does not allow this";
    /// The store belongs to another customer of the app.
    StoreAlreadyConnected = "store_already_connected", 409, "The store is connected already";
    /// The store was exported and works at another installation.
    StoreFrozen = "store_frozen", 409, "The store has moved to another installation";
    /// A link that was spent, cancelled or is too old.
    LinkExpired = "link_expired", 410, "The link is no longer valid";
    /// The body is larger than allowed.
    TooLarge = "too_large", 413, "The request is too large";
    /// The same idempotency key came with another request.
    IdempotencyMismatch = "idempotency_mismatch", 422, "The idempotency key was used for another request";
    /// Too many requests from this caller.
    RateLimited = "rate_limited", 429, "Too many requests";
    /// Our own fault.
    Internal = "internal", 500, "Internal error";
    /// The platform refused what we asked.
    PlatformRejected = "platform_rejected", 502, "The platform refused the request";
    /// The platform can't be reached.
    PlatformUnavailable = "platform_unavailable", 503, "The platform is not available";
    /// The platform asks us to slow down.
    PlatformThrottled = "platform_throttled", 503, "The platform limits requests";
    /// The credential was renewed during the call; sending it again works.
    CredentialRenewed = "credential_renewed", 503, "The credential was renewed, send the request again";
    /// The client registered at the platform is refused.
    PlatformAppMisconfigured = "platform_app_misconfigured", 503, "The platform app is misconfigured";
    /// Our database is away.
    Unavailable = "unavailable", 503, "Temporarily not available";
    /// The platform did not answer in time.
    PlatformTimeout = "platform_timeout", 504, "The platform did not answer in time";
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_statuses_are_errors() {
        let mut codes: Vec<_> = Problem::ALL.iter().map(|problem| problem.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Problem::ALL.len());
        assert!(
            Problem::ALL
                .iter()
                .all(|problem| (400..600).contains(&problem.status()))
        );
    }
}
