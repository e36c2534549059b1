//! When stores and API keys were last used: kept in memory and written in batches, for a row update a call would cost
//! more than the call.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Timestamptz, Uuid};

use super::{Conn, Db, Result};
use crate::domain::id::{ApiKeyId, StoreId};

/// Uses not yet written. The newest of each counts.
#[derive(Clone, Default)]
pub struct Uses {
    stores: HashMap<StoreId, DateTime<Utc>>,
    keys: HashMap<ApiKeyId, DateTime<Utc>>,
}

/// The uses of this process since the last write.
#[derive(Default)]
pub struct LastUsed(Mutex<Uses>);

impl LastUsed {
    /// True: the first since the last write, so that somebody should write soon.
    pub fn note_store(&self, store: StoreId, at: DateTime<Utc>) -> bool {
        let mut uses = self.locked();
        let first = uses.is_empty();
        uses.stores.insert(store, at);
        first
    }

    /// As [`LastUsed::note_store`].
    pub fn note_key(&self, key: ApiKeyId, at: DateTime<Utc>) -> bool {
        let mut uses = self.locked();
        let first = uses.is_empty();
        uses.keys.insert(key, at);
        first
    }

    /// Writes what was noted. What cannot be written is lost: it says only when, and the next use says it again.
    pub async fn write(&self, db: &Db) -> Result<()> {
        let uses = std::mem::take(&mut *self.locked());
        if uses.is_empty() {
            return Ok(());
        }
        db.run(move |conn| write(conn, &uses)).await
    }

    fn locked(&self) -> MutexGuard<'_, Uses> {
        // A map of times is whole whatever a panicking thread did.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LastUsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastUsed")
    }
}

impl Uses {
    fn is_empty(&self) -> bool {
        self.stores.is_empty() && self.keys.is_empty()
    }
}

fn write(conn: &mut Conn, uses: &Uses) -> Result<()> {
    let (stores, at): (Vec<StoreId>, Vec<DateTime<Utc>>) = uses.stores.iter().unzip();
    if !stores.is_empty() {
        // No change of `updated_at`: being used changes nothing that a listing by change would want.
        diesel::sql_query(
            "UPDATE stores SET last_used_at = greatest(last_used_at, used.at)
             FROM (SELECT * FROM unnest($1, $2) AS u(id, at) ORDER BY id) AS used WHERE stores.id = used.id",
        )
        .bind::<Array<Uuid>, _>(&stores)
        .bind::<Array<Timestamptz>, _>(&at)
        .execute(conn)?;
    }
    let (keys, at): (Vec<ApiKeyId>, Vec<DateTime<Utc>>) = uses.keys.iter().unzip();
    if !keys.is_empty() {
        diesel::sql_query(
            "UPDATE api_keys SET last_used_at = greatest(last_used_at, used.at)
             FROM (SELECT * FROM unnest($1, $2) AS u(id, at) ORDER BY id) AS used WHERE api_keys.id = used.id",
        )
        .bind::<Array<Uuid>, _>(&keys)
        .bind::<Array<Timestamptz>, _>(&at)
        .execute(conn)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    #[test]
    fn the_first_use_after_a_write_asks_for_the_next_write() {
        let (used, at) = (LastUsed::default(), DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        assert!(used.note_store(StoreId::make(1, [1; 10]), at));
        assert!(!used.note_key(ApiKeyId::make(1, [1; 10]), at));
        assert!(!used.note_store(StoreId::make(1, [2; 10]), at));
    }
}
