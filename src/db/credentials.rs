//! Credentials: what a platform gave in one grant, and the lease under which it is refreshed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::credentials;
use super::types::Texts;
use super::{Conn, Result};
use crate::domain::credential::Generation;
use crate::domain::id::{AppId, CredentialId, JournalId, PlatformAppId};
use crate::domain::lease::{Held, Lease};
use crate::domain::refresh::FailureKind;

/// A credential as it is stored.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = credentials)]
pub struct Credential {
    pub id: CredentialId,
    pub app_id: AppId,
    pub platform: String,
    pub method: String,
    pub platform_app_id: Option<PlatformAppId>,
    pub values_sealed: Option<Vec<u8>>,
    pub spares_sealed: Option<Vec<u8>>,
    pub asks_spare: bool,
    pub grant_no: i64,
    pub saved_attempt: i64,
    pub next_attempt: i64,
    pub lease_attempt: Option<i64>,
    pub lease_owner: Option<JournalId>,
    pub lease_since: Option<DateTime<Utc>>,
    pub lease_until: Option<DateTime<Utc>>,
    pub lease_saved_attempt: Option<i64>,
    pub in_doubt_since: Option<DateTime<Utc>>,
    pub doubt_sent_at: Option<DateTime<Utc>>,
    pub unsettled_at: Option<DateTime<Utc>>,
    pub access_issued_at: Option<DateTime<Utc>>,
    pub access_expires_at: Option<DateTime<Utc>>,
    pub refresh_expires_at: Option<DateTime<Utc>>,
    pub reauthorize_by: Option<DateTime<Utc>>,
    pub refresh_at: Option<DateTime<Utc>>,
    pub scopes: Option<Texts>,
    pub failing_since: Option<DateTime<Utc>>,
    pub failures: i32,
    pub last_failure: Option<FailureKind>,
    pub retry_at: Option<DateTime<Utc>>,
    pub dead_at: Option<DateTime<Utc>>,
    pub held_verdict_at: Option<DateTime<Utc>>,
}

impl Credential {
    pub fn generation(&self) -> Generation {
        Generation {
            grant_no: self.grant_no,
            attempt: self.saved_attempt,
        }
    }

    /// What the protocol's decisions look at.
    pub fn lease(&self) -> Lease {
        let held = match (self.lease_attempt, self.lease_since, self.lease_until) {
            (Some(attempt), Some(since), Some(until)) => Some(Held {
                attempt,
                since,
                until,
                saved_attempt: self.lease_saved_attempt,
                settled: self.lease_owner.is_none(),
            }),
            _ => None,
        };
        Lease {
            grant_no: self.grant_no,
            saved_attempt: self.saved_attempt,
            next_attempt: self.next_attempt,
            held,
            in_doubt: self.in_doubt_since.is_some(),
            doubt_sent_at: self.doubt_sent_at,
            unsettled_at: self.unsettled_at,
            asks_spare: self.asks_spare,
            access_expires_at: self.access_expires_at,
        }
    }
}

/// A new grant's life times and sealed values.
#[derive(Clone, Insertable, AsChangeset)]
#[diesel(table_name = credentials, treat_none_as_null = true)]
pub struct Granted {
    pub values_sealed: Option<Vec<u8>>,
    pub access_issued_at: Option<DateTime<Utc>>,
    pub access_expires_at: Option<DateTime<Utc>>,
    pub refresh_expires_at: Option<DateTime<Utc>>,
    pub reauthorize_by: Option<DateTime<Utc>>,
    pub refresh_at: Option<DateTime<Utc>>,
    pub scopes: Option<Texts>,
}

#[derive(Clone)]
pub struct NewCredential {
    pub id: CredentialId,
    pub app_id: AppId,
    pub platform: String,
    pub method: String,
    pub platform_app_id: Option<PlatformAppId>,
    pub granted: Granted,
}

pub fn insert(conn: &mut Conn, new: &NewCredential) -> Result<()> {
    diesel::insert_into(credentials::table)
        .values((
            credentials::id.eq(new.id),
            credentials::app_id.eq(new.app_id),
            credentials::platform.eq(&new.platform),
            credentials::method.eq(&new.method),
            credentials::platform_app_id.eq(new.platform_app_id),
            &new.granted,
        ))
        .execute(conn)?;
    Ok(())
}

/// Locks a credential, so that stores that share it are counted one after the other.
pub fn lock(conn: &mut Conn, id: CredentialId) -> Result<()> {
    credentials::table
        .find(id)
        .for_update()
        .select(credentials::id)
        .first::<CredentialId>(conn)
        .optional()?;
    Ok(())
}

