//! Chains the audit events that are new, every minute: until then an event is kept by nothing but the database.

use std::time::Duration;

use crate::app::App;
use crate::broker::{Error, audit_chain};
use crate::db::jobs::End;

const EVERY: Duration = Duration::from_secs(60);

pub(super) async fn run(app: &App) -> Result<End, Error> {
    audit_chain::chain(app).await?;
    Ok(End::Again { after: EVERY })
}
