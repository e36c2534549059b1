//! Seals every value again that is sealed with another key than the active one, and makes the MACs of the audit trail anew,
//! so that old keys can be retired. Goes through the tables in batches; a value that changed meanwhile is left to the next
//! round.

use std::sync::Arc;

use crate::app::App;
use crate::broker::{Error, audit_chain};
use crate::crypto::{Place, Sealer};
use crate::db::jobs::End;
use crate::db::sealed::{self, COLUMNS};

const BATCH: i64 = 200;

pub(super) async fn run(app: &Arc<App>) -> Result<End, Error> {
    let active = app.sealer.active_key_id().to_owned();
    let (mut resealed, mut broken) = (0_u64, 0_u64);
    for column in COLUMNS {
        let mut after = uuid::Uuid::nil();
        loop {
            let rows = app.db.run(move |conn| sealed::list(conn, column, after, BATCH)).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            for row in rows {
                if Sealer::key_id_of(&row.value).is_ok_and(|key| key == active) {
                    continue;
                }
                let place = Place {
                    table: column.table,
                    column: column.column,
                    row: row.id,
                };
                match app.sealer.open(place, &row.value) {
                    Ok(opened) => {
                        let new = app.sealer.seal(place, opened.expose());
                        app.db
                            .run(move |conn| sealed::replace(conn, column, &row, &new))
                            .await?;
                        resealed += 1;
                    }
                    Err(error) => {
                        tracing::error!(table = column.table, column = column.column, row = %row.id, %error, "a value cannot be opened");
                        broken += 1;
                    }
                }
            }
        }
    }
    let (renewed, foreign) = audit_chain::renew_macs(app).await?;
    tracing::info!(
        resealed,
        broken,
        links = renewed,
        "values were sealed again with the active key"
    );
    if foreign > 0 {
        tracing::error!(
            links = foreign,
            "links of the audit trail are not ours: see `llavero audit verify`"
        );
    }
    match broken {
        0 => Ok(End::Done),
        _ => Ok(End::Fail {
            error: format!("{broken} values cannot be opened"),
        }),
    }
}
