//! Platform apps: the OAuth clients registered at platforms. An app's own comes before the installation's.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::platform_apps;
use super::types::llavero_now;
use super::{Conn, Result, listen};
use crate::domain::id::{AppId, PlatformAppId};
use crate::domain::refresh::SecretSet;
use crate::domain::store::Mode;

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = platform_apps)]
pub struct PlatformApp {
    pub id: PlatformAppId,
    pub app_id: Option<AppId>,
    pub platform: String,
    pub mode: Mode,
    pub shared: bool,
    pub values_sealed: Vec<u8>,
    pub standby_sealed: Option<Vec<u8>>,
    pub public_values: serde_json::Value,
    pub paused_at: Option<DateTime<Utc>>,
    pub pause_code: Option<String>,
    pub probe_at: Option<DateTime<Utc>>,
    pub verdicts_held_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// While a second set stands by: which the platform took last, and since when.
    pub secrets_used: Option<SecretSet>,
    pub secrets_used_since: Option<DateTime<Utc>>,
}

#[derive(Insertable)]
#[diesel(table_name = platform_apps)]
pub struct NewPlatformApp<'a> {
    pub id: PlatformAppId,
    pub app_id: Option<AppId>,
    pub platform: &'a str,
    pub mode: Mode,
    pub shared: bool,
    pub values_sealed: &'a [u8],
    pub public_values: serde_json::Value,
}

pub fn insert(conn: &mut Conn, new: &NewPlatformApp<'_>) -> Result<()> {
    diesel::insert_into(platform_apps::table).values(new).execute(conn)?;
    listen::notify_platform_apps(conn)
}

/// Replaces the values of a platform app; lifts a pause, since new secrets deserve a try.
pub fn update_values(
    conn: &mut Conn,
    id: PlatformAppId,
    values_sealed: &[u8],
    standby_sealed: Option<&[u8]>,
    public_values: &serde_json::Value,
) -> Result<()> {
    diesel::update(platform_apps::table.find(id))
        .set((
            platform_apps::values_sealed.eq(values_sealed),
            platform_apps::standby_sealed.eq(standby_sealed),
            platform_apps::public_values.eq(public_values),
            platform_apps::paused_at.eq(None::<DateTime<Utc>>),
            platform_apps::pause_code.eq(None::<String>),
            platform_apps::probe_at.eq(None::<DateTime<Utc>>),
            platform_apps::secrets_used.eq(None::<SecretSet>),
            platform_apps::secrets_used_since.eq(None::<DateTime<Utc>>),
            platform_apps::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    listen::notify_platform_apps(conn)
}

/// Notes which set of secrets the platform took, unless that is known, or other values were entered since `seen`.
pub fn note_secrets(conn: &mut Conn, id: PlatformAppId, used: SecretSet, seen: DateTime<Utc>) -> Result<bool> {
    let noted = diesel::update(platform_apps::table.find(id))
        .filter(platform_apps::updated_at.eq(seen))
        .filter(platform_apps::standby_sealed.is_not_null())
        .filter(platform_apps::secrets_used.is_distinct_from(used))
        .set((
            platform_apps::secrets_used.eq(used),
            platform_apps::secrets_used_since.eq(llavero_now().nullable()),
        ))
        .execute(conn)?;
    Ok(noted == 1)
}

pub fn find(conn: &mut Conn, id: PlatformAppId) -> Result<Option<PlatformApp>> {
    Ok(platform_apps::table
        .find(id)
        .select(PlatformApp::as_select())
        .first(conn)
        .optional()?)
}

/// The app's own client at a platform.
pub fn find_own(conn: &mut Conn, app: AppId, platform: &str) -> Result<Option<PlatformApp>> {
    let found = platform_apps::table
        .filter(platform_apps::app_id.eq(app))
        .filter(platform_apps::platform.eq(platform))
        .select(PlatformApp::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}

/// The installation's client at a platform, shared or not.
pub fn find_installation(conn: &mut Conn, platform: &str, mode: Mode) -> Result<Option<PlatformApp>> {
    let found = platform_apps::table
        .filter(platform_apps::app_id.is_null())
        .filter(platform_apps::platform.eq(platform))
        .filter(platform_apps::mode.eq(mode))
        .select(PlatformApp::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}

/// What an app of `mode` uses at a platform: its own client, else the installation's if that is shared.
pub fn find_for(conn: &mut Conn, app: AppId, mode: Mode, platform: &str) -> Result<Option<PlatformApp>> {
    if let Some(own) = find_own(conn, app, platform)? {
        return Ok(Some(own));
    }
    Ok(find_installation(conn, platform, mode)?.filter(|found| found.shared))
}

/// An app's own clients, or the installation's (`None`).
pub fn list(conn: &mut Conn, app: Option<AppId>) -> Result<Vec<PlatformApp>> {
    let mut query = platform_apps::table
        .select(PlatformApp::as_select())
        .order(platform_apps::platform)
        .into_boxed();
    query = match app {
        Some(app) => query.filter(platform_apps::app_id.eq(app)),
        None => query.filter(platform_apps::app_id.is_null()),
    };
    Ok(query.load(conn)?)
}
