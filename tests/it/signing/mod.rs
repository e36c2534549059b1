//! Every signature, as a platform's own server would check it: requests of callers go through the one door that signs them,
//! with the catalogue's own entries, and what would go over the wire is read and judged by the rule of the platform's
//! documentation, stated here once more without the signer's pieces. Whatever a caller sends (any order, any characters,
//! empty values, repeated names) the signature must hold, and nothing but the signer's own may be changed.

mod alibaba;
mod claro_shop;
mod falabella;
mod oauth1;
mod opencart;
mod php;
mod shein;
mod temu;
mod tiktok_shop;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::header::CONTENT_TYPE;
use llavero::platform::sign::{self, SignMoment};
use llavero::platform::{BuildError, Catalogue, PlatformRequest, Values};
use percent_encoding::percent_decode_str;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use url::Url;

const FORM: &str = "application/x-www-form-urlencoded";
/// 2025-10-09T08:53:20.123Z
const MILLIS: i64 = 1_760_000_000_123;
const SECONDS: i64 = 1_760_000_000;

type Pairs = Vec<(String, String)>;

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(MILLIS)
}

/// Signs a caller's request with these values, as the catalogue's entry says.
fn signed(
    (platform, method): (&str, &str),
    values: &[(&str, &str)],
    mut request: PlatformRequest,
    nonce: [u8; 16],
) -> Result<PlatformRequest, BuildError> {
    let catalogue = Catalogue::embedded().unwrap_or_else(|errors| panic!("{errors:#?}"));
    let method = catalogue.platform(platform).unwrap().method(method).unwrap();
    let values: Values = values.iter().copied().collect();
    let moment = SignMoment {
        now: now(),
        nonce,
        request_id: uuid::Uuid::from_bytes(nonce),
    };
    sign::sign(method, &values, &mut request, &moment)?;
    Ok(request)
}

/// A caller's request, its query as it stands.
fn request(method: &str, url: &str, query: &str) -> PlatformRequest {
    let mut url = Url::parse(url).unwrap();
    url.set_query(Some(query).filter(|query| !query.is_empty()));
    PlatformRequest::new(method.parse().unwrap(), url)
}

fn with_body(mut request: PlatformRequest, kind: &str, body: impl Into<String>) -> PlatformRequest {
    request.headers.insert(CONTENT_TYPE, kind.parse().unwrap());
    request.body = body.into().into();
    request
}

fn header<'a>(request: &'a PlatformRequest, name: &str) -> &'a str {
    let all: Vec<_> = request.headers.get_all(name).iter().collect();
    assert_eq!(all.len(), 1, "{name}");
    all[0].to_str().unwrap()
}

/// What a server reads from a query or a form.
fn read(text: &str) -> Pairs {
    let pieces = text.split('&').filter(|piece| !piece.is_empty());
    let decoded = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    pieces
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn query_of(request: &PlatformRequest) -> Pairs {
    read(request.url.query().unwrap_or_default())
}

/// Percent-encoded by RFC 3986.
fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let written = text.bytes().map(|byte| match plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    written.collect()
}

fn sorted(mut pairs: Pairs) -> Pairs {
    pairs.sort();
    pairs
}

/// Names and values one after the other.
fn run_together(pairs: &Pairs) -> String {
    pairs.iter().map(|(name, value)| format!("{name}{value}")).collect()
}

/// Takes the one parameter of this name out.
fn take(pairs: &mut Pairs, name: &str) -> String {
    let at: Vec<usize> = (0..pairs.len()).filter(|at| pairs[*at].0 == name).collect();
    assert_eq!(at.len(), 1, "{name} in {pairs:?}");
    pairs.remove(at[0]).1
}

/// Without the parameters that only the signer sets, in whatever case they are written.
fn without(pairs: Pairs, owned: &[&str]) -> Pairs {
    let is_owned = |name: &str| owned.iter().any(|owned| owned.eq_ignore_ascii_case(name));
    pairs.into_iter().filter(|(name, _)| !is_owned(name)).collect()
}

fn hmac_sha256(key: &str, text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hmac_sha1(key: &str, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// Names that come again and again, and names and values of any characters.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-cA_]{1,2}", 1 => r"\PC{1,5}", 1 => r"[ &=+%#\[\].*~'é-]{1,4}"]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![1 => "", 2 => "[a-z0-9]{1,4}", 2 => r"[ &=+%#?/\\*~!'()\n\t<>{}é😀-]{1,6}", 1 => ".{0,6}"]
}

/// A query or form as callers write it: encoded in one way or another, some names bare, the signer's own among them.
fn written(owned: &'static [&'static str]) -> impl Strategy<Value = String> {
    let owned = proptest::sample::select(owned).prop_flat_map(|name| {
        prop_oneof![
            Just(name.to_owned()),
            Just(name.to_ascii_uppercase()),
            // The same name, one letter of it encoded.
            Just(format!("\u{0}{name}"))
        ]
    });
    let piece = (prop_oneof![6 => name(), 1 => owned], value(), any::<u8>()).prop_map(|(name, value, way)| {
        if let Some(name) = name.strip_prefix('\u{0}') {
            return format!("%{:02x}{}={}", name.as_bytes()[0], &name[1..], encoded(&value));
        }
        match way % 3 {
            0 => format!("{}={}", encoded(&name), encoded(&value)),
            1 => url::form_urlencoded::Serializer::new(String::new())
                .append_pair(&name, &value)
                .finish(),
            _ => encoded(&name),
        }
    });
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.join("&"))
}
