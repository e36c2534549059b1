//! The partner's side of a connection: which client at the platform an app uses, and its values. An app's own comes before
//! the installation's; a method whose stores bring their own client needs none.

use crate::app::App;
use crate::broker::Error;
use crate::crypto::Place;
use crate::db;
use crate::domain::id::{Id, PlatformAppId};
use crate::platform::descriptor::{ClientOwner, Method};
use crate::platform::{Platform, Values};

/// The client of one app at one platform; empty where there is none.
#[derive(Clone, Default)]
pub(super) struct Client {
    pub id: Option<PlatformAppId>,
    pub values: Values,
}

impl Client {
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
    let place = Place {
        table: "platform_apps",
        column: "values_sealed",
        row: found.id.uuid(),
    };
    let unreadable = || Error::Internal(format!("the values of {} cannot be opened", found.id));
    let plain = app.sealer.open(place, &found.values_sealed).map_err(|_| unreadable())?;
    let values = Values::from_bytes(plain.expose()).map_err(|_| unreadable())?;
    Ok(Client {
        id: Some(found.id),
        values,
    })
}

/// Whether an app can use a method: it needs no client of the partner's, or there is one.
pub(super) fn can_use(method: &Method, has_client: bool) -> bool {
    method.client != ClientOwner::App || has_client
}
