//! Decisions about held grants: the merchant takes less than was asked, or begins again; an operator accepts a changed
//! identity, once and audited. The session's end guards against deciding twice.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::complete::method_of;
use super::held::{self, HeldReason};
use super::obtain::{Target, Verified};
use super::sessions::{self, Visit};
use super::settle::{self, Accepted, Settled};
use super::{Refused, client, to_end};
use crate::app::App;
use crate::broker::Error;
use crate::broker::asker::Asker;
use crate::db;
use crate::db::connect_sessions::By;
use crate::domain::id::{ConnectSessionId, StoreId};
use crate::domain::secret::Secret;

/// A store whose new authorization carries another typed identity.
#[derive(Debug, Clone)]
pub struct HeldIdentity {
    pub session: ConnectSessionId,
    pub from: String,
    pub to: String,
    pub until: DateTime<Utc>,
}

/// The merchant connects although less was granted. `Err(Refused)` inside: the rules forbid it by now.
pub async fn accept(app: &Arc<App>, visit: &Visit) -> Result<Result<(), Refused>, Error> {
    match held::open(app, &visit.session)? {
        Some((HeldReason::Less, verified)) => {
            let accepted = Accepted {
                less: true,
                ..Accepted::default()
            };
            go_on(
                app,
                visit.clone(),
                verified,
                accepted,
                Asker::merchant(visit.session.app_id),
            )
            .await
        }
        Some((HeldReason::Identity, _)) => Err(Error::Forbidden(
            "The partner or an operator accepts another address.".to_owned(),
        )),
        Some((HeldReason::Shops, _)) => Err(Error::Conflict("The shops have yet to be chosen.".to_owned())),
        None => Err(Error::LinkExpired),
    }
}

/// The merchant begins again: what is held is forgotten.
pub async fn start_over(app: &App, visit: &Visit) -> Result<(), Error> {
    let (id, by) = (visit.session.id, By::attempt(&visit.session));
    app.db
        .run(move |conn| db::connect_sessions::reopen(conn, id, by, None, None))
        .await?;
    Ok(())
}

/// What waits for an operator at this store.
pub async fn held_identity(app: &App, store: StoreId) -> Result<Option<HeldIdentity>, Error> {
    let found = app
        .db
        .run(move |conn| {
            let session = db::connect_sessions::find_held_of_store(conn, store)?;
            Ok::<_, db::Error>(session.zip(db::stores::find(conn, store)?))
        })
        .await?;
    let Some((session, store)) = found else { return Ok(None) };
    Ok(match held::open(app, &session)? {
        Some((HeldReason::Identity, verified)) => Some(HeldIdentity {
            session: session.id,
            from: store.platform_store_id,
            to: verified.chosen.into_iter().next().unwrap_or_default(),
            until: session.expires_at,
        }),
        _ => None,
    })
}

/// An operator accepts the changed identity of a store; whatever else the merchant accepted stays as it was.
pub async fn accept_identity(app: &Arc<App>, store: StoreId, asker: &Asker) -> Result<(), Error> {
    let found = app
        .db
        .run(move |conn| db::connect_sessions::find_held_of_store(conn, store))
        .await?;
    let session = found.ok_or(Error::NotFound)?;
    let Some((HeldReason::Identity, verified)) = held::open(app, &session)? else {
        return Err(Error::NotFound);
    };
    let visit = sessions::revisit(app, session, Secret::default()).await?;
    let accepted = Accepted {
        less: true,
        identity: true,
        ..Accepted::default()
    };
    match go_on(app, visit, verified, accepted, asker.clone()).await? {
        Ok(()) => Ok(()),
        Err(refused) => Err(Error::Conflict(refused.detail)),
    }
}

pub(super) async fn go_on(
    app: &Arc<App>,
    visit: Visit,
    verified: Verified,
    accepted: Accepted,
    asker: Asker,
) -> Result<Result<(), Refused>, Error> {
    let tools = app.clone();
    to_end(
        app,
        async move { settled(&tools, &visit, verified, accepted, asker).await },
    )
    .await
}

async fn settled(
    app: &Arc<App>,
    visit: &Visit,
    verified: Verified,
    accepted: Accepted,
    asker: Asker,
) -> Result<Result<(), Refused>, Error> {
    let slug = visit.session.platform.as_deref().unwrap_or_default();
    let platform = app.catalogue.platform(slug).ok_or(Error::NotFound)?;
    let client = client::find(app, &visit.api_app, platform).await?;
    let target = Target {
        platform,
        method: method_of(visit, platform)?,
        mode: visit.api_app.mode,
        client: &client,
    };
    match settle::settle_by(app, visit, &target, verified, accepted, asker).await? {
        Settled::Completed | Settled::Held => Ok(Ok(())),
        Settled::Refused(refused) => Ok(Err(refused)),
    }
}
