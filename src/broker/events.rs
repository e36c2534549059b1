//! What partners are told of, written in the transaction of its cause, once an incident, and queued there for every
//! endpoint that wants it. Nothing is sent here, and links are not recorded: they are made when an event is sent.

use std::time::Duration;

use serde_json::{Value, json};

use super::refresh::Evidence;
use crate::app::App;
use crate::db::events::NewEvent;
use crate::db::platform_apps::PlatformApp;
use crate::db::stores::Store;
use crate::db::{self, Conn};
use crate::domain::event::EventKind;
use crate::domain::id::{AppId, CredentialId, EventId, StoreId, WebhookDeliveryId, WebhookEndpointId};
use crate::domain::job::{Job, NewJob};
use crate::domain::refresh::{BRAKE_WINDOW, FailureKind};
use crate::domain::store::StoreHealth;
use crate::platform::Failure;

/// Stores of one app and platform that are told as failing within the brake's window. More of them are no matter of
/// theirs but of the platform; `health` shows it on each.
const MOST_FAILING: i64 = 20;
const WINDOW: Duration = BRAKE_WINDOW;

/// Why refreshing fails, for those who are told.
#[derive(Debug, Clone)]
pub struct Trouble {
    class: FailureKind,
    code: Option<String>,
    status: Option<u16>,
    detail: String,
}

impl From<&Failure> for Trouble {
    fn from(failure: &Failure) -> Self {
        Self {
            class: failure.kind,
            code: failure.code.clone(),
            status: failure.status,
            detail: failure.detail.clone(),
        }
    }
}

impl From<&Evidence> for Trouble {
    fn from(evidence: &Evidence) -> Self {
        Self {
            class: evidence.class,
            code: evidence.code.clone(),
            status: evidence.status,
            detail: evidence.detail.clone(),
        }
    }
}

/// Writes an event about a store. `incident` names what happened among the events of that kind and store; `details` are
/// the fields that this kind has beside the store itself.
pub fn of_store(
    conn: &mut Conn,
    app: &App,
    store: &Store,
    kind: EventKind,
    incident: &str,
    details: Value,
) -> db::Result<()> {
    let mut data = details;
    data["store"] = json!({
        "id": store.id,
        "platform": store.platform,
        "method": store.method,
        "platform_store_id": store.platform_store_id,
        "name": store.name,
        "url": store.url,
        "customer_id": store.customer_id,
    });
    let new = NewEvent {
        id: app.id(),
        app_id: store.app_id,
        kind,
        store_id: Some(store.id),
        platform_app_id: None,
        incident: format!("{kind}:{}:{incident}", store.id),
        data,
    };
    append(conn, app, &new)
}

/// Tells every app whose stores are connected through it, and the app that owns it, that a platform refuses an OAuth
/// client.
pub fn platform_app_misconfigured(conn: &mut Conn, app: &App, platform_app: &PlatformApp) -> db::Result<()> {
    let mut told = db::stores::apps_of_client(conn, platform_app.id)?;
    told.extend(platform_app.app_id.filter(|owner| !told.contains(owner)));
    let since = platform_app.paused_at.unwrap_or_else(|| app.now());
    for app_id in told {
        let kind = EventKind::PlatformAppMisconfigured;
        let new = NewEvent {
            id: app.id(),
            app_id,
            kind,
            store_id: None,
            platform_app_id: Some(platform_app.id),
            incident: format!("{kind}:{}:{}", platform_app.id, since.timestamp()),
            data: json!({
                "platform": platform_app.platform,
                "code": platform_app.pause_code,
                "since": since,
                "own": platform_app.app_id == Some(app_id),
            }),
        };
        append(conn, app, &new)?;
    }
    Ok(())
}

/// Sets the health of a credential's stores, and tells of it: once when refreshing begins to fail for what `trouble` says,
/// and once when it is over. Without `trouble` nothing is told of: a held verdict is no store's matter yet. Returns the
/// stores whose health changed.
pub fn health(
    conn: &mut Conn,
    app: &App,
    credential: CredentialId,
    health: StoreHealth,
    trouble: Option<&Trouble>,
) -> db::Result<Vec<StoreId>> {
    let changed = db::stores::set_health(conn, credential, health)?;
    match (health, trouble) {
        (StoreHealth::Ok, _) => {
            for store in db::stores::end_failing(conn, credential)? {
                recovered(conn, app, &store, EventKind::StoreRefreshFailing)?;
            }
        }
        (StoreHealth::RefreshFailing, Some(trouble)) => {
            for store in db::stores::begin_failing(conn, credential, MOST_FAILING, WINDOW)? {
                let details = json!({
                    "failure": {
                        "class": trouble.class,
                        "code": trouble.code,
                        "status": trouble.status,
                        "detail": trouble.detail,
                    },
                });
                // A store's number of its last event names the incident: the next one has another.
                let incident = store.sequence.to_string();
                of_store(conn, app, &store, EventKind::StoreRefreshFailing, &incident, details)?;
            }
        }
        _ => {}
    }
    Ok(changed)
}

/// Tells that a store works again without its merchant; `from` is what was told before.
pub fn recovered(conn: &mut Conn, app: &App, store: &Store, from: EventKind) -> db::Result<()> {
    let incident = store.sequence.to_string();
    let details = json!({ "from": from });
    of_store(conn, app, store, EventKind::StoreRecovered, &incident, details)
}

/// Writes an event and queues it for those who want it.
fn append(conn: &mut Conn, app: &App, new: &NewEvent) -> db::Result<()> {
    if !db::events::append(conn, new)? {
        return Ok(());
    }
    for endpoint in db::webhook_endpoints::subscribed(conn, new.app_id, new.kind)? {
        queue(conn, app, new.app_id, endpoint, new.id)?;
    }
    Ok(())
}

/// Queues an event for one endpoint of the same app.
pub(super) fn queue(
    conn: &mut Conn,
    app: &App,
    owner: AppId,
    endpoint: WebhookEndpointId,
    event: EventId,
) -> db::Result<WebhookDeliveryId> {
    let delivery = db::webhook_deliveries::queue(conn, app.id(), owner, endpoint, event)?;
    let job = NewJob {
        job: Job::DeliverWebhook {
            endpoint,
            delivery: Some(delivery),
        },
        app: Some(owner),
        platform: None,
        due_at: app.now(),
    };
    db::jobs::insert(conn, app.id(), &job)?;
    Ok(delivery)
}