pub fn find(conn: &mut Conn, id: CredentialId) -> Result<Option<Credential>> {
    Ok(credentials::table
        .find(id)
        .select(Credential::as_select())
        .first(conn)
        .optional()?)
}

/// A new grant for a credential (re-authorization, import): raises `grant_no`, clears lease, doubt, spares and failures,
/// so that it wins over anything under way. Attempt numbers go on.
pub fn grant_again(
    conn: &mut Conn,
    id: CredentialId,
    method: &str,
    platform_app_id: Option<PlatformAppId>,
    granted: &Granted,
) -> Result<()> {
    diesel::update(credentials::table.find(id))
        .set((
            (
                credentials::grant_no.eq(credentials::grant_no + 1),
                credentials::method.eq(method),
                credentials::platform_app_id.eq(platform_app_id),
                credentials::saved_attempt.eq(credentials::next_attempt),
                credentials::next_attempt.eq(credentials::next_attempt + 1),
                credentials::spares_sealed.eq(None::<Vec<u8>>),
                credentials::updated_at.eq(super::types::llavero_now()),
            ),
            granted,
            (
                credentials::lease_attempt.eq(None::<i64>),
                credentials::lease_owner.eq(None::<uuid::Uuid>),
                credentials::lease_until.eq(None::<DateTime<Utc>>),
                credentials::lease_saved_attempt.eq(None::<i64>),
                credentials::lease_since.eq(None::<DateTime<Utc>>),
                credentials::in_doubt_since.eq(None::<DateTime<Utc>>),
                credentials::doubt_sent_at.eq(None::<DateTime<Utc>>),
                credentials::unsettled_at.eq(None::<DateTime<Utc>>),
                credentials::asks_spare.eq(false),
                credentials::failing_since.eq(None::<DateTime<Utc>>),
                credentials::failures.eq(0),
                credentials::last_failure.eq(None::<String>),
                credentials::retry_at.eq(None::<DateTime<Utc>>),
                credentials::dead_at.eq(None::<DateTime<Utc>>),
                credentials::held_verdict_at.eq(None::<DateTime<Utc>>),
            ),
        ))
        .execute(conn)?;
    Ok(())
}

/// The credentials that no living store uses and that still hold secrets: a process ended between a revocation and the
/// erasure. Those changed in the last hour are left to whoever is at it.
pub fn list_unused(conn: &mut Conn) -> Result<Vec<CredentialId>> {
    use super::schema::{frozen_credentials, stores};
    use crate::domain::store::StoreStatus;
    let frozen = frozen_credentials::table.filter(frozen_credentials::id.eq(credentials::id));
    let living = stores::table
        .filter(stores::credential_id.eq(credentials::id))
        .filter(stores::status.ne(StoreStatus::Revoked));
    let unused = credentials::table
        // Those of a frozen one stand elsewhere.
        .filter(credentials::values_sealed.is_not_null().or(diesel::dsl::exists(frozen)))
        .filter(diesel::dsl::not(diesel::dsl::exists(living)))
        .filter(
            credentials::updated_at.lt(diesel::dsl::sql::<diesel::sql_types::Timestamptz>(
                "llavero_now() - interval '1 hour'",
            )),
        )
        .select(credentials::id)
        .limit(1000)
        .load(conn)?;
    Ok(unused)
}

/// Erases the secrets of a credential whose last store was revoked, and what waits to be done about it; raises `grant_no`,
/// so that nothing under way saves.
pub fn erase(conn: &mut Conn, id: CredentialId) -> Result<()> {
    diesel::update(credentials::table.find(id))
        .set((
            credentials::grant_no.eq(credentials::grant_no + 1),
            credentials::values_sealed.eq(None::<Vec<u8>>),
            credentials::spares_sealed.eq(None::<Vec<u8>>),
            credentials::lease_attempt.eq(None::<i64>),
            credentials::lease_owner.eq(None::<uuid::Uuid>),
            credentials::lease_since.eq(None::<DateTime<Utc>>),
            credentials::lease_until.eq(None::<DateTime<Utc>>),
            credentials::lease_saved_attempt.eq(None::<i64>),
            credentials::in_doubt_since.eq(None::<DateTime<Utc>>),
            credentials::doubt_sent_at.eq(None::<DateTime<Utc>>),
            credentials::unsettled_at.eq(None::<DateTime<Utc>>),
            credentials::asks_spare.eq(false),
            credentials::refresh_at.eq(None::<DateTime<Utc>>),
            credentials::updated_at.eq(super::types::llavero_now()),
        ))
        .execute(conn)?;
    super::jobs::cancel_all_of(conn, id)?;
    super::frozen::forget(conn, id)
}
