//! Messages about stores and platform apps, recorded in the transaction of their cause, one for each incident and reader,
//! and sent by a job. Links are not recorded: the job makes them when it sends.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::events;
use crate::app::App;
use crate::crypto::Sealer;
use crate::db::notices::NewNotice;
use crate::db::platform_apps::PlatformApp;
use crate::db::stores::Store;
use crate::db::webhook_endpoints::Endpoint;
use crate::db::{self, Conn};
use crate::domain::connect::Language;
use crate::domain::event::EventKind;
use crate::domain::id::{AppId, Id, PlatformAppId, StoreId};
use crate::domain::job::{Job, NewJob};
use crate::domain::notice::{Audience, NoticeKind};
use crate::domain::store::{MerchantMail, StatusReason};
use crate::domain::webhook::DisabledReason;

/// How long a link in a message works.
const RECONNECT_DAYS: i64 = 45;
const PURPOSE: &str = "reconnect";

/// The token of a link that lets its bearer re-authorize exactly this store until `expiry`: store id, expiry and MAC, so
/// that nothing has to be stored.
pub fn reconnect_token(sealer: &Sealer, store: StoreId, expiry: DateTime<Utc>) -> String {
    let mut bytes = store.uuid().as_bytes().to_vec();
    bytes.extend_from_slice(&expiry.timestamp().to_be_bytes());
    let mac = sealer.mac(PURPOSE, &bytes);
    bytes.extend_from_slice(&mac);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Store and expiry of a reconnect token, however old; `None`: not one of ours.
pub fn read_reconnect_token(sealer: &Sealer, token: &str) -> Option<(StoreId, DateTime<Utc>)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (message, mac) = bytes.split_at_checked(24)?;
    if !sealer.verify_mac(PURPOSE, message, mac) {
        return None;
    }
    let (store, expiry) = message.split_at_checked(16)?;
    let expiry = DateTime::from_timestamp(i64::from_be_bytes(expiry.try_into().ok()?), 0)?;
    Some((StoreId::from_uuid(uuid::Uuid::from_slice(store).ok()?), expiry))
}

/// When a link made now ends.
pub fn reconnect_expiry(now: DateTime<Utc>) -> DateTime<Utc> {
    now + TimeDelta::days(RECONNECT_DAYS)
}

/// When a link that ends then was made.
pub fn reconnect_made_at(expiry: DateTime<Utc>) -> DateTime<Utc> {
    expiry - TimeDelta::days(RECONNECT_DAYS)
}

/// Tells the partner, the merchant (unless the partner writes to its merchants itself) and the admins. `incident` names what happened,
/// so that it is told once.
pub fn needs_reauthorization(
    conn: &mut Conn,
    app: &App,
    store: &Store,
    reason: StatusReason,
    evidence: &serde_json::Value,
    incident: &str,
) -> db::Result<()> {
    let told = json!({ "reason": reason, "evidence": evidence });
    events::of_store(conn, app, store, EventKind::StoreNeedsReauthorization, incident, told)?;
    let details = json!({ "store": store.name, "platform": store.platform, "reason": reason });
    tell_of_store(conn, app, NoticeKind::NeedsReauthorization, store, incident, &details)
}

/// Tells the same people that a store will need its merchant: `days` ahead of the `deadline`.
pub fn expiring(conn: &mut Conn, app: &App, store: &Store, deadline: DateTime<Utc>, days: i64) -> db::Result<()> {
    let details = json!({ "store": store.name, "platform": store.platform, "deadline": deadline, "days": days });
    let incident = format!("{}.{days}", deadline.timestamp());
    let told = json!({ "deadline": deadline, "days": days });
    events::of_store(conn, app, store, EventKind::StoreExpiring, &incident, told)?;
    tell_of_store(conn, app, NoticeKind::Expiring, store, &incident, &details)
}

/// Tells merchant and admins that a store works again.
pub fn recovered(conn: &mut Conn, app: &App, store: &Store, incident: &str) -> db::Result<()> {
    let details = json!({ "store": store.name, "platform": store.platform });
    tell_of_store(conn, app, NoticeKind::Recovered, store, incident, &details)
}

/// Tells the admins, and the partners whose stores are connected through it, that a platform refuses an OAuth client.
pub fn platform_app_misconfigured(conn: &mut Conn, app: &App, platform_app: &PlatformApp) -> db::Result<()> {
    events::platform_app_misconfigured(conn, app, platform_app)?;
    let details = json!({ "platform": platform_app.platform, "code": platform_app.pause_code });
    tell_of_platform_app(
        conn,
        app,
        NoticeKind::PlatformAppMisconfigured,
        platform_app,
        platform_app.paused_at,
        &details,
    )
}

