//! `GET /v1/events`: everything that was or would have been delivered, newest first, for 30 days.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::page::Ask;
use super::stores::Moment;
use super::{Answer, ok};
use crate::db;
use crate::db::events::{Event, EventFilter};
use crate::domain::event::EventKind;
use crate::domain::id::{EventId, StoreId};
use crate::web::extract::{Params, PartnerKey, StoresRead};

/// An event; the merchant's links are made when it is sent, so they are only in what is delivered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(super) struct EventJson {
    id: EventId,
    #[serde(rename = "type")]
    kind: EventKind,
    store_id: Option<StoreId>,
    /// Grows by one with each event of a store.
    store_sequence: Option<i64>,
    #[schema(value_type = Object)]
    data: Value,
    created_at: DateTime<Utc>,
}

impl EventJson {
    fn of(event: Event) -> Self {
        Self {
            id: event.id,
            kind: event.kind,
            store_id: event.store_id,
            store_sequence: event.store_sequence,
            data: event.data,
            created_at: event.created_at,
        }
    }
}

pub async fn list(by: PartnerKey<StoresRead>, mut params: Params) -> Answer {
    let ask = Ask::<EventId>::of(&mut params)?;
    let moment = "a time such as 2026-12-31T00:00:00Z";
    let filter = EventFilter {
        kinds: params.parsed("type", "the type of an event").into_iter().collect(),
        store: params.parsed("store_id", "the id of a store"),
        since: params.parsed::<Moment>("since", moment).map(|at| at.0),
        until: params.parsed::<Moment>("until", moment).map(|at| at.0),
    };
    params.finish()?;
    let (app, after, rows) = (by.app.id, ask.after, ask.rows());
    let found = by
        .tools
        .db
        .run::<_, db::Error, _>(move |conn| db::events::list(conn, app, &filter, after, rows))
        .await?;
    ok(&ask.page(found, |event| event.id, EventJson::of))
}
