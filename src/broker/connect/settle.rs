//! The end of an attempt: which stores this is about (rule "same store"), and then ONE transaction that makes them or
//! authorizes them again, with their sealed credential, their audit entries, its first jobs and the session's end. Whoever
//! was faster with the same session, or the same shop, wins; the other is told.

mod grant;
mod same_store;
mod store;

use std::sync::Arc;

use serde_json::json;

use super::Refused;
use super::attempt::Attempt;
use super::finish;
use super::held::{self, DECISION_TIME, HeldReason};
use super::obtain::{Target, Verified};
use super::sessions::Visit;
use crate::app::App;
use crate::broker::asker::Asker;
use crate::broker::{Error, events};
use crate::db;
use crate::db::connect_session_stores::SessionStore;
use crate::db::connect_sessions::Completed;
use crate::domain::access_token::{self, TokenHash, TokenKind};
use crate::domain::event::EventKind;
use crate::domain::id::{AuditEventId, PlatformAppId, StoreId};
use crate::domain::secret::Secret;
use crate::platform::descriptor::Method;
use same_store::Wanted;
pub(super) use same_store::may_renew;

/// How long a one-time code can be exchanged.
pub(super) const CODE_LIFE: std::time::Duration = std::time::Duration::from_secs(10 * 60);

/// What somebody has decided about this grant.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Accepted {
    pub less: bool,
    pub identity: bool,
    /// The partner brought it, and it may be anybody's: no store of anybody else's takes this grant.
    pub claimed: bool,
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Settled {
    Completed,
    /// Waits for a decision.
    Held,
    Refused(Refused),
}

/// Makes the store, or authorizes it again.
pub(super) async fn settle(
    app: &Arc<App>,
    visit: &Visit,
    target: &Target<'_>,
    verified: Verified,
    accepted: Accepted,
) -> Result<Settled, Error> {
    settle_by(
        app,
        visit,
        target,
        verified,
        accepted,
        Asker::merchant(visit.session.app_id),
    )
    .await
}

/// As `settle`, in the name of whoever decided.
pub(super) async fn settle_by(
    app: &Arc<App>,
    visit: &Visit,
    target: &Target<'_>,
    verified: Verified,
    accepted: Accepted,
    asker: Asker,
) -> Result<Settled, Error> {
    let work = Settlement::new(app, visit, target, verified, accepted, asker);
    let again = work.clone();
    match app.db.repeatable(move |conn| work.run(conn)).await {
        // The same shop was connected at the same moment: now its store is there to be found.
        Err(Error::Db(db::Error::Conflict { .. })) => app.db.repeatable(move |conn| again.run(conn)).await,
        other => other,
    }
}

/// Everything that the transaction needs, made before it begins.
#[derive(Clone)]
struct Settlement {
    visit: Visit,
    method: Method,
    slug: String,
    client: Option<PlatformAppId>,
    identity_client: Option<PlatformAppId>,
    verified: Verified,
    /// Where the browser goes before anywhere else.
    finish: Option<Secret>,
    accepted: Accepted,
    asker: Asker,
    app: Arc<App>,
    now: chrono::DateTime<chrono::Utc>,
}

impl Settlement {
    fn new(
        app: &Arc<App>,
        visit: &Visit,
        target: &Target<'_>,
        verified: Verified,
        accepted: Accepted,
        asker: Asker,
    ) -> Self {
        Self {
            finish: finish::at_platform(visit, target, &verified),
            method: target.method.clone(),
            slug: target.platform.slug.clone(),
            client: target.client.id.filter(|_| !target.method.app_fields.is_empty()),
            identity_client: target.client.of_identity(target.method),
            accepted: Accepted {
                identity: accepted.identity || visit.options.accept_identity_change,
                ..accepted
            },
            visit: visit.clone(),
            verified,
            asker,
            app: app.clone(),
            now: app.now(),
        }
    }

