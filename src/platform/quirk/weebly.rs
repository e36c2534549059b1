//! <https://dev.weebly.com/pf_apps_authorize_and_install.html>
//!
//! A connection starts at the platform, with a signed query; the address that the browser goes to next stands outside the
//! signature, so only the platform's own is taken. Webhooks carry their proof in the body, over the other members written
//! out again, and the platform's two clients write them differently.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Quirk;
use super::temu::compact;
use crate::platform::answer::as_text;
use crate::platform::hook::{Hook, HookKind, HookRefusal, Received, keys, read_time};
use crate::platform::host;
use crate::platform::obtain::{CallbackRefusal, once};
use crate::platform::signature::{self, Hash, Writing};
use crate::platform::values::Values;

/// How far off the time of an installation may be, in seconds.
const FRESH: u64 = 10 * 60;

pub(super) struct Weebly;

impl Quirk for Weebly {
    fn name(&self) -> &'static str {
        "weebly"
    }

    fn install(&self, raw_query: &str, app: &Values, now: DateTime<Utc>) -> Result<Values, CallbackRefusal> {
        let pairs = signature::pairs(raw_query);
        let (user, time) = (once(&pairs, "user_id")?, once(&pairs, "timestamp")?);
        let optional = |name: &str| match pairs.iter().any(|(known, _)| known == name) {
            true => once(&pairs, name).map(Some),
            false => Ok(None),
        };
        let (site, version) = (optional("site_id")?, optional("version")?);
        let mut text = format!("user_id={user}&timestamp={time}");
        if let Some(site) = &site {
            text.push_str(&format!("&site_id={site}"));
        }
        if !proves(app, &text, &once(&pairs, "hmac")?) {
            return Err(CallbackRefusal::BadSignature);
        }
        let sent: i64 = time.parse().map_err(|_| CallbackRefusal::StaleTimestamp)?;
        if now.timestamp().abs_diff(sent) > FRESH {
            return Err(CallbackRefusal::StaleTimestamp);
        }
        let next = once(&pairs, "callback_url")?;
        if !is_platforms(&next) {
            return Err(CallbackRefusal::UnsafeValue("callback_url".to_owned()));
        }
        let mut named = Values::new().with("user_id", user).with("callback_url", next);
        for (name, value) in [("site_id", site), ("version", version)] {
            match value {
                Some(value) if value.chars().any(char::is_control) => {
                    return Err(CallbackRefusal::UnsafeValue(name.to_owned()));
                }
                Some(value) => named.set(name, value),
                None => {}
            }
        }
        Ok(named)
    }

    fn hook(&self, received: &Received<'_>, app: &Values, _now: DateTime<Utc>) -> Result<Hook, HookRefusal> {
        let message: Message<'_> = serde_json::from_slice(received.body).map_err(|_| HookRefusal::Missing)?;
        let plain = message.written();
        if ![plain.clone(), escaped(&plain)]
            .iter()
            .any(|text| proves(app, text, &message.hmac))
        {
            return Err(HookRefusal::BadProof);
        }
        let read = |text: &RawValue| serde_json::from_str::<serde_json::Value>(text.get()).ok();
        let topic = read(message.event).and_then(|event| event.as_str().map(str::to_owned));
        let topic = topic.ok_or(HookRefusal::Missing)?;
        let site = read(message.data).and_then(|data| crate::platform::answer::text_at(&data, "/site_id"));
        let kind = match topic == "app.uninstall" {
            true => HookKind::Uninstalled,
            false => HookKind::Other,
        };
        if kind == HookKind::Uninstalled && site.is_none() {
            return Err(HookRefusal::Missing);
        }
        Ok(Hook {
            kind,
            topic,
            platform_store_id: site,
            happened_at: read(message.timestamp)
                .as_ref()
                .and_then(as_text)
                .and_then(|time| read_time(&time)),
        })
    }
}

/// A webhook; the values as they were written.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    client_id: &'a RawValue,
    client_version: &'a RawValue,
    event: &'a RawValue,
    timestamp: &'a RawValue,
    data: &'a RawValue,
    hmac: String,
}

impl Message<'_> {
    /// The members that the proof covers, without needless spaces and escapes.
    fn written(&self) -> String {
        let members = [
            ("client_id", self.client_id),
            ("client_version", self.client_version),
            ("event", self.event),
            ("timestamp", self.timestamp),
            ("data", self.data),
        ];
        let members: Vec<_> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{}", compact(value.get())))
            .collect();
        format!("{{{}}}", members.join(","))
    }
}

/// JSON as PHP writes it: slashes and letters beyond ASCII escaped.
fn escaped(json: &str) -> String {
    let mut written = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '/' => written.push_str("\\/"),
            c if c.is_ascii() => written.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    written.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    written
}

fn proves(app: &Values, text: &str, given: &str) -> bool {
    keys(app, "client_secret").any(|key| {
        let right = Writing::Hex.write(&Hash::HmacSha256.of(key.as_bytes(), text.as_bytes()));
        signature::same(&right, given)
    })
}

/// Https at the platform's own host, or one below it.
fn is_platforms(address: &str) -> bool {
    let url = host::checked_url(address).filter(|url| url.scheme() == "https" && url.port().is_none());
    url.as_ref()
        .and_then(|url| url.host_str())
        .is_some_and(|host| host == "weebly.com" || host.ends_with(".weebly.com"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_escaped_as_php_escapes_it() {
        assert_eq!(escaped(r#"{"a":"x/y\"é😀"}"#), r#"{"a":"x\/y\"\u00e9\ud83d\ude00"}"#);
    }

    #[test]
    fn only_the_platforms_own_addresses_are_followed() {
        for good in [
            "https://weebly.com/x",
            "https://www.weebly.com/app-center/oauth/authorize",
        ] {
            assert!(is_platforms(good), "{good}");
        }
        for bad in [
            "http://www.weebly.com/x",
            "https://evilweebly.com/x",
            "https://www.weebly.com.evil.example/x",
            "https://www.weebly.com@evil.example/x",
            "https://www.weebly.com:8443/x",
            "https://www.weebly.com\\.evil.example/x",
            "",
        ] {
            assert!(!is_platforms(bad), "{bad}");
        }
    }
}
