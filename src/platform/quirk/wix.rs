//! <https://dev.wix.com/docs/build-apps/launch-your-app/app-distribution/install-your-app/about-the-external-install-flow>
//!
//! With the app's own client any of its instances opens, so an instance id that nothing proves would let one merchant
//! connect another's site. The proof comes in one of two forms: signed with the app's secret, or, as a JWT, with a key
//! whose public half the app holds.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::Quirk;
use crate::platform::hook::{Hook, HookKind, HookRefusal, Received, keys};
use crate::platform::obtain::{CallbackRefusal, once};
use crate::platform::signature::{self, Hash};
use crate::platform::values::Values;

/// How old a signed instance may be that comes with a browser.
const FRESH: TimeDelta = TimeDelta::minutes(10);

pub(super) struct Wix;

impl Quirk for Wix {
    fn name(&self) -> &'static str {
        "wix"
    }

    fn callback(
        &self,
        raw_query: &str,
        brought: Values,
        known: &Values,
        now: DateTime<Utc>,
    ) -> Result<Values, CallbackRefusal> {
        let pairs = signature::pairs(raw_query);
        let (given, proof) = (once(&pairs, "instanceId")?, once(&pairs, "signedInstance")?);
        let payload = proven(&proof, known).ok_or(CallbackRefusal::BadSignature)?;
        if has_ended(&payload, now) || is_old(&payload, now) {
            return Err(CallbackRefusal::StaleTimestamp);
        }
        if is_visitors(&payload) {
            return Err(CallbackRefusal::OtherStore);
        }
        let is_ours = once(&pairs, "appId").ok().as_deref() == known.get("client_id");
        if !is_ours || payload.get("instanceId").and_then(Value::as_str) != Some(given.as_str()) {
            return Err(CallbackRefusal::OtherStore);
        }
        Ok(brought)
    }

    /// The body is a JWT, whose `data` holds the event as a text of JSON.
    fn hook(&self, received: &Received<'_>, app: &Values, now: DateTime<Utc>) -> Result<Hook, HookRefusal> {
        let jwt = std::str::from_utf8(received.body)
            .map_err(|_| HookRefusal::BadProof)?
            .trim();
        // The other form of proof is no webhook's.
        let payload = Some(jwt).filter(|jwt| jwt.split('.').count() == 3);
        let payload = payload.and_then(|jwt| proven(jwt, app)).ok_or(HookRefusal::BadProof)?;
        if has_ended(&payload, now) {
            return Err(HookRefusal::BadProof);
        }
        let data = payload
            .get("data")
            .and_then(Value::as_str)
            .ok_or(HookRefusal::Missing)?;
        let event: Value = serde_json::from_str(data).map_err(|_| HookRefusal::Missing)?;
        let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
        let topic = text("eventType").ok_or(HookRefusal::Missing)?;
        let kind = match topic == "AppRemoved" {
            true => HookKind::Uninstalled,
            false => HookKind::Other,
        };
        let instance = text("instanceId");
        if kind == HookKind::Uninstalled && instance.is_none() {
            return Err(HookRefusal::Missing);
        }
        Ok(Hook {
            kind,
            topic,
            platform_store_id: instance,
            happened_at: payload
                .get("iat")
                .and_then(Value::as_i64)
                .and_then(|at| DateTime::from_timestamp(at, 0)),
        })
    }
}

fn has_ended(payload: &Value, now: DateTime<Utc>) -> bool {
    payload
        .get("exp")
        .and_then(Value::as_i64)
        .is_some_and(|end| end < now.timestamp())
}

/// Signed longer ago than an installation takes, where it says when.
fn is_old(payload: &Value, now: DateTime<Utc>) -> bool {
    let signed = payload.get("signDate").and_then(Value::as_str);
    let signed = signed.and_then(|date| DateTime::parse_from_rfc3339(date).ok());
    signed.is_some_and(|date| (now - date.to_utc()).abs() > FRESH)
}

/// Whoever looks at a site with the app's parts on it is given a signed instance of that site as well: one that says whom
/// it was given to must have been given to the owner.
fn is_visitors(payload: &Value) -> bool {
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    let is_owners =
        text("permissions") == Some("OWNER") || (text("uid").is_some() && text("uid") == text("siteOwnerId"));
    let says = ["aid", "uid", "siteOwnerId", "permissions"]
        .iter()
        .any(|name| text(name).is_some());
    says && !is_owners
}

