//! `POST /v1/access-tokens/exchange`: a one-time code becomes an access token for each store of its session.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store_json::StoreJson;
use super::stores::shown;
use super::{Answer, ok};
use crate::broker::connect::{self, Exchanged};
use crate::domain::secret::Secret;
use crate::web::Error;
use crate::web::extract::{Body, ConnectWrite, PartnerKey};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Exchange)]
pub(super) struct ExchangeJson {
    /// The one-time code that came with the merchant, `llv_cd_...`.
    code: Secret,
    /// The customer that the store belongs to, where the connect page did not know it.
    customer_id: Option<String>,
}

/// A store, and its access token if it has a new one.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = ConnectedStore)]
struct ConnectedJson {
    /// Shown this once. `null`: the store was authorized again, and its old token works.
    access_token: Option<String>,
    /// The store was known before.
    reauthorized: bool,
    store: StoreJson,
}

/// The first store as if it were the only one, and every store with its token.
#[derive(Serialize, ToSchema)]
#[schema(as = Connected)]
pub(super) struct ExchangedJson {
    #[serde(flatten)]
    first: ConnectedJson,
    /// `Bearer`.
    token_type: &'static str,
    /// All stores that the authorization covers, that one first.
    stores: Vec<ConnectedJson>,
}

pub async fn exchange(by: PartnerKey<ConnectWrite>, body: Body) -> Answer {
    let given: ExchangeJson = body.read()?;
    let code = given.code.expose();
    let exchanged = connect::exchange(&by.tools, by.app.id, code, given.customer_id, &by.asker()).await?;
    ok(&given_json(&by, exchanged)?)
}

/// What was exchanged, from what the exchange itself has read: an answer that holds a token needs nothing more.
pub(super) fn given_json<S>(by: &PartnerKey<S>, exchanged: Exchanged) -> Result<ExchangedJson, Error> {
    let stores: Vec<ConnectedJson> = std::iter::once(exchanged.first)
        .chain(exchanged.others)
        .map(|given| ConnectedJson {
            access_token: given.access_token.map(|token| token.expose().to_owned()),
            reauthorized: given.reauthorized,
            store: shown(by, given.listed),
        })
        .collect();
    Ok(ExchangedJson {
        first: stores.first().cloned().ok_or_else(Error::not_found)?,
        token_type: "Bearer",
        stores,
    })
}
