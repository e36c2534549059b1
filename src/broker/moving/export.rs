//! Out: one credential after the other. A credential whose refresh is under way or whose saved token is in doubt is left
//! where it is and named; the others are frozen in the transaction that writes their line, which is on the disk before
//! it commits. An export that was killed is made anew: what is frozen still holds its secrets here, and travels again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::file::Writer;
use super::record::{About, Record, Travelling, TravellingStore, TravellingToken};
use crate::app::App;
use crate::broker::Error;
use crate::broker::asker::Asker;
use crate::crypto::Place;
use crate::db;
use crate::db::credentials::Credential;
use crate::db::stores::Store;
use crate::domain::id::{AppId, CredentialId, Id, PlatformAppId, StoreId};
use crate::platform::descriptor::{Grace, Renewal};

/// Between two looks at credentials that were busy.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
const BATCH: i64 = 500;

/// Why stores stayed behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// A refresh is under way, or an answer of the platform was lost: later.
    Busy,
    /// A copy was asked for, and each refresh replaces the token.
    Rotates,
}

impl LeftOut {
    pub fn text(self) -> &'static str {
        match self {
            Self::Busy => "a refresh is under way or in doubt; export again later",
            Self::Rotates => "its tokens are replaced with each refresh, so it can be moved and not copied",
        }
    }
}

#[derive(Debug, Default)]
pub struct Exported {
    pub stores: u64,
    pub left_out: Vec<(StoreId, String, LeftOut)>,
}

enum Step {
    Written(u64),
    Left(LeftOut, Vec<(StoreId, String)>),
    /// No living store uses it any more.
    Nothing,
}

