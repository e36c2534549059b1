//! Sends one recorded message. Whether it is still true is looked up first: a store that works again needs no plea. It is
//! tried for days, for what is wrong is mostly the mail server or its password, which somebody has to notice first.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::broker::{Error, notify};
use crate::db;
use crate::db::jobs::End;
use crate::db::notices::Notice;
use crate::domain::credential::same_deadline;
use crate::domain::id::NoticeId;
use crate::domain::job::Job;
use crate::domain::notice::{Audience, NoticeKind, NoticeStatus};
use crate::domain::store::StoreStatus;
use crate::mail::MailError;
use crate::mail::notices::{self, Facts};

/// Until the first further try to note what was sent; doubles.
const NOTED_AGAIN: Duration = Duration::from_millis(250);
/// Further tries: for a quarter of a minute, far less than a claim lasts.
const NOTED_TRIES: u32 = 6;

pub(super) async fn run(app: &Arc<App>, id: NoticeId, attempts: i32) -> Result<End, Error> {
    let found = app
        .db
        .run::<_, Error, _>(move |conn| {
            let Some(notice) = db::notices::find(conn, id)? else {
                return Ok(None);
            };
            let store = match notice.store_id {
                Some(store) => db::stores::find(conn, store)?,
                None => None,
            };
            let owner = match notice.app_id {
                Some(owner) => db::apps::find(conn, owner)?,
                None => None,
            };
            let deadline = match &store {
                Some(store) => db::credentials::find(conn, store.credential_id)?.and_then(|row| row.reauthorize_by),
                None => None,
            };
            Ok(Some((notice, store, owner, deadline)))
        })
        .await?;
    let Some((notice, store, owner, deadline)) = found else {
        return Ok(End::Done);
    };
    // A failed one comes back when somebody has its job run again.
    if matches!(notice.status, NoticeStatus::Sent | NoticeStatus::Skipped) {
        return Ok(End::Done);
    }
    let status = store.map(|store| store.status);
    let over = match notice.kind {
        NoticeKind::NeedsReauthorization => status != Some(StoreStatus::NeedsReauthorization),
        NoticeKind::Expiring => status != Some(StoreStatus::Connected) || !same_deadline(deadline, announced(&notice)),
        NoticeKind::Recovered => status != Some(StoreStatus::Connected),
        _ => false,
    };
    let Some(recipient) = notice.recipient.clone().filter(|_| !over) else {
        set(app, id, NoticeStatus::Skipped, None).await?;
        return Ok(End::Done);
    };
    let facts = facts(app, &notice, owner.map(|owner| owner.name))?;
    let message = notices::render(&facts, &recipient)
        .map_err(|error| Error::Internal(format!("notice {id} cannot be written: {error}")))?;
    match app.mailer.send(&message).await {
        Ok(()) => {
            note_sent(app, id).await;
            Ok(End::Done)
        }
        Err(MailError::Temporary(why)) if attempts < Job::SendNotice { notice: id }.max_attempts() => {
            tracing::warn!(notice.id = %id, attempts, why, "a notice could not be sent, and is tried again");
            // Its page tells what is wrong while there is time to mend it.
            set(app, id, NoticeStatus::Pending, Some(why.clone())).await?;
            Ok(End::Retry {
                after: back_off(attempts, app.random.fraction()),
                error: why,
            })
        }
        Err(MailError::Temporary(why) | MailError::Permanent(why)) => {
            set(app, id, NoticeStatus::Failed, Some(why.clone())).await?;
            Ok(End::Fail { error: why })
        }
    }
}

/// The first try again comes after 40 s: a mail server needs a while.
pub(super) fn back_off(attempts: i32, jitter: f64) -> Duration {
    super::back_off(attempts + 3, jitter)
}

/// What the text says; the link is made now, so that it is in no table.
fn facts(app: &App, notice: &Notice, app_name: Option<String>) -> Result<Facts, Error> {
    let text = |name: &str| {
        notice
            .details
            .get(name)
            .and_then(|value| value.as_str())
            .map(str::to_owned)
    };
    let number = |name: &str| {
        notice
            .details
            .get(name)
            .and_then(serde_json::Value::as_i64)
            .unwrap_or_default()
    };
    let public = app
        .config
        .public_url
        .as_ref()
        .map(|url| url.as_str().trim_end_matches('/').to_owned());
    let Some(public) = public else {
        return Err(Error::Internal("LLAVERO_PUBLIC_URL is not set".to_owned()));
    };
    let slug = text("platform").unwrap_or_default();
    let platform = app
        .catalogue
        .platform(&slug)
        .map_or(slug, |platform| platform.name.clone());
    let now = app.now();
    let link = match (notice.audience, notice.store_id, notice.kind) {
        (Audience::Merchant, Some(store), NoticeKind::NeedsReauthorization | NoticeKind::Expiring) => {
            let token = notify::reconnect_token(&app.sealer, store, notify::reconnect_expiry(now));
            Some(format!("{public}/reconnect/{token}"))
        }
        (Audience::Admins, Some(store), _) => Some(format!("{public}/admin/stores/{store}")),
        (Audience::Admins, None, NoticeKind::WebhookEndpointDisabled) => {
            notice.app_id.map(|app| format!("{public}/admin/apps/{app}"))
        }
        (Audience::Admins, None, _) => Some(format!("{public}/admin/platforms")),
        _ => None,
    };
    Ok(Facts {
        kind: notice.kind,
        audience: notice.audience,
        language: notice.language,
        app: app_name.unwrap_or_default(),
        platform,
        store: text("store").unwrap_or_default(),
        reason: text("reason").and_then(|reason| reason.parse().ok()),
        code: text("code"),
        deadline: announced(notice),
        refused: number("refused"),
        tried: number("tried"),
        endpoint: text("endpoint").unwrap_or_default(),
        disabled: text("disabled").and_then(|reason| reason.parse().ok()),
        link,
    })
}

/// The deadline that a notice tells of.
fn announced(notice: &Notice) -> Option<DateTime<Utc>> {
    notice.details.get("deadline")?.as_str()?.parse().ok()
}

/// Notes that the mail is out. The job is done whether or not that works: run again, it would send the mail again.
async fn note_sent(app: &App, id: NoticeId) {
    let mut pause = NOTED_AGAIN;
    for _ in 0..NOTED_TRIES {
        match set(app, id, NoticeStatus::Sent, None).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(notice.id = %id, %error, "a notice was sent, which could not be noted yet"),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    if let Err(error) = set(app, id, NoticeStatus::Sent, None).await {
        tracing::error!(notice.id = %id, %error, "a notice was sent, which could not be noted");
    }
}

async fn set(app: &App, id: NoticeId, status: NoticeStatus, error: Option<String>) -> Result<(), Error> {
    Ok(app
        .db
        .run::<_, db::Error, _>(move |conn| db::notices::set_status(conn, id, status, error.as_deref()))
        .await?)
}
