//! The checks of a callback before anything of it is believed, in fixed order, one failure each. Whoever holds the state
//! has not proved more than having seen a URL: first comes the browser, and nothing about a session is told to another
//! one.

use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq;

use crate::domain::access_token::TokenHash;
use crate::domain::connect::SessionStatus;

/// What a callback is held against.
#[derive(Debug, Clone)]
pub(super) struct Waiting<'a> {
    pub status: SessionStatus,
    pub expires_at: DateTime<Utc>,
    pub platform: Option<&'a str>,
    pub browser: Option<TokenHash>,
}

/// The rung that did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stumble {
    /// Another browser left for the platform, or its cookie is gone.
    OtherBrowser,
    /// Taken, cancelled or failed meanwhile.
    Ended,
    Expired,
    /// The callback came in at another platform's address: two platforms are being mixed up.
    OtherPlatform,
}

/// `browser` is the cookie that came along with the callback, hashed.
pub(super) fn climb(
    waiting: &Waiting<'_>,
    browser: Option<TokenHash>,
    slug: &str,
    now: DateTime<Utc>,
) -> Result<(), Stumble> {
    let same_browser = match (waiting.browser, browser) {
        (Some(kept), Some(given)) => bool::from(kept.as_bytes().ct_eq(given.as_bytes())),
        _ => false,
    };
    if !same_browser {
        return Err(Stumble::OtherBrowser);
    }
    if waiting.status != SessionStatus::AtPlatform {
        return Err(Stumble::Ended);
    }
    if now >= waiting.expires_at {
        return Err(Stumble::Expired);
    }
    if waiting.platform != Some(slug) {
        return Err(Stumble::OtherPlatform);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn waiting() -> Waiting<'static> {
        Waiting {
            status: SessionStatus::AtPlatform,
            expires_at: at(600),
            platform: Some("demo"),
            browser: Some(TokenHash::of("cookie")),
        }
    }

    #[test]
    fn a_callback_climbs_when_everything_agrees() {
        assert_eq!(climb(&waiting(), Some(TokenHash::of("cookie")), "demo", at(0)), Ok(()));
    }

    #[test]
    fn each_rung_has_a_failure_of_its_own() {
        let cookie = Some(TokenHash::of("cookie"));
        let ended = Waiting {
            status: SessionStatus::Cancelled,
            ..waiting()
        };
        let unbound = Waiting {
            browser: None,
            ..waiting()
        };
        for (held_against, browser, slug, now, wanted) in [
            (waiting(), None, "demo", at(0), Stumble::OtherBrowser),
            (
                waiting(),
                Some(TokenHash::of("another")),
                "demo",
                at(0),
                Stumble::OtherBrowser,
            ),
            (unbound, None, "demo", at(0), Stumble::OtherBrowser),
            (ended, cookie, "demo", at(0), Stumble::Ended),
            (waiting(), cookie, "demo", at(600), Stumble::Expired),
            (waiting(), cookie, "other", at(0), Stumble::OtherPlatform),
        ] {
            assert_eq!(climb(&held_against, browser, slug, now), Err(wanted));
        }
    }

    #[test]
    fn another_browser_learns_nothing_else_about_the_session() {
        let ended = Waiting {
            status: SessionStatus::Failed,
            expires_at: at(-1),
            ..waiting()
        };
        assert_eq!(climb(&ended, None, "other", at(0)), Err(Stumble::OtherBrowser));
    }
}
