//! The credential of a call: what refreshing gives, with the way that requests of the store's app take.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::app::accepted::Known;
use crate::app::memory::KnownClient;
use crate::broker::access_token::Admitted;
use crate::broker::refresh::{self, Need, Verdict};
use crate::broker::{Delivered, Error, needs_sandbox, shop_values, verify};
use crate::db;
use crate::db::stores::Store;
use crate::domain::credential::Generation;
use crate::domain::problem::Problem;
use crate::domain::refresh::RefreshTrigger;
use crate::domain::store::{Mode, StoreStatus};
use crate::platform::descriptor::ClientOwner;
use crate::platform::transport::Route;
use crate::platform::{Method, Values};

/// Values that sign a call, of one generation.
pub struct Usable {
    pub values: Values,
    pub route: Route,
    /// `None`: no end.
    pub access_expires_at: Option<DateTime<Utc>>,
    pub(super) generation: Generation,
}

/// What a call for this store would be signed with now; refreshed first if it has to be.
pub async fn usable(app: &Arc<App>, store: &Store, mode: Mode) -> Result<Usable, Error> {
    Usable::find(app, store, mode, Need::call()).await
}

/// As [`usable`], with at least `minimum` left to its access token where refreshing can bring that about.
pub async fn usable_for(app: &Arc<App>, admitted: &Admitted, minimum: Duration) -> Result<Usable, Error> {
    Usable::find(
        app,
        &admitted.store,
        admitted.app.mode,
        Need {
            minimum,
            ..Need::call()
        },
    )
    .await
}

impl Usable {
    async fn find(app: &Arc<App>, store: &Store, mode: Mode, need: Need) -> Result<Self, Error> {
        needs_sandbox(app, mode)?;
        let found = refresh::usable(app, store.credential_id, need).await?;
        let method = app
            .catalogue
            .platform(&store.platform)
            .and_then(|platform| platform.method(&store.method));
        // A client that the platform ties no token to is not part of the credential.
        let apart = method.is_some_and(|method| method.client != ClientOwner::App && !method.app_fields.is_empty());
        let values = if apart && found.platform_app_id.is_none() {
            found.values.over(&app_values(app, store, mode).await?)
        } else {
            found.values
        };
        let values = shop_values::over(&app.sealer, store, values)?;
        let route = match mode {
            Mode::Live => Route::Live,
            Mode::Sandbox => Route::Sandbox,
        };
        Ok(Self {
            values,
            route,
            access_expires_at: found.access_expires_at,
            generation: found.generation,
        })
    }

    /// What is saved once this one, which the platform has refused, was renewed, if it could be.
    pub(super) async fn renewed(&self, app: &Arc<App>, admitted: &Admitted) -> Result<Self, Error> {
        let need = Need::other_than(self.generation);
        Self::find(app, &admitted.store, admitted.app.mode, need).await
    }

    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether a call with this one is another call: a refresh may bring the access token that was there.
    pub(super) fn differs_from(&self, refused: &Self) -> bool {
        let (new, old) = (self.values.get("access_token"), refused.values.get("access_token"));
        self.generation != refused.generation && (new.is_none() || new != old)
    }

    /// Whether the platform's verify call has accepted this very generation lately, or does so again: then a refusal is
    /// about the call, and renewing would not help.
    pub(super) async fn is_accepted(&self, app: &Arc<App>, admitted: &Admitted) -> Result<bool, Error> {
        let (id, generation) = (admitted.store.credential_id, self.generation);
        match app.accepted.find(id, generation, app.now()) {
            None => Ok(false),
            // What was told of this generation tells nothing once another one is saved.
            Some(Known::Good) => {
                let row = app.db.run(move |conn| db::leases::find(conn, id)).await;
                Ok(row.ok().flatten().is_none_or(|(row, _)| row.generation() == generation))
            }
            Some(Known::WasGood) => {
                let trigger = RefreshTrigger::Unauthorized;
                let accepted = refresh::judge(app, id, generation, trigger, false).await? == Verdict::Alive;
                if accepted {
                    app.accepted.note(id, generation, app.now());
                }
                Ok(accepted)
            }
        }
    }

    /// Whether the platform's verify call does not refuse this generation: then an answer that is not clear is about the
    /// call.
    pub(super) async fn may_work(&self, app: &Arc<App>, admitted: &Admitted, method: &Method) -> bool {
        let refused = verify::accepts(app, self.route, method, &self.values).await == Some(false);
        if !refused {
            app.accepted
                .note_undecided(admitted.store.credential_id, self.generation, app.now());
        }
        !refused
    }

    /// The platform refused this generation and there is no better one: its verify call decides. Ok: the credential
    /// works, or nobody can say, and the refusal is the caller's to see. `tried`: it was renewed for this very call.
    pub(super) async fn judge_unauthorized(
        &self,
        app: &Arc<App>,
        admitted: &Admitted,
        tried: bool,
    ) -> Result<(), Error> {
        let id = admitted.store.id;
        match refresh::judge_unauthorized(app, admitted.store.credential_id, self.generation).await? {
            Verdict::Alive => {
                app.accepted
                    .note(admitted.store.credential_id, self.generation, app.now());
                Ok(())
            }
            Verdict::Undecided => {
                // Else each further call would have it renewed again, to no end.
                if tried {
                    app.accepted
                        .note_undecided(admitted.store.credential_id, self.generation, app.now());
                }
                Ok(())
            }
            Verdict::Renewed => Err(credential_renewed(
                "The credential ended, or was renewed, during the call",
            )),
            Verdict::Dead => {
                let store = app
                    .db
                    .run::<_, db::Error, _>(move |conn| db::stores::find(conn, id))
                    .await?;
                let store = store.ok_or(Error::TokenRevoked)?;
                match store.status {
                    // Authorized again since then.
                    StoreStatus::Connected => Err(credential_renewed("The store was authorized again during the call")),
                    StoreStatus::Revoked => Err(Error::TokenRevoked),
                    StoreStatus::NeedsReauthorization => Err(Error::NeedsReauthorization {
                        store: store.id,
                        since: store.status_since,
                        reason: store.status_reason,
                    }),
                }
            }
        }
    }
}

/// The platform refused the old token, there is a new one, and the call can't be sent again from here.
pub(super) fn credential_renewed(detail: &str) -> Error {
    Error::Platform {
        problem: Problem::CredentialRenewed,
        detail: detail.to_owned(),
        retry_after: Some(Duration::ZERO),
        delivered: Delivered::No,
    }
}

/// The values of the client that the store's app uses at the platform.
async fn app_values(app: &Arc<App>, store: &Store, mode: Mode) -> Result<Values, Error> {
    let wanted = (store.app_id, mode, store.platform.clone());
    let found = app.recall::<KnownClient>(wanted).await?;
    let found = found.as_ref().and_then(|found| found.row.0.as_ref());
    let method = app
        .catalogue
        .platform(&store.platform)
        .and_then(|platform| platform.method(&store.method));
    match (found, method) {
        (Some(found), Some(method)) => refresh::client_values(app, Some(found), method),
        _ => Ok(Values::new()),
    }
}
