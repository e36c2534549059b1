//! The three kinds of rows that a call needs: its token with store and app, the store's credential, and the client that an
//! app uses where platforms tie no token to one.

use chrono::{DateTime, Utc};

use super::rows::Rows;
use super::{Memory, Row};
use crate::db::access_tokens::{self, AccessToken};
use crate::db::apps::{self, App};
use crate::db::credentials::{self, Credential};
use crate::db::listen::News;
use crate::db::platform_apps::{self, PlatformApp};
use crate::db::stores::Store;
use crate::db::{self, Conn};
use crate::domain::access_token::TokenHash;
use crate::domain::id::{AppId, CredentialId};
use crate::domain::store::{Mode, StoreStatus};

/// An access token with its store and app, whatever state they are in.
pub struct KnownToken {
    pub hash: TokenHash,
    pub token: AccessToken,
    pub store: Store,
    pub app: App,
}

impl Row for KnownToken {
    type Key = TokenHash;

    fn read(conn: &mut Conn, hash: &TokenHash) -> db::Result<Option<Self>> {
        let found = access_tokens::find_with_store(conn, *hash)?;
        Ok(found.map(|(token, store, app)| Self {
            hash: *hash,
            token,
            store,
            app,
        }))
    }

    fn rows(memory: &Memory) -> &Rows<Self> {
        &memory.tokens
    }

    fn changes_with(&self) -> Vec<News> {
        vec![
            News::AccessToken(self.token.id),
            News::Store(self.store.id),
            // A refresh changes the state of all stores that share it.
            News::Credential(self.store.credential_id),
            News::App(self.app.id),
        ]
    }

    fn works(&self, now: DateTime<Utc>) -> bool {
        self.is_alive(now) && self.store.status == StoreStatus::Connected
    }

    fn size(&self) -> usize {
        let store = &self.store;
        let texts = [
            &store.url,
            &store.customer_id,
            &store.merchant_email,
            &store.merchant_name,
        ];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let sealed = store.values_sealed.as_ref().map_or(0, Vec::len);
        let evidence = store.evidence.as_ref().map_or(0, |evidence| evidence.to_string().len());
        let urls: usize = self.app.return_urls.0.iter().map(String::len).sum();
        size_of::<Self>() + texts + sealed + evidence + store.metadata.to_string().len() + urls + 500
    }
}

impl KnownToken {
    /// Neither revoked nor replaced, and its store not revoked.
    pub fn is_alive(&self, now: DateTime<Utc>) -> bool {
        self.token.revoked_at.is_none()
            && self.token.ends_at.is_none_or(|ends_at| now < ends_at)
            && self.store.status != StoreStatus::Revoked
    }
}

/// A credential that is not erased, with what goes with it.
pub struct KnownCredential {
    pub row: Credential,
    pub mode: Mode,
    pub platform_app: Option<PlatformApp>,
}

impl Row for KnownCredential {
    type Key = CredentialId;

    fn read(conn: &mut Conn, id: &CredentialId) -> db::Result<Option<Self>> {
        let Some(row) = credentials::find(conn, *id)? else {
            return Ok(None);
        };
        Self::with(conn, row)
    }

    fn rows(memory: &Memory) -> &Rows<Self> {
        &memory.credentials
    }

    fn changes_with(&self) -> Vec<News> {
        vec![News::Credential(self.row.id), News::PlatformApps]
    }

    fn works(&self, now: DateTime<Utc>) -> bool {
        self.row.dead_at.is_none() && self.row.access_expires_at.is_none_or(|at| now < at)
    }

    fn size(&self) -> usize {
        let sealed = [&self.row.values_sealed, &self.row.spares_sealed];
        let sealed: usize = sealed.into_iter().flatten().map(Vec::len).sum();
        size_of::<Self>() + sealed + self.platform_app.as_ref().map_or(0, size_of_client)
    }
}

impl KnownCredential {
    /// The rest of what goes with a row; `None`: it was erased.
    pub fn with(conn: &mut Conn, row: Credential) -> db::Result<Option<Self>> {
        if row.values_sealed.is_none() {
            return Ok(None);
        }
        let Some(owner) = apps::find(conn, row.app_id)? else {
            return Ok(None);
        };
        let platform_app = match row.platform_app_id {
            Some(id) => platform_apps::find(conn, id)?,
            None => None,
        };
        Ok(Some(Self {
            row,
            mode: owner.mode,
            platform_app,
        }))
    }
}

/// The client that an app uses at a platform, if there is one.
pub struct KnownClient(pub Option<PlatformApp>);

impl Row for KnownClient {
    type Key = (AppId, Mode, String);

    fn read(conn: &mut Conn, (app, mode, platform): &Self::Key) -> db::Result<Option<Self>> {
        Ok(Some(Self(platform_apps::find_for(conn, *app, *mode, platform)?)))
    }

    fn rows(memory: &Memory) -> &Rows<Self> {
        &memory.clients
    }

    fn changes_with(&self) -> Vec<News> {
        vec![News::PlatformApps]
    }

    fn works(&self, _: DateTime<Utc>) -> bool {
        true
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.as_ref().map_or(0, size_of_client)
    }
}

fn size_of_client(client: &PlatformApp) -> usize {
    let standby = client.standby_sealed.as_ref().map_or(0, Vec::len);
    client.values_sealed.len() + standby + client.public_values.to_string().len()
}
