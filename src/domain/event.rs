//! What partners are told of, each as one event. An event is written with its cause, whether or not anybody listens, so
//! that the list of events is complete and a webhook is only the quicker way to it.

words! {
    /// Type of an event, as webhooks and the list of events name it.
    EventKind {
        /// A new store; its token waits for the exchange.
        StoreConnected = "store.connected",
        /// The merchant authorized a store again: the same token works.
        StoreReauthorized = "store.reauthorized",
        /// Only the merchant can make the store work again.
        StoreNeedsReauthorization = "store.needs_reauthorization",
        /// The store will need its merchant: 30, 7 and 1 days ahead.
        StoreExpiring = "store.expiring",
        /// What was told as trouble is over, without the merchant.
        StoreRecovered = "store.recovered",
        /// The platform refuses to renew, in words that decide nothing yet.
        StoreRefreshFailing = "store.refresh_failing",
        StoreRevoked = "store.revoked",
        /// Somebody made a new access token for a store.
        StoreAccessTokenRotated = "store.access_token_rotated",
        /// The platform refuses the OAuth client itself; no store is touched.
        PlatformAppMisconfigured = "platform_app.misconfigured",
        /// Asked for by the partner, to try an endpoint.
        WebhookTest = "webhook.test",
    }
}

/// Days for which events are kept.
pub const KEPT_DAYS: i64 = 30;
