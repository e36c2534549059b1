//! `POST /v1/access-tokens/exchange`: a one-time code becomes an access token for each store of its session.

use serde::Deserialize;
use serde_json::{Value, json};

use super::stores::{find, shown};
use super::{Answer, ok};
use crate::broker::connect::{self, Exchanged};
use crate::domain::secret::Secret;
use crate::web::Error;
use crate::web::extract::{Body, ConnectWrite, PartnerKey};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeJson {
    code: Secret,
    customer_id: Option<String>,
}

pub async fn exchange(by: PartnerKey<ConnectWrite>, body: Body) -> Answer {
    let given: ExchangeJson = body.read()?;
    let code = given.code.expose();
    let exchanged = connect::exchange(&by.tools, by.app.id, code, given.customer_id, &by.asker()).await?;
    ok(&given_json(&by, &exchanged).await?)
}

/// The first store as if it were the only one, and every store with its token under `stores`.
pub(super) async fn given_json<S>(by: &PartnerKey<S>, exchanged: &Exchanged) -> Result<Value, Error> {
    let mut stores = Vec::new();
    for given in exchanged.stores() {
        stores.push(json!({
            "access_token": given.access_token.as_ref().map(Secret::expose),
            "reauthorized": given.reauthorized,
            "store": shown(by, find(by, given.store.id).await?),
        }));
    }
    let mut first = stores.first().cloned().unwrap_or_default();
    first["token_type"] = json!("Bearer");
    first["stores"] = Value::Array(stores);
    Ok(first)
}
