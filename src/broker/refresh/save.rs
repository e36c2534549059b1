//! A complete answer, from the journal to the row. Between the platform's answer and the save nothing else happens: the
//! sealed answer is on disk first, then one guarded write stands in a transaction with the credential's next job, its
//! stores and its NOTIFY. The same function saves what is found in journals at the start and while the database is back.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::grant::announce_moved;
use super::pairs::{self, Pairs, token};
use crate::app::App;
use crate::broker::{Error, events, notify};
use crate::crypto::Place;
use crate::db::credentials::{Credential, Granted};
use crate::db::leases::{self, Saving};
use crate::db::types::Texts;
use crate::db::{self, Conn};
use crate::domain::event::EventKind;
use crate::domain::id::{CredentialId, Id};
use crate::domain::job::{Job, NewJob};
use crate::domain::lease::{self, Save};
use crate::domain::secret::SecretBytes;
use crate::domain::store::{StatusReason, StoreHealth, StoreStatus};
use crate::journal::Entry;
use crate::platform::Values;

/// A complete, good answer with everything its save needs.
pub struct Answered {
    pub credential: CredentialId,
    pub grant_no: i64,
    pub attempt: i64,
    /// All values of the credential, the new pair among them.
    pub values: Values,
    /// The refresh token that was sent for it.
    pub sent: Option<String>,
    pub granted: Granted,
    /// It brought the access token that we had.
    pub unchanged: bool,
}

/// As it stands in the journal.
#[derive(Serialize, Deserialize)]
struct Written {
    values: serde_json::Value,
    sent: Option<String>,
    access_issued_at: Option<DateTime<Utc>>,
    access_expires_at: Option<DateTime<Utc>>,
    refresh_expires_at: Option<DateTime<Utc>>,
    reauthorize_by: Option<DateTime<Utc>>,
    refresh_at: Option<DateTime<Utc>>,
    scopes: Option<Vec<String>>,
    unchanged: bool,
}

fn place(credential: CredentialId) -> Place<'static> {
    Place {
        table: "journal",
        column: "entry_sealed",
        row: credential.uuid(),
    }
}

impl Answered {
    pub(super) fn entry(&self, app: &App) -> Entry {
        let written = Written {
            values: serde_json::from_slice(self.values.to_bytes().expose()).unwrap_or_default(),
            sent: self.sent.clone(),
            access_issued_at: self.granted.access_issued_at,
            access_expires_at: self.granted.access_expires_at,
            refresh_expires_at: self.granted.refresh_expires_at,
            reauthorize_by: self.granted.reauthorize_by,
            refresh_at: self.granted.refresh_at,
            scopes: self.granted.scopes.clone().map(|scopes| scopes.0),
            unchanged: self.unchanged,
        };
        let bytes = SecretBytes::new(serde_json::to_vec(&written).unwrap_or_default());
        Entry {
            credential: self.credential,
            grant_no: self.grant_no,
            attempt: self.attempt,
            sealed: app.sealer.seal(place(self.credential), bytes.expose()),
        }
    }

    pub(super) fn read(app: &App, entry: &Entry) -> Result<Self, Error> {
        let broken = |why: String| Error::Internal(format!("journal entry of {} {why}", entry.credential));
        let opened = app
            .sealer
            .open(place(entry.credential), &entry.sealed)
            .map_err(|error| broken(format!("cannot be opened: {error}")))?;
        let written: Written =
            serde_json::from_slice(opened.expose()).map_err(|_| broken("is malformed".to_owned()))?;
        let values = SecretBytes::new(written.values.to_string());
        Ok(Self {
            credential: entry.credential,
            grant_no: entry.grant_no,
            attempt: entry.attempt,
            values: Values::from_bytes(values.expose()).map_err(|_| broken("is malformed".to_owned()))?,
            sent: written.sent,
            granted: Granted {
                values_sealed: None,
                access_issued_at: written.access_issued_at,
                access_expires_at: written.access_expires_at,
                refresh_expires_at: written.refresh_expires_at,
                reauthorize_by: written.reauthorize_by,
                refresh_at: written.refresh_at,
                scopes: written.scopes.map(Texts),
            },
            unchanged: written.unchanged,
        })
    }
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is what is saved now.
    Written,
    /// A newer answer or grant was saved before.
    Superseded,
}

/// The guarded save. Safe to run twice, and after a commit whose answer was lost.
pub(super) async fn save(app: &Arc<App>, answered: Arc<Answered>) -> Result<Saved, Error> {
    let tools = app.clone();
    app.db.repeatable(move |conn| save_in(conn, &tools, &answered)).await
}

