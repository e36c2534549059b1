//! The two states of a platform app that hold back refreshing through it: paused, because the platform refuses the client
//! itself, and verdicts held, because too many stores were refused at once. Both end by themselves after a success.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Double, Nullable, Timestamptz};

use super::platform_apps::PlatformApp;
use super::schema::{platform_apps, stores};
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::id::PlatformAppId;
use crate::domain::store::StoreHealth;

/// `llavero_now()` plus seconds.
macro_rules! from_now {
    ($after:expr) => {
        sql::<Nullable<Timestamptz>>("llavero_now() + make_interval(secs => ")
            .bind::<Double, _>($after.as_secs_f64())
            .sql(")")
    };
}

/// The platform app, locked until the transaction ends.
pub fn lock(conn: &mut Conn, id: PlatformAppId) -> Result<Option<PlatformApp>> {
    Ok(platform_apps::table
        .find(id)
        .select(PlatformApp::as_select())
        .for_update()
        .first(conn)
        .optional()?)
}

/// Pauses a platform app, or moves the next probe of a paused one; true: it was not paused before.
pub fn pause(conn: &mut Conn, id: PlatformAppId, code: Option<&str>, probe_after: Duration) -> Result<bool> {
    let begun = diesel::update(platform_apps::table.find(id))
        .filter(platform_apps::paused_at.is_null())
        .set((
            platform_apps::paused_at.eq(llavero_now().nullable()),
            platform_apps::pause_code.eq(code),
            platform_apps::probe_at.eq(from_now!(probe_after)),
        ))
        .execute(conn)?;
    if begun == 0 {
        diesel::update(platform_apps::table.find(id))
            .set((
                platform_apps::pause_code.eq(code),
                platform_apps::probe_at.eq(from_now!(probe_after)),
            ))
            .execute(conn)?;
    }
    Ok(begun == 1)
}

/// The right to make the one try that a paused platform app allows now; the next is `again_after` later.
pub fn take_probe(conn: &mut Conn, id: PlatformAppId, again_after: Duration) -> Result<bool> {
    let taken = diesel::update(platform_apps::table.find(id))
        .filter(platform_apps::paused_at.is_not_null())
        .filter(platform_apps::probe_at.le(llavero_now().nullable()))
        .set(platform_apps::probe_at.eq(from_now!(again_after)))
        .execute(conn)?;
    Ok(taken == 1)
}

/// Holds verdicts; true: they were not held before.
pub fn hold_verdicts(conn: &mut Conn, id: PlatformAppId) -> Result<bool> {
    let begun = diesel::update(platform_apps::table.find(id))
        .filter(platform_apps::verdicts_held_at.is_null())
        .set(platform_apps::verdicts_held_at.eq(llavero_now().nullable()))
        .execute(conn)?;
    Ok(begun == 1)
}

/// Holds verdicts no longer; false: they were not held.
pub fn release_verdicts(conn: &mut Conn, id: PlatformAppId) -> Result<bool> {
    let released = diesel::update(platform_apps::table.find(id))
        .filter(platform_apps::verdicts_held_at.is_not_null())
        .set(platform_apps::verdicts_held_at.eq(None::<DateTime<Utc>>))
        .execute(conn)?;
    Ok(released == 1)
}

/// Which states a success has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lifted {
    pub pause: bool,
    pub hold: bool,
}

/// Ends both states after a success; stores that showed the misconfiguration are well again.
pub fn lift(conn: &mut Conn, id: PlatformAppId) -> Result<Lifted> {
    let pause = diesel::update(platform_apps::table.find(id))
        .filter(platform_apps::paused_at.is_not_null())
        .set((
            platform_apps::paused_at.eq(None::<DateTime<Utc>>),
            platform_apps::pause_code.eq(None::<String>),
            platform_apps::probe_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?
        == 1;
    let hold = release_verdicts(conn, id)?;
    if pause {
        diesel::update(stores::table)
            .filter(stores::platform_app_id.eq(id))
            .filter(stores::health.eq(StoreHealth::AppMisconfigured))
            .set((stores::health.eq(StoreHealth::Ok), stores::updated_at.eq(llavero_now())))
            .execute(conn)?;
    }
    Ok(Lifted { pause, hold })
}
