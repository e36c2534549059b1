//! How long a platform asks to be left alone, wherever it says so: in `Retry-After`, in a header of its own, or in the body.
//! What it says in an answer goes before what the catalogue knows of its limits.

use std::time::Duration;

use chrono::DateTime;
use http::{HeaderMap, HeaderName, header};
use serde_json::Value;

use super::answer::{AnswerRules, text_at};

/// Longer waits are a mistake, or a number that means something else.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What an answer asks for.
pub(super) fn told(rules: &AnswerRules, headers: &HeaderMap, body: Option<&Value>) -> Option<Duration> {
    retry_after(headers)
        .or_else(|| millis(rules.wait_millis.as_ref()?, headers))
        .or_else(|| until(rules.wait_until.as_ref()?, headers))
        .or_else(|| rules.wait_at.iter().find_map(|at| seconds_in(&text_at(body?, at)?)))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn millis(name: &HeaderName, headers: &HeaderMap) -> Option<Duration> {
    text(headers, name)?.parse().ok().map(Duration::from_millis)
}

/// Until a point in time, counted from the answer's own `Date`.
fn until(name: &HeaderName, headers: &HeaderMap) -> Option<Duration> {
    let at = DateTime::parse_from_rfc3339(text(headers, name)?).ok()?;
    let wait = (at - date(headers)?).to_std().ok()?;
    Some(wait.min(LONGEST))
}

fn date(headers: &HeaderMap) -> Option<DateTime<chrono::FixedOffset>> {
    DateTime::parse_from_rfc2822(text(headers, &header::DATE)?).ok()
}

/// The first number in a text such as `6 seconds`.
fn seconds_in(said: &str) -> Option<Duration> {
    let mut numbers = said.split(|c: char| !c.is_ascii_digit());
    let seconds = numbers.find(|number| !number.is_empty())?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

/// `Retry-After` in seconds, or as a date counted from the answer's own `Date`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let said = text(headers, &header::RETRY_AFTER)?;
    if let Ok(seconds) = said.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = DateTime::parse_from_rfc2822(said).ok()?;
    (at - date(headers)?).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.clone(), http::HeaderValue::from_static(value)))
            .collect()
    }

    const DATE: (HeaderName, &str) = (header::DATE, "Wed, 21 Oct 2026 07:28:00 GMT");

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let wait = |pairs: &[(HeaderName, &'static str)]| retry_after(&headers(pairs)).map(|wait| wait.as_secs());
        assert_eq!(wait(&[(header::RETRY_AFTER, "2.0")]), Some(2));
        let then = (header::RETRY_AFTER, "Wed, 21 Oct 2026 07:29:30 GMT");
        assert_eq!(wait(&[DATE, then.clone()]), Some(90));
        assert_eq!(wait(&[then]), None);
        assert_eq!(wait(&[(header::RETRY_AFTER, "-1")]), None);
    }

    #[test]
    fn a_point_in_time_counts_from_the_answers_own_date() {
        let reset = HeaderName::from_static("x-banned-until");
        let rules = AnswerRules {
            wait_until: Some(reset.clone()),
            ..AnswerRules::default()
        };
        let wait = |pairs: &[_]| told(&rules, &headers(pairs), None).map(|wait| wait.as_secs());
        assert_eq!(wait(&[DATE, (reset.clone(), "2026-10-21T09:33:00+02:00")]), Some(300));
        assert_eq!(
            wait(&[DATE, (reset.clone(), "2026-10-21T07:27:00Z")]),
            None,
            "it is over"
        );
        assert_eq!(wait(&[DATE, (reset.clone(), "2027-10-21T07:27:00Z")]), Some(86_400));
        assert_eq!(wait(&[(reset.clone(), "2026-10-21T09:33:00+02:00")]), None);
        let after = (header::RETRY_AFTER, "7");
        assert_eq!(wait(&[DATE, (reset, "2026-10-21T07:33:00Z"), after]), Some(7));
    }

    #[test]
    fn a_body_may_say_the_seconds_in_words() {
        let rules = AnswerRules {
            wait_at: vec!["/errors/*/time_remaining".to_owned()],
            ..AnswerRules::default()
        };
        let wait = |said: Value| {
            let body = serde_json::json!({ "errors": [{ "time_remaining": said }] });
            told(&rules, &HeaderMap::new(), Some(&body)).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("6 seconds".into()), Some(6));
        assert_eq!(wait(13.into()), Some(13));
        assert_eq!(wait("soon".into()), None);
    }
}
