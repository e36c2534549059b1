//! Paging by cursor: opaque to callers, the key of the last row to us. One row more than asked for tells whether there is
//! a next page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::broker::{self, FieldError};
use crate::domain::id::Id;
use crate::web::Error;
use crate::web::extract::Params;

pub const DEFAULT: i64 = 50;
pub const MOST: i64 = 200;

/// Which page is asked for.
#[derive(Debug)]
pub struct Ask<I> {
    pub limit: i64,
    /// The row before the page.
    pub after: Option<I>,
}

/// One page, as JSON.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    pub data: Vec<T>,
    pub next_cursor: Option<String>,
}

impl<I: Id> Ask<I> {
    /// Takes `limit` and `cursor` out of a query.
    pub fn of(params: &mut Params) -> Result<Self, Error> {
        let limit = params.number("limit", 1..=MOST).unwrap_or(DEFAULT);
        let after = params.text("cursor").map(|cursor| read(&cursor)).transpose()?;
        Ok(Self { limit, after })
    }

    /// How many rows to ask the database for.
    pub fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// The page that `rows` make.
    pub fn page<R, T>(&self, mut rows: Vec<R>, key: impl Fn(&R) -> I, shown: impl Fn(R) -> T) -> Page<T> {
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > most;
        rows.truncate(most);
        let next_cursor = rows.last().filter(|_| more).map(|row| write(key(row)));
        Page {
            data: rows.into_iter().map(shown).collect(),
            next_cursor,
        }
    }
}

fn write(key: impl Id) -> String {
    URL_SAFE_NO_PAD.encode(key.uuid().as_bytes())
}

fn read<I: Id>(cursor: &str) -> Result<I, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes
        .and_then(|bytes| uuid::Uuid::from_slice(&bytes).ok())
        .map(I::from_uuid)
        .ok_or_else(|| {
            broker::Error::Invalid(vec![FieldError::new("cursor", "take it from `next_cursor` as it is")]).into()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::StoreId;

    #[test]
    fn a_page_ends_with_a_cursor_only_if_there_is_more() {
        let ids: Vec<StoreId> = (1..=3).map(|n| StoreId::make(n, [0; 10])).collect();
        let ask = Ask::<StoreId>::of(&mut Params::of("limit=2")).unwrap();
        assert_eq!(ask.rows(), 3);
        let page = ask.page(ids.clone(), |id| *id, |id| id);
        assert_eq!(page.data, ids[..2]);
        let query = format!("cursor={}", page.next_cursor.unwrap());
        assert_eq!(Ask::<StoreId>::of(&mut Params::of(&query)).unwrap().after, Some(ids[1]));
        assert_eq!(ask.page(ids[..2].to_vec(), |id| *id, |id| id).next_cursor, None);
    }

    #[test]
    fn a_cursor_of_ones_own_making_is_refused() {
        for cursor in ["x", "store_1", "AAAA"] {
            assert!(
                Ask::<StoreId>::of(&mut Params::of(&format!("cursor={cursor}"))).is_err(),
                "{cursor}"
            );
        }
    }
}
