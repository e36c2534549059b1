//! The brake: so many stores refused at once are a platform's fault, or ours, and no verdict on them. Those of one platform
//! app are counted together; where stores have keys or clients of their own, those of one app and platform.

use crate::app::App;
use crate::broker::{Error, notify};
use crate::db::credentials::Credential;
use crate::db::{self, Conn};
use crate::domain::refresh::{self, BRAKE_WINDOW, FailureKind};

/// The brake: whether this verdict, a new one included, has to wait. A credential that was asked again after verdicts
/// were held is believed.
pub(super) fn hold(conn: &mut Conn, app: &App, row: &Credential) -> Result<bool, Error> {
    let Some(id) = row.platform_app_id else {
        return hold_alone(conn, app, row);
    };
    // Locked, so that verdicts that come at once are counted one after the other.
    let Some(platform_app) = db::pauses::lock(conn, id)? else {
        return Ok(false);
    };
    if platform_app.verdicts_held_at.is_some() {
        return Ok(true);
    }
    if row.held_verdict_at.is_some() {
        return Ok(false);
    }
    let counted = db::refresh_logs::count_refusals(conn, id, row.id, BRAKE_WINDOW)?;
    // This refusal is not counted yet.
    if !refresh::brake(counted.tried + 1, counted.refused + 1) {
        return Ok(false);
    }
    if db::pauses::hold_verdicts(conn, id)? {
        tracing::error!(platform_app.id = %id, "too many stores were refused at once: verdicts are held");
        notify::verdicts_held(conn, app, &platform_app, counted.refused + 1, counted.tried + 1)?;
    }
    Ok(true)
}

/// The same where stores share nothing of ours with others, but the platform. What was held once is held until another
/// was renewed there, for a day at most.
fn hold_alone(conn: &mut Conn, app: &App, row: &Credential) -> Result<bool, Error> {
    let mut within = BRAKE_WINDOW;
    if let Some(since) = row
        .failing_since
        .filter(|_| row.last_failure == Some(FailureKind::Dead))
    {
        if refresh::unknown_for_long(Some(since), app.now()) || db::refusals::renewed_likewise(conn, row, since)? {
            return Ok(false);
        }
        within += (app.now() - since).to_std().unwrap_or_default();
    }
    let counted = db::refusals::count_likewise(conn, row, within)?;
    let held = refresh::brake(counted.tried + 1, counted.refused + 1);
    if held {
        tracing::error!(credential.id = %row.id, platform = %row.platform, "too many stores are refused at once: not believed");
    }
    Ok(held)
}
