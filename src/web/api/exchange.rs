//! `POST /v1/access-tokens/exchange`: a one-time code becomes the store's access token.

use serde::Deserialize;
use serde_json::json;

use super::stores::{find, shown};
use super::{Answer, ok};
use crate::broker::connect;
use crate::domain::secret::Secret;
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
    let store = find(&by, exchanged.store.id).await?;
    let token = exchanged.access_token.as_ref().map(Secret::expose);
    ok(&json!({
        "access_token": token,
        "token_type": "Bearer",
        "reauthorized": exchanged.reauthorized,
        "store": shown(&by, store),
    }))
}
