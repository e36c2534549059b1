//! <https://open.sheincorp.com/documents/system/2169474d-1d4a-41a9-b9fd-427f63f54a63> and
//! <https://github.com/sheinsight/open-sdk-js>
//!
//! The approve page is a single-page application that reads its query behind the `#`. The secret arrives encrypted under
//! the app's, and each call is signed with it and five random letters, which stand in front of the signature.

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use url::Url;

use super::Quirk;
use crate::platform::failure::BuildError;
use crate::platform::obtain::CallbackRefusal;
use crate::platform::sign::Owned;
use crate::platform::signature::{self, Hash, Writing};
use crate::platform::template::Scope;
use crate::platform::transport::{PlatformAnswer, PlatformRequest};
use crate::platform::values::Values;

const IV: &[u8; 16] = b"space-station-de";
const HEADERS: [&str; 4] = ["x-lt-appid", "x-lt-openkeyid", "x-lt-timestamp", "x-lt-signature"];

pub(super) struct Shein;

impl Quirk for Shein {
    fn name(&self) -> &'static str {
        "shein"
    }

    fn authorize(&self, scope: &Scope<'_>, mut url: Url) -> Result<Url, BuildError> {
        let callback = BASE64_STANDARD.encode(scope.get("redirect_uri")?.as_bytes());
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("appid", &scope.get("app_id")?)
            .append_pair("redirectUrl", &callback)
            .append_pair("state", &scope.get("state")?)
            .finish();
        url.set_query(None);
        url.set_fragment(Some(&format!("/empower?{query}")));
        Ok(url)
    }

    /// An approval of another app is none of ours.
    fn callback(
        &self,
        raw_query: &str,
        brought: Values,
        known: &Values,
        _now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Values, CallbackRefusal> {
        let pairs = signature::pairs(raw_query);
        match pairs.iter().find(|(name, _)| name == "appid") {
            Some((_, app)) if known.get("app_id") != Some(app.as_str()) => Err(CallbackRefusal::OtherStore),
            _ => Ok(brought),
        }
    }

    fn token_request(&self, scope: &Scope<'_>, request: &mut PlatformRequest) -> Result<(), BuildError> {
        let (id, secret) = (scope.get("app_id")?, scope.get("app_secret")?);
        set(request, "x-lt-appid", &id)?;
        sign(scope, request, &id, &secret)
    }

    fn token_answer(&self, mut answer: PlatformAnswer, values: &Values) -> PlatformAnswer {
        let Ok(mut json) = serde_json::from_slice::<serde_json::Value>(&answer.body) else {
            return answer;
        };
        let secret = values.get("app_secret").unwrap_or_default();
        let app = json.pointer("/info/appid").and_then(|app| app.as_str());
        let is_ours = app.is_none() || app == values.get("app_id");
        if let Some(sealed) = json.pointer_mut("/info/secretKey") {
            // One that cannot be opened, or is another app's, is none: the answer is then no grant.
            *sealed = match sealed
                .as_str()
                .filter(|_| is_ours)
                .and_then(|sealed| open(sealed, secret))
            {
                Some(plain) => plain.into(),
                None => serde_json::Value::Null,
            };
            answer.body = json.to_string().into();
        }
        answer
    }

    fn owned(&self, owned: &mut Owned) {
        owned.headers.extend(HEADERS.map(http::HeaderName::from_static));
    }

    fn sign(&self, scope: &Scope<'_>, request: &mut PlatformRequest) -> Result<(), BuildError> {
        let id = scope.get("open_key_id")?;
        set(request, "x-lt-openkeyid", &id)?;
        let secret = scope.get("secret_key")?;
        sign(scope, request, &id, &secret)
    }
}

fn set(request: &mut PlatformRequest, name: &'static str, value: &str) -> Result<(), BuildError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| BuildError::UnsafeHeader(name.to_owned()))?;
    value.set_sensitive(true);
    request.headers.insert(name, value);
    Ok(())
}

fn sign(scope: &Scope<'_>, request: &mut PlatformRequest, id: &str, secret: &str) -> Result<(), BuildError> {
    let time = scope.get("now_millis")?;
    let random: String = scope.get("nonce")?.chars().take(5).collect();
    let signature = signed(id, secret, &time, request.url.path(), &random);
    set(request, "x-lt-timestamp", &time)?;
    set(request, "x-lt-signature", &signature)
}

fn signed(id: &str, secret: &str, time: &str, path: &str, random: &str) -> String {
    let text = format!("{id}&{time}&{path}");
    let hex = Writing::Hex.write(&Hash::HmacSha256.of(format!("{secret}{random}").as_bytes(), text.as_bytes()));
    format!("{random}{}", BASE64_STANDARD.encode(hex))
}

fn open(sealed: &str, app_secret: &str) -> Option<String> {
    let mut bytes = BASE64_STANDARD.decode(sealed).ok()?;
    let mut key = [0; 16];
    for (place, byte) in key.iter_mut().zip(app_secret.bytes()) {
        *place = byte;
    }
    let plain = cbc::Decryptor::<Aes128>::new(&key.into(), &(*IV).into())
        .decrypt_padded::<Pkcs7>(&mut bytes)
        .ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_signatures_come_out() {
        assert_eq!(
            signed(
                "OPENKEY",
                "SECRET",
                "1740709414000",
                "/open-api/order/purchase-order-info",
                "test1"
            ),
            "test1M2QxNDU4ZDcyMjcxOGFiMWU4Y2ExMDlmZGY5MDBmMTM3ZGE2Y2Y4YmU3OTA1YTZmYmE2NjM2MzRjNjQ5ZDAwZQ=="
        );
        assert_eq!(
            signed(
                "APPID0001",
                "APPSECRETKEY0001",
                "1760000000000",
                "/open-api/auth/get-by-token",
                "app99"
            ),
            "app99ODg5ZTY1NGVmYzM5MmUwYjE5ZWFkNDM1ZTk2ZjIxYzg5MjM3NGFkYzQ4NjllYzVmOTM5ZWM2OGU5NzljMzQ1Ng=="
        );
    }

    #[test]
    fn the_secret_is_opened_with_the_apps_and_no_other() {
        let sealed = "GWnctfe6lZHsjYwlzqB7rlQ39w0QZ4rnffdj79HydALrMEhjZx/tiSsEU4C2gVby";
        assert_eq!(
            open(sealed, "APPSECRETKEY0001").as_deref(),
            Some("STORESECRET000000000000000000001")
        );
        assert_ne!(
            open(sealed, "another").as_deref(),
            Some("STORESECRET000000000000000000001")
        );
        assert_eq!(open("not base64!", "x"), None);
    }
}
