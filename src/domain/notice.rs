//! Messages about stores and platform apps: which there are, and who gets them.

words! {
    /// Which message.
    NoticeKind {
        /// The store needs its merchant.
        NeedsReauthorization = "needs_reauthorization",
        /// The store will need its merchant: a deadline that refreshing does not move comes near.
        Expiring = "expiring",
        /// The store works again.
        Recovered = "recovered",
        /// The platform refuses the OAuth client itself.
        PlatformAppMisconfigured = "platform_app_misconfigured",
        /// Too many stores of one platform app were refused at once; verdicts are held.
        VerdictsHeld = "verdicts_held",
        /// A webhook endpoint gets nothing any more.
        WebhookEndpointDisabled = "webhook_endpoint_disabled",
    }
}

words! {
    /// Whom a message is for.
    Audience {
        Merchant = "merchant",
        Partner = "partner",
        Admins = "admins",
    }
}

words! {
    /// What became of a message.
    NoticeStatus {
        Pending = "pending",
        Sent = "sent",
        Failed = "failed",
        Skipped = "skipped",
    }
}
