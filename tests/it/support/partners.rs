//! Further apps and keys, made as the command line makes them: there is no public call for it.

use llavero::broker::apps::{self, NewApp};
use llavero::domain::admin::Actor;
use llavero::domain::id::AppId;
use llavero::domain::scope::Scope;
use llavero::domain::store::Mode;

use super::connecting::RETURN_URL;
use super::test_app::TestApp;

/// Where the live app's browsers return to.
pub const LIVE_RETURN_URL: &str = "https://partner.example/return";

/// Another partner's app with a key of every scope.
pub struct OtherApp {
    pub id: AppId,
    pub key: String,
}

pub async fn other_app(app: &TestApp, mode: Mode) -> OtherApp {
    let new = NewApp {
        partner: "Other partner".to_owned(),
        name: "Other app".to_owned(),
        mode,
        return_urls: vec![
            if mode == Mode::Live {
                LIVE_RETURN_URL
            } else {
                RETURN_URL
            }
            .to_owned(),
        ],
    };
    let id = apps::add(&app.app, new, Actor::command()).await.unwrap();
    OtherApp {
        id,
        key: key_of(app, id, Scope::ALL).await,
    }
}

/// A further key of the demo app.
pub async fn key(app: &TestApp, scopes: &[Scope]) -> String {
    key_of(app, app.demo.app_id, scopes).await
}

async fn key_of(app: &TestApp, of: AppId, scopes: &[Scope]) -> String {
    let made = apps::new_key(&app.app, of, "test", scopes.to_vec(), Actor::command())
        .await
        .unwrap();
    made.key.expose().to_owned()
}

/// The secret that signs the demo app's return URLs.
pub async fn signing_secret(app: &TestApp) -> String {
    let secret = apps::signing_secret(&app.app, app.demo.app_id).await.unwrap();
    secret.expose().to_owned()
}
