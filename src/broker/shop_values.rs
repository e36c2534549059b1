//! What the calls of one shop need beside a credential that it may share with others: a cipher, a number. It belongs to
//! the store, is sealed in its row, and is laid over the credential's values wherever something is sent for that store.

use super::Error;
use crate::crypto::{Place, Sealer};
use crate::db::stores::Store;
use crate::domain::id::{Id, StoreId};
use crate::platform::Values;

fn place(id: StoreId) -> Place<'static> {
    Place {
        table: "stores",
        column: "values_sealed",
        row: id.uuid(),
    }
}

/// `None` where there are none.
pub fn seal(sealer: &Sealer, id: StoreId, values: &Values) -> Option<Vec<u8>> {
    (!values.is_empty()).then(|| sealer.seal(place(id), values.to_bytes().expose()))
}

/// The store's own values over `shared`, those of its credential.
pub fn over(sealer: &Sealer, store: &Store, shared: Values) -> Result<Values, Error> {
    let Some(sealed) = &store.values_sealed else {
        return Ok(shared);
    };
    let unreadable = |why: String| Error::Internal(format!("the values of {} cannot be opened: {why}", store.id));
    let opened = sealer
        .open(place(store.id), sealed)
        .map_err(|error| unreadable(error.to_string()))?;
    let own = Values::from_bytes(opened.expose()).map_err(|_| unreadable("malformed".to_owned()))?;
    Ok(own.over(&shared))
}
