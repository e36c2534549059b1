//! <https://partner-us.temu.com/documentation>
//!
//! Every call is one POST whose JSON body carries token, time and signature beside the business parameters, so the body is
//! written anew. Values are signed as the text that is sent, a string without its outer quotes.

use std::collections::BTreeMap;

use md5::{Digest, Md5};
use serde_json::value::RawValue;

use super::Quirk;
use crate::platform::failure::BuildError;
use crate::platform::obtain::CallbackRefusal;
use crate::platform::signature::Writing;
use crate::platform::template::Scope;
use crate::platform::transport::PlatformRequest;
use crate::platform::values::Values;

pub(super) struct Temu;

impl Quirk for Temu {
    fn name(&self) -> &'static str {
        "temu"
    }

    /// The callback names the gateway to use, unsigned: it is compared and never used.
    fn callback(
        &self,
        raw_query: &str,
        brought: Values,
        known: &Values,
        _now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Values, CallbackRefusal> {
        let region = known.get("region").unwrap_or_default();
        let own = format!("openapi-b-{region}.temu.com");
        let pairs = crate::platform::signature::pairs(raw_query);
        match pairs.iter().find(|(name, _)| name == "callback_host") {
            Some((_, host)) if *host != own => Err(CallbackRefusal::OtherStore),
            _ => Ok(brought),
        }
    }

    /// A token call names the code where other calls name the token.
    fn token_request(&self, scope: &Scope<'_>, request: &mut PlatformRequest) -> Result<(), BuildError> {
        let code = scope.get("code")?;
        rewrite(scope, request, &code)
    }

    fn sign(&self, scope: &Scope<'_>, request: &mut PlatformRequest) -> Result<(), BuildError> {
        let token = scope.get("access_token")?;
        rewrite(scope, request, &token)
    }
}

fn rewrite(scope: &Scope<'_>, request: &mut PlatformRequest, token: &str) -> Result<(), BuildError> {
    let given: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(&request.body)
        .map_err(|_| BuildError::CannotSign("this platform's calls are POSTs of a JSON object"))?;
    let mut members: BTreeMap<String, String> = given
        .into_iter()
        .map(|(name, value)| (name, compact(value.get())))
        .filter(|(_, value)| value != "null")
        .collect();
    let texts = [
        ("app_key", scope.get("app_key")?.into_owned()),
        ("access_token", token.to_owned()),
        ("data_type", "JSON".to_owned()),
    ];
    for (name, value) in texts {
        members.insert(name.to_owned(), serde_json::Value::from(value).to_string());
    }
    members.insert("timestamp".to_owned(), scope.get("now_unix")?.into_owned());
    members.remove("sign");
    let sign = signature(&members, &scope.get("app_secret")?);
    members.insert("sign".to_owned(), format!("\"{sign}\""));
    let written: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name.as_str())))
        .collect();
    request.body = format!("{{{}}}", written.join(",")).into();
    Ok(())
}

fn signature(members: &BTreeMap<String, String>, secret: &str) -> String {
    let mut text = secret.to_owned();
    for (name, value) in members {
        let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        text.push_str(name);
        text.push_str(bare.unwrap_or(value));
    }
    text.push_str(secret);
    Writing::UpperHex.write(&Md5::digest(text))
}

/// JSON without white space and needless escapes; numbers keep their digits.
pub(super) fn compact(json: &str) -> String {
    let mut written = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let text = texts.next().and_then(Result::ok).unwrap_or_default();
            let length = texts.byte_offset().max(1);
            written.push_str(&serde_json::Value::from(text).to_string());
            rest = &rest[length..];
        } else {
            if !first.is_ascii_whitespace() {
                written.push(first);
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(json: &str) -> String {
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).unwrap_or_default();
        let members = members.into_iter().map(|(name, value)| (name, compact(value.get())));
        signature(&members.collect(), "appsecret0001")
    }

    #[test]
    fn signatures_of_the_published_rule_come_out() {
        for (json, wanted) in [
            (
                r#"{"type":"bg.open.accesstoken.info.get","app_key":"appkey0001","access_token":"token0001","timestamp":1760000000,"data_type":"JSON"}"#,
                "F406F96DB12616D9B3C073B768F7C5CB",
            ),
            (
                r#"{"type":"bg.open.accesstoken.create","app_key":"appkey0001","code":"code0001","access_token":"code0001","timestamp":1760000000,"data_type":"JSON"}"#,
                "6D7CC78A1E78F6B974AA9652C68D1D81",
            ),
            (
                r#"{"type": "bg.logistics.shipment.confirm", "app_key": "appkey0001", "access_token": "token0001", "timestamp": 1760000000, "data_type": "JSON",
                    "sendType": 0, "isTest": true, "note": "Gr\u00f6\u00dfe 5\" a\/b", "sendRequestList": [ { "carrierId": "699", "orderSendInfoList": [ { "goodsId": 601, "quantity": 1 } ] } ] }"#,
                "E4B0A6FB7E8FB71BDCBEB8491BAA88A2",
            ),
        ] {
            assert_eq!(sign(json), wanted, "{json}");
        }
    }

    #[test]
    fn numbers_keep_their_digits_and_order_is_kept() {
        let json = r#"{ "b" : 12345678901234567890123 , "a" : [ 1.10 , "x y" ] }"#;
        assert_eq!(compact(json), r#"{"b":12345678901234567890123,"a":[1.10,"x y"]}"#);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_compactly_means_the_same(text in ".*", other in ".*") {
            let json = serde_json::json!({ "one": text, "list": [other, 1, null, true] });
            let written = compact(&serde_json::to_string_pretty(&json).unwrap_or_default());
            proptest::prop_assert_eq!(&written, &json.to_string());
        }
    }
}
