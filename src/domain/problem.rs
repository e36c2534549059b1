//! The errors that people and programs meet, as stable codes with their HTTP status and a title. Which situation leads
//! to which stands in `web::error`; details are written where the error arises.

words! {
    /// The `code` of a problem document.
    Problem {
        InvalidRequest = "invalid_request",
        Unauthenticated = "unauthenticated",
        TokenRevoked = "token_revoked",
        StoreNeedsReauthorization = "store_needs_reauthorization",
        Forbidden = "forbidden",
        NotFound = "not_found",
        MethodNotAllowed = "method_not_allowed",
        Conflict = "conflict",
        StoreAlreadyConnected = "store_already_connected",
        LinkExpired = "link_expired",
        TooLarge = "too_large",
        IdempotencyMismatch = "idempotency_mismatch",
        RateLimited = "rate_limited",
        PlatformRejected = "platform_rejected",
        PlatformUnavailable = "platform_unavailable",
        PlatformThrottled = "platform_throttled",
        CredentialRenewed = "credential_renewed",
        PlatformAppMisconfigured = "platform_app_misconfigured",
        PlatformTimeout = "platform_timeout",
        Unavailable = "unavailable",
        Internal = "internal",
    }
}

impl Problem {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::Unauthenticated | Self::TokenRevoked | Self::StoreNeedsReauthorization => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict | Self::StoreAlreadyConnected => 409,
            Self::LinkExpired => 410,
            Self::TooLarge => 413,
            Self::IdempotencyMismatch => 422,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::PlatformRejected => 502,
            Self::PlatformUnavailable
            | Self::PlatformThrottled
            | Self::CredentialRenewed
            | Self::PlatformAppMisconfigured
            | Self::Unavailable => 503,
            Self::PlatformTimeout => 504,
        }
    }

    /// A short title, the same for every occurrence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is not valid",
            Self::Unauthenticated => "The token or key is missing or unknown",
            Self::TokenRevoked => "The access token was revoked",
            Self::StoreNeedsReauthorization => "The store needs its merchant to authorize again",
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "This address does not take that method",
            Self::Conflict => "The state does not allow it",
            Self::StoreAlreadyConnected => "The store is connected already",
            Self::LinkExpired => "The link no longer works",
            Self::TooLarge => "The request is too large",
            Self::IdempotencyMismatch => "The idempotency key was used for another request",
            Self::RateLimited => "Too many requests",
            Self::PlatformRejected => "The platform refused the request",
            Self::PlatformUnavailable => "The platform is out of reach",
            Self::PlatformThrottled => "The platform limits the calls",
            Self::CredentialRenewed => "The credential was renewed; send the request again",
            Self::PlatformAppMisconfigured => "The platform refuses the partner's client",
            Self::PlatformTimeout => "The platform did not answer in time",
            Self::Unavailable => "Temporarily unavailable",
            Self::Internal => "Internal error",
        }
    }
}
