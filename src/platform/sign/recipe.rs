//! Platforms' own signatures over parameters, as data: parameters are added, all are sorted by name in byte order, and the
//! keyed hash of a text made of them is appended. Where that text is the query itself, the query sent is the very text
//! that was signed.

use http::header::CONTENT_TYPE;
use serde::Deserialize;

use super::Part;
use crate::platform::call::fill_pairs;
use crate::platform::descriptor::Pair;
use crate::platform::failure::BuildError;
use crate::platform::signature::{self, Hash, Writing};
use crate::platform::template::{Scope, Template};
use crate::platform::transport::PlatformRequest;

/// The text that is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Text {
    /// The parameters as they are sent: encoded by RFC 3986, joined by `=` and `&`.
    #[default]
    Query,
    /// Names and values as they are, one after the other without anything between. Empty values are not sent. Fields
    /// of a form-encoded body count as parameters.
    Concatenated,
}

/// A parameter of requests below one folder only.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub name: String,
    pub value: Template,
    pub below: String,
}

/// A signature over parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The value that is the key.
    pub key: String,
    pub hash: Hash,
    pub writing: Writing,
    #[serde(default)]
    pub text: Text,
    /// The path below this folder stands before the text.
    #[serde(default)]
    pub path_below: Option<String>,
    /// Parameters that the signer sets, whatever the caller sent.
    pub parameters: Vec<Pair>,
    /// The credential's own parameter, by folder; a token call has none yet.
    #[serde(default)]
    pub tokens: Vec<Token>,
    /// Parameters that are added where the caller gave none.
    #[serde(default)]
    pub if_absent: Vec<Pair>,
    /// The parameter that holds the signature.
    pub signature: String,
}

impl Recipe {
    pub(super) fn owned(&self) -> impl Iterator<Item = &str> {
        self.parameters
            .iter()
            .map(|pair| pair.name.as_str())
            .chain(self.tokens.iter().map(|token| token.name.as_str()))
            .chain([self.signature.as_str()])
    }

    pub(super) fn sign(&self, scope: &Scope<'_>, request: &mut PlatformRequest, part: Part) -> Result<(), BuildError> {
        let mut pairs = signature::pairs(request.url.query().unwrap_or_default());
        for (name, value) in fill_pairs(&self.if_absent, scope)? {
            if !pairs.iter().any(|(given, _)| *given == name) {
                pairs.push((name, value));
            }
        }
        pairs.extend(fill_pairs(&self.parameters, scope)?);
        let path = request.url.path().to_owned();
        if part == Part::Query {
            for token in self.tokens.iter().filter(|token| is_below(&path, &token.below)) {
                pairs.push((token.name.clone(), token.value.fill(scope)?));
            }
        }
        let key = scope.get(&self.key)?;
        if self.text == Text::Query {
            request.url.set_query(Some(&self.signed_query(pairs, &key)));
            return Ok(());
        }
        let mut fields = self.form(request)?;
        let path = self
            .path_below
            .as_ref()
            .and_then(|folder| path.strip_prefix(folder.as_str()));
        pairs.retain(|(_, value)| !value.is_empty());
        let signature = self.concatenated(path.unwrap_or_default(), pairs.iter().chain(&fields), &key);
        pairs.push((self.signature.clone(), signature));
        match part {
            Part::Query => request.url.set_query(Some(&signature::join(&pairs))),
            Part::Form => {
                fields.extend(pairs);
                request.body = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(&fields)
                    .finish()
                    .into();
            }
        }
        Ok(())
    }

