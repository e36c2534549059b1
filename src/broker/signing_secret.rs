//! The secret that signs an app's return URLs, and its roll-over: the next secret is made and shown while the one before
//! still signs, so that the partner can learn it first. The next one signs from a chosen time on, or as soon as somebody
//! finishes the roll-over. A secret that leaked is rolled over without such a time.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::Error;
use super::apps::{audit, invalid};
use crate::app::App;
use crate::crypto::Place;
use crate::db;
use crate::domain::access_token::{self, TokenKind};
use crate::domain::admin::Actor;
use crate::domain::id::{AppId, Id};
use crate::domain::secret::Secret;

/// The longest time for which a secret may sign after its successor was made.
pub const LONGEST_OVERLAP: TimeDelta = TimeDelta::days(90);

/// A secret made in place of another.
#[derive(Debug, Clone)]
pub struct RolledSecret {
    pub secret: Secret,
    /// From when it signs; now, if no overlap was asked for.
    pub signs_from: DateTime<Utc>,
}

/// Where an app's sealed signing secret stands; during a roll-over the next one.
pub fn signing_secret_place(app: AppId) -> Place<'static> {
    Place {
        table: "apps",
        column: "signing_secret_sealed",
        row: app.uuid(),
    }
}

fn previous_place(app: AppId) -> Place<'static> {
    Place {
        column: "previous_signing_secret_sealed",
        ..signing_secret_place(app)
    }
}

/// From when the next secret signs; `None`: no roll-over is under way.
pub fn changes_at(row: &db::apps::App, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    row.signing_secret_changes_at.filter(|change| now < *change)
}

/// The secret that signs now: while a roll-over lasts, the one before.
pub fn signing(app: &App, row: &db::apps::App) -> Result<Secret, Error> {
    let unreadable = |why: String| Error::Internal(format!("the signing secret of {}: {why}", row.id));
    let previous = row.previous_signing_secret_sealed.as_ref();
    let (place, sealed) = match previous.filter(|_| changes_at(row, app.now()).is_some()) {
        Some(sealed) => (previous_place(row.id), sealed),
        None => (signing_secret_place(row.id), &row.signing_secret_sealed),
    };
    let opened = app
        .sealer
        .open(place, sealed)
        .map_err(|error| unreadable(error.to_string()))?;
    let text = std::str::from_utf8(opened.expose()).map_err(|_| unreadable("is no text".to_owned()))?;
    Ok(Secret::new(text))
}

/// As [`signing`], of the app with this id.
pub async fn signing_secret(app: &Arc<App>, id: AppId) -> Result<Secret, Error> {
    let found = app.db.run(move |conn| db::apps::find(conn, id)).await?;
    signing(app, &found.ok_or(Error::NotFound)?)
}

/// Makes the next signing secret, shown now. The one that signs goes on for `overlap`, or until [`finish_signing_roll`];
/// rolling again before replaces only the next one.
///
/// `Invalid`: the overlap is negative or longer than 90 days. `NotFound`: no such app.
pub async fn roll_signing_secret(
    app: &Arc<App>,
    id: AppId,
    overlap: TimeDelta,
    actor: Actor,
) -> Result<RolledSecret, Error> {
    if overlap < TimeDelta::zero() || overlap > LONGEST_OVERLAP {
        return Err(invalid("overlap", "0 to 90 days"));
    }
    let signs_from = app.now() + overlap;
    let before = signing_secret(app, id).await?;
    let secret = access_token::mint(TokenKind::SigningSecret, app.random.bytes());
    let sealed = app.sealer.seal(signing_secret_place(id), secret.expose().as_bytes());
    let previous = app.sealer.seal(previous_place(id), before.expose().as_bytes());
    let details = serde_json::json!({ "signs_from": signs_from });
    let event = audit(
        app,
        actor,
        Some(id),
        "app.signing_secret_rolled",
        id.to_string(),
        details,
    );
    app.db
        .transaction(move |conn| {
            let kept = (!overlap.is_zero()).then_some((previous.as_slice(), signs_from));
            if !db::app_list::set_signing_secrets(conn, id, &sealed, kept)? {
                return Err(Error::NotFound);
            }
            db::audit::insert(conn, &event)?;
            Ok(())
        })
        .await?;
    Ok(RolledSecret { secret, signs_from })
}

/// Ends a roll-over: returns are signed with the next secret from now on, and the one before is erased.
///
/// `NotFound`: no such app, or no roll-over is under way.
pub async fn finish_signing_roll(app: &Arc<App>, id: AppId, actor: Actor) -> Result<(), Error> {
    let details = serde_json::json!({});
    let action = "app.signing_secret_finished";
    let event = audit(app, actor, Some(id), action, id.to_string(), details);
    app.db
        .transaction(move |conn| {
            if !db::app_list::forget_previous_signing_secret(conn, id)? {
                return Err(Error::NotFound);
            }
            db::audit::insert(conn, &event)?;
            Ok(())
        })
        .await
}
