//! Platforms' own signatures over the query: parameters are added, all are sorted by name in byte order and encoded by
//! RFC 3986, the keyed hash of that text is appended. The query sent is the very text that was signed.

use serde::Deserialize;

use crate::platform::call::fill_pairs;
use crate::platform::descriptor::Pair;
use crate::platform::failure::BuildError;
use crate::platform::signature::{self, Hash, Writing};
use crate::platform::template::Scope;
use crate::platform::transport::PlatformRequest;

/// A signed query.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The value that is the key.
    pub key: String,
    pub hash: Hash,
    pub writing: Writing,
    /// Parameters that the signer sets, whatever the caller sent.
    pub parameters: Vec<Pair>,
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
            .chain([self.signature.as_str()])
    }

    pub(super) fn sign(&self, scope: &Scope<'_>, request: &mut PlatformRequest) -> Result<(), BuildError> {
        let mut pairs = signature::pairs(request.url.query().unwrap_or_default());
        for (name, value) in fill_pairs(&self.if_absent, scope)? {
            if !pairs.iter().any(|(given, _)| *given == name) {
                pairs.push((name, value));
            }
        }
        pairs.extend(fill_pairs(&self.parameters, scope)?);
        let key = scope.get(&self.key)?;
        let query = self.signed_query(pairs, &key);
        request.url.set_query(Some(&query));
        Ok(())
    }

    fn signed_query(&self, mut pairs: Vec<(String, String)>, key: &str) -> String {
        pairs.sort();
        let text = signature::join(&pairs);
        let signature = self.writing.write(&self.hash.of(key.as_bytes(), text.as_bytes()));
        format!("{text}&{}={}", self.signature, signature::encode(&signature))
    }
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
            parameters: Vec::new(),
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
}
