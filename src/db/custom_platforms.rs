//! Platforms that owners define: one row each, read whole by every process at its start and after each change. Who changes
//! or removes one holds its row; who connects a store to it holds the row against both, so that no store is left without
//! the method it was connected with.

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::connect_sessions::GOING_ON;
use super::schema::{connect_sessions, credentials, custom_platforms, notices, platform_apps, stores};
use super::types::{Texts, llavero_now};
use super::{Conn, Result};
use crate::domain::id::{AppId, PlatformAppId};
use crate::domain::store::StoreStatus;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = custom_platforms)]
pub struct CustomPlatform {
    pub slug: String,
    /// `None`: every app's.
    pub app_id: Option<AppId>,
    pub definition: String,
    pub methods: Texts,
    pub answers: Option<serde_json::Value>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What a definition says, ready to be kept.
#[derive(Debug, Clone)]
pub struct Kept {
    pub definition: String,
    pub methods: Texts,
    pub answers: Option<serde_json::Value>,
}

/// What stands against the removal of a platform or of one of its methods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InUse {
    /// Methods of the stores that are not revoked.
    pub methods: Vec<String>,
    pub stores: i64,
    /// Connect sessions under way.
    pub sessions: i64,
}

/// All of them, of every owner: for the process' own catalogue and the owners' pages.
pub fn list(conn: &mut Conn) -> Result<Vec<CustomPlatform>> {
    Ok(custom_platforms::table
        .select(CustomPlatform::as_select())
        .order(custom_platforms::slug)
        .load(conn)?)
}

pub fn find(conn: &mut Conn, slug: &str) -> Result<Option<CustomPlatform>> {
    Ok(custom_platforms::table
        .find(slug)
        .select(CustomPlatform::as_select())
        .first(conn)
        .optional()?)
}

/// As `find`; nobody connects a store to it until the transaction ends.
pub fn lock(conn: &mut Conn, slug: &str) -> Result<Option<CustomPlatform>> {
    Ok(custom_platforms::table
        .find(slug)
        .select(CustomPlatform::as_select())
        .for_update()
        .first(conn)
        .optional()?)
}

/// Whether an app may connect by this method; until the transaction ends, the definition stays as it is.
pub fn hold(conn: &mut Conn, app: AppId, slug: &str, method: &str) -> Result<bool> {
    let found: Option<Texts> = custom_platforms::table
        .find(slug)
        .filter(custom_platforms::app_id.is_null().or(custom_platforms::app_id.eq(app)))
        .select(custom_platforms::methods)
        .for_share()
        .first(conn)
        .optional()?;
    Ok(found.is_some_and(|methods| methods.0.iter().any(|known| known == method)))
}

pub fn insert(conn: &mut Conn, slug: &str, app: Option<AppId>, kept: &Kept) -> Result<()> {
    diesel::insert_into(custom_platforms::table)
        .values((
            custom_platforms::slug.eq(slug),
            custom_platforms::app_id.eq(app),
            custom_platforms::definition.eq(&kept.definition),
            custom_platforms::methods.eq(&kept.methods),
            custom_platforms::answers.eq(&kept.answers),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn update(conn: &mut Conn, slug: &str, kept: &Kept) -> Result<()> {
    diesel::update(custom_platforms::table.find(slug))
        .set((
            custom_platforms::definition.eq(&kept.definition),
            custom_platforms::methods.eq(&kept.methods),
            custom_platforms::answers.eq(&kept.answers),
            custom_platforms::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn delete(conn: &mut Conn, slug: &str) -> Result<()> {
    diesel::delete(custom_platforms::table.find(slug)).execute(conn)?;
    Ok(())
}

/// What uses a platform now.
pub fn in_use(conn: &mut Conn, slug: &str) -> Result<InUse> {
    let living = stores::table
        .filter(stores::platform.eq(slug))
        .filter(stores::status.ne(StoreStatus::Revoked));
    let sessions = connect_sessions::table
        .filter(connect_sessions::platform.eq(slug))
        .filter(connect_sessions::status.eq_any(GOING_ON))
        .filter(connect_sessions::expires_at.gt(llavero_now()))
        .select(count_star())
        .first(conn)?;
    Ok(InUse {
        methods: living.select(stores::method).distinct().load(conn)?,
        stores: living.select(count_star()).first(conn)?,
        sessions,
    })
}

/// Removes the clients registered at a platform that is gone. Those that something still refers to stay, and are
/// returned: their values have to be erased.
pub fn delete_clients(conn: &mut Conn, slug: &str) -> Result<Vec<PlatformAppId>> {
    let of_platform = platform_apps::table.filter(platform_apps::platform.eq(slug));
    let all: Vec<PlatformAppId> = of_platform.select(platform_apps::id).load(conn)?;
    let mut kept: Vec<Option<PlatformAppId>> = credentials::table
        .filter(credentials::platform_app_id.eq_any(&all))
        .select(credentials::platform_app_id)
        .load(conn)?;
    kept.extend(
        stores::table
            .filter(stores::platform_app_id.eq_any(&all))
            .select(stores::platform_app_id)
            .load::<Option<PlatformAppId>>(conn)?,
    );
    kept.extend(
        notices::table
            .filter(notices::platform_app_id.eq_any(&all))
            .select(notices::platform_app_id)
            .load::<Option<PlatformAppId>>(conn)?,
    );
    let (kept, gone): (Vec<_>, Vec<_>) = all.into_iter().partition(|id| kept.contains(&Some(*id)));
    diesel::delete(platform_apps::table.filter(platform_apps::id.eq_any(gone))).execute(conn)?;
    Ok(kept)
}
