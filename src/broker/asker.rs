//! On whose behalf a use case runs: who it was for the audit trail, and which app's data it may touch. A use case that
//! loads a row through an asker cannot reach another app's.

use crate::db;
use crate::db::audit::NewAuditEvent;
use crate::db::stores::Store;
use crate::domain::admin::Actor;
use crate::domain::id::{AppId, AuditEventId, StoreId};

/// Who asks.
#[derive(Debug, Clone)]
pub struct Asker {
    pub actor: Actor,
    /// The only app whose data may be touched; `None`: any (admins, commands, the program itself).
    pub app: Option<AppId>,
    pub request_id: Option<String>,
}

impl Asker {
    /// Somebody with a link to one of this app's pages.
    pub fn merchant(app: AppId) -> Self {
        Self {
            actor: Actor::merchant(),
            app: Some(app),
            request_id: None,
        }
    }

    /// A store that the asker may see; another app's is not found.
    pub fn store(&self, conn: &mut db::Conn, id: StoreId) -> db::Result<Option<Store>> {
        match self.app {
            Some(app) => db::stores::find_of(conn, app, id),
            None => db::stores::find(conn, id),
        }
    }

    /// The row of the audit trail for something that this asker did.
    pub fn did(
        &self,
        id: AuditEventId,
        app: AppId,
        action: &'static str,
        subject: impl ToString,
        details: serde_json::Value,
    ) -> NewAuditEvent {
        NewAuditEvent {
            id,
            app: Some(app),
            actor: self.actor.clone(),
            action,
            subject: subject.to_string(),
            details,
            request_id: self.request_id.clone(),
        }
    }
}