/// Tells the admins that verdicts are held.
pub fn verdicts_held(
    conn: &mut Conn,
    app: &App,
    platform_app: &PlatformApp,
    refused: i64,
    tried: i64,
) -> db::Result<()> {
    let details = json!({ "platform": platform_app.platform, "refused": refused, "tried": tried });
    tell_of_platform_app(
        conn,
        app,
        NoticeKind::VerdictsHeld,
        platform_app,
        Some(app.now()),
        &details,
    )
}

/// Tells the admins that an app is told of nothing at one of its webhook endpoints any more.
pub fn webhook_endpoint_disabled(
    conn: &mut Conn,
    app: &App,
    endpoint: &Endpoint,
    reason: DisabledReason,
) -> db::Result<()> {
    let kind = NoticeKind::WebhookEndpointDisabled;
    let about = About {
        app: Some(endpoint.app_id),
        store: None,
        platform_app: None,
    };
    // Paths of such addresses may be as good as a key.
    let url = url::Url::parse(&endpoint.url).ok();
    let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
    let details = json!({ "endpoint": host, "disabled": reason });
    let incident = format!("{kind}:{}:{}", endpoint.id, app.now().timestamp());
    tell_admins(conn, app, kind, about, &incident, &details)
}

fn tell_of_store(
    conn: &mut Conn,
    app: &App,
    kind: NoticeKind,
    store: &Store,
    incident: &str,
    details: &serde_json::Value,
) -> db::Result<()> {
    let about = About {
        app: Some(store.app_id),
        store: Some(store.id),
        platform_app: None,
    };
    let incident = format!("{kind}:{}:{incident}", store.id);
    let writes = db::apps::find(conn, store.app_id)?.is_some_and(|owner| owner.merchant_mail == MerchantMail::Llavero);
    if let Some(email) = store.merchant_email.as_deref().filter(|_| writes) {
        let language = store
            .merchant_locale
            .as_deref()
            .and_then(Language::from_tag)
            .unwrap_or(Language::En);
        record(
            conn,
            app,
            kind,
            Audience::Merchant,
            about,
            &incident,
            email,
            language,
            details,
        )?;
    }
    tell_admins(conn, app, kind, about, &incident, details)
}

fn tell_of_platform_app(
    conn: &mut Conn,
    app: &App,
    kind: NoticeKind,
    platform_app: &PlatformApp,
    since: Option<DateTime<Utc>>,
    details: &serde_json::Value,
) -> db::Result<()> {
    let about = About {
        app: platform_app.app_id,
        store: None,
        platform_app: Some(platform_app.id),
    };
    let since = since.unwrap_or_else(|| app.now()).timestamp();
    let incident = format!("{kind}:{}:{since}", platform_app.id);
    tell_admins(conn, app, kind, about, &incident, details)
}

#[derive(Clone, Copy)]
struct About {
    app: Option<AppId>,
    store: Option<StoreId>,
    platform_app: Option<PlatformAppId>,
}

fn tell_admins(
    conn: &mut Conn,
    app: &App,
    kind: NoticeKind,
    about: About,
    incident: &str,
    details: &serde_json::Value,
) -> db::Result<()> {
    for admin in db::admins::list(conn)?
        .into_iter()
        .filter(|admin| admin.disabled_at.is_none())
    {
        record(
            conn,
            app,
            kind,
            Audience::Admins,
            about,
            incident,
            &admin.email,
            Language::En,
            details,
        )?;
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "each is a column")]
fn record(
    conn: &mut Conn,
    app: &App,
    kind: NoticeKind,
    audience: Audience,
    about: About,
    incident: &str,
    recipient: &str,
    language: Language,
    details: &serde_json::Value,
) -> db::Result<()> {
    let notice = app.id();
    let new = NewNotice {
        id: notice,
        kind,
        audience,
        app_id: about.app,
        store_id: about.store,
        platform_app_id: about.platform_app,
        incident: incident.to_owned(),
        recipient: Some(recipient.to_owned()),
        language,
        details: details.clone(),
    };
    if db::notices::insert(conn, &new)? {
        let job = NewJob {
            job: Job::SendNotice { notice },
            app: about.app,
            platform: None,
            due_at: app.now(),
        };
        db::jobs::insert(conn, app.id(), &job)?;
    }
    Ok(())
}