/// What the proof says, if it is one.
fn proven(proof: &str, known: &Values) -> Option<Value> {
    let parts: Vec<&str> = proof.split('.').collect();
    let payload = match parts[..] {
        [mac, payload] => {
            let right =
                |key: &str| BASE64_URL_SAFE_NO_PAD.encode(Hash::HmacSha256.of(key.as_bytes(), payload.as_bytes()));
            keys(known, "client_secret")
                .any(|key| signature::same(&right(key), mac))
                .then_some(payload)?
        }
        [header, payload, signed] => {
            // The algorithm is ours to choose, never the token's.
            if read(header)?.get("alg")?.as_str()? != "RS256" {
                return None;
            }
            let key = rsa_key(known.get("public_key")?)?;
            let signed = BASE64_URL_SAFE_NO_PAD.decode(signed).ok()?;
            let text = &proof[..header.len() + 1 + payload.len()];
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
                .verify(text.as_bytes(), &signed)
                .ok()?;
            payload
        }
        _ => return None,
    };
    read(payload)
}

fn read(part: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The RSA key inside a public key's PEM, with or without its frame and line breaks.
fn rsa_key(pem: &str) -> Option<Vec<u8>> {
    let text = pem.replace("\\n", "\n");
    let lines = text
        .split("-----")
        .map(str::trim)
        .filter(|part| !part.is_empty() && !part.ends_with("PUBLIC KEY"));
    let base64: String = lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
    let der = BASE64_STANDARD.decode(base64).ok()?;
    // A SubjectPublicKeyInfo is a sequence of the algorithm and a bit string that holds the key (RFC 5280, 4.1).
    let (body, _) = element(0x30, &der)?;
    match element(0x30, body) {
        Some((_, rest)) => Some(element(0x03, rest)?.0.strip_prefix(&[0])?.to_vec()),
        None => Some(der),
    }
}

/// The content of the first element, which must have this tag, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (short, rest) = rest.split_first()?;
    let (length, rest) = match short {
        0..=0x7f => (usize::from(*short), rest),
        0x81..=0x84 => {
            let (long, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
            (
                long.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
                rest,
            )
        }
        _ => return None,
    };
    (*first == tag).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArLQZKuSkMGohUC20cFpn\n\
        DRA2T0soSLqfhhkT1L0utVS8uLGuwGN6087wlpHnVqgMg/GHvXz1e/m4OjZDXcx9\n\
        QtP+R2RlBuowNFlvSTbDko2ybY8sji2nUn1bJ+03hUydqnU86Hgs00FX4JlaCAMv\n\
        BbN7q7n+HhDBRFFpwoP4/lp3OQEbrTkqLIMQUCtCEFGl8sTmm/JOhsih6xK6dvwI\n\
        jCpiQeXMugle3koQjxN6ocN7tfXZgHbkNRx8swib8qrmjc1hxECDnkf99noYEpe+\n\
        TlyTJlzQsaYziHGpc8NBOlIPxGoghmvgY71oc/liYNMeBExo4cII0DiTXDwb8HzE\n\
        JwIDAQAB\n\
        -----END PUBLIC KEY-----\n";
    const JWT: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpbnN0YW5jZUlkIjoiYWJjLTEyMyIsInNpdGVJZCI6InNpdGUtMSJ9.L2MnLg\
        TCed4kcO006DFI_V1t76fPcSSCPYitIpl3HvTaBpfm2KCYnqoxkgq5gOOSMot6wrs4mJlNN0QuZi_kseKIb5O5QhW14KyxHKZPOJ\
        T-Oe8U4Eh98Zkqu-Q8biL9LqybF3-4WSH6o9y9dzVn9bqdDuWpxI7y7bhaOmXb9jFPivg1rEoRWvq0Wy0JYIsWAFO6Os6IAyDRY2\
        Pm_WALJjz1sJg9miKRXfLF6iQ8aoAQfem2bHOycLnuhfdV7Ad0ftxmqgQhjT4IzLWUcrd5GY3MfFXVpTApjkuJ_IUVb6ccLa8hV6\
        6mCq-PqWtoU04emiUCrepUI_iyYUVL2soecg";

    fn known() -> Values {
        Values::new()
            .with("client_id", "app-1")
            .with("client_secret", "test-only-not-a-real-wix-secret")
            .with("public_key", KEY)
    }

    fn read_with(known: &Values, app: &str, instance: &str, proof: &str) -> Result<Values, CallbackRefusal> {
        let query = format!("appId={app}&instanceId={instance}&signedInstance={proof}");
        Wix.callback(&query, Values::new(), known, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn an_instance_is_believed_with_either_proof_and_no_other() {
        let hmac =
            "dCQBqXKrzP-U_6XxNd1vs3HORr-BksvK70q-pmzGfDo.eyJpbnN0YW5jZUlkIjoiYWJjLTEyMyIsInNpdGVJZCI6InNpdGUtMSJ9";
        for proof in [hmac, JWT] {
            assert!(read_with(&known(), "app-1", "abc-123", proof).is_ok(), "{proof}");
            for (app, instance) in [("app-1", "abc-124"), ("app-2", "abc-123")] {
                let refused = read_with(&known(), app, instance, proof);
                assert_eq!(refused, Err(CallbackRefusal::OtherStore), "{app} {instance}");
            }
            let broken = proof.replace("LTEyMyI", "LTEyNCI");
            assert_ne!(broken, proof);
            let refused = read_with(&known(), "app-1", "abc-124", &broken);
            assert_eq!(refused, Err(CallbackRefusal::BadSignature));
            let others = known().with("client_secret", "another").with("public_key", "another");
            assert_eq!(
                read_with(&others, "app-1", "abc-123", proof),
                Err(CallbackRefusal::BadSignature)
            );
        }
    }

    #[test]
    fn a_visitors_instance_connects_nothing() {
        let signed = |payload: &str| {
            let payload = BASE64_URL_SAFE_NO_PAD.encode(payload);
            let mac = Hash::HmacSha256.of(b"test-only-not-a-real-wix-secret", payload.as_bytes());
            format!("{}.{payload}", BASE64_URL_SAFE_NO_PAD.encode(mac))
        };
        for (payload, refusal) in [
            (r#"{"instanceId":"abc-123","permissions":"OWNER"}"#, None),
            (r#"{"instanceId":"abc-123","uid":"u-1","siteOwnerId":"u-1"}"#, None),
            (
                r#"{"instanceId":"abc-123","signDate":"1970-01-01T00:00:00.000Z"}"#,
                None,
            ),
            (
                r#"{"instanceId":"abc-123","aid":"visitor-1"}"#,
                Some(CallbackRefusal::OtherStore),
            ),
            (
                r#"{"instanceId":"abc-123","uid":"u-2","siteOwnerId":"u-1","permissions":null}"#,
                Some(CallbackRefusal::OtherStore),
            ),
            (
                r#"{"instanceId":"abc-123","permissions":"OWNER","signDate":"1970-01-01T00:11:00.000Z"}"#,
                Some(CallbackRefusal::StaleTimestamp),
            ),
        ] {
            let read = read_with(&known(), "app-1", "abc-123", &signed(payload));
            assert_eq!(read.err(), refusal, "{payload}");
        }
    }

    #[test]
    fn a_token_cannot_choose_how_it_is_checked() {
        let payload = "eyJpbnN0YW5jZUlkIjoiYWJjLTEyMyJ9";
        for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#] {
            let proof = format!("{}.{payload}.", BASE64_URL_SAFE_NO_PAD.encode(header));
            assert_eq!(
                read_with(&known(), "app-1", "abc-123", &proof),
                Err(CallbackRefusal::BadSignature)
            );
        }
        let missing = Wix.callback(
            "appId=app-1&instanceId=abc-123",
            Values::new(),
            &known(),
            DateTime::UNIX_EPOCH,
        );
        assert_eq!(
            missing,
            Err(CallbackRefusal::MissingParameter("signedInstance".to_owned()))
        );
    }

    #[test]
    fn a_public_key_is_read_however_it_was_copied() {
        let bare: String = KEY.lines().filter(|line| !line.starts_with('-')).collect();
        let key = rsa_key(KEY);
        assert!(key.is_some());
        assert_eq!(rsa_key(&bare), key);
        assert_eq!(rsa_key(&KEY.replace('\n', "\\n")), key);
        assert_eq!(rsa_key(&KEY.replace('\n', " ")), key);
        assert_eq!(rsa_key("not a key"), None);
    }
}
