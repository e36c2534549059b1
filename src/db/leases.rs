//! The lease under which a credential is refreshed: each step of the protocol is one statement whose `WHERE` names all it
//! rests on, so of two processes only one finds its row. Which step is allowed is decided in `domain::lease`; nothing
//! here waits, and no row stays locked beyond its statement or the transaction of a save.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Double, Nullable, Timestamptz};

use super::credentials::{Credential, Granted};
use super::schema::credentials;
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::credential::Generation;
use crate::domain::id::{AppId, CredentialId, JournalId, PlatformAppId};
use crate::domain::lease::Grounds;
use crate::domain::refresh::FailureKind;

/// What an attempt that saved nothing leaves in the row.
#[derive(Debug, Clone, Copy)]
pub struct Failed {
    pub kind: FailureKind,
    pub retry_at: DateTime<Utc>,
}

/// The columns that a failure changes. `failing_since` begins anew with another class: a day of unknown failures must not
/// borrow its hours from an outage.
macro_rules! failure {
    ($failed:expr) => {
        (
            credentials::failing_since.eq(sql::<Nullable<Timestamptz>>("CASE WHEN last_failure = ")
                .bind::<diesel::sql_types::Text, _>($failed.kind)
                .sql(" THEN coalesce(failing_since, llavero_now()) ELSE llavero_now() END")),
            credentials::failures.eq(credentials::failures + 1),
            credentials::last_failure.eq($failed.kind),
            credentials::retry_at.eq($failed.retry_at),
        )
    };
}
pub(super) use failure;

/// No wait after failures is left.
macro_rules! is_due {
    () => {
        credentials::retry_at
            .is_null()
            .or(credentials::retry_at.le(llavero_now().nullable()))
    };
}

/// The row and the database's time.
pub fn find(conn: &mut Conn, id: CredentialId) -> Result<Option<(Credential, DateTime<Utc>)>> {
    Ok(credentials::table
        .find(id)
        .select((Credential::as_select(), llavero_now()))
        .first(conn)
        .optional()?)
}

/// The row, locked until the transaction ends.
pub fn lock(conn: &mut Conn, id: CredentialId) -> Result<Option<Credential>> {
    Ok(credentials::table
        .find(id)
        .select(Credential::as_select())
        .for_update()
        .first(conn)
        .optional()?)
}

/// Takes the lease and the next attempt number, if the row is still what was `seen`. Only what this returns may be sent.
pub fn claim(
    conn: &mut Conn,
    seen: &Credential,
    owner: JournalId,
    length: Duration,
    grounds: &Grounds,
) -> Result<Option<Credential>> {
    let claimed = diesel::update(credentials::table.find(seen.id))
        .filter(credentials::grant_no.eq(seen.grant_no))
        .filter(credentials::saved_attempt.eq(seen.saved_attempt))
        .filter(credentials::next_attempt.eq(seen.next_attempt))
        .filter(credentials::lease_attempt.is_not_distinct_from(seen.lease_attempt))
        .filter(credentials::lease_owner.is_not_distinct_from(seen.lease_owner))
        .filter(credentials::in_doubt_since.is_not_distinct_from(seen.in_doubt_since))
        .filter(credentials::unsettled_at.is_not_distinct_from(seen.unsettled_at))
        .filter(credentials::asks_spare.eq(seen.asks_spare))
        .filter(credentials::dead_at.is_null())
        .filter(credentials::values_sealed.is_not_null())
        .set((
            credentials::next_attempt.eq(credentials::next_attempt + 1),
            credentials::lease_attempt.eq(credentials::next_attempt.nullable()),
            credentials::lease_owner.eq(owner),
            credentials::lease_since.eq(llavero_now().nullable()),
            credentials::lease_until.eq(sql::<Nullable<Timestamptz>>("llavero_now() + make_interval(secs => ")
                .bind::<Double, _>(length.as_secs_f64())
                .sql(")")),
            credentials::lease_saved_attempt.eq((!seen.asks_spare).then_some(seen.saved_attempt)),
            grounds.doubt.then(|| {
                (
                    credentials::in_doubt_since
                        .eq(sql::<Nullable<Timestamptz>>("coalesce(in_doubt_since, llavero_now())")),
                    credentials::doubt_sent_at.eq(sql::<Nullable<Timestamptz>>(
                        "coalesce(doubt_sent_at, lease_since, llavero_now())",
                    )),
                )
            }),
            grounds
                .unsettled
                .then(|| credentials::unsettled_at.eq(llavero_now().nullable())),
            credentials::updated_at.eq(llavero_now()),
        ))
        .returning(Credential::as_returning())
        .get_result(conn)
        .optional()?;
    Ok(claimed)
}

