//! Webhooks of platforms: proven as each platform documents it, then reduced to the few things that matter here: a store
//! has gone, or a privacy request must be answered. Nothing of an unproven webhook is used.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName};
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};

use super::answer::text_at;
use super::descriptor::Platform;
use super::published_key::{PublishedKey, Signed};
use super::quirk::QuirkRef;
use super::signature::{self, Hash, Writing};
use super::values::Values;

/// How a platform's webhooks are proven and read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hooks {
    /// A keyed hash in a header.
    #[serde(default)]
    pub proof: Option<Proof>,
    /// Instead of `proof`: a signature with a key that the platform publishes. It says that the platform wrote this, not
    /// to whom: whoever has been sent such a webhook can send it on. So nothing that it tells of an app is believed
    /// without asking.
    #[serde(default)]
    pub published: Option<PublishedKey>,
    /// The platform asks first whether the address is ours.
    #[serde(default)]
    pub challenge: Option<Challenge>,
    /// Instead of `proof` and everything else here.
    #[serde(default)]
    pub quirk: Option<QuirkRef>,
    /// What happened: in a header, or at a JSON pointer of the body.
    #[serde(default)]
    pub topic: Option<Place>,
    /// Names the store, as `platform_store_id` does.
    #[serde(default)]
    pub store: Option<Place>,
    /// JSON pointers to the store's name in the body, where `store` is a header that the proof does not cover: what stands at
    /// one of them must be the same, and a body without any proves no store. The body then is an object, as no other
    /// text that the same key may have signed.
    #[serde(default)]
    pub store_in_body: Vec<String>,
    /// When it happened: RFC 3339, or seconds or milliseconds since 1970. It need not be proven: it only lets old
    /// news be told from new.
    #[serde(default)]
    pub time: Option<Place>,
    /// The proof does not cover the store's name, so the store itself is asked.
    #[serde(default)]
    pub store_unproven: bool,
    #[serde(default)]
    pub uninstalled: Vec<String>,
    #[serde(default)]
    pub privacy: Vec<String>,
    /// Privacy requests about those who bought at the store, of whom nothing is kept: answered, and that is all.
    #[serde(default)]
    pub buyers: Vec<String>,
    /// The account itself was closed, and what is known of its owner has to go.
    #[serde(default)]
    pub closed: Vec<String>,
}

/// A question that only the owner of an address can answer: a hash over what is asked, a value of the app, and the address.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// The query's parameter that asks.
    pub parameter: String,
    /// The value of the app.
    pub token: String,
    /// The answer's name in a JSON object.
    pub answer: String,
}

impl Challenge {
    /// The answer to a query that asks; `None` where it doesn't.
    pub fn answer(&self, raw_query: &str, app: &Values, address: &str) -> Option<Result<String, HookRefusal>> {
        let pairs = signature::pairs(raw_query);
        let asked = &pairs.iter().find(|(name, _)| *name == self.parameter)?.1;
        let Some(token) = app.get(&self.token).filter(|token| !token.is_empty()) else {
            return Some(Err(HookRefusal::Missing));
        };
        let hash = Sha256::new()
            .chain_update(asked)
            .chain_update(token)
            .chain_update(address)
            .finalize();
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Ok(serde_json::json!({ &self.answer: hex }).to_string()))
    }
}

/// A keyed hash over parts of a webhook.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    #[serde(deserialize_with = "super::call::header_name")]
    pub header: HeaderName,
    pub hash: Hash,
    pub writing: Writing,
    /// The value that is the key; its `<name>_standby`, where there is one, is tried too.
    pub key: String,
    #[serde(default = "whole_body")]
    pub over: Vec<Part>,
}

/// A part of what is hashed: `body`, a JSON pointer into it, `{value}` of the app, or a text as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Body,
    At(String),
    Value(String),
    Text(String),
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        Ok(match value {
            Some(value) => Self::Value(value.to_owned()),
            None if text == "body" => Self::Body,
            None if text.starts_with('/') => Self::At(text),
            None => Self::Text(text),
        })
    }
}

