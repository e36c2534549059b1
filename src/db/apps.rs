//! Apps: one integration of a partner each.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::apps;
use super::types::{Texts, llavero_now};
use super::{Conn, Result, listen};
use crate::domain::id::{AppId, PartnerId};
use crate::domain::store::{MerchantMail, Mode};

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = apps)]
pub struct App {
    pub id: AppId,
    pub partner_id: PartnerId,
    pub name: String,
    pub logo_url: Option<String>,
    pub mode: Mode,
    pub return_urls: Texts,
    pub merchant_mail: MerchantMail,
    pub expose_credentials: bool,
    pub signing_secret_sealed: Vec<u8>,
    pub previous_signing_secret_sealed: Option<Vec<u8>>,
    /// From when the next signing secret signs, while a roll-over lasts.
    pub signing_secret_changes_at: Option<DateTime<Utc>>,
    /// Return URLs carry the access token, in EcartAPI's form.
    pub ecartapi_redirect: bool,
    pub created_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = apps)]
pub struct NewApp<'a> {
    pub id: AppId,
    pub partner_id: PartnerId,
    pub name: &'a str,
    pub mode: Mode,
    pub return_urls: Texts,
    pub signing_secret_sealed: &'a [u8],
}

pub fn insert(conn: &mut Conn, app: &NewApp<'_>) -> Result<()> {
    diesel::insert_into(apps::table).values(app).execute(conn)?;
    Ok(())
}

pub fn find(conn: &mut Conn, id: AppId) -> Result<Option<App>> {
    Ok(apps::table.find(id).select(App::as_select()).first(conn).optional()?)
}

/// Locks an app until the transaction ends; what refers to it can be written meanwhile.
pub fn lock(conn: &mut Conn, id: AppId) -> Result<()> {
    let _: Option<AppId> = apps::table
        .find(id)
        .for_no_key_update()
        .select(apps::id)
        .first(conn)
        .optional()?;
    Ok(())
}

pub fn list(conn: &mut Conn) -> Result<Vec<App>> {
    Ok(apps::table.order(apps::id).select(App::as_select()).load(conn)?)
}

/// Changes name, logo and return URLs; false: no such app.
pub fn update(
    conn: &mut Conn,
    id: AppId,
    name: &str,
    logo_url: Option<&str>,
    return_urls: Texts,
    merchant_mail: MerchantMail,
) -> Result<bool> {
    let changed = diesel::update(apps::table.find(id))
        .set((
            apps::name.eq(name),
            apps::logo_url.eq(logo_url),
            apps::return_urls.eq(return_urls),
            apps::merchant_mail.eq(merchant_mail),
            apps::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    listen::notify_app(conn, id)?;
    Ok(changed == 1)
}
