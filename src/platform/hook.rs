//! Webhooks of platforms: proven by a keyed hash over the raw body, then reduced to the few things that matter here: a
//! store has gone, or a privacy request must be answered.

use http::{HeaderMap, HeaderName};
use serde::Deserialize;

use super::descriptor::Platform;
use super::signature::{self, Hash, Writing};
use super::values::Values;

/// How a platform's webhooks are proven and read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hooks {
    #[serde(deserialize_with = "super::call::header_name")]
    pub proof_header: HeaderName,
    pub hash: Hash,
    pub writing: Writing,
    /// The value that is the key; its `<name>_standby`, where there is one, is tried too.
    pub key: String,
    #[serde(deserialize_with = "super::call::header_name")]
    pub topic_header: HeaderName,
    /// Names the store, as `platform_store_id` does.
    #[serde(deserialize_with = "super::call::header_name")]
    pub store_header: HeaderName,
    #[serde(default)]
    pub uninstalled: Vec<String>,
    #[serde(default)]
    pub privacy: Vec<String>,
}

/// What a webhook says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookKind {
    /// The grant has ended: the app was removed.
    Uninstalled,
    /// A privacy request that must be answered, even if there is nothing to do.
    Privacy,
    Other,
}

/// A proven webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub kind: HookKind,
    pub topic: String,
    pub platform_store_id: String,
}

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HookRefusal {
    #[error("this platform sends no webhooks that we know")]
    NoHooks,
    #[error("a header is missing")]
    MissingHeader,
    #[error("the proof does not hold")]
    BadProof,
}

/// Checks the proof first; nothing of an unproven webhook is used.
pub fn read(platform: &Platform, headers: &HeaderMap, body: &[u8], app: &Values) -> Result<Hook, HookRefusal> {
    let hooks = platform.hooks.as_ref().ok_or(HookRefusal::NoHooks)?;
    let header = |name| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .ok_or(HookRefusal::MissingHeader)
    };
    let given = header(&hooks.proof_header)?;
    let holds = keys(app, &hooks.key)
        .any(|key| signature::same(&hooks.writing.write(&hooks.hash.of(key.as_bytes(), body)), given));
    if !holds {
        return Err(HookRefusal::BadProof);
    }
    let topic = header(&hooks.topic_header)?.to_owned();
    let kind = if hooks.uninstalled.contains(&topic) {
        HookKind::Uninstalled
    } else if hooks.privacy.contains(&topic) {
        HookKind::Privacy
    } else {
        HookKind::Other
    };
    Ok(Hook {
        kind,
        topic,
        platform_store_id: header(&hooks.store_header)?.to_ascii_lowercase(),
    })
}

/// A secret, and the one that stands by while it is rolled over.
pub(super) fn keys<'a>(values: &'a Values, name: &str) -> impl Iterator<Item = &'a str> {
    [name.to_owned(), format!("{name}_standby")]
        .into_iter()
        .filter_map(|n| values.get(&n))
        .filter(|key| !key.is_empty())
}
