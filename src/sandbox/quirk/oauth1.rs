//! OAuth 1.0a as Magento checks it: parameters from the header (at the token addresses also from query or form), a base
//! string whose encoded names are sorted in PHP's natural order (`[2]` before `[10]`), a timestamp at most ten minutes
//! ahead (old ones pass), a nonce once. <https://datatracker.ietf.org/doc/html/rfc5849>

use std::cmp::Ordering;

use crate::sandbox::api::Visit;
use crate::sandbox::call::{Call, Pairs, value};
use crate::sandbox::signature::{base64, encode, hmac_sha1, hmac_sha256};
use crate::sandbox::world::World;

const AHEAD_SECONDS: i64 = 600;

/// The OAuth parameters of a request, and all that is signed beside them.
pub struct Signed {
    pub oauth: Pairs,
    rest: Pairs,
}

impl Signed {
    /// `anywhere`: query and form may hold the OAuth parameters as well.
    pub fn read(call: &Call, anywhere: bool) -> Self {
        let mut oauth = header_pairs(call);
        let mut rest = Pairs::new();
        for pair in call.sent_pairs() {
            match (pair.0.contains("oauth_"), anywhere) {
                (true, true) => oauth.push(pair),
                (true, false) => {}
                (false, _) => rest.push(pair),
            }
        }
        Self { oauth, rest }
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        value(&self.oauth, name).filter(|text| !text.is_empty())
    }

    /// Checks everything but who the consumer and the token are; errors are the documented names of problems.
    pub fn check(
        &self,
        world: &mut World,
        visit: &Visit<'_>,
        methods: &[&str],
        secrets: (&str, &str),
    ) -> Result<(), &'static str> {
        let method = self.field("oauth_signature_method").unwrap_or_default();
        if !methods.contains(&method) {
            return Err("signature_method_rejected");
        }
        let now = visit.clock(world, Some(&visit.call.host));
        let stated = self.field("oauth_timestamp").and_then(|text| text.parse::<i64>().ok());
        if stated.is_none_or(|stated| stated > now.timestamp() + AHEAD_SECONDS) {
            return Err("timestamp_refused");
        }
        let base = self.base(visit.call);
        let key = format!("{}&{}", encode(secrets.0), encode(secrets.1));
        let made = match method {
            "HMAC-SHA256" => base64(&hmac_sha256(key.as_bytes(), base.as_bytes())),
            _ => base64(&hmac_sha1(key.as_bytes(), base.as_bytes())),
        };
        if self.field("oauth_signature") != Some(made.as_str()) {
            return Err("signature_invalid");
        }
        let consumer = self.field("oauth_consumer_key").unwrap_or_default().to_owned();
        let nonce = self.field("oauth_nonce").unwrap_or_default().to_owned();
        let place = format!("{} {}", visit.behaviour.slug, visit.call.host);
        if world.nonces.insert((place, consumer, nonce), now).is_some() {
            return Err("nonce_used");
        }
        Ok(())
    }

    fn base(&self, call: &Call) -> String {
        let kept = self
            .oauth
            .iter()
            .filter(|(name, _)| name != "oauth_signature" && name != "realm");
        let mut pairs: Vec<(String, String)> = kept
            .chain(&self.rest)
            .map(|(name, text)| (encode(name), encode(text)))
            .collect();
        pairs.sort_by(|one, other| natural(&one.0, &other.0).then_with(|| one.1.cmp(&other.1)));
        let joined: Vec<String> = pairs.iter().map(|(name, text)| format!("{name}={text}")).collect();
        let default_port = if call.https { ":443" } else { ":80" };
        let address = call.address().replacen(default_port, "", 1);
        format!(
            "{}&{}&{}",
            call.method.to_ascii_uppercase(),
            encode(&address),
            encode(&joined.join("&"))
        )
    }
}

/// PHP's `strnatcmp`: runs of digits compare as numbers.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one, other);
    loop {
        let (Some(first), Some(second)) = (left.chars().next(), right.chars().next()) else {
            return left.len().cmp(&right.len());
        };
        if first.is_ascii_digit() && second.is_ascii_digit() {
            let (number, rest) = digits(left);
            let (against, after) = digits(right);
            let order = number.len().cmp(&against.len()).then_with(|| number.cmp(against));
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (rest, after);
        } else {
            let order = first.cmp(&second);
            if order != Ordering::Equal {
                return order;
            }
            left = left.get(first.len_utf8()..).unwrap_or_default();
            right = right.get(second.len_utf8()..).unwrap_or_default();
        }
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|each: char| !each.is_ascii_digit()).unwrap_or(text.len());
    let (run, rest) = text.split_at(end);
    (run.trim_start_matches('0'), rest)
}

/// The pairs of an `Authorization: OAuth` header, decoded.
pub fn header_pairs(call: &Call) -> Pairs {
    let header = call
        .header("authorization")
        .and_then(|header| header.strip_prefix("OAuth "));
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    header
        .unwrap_or_default()
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
        .map(|(name, text)| (decode(name), decode(text.trim_matches('"'))))
        .collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn the_documented_magento_vectors_are_met() {
        let call = |path: &str, query: &str| Call {
            method: "GET".into(),
            https: true,
            host: "shop.example.com".into(),
            path: path.into(),
            query: query.into(),
            headers: Pairs::new(),
            body: Bytes::new(),
            body_bytes: 0,
        };
        let of = |letter: &str, digit: &str| format!("{}{digit}", letter.repeat(31));
        let oauth = |method: &str| -> Pairs {
            [
                ("oauth_consumer_key", of("a", "1")),
                ("oauth_token", of("c", "3")),
                ("oauth_timestamp", "1500000000".to_owned()),
                ("oauth_nonce", "0123456789abcdef".to_owned()),
                ("oauth_version", "1.0".to_owned()),
                ("oauth_signature_method", method.to_owned()),
            ]
            .map(|(name, text)| (name.to_owned(), text))
            .to_vec()
        };
        let key = format!("{}&{}", of("b", "2"), of("d", "4"));
        let query = "searchCriteria%5Bfilter_groups%5D%5B10%5D%5Bfilters%5D%5B0%5D%5Bfield%5D=name&\
                     searchCriteria%5Bfilter_groups%5D%5B2%5D%5Bfilters%5D%5B0%5D%5Bfield%5D=sku";
        let call2 = call("/rest/default/V1/products", query);
        let signed = Signed {
            oauth: oauth("HMAC-SHA256"),
            rest: call2.query_pairs(),
        };
        let made = base64(&hmac_sha256(key.as_bytes(), signed.base(&call2).as_bytes()));
        assert_eq!(made, "IX6Qlfxd4pfV5E2Wj8PYptYgUj8uL8FtIIL2+qlT6i8=");

        let call1 = call(
            "/api/rest/products",
            "limit=1&filter%5B1%5D%5Battribute%5D=name&filter%5B1%5D%5Bin%5D%5B%5D=a%20b",
        );
        let signed = Signed {
            oauth: oauth("HMAC-SHA1"),
            rest: call1.query_pairs(),
        };
        let made = base64(&hmac_sha1(key.as_bytes(), signed.base(&call1).as_bytes()));
        assert_eq!(made, "/cYz9/eV/6sl2gxCEwIvdoI3cLA=");
    }
}
