//! Which keys of the ring the database still needs. A key that nothing needs any more can be retired; until then it has to
//! stay, or what it sealed is lost.

use super::Error;
use crate::app::App;
use crate::db;

/// Whether values may wait to be sealed with the active key: the ring has another one.
pub async fn is_behind(app: &App) -> Result<bool, Error> {
    let known = app.db.run(db::key_checks::list).await?;
    Ok(known.iter().any(|(id, _)| id != app.sealer.active_key_id()))
}

/// What is still sealed with a key or has its MAC: a line each; empty: nothing.
pub async fn needs(app: &App, key: String) -> Result<Vec<String>, Error> {
    app.db
        .transaction::<_, db::Error, _>(move |conn| {
            db::sealed::may_take_long(conn)?;
            let mut found = Vec::new();
            for column in db::sealed::COLUMNS {
                let count = db::sealed::count_of_key(conn, column, &key)?;
                if count > 0 {
                    found.push(format!("{count} values in {}.{}", column.table, column.column));
                }
            }
            let links = db::audit_chain::count_of_key(conn, &key)?;
            if links > 0 {
                found.push(format!("{links} links of the audit trail"));
            }
            Ok(found)
        })
        .await
        .map_err(Error::Db)
}

/// Forgets a key that nothing needs: processes start without it in their ring.
pub async fn forget(app: &App, key: String) -> Result<(), Error> {
    app.db
        .run::<_, db::Error, _>(move |conn| db::key_checks::delete(conn, &key))
        .await
        .map_err(Error::Db)
}
