//! The audit trail: append-only, one row for each thing somebody did.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::audit_events;
use super::{Conn, Result};
use crate::domain::admin::{Actor, ActorKind};
use crate::domain::id::{AppId, AuditEventId};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = audit_events)]
pub struct AuditEvent {
    pub id: AuditEventId,
    pub app_id: Option<AppId>,
    pub actor_kind: ActorKind,
    pub actor: Option<String>,
    pub action: String,
    pub subject: String,
    pub details: serde_json::Value,
    pub request_id: Option<String>,
    pub at: DateTime<Utc>,
}

/// What to record. `details` never holds a secret.
#[derive(Debug, Clone)]
pub struct NewAuditEvent {
    pub id: AuditEventId,
    pub app: Option<AppId>,
    pub actor: Actor,
    pub action: &'static str,
    pub subject: String,
    pub details: serde_json::Value,
    pub request_id: Option<String>,
}

pub fn insert(conn: &mut Conn, event: &NewAuditEvent) -> Result<()> {
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::id.eq(event.id),
            audit_events::app_id.eq(event.app),
            audit_events::actor_kind.eq(event.actor.kind),
            audit_events::actor.eq(event.actor.id.as_deref()),
            audit_events::action.eq(event.action),
            audit_events::subject.eq(&event.subject),
            audit_events::details.eq(&event.details),
            audit_events::request_id.eq(event.request_id.as_deref()),
        ))
        .execute(conn)?;
    Ok(())
}

/// The newest events before `before`, of one subject or of all.
pub fn list(
    conn: &mut Conn,
    subject: Option<&str>,
    before: Option<AuditEventId>,
    limit: i64,
) -> Result<Vec<AuditEvent>> {
    let mut query = audit_events::table
        .select(AuditEvent::as_select())
        .order(audit_events::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(subject) = subject {
        query = query.filter(audit_events::subject.eq(subject.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(audit_events::id.lt(before));
    }
    Ok(query.load(conn)?)
}
