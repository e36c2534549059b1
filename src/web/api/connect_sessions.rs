//! `/v1/connect-sessions`: make a link for a merchant, see what became of it, cancel it.

use std::collections::BTreeMap;

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, created, done, ok};
use crate::broker::connect::sessions::{self, Created, Merchant, NewSession};
use crate::db;
use crate::db::connect_sessions::ConnectSession;
use crate::domain::connect::{ConnectFailure, Language, SessionStatus};
use crate::domain::id::{ConnectSessionId, StoreId};
use crate::web::Error;
use crate::web::extract::{Body, ConnectWrite, PartnerKey, object, path_id};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewConnectSession)]
pub(super) struct NewJson {
    /// The partner's own name for the customer that the store belongs to.
    customer_id: String,
    /// One of the app's registered return URLs, exactly.
    return_url: String,
    /// The only platform that is offered, by its slug.
    platform: Option<String>,
    /// The platforms that are offered; empty: all.
    #[serde(default)]
    platforms: Vec<String>,
    /// Connect fields that are known beforehand; secrets are refused.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "object")]
    merchant: MerchantJson,
    /// Comes back with the merchant.
    state: Option<String>,
    /// Seconds; an hour unless told.
    expires_in: Option<u64>,
    /// The store may move here from another customer of the app.
    #[serde(default)]
    transfer: bool,
}

/// The merchant, as far as the partner knows.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMerchant)]
struct MerchantJson {
    email: Option<String>,
    name: Option<String>,
    /// Language of pages and mails: a tag that begins with en, es or pt.
    locale: Option<String>,
}

/// A session just made; its link is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedConnectSession)]
pub struct CreatedJson {
    id: ConnectSessionId,
    /// Where the merchant is sent. It holds a secret.
    url: String,
    expires_at: DateTime<Utc>,
}

impl CreatedJson {
    pub fn of(created: Created) -> Self {
        Self {
            id: created.id,
            url: created.url,
            expires_at: created.expires_at,
        }
    }
}

/// A connect session and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectSession)]
pub(super) struct SessionJson {
    id: ConnectSessionId,
    status: SessionStatus,
    /// Why it failed, as a stable code.
    error: Option<ConnectFailure>,
    error_description: Option<String>,
    platform: Option<String>,
    method: Option<String>,
    customer_id: Option<String>,
    return_url: String,
    state: Option<String>,
    /// The store that came of it, or that is authorized again.
    store_id: Option<StoreId>,
    /// All stores that came of it, that one first.
    store_ids: Vec<StoreId>,
    reauthorized: bool,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl SessionJson {
    fn of(session: ConnectSession, others: Vec<StoreId>, status: SessionStatus) -> Self {
        Self {
            id: session.id,
            status,
            error: session
                .failure
                .or((status == SessionStatus::Expired).then_some(ConnectFailure::Expired)),
            error_description: session.failure_detail,
            platform: session.platform,
            method: session.method,
            customer_id: session.customer_id,
            return_url: session.return_url,
            state: session.partner_state,
            store_id: session.result_store_id.or(session.store_id),
            store_ids: session.result_store_id.into_iter().chain(others).collect(),
            reauthorized: session.reauthorized,
            created_at: session.created_at,
            expires_at: session.expires_at,
            ended_at: session.ended_at,
        }
    }
}

pub async fn create(by: PartnerKey<ConnectWrite>, body: Body) -> Answer {
    let given: NewJson = body.read()?;
    let locale = given
        .merchant
        .locale
        .as_deref()
        .map(|tag| Language::from_tag(tag).ok_or_else(|| Error::invalid("merchant.locale", "en, es or pt")));
    let locale = locale.transpose()?;
    let new = NewSession {
        customer_id: Some(given.customer_id),
        return_url: given.return_url,
        platform: given.platform,
        platforms: given.platforms,
        fields: given.fields,
        merchant: Merchant {
            email: given.merchant.email,
            name: given.merchant.name,
            locale,
        },
        state: given.state,
        expires_in: given.expires_in,
        transfer: given.transfer,
        ..NewSession::default()
    };
    let session = sessions::create(&by.tools, &by.app, &by.asker(), new).await?;
    created(&CreatedJson::of(session))
}

pub async fn show(by: PartnerKey<ConnectWrite>, id: Path<String>) -> Answer {
    let (session, status) = sessions::find(&by.tools, by.app.id, path_id(&id)?).await?;
    let id = session.id;
    let others = by
        .tools
        .db
        .run(move |conn| db::connect_session_stores::list(conn, id))
        .await?;
    let others = others.into_iter().map(|other| other.store_id).collect();
    ok(&SessionJson::of(session, others, status))
}

pub async fn cancel(by: PartnerKey<ConnectWrite>, id: Path<String>) -> Answer {
    sessions::cancel(&by.tools, by.app.id, path_id(&id)?, &by.asker()).await?;
    done()
}
