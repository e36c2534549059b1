//! The partner's side of a connection: which client at the platform an app uses, and its values. An app's own comes before
//! the installation's; a method whose stores bring their own client needs none.

use crate::app::App;
use crate::broker::{Error, platform_apps};
use crate::db;
use crate::domain::id::{AppId, PlatformAppId};
use crate::platform::descriptor::{ClientOwner, Method};
use crate::platform::{Platform, Values};

/// The client of one app at one platform; empty where there is none.
#[derive(Clone, Default)]
pub(super) struct Client {
    pub id: Option<PlatformAppId>,
    /// Its values; secrets that stand by go along as `<name>_standby`, for proofs that either of two may hold.
    pub values: Values,
    /// The values with the second secrets in place.
    pub standby: Option<Values>,
    /// Its row.
    pub row: Option<db::platform_apps::PlatformApp>,
}

impl Client {
    /// Not the installation's, which other apps use for stores of theirs.
    pub fn is_own(&self, app: AppId) -> bool {
        self.row.as_ref().is_some_and(|row| row.app_id == Some(app))
    }

    /// As part of a store's identity: only a client that the platform ties its tokens to.
    pub fn of_identity(&self, method: &Method) -> Option<PlatformAppId> {
        self.id.filter(|_| method.client == ClientOwner::App)
    }
}

pub(super) async fn find(app: &App, api_app: &db::apps::App, platform: &Platform) -> Result<Client, Error> {
    let (id, mode, slug) = (api_app.id, api_app.mode, platform.slug.clone());
    let found = app
        .db
        .run(move |conn| db::platform_apps::find_for(conn, id, mode, &slug))
        .await?;
    let Some(found) = found else {
        return Ok(Client::default());
    };
    let open = |column: &'static str, sealed: &[u8]| {
        let place = platform_apps::place(found.id, column);
        let plain = app.sealer.open(place, sealed).ok();
        plain
            .and_then(|plain| Values::from_bytes(plain.expose()).ok())
            .ok_or_else(|| Error::Internal(format!("the {column} of {} cannot be opened", found.id)))
    };
    let mut values = open("values_sealed", &found.values_sealed)?;
    let standby = found
        .standby_sealed
        .as_deref()
        .map(|sealed| open("standby_sealed", sealed))
        .transpose()?;
    let secret = platform_apps::app_fields(platform)
        .into_iter()
        .filter(|field| field.secret);
    for (name, second) in secret.filter_map(|field| Some((&field.name, standby.as_ref()?.get(&field.name)?))) {
        values.set(format!("{name}_standby"), second);
    }
    Ok(Client {
        id: Some(found.id),
        values,
        standby,
        row: Some(found),
    })
}

/// Whether an app can use a method: it needs no client of the partner's, or there is one.
pub(super) fn can_use(method: &Method, has_client: bool) -> bool {
    method.client != ClientOwner::App || has_client
}