    /// The fields of a form-encoded body, the signer's own left out; the body is written anew if there were any of those.
    fn form(&self, request: &mut PlatformRequest) -> Result<Vec<(String, String)>, BuildError> {
        let kind = request.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| {
            kind.to_ascii_lowercase()
                .starts_with("application/x-www-form-urlencoded")
        }) {
            return Ok(Vec::new());
        }
        let text = std::str::from_utf8(&request.body)
            .map_err(|_| BuildError::CannotSign("a form-encoded body must be text"))?;
        let all = signature::pairs(text);
        let own = |name: &str| self.owned().any(|owned| owned == name);
        let fields: Vec<_> = all
            .iter()
            .filter(|(name, value)| !own(name) && !value.is_empty())
            .cloned()
            .collect();
        if fields.len() != all.len() {
            request.body = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&fields)
                .finish()
                .into();
        }
        Ok(fields)
    }

    fn concatenated<'a>(&self, path: &str, pairs: impl Iterator<Item = &'a (String, String)>, key: &str) -> String {
        let mut sorted: Vec<_> = pairs.collect();
        sorted.sort();
        let mut text = path.to_owned();
        for (name, value) in sorted {
            text.push_str(name);
            text.push_str(value);
        }
        self.writing.write(&self.hash.of(key.as_bytes(), text.as_bytes()))
    }

    fn signed_query(&self, mut pairs: Vec<(String, String)>, key: &str) -> String {
        pairs.sort();
        let text = signature::join(&pairs);
        let signature = self.writing.write(&self.hash.of(key.as_bytes(), text.as_bytes()));
        format!("{text}&{}={}", self.signature, signature::encode(&signature))
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "b1bdb357ced10fe4e9a69840cdd4f0e9c03d77fe";

    fn recipe() -> Recipe {
        Recipe {
            key: "api_key".into(),
            hash: Hash::HmacSha256,
            writing: Writing::Hex,
            text: Text::Query,
            path_below: None,
            parameters: Vec::new(),
            tokens: Vec::new(),
            if_absent: Vec::new(),
            signature: "Signature".into(),
        }
    }

    #[test]
    fn documented_signatures_are_reproduced() {
        for (query, signature) in [
            (
                "Version=1.0&Action=FeedList&Format=XML&Timestamp=2015-07-01T11:11:11%2B00:00&UserID=look@me.com",
                "3ceb8ed91049dfc718b0d2d176fb2ed0e5fd74f76c5971f34cdab48412476041",
            ),
            (
                "Action=Feedlist&Format=JSON&Timestamp=2015-07-01T11:11:11%2B00:00&UserID=look@me.com&Version=1.0",
                "0b5bbfd36b672577e04c5b0f1b33c70ac10c585d8c08339f782fcb501b529d68",
            ),
            (
                "version=1.0&Action=FeedList&Format=XML&Timestamp=2015-07-01T11:11:11%2B00:00&UserID=look@me.com",
                "9cbcdf6a7d8f8229ec01f67268a1ed82b47f8f931a2990316fe83835441ebff3",
            ),
            (
                "Action=GetProducts&Format=JSON&Search=Taza+~+d'%C3%A9t%C3%A9+*%C3%B1*+(1)&Timestamp=2015-07-01T11:11:11%2B00:00&UserID=look@me.com&Version=1.0",
                "0ab538cc7fdaa4559e3267e78c3a1491aefd3422797c0068cbeb5e6b88fbc7d7",
            ),
        ] {
            let signed = recipe().signed_query(signature::pairs(query), KEY);
            assert_eq!(
                signed.rsplit_once("&Signature=").map(|(_, s)| s),
                Some(signature),
                "{signed}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn the_query_sent_is_the_text_signed_whatever_it_holds(
            mut pairs in proptest::collection::vec((".*", ".*"), 1..8),
            repeated in ".*",
        ) {
            pairs.push((pairs[0].0.clone(), repeated));
            let query = recipe().signed_query(pairs.clone(), KEY);
            let sent = url::Url::parse(&format!("https://api.example.com/?{query}")).map(|u| u.query().map(str::to_owned));
            proptest::prop_assert_eq!(sent, Ok(Some(query.clone())));
            let (text, signature) = query.rsplit_once("&Signature=").unwrap_or_default();
            let right = Writing::Hex.write(&Hash::HmacSha256.of(KEY.as_bytes(), text.as_bytes()));
            proptest::prop_assert_eq!(signature, right);
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~%&=".contains(&b);
            proptest::prop_assert!(text.bytes().all(plain), "{}", text);
            let names: Vec<_> = signature::pairs(text).into_iter().map(|(name, _)| name.into_bytes()).collect();
            proptest::prop_assert!(names.is_sorted());
            pairs.reverse();
            proptest::prop_assert_eq!(recipe().signed_query(pairs, KEY), query);
        }
    }

    fn family() -> Recipe {
        Recipe {
            writing: Writing::UpperHex,
            text: Text::Concatenated,
            path_below: Some("/rest".into()),
            signature: "sign".into(),
            ..recipe()
        }
    }

    #[test]
    fn documented_signatures_over_names_and_values_are_reproduced() {
        for (path, query, signature) in [
            (
                "/auth/token/create",
                "sign_method=sha256&app_key=12345678&code=3_500102_JxZ05Ux3cnnSSUm6dCxYg6Q26&timestamp=1517820392000",
                "35607762342831B6A417A0DED84B79C05FEFBF116969C48AD6DC00279A9F4D81",
            ),
            (
                "/order/get",
                "access_token=test&app_key=123456&order_id=1234&sign_method=sha256&timestamp=1517820392000",
                "4190D32361CFB9581350222F345CB77F3B19F0E31D162316848A2C1FFD5FAB4A",
            ),
            (
                "/products/get",
                "Zed=1&access_token=test&app_key=123456&search=camisa+a%C3%B1il+%26+100%25&sign_method=sha256&timestamp=1517820392000",
                "BDF8435B8DB29CC8A91C0E2AE1045C14ECEB7A81204D689648F333EDA7872CC9",
            ),
        ] {
            let pairs = signature::pairs(query);
            assert_eq!(
                family().concatenated(path, pairs.iter(), "helloworld"),
                signature,
                "{path} {query}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn names_and_values_are_signed_whatever_their_order_and_each_of_them_counts(
            mut pairs in proptest::collection::vec((".{1,8}", ".{0,8}"), 1..8),
            path in "(/[a-z]{1,8}){0,3}",
        ) {
            pairs.push((pairs[0].0.clone(), "repeated".to_owned()));
            let signed = |pairs: &[(String, String)]| family().concatenated(&path, pairs.iter(), KEY);
            let once = signed(&pairs);
            pairs.reverse();
            proptest::prop_assert_eq!(signed(&pairs), once.clone());
            pairs[0].1.push('x');
            proptest::prop_assert_ne!(signed(&pairs), once);
        }
    }
}
