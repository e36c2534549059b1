//! A verified grant as the row of its credential: what is kept, sealed, and the ends of its life times. What the platform
//! said wins over the catalogue.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::obtain::Verified;
use crate::broker::Error;
use crate::crypto::{Place, Random, Sealer};
use crate::db;
use crate::db::credentials::Granted;
use crate::db::types::Texts;
use crate::domain::credential::timer_at;
use crate::domain::id::{CredentialId, Id, StoreId};
use crate::platform::descriptor::{Method, Renewal};

pub(super) fn granted(
    sealer: &Sealer,
    random: &Random,
    credential: CredentialId,
    method: &Method,
    verified: &Verified,
) -> Granted {
    let place = Place { table: "credentials", column: "values_sealed", row: credential.uuid() };
    let asked_at = verified.asked_at;
    let grant = verified.grant.as_ref();
    let access_expires_at =
        grant.and_then(|grant| after(asked_at, grant.access_expires_in.or(method.lifetimes.access)));
    let refresh_expires_at = grant
        .filter(|grant| grant.has_refresh_token())
        .and_then(|grant| after(asked_at, grant.refresh_expires_in.or(method.lifetimes.refresh)));
    let moves = method.lifetimes.refresh_moves;
    let reauthorize_by = match (method.renewal, grant) {
        (Renewal::RefreshToken, Some(grant)) if !grant.has_refresh_token() => access_expires_at,
        (Renewal::RefreshToken, Some(_)) if !moves => refresh_expires_at,
        (Renewal::Never, Some(_)) => access_expires_at,
        _ => None,
    };
    Granted {
        values_sealed: Some(sealer.seal(place, verified.values.to_bytes().expose())),
        access_issued_at: Some(asked_at),
        access_expires_at,
        refresh_expires_at,
        reauthorize_by,
        refresh_at: timer_at(asked_at, refresh_expires_at, moves, random.fraction()),
        scopes: grant.and_then(|grant| grant.scopes.clone()).map(Texts),
    }
}

fn after(from: DateTime<Utc>, life: Option<Duration>) -> Option<DateTime<Utc>> {
    Some(from + chrono::Duration::from_std(life?).ok()?)
}

/// The first jobs of a new grant.
pub(super) fn schedule(_conn: &mut db::Conn, _credential: CredentialId, _store: StoreId) -> Result<(), Error> {
    Ok(())
}
