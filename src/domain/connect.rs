//! A connect session and what may become of it.

words! {
    /// State of a connect session; the last four are ends.
    SessionStatus {
        Open = "open",
        AtPlatform = "at_platform",
        Completed = "completed",
        Failed = "failed",
        Cancelled = "cancelled",
        Expired = "expired",
    }
}

/// What a partner may call one of its customers, in words.
pub const CUSTOMER_ID_RULE: &str = "1 to 255 bytes without control characters";

/// Whether a partner may call one of its customers so, in whatever call.
pub fn is_customer_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && !text.chars().any(char::is_control)
}

impl SessionStatus {
    /// Nothing can happen to the session any more.
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Open | Self::AtPlatform)
    }
}

words! {
    /// Why a connect session failed; also the `error` of the return URL.
    ConnectFailure {
        /// The merchant declined at the platform or here.
        AccessDenied = "access_denied",
        /// The platform reported an error.
        PlatformError = "platform_error",
        /// The platform could not be reached or did not answer.
        PlatformUnavailable = "platform_unavailable",
        /// The platform refuses the partner's client.
        PlatformAppMisconfigured = "platform_app_misconfigured",
        /// The platform refused what the merchant entered.
        CredentialsRefused = "credentials_refused",
        /// The callback was not the platform's, or not for this session.
        InvalidCallback = "invalid_callback",
        /// The re-authorization came back with another shop.
        OtherStore = "other_store",
        /// Another customer's store is connected to this shop.
        StoreAlreadyConnected = "store_already_connected",
        /// The link's time was over.
        Expired = "expired",
    }
}

words! {
    /// Languages of pages and mails.
    Language {
        En = "en",
        Es = "es",
        Pt = "pt",
    }
}

impl Language {
    /// The best of a list such as `pt-BR,pt;q=0.9,en;q=0.8`, by weight, then order; `None` if none is ours.
    pub fn negotiate(accept_language: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for part in accept_language.split(',') {
            let mut pieces = part.split(';');
            let Some(language) = pieces.next().and_then(Self::from_tag) else {
                continue;
            };
            let weight = pieces
                .find_map(|piece| piece.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok()))
                .unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// The language of one tag, such as `es-MX` or `pt_BR`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
        primary.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_with_the_greatest_weight_wins() {
        for (header, wanted) in [
            ("pt-BR,pt;q=0.9,en;q=0.8", Some(Language::Pt)),
            ("fr, en;q=0.5, es;q=0.7", Some(Language::Es)),
            ("de", None),
            ("es;q=0, en;q=0.1", Some(Language::En)),
            ("", None),
        ] {
            assert_eq!(Language::negotiate(header), wanted, "{header}");
        }
    }
}
