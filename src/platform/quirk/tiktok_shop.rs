//! <https://partner.tiktokshop.com/docv2/page/sign-your-api-request>
//!
//! Path, parameters and body are signed, wrapped in the secret that also keys the hash. Most paths want the shop's cipher,
//! a few refuse it.

use http::header::CONTENT_TYPE;
use url::Url;

use super::Quirk;
use crate::platform::failure::BuildError;
use crate::platform::host;
use crate::platform::sign::Owned;
use crate::platform::signature::{self, Hash, Writing};
use crate::platform::template::Scope;
use crate::platform::transport::{PlatformAnswer, PlatformRequest};
use crate::platform::values::Values;

pub(super) struct TiktokShop;

impl Quirk for TiktokShop {
    fn name(&self) -> &'static str {
        "tiktok-shop"
    }

    /// The approve page has moved between hosts; the platform app may name another one.
    fn authorize(&self, scope: &Scope<'_>, mut url: Url) -> Result<Url, BuildError> {
        if scope.get("authorize_host").is_ok() {
            let host = host::host_value(scope, "authorize_host")?;
            url.set_host(Some(&host))
                .map_err(|_| BuildError::UnsafeValue("authorize_host".to_owned()))?;
        }
        Ok(url)
    }

    /// Creators and partners get tokens as well, which open no shop: to us they are none.
    fn token_answer(&self, mut answer: PlatformAnswer, _values: &Values) -> PlatformAnswer {
        let Ok(mut json) = serde_json::from_slice::<serde_json::Value>(&answer.body) else {
            return answer;
        };
        let others = json.pointer("/data/user_type").is_some_and(|kind| *kind != 0);
        if others && let Some(token) = json.pointer_mut("/data/access_token") {
            *token = serde_json::Value::Null;
            answer.body = json.to_string().into();
        }
        answer
    }

    fn owned(&self, owned: &mut Owned) {
        let names = ["app_key", "timestamp", "sign", "access_token", "shop_cipher"];
        owned.query.extend(names.map(str::to_owned));
    }

    fn sign(&self, scope: &Scope<'_>, request: &mut PlatformRequest) -> Result<(), BuildError> {
        let mut pairs = signature::pairs(request.url.query().unwrap_or_default());
        pairs.push(("app_key".to_owned(), scope.get("app_key")?.into_owned()));
        pairs.push(("timestamp".to_owned(), scope.get("now_unix")?.into_owned()));
        // A shop reaches itself alone: its cipher is never the caller's to choose.
        if let Ok(cipher) = scope.get("shop_cipher")
            && takes_cipher(request.url.path())
        {
            pairs.push(("shop_cipher".to_owned(), cipher.into_owned()));
        }
        let kind = request.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let multipart = kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"));
        let body: &[u8] = if multipart { &[] } else { &request.body };
        let secret = scope.get("app_secret")?;
        let sign = signature(&secret, request.url.path(), &pairs, body);
        pairs.push(("sign".to_owned(), sign));
        request.url.set_query(Some(&signature::join(&pairs)));
        Ok(())
    }
}

/// Authorization, seller and global-product calls and uploads are about no single shop.
fn takes_cipher(path: &str) -> bool {
    let refuses = ["/authorization/", "/seller/"]
        .iter()
        .any(|start| path.starts_with(start))
        || path.contains("/global_")
        || path.ends_with("/upload");
    !refuses
}

fn signature(secret: &str, path: &str, pairs: &[(String, String)], body: &[u8]) -> String {
    let mut sorted: Vec<_> = pairs.iter().collect();
    sorted.sort();
    let mut text = format!("{secret}{path}").into_bytes();
    for (name, value) in sorted {
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(value.as_bytes());
    }
    text.extend_from_slice(body);
    text.extend_from_slice(secret.as_bytes());
    Writing::Hex.write(&Hash::HmacSha256.of(secret.as_bytes(), &text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(secret: &str, path: &str, query: &str, body: &str) -> String {
        signature(secret, path, &signature::pairs(query), body.as_bytes())
    }

    #[test]
    fn documented_signatures_come_out() {
        let shops = "/authorization/202309/shops";
        assert_eq!(
            sign("e59af819cc", shops, "timestamp=1623812664&app_key=29a39d", ""),
            "b596b73e0cc6de07ac26f036364178ab16b0a907af13d43f0a0cd2345f582dc8"
        );
        assert_eq!(
            sign("app_secret", "/test-api", "foo=bar", ""),
            "d3cb7fe11ecae942802ceeca67e7cf10120cc12f1517d45fbc1c8cfe5413c80f"
        );
        assert_eq!(
            sign("appsecret0001", shops, "app_key=appkey0001&timestamp=1760000000", ""),
            "7b4c67af8158c248610c7dba43c1a2d8b5b15fe695bb3b0f785741ce7a603030"
        );
        assert_eq!(
            sign(
                "appsecret0001",
                "/order/202309/orders/search",
                "app_key=appkey0001&timestamp=1760000000&page_size=10&shop_cipher=cipher0001",
                r#"{"order_status":"UNPAID"}"#
            ),
            "2b8a4d66ded50ec586f8d366e2799c645e0c4ae8785bffd2fc2c5566aecadbdb"
        );
    }

    #[test]
    fn calls_that_are_about_no_shop_carry_no_cipher() {
        assert!(takes_cipher("/order/202309/orders/search"));
        for path in [
            "/authorization/202309/shops",
            "/seller/202309/shops",
            "/product/202309/global_products",
            "/product/202309/images/upload",
        ] {
            assert!(!takes_cipher(path), "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_order_of_parameters_does_not_matter_and_each_counts(
            pairs in proptest::collection::vec((".{1,8}", ".{0,8}"), 1..6),
            body in ".*",
        ) {
            let one = signature("s", "/p", &pairs, body.as_bytes());
            let mut turned = pairs.clone();
            turned.reverse();
            proptest::prop_assert_eq!(&signature("s", "/p", &turned, body.as_bytes()), &one);
            turned[0].1.push('x');
            proptest::prop_assert_ne!(&signature("s", "/p", &turned, body.as_bytes()), &one);
        }
    }
}