/// Writes every living store of an app. `patience`: how long a busy credential is waited for.
///
/// Errors: `NotFound` for an unknown app; `Internal` where the file cannot be written or a value not be opened; `Db`. After
/// an error the file is worth nothing: export again.
pub async fn export(
    app: &Arc<App>,
    asker: &Asker,
    owner: AppId,
    copy: bool,
    patience: Duration,
    writer: Writer,
) -> Result<Exported, Error> {
    let found = app.db.run(move |conn| db::apps::find(conn, owner)).await?;
    let from = found.ok_or(Error::NotFound)?;
    let writer = Arc::new(Mutex::new(writer));
    let about = About {
        app: owner,
        app_name: from.name,
        mode: from.mode,
        exported_at: app.now(),
        copy,
    };
    put(&writer, &Record::About(about))?;
    let mut told = Exported::default();
    let mut credentials = 0_u64;
    let mut todo = all(app, owner).await?;
    let mut seen: HashSet<CredentialId> = todo.iter().copied().collect();
    let began = app.clock.monotonic();
    loop {
        let mut busy = Vec::new();
        let mut left = Vec::new();
        for id in todo {
            match one(app, asker, id, copy, &writer).await? {
                Step::Nothing => {}
                Step::Written(stores) => {
                    credentials += 1;
                    told.stores += stores;
                }
                Step::Left(LeftOut::Rotates, stores) => told.leave(LeftOut::Rotates, stores),
                Step::Left(LeftOut::Busy, stores) => {
                    busy.push(id);
                    left.extend(stores);
                }
            }
        }
        // What was connected meanwhile goes along.
        todo = all(app, owner).await?;
        todo.retain(|id| seen.insert(*id));
        if todo.is_empty() {
            let waited = app.clock.monotonic().saturating_duration_since(began);
            if busy.is_empty() || waited >= patience {
                told.leave(LeftOut::Busy, left);
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        todo.extend(busy);
    }
    let stores = told.stores;
    put(&writer, &Record::End { credentials, stores })?;
    let (by, event) = (asker.clone(), app.id());
    let details = serde_json::json!({ "stores": stores, "left_out": told.left_out.len(), "copy": copy });
    app.db
        .run(move |conn| db::audit::insert(conn, &by.did(event, owner, "app.exported", owner, details)))
        .await?;
    Ok(told)
}

impl Exported {
    fn leave(&mut self, why: LeftOut, stores: Vec<(StoreId, String)>) {
        self.left_out
            .extend(stores.into_iter().map(|(id, name)| (id, name, why)));
    }
}

fn put(writer: &Mutex<Writer>, record: &Record) -> Result<(), Error> {
    writer
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .put(record)
        .map_err(|error| Error::Internal(format!("the export cannot be written: {error}")))
}

async fn all(app: &Arc<App>, owner: AppId) -> Result<Vec<CredentialId>, Error> {
    let mut all: Vec<CredentialId> = Vec::new();
    loop {
        let after = all.last().copied();
        let next = app
            .db
            .run(move |conn| db::moving::list_credentials(conn, owner, after, BATCH))
            .await?;
        if next.is_empty() {
            return Ok(all);
        }
        all.extend(next);
    }
}

/// One credential: its line and its freezing, together or not at all.
async fn one(
    app: &Arc<App>,
    asker: &Asker,
    id: CredentialId,
    copy: bool,
    writer: &Arc<Mutex<Writer>>,
) -> Result<Step, Error> {
    let (tools, by, writer) = (app.clone(), asker.clone(), writer.clone());
    app.db
        .repeatable(move |conn| {
            // Stores before their credential, as connecting does; a refresh goes the other way.
            for store in db::stores::list_of_credential(conn, id)? {
                db::stores::lock(conn, store.id)?;
            }
            let Some(row) = db::leases::lock(conn, id)? else {
                return Ok(Step::Nothing);
            };
            let stores = db::stores::list_of_credential(conn, id)?;
            let frozen = db::frozen::find(conn, id)?;
            if stores.is_empty() || (row.values_sealed.is_none() && frozen.is_none()) {
                return Ok(Step::Nothing);
            }
            let named = || stores.iter().map(|store| (store.id, store.name.clone())).collect();
            if copy && rotates(&tools, &row) {
                return Ok(Step::Left(LeftOut::Rotates, named()));
            }
            if frozen.is_none() && (row.lease_attempt.is_some() || row.in_doubt_since.is_some()) {
                return Ok(Step::Left(LeftOut::Busy, named()));
            }
            let (table, values, spares) = match &frozen {
                Some(frozen) => ("frozen_credentials", Some(&frozen.values_sealed), &frozen.spares_sealed),
                None => ("credentials", row.values_sealed.as_ref(), &row.spares_sealed),
            };
            let opened = |column: &'static str, sealed: &[u8]| open(&tools, (table, column, id.uuid()), sealed);
            let values = opened("values_sealed", values.map_or(&[], Vec::as_slice))?;
            let spares = spares
                .as_deref()
                .map(|sealed| opened("spares_sealed", sealed))
                .transpose()?;
            if !copy && frozen.is_none() {
                freeze(conn, &tools, &row, &values, spares.as_ref())?;
                for store in &stores {
                    let details = serde_json::json!({ "platform": store.platform });
                    let event = by.did(tools.id(), row.app_id, "store.exported", store.id, details);
                    db::audit::insert(conn, &event)?;
                }
            }
            let client = row
                .platform_app_id
                .or(stores.iter().find_map(|store| store.platform_app_id));
            let client = public_values(conn, client)?;
            let count = u64::try_from(stores.len()).unwrap_or(u64::MAX);
            let grows = i64::from(!copy && frozen.is_none());
            let mut travelling = Vec::new();
            for store in stores {
                travelling.push(store_record(conn, &tools, store)?);
            }
            let record = Travelling {
                id,
                platform: row.platform,
                method: row.method,
                client,
                of_client: row.platform_app_id.is_some(),
                values,
                spares,
                asks_spare: row.asks_spare,
                grant_no: row.grant_no + grows,
                next_attempt: row.next_attempt,
                access_issued_at: row.access_issued_at,
                access_expires_at: row.access_expires_at,
                refresh_expires_at: row.refresh_expires_at,
                reauthorize_by: row.reauthorize_by,
                refresh_at: row.refresh_at,
                scopes: row.scopes.map(|scopes| scopes.0),
                dead_at: row.dead_at,
                last_failure: row.last_failure,
                stores: travelling,
            };
            put(&writer, &Record::Credential(Box::new(record)))?;
            Ok(Step::Written(count))
        })
        .await
}

/// Whether each refresh replaces the token that the next one needs. A method that nobody knows may do so.
fn rotates(app: &App, row: &Credential) -> bool {
    let platform = app.catalogue.platform(&row.platform);
    platform
        .and_then(|platform| platform.method(&row.method))
        .is_none_or(|method| method.renewal == Renewal::RefreshToken && method.grace != Grace::NotRotating)
}

fn freeze(
    conn: &mut db::Conn,
    app: &App,
    row: &Credential,
    values: &Value,
    spares: Option<&Value>,
) -> Result<(), Error> {
    let credential = row.id;
    let seal = |column: &'static str, value: &Value| {
        let place = Place {
            table: "frozen_credentials",
            column,
            row: credential.uuid(),
        };
        app.sealer.seal(place, value.to_string().as_bytes())
    };
    let spares = spares.map(|spares| seal("spares_sealed", spares));
    let values = seal("values_sealed", values);
    db::frozen::freeze(conn, credential, row.app_id, &values, spares.as_deref())?;
    db::jobs::cancel_all_of(conn, credential)?;
    db::listen::notify_credential(conn, credential)?;
    Ok(())
}

fn open(app: &App, (table, column, row): (&str, &str, uuid::Uuid), sealed: &[u8]) -> Result<Value, Error> {
    let unreadable = |why: String| Error::Internal(format!("{table}.{column} of {row} cannot be opened: {why}"));
    let plain = app
        .sealer
        .open(Place { table, column, row }, sealed)
        .map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_slice(plain.expose()).map_err(|_| unreadable("malformed".to_owned()))
}

/// What tells one OAuth client from another, without its secrets.
fn public_values(conn: &mut db::Conn, client: Option<PlatformAppId>) -> Result<Option<Value>, Error> {
    let Some(id) = client else { return Ok(None) };
    let found = db::platform_apps::find(conn, id)?;
    Ok(Some(found.map_or(Value::Null, |found| found.public_values)))
}

fn store_record(conn: &mut db::Conn, app: &App, store: Store) -> Result<TravellingStore, Error> {
    let values = store
        .values_sealed
        .as_deref()
        .map(|sealed| open(app, ("stores", "values_sealed", store.id.uuid()), sealed))
        .transpose()?;
    let tokens = db::moving::list_tokens(conn, store.id)?
        .into_iter()
        .map(|token| TravellingToken {
            id: token.id,
            hash: URL_SAFE_NO_PAD.encode(token.hash.as_bytes()),
            hint: token.hint,
            created_at: token.created_at,
            ends_at: token.ends_at,
        });
    Ok(TravellingStore {
        tokens: tokens.collect(),
        id: store.id,
        of_client: store.platform_app_id.is_some(),
        method: store.method,
        platform_store_id: store.platform_store_id,
        url: store.url,
        name: store.name,
        customer_id: store.customer_id,
        merchant_email: store.merchant_email,
        merchant_name: store.merchant_name,
        merchant_locale: store.merchant_locale,
        metadata: store.metadata,
        status: store.status,
        status_reason: store.status_reason,
        status_since: store.status_since,
        evidence: store.evidence,
        health: store.health,
        sequence: store.sequence,
        connected_at: store.connected_at,
        last_used_at: store.last_used_at,
        values,
    })
}
