//! A credential from memory: it may say yes to a call, and nothing else. What asks for another generation, what has ended
//! and what is dead are looked at in the row.

use std::sync::Arc;

use super::{Loaded, Need, Usable, method_of, open, run};
use crate::app::App;
use crate::app::memory::{KnownCredential, Row};
use crate::broker::Error;
use crate::domain::id::CredentialId;
use crate::domain::refresh::{Plan, RefreshTrigger};

/// `None`: the row has to be looked at.
pub(super) async fn usable(app: &Arc<App>, credential: CredentialId, need: Need) -> Result<Option<Usable>, Error> {
    if need.not_generation.is_some() || need.trigger != RefreshTrigger::Call {
        return Ok(None);
    }
    let found = app.recall::<KnownCredential>(credential).await?;
    let found = found.ok_or(Error::NotFound)?;
    let loaded = Loaded {
        known: found.row,
        now: app.now(),
    };
    let (row, plan) = (&loaded.row, loaded.plan(need));
    // In an outage what works is all there is: it cannot be renewed now.
    if !found.outage {
        if plan == Plan::Refresh || !loaded.works(loaded.now) {
            return Ok(None);
        }
        let may_try = row.retry_at.is_none_or(|at| at <= loaded.now);
        if plan == Plan::ServeAndRefresh && may_try {
            run::start(app, credential, need.trigger, row.generation(), false);
        }
    }
    open(app, &loaded, method_of(app, row)?).map(Some)
}
