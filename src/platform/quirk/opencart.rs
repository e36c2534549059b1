//! <https://github.com/opencart/opencart> (`catalog/controller/startup/api.php` of 4.1)
//!
//! From 4.1 on each call is signed, and the body counts as PHP reads it: fields trimmed, HTML-escaped and written out
//! again. Earlier releases log in for a session; what differs there is where the session goes, and how the log-in is refused.

use std::net::IpAddr;

use http::header::CONTENT_TYPE;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::Quirk;
use crate::platform::failure::BuildError;
use crate::platform::sign::{Owned, php};
use crate::platform::signature::{self, Hash, Writing};
use crate::platform::template::Scope;
use crate::platform::transport::{PlatformAnswer, PlatformRequest};
use crate::platform::values::Values;

/// What the signer adds to the query.
const NAMES: [&str; 6] = ["username", "store_id", "language", "currency", "time", "signature"];

pub(super) struct OpenCart;

impl Quirk for OpenCart {
    fn name(&self) -> &'static str {
        "opencart"
    }

    fn owned(&self, owned: &mut Owned) {
        owned.query.extend(NAMES.map(str::to_owned));
    }

    fn sign(&self, scope: &Scope<'_>, request: &mut PlatformRequest) -> Result<(), BuildError> {
        let mut pairs = signature::pairs(request.url.query().unwrap_or_default());
        let given = |name: &str| {
            let found = pairs.iter().rev().find(|(known, _)| known == name);
            found.map(|(_, value)| as_php_cleans(value)).unwrap_or_default()
        };
        let path = request.url.path();
        let folder = &path[..=path.rfind('/').unwrap_or_default()];
        let (username, time) = (scope.get("api_username")?, scope.get("now_unix")?);
        let (store, language, currency) = (scope.get("store_id")?, scope.get("language")?, scope.get("currency")?);
        let kind = request.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default();
        let lower = kind.to_ascii_lowercase();
        let body = if lower.starts_with("application/x-www-form-urlencoded") {
            canonical(url::form_urlencoded::parse(&request.body).into_owned())
        } else if lower.starts_with("multipart/form-data") {
            let fields = parts(kind, &request.body).ok_or(BuildError::CannotSign("not a multipart body"))?;
            canonical(fields.into_iter())
        } else {
            String::new()
        };
        let text = [
            given("route").as_str(),
            given("call").as_str(),
            &username,
            request.url.authority(),
            folder,
            &store,
            &language,
            &currency,
            &Writing::Hex.write(&Md5::digest(body)),
            &time,
            "",
        ]
        .join("\n");
        let key = scope.get("api_key")?;
        let sign = Writing::Base64.write(&Hash::HmacSha1.of(key.as_bytes(), text.as_bytes()));
        let values = [username, store, language, currency, time, sign.into()];
        pairs.extend(
            NAMES
                .into_iter()
                .map(str::to_owned)
                .zip(values.map(std::borrow::Cow::into_owned)),
        );
        request.url.set_query(Some(&signature::join(&pairs)));
        Ok(())
    }
}

/// A form as the shop writes it out again after reading it.
fn canonical(given: impl Iterator<Item = (String, String)>) -> String {
    let encode = |text: &str| {
        signature::encode(&as_php_cleans(text))
            .replace('~', "%7E")
            .replace("%20", "+")
    };
    let field = |(keys, value): (Vec<String>, String)| {
        let (top, below) = keys.split_first()?;
        let below: String = below.iter().map(|key| format!("%5B{}%5D", encode(key))).collect();
        Some(format!("{}{below}={}", encode(top), encode(&value)))
    };
    let written: Vec<String> = php::read(given).into_iter().filter_map(field).collect();
    written.join("&")
}

/// The fields of a multipart body (RFC 7578); files are none.
fn parts(kind: &str, body: &[u8]) -> Option<Vec<(String, String)>> {
    let boundary = parameter(kind, "boundary")?;
    // In front of the first boundary stands the line break that the others have.
    let text = format!("\r\n{}", String::from_utf8_lossy(body));
    let (text, _) = text.split_once(&format!("\r\n--{boundary}--"))?;
    let mut fields = Vec::new();
    for part in text.split(&format!("\r\n--{boundary}\r\n")).skip(1) {
        let (head, value) = part.split_once("\r\n\r\n")?;
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        let (_, disposition) = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-disposition"))?;
        if parameter(disposition, "filename").is_none() {
            fields.push((parameter(disposition, "name")?, value.to_owned()));
        }
    }
    Some(fields)
}

/// A header's parameter, with or without quotes.
fn parameter(header: &str, name: &str) -> Option<String> {
    let mut pieces = header
        .split(';')
        .skip(1)
        .filter_map(|piece| piece.trim().split_once('='));
    let (_, value) = pieces.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    Some(bare.unwrap_or(value).to_owned())
}

fn as_php_cleans(text: &str) -> String {
    text.trim_matches([' ', '\t', '\n', '\r', '\0', '\x0b'])
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The log-ins before 4.1. A refusal has no code, only a text in the shop's language. One cause of two is the key; the other
/// is our address, which is not listed or has changed, and that is for the shop to mend. Its text names the address, or says
/// IP in some way, so what does neither is a wrong user or key. (3.x says that one with an empty list, and nothing else so.)
pub(super) struct OpenCartLogin;

impl Quirk for OpenCartLogin {
    fn name(&self) -> &'static str {
        "opencart-login"
    }

    fn token_answer(&self, mut answer: PlatformAnswer, _values: &Values) -> PlatformAnswer {
        if let Ok(body) = serde_json::from_slice(&answer.body)
            && let Some(code) = refusal(&body)
        {
            answer.body = json!({ "refused": code }).to_string().into();
        }
        answer
    }
}

