//! Stores that stand in the database as if they had been connected, where a test is not about how that went.

use llavero::broker::{refresh, shop_values};
use llavero::db;
use llavero::db::credentials::{Granted, NewCredential};
use llavero::db::stores::NewStore;
use llavero::domain::id::{AppId, CredentialId, PlatformAppId, StoreId};
use llavero::domain::store::StoreStatus;
use llavero::platform::Values;

use super::test_app::TestApp;

pub struct Planted {
    pub credential: CredentialId,
    pub stores: Vec<StoreId>,
}

/// A credential of the demo app, with stores that share it.
pub fn plant(app: &TestApp, (platform, method): (&str, &str), client: Option<PlatformAppId>, stores: usize) -> Planted {
    let (tools, owner) = (app.app.clone(), app.demo.app_id);
    let credential: CredentialId = tools.id();
    let values = Values::new().with("access_token", "planted");
    let new = NewCredential {
        id: credential,
        app_id: owner,
        platform: platform.to_owned(),
        method: method.to_owned(),
        platform_app_id: client,
        granted: Granted {
            values_sealed: Some(refresh::seal_values(&tools.sealer, credential, &values)),
            access_issued_at: None,
            access_expires_at: None,
            refresh_expires_at: None,
            reauthorize_by: None,
            refresh_at: None,
            scopes: None,
        },
    };
    let stores: Vec<NewStore> = (0..stores)
        .map(|_| {
            let id: StoreId = tools.id();
            NewStore {
                platform_app_id: client,
                values_sealed: shop_values::seal(&tools.sealer, id, &Values::new().with("cipher", "planted")),
                ..store(id, owner, credential, platform, method)
            }
        })
        .collect();
    let ids = stores.iter().map(|store| store.id).collect();
    app.app
        .db
        .run_blocking(move |conn| {
            db::credentials::insert(conn, &new)?;
            stores.iter().try_for_each(|store| db::stores::insert(conn, store))
        })
        .unwrap_or_else(|error: db::Error| panic!("{error}"));
    Planted {
        credential,
        stores: ids,
    }
}

pub fn store(id: StoreId, owner: AppId, credential: CredentialId, platform: &str, method: &str) -> NewStore {
    NewStore {
        id,
        app_id: owner,
        credential_id: credential,
        platform_app_id: None,
        platform: platform.to_owned(),
        method: method.to_owned(),
        platform_store_id: format!("shop of {id}"),
        url: None,
        name: "Planted".to_owned(),
        customer_id: Some("customer-1".to_owned()),
        merchant_email: None,
        merchant_name: None,
        merchant_locale: None,
        status: StoreStatus::Connected,
        values_sealed: None,
    }
}
