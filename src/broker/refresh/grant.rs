//! From a platform's answer to the columns of a credential: expiries count from the moment the request was sent, what the
//! answer says wins over the catalogue, and the timer is set so that no refresh token dies idle.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::App;
use crate::crypto::Random;
use crate::db::credentials::{Credential, Granted};
use crate::db::types::Texts;
use crate::db::{self, Conn};
use crate::domain::credential::{announcement, next_announcement, same_deadline, timer_at};
use crate::domain::id::{AppId, CredentialId};
use crate::domain::job::{Job, NewJob};
use crate::domain::lease::{Reuse, Terms};
use crate::platform::Method;
use crate::platform::descriptor::{Grace, Renewal};
use crate::platform::obtain::Grant;

/// Over this time refresh tokens of an unknown age are exchanged for new ones.
const UNKNOWN_AGE: Duration = Duration::from_secs(6 * 60 * 60);

pub(super) fn after(at: DateTime<Utc>, life: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(life)
        .ok()
        .and_then(|life| at.checked_add_signed(life))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Life times of a new grant. `values_sealed` is left for the caller, who knows the row: see [`super::seal_values`].
pub fn granted(grant: &Grant, method: &Method, sent_at: DateTime<Utc>, now: DateTime<Utc>, random: &Random) -> Granted {
    let access_expires_at = grant
        .access_expires_in
        .or(method.lifetimes.access)
        .map(|life| after(sent_at, life));
    let renewable = method.renewal == Renewal::RefreshToken && grant.values.get("refresh_token").is_some();
    let refresh_expires_at = grant
        .refresh_expires_in
        .or(method.lifetimes.refresh)
        .filter(|_| renewable)
        .map(|life| after(sent_at, life));
    let moves = method.lifetimes.refresh_moves;
    let refresh_at = match method.renewal {
        Renewal::RefreshToken if renewable => timer_at(sent_at, refresh_expires_at, moves, random.fraction()),
        // Nothing will renew it: the timer notices its end.
        Renewal::RefreshToken => access_expires_at,
        Renewal::AskAgain | Renewal::Never => None,
    };
    // The deadline that no refreshing moves.
    let authorization = grant.authorization_expires_in.or(method.lifetimes.authorization);
    let told = authorization.map(|life| after(sent_at, life));
    let reauthorize_by = match method.renewal {
        Renewal::RefreshToken if renewable && told.is_some() => told,
        Renewal::AskAgain => None,
        Renewal::RefreshToken if renewable => refresh_expires_at.filter(|_| !moves),
        Renewal::RefreshToken | Renewal::Never => access_expires_at,
    };
    Granted {
        values_sealed: None,
        access_issued_at: Some(sent_at),
        access_expires_at,
        refresh_expires_at,
        reauthorize_by,
        refresh_at: refresh_at.map(|at| at.max(now)),
        scopes: grant.scopes.clone().map(Texts),
    }
}

/// A grant whose refresh token may have been issued at any time before: the first refresh, which brings one of a known
/// age, comes within hours, or within a tenth of its life if that is less; spread, for such grants come in bulk.
pub fn of_unknown_age(granted: Granted, method: &Method, now: DateTime<Utc>, random: &Random) -> Granted {
    // Nor does anybody know when the merchant consented.
    let granted = match method.lifetimes.authorization {
        Some(_) => Granted {
            reauthorize_by: None,
            ..granted
        },
        None => granted,
    };
    let (Some(at), Some(ends)) = (granted.refresh_at, granted.refresh_expires_at) else {
        return granted;
    };
    let life = (ends - now).to_std().unwrap_or_default();
    let within = UNKNOWN_AGE.min(life / 10).mul_f64(random.fraction());
    Granted {
        refresh_at: Some(at.min(after(now, within))),
        ..granted
    }
}

/// Life times after a refresh: what neither the answer tells nor refreshing moves stays as it was. `grant` holds the
/// refresh token that goes on being used, new or kept.
pub(super) fn renewed(
    grant: &Grant,
    method: &Method,
    before: &Credential,
    sent_at: DateTime<Utc>,
    now: DateTime<Utc>,
    random: &Random,
) -> Granted {
    let mut granted = granted(grant, method, sent_at, now, random);
    if !method.lifetimes.refresh_moves && grant.refresh_expires_in.is_none() {
        granted.refresh_expires_at = before.refresh_expires_at;
        granted.reauthorize_by = before.reauthorize_by;
    }
    // Counted from the consent, which this answer does not tell.
    if method.lifetimes.authorization.is_some() && grant.authorization_expires_in.is_none() {
        granted.reauthorize_by = before.reauthorize_by;
    }
    // An answer that says no more of the end, or says the same again some seconds off, leaves it where it was: what is
    // announced, and what was, goes by it.
    if granted.reauthorize_by.is_none() || same_deadline(granted.reauthorize_by, before.reauthorize_by) {
        granted.reauthorize_by = before.reauthorize_by;
    }
    granted.scopes = granted.scopes.or_else(|| before.scopes.clone());
    granted
}

/// The first jobs of a new grant, in the transaction that writes it: its timer, or the verify call of what cannot be
/// renewed; and the announcement of its deadline.
pub fn first_jobs(
    conn: &mut Conn,
    app: &App,
    credential: CredentialId,
    owner: AppId,
    platform: &str,
    method: &Method,
    granted: &Granted,
) -> db::Result<()> {
    if let Some(due_at) = granted.refresh_at {
        let job = Job::RefreshCredential { credential };
        let new = NewJob {
            job,
            app: Some(owner),
            platform: Some(platform.to_owned()),
            due_at,
        };
        db::jobs::insert(conn, app.id(), &new)?;
    }
    if method.renewal == Renewal::Never {
        let job = Job::VerifyCredential { credential };
        let due_at = next_verification(app);
        let new = NewJob {
            job,
            app: Some(owner),
            platform: Some(platform.to_owned()),
            due_at,
        };
        db::jobs::insert(conn, app.id(), &new)?;
    }
    announce(conn, app, credential, owner, platform, granted.reauthorize_by)
}

/// The next announcement of the deadline that refreshing does not move, in the transaction that writes it.
pub(crate) fn announce(
    conn: &mut Conn,
    app: &App,
    credential: CredentialId,
    owner: AppId,
    platform: &str,
    deadline: Option<DateTime<Utc>>,
) -> db::Result<()> {
    match next_of(app, credential, owner, platform, deadline) {
        Some(new) => db::jobs::insert(conn, app.id(), &new),
        None => Ok(()),
    }
}

/// The same where a refresh has moved the deadline of `before`. An announcement that waits for its worker, and is due with
/// the new deadline as well, stays due: moved on to the next one, it would never be made.
pub(super) fn announce_moved(
    conn: &mut Conn,
    app: &App,
    before: &Credential,
    deadline: Option<DateTime<Utc>>,
) -> db::Result<()> {
    let Some(new) = next_of(app, before.id, before.app_id, &before.platform, deadline) else {
        return Ok(());
    };
    let due = |deadline: Option<DateTime<Utc>>| announcement(deadline?, app.now());
    match due(deadline) {
        Some(days) if due(before.reauthorize_by) == Some(days) => db::jobs::insert_unless_due(conn, app.id(), &new),
        _ => db::jobs::insert(conn, app.id(), &new),
    }
}

fn next_of(
    app: &App,
    credential: CredentialId,
    owner: AppId,
    platform: &str,
    deadline: Option<DateTime<Utc>>,
) -> Option<NewJob> {
    Some(NewJob {
        job: Job::AnnounceDeadline { credential },
        app: Some(owner),
        platform: Some(platform.to_owned()),
        due_at: next_announcement(deadline?, app.now())?,
    })
}

/// Spread over days: two to four from now.
pub(crate) fn next_verification(app: &App) -> DateTime<Utc> {
    let days = Duration::from_secs(24 * 60 * 60);
    after(app.now(), days * 2 + (days * 2).mul_f64(app.random.fraction()))
}

/// What the protocol must know of a connect method.
pub(super) fn terms(method: &Method, journal_wait: Duration) -> Terms {
    let reuse = match (method.renewal, method.grace) {
        (Renewal::AskAgain, _) | (_, Grace::NotRotating) => Reuse::Always,
        (_, Grace::None) => Reuse::Never,
        (_, Grace::SamePair(time) | Grace::AnotherPair(time)) => Reuse::Within(time),
        (_, Grace::Replaces(time)) => Reuse::Replacing(time),
        (_, Grace::UntilFirstUse(time)) => Reuse::UntilFirstUse(time),
    };
    Terms {
        reuse,
        call_limit: method.call_limit,
        journal_wait,
    }
}
