//! The link in a notice to a merchant: store, end and grant number under a MAC, so that nothing is stored. It works for 45
//! days, or until the store is authorized again (which raises the grant number), and any number of times: mail scanners
//! open links, so looking changes nothing.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::absolute;
use super::sessions::{self, Created, NewSession};
use crate::app::App;
use crate::broker::Error;
use crate::crypto::Sealer;
use crate::db;
use crate::db::stores::Store;
use crate::domain::admin::Actor;
use crate::domain::connect::Language;
use crate::domain::id::{Id, StoreId};
use crate::domain::store::StoreStatus;

const PURPOSE: &str = "reconnect link";
const DAYS: i64 = 45;
const MESSAGE: usize = 16 + 8 + 8;

/// The token of a link for this store at this grant, made at `now`.
pub fn token(sealer: &Sealer, store: StoreId, grant_no: i64, now: DateTime<Utc>) -> String {
    let mut bytes = message(store, now + Duration::days(DAYS), grant_no);
    let mac = sealer.mac(PURPOSE, &bytes);
    bytes.extend_from_slice(&mac);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The whole link.
pub fn url(app: &App, store: StoreId, grant_no: i64) -> Result<String, Error> {
    absolute(app, &format!("/reconnect/{}", token(&app.sealer, store, grant_no, app.now())))
}

/// A link that holds: its store and app.
pub struct Reconnect {
    pub store: Store,
    pub api_app: db::apps::App,
}

/// Opens a link. Not ours: not found; too old, or the store was authorized again or revoked: expired.
pub async fn open(app: &App, token: &str) -> Result<Reconnect, Error> {
    let (store, until, grant_no) = read(&app.sealer, token).ok_or(Error::NotFound)?;
    if app.now() >= until {
        return Err(Error::LinkExpired);
    }
    let found = app
        .db
        .run(move |conn| {
            let Some(store) = db::stores::find(conn, store)? else { return Ok(None) };
            let credential = db::credentials::find(conn, store.credential_id)?;
            let api_app = db::apps::find(conn, store.app_id)?;
            Ok::<_, db::Error>(credential.zip(api_app).map(|(credential, api_app)| (store, credential, api_app)))
        })
        .await?;
    let (store, credential, api_app) = found.ok_or(Error::NotFound)?;
    if store.status == StoreStatus::Revoked || credential.grant_no != grant_no {
        return Err(Error::LinkExpired);
    }
    Ok(Reconnect { store, api_app })
}

/// Makes a session that authorizes exactly that store again.
pub async fn start(app: &App, reconnect: &Reconnect, language: Language) -> Result<Created, Error> {
    let mut new = NewSession::default();
    new.merchant.locale = Some(language);
    sessions::reauthorize(app, &reconnect.api_app, reconnect.store.id, Actor::merchant(), new).await
}

fn message(store: StoreId, until: DateTime<Utc>, grant_no: i64) -> Vec<u8> {
    let mut bytes = store.uuid().as_bytes().to_vec();
    bytes.extend_from_slice(&until.timestamp().to_be_bytes());
    bytes.extend_from_slice(&grant_no.to_be_bytes());
    bytes
}

fn read(sealer: &Sealer, token: &str) -> Option<(StoreId, DateTime<Utc>, i64)> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let (message, mac) = bytes.split_at_checked(MESSAGE)?;
    if !sealer.verify_mac(PURPOSE, message, mac) {
        return None;
    }
    let store = StoreId::from_uuid(Uuid::from_slice(message.get(..16)?).ok()?);
    let until = i64::from_be_bytes(message.get(16..24)?.try_into().ok()?);
    let grant_no = i64::from_be_bytes(message.get(24..32)?.try_into().ok()?);
    Some((store, DateTime::from_timestamp(until, 0)?, grant_no))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyRing, Random};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_link_reads_back_and_a_changed_one_does_not() {
        let random = Random::seeded(1);
        let sealer = Sealer::new(KeyRing::generate(&random, at(0)), random);
        let store = StoreId::make(1, [7; 10]);
        let token = token(&sealer, store, 3, at(0));
        assert_eq!(read(&sealer, &token), Some((store, at(45 * 86_400), 3)));
        for place in [0, 20, 30, token.len() - 2] {
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(&token).unwrap();
            bytes[place * 3 / 4] ^= 1;
            assert_eq!(read(&sealer, &BASE64_URL_SAFE_NO_PAD.encode(bytes)), None, "{place}");
        }
        assert_eq!(read(&sealer, ""), None);
    }
}
