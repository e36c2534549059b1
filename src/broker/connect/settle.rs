//! The end of an attempt: which store this is (rule "same store"), and then ONE transaction that makes it or authorizes it
//! again, with its sealed credential, its audit entry, its first jobs and the session's end. Whoever was faster with the
//! same session, or the same shop, wins; the other is told.

use serde_json::json;

use super::attempt::Attempt;
use super::held::{self, DECISION_TIME, HeldReason};
use super::obtain::{Asker, Verified};
use super::sessions::Visit;
use super::{Refused, grant};
use crate::app::App;
use crate::broker::Error;
use crate::db;
use crate::db::connect_sessions::Completed;
use crate::db::stores::{Learned, NewStore, Store};
use crate::domain::access_token::{self, TokenHash, TokenKind};
use crate::domain::admin::Actor;
use crate::domain::connect::ConnectFailure;
use crate::domain::id::{AuditEventId, CredentialId, PlatformAppId, StoreId};
use crate::domain::store::{StoreHealth, StoreStatus};
use crate::platform::descriptor::{IdentitySource, Method};

/// How long a one-time code can be exchanged.
pub(super) const CODE_LIFE: std::time::Duration = std::time::Duration::from_secs(10 * 60);

/// What somebody has decided about this grant.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Accepted {
    pub less: bool,
    pub identity: bool,
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
    app: &App,
    visit: &Visit,
    asker: &Asker<'_>,
    verified: Verified,
    accepted: Accepted,
) -> Result<Settled, Error> {
    settle_by(app, visit, asker, verified, accepted, Actor::merchant()).await
}

