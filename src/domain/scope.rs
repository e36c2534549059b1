//! What an API key may do.

words! {
    /// A scope of an API key.
    Scope {
        ConnectWrite = "connect:write",
        StoresRead = "stores:read",
        StoresWrite = "stores:write",
        TokensWrite = "tokens:write",
        PlatformsWrite = "platforms:write",
        WebhooksWrite = "webhooks:write",
    }
}
