//! The end of an attempt: which store this is (rule "same store"), and then ONE transaction that makes it or authorizes it
//! again, with its sealed credential, its audit entry, its first jobs and the session's end. Whoever was faster with the
//! same session, or the same shop, wins; the other is told.

use std::sync::Arc;

use serde_json::json;
use url::Url;

use super::Refused;
use super::attempt::Attempt;
use super::finish;
use super::held::{self, DECISION_TIME, HeldReason};
use super::obtain::{Target, Verified};
use super::sessions::Visit;
use crate::app::App;
use crate::broker::asker::Asker;
use crate::broker::refresh::{self, seal_values};
use crate::broker::{Error, notify};
use crate::db;
use crate::db::connect_sessions::Completed;
use crate::db::credentials::Granted;
use crate::db::stores::{Learned, NewStore, Store};
use crate::domain::access_token::{self, TokenHash, TokenKind};
use crate::domain::connect::ConnectFailure;
use crate::domain::id::{AuditEventId, CredentialId, PlatformAppId, StoreId};
use crate::domain::secret::Secret;
use crate::domain::store::{StoreHealth, StoreStatus};
use crate::platform::descriptor::{IdentitySource, Method};
use crate::platform::obtain;

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
    app: &Arc<App>,
    visit: &Visit,
    target: &Target<'_>,
    verified: Verified,
    accepted: Accepted,
) -> Result<Settled, Error> {
    let asker = Asker::merchant(visit.session.app_id);
    settle_by(app, visit, target, verified, accepted, asker).await
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
        let code = access_token::mint(TokenKind::Code, self.app.random.bytes());
        let attempt = Attempt {
            link: self.visit.link.clone(),
            code: Some(code.clone()),
            finish: self.finish.clone(),
            ..Attempt::default()
        };
        let completed = Completed {
            store,
            reauthorized,
            code_hash: TokenHash::of(code.expose()),
            code_expires_at: self.now + CODE_LIFE,
            attempt_sealed: attempt.seal(&self.app.sealer, self.visit.session.id),
        };
        if !db::connect_sessions::complete(conn, &self.visit.session, &completed)? {
            return Err(Error::LinkExpired);
        }
        let action = if reauthorized {
            "store.reauthorized"
        } else {
            "store.connected"
        };
        self.record(
            conn,
            action,
            store,
            json!({
                "session": self.visit.session.id,
                "platform": self.slug,
                "method": self.method.id,
                "lacking": self.verified.lacking,
            }),
        )?;
        Ok(Settled::Completed)
    }

    /// The store that this grant belongs to, `None` for a new one; or the end that the rules demand.
    fn find_store(&self, conn: &mut db::Conn) -> Result<Result<Option<Store>, Settled>, Error> {
        let refuse = |why, detail: &str| Ok(Err(Settled::Refused(Refused::new(why, detail))));
        let (session, identity) = (&self.visit.session, &self.verified.identity);
        let there = db::stores::find_by_identity(conn, session.app_id, self.identity_client, &self.slug, identity)?;
        let Some(wanted) = session.store_id else {
            return match there {
                Some(store) if store.app_id != session.app_id => {
                    self.keep_for(conn, &store)?;
                    let detail = "The shop is connected to another app.";
                    refuse(ConnectFailure::StoreAlreadyConnected, detail)
                }
                Some(store) if !self.is_same_customer(&store) => {
                    self.keep_for(conn, &store)?;
                    let detail = "The shop is connected for another customer.";
                    refuse(ConnectFailure::StoreAlreadyConnected, detail)
                }
                found => Ok(Ok(found)),
            };
        };
        let Some(store) =
            db::stores::find_of(conn, session.app_id, wanted)?.filter(|s| s.status != StoreStatus::Revoked)
        else {
            return refuse(
                ConnectFailure::OtherStore,
                "The store that was to be authorized again has been revoked.",
            );
        };
        if store.platform_store_id != *identity {
            if self.method.identity == IdentitySource::Platform {
                if let Some(store) = &there {
                    self.keep_for(conn, store)?;
                }
                return refuse(ConnectFailure::OtherStore, "The authorization is for another shop.");
            }
            if there.is_some() {
                return refuse(
                    ConnectFailure::StoreAlreadyConnected,
                    "That shop is connected as another store.",
                );
            }
            if !self.accepted.identity {
                return self.hold(conn, HeldReason::Identity).map(Err);
            }
        }
        Ok(Ok(Some(store)))
    }

    /// At many platforms a new grant ends the one before: it is kept for the store that has the shop, so that refusing
    /// somebody else does not cut that store off.
    fn keep_for(&self, conn: &mut db::Conn, store: &Store) -> Result<(), Error> {
        let renews = self.verified.grant.is_some() && self.method.identity == IdentitySource::Platform;
        let whole = store.method == self.method.id && self.verified.lacking.is_nothing();
        let living = db::stores::lock(conn, store.id)?.is_some_and(|now| now.status == StoreStatus::Connected);
        if !(renews && whole && living) {
            return Ok(());
        }
        let (id, granted) = (store.credential_id, self.granted(store.credential_id));
        db::credentials::grant_again(conn, id, &self.method.id, self.client, &granted)?;
        refresh::first_jobs(conn, &self.app, id, store.app_id, &self.slug, &self.method, &granted)?;
        Ok(db::listen::notify_credential(conn, id)?)
    }

    /// A store that has a customer is renewed for that customer only, and for nobody unnamed; one without may get one.
    fn is_same_customer(&self, store: &Store) -> bool {
        match (&self.visit.session.customer_id, &store.customer_id) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(asked), Some(known)) => asked == known || self.visit.options.transfer,
        }
    }

    fn hold(&self, conn: &mut db::Conn, reason: HeldReason) -> Result<Settled, Error> {
        let session = &self.visit.session;
        let sealed = held::seal(&self.app.sealer, session.id, reason, &self.verified)?;
        let until = match reason {
            HeldReason::Less => session.expires_at,
            HeldReason::Identity => session.expires_at.max(self.now + DECISION_TIME),
        };
        if !db::connect_sessions::hold(conn, session, &sealed, until)? {
            return Err(Error::LinkExpired);
        }
        Ok(Settled::Held)
    }

    fn connect(&self, conn: &mut db::Conn) -> Result<StoreId, Error> {
        let (store, credential): (StoreId, CredentialId) = (self.app.id(), self.app.id());
        let (session, options, facts) = (&self.visit.session, &self.visit.options, &self.verified.facts);
        let granted = self.granted(credential);
        let new = db::credentials::NewCredential {
            id: credential,
            app_id: session.app_id,
            platform: self.slug.clone(),
            method: self.method.id.clone(),
            platform_app_id: self.client,
            granted: granted.clone(),
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
            name: self.name(),
            customer_id: session.customer_id.clone(),
            merchant_email: options.merchant_email.clone(),
            merchant_name: options.merchant_name.clone(),
            merchant_locale: options.locale.map(|language| language.to_string()),
            status: StoreStatus::Connected,
        };
        db::stores::insert(conn, &new)?;
        self.set_going(conn, credential, store, &granted)?;
        Ok(store)
    }

    /// The same store with a new credential: id and token stay, and every store that shares the credential works again.
    fn authorize_again(&self, conn: &mut db::Conn, store: &Store) -> Result<StoreId, Error> {
        let (session, options, facts) = (&self.visit.session, &self.visit.options, &self.verified.facts);
        // A revocation waits until this is done, or was first; then nothing of this stands.
        if db::stores::lock(conn, store.id)?.is_none_or(|now| now.status == StoreStatus::Revoked) {
            return Err(Error::Conflict("The store was revoked meanwhile.".to_owned()));
        }
        let moved = store.platform_store_id != self.verified.identity;
        let learned = Learned {
            method: Some(self.method.id.clone()),
            url: facts.url.clone(),
            name: facts.name.clone().or_else(|| moved.then(|| self.name())),
            customer_id: session.customer_id.clone(),
            platform_store_id: Some(self.verified.identity.clone()),
            merchant_email: options.merchant_email.clone(),
            merchant_name: options.merchant_name.clone(),
            merchant_locale: options.locale.map(|language| language.to_string()),
            metadata: None,
        };
        db::stores::update_facts(conn, session.app_id, store.id, &learned)?;
        db::stores::set_client(conn, store.id, self.identity_client)?;
        let granted = self.granted(store.credential_id);
        db::credentials::grant_again(conn, store.credential_id, &self.method.id, self.client, &granted)?;
        for sharing in db::stores::list_of_credential(conn, store.credential_id)? {
            if sharing.status != StoreStatus::Connected {
                db::stores::set_status(conn, sharing.id, StoreStatus::Connected, None, None)?;
                notify::recovered(conn, &self.app, &sharing, &session.id.to_string())?;
                db::listen::notify_store(conn, sharing.id)?;
            }
        }
        db::stores::set_health(conn, store.credential_id, StoreHealth::Ok)?;
        if moved {
            self.record(
                conn,
                "store.identity_changed",
                store.id,
                json!({
                    "from": store.platform_store_id,
                    "to": self.verified.identity,
                }),
            )?;
        }
        self.set_going(conn, store.credential_id, store.id, &granted)?;
        Ok(store.id)
    }

    /// What the platform calls the store, else its host, else its identity.
    fn name(&self) -> String {
        let facts = &self.verified.facts;
        let host = || Some(Url::parse(facts.url.as_deref()?).ok()?.host_str()?.to_owned());
        facts
            .name
            .clone()
            .or_else(host)
            .unwrap_or_else(|| self.verified.identity.clone())
    }

    /// The credential's columns. Keys have no life time of their own.
    fn granted(&self, credential: CredentialId) -> Granted {
        let verified = &self.verified;
        let granted = match &verified.grant {
            Some(grant) => refresh::granted(grant, &self.method, verified.asked_at, self.now, &self.app.random),
            None => Granted {
                values_sealed: None,
                access_issued_at: Some(verified.asked_at),
                access_expires_at: None,
                refresh_expires_at: None,
                reauthorize_by: None,
                refresh_at: None,
                scopes: None,
            },
        };
        let mut values = verified.values.clone();
        obtain::forget_finish(&self.method, &mut values);
        Granted {
            values_sealed: Some(seal_values(&self.app.sealer, credential, &values)),
            ..granted
        }
    }

    /// First jobs, and word to every process that remembers the store or its credential.
    fn set_going(
        &self,
        conn: &mut db::Conn,
        credential: CredentialId,
        store: StoreId,
        granted: &Granted,
    ) -> Result<(), Error> {
        let owner = self.visit.session.app_id;
        refresh::first_jobs(conn, &self.app, credential, owner, &self.slug, &self.method, granted)?;
        db::listen::notify_credential(conn, credential)?;
        Ok(db::listen::notify_store(conn, store)?)
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
