//! A grant is to one OAuth client: at the target it is attached to that one, or refused.

use std::collections::BTreeSet;

use llavero::db;
use llavero::domain::id::PlatformAppId;
use llavero::platform::descriptor::ClientOwner;
use llavero::platform::{Catalogue, register};
use serde_json::{Value, json};

use super::{Lines, export_to, import_from, lacks};
use crate::support::connecting::start;
use crate::support::planted::plant;
use crate::support::rows::count;
use crate::support::test_app::TestApp;

const ALIEXPRESS: (&str, &str) = ("aliexpress", "authorization");
const MERCADO_LIBRE: (&str, &str) = ("mercado-libre", "authorization");

/// The demo app's own client at a platform.
async fn register(app: &TestApp, slug: &str, fields: Value) -> PlatformAppId {
    let body = json!({ "fields": fields });
    let answer = app.api("PUT", &format!("/v1/platforms/{slug}/app"), Some(body)).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    client(app, slug, true)
}

/// The demo app's own client there, or the installation's.
fn client(app: &TestApp, slug: &str, own: bool) -> PlatformAppId {
    let (owner, slug) = (app.demo.app_id, slug.to_owned());
    let found = app.app.db.run_blocking(move |conn| {
        let all = db::platform_apps::list(conn, own.then_some(owner))?;
        Ok::<_, db::Error>(all.into_iter().find(|found| found.platform == slug))
    });
    found.unwrap().unwrap().id
}

fn aliexpress(key: &str) -> Value {
    json!({ "app_key": key, "app_secret": "a-secret-of-aliexpress" })
}

#[tokio::test]
async fn a_client_is_told_apart_by_what_its_platform_calls_it() {
    let (from, to) = (start().await, start().await);
    let theirs = register(&from, "aliexpress", aliexpress("source-key")).await;
    let planted = plant(&from, ALIEXPRESS, Some(theirs), 1);
    let lines = Lines::default();
    export_to(&from, &lines, false).await.unwrap();

    register(&to, "aliexpress", aliexpress("target-key")).await;
    let lacks_it = lacks(&to, &lines).await;
    assert!(
        lacks_it.len() == 1 && lacks_it[0].contains("source-key") && lacks_it[0].contains("target-key"),
        "{lacks_it:?}"
    );
    let told = import_from(&to, &lines).await;
    assert_eq!((told.made, told.refused.len()), (0, 1), "{told:?}");
    assert!(told.refused[0].contains("source-key"), "{told:?}");
    assert_eq!(count(&to.database, "SELECT count(*) AS n FROM credentials"), 0);

    let ours = register(&to, "aliexpress", aliexpress("source-key")).await;
    assert_eq!(lacks(&to, &lines).await, Vec::<String>::new());
    let told = import_from(&to, &lines).await;
    assert_eq!((told.made, told.refused.len()), (1, 0), "{told:?}");
    assert_eq!(client_of(&to, &planted.credential.to_string()), ours.to_string());
}

#[tokio::test]
async fn grants_to_an_apps_own_client_and_to_the_installations_find_each_its_own() {
    let (from, to) = (start().await, start().await);
    let shared = client(&from, "mercado-libre", false);
    let own_values = json!({ "client_id": "own-client", "client_secret": "own-secret" });
    let own = register(&from, "mercado-libre", own_values.clone()).await;
    let to_own = plant(&from, MERCADO_LIBRE, Some(own), 1);
    let to_shared = plant(&from, MERCADO_LIBRE, Some(shared), 1);
    let lines = Lines::default();
    export_to(&from, &lines, false).await.unwrap();

    let lacks_it = lacks(&to, &lines).await;
    assert!(
        lacks_it.len() == 1 && lacks_it[0].contains("own-client"),
        "{lacks_it:?}"
    );
    let told = import_from(&to, &lines).await;
    assert_eq!((told.made, told.refused.len()), (1, 1), "{told:?}");
    assert!(told.refused[0].contains(&to_own.stores[0].to_string()), "{told:?}");

    let ours = register(&to, "mercado-libre", own_values).await;
    assert_eq!(lacks(&to, &lines).await, Vec::<String>::new());
    let told = import_from(&to, &lines).await;
    assert_eq!((told.made, told.already, told.refused.len()), (1, 1, 0), "{told:?}");
    assert_eq!(client_of(&to, &to_own.credential.to_string()), ours.to_string());
    let shared = client(&to, "mercado-libre", false);
    assert_eq!(client_of(&to, &to_shared.credential.to_string()), shared.to_string());
}

/// The client that a credential is attached to.
fn client_of(app: &TestApp, credential: &str) -> String {
    let id = app.app.db.run_blocking({
        let credential = credential.parse().unwrap();
        move |conn| db::credentials::find(conn, credential)
    });
    let found = id.unwrap_or_else(|error: db::Error| panic!("{error}")).unwrap();
    found.platform_app_id.unwrap().to_string()
}
#[test]
fn every_method_with_a_client_of_the_apps_tells_it_by_a_field_that_is_no_secret() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut fields = BTreeSet::new();
    let mut without = Vec::new();
    for platform in catalogue.all() {
        for method in platform
            .methods
            .iter()
            .filter(|method| method.client == ClientOwner::App)
        {
            match register::client_field(method) {
                Some(field) => {
                    fields.insert(field.name.as_str());
                }
                None => without.push(platform.slug.as_str()),
            }
        }
    }
    assert_eq!(
        fields.into_iter().collect::<Vec<_>>(),
        ["app_id", "app_key", "client_id", "consumer_key"]
    );
    // Its one value is a secret, and a key pair that is not the app's is refused on the first call.
    assert_eq!(without, ["loja-integrada"]);
}