/// An attempt ended with nothing to save and nothing in doubt: clears its OWN lease; false: it was no longer its own.
pub fn clear(conn: &mut Conn, id: CredentialId, grant_no: i64, attempt: i64, failed: Option<Failed>) -> Result<bool> {
    let changed = diesel::update(credentials::table.find(id))
        .filter(credentials::grant_no.eq(grant_no))
        .filter(credentials::lease_attempt.eq(attempt))
        .set((
            (
                credentials::lease_attempt.eq(None::<i64>),
                credentials::lease_owner.eq(None::<JournalId>),
                credentials::lease_since.eq(None::<DateTime<Utc>>),
                credentials::lease_until.eq(None::<DateTime<Utc>>),
                credentials::lease_saved_attempt.eq(None::<i64>),
                credentials::updated_at.eq(llavero_now()),
            ),
            failed.map(|failed| failure!(failed)),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// The answer got lost: the lease stays uncleared, and its owner, whose call is closed, says that it holds nothing.
pub fn leave(conn: &mut Conn, id: CredentialId, grant_no: i64, attempt: i64, failed: Failed) -> Result<bool> {
    let changed = diesel::update(credentials::table.find(id))
        .filter(credentials::grant_no.eq(grant_no))
        .filter(credentials::lease_attempt.eq(attempt))
        .set((credentials::lease_owner.eq(None::<JournalId>), failure!(failed)))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Says of one attempt of `owner` that nothing is held of it any more.
pub fn settle(conn: &mut Conn, id: CredentialId, attempt: i64, owner: JournalId) -> Result<bool> {
    let changed = diesel::update(credentials::table.find(id))
        .filter(credentials::lease_attempt.eq(attempt))
        .filter(credentials::lease_owner.eq(owner))
        .set(credentials::lease_owner.eq(None::<JournalId>))
        .execute(conn)?;
    Ok(changed == 1)
}

/// The same of every attempt of `owner`: its journal was adopted and is empty.
pub fn settle_all(conn: &mut Conn, owner: JournalId) -> Result<usize> {
    let changed = diesel::update(credentials::table)
        .filter(credentials::lease_attempt.is_not_null())
        .filter(credentials::lease_owner.eq(owner))
        .set(credentials::lease_owner.eq(None::<JournalId>))
        .execute(conn)?;
    Ok(changed)
}

/// The unsettled attempts of `owner`.
pub fn list_of_owner(conn: &mut Conn, owner: JournalId) -> Result<Vec<(CredentialId, i64)>> {
    let rows = credentials::table
        .filter(credentials::lease_owner.eq(owner))
        .filter(credentials::lease_attempt.is_not_null())
        .select((credentials::id, credentials::lease_attempt.assume_not_null()))
        .load(conn)?;
    Ok(rows)
}

/// Credentials whose lease ended more than `silence` ago and was not cleared, the latest first. What may not be asked for
/// again yet takes no place: while it has to wait, or where the platform forgives nothing and the access token works.
pub fn list_abandoned(
    conn: &mut Conn,
    silence: Duration,
    forgiving: &[String],
    limit: i64,
) -> Result<Vec<CredentialId>> {
    let urgent = credentials::platform
        .eq_any(forgiving)
        .or(credentials::access_expires_at.is_null())
        .or(credentials::access_expires_at.le(llavero_now().nullable()));
    let rows = credentials::table
        .filter(credentials::lease_attempt.is_not_null())
        .filter(credentials::dead_at.is_null())
        .filter(is_due!())
        .filter(urgent)
        .filter(
            credentials::lease_until.lt(sql::<Nullable<Timestamptz>>("llavero_now() - make_interval(secs => ")
                .bind::<Double, _>(silence.as_secs_f64())
                .sql(")")),
        )
        .order(credentials::lease_until.desc())
        .limit(limit)
        .select(credentials::id)
        .load(conn)?;
    Ok(rows)
}

/// Credentials of these platforms whose last attempt is settled and would be repeated now, the latest first.
pub fn list_settled(conn: &mut Conn, platforms: &[String], limit: i64) -> Result<Vec<CredentialId>> {
    let rows = credentials::table
        .filter(credentials::lease_attempt.is_not_null())
        .filter(is_due!())
        .filter(credentials::lease_owner.is_null())
        .filter(credentials::lease_saved_attempt.eq(credentials::saved_attempt.nullable()))
        .filter(credentials::asks_spare.eq(false))
        .filter(credentials::dead_at.is_null())
        .filter(credentials::platform.eq_any(platforms))
        .order(credentials::lease_until.desc())
        .limit(limit)
        .select(credentials::id)
        .load(conn)?;
    Ok(rows)
}

/// What a save writes beside the new pair.
#[derive(Debug, Clone)]
pub struct Saving {
    pub grant_no: i64,
    pub attempt: i64,
    pub ends_doubt: bool,
    pub clears_lease: bool,
    pub spares_sealed: Option<Vec<u8>>,
    /// Before this no further refresh is tried, for an answer that brought nothing new.
    pub retry_at: Option<DateTime<Utc>>,
}

/// Saves an answer, unless a newer one or another grant is saved; lifts a dead verdict of the same grant.
pub fn save(conn: &mut Conn, id: CredentialId, saving: &Saving, granted: &Granted) -> Result<bool> {
    let changed = diesel::update(credentials::table.find(id))
        .filter(credentials::grant_no.eq(saving.grant_no))
        .filter(credentials::saved_attempt.lt(saving.attempt))
        .set((
            granted,
            (
                credentials::saved_attempt.eq(saving.attempt),
                credentials::spares_sealed.eq(saving.spares_sealed.as_deref()),
                credentials::asks_spare.eq(false),
                credentials::failing_since.eq(None::<DateTime<Utc>>),
                credentials::failures.eq(0),
                credentials::last_failure.eq(None::<FailureKind>),
                credentials::retry_at.eq(saving.retry_at),
                credentials::dead_at.eq(None::<DateTime<Utc>>),
                credentials::held_verdict_at.eq(None::<DateTime<Utc>>),
                credentials::updated_at.eq(llavero_now()),
            ),
            saving.clears_lease.then_some((
                credentials::lease_attempt.eq(None::<i64>),
                credentials::lease_owner.eq(None::<JournalId>),
                credentials::lease_since.eq(None::<DateTime<Utc>>),
                credentials::lease_until.eq(None::<DateTime<Utc>>),
                credentials::lease_saved_attempt.eq(None::<i64>),
            )),
            saving.ends_doubt.then_some((
                credentials::in_doubt_since.eq(None::<DateTime<Utc>>),
                credentials::doubt_sent_at.eq(None::<DateTime<Utc>>),
                credentials::unsettled_at.eq(None::<DateTime<Utc>>),
            )),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Writes the spares of a grant and which pair is asked next; `doubt` starts a doubt about the saved pair.
pub fn set_spares(
    conn: &mut Conn,
    id: CredentialId,
    grant_no: i64,
    spares_sealed: Option<&[u8]>,
    asks_spare: bool,
    doubt: bool,
) -> Result<bool> {
    let changed = diesel::update(credentials::table.find(id))
        .filter(credentials::grant_no.eq(grant_no))
        .set((
            credentials::spares_sealed.eq(spares_sealed),
            credentials::asks_spare.eq(asks_spare),
            doubt.then(|| {
                (
                    credentials::in_doubt_since
                        .eq(sql::<Nullable<Timestamptz>>("coalesce(in_doubt_since, llavero_now())")),
                    credentials::doubt_sent_at.eq(sql::<Nullable<Timestamptz>>(
                        "coalesce(doubt_sent_at, lease_since, llavero_now())",
                    )),
                )
            }),
            credentials::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// The grant is refused for good, unless something was saved or claimed since the row was `seen`. `next_attempt`: the
/// number the next claim would take, if nobody has claimed since.
pub fn set_dead(conn: &mut Conn, id: CredentialId, seen: Generation, next_attempt: i64) -> Result<bool> {
    let changed = diesel::update(credentials::table.find(id))
        .filter(credentials::grant_no.eq(seen.grant_no))
        .filter(credentials::saved_attempt.eq(seen.attempt))
        .filter(credentials::next_attempt.eq(next_attempt))
        .filter(credentials::dead_at.is_null())
        .filter(credentials::values_sealed.is_not_null())
        .set((
            credentials::dead_at.eq(llavero_now().nullable()),
            credentials::last_failure.eq(FailureKind::Dead),
            credentials::held_verdict_at.eq(None::<DateTime<Utc>>),
            credentials::lease_attempt.eq(None::<i64>),
            credentials::lease_owner.eq(None::<JournalId>),
            credentials::lease_since.eq(None::<DateTime<Utc>>),
            credentials::lease_until.eq(None::<DateTime<Utc>>),
            credentials::lease_saved_attempt.eq(None::<i64>),
            credentials::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Notes a verdict that the brake holds back.
pub fn hold_verdict(conn: &mut Conn, id: CredentialId, grant_no: i64) -> Result<bool> {
    let changed = diesel::update(credentials::table.find(id))
        .filter(credentials::grant_no.eq(grant_no))
        .set(credentials::held_verdict_at.eq(sql::<Nullable<Timestamptz>>("coalesce(held_verdict_at, llavero_now())")))
        .execute(conn)?;
    Ok(changed == 1)
}

/// A credential whose verdict was held.
#[derive(Debug, Clone, Queryable)]
pub struct Released {
    pub id: CredentialId,
    pub app_id: AppId,
    pub platform: String,
    pub method: String,
}

/// Lets every credential whose verdict was held be asked again at once; returns them.
pub fn release_held(conn: &mut Conn, platform_app: PlatformAppId) -> Result<Vec<Released>> {
    let rows = diesel::update(credentials::table)
        .filter(credentials::platform_app_id.eq(platform_app))
        .filter(credentials::held_verdict_at.is_not_null())
        .set(credentials::retry_at.eq(None::<DateTime<Utc>>))
        .returning((
            credentials::id,
            credentials::app_id,
            credentials::platform,
            credentials::method,
        ))
        .get_results(conn)?;
    Ok(rows)
}

/// Platform and connect method of the credentials whose verdicts are held.
pub fn held_methods(conn: &mut Conn, platform_app: PlatformAppId) -> Result<Vec<(String, String)>> {
    let methods = credentials::table
        .filter(credentials::platform_app_id.eq(platform_app))
        .filter(credentials::held_verdict_at.is_not_null())
        .select((credentials::platform, credentials::method))
        .distinct()
        .load(conn)?;
    Ok(methods)
}

/// A held verdict was wrong; false: none was held.
pub fn forget_held(conn: &mut Conn, id: CredentialId, grant_no: i64) -> Result<bool> {
    let changed = diesel::update(credentials::table.find(id))
        .filter(credentials::grant_no.eq(grant_no))
        .filter(credentials::held_verdict_at.is_not_null())
        .set(credentials::held_verdict_at.eq(None::<DateTime<Utc>>))
        .execute(conn)?;
    Ok(changed == 1)
}
