//! A connected store: its state, its health, and the reasons that may stand behind them.

words! {
    /// State of a store. `Revoked` is final.
    StoreStatus {
        Connected = "connected",
        NeedsReauthorization = "needs_reauthorization",
        Revoked = "revoked",
    }
}

words! {
    /// How refreshing goes; tells nothing about whether calls work right now.
    StoreHealth {
        Ok = "ok",
        RefreshFailing = "refresh_failing",
        RefreshInDoubt = "refresh_in_doubt",
        PlatformUnavailable = "platform_unavailable",
        AppMisconfigured = "app_misconfigured",
    }
}

words! {
    /// Why a store is in its state.
    StatusReason {
        /// The platform refused the grant for good.
        GrantRefused = "grant_refused",
        /// Keys or a fixed token are refused, and so is the verify call.
        CredentialRefused = "credential_refused",
        /// Failures of no known class for 24 h while other stores were refreshed well.
        RefusedForLong = "refused_for_long",
        /// The refresh token's own deadline has passed.
        RefreshTokenExpired = "refresh_token_expired",
        /// The app was removed at the platform.
        Uninstalled = "uninstalled",
        RevokedByPartner = "revoked_by_partner",
        RevokedByAdmin = "revoked_by_admin",
        RevokedByMerchant = "revoked_by_merchant",
        RevokedByCommand = "revoked_by_command",
    }
}

words! {
    /// Whether an app meets real platforms or the simulated ones.
    Mode {
        Live = "live",
        Sandbox = "sandbox",
    }
}

words! {
    /// Who writes to an app's merchants.
    MerchantMail {
        Llavero = "llavero",
        Partner = "partner",
    }
}
