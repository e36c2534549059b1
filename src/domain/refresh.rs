//! Words of refreshing: what asked for it, how it ended, and which class a platform's failure belongs to.

words! {
    /// The classes of failure; only `Dead` ever asks a merchant to re-authorize.
    FailureKind {
        /// This grant is refused for good, in words that the platform documents.
        Dead = "dead",
        /// The platform refuses the OAuth client itself; touches no store.
        AppBroken = "app_broken",
        /// Too many calls.
        Throttled = "throttled",
        /// The platform is out of reach or reports a fault of its own.
        Down = "down",
        /// Anything else.
        Unknown = "unknown",
    }
}

words! {
    /// What asked for a refresh.
    RefreshTrigger {
        /// A call with an expired or nearly expired token.
        Call = "call",
        /// The platform answered a call with unauthorized.
        Unauthorized = "unauthorized",
        /// The timer that keeps refresh tokens alive.
        Timer = "timer",
        /// A partner or an admin.
        Request = "request",
        /// The owner of an attempt whose answer was lost, within the platform's grace.
        Doubt = "doubt",
    }
}

words! {
    /// How one try to refresh ended.
    RefreshOutcome {
        /// A new access token is saved.
        Renewed = "renewed",
        /// The platform answered with the access token that we had.
        Unchanged = "unchanged",
        Dead = "dead",
        /// Refused for good, but the verdict is held back or may not be given yet.
        Refused = "refused",
        AppBroken = "app_broken",
        Throttled = "throttled",
        Down = "down",
        Unknown = "unknown",
        /// Surely nothing was sent.
        NotSent = "not_sent",
        /// Sent, and no complete answer came.
        AnswerLost = "answer_lost",
        /// A newer answer or grant was saved meanwhile.
        Superseded = "superseded",
    }
}

impl From<FailureKind> for RefreshOutcome {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Dead => Self::Dead,
            FailureKind::AppBroken => Self::AppBroken,
            FailureKind::Throttled => Self::Throttled,
            FailureKind::Down => Self::Down,
            FailureKind::Unknown => Self::Unknown,
        }
    }
}
