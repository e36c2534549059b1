//! TikTok Shop: calls carry the token in a header and a signature in the query, over path, parameters and raw body, with
//! the app's secret on both ends of the text; the time may be five minutes old or thirty seconds ahead. A shop's cipher
//! is refused where none is wanted and missed where one is.
//! <https://partner.tiktokshop.com/docv2/page/sign-your-api-request>

use crate::sandbox::api::{Caller, Visit, credential};
use crate::sandbox::call::{Answer, Pairs, value};
use crate::sandbox::oauth::{Refusal, missing};
use crate::sandbox::problem::Problem;
use crate::sandbox::signature::{concatenated, hex, hmac_sha256};
use crate::sandbox::world::World;

const OLDEST_SECONDS: i64 = 300;
const AHEAD_SECONDS: i64 = 30;

pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Answer> {
    judge(world, visit).map_err(|(problem, detail)| visit.refuse(problem, &detail))
}

fn judge(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Refusal> {
    let pairs = visit.call.query_pairs();
    let field = |name: &str| value(&pairs, name).ok_or_else(|| missing(name));
    let (key, timestamp, sign) = (field("app_key")?, field("timestamp")?, field("sign")?);
    let client = world
        .live_registration(visit.behaviour, key, None)
        .ok_or((Problem::UnknownClient, "app key is unknown".to_owned()))?;
    let now = visit.clock(world, None).timestamp();
    let age = timestamp
        .parse::<i64>()
        .map_or(i64::MAX, |stated| now.saturating_sub(stated));
    if !(-AHEAD_SECONDS..=OLDEST_SECONDS).contains(&age) {
        return Err((Problem::TimeRefused, "timestamp is out of range".to_owned()));
    }
    let signed: Pairs = pairs
        .iter()
        .filter(|(name, _)| name != "sign" && name != "access_token")
        .cloned()
        .collect();
    let multipart = visit
        .call
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("multipart/form-data"));
    let mut text = format!("{}{}", visit.call.path, concatenated(&signed)).into_bytes();
    if !multipart {
        text.extend_from_slice(&visit.call.body);
    }
    let fits = |secret: &String| {
        let whole = [secret.as_bytes(), &text, secret.as_bytes()].concat();
        hex(&hmac_sha256(secret.as_bytes(), &whole)) == sign
    };
    if !client.secrets.iter().any(fits) {
        return Err((Problem::SignatureRefused, "the sign does not match".to_owned()));
    }
    let caller = credential(world, visit)?;
    let own = caller.grant.and_then(|number| world.grants.get(&number));
    if own.is_some_and(|grant| grant.client_id != client.id) {
        return Err((Problem::CredentialRefused, "the token is another app's".to_owned()));
    }
    let values = world.account_values(visit.behaviour, &caller.account);
    let ciphers = ["cipher", "cipher_2"].map(|name| values.get(name).and_then(|cipher| cipher.as_str()));
    let plain = [
        "/authorization/",
        "/seller/",
        "/product/202309/global_products",
        "/product/202309/images/upload",
    ]
    .iter()
    .any(|start| visit.call.path.starts_with(start));
    match (value(&pairs, "shop_cipher"), plain) {
        (Some(_), true) => Err((Problem::NotAcceptable, "shop_cipher is not wanted here".to_owned())),
        (None, false) => Err((Problem::UnknownAccount, "shop_cipher is missing".to_owned())),
        (Some(cipher), false) if !ciphers.contains(&Some(cipher)) => {
            Err((Problem::WrongAccount, "the token is not good for this shop".to_owned()))
        }
        _ => Ok(caller),
    }
}