fn refusal(body: &Value) -> Option<&'static str> {
    match body {
        Value::Array(items) if items.is_empty() => Some("no_match"),
        Value::Object(members) => match members.get("error")? {
            Value::String(text) if !text.trim().is_empty() && !speaks_of_an_address(text) => Some("no_match"),
            _ => Some("address_not_listed"),
        },
        _ => None,
    }
}

/// Whether a text names an address, or has a word that begins with IP: `IP-Adresse` and `IPs` are ones too.
fn speaks_of_an_address(text: &str) -> bool {
    let is_address = |part: &str| part.trim_matches(['.', ':']).parse::<IpAddr>().is_ok();
    let of_an_address = |c: char| c.is_ascii_hexdigit() || c == '.' || c == ':';
    let begins = |word: &str| word.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("ip"));
    text.split(|c| !of_an_address(c)).any(is_address) || text.split(|c: char| !c.is_alphanumeric()).any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> String {
        canonical(url::form_urlencoded::parse(form.as_bytes()).into_owned())
    }

    fn sign(call: &str, path: &str, body: &str) -> String {
        let text = format!(
            "api/order\n{call}\nDefault\nshop.example.com\n{path}\n0\nen-gb\nUSD\n{}\n1760000000\n",
            Writing::Hex.write(&Md5::digest(read(body)))
        );
        Writing::Base64.write(&Hash::HmacSha1.of("k".repeat(64).as_bytes(), text.as_bytes()))
    }

    #[test]
    fn signatures_of_the_shops_own_code_come_out() {
        assert_eq!(sign("ping", "/", ""), "27G8HRA4WqLXMrX9xJ5A03Q5JFs=");
        assert_eq!(sign("cart", "/store/", ""), "25fAI0u13GZToCMPKeLQSaXM/o8=");
        let body = "comment=Fish+%26+%3CChips%3E+%22ok%22+it%27s+%7E1%2A&product%5B%5D=42&product%5B%5D=43&note=+x+";
        assert_eq!(
            read(body),
            "comment=Fish+%26amp%3B+%26lt%3BChips%26gt%3B+%26quot%3Bok%26quot%3B+it%27s+%7E1%2A&product%5B0%5D=42&product%5B1%5D=43&note=x"
        );
        assert_eq!(sign("cart", "/store/", body), "TxUmFK6nRoZYEo08Si4oZCnlYiM=");
    }

    #[test]
    fn the_items_of_a_list_stand_together_whatever_stands_between_them() {
        assert_eq!(
            read("a.b=1&l[]=x&note=+%3C&l[]=y&l[k~]=z"),
            "a_b=1&l%5B0%5D=x&l%5B1%5D=y&l%5Bk%7E%5D=z&note=%26lt%3B"
        );
    }

    #[test]
    fn of_a_multipart_body_the_fields_count_and_the_files_do_not() {
        let body = "--b1\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\na\r\n--b\r\n--b1\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\npng\r\n--b1\r\nContent-Disposition: form-data; name=l[]\r\n\r\n\r\n--b1--\r\n";
        let fields = parts("multipart/form-data; boundary=\"b1\"", body.as_bytes());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(fields, Some(vec![pair("note", "a\r\n--b"), pair("l[]", "")]));
        assert_eq!(parts("multipart/form-data; boundary=b2", body.as_bytes()), None);
        assert_eq!(parts("multipart/form-data", body.as_bytes()), None);
    }

    #[test]
    fn an_address_of_ours_that_is_not_listed_is_told_from_a_wrong_key_in_any_language() {
        for (text, wanted) in [
            ("Warning: No match for API username and/or key.", "no_match"),
            ("Warnung: API-Benutzername oder Schlüssel falsch!", "no_match"),
            ("Aviso: la clave de la API no es correcta.", "no_match"),
            (
                "Warning: Your IP 203.0.113.7 is not allowed to access this API!",
                "address_not_listed",
            ),
            (
                "Warnung: Ihre IP-Adresse darf nicht auf die API zugreifen!",
                "address_not_listed",
            ),
            ("Aviso: 203.0.113.7 não está na lista.", "address_not_listed"),
            ("Adresse 2001:db8::7: accès refusé.", "address_not_listed"),
            ("Votre adresse ip n'est pas autorisée", "address_not_listed"),
            ("", "address_not_listed"),
        ] {
            assert_eq!(refusal(&json!({ "error": text })), Some(wanted), "{text}");
        }
    }

    #[test]
    fn only_an_empty_list_is_no_match_in_the_older_form() {
        assert_eq!(refusal(&json!([])), Some("no_match"));
        let listed = json!({ "error": { "ip": "203.0.113.7", "key": "Warning: Incorrect API Key!" } });
        assert_eq!(refusal(&listed), Some("address_not_listed"));
        for other in [json!([1]), json!({ "api_token": "x", "list": [] }), json!("error")] {
            assert_eq!(refusal(&other), None, "{other}");
        }
    }
}