/// Where a webhook says something.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    #[serde(deserialize_with = "super::call::header_name")]
    Header(HeaderName),
    /// A JSON pointer into the body.
    At(String),
}

/// A webhook as it came.
#[derive(Clone, Copy)]
pub struct Received<'a> {
    pub headers: &'a HeaderMap,
    /// The raw query.
    pub query: &'a str,
    pub body: &'a [u8],
}

/// What a webhook says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookKind {
    /// The grant has ended: the app was removed.
    Uninstalled,
    /// The same, but the store's name is not proven: ask before believing.
    MaybeUninstalled,
    /// A privacy request that must be answered, even if there is nothing to do.
    Privacy,
    /// The account is gone, and its owner is to be forgotten; whether the grant is gone too has to be asked.
    AccountClosed,
    Other,
}

/// A proven webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub kind: HookKind,
    pub topic: String,
    pub platform_store_id: Option<String>,
    /// When it happened, where the platform says so.
    pub happened_at: Option<DateTime<Utc>>,
}

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HookRefusal {
    #[error("this platform sends no webhooks that we know")]
    NoHooks,
    #[error("a header or a value is missing")]
    Missing,
    #[error("the proof does not hold")]
    BadProof,
    #[error("the platform's key cannot be read")]
    BadKey,
}

/// Checks the proof first. `app` are the platform app's values.
pub fn read(
    platform: &Platform,
    received: &Received<'_>,
    app: &Values,
    now: DateTime<Utc>,
) -> Result<Hook, HookRefusal> {
    let hooks = platform.hooks.as_ref().ok_or(HookRefusal::NoHooks)?;
    if let Some(quirk) = &hooks.quirk {
        return quirk.hook(received, app, now);
    }
    let proof = hooks.proof.as_ref().ok_or(HookRefusal::NoHooks)?;
    let json: Option<serde_json::Value> = serde_json::from_slice(received.body).ok();
    let given = text(&Place::Header(proof.header.clone()), received, json.as_ref())?;
    let message = proof.message(received, json.as_ref(), app)?;
    let holds = keys(app, &proof.key)
        .any(|key| signature::same(&proof.writing.write(&proof.hash.of(key.as_bytes(), &message)), &given));
    if !holds {
        return Err(HookRefusal::BadProof);
    }
    hooks.told(received, json.as_ref())
}

/// The signature of a webhook whose platform publishes its keys; `None` where it doesn't.
pub fn signed<'a>(
    platform: &'a Platform,
    received: &Received<'_>,
) -> Option<Result<(&'a PublishedKey, Signed), HookRefusal>> {
    let published = platform.hooks.as_ref()?.published.as_ref()?;
    Some(published.read(received).map(|signed| (published, signed)))
}

/// As `read`, of a webhook that is `signed` with this published key.
pub fn read_signed(
    platform: &Platform,
    received: &Received<'_>,
    signed: &Signed,
    pem: &str,
) -> Result<Hook, HookRefusal> {
    let hooks = platform.hooks.as_ref().ok_or(HookRefusal::NoHooks)?;
    signed.holds(pem, received.body)?;
    let json: Option<serde_json::Value> = serde_json::from_slice(received.body).ok();
    hooks.told(received, json.as_ref())
}