/// As `settle`, in the name of whoever decided.
pub(super) async fn settle_by(
    app: &App,
    visit: &Visit,
    asker: &Asker<'_>,
    verified: Verified,
    accepted: Accepted,
    actor: Actor,
) -> Result<Settled, Error> {
    let work = Settlement::new(app, visit, asker, verified, accepted, actor);
    let again = work.clone();
    match app.db.transaction(move |conn| work.run(conn)).await {
        // The same shop was connected at the same moment: now its store is there to be found.
        Err(Error::Db(db::Error::Conflict { .. })) => app.db.transaction(move |conn| again.run(conn)).await,
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
    accepted: Accepted,
    actor: Actor,
    sealer: crate::crypto::Sealer,
    random: crate::crypto::Random,
    now: chrono::DateTime<chrono::Utc>,
}

impl Settlement {
    fn new(
        app: &App,
        visit: &Visit,
        asker: &Asker<'_>,
        verified: Verified,
        accepted: Accepted,
        actor: Actor,
    ) -> Self {
        Self {
            method: asker.method.clone(),
            slug: asker.platform.slug.clone(),
            client: asker.client.id.filter(|_| !asker.method.app_fields.is_empty()),
            identity_client: asker.client.of_identity(asker.method),
            accepted: Accepted {
                identity: accepted.identity || visit.options.accept_identity_change,
                ..accepted
            },
            visit: visit.clone(),
            verified,
            actor,
            sealer: app.sealer.clone(),
            random: app.random.clone(),
            now: app.now(),
        }
    }

    fn run(&self, conn: &mut db::Conn) -> Result<Settled, Error> {
        let known = match self.find_store(conn)? {
            Ok(known) => known,
            Err(other_end) => return Ok(other_end),
        };
        if !self.verified.lacking.is_nothing() && !self.accepted.less {
            return self.hold(conn, HeldReason::Less);
        }
        let (store, reauthorized) = match &known {
            Some(store) => (self.authorize_again(conn, store)?, true),
            None => (self.connect(conn)?, false),
        };
        let code = access_token::mint(TokenKind::Code, self.random.bytes());
        let attempt = Attempt { link: self.visit.link.clone(), code: Some(code.clone()), ..Attempt::default() };
        let completed = Completed {
            store,
            reauthorized,
            code_hash: TokenHash::of(code.expose()),
            code_expires_at: self.now + CODE_LIFE,
            attempt_sealed: attempt.seal(&self.sealer, self.visit.session.id),
        };
        if !db::connect_sessions::complete(conn, self.visit.session.id, &completed)? {
            return Err(Error::LinkExpired);
        }
        let action = if reauthorized { "store.reauthorized" } else { "store.connected" };
        self.record(conn, action, store, json!({
            "session": self.visit.session.id,
            "platform": self.slug,
            "method": self.method.id,
            "lacking": self.verified.lacking,
        }))?;
        Ok(Settled::Completed)
    }

    /// The store that this grant belongs to, `None` for a new one; or the end that the rules demand.
    fn find_store(&self, conn: &mut db::Conn) -> Result<Result<Option<Store>, Settled>, Error> {
        let refuse = |why, detail: &str| Ok(Err(Settled::Refused(Refused::new(why, detail))));
        let (session, identity) = (&self.visit.session, &self.verified.identity);
        let there =
            db::stores::find_by_identity(conn, session.app_id, self.identity_client, &self.slug, identity)?;
        let Some(wanted) = session.store_id else {
            return match there {
                Some(store) if store.app_id != session.app_id => {
                    refuse(ConnectFailure::StoreAlreadyConnected, "The shop is connected to another app.")
                }
                Some(store) if !self.is_same_customer(&store) => {
                    refuse(ConnectFailure::StoreAlreadyConnected, "The shop is connected for another customer.")
                }
                found => Ok(Ok(found)),
            };
        };
        let Some(store) = db::stores::find_of(conn, session.app_id, wanted)?.filter(|s| s.status != StoreStatus::Revoked)
        else {
            return refuse(ConnectFailure::OtherStore, "The store that was to be authorized again has been revoked.");
        };
        if store.platform_store_id != *identity {
            if self.method.identity == IdentitySource::Platform {
                return refuse(ConnectFailure::OtherStore, "The authorization is for another shop.");
            }
            if there.is_some() {
                return refuse(ConnectFailure::StoreAlreadyConnected, "That shop is connected as another store.");
            }
            if !self.accepted.identity {
                return self.hold(conn, HeldReason::Identity).map(Err);
            }
        }
        Ok(Ok(Some(store)))
    }

    /// Where either side names no customer yet, the exchange compares them.
    fn is_same_customer(&self, store: &Store) -> bool {
        match (&self.visit.session.customer_id, &store.customer_id) {
            (Some(asked), Some(known)) => asked == known || self.visit.options.transfer,
            _ => true,
        }
    }

    fn hold(&self, conn: &mut db::Conn, reason: HeldReason) -> Result<Settled, Error> {
        let session = &self.visit.session;
        let sealed = held::seal(&self.sealer, session.id, reason, &self.verified)?;
        let until = match reason {
            HeldReason::Less => session.expires_at,
            HeldReason::Identity => session.expires_at.max(self.now + DECISION_TIME),
        };
        if !db::connect_sessions::hold(conn, session.id, &sealed, until)? {
            return Err(Error::LinkExpired);
        }
        Ok(Settled::Held)
    }

    fn connect(&self, conn: &mut db::Conn) -> Result<StoreId, Error> {
        let (store, credential): (StoreId, CredentialId) = (self.random.id(self.now), self.random.id(self.now));
        let (session, options, facts) = (&self.visit.session, &self.visit.options, &self.verified.facts);
        let new = db::credentials::NewCredential {
            id: credential,
            app_id: session.app_id,
            platform: self.slug.clone(),
            method: self.method.id.clone(),
            platform_app_id: self.client,
            granted: grant::granted(&self.sealer, &self.random, credential, &self.method, &self.verified),
        };
        db::credentials::insert(conn, &new)?;
        let new = NewStore {
            id: store,
            app_id: session.app_id,
            credential_id: credential,
            platform_app_id: self.identity_client,
            platform: self.slug.clone(),
            method: self.method.id.clone(),
            platform_store_id: self.verified.identity.clone(),
            url: facts.url.clone(),
            name: facts.name.clone().unwrap_or_else(|| self.verified.identity.clone()),
            customer_id: session.customer_id.clone(),
            merchant_email: options.merchant_email.clone(),
            merchant_name: options.merchant_name.clone(),
            merchant_locale: options.locale.map(|language| language.to_string()),
            status: StoreStatus::Connected,
        };
        db::stores::insert(conn, &new)?;
        grant::schedule(conn, credential, store)?;
        Ok(store)
    }

    /// The same store with a new credential: id and token stay, and every store that shares the credential works again.
    fn authorize_again(&self, conn: &mut db::Conn, store: &Store) -> Result<StoreId, Error> {
        let (session, options, facts) = (&self.visit.session, &self.visit.options, &self.verified.facts);
        let learned = Learned {
            method: Some(self.method.id.clone()),
            url: facts.url.clone(),
            name: facts.name.clone(),
            customer_id: session.customer_id.clone(),
            platform_store_id: Some(self.verified.identity.clone()),
            merchant_email: options.merchant_email.clone(),
            merchant_name: options.merchant_name.clone(),
            merchant_locale: options.locale.map(|language| language.to_string()),
            metadata: None,
        };
        db::stores::update_facts(conn, session.app_id, store.id, &learned)?;
        db::stores::set_client(conn, store.id, self.identity_client)?;
        let granted = grant::granted(&self.sealer, &self.random, store.credential_id, &self.method, &self.verified);
        db::credentials::grant_again(conn, store.credential_id, &self.method.id, self.client, &granted)?;
        for sharing in db::stores::list_of_credential(conn, store.credential_id)? {
            if sharing.status != StoreStatus::Connected {
                db::stores::set_status(conn, sharing.id, StoreStatus::Connected, None, None)?;
            }
        }
        db::stores::set_health(conn, store.credential_id, StoreHealth::Ok)?;
        if store.platform_store_id != self.verified.identity {
            self.record(conn, "store.identity_changed", store.id, json!({
                "from": store.platform_store_id,
                "to": self.verified.identity,
            }))?;
        }
        // Revoked meanwhile: nothing of this stands.
        if db::stores::find(conn, store.id)?.is_none_or(|now| now.status == StoreStatus::Revoked) {
            return Err(Error::Conflict("The store was revoked meanwhile.".to_owned()));
        }
        grant::schedule(conn, store.credential_id, store.id)?;
        Ok(store.id)
    }

    fn record(
        &self,
        conn: &mut db::Conn,
        action: &'static str,
        store: StoreId,
        details: serde_json::Value,
    ) -> Result<(), Error> {
        let id: AuditEventId = self.random.id(self.now);
        let event = db::audit::NewAuditEvent {
            id,
            app: Some(self.visit.session.app_id),
            actor: self.actor.clone(),
            action,
            subject: store.to_string(),
            details,
            request_id: None,
        };
        Ok(db::audit::insert(conn, &event)?)
    }
}
