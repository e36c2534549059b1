//! The shops that one authorization covers, and which of them are meant: the typed one, the only one, or those that the
//! merchant chooses. Until then the grant waits sealed, and only the browser that brought it sees what it covers.

use std::sync::Arc;

use super::complete::method_of;
use super::decide;
use super::held::{self, HeldReason};
use super::obtain::not_built;
use super::sessions::Visit;
use super::settle::{Accepted, may_renew};
use super::{Refused, Stop, client};
use crate::app::App;
use crate::broker::Error;
use crate::broker::asker::Asker;
use crate::db;
use crate::domain::connect::ConnectFailure;
use crate::platform::verify::{Shop, StoreFacts};
use crate::platform::{Method, Values};

/// A shop that the merchant may choose.
#[derive(Debug, Clone)]
pub struct Offered {
    pub id: String,
    pub name: Option<String>,
    pub state: ShopState,
}

/// Whether a shop can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShopState {
    New,
    /// A store of the same customer; choosing it authorizes it again.
    Connected,
    /// Another customer's, or another app's.
    Taken,
}

/// All shops of a list, and the one that is meant: typed, or the only one.
pub(super) fn listed(method: &Method, facts: &StoreFacts) -> Result<(Vec<Shop>, Vec<String>), Stop> {
    let mut shops: Vec<Shop> = Vec::new();
    for shop in &facts.shops {
        if !shops
            .iter()
            .any(|known| known.platform_store_id == shop.platform_store_id)
        {
            shops.push(shop.clone());
        }
    }
    // Elsewhere the answer's first shop may stand there.
    let typed = facts
        .platform_store_id
        .as_ref()
        .filter(|_| method.identity_template.is_some());
    let chosen = match (typed, shops.as_slice()) {
        (_, []) => {
            let why = "The authorization covers no shop.";
            return Err(Refused::new(ConnectFailure::PlatformError, why).into());
        }
        (Some(typed), _) if shops.iter().all(|shop| shop.platform_store_id != *typed) => {
            let why = format!("The authorization does not cover {typed}.");
            return Err(Refused {
                again: true,
                ..Refused::new(ConnectFailure::CredentialsRefused, why)
            }
            .into());
        }
        (Some(typed), _) => vec![typed.clone()],
        (None, [only]) => vec![only.platform_store_id.clone()],
        (None, _) => Vec::new(),
    };
    Ok((shops, chosen))
}

/// The shop of a platform that lists none: the stated one, else the typed one.
pub(super) fn only(
    method: &Method,
    values: &Values,
    facts: &StoreFacts,
    stated: Option<String>,
) -> Result<(Vec<Shop>, Vec<String>), Stop> {
    let identity = match stated {
        Some(stated) => stated,
        None => method
            .typed_identity(values)
            .map_err(|error| not_built(method, &error))?
            .ok_or_else(|| {
                Refused::new(
                    ConnectFailure::PlatformError,
                    "The platform did not say which store it is.",
                )
            })?,
    };
    let shop = Shop {
        platform_store_id: identity.clone(),
        name: facts.name.clone(),
        values: Values::new(),
    };
    Ok((vec![shop], vec![identity]))
}

/// What the merchant may choose from; `None`: nothing waits for such a choice.
pub async fn offered(app: &App, visit: &Visit) -> Result<Option<Vec<Offered>>, Error> {
    let Some((HeldReason::Shops, verified)) = held::open(app, &visit.session)? else {
        return Ok(None);
    };
    let slug = visit.session.platform.clone().unwrap_or_default();
    let platform = app.catalogue.platform(&slug).ok_or(Error::NotFound)?;
    let client = client::find(app, &visit.api_app, platform).await?;
    let method = method_of(visit, platform)?.clone();
    let client = client.of_identity(&method);
    let (visit, shops) = (visit.clone(), verified.shops);
    app.db
        .run(move |conn| {
            let owner = visit.session.app_id;
            let mut offered = Vec::new();
            for shop in shops {
                let there = db::stores::find_by_identity(conn, owner, client, &slug, &shop.platform_store_id)?;
                let state = match there {
                    None => ShopState::New,
                    Some(store) if may_renew(&visit, &method, &store) => ShopState::Connected,
                    Some(_) => ShopState::Taken,
                };
                offered.push(Offered {
                    id: shop.platform_store_id,
                    name: shop.name,
                    state,
                });
            }
            Ok::<_, Error>(Some(offered))
        })
        .await
}

/// The merchant has chosen: each becomes a store. `Err(Refused)` inside: nothing was chosen that can be, or one of them
/// was taken meanwhile; the grant waits on.
pub async fn choose_shops(app: &Arc<App>, visit: &Visit, chosen: &[String]) -> Result<Result<(), Refused>, Error> {
    let Some((HeldReason::Shops, mut verified)) = held::open(app, &visit.session)? else {
        return Err(Error::LinkExpired);
    };
    let ids = verified.shops.iter().map(|shop| shop.platform_store_id.clone());
    verified.chosen = ids.filter(|id| chosen.contains(id)).collect();
    if verified.chosen.is_empty() {
        let why = "No shop was chosen.";
        return Ok(Err(Refused::new(ConnectFailure::CredentialsRefused, why)));
    }
    // That came before the choice.
    let accepted = Accepted {
        less: true,
        ..Accepted::default()
    };
    let asker = Asker::merchant(visit.session.app_id);
    decide::go_on(app, visit.clone(), verified, accepted, asker).await
}