    fn run(&self, conn: &mut db::Conn) -> Result<Settled, Error> {
        let wanted = match self.wanted(conn)? {
            Ok(wanted) => wanted,
            Err(other_end) => return Ok(other_end),
        };
        if !self.verified.lacking.is_nothing() && !self.accepted.less {
            return self.hold(conn, HeldReason::Less, &self.verified);
        }
        let wanted = match wanted {
            Wanted::Shops(wanted) => wanted,
            Wanted::Undecided(connected) => {
                // Stores that have some of the shops go on with this grant, whatever the merchant chooses.
                let verified = Verified {
                    kept: self.keep_for(conn, &connected)?,
                    ..self.verified.clone()
                };
                return self.hold(conn, HeldReason::Shops, &verified);
            }
        };
        let made = match self.make(conn, wanted)? {
            Ok(made) => made,
            Err(refused) => return Ok(Settled::Refused(refused)),
        };
        self.complete(conn, &made)?;
        for (store, reauthorized) in made {
            let kind = if reauthorized {
                EventKind::StoreReauthorized
            } else {
                EventKind::StoreConnected
            };
            let details = json!({
                "session": self.visit.session.id,
                "platform": self.slug,
                "method": self.method.id,
                "lacking": self.verified.lacking,
            });
            self.record(conn, kind.as_str(), store, details)?;
            if let Some(store) = db::stores::find(conn, store)? {
                let session = self.visit.session.id;
                let details = json!({ "session_id": session });
                events::of_store(conn, &self.app, &store, kind, &session.to_string(), details)?;
            }
        }
        Ok(Settled::Completed)
    }

    /// Ends the session with these stores, each of which was authorized again or is new.
    fn complete(&self, conn: &mut db::Conn, made: &[(StoreId, bool)]) -> Result<(), Error> {
        let session = self.visit.session.id;
        let (first, others) = made
            .split_first()
            .ok_or_else(|| Error::Internal(format!("{session} ended without a store")))?;
        let code = access_token::mint(TokenKind::Code, self.app.random.bytes());
        let attempt = Attempt {
            link: self.visit.link.clone(),
            code: Some(code.clone()),
            finish: self.finish.clone(),
            ..Attempt::default()
        };
        let completed = Completed {
            store: first.0,
            reauthorized: first.1,
            code_hash: TokenHash::of(code.expose()),
            code_expires_at: self.now + CODE_LIFE,
            attempt_sealed: attempt.seal(&self.app.sealer, session),
        };
        if !db::connect_sessions::complete(conn, &self.visit.session, &completed)? {
            return Err(Error::LinkExpired);
        }
        let others: Vec<_> = others
            .iter()
            .zip(1..)
            .map(|((store, reauthorized), position)| SessionStore {
                session_id: session,
                store_id: *store,
                position,
                reauthorized: *reauthorized,
                exchanged_token_id: None,
            })
            .collect();
        Ok(db::connect_session_stores::insert(conn, &others)?)
    }

    fn hold(&self, conn: &mut db::Conn, reason: HeldReason, verified: &Verified) -> Result<Settled, Error> {
        let session = &self.visit.session;
        let sealed = held::seal(&self.app.sealer, session.id, reason, verified)?;
        let until = match reason {
            HeldReason::Less | HeldReason::Shops => session.expires_at,
            HeldReason::Identity => session.expires_at.max(self.now + DECISION_TIME),
        };
        if !db::connect_sessions::hold(conn, session, &sealed, until)? {
            return Err(Error::LinkExpired);
        }
        Ok(Settled::Held)
    }

    fn record(
        &self,
        conn: &mut db::Conn,
        action: &'static str,
        store: StoreId,
        details: serde_json::Value,
    ) -> Result<(), Error> {
        let id: AuditEventId = self.app.id();
        let event = self.asker.did(id, self.visit.session.app_id, action, store, details);
        Ok(db::audit::insert(conn, &event)?)
    }
}
