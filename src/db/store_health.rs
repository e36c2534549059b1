//! The health that an outage gives to stores that only wait for it: shown where nothing else is known of them, and taken
//! back when the platform answers again. Not an incident of the store, so no event counts it.

use diesel::prelude::*;

use super::schema::{credentials, stores};
use super::types::llavero_now;
use super::{Conn, Result, listen};
use crate::domain::id::{AppId, CredentialId, PlatformAppId, StoreId};
use crate::domain::store::{StoreHealth, StoreStatus};

/// Shows that the platform is down on stores of a credential that nothing else is known of.
pub fn show_unavailable(conn: &mut Conn, credential: CredentialId) -> Result<()> {
    let changed = diesel::update(stores::table)
        .filter(stores::credential_id.eq(credential))
        .filter(stores::status.eq(StoreStatus::Connected))
        .filter(stores::health.eq(StoreHealth::Ok))
        .set((
            stores::health.eq(StoreHealth::PlatformUnavailable),
            stores::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    if changed > 0 {
        listen::notify_credential(conn, credential)?;
    }
    Ok(())
}

/// Takes that back where the store's own credential has not failed: up to `limit` stores of a platform app, or of an app's
/// own clients at a platform. Returns how many.
pub fn show_available(
    conn: &mut Conn,
    platform_app: Option<PlatformAppId>,
    own: Option<(AppId, &str)>,
    limit: i64,
) -> Result<usize> {
    let mut waiting = stores::table
        .inner_join(credentials::table)
        .filter(stores::health.eq(StoreHealth::PlatformUnavailable))
        .filter(stores::status.eq(StoreStatus::Connected))
        .filter(credentials::failures.eq(0))
        .filter(credentials::platform_app_id.is_not_distinct_from(platform_app))
        .limit(limit)
        .select(stores::id)
        .into_boxed();
    if let Some((owner, platform)) = own {
        waiting = waiting
            .filter(credentials::app_id.eq(owner))
            .filter(credentials::platform.eq(platform.to_owned()));
    }
    let shown: Vec<StoreId> = waiting.load(conn)?;
    let mut changed: Vec<CredentialId> = diesel::update(stores::table)
        .filter(stores::id.eq_any(&shown))
        .filter(stores::health.eq(StoreHealth::PlatformUnavailable))
        .set((stores::health.eq(StoreHealth::Ok), stores::updated_at.eq(llavero_now())))
        .returning(stores::credential_id)
        .get_results(conn)?;
    changed.sort();
    changed.dedup();
    for credential in changed {
        listen::notify_credential(conn, credential)?;
    }
    Ok(shown.len())
}