impl Hooks {
    /// What a proven webhook says.
    fn told(&self, received: &Received<'_>, json: Option<&serde_json::Value>) -> Result<Hook, HookRefusal> {
        let topic = self.topic.as_ref().ok_or(HookRefusal::NoHooks)?;
        let topic = text(topic, received, json)?;
        let store = self.store.as_ref();
        let store_id = store.and_then(|store| text(store, received, json).ok());
        let named = self.named(json, store_id.as_deref())?;
        let unproven = self.store_unproven || self.published.is_some() || !named;
        let kind = if self.uninstalled.contains(&topic) {
            match unproven {
                true => HookKind::MaybeUninstalled,
                false => HookKind::Uninstalled,
            }
        } else if self.closed.contains(&topic) {
            HookKind::AccountClosed
        } else if self.privacy.contains(&topic) && named {
            HookKind::Privacy
        } else {
            HookKind::Other
        };
        let time = self.time.as_ref().and_then(|time| text(time, received, json).ok());
        if kind == HookKind::Uninstalled && store_id.is_none() {
            return Err(HookRefusal::Missing);
        }
        Ok(Hook {
            kind,
            topic,
            platform_store_id: match store {
                // A header names a host.
                Some(Place::Header(_)) => store_id.map(|id| id.to_ascii_lowercase()),
                _ => store_id,
            },
            happened_at: time.and_then(|time| read_time(&time)),
        })
    }

    /// Whether the body itself names the store, where that is asked for; an error if it names another one.
    fn named(&self, json: Option<&serde_json::Value>, store: Option<&str>) -> Result<bool, HookRefusal> {
        if self.store_in_body.is_empty() {
            return Ok(true);
        }
        let body = json.filter(|json| json.is_object()).ok_or(HookRefusal::BadProof)?;
        let mut found = self.store_in_body.iter().filter_map(|at| text_at(body, at)).peekable();
        if found.peek().is_none() {
            return Ok(false);
        }
        match store.is_some_and(|store| found.any(|found| found.eq_ignore_ascii_case(store))) {
            true => Ok(true),
            false => Err(HookRefusal::BadProof),
        }
    }
}

/// A time as platforms write it; `None`: in no form that we know.
pub(super) fn read_time(text: &str) -> Option<DateTime<Utc>> {
    match text.parse::<i64>() {
        // Seconds of this size are in the year 5138.
        Ok(millis) if millis >= 100_000_000_000 => DateTime::from_timestamp_millis(millis),
        Ok(seconds) => DateTime::from_timestamp(seconds, 0),
        Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()),
    }
}

impl Proof {
    fn message<'a>(
        &self,
        received: &Received<'a>,
        json: Option<&serde_json::Value>,
        app: &Values,
    ) -> Result<Cow<'a, [u8]>, HookRefusal> {
        if self.over == [Part::Body] {
            return Ok(Cow::Borrowed(received.body));
        }
        let mut message = Vec::new();
        for part in &self.over {
            match part {
                Part::Body => message.extend_from_slice(received.body),
                Part::Text(text) => message.extend_from_slice(text.as_bytes()),
                Part::Value(name) => message.extend_from_slice(app.get(name).ok_or(HookRefusal::Missing)?.as_bytes()),
                Part::At(at) => {
                    let found = json.and_then(|json| text_at(json, at)).ok_or(HookRefusal::Missing)?;
                    message.extend_from_slice(found.as_bytes());
                }
            }
        }
        Ok(Cow::Owned(message))
    }
}

fn text(place: &Place, received: &Received<'_>, json: Option<&serde_json::Value>) -> Result<String, HookRefusal> {
    let found = match place {
        Place::Header(name) => received
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        Place::At(at) => json.and_then(|json| text_at(json, at)),
    };
    found.ok_or(HookRefusal::Missing)
}

fn whole_body() -> Vec<Part> {
    vec![Part::Body]
}

/// A secret, and the one that stands by while it is rolled over.
pub(super) fn keys<'a>(values: &'a Values, name: &str) -> impl Iterator<Item = &'a str> {
    [name.to_owned(), format!("{name}_standby")]
        .into_iter()
        .filter_map(|n| values.get(&n))
        .filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_platforms_write_them() {
        let at = DateTime::from_timestamp(1_780_000_000, 0);
        for (text, wanted) in [
            ("1780000000", at),
            ("1780000000000", at),
            ("2026-05-28T20:26:40Z", at),
            ("2026-05-28T22:26:40.000+02:00", at),
            ("28/05/2026", None),
            ("", None),
        ] {
            assert_eq!(read_time(text), wanted, "{text}");
        }
    }
}
