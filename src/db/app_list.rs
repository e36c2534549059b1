//! Apps with their partners as admins list them, and the changes of an app that only admins make.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::apps::App;
use super::schema::{apps, partners};
use super::types::llavero_now;
use super::{Conn, Result, listen};
use crate::domain::id::AppId;

/// All apps with the partner's name, by name.
pub fn list(conn: &mut Conn) -> Result<Vec<(App, String)>> {
    Ok(apps::table
        .inner_join(partners::table)
        .order((apps::name, apps::id))
        .select((App::as_select(), partners::name))
        .load(conn)?)
}

pub fn find(conn: &mut Conn, id: AppId) -> Result<Option<(App, String)>> {
    Ok(apps::table
        .find(id)
        .inner_join(partners::table)
        .select((App::as_select(), partners::name))
        .first(conn)
        .optional()?)
}

/// What an app does only if its owner wants it.
pub fn set_options(conn: &mut Conn, id: AppId, expose_credentials: bool, ecartapi_redirect: bool) -> Result<()> {
    diesel::update(apps::table.find(id))
        .set((
            apps::expose_credentials.eq(expose_credentials),
            apps::ecartapi_redirect.eq(ecartapi_redirect),
            apps::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    listen::notify_app(conn, id)
}

/// Replaces the signing secret, and puts the one that signs until then before it; `None`: none does. False: no such app.
pub fn set_signing_secrets(
    conn: &mut Conn,
    id: AppId,
    sealed: &[u8],
    previous: Option<(&[u8], DateTime<Utc>)>,
) -> Result<bool> {
    let changed = diesel::update(apps::table.find(id))
        .set((
            apps::signing_secret_sealed.eq(sealed),
            apps::previous_signing_secret_sealed.eq(previous.map(|previous| previous.0)),
            apps::signing_secret_changes_at.eq(previous.map(|previous| previous.1)),
            apps::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    listen::notify_app(conn, id)?;
    Ok(changed == 1)
}

/// Erases the secret that a roll-over began with; false: none is under way.
pub fn forget_previous_signing_secret(conn: &mut Conn, id: AppId) -> Result<bool> {
    let changed = diesel::update(apps::table.find(id))
        .filter(apps::previous_signing_secret_sealed.is_not_null())
        .set((
            apps::previous_signing_secret_sealed.eq(None::<Vec<u8>>),
            apps::signing_secret_changes_at.eq(None::<DateTime<Utc>>),
            apps::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    listen::notify_app(conn, id)?;
    Ok(changed == 1)
}

/// Erases the secrets whose roll-over has ended by itself: nothing is signed with them any more.
pub fn erase_ended_signing_secrets(conn: &mut Conn) -> Result<usize> {
    let erased = diesel::update(apps::table)
        .filter(apps::signing_secret_changes_at.le(llavero_now().nullable()))
        .set((
            apps::previous_signing_secret_sealed.eq(None::<Vec<u8>>),
            apps::signing_secret_changes_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?;
    Ok(erased)
}
