//! Shein: an approval brings a `tempToken`, exchanged once for an open key id and a secret key, which travels encrypted
//! (AES-128-CBC with the app's secret); calls are signed with both. The signature begins with five characters that were
//! appended to the key. The exchange may be signed or not, as public clients differ. Skew allowed here: five minutes.
//! <https://github.com/sheinsight/open-sdk-js>

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use serde_json::Value;

use crate::sandbox::api::{Caller, Visit};
use crate::sandbox::call::{Answer, Pairs, value};
use crate::sandbox::grant::has_passed;
use crate::sandbox::oauth::Refusal;
use crate::sandbox::problem::Problem;
use crate::sandbox::signature::{base64, from_base64, hex, hmac_sha256};
use crate::sandbox::template;
use crate::sandbox::world::{Registration, World};

const WINDOW_SECONDS: i64 = 300;
const SUFFIX: usize = 5;
const VECTOR: &[u8; 16] = b"space-station-de";

/// The address to come back to is sent in base64.
pub fn read_authorize(pairs: &mut Pairs) {
    for (_, text) in pairs.iter_mut().filter(|(name, _)| name == "redirect_uri") {
        if let Some(address) = from_base64(text) {
            *text = address;
        }
    }
}

/// The page's query stands behind the `#`, which browsers keep to themselves: a script brings it over.
pub fn lacks_query(visit: &Visit<'_>) -> Option<Answer> {
    let arrives_bare = visit.call.query.is_empty() && visit.call.method == "GET";
    arrives_bare.then(|| {
        Answer::html(
            200,
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Simulated Shein</title></head><body>\
             <p>This page reads what stands behind the # of its address.</p><script>\
             var q=location.hash.split('?')[1];if(q){location.replace(location.pathname+'?'+q)}</script></body></html>"
                .to_owned(),
        )
    })
}

pub fn is_token_call(visit: &Visit<'_>) -> bool {
    visit.call.path == "/open-api/auth/get-by-token"
}

/// Answers the exchange.
pub fn exchange(world: &mut World, visit: &Visit<'_>) -> Answer {
    trade(world, visit).unwrap_or_else(|(problem, detail)| visit.refuse(problem, &detail))
}

fn trade(world: &mut World, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let missing = |name: &str| (Problem::MissingParameter, format!("{name} is missing"));
    let id = visit.call.header("x-lt-appid").ok_or_else(|| missing("x-lt-appid"))?;
    let client = world
        .live_registration(visit.behaviour, id, None)
        .ok_or((Problem::UnknownClient, "appid is unknown".to_owned()))?;
    if visit.call.header("x-lt-signature").is_some() {
        check_signature(world, visit, id, &client)?;
    }
    let pairs = visit.call.json_pairs();
    let token = value(&pairs, "tempToken").ok_or_else(|| missing("tempToken"))?;
    let now = visit.expiry_now(world);
    let refused = || (Problem::CodeRefused, "tempToken is unknown, used or expired".to_owned());
    let code = world.codes.get_mut(token).ok_or_else(refused)?;
    if code.used || has_passed(Some(code.expires_at), now) || code.client_id != client.id {
        return Err(refused());
    }
    code.used = true;
    let account = code.account.clone();
    let secret = world.random_hex(32).to_ascii_uppercase();
    let open_key = format!("OPENKEY{}", world.random_hex(25).to_ascii_uppercase());
    let slug = visit.behaviour.slug.clone();
    // A second approval of the same app and seller ends the first.
    for known in world.registrations.values_mut().flatten() {
        if known.platform == slug
            && known.serves.as_ref() == Some(&account)
            && known.permission.as_ref() == Some(&client.id)
        {
            known.disabled = true;
        }
    }
    world.register(Registration {
        platform: slug,
        id: open_key.clone(),
        secrets: vec![secret.clone()],
        redirect_uris: None,
        account: None,
        serves: Some(account.clone()),
        permission: Some(client.id.clone()),
        disabled: false,
    });
    let app_secret = client.secrets.first().map(String::as_str).unwrap_or_default();
    let mut values = visit.values();
    values.extend(world.account_values(visit.behaviour, &account));
    values.insert("open_key_id".to_owned(), open_key.into());
    values.insert("secret_key".to_owned(), encrypt(&secret, app_secret).into());
    values.insert("client_id".to_owned(), client.id.into());
    let shape = visit
        .behaviour
        .token
        .as_ref()
        .map_or(Value::Null, |rules| rules.answer.clone());
    Ok(Answer::json(200, template::fill(&shape, &values)))
}

fn encrypt(plain: &str, app_secret: &str) -> String {
    let mut key = [0_u8; 16];
    for (place, byte) in key.iter_mut().zip(app_secret.bytes()) {
        *place = byte;
    }
    let length = plain.len();
    let mut buffer = plain.as_bytes().to_vec();
    buffer.resize(length + 16 - length % 16, 0);
    let sealed = cbc::Encryptor::<Aes128>::new(&key.into(), VECTOR.into()).encrypt_padded::<Pkcs7>(&mut buffer, length);
    sealed.map(base64).unwrap_or_default()
}

fn check_signature(world: &World, visit: &Visit<'_>, id: &str, key: &Registration) -> Result<(), Refusal> {
    let refused = |why: &str| (Problem::SignatureRefused, why.to_owned());
    let header = |name: &str| {
        visit
            .call
            .header(name)
            .ok_or_else(|| refused("a signing header is missing"))
    };
    let (timestamp, sent) = (header("x-lt-timestamp")?, header("x-lt-signature")?);
    let now = visit.clock(world, None).timestamp_millis();
    let off = timestamp
        .parse::<i64>()
        .map_or(i64::MAX, |stated| now.saturating_sub(stated).saturating_abs());
    if off > WINDOW_SECONDS * 1000 {
        return Err((Problem::TimeRefused, "timestamp is out of range".to_owned()));
    }
    let (random, rest) = sent
        .split_at_checked(SUFFIX)
        .ok_or_else(|| refused("signature is too short"))?;
    let text = format!("{id}&{timestamp}&{}", visit.call.path);
    let fits = key.secrets.iter().any(|secret| {
        let code = hex(&hmac_sha256(format!("{secret}{random}").as_bytes(), text.as_bytes()));
        base64(code.as_bytes()) == rest
    });
    if fits {
        Ok(())
    } else {
        Err(refused("the signature does not match"))
    }
}

pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Answer> {
    let judged = judge(world, visit);
    judged.map_err(|(problem, detail)| visit.refuse(problem, &detail))
}

fn judge(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Refusal> {
    let refused = |why: &str| (Problem::SignatureRefused, why.to_owned());
    let id = visit
        .call
        .header("x-lt-openKeyId")
        .ok_or((Problem::CredentialMissing, "x-lt-openKeyId is missing".to_owned()))?;
    let key = world
        .live_registration(visit.behaviour, id, None)
        .ok_or_else(|| refused("openKeyId is unknown"))?;
    let account = key.serves.clone().unwrap_or_else(|| id.to_owned());
    if world.key_ended(&visit.behaviour.slug, &account, id) {
        return Err(refused("the approval has ended"));
    }
    check_signature(world, visit, id, &key)?;
    world.note_key(visit.behaviour, Some(&account), id);
    Ok(Caller {
        account,
        grant: None,
        key: Some(id.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_secret_key_is_encrypted_as_documented() {
        assert_eq!(
            super::encrypt("STORESECRET000000000000000000001", "APPSECRETKEY0001"),
            "GWnctfe6lZHsjYwlzqB7rlQ39w0QZ4rnffdj79HydALrMEhjZx/tiSsEU4C2gVby"
        );
    }
}