/// The same inside a transaction: decides on the locked row, and writes all that goes with it.
pub fn save_in(conn: &mut Conn, app: &App, answered: &Answered) -> Result<Saved, Error> {
    let Some(row) = leases::lock(conn, answered.credential)? else {
        return Ok(Saved::Superseded);
    };
    if row.grant_no != answered.grant_no {
        return Ok(Saved::Superseded);
    }
    let mut pairs = Pairs::open(&app.sealer, &row)?;
    let same = token(&answered.values) == token(&pairs.saved);
    let sent_saved = answered.sent.as_deref() == token(&pairs.saved);
    let decided = lease::save(&row.lease(), answered.grant_no, answered.attempt, same, sent_saved);
    match decided {
        Save::Write {
            spare_saved,
            ends_doubt,
            clears_lease,
        } => {
            if spare_saved {
                let replaced = std::mem::take(&mut pairs.saved);
                pairs.keep(row.saved_attempt, replaced);
                pairs.forget(token(&answered.values));
                for spare in &mut pairs.spares {
                    spare.refused = false;
                }
            } else {
                pairs.spares.clear();
            }
            pairs.saved_refused = false;
            let saving = Saving {
                grant_no: answered.grant_no,
                attempt: answered.attempt,
                ends_doubt,
                clears_lease,
                spares_sealed: pairs.seal_spares(&app.sealer),
                retry_at: answered.granted.access_expires_at.filter(|_| answered.unchanged),
            };
            let mut granted = answered.granted.clone();
            granted.values_sealed = Some(pairs::seal_values(&app.sealer, row.id, &answered.values));
            if !leases::save(conn, row.id, &saving, &granted)? {
                return Ok(Saved::Superseded);
            }
            follow(conn, app, &row, &granted, row.in_doubt_since.is_some() && !ends_doubt)?;
            Ok(Saved::Written)
        }
        Save::Spare { clears_lease } => {
            pairs.keep(answered.attempt, answered.values.clone());
            let sealed = pairs.seal_spares(&app.sealer);
            leases::set_spares(conn, row.id, row.grant_no, sealed.as_deref(), pairs.asks_spare(), false)?;
            if clears_lease {
                leases::clear(conn, row.id, row.grant_no, answered.attempt, None)?;
            }
            db::listen::notify_credential(conn, row.id)?;
            Ok(Saved::Superseded)
        }
        Save::Nothing if row.saved_attempt == answered.attempt => Ok(Saved::Written),
        Save::Nothing => {
            leases::clear(conn, row.id, row.grant_no, answered.attempt, None)?;
            Ok(Saved::Superseded)
        }
    }
}

/// What goes with a save: the next job, the stores, the news.
fn follow(conn: &mut Conn, app: &App, row: &Credential, granted: &Granted, doubtful: bool) -> Result<(), Error> {
    if let Some(due_at) = granted.refresh_at {
        let job = Job::RefreshCredential { credential: row.id };
        let new = NewJob {
            job,
            app: Some(row.app_id),
            platform: Some(row.platform.clone()),
            due_at,
        };
        db::jobs::insert(conn, app.id(), &new)?;
    }
    if granted.reauthorize_by != row.reauthorize_by {
        announce_moved(conn, app, row, granted.reauthorize_by)?;
    }
    let health = if doubtful {
        StoreHealth::RefreshInDoubt
    } else {
        StoreHealth::Ok
    };
    events::health(conn, app, row.id, health, None)?;
    if row.dead_at.is_some() {
        for store in db::stores::list_of_credential(conn, row.id)? {
            let by_refreshing = matches!(
                store.status_reason,
                Some(
                    StatusReason::GrantRefused
                        | StatusReason::RefusedForLong
                        | StatusReason::RefreshTokenExpired
                        | StatusReason::Uninstalled
                )
            );
            if store.status == StoreStatus::NeedsReauthorization && by_refreshing {
                db::stores::set_status(conn, store.id, StoreStatus::Connected, None, None)?;
                events::recovered(conn, app, &store, EventKind::StoreNeedsReauthorization)?;
                notify::recovered(
                    conn,
                    app,
                    &store,
                    &format!("{}.{}.{}", row.id, row.grant_no, row.next_attempt),
                )?;
            }
        }
    }
    db::listen::notify_credential(conn, row.id)?;
    Ok(())
}
