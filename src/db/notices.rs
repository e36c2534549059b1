//! Notices: messages about stores and platform apps, recorded with their cause, sent by a job, shown to admins.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::notices;
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::connect::Language;
use crate::domain::id::{AppId, NoticeId, PlatformAppId, StoreId};
use crate::domain::notice::{Audience, NoticeKind, NoticeStatus};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = notices)]
pub struct Notice {
    pub id: NoticeId,
    pub kind: NoticeKind,
    pub audience: Audience,
    pub app_id: Option<AppId>,
    pub store_id: Option<StoreId>,
    pub platform_app_id: Option<PlatformAppId>,
    pub incident: String,
    pub recipient: Option<String>,
    pub language: Language,
    pub details: serde_json::Value,
    pub status: NoticeStatus,
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = notices)]
pub struct NewNotice {
    pub id: NoticeId,
    pub kind: NoticeKind,
    pub audience: Audience,
    pub app_id: Option<AppId>,
    pub store_id: Option<StoreId>,
    pub platform_app_id: Option<PlatformAppId>,
    pub incident: String,
    pub recipient: Option<String>,
    pub language: Language,
    pub details: serde_json::Value,
}

/// Records a notice; false: this incident was told to that recipient already.
pub fn insert(conn: &mut Conn, new: &NewNotice) -> Result<bool> {
    let inserted = diesel::insert_into(notices::table)
        .values(new)
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(inserted == 1)
}

pub fn find(conn: &mut Conn, id: NoticeId) -> Result<Option<Notice>> {
    Ok(notices::table
        .find(id)
        .select(Notice::as_select())
        .first(conn)
        .optional()?)
}

/// Notes what became of a notice; `error` says why it was not sent.
pub fn set_status(conn: &mut Conn, id: NoticeId, status: NoticeStatus, error: Option<&str>) -> Result<()> {
    let sent_at = (status == NoticeStatus::Sent).then(|| notices::sent_at.eq(llavero_now().nullable()));
    diesel::update(notices::table.find(id))
        .set((notices::status.eq(status), notices::error.eq(error), sent_at))
        .execute(conn)?;
    Ok(())
}

/// Notices before `before`, newest first; of one store or of all.
pub fn list(conn: &mut Conn, store: Option<StoreId>, before: Option<NoticeId>, limit: i64) -> Result<Vec<Notice>> {
    let mut query = notices::table
        .select(Notice::as_select())
        .order(notices::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(store) = store {
        query = query.filter(notices::store_id.eq(store));
    }
    if let Some(before) = before {
        query = query.filter(notices::id.lt(before));
    }
    Ok(query.load(conn)?)
}

/// Removes notices made before `before`; returns how many.
pub fn delete_before(conn: &mut Conn, before: DateTime<Utc>) -> Result<usize> {
    Ok(diesel::delete(notices::table)
        .filter(notices::created_at.lt(before))
        .execute(conn)?)
}
