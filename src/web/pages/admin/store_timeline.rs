//! What happened to a store, newest first: the refresh log, jobs, notices and the audit trail in one line of time.

use chrono::{DateTime, SecondsFormat, Utc};

use super::moments::Moment;
use super::words;
use crate::db;
use crate::db::audit::AuditEvent;
use crate::db::jobs::JobRow;
use crate::db::notices::Notice;
use crate::db::refresh_logs::RefreshLog;
use crate::db::stores::Store;
use crate::web::extract::Admin;
use crate::web::parts::{Event, Tone};
use crate::web::{Error, Frame};

/// How many rows of each source are read, and how many of all are shown.
const LIMIT: i64 = 25;

/// Rows of all sources.
#[derive(Default)]
pub(super) struct Sources {
    pub refreshes: Vec<RefreshLog>,
    pub jobs: Vec<JobRow>,
    pub notices: Vec<Notice>,
    pub audit: Vec<AuditEvent>,
}

pub(super) async fn read<R>(by: &Admin<R>, store: &Store) -> Result<Vec<Event>, Error> {
    let (id, credential) = (store.id, store.credential_id);
    let sources = by
        .read(move |conn| {
            Ok(Sources {
                refreshes: db::refresh_logs::list_of_credential(conn, credential, None, LIMIT)?,
                jobs: db::timeline::jobs_of_credential(conn, credential)?,
                notices: db::notices::list(conn, Some(id), None, LIMIT)?,
                audit: db::audit::list(conn, Some(&id.to_string()), None, LIMIT)?,
            })
        })
        .await?;
    Ok(merge(&by.page, by.now(), sources))
}

pub(super) fn merge(page: &Frame, now: DateTime<Utc>, sources: Sources) -> Vec<Event> {
    let mut events: Vec<(DateTime<Utc>, Event)> = Vec::new();
    let mut add = |at: DateTime<Utc>, tone: Tone, title: String, detail: String| {
        let when = Moment::of(page, now, at).long();
        let text = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        events.push((
            at,
            Event {
                tone,
                title,
                at: text,
                when,
                detail,
            },
        ));
    };
    for log in sources.refreshes {
        let badge = words::outcome(page, log.outcome);
        let title = page.say_with("admin-timeline-refresh", [("outcome", &*badge.label)]);
        add(log.started_at, badge.tone, title, of_refresh(page, &log));
    }
    for job in sources.jobs {
        let (kind, badge) = (words::job_kind(page, &job.kind), words::job_status(page, job.status));
        let title = page.say_with("admin-timeline-job", [("kind", &*kind), ("status", &*badge.label)]);
        add(job.due_at, badge.tone, title, job.last_error.unwrap_or_default());
    }
    for notice in sources.notices {
        let (kind, badge) = (
            words::notice_kind(page, notice.kind),
            words::notice_status(page, notice.status),
        );
        let audience = words::audience(page, notice.audience);
        let title = page.say_with("admin-timeline-notice", [("kind", &*kind), ("audience", &*audience)]);
        let detail = [Some(badge.label), notice.error]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(": ");
        add(notice.created_at, badge.tone, title, detail);
    }
    for event in sources.audit {
        let actor = words::actor_kind(page, event.actor_kind);
        let detail = page.say_with("admin-timeline-by", [("actor", &*actor)]);
        add(
            event.at,
            tone_of(&event.action),
            words::action(page, &event.action),
            detail,
        );
    }
    events.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    events.into_iter().map(|(_, event)| event).collect()
}

/// What the platform said, what asked for the refresh, and how long it took.
fn of_refresh(page: &Frame, log: &RefreshLog) -> String {
    let mut parts = vec![words::trigger(page, log.trigger)];
    parts.extend(log.http_status.map(|status| format!("HTTP {status}")));
    parts.extend(log.platform_code.clone());
    // Most details begin with status and code, which stand there already.
    parts.extend(log.detail.clone().filter(|detail| !detail.starts_with("HTTP ")));
    parts.push(format!("{} ms", log.duration_ms));
    parts.push(page.say_with("admin-timeline-attempt", [("attempt", &*log.attempt.to_string())]));
    let saved = |attempt: i64| format!("{}.{attempt}", log.grant_no);
    let (before, after) = (saved(log.saved_before), saved(log.saved_after));
    parts.push(page.say_with("admin-timeline-saved", [("before", &*before), ("after", &*after)]));
    parts.join(" · ")
}

fn tone_of(action: &str) -> Tone {
    match action {
        "store.connected" | "store.reauthorized" => Tone::Good,
        "store.revoked" => Tone::Bad,
        _ => Tone::Idle,
    }
}
