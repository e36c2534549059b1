//! The credential of a call: what refreshing gives, with the values of the platform app that some signatures need, and
//! the way that requests of the store's app take.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::broker::access_token::Admitted;
use crate::broker::{Error, platform_apps, refresh};
use crate::db;
use crate::db::stores::Store;
use crate::domain::credential::Generation;
use crate::domain::store::Mode;
use crate::platform::descriptor::Renewal;
use crate::platform::transport::Route;
use crate::platform::{Method, Values};

/// Values that sign a call, of one generation.
pub struct Usable {
    pub values: Values,
    pub route: Route,
    /// `None`: no end.
    pub access_expires_at: Option<DateTime<Utc>>,
    generation: Generation,
}

/// What a call for this store would be signed with now; refreshed first if it has to be.
pub async fn usable(app: &Arc<App>, store: &Store, mode: Mode) -> Result<Usable, Error> {
    let found = refresh::usable(app, store.credential_id).await?;
    Usable::of(app, store, mode, found).await
}

/// As `usable`, with at least `seconds` left to its access token where refreshing can bring that about.
pub async fn usable_for(app: &Arc<App>, admitted: &Admitted, seconds: i64) -> Result<Usable, Error> {
    let (store, mode) = (&admitted.store, admitted.app.mode);
    let found = usable(app, store, mode).await?;
    let method = app.catalogue.platform(&store.platform).and_then(|platform| platform.method(&store.method));
    let renewable = method.is_some_and(|method| method.renewal != Renewal::Never);
    let short = found.access_expires_at.is_some_and(|at| (at - app.now()).num_seconds() < seconds);
    if !renewable || !short {
        return Ok(found);
    }
    // A token that works is not given up because a longer one cannot be had now.
    Ok(found.renewed(app, store, mode).await.ok().flatten().unwrap_or(found))
}

impl Usable {
    async fn of(app: &Arc<App>, store: &Store, mode: Mode, found: refresh::Usable) -> Result<Self, Error> {
        let method = app.catalogue.platform(&store.platform).and_then(|platform| platform.method(&store.method));
        let values = match method {
            Some(method) if lacks_app_values(method, &found.values) => {
                found.values.over(&app_values(app, store, mode).await?)
            }
            _ => found.values,
        };
        let route = match mode {
            Mode::Live => Route::Live,
            Mode::Sandbox => Route::Sandbox,
        };
        Ok(Self { values, route, access_expires_at: found.access_expires_at, generation: found.generation })
    }

    /// Another generation than this one, which the platform has refused; `None`: there is no other to be had.
    pub(super) async fn renewed(
        &self,
        app: &Arc<App>,
        store: &Store,
        mode: Mode,
    ) -> Result<Option<Self>, Error> {
        let found = refresh::usable_other_than(app, store.credential_id, self.generation).await?;
        if found.generation == self.generation {
            return Ok(None);
        }
        Self::of(app, store, mode, found).await.map(Some)
    }

    /// The platform refused this generation and there is no better one: `NeedsReauthorization` if its verify call is
    /// refused too.
    pub(super) async fn judge_unauthorized(&self, app: &Arc<App>, store: &Store) -> Result<(), Error> {
        refresh::judge_unauthorized(app, store.credential_id, self.generation).await
    }
}

fn lacks_app_values(method: &Method, values: &Values) -> bool {
    method.app_fields.iter().any(|field| values.get(&field.name).is_none())
}

/// The values of the OAuth client that the store was connected through, else of the one that its app uses.
async fn app_values(app: &App, store: &Store, mode: Mode) -> Result<Values, Error> {
    let (id, owner, platform) = (store.platform_app_id, store.app_id, store.platform.clone());
    let found = app
        .db
        .run::<_, db::Error, _>(move |conn| match id {
            Some(id) => db::platform_apps::find(conn, id),
            None => db::platform_apps::find_for(conn, owner, mode, &platform),
        })
        .await?;
    let Some(found) = found else { return Ok(Values::new()) };
    let unreadable = |why: String| Error::Internal(format!("the values of {} cannot be opened: {why}", found.id));
    let plain = app
        .sealer
        .open(platform_apps::place(found.id, "values_sealed"), &found.values_sealed)
        .map_err(|error| unreadable(error.to_string()))?;
    Values::from_bytes(plain.expose()).map_err(|_| unreadable("not values".to_owned()))
}
