//! (being written)
use std::sync::Arc;
use crate::app::App;
use crate::broker::Error;
use crate::crypto::Place;
use crate::db;
use crate::db::refresh_logs::RefreshLog;
use crate::domain::credential::Generation;
use crate::domain::id::{CredentialId, Id};
use crate::platform::Values;
pub struct Usable { pub values: Values, pub generation: Generation, pub access_expires_at: Option<chrono::DateTime<chrono::Utc>> }
pub async fn usable(app: &Arc<App>, id: CredentialId) -> Result<Usable, Error> {
    let found = app.db.run::<_, db::Error, _>(move |conn| db::credentials::find(conn, id)).await?.ok_or(Error::NotFound)?;
    let sealed = found.values_sealed.ok_or(Error::NotFound)?;
    let plain = app.sealer.open(Place { table: "credentials", column: "values_sealed", row: id.uuid() }, &sealed).map_err(|e| Error::Internal(e.to_string()))?;
    let values = Values::from_bytes(plain.expose()).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(Usable { values, generation: Generation { grant_no: found.grant_no, attempt: found.saved_attempt }, access_expires_at: found.access_expires_at })
}
pub async fn usable_other_than(app: &Arc<App>, id: CredentialId, _refused: Generation) -> Result<Usable, Error> { usable(app, id).await }
pub async fn judge_unauthorized(_app: &Arc<App>, _id: CredentialId, _refused: Generation) -> Result<(), Error> { Ok(()) }
pub async fn now(_app: &Arc<App>, _id: CredentialId) -> Result<RefreshLog, Error> { Err(Error::NotFound) }
pub async fn verify(_app: &Arc<App>, _id: CredentialId) -> Result<serde_json::Value, Error> { Err(Error::NotFound) }
